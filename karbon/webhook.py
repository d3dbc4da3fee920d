"""Karbon's webhook: a hint that something changed. Verify, note which contacts to read again, answer at once.

Polling is the truth. An event carries no contact data, may come twice or out of order, and may be our own write (facts,
Karbon A15).
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from contacts import bell, mirror
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


def keys(body: bytes) -> list[str]:
    """Return the keys of the contacts that a delivery names; anything odd in it is passed over.

    Client groups are not synced. A custom field's event names its client apart.
    """
    try:
        delivery = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return list(dict.fromkeys(filter(None, (_key(event) for event in _events(delivery)))))


def _events(delivery: object) -> Iterator[dict[str, object]]:
    """Take one event, or an ``Events`` array of them, which a preview of batched delivery was said to use."""
    batch = delivery.get("Events", [delivery]) if isinstance(delivery, dict) else delivery
    yield from (event for event in (batch if isinstance(batch, list) else []) if isinstance(event, dict))


def _key(event: dict[str, object]) -> str:
    kind = str(event.get("ResourceType")).lower()
    if kind == "customfieldvalue":
        key, kind = event.get("ClientKey"), str(event.get("ClientType")).lower()
    else:
        key = event.get("ResourcePermaKey")
    wanted = isinstance(key, str) and kind not in _NOT_CONTACTS and 0 < len(key.strip()) <= _LONGEST_KEY
    return str(key).strip() if wanted else ""


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Answer 401 to a wrong signature, else 200 whatever comes: ten failures end the subscription (facts, A15)."""
    signing_key = access.webhook_key()
    if signing_key and not verify(request.body, request.headers.get("Signature", ""), signing_key):
        return HttpResponse(status=401)
    if named := keys(request.body):
        try:
            mirror.ask_refresh(System.KARBON, named, reason="webhook")
            bell.ring()  # for strangers, too: the next poll brings what was just created
        except DatabaseError as error:
            log.error(
                "karbon webhook: %s events not stored (%s); polling will find them", len(named), type(error).__name__
            )
    return HttpResponse(status=200)


def ensure_subscription(target_url: str) -> bool:
    """See that Contact events come to our address. True when that was mended: events were lost, so walk the lists.

    There is one subscription per kind of event and no way to change it, so another address means delete and create. The
    signing key is never shown: after a new one, end the subscription first.
    """
    karbon = remote.connect().client
    current = karbon.subscription()
    if current == target_url:
        return False
    if current is not None:
        karbon.unsubscribe()
    karbon.subscribe(target_url, access.webhook_key())
    return True
