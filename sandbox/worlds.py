"""Build the two address books a sandbox starts with, and the answer key that says who is who.

`build` is the only door: a spec in, a `World` out, the same one for the same spec. A generated world is
made pair by pair, so its answer key is known by construction; the tests check it against `answer_key`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from sandbox.address_books import AddressBooks, World
from sandbox.answer_key import Row, karbon_email, karbon_key, truth_row
from sandbox.clients import Client
from sandbox.demo_world import build_demo
from sandbox.world_records import PersonName, Record

__all__ = ["Spec", "World", "build", "generate", "read_spec"]


@dataclass(frozen=True, slots=True)
class Spec:
    """How a generated world is to look: sizes, and which share of Xero's contacts has which counterpart."""

    xero: int = 400
    karbon: int = 400
    overlap: float = 0.7
    conflicts: float = 0.1
    seed: int = 1

    @property
    def full(self) -> int:
        return round(self.xero * self.overlap)

    @property
    def partial(self) -> int:
        return min(round(self.xero * self.conflicts), self.xero - self.full)


def build(spec: str | int | dict[str, Any]) -> World:
    """Return the world of a spec: "empty", "demo", a number of contacts a side, or a dictionary.

    Raises ValueError with a sentence for a person when the spec makes no sense.
    """
    if spec == "empty":
        return World()
    if spec == "demo":
        return build_demo()
    return generate(read_spec(spec))


def read_spec(spec: object) -> Spec:
    """Check a spec and fill in its defaults."""
    if isinstance(spec, str) and spec.isascii() and spec.isdigit():
        spec = int(spec)
    if isinstance(spec, int) and not isinstance(spec, bool):
        spec = {"xero": spec, "karbon": spec}
    if not isinstance(spec, dict):
        raise ValueError('A world is "demo", "empty", a number of contacts, or an object with "xero" and "karbon".')
    known = [item.name for item in fields(Spec)]
    if unknown := [str(key) for key in spec if key not in known]:
        raise ValueError(f"A world has no setting called {', '.join(unknown)}; it has {', '.join(known)}.")
    for key in ("xero", "karbon", "seed"):
        if key in spec and not _is_whole_number(spec[key], least=None if key == "seed" else 0):
            raise ValueError(f"The world's {key} must be a whole number{'' if key == 'seed' else ', zero or more'}.")
    for key in ("overlap", "conflicts"):
        if key in spec and not _is_share(spec[key]):
            raise ValueError(f"The world's {key} must be a share between 0 and 1.")
    return _checked(Spec(**spec))


def _is_whole_number(value: object, least: int | None) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _checked(spec: Spec) -> Spec:
    if spec.overlap + spec.conflicts > 1 + 1e-9:
        raise ValueError("The world's overlap and conflicts together must not be more than 1.")
    if spec.full > spec.karbon:
        raise ValueError(
            f"An overlap of {spec.full} contacts needs at least as many in Karbon, which has {spec.karbon}."
        )
    if spec.partial and not spec.karbon:
        raise ValueError("Conflicts need at least one contact in Karbon.")
    return spec


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Millions of small dictionaries without a cycle among them: the collector only costs time here."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def generate(spec: Spec) -> World:
    """Build a generated world: full matches, partial ones, strangers in Xero, strangers in Karbon."""
    with _without_garbage_collection():
        world = _GeneratedWorld(spec.seed)
        for _ in range(spec.full):
            world.add_full_match()
        spare = spec.karbon - spec.full
        for left in range(spec.partial, 0, -1):
            spare -= world.add_conflict(room=spare, left=left)
        for _ in range(spec.xero - spec.full - spec.partial):
            world.add_stranger_in_xero()
        for _ in range(spare):
            world.add_stranger_in_karbon()
        return world.finished()


class _GeneratedWorld:
    """A world that knows its answer key because it makes each contact for one of the three categories."""

    def __init__(self, seed: int) -> None:
        self._books = AddressBooks(seed)
        self._dice = self._books.dice
        self._inventor = self._books.inventor
        self._truth: dict[str, Row] = {}
        self._emails: list[tuple[Record, str]] = []  # Karbon's billing emails, to be shared when room runs out

    def add_full_match(self) -> None:
        contact, record = self._books.add_full_match(self._inventor.client())
        self._remember(record)
        self._settle(contact, "full", record)

    def add_conflict(self, *, room: int, left: int) -> int:
        """Add one partial match and return how many Karbon contacts it took of the `room` left."""
        roll = self._dice.random()
        if room < 1:
            self._add_shared_email()
            return 0
        if roll < 0.1 and room > left:
            self._add_torn()
            return 2
        if roll < 0.55 and room >= left:
            self._add_same_name()
        else:  # when room is short, those without room share an email, so one must be there
            self._add_same_email()
        return 1

    def _add_same_name(self) -> None:
        client = self._inventor.client()
        other_email = "" if self._dice.random() < 0.25 else self._inventor.email(client.name, client.person)
        email = "" if self._dice.random() < 0.25 else client.email
        self._add_to_xero(
            client, email, "conflict", self._add_to_karbon(client, client.name, client.person, other_email)
        )

    def _add_same_email(self) -> None:
        client = self._inventor.client()
        name, person = self._inventor.variant(client)
        self._add_to_xero(client, client.email, "conflict", self._add_to_karbon(client, name, person, client.email))

    def _add_torn(self) -> None:
        """Add a contact whose name points at one Karbon contact and whose email points at another."""
        client, other = self._inventor.client(), self._inventor.client()
        by_name = self._add_to_karbon(client, client.name, client.person, other.email)
        self._add_to_karbon(other, other.name, other.person, client.email)
        self._add_to_xero(client, client.email, "conflict", by_name)

    def _add_shared_email(self) -> None:
        """Add a contact that shares its email with a Karbon contact some other contact points at already."""
        record, email = self._dice.choice(self._emails)
        self._add_to_xero(self._inventor.client(), email, "conflict", record)

    def add_stranger_in_xero(self) -> None:
        client = self._inventor.client()
        self._add_to_xero(client, "" if self._dice.random() < 0.25 else client.email, "none", None)

    def add_stranger_in_karbon(self) -> None:
        client = self._inventor.client()
        self._add_to_karbon(client, client.name, client.person, "" if self._dice.random() < 0.25 else client.email)

    def _add_to_xero(self, client: Client, email: str, category: str, counterpart: Record | None) -> None:
        maybe = self._books.maybe
        contact = self._books.put_in_xero(client, email, maybe(client.phone), maybe(client.address))
        self._settle(contact, category, counterpart)

    def _add_to_karbon(self, client: Client, name: str, person: PersonName | None, email: str) -> Record:
        maybe = self._books.maybe
        record = self._books.put_in_karbon(name, person, email, maybe(client.phone), maybe(client.address))
        self._remember(record)
        return record

    def _remember(self, record: Record) -> None:
        if email := karbon_email(record):
            self._emails.append((record, email))

    def _settle(self, contact: Record, category: str, counterpart: Record | None) -> None:
        id_ = contact["ContactID"]
        key = karbon_key(counterpart) if counterpart else None
        self._truth[id_] = truth_row(id_, key, category, self._books.kinds[id_])

    def finished(self) -> World:
        """Return the world in an order that gives nothing away."""
        books = self._books
        books.shuffle()
        truth = [self._truth[contact["ContactID"]] for contact in books.xero]
        return World(books.xero, books.karbon_contacts, books.karbon_organizations, truth)
