"""Xero's contact API as a whole: dispatch by route, and writes with their batches and idempotency keys."""

import hashlib
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .store import Clock, Store
from .switches import Switches
from .wire import Refused, Request, Response, Wire, as_json
from .xero import API, XeroReads, api_error, envelope, history, not_found, note, organisation, plural
from .xero_book import Contact, XeroBook, written
from .xero_identity import Identity
from .xero_rules import Rejected, Rules, UnknownContact

IDEMPOTENCY_SECONDS = 360
ECHO_LISTS = ("Addresses", "Phones", "ContactGroups", "ContactPersons")
NO_DATA = (
    "No data has been processed for this endpoint. This endpoint is expecting Contact data to be specifed "
    "in the request body."
)
Changed = Callable[[Contact, bool], None]


class XeroService:
    """Everything behind `/xero/api`, called with the sandbox's lock held."""

    def __init__(self, clock: Clock, switches: Switches, store: Store, changed: Changed) -> None:
        self.clock, self.switches, self.store, self._changed = clock, switches, store, changed
        self.book = XeroBook(clock, store)
        self.identity = Identity(clock, store, switches)
        self.reads = XeroReads(clock, switches, store, self.book)
        self.rules = Rules(self.book, switches)
        self.replays: dict[str, Wire] = dict(store.load("idempotency"))

    def answer(self, request: Request, path: str) -> Response:
        """Answer a call below `/xero/api`; `path` starts after that prefix."""
        if re.match(r"/connections(/|$)", path, re.IGNORECASE):
            return self.identity.refusal(request, tenant=False) or self.identity.connections(request)
        refusal = self.identity.refusal(request)
        if refusal:
            return refusal
        if not path.startswith(API):
            raise not_found()
        if "json" not in request.headers.get("accept", ""):
            return _no_xml()
        if request.method in ("POST", "PUT") and "idempotency-key" in request.headers:
            return self._once(request, path)
        return self._route(request, path)

    def _route(self, request: Request, path: str) -> Response:
        parts = [part for part in path[len(API) :].split("/") if part]
        area = parts[0].lower() if parts else ""
        if area in ("organisation", "organisations") and request.method == "GET" and len(parts) == 1:
            return organisation(self.clock)
        if area == "contactgroups" and request.method == "GET" and len(parts) == 1:
            return envelope(self.clock, ContactGroups=[])
        if area != "contacts" or len(parts) > 3:
            raise not_found()
        if len(parts) == 3:
            return self._related(request, parts)
        if request.method == "GET":
            return self.reads.one(parts[1]) if len(parts) == 2 else self.reads.listing(request)
        if request.method == "POST" and len(parts) == 2:
            return self._update_one(request, parts[1])
        if request.method in ("POST", "PUT") and len(parts) == 1:
            return self._batch(request, create_only=request.method == "PUT")
        return Response(501, b"", None)

    def _once(self, request: Request, path: str) -> Response:
        """Facts 7: replay a key's answer for six minutes, errors too; another request under it is refused."""
        key = request.headers["idempotency-key"]
        if len(key) > 128:
            raise api_error(10, "ValidationException", "The Idempotency Key must not exceed 128 characters.")
        now = self.clock.now()
        digest = hashlib.sha256(f"{request.method} {path}?{request.query}\n".encode() + request.body).hexdigest()
        kept = self.replays.get(key)
        if kept and kept["until"] > now:
            if kept["digest"] != digest:
                raise api_error(10, "ValidationException", f"Idempotency Key: {key} is used with a different request.")
            return Response(kept["status"], kept["body"].encode(), kept["type"])
        try:
            response = self._route(request, path)
        except Refused as refused:
            response = refused.response
        self._keep(key, digest, now, response)
        return response

    def _keep(self, key: str, digest: str, now: float, response: Response) -> None:
        for old in [k for k, row in self.replays.items() if row["until"] <= now]:
            del self.replays[old]
            self.store.delete("idempotency", old)
        row = {"digest": digest, "until": now + IDEMPOTENCY_SECONDS, "status": response.status}
        row |= {"body": response.body.decode(), "type": response.content_type}
        self.replays[key] = row
        self.store.put("idempotency", key, row)

    def _elements(self, request: Request) -> list[Wire]:
        elements = plural(request.json(), "Contacts")
        if not elements or not all(isinstance(element, dict) for element in elements):
            raise api_error(17, "NoDataProcessedException", NO_DATA)
        return elements

    def _update_one(self, request: Request, key: str) -> Response:
        contact = self.reads.find(key)
        element = {**self._elements(request)[0], "ContactID": contact.id}
        return self._save([element], create_only=False, summarise=True)

    def _batch(self, request: Request, create_only: bool) -> Response:
        params = {name.lower(): value for name, value in request.params.items()}
        summarise = params.get("summarizeerrors", "true").lower() != "false"
        return self._save(self._elements(request), create_only, summarise)

    def _save(self, elements: list[Wire], create_only: bool, summarise: bool) -> Response:
        """Save each element in turn; in the default mode one bad element undoes them all (facts 10.5)."""
        before: list[tuple[str, Contact | None]] = []
        changed: list[Contact] = []
        answers: list[Wire] = []
        rejected: list[Wire] = []
        for element in elements:
            sent = self.rules.tidy(element)
            try:
                old, new = self._outcome(sent, create_only)
            except Rejected as problem:
                rejected.append(_echo(element, problem))
                answers.append({**rejected[-1], "StatusAttributeString": "ERROR"})
                continue
            except UnknownContact:
                self._undo(before)
                raise not_found() from None
            if new is not old:
                before.append((new.id, old))
                self.book.put(new)
                changed.append(new)
            answers.append(written(new) if summarise else {**written(new), "StatusAttributeString": "OK"})
        if rejected and summarise:
            self._refuse(before, changed, rejected)
        self._announce(changed, before)
        return envelope(self.clock, Contacts=answers)

    def _refuse(self, before: list[tuple[str, Contact | None]], changed: list[Contact], rejected: list[Wire]) -> None:
        if self.switches["saveValidSiblings"]:
            self._announce(changed, before)
        else:
            self._undo(before)
        raise api_error(10, "ValidationException", "A validation exception occurred", Elements=rejected)

    def _announce(self, changed: list[Contact], before: list[tuple[str, Contact | None]]) -> None:
        for contact, (_, old) in zip(changed, before, strict=True):
            if self.switches["xeroHookEchoOwnWrites"]:
                self._changed(contact, old is None)

    def _undo(self, before: list[tuple[str, Contact | None]]) -> None:
        for contact_id, old in reversed(before):
            if old:
                self.book.put(old)
            else:
                self.book.remove(contact_id)

    def _outcome(self, sent: Wire, create_only: bool) -> tuple[Contact | None, Contact]:
        """Return the contact before and after; the same object when a no-op write moves nothing."""
        old = None if create_only else self.rules.target(sent)
        if old is None:
            new = self.rules.created(sent)
        else:
            new = self.rules.updated(old, sent)
            if not self.switches["noopBumps"] and new.fields == old.fields:
                return old, old
        edit = note(self.clock, f"Received through the Xero API from {'KarbonSync'}")
        return old, replace(new, updated_ms=self.clock.stamp_ms(), history=(*new.history[-19:], edit))

    def _related(self, request: Request, parts: list[str]) -> Response:
        contact = self.reads.find(parts[1])
        if parts[2].lower() != "history":
            raise not_found()
        if request.method == "GET":
            return history(self.clock, contact)
        if request.method != "PUT":
            return Response(501, b"", None)
        notes = [n.get("Details") for n in plural(request.json(), "HistoryRecords") if isinstance(n, dict)]
        if not notes or not all(isinstance(text, str) and 0 < len(text) <= 2500 for text in notes):
            raise api_error(10, "ValidationException", "A validation exception occurred", Elements=[])
        added = [note(self.clock, str(text)) for text in notes]
        stamp = self.clock.stamp_ms() if self.switches["historyBumps"] else contact.updated_ms
        self.book.put(replace(contact, history=(*contact.history, *added), updated_ms=stamp))
        return envelope(self.clock, HistoryRecords=added)


