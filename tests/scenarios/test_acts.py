"""What staff decide, and what both services show afterwards."""

from datetime import timedelta

import pytest

from contacts import links, mirror
from contacts.models import Link
from contacts.values import Kind, System
from karbonsync import pipeline
from matching import issues
from tests.scenarios.conftest import ADDRESS, PHONE, World, key_of, read_karbon

NAME, EMAIL = "Harbour Joinery Limited", "office@harbour.example"
OTHER_EMAIL = "other@harbour.example"


def conflict(world: World) -> tuple[str, str]:
    """A Xero contact without phone, and a Karbon contact of its name with another email and a phone."""
    xero = world.add_xero(NAME, EMAIL, address=ADDRESS)
    key = world.add_organisation(NAME, OTHER_EMAIL, phone=PHONE)
    world.connect()
    world.sync()
    assert world.candidates(xero) == {key}
    return xero, key


def confirm_after_reading(world: World, xero: str, key: str, **more: object) -> None:
    """Confirm as the review page does: from Karbon's full record."""
    read_in_full(world, key)
    issues.confirm(world.issue_of(xero), world.mirrored(System.KARBON, key), by=world.by, **more)


def read_in_full(world: World, key: str) -> None:
    """Let the mirror hold Karbon's full record, cards included."""
    contact = world.mirrored(System.KARBON, key)
    found = pipeline.connect()[System.KARBON].read([contact.ref])
    mirror.keep(System.KARBON, [snapshot for snapshot in found.values() if snapshot])


def flows(world: World, xero: str, key: str) -> None:
    """Edits travel both ways between these two."""
    world.edit_xero(xero, EmailAddress="from@xero.example")
    world.sync()
    world.assert_both(xero, key, email="from@xero.example")
    world.edit_card(key, EmailAddresses=["from@karbon.example"])
    world.sync()
    world.assert_both(xero, key, email="from@karbon.example")
    world.assert_at_rest()


def test_confirming_carries_xeros_values_over_and_a_blank_in_xero_erases_nothing(world: World) -> None:
    xero, key = conflict(world)
    confirm_after_reading(world, xero, key)
    world.settle()
    world.assert_both(
        xero, key, email=EMAIL, phone="6495550100", address=("1 Wharf Road", "Auckland", "", "1010", "NZ")
    )
    flows(world, xero, key)


def test_confirming_lets_a_person_keep_karbons_value_of_a_field(world: World) -> None:
    xero, key = conflict(world)
    confirm_after_reading(world, xero, key, winners={"billing_email": System.KARBON})
    world.settle()
    world.assert_both(xero, key, email=OTHER_EMAIL, phone="6495550100")
    world.assert_at_rest()


def test_create_new_makes_a_separate_karbon_contact(world: World) -> None:
    xero, key = conflict(world)
    old = world.karbon(key)
    issues.create_new(world.issue_of(xero), kind=Kind.ORGANISATION, contact_type="Client", by=world.by)
    world.sync()
    assert world.karbon(key) == old
    (made,) = [r for r in world.all_karbon() if key_of(r) != key]
    assert read_karbon(made)["name"] == NAME
    assert world.links() == {(xero, key_of(made))}
    world.assert_both(xero, key_of(made), email=EMAIL, phone="")
    world.assert_at_rest()


def test_not_the_same_takes_one_possible_match_away_and_never_creates(world: World) -> None:
    xero = world.add_xero(NAME, EMAIL)
    first, second = world.add_organisation(NAME, OTHER_EMAIL), world.add_organisation("Quay Boats Limited", EMAIL)
    world.connect()
    world.sync()
    before = world.state()
    issues.not_the_same(world.issue_of(xero), world.mirrored(System.KARBON, first), by=world.by)
    world.sync()
    assert world.candidates(xero) == {second}
    issues.not_the_same(world.issue_of(xero), world.mirrored(System.KARBON, second), by=world.by)
    world.sync()
    world.edit_karbon(first, ContactType="Prospect")
    world.sync(full=True)
    assert world.candidates(xero) == set()
    assert world.karbon_names() == sorted([NAME, "Quay Boats Limited"])
    assert world.state()["xero"] == before["xero"]


