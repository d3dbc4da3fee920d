"""Xero's webhook: a hint that something changed. Verify, note which contacts to read again, answer at once.

Polling is the truth. An event carries no contact data and may come twice, late or out of order (facts, Xero 14).
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from contacts import bell, mirror
from contacts.values import System
from xero.models import XeroConnection


def verify(body: bytes, signature: str, keys: Iterable[str]) -> bool:
    """Tell whether one of our keys signed exactly these bytes.

    The key is used as the text it is: it looks like base64 but is not to be decoded (facts, Xero 14.3).
    """
    given = signature.encode()
    matches = [
        hmac.compare_digest(base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()), given)
        for key in keys
        if key
    ]
    return any(matches)


def contact_ids(body: bytes, tenant_id: str) -> list[str]:
    """Return the ids of our organisation's contacts that a delivery names; anything odd in it is passed over."""
    try:
        delivery = json.loads(body)
    except (ValueError, RecursionError):
        return []
    events = delivery.get("events") if isinstance(delivery, dict) else None
    found = [_contact_id(event, tenant_id) for event in (events if isinstance(events, list) else [])]
    return list(dict.fromkeys(filter(None, found)))


def _contact_id(event: object, tenant_id: str) -> str:
    if not isinstance(event, dict) or not tenant_id:
        return ""
    category, tenant = (str(event.get(key)).lower() for key in ("eventCategory", "tenantId"))
    if category != "contact" or tenant != tenant_id.lower():
        return ""
    try:
        return str(uuid.UUID(str(event.get("resourceId"))))
    except ValueError:
        return ""


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Answer 200 or, to a wrong signature, 401: empty and without cookies, within five seconds (facts, Xero 14.4).

    Xero tries out both answers before it delivers anything (facts, Xero 14.5).
    """
    if not verify(request.body, request.headers.get("x-xero-signature", ""), settings.XERO_WEBHOOK_KEYS):
        return HttpResponse(status=401)
    connection = XeroConnection.objects.filter(id=1).first()
    if connection and (ids := contact_ids(request.body, connection.tenant_id)):
        mirror.ask_refresh(System.XERO, ids, "webhook")
        bell.ring()  # for strangers, too: the next poll brings what was just created
    return HttpResponse(status=200)
