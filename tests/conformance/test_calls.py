"""What our clients send and what the sandbox answers are as the official descriptions say, but for what is listed."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from karbon.client import KarbonClient
from sandbox.server import Sandbox, start
from sandbox.wire import Request
from tests.conformance.description import Call, Description, Deviation, Operation
from tests.conformance.excuses import EXCUSES
from tests.conformance.recorder import Recorder, public
from xero import oauth
from xero.client import XeroClient

pytestmark = pytest.mark.django_db
Described = dict[str, Description]
# Two browser and form endpoints that no description covers (facts, Xero 1 and 2.4).
UNDESCRIBED = {("GET", "/xero/login/identity/connect/authorize"), ("POST", "/xero/identity/connect/revocation")}
TOKEN = ("POST", "/xero/identity/connect/token")


def describing(call: Call, descriptions: Described) -> Description | None:
    return next((each for each in descriptions.values() if each.operation(call.method, call.path)), None)


def service_calls(recorded: Recorder) -> Iterator[Call]:
    return (call for call in recorded.calls if not call.path.startswith("/sandbox/"))


def deviations(recorded: Recorder, descriptions: Described) -> Counter[Deviation]:
    found: Counter[Deviation] = Counter()
    for call in service_calls(recorded):
        endpoint = (call.method, call.path)
        if endpoint == TOKEN and call.status == 200:
            identity = descriptions["identity"]
            found.update(Deviation("xero-identity token", what) for what in identity.faults(identity.schema("AccessToken"), json.loads(call.answer)))  # fmt: skip
        elif description := describing(call, descriptions):
            found.update(description.deviations(call))
        elif endpoint != TOKEN and endpoint not in UNDESCRIBED:
            found[Deviation(" ".join(endpoint), "is not described")] += 1
    for body in recorded.delivered:
        found.update(_delivered(json.loads(body), descriptions))
    return found


def _delivered(told: dict[str, object], descriptions: Described) -> Iterator[Deviation]:
    if "ResourcePermaKey" in told or "Events" in told:
        events = told.get("Events", [told])
        assert isinstance(events, list)
        karbon = descriptions["karbon"]
        for event in events:
            yield from (Deviation("karbon contact-webhook", what) for what in karbon.faults(karbon.schema("contact-webhook"), event))  # fmt: skip
    else:
        xero = descriptions["webhooks"]
        yield from (Deviation("xero-webhooks", what) for what in xero.faults(xero.schema("WebhookEvent"), told))


@pytest.fixture(scope="module")
def found(recorded: Recorder, descriptions: Described) -> Counter[Deviation]:
    return deviations(recorded, descriptions)


def test_all_that_is_said_conforms_or_is_excused_by_the_facts(found: Counter[Deviation]) -> None:
    open_ones = [
        f"{count} × {each}" for each, count in found.items() if not any(excuse.covers(each) for excuse in EXCUSES)
    ]
    assert open_ones == []


def test_no_excuse_is_without_its_case(found: Counter[Deviation]) -> None:
    assert [excuse for excuse in EXCUSES if not any(excuse.covers(each) for each in found)] == []


def test_every_method_of_our_clients_was_heard(recorded: Recorder) -> None:
    owners = (XeroClient, KarbonClient, oauth)
    assert {f"{owner.__name__}.{name}" for owner in owners for name in public(owner)} - recorded.methods == set()


def test_every_kind_of_answer_was_heard(recorded: Recorder) -> None:
    heard = {(call.path.split("/")[1], call.status) for call in service_calls(recorded)}
    assert {("xero", status) for status in (200, 204, 302, 400, 401, 403, 404, 429, 500)} <= heard
    assert {("karbon", status) for status in (200, 201, 204, 400, 401, 403, 404, 409, 429, 500)} <= heard
    assert sum(b'"eventType":"CREATE"' in body for body in recorded.delivered)
    assert any(b'"Events"' in body for body in recorded.delivered)


# --- the sandbox's routes ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with start({"xero": 3, "karbon": 6, "overlap": 0, "conflicts": 0, "seed": 5}) as sandbox:
        yield sandbox


def test_every_described_operation_that_the_sandbox_serves_was_heard(
    recorded: Recorder, descriptions: Described, box: Sandbox
) -> None:
    heard = set()
    for call in service_calls(recorded):
        if description := describing(call, descriptions):
            operation = description.operation(call.method, call.path)
            assert operation
            heard.add(f"{description.name} {operation.name}")
    served = {
        f"{description.name} {operation.name}"
        for name, description in descriptions.items()
        if name != "webhooks"
        for operation in description.operations
        if _serves(box, description, operation)
    }
    assert len(served) > 25
    assert served - heard == set()


def _serves(box: Sandbox, description: Description, operation: Operation) -> bool:
    """Tell whether the sandbox has a route for an operation, by asking with ids that exist and nothing to do."""
    contact = next(iter(box.xero.book.contacts))
    records = {record.kind: key for key, record in box.karbon.book.records.items()}
    card = next(card for cards in (r.cards for r in box.karbon.book.records.values()) for card in cards)
    path = operation.path
    for name, value in {
        "ContactID": contact, "ContactNumber": contact, "Contactkey": records["Contact"], "WebhookType": "Contact",
        "Organizationkey": records["Organization"], "BusinessCardKey": card["BusinessCardKey"], "id": "x",
        "UserDefinedIdentifier": "x",
    }.items():  # fmt: skip
        path = path.replace(f"{{{name}}}", value)
    headers = {**box.xero_headers(), **box.karbon_headers()} if description.name == "karbon" else box.xero_headers()
    signed = {name.lower(): text for name, text in headers.items()}
    reply = box.answer(Request(operation.method.upper(), description.base + path, {**signed, "host": "127.0.0.1"}))
    assert reply
    return reply.status != 501 and not (
        reply.status == 404 and (b"No HTTP resource" in reply.body or b"<html>" in reply.body)
    )


# --- the checker itself -----------------------------------------------------------------------------------------------

BASE = "http://127.0.0.1/xero/api/api.xro/2.0"
OURS = {"User-Agent": "KarbonSync/1.0", "xero-tenant-id": "x", "Content-Type": "application/json"}
PAGE = b'{"Contacts": [{"ContactID": "11111111-2222-4333-8444-555555555555", "Name": "A"}]}'


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"url": f"{BASE}/Contacts?page=one"}, ['query page breaks type "integer"']),
        ({"url": f"{BASE}/Contacts?sort=Name"}, ["query sort is not described"]),
        ({"headers": {"User-Agent": "KarbonSync/1.0"}}, ["header xero-tenant-id is missing"]),
        ({"body": b"{}"}, ["has a body"]),
        ({"status": 418}, ["the status is not described"]),
        ({"answer_type": "text/html"}, ["is text/html, described as application/json"]),
        ({"answer": b'{"Contacts": [{"Name": 7}]}'}, ['.Contacts[].Name breaks type "string"']),
        ({"answer": b'{"Contacts": [{"Nickname": "A"}]}'}, [".Contacts[].Nickname is not described"]),
        ({"answer": b'{"Contacts": [{"ContactStatus": "GONE"}]}'}, ['.Contacts[].ContactStatus breaks enum ["ACTIVE", "ARCHIVED", "GDPRREQUEST"]']),
        ({"method": "PUT", "url": f"{BASE}/Contacts", "body": b'{"Contacts": [{"Name": "A", "Phones": [{"PhoneType": "HOME"}]}]}'}, ['.Contacts[].Phones[].PhoneType breaks enum ["DEFAULT", "DDI", "MOBILE", "FAX", "OFFICE"]']),
        ({"method": "DELETE"}, ["is not described"]),
    ],
)  # fmt: skip
def test_the_checker_sees_what_is_wrong(descriptions: Described, changed: dict[str, object], told: list[str]) -> None:
    call = {"method": "GET", "url": f"{BASE}/Contacts?page=1", "headers": OURS, "body": b"", "status": 200, "answer_type": "application/json; charset=utf-8", "answer": PAGE}  # fmt: skip
    found = descriptions["xero"].deviations(Call(**{**call, **changed}))  # type: ignore[arg-type]
    assert [deviation.what for deviation in found] == told
