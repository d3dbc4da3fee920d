"""Xero's webhook: who is believed, what is read, what is answered."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from contacts import bell
from contacts.models import Refresh, RemoteContact, Webhook
from contacts.values import System
from tests.xero.wire import ID, NOW
from xero import webhook
from xero.models import XeroConnection

TENANT = "5a9db0c5-0000-4000-8000-00000000acce"
KEY = "sandbox-xero-webhook-key"


def sign(body: bytes, key: str = KEY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def event(**more: object) -> dict[str, object]:
    return {"resourceId": ID, "eventType": "UPDATE", "eventCategory": "CONTACT", "tenantId": TENANT, **more}


def delivery(*events: object) -> bytes:
    return json.dumps(
        {"events": list(events), "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "x"}
    ).encode()


def test_any_of_our_keys_may_have_signed() -> None:
    body = delivery()
    assert webhook.verify(body, sign(body, "new"), ["old", " new"])


@pytest.mark.parametrize("signature", ["", "nonsense", "ä", sign(b"other"), sign(b"body", "foreign")])
def test_a_wrong_signature_is_refused(signature: str) -> None:
    assert not webhook.verify(b"body", signature, [KEY])


def test_without_keys_nothing_is_believed() -> None:
    assert not webhook.verify(b"body", sign(b"body", ""), ["", ""])
    assert not webhook.verify(b"body", sign(b"body"), [])


def test_only_our_organisations_contacts_are_read_each_once() -> None:
    other = "aaaaaaaa-2222-4333-8444-555555555555"
    body = delivery(
        event(resourceId=ID.upper()),
        event(eventCategory="Contact", eventType="Update", tenantId=TENANT.upper()),
        event(eventCategory="INVOICE", resourceId=other),
        event(tenantId=other, resourceId=other),
        event(resourceId="not an id"),
        "odd",
        {},
    )
    assert [each.remote_id for each in webhook.events(body, TENANT)] == [ID, ID]
    assert webhook.events(body, "") == []


def test_an_events_time_is_utc_and_compares_with_the_contacts_own_stamp() -> None:
    (told,) = webhook.events(delivery(event(eventDateUtc="2026-06-21T01:15:39.902")), TENANT)
    assert told.at == datetime(2026, 6, 21, 1, 15, 39, 902000, tzinfo=UTC)
    assert told.stamp == "1782004539902"


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["events", "resourceId", "tenantId"]), x)).map(lambda x: json.dumps(x).encode()))  # fmt: skip
def test_malformed_deliveries_name_no_contact(body: bytes) -> None:
    assert webhook.events(body, TENANT) == []


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    heard: list[str] = []
    monkeypatch.setattr(bell, "ring", lambda: heard.append("check"))
    monkeypatch.setattr(bell, "ring_to_look", lambda: heard.append("look"))
    return heard


def post(body: bytes, signature: str | None = None) -> object:
    request = RequestFactory().post("/hooks/xero", body, content_type="application/json")
    request.META["HTTP_X_XERO_SIGNATURE"] = sign(body) if signature is None else signature
    return webhook.receive(request)


@pytest.fixture
def connection(db: None) -> XeroConnection:
    return XeroConnection.objects.create(tenant_id=TENANT, tenant_name="Acme")


def test_a_known_contact_is_noted_to_be_read_again(connection: XeroConnection, rings: list[str]) -> None:
    contact = RemoteContact.objects.create(system=System.XERO, remote_id=ID, read_began_at=NOW)
    reply = post(delivery(event(), event()))
    assert (reply.status_code, reply.content, reply.cookies) == (200, b"", {})  # type: ignore[attr-defined]
    assert list(Refresh.objects.values_list("contact", "reason")) == [(contact.pk, "webhook")]
    assert rings == ["look"]


def test_an_unknown_contact_asks_for_the_lists(connection: XeroConnection, rings: list[str]) -> None:
    assert post(delivery(event())).status_code == 200  # type: ignore[attr-defined]
    assert not Refresh.objects.exists()
    assert rings == ["check"]


def test_the_trial_deliveries_get_both_answers(connection: XeroConnection, rings: list[str]) -> None:
    body = delivery()
    refusal = post(body, sign(body, "wrong"))
    assert (refusal.status_code, refusal.content, refusal.cookies) == (401, b"", {})  # type: ignore[attr-defined]
    assert post(body).status_code == 200  # type: ignore[attr-defined]
    assert rings == []


def test_what_we_wrote_ourselves_is_not_read_again(connection: XeroConnection, rings: list[str]) -> None:
    stamp = "1782004539902"
    RemoteContact.objects.create(
        system=System.XERO, remote_id=ID, read_began_at=NOW, complete=True, modified_at=stamp
    )  # fmt: skip
    post(delivery(event(eventDateUtc="2026-06-21T01:15:39.902")))
    assert (Refresh.objects.count(), rings) == (0, [])
    post(delivery(event(eventDateUtc="2026-06-21T01:15:39.903")))
    assert (Refresh.objects.count(), rings) == (1, ["look"])


def test_the_whole_answer_is_bare(client: Client, connection: XeroConnection, rings: list[str]) -> None:
    """With all middleware: no cookie, no body, whatever the signature (facts, Xero 14.4)."""
    for signature, status in ((sign(delivery(event())), 200), ("wrong", 401)):
        headers = {"x-xero-signature": signature}
        reply = client.post("/webhooks/xero", delivery(event()), content_type="application/json", headers=headers)
        assert (reply.status_code, reply.content, reply.cookies.output(), reply.has_header("Set-Cookie")) == (status, b"", "", False)  # fmt: skip


def test_a_body_that_no_service_sends_is_not_even_read(client: Client, connection: XeroConnection) -> None:
    body = b"x" * 300_000
    headers = {"x-xero-signature": sign(body)}
    assert client.post("/webhooks/xero", body, content_type="application/json", headers=headers).status_code == 413


def test_deliveries_are_remembered_to_half_a_minute(connection: XeroConnection, rings: list[str]) -> None:
    post(delivery(event()), "wrong")
    post(delivery(event()))
    first = Webhook.objects.get(system=System.XERO)
    post(delivery(event()))
    second = Webhook.objects.get(system=System.XERO)
    assert first.refused_at and first.heard_at == second.heard_at


def test_before_connecting_a_delivery_is_taken_and_forgotten(db: None, rings: list[str]) -> None:
    assert post(delivery(event())).status_code == 200  # type: ignore[attr-defined]
    assert rings == []


def test_only_post_is_answered() -> None:
    assert webhook.receive(RequestFactory().get("/hooks/xero")).status_code == 405
