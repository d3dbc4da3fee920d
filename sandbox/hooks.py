"""Webhook delivery of both services, from threads of its own, by the sandbox's clock, to loopback targets only."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import random
import re
import secrets
import threading
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any
from urllib.parse import urlsplit

from .karbon_book import Record, detail_time
from .karbon_rules import error
from .store import Clock, Store
from .switches import Switches
from .wire import Wire, dump, sentence
from .xero_book import Contact, utc_text
from .xero_identity import TENANT_ID

Lock = contextlib.AbstractContextManager[Any]
LOOPBACK = ("localhost", "127.0.0.1", "::1")
TIMEOUT = 5.0
XERO_KEY = "sandbox-xero-webhook-key"
COALESCE_SECONDS = 60
KARBON_ATTEMPTS = 10
XERO_RETRY_SECONDS, XERO_GIVE_UP_SECONDS = 900, 86_400
KARBON_TYPES = ("Contact", "Work", "Note", "User", "Invoice", "EstimateSummary", "CustomField", "IntegrationTask")


def is_loopback(url: Any) -> bool:
    """Say whether the sandbox may contact an address."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        return parts.scheme == "http" and parts.hostname in LOOPBACK and (parts.port or 80) > 0
    except ValueError:
        return False


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bool]:
    """POST and return the status (0: no answer within five seconds) and whether the answer set a cookie."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        response.read(65_536)
        return response.status, response.getheader("Set-Cookie") is not None
    except (OSError, http.client.HTTPException, ValueError):
        return 0, False
    finally:
        connection.close()


class Courier:
    """One thread that runs jobs when the sandbox's clock says they are due."""

    def __init__(self, clock: Clock, name: str) -> None:
        self.clock = clock
        self._jobs: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._wake = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def at(self, due: float, job: Callable[[], None]) -> None:
        with self._wake:
            self._count += 1
            heappush(self._jobs, (due, self._count, job))
            self._wake.notify()

    def look_again(self) -> None:
        """The clock was moved, or it is time to stop."""
        with self._wake:
            self._wake.notify()

    def clear(self) -> None:
        with self._wake:
            self._jobs.clear()

    def stop(self) -> None:
        self._stopped = True
        self.look_again()

    def _next(self) -> Callable[[], None] | None:
        with self._wake:
            while not self._stopped:
                wait = self._jobs[0][0] - self.clock.now() if self._jobs else None
                if wait is not None and wait <= 0:
                    return heappop(self._jobs)[2]
                self._wake.wait(wait)
        return None

    def _run(self) -> None:
        while (job := self._next()) is not None:
            with contextlib.suppress(Exception):  # a job that fails must not end all later deliveries
                job()


