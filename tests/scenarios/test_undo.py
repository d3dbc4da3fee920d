"""Undo: values go back on the side that we wrote to, later edits stay and are said, and nothing flows back."""

from datetime import timedelta
from typing import Any

import pytest

from contacts import links, mirror, undoing
from contacts.models import Change, Link, SyncSettings
from contacts.values import Kind, System
from karbonsync.models import Run
from tests.scenarios.conftest import PHONE, World, karbon_phone, read_karbon, read_xero, xero_address, xero_phone
from tests.scenarios.test_acts import flows

FIELDS = ("name", "email", "phone", "address")


def undo(world: World, change: Change) -> undoing.Undone:
    undone = undoing.undo_change(change, by=world.by)
    world.settle()
    return undone


@pytest.mark.parametrize("side", ["xero", "karbon"])
def test_an_undone_write_puts_the_old_value_back_and_stays_undone(world: World, side: str) -> None:
    xero, key = world.linked_pair()
    if side == "xero":
        world.edit_card(key, EmailAddresses=["new@harbour.example"])
    else:
        world.edit_xero(xero, EmailAddress="new@harbour.example")
    world.sync()
    change = Change.objects.get(state=Change.State.DONE)
    assert undo(world, change).put_back == 1
    shown = {"xero": world.in_xero(xero)["email"], "karbon": world.in_karbon(key)["email"]}
    assert shown[side] == "office@harbour.example"
    assert shown[{"xero": "karbon", "karbon": "xero"}[side]] == "new@harbour.example"
    assert world.conflicts() == []
    undone_by = Change.objects.get(purpose=Change.Purpose.UNDO)
    assert (undone_by.undoes, undone_by.by, undone_by.state) == (change, world.by, Change.State.DONE)
    world.assert_at_rest()
    flows(world, xero, key)


def test_a_value_that_was_blank_goes_back_to_blank(world: World) -> None:
    xero = world.add_xero("Harbour Joinery Limited", "office@harbour.example", phone=PHONE)
    key = world.add_organisation("Harbour Joinery Limited", "office@harbour.example")
    world.connect()
    world.sync()
    assert world.in_karbon(key)["phone"] == "6495550100"
    undo(world, Change.objects.get(state=Change.State.DONE))
    assert world.in_karbon(key)["phone"] == ""
    assert world.in_xero(xero)["phone"] == "6495550100"
    world.assert_at_rest()


def test_an_undo_never_overwrites_a_later_edit_and_says_so(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, EmailAddress="new@harbour.example", Phones=[xero_phone(("64", "9", "555 0199"))])
    world.sync()
    change = Change.objects.get(state=Change.State.DONE)
    world.edit_card(key, EmailAddresses=["later@karbon.example"])
    world.sync()
    undone = undo(world, change)
    assert undone.put_back == 1
    (left,) = undone.left
    assert "billing email in Karbon: it was edited since" in left
    assert world.in_karbon(key)["email"] == world.in_xero(xero)["email"] == "later@karbon.example"
    assert world.in_karbon(key)["phone"] == "6495550100"


def test_an_undo_leaves_a_later_correction_of_capital_letters(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, Name="Harbor Joinery Limited")
    world.sync()
    world.edit_karbon(key, FullName="HARBOR Joinery Limited")
    world.sync()
    undone = undo(world, Change.objects.filter(state=Change.State.DONE).earliest("pk"))
    assert undone.put_back == 0 and "it was edited since" in undone.left[0]
    world.assert_both(xero, key, name="HARBOR Joinery Limited")


def test_an_edit_made_just_before_the_undo_is_sent_is_not_overwritten(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, EmailAddress="new@harbour.example")
    world.sync()
    world.settle()
    world.edit_card(key, EmailAddresses=["later@karbon.example"])  # not seen yet when the undo is asked for
    undone = undoing.undo_change(Change.objects.get(state=Change.State.DONE), by=world.by)
    assert undone.put_back == 1
    world.settle()
    assert world.in_karbon(key)["email"] == "later@karbon.example"
    noted = Change.objects.filter(purpose=Change.Purpose.UNDO).exclude(state=Change.State.DONE)
    assert any("edited meanwhile" in change.error for change in noted)


