"""Karbon's records: contacts and organisations with their business cards, their indexes and wire shapes."""

import random
import string
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .store import Clock, SortedIndex, Store
from .switches import Switches
from .wire import Wire, sentence

CONTACT, ORGANIZATION = "Contact", "Organization"
KEY_NAMES = {CONTACT: "ContactKey", ORGANIZATION: "OrganizationKey"}
PLURALS = {CONTACT: "Contacts", ORGANIZATION: "Organizations"}
CONTACT_FIELDS = ("FirstName", "MiddleName", "LastName", "PreferredName", "Salutation", "Suffix")
SHARED_FIELDS = ("ClientOwner", "ClientManager", "ContactType", "UserDefinedIdentifier")
FIELDS = {
    CONTACT: (*CONTACT_FIELDS, *SHARED_FIELDS, "RestrictionLevel", "AvatarUrl"),
    ORGANIZATION: ("FullName", *SHARED_FIELDS, "RestrictionLevel"),
}
STRUCTURES: dict[str, type] = {
    "EntityDescription": dict,
    "AccountingDetail": dict,
    "ClientTeam": list,
    "ClientAccess": list,
}
CARD_LISTS = ("WebSites", "EmailAddresses", "PhoneNumbers", "Addresses")
CARD_TEXTS = ("OrganizationKey", "RoleOrTitle", "FacebookLink", "LinkedInLink", "TwitterLink", "SkypeLink")
PHONE_PARTS = ("Number", "CountryCode", "Label")
ADDRESS_PARTS = ("AddressLines", "City", "StateProvinceCounty", "ZipCode", "CountryCode", "Label")
ALPHABET = string.ascii_letters + string.digits
TICKS_PER_MS = 10_000


@dataclass(slots=True, eq=False)
class Record:
    """One stored record; replaced, never changed in place. `external` holds ExternalKeys: filter-only (facts A5.4)."""

    key: str
    kind: str
    fields: Wire
    cards: list[Wire]
    ticks: int
    external: list[str] = field(default_factory=list)
    row: Wire | None = None

    @property
    def primary(self) -> Wire:
        for card in self.cards:
            if card.get("IsPrimaryCard"):
                return card
        return self.cards[0] if self.cards else {}

    def stored(self) -> Wire:
        return {"k": self.kind, "f": self.fields, "c": self.cards, "t": self.ticks, "e": self.external}

    def changed(self, *, fields: Wire | None = None, cards: list[Wire] | None = None) -> "Record":
        return Record(
            self.key,
            self.kind,
            self.fields if fields is None else fields,
            self.cards if cards is None else cards,
            self.ticks,
            self.external,
        )


def fold(text: Any) -> str:
    return str(text or "").casefold()


def new_key() -> str:
    return "".join(random.choices(ALPHABET, k=12))


def detail_time(ticks: int) -> str:
    """Single records show seven fractional digits (facts A5.6)."""
    seconds, rest = divmod(ticks, TICKS_PER_MS * 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:07d}Z"


def row_time(ticks: int) -> str:
    """List rows show whole seconds (facts A5.6)."""
    return f"{datetime.fromtimestamp(ticks // (TICKS_PER_MS * 1000), UTC):%Y-%m-%dT%H:%M:%SZ}"


def parse_time(text: Any) -> int | None:
    try:
        moment = datetime.fromisoformat(str(text)[:26].rstrip("Z")).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * TICKS_PER_MS * 1000 + moment.microsecond * 10


def is_blank_address(address: Wire) -> bool:
    return not any(address.get(part) for part in ADDRESS_PARTS if part not in ("Label", "CountryCode"))


def name_of(record: Record, comma: bool = False) -> str:
    """Return a record's FullName; contacts in lists are `Last, First` by default (facts A6.1)."""
    if record.kind == ORGANIZATION:
        return str(record.fields.get("FullName") or "")
    first, middle, last, suffix = (
        str(record.fields.get(n) or "") for n in ("FirstName", "MiddleName", "LastName", "Suffix")
    )
    given, family = f"{first} {middle}".strip(), f"{last} {suffix}".strip()
    if comma:
        return f"{family}, {given}" if family and given else family or given
    return f"{given} {family}".strip()


