"""The queue of match issues: narrowed, sorted, one after the other, and several at once."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from contacts.models import Change, Link
from matching import issues
from matching.models import Candidate, MatchIssue, Verdict
from matching.strength import strength
from tests.admin import factories


def listed(desk, **order: str) -> list[str]:
    page = desk.get(reverse("admin:match_issues"), order).context["page"]
    return [str(issue) for issue in page]


def ask(desk, do: str, *found: MatchIssue):
    return desk.get(reverse("admin:issues_together"), {"do": do, "issue": [issue.pk for issue in found]}, follow=True)


def decide(desk, asked, **more: str):
    """Press the button of the page that asks, with everything it shows left as it is."""
    form: dict[str, object] = {"do": asked.context["act"], "issue": [row.issue.pk for row in asked.context["ticked"]]}
    for row in asked.context["ticked"]:
        form |= {f"seen_{row.issue.pk}": row.seen, f"kind_{row.issue.pk}": row.kind.value}
    return desk.post(reverse("admin:issues_together_decide"), {**form, **more}, follow=True)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0.999, "Very likely (99 %)"),
        (0.9, "Very likely (90 %)"),
        (0.896, "Very likely (90 %)"),
        (0.6, "Possible (60 %)"),
        (0.001, "Unlikely (1 %)"),
    ],
)
def test_a_strength_reads_in_words(score, words):
    assert str(strength(score)) == words


def test_the_queue_is_narrowed_by_why(desk):
    factories.issue(factories.xero("Same name"))
    factories.issue(factories.xero("Same email"), why=Candidate.Why.EMAIL)
    factories.issue(factories.xero("Several"), why=Candidate.Why.AMBIGUOUS)
    factories.similar("Similar")
    both = factories.issue(factories.xero("Same name and similar"))
    Candidate.objects.create(issue=both, karbon=factories.karbon(), why=Candidate.Why.SIMILAR)
    MatchIssue.objects.create(xero=factories.xero("None left"), reason="")
    assert listed(desk, why="similar") == ["Similar"]
    assert set(listed(desk, why="name")) == {"Same name", "Same name and similar"}
    assert listed(desk, why="email") == ["Same email"]
    assert listed(desk, why="ambiguous") == ["Several"]
    assert listed(desk, why="none") == ["None left"]
    assert len(listed(desk, why="nonsense")) == 6
    shown = desk.get(reverse("admin:match_issues")).context["whys"]
    assert {why: count for why, _, count in shown} == {"name": 2, "email": 1, "ambiguous": 1, "similar": 1, "none": 1}


def test_the_queue_is_sorted_by_the_strength_of_the_best_match(desk):
    for name, score in (("Middle", 0.6), ("Strong", 0.99), ("Weak", 0.1)):
        factories.similar(name, score=score)
    factories.issue(factories.xero("Unscored"))
    assert listed(desk, sort="strongest") == ["Strong", "Middle", "Weak", "Unscored"]
    assert listed(desk, sort="weakest") == ["Weak", "Middle", "Strong", "Unscored"]
    assert listed(desk, sort="oldest") == ["Middle", "Strong", "Weak", "Unscored"]


def test_the_queue_shows_the_best_match_and_its_reasons(desk):
    weak, strong = factories.karbon("Weaker Ltd"), factories.karbon("Harbour Joiners")
    issue = factories.similar("Harbour Joinery", weak, score=0.3)
    Candidate.objects.create(
        issue=issue, karbon=strong, why="similar", score=0.95, evidence=["same e-mail", "joinery is like joiners"]
    )
    shown = desk.get(reverse("admin:match_issues")).content.decode()
    assert "Harbour Joiners" in shown and "Weaker Ltd" not in shown
    assert "Same e-mail; joinery is like joiners" in shown
    assert "Very likely" in shown and "and 1 more" in shown


def test_the_page_ranks_matches_with_their_reasons(desk):
    weak, strong = factories.karbon("Weaker Ltd"), factories.karbon("Harbour Joiners")
    issue = factories.similar("Harbour Joinery", weak, score=0.3)
    Candidate.objects.create(issue=issue, karbon=strong, why="similar", score=0.95, evidence=["same e-mail"])
    shown = desk.get(reverse("admin:match_issue", args=[issue.pk]))
    assert [match.karbon for match in shown.context["matches"]] == [strong, weak]
    text = shown.content.decode()
    assert "This looks like a client Karbon already has" in text
    assert "Same e-mail" in text and "Very likely" in text and "Unlikely" in text


def test_what_differs_is_marked_word_by_word(desk):
    issue = factories.similar("Harbour Joinery Limited", factories.karbon("Harbour Joinery Ltd"))
    shown = desk.get(reverse("admin:match_issue", args=[issue.pk])).content.decode()
    assert '<mark class="ks-differs">Limited</mark>' in shown and '<mark class="ks-differs">Ltd</mark>' in shown
    assert '<mark class="ks-differs">Harbour' not in shown


def test_after_an_act_comes_the_next_issue_of_the_same_list(desk):
    first, second, third = (
        factories.similar(name, score=score) for name, score in (("A", 0.9), ("B", 0.8), ("C", 0.7))
    )
    factories.issue(factories.xero("Another reason"))
    order = "?why=similar&sort=strongest"
    shown = desk.get(reverse("admin:match_issue", args=[second.pk]) + order)
    assert (shown.context["place"].number, shown.context["place"].of) == (2, 3)
    assert (shown.context["place"].before, shown.context["place"].after) == (first.pk, third.pk)
    after = desk.post(reverse("admin:issue_leave_out", args=[second.pk]) + order)
    assert after["Location"] == reverse("admin:match_issue", args=[third.pk]) + order
    after = desk.post(reverse("admin:issue_leave_out", args=[third.pk]) + order)
    assert after["Location"] == reverse("admin:match_issue", args=[first.pk]) + order
    after = desk.post(reverse("admin:issue_leave_out", args=[first.pk]) + order)
    assert after["Location"] == reverse("admin:match_issues") + order


def test_several_are_created_at_once_each_with_its_own_audit_entry(desk, staff):
    found = [factories.similar("Zenith Plumbing Ltd"), factories.issue(factories.xero("Mary Poppins"))]
    asked = ask(desk, "create-new", *found)
    text = asked.content.decode()
    assert "Zenith Plumbing Ltd" in text and "remembered as not the same" in text
    done = decide(desk, asked, **{f"kind_{found[0].pk}": "organisation", f"kind_{found[1].pk}": "person"})
    assert "New Karbon contacts for 2 of them are created in a moment" in done.content.decode()
    kinds = dict(Change.objects.values_list("link__xero__name_key", "kind"))
    assert kinds == {"zenith plumbing ltd": "organisation", "mary poppins": "person"}
    assert Verdict.objects.filter(is_same=False).count() == 2
    assert LogEntry.objects.filter(user=staff, change_message="Asked for a new Karbon contact.").count() == 2
    assert not issues.open_issues().exists()


def test_several_are_left_out_at_once(desk):
    found = [factories.similar("One"), factories.similar("Two")]
    decide(desk, ask(desk, "leave-out", *found))
    for issue in found:
        issue.xero.refresh_from_db()
        assert issue.xero.left_out
    assert not Change.objects.exists()


def test_one_that_changed_meanwhile_is_told_and_keeps_nobody_back(desk):
    first, second, third = (factories.similar(name) for name in ("One", "Two", "Three"))
    asked = ask(desk, "leave-out", first, second, third)
    second.xero.values["name"] = "Renamed since"
    second.xero.save()
    MatchIssue.objects.filter(pk=third.pk).update(state="resolved")
    text = decide(desk, asked).content.decode()
    assert "Renamed since: It has changed since you looked" in text
    assert "Decided by somebody else meanwhile, so left as they are: 1 of those ticked" in text
    assert "Left out of Karbon: 1" in text
    second.xero.refresh_from_db()
    assert not second.xero.left_out


def test_one_that_is_already_linked_is_told_by_name(desk):
    issue = factories.similar("One")
    asked = ask(desk, "create-new", issue)
    factories.pair(issue.xero)
    assert "One: A counterpart is already there" in decide(desk, asked).content.decode()
    assert Link.objects.count() == 1
    assert issues.open_issues().get() == issue


def test_an_issue_that_more_than_a_name_speaks_for_is_not_decided_with_others(desk):
    issue = factories.issue(factories.xero("Shares an email"), why=Candidate.Why.EMAIL)
    assert 'name="issue"' not in desk.get(reverse("admin:match_issues")).content.decode()
    assert "Tick at least one" in ask(desk, "leave-out", issue).content.decode()
    factories.similar("One")
    sealed = desk.get(
        reverse("admin:issues_together"), {"do": "leave-out", "issue": MatchIssue.objects.latest("pk").pk}
    )
    candidate = issue.candidates.get()
    Candidate.objects.filter(pk=candidate.pk).update(why="similar")
    asked = ask(desk, "leave-out", issue)
    Candidate.objects.filter(pk=candidate.pk).update(why="email")
    assert "More than a name speaks for a match here" in decide(desk, asked).content.decode()
    assert sealed.status_code == 200
    issue.xero.refresh_from_db()
    assert not issue.xero.left_out
