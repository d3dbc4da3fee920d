"""Karbon's events: verified, noted, answered at once."""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import RequestFactory
from django.test.utils import override_settings
from hypothesis import given
from hypothesis import strategies as st

from contacts import notices
from contacts.models import Webhook
from contacts.notices import Event
from contacts.values import System
from karbon import webhook
from karbon.remote import KarbonRemote
from tests.karbon.conftest import Play

SECRET = "sandbox-karbon-webhook-key"
EVENT = {
    "ResourcePermaKey": "3Aa1Bb2Cc3Dd",
    "ResourceType": "Contact",
    "ActionType": "Updated",
    "Timestamp": "2026-08-01T00:00:00Z",
}
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*EVENT, "Events"]), inner),
)


def sign(body: bytes) -> str:
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture
def asked(db: None, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a delivery made us do, in order."""
    done: list[Any] = []
    monkeypatch.setattr(notices, "take", lambda system, events: done.extend((system, event) for event in events))
    return done


AT = datetime(2026, 8, 1, tzinfo=UTC)


def deliver(body: bytes, signature: str | None = None, method: str = "post") -> int:
    headers = {"Signature": sign(body) if signature is None else signature}
    send = getattr(RequestFactory(), method)
    with override_settings(KARBON_WEBHOOK_KEY=SECRET):
        request = send("/karbon", data=body, content_type="application/json", headers=headers)
        return int(webhook.receive(request).status_code)


def test_a_signature_counts_in_either_case() -> None:
    assert webhook.verify(b"{}", sign(b"{}"), SECRET)
    assert webhook.verify(b"{}", sign(b"{}").upper(), SECRET)
    assert not webhook.verify(b"{} ", sign(b"{}"), SECRET)
    assert not webhook.verify(b"{}", "ünsigned", SECRET)
    assert not webhook.verify(b"{}", "", SECRET)


@pytest.mark.parametrize(
    ("event", "keys"),
    [
        (EVENT, ["3Aa1Bb2Cc3Dd"]),
        ({**EVENT, "ResourceType": "Organization", "TimeStamp": "x"}, ["3Aa1Bb2Cc3Dd"]),
        ({"Events": [EVENT, EVENT, {**EVENT, "ResourcePermaKey": "Other1"}]}, ["3Aa1Bb2Cc3Dd", "Other1"]),
        ([EVENT], ["3Aa1Bb2Cc3Dd"]),
        ({**EVENT, "ResourceType": "ClientGroup"}, []),
        ({**EVENT, "ResourceType": "WorkItem"}, []),
        ({**EVENT, "ResourceType": "CustomFieldValue", "ClientKey": "Client1", "ClientType": "Contact"}, ["Client1"]),
        ({**EVENT, "ResourcePermaKey": 7}, []),
        ({**EVENT, "ResourcePermaKey": "x" * 65}, []),
        ({"Events": "none"}, []),
        ([None, 7], []),
        (None, []),
    ],
)
def test_the_contacts_an_event_names_are_read(event: object, keys: list[str]) -> None:
    found = [told.remote_id for told in webhook.events(json.dumps(event).encode())]
    assert list(dict.fromkeys(found)) == keys


@pytest.mark.parametrize("spelling", ["Timestamp", "TimeStamp"])
def test_an_events_time_is_read_in_both_spellings(spelling: str) -> None:
    event = {name: text for name, text in EVENT.items() if name != "Timestamp"}
    body = json.dumps({**event, spelling: "2026-08-01T00:00:00.0000000Z"}).encode()
    assert webhook.events(body) == [Event("3Aa1Bb2Cc3Dd", AT)]


@given(body=st.binary() | ODD.map(lambda value: json.dumps(value).encode()))
def test_nothing_in_a_delivery_makes_reading_it_fail(body: bytes) -> None:
    assert all(isinstance(event.remote_id, str) and event.remote_id for event in webhook.events(body))


def test_a_signed_event_is_taken(asked: list[Any]) -> None:
    assert deliver(json.dumps(EVENT).encode()) == 200
    assert asked == [(System.KARBON, Event("3Aa1Bb2Cc3Dd", AT))]


@pytest.mark.parametrize("signature", ["", "wrong", sign(b"another body")])
def test_a_wrong_signature_is_turned_away(asked: list[Any], signature: str) -> None:
    assert deliver(json.dumps(EVENT).encode(), signature) == 401
    assert asked == []


def test_a_malformed_event_is_answered_kindly_to_keep_the_subscription(asked: list[Any]) -> None:
    assert deliver(b"\xff not json") == 200
    assert asked == []


def test_a_database_that_is_down_does_not_cost_the_subscription(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(notices, "take", fail)
    assert deliver(json.dumps(EVENT).encode()) == 200


def test_only_a_post_is_an_event(asked: list[Any]) -> None:
    assert deliver(b"{}", method="put") == 405


def test_without_a_set_key_one_of_our_own_signs(asked: list[Any]) -> None:
    body = json.dumps(EVENT).encode()
    with override_settings(KARBON_WEBHOOK_KEY=""):
        key = webhook.signing_key()
        assert re.fullmatch(r"[A-Za-z0-9_-]{16,}", key)
        signed = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        for signature, status in (("", 401), (sign(body), 401), (signed, 200)):
            headers = {"Signature": signature}
            request = RequestFactory().post("/karbon", body, content_type="application/json", headers=headers)
            assert webhook.receive(request).status_code == status
    assert len(asked) == 1


@pytest.mark.parametrize("second", ["replace", "conflict"])
def test_a_subscription_is_made_kept_and_moved(karbon: KarbonRemote, play: Play, second: str) -> None:
    play.switch(secondSubscribe=second)
    assert webhook.ensure_subscription("http://127.0.0.1:9/karbon")
    assert not webhook.ensure_subscription("http://127.0.0.1:9/karbon")
    assert webhook.ensure_subscription("http://127.0.0.1:9/moved")
    assert karbon.client.subscription() == "http://127.0.0.1:9/moved"
    with override_settings(KARBON_WEBHOOK_KEY="another-key-than-before"):
        assert webhook.ensure_subscription("http://127.0.0.1:9/moved")
        assert not webhook.ensure_subscription("http://127.0.0.1:9/moved")
    assert Webhook.objects.get(system=System.KARBON).target == "http://127.0.0.1:9/moved"
    karbon.client.unsubscribe()
    assert karbon.client.subscription() is None
