"""The review desk: what the page says, and what each act does."""

import pytest
from django.urls import reverse

from contacts.models import Change, Link, SyncSettings
from contacts.remote import Unavailable, Unreadable
from contacts.values import Kind, Presence, Snapshot, System
from matching.models import Candidate, MatchIssue, Verdict
from tests.admin import factories


def page(issue: MatchIssue) -> str:
    return reverse("admin:match_issue", args=[issue.pk])


def act(name: str, issue: MatchIssue) -> str:
    return reverse(f"admin:issue_{name}", args=[issue.pk])


def seen(response, karbon) -> str:
    return next(match.seen for match in response.context["matches"] if match.karbon.pk == karbon.pk)


def confirm(desk, issue: MatchIssue, **more: str):
    karbon = issue.candidates.get().karbon
    token = seen(desk.get(page(issue)), karbon)
    return desk.post(act("confirm", issue), {"karbon": karbon.pk, "seen": token, **more}, follow=True)


def test_the_page_says_what_confirming_does(desk):
    left = factories.xero(phone={}, address=factories.ADDRESS)
    issue = factories.issue(left, factories.karbon(phone=factories.PHONE))
    shown = desk.get(page(issue)).content.decode()
    assert "Xero&#x27;s value overwrites Karbon&#x27;s" in shown or "Xero's value overwrites Karbon's" in shown
    assert "Karbon&#x27;s primary phone stays and fills Xero, because Xero has none." in shown
    assert "Xero&#x27;s billing address fills Karbon, because Karbon has none." in shown


def test_confirm_links_and_xero_wins(desk, staff):
    issue = factories.issue()
    response = confirm(desk, issue)
    assert "Harbour Joinery is linked" in response.content.decode()
    link = Link.objects.get()
    assert (link.origin, link.linked_by) == ("confirmed", staff)
    assert "billing_email" not in link.base_xero and "billing_email" in link.base_karbon
    issue.refresh_from_db()
    assert issue.state == "resolved"


def test_confirm_keeps_the_side_that_was_picked(desk):
    confirm(desk, factories.issue(), winner_billing_email="karbon")
    link = Link.objects.get()
    assert "billing_email" in link.base_xero and "billing_email" not in link.base_karbon


def test_confirm_refuses_what_changed_since_it_was_seen(desk):
    issue = factories.issue()
    karbon = issue.candidates.get().karbon
    token = seen(desk.get(page(issue)), karbon)
    karbon.values["billing_email"] = "new@harbour.example"
    karbon.save()
    response = desk.post(act("confirm", issue), {"karbon": karbon.pk, "seen": token}, follow=True)
    assert "changed since you looked" in response.content.decode()
    assert "new@harbour.example" in response.content.decode()
    assert not Link.objects.exists()


def test_confirm_of_a_closed_issue_says_that_somebody_was_faster(desk):
    issue = factories.issue()
    karbon = issue.candidates.get().karbon
    token = seen(desk.get(page(issue)), karbon)
    MatchIssue.objects.update(state="resolved")
    response = desk.post(act("confirm", issue), {"karbon": karbon.pk, "seen": token}, follow=True)
    assert "Somebody was faster: this match issue is already closed." in response.content.decode()
    assert "This match issue is closed" in response.content.decode()
    assert not Link.objects.exists()


def test_confirm_takes_no_contact_that_is_not_a_possible_match(desk):
    issue, stranger = factories.issue(), factories.karbon("Stranger")
    response = desk.post(act("confirm", issue), {"karbon": stranger.pk, "seen": "x"}, follow=True)
    assert "no longer a possible match" in response.content.decode()


def test_the_page_reads_karbons_full_record(desk, monkeypatch):
    right = factories.karbon(complete=False)
    values = {**right.values, "primary_phone": factories.PHONE, "billing_address": {}}

    def read(refs):
        began = right.read_began_at.now(right.read_began_at.tzinfo)
        snapshot = Snapshot(System.KARBON, right.remote_id, Kind.ORGANISATION, values, True, began)
        return {right.remote_id: snapshot}

    monkeypatch.setattr("karbonsync.admin_site.karbon_remote.connect", lambda **_: type("R", (), {"read": staticmethod(read)}))  # fmt: skip
    shown = desk.get(page(factories.issue(factories.xero(), right)))
    assert "555 0100" in shown.content.decode()
    assert not shown.context["matches"][0].obstacle


