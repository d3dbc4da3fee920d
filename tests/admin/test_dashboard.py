"""The first page, its progress endpoint, and what machines ask."""

import json
import logging
from datetime import timedelta

import pytest
from django.core.checks import Warning
from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone

from contacts.models import SyncSettings
from karbonsync import groups
from karbonsync.dashboard import in_words
from karbonsync.models import Cursor, Lease, Run, SetUp
from tests.admin import factories
from xero.models import XeroConnection


def counts(desk) -> dict[str, int]:
    told = desk.get(reverse("admin:progress")).json()["counts"]
    return {key: tile["count"] for key, tile in told.items()}


def test_the_numbers_are_those_of_the_tables(desk):
    pair = factories.pair()
    factories.unsynced()
    factories.pair(state="stopped", problem="Archived in Xero.")
    factories.refused(factories.karbon())
    factories.change(pair, state="queued")
    factories.conflict(pair)
    factories.issue()
    assert counts(desk) == {"live": 1, "issues": 1, "conflicts": 1, "unsynced": 1, "stopped": 1, "creating": 0, "waiting": 1, "refused": 1}  # fmt: skip
    shown = desk.get(reverse("admin:index")).content.decode()
    assert "Match issues waiting" in shown and "Needs a person" in shown


def test_it_says_what_to_do_when_nothing_is_connected(desk):
    shown = desk.get(reverse("admin:index")).content.decode()
    assert "Not connected yet" in shown and "Ask an administrator to go through the set-up" in shown


def test_a_firm_that_was_disconnected_is_not_told_that_it_never_was_connected(desk):
    SyncSettings.objects.update_or_create(
        id=1, defaults={"syncing": True, "ends_when_connected": True, "paused_at": timezone.now()}
    )
    XeroConnection.objects.create(tenant_id="t", tenant_name="Firm Ltd")
    shown = desk.get(reverse("admin:index")).content.decode()
    assert "Not connected yet" not in shown and "Xero is disconnected" in shown


def test_it_says_when_syncing_is_off(desk):
    XeroConnection.objects.create(tenant_id="t", tenant_name="Firm Ltd", refresh_token="sealed")
    SetUp.objects.create(started_at=timezone.now())
    shown = desk.get(reverse("admin:index")).content.decode()
    assert "Syncing is off" in shown and "Firm Ltd" in shown and "sealed" not in shown


def test_a_services_problem_is_shown_with_its_sentence(desk):
    Cursor.objects.create(
        system="karbon", problem="Karbon refused our keys. Make new ones.", problem_since=timezone.now()
    )
    assert "Karbon refused our keys. Make new ones." in desk.get(reverse("admin:index")).content.decode()


def test_configuration_problems_are_in_one_banner(desk, monkeypatch):
    fault = Warning("KARBON_ACCESS_KEY is not set.", hint="Put it into the environment.", id="karbonsync.W001")
    monkeypatch.setattr("karbonsync.dashboard.run_checks", lambda tags: [fault])
    shown = desk.get(reverse("admin:index")).content.decode()
    assert "KARBON_ACCESS_KEY is not set." in shown and "Put it into the environment." in shown


def test_the_running_check_and_its_progress(desk):
    now = timezone.now()
    Run.objects.create(step="pull", progress="Xero: 3,000 contacts read")
    assert desk.get(reverse("admin:progress")).json()["running"] is None  # its process died
    Lease.objects.create(name="check", holder="h", expires_at=now + timedelta(seconds=9))
    told = desk.get(reverse("admin:progress")).json()["running"]
    assert told == {"step": "Reading both address books", "progress": "Xero: 3,000 contacts read"}
    assert "3,000 contacts read" in desk.get(reverse("admin:index")).content.decode()


def test_progress_is_no_secret_but_no_public_either(client, db):
    assert client.get(reverse("admin:progress")).status_code == 302


def test_numbers_are_shown_to_those_who_may_look_only(onlooker):
    assert onlooker.get(reverse("admin:progress")).json()["counts"] == {}


