"""All that a process does to the world outside: statements and calls. Here it can die, and here requests get lost."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from contacts.values import System
from tests.proof.tally import count

Send = Callable[..., requests.Response]
UNDOING = ("ROLLBACK", "RELEASE")


class Killed(BaseException):
    """The process is gone. No ``except Exception`` sees it, and nothing that still runs reaches the world outside."""


@dataclass(frozen=True)
class Death:
    """Before or after the n-th point of a kind: a statement, a statement that writes, a call, or a call that writes."""

    kind: str  # "statement", "write", "call" or "send"
    number: int
    after: bool

    @property
    def where(self) -> str:
        return f"{'after' if self.after else 'before'} {self.kind}"


@dataclass
class Late:
    """A request that was sent and takes effect only after its sender has given up waiting, ``calls`` calls later."""

    session: requests.Session
    request: requests.PreparedRequest
    calls: int


@dataclass(frozen=True)
class Call:
    """One call as the network sees it."""

    method: str
    path: str
    body: Any

    @property
    def system(self) -> System:
        return System.XERO if self.path.startswith("/xero/") else System.KARBON

    @property
    def is_write(self) -> bool:
        return self.method != "GET" and "/connect" not in self.path  # keys and connections are no contacts

    def targets(self) -> list[str]:
        """The records that an update writes to."""
        if self.system is System.XERO and self.method == "POST" and self.is_write:
            return [element["ContactID"] for element in self.body["Contacts"]]
        if self.system is System.KARBON and self.method == "PUT":
            return [self.body["EntityKey"]]
        return [self.path.rpartition("/")[2]] if self.method == "PATCH" else []

    def lets_in(self, system: System) -> bool:
        """A person's edit there and our read and write of the record count as one step (design 7.1): not between."""
        if system is System.KARBON:
            return not (self.system is system and self.method in ("PUT", "PATCH"))
        alone = re.search(r"/Contacts/[^/]+$", self.path)
        return not (self.system is system and (self.method == "POST" or alone))


class Outside:
    """Counts the points of a run, and at one of them the process dies."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.dead = self._aside = False
        self._death: Death | None = None
        self.points: dict[str, int] = {}
        self.late: list[Late] = []
        self.delay_next: int | None = None
        self.writes: list[Call] = []
        self.before_call: Callable[[Call], None] = lambda call: None
        self.on_write: Callable[[Call], None] = lambda call: None

    @contextmanager
    def mortal(self, death: Death | None) -> Iterator[None]:
        self._death, self.points, self.dead = death, {}, False
        try:
            yield
        except Killed:
            pass
        finally:
            self._death, self.dead = None, False

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is done here is not the process's doing: it is not counted and nobody dies of it."""
        self._aside = True
        try:
            yield
        finally:
            self._aside = False

    def statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self._aside or (self.dead and sql.startswith(UNDOING)):
            return execute(sql, params, many, context)
        kinds = ("statement",) if sql.startswith("SELECT") else ("statement", "write")
        return self._through(kinds, lambda: execute(sql, params, many, context))

    def sender(self, send: Send) -> Send:
        def through(session: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
            call = _call(request)
            if not self.dead:
                self.before_call(call)
                self._deliver_due(send)
            kinds = ("call", "send") if call.is_write else ("call",)
            return self._through(kinds, lambda: self._send(send, session, request, call, **kwargs))

        self._plain_send = send
        return through

    def _send(
        self, send: Send, session: requests.Session, request: requests.PreparedRequest, call: Call, **kwargs: Any
    ) -> requests.Response:
        if call.is_write:
            self.writes.append(call)
            self.on_write(call)
            if self.delay_next is not None:
                self.late.append(Late(session, request, self.delay_next))
                self.delay_next = None
                count("fault late reply")
                count("lost reply of a write that takes effect late")
                raise requests.ReadTimeout("the reply comes too late")
        return send(session, request, **kwargs)

    def _deliver_due(self, send: Send) -> None:
        for late in self.late:
            late.calls -= 1
        for late in [late for late in self.late if late.calls < 0]:
            self._deliver(late)

    def deliver_late(self, system: str = "") -> None:
        """Let everything that is still on its way, perhaps to one service only, arrive."""
        for late in [late for late in self.late if system in ("", _call(late.request).system)]:
            self._deliver(late)

    def _deliver(self, late: Late) -> None:
        self.late.remove(late)
        try:
            self._plain_send(requests.Session(), late.request, timeout=5)
        except requests.RequestException:
            count("late one lost, too")

    def _through(self, kinds: tuple[str, ...], act: Callable[[], Any]) -> Any:
        if self.dead:
            raise Killed
        fatal = False
        for kind in kinds:
            number = self.points[kind] = self.points.get(kind, -1) + 1
            fatal |= self._death is not None and (self._death.kind, self._death.number) == (kind, number)
        if fatal and not self._death.after:
            self._die()
        result = act()
        if fatal:
            self._die()
        return result

    def _die(self) -> None:
        assert self._death is not None
        count("kill", self._death.where)
        self.dead = True
        raise Killed


def _call(request: requests.PreparedRequest) -> Call:
    parts = urlsplit(str(request.url))
    body = request.body
    is_json = body and "json" in request.headers.get("Content-Type", "")
    return Call(str(request.method), parts.path, json.loads(body) if is_json else None)