def test_a_record_that_cannot_be_read_leaves_the_page_but_no_confirm(desk, monkeypatch):
    def read(refs):
        raise Unavailable("Karbon does not answer. It is tried again.")

    monkeypatch.setattr("karbonsync.admin_site.karbon_remote.connect", lambda **_: type("R", (), {"read": staticmethod(read)}))  # fmt: skip
    issue = factories.issue(factories.xero(), factories.karbon(complete=False))
    shown = desk.get(page(issue))
    assert shown.status_code == 200
    assert "Karbon does not answer." in shown.content.decode()
    assert "disabled" in shown.content.decode()
    response = confirm(desk, issue)
    assert "Look at the pair again." in response.content.decode()
    assert not Link.objects.exists()


def test_create_new_asks_for_a_karbon_contact_of_the_chosen_kind(desk):
    SyncSettings.objects.create(default_contact_type="Client")
    issue = factories.issue()
    shown = desk.get(page(issue))
    assert shown.context["kind"] is Kind.ORGANISATION and shown.context["contact_type"] == "Client"
    desk.post(act("create_new", issue), {"kind": "person", "contact_type": "Client"})
    change = Change.objects.get()
    assert (change.action, change.system, change.kind, change.contact_type) == ("create", "karbon", "person", "Client")
    assert Verdict.objects.get().is_same is False


def test_create_new_needs_a_kind(desk):
    issue = factories.issue()
    response = desk.post(act("create_new", issue), {"kind": "unknown"}, follow=True)
    assert "Choose first whether it is a person or an organisation." in response.content.decode()
    assert not Change.objects.exists()


def test_not_the_same_takes_one_match_away_and_creates_nothing(desk):
    first, second = factories.karbon(), factories.karbon()
    issue = factories.issue(factories.xero(), first, second)
    desk.post(act("not_the_same", issue), {"karbon": first.pk})
    assert [c.karbon for c in Candidate.objects.all()] == [second]
    desk.post(act("not_the_same", issue), {"karbon": second.pk})
    shown = desk.get(page(issue)).content.decode()
    assert "No possible match is left" in shown
    assert not Change.objects.exists()


def test_not_the_same_twice_says_that_it_is_gone(desk):
    issue = factories.issue()
    right = issue.candidates.get().karbon
    desk.post(act("not_the_same", issue), {"karbon": right.pk})
    response = desk.post(act("not_the_same", issue), {"karbon": right.pk}, follow=True)
    assert "no longer on the list" in response.content.decode()


def test_leave_out_and_bring_back(desk):
    issue = factories.issue()
    desk.post(act("leave_out", issue))
    issue.xero.refresh_from_db()
    assert issue.xero.left_out
    listed = desk.get(reverse("admin:match_issues") + "?tab=left-out").content.decode()
    assert "Harbour Joinery" in listed
    desk.post(reverse("admin:bring_back", args=[issue.xero_id]))
    issue.xero.refresh_from_db()
    assert not issue.xero.left_out and issue.xero.match_due


def test_when_all_matches_are_taken_there_is_no_confirm_but_a_duplicate(desk):
    other = factories.xero("Harbour Joinery Ltd")
    link = factories.pair(other)
    issue = factories.issue(factories.xero(), link.karbon, taken=True)
    shown = desk.get(page(issue)).content.decode()
    assert "Confirm the link" not in shown and "It is a duplicate" in shown
    assert "Harbour Joinery Ltd" in shown
    assert reverse("admin:contacts_xerocontact_change", args=[other.pk]) in shown
    desk.post(act("duplicate", issue))
    issue.refresh_from_db()
    assert (issue.state, issue.xero.left_out) == ("resolved", True)


