"""``demo``: sandbox, site and worker in one terminal; the first import runs by itself with visible progress."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

SANDBOX_PORT, SITE_PORT = 9500, 8000
USER = "demo"


class Command(BaseCommand):
    help = "Run everything against the sandbox: two address books become one. Ctrl-C stops all; again to go on."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.BASE_DIR) / ".demo"
        folder.mkdir(exist_ok=True)
        sandbox_port, site_port = _free(SANDBOX_PORT), _free(SITE_PORT)
        env = {
            **os.environ,
            "SANDBOX_URL": f"http://127.0.0.1:{sandbox_port}",
            "SITE_URL": f"http://localhost:{site_port}",
            "DATABASE_URL": os.environ.get("DATABASE_URL") or f"sqlite:///{folder / 'demo.sqlite3'}",
            "PYTHONUNBUFFERED": "1",
        }
        self._running: list[subprocess.Popen[bytes]] = []
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            self._run(folder, env, sandbox_port, site_port)
        except KeyboardInterrupt:
            self.stdout.write("\nStopping. `make demo` goes on where this ended.")
        finally:
            self._stop()

    def _run(self, folder: Path, env: dict[str, str], sandbox_port: int, site_port: int) -> None:
        self.stdout.write("Preparing the database …")
        self._manage(env, "migrate", "--noinput", "--verbosity", "0")
        store = str(folder / "sandbox.sqlite3")
        self._start(folder, env, "sandbox", sys.executable, "manage.py", "sandbox", "--port", str(sandbox_port), "--world", "demo", "--store", store)  # fmt: skip
        self._wait(f"{env['SANDBOX_URL']}/sandbox/switches")
        self._manage(env, "connect")
        password = self._password(folder)
        self._manage({**env, "DEMO_PASSWORD": password}, "demo_user")
        gunicorn = str(Path(sys.executable).parent / "gunicorn")
        self._start(folder, env, "web", gunicorn, "karbonsync.wsgi", "--bind", f"127.0.0.1:{site_port}", "--threads", "4")  # fmt: skip
        self._wait(f"{env['SITE_URL']}/admin/login/")
        self._aim_xero(env)
        self._tell(env, password)
        self._manage(env, "sync", check=False, show=True)
        self._start(folder, env, "worker", sys.executable, "manage.py", "qcluster")
        self.stdout.write(self.style.SUCCESS("\nFirst import done. Both services are checked every minute from now on."))  # fmt: skip
        self._tell(env, password)
        self._watch()

    def _aim_xero(self, env: dict[str, str]) -> None:
        """Enter our webhook address, as a person does in Xero's developer portal."""
        body = json.dumps({"xero": f"{env['SITE_URL']}/webhooks/xero"}).encode()
        urllib.request.urlopen(f"{env['SANDBOX_URL']}/sandbox/webhooks", body, timeout=5).close()  # noqa: S310

    def _tell(self, env: dict[str, str], password: str) -> None:
        self.stdout.write(f"\n  Site      {env['SITE_URL']}/admin/   user {USER}   password {password}")
        self.stdout.write(f"  Sandbox   {env['SANDBOX_URL']}/sandbox/   edit a phone here and watch it travel")
        self.stdout.write("  Ctrl-C stops everything; `make demo` goes on later.\n")

    def _manage(self, env: dict[str, str], *args: str, check: bool = True, show: bool = False) -> None:
        quiet = None if show else subprocess.DEVNULL
        done = subprocess.run([sys.executable, "manage.py", *args], cwd=settings.BASE_DIR, env=env, stdout=quiet)
        if check and done.returncode:
            raise CommandError(f"`manage.py {args[0]}` did not succeed; what it said is above.")

    def _start(self, folder: Path, env: dict[str, str], name: str, *command: str) -> None:
        with (folder / f"{name}.log").open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    command, cwd=settings.BASE_DIR, env=env, stdout=log, stderr=log, start_new_session=True
                )
            )

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if any(process.poll() is not None for process in self._running):
                break
            try:
                urllib.request.urlopen(url, timeout=5).close()  # noqa: S310
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise CommandError(f"{url} did not come up. The logs are in the .demo folder.")

    def _watch(self) -> None:
        while all(process.poll() is None for process in self._running):
            time.sleep(1)
        raise CommandError("One of the processes ended. The logs are in the .demo folder.")

    def _stop(self) -> None:
        for process in reversed(self._running):
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + 8
        for process in reversed(self._running):
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)

    def _password(self, folder: Path) -> str:
        kept = folder / "password"
        if not kept.exists():
            kept.write_text(secrets.token_urlsafe(9))
            kept.chmod(0o600)
        return kept.read_text()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)


def _free(port: int) -> int:
    """Return this port, or another one when it is taken."""
    for wanted in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CommandError("No port is free on this machine.")
