"""The ``Remote`` port against the sandbox, and against answers that only a broken service gives."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.utils import timezone

from contacts.api import ApiSession
from contacts.remote import Creation, NotAuthorised, Rejected, Unavailable
from contacts.values import Kind, Presence, Ref, Snapshot, System
from tests.xero.conftest import Play
from tests.xero.wire import API, ID, contact, page, wire_id
from xero import client, remote
from xero.remote import XeroRemote

PHONE = {"country": "64", "area": "9", "number": "555 0100"}
ADDRESS = {"lines": "1 Wharf Rd", "city": "Auckland", "country": "New Zealand"}


class Kept(list[Snapshot]):
    """A mirror that remembers what it was given."""

    def __call__(self, snapshots: Sequence[Snapshot]) -> int:
        self.extend(snapshots)
        return len(snapshots)

    @property
    def names(self) -> list[str]:
        return sorted(str(snapshot.values["name"]) for snapshot in self)


@pytest.fixture
def odd(db: None) -> XeroRemote:
    """A remote whose answers a test writes itself."""
    session = ApiSession(System.XERO, API, headers=dict, problems=client.problems)
    return XeroRemote(session, "tenant")


def ref(made: dict[str, Any]) -> Ref:
    return Ref(made["ContactID"])


def creation(name: str = "Harbour Joinery", **values: Any) -> Creation:
    whole = {"name": name, "billing_email": "", "primary_phone": {}, "billing_address": {}, **values}
    return Creation("5a9db0c5-1111-4000-8000-000000000001", Kind.ORGANISATION, whole, idempotency_key="k1")


# --- reading


def test_a_walk_keeps_archived_contacts_too_and_returns_xeros_clock(play: Play, xero: XeroRemote) -> None:
    play.add("Harbour Joinery")
    old = play.add("Old Client")
    play.control("POST", f"xero/contacts/{old['ContactID']}/archive")
    began, kept = timezone.now(), Kept()
    cursor = xero.walk(kept).cursor
    assert kept.names == ["Harbour Joinery", "Old Client"]
    assert {snapshot.presence for snapshot in kept} == {Presence.PRESENT, Presence.ARCHIVED}
    assert all(began <= snapshot.read_began_at <= timezone.now() for snapshot in kept)
    assert len(cursor) == len("2026-11-23T09:20:00")
    assert xero.calls == len(play.calls("/Contacts")) == 1


def test_an_empty_walk_returns_no_cursor(xero: XeroRemote) -> None:
    assert xero.walk(Kept()).cursor == ""


def test_a_walk_takes_as_many_pages_as_there_are(play: Play, xero: XeroRemote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 2)
    for number in range(5):
        play.add(f"Client {number}")
    kept = Kept()
    xero.walk(kept)
    assert kept.names == [f"Client {number}" for number in range(5)]
    assert xero.calls == 3


def test_a_truncated_walk_is_repeated_once(play: Play, xero: XeroRemote) -> None:
    for number in range(4):
        play.add(f"Client {number}")
    play.fault("truncate", "/Contacts")
    kept = Kept()
    assert xero.walk(kept).cursor
    assert len({snapshot.remote_id for snapshot in kept}) == 4


def test_a_walk_that_stays_truncated_is_given_up(play: Play, xero: XeroRemote) -> None:
    play.add("Harbour Joinery")
    play.fault("truncate", "/Contacts", times=2)
    with pytest.raises(Unavailable, match="not whole"):
        xero.walk(Kept())


@responses.activate
def test_a_count_that_moves_while_walking_is_not_whole(odd: XeroRemote) -> None:
    for count in (2, 3, 2, 3):
        number = 1 if count == 2 else 2
        responses.get(f"{API}/Contacts", json=page(contact(wire_id(count)), number=number, pages=2, count=count))
    with pytest.raises(Unavailable, match="not whole"):
        odd.walk(Kept())
    assert len(responses.calls) == 4


@responses.activate
def test_a_contact_listed_twice_hides_a_missing_one(odd: XeroRemote) -> None:
    responses.get(f"{API}/Contacts", json=page(contact(), contact()))
    with pytest.raises(Unavailable):
        odd.walk(Kept())


@responses.activate
def test_a_contact_without_an_id_is_passed_over(odd: XeroRemote) -> None:
    responses.get(f"{API}/Contacts", json=page(contact(), {"Name": "No id"}))
    kept = Kept()
    odd.walk(kept)
    assert kept.names == ["Harbour Joinery"]


def test_a_poll_brings_only_what_changed(play: Play, xero: XeroRemote) -> None:
    play.add("Harbour Joinery")
    cursor = xero.walk(Kept()).cursor
    play.advance(3600)
    later = xero.poll(cursor, Kept())
    assert later > cursor
    play.advance(3600)
    play.add("Bay Plumbing")
    kept = Kept()
    xero.poll(later, kept)
    assert kept.names == ["Bay Plumbing"]


def test_a_poll_without_news_moves_the_cursor_on_but_never_back(play: Play, xero: XeroRemote) -> None:
    future = "2999-01-01T00:00:00"
    assert xero.poll(future, Kept()) == future


def test_a_truncated_poll_keeps_the_cursor_where_it_was(play: Play, xero: XeroRemote) -> None:
    play.add("Harbour Joinery")
    play.fault("truncate", "/Contacts")
    with pytest.raises(Unavailable):
        xero.poll("2026-01-01T00:00:00", Kept())


def test_contacts_are_read_in_batches(play: Play, xero: XeroRemote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "IDS_PER_CALL", 2)
    made = [play.add(f"Client {number}") for number in range(3)]
    found = xero.read([ref(row) for row in made])
    assert [snapshot and snapshot.values["name"] for snapshot in found.values()] == ["Client 0", "Client 1", "Client 2"]
    assert xero.calls == 2


def test_a_contact_that_xero_does_not_know_is_asked_for_twice_over_and_none(play: Play, xero: XeroRemote) -> None:
    made = play.add("Harbour Joinery")
    found = xero.read([ref(made), Ref(ID)])
    assert found[ID] is None
    assert found[made["ContactID"]] is not None
    assert xero.calls == 2


def test_an_empty_listing_by_mistake_makes_nobody_vanish(play: Play, xero: XeroRemote) -> None:
    made = play.add("Harbour Joinery")
    play.fault("empty", "/Contacts$")
    assert xero.read([ref(made)])[made["ContactID"]] is not None


def test_a_truncated_read_is_not_believed(play: Play, xero: XeroRemote) -> None:
    made = play.add("Harbour Joinery")
    play.fault("truncate", "/Contacts$")
    with pytest.raises(Unavailable):
        xero.read([ref(made)])


def test_a_merged_contact_names_its_survivor(play: Play, xero: XeroRemote) -> None:
    loser, winner = play.add("Harbour Joinery"), play.add("Harbour Joinery 2")
    play.control("POST", f"xero/contacts/{loser['ContactID']}/merge", {"into": winner["ContactID"]})
    seen = xero.read([ref(loser)])[loser["ContactID"]]
    assert seen is not None
    assert (seen.presence, seen.merged_into) == (Presence.MERGED, winner["ContactID"])


def test_contacts_are_found_by_name_archived_ones_too(play: Play, xero: XeroRemote) -> None:
    made = play.add('The "Best" Ltd')
    play.control("POST", f"xero/contacts/{made['ContactID']}/archive")
    assert [snapshot.remote_id for snapshot in xero.named('the "best" ltd')] == [made["ContactID"]]


def test_an_expired_token_is_renewed_and_the_call_repeated(play: Play, xero: XeroRemote) -> None:
    play.add("Harbour Joinery")
    play.fault("expire_token", "/Contacts")
    kept = Kept()
    xero.walk(kept)
    assert kept.names == ["Harbour Joinery"]
    assert len(play.calls("connect/token")) == 1


def test_without_a_connection_there_is_no_remote(db: None) -> None:
    with pytest.raises(NotAuthorised, match="Connect it first"):
        remote.connect()


# --- writing


@pytest.mark.parametrize("slots", ["merge", "replace"])
def test_what_is_sent_shows_exactly_and_all_else_stays(play: Play, xero: XeroRemote, slots: str) -> None:
    play.switch(slotUpdate=slots)
    extra = {key: contact()[key] for key in ("Addresses", "Phones", "EmailAddress")}
    made = play.add("Ana Ng", FirstName="Ana", LastName="Ng", **extra)
    now = xero.read([ref(made)])[made["ContactID"]]
    assert now is not None
    write = xero.prepare(now, {"name": "Ana Ng-Lee", "primary_phone": {}, "billing_address": ADDRESS})
    began = timezone.now()
    [read_back] = xero.send([write])
    assert isinstance(read_back, Snapshot)
    again = xero.read([ref(made)])[made["ContactID"]]
    assert again is not None
    assert again.values == read_back.values == write.shown
    assert (read_back.modified_at, read_back.complete) == (again.modified_at, True)
    assert read_back.read_began_at > began
    [raw] = play.contacts()
    assert raw["LastName"] == "Ng-Lee"
    slots_by_type = {slot["AddressType"]: slot for slot in raw["Addresses"]}
    assert slots_by_type["POBOX"]["AttentionTo"] == "Accounts"
    assert slots_by_type["STREET"]["AddressLine1"] == "9 Quay St"


def test_one_refused_contact_does_not_stop_the_others(play: Play, xero: XeroRemote) -> None:
    made = [play.add(name) for name in ("A", "B", "C")]
    play.control("POST", f"xero/contacts/{made[2]['ContactID']}/archive")
    seen = xero.read([ref(row) for row in made])
    changes = [{"name": "A2"}, {"name": "a2"}, {"billing_email": "c@c.example"}]
    writes = [xero.prepare(seen[row["ContactID"]], change) for row, change in zip(made, changes, strict=True)]
    first, second, third = xero.send(writes)
    assert isinstance(first, Snapshot)
    assert first.values["name"] == "A2"
    assert isinstance(second, Rejected)
    assert second.problems == [
        "Xero already has an active contact called a2. Link to it, or rename this client in Karbon first."
    ]
    assert isinstance(third, Rejected)
    assert "archived in Xero" in third.problems[0]


def test_a_contact_unknown_to_xero_does_not_stop_the_others(play: Play, xero: XeroRemote) -> None:
    made = play.add("A")
    now = xero.read([ref(made)])[made["ContactID"]]
    assert now is not None
    stranger = Snapshot(
        System.XERO, ID, Kind.UNKNOWN, {}, complete=True, read_began_at=timezone.now(), payload=contact()
    )
    refused, done = xero.send([xero.prepare(stranger, {"name": "X"}), xero.prepare(now, {"name": "B"})])
    assert isinstance(refused, Rejected)
    assert isinstance(done, Snapshot)
    assert [row["Name"] for row in play.contacts()] == ["B"]


@pytest.mark.parametrize("elements", [[], [contact(wire_id(9))], [{"Name": "No id"}], "odd"])
@responses.activate
def test_a_write_without_its_answer_is_not_known_to_be_done(odd: XeroRemote, elements: object) -> None:
    responses.post(f"{API}/Contacts", json={"Contacts": elements})
    now = Snapshot(System.XERO, ID, Kind.UNKNOWN, {}, complete=True, read_began_at=timezone.now(), payload=contact())
    with pytest.raises(Unavailable) as caught:
        odd.send([odd.prepare(now, {"billing_email": "a@b.example"})])
    assert caught.value.performed is None


@responses.activate
def test_a_refused_element_with_a_made_up_id_is_told_by_its_place(odd: XeroRemote) -> None:
    element = {"ContactID": wire_id(0), "StatusAttributeString": "ERROR", "ValidationErrors": [{"Message": "Odd."}]}
    responses.post(f"{API}/Contacts", json={"Contacts": [element]})
    now = Snapshot(System.XERO, ID, Kind.UNKNOWN, {}, complete=True, read_began_at=timezone.now(), payload=contact())
    [outcome] = odd.send([odd.prepare(now, {"billing_email": "a@b.example"})])
    assert isinstance(outcome, Rejected)
    assert outcome.problems == ["Odd."]


def test_one_request_carries_all_fields(odd: XeroRemote) -> None:
    assert odd.one_request(["name", "primary_phone"]) == ["name", "primary_phone"]


def test_a_created_contact_shows_what_was_asked_for(play: Play, xero: XeroRemote) -> None:
    asked = creation(primary_phone=PHONE, billing_address=ADDRESS, billing_email="office@harbour.example")
    made = xero.create(asked)
    assert made.values == asked.values
    assert [row["ContactNumber"] for row in play.contacts()] == [asked.marker]


def test_a_repeated_creation_within_minutes_makes_one_contact(play: Play, xero: XeroRemote) -> None:
    assert xero.create(creation()).remote_id == xero.create(creation()).remote_id
    assert len(play.contacts()) == 1


def test_a_lost_reply_does_not_create_twice(play: Play, xero: XeroRemote) -> None:
    play.fault("drop_reply", "/Contacts")
    with pytest.raises(Unavailable) as caught:
        xero.create(creation())
    assert caught.value.performed is None
    [found] = xero.find_created(creation(), [])
    assert found.values["name"] == "Harbour Joinery"
    assert len(play.contacts()) == 1


def test_nothing_is_found_of_a_creation_that_never_arrived(play: Play, xero: XeroRemote) -> None:
    play.add("Harbour Joinery")
    assert xero.find_created(replace(creation(), marker="never sent"), []) == []


def test_creating_never_overwrites_a_contact_of_the_same_name(play: Play, xero: XeroRemote) -> None:
    play.add("Harbour Joinery", EmailAddress="kept@harbour.example")
    with pytest.raises(Rejected, match="already has an active contact called Harbour Joinery"):
        xero.create(creation(billing_email="other@harbour.example"))
    assert [row["EmailAddress"] for row in play.contacts()] == ["kept@harbour.example"]


def test_a_key_that_served_another_request_waits_until_it_is_free(play: Play, xero: XeroRemote) -> None:
    xero.create(creation())
    with pytest.raises(Unavailable) as caught:
        xero.create(creation("Bay Joinery"))
    assert caught.value.retry_after == timedelta(minutes=6).total_seconds()
