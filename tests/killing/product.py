"""The product as an outsider sees it: its processes, to be killed, and its database, to be looked into by plain SQL."""

import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import requests

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "kill-me-if-you-can"
OPEN = "state IN ('queued', 'sending')"
PAGES = ("", "match-issues/", "contacts/link/", "contacts/change/", "contacts/xerocontact/", "progress/")


class Product:
    """Worker and web process against one temporary database, each in a process group of its own."""

    def __init__(self, folder: Path, sandbox_url: str) -> None:
        self.folder, self._database = folder, folder / "sync.sqlite3"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **os.environ,
            "SANDBOX_URL": sandbox_url,
            "SITE_URL": self.url,
            "DATABASE_URL": f"sqlite:///{self._database}",
            "DEMO_PASSWORD": PASSWORD,
            "SETTLE_AFTER_SECONDS": "2",
            "LEASE_SECONDS": "2",
            "PYTHONUNBUFFERED": "1",
        }
        gunicorn = str(Path(sys.executable).parent / "gunicorn")
        self._commands = {
            "worker": [sys.executable, "manage.py", "qcluster"],
            "web": [gunicorn, "karbonsync.wsgi", "--bind", f"127.0.0.1:{self.port}", "--threads", "4"],
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def manage(self, *words: str, accept: tuple[int, ...] = (0,), timeout: float = 300) -> str:
        command = [sys.executable, "manage.py", *words]
        with self._log("manage") as log:
            done = subprocess.run(
                command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=log, timeout=timeout, text=True
            )
        if done.returncode not in accept:
            raise RuntimeError(f"`manage.py {words[0]}` ended with {done.returncode}: {self.log('manage')[-2000:]}")
        return done.stdout

    def sync(self, *words: str) -> dict[str, Any]:
        return dict(json.loads(self.manage("sync", "--json", *words, accept=(0, 1)).splitlines()[-1]))

    def start(self, name: str) -> None:
        with self._log(name) as log:
            self._running[name] = subprocess.Popen(
                self._commands[name], cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """``kill -9`` a process and all its children."""
        if process := self._running.pop(name, None):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def stop(self) -> None:
        for name in list(self._running):
            self.kill(name)

    def wait_for_web(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.url}/health", timeout=5).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise RuntimeError(f"the web process does not come up: {self.log('web')[-2000:]}")

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _log(self, name: str) -> Any:
        return (self.folder / f"{name}.log").open("ab")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._database, timeout=30)) as connection:
            return connection.execute(query).fetchall()

    def hold_nothing_back(self) -> None:
        """Its people edit more in a minute than a firm does in a day, and the answer key knows exactly three groups."""
        with closing(sqlite3.connect(self._database, timeout=30)) as connection, connection:
            connection.execute("UPDATE contacts_syncsettings SET brake_at_least = 1000000, hold_lookalikes = false")

    def count(self, table: str, where: str = "1") -> int:
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def pairs(self, where: str) -> list[tuple[Any, ...]]:
        """Whole links: id, ids of both sides here and in the services, and Karbon's kind and name."""
        return self.rows(
            "SELECT l.id, x.id, x.remote_id, k.id, k.remote_id, k.kind, json_extract(k.[values], '$.name')"
            " FROM contacts_link l"
            " JOIN contacts_remotecontact x ON x.id = l.xero_id JOIN contacts_remotecontact k ON k.id = l.karbon_id"
            f" WHERE {where}"
        )


@dataclass
class Act:
    """Something that a person does in the web process, and what of it the database shows: all of it or nothing."""

    what: str
    path: str
    form: dict[str, Any]
    parts: tuple[str, ...]  # an SQL condition for each trace that the act leaves
    answer: str = "lost"

    def traces(self, product: Product) -> tuple[bool, ...]:
        return tuple(map(bool, product.rows("SELECT " + ", ".join(self.parts))[0]))


