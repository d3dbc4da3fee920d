"""How we get and keep access to Xero: consent in the browser, then a pair of tokens that renews itself.

Each renewal returns a new pair, and a lost or doubled renewal is the usual way connections die (facts, Xero 2.3). So one
process renews at a time, the new pair is stored before anybody uses it, and nothing here runs inside a transaction that
could roll it back. An access token lasts 30 minutes, a refresh token 60 days unused.
"""

import base64
import hashlib
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from oauthlib.oauth2 import InvalidClientError, InvalidGrantError, OAuth2Error, UnauthorizedClientError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from contacts import bell, sealing
from contacts.api import ApiSession
from contacts.models import RemoteContact
from contacts.remote import NotAuthorised, Unavailable
from contacts.values import System
from xero.models import XeroConnection

log = logging.getLogger(__name__)
# These two write tokens into their debug log.
for chatty in ("requests_oauthlib", "oauthlib"):
    logging.getLogger(chatty).setLevel(logging.INFO)

SCOPES = ("offline_access", "accounting.contacts")  # no more than a contact sync needs (facts, Xero 3)
TIMEOUT = (3.05, 10)
RENEW_BEFORE = timedelta(seconds=60)
CLAIM = timedelta(seconds=20)  # longer than a renewal can take, short enough to outlive a killed process unnoticed
WAIT_FOR_OTHERS = 10.0
GRACE = timedelta(minutes=30)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
NOT_CONNECTED = "Xero is not connected. Connect it first."
ACCESS_LOST = "Xero no longer accepts our access: it was withdrawn there, or not used for 60 days. Connect Xero again."
UNREADABLE = (
    "This server's FIELD_ENCRYPTION_KEYS cannot read the stored access. Restore the old key or connect Xero again."
)

_environment = threading.Lock()


class OtherOrganisation(NotAuthorised):
    """The database holds another organisation's contacts: mixing the two would archive one of them in our eyes."""


@dataclass(frozen=True)
class Organisation:
    tenant_id: str
    name: str


@dataclass(frozen=True)
class Consent:
    """What a person allowed. ``token`` is sealed: it may wait in a session until one of several is chosen."""

    token: str = field(repr=False)
    organisations: list[Organisation]


@dataclass(frozen=True)
class _Pair:
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in: int
    scopes: str


class _GrantRefused(Exception):
    """The code or refresh token is used up, expired or revoked: 400 ``invalid_grant`` (facts, Xero 2.3)."""


# --- connecting -------------------------------------------------------------------------------------------------------


def authorization_url(redirect_uri: str) -> tuple[str, str]:
    """Return the address to send the browser to, and the state to keep in its session until it comes back.

    The code is bound to this server by PKCE on top of our secret, which an app that has one must send all the same
    (facts, Xero 2.2).
    """
    address = f"{settings.XERO_LOGIN_URL}/identity/connect/authorize"
    session = OAuth2Session(settings.XERO_CLIENT_ID, redirect_uri=redirect_uri, scope=list(SCOPES))
    state = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(_verifier(state).encode()).digest()).rstrip(b"=").decode()
    with _plain_http_on_loopback(address):
        url, state = session.authorization_url(
            address, state=state, code_challenge=challenge, code_challenge_method="S256"
        )
    return url, state


def _verifier(state: str) -> str:
    """Return the secret half of PKCE: 64 characters that only this server can derive from the state in the address."""
    return salted_hmac("xero.oauth.pkce", state, algorithm="sha256").hexdigest()


def finish(redirect_uri: str, state: str, response_url: str) -> Consent:
    """Turn the address that the browser came back to into access. The code in it works once, for five minutes."""
    answer = {key: texts[0] for key, texts in parse_qs(urlsplit(response_url).query).items()}
    if not state or not secrets.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise NotAuthorised("This answer does not belong to the connection you started. Start connecting Xero again.")
    if answer.get("error") == "access_denied":
        raise NotAuthorised("Xero was not connected: access was declined there. Start again if that was not intended.")
    code = answer.get("code")
    if not code:
        raise NotAuthorised("Xero was not connected: it sent no code. Start connecting Xero again.")
    try:
        pair = _ask(
            lambda session, url, auth: session.fetch_token(
                url, code=code, auth=auth, timeout=TIMEOUT, code_verifier=_verifier(state)
            ),
            redirect_uri,
        )
    except _GrantRefused as error:
        raise NotAuthorised("Xero's answer is older than five minutes or was used already. Start again.") from error
    if not pair.refresh:
        raise NotAuthorised("Xero gave access for 30 minutes only. Start connecting Xero again.")
    return Consent(sealing.seal(json.dumps(asdict(pair))), _organisations(pair.access))


