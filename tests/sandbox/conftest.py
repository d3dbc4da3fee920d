"""An in-process sandbox, and clients of both services that are signed in to it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox, start


class Client:
    """A signed-in client of one base address; `control` reaches the sandbox's own controls."""

    def __init__(self, base: str, headers: dict[str, str]) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.headers.update(headers)

    def __call__(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.session.request(method, self.base + path, json=json, timeout=15, **options)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    sandbox = start("empty")
    yield sandbox
    sandbox.stop()


def _client(base: str, headers: dict[str, str]) -> Iterator[Client]:
    client = Client(base, headers)
    yield client
    client.session.close()


@pytest.fixture
def xero(box: Sandbox) -> Iterator[Client]:
    yield from _client(f"{box.url}/xero/api/api.xro/2.0", box.xero_headers())


@pytest.fixture
def karbon(box: Sandbox) -> Iterator[Client]:
    yield from _client(f"{box.url}/karbon/v3", box.karbon_headers())


@pytest.fixture
def control(box: Sandbox) -> Iterator[Client]:
    yield from _client(f"{box.url}/sandbox", {})


@dataclass
class Receiver:
    """A webhook receiver that remembers what arrived and answers with the next status it was given."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, seconds: float = 5) -> list[tuple[dict[str, str], bytes]]:
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.got) >= count, seconds)
            return list(self.got)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    box = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with box.arrived:
                box.got.append((dict(self.headers), body))
                status = box.statuses.pop(0) if box.statuses else 200
                box.arrived.notify_all()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test output quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    box.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield box
    server.shutdown()
    server.server_close()
    thread.join()