def test_a_left_out_contact_stays_out_until_it_is_brought_back(world: World) -> None:
    xero, _ = conflict(world)
    before = world.state()
    issues.leave_out(world.issue_of(xero), by=world.by)
    world.sync()
    world.edit_xero(xero, Name="Harbour Cabinets Limited", EmailAddress="x@harbour.example")
    world.sync(full=True)
    assert world.state()["karbon"] == before["karbon"]
    links.bring_back(world.mirrored(System.XERO, xero), by=world.by)
    world.sync()
    key = world.karbon_named("Harbour Cabinets Limited")["OrganizationKey"]
    world.assert_both(xero, key, email="x@harbour.example")


def unsynced(world: World) -> tuple[str, str]:
    xero, key = world.linked_pair()
    links.unsync(world.link_of(xero), by=world.by)
    return xero, key


def test_an_unsynced_pair_is_left_alone_on_both_sides(world: World) -> None:
    xero, key = unsynced(world)
    world.edit_xero(xero, EmailAddress="from@xero.example")
    world.edit_card(key, PhoneNumbers=[])
    world.edit_karbon(key, FullName="Quay Boats Limited")
    before = world.state()
    for full in (False, True):
        result = world.sync(full=full)
        assert (result.written, result.created) == (0, 0)
    assert world.state() == before
    assert world.link_of(xero).state == Link.State.UNSYNCED


def test_unsyncing_cancels_what_waits_to_be_sent(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, EmailAddress="from@xero.example")
    world.fault(system="karbon", method="PUT", kind="rate_limit", retry_after=60, path="BusinessCards")
    world.sync()
    links.unsync(world.link_of(xero), by=world.by)
    before = world.state()
    world.sync()
    assert world.state() == before
    assert world.in_karbon(key)["email"] == EMAIL


def test_a_rematched_pair_starts_from_xeros_values_and_flows_both_ways(world: World) -> None:
    xero, key = unsynced(world)
    world.edit_xero(xero, EmailAddress="while@apart.example")
    world.edit_card(key, EmailAddresses=["karbon@apart.example"])
    world.sync(full=True)
    links.rematch(world.link_of(xero), by=world.by)
    world.settle()
    world.assert_both(xero, key, email="while@apart.example")
    flows(world, xero, key)


def test_a_fresh_karbon_contact_from_xeros_data_leaves_the_old_one_alone(world: World) -> None:
    xero, key = unsynced(world)
    old = world.karbon(key)
    pair = world.link_of(xero)
    links.renew(pair, links.Wanted(pair.xero, Kind.ORGANISATION, "Client", cause="New from Xero's data", by=world.by))
    world.sync()
    (made,) = [r for r in world.all_karbon() if key_of(r) != key]
    assert world.links() == {(xero, key_of(made))}
    flows(world, xero, key_of(made))
    assert world.karbon(key) == old
    world.sync(full=True)
    assert len(world.all_karbon()) == 2


def test_a_fresh_xero_contact_from_karbons_data_takes_a_distinguishing_name_on_both_sides(world: World) -> None:
    xero, key = unsynced(world)
    old = world.xero(xero)
    pair = world.link_of(xero)
    typed = {"name": "Harbour Joinery 2026 Limited"}
    links.renew(
        pair, links.Wanted(pair.karbon, Kind.ORGANISATION, cause="New from Karbon's data", by=world.by, typed=typed)
    )
    world.settle()
    made = world.xero_named("Harbour Joinery 2026 Limited")["ContactID"]
    assert world.links() == {(made, key)}
    world.assert_both(made, key, name="Harbour Joinery 2026 Limited", phone="6495550100")
    assert world.xero(xero) == old
    flows(world, made, key)
    world.sync(full=True)
    assert len(world.all_karbon()) == 1


