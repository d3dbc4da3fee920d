"""Xero's accounting API for contacts: routes, envelopes, reads. Writes are in `xero_writes`."""

import calendar
import time
import uuid
from typing import Any

from .store import Clock, Store
from .switches import Switches
from .wire import Refused, Request, Response, Wire, as_html, as_json, dump
from .xero_book import Contact, Rows, XeroBook, canonical_guid, guid_key, paged, single, summary, unpaged
from .xero_identity import TENANT_ID, TENANT_NAME
from .xero_query import QueryProblem, Where, field_value, parse_order

PROVIDER = "KarbonSync"
API = "/api.xro/2.0/"
MAX_PAGE = 1000
HIGH_VOLUME = 100_000
SEARCHED = ("Name", "FirstName", "LastName", "ContactNumber", "CompanyNumber", "EmailAddress")
INDEXED = {"UpdatedDateUTC": "updated", "ContactID": "id", "Name": "name"}


def not_found() -> Refused:
    """Facts 9.1: a 404 is HTML, not JSON."""
    return Refused(as_html("<html><body>The resource you're looking for cannot be found</body></html>", 404))


def api_error(number: int, kind: str, message: str, **more: Any) -> Refused:
    return Refused(as_json({"ErrorNumber": number, "Type": kind, "Message": message, **more}, 400))


def envelope(clock: Clock, **content: Any) -> Response:
    """Wrap an answer; dates leave with their slashes escaped, as recorded (facts 5.1)."""
    head = {"Id": str(uuid.uuid4()), "Status": "OK", "ProviderName": PROVIDER}
    text = dump({**head, "DateTimeUTC": f"/Date({int(clock.now() * 1000)})/", **content})
    text = text.replace('"/Date(', '"\\/Date(').replace(')/"', ')\\/"')
    return Response(200, text.encode("utf-8", "replace"))


def parse_since(header: str | None) -> int | None:
    """Read If-Modified-Since to the second; any other form is ignored (facts 15)."""
    try:
        return calendar.timegm(time.strptime(header or "", "%Y-%m-%dT%H:%M:%S")) * 1000
    except (ValueError, OverflowError):
        return None