class XeroHooks:
    """Xero's events: thin, signed with base64 HMAC, retried at once and then every 15 minutes for a day (facts 14)."""

    def __init__(self, clock: Clock, switches: Switches, store: Store, log: deque[Wire], lock: Lock) -> None:
        self.clock, self.switches, self.store, self.log = clock, switches, store, log
        self._lock = lock  # the sandbox's: guards the store, never held while delivering
        self.courier = Courier(clock, "xero-webhooks")
        self.target: Wire = store.get("config", "xero_target") or {"url": None, "key": XERO_KEY, "status": "OFF"}
        self._events: list[tuple[float, Wire]] = []
        self._guard = threading.Lock()
        self._sequence = 0

    def aim(self, url: Any, key: Any) -> None:
        """Set where events go; a null address stops them."""
        if url is not None and not is_loopback(url):
            raise sentence(400, "Webhooks go to http addresses on this machine only, e.g. http://127.0.0.1:8000/….")
        if key is not None and not (isinstance(key, str) and key):
            raise sentence(400, "xero_key is text.")
        status = "OK" if url else "OFF"
        self.target = {"url": url, "key": key or self.target["key"], "status": status}
        self.store.put("config", "xero_target", self.target)
        if url and self.switches["xeroIntentToReceive"]:
            self.target["status"] = "INTENT_TO_RECEIVE"
            self.courier.at(self.clock.now(), self._intent_to_receive)

    def changed(self, contact: Contact, created: bool) -> None:
        """Note an event; it leaves at once, or after the jitter the switch allows."""
        if not self.target["url"]:
            return
        ms = contact.updated_ms
        event = {
            "resourceUrl": f"https://api.xero.com/api.xro/2.0/Contacts/{contact.id}",
            "resourceId": contact.id,
            "eventDateUtc": f"{utc_text(ms)}.{ms % 1000:03d}",
            "eventType": "CREATE" if created else "UPDATE",
            "eventCategory": "CONTACT",
            "tenantId": TENANT_ID,
            "tenantType": "ORGANISATION",
        }
        copies = 2 if self.switches["xeroHookDuplicates"] else 1
        for _ in range(copies):
            due = self.clock.now() + random.uniform(0, self.switches["xeroHookJitter"])
            with self._guard:
                self._events.append((due, event))
            self.courier.at(due, self._flush)

    def clear(self) -> None:
        with self._guard:
            self._events.clear()
        self.courier.clear()

    def _flush(self) -> None:
        now = self.clock.now()
        with self._guard:
            due = [event for when, event in self._events if when <= now]
            self._events = [(when, event) for when, event in self._events if when > now]
            first = self._sequence + 1
            self._sequence += len(due)
        if self.switches["xeroHookReorder"]:
            due.reverse()
        for at in range(0, len(due), 50):
            body = _xero_body(due[at : at + 50], first + at)
            self._deliver(body, self.clock.now(), attempt=1)

    def _deliver(self, body: bytes, began: float, attempt: int) -> None:
        target = dict(self.target)
        if target["status"] != "OK":
            return
        status, cookie = post(target["url"], body, {"x-xero-signature": xero_signature(body, target["key"])})
        self._record(target["url"], status, attempt)
        if 200 <= status < 300 and not cookie:
            return
        now = self.clock.now()
        if now - began > XERO_GIVE_UP_SECONDS:
            self._settle("DISABLED")
            return
        due = now if attempt == 1 else now + XERO_RETRY_SECONDS
        self.courier.at(due, lambda: self._deliver(body, began, attempt + 1))

    def _record(self, url: str, status: int, attempt: int) -> None:
        self.log.append({"at": self.clock.iso(), "system": "xero", "url": url, "status": status, "attempt": attempt})

    def _intent_to_receive(self) -> None:
        """Facts 14.5: some POSTs are signed wrongly on purpose and must be answered with 401."""
        url, key = self.target["url"], self.target["key"]
        healthy = True
        for right in (True, False, True, False):
            body = _xero_body([], 0)
            signature = xero_signature(body, key if right else key + "x")
            status, _ = post(url, body, {"x-xero-signature": signature})
            self._record(url, status, 1)
            healthy = healthy and (200 <= status < 300 if right else status == 401)
        self._settle("OK" if healthy else "INTENT_TO_RECEIVE_FAILED")

    def _settle(self, status: str) -> None:
        with self._lock:
            self.target["status"] = status
            self.store.put("config", "xero_target", self.target)
            self.store.commit()


