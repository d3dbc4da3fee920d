"""A sandbox per test session, emptied per test, and Xero connected to it."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.test.utils import override_settings

from sandbox import server
from xero import oauth, remote


class Play:
    """The sandbox as a test plays with it: what people do in Xero's screens, and what goes wrong."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, method: str, path: str, body: object = None) -> Any:
        reply = requests.request(method, f"{self.url}/sandbox/{path}", json=body, timeout=5)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def add(self, name: str, **more: object) -> dict[str, Any]:
        return self.control("POST", "xero/contacts", {"Name": name, **more})

    def edit(self, contact_id: str, **more: object) -> None:
        self.control("PATCH", f"xero/contacts/{contact_id}", more)

    def fault(self, kind: str, path: str = ".*", **more: object) -> None:
        self.control(
            "POST", "faults", {"system": "xero", "method": "*", "path": path, "kind": kind, "times": 1, **more}
        )

    def switch(self, **positions: object) -> None:
        self.control("POST", "switches", positions)

    def advance(self, seconds: int) -> None:
        self.control("POST", "clock", {"advance": seconds})

    def contacts(self) -> list[dict[str, Any]]:
        return self.control("GET", "state")["xero"]["contacts"]

    def calls(self, path: str = "") -> list[dict[str, Any]]:
        return [call for call in self.control("GET", "calls") if path in call["path"]]


@pytest.fixture(scope="session")
def running() -> Iterator[Play]:
    with server.start(world="empty", port=0) as sandbox:
        yield Play(sandbox.url)


@pytest.fixture
def play(running: Play) -> Iterator[Play]:
    """An empty world, and the settings that lead to it."""
    running.control("POST", "reset", {"world": "empty"})
    addresses = {
        "XERO_LOGIN_URL": f"{running.url}/xero/login",
        "XERO_IDENTITY_URL": f"{running.url}/xero/identity",
        "XERO_API_URL": f"{running.url}/xero/api",
    }
    with override_settings(**addresses, API_TIMEOUT_SECONDS=5):
        yield running


@pytest.fixture
def xero(play: Play, db: None) -> remote.XeroRemote:
    oauth.connect_without_browser("http://localhost:8000/xero/back")
    play.control("DELETE", "calls")
    return remote.connect()
