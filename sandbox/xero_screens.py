"""What people do in Xero's own screens: they edit, archive, restore and merge without the API's restrictions."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .store import Clock
from .switches import Switches
from .wire import Wire, sentence
from .xero_book import (
    ADDRESS_PARTS,
    ADDRESS_TYPES,
    PHONE_PARTS,
    PHONE_TYPES,
    TRANSIENT,
    Contact,
    XeroBook,
    canonical_guid,
    single,
    slots,
)
from .xero_rules import LENGTHS

STATUSES = ("ACTIVE", "ARCHIVED", "GDPRREQUEST")
LISTS = ("Phones", "Addresses", "ContactPersons", "ContactGroups")
DERIVED = {"IsCustomer", "IsSupplier", "Balances"}


class XeroScreens:
    def __init__(
        self, clock: Clock, switches: Switches, book: XeroBook, changed: Callable[[Contact, bool], None]
    ) -> None:
        self.clock, self.switches, self.book, self._changed = clock, switches, book, changed

    def find(self, contact_id: str) -> Contact:
        contact = self.book.contacts.get(canonical_guid(contact_id) or "")
        if not contact:
            raise sentence(404, f"Xero has no contact with the id {contact_id}.")
        return contact

    def create(self, body: Any) -> Wire:
        wire = _checked(body)
        if not wire.get("Name"):
            raise sentence(400, "A new Xero contact needs a Name.")
        contact_id = canonical_guid(wire.get("ContactID")) or str(uuid.uuid4())
        if contact_id in self.book.contacts:
            raise sentence(409, "Xero already has a contact with that id.")
        blank = Contact(contact_id, {"ContactStatus": "ACTIVE", "Phones": {}, "Addresses": {}}, 0)
        return self._save(self._edited(blank, wire), created=True)

    def edit(self, contact_id: str, body: Any) -> Wire:
        """Change a contact; customer and supplier flags follow documents and move no timestamp (facts 15)."""
        old, wire = self.find(contact_id), _checked(body)
        new = self._edited(old, wire)
        if wire and set(wire) <= DERIVED and not self.switches["invoiceBumps"]:
            self.book.put(new)
            return single(new)
        return self._save(new)

    def archive(self, contact_id: str) -> Wire:
        contact = self.find(contact_id)
        if contact.status == "ARCHIVED":
            return single(contact)
        return self._save(contact.with_fields(ContactStatus="ARCHIVED"))

    def restore(self, contact_id: str) -> Wire:
        contact = self.find(contact_id)
        if contact.status == "ACTIVE":
            return single(contact)
        fields = {name: value for name, value in contact.fields.items() if name != "MergedToContactID"}
        return self._save(self._unique(replace(contact, fields={**fields, "ContactStatus": "ACTIVE"})))

    def merge(self, contact_id: str, body: Any) -> Wire:
        """Facts 12.4: the loser is archived, keeps its data and names the survivor; only the loser is announced."""
        loser = self.find(contact_id)
        into = body.get("into") if isinstance(body, dict) else None
        if not isinstance(into, str):
            raise sentence(400, 'A merge needs {"into": id}.')
        winner = self.find(into)
        if winner.id == loser.id:
            raise sentence(400, "A contact cannot be merged into itself.")
        if winner.status != "ACTIVE" or loser.status != "ACTIVE":
            raise sentence(409, "Only active contacts can be merged.")
        if self.switches["mergeBumpsWinner"]:
            self._save(winner)
        return self._save(loser.with_fields(ContactStatus="ARCHIVED", MergedToContactID=winner.id))

    def _save(self, contact: Contact, created: bool = False) -> Wire:
        contact = replace(contact, updated_ms=self.clock.stamp_ms())
        self.book.put(contact)
        self._changed(contact, created)
        return single(contact)

    def _edited(self, old: Contact, wire: Wire) -> Contact:
        """Lay the person's values over the contact; phones and addresses are merged by their type."""
        fields = {**old.fields, **{n: v for n, v in wire.items() if n not in TRANSIENT}}
        for name, key, types, parts in (
            ("Phones", "PhoneType", PHONE_TYPES, PHONE_PARTS),
            ("Addresses", "AddressType", ADDRESS_TYPES, ADDRESS_PARTS),
        ):
            kept: dict[str, Wire] = old.fields.get(name) or {}
            news = slots(wire.get(name), key, types, parts)
            fields[name] = {**kept, **{kind: {**kept.get(kind, {}), **slot} for kind, slot in news.items()}}
        fields = {name: value for name, value in fields.items() if value is not None}
        return self._unique(replace(old, fields=fields))

    def _unique(self, contact: Contact) -> Contact:
        """Even people cannot give two active contacts one name."""
        if contact.status == "ACTIVE" and self.book.active_named(contact.name, other_than=contact.id):
            raise sentence(409, f"Xero already has an active contact called {contact.name}.")
        return contact


def _checked(body: Any) -> Wire:
    """Refuse a body whose values have the wrong shape, so that nothing unreadable is ever stored."""
    if not isinstance(body, dict):
        raise sentence(400, "Send an object with Xero's field names.")
    for name in LISTS:
        if not isinstance(body.get(name, []), list) or not all(isinstance(e, dict) for e in body.get(name, [])):
            raise sentence(400, f"{name} is a list of objects.")
    for name in ("IsCustomer", "IsSupplier"):
        if not isinstance(body.get(name, False), bool):
            raise sentence(400, f"{name} is true or false.")
    for name in (*LENGTHS, "Website", "ContactID", "MergedToContactID"):
        if not isinstance(body.get(name, ""), str | None):
            raise sentence(400, f"{name} is text.")
    if "Name" in body and not (body["Name"] or "").strip():
        raise sentence(400, "A Xero contact needs a Name.")
    if body.get("ContactStatus", "ACTIVE") not in STATUSES:
        raise sentence(400, f"ContactStatus is one of: {', '.join(STATUSES)}.")
    return body
