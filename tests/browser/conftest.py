"""A real browser in front of the site, the sandbox behind it, and the pipeline run by hand in between."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
import requests
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import Client
from django.test.utils import override_settings
from playwright.sync_api import Browser, Page, sync_playwright

from karbonsync import pipeline, tasks
from sandbox.server import Sandbox
from tests.admin import factories

# Playwright's sync API runs a loop in this thread, which Django would take for an async view.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 20


@pytest.fixture(scope="session", autouse=True)
def static_files_are_not_gathered() -> Iterator[None]:
    """The live server starts the middleware once; it then looks up static files as they are asked for."""
    with override_settings(WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session")
def chromium(live_server: Any) -> Iterator[Browser]:
    """The browser ends before the server does, so that no connection is still open when that goes."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install the package chromium to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class World:
    """Both address books in the sandbox, and the sync between them."""

    box: Sandbox

    def add_to_xero(self, name: str, email: str = "", **more: Any) -> dict[str, Any]:
        return self._post("xero/contacts", {"Name": name, "EmailAddress": email, **more})

    def add_to_karbon(self, name: str, email: str = "", **card: Any) -> dict[str, Any]:
        made = self._post("karbon/organizations", {"FullName": name, "ContactType": "Client"})
        self.edit_karbon_card(made["OrganizationKey"], {"EmailAddresses": [email] if email else [], **card})
        return made

    def edit_xero(self, name: str, body: dict[str, Any]) -> None:
        """Edit a contact as a person does in Xero's own screens."""
        self._patch(f"xero/contacts/{self.xero()[name]['ContactID']}", body)

    def edit_karbon_card(self, key: str, body: dict[str, Any]) -> None:
        self._patch(f"karbon/organizations/{key}/card", body)

    def delete_from_karbon(self, key: str) -> None:
        self.later()
        requests.delete(f"{self.box.url}/sandbox/karbon/contacts/{key}", timeout=10).raise_for_status()

    def rename_in_karbon(self, name: str, new: str) -> None:
        self._patch(f"karbon/organizations/{self.karbon()[name]['OrganizationKey']}", {"FullName": new})

    def delete_in_karbon(self, name: str) -> None:
        self.later()
        key = self.karbon()[name]["OrganizationKey"]
        requests.delete(f"{self.box.url}/sandbox/karbon/organizations/{key}", timeout=10).raise_for_status()

    def merge_in_xero(self, name: str, into: str) -> None:
        known = self.xero()
        self._post(f"xero/contacts/{known[name]['ContactID']}/merge", {"into": known[into]["ContactID"]})

    def later(self) -> None:
        """Let the services' time pass: Karbon's lists tell it in whole seconds, and the sync waits them out."""
        requests.post(f"{self.box.url}/sandbox/clock", json={"advance": 3}, timeout=10).raise_for_status()

    def _patch(self, path: str, body: dict[str, Any]) -> None:
        self.later()
        response = requests.patch(f"{self.box.url}/sandbox/{path}", json=body, timeout=10)
        assert response.ok, response.text

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        self.later()
        response = requests.post(f"{self.box.url}/sandbox/{path}", json=body, timeout=10)
        assert response.ok, response.text
        return response.json()

    def check(self) -> None:
        """Run checks until nothing waits for its time any more."""
        until = time.monotonic() + PATIENCE
        tasks.check()
        while (due := pipeline.next_due()) and time.monotonic() < until:
            time.sleep(max(0.05, due.timestamp() - time.time()))
            tasks.check()

    def xero(self) -> dict[str, dict[str, Any]]:
        """Return Xero's active contacts by name."""
        contacts = self.state()["xero"]["contacts"]
        return {c["Name"]: c for c in contacts if c["ContactStatus"] == "ACTIVE"}

    def karbon(self) -> dict[str, dict[str, Any]]:
        """Return Karbon's organisations and people by name."""
        karbon = self.state()["karbon"]
        return {
            (r.get("FullName") or f"{r.get('FirstName')} {r.get('LastName')}"): r
            for r in [*karbon["organizations"], *karbon["contacts"]]
        }

    def state(self) -> Any:
        return requests.get(f"{self.box.url}/sandbox/state", timeout=10).json()


def email_in_karbon(record: dict[str, Any]) -> str:
    cards = record.get("BusinessCards") or []
    primary = next((card for card in cards if card.get("IsPrimaryCard")), {})
    return str((primary.get("EmailAddresses") or [""])[0])


@pytest.fixture
def world(transactional_db, box, settings) -> World:
    settings.READ_BACK_AFTER_SECONDS = 0.05
    call_command("connect", stdout=StringIO())
    return World(box)


@pytest.fixture
def screen(chromium: Browser, live_server: Any, world: World) -> Iterator[Page]:
    """A page of somebody of the staff. A script or style that the policy blocks fails the test."""
    client = Client()
    client.force_login(factories.person(), backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def say() -> Callable[[Page, str], None]:
    """Assert that a sentence is on the page."""

    def said(page: Page, sentence: str) -> None:
        page.get_by_text(sentence).first.wait_for()

    return said
