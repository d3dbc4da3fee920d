"""What Xero's API does with one element of a contact write: validate it, then lay it over the stored contact."""

import re
import uuid
from dataclasses import replace
from typing import Any

from .switches import Switches
from .wire import Wire
from .xero_book import (
    ADDRESS_BLANKS,
    ADDRESS_PARTS,
    ADDRESS_TYPES,
    PHONE_PARTS,
    PHONE_TYPES,
    Contact,
    XeroBook,
    canonical_guid,
    slots,
)

ARCHIVED = (
    "The specified contact details matched an archived contact. "
    "Archived contacts cannot currently be edited via the API."
)
PERSONS = "Additional people cannot be added when the primary person has no email address set."
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
ZERO = "00000000-0000-0000-0000-000000000000"
#: Writable text fields and their longest values (facts 8).
LENGTHS = {
    "Name": 255,
    "FirstName": 255,
    "LastName": 255,
    "EmailAddress": 255,
    "ContactNumber": 50,
    "AccountNumber": 50,
    "CompanyNumber": 50,
    "TaxNumber": 50,
    "TaxNumberType": 50,
    "BankAccountDetails": 255,
    "DefaultCurrency": 3,
    "AccountsReceivableTaxType": 50,
    "AccountsPayableTaxType": 50,
    "XeroNetworkKey": 50,
    "SalesDefaultAccountCode": 10,
    "PurchasesDefaultAccountCode": 10,
    "SalesDefaultLineAmountType": 20,
    "PurchasesDefaultLineAmountType": 20,
}
PHONE_LENGTHS = {"PhoneNumber": 50, "PhoneAreaCode": 10, "PhoneCountryCode": 20}
ADDRESS_LENGTHS = {
    **dict.fromkeys(("AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4"), 500),
    "City": 255,
    "Region": 255,
    "PostalCode": 50,
    "Country": 50,
    "AttentionTo": 255,
}
PERSON_PARTS = ("FirstName", "LastName", "EmailAddress", "IncludeInEmails")
STRUCTURES = ("PaymentTerms", "SalesTrackingCategories", "PurchasesTrackingCategories")


class Rejected(Exception):
    """The element breaks rules; `contact_id` is the one its echo carries (facts 11.1)."""

    def __init__(self, messages: list[str], contact_id: str = ZERO) -> None:
        super().__init__(messages[0])
        self.messages, self.contact_id = messages, contact_id


class UnknownContact(Exception):
    """A ContactID this organisation never issued: the whole request is a 404 (facts 10.2)."""


