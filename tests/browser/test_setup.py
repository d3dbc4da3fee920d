"""The whole set-up, clicked by an administrator: from an empty database to the first import.

With ``SCREENSHOTS`` set to a folder it plays in the demo world and leaves a picture of each step there, which docs/ shows.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Browser, Page

from contacts.models import Link, RemoteContact, SyncSettings
from karbon.models import KarbonConnection
from karbonsync import tasks
from karbonsync.models import Preview
from sandbox import server
from tests.admin import factories
from tests.browser.conftest import World
from xero.models import XeroConnection

PICTURES = os.environ.get("SCREENSHOTS", "")
SMALL = {"xero": 14, "karbon": 12, "overlap": 0.5, "conflicts": 0.2, "seed": 5}


def picture(page: Page, name: str, height: int = 900) -> None:
    """Leave a picture for docs/, and with ``SCREENSHOTS_ALL`` also one in the dark and one as on a phone."""
    if not PICTURES:
        return
    _shoot(page, name, 1280, height)
    if os.environ.get("SCREENSHOTS_ALL"):
        _shoot(page, f"phone-{name}", 390, 844)
        page.evaluate("document.documentElement.classList.add('dark')")
        _shoot(page, f"dark-{name}", 1280, height)
        page.evaluate("document.documentElement.classList.remove('dark')")
        page.set_viewport_size({"width": 1280, "height": height})


def _shoot(page: Page, name: str, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(400)
    page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


@pytest.fixture
def fresh(transactional_db: None, box: server.Sandbox, settings: Any, live_server: Any) -> World:
    """A sandbox with two address books, and a server that knows nobody's keys to Karbon."""
    settings.READ_BACK_AFTER_SECONDS = 0.05
    settings.SITE_URL = live_server.url
    settings.KARBON_BEARER_TOKEN = settings.KARBON_ACCESS_KEY = settings.KARBON_WEBHOOK_KEY = ""
    box.reset("demo" if PICTURES else SMALL)
    return World(box)


@pytest.fixture
def page(chromium: Browser, live_server: Any, fresh: World) -> Iterator[Page]:
    """A page of a settings administrator. A script or style that the policy blocks fails the test."""
    boss = factories.person("Bo", (*factories.STAFF, "contacts.change_syncsettings"))
    client = Client()
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    cookie = {"name": django_settings.SESSION_COOKIE_NAME, "url": live_server.url, "sameSite": "Lax"}
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.add_cookies([{**cookie, "value": client.cookies[django_settings.SESSION_COOKIE_NAME].value}])  # type: ignore[list-item]
    shown = context.new_page()
    shown.set_default_timeout(30_000)
    complaints: list[str] = []
    shown.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    yield shown
    context.close()
    assert complaints == []


def type_karbon_keys(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_role("link", name="Set up Xero and Karbon").click()
    page.get_by_text("Nothing is written to Xero or Karbon before you press").wait_for()
    picture(page, "setup-steps", 1000)
    page.get_by_role("link", name="Go to Karbon keys").click()
    page.get_by_label("Bearer token").fill(server.KARBON_BEARER_TOKEN)
    page.get_by_label("Access key").fill(server.KARBON_ACCESS_KEY)
    picture(page, "setup-karbon-keys", 800)
    page.get_by_role("button", name="Test and store the keys").click()
    page.get_by_text("Karbon is connected. Account 2SandboxTnt1 holds").wait_for()


def sign_in_to_xero(page: Page) -> None:
    picture(page, "setup-xero-sign-in", 800)
    page.get_by_role("button", name="Sign in to Xero").click()
    page.get_by_role("heading", name="You are connecting Acme Partners").wait_for()
    assert not XeroConnection.objects.exists()
    picture(page, "setup-xero-confirm", 640)
    page.get_by_role("button", name="Connect Acme Partners").click()
    page.get_by_text("Acme Partners is connected.").wait_for()


def choose(page: Page) -> None:
    page.get_by_label("Contact type of new Karbon contacts").select_option("Client")
    picture(page, "setup-rules", 760)
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("group", name="Primary phone in Karbon").wait_for()
    picture(page, "setup-conventions", 980)
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_text("No, it never ran").click()
    picture(page, "setup-former-sync", 860)
    page.get_by_role("button", name="Save and go on").click()


def look_at_the_preview(page: Page) -> None:
    page.get_by_role("button", name="Make the preview").click()
    page.get_by_text("Both address books are read, nothing is written.").wait_for()
    page.goto("about:blank")  # the tests' database lets nobody read while somebody writes
    tasks.make_preview()
    Preview.objects.update(state=Preview.State.WORKING, progress="Storing what was found")
    page.goto("/admin/set-up/preview/")
    page.get_by_text("Storing what was found").wait_for()
    Preview.objects.update(state=Preview.State.READY, progress="")
    page.get_by_role("heading", name="What would happen").wait_for()
    picture(page, "setup-preview", 1100)


def correct(page: Page) -> tuple[str, str]:
    """Make one of the new contacts the other kind, and leave another one out; return both names."""
    page.goto("/admin/set-up/preview/?tab=new")
    first, second = (page.locator("tbody tr").nth(n).locator("th").inner_text().splitlines()[0] for n in (0, 1))
    page.locator("tbody tr").nth(0).get_by_role("button", name="is an organisation").or_(
        page.locator("tbody tr").nth(0).get_by_role("button", name="is a person")
    ).first.click()
    page.get_by_text(f"{first} will be created as").wait_for()
    picture(page, "setup-preview-new", 1000)
    page.get_by_role("button", name=f"Leave out {second}").click()
    page.get_by_text(f"{second} is left out.").wait_for()
    return first, second


def test_the_whole_set_up_from_an_empty_database_to_the_first_import(page: Page, fresh: World, tmp_path: Path) -> None:
    type_karbon_keys(page)
    sign_in_to_xero(page)
    choose(page)
    before = fresh.state()
    look_at_the_preview(page)
    corrected, left_out = correct(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    download.value.save_as(tmp_path / "preview.csv")
    page.get_by_role("searchbox", name="Search by name or email").fill(corrected[:12])
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("rowheader", name=corrected).wait_for()
    assert fresh.state() == before
    page.goto("/admin/set-up/preview/")
    page.get_by_role("button", name="Start syncing").click()
    page.get_by_text("Syncing is on. The first import starts in a moment.").wait_for()
    page.goto("about:blank")
    fresh.check()
    page.goto("/admin/")
    page.get_by_text("How things stand").wait_for()
    picture(page, "setup-first-import", 900)
    assert SyncSettings.load().syncing and KarbonConnection.objects.get().tested_at
    assert Preview.objects.get().state == Preview.State.OVER
    assert Link.objects.filter(state="live").count() > 0
    made = RemoteContact.objects.get(system="xero", values__name=corrected)
    assert Link.objects.filter(xero=made, karbon__kind=made.decided_kind).exists() or "word" in made.name
    assert RemoteContact.objects.filter(system="xero", values__name=left_out, left_out=True, xero_links=None).exists()
    rows = list(csv.DictReader((tmp_path / "preview.csv").read_text("utf-8-sig").splitlines()))
    assert {row["what happens"] for row in rows} == {"New in Karbon"}


def test_the_set_up_on_a_phone_fits_the_screen(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    type_karbon_keys(page)
    sign_in_to_xero(page)
    choose(page)
    look_at_the_preview(page)
    for address in ("", "karbon/", "xero/", "rules/", "conventions/", "former-sync/", "preview/"):
        page.goto(f"/admin/set-up/{address}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address