class KarbonBook:
    """All records, found by key, card key or identifier at once, and kept sorted for paging."""

    def __init__(self, clock: Clock, switches: Switches, store: Store) -> None:
        self.clock, self.switches, self.store = clock, switches, store
        self._clear()

    def _clear(self) -> None:
        self.records: dict[str, Record] = {}
        self.owners: dict[str, str] = {}
        self._identifiers: dict[str, str] = {}
        self._found: dict[tuple[str, str, str], dict[str, None]] = {}
        self._indexes: dict[tuple[str, str], SortedIndex] = {}
        self.version = getattr(self, "version", 0) + 1  # answers remembered for the old world must not serve the new

    def load(self, records: Iterable[Record]) -> None:
        self._clear()
        for record in records:
            self._insert(record)
            self.clock.not_before(record.ticks // TICKS_PER_MS)

    def reindex(self) -> None:
        """Forget rows and orders after a switch changed what lists show."""
        self._found.clear()
        self._indexes.clear()
        self.version += 1
        for record in self.records.values():
            record.row = None
            self._note(record)

    def visible(self, record: Record) -> bool:
        """Facts A8: Private and Hidden records are missing for the API."""
        public = record.fields.get("RestrictionLevel", "Public") == "Public"
        return public or bool(self.switches["privateRecords"] == "visible")

    def put(self, record: Record, bump: bool = True) -> Record:
        if bump:
            record.ticks = self.clock.stamp_ms() * TICKS_PER_MS + random.randrange(TICKS_PER_MS)
        self._withdraw(record.key)
        self._insert(record)
        self.store.put("karbon", record.key, record.stored())
        return record

    def remove(self, key: str) -> None:
        self._withdraw(key)
        self.store.delete("karbon", key)

    def _keys_of(self, record: Record) -> list[tuple[str, str, str]]:
        name = name_of(record, self.switches["listFullName"] == "comma")
        email = _first(record.primary, "EmailAddresses")
        return [(record.kind, "FullName", fold(name)), (record.kind, "EmailAddress", fold(email))]

    def _note(self, record: Record) -> None:
        for key in self._keys_of(record):
            self._found.setdefault(key, {})[record.key] = None

    def _insert(self, record: Record) -> None:
        self.version += 1
        self.records[record.key] = record
        self.owners.update((card["BusinessCardKey"], record.key) for card in record.cards)
        if identifier := record.fields.get("UserDefinedIdentifier"):
            self._identifiers[fold(identifier)] = record.key
        self._note(record)
        if self.visible(record):
            for (kind, order), index in self._indexes.items():
                if kind == record.kind:
                    index.add(self._sort_key(record, order), record.key)

    def _withdraw(self, key: str) -> None:
        old = self.records.pop(key, None)
        if old is None:
            return
        self.version += 1
        for card in old.cards:
            self.owners.pop(card["BusinessCardKey"], None)
        self._identifiers.pop(fold(old.fields.get("UserDefinedIdentifier")), None)
        for found_key in self._keys_of(old):
            bucket = self._found.get(found_key, {})
            bucket.pop(key, None)
            if not bucket:
                self._found.pop(found_key, None)
        if self.visible(old):
            for (kind, order), index in self._indexes.items():
                if kind == old.kind:
                    index.remove(self._sort_key(old, order), key)

    def _sort_key(self, record: Record, order: str) -> Any:
        if order == "LastModifiedDateTime":
            return record.ticks
        return fold(self.row(record)["FullName"]) if order == "FullName" else ""

    def sorted_rows(self, kind: str, order: str) -> SortedIndex:
        """Return the visible records of a kind in an order (`""` is by key), built on first use."""
        index = self._indexes.get((kind, order))
        if index is None:
            chosen = (r for r in self.records.values() if r.kind == kind and self.visible(r))
            index = SortedIndex((self._sort_key(r, order), r.key) for r in chosen)
            self._indexes[kind, order] = index
        return index

    def pinned(self, kind: str, name: str, value: str) -> list[str]:
        """Return the keys of those whose FullName or EmailAddress is the value, whatever its case."""
        return list(self._found.get((kind, name, fold(value)), ()))

    def identified(self, identifier: Any) -> Record | None:
        key = self._identifiers.get(fold(identifier)) if identifier else None
        return self.records.get(key or "")

    def row(self, record: Record) -> Wire:
        """Return the list row of a record, made once per change."""
        if record.row is None:
            comma = self.switches["listFullName"] == "comma"
            record.row = _contact_row(record, comma) if record.kind == CONTACT else _organization_row(record)
        return record.row

    def cards(self, record: Record) -> list[Wire]:
        return [self.card(record, card) for card in record.cards]

    def card(self, record: Record, card: Wire) -> Wire:
        """Show a card; facts A6.7: an empty Physical address often stands beside a filled one."""
        shown = {"BusinessCardKey": card["BusinessCardKey"], "EntityType": record.kind, "EntityKey": record.key}
        shown |= {name: value for name, value in card.items() if name not in shown}
        addresses = card["Addresses"]
        filled = any(a.get("Label") in ("Mailing", "Legal") and not is_blank_address(a) for a in addresses)
        if self.switches["emptyPhysicalAddress"] and filled and all(a.get("Label") != "Physical" for a in addresses):
            key = str(uuid.uuid5(uuid.NAMESPACE_OID, card["BusinessCardKey"]))
            blank = {"AddressKey": key, **dict.fromkeys(ADDRESS_PARTS), "Label": "Physical"}
            shown["Addresses"] = [blank, *addresses]
        return shown


def single(book: KarbonBook, record: Record, expand: Iterable[str] = (), base: str = "") -> Wire:
    """The single-record form; cards only when asked for (facts A5.7)."""
    plural, fields = PLURALS[record.kind], record.fields
    wire: Wire = {
        "@odata.context": f"{base}/v3/$metadata#{plural}/KarbonService.{record.kind}DTO/$entity",
        "@odata.type": f"#KarbonService.{record.kind}DTO",
        KEY_NAMES[record.kind]: record.key,
    }
    wire.update((name, fields.get(name)) for name in FIELDS[record.kind])
    wire["RestrictionLevel"] = fields.get("RestrictionLevel") or "Public"
    wire["LastModifiedDateTime"] = detail_time(record.ticks)
    wire["EntityDescription"] = fields.get("EntityDescription") or {"Text": ""}
    perma = {"ContactPermaKey": None, "OrganizationPermaKey": None, f"{record.kind}PermaKey": record.key}
    wire["AccountingDetail"] = {
        **perma,
        "RegistrationNumbers": [],
        "Notes": [],
        **(fields.get("AccountingDetail") or {}),
    }
    for name in expand:
        wire[name] = book.cards(record) if name == "BusinessCards" else _expanded(book, record, name)
    return wire


def _expanded(book: KarbonBook, record: Record, name: str) -> list[Wire]:
    if name != "Contacts":
        return list(record.fields.get(name) or [])
    return [
        book.row(other)
        for other in book.records.values()
        if other.kind == CONTACT and any(c.get("OrganizationKey") == record.key for c in other.cards)
    ]


def _first(card: Wire, name: str) -> Any:
    return (card.get(name) or [None])[0]


def _contact_row(record: Record, comma: bool) -> Wire:
    """Facts A6.1: no FirstName or LastName here; the first entries of the primary card feed the rest."""
    card, fields = record.primary, record.fields
    phone = _first(card, "PhoneNumbers")
    address = next((a for a in card.get("Addresses", []) if not is_blank_address(a)), None)
    return {
        "@odata.type": "#KarbonService.ContactSummaryDTO",
        "ContactKey": record.key,
        "FullName": name_of(record, comma),
        **{name: fields.get(name) for name in ("PreferredName", "Salutation", "ClientOwner", "ClientManager")},
        "Address": ", ".join(str(address[p]) for p in ADDRESS_PARTS[:5] if address.get(p)) if address else None,
        "EmailAddress": _first(card, "EmailAddresses"),
        "PhoneNumber": phone.get("Number") if phone else None,
        "RoleOrTitle": card.get("RoleOrTitle"),
        "ContactType": fields.get("ContactType"),
        "UserDefinedIdentifier": fields.get("UserDefinedIdentifier"),
        "LastModifiedDateTime": row_time(record.ticks),
    }


def _organization_row(record: Record) -> Wire:
    card, fields = record.primary, record.fields
    phone = _first(card, "PhoneNumbers")
    return {
        "@odata.type": "#KarbonService.OrganizationSummaryDTO",
        "OrganizationKey": record.key,
        "FullName": name_of(record),
        "PhoneNumber": phone.get("Number") if phone else None,
        "EmailAddress": _first(card, "EmailAddresses"),
        "Website": _first(card, "WebSites"),
        "ContactType": fields.get("ContactType"),
        "LastModifiedDateTime": row_time(record.ticks),
        "UserDefinedIdentifier": fields.get("UserDefinedIdentifier"),
    }


def clean_card(given: Wire, key: str | None = None) -> Wire:
    """Bring a card into stored form: every property present, sub-keys given to rows that lack one."""
    card: Wire = {"BusinessCardKey": key or given.get("BusinessCardKey") or new_key()}
    card["IsPrimaryCard"] = bool(given.get("IsPrimaryCard"))
    card.update((name, given.get(name)) for name in CARD_TEXTS)
    for name in ("WebSites", "EmailAddresses"):
        card[name] = [value for value in given.get(name) or [] if isinstance(value, str)]
    card["PhoneNumbers"] = _keyed(given.get("PhoneNumbers"), "PhoneNumberKey", PHONE_PARTS)
    card["Addresses"] = _keyed(given.get("Addresses"), "AddressKey", ADDRESS_PARTS)
    return card


def _keyed(rows: Any, key_name: str, parts: tuple[str, ...]) -> list[Wire]:
    return [
        {key_name: row.get(key_name) or str(uuid.uuid4()), **{part: row.get(part) for part in parts}}
        for row in rows or []
        if isinstance(row, dict)
    ]


def one_primary(cards: list[Wire]) -> list[Wire]:
    """Make exactly one card the primary one: the first that says so, else the first."""
    chosen = next((i for i, card in enumerate(cards) if card["IsPrimaryCard"]), 0)
    return [{**card, "IsPrimaryCard": i == chosen} for i, card in enumerate(cards)]


def from_wire(kind: str, wire: Wire, ticks: int) -> Record:
    """Take a record in single-record form, cards included, as a world or a person gives it."""
    names = (*FIELDS[kind], "EntityDescription", "AccountingDetail", "ClientTeam", "ClientAccess")
    fields = {name: wire[name] for name in names if wire.get(name) is not None}
    fields.setdefault("RestrictionLevel", "Public")
    external = wire.get("ExternalKey") or []
    given = wire.get("BusinessCards")
    cards = [clean_card(card) for card in ([{}] if given is None else given)]
    key = wire.get(KEY_NAMES[kind]) or new_key()
    modified = parse_time(wire.get("LastModifiedDateTime")) or ticks
    keys = [external] if isinstance(external, str) else list(external)
    return Record(key, kind, fields, one_primary(cards), modified, keys)


def from_world(kind: str, wires: list[Wire], clock: Clock) -> list[Record]:
    """Stamp records that lack a timestamp a day back, a millisecond apart, in their order."""
    start = int((clock.now() - 86_400) * 1000)
    return [from_wire(kind, wire, (start + i) * TICKS_PER_MS + 4567) for i, wire in enumerate(wires)]


def from_store(key: str, row: Wire) -> Record:
    return Record(key, row["k"], row["f"], row["c"], row["t"], row["e"])


def check_wire(kind: str, body: Any) -> Wire:
    """Refuse a person's body whose values have the wrong shape, so that nothing unreadable is ever stored."""
    if not isinstance(body, dict):
        raise sentence(400, "Send an object with Karbon's field names.")
    for name in (*FIELDS[kind], KEY_NAMES[kind], "LastModifiedDateTime"):
        if not isinstance(body.get(name, ""), str | None):
            raise sentence(400, f"{name} is text.")
    for name, shape in STRUCTURES.items():
        if not isinstance(body.get(name), shape | None):
            raise sentence(400, f"{name} is {'a list' if shape is list else 'an object'}.")
    if body.get("RestrictionLevel") not in (None, "Public", "Private", "Hidden"):
        raise sentence(400, "RestrictionLevel is Public, Private or Hidden.")
    keys = body.get("ExternalKey") or []
    if not isinstance(keys, str) and not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise sentence(400, "ExternalKey is text or a list of texts.")
    cards = [] if body.get("BusinessCards") is None else body["BusinessCards"]
    if not isinstance(cards, list) or not all(isinstance(card, dict) for card in cards):
        raise sentence(400, "BusinessCards is a list of objects.")
    for card in cards:
        check_card(card)
    return body


def check_card(card: Any) -> Wire:
    if not isinstance(card, dict):
        raise sentence(400, "Send an object with a business card's field names.")
    for name in (*CARD_TEXTS, "BusinessCardKey"):
        if not isinstance(card.get(name), str | None):
            raise sentence(400, f"{name} is text.")
    for name in CARD_LISTS:
        wanted = dict if name in ("PhoneNumbers", "Addresses") else str
        rows = card.get(name)
        if rows is not None and not (isinstance(rows, list) and all(isinstance(row, wanted) for row in rows)):
            raise sentence(400, f"{name} is a list of {'objects' if wanted is dict else 'texts'}.")
    rows = [row for name in ("PhoneNumbers", "Addresses") for row in card.get(name) or []]
    if not all(isinstance(value, str | None) for row in rows for value in row.values()):
        raise sentence(400, "The parts of phone numbers and addresses are texts.")
    return card