def xero_signature(body: bytes, key: str) -> str:
    """Facts 14.3: the key is used as text, although it looks like base64."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def _xero_body(events: list[Wire], first: int) -> bytes:
    last = first + len(events) - 1 if events else 0
    entropy = secrets.token_hex(10).upper()
    return dump({"events": events, "firstEventSequence": first, "lastEventSequence": last, "entropy": entropy}).encode()


class KarbonHooks:
    """Karbon's notifications: one per entity and 60 seconds, signed in hex; ten failures end it (facts A15)."""

    def __init__(self, clock: Clock, switches: Switches, store: Store, log: deque[Wire], lock: Lock) -> None:
        self.clock, self.switches, self.store, self.log = clock, switches, store, log
        self._lock = lock  # the sandbox's: guards the store, never held while delivering
        self.courier = Courier(clock, "karbon-webhooks")
        self.subscriptions: dict[str, Wire] = store.get("config", "karbon_subscriptions") or {}
        self._pending: dict[str, Wire] = {}
        self._guard = threading.Lock()

    def subscribe(self, body: Any) -> Wire:
        if not isinstance(body, dict):
            raise error(400, "4002", "WebhookSubscription model cannot be null.")
        url, kind, key = body.get("TargetUrl"), body.get("WebhookType"), body.get("SigningKey")
        if kind not in KARBON_TYPES:
            raise _no_type(kind)
        if not isinstance(url, str) or len(url) > 2000 or not (url.startswith("https://") or is_loopback(url)):
            raise error(400, "4002", "Target URL must begin with https://")
        if key is not None and not (isinstance(key, str) and re.fullmatch(r"[A-Za-z0-9_-]{16,}", key)):
            raise error(400, "4002", "SigningKey must have at least 16 characters of A-Z, a-z, 0-9, - and _")
        if kind in self.subscriptions and self.switches["secondSubscribe"] == "conflict":
            raise error(400, "4002", f"A webhook subscription for {kind} already exists.")
        self.subscriptions[kind] = {"TargetUrl": url, "WebhookType": kind, "SigningKey": key}
        self._save()
        return {"TargetUrl": url, "WebhookType": kind}

    def subscription(self, kind: str) -> Wire:
        """Return a single object, or 404 in two wordings (facts A15)."""
        if kind not in KARBON_TYPES:
            raise _no_type(kind)
        if kind not in self.subscriptions:
            raise error(404, "4004", f"No existing webhook subscription for {kind}")
        return {"TargetUrl": self.subscriptions[kind]["TargetUrl"], "WebhookType": kind}

    def unsubscribe(self, kind: str) -> None:
        """Remove one; without a type remove Contact, Work and Note, as documented."""
        if kind and kind not in KARBON_TYPES:
            raise _no_type(kind)
        for name in [kind] if kind else ["Contact", "Work", "Note"]:
            self.subscriptions.pop(name, None)
        self._save()

    def _save(self) -> None:
        self.store.put("config", "karbon_subscriptions", self.subscriptions)

    def clear(self) -> None:
        with self._guard:
            self._pending.clear()
        self.courier.clear()

    def changed(self, record: Record, action: str) -> None:
        """Open a 60-second window for the entity, or add to the open one."""
        if "Contact" not in self.subscriptions:
            return
        with self._guard:
            waiting = self._pending.get(record.key)
            if waiting:
                if action == "Deleted" or waiting["action"] != "Inserted":
                    waiting["action"] = action
                waiting["at"] = self.clock.now()
                return
            due = self.clock.now() + COALESCE_SECONDS
            self._pending[record.key] = {"kind": record.kind, "action": action, "at": self.clock.now(), "due": due}
        self.courier.at(due, self._flush)

    def _flush(self) -> None:
        now = self.clock.now()
        with self._guard:
            due = {key: row for key, row in self._pending.items() if row["due"] <= now}
            for key in due:
                del self._pending[key]
        events = [self._event(key, row) for key, row in due.items()]
        if self.switches["hookBatch"] and events:
            self._deliver({"Events": events}, 1)
        else:
            for event in events:
                self._deliver(event, 1)

    def _event(self, key: str, row: Wire) -> Wire:
        shown = row["kind"] if self.switches["hookResourceType"] == "specific" else "Contact"
        event = {"ResourcePermaKey": key, "ResourceType": shown, "ActionType": row["action"]}
        return {**event, self.switches["hookTimestampKey"]: detail_time(int(row["at"] * 1000) * 10_000)}

    def _deliver(self, content: Wire, attempt: int) -> None:
        subscription = self.subscriptions.get("Contact")
        if not subscription or not is_loopback(subscription["TargetUrl"]):
            return
        body = dump(content).encode()
        headers = {}
        if key := subscription["SigningKey"]:
            headers["Signature"] = karbon_signature(body, key)
        url = subscription["TargetUrl"]
        status, _ = post(url, body, headers)
        self.log.append({"at": self.clock.iso(), "system": "karbon", "url": url, "status": status, "attempt": attempt})
        if 200 <= status < 300:
            return
        if attempt >= KARBON_ATTEMPTS:
            self._end(subscription)
            return
        self.courier.at(self.clock.now() + 5 * 2**attempt, lambda: self._deliver(content, attempt + 1))

    def _end(self, subscription: Wire) -> None:
        """Give a subscription up; no notice is sent, a client has to look (facts A15)."""
        with self._lock:
            if self.subscriptions.get("Contact") is subscription:
                del self.subscriptions["Contact"]
                self._save()
                self.store.commit()


def karbon_signature(body: bytes, key: str) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def _no_type(kind: Any) -> Exception:
    return error(
        404,
        "4004",
        f"No Webhook Type found for the provided WebhookType input value : {kind}. "
        "Valid WebhookTypes are Contact, Work, Note",
    )
