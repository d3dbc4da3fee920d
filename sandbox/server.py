"""The sandbox as one object: both services, faults, limits, the call log and the control API behind one port."""

import logging
import os
import re
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any, Self

from . import karbon, karbon_book, xero_book, xero_identity
from .control import Control
from .faults import Fault, Faults
from .front import Front
from .hooks import XERO_KEY, KarbonHooks, XeroHooks
from .karbon import KarbonService
from .karbon_screens import KarbonScreens
from .limits import KarbonLimits, XeroLimits
from .store import Clock, Store, uncollected
from .switches import Switches
from .wire import Refused, Request, Response, Wire, as_html, as_json
from .xero_screens import XeroScreens
from .xero_writes import XeroService, api_headers, error_body

logger = logging.getLogger(__name__)
XERO_CLIENT_ID = xero_identity.CLIENT_ID
XERO_CLIENT_SECRET = xero_identity.CLIENT_SECRET
XERO_WEBHOOK_KEY = XERO_KEY
KARBON_BEARER_TOKEN = karbon.BEARER_TOKEN
KARBON_ACCESS_KEY = karbon.ACCESS_KEY
KARBON_WEBHOOK_KEY = "sandbox-karbon-webhook-key"
DEFAULT_SCOPE = "offline_access accounting.contacts accounting.settings.read"
GARBAGE = "<!doctype html><html><head><title>Just a moment…</title></head><body><h1>Please wait</h1></body></html>"
IDENTITY_ROUTES = {
    ("GET", "/xero/login/identity/connect/authorize"): "authorize",
    ("POST", "/xero/identity/connect/token"): "token",
    ("POST", "/xero/identity/connect/revocation"): "revoke",
}


def build_world(spec: Any) -> Any:
    """Return the world for a spec. Generation is loaded only when a world is wanted."""
    from . import worlds

    return worlds.build(spec)


