"""Write one made-up client in the wire form of either service.

The builders of worlds think in a person or company with an email, a phone and an address; this module
knows how Xero and Karbon each spell those (slots, cards, labels), so that the worlds themselves read as
stories and not as JSON.
"""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox import names

Record = dict[str, Any]

_KEY_CHARACTERS = string.ascii_letters + string.digits
_FIRST_CHANGE, _LAST_CHANGE = 1_704_067_200, 1_793_404_800  # 2024-01-01 to 2026-10-31, in seconds


@dataclass(frozen=True, slots=True)
class PersonName:
    """A person's (or a couple's) name in Karbon's three parts."""

    first: str
    middle: str
    last: str

    @property
    def full(self) -> str:
        return " ".join(part for part in (self.first, self.middle, self.last) if part)


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number in its parts; `area` has no trunk zero, `extension` is usually blank."""

    country: str
    area: str
    local: str
    extension: str = ""

    @property
    def national(self) -> str:
        if self.country == "US":
            return f"({self.area}) {self.local}"
        return f"0{self.area} {self.local}"

    @property
    def international(self) -> str:
        return f"+{names.CALLING_CODES[self.country]} {self.area} {self.local}"


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; any part may be blank, `country` is ISO alpha-2."""

    lines: tuple[str, ...]
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


class Ids:
    """Identifiers as the services make them, repeatable because they come from the world's own dice."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def guid(self) -> str:
        digits = f"{self._dice.getrandbits(128):032x}"
        variant = "89ab"[int(digits[16], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def key(self) -> str:
        return "".join(self._dice.choices(_KEY_CHARACTERS, k=self._dice.randint(10, 12)))

    def moment(self) -> int:
        """Return when a record was last changed, in seconds since 1970."""
        return self._dice.randint(_FIRST_CHANGE, _LAST_CHANGE)


# Xero -----------------------------------------------------------------------------------------------------------------


def xero_phone_slot(phone: Phone, style: str) -> dict[str, str]:
    """Spell a phone the way a Xero user may have typed it: `split`, `area`, `whole`, `plus` or `odd`."""
    trunk = "" if phone.country == "US" else "0"
    calling = names.CALLING_CODES[phone.country]
    extension = f" ext {phone.extension}" if phone.extension else ""
    country, area, number = {
        "split": (calling, phone.area, phone.local + extension),
        "area": ("", trunk + phone.area, phone.local + extension),
        "whole": ("", "", phone.national + extension),
        "plus": ("", "", phone.international + extension),
        "odd": ("", "", f"+{calling} ({trunk}){phone.area} {phone.local}{extension}"),
    }[style]
    if style == "odd" and not trunk:
        number = f"1-{phone.area}-{phone.local}{extension}"
    return {"PhoneNumber": number, "PhoneAreaCode": area, "PhoneCountryCode": country}


def xero_address_slot(address: Address, country_spelling: str, attention_to: str = "") -> dict[str, str]:
    """Spell an address for a Xero slot; empty lines are left out, as Xero leaves them out."""
    slot = {f"AddressLine{number}": line for number, line in enumerate(address.lines, start=1)}
    slot |= {"City": address.city, "Region": address.region, "PostalCode": address.postcode}
    slot["Country"] = country_spelling
    if attention_to:
        slot["AttentionTo"] = attention_to
    return slot


def xero_contact(
    ids: Ids,
    name: str,
    *,
    person: tuple[str, str] | None = None,
    email: str = "",
    phones: dict[str, dict[str, str]] | None = None,
    addresses: dict[str, dict[str, str]] | None = None,
    is_customer: bool = False,
    is_supplier: bool = False,
    **more: Any,
) -> Record:
    """Return a Xero contact as a single GET shows it; phones and addresses are given by slot type."""
    phones, addresses = phones or {}, addresses or {}
    contact: Record = {"ContactID": ids.guid(), "ContactStatus": "ACTIVE", "Name": name}
    if person:
        contact["FirstName"], contact["LastName"] = person
    if email:
        contact["EmailAddress"] = email
    contact["BankAccountDetails"] = ""
    contact["Addresses"] = [{"AddressType": kind, **addresses.get(kind, {})} for kind in ("POBOX", "STREET")]
    contact["Phones"] = [{"PhoneType": kind, **phones.get(kind, {})} for kind in ("DDI", "DEFAULT", "FAX", "MOBILE")]
    contact["UpdatedDateUTC"] = f"/Date({ids.moment() * 1000 + 123}+0000)/"
    contact["ContactGroups"] = []
    contact["IsSupplier"] = is_supplier
    contact["IsCustomer"] = is_customer
    contact["ContactPersons"] = []
    contact["HasAttachments"] = False
    contact["Attachments"] = []
    contact["HasValidationErrors"] = False
    contact.update(more)
    return contact


# Karbon ---------------------------------------------------------------------------------------------------------------


def karbon_phone(ids: Ids, phone: Phone, label: str, *, international: bool = False) -> Record:
    """Return one entry of a card's `PhoneNumbers`; Karbon holds at most 20 characters."""
    number = phone.international if international else phone.national
    if phone.extension:
        number = f"{number} x{phone.extension}"
    return {"PhoneNumberKey": ids.guid(), "Number": number[:20], "CountryCode": phone.country, "Label": label}


