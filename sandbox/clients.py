"""Invent clients of an accounting firm: one at a time, none sharing a name or an email with another.

Names are told apart more strictly than any matcher would (letters and digits only, no accents), so that
two invented clients never match by accident, whatever tolerance the matcher has.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox import names
from sandbox.answer_key import ORGANISATION, PERSON
from sandbox.world_records import Address, PersonName, Phone

_MAIL_HOSTS = ("mail.example", "inbox.example", "post.example", "webmail.example", "home.example")
_MAILBOXES = ("office", "accounts", "admin", "info", "hello", "enquiries")
_FORM_ENDINGS = (" Limited", " Ltd", " Pty Limited", " Pty Ltd", " LLC", " Corp")
_PLAIN_LETTERS = str.maketrans("đĐøØłŁæÆ", "dDoOlLaA")


@dataclass(frozen=True, slots=True)
class Client:
    """One invented client; `person` holds the parts of the name when it is a natural person or a couple."""

    name: str
    person: PersonName | None
    email: str
    phone: Phone
    address: Address

    @property
    def kind(self) -> str:
        return PERSON if self.person else ORGANISATION


def letters_and_digits(text: str) -> str:
    """Reduce a name to its plain lower-case letters and digits."""
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum())


def _ascii(text: str) -> str:
    return "".join(c for c in letters_and_digits(text.translate(_PLAIN_LETTERS)) if c.isascii())


def _host(organisation: str) -> str:
    """Return the web domain an organisation would have: its first two telling words."""
    words = [word for word in map(_ascii, organisation.split()) if word and word != "the"]
    return f"{''.join(words[:2])}.example"


class Inventor:
    """Invents clients from one set of dice and remembers every name and email it gave out."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._names: set[str] = set()
        self._emails: set[str] = set()

    def client(self, *, like: Client | None = None) -> Client:
        """Return a new client; with `like`, one of the same kind."""
        is_person = like.person is not None if like else self._dice.random() < 0.5
        town = self.town()
        if is_person:
            return self._client_in(town, self.person_name(), "")
        return self._client_in(town, None, self.organisation_name(town.country))

    def named(self, name: str | PersonName, country: str = "") -> Client:
        """Return a client with the given name and everything else invented."""
        person = name if isinstance(name, PersonName) else None
        self._is_new(person.full if person else str(name))  # so that nobody invented later is called the same
        return self._client_in(self.town(country), person, str(name))

    def _client_in(self, town: names.Town, person: PersonName | None, name: str) -> Client:
        name = person.full if person else name
        return Client(name, person, self.email(name, person), self.phone(town), self.address(town))

    def town(self, country: str = "") -> names.Town:
        """Return a town for an address or a land line."""
        return self._dice.choice([town for town in names.TOWNS if town.country == country] or names.TOWNS)

    def person_name(self, couples: float = 0.08) -> PersonName:
        """Return a name nobody has yet: first from one origin, then from two, then with a middle name.

        `couples` is the share of joint names such as "Alan & Joan Petrie".
        """
        couple = self._dice.random() < couples
        for attempt in range(1000):
            person = self._couple_name() if couple else self._single_name(mixed=attempt > 0, middle=attempt > 2)
            if self._is_new(person.full):
                return person
        raise ValueError("A world of this size needs more different names than there are.")

    def _single_name(self, *, mixed: bool, middle: bool) -> PersonName:
        origin = self._dice.choice(names.ORIGINS)
        surnames = self._dice.choice(names.ORIGINS).surnames if mixed else origin.surnames
        first = self._dice.choice(origin.given)
        second = self._dice.choice(origin.given) if middle or self._dice.random() < 0.15 else ""
        return PersonName(first, "" if second == first else second, self._dice.choice(surnames))

    def _couple_name(self) -> PersonName:
        origin = self._dice.choice(names.ORIGINS)
        one, other = self._dice.sample(origin.given, 2)
        if self._dice.random() < 0.3:
            one, other = one[0], other[0]
        return PersonName(f"{one} & {other}", "", self._dice.choice(self._dice.choice(names.ORIGINS).surnames))

    def organisation_name(self, country: str) -> str:
        """Return an organisation's name nobody has yet, with a legal form or a trade in it."""
        for attempt in range(1000):
            name = self._organisation_name(country, coined=attempt > 2)
            if self._is_new(name):
                return name
        raise ValueError("A world of this size needs more different names than there are.")

    def _organisation_name(self, country: str, *, coined: bool) -> str:
        dice, roll = self._dice, self._dice.random()
        surname = dice.choice(dice.choice(names.ORIGINS).surnames)
        form = dice.choice(names.COMPANY_FORMS[country])
        if coined or roll < 0.35:
            return f"{self._coined_word()} {dice.choice(names.TRADES)} {form}"
        if roll < 0.65:
            return (
                f"{dice.choice(names.FIRST_WORDS)} {dice.choice(names.SECOND_WORDS)} {dice.choice(names.TRADES)} {form}"
            )
        if roll < 0.80:
            return f"{surname} {dice.choice(names.TRADES)} {form}"
        if roll < 0.90:
            return f"The {dice.choice(names.FIRST_WORDS)} {surname} Family Trust"
        if roll < 0.95:
            initial = dice.choice(dice.choice(names.ORIGINS).given)[0]
            business = f"{dice.choice(names.FIRST_WORDS)} {dice.choice(names.SOLE_TRADES)}"
            return f"{initial} {surname} t/a {business}"
        return f"{dice.choice(names.FIRST_WORDS)} {dice.choice(names.SECOND_WORDS)} {dice.choice(names.CLUBS)}"

    def _coined_word(self) -> str:
        syllables = self._dice.sample(names.SYLLABLES, self._dice.choice((1, 2, 2)))
        return ("".join(syllables) + self._dice.choice(names.ENDINGS)).capitalize()

    def variant(self, client: Client) -> tuple[str, PersonName | None]:
        """Return another name for the same client: an initial more, another legal form, or a wholly new name."""
        if self._dice.random() < 0.6:
            for name, person in self._variants(client):
                if self._is_new(name):
                    return name, person
        stranger = self.client(like=client)
        return stranger.name, stranger.person

    def _variants(self, client: Client) -> Iterator[tuple[str, PersonName | None]]:
        person = client.person
        if person is None:
            stem = next((client.name.removesuffix(end) for end in _FORM_ENDINGS if client.name.endswith(end)), None)
            endings = _FORM_ENDINGS if stem else (" (2019)", " Inc")
            yield from ((f"{stem or client.name}{ending}", None) for ending in endings)
        elif "&" not in person.first:
            for initial in self._dice.sample("ABCDEFGHJKLMNPRSTW", 3):
                longer = PersonName(person.first, initial, person.last)
                yield longer.full, longer

    def email(self, name: str, person: PersonName | None) -> str:
        """Return an address nobody has yet, at a reserved domain."""
        if person:
            first, last = _ascii(person.first.split(" ")[0]), _ascii(person.last)
            mailbox = self._dice.choice((f"{first}.{last}", f"{first}{last}", f"{first[:1]}.{last}"))
            host = self._dice.choice(_MAIL_HOSTS)
        else:
            mailbox, host = self._dice.choice(_MAILBOXES), _host(name)
        email, number = f"{mailbox}@{host}", 1
        while email in self._emails:
            number += 1 if number < 9 else self._dice.randint(1, 9999)
            email = f"{mailbox}{number}@{host}"
        self._emails.add(email)
        return email

    def phone(self, town: names.Town) -> Phone:
        """Return a number from the ranges kept for fiction, or with a 555 prefix where a country has none."""
        dice, digits = self._dice, f"{self._dice.randint(0, 99):02}"
        extension = str(dice.randint(2, 89)) if dice.random() < 0.03 else ""
        if town.country == "AU":
            local = f"5550 {dice.randint(0, 99):02}{digits}"
        elif town.country == "GB":
            local = {"20": "7946 0", "29": "2018 0"}.get(town.area, "496 0") + f"{dice.randint(0, 9)}{digits}"
        else:
            local = ("555 01" if town.country == "NZ" else "555-01") + digits
        return Phone(town.country, town.area, local, extension)

    def address(self, town: names.Town) -> Address:
        """Return an address in a town, now and then a PO Box, of several lines, or without its postcode."""
        dice = self._dice
        street = f"{dice.randint(1, 399)} {dice.choice(names.STREETS)} {dice.choice(names.STREET_KINDS)}"
        roll = dice.random()
        if roll < 0.15:
            lines: tuple[str, ...] = (f"PO Box {dice.randint(100, 99999)}",)
        elif roll < 0.25:
            lines = (f"Level {dice.randint(1, 30)}", street)
        elif roll < 0.30:
            lines = (f"Unit {dice.randint(1, 60)}", f"{dice.choice(names.FIRST_WORDS)} House", street)
        else:
            lines = (street,)
        postcode = "" if dice.random() < 0.06 else town.postcode
        return Address(lines, town.city, town.region, postcode, town.country)

    def _is_new(self, name: str) -> bool:
        key = letters_and_digits(name)
        if key in self._names:
            return False
        self._names.add(key)
        return True
