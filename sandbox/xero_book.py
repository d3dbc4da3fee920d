"""Xero's address book: contacts, the indexes that find them, and the shapes in which they travel."""

import re
import time
import unicodedata
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from .store import Clock, SortedIndex, Store
from .wire import Wire

PHONE_TYPES = ("DDI", "DEFAULT", "FAX", "MOBILE")  # the order of reads; writes answer in another (facts 8.1)
PHONE_WRITE_ORDER = ("DEFAULT", "DDI", "FAX", "MOBILE")
PHONE_PARTS = ("PhoneNumber", "PhoneAreaCode", "PhoneCountryCode")
ADDRESS_TYPES = ("POBOX", "STREET")
ADDRESS_WRITE_ORDER = ("STREET", "POBOX")
ADDRESS_PARTS = (
    *("AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4"),
    *("City", "Region", "PostalCode", "Country", "AttentionTo"),
)
ADDRESS_BLANKS = ("City", "Region", "PostalCode", "Country")
#: Not part of a stored contact: computed, or belonging to one response.
TRANSIENT = {
    *("ContactID", "UpdatedDateUTC", "HasAttachments", "Attachments", "HasValidationErrors"),
    *("ValidationErrors", "StatusAttributeString", "Warnings"),
}
LISTED = (
    *("ContactNumber", "AccountNumber", "ContactStatus", "Name", "FirstName", "LastName", "CompanyNumber"),
    *("EmailAddress", "BankAccountDetails", "TaxNumber", "AccountsReceivableTaxType", "AccountsPayableTaxType"),
    *("Addresses", "Phones", "IsSupplier", "IsCustomer", "DefaultCurrency"),
)
NOT_IN_SUMMARY = {
    *("Addresses", "Balances", "ContactGroups", "ContactPersons", "IsCustomer", "IsSupplier"),
    *("SalesDefaultAccountCode", "PurchasesDefaultAccountCode"),
    *("SalesTrackingCategories", "PurchasesTrackingCategories"),
}
FIRST = (
    *("ContactNumber", "AccountNumber", "ContactStatus", "Name", "FirstName", "LastName"),
    *("EmailAddress", "BankAccountDetails", "CompanyNumber", "TaxNumber"),
)


@dataclass(frozen=True, slots=True)
class Contact:
    """One stored contact. `fields` are wire names; Phones and Addresses are keyed by type. Never changed in place."""

    id: str
    fields: Wire
    updated_ms: int
    touched: bool = False  # written through the API: blank slot parts then show as "" (facts 8.1, 8.2)
    history: tuple[Wire, ...] = ()

    @property
    def status(self) -> str:
        return str(self.fields.get("ContactStatus", "ACTIVE"))

    @property
    def name(self) -> str:
        return str(self.fields.get("Name", ""))

    def with_fields(self, **changes: Any) -> "Contact":
        return replace(self, fields={**self.fields, **changes})

    def stored(self) -> Wire:
        return {"f": self.fields, "u": self.updated_ms, "t": self.touched, "h": list(self.history)}


class Rows(NamedTuple):
    """Sorted (key, id) rows from `start` on, so that a page costs a slice whatever the size of the book."""

    rows: list[tuple[Any, str]]
    start: int = 0
    backwards: bool = False

    @property
    def total(self) -> int:
        return len(self.rows) - self.start

    def page(self, low: int, high: int) -> list[str]:
        high = min(high, self.total)
        if low >= high:
            return []
        if self.backwards:
            end = len(self.rows) - low
            return [row[1] for row in reversed(self.rows[end - (high - low) : end])]
        return [row[1] for row in self.rows[self.start + low : self.start + high]]


def fold(text: Any) -> str:
    """Fold case and accents: facts 9.4, `where` comparisons ignore both."""
    plain = str(text)
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return plain.casefold()


def guid_key(guid: str) -> str:
    """Order guids as SQL Server does: last group first, then towards the front (facts 9.2, a recording)."""
    a, b, c, d, e = guid.split("-")
    return e + d + _swap(c) + _swap(b) + _swap(a)


def _swap(group: str) -> str:
    return "".join(group[i : i + 2] for i in range(len(group) - 2, -1, -2))


