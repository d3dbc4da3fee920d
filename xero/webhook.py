"""Xero's webhook: a hint that something changed. Verify, note which contacts to read again, answer at once.

Polling is the truth. An event carries no contact data and may come twice, late or out of order (facts, Xero 14).
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from contacts import notices
from contacts.notices import Event
from contacts.values import System
from xero.models import XeroConnection


def verify(body: bytes, signature: str, keys: Iterable[str]) -> bool:
    """Tell whether one of our keys signed exactly these bytes.

    The key is used as the text it is: it looks like base64 but is not to be decoded (facts, Xero 14.3).
    """
    given = signature.encode()
    matches = [
        hmac.compare_digest(base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()), given)
        for key in map(str.strip, keys)
        if key
    ]
    return any(matches)


def events(body: bytes, tenant_id: str) -> list[Event]:
    """Return the events about our organisation's contacts, of any type; anything odd in a delivery is passed over."""
    try:
        delivery = json.loads(body)
    except (ValueError, RecursionError):
        return []
    told = delivery.get("events") if isinstance(delivery, dict) else None
    found = (_event(each, tenant_id) for each in (told if isinstance(told, list) else []))
    return [event for event in found if event]


def _event(told: object, tenant_id: str) -> Event | None:
    if not isinstance(told, dict) or not tenant_id:
        return None
    category, tenant = (str(told.get(key)).lower() for key in ("eventCategory", "tenantId"))
    if category != "contact" or tenant != tenant_id.lower():
        return None
    try:
        contact_id = str(uuid.UUID(str(told.get("resourceId"))))
    except ValueError:
        return None
    at = notices.moment(told.get("eventDateUtc"))
    return Event(contact_id, at, stamp=_stamp(at))


def _stamp(at: datetime | None) -> str:
    """Write an event's time as the mirror keeps ``UpdatedDateUTC``: milliseconds since the epoch."""
    return str(round(at.timestamp() * 1000)) if at else ""


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Answer 200 or, to a wrong signature, 401: empty and without cookies, within five seconds (facts, Xero 14.4).

    Xero tries out both answers before it delivers anything (facts, Xero 14.5).
    """
    tenant_id = XeroConnection.objects.filter(id=1).values_list("tenant_id", flat=True).first() or ""
    return notices.answer(
        request,
        System.XERO,
        signature=request.headers.get("x-xero-signature", ""),
        is_genuine=lambda body, signature: verify(body, signature, settings.XERO_WEBHOOK_KEYS),
        events=partial(events, tenant_id=tenant_id),
    )
