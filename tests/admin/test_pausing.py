"""Pause and resume, disconnect and check one contact, on the pages; and the banners everywhere."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts import pausing
from contacts.models import Budget, SyncSettings
from karbonsync.models import Cursor, Outage
from tests.admin import factories
from xero.models import XeroConnection

BOSS = (*factories.STAFF, "contacts.change_syncsettings")


@pytest.fixture
def boss(db) -> Client:
    SyncSettings.objects.create(syncing=True)
    XeroConnection.objects.create(tenant_id="t", tenant_name="Acme Partners", refresh_token="sealed")
    client = Client()
    client.force_login(factories.person("Bo", BOSS), backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(client: Client, page: str = "index", *args: object) -> str:
    return " ".join(client.get(reverse(f"admin:{page}", args=args)).content.decode().split())


def test_pausing_everything_wants_a_reason_and_shows_on_every_page(boss: Client, rings: list[str]) -> None:
    answer = boss.post(reverse("admin:pause_all"), {"reason": " "}, follow=True).content.decode()
    assert "Say in a few words why" in answer and not SyncSettings.load().paused_at
    boss.post(reverse("admin:pause_all"), {"reason": "Year-end <b>now</b>"})
    page = shown(boss, "contacts_link_changelist")
    assert "Everything is paused since" in page and "by Bo" in page and "Year-end &lt;b&gt;now&lt;/b&gt;" in page
    assert "0 changes wait; nothing is lost." in page
    boss.post(reverse("admin:resume_all"))
    assert not SyncSettings.load().paused_at and rings == ["ring"]
    assert "Everything is paused" not in shown(boss)


def test_much_is_looked_at_before_it_is_sent(boss: Client) -> None:
    pausing.pause_all(by=User.objects.get(), reason="Year-end")
    for number in range(pausing.MUCH + 1):
        factories.change(factories.pair(factories.xero(f"Firm {number}")), state="queued")
    answer = boss.post(reverse("admin:resume_all"), follow=True)
    page = answer.content.decode()
    assert SyncSettings.load().paused_at
    assert "Much would be sent" in page and "21 changes sent to Karbon" in page and "Firm 20" in page
    boss.post(reverse("admin:resume_all"), {"seen": "yes"})
    assert not SyncSettings.load().paused_at


def test_a_side_is_only_read_and_written_again(boss: Client) -> None:
    boss.post(reverse("admin:only_read", args=["xero"]), {"reason": "Audit"})
    assert SyncSettings.load().read_only == "xero"
    page = shown(boss, "pausing")
    assert "Xero is only read since" in page and "Write to Xero again" in page and "Only read Karbon" not in page
    boss.post(reverse("admin:write_again"))
    assert SyncSettings.load().read_only == ""
    assert boss.post(reverse("admin:only_read", args=["myob"]), {"reason": "x"}).status_code == 302
    assert SyncSettings.load().read_only == ""


def test_staff_see_pauses_and_cannot_end_them(desk: Client, staff: User) -> None:
    SyncSettings.objects.create(syncing=True)
    pausing.pause_all(by=staff, reason="Year-end")
    page = shown(desk, "pausing")
    assert "Year-end" in page and "Resume everything" not in page
    assert desk.post(reverse("admin:resume_all")).status_code == 403
    assert desk.get(reverse("admin:pause_all")).status_code == 405


def test_a_pair_is_paused_and_goes_on_from_its_page(desk: Client) -> None:
    pair = factories.pair()
    assert "What pausing does" in shown(desk, "link_pause", pair.pk)
    desk.post(reverse("admin:link_pause", args=[pair.pk]), {"reason": "In dispute"})
    pair.refresh_from_db()
    assert pair.paused_at and pair.pause_reason == "In dispute"
    for page, pk in (("contacts_link_change", pair.pk), ("contacts_xerocontact_change", pair.xero_id)):
        assert "In dispute" in shown(desk, page, pk) and "No change waits yet" in shown(desk, page, pk)
    listed = desk.get(reverse("admin:contacts_link_changelist") + "?attention=paused").content.decode()
    assert "Harbour Joinery" in listed and "Paused" in listed
    assert "In dispute" in shown(desk, "pausing")
    desk.post(reverse("admin:link_go_on", args=[pair.pk]))
    pair.refresh_from_db()
    assert pair.paused_at is None


def test_an_outage_is_a_banner_with_what_waits_and_one_act(boss: Client, desk: Client) -> None:
    sunday = timezone.now() - timedelta(days=2)
    Outage.objects.create(system="xero", reason="It was withdrawn there.", since=sunday, tried_at=sunday)
    pair = factories.pair()
    factories.change(pair, state="queued")
    page = shown(boss)
    assert f"Xero disconnected since {timezone.localtime(sunday):%A %H:%M}." in page
    assert "No change waits yet; nothing is lost." in page and "It was withdrawn there." in page
    assert "No longer connected" in page
    assert "An administrator can put this right." in shown(desk)


def test_disconnecting_says_what_it_does_and_asks_first(boss: Client, monkeypatch) -> None:
    monkeypatch.setattr("xero.leaving.disconnect", lambda: False)
    factories.pair()
    page = shown(boss, "xero_disconnect")
    assert "All links are kept (1)" in page and "Another organisation cannot take its place" in page
    assert not SyncSettings.load().paused_at
    answer = boss.post(reverse("admin:xero_disconnect"), follow=True).content.decode()
    assert "Xero could not be told" in answer
    assert SyncSettings.load().ends_when_connected


def test_disconnecting_is_for_those_who_may_change_the_connection(desk: Client) -> None:
    assert desk.get(reverse("admin:xero_disconnect")).status_code == 403
    assert desk.post(reverse("admin:xero_disconnect")).status_code == 403


def test_the_dashboard_tells_calls_and_when_it_looks_next(boss: Client, settings) -> None:
    settings.XERO_CALLS_PER_DAY = 20
    now = timezone.now()
    Cursor.objects.create(system="xero", walked_at=now, polled_at=now, next_poll_at=now + timedelta(hours=2))
    Budget.objects.create(system="xero", day_calls=4, day_ends_at=now + timedelta(hours=20))
    page = shown(boss)
    assert "4 used, 14 left, besides those kept for people" in page
    assert "Next look for changes" in page and "An edit is seen after" in page and "3 hours, sooner" in page
    Budget.objects.update(day_calls=18)
    assert "Xero takes no more calls until" in shown(boss)


def test_check_now_while_paused_says_that_nothing_is_sent(boss: Client, rings: list[str]) -> None:
    pausing.pause_all(by=User.objects.get(), reason="Year-end")
    rings.clear()
    answer = boss.post(reverse("admin:check_now"), follow=True).content.decode()
    assert "it reads and sends nothing" in answer and rings == ["ring"]


def test_checking_a_contact_tells_why_a_service_was_not_read(desk: Client, rings: list[str], settings) -> None:
    settings.KARBON_API_URL = "http://127.0.0.1:9"
    pair = factories.pair()
    answer = desk.post(reverse("admin:check_contact", args=[pair.xero_id]), follow=True).content.decode()
    assert "Xero was not read. Xero is not connected." in answer
    assert "Karbon was not read. Karbon could not be reached" in answer and rings == ["ring"]
