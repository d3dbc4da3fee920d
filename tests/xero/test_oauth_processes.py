"""Tokens among real processes: several that renew at once, and one that dies in the middle."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from sandbox import server

ROOT = Path(__file__).resolve().parents[2]
START = "import django; django.setup(); from datetime import timedelta; from xero import oauth; "
USE = START + "from xero import remote; remote.connect().glance(); print(oauth.access_token()[0])"
# Asks for new tokens, and dies when the reply is there but not yet stored.
DIE = START + "oauth.CLAIM = timedelta(seconds=0.5); oauth._columns = lambda pair: __import__('os').kill(__import__('os').getpid(), 9); oauth.access_token()"  # fmt: skip


class Installation:
    """A database of its own and processes on it, all against one sandbox."""

    def __init__(self, folder: Path, box: server.Sandbox) -> None:
        self.box, self._database = box, folder / "sync.sqlite3"
        self._environment = {
            **os.environ,
            "SANDBOX_URL": box.url,
            "DATABASE_URL": f"sqlite:///{self._database}",
            "DJANGO_SETTINGS_MODULE": "karbonsync.settings",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([sys.executable, *words], cwd=ROOT, env=self._environment, text=True, **pipes)

    def wait(self, running: Sequence[subprocess.Popen[str]]) -> list[str]:
        outputs = [process.communicate(timeout=120) for process in running]
        for process, (_, problem) in zip(running, outputs, strict=True):
            assert process.returncode == 0, problem
        return [said.strip() for said, _ in outputs]

    def manage(self, *words: str) -> None:
        self.wait([self.start("manage.py", *words)])

    def expire(self) -> None:
        """Let half an hour pass for the access token, here and in Xero."""
        with closing(sqlite3.connect(self._database)) as database, database:
            database.execute("UPDATE xero_xeroconnection SET expires_at = '2020-01-01 00:00:00'")
        self.box.clock.offset += 1801

    def renewals(self) -> list[int]:
        return [call["status"] for call in self.box.calls if call["path"].endswith("/connect/token")]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with server.start("empty") as box:
        made = Installation(tmp_path, box)
        made.manage("migrate", "-v0")
        made.manage("connect")
        box.calls.clear()
        yield made


def test_four_processes_with_an_expired_token_renew_it_once(installation: Installation) -> None:
    installation.expire()
    tokens = installation.wait([installation.start("-c", USE) for _ in range(4)])
    assert installation.renewals() == [200]
    assert len(set(tokens)) == 1 and tokens[0]


def test_a_process_killed_before_it_stored_the_new_tokens_costs_nothing(installation: Installation) -> None:
    installation.expire()
    dying = installation.start("-c", DIE)
    dying.communicate(timeout=60)
    assert dying.returncode == -9
    assert installation.renewals() == [200]  # Xero gave new ones, which nobody holds
    (token,) = installation.wait([installation.start("-c", USE)])
    assert installation.renewals() == [200, 200] and token
