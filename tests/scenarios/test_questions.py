"""Questions about a field and their answers, where something comes in between: each is asked once, and none is lost."""

import time

import pytest

from contacts import links, undoing
from contacts.models import Change, FieldConflict, RemoteContact, SyncSettings
from contacts.values import System
from tests.scenarios.conftest import PHONE, World, xero_phone

OTHER_PHONE = ("64", "3", "379 1234")


def asked(world: World) -> tuple[str, str, FieldConflict]:
    """A pair whose email both sides changed."""
    xero, key = world.linked_pair()
    world.edit_xero(xero, EmailAddress="from@xero.example")
    world.edit_card(key, EmailAddresses=["from@karbon.example"])
    world.sync()
    (question,) = world.conflicts()
    return xero, key, question


@pytest.mark.parametrize("kind", ["drop_request", "drop_reply"])
def test_a_typed_answer_whose_call_is_lost_while_somebody_edits_stops_nobody_else(world: World, kind: str) -> None:
    xero, key, question = asked(world)
    other = world.add_pair("Coastal Plumbing Limited", "hi@coast.example")
    world.sync()
    links.answer(question, by=world.by, typed="third@harbour.example")
    world.fault(system="xero", method="POST", path="/Contacts/?$", kind=kind)
    world.check()
    world.edit_xero(xero, EmailAddress="fourth@harbour.example")
    world.edit_xero(other[0], EmailAddress="new@coast.example")
    world.sync()
    world.sync()
    world.assert_both(*other, email="new@coast.example")
    (again,) = world.conflicts()
    links.answer(again, by=world.by, winner=System.XERO)
    world.settle()
    world.assert_both(xero, key, email="fourth@harbour.example")


def test_a_typed_answer_over_an_edit_stops_nobody_where_karbon_shows_no_card(world: World) -> None:
    xero, key, question = asked(world)
    links.answer(question, by=world.by, typed="third@harbour.example")
    karbon = world.mirrored(System.KARBON, key)
    values = {name: value for name, value in karbon.values.items() if name != "billing_email"}
    RemoteContact.objects.filter(pk=karbon.pk).update(values=values)
    world.edit_xero(xero, EmailAddress="fourth@harbour.example")
    world.check()
    assert [again.field for again in world.conflicts()] == ["billing_email"]


@pytest.mark.parametrize("how", ["undo", "typed"])
def test_what_a_person_wants_is_not_sent_again_while_nobody_can_tell_whether_it_arrived(world: World, how: str) -> None:
    if how == "undo":
        xero, key = world.linked_pair()
        world.edit_card(key, EmailAddresses=["from@karbon.example"])
        world.sync()
        undoing.undo_change(Change.objects.get(system=System.XERO), by=world.by)
    else:
        xero, key, question = asked(world)
        links.answer(question, by=world.by, typed="third@harbour.example")
    world.forget_calls()
    world.fault(system="xero", method="POST", path="/Contacts/?$", kind="drop_request")
    world.check()
    world.edit_xero(xero, Phones=[xero_phone(OTHER_PHONE)])
    world.sync()
    world.sync()
    assert len(world.calls(system="xero", method="POST", path="/Contacts/?$")) == 1
    (lost,) = Change.objects.filter(purpose=how)
    assert lost.state == Change.State.SUPERSEDED and "cannot tell whether it arrived" in lost.error
    reasons = [question.reason for question in world.conflicts()]
    assert reasons == (
        [] if how == "undo" else [FieldConflict.Reason.UNSURE]
    )  # after the undo both sides show the same
    for question in world.conflicts():
        links.answer(question, by=world.by, winner=System.KARBON)
    world.settle()
    world.assert_both(xero, key, email="from@karbon.example", phone="6433791234")
    world.assert_at_rest()


def test_a_typed_answer_that_an_unsync_kept_back_is_told_and_asked_again_when_the_unsync_is_taken_back(
    world: World,
) -> None:
    xero, key, question = asked(world)
    links.answer(question, by=world.by, typed="third@harbour.example")
    links.unsync(world.link_of(xero), by=world.by)
    (told,) = Change.objects.filter(purpose=Change.Purpose.TYPED)
    assert told.after == {"billing_email": "third@harbour.example"} and "parted" in told.error
    links.resume(world.link_of(xero), by=world.by)
    world.sync()
    (again,) = world.conflicts()
    assert (again.xero_value, again.karbon_value) == ("from@xero.example", "from@karbon.example")
    assert world.in_karbon(key)["email"] == "from@karbon.example"


@pytest.mark.parametrize("winner", System)
def test_a_blank_that_a_person_keeps_is_written(world: World, winner: System) -> None:
    xero, key = world.linked_pair()
    if winner is System.XERO:
        world.edit_xero(xero, Phones=[xero_phone(("", "", ""))])
        world.edit_card(key, EmailAddresses=["office@harbour.example"], PhoneNumbers=[{"Number": "+64 3 379 1234"}])
    else:
        world.edit_xero(xero, Phones=[xero_phone(OTHER_PHONE)])
        world.edit_card(key, PhoneNumbers=[])
    world.sync()
    (question,) = world.conflicts()
    links.answer(question, by=world.by, winner=winner)
    world.settle()
    world.assert_both(xero, key, phone="")
    world.assert_at_rest()


# --- questions that answer themselves ---------------------------------------------------------------------------------


def test_a_question_about_a_cleared_value_closes_when_the_value_is_back(world: World) -> None:
    xero, key = world.linked_pair()
    SyncSettings.objects.update(clears="ask")
    world.edit_xero(xero, Phones=[xero_phone(("", "", ""))])
    world.sync()
    assert [question.reason for question in world.conflicts()] == ["cleared"]
    world.edit_xero(xero, Phones=[xero_phone(PHONE)])
    world.settle()
    assert not world.conflicts()
    world.assert_both(xero, key, phone="6495550100")


def test_a_question_closes_when_both_sides_go_back_to_what_they_had_agreed_on(world: World) -> None:
    xero, key, _ = asked(world)
    world.edit_xero(xero, EmailAddress="office@harbour.example")
    world.edit_card(key, EmailAddresses=["office@harbour.example"])
    world.settle()
    assert not world.conflicts()


# --- parted while it is being sent ------------------------------------------------------------------------------------


def test_a_typed_answer_that_arrives_although_its_pair_was_parted_is_not_asked_again(world: World) -> None:
    xero, _, question = asked(world)
    links.answer(question, by=world.by, typed="third@harbour.example")
    world.fault(system="xero", method="POST", path="/Contacts/?$", kind="drop_reply")
    world.check()
    links.unsync(world.link_of(xero), by=world.by)
    time.sleep(0.4)
    world.sync()
    links.resume(world.link_of(xero), by=world.by)
    world.sync()
    assert not world.conflicts()
    assert not Change.objects.filter(error__contains="before it was sent").exists()


def test_a_question_about_a_field_that_karbon_does_not_show_says_what_to_do_first(world: World) -> None:
    _, key, question = asked(world)
    karbon = world.mirrored(System.KARBON, key)
    RemoteContact.objects.filter(pk=karbon.pk).update(values={"name": karbon.values["name"]})
    FieldConflict.objects.filter(pk=question.pk).update(karbon_value="")
    question.refresh_from_db()
    with pytest.raises(links.NotPossible, match="Add one there"):
        links.answer(question, by=world.by, winner=System.XERO)
    assert world.conflicts() == [question]