class Rules:
    def __init__(self, book: XeroBook, switches: Switches) -> None:
        self.book, self.switches = book, switches

    def tidy(self, element: Wire) -> Wire:
        """Bring an element into writable form: nulls, stray spaces, over-length and blank lists by switch."""
        sent = {name: value for name, value in element.items() if value is not None}
        if self.switches["nullMeans"] == "clear":
            sent.update({name: "" for name in LENGTHS if name in element and element[name] is None})
        for name in LENGTHS:
            if isinstance(sent.get(name), int | float) and not isinstance(sent[name], bool):
                sent[name] = str(sent[name])
        if self.switches["nameSpaces"] == "trim" and isinstance(sent.get("Name"), str):
            sent["Name"] = " ".join(sent["Name"].split())
        if self.switches["overLength"] == "truncate":
            _cut(sent, LENGTHS)
            for list_name, lengths in (("Phones", PHONE_LENGTHS), ("Addresses", ADDRESS_LENGTHS)):
                if isinstance(sent.get(list_name), list):
                    sent[list_name] = [_cut(dict(e), lengths) for e in sent[list_name] if isinstance(e, dict)]
        return sent

    def target(self, sent: Wire) -> Contact | None:
        """Find what a POST would overwrite: by ContactID, else ContactNumber, else Name (facts 10.2)."""
        if "ContactID" in sent and sent["ContactID"] not in ("", ZERO):
            contact = self.book.contacts.get(canonical_guid(sent["ContactID"]) or "")
            if not contact:
                raise UnknownContact
            return contact
        if sent.get("ContactNumber"):
            numbered = self.book.numbered(sent["ContactNumber"])
            if numbered:
                return numbered[0]
        name = sent.get("Name")
        if not isinstance(name, str) or not name:
            return None
        active = self.book.active_named(name, self.switches["nameCheckIgnoresCase"])
        if active or not self.switches["nameMatchesArchived"]:
            return active
        return next((c for c in self.book.named(name) if c.status == "ARCHIVED"), None)

    def created(self, sent: Wire) -> Contact:
        """Build a new contact; a taken name or number is refused."""
        problems = self._field_problems(sent)
        if not sent.get("Name"):
            problems.append("Contact Name cannot be empty.")
        problems += self._uniqueness_problems(sent, other_than="")
        blank = Contact(str(uuid.uuid4()), {"ContactStatus": "ACTIVE"}, 0)
        contact = self._laid_over(blank, {**sent, "ContactStatus": "ACTIVE"})
        problems += _person_problems(contact, sent)
        if problems:
            raise Rejected(problems)
        return contact

    def updated(self, old: Contact, sent: Wire) -> Contact:
        """Lay the sent elements over a contact; what is omitted stays (facts 10.4)."""
        if old.status != "ACTIVE":
            raise Rejected([ARCHIVED], old.id)
        problems = self._field_problems(sent)
        if "Name" in sent and not sent["Name"]:
            problems.append("Contact Name cannot be empty.")
        problems += self._uniqueness_problems(sent, other_than=old.id)
        if self._website_blocks(old):
            problems.append("Website must be valid.")
        contact = self._laid_over(old, sent)
        problems += _person_problems(contact, sent)
        if problems:
            raise Rejected(problems, old.id)
        return contact

    def _website_blocks(self, old: Contact) -> bool:
        """Facts 11.4: a website typed in the UI makes every API update fail."""
        website, mode = old.fields.get("Website"), self.switches["websiteBlocksUpdates"]
        if not website or mode == "never":
            return False
        return mode == "always" or not re.fullmatch(r"https?://[^\s/]+\.\S+", website)

    def _field_problems(self, sent: Wire) -> list[str]:
        problems = [f"{name} must be text." for name in LENGTHS if not isinstance(sent.get(name, ""), str)]
        if problems:
            raise Rejected(problems, canonical_guid(sent.get("ContactID")) or ZERO)
        problems += _too_long(sent, LENGTHS)
        for kind, list_name, lengths in (
            ("PhoneType", "Phones", PHONE_LENGTHS),
            ("AddressType", "Addresses", ADDRESS_LENGTHS),
        ):
            for entry in _dicts(sent.get(list_name)):
                problems += _too_long(entry, lengths) if entry.get(kind) else []
        problems += _name_problems(sent.get("Name", ""))
        emails = [sent.get("EmailAddress")] + [p.get("EmailAddress") for p in _dicts(sent.get("ContactPersons"))]
        if any(email and not (isinstance(email, str) and EMAIL.fullmatch(email)) for email in emails):
            problems.append("Email address must be valid.")
        if sent.get("ContactStatus", "ACTIVE") not in ("", "ACTIVE", "ARCHIVED"):
            problems.append("The contact status is not valid.")
        return problems

    def _uniqueness_problems(self, sent: Wire, other_than: str) -> list[str]:
        """Facts 10.3: names are unique among active contacts, numbers among all."""
        problems = []
        name, number = sent.get("Name"), sent.get("ContactNumber")
        if name and self.book.active_named(name, self.switches["nameCheckIgnoresCase"], other_than):
            problems.append(
                f"The contact name {name} is already assigned to another contact. "
                "The contact name must be unique across all active contacts."
            )
        if number and any(c.id != other_than for c in self.book.numbered(number)):
            text = f"The contact number {number} is already assigned to another contact."
            if self.switches["contactNumberMessage"] == "name":
                text += " The contact number must be unique across all contacts."
            problems.append(text)
        return problems

    def _laid_over(self, old: Contact, sent: Wire) -> Contact:
        fields = dict(old.fields)
        fields.update((name, sent[name]) for name in LENGTHS if name in sent)
        fields.update((name, sent[name]) for name in STRUCTURES if name in sent and isinstance(sent[name], dict | list))
        if sent.get("ContactStatus"):
            fields["ContactStatus"] = sent["ContactStatus"]
        persons = sent.get("ContactPersons")
        if isinstance(persons, list) and persons:  # facts 10.4: `[]` is as if omitted, `[{}]` empties
            fields["ContactPersons"] = [_person(p) for p in _dicts(persons) if any(p.values())]
        merge = self.switches["slotUpdate"] == "merge"
        fields["Phones"] = _slots_over(old, sent, "Phones", merge)
        fields["Addresses"] = _slots_over(old, sent, "Addresses", merge)
        fields.setdefault("EmailAddress", "")
        fields.setdefault("BankAccountDetails", "")
        for name in ("FirstName", "LastName", "ContactNumber", "AccountNumber", "CompanyNumber", "TaxNumber"):
            if fields.get(name) == "":
                del fields[name]
        return replace(old, fields=fields, touched=True)