class Staff:
    """A person at the web process. The connection may break at any moment: that is an answer, too."""

    def __init__(self, product: Product, dice: random.Random, unsyncable: Sequence[str]) -> None:
        self.product, self._dice, self._unsyncable = product, dice, set(unsyncable)
        self.acts: list[Act] = []
        self.broken = self.faults = 0
        self._used: set[Any] = set()
        self._session = requests.Session()
        login = f"{product.url}/admin/login/"
        self._session.get(login, timeout=20)
        form = {"username": "demo", "password": PASSWORD, "csrfmiddlewaretoken": self._session.cookies["csrftoken"]}
        reply = self._session.post(login, form, allow_redirects=False, timeout=20)
        assert reply.status_code == 302, "the sign-in was refused"

    def get(self, path: str) -> requests.Response | None:
        return self._ask("GET", path)

    def post(self, path: str, form: dict[str, Any] | None = None) -> requests.Response | None:
        return self._ask("POST", path, data={**(form or {}), "csrfmiddlewaretoken": self._session.cookies["csrftoken"]})

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response | None:
        try:
            reply = self._session.request(
                method, f"{self.product.url}/admin/{path}", allow_redirects=False, timeout=20, **more
            )
        except requests.RequestException:
            self.broken += 1
            return None
        self.faults += reply.status_code >= 500
        return reply

    def look_around(self) -> None:
        self.get(self._dice.choice(PAGES))

    def choose(self) -> Act | None:
        """Pick an act on something nobody acted on yet, having looked at its page."""
        choices = [self._on_an_issue, self._unsync, self._on_an_unsynced_pair]
        self._dice.shuffle(choices)
        return next(filter(None, (choice() for choice in choices)), None)

    def do(self, act: Act) -> None:
        self.acts.append(act)
        reply = self.post(act.path, act.form)
        if reply is not None:
            act.answer = "refused" if reply.status_code != 302 else "answered"

    def _fresh(self, rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...] | None:
        """One of these rows, by its first column, that was not taken before."""
        rows = [row for row in rows if row[0] not in self._used]
        if not rows:
            return None
        row = self._dice.choice(rows)
        self._used.add(row[0])
        return row

    def _on_an_issue(self) -> Act | None:
        row = self._fresh(self.product.rows("SELECT id, xero_id FROM matching_matchissue WHERE state = 'open'"))
        page = self.get(f"match-issues/{row[0]}/") if row else None
        if row is None or page is None or not page.ok:
            return None
        issue, xero = row
        what = self._dice.choice(("confirm", "create-new", "leave-out", "not-the-same"))
        confirmable = re.findall(
            r'name="karbon" value="(\d+)">\s*<input type="hidden" name="seen" value="(\w+)"', page.text
        )
        if what in ("confirm", "not-the-same") and not confirmable:
            what = "create-new"
        form: dict[str, Any] = {"kind": "organisation", "contact_type": "Client"}
        resolved = _exists("matching_matchissue", f"id = {issue} AND state = 'resolved'")
        if what == "create-new":
            parts = (resolved, *_asked_for(xero, "xero", ""))
        elif what == "leave-out":
            parts = (resolved, *_left_out(xero))
        else:
            karbon, seen = self._dice.choice(confirmable)
            form, of_pair = {"karbon": karbon, "seen": seen}, f"xero_id = {xero} AND karbon_id = {karbon}"
            parts = (_exists("matching_verdict", f"{of_pair} AND is_same = {int(what == 'confirm')}"),)
            if what == "confirm":
                linked = _exists("contacts_link", f"{of_pair} AND linked_by_id IS NOT NULL")
                parts += (resolved, linked, _logged(xero, "Linked to"))
            else:
                candidacy = _exists("matching_candidate", f"issue_id = {issue} AND karbon_id = {karbon}")
                parts += (f"NOT {candidacy}", _logged(xero, "Not the same as"))
        return Act(what, f"match-issues/{issue}/{what}/", form, parts)

    def _unsync(self) -> Act | None:
        pairs = [
            pair
            for pair in self.product.pairs("l.state = 'live' AND l.origin = 'full_match'")
            if pair[2] in self._unsyncable
        ]
        if (row := self._fresh(pairs)) is None:
            return None
        link, xero = row[:2]
        ended = _exists(
            "contacts_link", f"id = '{link}' AND state IN ('unsynced', 'ended') AND ended_by_id IS NOT NULL"
        )
        return Act("unsync", f"contacts/link/{UUID(link)}/unsync/", {}, (ended, _logged(xero, "Unsynced from")))

    def _on_an_unsynced_pair(self) -> Act | None:
        unsynced = self.product.pairs("l.state = 'unsynced'")
        row = self._fresh([("unsynced " + pair[0], *pair) for pair in unsynced])
        if row is None:
            return None
        _, link, xero, _, karbon, _, kind, name = row
        side = "xero" if kind == "organisation" and self._dice.random() < 0.5 else "karbon"
        source, left, source_side = (karbon, xero, "karbon") if side == "xero" else (xero, karbon, "xero")
        form = {"name": f"{name} North"} if side == "xero" else {"kind": kind, "contact_type": "Client"}
        ended = _exists("contacts_link", f"id = '{link}' AND state = 'ended'")
        parts = (ended, *_asked_for(source, source_side, link), *_left_out(left))
        return Act(f"new-{side}", f"unsynced/{UUID(link)}/new-{side}/", form, parts)


def _exists(table: str, where: str) -> str:
    return f"EXISTS(SELECT 1 FROM {table} WHERE {where})"


def _logged(contact: int, message: str) -> str:
    return _exists("django_admin_log", f"object_id = '{contact}' AND change_message LIKE '{message}%'")


def _left_out(contact: int) -> tuple[str, ...]:
    return _exists("contacts_remotecontact", f"id = {contact} AND left_out"), _logged(contact, "Left out")


def _asked_for(source: int, side: str, not_link: str) -> tuple[str, ...]:
    link = f"{side}_id = {source} AND origin = 'created' AND linked_by_id IS NOT NULL AND id <> '{not_link}'"
    change = f"action = 'create' AND by_id IS NOT NULL AND link_id IN (SELECT id FROM contacts_link WHERE {link})"
    return _exists("contacts_link", link), _exists("contacts_change", change), _logged(source, "Asked for a new")