def canonical_guid(text: Any) -> str | None:
    """Return a guid in lower-case dashed form, or nothing when the text is none."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}", text):
        return None
    return str(uuid.UUID(text))


def ms_date(ms: int) -> str:
    return f"/Date({ms}+0000)/"


def parse_ms_date(text: Any) -> int | None:
    found = re.search(r"\d+", text) if isinstance(text, str) else None
    return int(found.group()) if found else None


def slots(entries: Any, kind: str, types: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, Wire]:
    """Key phone or address entries by type; an entry without a known type is dropped (facts 8.2)."""
    found: dict[str, Wire] = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get(kind) in types:
            found[entry[kind]] = {part: entry[part] for part in parts if isinstance(entry.get(part), str)}
    return found


SORT_KEYS: dict[str, Callable[[Contact], tuple[Any, ...]]] = {
    "updated": lambda c: (c.updated_ms, guid_key(c.id)),
    "id": lambda c: (guid_key(c.id),),
    "name": lambda c: (fold(c.name), guid_key(c.id)),
}


class XeroBook:
    """All contacts of the organisation, found by id, name or number at once, and kept sorted for paging."""

    def __init__(self, clock: Clock, store: Store) -> None:
        self.clock, self.store = clock, store
        self.gdpr_listed = False
        self._clear()

    def _clear(self) -> None:
        self.contacts: dict[str, Contact] = {}
        self._by_name: dict[str, dict[str, None]] = {}
        self._by_number: dict[str, dict[str, None]] = {}
        self._indexes: dict[tuple[str, bool], SortedIndex] = {}
        self.version = getattr(self, "version", 0) + 1  # answers remembered for the old world must not serve the new

    def load(self, contacts: Iterable[Contact]) -> None:
        """Replace everything, e.g. by a new world."""
        self._clear()
        for contact in contacts:
            self._insert(contact)
            self.clock.not_before(contact.updated_ms)

    def reindex(self) -> None:
        self._indexes.clear()
        self.version += 1

    def visible(self, contact: Contact) -> bool:
        """Say whether lists show it without includeArchived."""
        return contact.status == "ACTIVE" or (contact.status == "GDPRREQUEST" and self.gdpr_listed)

    def put(self, contact: Contact) -> None:
        self._withdraw(contact.id)
        self._insert(contact)
        self.store.put("xero", contact.id, contact.stored())

    def remove(self, contact_id: str) -> None:
        self._withdraw(contact_id)
        self.store.delete("xero", contact_id)

    def _insert(self, contact: Contact) -> None:
        self.version += 1
        self.contacts[contact.id] = contact
        self._by_name.setdefault(fold(contact.name), {})[contact.id] = None
        if number := contact.fields.get("ContactNumber"):
            self._by_number.setdefault(fold(number), {})[contact.id] = None
        for (order, everything), index in self._indexes.items():
            if everything or self.visible(contact):
                index.add(SORT_KEYS[order](contact), contact.id)

    def _withdraw(self, contact_id: str) -> None:
        old = self.contacts.pop(contact_id, None)
        if old is None:
            return
        self.version += 1
        _discard(self._by_name, fold(old.name), contact_id)
        _discard(self._by_number, fold(old.fields.get("ContactNumber", "")), contact_id)
        for (order, everything), index in self._indexes.items():
            if everything or self.visible(old):
                index.remove(SORT_KEYS[order](old), contact_id)

    def sorted_rows(self, order: str, everything: bool) -> SortedIndex:
        """Return the index for an order, built on first use and kept from then on."""
        index = self._indexes.get((order, everything))
        if index is None:
            chosen = (c for c in self.contacts.values() if everything or self.visible(c))
            index = SortedIndex((SORT_KEYS[order](c), c.id) for c in chosen)
            self._indexes[order, everything] = index
        return index

    def named(self, name: Any) -> list[Contact]:
        return [self.contacts[i] for i in self._by_name.get(fold(name), ())]

    def numbered(self, number: Any) -> list[Contact]:
        return [self.contacts[i] for i in self._by_number.get(fold(number), ())]

    def active_named(self, name: str, ignore_case: bool = True, other_than: str = "") -> Contact | None:
        """Return the active contact that holds a name; accents distinguish names, case need not (facts 10.3)."""
        wanted = name.casefold() if ignore_case else name
        for contact in self.named(name):
            held = contact.name.casefold() if ignore_case else contact.name
            if contact.status == "ACTIVE" and contact.id != other_than and held == wanted:
                return contact
        return None


def _discard(index: dict[str, dict[str, None]], key: str, contact_id: str) -> None:
    bucket = index.get(key)
    if bucket is not None:
        bucket.pop(contact_id, None)
        if not bucket:
            del index[key]


def from_wire(wire: Wire, updated_ms: int) -> Contact:
    """Take a contact as a single GET returns it; slots keep the blanks they came with."""
    fields = {name: value for name, value in wire.items() if name not in TRANSIENT and value is not None}
    fields["Phones"] = slots(wire.get("Phones"), "PhoneType", PHONE_TYPES, PHONE_PARTS)
    fields["Addresses"] = slots(wire.get("Addresses"), "AddressType", ADDRESS_TYPES, ADDRESS_PARTS)
    fields.setdefault("ContactStatus", "ACTIVE")
    touched = any("" in slot.values() for slot in fields["Phones"].values())
    contact_id = canonical_guid(wire.get("ContactID")) or str(uuid.uuid4())
    return Contact(contact_id, fields, parse_ms_date(wire.get("UpdatedDateUTC")) or updated_ms, touched)


def from_world(wires: list[Wire], clock: Clock) -> list[Contact]:
    """Stamp contacts that lack a timestamp a day back, a millisecond apart, in their order."""
    start = int((clock.now() - 86_400) * 1000)
    return [from_wire(wire, start + i) for i, wire in enumerate(wires)]


def from_store(contact_id: str, row: Wire) -> Contact:
    return Contact(contact_id, row["f"], row["u"], row["t"], tuple(row["h"]))


# The shapes on the wire (facts 9.2, 9.3, 10.6)


def _phones(contact: Contact, order: tuple[str, ...]) -> list[Wire]:
    stored = contact.fields.get("Phones") or {}
    return [{"PhoneType": kind, **stored.get(kind, {})} for kind in order]


def _addresses(contact: Contact, order: tuple[str, ...]) -> list[Wire]:
    stored = contact.fields.get("Addresses") or {}
    return [{"AddressType": kind, **stored.get(kind, {})} for kind in order]


def _full(contact: Contact, phone_order: tuple[str, ...], address_order: tuple[str, ...]) -> Wire:
    fields = contact.fields
    wire: Wire = {"ContactID": contact.id}
    wire.update((name, fields[name]) for name in FIRST if name in fields)
    wire["Addresses"] = _addresses(contact, address_order)
    wire["Phones"] = _phones(contact, phone_order)
    wire["UpdatedDateUTC"] = ms_date(contact.updated_ms)
    wire["ContactGroups"] = fields.get("ContactGroups", [])
    wire["IsSupplier"] = fields.get("IsSupplier", False)
    wire["IsCustomer"] = fields.get("IsCustomer", False)
    wire["ContactPersons"] = fields.get("ContactPersons", [])
    wire.update((name, value) for name, value in fields.items() if name not in wire)
    return wire


def paged(contact: Contact) -> Wire:
    order = ADDRESS_WRITE_ORDER if contact.touched else ADDRESS_TYPES
    return {**_full(contact, PHONE_TYPES, order), "HasAttachments": False, "HasValidationErrors": False}


def single(contact: Contact) -> Wire:
    return {**paged(contact), "Attachments": []}


def unpaged(contact: Contact) -> Wire:
    """The lossy list row: children come back as `[]`, whatever they hold (facts 9.3)."""
    full = paged(contact)
    row = {"ContactID": contact.id, **{name: full[name] for name in LISTED if name in full}}
    row["UpdatedDateUTC"] = full["UpdatedDateUTC"]
    return {**row, "ContactGroups": [], "ContactPersons": [], "HasAttachments": False, "HasValidationErrors": False}


def summary(contact: Contact) -> Wire:
    return {name: value for name, value in paged(contact).items() if name not in NOT_IN_SUMMARY}


def written(contact: Contact) -> Wire:
    """The answer to a write: other slot order, tracking arrays present, no HasAttachments (facts 10.6)."""
    wire = _full(contact, PHONE_WRITE_ORDER, ADDRESS_WRITE_ORDER)
    wire.setdefault("SalesTrackingCategories", [])
    wire.setdefault("PurchasesTrackingCategories", [])
    return {**wire, "HasValidationErrors": False}


def utc_text(ms: int, fmt: str = "%Y-%m-%dT%H:%M:%S") -> str:
    return time.strftime(fmt, time.gmtime(ms / 1000))