def _pair_of(token: str) -> "_Pair":
    return _Pair(**json.loads(sealing.unseal(token)))


def refresh_token_of(token: str) -> str:
    """Return the refresh token of a ``Consent``. Raise ``sealing.Unreadable`` where its key is gone."""
    return _pair_of(token).refresh


def access_token_of(token: str) -> str:
    """Return the access token of a ``Consent``. Raise ``sealing.Unreadable`` where its key is gone."""
    return _pair_of(token).access


def sign_in_of(access_token: str) -> str:
    """Return the id of the sign-in that an access token, a JWT, comes from; blank where it does not tell (facts, Xero 4)."""
    middle = access_token.partition(".")[2].partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except ValueError:
        return ""
    return str(claims.get("authentication_event_id") or "") if isinstance(claims, dict) else ""


def choose(token: str, organisation: Organisation) -> XeroConnection:
    """Connect this deployment to one organisation of a ``Consent``. Raise ``OtherOrganisation`` over foreign contacts."""
    try:
        pair = _pair_of(token)
    except sealing.Unreadable as error:
        raise NotAuthorised("This consent can no longer be read. Start connecting Xero again.") from error
    kept = XeroConnection.objects.filter(id=1).first()
    if kept and kept.tenant_id != organisation.tenant_id and RemoteContact.objects.filter(system=System.XERO).exists():
        raise OtherOrganisation(
            f"This database holds the contacts of {kept}. Connect {kept} again, "
            f"or sync {organisation.name} with an empty database of its own."
        )
    row = {
        **_columns(pair),
        "tenant_id": organisation.tenant_id,
        "tenant_name": organisation.name[:255],
        "previous_refresh_token": "",
        "rotated_at": None,
        "connected_at": timezone.now(),
        "problem": "",
        "problem_since": None,
    }
    connection, _ = XeroConnection.objects.update_or_create(id=1, defaults=row)
    log.info("Xero connected")
    bell.ring()  # what waited meanwhile is caught up with at once
    return connection


def connect_without_browser(redirect_uri: str) -> XeroConnection:
    """Connect to a Xero that approves at once, as the sandbox does; the real one asks a person to log in."""
    url, state = authorization_url(redirect_uri)
    try:
        reply = requests.get(url, allow_redirects=False, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise Unavailable("Xero's login page could not be reached.", performed=False) from error
    back = reply.headers.get("Location", "")
    if not reply.is_redirect or not back.startswith(redirect_uri):
        raise NotAuthorised("Xero wants a person to log in. Connect it from the browser.")
    consent = finish(redirect_uri, state, back)
    if len(consent.organisations) != 1:
        raise NotAuthorised("There are several Xero organisations to choose from. Connect from the browser.")
    return choose(consent.token, consent.organisations[0])


def connections(access_token: str) -> ApiSession:
    """Return a session for ``/connections``, which names no organisation."""
    headers = {"Authorization": f"Bearer {access_token}"}
    return ApiSession(
        System.XERO, settings.XERO_API_URL, headers=lambda: headers, problems=lambda reply: [], for_person=True
    )


def rows_of(session: ApiSession, *, sign_in: str = "") -> list[dict[str, Any]]:
    """List what this user connected to our app, or did in one sign-in: ``GET /connections``, a bare array (facts, Xero 4)."""
    rows = session.json("GET", "/connections", params={"authEventId": sign_in} if sign_in else None)
    return [row for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict)]


def _organisations(access_token: str) -> list[Organisation]:
    found = [
        Organisation(str(row["tenantId"]).lower(), str(row.get("tenantName") or "Xero"))
        for row in rows_of(connections(access_token))
        if row.get("tenantId") and row.get("tenantType") == "ORGANISATION"
    ]
    if not found:
        raise NotAuthorised("No Xero organisation was chosen. Start again and allow access to one.")
    return found


