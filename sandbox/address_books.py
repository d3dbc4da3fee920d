"""The two address books while a world is being written: one client at a time, in either service's wire form.

Chance decides how each side spells and how much of a client it knows, since two address books of one firm
agree in some fields, differ in others and are blank in the rest.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sandbox import names
from sandbox.answer_key import Row
from sandbox.clients import Client, Inventor
from sandbox.world_records import (
    Address,
    Ids,
    PersonName,
    Phone,
    Record,
    karbon_address,
    karbon_organization,
    karbon_person,
    karbon_phone,
    xero_address_slot,
    xero_contact,
    xero_phone_slot,
)

T = TypeVar("T")

_PHONE_STYLES = ("split", "split", "split", "area", "whole", "whole", "plus", "odd")
_ADDRESS_LABELS = ("Mailing", "Mailing", "Physical", "Legal")
_CONTACT_TYPES = ("Client", "Client", "Client", "Client", "Client", "Client", "Prospect", "Inactive")


@dataclass(frozen=True, slots=True)
class World:
    """Two address books in wire form and the answer key; `truth` has one row per active Xero contact."""

    xero: list[Record] = field(default_factory=list)
    karbon_contacts: list[Record] = field(default_factory=list)
    karbon_organizations: list[Record] = field(default_factory=list)
    truth: list[Row] = field(default_factory=list)


class AddressBooks:
    """Two address books that grow by one client at a time; `kinds` says what each Xero contact is."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.ids = Ids(self.dice)
        self.inventor = Inventor(self.dice)
        self.xero: list[Record] = []
        self.karbon_contacts: list[Record] = []
        self.karbon_organizations: list[Record] = []
        self.kinds: dict[str, str] = {}

    def shuffle(self) -> None:
        for records in (self.xero, self.karbon_contacts, self.karbon_organizations):
            self.dice.shuffle(records)

    def add_full_match(self, client: Client) -> tuple[Record, Record]:
        """Add a client to both sides with one name and email, whatever they hold otherwise."""
        another = self.inventor
        phones = self.two_sides(client.phone, lambda: another.phone(another.town()))
        addresses = self.two_sides(client.address, lambda: another.address(another.town()))
        name, person, email = self.respelled(client)
        in_karbon = self.put_in_karbon(name, person, email, phones[1], addresses[1])
        return self.put_in_xero(client, client.email, phones[0], addresses[0]), in_karbon

    # What the two sides know ------------------------------------------------------------------------------------------

    def two_sides(self, value: T, another: Callable[[], T]) -> tuple[T | None, T | None]:
        """Return what Xero and Karbon hold of one field: the same, two values, or nothing on one side or both."""
        roll = self.dice.random()
        if roll < 0.5:
            return value, value
        if roll < 0.62:
            return value, another()
        if roll < 0.76:
            return value, None
        if roll < 0.90:
            return None, value
        return None, None

    def maybe(self, value: T) -> T | None:
        """Return the value, or nothing in one case of four."""
        return value if self.dice.random() < 0.75 else None

    def respelled(self, client: Client) -> tuple[str, PersonName | None, str]:
        """Return name and email as Karbon has them: in one match of eight with other case, spaces or Unicode form."""
        respell: Callable[[str], str] = _as_it_is
        roll = self.dice.random()
        if roll < 0.04:
            respell = str.upper
        elif roll < 0.06:
            respell = _with_wide_spaces
        elif roll < 0.10:
            respell = _decomposed
        person = client.person
        if person:
            person = PersonName(
                respell(person.first), respell(person.middle) if person.middle else "", respell(person.last)
            )
        email = client.email.capitalize() if 0.08 < roll < 0.12 else client.email
        return respell(client.name), person, email

    # Writing them down ------------------------------------------------------------------------------------------------

    def put_in_xero(self, client: Client, email: str, phone: Phone | None, address: Address | None) -> Record:
        """Add a client to Xero, under its own name, and return the new contact."""
        dice = self.dice
        phones = {"DEFAULT": xero_phone_slot(phone, dice.choice(_PHONE_STYLES))} if phone else {}
        if dice.random() < 0.1:
            phones["MOBILE"] = xero_phone_slot(self.inventor.phone(self.inventor.town()), "whole")
        addresses = {}
        if address:
            spelling = dice.choice(names.COUNTRY_SPELLINGS[address.country])
            addresses["POBOX"] = xero_address_slot(address, spelling)
            if dice.random() < 0.15:
                addresses["STREET"] = xero_address_slot(address, spelling)
        contact = xero_contact(
            self.ids,
            client.name,
            person=self._primary_person(client),
            email=email,
            phones=phones,
            addresses=addresses,
            is_customer=dice.random() < 0.8,
            is_supplier=dice.random() < 0.2,
        )
        self.xero.append(contact)
        self.kinds[contact["ContactID"]] = client.kind
        return contact

    def _primary_person(self, client: Client) -> tuple[str, str] | None:
        if client.person is None or self.dice.random() < 0.15:
            return None
        return " ".join(filter(None, (client.person.first, client.person.middle))), client.person.last

    def put_in_karbon(
        self, name: str, person: PersonName | None, email: str, phone: Phone | None, address: Address | None
    ) -> Record:
        """Add a contact (with the parts of a person's name) or an organisation to Karbon and return it."""
        dice, ids = self.dice, self.ids
        card: Record = {"emails": [email] if email else []}
        if phone:
            label = dice.choice(("Work", "Office", "Mobile", "Home"))
            card["phones"] = [karbon_phone(ids, phone, label, international=dice.random() < 0.3)]
        if address:
            empty_first = [karbon_address(ids, Address(()), "Physical")] if dice.random() < 0.1 else []
            card["addresses"] = [*empty_first, karbon_address(ids, address, dice.choice(_ADDRESS_LABELS))]
        contact_type = dice.choice(_CONTACT_TYPES)
        if person:
            record = karbon_person(ids, person, contact_type, card)
            self.karbon_contacts.append(record)
        else:
            record = karbon_organization(ids, name, contact_type, card)
            self.karbon_organizations.append(record)
        return record


def _as_it_is(text: str) -> str:
    return text


def _with_wide_spaces(text: str) -> str:
    return text.replace(" ", "\u00a0 ") + " "


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)
