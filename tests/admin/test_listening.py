"""How both webhooks stand, in words: on the dashboard and on a page of their own."""

import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.models import Webhook
from contacts.values import System
from karbonsync import listening
from karbonsync.models import Cursor
from tests.admin import factories

NOW = timezone.now()


def states() -> list[listening.Listening]:
    return listening.states(Cursor.objects.in_bulk())


def xero(**row) -> listening.Listening:
    Webhook.objects.update_or_create(system=System.XERO, defaults=row)
    return states()[0]


def karbon(**row) -> listening.Listening:
    Webhook.objects.update_or_create(system=System.KARBON, defaults=row)
    return states()[1]


def test_a_webhook_never_heard_says_what_to_do(db):
    told = states()[0]
    assert "No word from Xero's webhook yet" in told.sentence and "Intent to receive" in told.act
    assert not told.is_well and not told.is_wanted


def test_a_webhook_that_is_heard_is_well(db):
    assert xero(heard_at=NOW).is_well
    assert karbon(looked_at=NOW, heard_at=NOW).is_well


def test_silence_alone_is_no_fault_but_silence_about_changes_is(db):
    long_ago = NOW - timedelta(hours=5)
    assert xero(heard_at=long_ago).is_well
    Cursor.objects.create(system=System.XERO, news_at=NOW - timedelta(minutes=11))
    told = xero(heard_at=long_ago)
    assert (
        told.sentence.startswith("No word from Xero's webhook since ") and "although contacts changed" in told.sentence
    )
    assert not told.is_well and told.is_wanted and "developer portal" in told.act
    assert xero(heard_at=NOW - timedelta(minutes=20)).is_well


def test_only_wrong_signatures_mean_a_wrong_key(db):
    told = xero(refused_at=NOW, refusals=3)
    assert "wrong signature" in told.sentence and "XERO_WEBHOOK_KEYS" in told.act
    assert xero(heard_at=NOW, refused_at=NOW, refusals=3).is_well


def post(service: str, **headers: str) -> None:
    assert (
        Client().post(f"/webhooks/{service}", b"{}", content_type="application/json", headers=headers).status_code
        == 401
    )


@pytest.mark.parametrize(("service", "header"), [("xero", "x-xero-signature"), ("karbon", "Signature")])
def test_a_stray_post_is_no_alarm_and_wrong_signatures_one_after_another_are(box, settings, service, header):
    settings.XERO_WEBHOOK_KEYS = ["a-key"]
    hours_ago, row = NOW - timedelta(hours=5), Webhook.objects.filter(system=service)
    Webhook.objects.create(system=service, heard_at=hours_ago, looked_at=NOW)
    state = 0 if service == "xero" else 1
    for _ in range(5):
        post(service)  # nobody signed it: no service does that
        row.update(refused_at=None)
    for number in range(listening.WRONG_SIGNATURES):
        assert states()[state].is_well, number
        row.update(refused_at=hours_ago)
        post(service, **{header: "wrong"})
        post(service, **{header: "wrong"})  # within half a minute: the same trouble
    assert "wrong signature" in states()[state].sentence


def test_a_good_delivery_ends_the_count_of_wrong_ones(box, settings):
    settings.XERO_WEBHOOK_KEYS = ["a-key"]
    Webhook.objects.create(system=System.XERO, heard_at=NOW - timedelta(hours=2), refused_at=NOW, refusals=7)
    assert not states()[0].is_well
    signature = base64.b64encode(hmac.new(b"a-key", b"{}", hashlib.sha256).digest()).decode()
    Client().post("/webhooks/xero", b"{}", content_type="application/json", headers={"x-xero-signature": signature})
    assert Webhook.objects.get().refusals == 0 and states()[0].is_well


def test_without_keys_or_https_the_page_says_which_setting(db, settings):
    settings.XERO_WEBHOOK_KEYS = []
    assert "XERO_WEBHOOK_KEYS" in states()[0].act
    settings.SITE_URL = "http://sync.firm.example"
    assert all("SITE_URL" in told.act for told in states())


def test_karbons_problem_is_said_with_what_goes_on(db):
    told = karbon(problem="Karbon refused access.", problem_since=NOW)
    assert told.sentence == f"Karbon refused access. {listening.STILL_SYNCING}" and not told.is_well


@pytest.mark.parametrize("page", ["admin:index", "admin:webhooks"])
def test_the_pages_say_it(client, db, page):
    boss = factories.person("Bo", (*factories.STAFF, "xero.view_xeroconnection"))
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    xero(heard_at=NOW, refused_at=NOW, refusals=3)
    shown = client.get(reverse(page)).content.decode()
    assert "Changes in Xero arrive within seconds." in shown and "ast heard" in shown


def test_the_page_shows_the_address_to_paste(client, db, settings):
    settings.SITE_URL = "https://sync.firm.example"
    boss = factories.person("Bo", (*factories.STAFF, "xero.view_xeroconnection"))
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    shown = client.get(reverse("admin:webhooks")).content.decode()
    assert "<code>https://sync.firm.example/webhooks/xero</code>" in shown


def test_staff_without_the_permission_do_not_see_the_page(desk):
    assert desk.get(reverse("admin:webhooks")).status_code == 403
    assert reverse("admin:webhooks") not in desk.get(reverse("admin:index")).content.decode()


def test_the_page_asks_the_database_the_same_whatever_is_known(client, db, django_assert_max_num_queries):
    boss = factories.person("Bo", (*factories.STAFF, "xero.view_xeroconnection"))
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    karbon(looked_at=NOW), xero(heard_at=NOW)
    with django_assert_max_num_queries(20):
        client.get(reverse("admin:webhooks"))