# --- the tokens -------------------------------------------------------------------------------------------------------


def organisation_id() -> str:
    """Return the id of the connected organisation, without a call. Raise NotAuthorised when a person must connect."""
    connection = _connected()
    _read(connection.access_token)
    return connection.tenant_id


def access_token() -> tuple[str, str]:
    """Return a token that works for a minute at least, and the id of the organisation it is to be used for."""
    connection = _connected()
    token, now = _read(connection.access_token), timezone.now()
    if connection.expires_at is None or connection.expires_at - now < RENEW_BEFORE:
        try:
            renew(token)
        except Unavailable:
            if connection.expires_at is None or connection.expires_at <= now:
                raise
        connection = _connected()
        token = _read(connection.access_token)
    return token, connection.tenant_id


def tenant_id() -> str:
    """Return the id of the organisation that is or was connected; blank when there never was one."""
    return XeroConnection.objects.values_list("tenant_id", flat=True).first() or ""


def renew(stale_token: str) -> bool:
    """Make sure that the stored access token is another one than this. Raise NotAuthorised when a person must reconnect.

    One process renews, by claim; the others wait for what it stores. Call it outside transactions.
    """
    give_up_at = time.monotonic() + WAIT_FOR_OTHERS
    while True:
        connection = _connected()
        if _read(connection.access_token) != stale_token:
            return True
        if claimed_until := _claim(connection):
            try:
                _rotate(connection)
                return True
            finally:
                XeroConnection.objects.filter(id=1, renewing_until=claimed_until).update(renewing_until=None)
        if time.monotonic() > give_up_at:
            raise Unavailable("Xero's keys are being renewed. It will be tried again.", retry_after=5, performed=False)
        time.sleep(0.1)


def _connected() -> XeroConnection:
    connection = XeroConnection.objects.filter(id=1).first()
    if connection is None or not connection.is_connected:
        raise NotAuthorised(NOT_CONNECTED)
    if connection.problem:
        raise NotAuthorised(connection.problem)
    return connection


def _read(ciphertext: str) -> str:
    try:
        return sealing.unseal(ciphertext)
    except sealing.Unreadable as error:
        raise NotAuthorised(UNREADABLE) from error


def _claim(connection: XeroConnection) -> datetime | None:
    """Take the right to renew what was just read; None when somebody holds it or renewed meanwhile."""
    now = timezone.now()
    free = Q(renewing_until=None) | Q(renewing_until__lt=now)
    row = XeroConnection.objects.filter(free, id=1, refresh_token=connection.refresh_token)
    return now + CLAIM if row.update(renewing_until=now + CLAIM) else None


def _rotate(connection: XeroConnection) -> None:
    """Use up the refresh token and store its successors; a lost reply leaves it in place, to be tried once more."""
    spent = connection.refresh_token
    try:
        pair = _refresh(spent)
    except _GrantRefused:
        spent, pair = _rotate_previous(connection)
    columns = {**_columns(pair), "previous_refresh_token": spent, "rotated_at": timezone.now()}
    # Only over what we started from: a person may have connected anew meanwhile.
    XeroConnection.objects.filter(id=1, refresh_token=connection.refresh_token).update(**columns)
    log.info("Xero access renewed")


def _rotate_previous(connection: XeroConnection) -> tuple[str, _Pair]:
    """Try the token before the last, which Xero takes for 30 minutes after it was used (facts, Xero 2.3)."""
    previous, rotated_at = connection.previous_refresh_token, connection.rotated_at
    if previous and rotated_at and timezone.now() - rotated_at < GRACE:
        try:
            return previous, _refresh(previous)
        except _GrantRefused:
            pass
    row = XeroConnection.objects.filter(id=1, refresh_token=connection.refresh_token)
    row.update(problem=ACCESS_LOST, problem_since=timezone.now())
    log.warning("Xero refused to renew access")
    raise NotAuthorised(ACCESS_LOST)