def test_a_taken_match_cannot_be_confirmed_by_a_crafted_request(desk):
    link = factories.pair(factories.xero("Other"))
    issue = factories.issue(factories.xero(), link.karbon, taken=True)
    response = confirm(desk, issue)
    assert "already linked to another Xero contact" in response.content.decode()
    assert Link.objects.count() == 1


def test_a_match_that_left_karbon_cannot_be_confirmed(desk):
    shown = desk.get(page(factories.issue(factories.xero(), factories.karbon(presence=Presence.GONE))))
    assert "It is gone in Karbon." in shown.content.decode()


@pytest.mark.parametrize("tab", ["issues", "unsynced", "left-out", "nonsense"])
def test_empty_lists_explain_themselves(tab, desk):
    shown = desk.get(reverse("admin:match_issues"), {"tab": tab}).content.decode()
    assert "ks-empty" in shown
    assert (
        "Nothing found for “zzz”" in desk.get(reverse("admin:match_issues"), {"tab": tab, "q": "zzz"}).content.decode()
    )


def test_search_finds_capitals_and_emails(desk):
    factories.issue(factories.xero("Ängström Ltd", "boss@angstrom.example"))
    factories.issue(factories.xero("Someone else"), factories.karbon("Someone else"))
    for query in ("ÄNGSTRÖM", "BOSS@angstrom"):
        shown = desk.get(reverse("admin:match_issues"), {"q": query}).content.decode()
        assert "Ängström" in shown and "Someone else" not in shown


def test_the_list_is_paged(desk):
    for number in range(51):
        factories.issue(factories.xero(f"Client {number}"), factories.karbon(f"Client {number}"))
    shown = desk.get(reverse("admin:match_issues"))
    assert len(shown.context["page"].object_list) == 50
    assert "page=2" in shown.content.decode()


def test_an_onlooker_sees_but_has_no_buttons(client, db):
    user = factories.person("Vera", ("matching.view_matchissue",))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    shown = client.get(page(factories.issue())).content.decode()
    assert "You may look, but not decide." in shown and "Confirm the link" not in shown


def test_a_service_that_fails_is_asked_once_per_page(desk, monkeypatch):
    calls = []

    def read(refs):
        calls.append(refs)
        raise Unavailable("Karbon does not answer.")

    monkeypatch.setattr("karbonsync.admin_site.karbon_remote.connect", lambda **_: type("R", (), {"read": staticmethod(read)}))  # fmt: skip
    rights = [factories.karbon(complete=False) for _ in range(12)]
    shown = desk.get(page(factories.issue(factories.xero(), *rights)))
    assert len(calls) == 1
    assert all(match.obstacle for match in shown.context["matches"])


def test_a_record_that_is_refused_keeps_no_other_of_the_page_from_being_read(desk, monkeypatch):
    def read(refs):
        raise Unreadable("It was not shown to us.")

    monkeypatch.setattr("karbonsync.admin_site.karbon_remote.connect", lambda **_: type("R", (), {"read": staticmethod(read)}))  # fmt: skip
    rights = [factories.karbon(complete=False) for _ in range(3)]
    shown = desk.get(page(factories.issue(factories.xero(), *rights)))
    assert ["not shown to us" in match.obstacle for match in shown.context["matches"]] == [True, True, True]


def test_a_contact_that_was_linked_before_is_said_to_be_asked_about_once_it_is_brought_back(desk):
    left = factories.pair(factories.xero(left_out=True), state=Link.State.ENDED).xero
    response = desk.post(reverse("admin:bring_back", args=[left.pk]), follow=True)
    assert "the next check asks what to do with it" in response.content.decode()
    assert "It was linked before, so the next check asks" in response.content.decode()
    other = factories.xero("Quay Boats Limited", left_out=True)
    response = desk.post(reverse("admin:bring_back", args=[other.pk]), follow=True)
    assert "linked before" not in response.content.decode()


def test_a_karbon_page_leads_to_the_match_issue_that_may_be_about_it(desk):
    issue = factories.issue()
    karbon = issue.candidates.get().karbon
    shown = desk.get(reverse("admin:contacts_karboncontact_change", args=[karbon.pk])).content.decode()
    assert page(issue) in shown
