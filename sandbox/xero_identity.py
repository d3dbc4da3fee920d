"""Xero's sign-in: authorise, token, revocation and connections, for one app (`sandbox`) and one organisation."""

import base64
import hashlib
import re
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from .store import Clock, Store
from .switches import Switches
from .wire import Request, Response, Wire, as_html, as_json, dump

CLIENT_ID = CLIENT_SECRET = "sandbox"
TENANT_ID = "5a9db0c5-0000-4000-8000-00000000acce"
TENANT_NAME = "Acme Partners"
USER_ID = "5a9db0c5-0000-4000-8000-000000000001"
CODE_SECONDS, ACCESS_SECONDS = 300, 1800
REFRESH_SECONDS, GRACE_SECONDS = 60 * 86_400, 1800
REDIRECT = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/.*)?", re.IGNORECASE)
SCOPES = re.compile(
    r"openid|profile|email|offline_access|app\.connections"
    r"|accounting\.(contacts|settings|attachments|invoices|payments|banktransactions|manualjournals|budgets)(\.read)?"
    r"|accounting\.reports\.[a-z]+\.read"
)


class Identity:
    """Codes, tokens and the connection. Tokens are stored: a connected product survives a restart of the sandbox."""

    def __init__(self, clock: Clock, store: Store, switches: Switches) -> None:
        self.clock, self.store, self.switches = clock, store, switches
        self.codes: dict[str, Wire] = {}
        self.access: dict[str, Wire] = dict(store.load("access"))
        self.refresh: dict[str, Wire] = dict(store.load("refresh"))
        self.connection: Wire | None = store.get("config", "connection")
        self.also_allowed: dict[str, str] = {}  # id and name of what the person allows besides, in memory only
        self.more: list[Wire] = []

    def authorize(self, request: Request) -> Response:
        """Approve at once and send the browser back; a wrong parameter shows an error page instead (facts 2.1)."""
        asked = request.params
        problem = self._authorize_problem(asked)
        if problem:
            return as_html(
                f"<!doctype html><title>Xero</title><h1>Sorry, something went wrong</h1><p>{problem}</p>", 400
            )
        code = secrets.token_urlsafe(32)
        scope = asked.get("scope", "")
        event = self.connect()
        self.codes[code] = {
            "redirect_uri": asked["redirect_uri"],
            "challenge": asked.get("code_challenge"),
            "expires": self.clock.now() + CODE_SECONDS,
            "grant": {"id": event, "scope": scope},
        }
        back = {"code": code, "scope": scope, "session_state": secrets.token_urlsafe(24)}
        if "state" in asked:
            back["state"] = asked["state"]
        joint = "&" if "?" in asked["redirect_uri"] else "?"
        return Response(302, b"", None, {"Location": f"{asked['redirect_uri']}{joint}{urlencode(back)}"})

    def _authorize_problem(self, asked: dict[str, str]) -> str:
        if asked.get("client_id") != CLIENT_ID:
            return "Error: unauthorized_client. Unknown client or client not enabled."
        if not REDIRECT.fullmatch(asked.get("redirect_uri", "")):
            return "Error: unauthorized_client. Invalid redirect_uri."
        if asked.get("response_type") != "code":
            return "Error: unsupported_response_type."
        scopes = asked.get("scope", "").split()
        if not scopes or not all(SCOPES.fullmatch(scope) for scope in scopes):
            return "Error: invalid_scope. Invalid scope for client."
        if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
            return "Error: invalid_request. Transform algorithm not supported."
        return ""

    def connect(self) -> str:
        """Create or renew the connection; facts 4: the two dates differ after a reconnect."""
        event = str(uuid.uuid4())
        now = datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0")
        kept = self.connection or {"id": str(uuid.uuid4()), "createdDateUtc": now}
        self.connection = {
            "id": kept["id"],
            "authEventId": event,
            "tenantId": TENANT_ID,
            "tenantType": "ORGANISATION",
            "tenantName": TENANT_NAME,
            "createdDateUtc": kept["createdDateUtc"],
            "updatedDateUtc": now,
        }
        self.store.put("config", "connection", self.connection)
        self.more = [
            {**self.connection, "id": str(uuid.uuid4()), "tenantId": tenant_id, "tenantName": name}
            for tenant_id, name in self.also_allowed.items()
        ]
        return event

    def token(self, request: Request) -> Response:
        form = request.form()
        problem = self._client_problem(request, form)
        if problem:
            return as_json({"error": problem}, 400)
        grant_type = form.get("grant_type")
        if grant_type == "authorization_code":
            return self._redeem_code(form)
        if grant_type == "refresh_token":
            return self._rotate(form.get("refresh_token", ""))
        return as_json({"error": "unsupported_grant_type"}, 400)

    def _client_problem(self, request: Request, form: dict[str, str]) -> str:
        """Accept the app by Basic auth, by its secret in the body, or by id alone (PKCE; facts 2.2)."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                name, _, password = base64.b64decode(value).decode().partition(":")
            except ValueError:
                return "invalid_client"
            return "" if (name, password) == (CLIENT_ID, CLIENT_SECRET) else "invalid_client"
        if form.get("client_id") != CLIENT_ID:
            return "invalid_client"
        return "" if form.get("client_secret", CLIENT_SECRET) == CLIENT_SECRET else "invalid_client"

    def _redeem_code(self, form: dict[str, str]) -> Response:
        code = self.codes.pop(form.get("code", ""), None)
        if not code or code["expires"] <= self.clock.now() or code["redirect_uri"] != form.get("redirect_uri"):
            return as_json({"error": "invalid_grant"}, 400)
        if code["challenge"]:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code["challenge"]:
                return as_json({"error": "invalid_grant"}, 400)
        return as_json(self.issue(code["grant"]))

    def issue(self, grant: Wire) -> Wire:
        """Make a new pair of tokens for a grant `{"id", "scope"}` and return the token answer."""
        now = self.clock.now()
        access = self._jwt(grant, int(now))
        self.access[access] = {"grant": grant, "expires": now + ACCESS_SECONDS}
        self.store.put("access", access, self.access[access])
        answer = {"access_token": access, "expires_in": ACCESS_SECONDS, "token_type": "Bearer", "scope": grant["scope"]}
        scopes = grant["scope"].split()
        if "offline_access" in scopes:
            refresh = secrets.token_urlsafe(32)
            self._keep_refresh(refresh, {"grant": grant, "expires": now + REFRESH_SECONDS, "rotated": None})
            answer["refresh_token"] = refresh
        if "openid" in scopes:
            answer["id_token"] = self._jwt(grant, int(now))
        self._forget_expired(now)
        return answer

    def _keep_refresh(self, token: str, row: Wire) -> None:
        self.refresh[token] = row
        self.store.put("refresh", token, row)

    def _forget_expired(self, now: float) -> None:
        for token in [t for t, row in self.access.items() if row["expires"] + 86_400 < now]:
            del self.access[token]
            self.store.delete("access", token)

    def _jwt(self, grant: Wire, now: int) -> str:
        claims = {
            "nbf": now,
            "exp": now + ACCESS_SECONDS,
            "iss": "https://identity.xero.com",
            "client_id": CLIENT_ID,
            "xero_userid": USER_ID,
            "authentication_event_id": grant["id"],
            "jti": secrets.token_hex(16),
            "scope": grant["scope"].split(),
        }
        parts = [dump({"alg": "RS256", "typ": "JWT"}).encode(), dump(claims).encode(), secrets.token_bytes(32)]
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)

    def _rotate(self, token: str) -> Response:
        """Facts 2.3: every refresh returns a new pair; the old token may be retried for 30 minutes."""
        now = self.clock.now()
        row = self.refresh.get(token)
        if not row or row["expires"] <= now or (row["rotated"] is not None and row["rotated"] + GRACE_SECONDS < now):
            return as_json({"error": "invalid_grant"}, 400)
        if row["rotated"] is not None and self.switches["refreshGrace"] == "samePair":
            return as_json(row["answer"])
        answer = self.issue(row["grant"])
        if row["rotated"] is None:
            self._keep_refresh(token, {**row, "rotated": now, "answer": answer})
        return as_json(answer)

    def revoke(self, request: Request) -> Response:
        """Facts 2.4: 200 with an empty body, and the user's connections for the app are gone."""
        form = request.form()
        problem = self._client_problem(request, form)
        if problem:
            return as_json({"error": problem}, 400)
        row = self.refresh.get(form.get("token", ""))
        if row:
            for token in [t for t, other in self.refresh.items() if other["grant"]["id"] == row["grant"]["id"]]:
                del self.refresh[token]
                self.store.delete("refresh", token)
            self._disconnect()
        return Response(200, b"", None)

    def _disconnect(self) -> None:
        self.connection, self.more = None, []
        self.store.delete("config", "connection")

    def expire(self, bearer: str) -> None:
        """Make an access token invalid before its time."""
        if bearer in self.access:
            self.access[bearer]["expires"] = self.clock.now()
            self.store.put("access", bearer, self.access[bearer])

    def connections(self, request: Request) -> Response:
        """Facts 4: a bare array; `authEventId` filters to one consent; DELETE takes the connection's id."""
        shown = [*([self.connection] if self.connection else []), *self.more]
        if request.method == "GET":
            event = request.params.get("authEventId")
            return as_json([c for c in shown if not event or c["authEventId"] == event])
        wanted = request.path.rstrip("/").rpartition("/")[2]
        if request.method == "DELETE" and any(c["id"] == wanted for c in shown):
            self.more = [c for c in self.more if c["id"] != wanted]
            if self.connection and self.connection["id"] == wanted:
                self.connection = None
                self.store.delete("config", "connection")
            return Response(204)
        return Response(404, b"", None)  # described without a body

    def refusal(self, request: Request, tenant: bool = True) -> Response | None:
        """Return the 401 or 403 a call deserves, if any (facts 3 and 11.2)."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        row = self.access.get(bearer.strip()) if scheme.lower() == "bearer" else None
        if not row or row["expires"] <= self.clock.now():
            when = datetime.fromtimestamp(row["expires"] if row else self.clock.now(), UTC)
            detail = f"TokenExpired: token expired at {when:%m/%d/%Y %H:%M:%S}"
            return as_json(problem(401, "Unauthorized", detail), 401)
        if not tenant:
            return None
        known = self.connection and self.connection["tenantId"]
        if not known or request.headers.get("xero-tenant-id", "").lower() != known:
            return as_json(problem(403, "Forbidden", "AuthenticationUnsuccessful"), 403)
        return _scope_refusal(request, row["grant"]["scope"].split())


def _scope_refusal(request: Request, scopes: list[str]) -> Response | None:
    """Facts 3: a call without its scope is a 401 whose WWW-Authenticate names the scope error."""
    area = "settings" if "/organisation" in request.path.lower() else "contacts"
    allowed = {f"accounting.{area}"} | ({f"accounting.{area}.read"} if request.method == "GET" else set())
    if allowed & set(scopes):
        return None
    headers = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
    return as_json(problem(401, "Unauthorized", "AuthorizationUnsuccessful"), 401, headers)


def problem(status: int, title: str, detail: str) -> dict[str, Any]:
    """The shape of Xero's 401 and 403 bodies (facts 11.2)."""
    return {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": str(uuid.uuid4()),
        "Extensions": {},
    }
