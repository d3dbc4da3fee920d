"""Suggestions, the index under them, and duplicates inside one system, over a real database."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from contacts import mirror
from contacts.models import RemoteContact
from contacts.values import Kind, System
from matching import filing, issues, queue
from matching.duplicates import duplicates
from matching.matcher import Category
from matching.models import Candidate, LookupKey
from matching.suggestions import suggest

pytestmark = pytest.mark.django_db


def add(system: System, name: str, email: str = "", phone: str = "", kind: Kind = Kind.UNKNOWN) -> RemoteContact:
    contact = RemoteContact(
        system=system,
        remote_id=f"{system}-{RemoteContact.objects.count()}",
        kind=kind,
        values={"name": name, "billing_email": email, "primary_phone": {"number": phone} if phone else {}},
        read_began_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    mirror.set_keys(contact)
    contact.save()
    return contact


def xero(*values: str) -> RemoteContact:
    return add(System.XERO, *values)


def karbon(*values: str) -> RemoteContact:
    return add(System.KARBON, *values)


def decided(*contacts: RemoteContact, hold_from: float | None = 0.6) -> list[queue.Decided]:
    filing.bring_up_to_date()
    return queue.look_closely(queue.decide(contacts), hold_from=hold_from)


def test_the_likeliest_comes_first_with_its_reasons() -> None:
    mine = xero("Rob Smithers", "rob@smithers.example")
    right, wrong = karbon("Robert Smithers", "rob@smithers.example"), karbon("Rosa Smithers", "rosa@other.example")
    filing.bring_up_to_date()
    found = suggest([mine])[mine.pk]
    assert found[0].karbon == right.pk
    assert {"same e-mail", "Rob is short for Robert"} <= set(found[0].reasons)
    assert all(each.score < 0.5 for each in found if each.karbon == wrong.pk)


def test_an_email_of_many_clients_is_told_and_suggests_nobody_whose_name_does_not_fit() -> None:
    mine = xero("Mere Tane", "books@keeper.example")
    others = [karbon(f"{name} Limited", "books@keeper.example") for name in ["Alpine", "Bosun", "Cobalt", "Dune", "Ember", "Fjord", "Gale", "Heron", "Iris", "Juniper", "Kestrel", "Lotus"]]  # fmt: skip
    filing.bring_up_to_date()
    found = suggest([mine], also={mine.pk: [other.pk for other in others]})[mine.pk]
    assert {each.karbon for each in found} == {other.pk for other in others}
    assert all("e-mail shared by 12 clients, no name fits" in each.reasons for each in found)
    assert all(each.score < 0.2 for each in found)


def test_a_no_match_that_looks_like_a_free_contact_is_held_as_similar() -> None:
    mine = xero("Christopher Postlethwaite", "c.postlethwaite@inbox.example")
    other = karbon("Chris Postlethwaite", "christopher.postlethwaite@inbox.example")
    (each,) = decided(mine)
    assert each.decision.category is Category.SIMILAR
    issue = issues.hold(mine, each.decision, each.suggestions)
    candidate = issue.candidates.get()
    assert (candidate.karbon, candidate.why) == (other, Candidate.Why.SIMILAR)
    assert candidate.score is not None and candidate.score >= 0.6
    assert "Chris is short for Christopher" in candidate.evidence


def test_without_the_policy_there_are_exactly_three_groups() -> None:
    mine = xero("Christopher Postlethwaite", "c.postlethwaite@inbox.example")
    karbon("Chris Postlethwaite", "christopher.postlethwaite@inbox.example")
    (each,) = decided(mine, hold_from=None)
    assert each.decision.category is Category.NONE


def test_not_the_same_is_never_asked_again() -> None:
    mine = xero("Christopher Postlethwaite", "c.postlethwaite@inbox.example")
    other = karbon("Chris Postlethwaite", "christopher.postlethwaite@inbox.example")
    issues.decide_pair(mine, other, is_same=False, by=User.objects.create(username="staff"))
    (each,) = decided(mine)
    assert each.decision.category is Category.NONE
    assert suggest([mine])[mine.pk] == []


def test_a_lookalike_that_fits_another_xero_contact_better_holds_nobody() -> None:
    mine, better = xero("Jon Quayle-Smithers"), xero("John Quayle-Smithers", "john@quayle.example")
    karbon("John Quayle-Smithers", "john@quayle.example")
    found = {each.contact.pk: each.decision.category for each in decided(mine, better)}
    assert found == {mine.pk: Category.NONE, better.pk: Category.FULL}


def test_conflicts_carry_scores_and_reasons_too() -> None:
    mine = xero("Harbour Joinery Limited", "office@harbour.example")
    karbon("Harbour Joinery Limited", "hello@quite-another.example")
    (each,) = decided(mine)
    issue = issues.hold(mine, each.decision, each.suggestions)
    candidate = issue.candidates.get()
    assert candidate.why == Candidate.Why.NAME
    assert candidate.score is not None
    assert "same name" in candidate.evidence


def test_a_couple_is_told_whom_karbon_has() -> None:
    mine = xero("J & M Smithers", "smithers@home.example")
    people = [add(System.KARBON, name, "", "", Kind.PERSON) for name in ("John Smithers", "Mary Smithers")]
    filing.bring_up_to_date()
    found = suggest([mine])[mine.pk]
    assert {each.karbon for each in found} >= {person.pk for person in people}
    assert any("Karbon has John Smithers and Mary Smithers" in each.reasons for each in found)


def test_a_renamed_contact_is_filed_afresh_and_others_are_left_alone() -> None:
    moved, stays = karbon("Alpine Joinery"), karbon("Bosun Boats")
    assert filing.bring_up_to_date() == 2
    kept = set(LookupKey.objects.filter(contact=stays).values_list("pk", flat=True))
    moved.values = {**moved.values, "name": "Cobalt Mining"}
    moved.read_began_at = datetime(2026, 1, 2, tzinfo=UTC)
    moved.save()
    assert filing.bring_up_to_date() == 1
    assert filing.bring_up_to_date() == 0
    assert set(LookupKey.objects.filter(contact=stays).values_list("pk", flat=True)) == kept
    mine = xero("Cobalt Mining Limited")
    filing.bring_up_to_date()
    assert [each.karbon for each in suggest([mine])[mine.pk]] == [moved.pk]


def test_the_number_of_queries_does_not_grow_with_the_contacts(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    names = ["Alpine Joinery", "Bosun Boats", "Cobalt Mining", "Dune Surf", "Ember Glass", "Fjord Tours", "Gale Wind"]
    mine = [xero(f"{name} {n} Limited") for name in names for n in range(10)]
    for name in names:
        karbon(name)
    filing.bring_up_to_date()
    suggest(mine[:1])
    with django_assert_max_num_queries(16):
        suggest(mine)


def test_duplicates_inside_one_system_are_found_once_with_what_tells_them_apart() -> None:
    one, other = xero("Harbour Joinery Limited", "office@harbour.example", "09 555 0100"), xero("Harbour Joinery Ltd", "office@harbour.example")  # fmt: skip
    xero("Quay Boats Limited", "hi@quay.example")
    karbon("Harbour Joinery Limited", "office@harbour.example")
    filing.bring_up_to_date()
    (found,) = duplicates(System.XERO)
    assert (found.one, found.other) == (one, other)
    assert found.score > 0.6
    assert "same e-mail" in found.reasons
    assert [difference[0] for difference in found.differences] == ["Name", "Primary phone"]
