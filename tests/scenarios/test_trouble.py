"""Lost replies, lost requests, expired keys, bad values and listings that cannot be believed."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from contacts import api, links, mirror, outbox, pausing, settling
from contacts.models import Change, Link, RemoteContact
from contacts.remote import Rejected, Unavailable
from contacts.values import Kind, System
from karbon import remote as karbon_remote
from karbon.client import KarbonClient
from karbonsync import pipeline, tasks
from karbonsync.lease import Held
from karbonsync.models import Lease
from matching.models import MatchIssue
from tests.scenarios.conftest import ADDRESS, PHONE, World, karbon_phone, xero_phone
from tests.scenarios.test_acts import read_in_full
from xero.models import XeroConnection

NAME = "Coastal Plumbing Limited"
CREATE = {"karbon": ("POST", "/(Contacts|Organizations)/?$"), "xero": ("PUT", "/Contacts/?$")}
REFUSAL = {"error": {"code": "4021", "message": "RestrictionLevel is not permitted."}}
LISTINGS = [("xero", "/Contacts/?$"), ("karbon", "/Contacts/?$"), ("karbon", "/Organizations/?$")]


@pytest.mark.parametrize("kind", ["drop_reply", "drop_request"])
def test_a_creation_in_karbon_whose_call_is_lost_is_made_exactly_once(world: World, kind: str) -> None:
    world.add_pair()
    xero = world.add_xero(NAME, "hi@coast.example", phone=PHONE, address=ADDRESS)
    world.connect()
    method, path = CREATE["karbon"]
    world.fault(system="karbon", method=method, path=path, kind=kind)
    world.sync()
    world.settle()
    key = world.karbon_named(NAME)["OrganizationKey"]
    assert (xero, key) in world.links()
    world.assert_both(xero, key, email="hi@coast.example", phone="6495550100")
    world.assert_at_rest()


def test_a_new_contact_renamed_before_we_knew_of_it_is_asked_about_and_not_made_again(world: World) -> None:
    world.add_pair()
    xero = world.add_xero(NAME, "hi@coast.example", phone=PHONE, address=ADDRESS)
    world.connect()
    world.fault(system="karbon", method="POST", path=CREATE["karbon"][1], kind="drop_reply")
    world.check()
    world.edit_karbon(world.karbon_named(NAME)["OrganizationKey"], FullName="Coast and Country Plumbing Limited")
    world.settle()
    assert world.karbon_names() == ["Coast and Country Plumbing Limited", "Harbour Joinery Limited"]
    pair = world.link_of(xero)
    assert pair.state == Link.State.CREATING
    assert "Coast and Country Plumbing Limited" in pair.problem
    world.assert_at_rest()
    key = world.karbon_named("Coast and Country Plumbing Limited")["OrganizationKey"]
    world.edit_karbon(key, FullName=NAME)  # what the sentence says to do
    links.give_up_creation(pair, by=world.by)
    links.bring_back(world.mirrored(System.XERO, xero), by=world.by)
    world.settle()
    assert (xero, key) in world.links() and len(world.all_karbon()) == 2


def test_who_was_there_before_is_not_taken_for_a_renamed_new_contact(world: World) -> None:
    world.add_pair()
    key = world.add_organisation("Their Accountant Limited", "hi@coast.example")
    world.add_xero("Their Accountant Limited", "hi@coast.example")
    world.connect()
    world.sync()
    xero = world.add_xero(NAME, "", phone=PHONE, address=ADDRESS)
    world.fault(system="karbon", method="POST", path=CREATE["karbon"][1], kind="drop_request")
    world.check()
    world.edit_card(key, PhoneNumbers=[karbon_phone(PHONE)])
    world.settle()
    assert (xero, world.karbon_named(NAME)["OrganizationKey"]) in world.links()


def test_a_person_whose_creation_lost_its_reply_is_found_again(world: World) -> None:
    world.add_pair()
    xero = world.add_xero("Aroha Ngata", "aroha@ngata.example")
    world.connect()
    world.fault(system="karbon", method="POST", path=CREATE["karbon"][1], kind="drop_reply")
    world.sync()
    world.settle()
    key = world.karbon_named("Aroha Ngata")["ContactKey"]
    assert (xero, key) in world.links()
    world.assert_both(xero, key, email="aroha@ngata.example")


@pytest.mark.parametrize(("system", "method"), [("karbon", "PUT"), ("xero", "POST")])
def test_a_page_in_place_of_the_answer_to_a_write_costs_no_edit(world: World, system: str, method: str) -> None:
    xero, key = world.linked_pair()
    world.fault(system=system, method=method, kind="garbage")
    if system == "karbon":
        world.edit_xero(xero, EmailAddress="new@harbour.example")
    else:
        world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.sync()
    world.settle()
    world.assert_both(xero, key, email="new@harbour.example")


def test_while_only_xeros_login_is_down_karbon_is_read_and_written_all_the_same(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, Phones=[xero_phone(("64", "3", "379 1234"))])
    world.fault(system="karbon", method="PUT", kind="error", status=503)
    world.sync()  # what came from Xero still waits to be sent
    XeroConnection.objects.update(expires_at=timezone.now())
    world.fault(system="xero", path="/connect/token", kind="error", status=503, times=99)
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.wait_out()
    result = world.sync()
    assert any("Xero's login did not answer" in error for error in result.errors)
    assert world.mirrored(System.KARBON, key).billing_email == "new@harbour.example"
    assert world.in_karbon(key)["phone"] == "6433791234"
    assert not Change.objects.filter(system=System.XERO, state=Change.State.SENDING).exists()
    world.no_faults()
    world.wait_out()
    world.settle()
    world.assert_both(xero, key, email="new@harbour.example", phone="6433791234")


@pytest.mark.parametrize("kind", ["drop_reply", "drop_request"])
def test_a_creation_in_xero_whose_call_is_lost_is_made_exactly_once(world: World, kind: str) -> None:
    world.linked_pair()
    key = world.add_organisation(NAME, "hi@coast.example", phone=PHONE, address=ADDRESS)
    world.sync()
    read_in_full(world, key)
    links.create_counterparts([links.Wanted(world.mirrored(System.KARBON, key), Kind.ORGANISATION, by=world.by)])
    method, path = CREATE["xero"]
    world.fault(system="xero", method=method, path=path, kind=kind)
    world.sync()
    world.settle()
    made = world.xero_named(NAME)["ContactID"]
    assert (made, key) in world.links()
    world.assert_both(made, key, email="hi@coast.example", phone="6495550100")
    world.assert_at_rest()


@pytest.mark.parametrize("listing", ["Contacts", "Organizations"])
@pytest.mark.parametrize("others", [True, False])
def test_a_creation_that_an_empty_list_hides_is_not_made_again(world: World, listing: str, others: bool) -> None:
    if others:
        world.add_person("Mere", "Tane", "mere@tane.example")
        world.add_organisation("Harbour Joinery Limited")
    world.add_xero("Aroha Ngata" if listing == "Contacts" else NAME)
    world.connect()
    world.fault(system="karbon", method="POST", path=CREATE["karbon"][1], kind="drop_reply")
    world.check()
    world.fault(system="karbon", method="GET", path=f"/{listing}/?$", kind="empty", times=4)
    world.settle(syncs=8)
    assert len(world.all_karbon()) == (3 if others else 1)
    assert len(world.links()) == 1


def test_what_may_be_our_own_new_contact_takes_no_part_in_acts_before_that_is_known(
    world: World, settings: Any
) -> None:
    contact, _ = world.linked_pair()
    xero = world.add_xero(NAME, "hi@coast.example")
    world.fault(system="karbon", method="POST", path=CREATE["karbon"][1], kind="drop_reply")
    settings.SETTLE_AFTER_SECONDS = 1.5
    world.check()
    world.later()
    world.check()  # its list shows the new one as a stranger
    key = world.karbon_named(NAME)["OrganizationKey"]
    read_in_full(world, key)
    stranger = world.mirrored(System.KARBON, key)
    with pytest.raises(links.Overtaken, match="may be it"):
        links.create_counterparts([links.Wanted(stranger, Kind.ORGANISATION, by=world.by)])
    with pytest.raises(links.Overtaken, match="may be it"):
        links.link(world.mirrored(System.XERO, contact), stranger, origin=Link.Origin.CONFIRMED, by=world.by)
    world.settle()
    assert (xero, key) in world.links() and len(world.all_karbon()) == 2


@pytest.mark.parametrize("name", [NAME, f"{NAME} North"])
def test_a_contact_made_in_xero_is_no_stranger_to_the_checks_before_its_lost_reply_is_settled(
    world: World, settings: Any, name: str
) -> None:
    world.linked_pair()
    key = world.add_organisation(NAME)
    world.sync()
    read_in_full(world, key)
    typed = {"name": name} if name != NAME else {}
    source = world.mirrored(System.KARBON, key)
    links.create_counterparts([links.Wanted(source, Kind.ORGANISATION, by=world.by, typed=typed)])
    method, path = CREATE["xero"]
    world.fault(system="xero", method=method, path=path, kind="drop_reply")
    settings.SETTLE_AFTER_SECONDS = 2
    lease = Held(tasks.LEASE)
    assert lease.take()
    for _ in range(2):
        tasks.run_check(lease)
        world.later()
    lease.drop()
    world.settle()
    made = world.xero_named(name)["ContactID"]
    assert (made, key) in world.links()
    assert world.karbon_names() == sorted(["Harbour Joinery Limited", name])
    assert not MatchIssue.objects.filter(state=MatchIssue.State.OPEN).exists()


@pytest.mark.parametrize("kind", ["drop_reply", "drop_request"])
@pytest.mark.parametrize("field", ["name", "email"])
def test_an_update_to_karbon_whose_call_is_lost_arrives_once(world: World, kind: str, field: str) -> None:
    xero, key = world.linked_pair()
    wire = {"name": {"Name": NAME}, "email": {"EmailAddress": "new@harbour.example"}}[field]
    world.edit_xero(xero, **wire)
    method = "PATCH" if field == "name" else "PUT"
    world.fault(system="karbon", method=method, kind=kind)
    world.forget_calls()
    world.sync()
    world.settle()
    world.assert_both(xero, key, **{field: next(iter(wire.values()))})
    assert len(world.calls(system="karbon", method=method)) == (1 if kind == "drop_reply" else 2)
    assert world.conflicts() == []
    world.assert_at_rest()


@pytest.mark.parametrize("kind", ["drop_reply", "drop_request"])
def test_an_update_to_xero_whose_call_is_lost_arrives_once(world: World, kind: str) -> None:
    xero, key = world.linked_pair()
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.fault(system="xero", method="POST", path="Contacts", kind=kind)
    world.forget_calls()
    world.sync()
    world.settle()
    world.assert_both(xero, key, email="new@harbour.example")
    assert len(world.calls(system="xero", method="POST", path="Contacts")) == (1 if kind == "drop_reply" else 2)
    assert world.conflicts() == []
    world.assert_at_rest()


def test_an_edit_made_while_a_reply_was_lost_is_not_overwritten(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, EmailAddress="new@harbour.example")
    world.fault(system="karbon", method="PUT", kind="drop_request")
    lease = Held(tasks.LEASE)
    assert lease.take()
    tasks.run_check(lease)
    lease.drop()
    world.edit_card(key, EmailAddresses=["person@harbour.example"])
    world.sync()
    assert world.in_karbon(key)["email"] == "person@harbour.example"
    assert world.in_xero(xero)["email"] == "new@harbour.example"
    (conflict,) = world.conflicts()
    assert conflict.field == "billing_email"


@pytest.mark.parametrize("system", ["xero", "karbon"])
@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_keys_refused_in_the_middle_of_a_run_cost_nothing(world: World, system: str, skip: int) -> None:
    xero, key = world.linked_pair()
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.edit_xero(xero, Name=NAME)
    world.add_xero("Aroha Ngata", "aroha@ngata.example")
    world.fault(system=system, kind="expire_token", skip=skip)
    world.sync()
    world.no_faults()
    world.settle()
    world.assert_both(xero, key, name=NAME, email="new@harbour.example")
    assert world.karbon_names() == sorted([NAME, "Aroha Ngata"])
    assert world.xero_names() == sorted([NAME, "Aroha Ngata"])


@pytest.mark.parametrize("system", ["xero", "karbon"])
def test_a_service_that_is_down_does_not_stop_the_other(world: World, system: str) -> None:
    xero, key = world.linked_pair()
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.edit_xero(xero, Name=NAME)
    before = world.state()
    world.fault(system=system, kind="error", status=503, times=1000)
    result = world.sync()
    assert result.errors
    assert world.state()[system] == before[system]
    world.no_faults()
    world.settle()
    world.assert_both(xero, key, name=NAME, email="new@harbour.example")


def test_a_one_word_name_for_a_person_is_reported_and_stops_nobody_else(world: World) -> None:
    person = world.add_xero("Mere Tane", "mere@tane.example")
    person_key = world.add_person("Mere", "Tane", "mere@tane.example")
    xero, key = world.add_pair()
    world.connect()
    world.sync()
    world.edit_xero(person, Name="Mere", EmailAddress="new@tane.example")
    world.edit_xero(xero, Name="Harbour Boats Limited")
    world.sync()
    world.assert_both(xero, key, name="Harbour Boats Limited")
    assert world.in_karbon(person_key)["name"] == "Mere Tane"
    assert world.in_karbon(person_key)["email"] == "new@tane.example"
    assert world.in_xero(person)["name"] == "Mere"
    assert "name" in world.link_of(person).held["karbon"]
    assert pipeline.needs_a_person()
    world.assert_at_rest()
    world.edit_xero(person, Name="Mere Parata")
    world.sync()
    world.assert_both(person, person_key, name="Mere Parata")
    assert world.link_of(person).held == {}


def test_an_address_that_is_too_long_is_reported_and_stops_nobody_else(world: World) -> None:
    world.add_pair()
    long = {**ADDRESS, "city": "Llanfair" * 20}
    xero = world.add_xero(NAME, "hi@coast.example", phone=PHONE, address=long)
    other = world.add_xero("Aroha Ngata", "aroha@ngata.example")
    world.connect()
    world.settle()
    key = world.karbon_named(NAME)["OrganizationKey"]
    assert {**world.in_xero(xero), "address": ()} == world.in_karbon(key)
    world.assert_both(other, world.karbon_named("Aroha Ngata")["ContactKey"])
    assert "100 characters of a city" in world.link_of(xero).held["karbon"]["billing_address"]["reason"]
    world.assert_at_rest()
    world.edit_xero(xero, Addresses=[{"AddressType": "POBOX", "City": "Auckland"}])
    world.sync()
    world.assert_both(xero, key, address=("1 Wharf Road", "Auckland", "", "1010", "NZ"))


def test_an_email_that_xero_refuses_is_reported_while_the_phone_edited_with_it_travels(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_card(key, EmailAddresses=["no email at all"], PhoneNumbers=[karbon_phone(("64", "3", "379 1234"))])
    world.sync()
    assert world.in_xero(xero)["phone"] == world.in_karbon(key)["phone"] == "6433791234"
    assert world.in_xero(xero)["email"] == "office@harbour.example"
    assert world.in_karbon(key)["email"] == "no email at all"
    assert "does not accept this billing email" in world.link_of(xero).held["xero"]["billing_email"]["reason"]
    world.forget_calls()
    world.assert_at_rest()
    assert world.calls(system="xero", method="POST", path="Contacts") == []
    world.edit_card(key, EmailAddresses=["right@harbour.example"])
    world.settle()
    world.assert_both(xero, key, email="right@harbour.example")
    assert world.link_of(xero).held == {}


def small_world(world: World) -> None:
    world.add_pair()
    world.add_xero("Mere Tane", "mere@tane.example", phone=PHONE)
    world.add_person("Mere", "Tane", "mere@tane.example")
    world.add_xero(NAME, "hi@coast.example")
    world.add_person("Rangi", "Cooper", "rangi@cooper.example")
    world.add_organisation("Quay Boats Limited", "hi@quay.example")


@pytest.mark.parametrize(
    ("system", "path", "kind", "times"),
    [
        (system, path, kind, times)
        for system, path in LISTINGS
        for kind in ("empty", "truncate", "garbage", "error")
        for times in (1, 1000)
    ],
)
def test_a_listing_that_cannot_be_believed_creates_and_writes_nothing_that_is_wrong(
    world: World, system: str, path: str, kind: str, times: int
) -> None:
    small_world(world)
    before = world.state()
    world.connect()
    options: dict[str, Any] = {"status": 500} if kind == "error" else {}
    world.fault(system=system, method="GET", path=path, kind=kind, times=times, **options)
    result = world.sync()
    if times > 1:
        assert (result.created, result.written) == (0, 0)
        assert world.state() == before
    world.no_faults()
    world.sync()
    world.settle()
    assert world.karbon_names() == sorted(
        [NAME, "Harbour Joinery Limited", "Mere Tane", "Quay Boats Limited", "Rangi Cooper"]
    )
    assert world.xero_names() == sorted([NAME, "Harbour Joinery Limited", "Mere Tane"])
    assert len(world.links()) == 3
    assert world.in_karbon(world.karbon_named("Mere Tane")["ContactKey"])["phone"] == "6495550100"


@pytest.mark.parametrize(("system", "path"), LISTINGS)
@pytest.mark.parametrize("kind", ["empty", "truncate", "garbage", "error"])
def test_a_later_walk_that_cannot_be_believed_changes_nothing(world: World, system: str, path: str, kind: str) -> None:
    small_world(world)
    world.connect()
    world.settle()
    before, links = world.state(), world.links()
    options: dict[str, Any] = {"status": 500} if kind == "error" else {}
    world.fault(system=system, method="GET", path=path, kind=kind, times=1000, **options)
    result = world.sync(full=True)
    assert (result.created, result.written) == (0, 0)
    world.no_faults()
    world.sync(full=True)
    assert world.state() == before
    assert world.links() == links


@pytest.mark.parametrize("path", ["/Contacts/?$", "/Organizations/?$"])
def test_nobody_is_linked_from_half_a_list_since_the_other_half_may_hold_a_namesake(world: World, path: str) -> None:
    xero = world.add_xero("Mere Tane", "mere@tane.example", phone=PHONE)
    person = world.add_person("Mere", "Tane", "mere@tane.example")
    firm = world.add_organisation("Mere Tane", "mere@tane.example")
    before = world.state()
    world.connect()
    world.fault(system="karbon", method="GET", path=path, kind="error", status=500, times=1000)
    world.sync()
    assert world.links() == set()
    world.no_faults()
    world.sync()
    assert world.candidates(xero) == {person, firm}
    assert world.state() == before


@pytest.mark.parametrize("side", ["xero", "karbon"])
def test_edits_within_one_second_of_the_services_all_arrive(world: World, side: str) -> None:
    xero, key = world.linked_pair()
    for number in (1, 2, 3):
        email = f"edit{number}@harbour.example"
        if side == "xero":
            world.control("PATCH", f"/xero/contacts/{xero}", {"EmailAddress": email})
        else:
            world.control("PATCH", f"/karbon/contacts/{key}/card", {"EmailAddresses": [email]})
        world.sync()
    world.settle()
    world.assert_both(xero, key, email="edit3@harbour.example")


def test_many_records_that_karbon_cannot_show_keep_no_other_from_being_synced(world: World) -> None:
    pairs = [world.add_pair(f"Pair {number} Limited", f"pair{number}@both.example") for number in range(6)]
    world.connect()
    world.settle()
    for number, (_, key) in enumerate(pairs):
        world.edit_card(key, EmailAddresses=[f"new{number}@both.example"])
    broken = [key for _, key in pairs[1:]]  # they changed last, so their turn comes first
    world.fault(system="karbon", path=f"/Organizations/({'|'.join(broken)})", kind="error", status=500, times=1000)
    world.sync()
    assert world.in_xero(pairs[0][0])["email"] == "new0@both.example"
    assert world.in_xero(pairs[1][0])["email"] == "pair1@both.example"


def test_a_person_is_not_kept_waiting_by_a_service_that_hangs(world: World, monkeypatch) -> None:
    world.linked_pair()
    monkeypatch.setattr(api, "PERSON_CALL_SECONDS", 0.3)
    world.fault(system="karbon", kind="delay", seconds=1.0, times=9)
    world.forget_calls()
    began = time.monotonic()
    with pytest.raises(Unavailable, match="did not answer in time"):
        karbon_remote.connect(for_person=True).contact_types()
    assert time.monotonic() - began < 1.0
    assert karbon_remote.connect().contact_types(), "the checks have the patience"


def test_a_fault_that_passes_at_once_is_not_shown_to_a_person_and_one_that_lasts_soon_is(world: World) -> None:
    world.linked_pair()
    world.fault(system="karbon", kind="error", status=503, times=1)
    assert karbon_remote.connect(for_person=True).contact_types()
    world.fault(system="karbon", kind="garbage", times=9)
    world.forget_calls()
    with pytest.raises(Unavailable):
        karbon_remote.connect(for_person=True).contact_types()
    assert len(world.calls()) == 1, "but one that lasts is not tried again and again while somebody waits"


def test_an_old_contact_renamed_while_a_creation_was_lost_is_not_taken_for_the_new_one(world: World) -> None:
    world.add_pair()
    old = world.add_organisation("Coast Plumbing")
    xero = world.add_xero(NAME, "hi@coast.example", phone=PHONE)
    world.connect()
    world.fault(system="karbon", method="POST", path=CREATE["karbon"][1], kind="drop_request")
    world.check()
    world.edit_karbon(old, FullName=NAME)
    world.settle(syncs=8)
    assert (xero, old) not in world.links()
    assert world.in_xero(xero)["email"] == "hi@coast.example"


def test_a_namesake_made_by_hand_while_a_creation_was_lost_is_asked_about(world: World) -> None:
    world.add_pair()
    xero = world.add_xero(NAME, "hi@coast.example", phone=PHONE)
    world.connect()
    world.fault(system="karbon", method="POST", path=CREATE["karbon"][1], kind="drop_request")
    world.check()
    world.add_organisation(NAME)
    world.settle(syncs=8)
    assert "with other values than we sent" in world.link_of(xero).problem
    assert world.in_xero(xero)["email"] == "hi@coast.example"
    assert world.karbon_names() == [NAME, "Harbour Joinery Limited"]


def test_one_record_that_cannot_be_read_keeps_no_other_from_being_settled_and_sent(world: World) -> None:
    pairs = [world.add_pair(f"Pair {number} Limited", f"pair{number}@both.example") for number in range(3)]
    world.connect()
    world.settle()
    (first, key), (second, _), (third, _) = pairs
    world.edit_xero(first, EmailAddress="new0@both.example")
    world.fault(system="karbon", method="PUT", path="BusinessCards", kind="drop_reply")
    world.check()
    world.fault(system="karbon", method="GET", path=f"/Organizations/{key}", kind="error", status=500, times=1000)
    world.edit_xero(second, EmailAddress="new1@both.example")
    world.edit_xero(third, EmailAddress="new2@both.example")
    world.later()
    world.check()
    assert [world.in_karbon(key)["email"] for _, key in pairs[1:]] == ["new1@both.example", "new2@both.example"]
    world.no_faults()
    world.wait_out()
    world.settle()
    world.assert_both(first, key, email="new0@both.example")


@pytest.mark.parametrize("status", [404, 500])
def test_a_write_that_karbon_never_takes_is_told_to_a_person_and_sent_again_once_a_value_changes(
    world: World, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "KEEP_TRYING", timedelta(0))
    xero, key = world.linked_pair()
    card = world.karbon(key)["BusinessCards"][0]["BusinessCardKey"]
    world.edit_xero(xero, EmailAddress="new@harbour.example")
    world.fault(system="karbon", method="PUT", path=f"/BusinessCards/{card}", kind="error", status=status, times=999)
    world.forget_calls()
    for _ in range(outbox.TRIES + 2):
        world.check()
        world.wait_out()
        time.sleep(0.35)
        Change.objects.update(not_before=None)
    assert pipeline.needs_a_person()
    (reason,) = [held["reason"] for held in world.link_of(xero).held["karbon"].values()]
    assert "does not say why" in reason
    assert len(world.calls(system="karbon", method="PUT")) == outbox.TRIES
    world.no_faults()
    world.edit_xero(xero, EmailAddress="newer@harbour.example")
    world.settle()
    world.assert_both(xero, key, email="newer@harbour.example")
    assert not pipeline.needs_a_person()


def test_a_check_that_lost_its_lease_does_not_take_back_a_creation_that_is_being_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_pair()
    world.connect()
    world.sync()
    world.add_xero("Coastal Plumbing Limited", "hi@coast.example")
    world.fault(system="karbon", method="POST", path="/Organizations/?$", kind="drop_request")
    world.check()
    time.sleep(0.4)
    (slow,) = settling.due(System.KARBON, 1)
    remotes = pipeline.connect()
    settling.settle(remotes[System.KARBON], [slow])
    time.sleep(0.4)
    (slow,) = settling.due(System.KARBON, 1)  # a slow check takes it up and begins to look
    create, find = karbon_remote.KarbonRemote.create, karbon_remote.KarbonRemote.find_created

    def slowly(self: Any, creation: Any) -> Any:
        monkeypatch.setattr(karbon_remote.KarbonRemote, "create", create)
        made = create(self, creation)  # the other check's request is under way; the slow one had found nothing
        monkeypatch.setattr(karbon_remote.KarbonRemote, "find_created", lambda *_: [])
        settling.settle(remotes[System.KARBON], [slow])
        monkeypatch.setattr(karbon_remote.KarbonRemote, "find_created", find)
        return made

    monkeypatch.setattr(karbon_remote.KarbonRemote, "create", slowly)
    world.sync()
    monkeypatch.undo()
    world.wait_out()
    world.settle()
    assert world.karbon_names() == ["Coastal Plumbing Limited", "Harbour Joinery Limited"]


def test_a_process_that_dies_while_a_creation_gives_way_leaves_nobody_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_pair()
    world.connect()
    world.sync()
    pausing.only_read(System.KARBON, by=world.by, reason="Month end")
    xero = world.add_xero("Coastal Plumbing Limited", "hi@coast.example")
    world.sync()
    key = world.add_organisation("Coastal Plumbing Limited", "hi@coast.example")
    world.sync()
    pausing.write_again(by=world.by)
    update = QuerySet.update

    def dies(self: Any, **values: Any) -> int:
        if self.model is Link and values.get("state") == Link.State.ENDED:
            raise KeyboardInterrupt
        return update(self, **values)

    monkeypatch.setattr(QuerySet, "update", dies)
    with pytest.raises(KeyboardInterrupt):
        world.sync()
    monkeypatch.undo()
    Lease.objects.all().delete()
    for _ in range(3):
        world.sync()
    assert (xero, key) in world.links()


@pytest.mark.parametrize("system", System)
def test_a_clock_that_was_put_back_does_not_make_us_read_in_circles(world: World, system: System) -> None:
    xero, key = world.linked_pair()
    world.sync()
    contact = world.mirrored(system, {"xero": xero, "karbon": key}[system])
    RemoteContact.objects.filter(pk=contact.pk).update(read_began_at=timezone.now() + timedelta(seconds=3))
    mirror.ask_refreshes([contact], reason="webhook")
    world.forget_calls()
    world.check()
    assert len(world.calls(system=system)) < 10


@pytest.mark.parametrize("system", System)
def test_a_pair_matched_again_right_after_a_lost_reply_does_not_read_in_circles(
    world: World, settings: Any, system: System
) -> None:
    xero, key = world.linked_pair()
    settings.SETTLE_AFTER_SECONDS = 3
    if system is System.XERO:
        world.edit_card(key, EmailAddresses=["from@karbon.example"])
        world.fault(system="xero", method="POST", path="/Contacts/?$", kind="drop_reply")
    else:
        world.edit_xero(xero, EmailAddress="from@xero.example")
        world.fault(system="karbon", method="PUT", kind="drop_reply")
    world.check()
    links.unsync(world.link_of(xero), by=world.by)
    links.rematch(world.link_of(xero), by=world.by, winners={"billing_email": system.other})
    world.forget_calls()
    world.check()
    assert len(world.calls(system=system)) < 10
    assert not Change.objects.filter(state=Change.State.SUPERSEDED).exists()


def refuse_to_show(world: World, key: str, status: int) -> None:
    """Let Karbon refuse one record, with a reason, for as long as it lasts."""
    path = f"/Organizations/{key}"
    world.fault(system="karbon", method="GET", path=path, kind="error", status=status, body=REFUSAL, times=1000)


@pytest.mark.parametrize("status", [400, 403])
def test_a_record_that_karbon_refuses_to_show_keeps_no_other_from_being_read(world: World, status: int) -> None:
    xero, key = world.linked_pair()
    other = world.add_pair(NAME, "hi@coast.example")
    world.sync()
    refuse_to_show(world, key, status)
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.later(30)
    world.edit_card(other[1], EmailAddresses=["new@coast.example"])
    mirror.ask_refreshes([world.mirrored(System.KARBON, key)], reason="webhook")
    world.check()
    world.assert_both(*other, email="new@coast.example")
    assert world.in_xero(xero)["email"] == "office@harbour.example"
    world.no_faults()
    world.wait_out()
    world.settle()
    world.assert_both(xero, key, email="new@harbour.example")


@pytest.mark.parametrize("status", [400, 403])
def test_records_that_karbon_refuses_to_show_keep_no_other_from_being_written(world: World, status: int) -> None:
    refused = [world.add_pair(f"Pair {number} Limited", f"pair{number}@both.example") for number in range(4)]
    other = world.add_pair(NAME, "hi@coast.example")
    world.connect()
    world.settle()
    for number, (contact, key) in enumerate(refused):
        refuse_to_show(world, key, status)
        world.edit_xero(contact, EmailAddress=f"new{number}@both.example")
    world.check()
    world.wait_out()
    world.edit_xero(other[0], EmailAddress="new@coast.example")  # it waits behind them
    world.check()
    world.assert_both(*other, email="new@coast.example")
    world.no_faults()
    world.wait_out()
    world.settle()
    for number, pair in enumerate(refused):
        world.assert_both(*pair, email=f"new{number}@both.example")


def test_a_lost_creation_that_karbon_refuses_to_look_up_keeps_no_other_from_being_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    xero, key = world.linked_pair()
    new = world.add_xero(NAME, "hi@coast.example")
    world.fault(system="karbon", method="POST", path=CREATE["karbon"][1], kind="drop_request")
    world.check()
    named = KarbonClient.named

    def refused(self: KarbonClient, kind: Kind, name: str) -> Any:
        if name == NAME:
            raise Rejected(["The query specified in the URI is not valid."])
        return named(self, kind, name)

    world.edit_xero(xero, EmailAddress="new@harbour.example")
    with monkeypatch.context() as patch:
        patch.setattr(KarbonClient, "named", refused)
        time.sleep(outbox.settle_after().total_seconds())
        world.check()
        assert world.in_karbon(key)["email"] == "new@harbour.example"
    world.settle(syncs=8)
    assert world.karbon_names() == [NAME, "Harbour Joinery Limited"]
    assert new in {contact for contact, _ in world.links()}


def test_full_matches_that_karbon_refuses_to_show_keep_no_other_from_being_linked(world: World) -> None:
    refused = [world.add_pair(f"Pair {number} Limited", f"pair{number}@both.example") for number in range(4)]
    other = world.add_pair(NAME, "hi@coast.example")
    for _, key in refused:
        refuse_to_show(world, key, 403)
    world.connect()
    world.check()
    assert world.links() == {other}
    world.no_faults()
    world.wait_out()
    world.settle()
    assert world.links() == {other, *refused}


@pytest.mark.parametrize("status", [500, 503])
def test_an_outage_of_writes_alone_leaves_nothing_behind_when_it_is_over(world: World, status: int) -> None:
    xero, key = world.linked_pair()
    world.edit_card(key, EmailAddresses=["from@karbon.example"])
    world.fault(system="xero", method="POST", path="/Contacts/?$", kind="error", status=status, times=999)
    for _ in range(outbox.TRIES + 1):
        world.check()
        world.wait_out()
        time.sleep(0.35)
        Change.objects.update(not_before=None)
    world.no_faults()
    world.wait_out()
    world.settle()
    world.assert_both(xero, key, email="from@karbon.example")


def test_a_record_that_karbon_goes_on_refusing_to_show_keeps_no_other_from_being_written(world: World) -> None:
    xero, key = world.linked_pair()
    other = world.add_pair("Quay Boats Limited", "hi@quay.example")
    world.sync()
    path = f"/Organizations/{key}"
    world.fault(system="karbon", method="GET", path=path, kind="error", status=403, body=REFUSAL, times=5000)
    world.edit_xero(xero, EmailAddress="new@harbour.example")
    world.check()
    earlier = timezone.now() - timedelta(seconds=1)
    Change.objects.filter(state=Change.State.QUEUED).update(not_before=earlier)  # its wait is over
    world.edit_xero(other[0], EmailAddress="new@quay.example")
    world.forget_calls()
    world.check()
    assert len(world.calls(system="karbon", method="GET", path=path)) < 10
    assert world.in_karbon(other[1])["email"] == "new@quay.example"
