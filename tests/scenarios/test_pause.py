"""People hold the sync: everything, one side, one pair. Nothing is sent, nothing is lost, and it goes on from there."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from contacts import bell, links, pausing, undoing
from contacts.links import NotPossible, Overtaken
from contacts.models import Bell, Change, Link, RemoteContact, SyncSettings
from contacts.values import Kind, System
from karbonsync import pipeline, resuming, safety, tasks
from tests.scenarios.conftest import World


def told() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def writes(world: World) -> int:
    ours = [call for call in world.calls() if "/connect/" not in call["path"]]
    return sum(call["method"] != "GET" for call in ours)


# --- everything -------------------------------------------------------------------------------------------------------


def test_while_everything_is_paused_both_sides_are_read_and_nothing_is_sent(world: World) -> None:
    contact, key = world.linked_pair()
    pausing.pause_all(by=world.by, reason="Year-end")
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    world.edit_karbon(key, FullName="Harbour Joinery Nelson Limited")
    new = world.add_xero("Ōtaki Bakery", "hello@bakery.example")
    world.forget_calls()
    for _ in range(3):
        tasks.check()
    assert writes(world) == 0
    assert {change.system for change in pausing.waiting()} == {System.XERO, System.KARBON}
    outlook = resuming.outlook(SyncSettings.load())
    assert outlook.lines == [
        "1 change sent to Xero",
        "1 change sent to Karbon",
        "1 Xero contact that came meanwhile created in Karbon, or held as a lookalike",
    ]
    assert not Link.objects.filter(xero__remote_id=new).exists()

    pausing.resume_all(by=world.by)
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example", name="Harbour Joinery Nelson Limited")
    assert "Ōtaki Bakery" in world.karbon_names()
    assert told() == ["Paused everything: Year-end.", "Resumed everything."]
    world.assert_at_rest()


def test_a_pause_takes_hold_in_the_middle_of_a_check(world: World) -> None:
    contact, _ = world.linked_pair()
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    work = pipeline.Pipeline(pipeline.connect())
    work.gather()
    pausing.pause_all(by=world.by, reason="Wait")
    assert work.push() == 0
    assert pausing.waiting(System.KARBON).count() == 1


def test_what_was_being_sent_when_the_pause_began_is_still_found_out_about(world: World) -> None:
    contact, key = world.linked_pair()
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    world.fault(system="karbon", method="PUT", path="BusinessCards", kind="drop_reply")
    world.sync()
    pausing.pause_all(by=world.by, reason="Wait")
    time.sleep(0.4)  # until its outcome is sure
    tasks.check()
    assert not Change.objects.filter(state=Change.State.SENDING).exists()
    pausing.resume_all(by=world.by)
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")
    assert len(world.calls(method="PUT", path="BusinessCards")) == 1


def test_what_was_shown_before_a_pause_ended_is_meant_and_not_stopped_again(world: World) -> None:
    world.linked_pair()
    SyncSettings.objects.update(brake_at_least=3)
    RemoteContact.objects.update(first_seen_at=timezone.now() - timedelta(days=1))
    pausing.pause_all(by=world.by, reason="Year-end")
    for number in range(4):
        world.add_xero(f"Newcomer {number} Limited", f"n{number}@new.example")
    tasks.check()
    assert resuming.outlook(SyncSettings.load()).new == 4
    pausing.resume_all(by=world.by)
    world.settle()
    assert len(world.all_karbon()) == 5 and not safety.open_stops().exists()
    for number in range(4):
        world.add_xero(f"Later {number} Limited", f"l{number}@new.example")
    world.settle()
    assert "4 contacts new in Xero" in safety.open_stops().get().reason


def test_a_second_pause_and_a_second_resume_are_told_kindly(world: World) -> None:
    world.connect()
    with pytest.raises(Overtaken):
        pausing.resume_all(by=world.by)
    pausing.pause_all(by=world.by, reason="One")
    with pytest.raises(Overtaken):
        pausing.pause_all(by=world.by, reason="Two")
    assert SyncSettings.load().pause_reason == "One"
    with pytest.raises(NotPossible):
        pausing.reason_given("  ")


# --- one side ---------------------------------------------------------------------------------------------------------


def test_a_side_that_is_only_read_still_gives_its_edits_and_takes_none(world: World) -> None:
    contact, key = world.linked_pair()
    other, other_key = world.add_pair("Ōtaki Bakery", "hello@bakery.example")
    world.sync()
    pausing.only_read(System.XERO, by=world.by, reason="Audit")
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.edit_xero(other, EmailAddress="new@bakery.example")
    world.forget_calls()
    result = world.sync()
    assert result.errors == [] and world.in_karbon(other_key)["email"] == "new@bakery.example"
    assert world.calls(system="xero", method="POST", path="Contacts") == []
    assert pausing.waiting(System.XERO).count() == 1 and pausing.waiting(System.KARBON).count() == 0
    assert pipeline.next_due() is None  # nothing to come back for
    pausing.write_again(by=world.by)
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")
    assert told() == ["Xero is only read from now on: Audit.", "Xero is written to again."]
    world.assert_at_rest()


def test_nothing_is_created_in_a_side_that_is_only_read(world: World) -> None:
    world.linked_pair()
    pausing.only_read(System.KARBON, by=world.by, reason="Clean-up")
    world.add_xero("Ōtaki Bakery", "hello@bakery.example")
    world.sync()
    assert world.karbon_names() == ["Harbour Joinery Limited"]
    assert resuming.outlook(SyncSettings.load()).lines == ["1 contact created in Karbon"]
    pausing.write_again(by=world.by)
    world.settle()
    assert world.karbon_names() == ["Harbour Joinery Limited", "Ōtaki Bakery"]
    world.assert_at_rest()


def test_a_creation_that_waited_is_matched_with_whom_somebody_made_by_hand_meanwhile(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    world.linked_pair()
    pausing.only_read(System.KARBON, by=world.by, reason="Migration")
    contact = world.add_xero("Ōtaki Bakery", "hello@bakery.example")
    world.sync()
    assert world.link_of(contact).state == Link.State.CREATING
    key = world.add_organisation("Ōtaki Bakery", "hello@bakery.example")
    world.sync()
    pausing.write_again(by=world.by)
    with django_capture_on_commit_callbacks(execute=True):
        world.check()
    assert Bell.objects.get(task=bell.CHECK).rung_at, "the next check is asked for at once"
    world.settle()
    assert (contact, key) in world.links() and len(world.all_karbon()) == 2


def test_the_newest_value_is_what_is_sent_after_a_long_pause(world: World) -> None:
    contact, key = world.linked_pair()
    pausing.only_read(System.KARBON, by=world.by, reason="Clean-up")
    for number in range(3):
        world.edit_xero(contact, EmailAddress=f"new{number}@harbour.example")
        world.sync()
    pausing.write_again(by=world.by)
    world.forget_calls()
    world.settle()
    world.assert_both(contact, key, email="new2@harbour.example")
    assert len(world.calls(system="karbon", method="PUT")) == 1


def test_both_sides_changed_during_a_pause_is_asked_not_overwritten(world: World) -> None:
    contact, key = world.linked_pair()
    pausing.only_read(System.XERO, by=world.by, reason="Audit")
    world.edit_card(key, EmailAddresses=["karbon@harbour.example"])
    world.sync()
    world.edit_xero(contact, EmailAddress="xero@harbour.example")
    world.sync()
    pausing.write_again(by=world.by)
    world.sync()
    assert [conflict.field for conflict in world.conflicts()] == ["billing_email"]
    assert world.in_xero(contact)["email"] == "xero@harbour.example"
    assert world.in_karbon(key)["email"] == "karbon@harbour.example"


def test_only_one_side_is_only_read_at_a_time(world: World) -> None:
    world.connect()
    pausing.only_read(System.XERO, by=world.by, reason="Audit")
    with pytest.raises(Overtaken, match="Xero is only read already"):
        pausing.only_read(System.KARBON, by=world.by, reason="Audit")
    pausing.write_again(by=world.by)
    with pytest.raises(Overtaken):
        pausing.write_again(by=world.by)


# --- one pair ---------------------------------------------------------------------------------------------------------


def test_edits_of_a_paused_pair_wait_while_all_others_go_on(world: World) -> None:
    contact, key = world.linked_pair()
    other, other_key = world.add_pair("Ōtaki Bakery", "hello@bakery.example")
    world.sync()
    pausing.pause_pair(world.link_of(contact), by=world.by, reason="In dispute")
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.edit_xero(other, EmailAddress="new@bakery.example")
    world.sync()
    world.assert_both(other, other_key, email="new@bakery.example")
    assert world.in_xero(contact)["email"] == "office@harbour.example"
    assert pipeline.next_due() is None
    pausing.resume_pair(world.link_of(contact), by=world.by)
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")
    assert told() == ["Paused the pair: In dispute.", "Resumed the pair."]


def test_a_paused_pair_keeps_what_people_ask_for_until_it_goes_on(world: World) -> None:
    contact, key = world.linked_pair()
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    world.settle()
    pausing.pause_pair(world.link_of(contact), by=world.by)
    undoing.undo_change(Change.objects.get(state=Change.State.DONE), by=world.by)
    world.sync()
    assert world.in_karbon(key)["email"] == "new@harbour.example"
    pausing.resume_pair(world.link_of(contact), by=world.by)
    world.sync()
    assert world.in_karbon(key)["email"] == "office@harbour.example"


def test_unsyncing_ends_the_pause_of_a_pair(world: World) -> None:
    contact, key = world.linked_pair()
    pausing.pause_pair(world.link_of(contact), by=world.by)
    with pytest.raises(Overtaken):
        pausing.pause_pair(world.link_of(contact), by=world.by)
    links.unsync(world.link_of(contact), by=world.by)
    assert world.link_of(contact).paused_at is None
    with pytest.raises(Overtaken):
        pausing.resume_pair(world.link_of(contact), by=world.by)
    links.resume(world.link_of(contact), by=world.by)
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")


def test_a_creation_that_waits_can_be_paused_on_its_own(world: World) -> None:
    world.linked_pair()
    new = world.add_xero("Ōtaki Bakery", "hello@bakery.example")
    work = pipeline.Pipeline(pipeline.connect())
    work.gather()
    pausing.pause_pair(world.link_of(new), by=world.by)
    world.sync()
    assert world.karbon_names() == ["Harbour Joinery Limited"]
    pausing.resume_pair(world.link_of(new), by=world.by)
    world.settle()
    assert "Ōtaki Bakery" in world.karbon_names()


def test_a_creation_that_somebody_asked_for_says_so_when_its_contact_has_left_meanwhile(world: World) -> None:
    xero, _ = world.linked_pair()
    links.unsync(world.link_of(xero), by=world.by)
    pausing.only_read(System.KARBON, by=world.by, reason="Month end")
    source = world.mirrored(System.XERO, xero)
    wanted = links.Wanted(source, Kind.ORGANISATION, cause="New from Xero's data", by=world.by)
    links.renew(world.link_of(xero), wanted)
    world.control("POST", f"/xero/contacts/{xero}/archive")
    world.later()
    world.sync()
    pausing.write_again(by=world.by)
    world.sync()
    pair = world.link_of(xero)
    assert pair.state == Link.State.CREATING and "archived in Xero, so nothing was created" in pair.problem
    world.control("POST", f"/xero/contacts/{xero}/restore")
    world.later()
    world.sync()
    links.try_again(world.link_of(xero), by=world.by)
    world.settle()
    assert world.link_of(xero).state == Link.State.LIVE
