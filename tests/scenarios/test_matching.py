"""Who is matched with whom, who waits for a person, and who is brought into Karbon."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from contacts import bell, links, mirror
from contacts.models import Bell, Link, RemoteContact
from contacts.values import Ref, Snapshot, System
from karbon.remote import KarbonRemote
from karbonsync.pipeline import Pipeline
from matching import issues
from matching.models import MatchIssue
from tests.scenarios.conftest import ADDRESS, PHONE, World, read_karbon
from tests.scenarios.test_acts import read_in_full

NAME, EMAIL = "Harbour Joinery Limited", "office@harbour.example"


def assert_held(world: World, xero: str, *candidates: str) -> None:
    """The contact waits for a person; both address books are as they were."""
    before = world.state()
    world.connect()
    result = world.sync()
    assert (result.written, result.created) == (0, 0)
    assert world.candidates(xero) == set(candidates)
    assert world.state() == before


def test_same_name_and_same_email_are_linked_and_nothing_is_written(world: World) -> None:
    pair = world.add_pair()
    before = world.state()
    world.connect()
    result = world.sync()
    assert result.matched["full"] == 1
    assert world.links() == {pair}
    assert world.state() == before


def test_a_full_match_fills_blanks_both_ways_and_xero_wins_where_both_differ(world: World) -> None:
    xero = world.add_xero(NAME, EMAIL, address=ADDRESS)
    key = world.add_organisation(
        NAME, EMAIL, phone=PHONE, address={"lines": "2 Other Street", "city": "Otago", "postcode": "9000"}
    )
    world.connect()
    world.sync()
    assert world.links() == {(xero, key)}
    world.assert_both(xero, key, phone="6495550100", address=("1 Wharf Road", "Auckland", "", "1010", "NZ"))


def test_a_full_match_disregards_case_spaces_and_unicode_form(world: World) -> None:
    xero = world.add_xero("Café Zoë Limited", "Hello@Cafe.example")
    key = world.add_organisation("cafe\u0301  zoe\u0308 LIMITED", "hello@cafe.EXAMPLE")
    before = world.state()
    world.connect()
    world.sync()
    assert world.links() == {(xero, key)}
    assert world.state() == before


def test_same_name_but_another_email_waits_for_a_person(world: World) -> None:
    xero = world.add_xero(NAME, EMAIL)
    assert_held(world, xero, world.add_organisation(NAME, "other@harbour.example"))


def test_same_email_but_another_name_waits_for_a_person(world: World) -> None:
    xero = world.add_xero(NAME, EMAIL)
    assert_held(world, xero, world.add_organisation("Quay Boats Limited", EMAIL))


def test_a_name_at_one_contact_and_an_email_at_another_waits_for_a_person(world: World) -> None:
    xero = world.add_xero(NAME, EMAIL)
    by_name = world.add_organisation(NAME, "other@harbour.example")
    assert_held(world, xero, by_name, world.add_person("Mere", "Tane", EMAIL))


def test_several_karbon_contacts_that_share_both_wait_for_a_person(world: World) -> None:
    xero = world.add_xero(NAME, EMAIL)
    assert_held(world, xero, world.add_organisation(NAME, EMAIL), world.add_organisation(NAME, EMAIL))


def test_two_xero_contacts_that_share_both_with_one_karbon_contact_wait_for_a_person(world: World) -> None:
    first = world.add_xero("Mere Tane", EMAIL)
    second = world.add_xero("Mere  Tane", EMAIL)
    key = world.add_person("Mere", "Tane", EMAIL)
    assert_held(world, first, key)
    assert world.candidates(second) == {key}


def test_a_contact_whose_only_possible_match_is_already_linked_waits_and_cannot_be_confirmed(world: World) -> None:
    _, key = world.linked_pair()
    late = world.add_xero("Harbour Joinery Holdings Limited", EMAIL)
    before = world.state()
    world.sync()
    assert world.candidates(late) == {key}
    assert world.issue_of(late).candidates.get().is_taken
    assert world.state() == before


@pytest.mark.parametrize(("name", "kind"), [("Coastal Plumbing Limited", "organizations"), ("Aroha Ngata", "contacts")])
def test_a_contact_without_match_is_created_in_karbon_as_the_right_kind_and_type(
    world: World, name: str, kind: str
) -> None:
    world.add_pair()
    xero = world.add_xero(name, "hello@coast.example")
    world.connect(contact_type="Prospect")
    result = world.sync()
    assert (result.matched["none"], result.created) == (1, 1)
    (made,) = [r for r in world.state()["karbon"][kind] if read_karbon(r)["name"] == name]
    assert made["ContactType"] == "Prospect"
    world.assert_both(xero, str(made.get("ContactKey") or made["OrganizationKey"]), name=name, phone="", address=())
    assert world.xero_names() == sorted([NAME, name])


def test_a_created_contact_carries_all_four_values(world: World) -> None:
    world.add_pair()
    xero = world.add_xero("Coastal Plumbing Limited", "hi@coast.example", phone=PHONE, address=ADDRESS)
    world.connect()
    world.sync()
    key = world.karbon_named("Coastal Plumbing Limited")["OrganizationKey"]
    world.assert_both(xero, key, email="hi@coast.example", phone="6495550100")
    world.assert_at_rest()


def test_an_archived_contact_is_neither_matched_nor_created(world: World) -> None:
    world.add_xero(NAME, EMAIL, ContactStatus="ARCHIVED")
    world.add_xero("Coastal Plumbing Limited", "hi@coast.example", ContactStatus="ARCHIVED")
    world.add_organisation(NAME, EMAIL)
    before = world.state()
    world.connect()
    result = world.sync()
    assert (result.created, result.written, world.links()) == (0, 0, set())
    assert world.state() == before


def test_a_blank_email_matches_nothing(world: World) -> None:
    world.add_xero("Coastal Plumbing Limited")
    other = world.add_organisation("Quay Boats Limited")
    world.connect()
    result = world.sync()
    assert result.matched["conflict"] == 0
    assert world.karbon_names() == ["Coastal Plumbing Limited", "Quay Boats Limited"]
    assert world.in_karbon(other) == {"name": "Quay Boats Limited", "email": "", "phone": "", "address": ()}
    assert world.xero_names() == ["Coastal Plumbing Limited"]


def test_a_blank_email_on_both_sides_is_no_full_match(world: World) -> None:
    xero = world.add_xero(NAME)
    assert_held(world, xero, world.add_organisation(NAME))


def test_a_person_filed_last_name_first_is_the_same_person(world: World) -> None:
    xero = world.add_xero("Tane, Mere", "mere@tane.example")
    key = world.add_person("Mere", "Tane", "mere@tane.example")
    before = world.state()
    world.connect()
    world.sync()
    assert world.links() == {(xero, key)}
    assert world.state() == before


def test_a_contact_made_in_karbon_does_not_reach_xero_unasked(world: World) -> None:
    world.linked_pair()
    world.add_organisation("Quay Boats Limited", "hi@quay.example")
    world.sync()
    world.sync(full=True)
    assert world.xero_names() == [NAME]
    assert world.karbon_names() == [NAME, "Quay Boats Limited"]
    assert world.mirrored(System.KARBON, world.karbon_named("Quay Boats Limited")["OrganizationKey"])
    assert Link.objects.count() == 1


def test_the_second_sync_writes_nothing_and_a_quiet_one_takes_three_calls(world: World) -> None:
    world.add_pair()
    world.add_xero("Coastal Plumbing Limited", "hi@coast.example", phone=PHONE, address=ADDRESS)
    world.add_xero("Aroha Ngata", "aroha@ngata.example", phone=("", "", "021 555 019"))
    world.connect()
    assert world.sync().created == 2
    world.assert_at_rest()
    world.forget_calls()
    world.assert_at_rest()
    assert len(world.calls(system="xero")) <= 1
    assert len(world.calls(system="karbon")) <= 2


def test_what_people_decide_while_full_matches_are_being_read_stands(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, match = world.add_xero(NAME, "a@harbour.example"), world.add_organisation(NAME, "b@harbour.example")
    other = world.add_organisation("Quite Another Name Limited")
    world.connect()
    world.sync()
    for key in (match, other):
        read_in_full(world, key)
    world.edit_xero(held, EmailAddress="c@harbour.example")
    left, by_hand = world.add_xero("Left Behind Limited"), world.add_xero("By Hand Limited")
    pair = world.add_pair("Coastal Plumbing Limited", "hi@coast.example")
    link_full_match = Pipeline._link_full_match

    def slowly(self: Pipeline, contact: RemoteContact, karbon_pk: int) -> None:
        issues.confirm(world.issue_of(held), world.mirrored(System.KARBON, match), by=world.by)
        links.leave_out(world.mirrored(System.XERO, left), by=world.by)
        mine = world.mirrored(System.XERO, by_hand)
        issues.link_by_hand(mine, world.mirrored(System.KARBON, other), by=world.by)
        link_full_match(self, contact, karbon_pk)

    monkeypatch.setattr(Pipeline, "_link_full_match", slowly)
    world.sync()
    monkeypatch.undo()
    world.settle()
    assert world.links() == {(held, match), (by_hand, other), pair}
    assert world.karbon_names() == sorted(["By Hand Limited", "Coastal Plumbing Limited", NAME])
    assert not issues.open_issues().exists()


def test_a_contact_left_out_while_its_full_match_is_read_is_not_linked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    xero, _ = world.add_pair()
    other = world.add_pair("Coastal Plumbing Limited", "hi@coast.example")
    world.connect()
    read = KarbonRemote.read

    def slowly(self: KarbonRemote, refs: Sequence[Ref]) -> Mapping[str, Snapshot | None]:
        if not world.mirrored(System.XERO, xero).left_out:
            links.leave_out(world.mirrored(System.XERO, xero), by=world.by)
        return read(self, refs)

    with monkeypatch.context() as patch:
        patch.setattr(KarbonRemote, "read", slowly)
        world.check()
    world.settle()
    assert world.links() == {other}
    assert world.mirrored(System.XERO, xero).left_out


def test_a_contact_that_is_no_full_match_any_more_once_it_was_read_waits_for_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    xero, key = world.add_pair()
    world.connect()
    read = KarbonRemote.read

    def slowly(self: KarbonRemote, refs: Sequence[Ref]) -> Mapping[str, Snapshot | None]:
        world.edit_card(key, EmailAddresses=["other@harbour.example"])
        return read(self, refs)

    with monkeypatch.context() as patch:
        patch.setattr(KarbonRemote, "read", slowly)
        world.check()
    assert world.links() == set()
    assert world.candidates(xero) == {key}


def test_a_process_that_dies_between_linking_and_closing_the_match_issue_leaves_no_question(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    xero, key = world.add_xero(NAME, EMAIL), world.add_organisation(NAME, "other@harbour.example")
    world.connect()
    world.sync()
    issue = world.issue_of(xero)
    world.edit_card(key, EmailAddresses=[EMAIL])
    world.settle()
    assert world.links() == {(xero, key)}
    MatchIssue.objects.filter(pk=issue.pk).update(state=MatchIssue.State.OPEN, closed_at=None)
    world.settle()
    assert world.links() == {(xero, key)}
    assert not issues.open_issues().exists()


def test_a_full_match_that_was_deleted_before_it_could_be_read_is_decided_by_a_check_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    xero, key = world.add_pair()
    world.add_organisation("Quay Boats Limited")
    world.connect()
    read = KarbonRemote.read

    def too_late(self: Any, refs: Any) -> Any:
        monkeypatch.setattr(KarbonRemote, "read", read)
        world.control("DELETE", f"/karbon/organizations/{key}")
        return read(self, refs)

    monkeypatch.setattr(KarbonRemote, "read", too_late)
    with django_capture_on_commit_callbacks(execute=True):
        world.sync()
    assert Bell.objects.get(task=bell.CHECK).rung_at
    world.sync()
    assert world.link_of(xero).state == Link.State.LIVE
    assert world.karbon_names() == ["Harbour Joinery Limited", "Quay Boats Limited"]