@pytest.mark.parametrize("kind", ["drop_reply", "drop_request"])
def test_an_undo_whose_call_is_lost_arrives_once(world: World, kind: str) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, EmailAddress="new@harbour.example")
    world.sync()
    world.fault(system="karbon", method="PUT", kind=kind)
    undo(world, Change.objects.get(state=Change.State.DONE))
    assert world.in_karbon(key)["email"] == "office@harbour.example"
    assert world.in_xero(xero)["email"] == "new@harbour.example"
    world.assert_at_rest()


def test_an_undone_creation_in_karbon_says_what_a_person_must_do(world: World) -> None:
    world.add_pair()
    xero = world.add_xero("Coastal Plumbing Limited", "hi@coast.example")
    world.connect()
    world.sync()
    undone = undo(world, Change.objects.get(action=Change.Action.CREATE))
    assert "Delete it in Karbon" in undone.left[0]
    assert world.link_of(xero).state == Link.State.UNSYNCED
    world.assert_at_rest()


def test_what_is_to_be_deleted_in_karbon_stays_on_a_list_until_it_is_gone_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    world.add_pair()
    world.add_xero("Coastal Plumbing Limited", "hi@coast.example")
    world.connect()
    world.sync()
    creation = Change.objects.get(action=Change.Action.CREATE)
    assert creation.check_number is not None
    undoing.undo_check(creation.check_number, by=world.by)
    world.settle()
    (listed,) = undoing.to_delete()
    assert (listed.undoes, str(listed.link.karbon)) == (creation, "Coastal Plumbing Limited")
    key = world.karbon_named("Coastal Plumbing Limited")["OrganizationKey"]
    world.control("DELETE", f"/karbon/organizations/{key}")
    world.sync(full=True)
    assert not undoing.to_delete()
    world.assert_at_rest()


def test_an_undone_creation_that_is_taken_up_again_is_not_to_be_deleted(world: World) -> None:
    world.add_pair()
    xero = world.add_xero("Coastal Plumbing Limited", "hi@coast.example")
    world.connect()
    world.sync()
    undo(world, Change.objects.get(action=Change.Action.CREATE))
    links.resume(world.link_of(xero), by=world.by)
    world.settle()
    assert not undoing.to_delete()
    links.unsync(world.link_of(xero), by=world.by)
    assert not undoing.to_delete()


def test_an_undone_creation_in_xero_archives_it(world: World) -> None:
    world.linked_pair()
    key = world.add_organisation("Coastal Plumbing Limited", "hi@coast.example")
    world.sync()
    links.create_counterparts([links.Wanted(world.mirrored(System.KARBON, key), Kind.ORGANISATION, by=world.by)])
    world.settle()
    assert undo(world, Change.objects.get(action=Change.Action.CREATE)).put_back == 1
    made = world.xero_named("Coastal Plumbing Limited")
    assert made["ContactStatus"] == "ARCHIVED"
    assert world.karbon_names() == ["Coastal Plumbing Limited", "Harbour Joinery Limited"]
    world.assert_at_rest()


def test_an_undone_link_puts_back_what_it_carried_over_and_parts_the_two(world: World) -> None:
    xero = world.add_xero("Harbour Joinery Limited", "office@harbour.example", phone=PHONE)
    key = world.add_organisation("Harbour Joinery Limited", "office@harbour.example")
    world.connect()
    world.sync()
    undoing.undo_link(world.link_of(xero), by=world.by)
    world.settle()
    assert world.in_karbon(key)["phone"] == ""
    assert world.link_of(xero).state == Link.State.UNSYNCED
    world.assert_at_rest()


def four(world: World) -> dict[str, Any]:
    state = world.state()
    records = [*state["karbon"]["contacts"], *state["karbon"]["organizations"]]
    shown = {str(r.get("ContactKey") or r["OrganizationKey"]): read_karbon(r) for r in records}
    return shown | {c["ContactID"]: read_xero(c) for c in state["xero"]["contacts"]}


