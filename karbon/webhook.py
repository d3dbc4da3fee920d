"""Karbon's webhook: a hint that something changed. Verify, note which contacts to read again, answer at once.

Polling is the truth. An event carries no contact data, may come twice or out of order, and may be our own write (facts,
Karbon A15).
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from contacts import notices
from contacts.models import Webhook
from contacts.notices import Event
from contacts.remote import NotAuthorised
from contacts.values import System
from karbon import keys as access
from karbon import remote

log = logging.getLogger(__name__)
# Whatever else is called is read as a contact: live names differ from the documented ones (facts, Karbon A15).
_NOT_CONTACTS = frozenset(
    ("clientgroup", "work", "workitem", "note", "user", "invoice", "estimatesummary", "integrationtask")
)
_LONGEST_KEY = 64


def verify(body: bytes, signature: str, key: str) -> bool:
    """Tell whether our key signed exactly these bytes: HMAC-SHA256 in hex (facts, Karbon A15, Signing)."""
    expected = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.strip().lower().encode())


def signing_key() -> str:
    """Return the key that deliveries are signed with: the one set or typed, else one made from our own secret.

    So there always is one, and nobody but Karbon can send us to read (facts, Karbon A15: 16 or more of A-Z a-z 0-9 - _).
    """
    with suppress(NotAuthorised):  # a stored key that can no longer be read: the watch subscribes anew with our own
        if key := access.webhook_key():
            return key
    return salted_hmac("karbon.webhook", "signing key", algorithm="sha256").hexdigest()


def events(body: bytes) -> list[Event]:
    """Return the events about contacts; anything odd in a delivery is passed over.

    Client groups are not synced. A custom field's event names its client apart.
    """
    try:
        delivery = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return [Event(key, _moment(told)) for told in _told(delivery) if (key := _key(told))]


def _told(delivery: object) -> Iterator[dict[str, object]]:
    """Take one event, or an ``Events`` array of them, which a preview of batched delivery was said to use."""
    batch = delivery.get("Events", [delivery]) if isinstance(delivery, dict) else delivery
    yield from (event for event in (batch if isinstance(batch, list) else []) if isinstance(event, dict))


def _moment(told: dict[str, object]) -> datetime | None:
    """Documented as TimeStamp, sent as Timestamp (facts, Karbon A15)."""
    return notices.moment(told.get("Timestamp") or told.get("TimeStamp"))


def _key(told: dict[str, object]) -> str:
    kind = str(told.get("ResourceType")).lower()
    if kind == "customfieldvalue":
        key, kind = told.get("ClientKey"), str(told.get("ClientType")).lower()
    else:
        key = told.get("ResourcePermaKey")
    wanted = isinstance(key, str) and kind not in _NOT_CONTACTS and 0 < len(key.strip()) <= _LONGEST_KEY
    return str(key).strip() if wanted else ""


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Answer 401 to a wrong signature, else 200 whatever comes: ten failures end the subscription (facts, A15)."""
    try:
        return notices.answer(
            request,
            System.KARBON,
            signature=request.headers.get("Signature", ""),
            is_genuine=lambda body, signature: verify(body, signature, signing_key()),
            events=events,
        )
    except DatabaseError as error:
        log.error("karbon webhook: events not stored (%s); polling will find them", type(error).__name__)
        return HttpResponse(status=200)


def ensure_subscription(target_url: str) -> bool:
    """See that Contact events come to our address, signed with our key. True when that was mended: events may be lost.

    There is one subscription per kind of event and no way to change it, so another address or key means delete and
    create. The key is never shown, so we remember which one we gave (facts, Karbon A15).
    """
    karbon = remote.connect().client
    digest = hashlib.sha256(signing_key().encode()).hexdigest()
    kept, _ = Webhook.objects.get_or_create(system=System.KARBON)
    current = karbon.subscription()
    if current == target_url and (kept.target, kept.key_digest) == (target_url, digest):
        return False
    if current is not None:
        karbon.unsubscribe()
    karbon.subscribe(target_url, signing_key())
    Webhook.objects.filter(system=System.KARBON).update(target=target_url, key_digest=digest)
    return True