class Sandbox:
    """A running pair of services. `start()` makes one; `.url` is its address, `.stop()` ends it."""

    def __init__(self, world: Any = "empty", port: int = 0, store: str | os.PathLike[str] | None = None) -> None:
        self.lock = threading.RLock()
        self.clock, self.switches, self.faults = Clock(), Switches(), Faults()
        self.store = Store(str(store) if store else None)
        self.calls: list[Wire] = []
        self.deliveries: deque[Wire] = deque(maxlen=10_000)
        self.truth: list[Wire] = []
        self.clock.offset = self.store.get("config", "offset") or 0.0
        self.switches.load(self.store.get("config", "switches") or {})
        self.xero_hooks = XeroHooks(self.clock, self.switches, self.store, self.deliveries, self.lock)
        self.karbon_hooks = KarbonHooks(self.clock, self.switches, self.store, self.deliveries, self.lock)
        self.xero = XeroService(self.clock, self.switches, self.store, self.xero_hooks.changed)
        self.karbon = KarbonService(self.clock, self.switches, self.store, self.karbon_hooks)
        self.xero_screens = XeroScreens(self.clock, self.switches, self.xero.book, self.xero_hooks.changed)
        self.karbon_screens = KarbonScreens(self.karbon, self.karbon_hooks.changed)
        self.xero_limits = XeroLimits(self.clock, self.switches)
        self.karbon_limits = KarbonLimits(self.clock, self.switches)
        self.control = Control(self)
        self._in_flight: dict[str, int] = {}
        self._keys_in_flight: set[str] = set()
        self._load_or_build(world)
        self._front = Front(port, self.answer, self.clock.http_date)
        self.port = int(self._front.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._front.serve_forever, args=(0.05,), name="sandbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._front.close_all()
        self.xero_hooks.courier.stop()
        self.karbon_hooks.courier.stop()
        with self.lock:
            self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    # State

    def _load_or_build(self, world: Any) -> None:
        if self.store.get("config", "world") is None:
            self.reset(world)
            return
        self.truth = self.store.get("config", "truth") or []
        self.apply_switches()
        with uncollected():
            self.xero.book.load(xero_book.from_store(key, row) for key, row in self.store.load("xero"))
            self.karbon.book.load(karbon_book.from_store(key, row) for key, row in self.store.load("karbon"))

    def reset(self, spec: Any) -> None:
        """Start a new world; calls, faults, switches and what was under way go, sign-ins and the clock stay."""
        world = build_world(spec)
        with self.lock:
            self.faults.clear()
            self.calls.clear()
            self.deliveries.clear()
            self.switches.reset()
            for part in (self.xero_hooks, self.karbon_hooks):
                part.clear()
            self.xero_limits.reset()
            self.karbon_limits.reset()
            self.xero.replays.clear()
            self.apply_switches()
            with uncollected():
                self._fill(world)
            self.store.put("config", "world", spec)
            self.store.put("config", "switches", self.switches.values)
            self.store.commit()

    def _fill(self, world: Any) -> None:
        contacts = xero_book.from_world(world.xero, self.clock)
        people = karbon_book.from_world(karbon_book.CONTACT, world.karbon_contacts, self.clock)
        firms = karbon_book.from_world(karbon_book.ORGANIZATION, world.karbon_organizations, self.clock)
        self.truth = list(world.truth)
        self.xero.book.load(contacts)
        self.karbon.book.load([*people, *firms])
        self.store.clear("xero", "karbon", "idempotency")
        self.store.put_all("xero", ((c.id, c.stored()) for c in contacts))
        self.store.put_all("karbon", ((r.key, r.stored()) for r in [*people, *firms]))
        self.store.put("config", "truth", self.truth)

    def apply_switches(self) -> None:
        """Let the books follow switches that change what lists show."""
        self.xero.book.gdpr_listed = self.switches["gdprListed"]
        self.xero.book.reindex()
        self.karbon.book.reindex()

    def advance(self, seconds: float) -> None:
        """Move the clock and wake whatever became due."""
        self.clock.offset += seconds
        self.store.put("config", "offset", self.clock.offset)
        self.xero_hooks.courier.look_again()
        self.karbon_hooks.courier.look_again()

    # Direct helpers for tests

    def xero_tokens(self, scope: str = DEFAULT_SCOPE) -> Wire:
        """Sign in without a browser: connect the organisation and return a token answer."""
        with self.lock:
            tokens = self.xero.identity.issue({"id": self.xero.identity.connect(), "scope": scope})
            self.store.commit()
            return tokens

    def xero_headers(self, scope: str = DEFAULT_SCOPE) -> dict[str, str]:
        """Return the headers of a signed-in Xero call."""
        token = self.xero_tokens(scope)["access_token"]
        tenant = xero_identity.TENANT_ID
        return {"Authorization": f"Bearer {token}", "xero-tenant-id": tenant, "Accept": "application/json"}

    @staticmethod
    def karbon_headers() -> dict[str, str]:
        return {"Authorization": f"Bearer {KARBON_BEARER_TOKEN}", "AccessKey": KARBON_ACCESS_KEY}

    # Answering

    def answer(self, request: Request) -> Response | None:
        """Answer any request; `None` drops the connection. Nothing gets past here as an exception."""
        try:
            if re.match(r"/sandbox(/|$)", request.path):
                with self.lock:
                    response = self.control.answer(request)
                    self.store.commit()
                return response
            system = request.path.split("/")[1] if request.path.startswith(("/xero/", "/karbon/")) else ""
            if not system:
                return as_json({"error": "The services are below /xero and /karbon, the controls below /sandbox."}, 404)
            return self._serve(system, request)
        except Refused as refused:
            return refused.response
        except Exception:
            # The last boundary: a fault of the sandbox itself is logged and told, never a hanging client.
            logger.exception("The sandbox failed on %s %s", request.method, request.path)
            return as_json({"error": "The sandbox itself failed on this request; its log says why."}, 500)

    def _serve(self, system: str, request: Request) -> Response | None:
        arrived = self.clock.iso()
        with self.lock:
            self._in_flight[system] = self._in_flight.get(system, 0) + 1
            fault = self.faults.take(system, request)
        response: Response | None = None
        try:
            response = self._with_fault(system, request, fault)
        finally:
            with self.lock:
                self._in_flight[system] -= 1
                status = response.status if response else 0
                self.calls.append(self._call(arrived, system, request, status))
        return response

    def _call(self, arrived: str, system: str, request: Request, status: int) -> Wire:
        return {
            "id": len(self.calls) + 1,
            "at": arrived,
            "system": system,
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "status": status,
        }

    def _with_fault(self, system: str, request: Request, fault: Fault | None) -> Response | None:
        kind = fault.kind if fault else ""
        if fault is None or kind in ("truncate", "empty"):
            request.cut = kind or None
            return self._execute(system, request)
        if kind == "drop_request":
            return None
        if kind == "drop_reply":
            self._execute(system, request)
            return None
        if kind == "delay":
            return self._delayed(system, request, fault.seconds)
        if kind == "expire_token":
            return self._expired(system, request)
        return self._spoiled(system, fault)

    def _delayed(self, system: str, request: Request, seconds: float) -> Response:
        key = request.headers.get("idempotency-key", "")
        if system == "xero" and key and self.switches["idempotencyInFlight"] == "reject":
            self._keys_in_flight.add(key)
        try:
            time.sleep(seconds)
        finally:
            self._keys_in_flight.discard(key)
        return self._execute(system, request)

    def _expired(self, system: str, request: Request) -> Response:
        """End the caller's access token; Karbon's keys do not expire, so there it is one 401."""
        if system == "karbon":
            return karbon.unauthorised()
        with self.lock:
            self.xero.identity.expire(request.headers.get("authorization", "").partition(" ")[2])
        return self._execute(system, request)

    def _spoiled(self, system: str, fault: Fault) -> Response:
        if fault.kind == "garbage":
            return as_html(GARBAGE, 200)
        if fault.kind == "rate_limit":
            return self._limited(system, "minute", fault.retry_after)
        if fault.body is None:
            karbon_error = {"error": {"code": "5001", "message": "Internal Error."}}
            plain = error_body() if system == "xero" else as_json(karbon_error)
            return Response(fault.status, plain.body, plain.content_type)
        if isinstance(fault.body, str):
            return as_html(fault.body, fault.status)
        return as_json(fault.body, fault.status)

    def _execute(self, system: str, request: Request) -> Response:
        with self.lock:
            try:
                response = self._xero(request) if system == "xero" else self._karbon(request)
            except Refused as refused:
                response = refused.response
            finally:
                self.store.commit()
        if system == "xero" and request.path.startswith("/xero/api/"):
            response.headers = {**api_headers(self.xero_limits.headers()), **response.headers}
        return response

    def _xero(self, request: Request) -> Response:
        route = IDENTITY_ROUTES.get((request.method, request.path.rstrip("/")))
        if route:
            answer: Response = getattr(self.xero.identity, route)(request)
            return answer
        if not request.path.startswith("/xero/api/"):
            return as_html("<h1>404</h1>", 404)
        over = self.xero_limits.refuse(self._in_flight["xero"])
        if over:
            return self._limited("xero", *over)
        if request.headers.get("idempotency-key") in self._keys_in_flight:
            return as_json({"Type": "ConflictException", "Message": "A request with this key is in progress."}, 409)
        return self.xero.answer(request, request.path[len("/xero/api") :])

    def _karbon(self, request: Request) -> Response:
        wait = self.karbon_limits.refuse()
        if wait is not None:
            return self._limited("karbon", "", wait)
        return self.karbon.answer(request, request.path[len("/karbon") :])

    def _limited(self, system: str, problem: str, wait: int | None) -> Response:
        """A 429: Xero's has an empty body and names its problem in a header, Karbon's is the gateway's JSON."""
        headers = {} if wait is None else {"Retry-After": str(wait)}
        if system == "karbon":
            text = f"Rate limit is exceeded. Try again in {wait} seconds."
            return as_json({"statusCode": "429", "message": text}, 429, headers)
        if problem != "concurrent" or self.switches["concurrent429"] == "header":
            headers["X-Rate-Limit-Problem"] = problem
        if problem == "minute":
            headers["X-MinLimit-Remaining"] = "0"
        return Response(429, b"", None, {**api_headers(self.xero_limits.headers()), **headers})


def start(world: Any = "empty", port: int = 0, store: str | os.PathLike[str] | Path | None = None) -> Sandbox:
    """Start a sandbox in this process; several can run at once. Port 0 takes a free one."""
    return Sandbox(world, port, store)