@pytest.mark.large
def test_a_whole_check_of_two_hundred_changes_is_undone_except_what_people_edited_after(world: World) -> None:
    world.control("POST", "/reset", {"world": {"xero": 110, "karbon": 110, "overlap": 1.0, "conflicts": 0, "seed": 3}})
    world.connect()
    SyncSettings.objects.update(brake_at_least=10_000)
    world.settle(8)
    pairs = sorted(world.links())
    assert len(pairs) > 100
    street = {"lines": "9 Hill Street", "city": "Otaki", "postcode": "5512"}
    world.later(120)
    for number, (xero, key) in enumerate(pairs):
        if number % 2:
            world.control(
                "PATCH",
                f"/xero/contacts/{xero}",
                {"EmailAddress": f"x{number}@new.example", "Addresses": [xero_address(street)]},
            )
            world.control(
                "PATCH",
                f"/karbon/contacts/{key}/card",
                {"PhoneNumbers": [karbon_phone(("64", "9", f"555 {1000 + number}"))]},
            )
        else:
            world.control("PATCH", f"/karbon/contacts/{key}/card", {"EmailAddresses": [f"k{number}@new.example"]})
            world.control(
                "PATCH", f"/xero/contacts/{xero}", {"Phones": [xero_phone(("64", "9", f"555 {1000 + number}"))]}
            )
    world.later(5)
    before = four(world)
    world.sync()
    check = Run.objects.filter(pk__in=Change.objects.exclude(check_number=None).values("check_number")).order_by("-pk")
    numbers = [
        run.pk for run in check if Change.objects.filter(check_number=run.pk, state="done", purpose="sync").exists()
    ]
    done = Change.objects.filter(check_number__in=numbers, state=Change.State.DONE, purpose=Change.Purpose.SYNC)
    assert done.count() >= 200
    (xero, key) = pairs[0]
    world.edit_card(key, PhoneNumbers=[karbon_phone(("64", "4", "999 0000"))])
    world.settle(8)
    left: list[str] = []
    for number in numbers:
        left += undoing.undo_check(number, by=world.by).left
    world.settle(8)
    after = four(world)
    assert any("it was edited since" in sentence for sentence in left)
    assert {after[xero]["phone"], after[key]["phone"]} == {"6449990000"}
    before[xero]["phone"] = before[key]["phone"] = "6449990000"
    assert after == before
    world.assert_at_rest()


@pytest.mark.parametrize("side", ["xero", "karbon"])
def test_an_undo_of_a_link_is_given_up_where_the_contact_has_left_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    name, email = "Harbour Joinery Limited", "office@harbour.example"
    phones = {"xero": None, "karbon": None, {"xero": "karbon", "karbon": "xero"}[side]: PHONE}
    xero = world.add_xero(name, email, phone=phones["xero"])
    key = world.add_organisation(name, email, phone=phones["karbon"])
    world.add_pair("Staying Limited", "stay@old.example")
    world.connect()
    world.settle()
    world.assert_both(xero, key, phone="6495550100")
    if side == "xero":
        world.control("POST", f"/xero/contacts/{xero}/archive")
    else:
        world.control("DELETE", f"/karbon/organizations/{key}")
    pair = world.link_of(xero)
    assert undoing.undo_link(pair, by=world.by).put_back == 1  # nobody here knows yet that it has left
    world.check()
    world.settle()
    pair.refresh_from_db()
    assert (pair.state, pair.wishes) == (Link.State.UNSYNCED, {})
    undos = Change.objects.filter(purpose=Change.Purpose.UNDO)
    (given_up,) = undos.filter(error__contains="is no longer there")
    assert given_up.state == Change.State.SUPERSEDED
    assert undos.count() <= 2, "it is not planned again and again"
    world.assert_at_rest()


def test_an_edit_over_an_undo_of_an_unsynced_pair_stays_and_nothing_flows(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, EmailAddress="new@harbour.example")
    world.sync()
    pair = world.link_of(xero)
    links.unsync(pair, by=world.by)
    undoing.undo_change(Change.objects.get(state=Change.State.DONE), by=world.by)
    world.edit_card(key, EmailAddresses=["later@harbour.example"])
    world.settle()
    assert (world.in_xero(xero)["email"], world.in_karbon(key)["email"]) == (
        "new@harbour.example",
        "later@harbour.example",
    )
    assert not Change.objects.filter(state__in=Change.OPEN).exists()
    assert world.conflicts() == []
    world.assert_at_rest()