class XeroReads:
    """Listing, paging and single reads."""

    def __init__(self, clock: Clock, switches: Switches, store: Store, book: XeroBook) -> None:
        self.clock, self.switches, self.store, self.book = clock, switches, store, book
        self._answers: dict[tuple[Any, ...], Rows] = {}
        self._answers_version = -1

    def find(self, key: str) -> Contact:
        """Return a contact by ContactID or ContactNumber; archived and merged ones, too (facts 9.1)."""
        contact = self.book.contacts.get(canonical_guid(key) or "")
        if contact is None:
            numbered = self.book.numbered(key)
            if not numbered:
                raise not_found()
            contact = numbered[0]
        return contact

    def one(self, key: str) -> Response:
        return envelope(self.clock, Contacts=[single(self.find(key))])

    def listing(self, request: Request) -> Response:
        params = {name.lower(): value for name, value in request.params.items()}
        try:
            rows = self._select(params, parse_since(request.headers.get("if-modified-since")))
        except QueryProblem as problem:
            raise api_error(16, "QueryParseException", str(problem)) from None
        if request.cut == "empty":
            rows = Rows([])
        wants_summary = params.get("summaryonly", "").lower() == "true"
        if "page" not in params and not wants_summary:
            ids = _cut(rows.page(0, rows.total), request)
            return envelope(self.clock, Contacts=[unpaged(self.book.contacts[i]) for i in ids])
        return self._page(rows, params, request, summary if wants_summary else paged)

    def _page(self, rows: Rows, params: dict[str, str], request: Request, shape: Any) -> Response:
        page, size = max(1, _whole(params.get("page"), 1)), _whole(params.get("pagesize"), 100)
        size = min(max(size, 1), MAX_PAGE)  # facts 9.2: out of range is clamped, not refused
        ids = rows.page((page - 1) * size, page * size)
        contacts = [shape(self.book.contacts[i]) for i in _cut(ids, request)]
        if not ids and page > 1 and self.switches["pagePastEnd"] == "bare":
            return envelope(self.clock, Contacts=[])
        count = rows.total
        block = {"page": page, "pageSize": size, "pageCount": -(-count // size), "itemCount": count}
        return envelope(self.clock, pagination=block, Contacts=contacts)

    def _select(self, params: dict[str, str], since: int | None) -> Rows:
        """Choose and sort. Plain listings come straight from an index; others are remembered until a change."""
        everything = params.get("includearchived", "").lower() == "true"
        order = parse_order(params["order"]) if params.get("order") else [("UpdatedDateUTC", False)]
        name, descending = order[0]
        narrowed = any(params.get(word) for word in ("ids", "where", "searchterm"))
        if not narrowed and len(order) == 1 and name in INDEXED and (since is None or name == "UpdatedDateUTC"):
            index = self.book.sorted_rows(INDEXED[name], everything)
            start = 0 if since is None else index.first_at_or_after((since,))
            return Rows(index.rows, start, descending)
        key = (everything, tuple(order), since, *(params.get(word) for word in ("ids", "where", "searchterm")))
        if self._answers_version != self.book.version or len(self._answers) > 64:
            self._answers.clear()
            self._answers_version = self.book.version
        if key not in self._answers:
            self._answers[key] = self._scan(params, everything, order, since)
        return self._answers[key]

    def _scan(self, params: dict[str, str], everything: bool, order: Any, since: int | None) -> Rows:
        where = Where(params["where"]) if params.get("where") else None
        found = [c for c in self._candidates(params, where) if everything or self.book.visible(c)]
        if since is not None:
            found = [c for c in found if c.updated_ms >= since]
        if params.get("searchterm"):
            term = params["searchterm"].casefold()
            found = [c for c in found if any(term in str(c.fields.get(f, "")).casefold() for f in SEARCHED)]
        if where:
            found = [c for c in found if where.accepts(c)]
        found.sort(key=lambda c: guid_key(c.id))
        for name, descending in reversed(order):
            found.sort(key=lambda c: _sort_value(c, name), reverse=descending)
        return Rows([(None, c.id) for c in found])

    def _candidates(self, params: dict[str, str], where: Where | None) -> list[Contact]:
        """Narrow by an id list or by a name or number the expression pins, before anything is scanned."""
        book = self.book
        if params.get("ids"):
            wanted = dict.fromkeys(canonical_guid(part.strip()) or "" for part in params["ids"].split(","))
            return [book.contacts[i] for i in wanted if i in book.contacts]
        some = next(iter(book.contacts.values()), None)
        if where and some:
            if "Name" in where.equals:
                return book.named(where.equals["Name"](some))
            if "ContactNumber" in where.equals:
                return book.numbered(where.equals["ContactNumber"](some))
            if not where.optimised and len(book.contacts) > HIGH_VOLUME:
                raise api_error(51, "HighVolumeException", "The query would process more than 100,000 documents.")
        return list(book.contacts.values())


def _sort_value(contact: Contact, name: str) -> tuple[bool, Any]:
    if name == "ContactID":
        return False, guid_key(contact.id)
    value = field_value(contact, name)
    return value is not None, value if value is not None else ""


def _cut(ids: list[str], request: Request) -> list[str]:
    """Keep half of a page for the `truncate` fault; the envelope goes on naming the real total."""
    return ids[: len(ids) // 2] if request.cut == "truncate" else ids


def _whole(text: str | None, otherwise: int) -> int:
    try:
        return int(text or otherwise)
    except ValueError:
        return otherwise


def organisation(clock: Clock) -> Response:
    details = {
        "OrganisationID": TENANT_ID,
        "Name": TENANT_NAME,
        "LegalName": TENANT_NAME,
        "OrganisationType": "COMPANY",
        "BaseCurrency": "NZD",
        "CountryCode": "NZ",
        "IsDemoCompany": True,
        "OrganisationStatus": "ACTIVE",
    }
    return envelope(clock, Organisations=[details])


def history(clock: Clock, contact: Contact) -> Response:
    return envelope(clock, HistoryRecords=[dict(note) for note in reversed(contact.history)])


def note(clock: Clock, details: str) -> Wire:
    """Facts 13: notes and API edits appear under `System Generated`."""
    now = clock.now()
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    return {
        "Changes": "Note",
        "DateUTCString": when,
        "DateUTC": f"/Date({int(now * 1000)}+0000)/",
        "User": "System Generated",
        "Details": details,
    }


def plural(body: Any, name: str) -> list[Any]:
    """Return the elements of a write: a plural-keyed array (key in any case) or a single object (facts 5)."""
    if isinstance(body, dict):
        for key, value in body.items():
            if key.lower() == name.lower():
                return value if isinstance(value, list) else [value]
        return [body] if body else []
    return body if isinstance(body, list) else []
