"""What people change on one side or on both, and where it ends up."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from contacts import links, undoing
from contacts.models import Change, FieldConflict, SyncSettings
from contacts.values import System
from karbonsync import pipeline, safety
from tests.scenarios.conftest import World, karbon_address, karbon_phone, xero_address, xero_phone

NEW_ADDRESS = {"lines": "PO Box 7", "city": "Nelson", "postcode": "7040"}
NEW_PHONE = ("64", "3", "379 1234")
EXPECTED: dict[str, Any] = {
    "name": "Quayside Joinery Limited",
    "email": "new@quay.example",
    "phone": "6433791234",
    "address": ("PO Box 7", "Nelson", "", "7040", "NZ"),
}
IN_XERO: dict[str, dict[str, Any]] = {
    "name": {"Name": EXPECTED["name"]},
    "email": {"EmailAddress": EXPECTED["email"]},
    "phone": {"Phones": [xero_phone(NEW_PHONE)]},
    "address": {"Addresses": [xero_address(NEW_ADDRESS)]},
}
ON_CARD: dict[str, dict[str, Any]] = {
    "email": {"EmailAddresses": [EXPECTED["email"]]},
    "phone": {"PhoneNumbers": [karbon_phone(NEW_PHONE)]},
    "address": {"Addresses": [karbon_address(NEW_ADDRESS)]},
}


def change_in_karbon(world: World, key: str, field: str) -> None:
    if field == "name":
        world.edit_karbon(key, FullName=EXPECTED["name"])
    else:
        world.edit_card(key, **ON_CARD[field])


@pytest.mark.parametrize("field", EXPECTED)
def test_a_field_edited_in_xero_travels_to_karbon(world: World, field: str) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, **IN_XERO[field])
    assert world.sync().written == 1
    world.assert_both(xero, key, **{field: EXPECTED[field]})
    world.assert_at_rest()


@pytest.mark.parametrize("field", EXPECTED)
def test_a_field_edited_in_karbon_travels_to_xero(world: World, field: str) -> None:
    xero, key = world.linked_pair()
    change_in_karbon(world, key, field)
    assert world.sync().written == 1
    world.assert_both(xero, key, **{field: EXPECTED[field]})
    world.assert_at_rest()


@pytest.mark.parametrize("field", ["email", "phone", "address"])
def test_a_field_cleared_by_a_person_is_cleared_on_the_other_side(world: World, field: str) -> None:
    xero, key = world.linked_pair()
    cleared = {"email": "EmailAddresses", "phone": "PhoneNumbers", "address": "Addresses"}[field]
    world.edit_card(key, **{cleared: []})
    assert world.sync().written == 1
    world.assert_both(xero, key, **{field: () if field == "address" else ""})
    world.assert_at_rest()


@pytest.mark.parametrize("side", ["xero", "karbon"])
def test_a_corrected_capital_letter_travels(world: World, side: str) -> None:
    xero, key = world.linked_pair("harbour joinery limited")
    if side == "xero":
        world.edit_xero(xero, Name="Harbour Joinery Limited")
    else:
        world.edit_karbon(key, FullName="Harbour Joinery Limited")
    assert world.sync().written == 1
    world.assert_both(xero, key, name="Harbour Joinery Limited")
    world.assert_at_rest()


@pytest.mark.parametrize("side", System)
@pytest.mark.parametrize("field", ["name", "email"])
def test_a_capital_letter_corrected_right_after_our_own_write_travels_back(
    world: World, side: System, field: str
) -> None:
    xero, key = world.linked_pair()
    corrected = {"name": "QUAYSIDE Joinery Limited", "email": "NEW@quay.example"}[field]
    if side == System.KARBON:
        world.edit_xero(xero, **IN_XERO[field])
        world.check()
        in_karbon = {"name": world.edit_karbon, "email": world.edit_card}[field]
        in_karbon(key, **{"name": {"FullName": corrected}, "email": {"EmailAddresses": [corrected]}}[field])
    else:
        change_in_karbon(world, key, field)
        world.check()
        world.edit_xero(xero, **{{"name": "Name", "email": "EmailAddress"}[field]: corrected})
    world.read_as_after_a_webhook(side, {"xero": xero, "karbon": key}[side])
    world.sync()
    world.assert_both(xero, key, **{field: corrected})
    world.assert_at_rest()


def test_a_renamed_person_is_renamed_in_parts(world: World) -> None:
    xero = world.add_xero("Mere Tane", "mere@tane.example", FirstName="Mere", LastName="Tane")
    key = world.add_person("Mere", "Tane", "mere@tane.example")
    world.connect()
    world.sync()
    world.edit_xero(xero, Name="Mere Anahera Parata", FirstName="Mere Anahera", LastName="Parata")
    world.sync()
    world.assert_both(xero, key, name="Mere Anahera Parata")
    world.edit_karbon(key, LastName="Tane")
    world.sync()
    world.assert_both(xero, key, name="Mere Anahera Tane")
    assert world.xero(xero)["LastName"] == "Tane"
    world.assert_at_rest()


def test_a_karbon_person_filed_last_name_first_in_xero_keeps_both_spellings_while_other_fields_travel(
    world: World,
) -> None:
    xero = world.add_xero("Tane, Mere", "mere@tane.example")
    key = world.add_person("Mere", "Tane", "mere@tane.example")
    world.connect()
    world.sync()
    world.edit_card(key, EmailAddresses=["new@tane.example"])
    world.sync()
    assert (world.in_xero(xero)["name"], world.in_xero(xero)["email"]) == ("Tane, Mere", "new@tane.example")
    assert (world.in_karbon(key)["name"], world.in_karbon(key)["email"]) == ("Mere Tane", "new@tane.example")
    world.assert_at_rest()


def test_edits_of_different_fields_on_the_two_sides_both_survive(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, **IN_XERO["phone"], **IN_XERO["name"])
    change_in_karbon(world, key, "email")
    change_in_karbon(world, key, "address")
    world.sync()
    world.assert_both(xero, key, **EXPECTED)
    assert world.conflicts() == []
    world.assert_at_rest()


def test_the_same_value_entered_on_both_sides_is_agreement(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, **IN_XERO["phone"])
    world.edit_card(key, PhoneNumbers=[{"Number": "+64 3 3791234", "CountryCode": "NZ", "Label": "Work"}])
    assert world.sync().written == 0
    world.assert_both(xero, key, phone="6433791234")
    assert world.conflicts() == []
    world.edit_xero(xero, Phones=[xero_phone(("64", "9", "555 0177"))])
    world.sync()
    world.assert_both(xero, key, phone="6495550177")


def clash(world: World) -> tuple[str, str]:
    xero, key = world.linked_pair()
    world.edit_xero(xero, EmailAddress="from@xero.example")
    world.edit_card(key, EmailAddresses=["from@karbon.example"])
    before = world.state()
    assert world.sync().written == 0
    assert world.state() == before
    return xero, key


@pytest.mark.parametrize(
    ("answer", "email"),
    [
        ({"winner": System.XERO}, "from@xero.example"),
        ({"winner": System.KARBON}, "from@karbon.example"),
        ({"typed": "third@harbour.example"}, "third@harbour.example"),
    ],
)
def test_different_values_on_both_sides_wait_for_a_person_whose_answer_converges(
    world: World, answer: dict[str, Any], email: str
) -> None:
    xero, key = clash(world)
    (conflict,) = world.conflicts()
    assert (conflict.xero_value, conflict.karbon_value) == ("from@xero.example", "from@karbon.example")
    links.answer(conflict, by=world.by, **answer)
    world.settle()
    world.assert_both(xero, key, email=email)
    assert world.conflicts() == []
    world.assert_at_rest()


def test_an_open_question_does_not_hold_up_the_other_fields(world: World) -> None:
    xero, key = clash(world)
    world.edit_xero(xero, **IN_XERO["phone"])
    world.edit_karbon(key, FullName=EXPECTED["name"])
    world.sync()
    assert world.in_xero(xero) == {**world.in_karbon(key), "email": "from@xero.example"}
    assert world.in_karbon(key)["phone"] == EXPECTED["phone"]
    assert world.in_xero(xero)["name"] == EXPECTED["name"]
    assert len(world.conflicts()) == 1


def test_a_question_answers_itself_when_people_make_both_sides_agree(world: World) -> None:
    xero, key = clash(world)
    world.edit_xero(xero, EmailAddress="from@karbon.example")
    world.sync()
    assert world.conflicts() == []
    world.assert_both(xero, key, email="from@karbon.example")
    world.assert_at_rest()


def test_what_is_not_synced_survives_every_write(world: World) -> None:
    xero, key = world.linked_pair()
    mobile = {**xero_phone(("64", "21", "555 01")), "PhoneType": "MOBILE"}
    world.edit_xero(
        xero,
        Phones=[mobile],
        Addresses=[{"AddressType": "POBOX", "AttentionTo": "Accounts"}],
        ContactPersons=[{"FirstName": "Jo", "LastName": "Bell", "EmailAddress": "jo@harbour.example"}],
    )
    world.edit_card(
        key,
        EmailAddresses=["office@harbour.example", "second@harbour.example"],
        WebSites=["https://harbour.example"],
        RoleOrTitle="Owner",
    )
    world.settle()
    world.edit_xero(xero, **IN_XERO["email"])
    world.edit_card(key, **ON_CARD["address"])
    world.settle()
    world.assert_both(xero, key, email=EXPECTED["email"], address=EXPECTED["address"])
    contact = world.xero(xero)
    assert next(p for p in contact["Phones"] if p["PhoneType"] == "MOBILE")["PhoneNumber"] == "555 01"
    assert next(a for a in contact["Addresses"] if a["AddressType"] == "POBOX")["AttentionTo"] == "Accounts"
    assert contact["ContactPersons"][0]["FirstName"] == "Jo"
    (card,) = world.karbon(key)["BusinessCards"]
    assert card["EmailAddresses"] == [EXPECTED["email"], "second@harbour.example"]
    assert (card["WebSites"], card["RoleOrTitle"]) == (["https://harbour.example"], "Owner")


# --- whose edit wins, field by field ----------------------------------------------------------------------------------

OF_FIELD = {"name": "name", "email": "billing_email", "phone": "primary_phone", "address": "billing_address"}
FROM_KARBON: dict[str, Any] = {
    "name": "Karbon Joinery Limited",
    "email": "from@karbon.example",
    "phone": "64213333333",
    "address": ("2 Karbon Street", "Napier", "", "4110", "NZ"),
}
IN_KARBON: dict[str, dict[str, Any]] = {
    "email": {"EmailAddresses": [FROM_KARBON["email"]]},
    "phone": {"PhoneNumbers": [karbon_phone(("64", "21", "333 3333"))]},
    "address": {"Addresses": [karbon_address({"lines": "2 Karbon Street", "city": "Napier", "postcode": "4110"})]},
}


@pytest.mark.parametrize("policy", ["ask", "xero", "karbon"])
@pytest.mark.parametrize("field", EXPECTED)
def test_a_field_edited_on_both_sides_goes_by_the_policy_of_that_field_alone(
    world: World, desk: Client, field: str, policy: str
) -> None:
    xero, key = world.linked_pair()
    SyncSettings.objects.update(**{f"{OF_FIELD[field]}_policy": policy})
    other = "phone" if field == "email" else "email"
    for each in (field, other):
        world.edit_xero(xero, **IN_XERO[each])
        if each == "name":
            world.edit_karbon(key, FullName=FROM_KARBON["name"])
        else:
            world.edit_card(key, **IN_KARBON[each])
    before = world.in_xero(xero), world.in_karbon(key)
    world.settle()

    winner = {"xero": EXPECTED, "karbon": FROM_KARBON}.get(policy)
    decided = {field: winner[field]} if winner else {}
    assert world.in_xero(xero) == {**before[0], **decided}
    assert world.in_karbon(key) == {**before[1], **decided}
    assert before[0][other] != before[1][other], "the other field is asked about, whatever is chosen for this one"

    questions = {question.field: question for question in world.conflicts()}
    assert set(questions) == {OF_FIELD[each] for each in (field, other) if each not in decided}
    assert {question.reason for question in questions.values()} == {FieldConflict.Reason.BOTH}
    queue = desk.get(reverse("admin:contacts_fieldconflict_changelist")).context["cl"].result_list
    assert {question.field for question in queue} == set(questions)
    changes = Change.objects.filter(state=Change.State.DONE)
    assert [(c.system, list(c.before)) for c in changes] == (
        [(System(policy).other, [OF_FIELD[field]])] if winner else []
    ), "the value that gave way is kept in history"
    world.assert_at_rest()


def test_a_policy_chosen_later_answers_nothing_that_is_already_asked(world: World) -> None:
    xero, key = clash(world)
    SyncSettings.objects.update(billing_email_policy="xero")
    world.edit_xero(xero, EmailAddress="again@xero.example")
    world.settle()
    (question,) = world.conflicts()
    assert (question.xero_value, question.karbon_value) == ("again@xero.example", "from@karbon.example")
    links.answer(question, by=world.by, winner=System.KARBON)
    world.settle()
    world.assert_both(xero, key, email="from@karbon.example")


# --- a name is never cleared ------------------------------------------------------------------------------------------


def lose_name(world: World, system: System, remote_id: str, how: str) -> None:
    """A record without its name, as no screen makes one: blank, or left out of what the service shows."""
    world.later()
    fields = ("FullName", "FirstName", "MiddleName", "LastName") if system is System.KARBON else ("Name",)
    with world.box.lock:
        if system is System.XERO:
            book, record = world.box.xero.book, world.box.xero.book.contacts[remote_id]
            kept = {name: value for name, value in record.fields.items() if name not in fields}
            blank = {name: "" for name in fields} if how == "blank" else {}
            book.put(replace(record, fields={**kept, **blank}, updated_ms=world.box.clock.stamp_ms()))
        else:
            records, record = world.box.karbon.book, world.box.karbon.book.records[remote_id]
            blank = {name: "" if how == "blank" else None for name in fields if name in record.fields}
            records.put(record.changed(fields={**record.fields, **blank}))


@pytest.mark.parametrize("how", ["blank", "missing"])
@pytest.mark.parametrize("side", list(System))
@pytest.mark.parametrize("is_person", [False, True])
def test_a_name_that_is_lost_on_one_side_is_never_cleared_on_the_other(
    world: World, side: System, how: str, is_person: bool
) -> None:
    if is_person:
        xero, key = (
            world.add_xero("Mere Tane", "mere@tane.example"),
            world.add_person("Mere", "Tane", "mere@tane.example"),
        )
        world.connect()
        world.sync()
    else:
        xero, key = world.linked_pair()
    SyncSettings.objects.update(clears="travel", name_policy=side)
    name, new_name = world.in_xero(xero)["name"], "Mere Parata" if is_person else EXPECTED["name"]
    lose_name(world, side, {System.XERO: xero, System.KARBON: key}[side], how)
    world.edit_xero(xero, Phones=[xero_phone(NEW_PHONE)])
    for full in (False, True):
        world.sync(full=full)
    shown = {System.XERO: world.in_xero(xero), System.KARBON: world.in_karbon(key)}
    assert (shown[side]["name"] or "", shown[side.other]["name"]) == ("", name)
    assert shown[System.KARBON]["phone"] == EXPECTED["phone"], "the other fields go on"
    assert "A name is never cleared" in world.link_of(xero).held[side.other]["name"]["reason"]
    assert pipeline.needs_a_person()
    if side is System.XERO:
        world.edit_xero(xero, Name=new_name)
    elif is_person:
        world.edit_karbon(key, FirstName="Mere", MiddleName="", LastName="Parata")
    else:
        world.edit_karbon(key, FullName=new_name)
    world.settle()
    world.assert_both(xero, key, name=new_name, phone=EXPECTED["phone"])
    assert world.link_of(xero).held == {} and not pipeline.needs_a_person()


@pytest.mark.parametrize("side", list(System))
@pytest.mark.parametrize("policy", ["ask", "xero", "karbon"])
def test_a_name_that_is_lost_on_one_side_leaves_an_edit_of_the_other_side_as_it_is(
    world: World, side: System, policy: str
) -> None:
    xero, key = world.linked_pair()
    SyncSettings.objects.update(clears="travel", name_policy=policy)
    lose_name(world, side, {System.XERO: xero, System.KARBON: key}[side], "blank")
    if side is System.KARBON:
        world.edit_xero(xero, Name=EXPECTED["name"])
    else:
        world.edit_karbon(key, FullName=EXPECTED["name"])
    world.settle()
    for question in world.conflicts():  # even who says that the blank is right clears nothing
        links.answer(question, by=world.by, winner=side)
        world.settle()
    shown = {System.XERO: world.in_xero(xero)["name"], System.KARBON: world.in_karbon(key)["name"]}
    assert shown == {side: EXPECTED["name"] if policy == side.other else "", side.other: EXPECTED["name"]}
    assert pipeline.needs_a_person() == (policy != side.other)


# --- what history tells -----------------------------------------------------------------------------------------------


def told(world: World, desk: Client, system: System, remote_id: str) -> list[str]:
    """The rows of the changes on a contact's page, as a person reads them."""
    page = reverse(f"admin:contacts_{system}contact_change", args=[world.mirrored(system, remote_id).pk])
    table = desk.get(page).content.decode().partition('id="changes"')[2].partition("</section>")[0]
    rows = re.findall(r"(?s)<tr>(.*?)</tr>", table.partition("<tbody>")[2])
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]