def _echo(element: Wire, problem: Rejected) -> Wire:
    """Echo a refused element as sent, with empty arrays for unset lists (facts 11.1)."""
    echo: dict[str, Any] = {"ContactID": problem.contact_id, **{n: v for n, v in element.items() if n != "ContactID"}}
    for name in ECHO_LISTS:
        echo.setdefault(name, [])
    messages = [{"Message": message} for message in problem.messages]
    return {**echo, "HasValidationErrors": True, "ValidationErrors": messages}


def _no_xml() -> Response:
    """Facts 5: the real service answers XML unless asked for JSON. Here that is refused, so that it is noticed."""
    text = "Only JSON is spoken here. Send the header Accept: application/json (the real service would answer in XML)."
    body = f"<ApiException><ErrorNumber>0</ErrorNumber><Message>{text}</Message></ApiException>"
    return Response(406, body.encode(), "text/xml; charset=utf-8")


def api_headers(limits: dict[str, str]) -> dict[str, str]:
    """The headers every answer of the API carries (facts 5 and 6)."""
    return {**limits, "xero-correlation-id": str(uuid.uuid4())}


def error_body() -> Response:
    """A 500 without further word, for injected errors."""
    return as_json({"ErrorNumber": 500, "Type": "InternalServerError", "Message": "An error occurred in Xero."}, 500)
