"""What people change on one side or on both, and where it ends up."""

from typing import Any

import pytest

from contacts import links
from contacts.values import System
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
