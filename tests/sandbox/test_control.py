"""The control API, what people do in the two services' screens, and how the front takes bad input."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from sandbox.server import start
from sandbox.switches import SWITCHES

NOWHERE = "11111111-2222-4333-8444-555555555555"


def xero_contact(control, **fields):
    return control("POST", "/xero/contacts", {"Name": "Harbour Joinery", **fields}).json()


def karbon_person(control, **fields):
    body = {"FirstName": "Mere", "LastName": "Tane", **fields}
    return control("POST", "/karbon/contacts", body).json()


# The whole


def test_a_reset_makes_the_same_world_for_the_same_seed_and_clears_the_rest(box, xero, control):
    spec = {"world": {"xero": 30, "karbon": 20, "overlap": 0.5, "conflicts": 0.1, "seed": 9}}
    control("POST", "/reset", spec)
    first = control("GET", "/truth").json()
    control("POST", "/switches", {"nameSpaces": "trim"})
    control("POST", "/faults", {"kind": "error"})
    control("POST", "/reset", spec)
    assert control("GET", "/truth").json() == first
    assert len(first) == 30
    assert control("GET", "/switches").json()["nameSpaces"] == "reject"
    assert control("GET", "/faults").json() == control("GET", "/calls").json() == []
    assert xero("GET", "/Contacts").status_code == 200


@pytest.mark.parametrize("world", ["nonsense", {"xero": -1}, {"colour": "red"}, [], None, True])
def test_an_impossible_world_is_refused_and_the_old_one_stays(control, world):
    xero_contact(control)
    response = control("POST", "/reset", {"world": world})
    assert response.status_code == 400, response.text
    assert len(control("GET", "/state").json()["xero"]["contacts"]) == 1


def test_every_service_call_is_logged_in_order(xero, karbon, control):
    xero("GET", "/Contacts?page=1")
    karbon("POST", "/Contacts", {"FirstName": "A"})
    calls = control("GET", "/calls").json()
    assert [(c["system"], c["method"], c["path"], c["query"], c["status"]) for c in calls] == [
        ("xero", "GET", "/xero/api/api.xro/2.0/Contacts", "page=1", 200),
        ("karbon", "POST", "/karbon/v3/Contacts", "", 400),
    ]
    assert control("GET", "/calls?after=1").json() == calls[1:]
    control("DELETE", "/calls")
    assert control("GET", "/calls").json() == []


def test_identity_calls_are_logged_as_xeros(box, control):
    requests.post(f"{box.url}/xero/identity/connect/token", timeout=10)
    (call,) = control("GET", "/calls").json()
    assert (call["system"], "/connect/" in call["path"]) == ("xero", True)


def test_a_page_for_people_is_served(control):
    assert control("GET", "/").headers["Content-Type"].startswith("text/html")


def test_the_clock_moves_forward_and_the_date_header_follows(control):
    before = control("GET", "/clock").json()["offset"]
    response = control("POST", "/clock", {"advance": 86_400 * 400})
    assert response.json()["offset"] == before + 86_400 * 400
    assert "2026" not in control("GET", "/clock").headers["Date"]


@pytest.mark.parametrize("body", [None, {}, {"advance": "x"}, {"advance": -5}, {"advance": True}, {"advance": 1e18}])
def test_a_bad_clock_move_is_refused(control, body):
    assert control("POST", "/clock", body).status_code == 400


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_takes_each_of_its_choices_and_refuses_nonsense(control, name):
    switch = SWITCHES[name]
    good = switch.choices or ([True, "off"] if isinstance(switch.default, bool) else [switch.default])
    for value in good:
        assert control("POST", "/switches", {name: value}).status_code == 200
    assert control("POST", "/switches", {name: "nonsense"}).status_code == 400


def test_an_unknown_switch_sets_nothing(control):
    response = control("POST", "/switches", {"rateLimits": True, "nonsense": 1})
    assert response.json() == {"error": "There is no switch called nonsense."}
    assert control("GET", "/switches").json()["rateLimits"] is False


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nonsense", 404),
        ("PUT", "/clock", 405),
        ("PATCH", f"/xero/contacts/{NOWHERE}", 404),
        ("PATCH", "/xero/contacts/x", 404),
        ("DELETE", f"/xero/contacts/{NOWHERE}", 405),
        ("POST", f"/xero/contacts/{NOWHERE}/archive", 404),
        ("PATCH", "/karbon/contacts/x", 404),
        ("PATCH", "/karbon/contacts/x/card", 404),
        ("DELETE", "/karbon/organizations/x", 404),
        ("POST", "/karbon/contacts/x/merge", 404),
        ("GET", "/calls?after=x", 400),
    ],
)
def test_a_bad_address_is_answered_with_a_sentence(control, method, path, status):
    response = control(method, path, {})
    assert response.status_code == status
    assert response.json()["error"].endswith(".")


# People in Xero


def test_a_person_edits_phones_by_slot(control):
    made = xero_contact(control, Phones=[{"PhoneType": "DEFAULT", "PhoneNumber": "1"}])
    change = {"Phones": [{"PhoneType": "MOBILE", "PhoneNumber": "2"}]}
    phones = control("PATCH", f"/xero/contacts/{made['ContactID']}", change).json()["Phones"]
    assert {p["PhoneType"]: p.get("PhoneNumber") for p in phones} == {
        "DDI": None,
        "DEFAULT": "1",
        "FAX": None,
        "MOBILE": "2",
    }


def test_a_person_can_restore_what_the_api_cannot(xero, control):
    contact_id = xero_contact(control)["ContactID"]
    assert control("POST", f"/xero/contacts/{contact_id}/archive").json()["ContactStatus"] == "ARCHIVED"
    assert control("POST", f"/xero/contacts/{contact_id}/restore").json()["ContactStatus"] == "ACTIVE"
    assert xero("POST", f"/Contacts/{contact_id}", {"Name": "New"}).status_code == 200


def test_even_people_cannot_use_an_active_name_twice(control):
    first = xero_contact(control)
    control("POST", f"/xero/contacts/{first['ContactID']}/archive")
    xero_contact(control)
    assert control("POST", "/xero/contacts", {"Name": "HARBOUR joinery"}).status_code == 409
    assert control("POST", f"/xero/contacts/{first['ContactID']}/restore").status_code == 409


def test_a_merged_contact_names_its_survivor_when_read_alone_or_paged(xero, control):
    loser = xero_contact(control, Name="Loser")["ContactID"]
    winner = xero_contact(control, Name="Winner")["ContactID"]
    control("POST", f"/xero/contacts/{loser}/merge", {"into": winner})
    alone = xero("GET", f"/Contacts/{loser}").json()["Contacts"][0]
    assert (alone["ContactStatus"], alone["MergedToContactID"]) == ("ARCHIVED", winner)
    unpaged = xero("GET", "/Contacts?includeArchived=true").json()["Contacts"]
    assert all("MergedToContactID" not in c for c in unpaged)
    assert control("POST", f"/xero/contacts/{winner}/merge", {"into": winner}).status_code == 400


def test_customer_flags_set_by_documents_move_no_timestamp(control):
    made = xero_contact(control)
    path = f"/xero/contacts/{made['ContactID']}"
    flagged = control("PATCH", path, {"IsCustomer": True}).json()
    assert (flagged["IsCustomer"], flagged["UpdatedDateUTC"]) == (True, made["UpdatedDateUTC"])


@pytest.mark.parametrize(
    "body", [None, [], {}, {"Name": ""}, {"Name": 3}, {"Name": "A", "Phones": "x"}, {"Name": "A", "ContactStatus": "X"}]
)
def test_a_bad_xero_contact_is_refused_with_a_sentence(control, body):
    assert control("POST", "/xero/contacts", body).status_code == 400


# People in Karbon


def test_a_person_edits_a_card_and_keeps_what_is_not_mentioned(karbon, control):
    card = {"EmailAddresses": ["a@b.example"], "RoleOrTitle": "COO"}
    made = karbon_person(control, BusinessCards=[card])
    edited = control("PATCH", f"/karbon/contacts/{made['ContactKey']}/card", {"EmailAddresses": ["c@d.example"]})
    (after,) = edited.json()["BusinessCards"]
    assert (after["EmailAddresses"], after["RoleOrTitle"]) == (["c@d.example"], "COO")
    assert edited.json()["LastModifiedDateTime"] > made["LastModifiedDateTime"]


def test_a_deleted_record_is_gone_for_good(karbon, control):
    key = karbon_person(control)["ContactKey"]
    assert control("DELETE", f"/karbon/contacts/{key}").status_code == 200
    assert karbon("GET", f"/Contacts/{key}").status_code == 404
    assert control("DELETE", f"/karbon/contacts/{key}").status_code == 404


def test_a_merge_deletes_the_other_record_and_fills_blanks_of_the_survivor(karbon, control):
    loser = karbon_person(control, ContactType="Client", BusinessCards=[{"EmailAddresses": ["a@b.example"]}])
    winner = karbon_person(control, LastName="Rangi")
    merged = control("POST", f"/karbon/contacts/{loser['ContactKey']}/merge", {"into": winner["ContactKey"]}).json()
    assert (merged["LastName"], merged["ContactType"]) == ("Rangi", "Client")
    assert merged["BusinessCards"][0]["EmailAddresses"] == ["a@b.example"]
    assert karbon("GET", f"/Contacts/{loser['ContactKey']}").status_code == 404


def test_different_kinds_are_not_merged(control):
    firm = control("POST", "/karbon/organizations", {"FullName": "Firm"}).json()["OrganizationKey"]
    key = karbon_person(control)["ContactKey"]
    assert control("POST", f"/karbon/contacts/{key}/merge", {"into": firm}).status_code == 409


@pytest.mark.parametrize(
    "body", [None, [], {}, {"FirstName": 3}, {"FirstName": "A", "BusinessCards": [{"EmailAddresses": "x"}]}]
)
def test_a_bad_karbon_record_is_refused_with_a_sentence(control, body):
    assert control("POST", "/karbon/contacts", body).status_code == 400


# The front


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET / FTP/1.1\r\n\r\n",
        b"GET /sandbox/calls HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /sandbox/reset HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST /sandbox/reset HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_bytes_that_are_no_request_get_a_400(box, raw):
    with socket.create_connection(("127.0.0.1", box.port), timeout=5) as connection:
        connection.sendall(raw)
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_a_chunked_body_is_read(control):
    body = json.dumps({"advance": 5}).encode()
    response = control("POST", "/clock", data=iter([body[:4], body[4:]]))
    assert response.status_code == 200


def test_a_name_of_any_script_survives_the_wire(xero):
    name = "Ngā Kōwhai 株式会社 🌿 \ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    made = xero("PUT", "/Contacts", {"Name": name}).json()["Contacts"][0]
    assert made["Name"] == name


def test_parallel_creates_of_one_name_make_one_contact(xero):
    def create(_):
        body = {"Contacts": [{"Name": "Harbour Joinery"}]}
        return requests.put(f"{xero.base}/Contacts", json=body, headers=xero.session.headers, timeout=10).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(8))) == [200] + [400] * 7


# The store and the command


def test_a_store_keeps_both_books_tokens_and_switches(tmp_path):
    path = tmp_path / "state.sqlite3"
    with start({"xero": 20, "karbon": 15, "seed": 2}, store=path) as first:
        headers = first.xero_headers()
        url = f"{first.url}/sandbox"
        requests.post(f"{url}/switches", json={"nameSpaces": "trim"}, timeout=10)
        requests.post(f"{url}/karbon/contacts", json={"FirstName": "A", "LastName": "B"}, timeout=10)
        before = requests.get(f"{url}/state", timeout=10).json()
        truth = requests.get(f"{url}/truth", timeout=10).json()
    with start("empty", store=path) as second:
        after = requests.get(f"{second.url}/sandbox/state", timeout=10).json()
        assert requests.get(f"{second.url}/sandbox/truth", timeout=10).json() == truth
        assert requests.get(f"{second.url}/sandbox/switches", timeout=10).json()["nameSpaces"] == "trim"
        listing = requests.get(f"{second.url}/xero/api/api.xro/2.0/Contacts?page=1", headers=headers, timeout=10)
        assert listing.status_code == 200

    def by_id(state):
        rows = [*state["xero"]["contacts"], *state["karbon"]["contacts"], *state["karbon"]["organizations"]]
        text = json.dumps(rows).replace(second.url, "").replace(first.url, "")
        return sorted(map(str, json.loads(text)))

    assert by_id(after) == by_id(before)


def test_what_was_answered_survives_a_kill(tmp_path):
    store, root = tmp_path / "state.sqlite3", Path(__file__).parents[2]
    code = (
        "import sys, time; from sandbox.server import start\n"
        "box = start('empty', 0, sys.argv[1]); print(box.url, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(store)], stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        url = process.stdout.readline().strip()
        for n in range(20):
            body = {"Name": f"Contact {n}"}
            assert requests.post(f"{url}/sandbox/xero/contacts", json=body, timeout=10).status_code == 201
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    with start("demo", store=store) as box:
        assert len(box.xero.book.contacts) == 20


def test_a_stopped_sandbox_hangs_up(control, box):
    assert control("GET", "/clock").status_code == 200
    box.stop()
    with pytest.raises(requests.ConnectionError):
        control("GET", "/clock")


def test_paging_a_large_book_stays_quick(box, xero):
    from sandbox import xero_book

    box.xero.book.load(
        xero_book.from_wire({"ContactID": f"00000000-0000-4000-8000-{n:012x}", "Name": f"Contact {n}"}, 10**12 + n)
        for n in range(20_000)
    )
    xero("GET", "/Contacts?page=1&order=ContactID")
    began = time.monotonic()
    for n in range(20):
        xero("GET", f"/Contacts?page={n}&order=ContactID")
        xero("PUT", "/Contacts", {"Name": f"New {n}"})
    assert time.monotonic() - began < 2


def test_large_books_are_ordered_as_the_index_says_after_changes(box, xero, control):
    for n in range(30):
        control("POST", "/xero/contacts", {"Name": f"Contact {n:02}"})
    ids = [c["ContactID"] for c in xero("GET", "/Contacts?page=1").json()["Contacts"]]
    control("PATCH", f"/xero/contacts/{ids[3]}", {"TaxNumber": "1"})
    control("POST", f"/xero/contacts/{ids[5]}/archive")
    again = [c["ContactID"] for c in xero("GET", "/Contacts?page=1").json()["Contacts"]]
    assert again == [i for i in ids if i not in (ids[3], ids[5])] + [ids[3]]
