"""Linking never blanks anything: what a side did not show, or lost before its value was carried over, erases nothing."""

from typing import Any

import pytest

from contacts import pausing
from contacts.models import SyncSettings
from contacts.values import System
from matching import issues
from tests.scenarios.conftest import ADDRESS, PHONE, World, karbon_phone, xero_phone
from tests.scenarios.test_acts import read_in_full

NAME, EMAIL = "Harbour Joinery Limited", "office@harbour.example"
OTHER_PHONE = ("64", "3", "379 1234")


@pytest.mark.parametrize("phone", [None, OTHER_PHONE])
def test_a_card_added_to_a_linked_record_that_had_none_blanks_nothing_in_xero(world: World, phone: Any) -> None:
    world.add_pair("Coastal Plumbing Limited", "hi@coast.example")
    xero = world.add_xero(NAME, EMAIL, phone=PHONE, address=ADDRESS)
    world.later()
    made = world.control("POST", "/karbon/organizations", {"FullName": NAME, "BusinessCards": []})
    key = str(made["OrganizationKey"])
    world.connect()
    world.sync()
    read_in_full(world, key)
    issues.confirm(world.issue_of(xero), world.mirrored(System.KARBON, key), by=world.by)
    world.settle()
    before = world.in_xero(xero)
    world.edit_card(key, PhoneNumbers=[karbon_phone(phone)] if phone else [])
    world.settle()
    assert world.in_xero(xero) == before
    shown = world.in_karbon(key)
    assert (shown["email"], shown["address"]) == (before["email"], before["address"])
    assert [question.field for question in world.conflicts()] == (["primary_phone"] if phone else [])


@pytest.mark.parametrize("clears", ["travel", "ask", "never"])
def test_a_value_cleared_before_a_new_link_had_carried_it_over_erases_nothing(world: World, clears: str) -> None:
    xero = world.add_xero(NAME, EMAIL, phone=PHONE)
    key = world.add_organisation(NAME, EMAIL, phone=OTHER_PHONE)
    world.connect()
    SyncSettings.objects.update(clears=clears)
    pausing.only_read(System.KARBON, by=world.by, reason="Month end")
    world.sync()
    world.edit_xero(xero, Phones=[xero_phone(("", "", ""))])
    world.sync()
    pausing.write_again(by=world.by)
    world.settle()
    world.assert_both(xero, key, phone="6433791234")
    world.assert_at_rest()
