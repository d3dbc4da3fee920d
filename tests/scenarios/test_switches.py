"""A whole round trip, whichever way the services' open questions stand."""

from typing import Any

import pytest

from tests.scenarios.conftest import ADDRESS, PHONE, World, karbon_address, karbon_phone, xero_address, xero_phone


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"cardEditBumpsParent": False},
        {"listFullName": "plain"},
        {"patchWithoutPrefer": "204"},
        {"slotUpdate": "merge"},
        {"slotUpdate": "replace"},
        {"noopBumps": False},
        {"nameSpaces": "trim"},
        {"nullMeans": "clear"},
        {"emptyPhysicalAddress": False},
        {"labelValidation": "strict"},
        {"nextLinkWithTop": False},
        {"contactTypeValidation": "reject"},
        {"restrictUnknownProps": "ignore"},
    ],
    ids=lambda switches: "-".join(f"{name}-{value}" for name, value in switches.items()) or "as-they-are",
)
def test_a_round_trip_ends_the_same_whichever_way_an_open_question_stands(
    world: World, switches: dict[str, Any]
) -> None:
    if switches:
        world.switch(**switches)
    full = switches.get("cardEditBumpsParent") is False
    xero, key = world.add_pair()
    person = world.add_xero("Tane, Mere", "mere@tane.example", phone=PHONE)
    person_key = world.add_person("Mere", "Tane", "mere@tane.example", address=ADDRESS)
    new = world.add_xero("Aroha Ngata", "aroha@ngata.example", phone=PHONE, address=ADDRESS)
    world.connect()
    world.sync(full=full)
    new_key = world.karbon_named("Aroha Ngata")["ContactKey"]
    assert world.links() == {(xero, key), (person, person_key), (new, new_key)}

    world.edit_xero(xero, Name="Quayside Joinery Limited", Phones=[xero_phone(("64", "3", "379 1234"))])
    world.edit_card(key, Addresses=[karbon_address({"lines": "PO Box 7", "city": "Nelson", "postcode": "7040"})])
    world.edit_xero(person, Addresses=[xero_address({"lines": "2 Hill Street", "city": "Otaki", "postcode": "5512"})])
    world.edit_card(person_key, EmailAddresses=["new@tane.example"])
    world.edit_card(new_key, PhoneNumbers=[karbon_phone(("64", "4", "555 0199"))])
    world.edit_karbon(new_key, LastName="Ngata Cooper")
    world.sync(full=full)
    world.sync(full=full)

    world.assert_both(xero, key, name="Quayside Joinery Limited", phone="6433791234")
    assert world.in_xero(xero)["address"] == ("PO Box 7", "Nelson", "", "7040", "NZ")
    assert world.in_xero(person) == {**world.in_karbon(person_key), "name": "Tane, Mere"}
    assert world.in_karbon(person_key) == {
        "name": "Mere Tane",
        "email": "new@tane.example",
        "phone": "6495550100",
        "address": ("2 Hill Street", "Otaki", "", "5512", "NZ"),
    }
    world.assert_both(new, new_key, name="Aroha Ngata Cooper", phone="6445550199")
    assert len(world.all_karbon()) == 3
    before = world.state()
    result = world.sync(full=full)
    assert (result.written, result.created) == (0, 0)
    assert world.state() == before
