"""Karbon as the sync sees it, against the sandbox."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import responses
from django.utils import timezone

import contacts.mirror
from contacts.remote import Creation, Missing, Rejected, Unavailable
from contacts.values import CannotHold, Kind, Ref, Snapshot, System, Value
from karbon import mapping
from karbon.client import Page
from karbon.remote import KarbonRemote
from tests.karbon.conftest import Mirror, Play
from tests.karbon.wire import KEY, card, person

PERSON, ORGANISATION = Kind.PERSON, Kind.ORGANISATION
MERE = {"EmailAddresses": ["mere@example.test"]}


def many(play: Play, count: int) -> None:
    for number in range(count):
        play.organisation(f"Firm {number:03}")


def read(karbon: KarbonRemote, key: str, kind: Kind = ORGANISATION) -> Snapshot:
    found = karbon.read([Ref(key, kind)])[key]
    assert found is not None
    return found


def write(karbon: KarbonRemote, key: str, kind: Kind = ORGANISATION, **values: Value) -> Snapshot:
    prepared = karbon.prepare(read(karbon, key, kind), values)
    assert karbon.send([prepared]) == [None]
    after = read(karbon, key, kind)
    assert {name: after.values[name] for name in prepared.shown} == prepared.shown
    return after


def creation(kind: Kind, name: str, **more: Any) -> Creation:
    return Creation(marker="1", kind=kind, values={"name": name, **more}, contact_type="Client")


# --- walking ---


@pytest.mark.parametrize("list_name", ["comma", "plain"])
def test_a_walk_keeps_people_and_organisations(
    karbon: KarbonRemote, play: Play, mirror: Mirror, list_name: str
) -> None:
    play.switch(listFullName=list_name)
    play.person("Mere", "Tane", **MERE)
    play.organisation("Harbour, Joinery Ltd")
    cursor = karbon.walk(mirror.keep).cursor
    assert mirror.names == {"Mere Tane", "Harbour, Joinery Ltd"}
    assert {row.kind for row in mirror.rows.values()} == {PERSON, ORGANISATION}
    assert '"people": "20' in cursor and '"organisations": "20' in cursor


def test_a_walk_follows_all_pages(karbon: KarbonRemote, play: Play, mirror: Mirror) -> None:
    many(play, 205)
    karbon.walk(mirror.keep)
    assert len(mirror.rows) == 205
    assert karbon.calls == 2 + 3  # an empty list of people is read twice


def test_every_row_carries_when_its_own_page_was_asked_for(karbon: KarbonRemote, play: Play, mirror: Mirror) -> None:
    many(play, 101)
    before = timezone.now()
    karbon.walk(mirror.keep)
    moments = {row.read_began_at for row in mirror.rows.values()}
    assert len(moments) == 2 and min(moments) >= before


def without_links(karbon: KarbonRemote, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch: Callable[[str], Page] = karbon.client._page

    def page(path: str) -> Page:
        found = fetch(path)
        return Page(found.rows, found.count, "", found.began_at)

    monkeypatch.setattr(karbon.client, "_page", page)


def test_full_pages_without_a_link_are_walked_by_skipping(
    karbon: KarbonRemote, play: Play, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(play, 205)
    without_links(karbon, monkeypatch)
    karbon.walk(mirror.keep)
    assert len(mirror.rows) == 205


def test_an_empty_world_gives_no_cursor_and_is_read_twice(karbon: KarbonRemote, mirror: Mirror) -> None:
    assert karbon.walk(mirror.keep).cursor == ""
    assert karbon.calls == 4


@pytest.mark.parametrize("kind", ["truncate", "empty"])
def test_a_list_cut_short_once_is_read_again(karbon: KarbonRemote, play: Play, mirror: Mirror, kind: str) -> None:
    many(play, 3)
    play.fault(kind, path="Organizations")
    karbon.walk(mirror.keep)
    assert len(mirror.rows) == 3


def test_a_list_cut_short_twice_is_given_up(karbon: KarbonRemote, play: Play, mirror: Mirror) -> None:
    many(play, 3)
    play.fault("truncate", path="Organizations", times=2)
    with pytest.raises(Unavailable, match="not whole"):
        karbon.walk(mirror.keep)


def test_a_list_that_was_cut_and_then_seems_empty_is_not_believed(
    karbon: KarbonRemote, play: Play, mirror: Mirror
) -> None:
    many(play, 3)
    play.fault("truncate", path="Organizations")
    play.fault("empty", path="Organizations")
    with pytest.raises(Unavailable, match="not whole"):
        karbon.walk(mirror.keep)


def test_a_contact_that_comes_while_the_list_is_walked_makes_it_walk_again(
    karbon: KarbonRemote, play: Play, mirror: Mirror
) -> None:
    many(play, 150)
    late = iter(["Late Ltd"])

    def keep(page: Any) -> int:
        if len(page) == 100 and (name := next(late, None)):
            play.organisation(name)
        return mirror.keep(page)

    karbon.walk(keep)
    assert len(mirror.rows) == 151


def test_a_list_that_repeats_its_link_for_ever_ends(
    karbon: KarbonRemote, play: Play, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(play, 150)
    monkeypatch.setattr(karbon.client, "follow", lambda link: karbon.client.page(ORGANISATION))
    with pytest.raises(Unavailable):
        karbon.walk(mirror.keep)


# --- polling ---


def test_a_quiet_poll_takes_two_calls(karbon: KarbonRemote, play: Play, mirror: Mirror) -> None:
    many(play, 150)
    play.person("Mere", "Tane")
    play.control("POST", "clock", {"advance": 5})
    play.organisation("The latest")
    cursor, spent = karbon.walk(mirror.keep).cursor, karbon.calls
    assert karbon.poll(cursor, mirror.keep) == cursor
    assert karbon.calls - spent == 2


def test_a_poll_reads_on_past_what_a_poll_that_failed_had_kept(
    karbon: KarbonRemote, play: Play, mirror: Mirror
) -> None:
    play.organisation("First")
    cursor = karbon.walk(mirror.keep).cursor
    play.control("POST", "clock", {"advance": 5})
    many(play, 130)
    play.fault("error", path="Organizations", status=503, skip=1, times=3)
    with pytest.raises(Unavailable):
        karbon.poll(cursor, mirror.keep)
    assert len(mirror.rows) == 101
    karbon.poll(cursor, mirror.keep)
    assert len(mirror.rows) == 131


def test_a_poll_whose_count_moves_between_two_pages_is_a_fault(
    karbon: KarbonRemote, play: Play, mirror: Mirror
) -> None:
    play.organisation("First")
    cursor = karbon.walk(mirror.keep).cursor
    many(play, 130)

    def keep(page: Sequence[Snapshot]) -> int:
        if page and len(mirror.rows) == 1:
            play.control("DELETE", f"karbon/organizations/{page[0].remote_id}")
        return mirror.keep(page)

    with pytest.raises(Unavailable, match="not whole"):
        karbon.poll(cursor, keep)


def test_a_poll_brings_what_changed_and_moves_its_mark(karbon: KarbonRemote, play: Play, mirror: Mirror) -> None:
    play.person("Mere", "Tane")
    firm = play.organisation("Harbour Joinery")
    cursor = karbon.walk(mirror.keep).cursor
    play.control("POST", "clock", {"advance": 5})
    play.control("PATCH", f"karbon/organizations/{firm}", {"FullName": "Harbour Joinery Ltd"})
    moved = karbon.poll(cursor, mirror.keep)
    assert "Harbour Joinery Ltd" in mirror.names and moved > "" and moved != cursor


def test_a_poll_reads_on_while_pages_bring_news(karbon: KarbonRemote, play: Play, mirror: Mirror) -> None:
    play.organisation("First")
    cursor = karbon.walk(mirror.keep).cursor
    many(play, 130)
    karbon.poll(cursor, mirror.keep)
    assert len(mirror.rows) == 131


@pytest.mark.parametrize(("seconds", "calls"), [(0, 3), (120, 2)])
def test_a_poll_looks_a_minute_behind_its_mark_and_no_further(
    karbon: KarbonRemote, play: Play, mirror: Mirror, seconds: int, calls: int
) -> None:
    many(play, 120)
    play.control("POST", "clock", {"advance": seconds})
    many(play, 1)
    cursor, spent = karbon.walk(mirror.keep).cursor, karbon.calls
    karbon.poll(cursor, len)  # all rows are news
    assert karbon.calls - spent == calls


def test_a_mark_never_goes_back(karbon: KarbonRemote, play: Play, mirror: Mirror) -> None:
    play.organisation("First")
    ahead = '{"people": "", "organisations": "2099-01-01T00:00:00Z"}'
    assert karbon.poll(ahead, mirror.keep) == ahead


def test_a_first_person_is_found_by_a_poll_although_there_was_none_before(
    karbon: KarbonRemote, play: Play, mirror: Mirror
) -> None:
    play.organisation("First")
    cursor = karbon.walk(mirror.keep).cursor
    play.person("Mere", "Tane")
    karbon.poll(cursor, mirror.keep)
    assert "Mere Tane" in mirror.names


@pytest.mark.parametrize("kind", ["truncate", "empty"])
def test_a_poll_cut_short_is_a_fault(karbon: KarbonRemote, play: Play, mirror: Mirror, kind: str) -> None:
    many(play, 3)
    cursor = karbon.walk(mirror.keep).cursor
    play.fault(kind, path="Organizations")
    with pytest.raises(Unavailable, match="not whole"):
        karbon.poll(cursor, mirror.keep)


# --- reading ---


def test_a_record_is_read_in_full_with_one_call(karbon: KarbonRemote, play: Play) -> None:
    key = play.person("Mere", "Tane", **MERE)
    before = timezone.now()
    found = read(karbon, key, PERSON)
    assert found.complete and found.values["billing_email"] == "mere@example.test"
    assert before <= found.read_began_at <= timezone.now() and karbon.calls == 1


def test_a_key_of_unknown_kind_is_tried_both_ways(karbon: KarbonRemote, play: Play) -> None:
    key = play.person("Mere", "Tane")
    assert read(karbon, key, Kind.UNKNOWN).kind is PERSON and karbon.calls == 2
    assert read(karbon, play.organisation("Harbour"), Kind.UNKNOWN).kind is ORGANISATION


def test_a_deleted_record_reads_as_none(karbon: KarbonRemote, play: Play) -> None:
    key = play.organisation("Harbour")
    play.control("DELETE", f"karbon/organizations/{key}")
    assert karbon.read([Ref(key, ORGANISATION), Ref("gone", Kind.UNKNOWN)]) == {key: None, "gone": None}


@pytest.mark.parametrize(
    "record",
    [
        [],
        {},
        person() | {"BusinessCards": None},
        {name: value for name, value in person().items() if name != "BusinessCards"},
        person() | {"ContactKey": "Another1"},
        person("A", None, "B", card(BusinessCardKey=None)),
    ],
)
def test_a_record_of_another_shape_is_a_fault_and_blanks_nothing(karbon: KarbonRemote, record: Any) -> None:
    with responses.RequestsMock() as answers, pytest.raises(Unavailable):
        answers.get(f"{karbon.client.session.base_url}/Contacts/{KEY}", json=record)
        karbon.read([Ref(KEY, PERSON)])


def test_html_in_place_of_a_record_is_a_fault(karbon: KarbonRemote, play: Play) -> None:
    key = play.organisation("Harbour")
    play.fault("garbage", times=9)
    with pytest.raises(Unavailable):
        karbon.read([Ref(key, ORGANISATION)])


# --- writing ---


def test_a_name_goes_before_the_rest() -> None:
    karbon = KarbonRemote(None)  # type: ignore[arg-type]
    assert karbon.one_request(["billing_email", "name"]) == ["name"]
    assert karbon.one_request(["billing_email", "primary_phone"]) == ["billing_email", "primary_phone"]
    assert karbon.one_request([]) == []


@pytest.mark.parametrize("patch", ["200", "204"])
def test_names_are_written(karbon: KarbonRemote, play: Play, patch: str) -> None:
    play.switch(patchWithoutPrefer=patch)
    firm, mere = play.organisation("Harbour"), play.person("Mere", "Tane", **MERE)
    assert write(karbon, firm, name="Harbour Joinery Ltd").values["name"] == "Harbour Joinery Ltd"
    after = write(karbon, mere, PERSON, name="Mere Anne van Dyk")
    assert (after.payload["FirstName"], after.payload["MiddleName"], after.payload["LastName"]) == (
        "Mere",
        "Anne",
        "van Dyk",
    )
    cleared = write(karbon, mere, PERSON, name="Mere van Dyk")
    assert cleared.values["name"] == "Mere van Dyk" and cleared.values["billing_email"] == "mere@example.test"


@pytest.mark.parametrize("labels", ["lax", "strict"])
def test_card_fields_are_written_and_all_else_survives(karbon: KarbonRemote, play: Play, labels: str) -> None:
    play.switch(labelValidation=labels)
    key = play.organisation(
        "Harbour",
        EmailAddresses=["old@example.test", "second@example.test"],
        PhoneNumbers=[{"Number": "1", "CountryCode": "NZ", "Label": "Mobile"}, {"Number": "2", "Label": "Fax"}],
        Addresses=[{"Label": "Physical"}, {"Label": "Home", "City": "Taupo"}],
        WebSites=["harbour.example.test"],
        LinkedInLink="linkedin.example.test",
    )
    after = write(
        karbon,
        key,
        billing_email="new@example.test",
        primary_phone={"number": "+64 9 555 0100", "country": "NZ"},
        billing_address={"lines": "1 Quay St\nFloor 2", "city": "Auckland", "country": "NZ"},
    )
    written = after.payload["BusinessCards"][0]
    assert written["EmailAddresses"] == ["new@example.test", "second@example.test"]
    assert [phone["Label"] for phone in written["PhoneNumbers"]] == ["Mobile", "Fax"]
    assert [entry["Label"] for entry in written["Addresses"]] == ["Physical", "Home", "Mailing"]
    assert (written["WebSites"], written["LinkedInLink"]) == (["harbour.example.test"], "linkedin.example.test")


def test_clearing_shows_what_comes_next(karbon: KarbonRemote, play: Play) -> None:
    key = play.organisation("Harbour", EmailAddresses=["a@example.test", "b@example.test"])
    assert write(karbon, key, billing_email="").values["billing_email"] == "b@example.test"
    assert write(karbon, key, billing_email="").values["billing_email"] == ""


def test_a_refusal_is_returned_and_not_raised(karbon: KarbonRemote, play: Play) -> None:
    play.switch(labelValidation="strict")
    now = read(karbon, play.organisation("Harbour"))
    (reply,) = karbon.send([karbon.prepare(now, {"billing_email": "no email"})])
    assert isinstance(reply, Rejected)
    assert reply.problems == ["Karbon does not accept this billing email. Correct it in Xero."]


def test_a_write_to_a_deleted_record_is_missing(karbon: KarbonRemote, play: Play) -> None:
    key = play.organisation("Harbour")
    prepared = karbon.prepare(read(karbon, key), {"name": "Harbour Ltd"})
    play.control("DELETE", f"karbon/organizations/{key}")
    with pytest.raises(Missing):
        karbon.send([prepared])


def test_two_writers_at_once_are_told_apart_from_a_refusal(karbon: KarbonRemote, play: Play) -> None:
    prepared = karbon.prepare(read(karbon, play.organisation("Harbour")), {"name": "Harbour Ltd"})
    play.switch(staleWrite409=1)
    with pytest.raises(Unavailable) as stale:
        karbon.send([prepared])
    assert stale.value.performed is False
    assert karbon.send([prepared]) == [None]


@pytest.mark.parametrize("values", [{"name": "Harbour Ltd"}, {"billing_email": "new@example.test"}])
def test_a_page_in_place_of_the_answer_leaves_open_whether_a_write_arrived(
    karbon: KarbonRemote, play: Play, values: dict[str, str]
) -> None:
    prepared = karbon.prepare(read(karbon, play.organisation("Harbour")), values)
    play.fault("garbage")
    with pytest.raises(Unavailable) as lost:
        karbon.send([prepared])
    assert lost.value.performed is None


def test_a_record_without_a_card_takes_a_name_and_nothing_else(karbon: KarbonRemote) -> None:
    now = mapping.record_snapshot({**person(), "BusinessCards": []}, PERSON, timezone.now())
    assert karbon.prepare(now, {"name": "Mere Rangi"}).part == "name"
    with pytest.raises(CannotHold, match="no business card"):
        karbon.prepare(now, {"billing_email": "a@example.test"})


def test_only_a_full_record_and_one_request_make_a_write(karbon: KarbonRemote, play: Play, mirror: Mirror) -> None:
    play.organisation("Harbour")
    karbon.walk(mirror.keep)
    (row,) = mirror.rows.values()
    with pytest.raises(ValueError, match="full record"):
        karbon.prepare(row, {"billing_email": ""})
    with pytest.raises(ValueError, match="one request"):
        karbon.prepare(read(karbon, row.remote_id), {"name": "A", "billing_email": ""})


# --- creating ---


@pytest.mark.parametrize("kind", [PERSON, ORGANISATION])
def test_a_created_record_shows_what_it_was_created_with(karbon: KarbonRemote, play: Play, kind: Kind) -> None:
    values = {
        "billing_email": "mere@example.test",
        "primary_phone": {"number": "+64 9 555 0100", "country": "NZ"},
        "billing_address": {"lines": "1 Quay St", "city": "Auckland", "country": "NZ"},
    }
    made = karbon.create(creation(kind, "Mere Tane", **values))
    after = read(karbon, made.remote_id, kind)
    assert made.complete and made.values == after.values == {"name": "Mere Tane", **values}
    assert (
        made.modified_at == after.modified_at and after.payload["ContactType"] == "Client" and len(play.records()) == 1
    )


def test_a_person_with_one_name_is_refused_before_any_call(karbon: KarbonRemote) -> None:
    with pytest.raises(Rejected, match="first and a last name"):
        karbon.create(creation(PERSON, "Madonna"))
    assert karbon.calls == 0


def test_an_unknown_contact_type_is_refused_with_what_to_do(karbon: KarbonRemote, play: Play) -> None:
    play.switch(contactTypeValidation="reject")
    with pytest.raises(Rejected, match="Choose another one in the sync settings"):
        karbon.create(Creation(marker="1", kind=ORGANISATION, values={"name": "A"}, contact_type="Invented"))


@pytest.mark.parametrize("kind", ["drop_reply", "garbage"])
def test_a_lost_answer_leaves_the_outcome_open(karbon: KarbonRemote, play: Play, kind: str) -> None:
    play.fault(kind)
    with pytest.raises(Unavailable) as lost:
        karbon.create(creation(ORGANISATION, "Harbour"))
    assert lost.value.performed is None


def test_an_answer_without_a_key_leaves_the_outcome_open(karbon: KarbonRemote) -> None:
    with responses.RequestsMock() as answers, pytest.raises(Unavailable) as lost:
        answers.post(f"{karbon.client.session.base_url}/Organizations", json={"FullName": "Harbour"}, status=201)
        karbon.create(creation(ORGANISATION, "Harbour"))
    assert lost.value.performed is None


@pytest.mark.parametrize("list_name", ["comma", "plain"])
@pytest.mark.parametrize(("kind", "name"), [(PERSON, "Sean Patrick O'Brien"), (ORGANISATION, "O'Brien, Sons & Co")])
def test_what_an_earlier_attempt_made_is_found_again(
    karbon: KarbonRemote, play: Play, list_name: str, kind: Kind, name: str
) -> None:
    play.switch(listFullName=list_name)
    play.fault("drop_reply")
    wanted = creation(kind, name)
    with pytest.raises(Unavailable):
        karbon.create(wanted)
    (found,) = karbon.find_created(wanted, [])
    assert found.complete and found.kind is kind and found.values["name"] == name
    assert karbon.find_created(wanted, [found.remote_id]) == []


def test_namesakes_of_both_kinds_are_found(karbon: KarbonRemote, play: Play) -> None:
    keys = {play.person("Mere", "Tane"), play.organisation("mere tane")}
    play.organisation("Somebody else")
    assert {found.remote_id for found in karbon.find_created(creation(PERSON, "Mere Tane"), [])} == keys


def test_a_filter_that_is_ignored_adopts_nobody_else(
    karbon: KarbonRemote, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(play, 120)
    wanted = play.organisation("Harbour")
    fetch: Callable[[str], Page] = karbon.client._page
    monkeypatch.setattr(karbon.client, "_page", lambda path: fetch(path.partition("?$filter")[0]))
    (found,) = karbon.find_created(creation(ORGANISATION, "Harbour"), [])
    assert found.remote_id == wanted


def test_a_search_cut_short_is_not_taken_for_nobody(karbon: KarbonRemote, play: Play) -> None:
    play.organisation("Harbour")
    play.fault("truncate", path="Organizations")
    with pytest.raises(Unavailable):
        karbon.find_created(creation(ORGANISATION, "Harbour"), [])


def test_a_search_that_keeps_somebody_back_is_checked_against_what_changed_last(
    karbon: KarbonRemote, play: Play
) -> None:
    made = play.organisation("Harbour")
    play.fault("empty", path="Organizations")
    (found,) = karbon.find_created(creation(ORGANISATION, "Harbour"), [])
    assert found.remote_id == made and found.complete


def test_an_empty_list_of_a_kind_that_we_know_somebody_of_is_not_taken_for_nobody(
    karbon: KarbonRemote, play: Play
) -> None:
    play.organisation("Harbour")
    karbon.walk(lambda snapshots: contacts.mirror.keep(System.KARBON, snapshots))
    play.fault("empty", path="Organizations", times=2)
    with pytest.raises(Unavailable):
        karbon.find_created(creation(ORGANISATION, "Wharf"), [])