def _slots_over(old: Contact, sent: Wire, name: str, merge: bool) -> dict[str, Wire]:
    """Merge slots by type; after an API write blanks show as "" where they were absent (facts 8.1, 8.2)."""
    phones = name == "Phones"
    types, parts = (PHONE_TYPES, PHONE_PARTS) if phones else (ADDRESS_TYPES, ADDRESS_PARTS)
    shown_blank = PHONE_PARTS if phones else ADDRESS_BLANKS
    news = slots(sent.get(name), "PhoneType" if phones else "AddressType", types, parts)
    result: dict[str, Wire] = {}
    for kind in types:
        kept = (old.fields.get(name) or {}).get(kind, {}) if merge or kind not in news else {}
        values = {**kept, **news.get(kind, {})}
        result[kind] = {part: values.get(part, "") for part in parts if values.get(part) or part in shown_blank}
    return result


def _dicts(value: Any) -> list[Wire]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _person(person: Wire) -> Wire:
    kept = {name: person[name] for name in PERSON_PARTS if person.get(name) is not None}
    return {**kept, "IncludeInEmails": bool(person.get("IncludeInEmails", False))}


def _person_problems(contact: Contact, sent: Wire) -> list[str]:
    """Facts 10.4: persons need a primary e-mail, so it cannot be cleared while they exist; at most five."""
    persons = contact.fields.get("ContactPersons", [])
    relevant = _dicts(sent.get("ContactPersons")) or "EmailAddress" in sent
    if persons and relevant and not contact.fields.get("EmailAddress"):
        return [PERSONS]
    return ["A maximum of 5 contact persons can be added."] if len(persons) > 5 else []


def _name_problems(name: Any) -> list[str]:
    if not isinstance(name, str):
        return []
    problems = []
    if "<" in name or ">" in name:
        problems.append("Contact Name cannot contain the characters < or >.")
    if name != name.strip() or "  " in name:
        problems.append("Contact Name cannot have leading, trailing or repeated spaces.")
    return problems


def _too_long(values: Wire, lengths: dict[str, int]) -> list[str]:
    return [
        f"The value of {name} exceeds the maximum length of {longest} characters."
        for name, longest in lengths.items()
        if isinstance(values.get(name), str) and len(values[name]) > longest
    ]


def _cut(values: Wire, lengths: dict[str, int]) -> Wire:
    for name, longest in lengths.items():
        if isinstance(values.get(name), str):
            values[name] = values[name][:longest]
    return values