def reseal() -> bool:
    """Seal the tokens anew where another key than the current one was used; return whether that was so.

    Under the claim of a renewal, so that nobody stores a new pair over what we read.
    """
    connection = XeroConnection.objects.filter(id=1).first()
    if connection is None or not connection.is_connected:
        return False
    columns = ("access_token", "refresh_token", "previous_refresh_token")
    old = {name: getattr(connection, name) for name in columns if getattr(connection, name)}
    if all(map(sealing.is_current, old.values())) or not (claimed_until := _claim(connection)):
        return False
    try:
        fresh = {name: sealing.seal(sealing.unseal(text)) for name, text in old.items()}
        return bool(XeroConnection.objects.filter(id=1, renewing_until=claimed_until, **old).update(**fresh))
    except sealing.Unreadable:
        return False
    finally:
        XeroConnection.objects.filter(id=1, renewing_until=claimed_until).update(renewing_until=None)


def _refresh(sealed_refresh_token: str) -> _Pair:
    refresh_token = _read(sealed_refresh_token)
    return _ask(lambda session, url, auth: session.refresh_token(url, refresh_token, auth=auth, timeout=TIMEOUT))


def _columns(pair: _Pair) -> dict[str, Any]:
    return {
        "access_token": sealing.seal(pair.access),
        "refresh_token": sealing.seal(pair.refresh),
        "expires_at": timezone.now() + timedelta(seconds=pair.expires_in),
        "scopes": pair.scopes[:500],
    }


# --- the token endpoint -----------------------------------------------------------------------------------------------


def app() -> HTTPBasicAuth:
    """How our app proves itself to Xero's login."""
    return HTTPBasicAuth(settings.XERO_CLIENT_ID, settings.XERO_CLIENT_SECRET)


def _ask(call: Callable[[OAuth2Session, str, HTTPBasicAuth], Any], redirect_uri: str | None = None) -> _Pair:
    """Ask the token endpoint and return the pair it gave; errors are typed by what the caller does next.

    The session names no scope: Xero adds to what was allowed before (facts, Xero 3), which oauthlib takes for a fault.
    """
    url = f"{settings.XERO_IDENTITY_URL}/connect/token"
    session = OAuth2Session(settings.XERO_CLIENT_ID, redirect_uri=redirect_uri)
    for hook in ("access_token_response", "refresh_token_response"):
        session.register_compliance_hook(hook, _answer)
    try:
        with _plain_http_on_loopback(url):
            reply = call(session, url, app())
    except InvalidGrantError as error:
        raise _GrantRefused from error
    except (InvalidClientError, UnauthorizedClientError) as error:
        hint = "Xero does not know this app. Check XERO_CLIENT_ID and XERO_CLIENT_SECRET."
        raise NotAuthorised(hint) from error
    except (requests.RequestException, OAuth2Error) as error:
        message = "Xero's login did not answer as it should. It will be tried again."
        raise Unavailable(message, performed=False) from error
    lifetime, scope = reply.get("expires_in"), reply.get("scope") or ""
    return _Pair(
        access=str(reply["access_token"]),
        refresh=str(reply.get("refresh_token") or ""),
        expires_in=lifetime if isinstance(lifetime, int) and lifetime > 0 else 1800,
        scopes=scope if isinstance(scope, str) else " ".join(scope),
    )


def _answer(reply: requests.Response) -> requests.Response:
    """Let through only what the library can read; a fault page is no answer, and must not look like a refusal."""
    try:
        is_answer = reply.status_code in (200, 400, 401) and isinstance(reply.json(), dict)
    except requests.JSONDecodeError:
        is_answer = False
    if not is_answer:
        raise requests.ConnectionError("no answer")
    return reply


@contextmanager
def _plain_http_on_loopback(url: str) -> Iterator[None]:
    """Let oauthlib, which insists on https, speak http to this very machine, and to nothing else.

    The library knows no other switch than the environment, so it is set for the length of the call only.
    """
    parts = urlsplit(url)
    if parts.scheme == "https":
        yield
        return
    if parts.hostname not in _LOOPBACK:
        raise NotAuthorised("Xero's addresses must begin with https. Check XERO_LOGIN_URL and XERO_IDENTITY_URL.")
    with _environment:
        before = os.environ.get("OAUTHLIB_INSECURE_TRANSPORT")
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ["OAUTHLIB_INSECURE_TRANSPORT"]
            else:
                os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = before