def test_check_now_rings_the_bell(desk, rings):
    SyncSettings.objects.create(syncing=True)
    response = desk.post(reverse("admin:check_now"), follow=True)
    assert rings == ["ring"] and "A check was asked for." in response.content.decode()


def test_check_now_says_when_syncing_is_off(desk, rings):
    response = desk.post(reverse("admin:check_now"), follow=True)
    assert rings == [] and "Syncing is off. Finish the set-up" in response.content.decode()


def test_what_a_check_did_in_words():
    assert in_words({}) == "Nothing had changed"
    done = {"pulled": {"xero": 1200, "karbon": 3}, "matched": {"full": 2}, "written": {"karbon": 4}, "failed": 1}
    assert in_words(done) == "1,203 new or changed, 2 linked, 4 changed in Karbon, 1 refused"


def test_health_tells_ages_and_no_secrets(client, db):
    Cursor.objects.create(system="xero", value="secret cursor", polled_at=timezone.now() - timedelta(seconds=90))
    told = client.get("/health")
    assert told.status_code == 200
    ages = told.json()["seconds_since_last_good_read"]
    assert told.json()["status"] == "ok" and 89 <= ages["xero"] <= 95 and ages["karbon"] is None
    assert "secret" not in json.dumps(told.json())
    assert client.post("/health").status_code == 405


def test_the_root_leads_to_the_admin(client, db):
    assert client.get("/")["Location"] == "/admin/"


@pytest.mark.parametrize("url", ["/health", "/admin/login/", "/nowhere"])
def test_every_answer_carries_the_policy(url, client, db):
    logging.getLogger("django.request").setLevel(logging.ERROR)
    policy = client.get(url)["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "'unsafe-inline'" not in policy.split("style-src")[0]  # fmt: skip


def test_webhooks_have_their_addresses(client, db):
    for service in ("xero", "karbon"):
        assert client.get(f"/webhooks/{service}").status_code == 405
        assert client.post(f"/webhooks/{service}", b"{}", content_type="application/json").status_code == 401


def test_groups_are_made_once_and_hold_what_they_need(db, client):
    groups.ensure()
    groups.ensure()
    user = factories.person("Greta", permissions=())
    user.groups.set([groups.Group.objects.get(name=groups.STAFF)])
    assert user.has_perms(factories.STAFF)
    assert not user.has_perm("contacts.change_syncsettings")
    boss = factories.person("Bo", permissions=())
    boss.groups.set([groups.Group.objects.get(name=groups.ADMINISTRATORS)])
    assert boss.has_perms([*factories.STAFF, "contacts.change_syncsettings", "xero.view_xeroconnection", "auth.change_user"])  # fmt: skip


def test_an_administrator_changes_the_settings(client, db, rings):
    boss = factories.person("Bo", (*factories.STAFF, "contacts.change_syncsettings"))
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    policies = {f"{name}_policy": "ask" for name in ("name", "billing_email", "primary_phone", "billing_address")}
    posted = {"syncing": "on", "clears": "ask", "import_filter": "customers", **policies}
    response = client.post(reverse("admin:contacts_syncsettings_change", args=[SyncSettings.load().pk]), posted)
    assert response.status_code == 302
    chosen = SyncSettings.load()
    assert chosen.clears == "ask" and rings
    assert chosen.import_filter == "all"  # what it would do is shown first: it is changed in the set-up


def test_health_says_when_the_database_is_gone(client, monkeypatch):
    def gone(*fields):
        raise DatabaseError("no such server")

    monkeypatch.setattr("karbonsync.health.Cursor.objects.values_list", gone)
    told = client.get("/health")
    assert told.status_code == 503 and told.json() == {"status": "error", "database": "unreachable"}


def test_people_sign_in_with_their_password(client, db):
    factories.person("Pat")
    posted = {"username": "Pat", "password": "a long password here", "next": "/admin/"}
    response = client.post(reverse("admin:login"), posted, follow=True)
    assert response.status_code == 200 and "How things stand" in response.content.decode()
