"""Webhooks: what is sent, how it is signed, when, and what happens when nobody answers well."""

import base64
import hashlib
import hmac
import json
import time

import pytest

from sandbox.server import KARBON_WEBHOOK_KEY, XERO_WEBHOOK_KEY


@pytest.fixture
def subscribed(karbon, receiver):
    body = {"TargetUrl": receiver.url, "WebhookType": "Contact", "SigningKey": KARBON_WEBHOOK_KEY}
    assert karbon("POST", "/WebhookSubscriptions", body).status_code == 201


@pytest.fixture
def aimed(control, receiver):
    assert control("POST", "/webhooks", {"xero": receiver.url}).status_code == 200


def events(receiver, count):
    return [json.loads(body) for _, body in receiver.wait_for(count)]


def advance(control, seconds):
    control("POST", "/clock", {"advance": seconds})


def test_a_xero_event_is_thin_and_signed_with_base64(xero, receiver, aimed):
    contact = xero("PUT", "/Contacts", {"Name": "A"}).json()["Contacts"][0]
    ((headers, body),) = receiver.wait_for(1)
    digest = hmac.new(XERO_WEBHOOK_KEY.encode(), body, hashlib.sha256).digest()
    assert headers["x-xero-signature"] == base64.b64encode(digest).decode()
    payload = json.loads(body)
    (event,) = payload["events"]
    assert (event["resourceId"], event["eventType"], event["eventCategory"]) == (
        contact["ContactID"],
        "CREATE",
        "CONTACT",
    )
    assert not event["eventDateUtc"].endswith("Z")
    assert (payload["firstEventSequence"], payload["lastEventSequence"]) == (1, 1)


def test_a_xero_merge_announces_only_the_loser(control, receiver, aimed):
    ids = [control("POST", "/xero/contacts", {"Name": n}).json()["ContactID"] for n in ("Loser", "Winner")]
    receiver.wait_for(2)
    control("POST", f"/xero/contacts/{ids[0]}/merge", {"into": ids[1]})
    got = [e["resourceId"] for payload in events(receiver, 3) for e in payload["events"]]
    assert got[2:] == [ids[0]]


def test_own_xero_writes_can_be_left_out(xero, control, receiver, aimed):
    control("POST", "/switches", {"xeroHookEchoOwnWrites": False})
    xero("PUT", "/Contacts", {"Name": "Own"})
    control("POST", "/xero/contacts", {"Name": "Person"})
    assert len(events(receiver, 1)) == 1
    assert len(receiver.wait_for(2, 0.2)) == 1


def test_a_failed_xero_delivery_is_retried_at_once_and_after_fifteen_minutes(control, receiver, aimed):
    receiver.statuses = [500, 500, 200]
    control("POST", "/xero/contacts", {"Name": "A"})
    assert len(receiver.wait_for(2)) == 2
    assert len(receiver.wait_for(3, 0.2)) == 2
    advance(control, 901)
    bodies = [body for _, body in receiver.wait_for(3)]
    assert len(set(bodies)) == 1
    assert len(bodies) == 3


def test_the_intent_to_receive_series_disables_a_receiver_that_trusts_anybody(control, receiver):
    control("POST", "/switches", {"xeroIntentToReceive": True})
    control("POST", "/webhooks", {"xero": receiver.url})
    receiver.wait_for(4)
    for _ in range(1000):
        if control("GET", "/webhooks").json()["xero_status"] != "INTENT_TO_RECEIVE":
            break
        time.sleep(0.02)
    assert control("GET", "/webhooks").json()["xero_status"] == "INTENT_TO_RECEIVE_FAILED"


@pytest.mark.parametrize("url", ["https://example.com/hook", "http://10.0.0.1/", "http://localhost:99999/", 3, "x"])
def test_xero_events_go_to_this_machine_only(control, url):
    assert control("POST", "/webhooks", {"xero": url}).status_code == 400


def test_karbon_changes_within_a_minute_become_one_notification(karbon, control, receiver, subscribed):
    key = karbon("POST", "/Organizations", {"FullName": "A"}).json()["OrganizationKey"]
    karbon("PATCH", f"/Organizations/{key}", {"FullName": "B"})
    assert receiver.wait_for(1, 0.2) == []
    advance(control, 61)
    ((headers, body),) = receiver.wait_for(1)
    payload = json.loads(body)
    assert (payload["ResourcePermaKey"], payload["ResourceType"], payload["ActionType"]) == (
        key,
        "Organization",
        "Inserted",
    )
    assert payload["Timestamp"].endswith("Z")
    assert headers["Signature"] == hmac.new(KARBON_WEBHOOK_KEY.encode(), body, hashlib.sha256).hexdigest()


def test_karbon_spellings_follow_their_switches(karbon, control, receiver, subscribed):
    control("POST", "/switches", {"hookTimestampKey": "TimeStamp", "hookResourceType": "Contact", "hookBatch": True})
    karbon("POST", "/Organizations", {"FullName": "A"})
    advance(control, 61)
    (payload,) = events(receiver, 1)
    assert payload["Events"][0]["ResourceType"] == "Contact"
    assert "TimeStamp" in payload["Events"][0]


def test_a_deleted_karbon_record_is_announced(karbon, control, receiver, subscribed):
    key = control("POST", "/karbon/contacts", {"FirstName": "A", "LastName": "B"}).json()["ContactKey"]
    advance(control, 61)
    receiver.wait_for(1)
    control("DELETE", f"/karbon/contacts/{key}")
    advance(control, 61)
    assert [e["ActionType"] for e in events(receiver, 2)] == ["Inserted", "Deleted"]


def test_ten_failures_end_a_karbon_subscription(karbon, control, receiver, subscribed):
    receiver.statuses = [500] * 10
    karbon("POST", "/Organizations", {"FullName": "A"})
    for _ in range(400):
        advance(control, 6000)
        if karbon("GET", "/WebhookSubscriptions/Contact").status_code == 404:
            break
        time.sleep(0.02)
    assert karbon("GET", "/WebhookSubscriptions/Contact").status_code == 404


def test_a_subscription_is_a_single_object_until_it_is_deleted(karbon, receiver, subscribed):
    shown = karbon("GET", "/WebhookSubscriptions/Contact").json()
    assert (shown["TargetUrl"], "SigningKey" in shown) == (receiver.url, False)
    assert karbon("GET", "/WebhookSubscriptions").status_code == 404
    assert karbon("DELETE", "/WebhookSubscriptions/Contact").status_code == 204
    assert karbon("GET", "/WebhookSubscriptions/Contact").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"TargetUrl": "http://example.com/", "WebhookType": "Contact"},
        {"TargetUrl": "HTTPS://example.com/", "WebhookType": "Contact"},
        {"TargetUrl": "https://example.com/", "WebhookType": "Contact", "SigningKey": "short"},
    ],
)
def test_a_bad_subscription_is_refused(karbon, body):
    assert karbon("POST", "/WebhookSubscriptions", body).status_code == 400


def test_a_second_subscription_replaces_or_conflicts(karbon, control, receiver, subscribed):
    again = {"TargetUrl": "https://example.com/", "WebhookType": "Contact"}
    assert karbon("POST", "/WebhookSubscriptions", again).status_code == 201
    control("POST", "/switches", {"secondSubscribe": "conflict"})
    assert karbon("POST", "/WebhookSubscriptions", again).status_code == 400