def karbon_address(ids: Ids, address: Address, label: str, line_break: str = "\n") -> Record:
    """Return one entry of a card's `Addresses`; blank parts are null, as in the many empty Physical entries."""
    return {
        "AddressKey": ids.guid(),
        "AddressLines": line_break.join(address.lines) or None,
        "City": address.city or None,
        "StateProvinceCounty": address.region or None,
        "ZipCode": address.postcode or None,
        "CountryCode": address.country or None,
        "Label": label,
    }


def karbon_card(
    ids: Ids,
    entity_type: str,
    entity_key: str,
    *,
    emails: list[str] | None = None,
    phones: list[Record] | None = None,
    addresses: list[Record] | None = None,
    **more: Any,
) -> Record:
    """Return a business card; the record's first card is its primary one unless `more` says otherwise."""
    return {
        "BusinessCardKey": ids.key(),
        "EntityType": entity_type,
        "EntityKey": entity_key,
        "IsPrimaryCard": True,
        "OrganizationKey": None,
        "RoleOrTitle": None,
        "EmailAddresses": emails or [],
        "WebSites": [],
        "PhoneNumbers": phones or [],
        "Addresses": addresses or [],
        "FacebookLink": None,
        "LinkedInLink": None,
        "TwitterLink": None,
        "SkypeLink": None,
        **more,
    }


def _karbon_common(ids: Ids, key: str, contact_type: str, *, is_person: bool) -> Record:
    changed_at = datetime.fromtimestamp(ids.moment(), UTC)
    return {
        "ClientOwner": None,
        "ClientManager": None,
        "ContactType": contact_type,
        "UserDefinedIdentifier": None,
        "RestrictionLevel": "Public",
        "LastModifiedDateTime": f"{changed_at:%Y-%m-%dT%H:%M:%S}.6789012Z",
        "EntityDescription": {"Text": ""},
        "AccountingDetail": {
            "ContactPermaKey": key if is_person else None,
            "OrganizationPermaKey": None if is_person else key,
        },
    }


def karbon_person(ids: Ids, name: PersonName, contact_type: str, card: dict[str, Any] | None) -> Record:
    """Return a Karbon Contact with one card made of `card`, or with none."""
    key = ids.key()
    return {
        "ContactKey": key,
        "FirstName": name.first,
        "MiddleName": name.middle or None,
        "LastName": name.last,
        "PreferredName": None,
        "Salutation": None,
        "Suffix": None,
        "AvatarUrl": None,
        **_karbon_common(ids, key, contact_type, is_person=True),
        "BusinessCards": [] if card is None else [karbon_card(ids, "Contact", key, **card)],
        "ClientTeam": [],
        "ClientAccess": [],
    }


def karbon_organization(ids: Ids, name: str, contact_type: str, card: dict[str, Any] | None) -> Record:
    """Return a Karbon Organization with one card made of `card`, or with none."""
    key = ids.key()
    return {
        "OrganizationKey": key,
        "FullName": name,
        **_karbon_common(ids, key, contact_type, is_person=False),
        "BusinessCards": [] if card is None else [karbon_card(ids, "Organization", key, **card)],
        "ClientTeam": [],
    }
