"""Paused for safety: mass changes, lists of another organisation, fields that flip; and going on or putting back."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from contacts import links, mirror
from contacts.models import Change, FieldConflict, Link, RemoteContact, SyncSettings
from contacts.values import System
from karbonsync import pipeline, safety
from karbonsync.models import Cursor, SafetyStop
from tests.scenarios.conftest import World, karbon_phone

MANY = 25


@pytest.fixture
def many(world: World) -> list[tuple[str, str]]:
    pairs = [world.add_pair(f"Client {n} Limited", f"client{n}@old.example") for n in range(MANY)]
    world.connect()
    world.settle()
    assert world.links() == set(pairs)
    return pairs


def edit_all(world: World, pairs: list[tuple[str, str]], side: str, email: str = "mass{}@new.example") -> None:
    world.later()
    for number, (xero, key) in enumerate(pairs):
        if side == "xero":
            world.control("PATCH", f"/xero/contacts/{xero}", {"EmailAddress": email.format(number)})
        else:
            emails = [email.format(number)] if email else []
            world.control("PATCH", f"/karbon/contacts/{key}/card", {"EmailAddresses": emails})


def the_stop() -> SafetyStop:
    return safety.open_stops().get()


@pytest.mark.parametrize("side", ["xero", "karbon"])
def test_a_mass_change_stops_with_a_sentence_and_goes_on_when_it_was_meant(
    world: World, many: list[tuple[str, str]], side: str
) -> None:
    edit_all(world, many, side)
    result = world.sync()
    assert result.written == 0
    assert "25 of 25 pairs changed within an hour" in the_stop().reason
    assert pipeline.needs_a_person()
    assert world.sync().written == 0
    safety.go_on(the_stop(), by=world.by)
    world.settle()
    for number, (xero, key) in enumerate(many):
        world.assert_both(xero, key, email=f"mass{number}@new.example")
    assert not safety.open_stops().exists()
    world.assert_at_rest()


@pytest.mark.parametrize("side", ["xero", "karbon"])
def test_a_mass_change_that_was_not_meant_is_put_back(world: World, many: list[tuple[str, str]], side: str) -> None:
    edit_all(world, many, side)
    world.sync()
    later, key = many[0]
    world.edit_xero(later, EmailAddress="person@later.example")  # not seen yet when the others are put back
    safety.put_back(the_stop(), by=world.by)
    world.settle()
    for number, (xero, key) in list(enumerate(many))[1:]:
        world.assert_both(xero, key, email=f"client{number}@old.example")
    assert world.in_xero(later)["email"] == "person@later.example"
    assert not safety.open_stops().exists()


def test_a_pair_that_changed_twice_goes_back_to_the_same_value_on_both_sides(
    world: World, many: list[tuple[str, str]]
) -> None:
    edit_all(world, many[:1], "xero", email="first@new.example")
    world.settle()
    edit_all(world, many, "xero")
    world.sync()
    safety.put_back(the_stop(), by=world.by)
    world.settle()
    for number, (xero, key) in enumerate(many):
        world.assert_both(xero, key, email=f"client{number}@old.example")


def test_a_first_import_is_no_mass_change(world: World, many: list[tuple[str, str]]) -> None:
    assert not SafetyStop.objects.exists()


def test_many_cleared_values_stop_before_they_are_cleared_on_the_other_side(
    world: World, many: list[tuple[str, str]]
) -> None:
    SyncSettings.objects.update(brake_changes=100)
    edit_all(world, many, "karbon", email="")
    assert world.sync().written == 0
    assert "a value was cleared" in the_stop().reason
    safety.put_back(the_stop(), by=world.by)
    world.settle()
    for number, (xero, key) in enumerate(many):
        world.assert_both(xero, key, email=f"client{number}@old.example")


def test_many_archived_clients_stop_everything_else_until_somebody_has_looked(
    world: World, many: list[tuple[str, str]]
) -> None:
    stays = world.add_pair("Staying Limited", "stay@old.example")
    world.settle()
    for xero, _ in many:
        world.control("POST", f"/xero/contacts/{xero}/archive")
    world.sync()
    assert "lost a side" in the_stop().reason
    world.edit_xero(stays[0], EmailAddress="new@stay.example")
    assert world.sync().written == 0
    safety.go_on(the_stop(), by=world.by)
    world.settle()
    world.assert_both(*stays, email="new@stay.example")


@pytest.fixture
def newcomers(world: World, many: list[tuple[str, str]]) -> list[str]:
    """As many contacts as there are pairs appear in Xero long after the first import, as from another organisation."""
    RemoteContact.objects.update(first_seen_at=_now() - timedelta(days=1))
    names = [f"Newcomer {n} Limited" for n in range(MANY)]
    for number, name in enumerate(names):
        world.add_xero(name, f"n{number}@new.example")
    return names


def test_very_many_new_contacts_are_created_only_when_somebody_says_so(world: World, newcomers: list[str]) -> None:
    assert world.sync().created == 0
    assert "25 contacts new in Xero within an hour are to be created in Karbon, beside 25 pairs" in the_stop().reason
    assert world.sync().created == 0
    safety.go_on(the_stop(), by=world.by)
    world.settle()
    assert set(newcomers) < set(world.karbon_names())
    assert not safety.open_stops().exists()
    world.assert_at_rest()


def test_very_many_new_contacts_that_were_not_meant_are_left_out(world: World, newcomers: list[str]) -> None:
    before = world.state()
    world.sync()
    assert safety.put_back(the_stop(), by=world.by) == MANY
    for full in (False, True):
        world.sync(full=full)
    assert world.state() == before
    assert RemoteContact.objects.filter(left_out=True).count() == MANY
    assert not safety.open_stops().exists()


def test_new_contacts_within_the_limit_and_those_of_a_first_import_pause_nothing(world: World) -> None:
    for number in range(MANY):
        world.add_xero(f"Client {number} Limited", f"c{number}@old.example")
    world.connect()
    world.settle()
    assert len(world.all_karbon()) == MANY
    SyncSettings.objects.update(brake_creations=100)
    RemoteContact.objects.update(first_seen_at=_now() - timedelta(days=1))
    for number in range(MANY):
        world.add_xero(f"Newcomer {number} Limited", f"n{number}@new.example")
    world.settle()
    assert len(world.all_karbon()) == 2 * MANY
    assert not SafetyStop.objects.exists()


def test_a_pause_that_stood_for_hours_can_still_be_put_back(world: World, many: list[tuple[str, str]]) -> None:
    edit_all(world, many, "xero")
    world.sync()
    long_ago = timedelta(hours=5)
    Change.objects.update(created_at=F("created_at") - long_ago)
    SafetyStop.objects.update(opened_at=F("opened_at") - long_ago)
    assert safety.put_back(the_stop(), by=world.by) == MANY
    world.settle()
    for number, (xero, key) in enumerate(many):
        world.assert_both(xero, key, email=f"client{number}@old.example")


def test_what_a_person_asks_for_is_sent_during_a_pause(world: World, many: list[tuple[str, str]]) -> None:
    edit_all(world, many[:24], "xero")
    world.sync()
    assert safety.is_braked()
    key = world.add_person("Aroha", "Ngata", "aroha@ngata.example")
    world.sync()
    from contacts.values import Kind

    links.create_counterparts([links.Wanted(world.mirrored(System.KARBON, key), Kind.PERSON, by=world.by)])
    world.sync()
    assert "Aroha Ngata" in world.xero_names()


def test_an_undo_of_a_mass_change_is_no_mass_change(world: World, many: list[tuple[str, str]]) -> None:
    SyncSettings.objects.update(brake_at_least=1000)
    edit_all(world, many, "xero")
    world.settle()
    SyncSettings.objects.update(brake_at_least=20)
    from contacts import undoing

    safety.SafetyStop.objects.create(kind="changes", reason="seen", is_open=False, closed_at=_now())
    for change in list(Change.objects.filter(state=Change.State.DONE, purpose=Change.Purpose.SYNC)):
        undoing.undo_change(change, by=world.by)
    world.settle()
    assert not safety.open_stops().exists()
    assert world.in_karbon(many[3][1])["email"] == "client3@old.example"


def _now() -> Any:
    from django.utils import timezone

    return timezone.now()


@pytest.mark.parametrize("system", ["xero", "karbon"])
def test_a_list_of_another_organisation_changes_nothing_and_the_right_one_carries_on(
    world: World, many: list[tuple[str, str]], system: str
) -> None:
    before, links_before = world.state(), world.links()
    strangers = [{"ContactID": f"00000000-0000-4000-8000-{n:012d}", "Name": f"Stranger {n}"} for n in range(30)]
    if system == "karbon":
        strangers = [{"OrganizationKey": f"Str{n}", "FullName": f"Stranger {n}"} for n in range(30)]
    original = pipeline.connect

    def elsewhere(**options: Any) -> Any:
        """Both services, of which one answers its list as another organisation would."""
        made = original(**options)
        remote = made[System(system)]
        real = remote.walk

        def walk(keep: Any) -> Any:
            seen = real(lambda snapshots: 0)
            from contacts.values import Kind, Snapshot

            kind = Kind.UNKNOWN if system == "xero" else Kind.ORGANISATION
            values = {"name": "", "billing_email": "", "primary_phone": {}, "billing_address": {}}
            keep(
                [
                    Snapshot(
                        System(system), next(iter(row.values())), kind, {**values, "name": list(row.values())[1]},
                        system == "xero", _now(), modified_at="2026-01-01T00:00:00Z", payload=row,
                    )
                    for row in strangers
                ]
            )  # fmt: skip
            return seen

        remote.walk = walk
        return made

    pipeline.connect = elsewhere
    try:
        result = world.sync(full=True)
    finally:
        pipeline.connect = original
    assert (result.created, result.written) == (0, 0)
    assert "another organisation" in the_stop().reason
    assert world.state() == before and world.links() == links_before
    result = world.sync(full=True)
    assert (result.created, result.written, result.errors) == (0, 0, [])
    assert not safety.open_stops().exists()
    assert world.state() == before and world.links() == links_before


def test_a_doubted_list_in_which_nothing_moved_is_not_walked_again(world: World, many: list[tuple[str, str]]) -> None:
    for _, key in many:
        world.control("DELETE", f"/karbon/organizations/{key}")
    for number in range(MANY):
        world.control("POST", "/karbon/organizations", {"FullName": f"Stranger {number} Limited"})
    Cursor.objects.update(walked_at=_now() - timedelta(days=1))
    for _ in range(2):
        world.sync()
    assert "another organisation" in the_stop().reason
    world.forget_calls()
    result = world.sync()
    assert "another organisation" in result.errors[0]
    assert len(world.calls(system="karbon")) == 2, "one glance at each of the two lists, and no walk"
    world.add_organisation("One More Limited")
    world.forget_calls()
    world.sync()
    assert len(world.calls(system="karbon")) > 2, "something moved, so the list is walked"
    SafetyStop.objects.update(walked_at=_now() - timedelta(hours=1))
    world.forget_calls()
    world.sync()
    assert len(world.calls(system="karbon")) > 2, "and now and then it is walked all the same"
    safety.go_on(the_stop(), by=world.by)
    assert world.sync().errors == []


def test_a_karbon_that_is_really_empty_is_believed_when_it_was_so_from_the_start(world: World) -> None:
    world.add_xero("Coastal Plumbing Limited", "hi@coast.example")
    world.connect()
    world.sync()
    assert world.karbon_names() == ["Coastal Plumbing Limited"]


def test_an_emptied_karbon_waits_for_a_person_who_says_that_it_is_so(world: World) -> None:
    key = world.add_organisation("Old Limited", "old@old.example")
    world.add_xero("Coastal Plumbing Limited", "hi@coast.example")
    world.connect()
    world.control("DELETE", f"/karbon/organizations/{key}")
    assert world.sync().created == 0
    assert "Karbon" in the_stop().reason
    assert world.sync().created == 0
    safety.go_on(the_stop(), by=world.by)
    world.settle()
    assert world.karbon_names() == ["Coastal Plumbing Limited"]


def leave(world: World, system: str, pairs: list[tuple[str, str]]) -> None:
    """These contacts are in one of the services no more, and others may have come."""
    for xero, key in pairs:
        if system == "karbon":
            world.control("DELETE", f"/karbon/organizations/{key}")
        else:
            with world.box.lock:
                world.box.xero.book.remove(xero)


@pytest.mark.parametrize("system", ["xero", "karbon"])
@pytest.mark.parametrize("strangers", [0, 3])
def test_a_later_list_that_a_person_accepts_carries_on_and_the_next_one_that_shrinks_is_asked_about_again(
    world: World, system: str, strangers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "MISSING_AT_LEAST", 2)
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    pairs = [world.add_pair(f"Client {n} Limited", f"client{n}@old.example") for n in range(7)]
    world.connect()
    world.settle()
    stays, first, second = pairs[0], pairs[1:4], pairs[4:]
    for number, left in enumerate((first, second)):
        leave(world, system, left)
        for stranger in range(strangers):
            add = world.add_xero if system == "xero" else world.add_organisation
            add(f"Stranger {number} {stranger} Limited")
        before, linked = world.state(), world.links()
        for _ in range(2):
            result = world.sync(full=True)
            assert (result.created, result.written) == (0, 0)
            assert world.state() == before and world.links() == linked
        stop = the_stop()
        assert (stop.kind, stop.system) == (SafetyStop.Kind.LIST, system)
        safety.go_on(stop, by=world.by)
        assert world.sync(full=True).errors == []
        world.settle()
        assert {world.link_of(xero).state for xero, _ in left} == {Link.State.STOPPED}
        world.edit_xero(stays[0], EmailAddress=f"from{number}@xero.example")
        world.edit_card(stays[1], PhoneNumbers=[karbon_phone(("64", "3", f"379 123{number}"))])
        world.settle()
        world.assert_both(*stays, email=f"from{number}@xero.example", phone=f"643379123{number}")
        assert not safety.open_stops().exists()
    assert stays in world.links() and not world.links() & {*first, *second}
    assert SafetyStop.objects.filter(closed_by=world.by).count() == 2


def test_a_field_that_flips_back_and_forth_is_frozen_and_a_person_decides(world: World) -> None:
    xero, key = world.linked_pair()
    for number in range(6):  # another program keeps writing its own value into Karbon, a person corrects it in Xero
        if number % 2:
            world.edit_card(key, EmailAddresses=["robot@harbour.example"])
        else:
            world.edit_xero(xero, EmailAddress="person@harbour.example")
        world.settle()
    (conflict,) = world.conflicts()
    assert conflict.reason == FieldConflict.Reason.FLAPPING
    world.edit_xero(xero, Name="Harbour Boats Limited")
    world.settle()
    assert world.in_karbon(key)["name"] == "Harbour Boats Limited"
    links.answer(conflict, by=world.by, winner=System.XERO)
    world.settle()
    world.assert_both(xero, key, email="person@harbour.example")
    assert Link.objects.get().state == Link.State.LIVE


@pytest.mark.parametrize("policy", ["travel", "ask", "never"])
@pytest.mark.parametrize("side", ["xero", "karbon"])
def test_a_cleared_value_travels_or_is_asked_about_or_stays(world: World, policy: str, side: str) -> None:
    xero, key = world.linked_pair()
    SyncSettings.objects.update(clears=policy)
    if side == "xero":
        world.edit_xero(xero, EmailAddress="")
    else:
        world.edit_card(key, EmailAddresses=[])
    world.settle()
    shown = {"xero": world.in_xero(xero)["email"], "karbon": world.in_karbon(key)["email"]}
    other = {"xero": "karbon", "karbon": "xero"}[side]
    assert shown[side] == ""
    assert shown[other] == ("" if policy == "travel" else "office@harbour.example")
    questions = [conflict.reason for conflict in world.conflicts()]
    assert questions == ([FieldConflict.Reason.CLEARED] if policy == "ask" else [])
    world.assert_at_rest()
    if policy == "ask":
        links.answer(world.conflicts()[0], by=world.by, winner=System(side))
        world.settle()
        world.assert_both(xero, key, email="")


def test_a_burst_of_saves_is_one_write_with_a_settle_time(world: World) -> None:
    xero, key = world.linked_pair()
    SyncSettings.objects.update(settle_seconds=5)
    world.forget_calls()
    for number in (1, 2, 3):
        world.edit_xero(xero, EmailAddress=f"save{number}@harbour.example")
        world.sync()
    assert world.calls(system="karbon", method="PUT") == []
    world.wait_out()
    world.settle()
    world.assert_both(xero, key, email="save3@harbour.example")
    assert len(world.calls(system="karbon", method="PUT")) == 1


def test_the_only_karbon_contact_may_be_deleted_and_its_pair_stops(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    xero, key = world.linked_pair()
    world.control("DELETE", f"/karbon/organizations/{key}")
    world.sync(full=True)
    assert world.link_of(xero).state == Link.State.STOPPED
    assert not safety.open_stops().exists()
    assert world.all_karbon() == []


def test_a_mass_change_of_which_one_arrived_in_part_can_be_put_back(world: World) -> None:
    xero, key = world.linked_pair()
    phone = karbon_phone(("64", "3", "379 1234"))
    world.edit_card(key, EmailAddresses=["from@karbon.example"], PhoneNumbers=[phone])
    world.fault(system="xero", method="POST", path="/Contacts/?$", kind="drop_reply")
    world.check()
    world.edit_xero(xero, EmailAddress="fourth@harbour.example")
    world.sync()
    safety.stop(SafetyStop.Kind.CHANGES, "Many pairs changed.")
    assert safety.put_back(the_stop(), by=world.by) == 1
    world.settle()
    assert world.in_xero(xero)["phone"] == world.in_karbon(key)["phone"] == "6495550100"