def test_the_contacts_page_tells_of_an_edit_what_where_why_when_and_xeros_number_of_the_request(
    world: World, desk: Client
) -> None:
    xero, key = world.linked_pair()
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.edit_xero(xero, **IN_XERO["phone"])
    world.settle()
    change = Change.objects.get(system=System.XERO)
    number, when = change.request_id, date_format(timezone.localtime(change.created_at), "j M Y, H:i")
    assert number
    for system, remote_id in ((System.XERO, xero), (System.KARBON, key)):
        to_xero, to_karbon = sorted(told(world, desk, system, remote_id), key=lambda row: "in Karbon Primary" in row)
        assert "Update in Xero Billing email: office@harbour.example → new@harbour.example Changed in Karbon" in to_xero
        assert f"Xero's request number: {number} Done" in to_xero
        assert "Update in Karbon Primary phone: +64 9 555 0100 → +64 3 379 1234 Changed in Xero Done" in to_karbon
        assert to_xero.startswith(when) and to_karbon.startswith(when[:-2])
        assert " by staff" not in to_xero + to_karbon, "nobody here did that"


def test_the_contacts_page_tells_who_typed_a_third_value_and_what_it_replaced(world: World, desk: Client) -> None:
    xero, _ = clash(world)
    links.answer(world.conflicts()[0], by=world.by, typed="third@harbour.example")
    world.settle()
    rows = " ".join(told(world, desk, System.XERO, xero))
    assert "Update in Xero Billing email: from@xero.example → third@harbour.example" in rows
    assert "Typed by a person by staff Xero's request number: " in rows
    assert "Update in Karbon Billing email: from@karbon.example → third@harbour.example" in rows


