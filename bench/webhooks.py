"""Webhook deliveries against a real web process: right answers, how fast, and what they leave in the database."""

import base64
import hashlib
import hmac
import http.client
import json
import queue
import random
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from sandbox import server
from sandbox.xero_identity import TENANT_ID
from tests.killing.product import Product

WORLD = {"xero": 300, "karbon": 300, "overlap": 0.8, "conflicts": 0.05, "seed": 31}
DELIVERIES, PER_SECOND, SENDERS = 10_000, 200, 32
KINDS = {"known": 40, "repeated": 20, "forged": 15, "malformed": 10, "unknown": 10, "foreign": 5}
Wire = dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """One POST, the status it deserves, and the contact known to us that it is right to read because of it."""

    kind: str
    service: str
    body: bytes
    headers: dict[str, str] = field(repr=False)
    status: int = 200
    contact: str = ""


def plan(count: int, xero_ids: Sequence[str], karbon_keys: Sequence[str], seed: int = 1) -> list[Delivery]:
    """Mix deliveries of all kinds for both services; repeats are of what was sent before, word for word."""
    dice, began = random.Random(seed), datetime.now(UTC)  # older events would be taken for echoes of what was read
    planned: list[Delivery] = []
    sent: list[Delivery] = []
    for number in range(count):
        kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "repeated" and sent:
            planned.append(dice.choice(sent))
            continue
        service, at = dice.choice(("xero", "karbon")), began + timedelta(seconds=number / PER_SECOND)
        known = dice.choice(xero_ids if service == "xero" else karbon_keys)
        delivery = _delivery("known" if kind == "repeated" else kind, service, known, at, dice)
        planned.append(delivery)
        if delivery.kind == "known":
            sent.append(delivery)
    return planned


def _delivery(kind: str, service: str, known: str, at: datetime, dice: random.Random) -> Delivery:
    stranger = (
        str(uuid.UUID(int=dice.getrandbits(128), version=4)) if service == "xero" else f"Gone{dice.randrange(10**6)}"
    )
    contact = stranger if kind == "unknown" else known
    told = xero_body(contact, at, kind) if service == "xero" else karbon_body(contact, at, kind)
    body = dice.choice((b"", b"{", b"[[[]]]", b'"events"', b"\xff\xfe", told[:40])) if kind == "malformed" else told
    signed = sign(service, body + (b"x" if kind == "forged" else b""))
    return Delivery(kind, service, body, signed, 401 if kind == "forged" else 200, known if kind == "known" else "")


def xero_body(contact_id: str, at: datetime, kind: str) -> bytes:
    """A foreign event is one of another organisation, which the same app may be connected to."""
    tenant = "00000000-0000-4000-8000-00000000beef" if kind == "foreign" else TENANT_ID
    event = {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/Contacts/{contact_id}",
        "resourceId": contact_id,
        "eventDateUtc": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}",
        "eventType": "UPDATE",
        "eventCategory": "CONTACT",
        "tenantId": tenant,
        "tenantType": "ORGANISATION",
    }
    whole = {"events": [event], "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "BENCH"}
    return json.dumps(whole).encode()


def karbon_body(key: str, at: datetime, kind: str) -> bytes:
    """A foreign event is about something that is no contact."""
    shown = "WorkItem" if kind == "foreign" else "Organization"
    event = {"ResourcePermaKey": key, "ResourceType": shown, "ActionType": "Updated", "Timestamp": at.isoformat()}
    return json.dumps(event).encode()


def sign(service: str, body: bytes) -> dict[str, str]:
    if service == "xero":
        digest = hmac.new(server.XERO_WEBHOOK_KEY.encode(), body, hashlib.sha256).digest()
        return {"x-xero-signature": base64.b64encode(digest).decode()}
    return {"Signature": hmac.new(server.KARBON_WEBHOOK_KEY.encode(), body, hashlib.sha256).hexdigest()}


# --- against a real web process ---------------------------------------------------------------------------------------


@contextmanager
def web(world: Wire) -> Iterator[tuple[server.Sandbox, Product]]:
    """A product whose first import is done, with its web process running and nobody who empties the queue."""
    with server.start(world) as box, tempfile.TemporaryDirectory() as folder:
        product = Product(Path(folder), box.url)
        try:
            product.manage("migrate", "--noinput", "--verbosity", "0")
            product.manage("connect")
            product.sync()
            product.start("web")
            product.wait_for_web()
            yield box, product
        finally:
            product.stop()


@dataclass(frozen=True)
class Answer:
    status: int
    seconds: float
    is_bare: bool


def send_all(port: int, asked: Sequence[tuple[str, str, bytes, dict[str, str]]]) -> list[Answer]:
    """Send each request when its turn comes, ``PER_SECOND`` of them, and time it from then on, waiting included."""
    answers: list[Answer | None] = [None] * len(asked)
    began = time.perf_counter() + 0.2
    turns: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(asked)):
        turns.put(number)

    def work() -> None:
        while True:
            try:
                number = turns.get_nowait()
            except queue.Empty:
                return
            due = began + number / PER_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            status, is_bare = _send(port, *asked[number])
            answers[number] = Answer(status, time.perf_counter() - due, is_bare)

    senders = [threading.Thread(target=work, daemon=True) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return [answer for answer in answers if answer]


def _send(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bool]:
    """One connection each, as from strangers; 0 where no answer came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body or None, headers)
        reply = connection.getresponse()
        return reply.status, reply.read() == b"" and reply.getheader("Set-Cookie") is None
    except (OSError, http.client.HTTPException):
        return 0, False
    finally:
        connection.close()


def percentile(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))]


@dataclass(frozen=True)
class Outcome:
    """What the deliveries met: wrong answers, the slowest of a hundred in milliseconds, and rows left behind."""

    wrong: int
    p50: float
    p99: float
    rows: int
    queued: int
    distinct: int
    health_p99: float


def deliver(count: int = DELIVERIES) -> Outcome:
    with web(WORLD) as (box, product):
        state = requests.get(f"{box.url}/sandbox/state", timeout=60).json()
        ids = [contact["ContactID"] for contact in state["xero"]["contacts"]]
        keys = [record["OrganizationKey"] for record in state["karbon"]["organizations"]]
        health = send_all(product.port, [("GET", "/health", b"", {})] * min(count, 1000))
        planned = plan(count, ids, keys)
        kind = {"Content-Type": "application/json"}
        asked = [("POST", f"/webhooks/{each.service}", each.body, {**kind, **each.headers}) for each in planned]
        answers = send_all(product.port, asked)
        wrong = sum(
            answer.status != each.status or not answer.is_bare for each, answer in zip(planned, answers, strict=True)
        )
        seconds = [answer.seconds for answer in answers]
        return Outcome(
            wrong=wrong,
            p50=percentile(seconds, 0.5) * 1000,
            p99=percentile(seconds, 0.99) * 1000,
            rows=product.count("contacts_refresh", "reason = 'webhook'"),
            queued=product.count("django_q_ormq"),
            distinct=len({each.contact for each in planned if each.contact}),
            health_p99=percentile([answer.seconds for answer in health], 0.99) * 1000,
        )
