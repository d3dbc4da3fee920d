"""The demo world: the clients of an accounting firm as they stand after years of two unconnected systems.

About four hundred contacts a side. Each method below tells one kind of thing that happens in real address
books; the answer key is worked out afterwards, from the finished lists alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sandbox import demo_names, demo_oddities
from sandbox.address_books import AddressBooks, World
from sandbox.answer_key import answer_key
from sandbox.clients import Client
from sandbox.world_records import PersonName, Record

_SEED = 2026
_PEOPLE_ON_BOTH_SIDES, _PEOPLE_ONLY_IN_XERO, _PEOPLE_ONLY_IN_KARBON = 58, 52, 46
_BOOKKEEPER = "accounts@ledgerlane.example"


def build_demo() -> World:
    """Return the demo world; it is the same every time."""
    world = _DemoWorld()
    world.add_clients_on_both_sides()
    world.add_clients_of_one_bookkeeper()
    world.add_names_with_another_email()
    world.add_emails_with_another_name()
    world.add_torn_contacts()
    world.add_karbon_duplicates()
    world.add_rivals_for_one_counterpart()
    world.add_contacts_only_in_xero()
    world.add_contacts_only_in_karbon()
    world.add_archived_contacts()
    world.add_couples_that_are_two_in_karbon()
    world.add_trusts_beside_their_trustees()
    return world.finished()


class _DemoWorld:
    """The demo's two address books and the matches that the later stories build on."""

    def __init__(self) -> None:
        self._books = AddressBooks(_SEED)
        self._dice = self._books.dice
        self._inventor = self._books.inventor
        self._matches: list[tuple[Record, Record]] = []

    def finished(self) -> World:
        books = self._books
        demo_oddities.add_to_matches(books, self._matches)
        books.shuffle()
        truth = answer_key(books.xero, [*books.karbon_contacts, *books.karbon_organizations], books.kinds)
        return World(books.xero, books.karbon_contacts, books.karbon_organizations, truth)

    # The same on both sides -------------------------------------------------------------------------------------------

    def add_clients_on_both_sides(self) -> None:
        for lists in (demo_names.COMPANIES, demo_names.TRUSTS_AND_OTHERS):
            for client in self._named(lists):
                self._match(client)
        for name, country in demo_names.SOLE_TRADERS:
            self._match(self._inventor.named(name, country))
        for first, last in demo_names.COUPLES[:12]:
            self._match(self._inventor.named(PersonName(first, "", last)))
        for _ in range(_PEOPLE_ON_BOTH_SIDES):
            self._match(self._someone())
        for person in demo_names.LAST_NAME_FIRST:
            contact, _ = self._match(self._inventor.named(person))
            contact["Name"] = f"{person.last}, {person.first}"

    def _match(self, client: Client) -> tuple[Record, Record]:
        pair = self._books.add_full_match(client)
        self._matches.append(pair)
        return pair

    def add_clients_of_one_bookkeeper(self) -> None:
        """Four clients whose bills all go to one bookkeeper, on both sides; two more that only Xero knows."""
        for name in ("Saltmarsh Charters Limited", "Lowburn Orchards Limited", "Ruru & Whaanga Builders Limited"):
            client = self._with_email(self._inventor.named(name, "NZ"), _BOOKKEEPER)
            self._match(client)
        self._match(self._with_email(self._inventor.named(PersonName("Beatriz", "", "Carvalho"), "NZ"), _BOOKKEEPER))
        for name in ("Dunstan Gorge Apiaries Limited", "Pisa Moorings Cafe Limited"):
            self._only_xero(self._inventor.named(name, "NZ"), _BOOKKEEPER)

    # One of the two matches -------------------------------------------------------------------------------------------

    def add_names_with_another_email(self) -> None:
        """Changed, mistyped, missing or second-listed emails: the name alone points at Karbon."""
        for name, country, in_xero, in_karbon in demo_names.OTHER_EMAIL:
            client = self._inventor.named(name, country)
            self._only_xero(client, in_xero)
            record = self._only_karbon(client, email="")
            record["BusinessCards"][0]["EmailAddresses"] = in_karbon.split()
        without_card = self._inventor.named("Tussock Creek Merino Limited", "NZ")
        self._only_xero(without_card, without_card.email)
        self._only_karbon(without_card)["BusinessCards"] = []

    def add_emails_with_another_name(self) -> None:
        """Legal forms, married names, nicknames, a lost macron: the email alone points at Karbon."""
        for in_xero, in_karbon, country in demo_names.OTHER_NAME:
            client = self._inventor.named(in_xero, country)
            self._only_xero(client, client.email)
            self._only_karbon(client, name=in_karbon)

    def add_torn_contacts(self) -> None:
        """The name points at one Karbon contact and the email at another."""
        for name, other, country in demo_names.TORN:
            client, second = self._inventor.named(name, country), self._inventor.named(other, country)
            self._only_xero(client, client.email)
            self._only_karbon(client, email=second.email)
            self._only_karbon(second, email=client.email)

    # Several candidates, or one that is taken -------------------------------------------------------------------------

    def add_karbon_duplicates(self) -> None:
        """Entered twice or thrice in Karbon, with the same name and email."""
        for name, country, copies in demo_names.DUPLICATED_IN_KARBON:
            client = self._inventor.named(name, country)
            self._only_xero(client, client.email)
            for _ in range(copies):
                self._only_karbon(client)

    def add_rivals_for_one_counterpart(self) -> None:
        """Second Xero contacts of clients whose Karbon record already has its partner."""
        by_name = {contact["Name"]: contact for contact, _ in self._matches}
        for name, matched in demo_names.SECOND_CONTACTS:
            self._only_xero(self._inventor.named(name, "NZ"), by_name[matched]["EmailAddress"])
        client = self._inventor.named("Māpua Wharf Gallery Limited", "NZ")
        self._only_karbon(client)
        self._only_xero(client, client.email)
        self._only_xero(client, client.email)["Name"] = unicodedata.normalize("NFD", client.name)

    # On one side only -------------------------------------------------------------------------------------------------

    def add_contacts_only_in_xero(self) -> None:
        people = [self._someone() for _ in range(_PEOPLE_ONLY_IN_XERO)]
        couples = [self._inventor.named(PersonName(first, "", last)) for first, last in demo_names.COUPLES[12:]]
        for client in [*self._named(demo_names.STRANGERS_IN_XERO), *people, *couples]:
            self._only_xero(client, "" if self._dice.random() < 0.25 else client.email)
        for in_xero, in_karbon, country in demo_names.LOOKALIKES:
            client = self._inventor.named(in_xero, country)
            self._only_xero(client, client.email)
            other_email = self._inventor.email(client.name, client.person)
            self._only_karbon(client, name=in_karbon, email=other_email)

    def add_contacts_only_in_karbon(self) -> None:
        people = [self._someone() for _ in range(_PEOPLE_ONLY_IN_KARBON)]
        for client in [*self._named(demo_names.STRANGERS_IN_KARBON), *people]:
            self._only_karbon(client, email="" if self._dice.random() < 0.25 else client.email)
        for name in (PersonName("Wikitoria", "", "Paewai"), "Sandpiper Lane Picture Framing Ltd"):
            self._only_karbon(self._inventor.named(name, "GB"))["BusinessCards"] = []

    def add_archived_contacts(self) -> None:
        """Clients who left; some share a name with an active contact or are still in Karbon; one was merged."""
        for name, country, still_in_karbon in demo_names.ARCHIVED:
            client = self._inventor.named(name, country)
            self._only_xero(client, client.email)["ContactStatus"] = "ARCHIVED"
            if still_in_karbon:
                self._only_karbon(client)
        for contact, _ in self._matches[:3]:
            client = self._inventor.named(contact["Name"], "NZ")
            former = self._only_xero(client, client.email)
            former["ContactStatus"] = "ARCHIVED"
        former["MergedToContactID"] = contact["ContactID"]

    # One on this side, two on the other -------------------------------------------------------------------------------

    def add_couples_that_are_two_in_karbon(self) -> None:
        """Xero bills the couple as one contact; Karbon has a person each, the first with the couple's email."""
        for his, hers, last, country in demo_names.APART_IN_KARBON:
            couple = self._inventor.named(PersonName(f"{his} & {hers}", "", last), country)
            self._only_xero(couple, couple.email)
            self._only_karbon(couple, name=PersonName(his, "", last))
            self._only_karbon(self._inventor.named(PersonName(hers, "", last), country))

    def add_trusts_beside_their_trustees(self) -> None:
        """The trust's bills go to the trustee's mailbox, so the name points at one and the email at the other."""
        for name, trustee, country in demo_names.TRUSTS_AND_TRUSTEES:
            trust = self._inventor.named(name, country)
            self._only_xero(trust, trust.email)
            self._only_karbon(trust, email="")
            self._only_karbon(trust, name=trustee)

    # ------------------------------------------------------------------------------------------------------------------

    def _named(self, by_country: dict[str, tuple[str, ...]]) -> Iterable[Client]:
        return [self._inventor.named(name, country) for country, names in by_country.items() for name in names]

    def _someone(self) -> Client:
        return self._inventor.named(self._inventor.person_name(couples=0))

    def _with_email(self, client: Client, email: str) -> Client:
        return Client(client.name, client.person, email, client.phone, client.address)

    def _only_xero(self, client: Client, email: str) -> Record:
        maybe = self._books.maybe
        return self._books.put_in_xero(client, email, maybe(client.phone), maybe(client.address))

    def _only_karbon(self, client: Client, *, name: str | PersonName | None = None, email: str | None = None) -> Record:
        person = client.person if name is None else name if isinstance(name, PersonName) else None
        full_name = name if isinstance(name, str) else client.name
        email = client.email if email is None else email
        maybe = self._books.maybe
        return self._books.put_in_karbon(full_name, person, email, maybe(client.phone), maybe(client.address))
