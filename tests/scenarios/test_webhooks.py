"""Deliveries over the whole product: what is announced is read and carried over, what is untrue changes nothing."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Link, Refresh, RemoteContact, Webhook
from contacts.values import Presence, System
from karbonsync import tasks
from karbonsync.models import Cursor, Run
from sandbox import server
from sandbox.xero_identity import TENANT_ID
from tests.scenarios.conftest import PHONE, World, karbon_phone, xero_phone

NEW = ("64", "9", "555 0199")


def hear_xero(*contact_ids: str, at: str = "") -> None:
    events = [{"resourceId": i, "eventType": "UPDATE", "eventCategory": "CONTACT", "tenantId": TENANT_ID, "eventDateUtc": at} for i in contact_ids]  # fmt: skip
    body = json.dumps({"events": events, "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "x"}).encode()
    digest = hmac.new(server.XERO_WEBHOOK_KEY.encode(), body, hashlib.sha256).digest()
    _post("xero", body, {"x-xero-signature": base64.b64encode(digest).decode()})


def hear_karbon(key: str, **event: str) -> None:
    told = {"ResourcePermaKey": key, "ResourceType": "Organization", "ActionType": "Updated", **event}
    body = json.dumps(told).encode()
    _post("karbon", body, {"Signature": hmac.new(server.KARBON_WEBHOOK_KEY.encode(), body, hashlib.sha256).hexdigest()})


def _post(service: str, body: bytes, headers: dict[str, str]) -> None:
    reply = Client().post(f"/webhooks/{service}", body, content_type="application/json", headers=headers)
    assert reply.status_code == 200


def test_an_announced_edit_travels_without_a_list_being_read(world: World) -> None:
    xero, karbon = world.linked_pair()
    world.edit_xero(xero, Phones=[xero_phone(NEW)])
    world.forget_calls()
    hear_xero(xero)
    tasks.look()
    world.assert_both(xero, karbon, phone="6495550199")
    assert not [call for call in world.calls(method="GET") if call["path"].endswith(("/Contacts", "/Organizations")) and "IDs=" not in call["query"]]  # fmt: skip
    world.edit_card(karbon, PhoneNumbers=[karbon_phone(PHONE)])
    hear_karbon(karbon)
    tasks.look()
    world.assert_both(xero, karbon, phone="6495550100")


def test_an_announced_stranger_arrives_with_the_check_it_asks_for(world: World) -> None:
    world.linked_pair()
    xero = world.add_xero("Kauri Timber Limited", "hello@kauri.example")
    hear_xero(xero)
    assert not Refresh.objects.exists() and Webhook.objects.get(system=System.XERO).stranger_at
    tasks.check()
    assert world.karbon_named("Kauri Timber Limited")


def polled(seconds_ago: int) -> None:
    """The last look for changes in Xero is so long ago, and the next one is minutes away: the calls of the day are spread."""
    now = timezone.now()
    before, later = now - timedelta(seconds=seconds_ago), now + timedelta(minutes=3)
    Cursor.objects.filter(system=System.XERO).update(polled_at=before, next_poll_at=later)


def xero_lists(world: World) -> int:
    return len([call for call in world.calls(system="xero", method="GET", path="/Contacts$") if "IDs=" not in call["query"]])  # fmt: skip


def test_an_announced_stranger_does_not_wait_for_the_next_look_of_a_stretched_day(world: World, settings) -> None:
    world.linked_pair()
    settings.XERO_CALLS_PER_DAY = 950
    polled(seconds_ago=60)
    xero = world.add_xero("Kauri Timber Limited", "hello@kauri.example")
    tasks.check()
    assert "Kauri Timber Limited" not in world.karbon_names()
    hear_xero(xero)
    tasks.check()
    assert world.karbon_named("Kauri Timber Limited")


def test_many_announced_strangers_use_up_no_more_calls_than_the_pace_allows(world: World, settings) -> None:
    world.linked_pair()
    settings.XERO_CALLS_PER_DAY = 950
    polled(seconds_ago=20)
    hear_xero("5a9db0c5-0000-4000-8000-000000000001")
    world.forget_calls()
    tasks.check()
    assert xero_lists(world) == 0
    polled(seconds_ago=60)
    for number in range(5):
        hear_xero(f"5a9db0c5-0000-4000-8000-00000000001{number}")
        tasks.check()
    assert xero_lists(world) == 1
    polled(seconds_ago=60)
    Webhook.objects.update(stranger_at=timezone.now() - timedelta(seconds=90))
    tasks.check()
    assert xero_lists(world) == 1, "what that look brought is not asked for again"


@pytest.mark.parametrize("action", ["Deleted", "deleted", "Merged"])
def test_a_forged_delete_is_found_untrue_by_reading(world: World, action: str) -> None:
    xero, karbon = world.linked_pair()
    before = world.state()
    hear_karbon(karbon, ActionType=action)
    tasks.look()
    assert RemoteContact.objects.get(remote_id=karbon).presence == Presence.PRESENT
    assert world.links() == {(xero, karbon)} and world.state() == before


def test_a_true_delete_counts_after_two_reads(world: World) -> None:
    xero, karbon = world.linked_pair()
    world.control("DELETE", f"/karbon/organizations/{karbon}")
    hear_karbon(karbon, ActionType="Deleted")
    tasks.look()
    assert RemoteContact.objects.get(remote_id=karbon).presence == Presence.PRESENT
    world.wait_out()
    tasks.look()
    assert RemoteContact.objects.get(remote_id=karbon).presence == Presence.GONE
    assert world.link_of(xero).state == Link.State.STOPPED


def test_a_delivery_that_is_replayed_costs_one_read(world: World) -> None:
    xero, _ = world.linked_pair()
    at = "2026-11-03T09:00:00.000"
    RemoteContact.objects.filter(remote_id=xero).update(modified_at="")
    world.forget_calls()
    for _ in range(5):
        hear_xero(xero, at=at)
        tasks.look()
    assert len(world.calls(system="xero")) == 1


# --- the subscription -------------------------------------------------------------------------------------------------


@pytest.fixture
def syncing(world: World) -> World:
    world.linked_pair()
    return world


def target(world: World) -> Any:
    subscription = world.box.karbon_hooks.subscriptions.get("Contact")
    return subscription and subscription["TargetUrl"]


def test_the_watch_makes_the_subscription_once_syncing_is_on(syncing: World) -> None:
    syncing.forget_calls()
    tasks.watch_webhooks()
    assert target(syncing) == "http://localhost:8000/webhooks/karbon"
    assert Webhook.objects.get(system=System.KARBON).looked_at
    assert not Cursor.objects.get(system=System.KARBON).walk_due
    calls = len(syncing.calls())
    tasks.watch_webhooks()
    assert len(syncing.calls()) == calls + 1


def test_a_subscription_that_karbon_ended_is_made_again_and_the_list_is_walked(syncing: World) -> None:
    tasks.watch_webhooks()
    with syncing.box.lock:
        syncing.box.karbon_hooks.subscriptions.clear()
    syncing.add_organisation("Made in the gap")
    tasks.watch_webhooks()
    assert target(syncing) and Cursor.objects.get(system=System.KARBON).walk_due
    walked_at = Cursor.objects.get(system=System.KARBON).walked_at
    syncing.sync()
    cursor = Cursor.objects.get(system=System.KARBON)
    assert not cursor.walk_due and cursor.walked_at > walked_at


def test_a_subscription_that_leads_elsewhere_is_moved(syncing: World) -> None:
    tasks.watch_webhooks()
    with syncing.box.lock:
        syncing.box.karbon_hooks.subscriptions["Contact"]["TargetUrl"] = "http://127.0.0.1:9/else"
    tasks.watch_webhooks()
    assert target(syncing) == "http://localhost:8000/webhooks/karbon"


@pytest.mark.parametrize("site", ["http://sync.firm.example", ""])
def test_karbon_is_not_asked_to_deliver_where_it_cannot(syncing: World, settings: Any, site: str) -> None:
    settings.SITE_URL = site
    tasks.watch_webhooks()
    assert target(syncing) is None


def test_a_karbon_that_does_not_answer_is_said_and_asked_again(syncing: World) -> None:
    syncing.fault(system="karbon", path="WebhookSubscriptions", kind="error", status=500, times=9)
    before = timezone.now()
    tasks.watch_webhooks()
    first = Webhook.objects.get(system=System.KARBON)
    assert "Karbon had a fault" in first.problem and first.problem_since > before
    tasks.watch_webhooks()
    assert Webhook.objects.get(system=System.KARBON).problem_since == first.problem_since
    syncing.no_faults()
    tasks.watch_webhooks()
    assert Webhook.objects.get(system=System.KARBON).problem == ""


def test_a_look_leaves_its_record_like_any_check(syncing: World) -> None:
    count = Run.objects.count()
    tasks.look()
    assert Run.objects.count() == count + 1 and not Run.objects.first().error
