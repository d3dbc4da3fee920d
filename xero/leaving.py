"""How a connection to Xero ends: by us, by somebody inside Xero, or because the Demo Company was reset."""

import logging
from contextlib import suppress

import requests
from django.conf import settings

from contacts import sealing
from contacts.remote import RemoteError
from xero import oauth
from xero.models import XeroConnection

log = logging.getLogger(__name__)
TAKEN_OFF = (
    "{name} no longer lets us in: KarbonSync was disconnected inside Xero. Connect Xero again. If {name} is Xero's Demo "
    "Company, it may have been reset: then it is a new organisation, which needs an empty database of its own."
)
RESET = (
    "Xero's {name} was reset: under its old name it is a new organisation with new contacts, as the Demo Company becomes "
    "every month. Sync it with an empty database of its own."
)


def disconnect() -> bool:
    """Disconnect at Xero and forget the tokens; return False when Xero could not be told, so that a person does."""
    connection = XeroConnection.objects.filter(id=1).first()
    if connection is None or not connection.is_connected:
        return True
    told = _remove_connection()
    connection.refresh_from_db()  # its tokens may have been renewed just now
    with suppress(sealing.Unreadable):
        told = _revoke(sealing.unseal(connection.refresh_token)) or told
    nothing = {"access_token": "", "refresh_token": "", "previous_refresh_token": "", "expires_at": None}
    XeroConnection.objects.filter(id=1).update(**nothing, rotated_at=None, problem="", problem_since=None)
    log.info("Xero disconnected, Xero told: %s", told)
    return told


def give_back(consent: str) -> bool:
    """Withdraw a consent that was not wanted after all (``Consent.token``); return False when Xero could not be told.

    While we are connected it is not revoked: that would end the same person's connection as well.
    """
    connection = XeroConnection.objects.exclude(refresh_token="").first()
    if connection:
        return take_off(consent, besides=connection.tenant_id)
    try:
        return _revoke(oauth.refresh_token_of(consent))
    except sealing.Unreadable:
        return False


def take_off(consent: str, *, besides: str) -> bool:
    """Take our app off what a consent allowed, besides one organisation; return False when Xero could not be told.

    What the same person allowed in other sign-ins stays: another installation may live on it.
    """
    try:
        access = oauth.access_token_of(consent)
        if not (sign_in := oauth.sign_in_of(access)):
            return False
        session = oauth.connections(access)
        for row in oauth.rows_of(session, sign_in=sign_in):
            is_of_it = row.get("authEventId") == sign_in  # a list that ignored our question names others, too
            if is_of_it and str(row.get("tenantId")).lower() != besides:
                session.request("DELETE", f"/connections/{row['id']}")
    except (RemoteError, sealing.Unreadable, KeyError):
        return False
    return True


def _remove_connection() -> bool:
    """Take our app off this one organisation: ``DELETE /connections/{id}``, its own id (facts, Xero 2.4)."""
    try:
        access, tenant_id = oauth.access_token()
        session = oauth.connections(access)
        for row in oauth.rows_of(session):
            if str(row.get("tenantId")).lower() == tenant_id:
                return session.request("DELETE", f"/connections/{row['id']}").status_code == 204
    except (RemoteError, KeyError):
        pass
    return False


def _revoke(refresh_token: str) -> bool:
    """Revoking removes this user's connections for our app (facts, Xero 2.4)."""
    address = f"{settings.XERO_IDENTITY_URL}/connect/revocation"
    try:
        return requests.post(address, data={"token": refresh_token}, auth=oauth.app(), timeout=oauth.TIMEOUT).ok
    except requests.RequestException:
        return False


def why_refused() -> str:
    """Say why Xero refuses an organisation though it takes our token; blank when it is not that.

    The app was taken off in Xero, or it was the Demo Company: that is reset about monthly, and then its id and all of
    its contacts are new while sealing still work (facts, Xero 2.4 and 4).
    """
    try:
        access, tenant_id = oauth.access_token()
        rows = oauth.rows_of(oauth.connections(access))
    except RemoteError:
        return ""
    name = XeroConnection.objects.get(id=1).tenant_name
    found = [row for row in rows if row.get("tenantType") == "ORGANISATION"]
    if any(str(row.get("tenantId")).lower() == tenant_id for row in found):
        return ""
    is_reset = any(row.get("tenantName") == name for row in found)
    return (RESET if is_reset else TAKEN_OFF).format(name=name)
