"""The stage: both services in this process, one time for all that moves only when told, and a database reset at once.

Nothing of the product is shortened: it waits out its real pauses, in a time that costs nothing. Every statement and
every call passes ``outside``, where a process can die.
"""

import json
import random
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Self
from unittest import mock

import requests
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from contacts import api
from contacts.values import Kind, Snapshot, System
from karbon import mapping as karbon_mapping
from karbonsync import setup
from sandbox import karbon_book, server
from sandbox.faults import Fault, Faults
from sandbox.wire import Request
from tests.proof.outside import Death, Outside
from tests.proof.tally import count
from xero import mapping as xero_mapping
from xero import oauth

REDIRECT = "http://localhost:8000/xero/callback"
TICK = 0.001
LATEST = 10.0  # a request that was sent takes effect within this many seconds, or never: sooner than it is settled
LOST = {"drop_reply": "reply", "drop_request": "request"}
Refs = dict[tuple[System, str], Snapshot]


class Time:
    """One clock for the product and both services, so that a story replays exactly. Stands in for ``time``, too."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp()

    def now(self) -> datetime:
        self.at += TICK
        return datetime.fromtimestamp(self.at, UTC)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


class Stage:
    """One per process. ``reset`` starts a new story."""

    def __enter__(self) -> Self:
        self.time, self.outside, self.dice = Time(), Outside(), random.Random(0)
        self._kept = ExitStack()
        self.box = self._kept.enter_context(server.start("empty"))
        self.box.clock.now = lambda: self.time.at
        patches = [
            mock.patch.object(timezone, "now", self.time.now),
            mock.patch.object(api, "time", self.time),
            mock.patch.object(oauth, "time", self.time),
            mock.patch.object(requests.Session, "send", self.outside.sender(requests.Session.send)),
            mock.patch.object(uuid, "os", SimpleNamespace(urandom=self.dice.randbytes)),
            mock.patch.object(karbon_book, "random", self.dice),
            mock.patch.object(Faults, "take", _counted(Faults.take)),
            override_settings(**self._settings()),
        ]
        for patch in patches:
            self._kept.enter_context(patch)
        self._kept.enter_context(_own_database())
        self._empty = sqlite3.connect(":memory:")
        self.by = User.objects.create(username="staff", is_staff=True, is_superuser=True)
        connection.connection.backup(self._empty)
        self._kept.enter_context(connection.execute_wrapper(self.outside.statement))
        return self

    def __exit__(self, *problem: object) -> None:
        self._empty.close()
        self._kept.close()

    def _settings(self) -> dict[str, Any]:
        url = self.box.url
        return {
            "SANDBOX_URL": url,
            "XERO_LOGIN_URL": f"{url}/xero/login",
            "XERO_IDENTITY_URL": f"{url}/xero/identity",
            "XERO_API_URL": f"{url}/xero/api",
            "KARBON_API_URL": f"{url}/karbon",
        }

    def reset(self, seed: int = 0) -> None:
        """Two empty address books, an empty database connected to them, and the same dice as ever."""
        self.dice.seed(seed)
        self.time.at = (self.time.at // 3600 + 2) * 3600
        connection.connection.close()  # with all that a killed process left open in it
        connection.connect()
        self._empty.backup(connection.connection)
        self.outside.clear()
        self.control("POST", "/reset", {"world": "empty"})
        setup.connect_sandbox(REDIRECT)
        setup.start_syncing(contact_type="Client", import_filter="all")

    def pass_by(self, seconds: float) -> None:
        """Let time pass. What is still on its way arrives first."""
        early = min(seconds, LATEST)
        self.time.at += early
        if seconds >= LATEST:
            self.outside.deliver_late()
        self.time.at += seconds - early

    # --- the services ---

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use the control API; None where it refuses, as a screen does."""
        request = Request(method, f"/sandbox{path}", {}, b"" if body is None else json.dumps(body).encode())
        reply = self.box.answer(request)
        assert reply is not None
        return json.loads(reply.body) if reply.status < 400 else None

    def state(self) -> dict[str, Any]:
        return dict(self.control("GET", "/state"))

    def shown(self) -> Refs:
        """What both services hold, read through the product's own mapping."""
        state, at = self.state(), datetime.fromtimestamp(self.time.at, UTC)
        rows = [xero_mapping.snapshot(contact, at) for contact in state["xero"]["contacts"]]
        for kind, name in ((Kind.PERSON, "contacts"), (Kind.ORGANISATION, "organizations")):
            rows += [karbon_mapping.record_snapshot(record, kind, at) for record in state["karbon"][name]]
        return {(row.system, row.remote_id): row for row in rows}

    @contextmanager
    def mortal(self, death: Death | None) -> Iterator[None]:
        """Run something that may die, and leave what a dead process leaves."""
        with self.outside.mortal(death):
            yield
        connection.connection.rollback()
        connection.in_atomic_block = connection.needs_rollback = False
        connection.savepoint_ids, connection.atomic_blocks, connection.run_on_commit = [], [], []


def _counted(take: Callable[..., Fault | None]) -> Callable[..., Fault | None]:
    """Count the faults that strike a call, which are fewer than those that were ordered."""

    def through(faults: Faults, system: str, request: Request) -> Fault | None:
        fault = take(faults, system, request)
        if fault is not None:
            count("fault", fault.kind, str(fault.status) if fault.kind == "error" else "")
            if fault.kind in LOST:
                count("lost", LOST[fault.kind], "of a read" if request.method == "GET" else "of a write")
        return fault

    return through


@contextmanager
def _own_database() -> Iterator[None]:
    """A database in memory, for the proof alone; whoever had one before gets it back."""
    before, name = connection.connection, connection.settings_dict["NAME"]
    connection.connection, connection.settings_dict["NAME"] = None, "file:proof?mode=memory"
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.connection.close()
        connection.connection, connection.settings_dict["NAME"] = before, name
