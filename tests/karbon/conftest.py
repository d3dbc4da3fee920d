"""A sandbox per test session, emptied per test, and a Karbon that speaks to it."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import requests
from django.test.utils import override_settings

from contacts.values import Snapshot
from karbon import remote
from sandbox import server


class Play:
    """The sandbox as a test plays with it: what people do in Karbon's screens, and what goes wrong."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, method: str, path: str, body: object = None) -> Any:
        reply = requests.request(method, f"{self.url}/sandbox/{path}", json=body, timeout=5)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def person(self, first: str, last: str, **card: object) -> str:
        body = {"FirstName": first, "LastName": last, "BusinessCards": [{"IsPrimaryCard": True, **card}]}
        return str(self.control("POST", "karbon/contacts", body)["ContactKey"])

    def organisation(self, name: str, **card: object) -> str:
        body = {"FullName": name, "BusinessCards": [{"IsPrimaryCard": True, **card}]}
        return str(self.control("POST", "karbon/organizations", body)["OrganizationKey"])

    def fault(self, kind: str, path: str = ".*", **more: object) -> None:
        self.control(
            "POST", "faults", {"system": "karbon", "method": "*", "path": path, "kind": kind, "times": 1, **more}
        )

    def switch(self, **positions: object) -> None:
        self.control("POST", "switches", positions)

    def records(self) -> dict[str, dict[str, Any]]:
        state = self.control("GET", "state")["karbon"]
        rows = [*state["contacts"], *state["organizations"]]
        return {row.get("ContactKey") or row["OrganizationKey"]: row for row in rows}

    def calls(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "calls"))


class Mirror:
    """A keeper of pages that counts a row as news when it differs from the one kept, as the real mirror does."""

    def __init__(self) -> None:
        self.rows: dict[str, Snapshot] = {}

    def keep(self, page: Sequence[Snapshot]) -> int:
        news = [row for row in page if not (old := self.rows.get(row.remote_id)) or old.payload != row.payload]
        self.rows |= {row.remote_id: row for row in page}
        return len(news)

    @property
    def names(self) -> set[str]:
        return {str(row.values["name"]) for row in self.rows.values()}


@pytest.fixture(scope="session")
def running() -> Iterator[Play]:
    with server.start(world="empty", port=0) as sandbox:
        yield Play(sandbox.url)


@pytest.fixture
def play(running: Play) -> Iterator[Play]:
    """An empty world, and the settings that lead to it."""
    running.control("POST", "reset", {"world": "empty"})
    keys = {
        "KARBON_BEARER_TOKEN": server.KARBON_BEARER_TOKEN,
        "KARBON_ACCESS_KEY": server.KARBON_ACCESS_KEY,
        "KARBON_WEBHOOK_KEY": server.KARBON_WEBHOOK_KEY,
    }
    limits = {"KARBON_CALLS_PER_MINUTE": 0, "KARBON_CALLS_PER_DAY": 0, "API_TIMEOUT_SECONDS": 5}
    with override_settings(KARBON_API_URL=f"{running.url}/karbon", **keys, **limits):
        yield running


@pytest.fixture
def karbon(play: Play, db: None, monkeypatch: pytest.MonkeyPatch) -> remote.KarbonRemote:
    monkeypatch.setattr("contacts.api.GET_PAUSES", (0.0, 0.0))
    return remote.connect()


@pytest.fixture
def mirror() -> Mirror:
    return Mirror()
