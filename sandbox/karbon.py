"""Karbon's API v3 for contacts: sign-in, routes, lists and single records."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from .karbon_book import CONTACT, ORGANIZATION, PLURALS, KarbonBook, Record, single
from .karbon_query import LIST_OPTIONS, Filter, bad_query, check_options, parse_order, whole
from .karbon_rules import CONTACT_TYPES, KarbonRules, error, gateway_missing, missing
from .store import Clock, Store
from .switches import Switches
from .wire import Refused, Request, Response, Wire, as_json
from .xero_book import Rows

BEARER_TOKEN = "5a9db0c5-5a9d-4b0c-8a9d-b0c55a9db0c5"
ACCESS_KEY = "sandbox.sandbox.sandbox"
PAGE = 100
EXPANDABLE = {
    CONTACT: ("BusinessCards", "ClientTeam", "ClientAccess"),
    ORGANIZATION: ("BusinessCards", "ClientTeam", "Contacts"),
}
KINDS = {"contacts": CONTACT, "organizations": ORGANIZATION}
ENTITY = re.compile(
    r"(?P<plural>contacts|organizations|businesscards)(?:\('(?P<quoted>[^']*)'\)|/(?P<key>[^/]+))", re.IGNORECASE
)
BY_IDENTIFIER = re.compile(
    r"(?P<plural>contacts|organizations)/(?:KarbonService\.)?Get(?:Contact|Organization)ByUserDefinedIdentifier"
    r"\(UserDefinedIdentifier='(?P<value>.*)'\)",
    re.IGNORECASE,
)
Changed = Callable[[Record, str], None]


def unauthorised() -> Response:
    return as_json({"error": {"statusCode": "401", "message": "JWT not present."}}, 401)


class KarbonService:
    """Everything behind `/karbon`, called with the sandbox's lock held. `hooks` answers the subscription routes."""

    def __init__(self, clock: Clock, switches: Switches, store: Store, hooks: Any) -> None:
        self.clock, self.switches, self.hooks = clock, switches, hooks
        self.book = KarbonBook(clock, switches, store)
        self.rules = KarbonRules(self.book, switches)
        self._answers: dict[tuple[str, ...], Rows] = {}
        self._answers_version = -1

    def answer(self, request: Request, path: str) -> Response:
        """Answer a call below `/karbon`; `path` starts after that prefix."""
        if not _signed_in(request):
            return unauthorised()
        rest = path[4:].strip("/") if path.lower().startswith("/v3/") else None
        if rest is None:
            raise self._no_route(request)
        if rest.lower() == "tenantsettings" and request.method == "GET":
            return unauthorised() if self.switches["tenantSettings401"] else as_json(self._settings(request))
        if rest.lower().split("/")[0] == "webhooksubscriptions":
            return self._subscriptions(request, rest)
        if request.method in ("POST", "PUT", "PATCH"):
            self._maybe_stale()
        return self._records(request, rest)

    def _records(self, request: Request, rest: str) -> Response:
        found = BY_IDENTIFIER.fullmatch(rest)
        if found and request.method == "GET":
            return self._by_identifier(request, KINDS[found["plural"].lower()], found["value"].replace("''", "'"))
        if rest.lower() in KINDS:
            return self._collection(request, KINDS[rest.lower()])
        if rest.lower() == "clientgroups" and request.method == "GET":
            context = f"{_root(request)}/v3/$metadata#ClientGroups/KarbonService.ClientGroupSummaryDTO"
            return as_json({"@odata.context": context, "@odata.count": 0, "value": []})
        found = ENTITY.fullmatch(re.sub(r"/KarbonService\.\w+$", "", rest))
        if not found:
            raise self._no_route(request)
        key = found["quoted"] if found["quoted"] is not None else found["key"]
        if found["plural"].lower() == "businesscards":
            return self._card(request, key)
        return self._entity(request, KINDS[found["plural"].lower()], key)

    def _no_route(self, request: Request) -> Refused:
        uri = f"{request.base}{request.raw_path}"
        return error(404, "4002", f"No HTTP resource was found that matches the request URI '{uri}'")

    def _maybe_stale(self) -> None:
        """Refuse as many writes as `staleWrite409` says (facts A9: two writers race)."""
        if self.switches["staleWrite409"]:
            self.switches.change({"staleWrite409": self.switches["staleWrite409"] - 1})
            text = "The resource was modified by another request. Refetch the latest version and retry."
            raise error(409, "4020", text)

    def visible(self, kind: str, key: str) -> Record | None:
        record = self.book.records.get(key)
        return record if record and record.kind == kind and self.book.visible(record) else None

    # Lists

    def _collection(self, request: Request, kind: str) -> Response:
        if request.method == "GET":
            return self._list(request, kind)
        if request.method != "POST":
            raise self._no_route(request)
        check_options(request.params, set())
        record = self.book.put(self.rules.created(kind, request.json()))
        self._announce(record, "Inserted")
        # Facts A10: the contact echo carries its cards, the organisation echo does not.
        wire = single(self.book, record, ["BusinessCards"] if kind == CONTACT else [], _root(request))
        location = f"{_root(request)}/v3/{PLURALS[kind]}('{record.key}')/KarbonService.{kind}DTO"
        return as_json(wire, 201, {"Location": location})

    def _list(self, request: Request, kind: str) -> Response:
        params = request.params
        check_options(params, LIST_OPTIONS)
        top, skip = whole(params, "$top", PAGE), whole(params, "$skip", 0)
        if top > PAGE and self.switches["topOver100"] == "400":
            raise bad_query(
                f"The limit of '100' for Top query has been exceeded. The value from the incoming request is '{top}'."
            )
        rows = Rows([]) if request.cut == "empty" else self._select(kind, params)
        keys = rows.page(skip, skip + min(top, PAGE))
        more = skip + len(keys) < rows.total and bool(keys)
        if "$top" in params:
            # Facts A5.2: stock OData answers an explicit $top without a nextLink; live tenants differ.
            more = more and top >= PAGE and self.switches["nextLinkWithTop"]
        if request.cut == "truncate":
            keys, more = keys[: len(keys) // 2], False
        root = _root(request)
        answer: Wire = {
            "@odata.context": f"{root}/v3/$metadata#{PLURALS[kind]}/KarbonService.{kind}SummaryDTO",
            "@odata.count": rows.total,
            "value": [self.book.row(self.book.records[key]) for key in keys],
        }
        if more:
            carried = {**params, "$skip": str(skip + len(keys))}
            query = urlencode(carried, quote_via=quote, safe="$")
            answer["@odata.nextLink"] = f"{root}/v3/{PLURALS[kind]}?{query}"
        return as_json(answer)

    def _select(self, kind: str, params: dict[str, str]) -> Rows:
        """Choose and sort. Plain lists come straight from an index; filtered ones are remembered until a change."""
        order, descending = parse_order(kind, params.get("$orderby", ""))
        text = params.get("$filter", "")
        if "ExternalKey" in text and self.switches["externalKeyFilter"] != "works":
            text = self._external_key_filter(kind)
        if not text.strip():
            return Rows(self.book.sorted_rows(kind, order).rows, 0, descending)
        if self._answers_version != self.book.version or len(self._answers) > 64:
            self._answers.clear()
            self._answers_version = self.book.version
        asked = (kind, order, str(descending), text)
        if asked not in self._answers:
            self._answers[asked] = self._scan(kind, Filter(kind, text), order, descending)
        return self._answers[asked]

    def _external_key_filter(self, kind: str) -> str:
        """Facts A5.3, A5.4: a tenant may ignore a filter it does not support, or refuse the property."""
        if self.switches["externalKeyFilter"] == "ignored":
            return ""
        raise bad_query(f"Could not find a property named 'ExternalKey' on type 'KarbonService.{kind}SummaryDTO'.")

    def _scan(self, kind: str, chosen: Filter, order: str, descending: bool) -> Rows:
        book = self.book
        pins = [name for name in ("FullName", "EmailAddress") if name in chosen.equals]
        if pins:
            keys = sorted(book.pinned(kind, pins[0], chosen.equals[pins[0]]))
        else:
            keys = [row[1] for row in book.sorted_rows(kind, "").rows]
        records = [book.records[key] for key in keys if book.visible(book.records[key])]
        found = [r for r in records if chosen.accepts(r, book.row(r))]
        if order == "FullName":
            found.sort(key=lambda r: book.row(r)["FullName"].casefold())
        elif order:
            found.sort(key=lambda r: r.ticks)
        return Rows([(None, r.key) for r in found], 0, descending)

    # Single records

    def _by_identifier(self, request: Request, kind: str, value: str) -> Response:
        if not value:
            raise error(400, "4002", "UserDefinedIdentifier is missing or empty")
        record = self.book.identified(value)
        if not record or record.kind != kind or not self.book.visible(record):
            raise error(404, "4004", f"No {kind} found for provided UserDefinedIdentifer")
        return self._shown(request, record, ("BusinessCards",))

    def _shown(self, request: Request, record: Record, expandable: tuple[str, ...]) -> Response:
        check_options(request.params, {"$expand"})
        expand = [name.strip() for name in request.params.get("$expand", "").split(",") if name.strip()]
        for name in expand:
            if name not in expandable:
                raise bad_query(f"Could not find a property named '{name}' on type 'KarbonService.{record.kind}DTO'.")
        return as_json(single(self.book, record, expand, _root(request)))

    def _entity(self, request: Request, kind: str, key: str) -> Response:
        record = self.visible(kind, key)
        if request.method == "GET":
            if not record:
                raise missing(kind, key)
            return self._shown(request, record, EXPANDABLE[kind])
        if request.method not in ("PATCH", "PUT"):
            raise self._no_route(request)
        if not record:
            raise gateway_missing()
        check_options(request.params, set())
        if request.method == "PUT":
            self._announce(self.book.put(self.rules.replaced(record, request.json())), "Updated")
            return Response(204)
        record = self.book.put(self.rules.patched(record, request.json()))
        self._announce(record, "Updated")
        return self._patch_answer(request, record)

    def _patch_answer(self, request: Request, record: Record) -> Response:
        """Facts A11: 200 with AccountingDetail null when asked for by Prefer; without it, by switch."""
        prefer = request.headers.get("prefer", "").replace(" ", "")
        bare = "return=minimal" in prefer or (
            "return=representation" not in prefer and self.switches["patchWithoutPrefer"] == "204"
        )
        if bare:
            return Response(204)
        return as_json({**single(self.book, record, base=_root(request)), "AccountingDetail": None})

    def _card(self, request: Request, key: str) -> Response:
        owner = self.book.records.get(self.book.owners.get(key, ""))
        if owner and not self.book.visible(owner):
            owner = None
        if request.method == "GET":
            if not owner:
                raise error(404, "4004", f"Invalid businessCardPermaKey {key}")
            context = f"{_root(request)}/v3/$metadata#BusinessCards/$entity"
            head = {"@odata.context": context, "@odata.type": "#KarbonService.BusinessCardDTO"}
            return as_json({**head, **self.book.card(owner, _card_of(owner, key))})
        if request.method != "PUT":
            raise self._no_route(request)
        if not owner:
            raise gateway_missing()
        check_options(request.params, set())
        changed = self.rules.replaced_card(owner, _card_of(owner, key), request.json())
        self.save_card_edit(changed, own=True)
        return Response(204)

    def save_card_edit(self, record: Record, own: bool) -> None:
        """Store a card edit; whether it shows on its owner is unknown, so two switches decide (facts A5.6, A15)."""
        self.book.put(record, bump=self.switches["cardEditBumpsParent"])
        if self.switches["cardEditFiresHook"] and (not own or self.switches["hookEchoOwnWrites"]):
            self.hooks.changed(record, "Updated")

    def _announce(self, record: Record, action: str) -> None:
        if self.switches["hookEchoOwnWrites"]:
            self.hooks.changed(record, action)

    def _settings(self, request: Request) -> Wire:
        types = [{"Name": name, "ContactTypeKey": f"ct{name[:8]}01"} for name in CONTACT_TYPES]
        return {
            "@odata.context": f"{_root(request)}/v3/$metadata#TenantSettings/$entity",
            "TenantKey": "2SandboxTnt1",
            "ClientAccessActivated": False,
            "WorkStatuses": [],
            "WorkTypes": [],
            "ContactTypes": types,
            "ServiceTypes": [],
        }

    def _subscriptions(self, request: Request, rest: str) -> Response:
        kind = rest.partition("/")[2].strip("/")
        if request.method == "POST" and not kind:
            wire = self.hooks.subscribe(request.json())
            context = f"{_root(request)}/v3/$metadata#WebhookSubscriptions/$entity"
            location = f"{_root(request)}/v3/WebhookSubscriptions('{wire['TargetUrl']}')"
            return as_json({"@odata.context": context, **wire}, 201, {"Location": location})
        if request.method == "DELETE":
            self.hooks.unsubscribe(kind)
            return Response(204)
        if request.method == "GET" and kind:
            context = f"{_root(request)}/v3/$metadata#WebhookSubscriptions/$entity"
            return as_json({"@odata.context": context, **self.hooks.subscription(kind)})
        raise self._no_route(request)


def _root(request: Request) -> str:
    return f"{request.base}/karbon"


def _card_of(owner: Record, key: str) -> Wire:
    return next(card for card in owner.cards if card["BusinessCardKey"] == key)


def _signed_in(request: Request) -> bool:
    """Facts A2: both headers on every call, not interchangeable."""
    headers = request.headers
    return headers.get("authorization") == f"Bearer {BEARER_TOKEN}" and headers.get("accesskey") == ACCESS_KEY