def test_a_fresh_xero_contact_under_the_old_name_is_refused_and_overwrites_nothing(world: World) -> None:
    xero, _ = unsynced(world)
    before = world.state()
    pair = world.link_of(xero)
    made = links.renew(pair, links.Wanted(pair.karbon, Kind.ORGANISATION, cause="New from Karbon's data", by=world.by))
    world.sync()
    world.sync(full=True)
    assert world.state() == before
    made.refresh_from_db()
    assert made.state == Link.State.CREATING
    assert "already has an active contact called Harbour Joinery Limited" in made.problem


@pytest.mark.parametrize("address", [None, ADDRESS])
def test_create_xero_contact_makes_it_and_syncs_both_ways(world: World, address: dict | None) -> None:
    world.linked_pair()
    key = world.add_person("Aroha", "Ngata", "aroha@ngata.example", phone=PHONE, address=address)
    world.sync()
    links.create_counterparts([links.Wanted(world.mirrored(System.KARBON, key), Kind.PERSON, by=world.by)])
    world.settle()
    made = world.xero_named("Aroha Ngata")["ContactID"]
    world.assert_both(made, key, email="aroha@ngata.example", phone="6495550100")
    assert (made, key) in world.links()
    flows(world, made, key)


def test_create_xero_contact_under_a_taken_name_is_refused_and_can_be_tried_again(world: World) -> None:
    xero, _ = world.linked_pair()
    key = world.add_organisation(NAME, "stranger@quay.example")
    world.sync()
    before = world.state()
    wanted = links.Wanted(world.mirrored(System.KARBON, key), Kind.ORGANISATION, by=world.by)
    (made,) = links.create_counterparts([wanted])
    world.sync()
    assert world.state() == before
    made.refresh_from_db()
    assert "already has an active contact called Harbour Joinery Limited" in made.problem
    world.edit_karbon(key, FullName="Harbour Stranger Limited")
    world.sync()
    links.try_again(made, by=world.by)
    world.settle()
    new = world.xero_named("Harbour Stranger Limited")["ContactID"]
    assert (new, key) in world.links()
    world.assert_both(new, key, email="stranger@quay.example")
    assert world.in_xero(xero)["email"] == EMAIL


def test_a_contact_archived_in_xero_stops_its_pair_and_restoring_it_goes_on(world: World) -> None:
    xero, key = world.linked_pair()
    world.control("POST", f"/xero/contacts/{xero}/archive")
    world.edit_card(key, EmailAddresses=["while@away.example"])
    before = world.state()
    assert world.sync().written == 0
    assert world.sync(full=True).written == 0
    assert world.state() == before
    assert world.link_of(xero).state == Link.State.STOPPED
    world.later()
    world.control("POST", f"/xero/contacts/{xero}/restore")
    world.settle()
    world.assert_both(xero, key, email="while@away.example")
    world.assert_at_rest()


def test_a_contact_deleted_in_karbon_stops_its_pair_and_is_not_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    xero, key = world.linked_pair()
    world.add_organisation("Quay Boats Limited", "hi@quay.example")
    world.control("DELETE", f"/karbon/organizations/{key}")
    world.edit_xero(xero, EmailAddress="new@harbour.example")
    before = world.state()
    for _ in range(2):
        world.sync(full=True)
    assert world.state() == before
    assert world.link_of(xero).state == Link.State.STOPPED
    assert world.karbon_names() == ["Quay Boats Limited"]


def test_an_act_on_a_pair_that_somebody_else_just_changed_is_refused_kindly(world: World) -> None:
    xero, key = world.linked_pair()
    before = world.state()
    pair = world.link_of(xero)
    links.unsync(pair, by=world.by)
    with pytest.raises(links.Overtaken):
        links.unsync(pair, by=world.by)
    again = links.rematch(world.link_of(xero), by=world.by)
    with pytest.raises(links.Overtaken):
        links.rematch(pair, by=world.by)
    world.sync()
    assert world.links() == {(xero, key)}
    assert world.link_of(xero) == again
    assert world.state() == before
