"""People in Xero's and Karbon's own screens: they edit and add while the product dies, and remember their last word.

Each field of a pair has one owner side, so its last word is known. The fields on a business card have the same owner:
Karbon has no conditional write, and an edit of a card between our read of it and our write is the documented exception.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import requests

WIRE = Mapping[str, Any]
CARD_FIELDS = ("email", "phone", "address")
ADDRESS_LABELS = ("Mailing", "Physical", "Legal")


class People:
    def __init__(self, url: str, dice: random.Random) -> None:
        self._url, self._dice = f"{url}/sandbox", dice
        self._session = requests.Session()
        self._owners: dict[tuple[str, bool], str] = {}
        self._number = 0
        self.said: dict[tuple[str, str, str], str] = {}  # Xero id, Karbon key, field → the last word
        self.newcomers: list[str] = []

    def edit(self, contact_id: str, key: str, *, is_organisation: bool) -> None:
        """Change one field of a pair on the side that owns it."""
        self._number += 1
        field = self._dice.choice((*CARD_FIELDS, "name") if is_organisation else CARD_FIELDS)
        owner = self._owners.setdefault((contact_id, field in CARD_FIELDS), self._dice.choice(("xero", "karbon")))
        text = {
            "email": f"edit{self._number}@proof.example",
            "phone": f"649{5_000_000 + self._number}",
            "address": f"{self._number} Wharf Road",
            "name": f"Proof {_letters(self._number)} Holdings Limited",
        }[field]
        if owner == "xero":
            self._send("PATCH", f"xero/contacts/{contact_id}", _in_xero(field, text))
        else:
            part = "" if field == "name" else "/card"
            self._send("PATCH", f"karbon/organizations/{key}{part}", _in_karbon(field, text))
        self.said[contact_id, key, field] = text

    def add(self) -> None:
        """A new client appears in Xero."""
        self._number += 1
        name = f"Newcomer {_letters(self._number)} Joinery Limited"
        body = {"Name": name, "EmailAddress": f"new{self._number}@proof.example"}
        self.newcomers.append(str(self._send("POST", "xero/contacts", body)["ContactID"]))

    def _send(self, method: str, path: str, body: WIRE) -> Any:
        reply = self._session.request(method, f"{self._url}/{path}", json=body, timeout=30)
        reply.raise_for_status()
        return reply.json()


def _letters(number: int) -> str:
    """A number as a word that no other number gives."""
    return "".join("bdfgklmnrs"[int(digit)] + "aeiou"[int(digit) % 5] for digit in str(number)).capitalize()


def _in_xero(field: str, text: str) -> WIRE:
    if field == "phone":
        phone = {"PhoneType": "DEFAULT", "PhoneCountryCode": "64", "PhoneAreaCode": "9", "PhoneNumber": text[3:]}
        return {"Phones": [phone]}
    if field == "address":
        rest = {f"AddressLine{n}": "" for n in (2, 3, 4)} | {"Region": "", "PostalCode": "1010", "City": "Auckland"}
        return {"Addresses": [{"AddressType": "POBOX", "AddressLine1": text, "Country": "New Zealand", **rest}]}
    return {"EmailAddress" if field == "email" else "Name": text}


def _in_karbon(field: str, text: str) -> WIRE:
    if field == "phone":
        return {"PhoneNumbers": [{"Number": f"+64 9 {text[3:]}", "CountryCode": "NZ", "Label": "Work"}]}
    if field == "address":
        place = {"City": "Auckland", "ZipCode": "1010", "CountryCode": "NZ", "Label": "Mailing"}
        return {"Addresses": [{"AddressLines": text, **place}]}
    return {"EmailAddresses": [text]} if field == "email" else {"FullName": text}


def shown_in_xero(contact: WIRE, field: str) -> str:
    """What a Xero contact shows in one of the fields that people here edit."""
    if field == "phone":
        slot = _first(p for p in contact.get("Phones") or [] if p["PhoneType"] == "DEFAULT")
        return "".join(slot.get(f"Phone{part}") or "" for part in ("CountryCode", "AreaCode", "Number")).replace(
            " ", ""
        )
    if field == "address":
        slot = _first(a for a in contact.get("Addresses") or [] if a["AddressType"] == "POBOX")
        return str(slot.get("AddressLine1") or "")
    return str(contact.get("EmailAddress" if field == "email" else "Name") or "")


def shown_in_karbon(record: WIRE, field: str) -> str:
    """What a Karbon record shows there."""
    card = _first(card for card in record["BusinessCards"] if card["IsPrimaryCard"])
    if field == "phone":
        return "".join(filter(str.isdigit, _first(card.get("PhoneNumbers") or []).get("Number") or ""))
    if field == "address":
        rows = {a["Label"]: a["AddressLines"] for a in card.get("Addresses") or [] if a.get("AddressLines")}
        return next((rows[label] for label in ADDRESS_LABELS if label in rows), "")
    return str(next(iter(card.get("EmailAddresses") or []), "")) if field == "email" else name_in_karbon(record)


def name_in_karbon(record: WIRE) -> str:
    if "ContactKey" not in record:
        return str(record["FullName"])
    return " ".join(record[part] for part in ("FirstName", "MiddleName", "LastName") if record.get(part))


def _first(rows: Any) -> WIRE:
    return next(iter(rows), {})


def by_key(state: WIRE) -> dict[str, WIRE]:
    """All Karbon records of a state, by their key."""
    records: Sequence[WIRE] = [*state["karbon"]["contacts"], *state["karbon"]["organizations"]]
    return {str(record.get("ContactKey") or record["OrganizationKey"]): record for record in records}