# --- what a person decided ---------------------------------------------------------------------------------------------


def decided(world: World, winner: System = System.XERO) -> tuple[str, str]:
    """A pair whose question a person answered by keeping one side's value."""
    pair = clash(world)
    links.answer(world.conflicts()[0], by=world.by, winner=winner)
    return pair


@pytest.mark.parametrize("winner", list(System))
def test_the_contacts_page_tells_who_decided_between_two_values(world: World, desk: Client, winner: System) -> None:
    xero, _ = decided(world, winner)
    world.settle()
    (row,) = told(world, desk, System.XERO, xero)
    assert "Linked" not in row and "by staff" in row


def test_undoing_a_link_leaves_what_a_person_decided_long_after_it(world: World) -> None:
    xero, key = decided(world)
    world.settle()
    undoing.undo_link(world.link_of(xero), by=world.by)
    world.settle()
    assert world.in_karbon(key)["email"] == "from@xero.example"


def test_what_a_person_decided_between_two_values_is_sent_during_a_pause_for_safety(world: World) -> None:
    _, key = clash(world)
    safety.stop(safety.Kind.CHANGES, "25 of 25 pairs changed within an hour.")
    links.answer(world.conflicts()[0], by=world.by, winner=System.XERO)
    world.sync()
    assert world.in_karbon(key)["email"] == "from@xero.example"
