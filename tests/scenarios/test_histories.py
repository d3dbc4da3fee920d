"""Random histories: people edit, add and archive on both sides while calls are lost; nothing is lost or made twice."""

import random
from typing import Any

import pytest

from contacts import links
from contacts.models import Link
from contacts.values import System
from tests.scenarios.conftest import World, karbon_address, karbon_phone, read_karbon, xero_address, xero_phone

FIELDS = ("name", "email", "phone", "address")
FAULTS: list[dict[str, Any]] = [
    {"kind": "drop_reply", "method": "PUT"},
    {"kind": "drop_reply", "method": "POST", "path": "Contacts|Organizations"},
    {"kind": "drop_reply", "method": "PATCH"},
    {"kind": "drop_request", "method": "PUT"},
    {"kind": "drop_request", "method": "POST", "path": "Contacts|Organizations"},
    {"kind": "error", "status": 500, "method": "PUT"},
    {"kind": "error", "status": 503, "method": "GET", "skip": 2, "times": 4},
    {"kind": "rate_limit", "retry_after": 1, "skip": 3},
    {"kind": "expire_token", "skip": 2},
    {"kind": "truncate"},
    {"kind": "garbage", "skip": 1},
]


class History:
    """Every field of every pair belongs to one side, whose people alone edit it: their last word must stand on both."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.dice, self.count = world, random.Random(seed), 0
        self.pairs = [world.add_pair(f"Client {n} Limited", f"client{n}@old.example") for n in range(3)]
        self.owner = {(n, field): self.dice.choice(list(System)) for n in range(3) for field in FIELDS}
        self.last: dict[tuple[int, str], Any] = {}
        self.added: list[str] = []

    def edit(self) -> None:
        place, field = self.dice.choice(list(self.owner))
        self.count += 1
        number = f"{self.dice.randrange(100, 999)} {1000 + self.count}"
        street = {"lines": f"{self.count} Hill Street", "city": "Otaki", "postcode": "5512"}
        xero, key = self.pairs[place]
        name, email = f"Client {place} Number {self.count} Limited", f"edit{self.count}@new.example"
        in_xero: dict[str, Any] = {
            "name": {"Name": name},
            "email": {"EmailAddress": email},
            "phone": {"Phones": [xero_phone(("64", "9", number))]},
            "address": {"Addresses": [xero_address(street)]},
        }
        on_card: dict[str, Any] = {
            "email": {"EmailAddresses": [email]},
            "phone": {"PhoneNumbers": [karbon_phone(("64", "9", number))]},
            "address": {"Addresses": [karbon_address(street)]},
        }
        if self.owner[place, field] is System.XERO:
            self.world.edit_xero(xero, **in_xero[field])
        elif field == "name":
            self.world.edit_karbon(key, FullName=name)
        else:
            self.world.edit_card(key, **on_card[field])
        shown = {"name": name, "email": email, "phone": f"649{number.replace(' ', '')}"}
        self.last[place, field] = shown.get(field, (street["lines"], "Otaki", "", "5512", "NZ"))

    def add(self) -> None:
        self.count += 1
        name = f"Newcomer {self.count} Limited"
        self.world.add_xero(name, f"newcomer{self.count}@new.example", phone=("64", "9", "555 0100"))
        self.added.append(name)

    def go_wrong(self) -> None:
        self.world.fault(**self.dice.choice(FAULTS), system=self.dice.choice(list(System)))

    def answer_questions(self) -> None:
        """Where it could not be told whether a write arrived, a person says whose value it is."""
        for conflict in self.world.conflicts():
            (place,) = [n for n, (xero, _) in enumerate(self.pairs) if xero == conflict.link.xero.remote_id]
            short = {"billing_email": "email", "primary_phone": "phone", "billing_address": "address"}
            owner = self.owner[place, short.get(conflict.field, conflict.field)]
            links.answer(conflict, by=self.world.by, winner=owner)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_lost_on_the_way_the_last_word_of_each_side_stands_on_both(world: World, seed: int) -> None:
    history = History(world, seed)
    world.connect()
    world.sync()
    for _ in range(6):
        for _ in range(history.dice.randrange(1, 4)):
            history.edit()
        if history.dice.random() < 0.4:
            history.add()
        for _ in range(history.dice.randrange(0, 3)):
            history.go_wrong()
        world.sync(full=history.dice.random() < 0.2)
    world.no_faults()
    world.wait_out()
    world.sync()
    history.answer_questions()
    world.settle(6)

    assert world.conflicts() == []
    for (place, field), value in history.last.items():
        world.assert_both(*history.pairs[place], **{field: value})
    assert len(world.all_karbon()) == len(world.xero_names()) == 3 + len(history.added)
    assert sorted(r["FullName"] for r in world.state()["karbon"]["organizations"]) == world.xero_names()
    for name in history.added:
        contact, record = world.xero_named(name), world.karbon_named(name)
        world.assert_both(contact["ContactID"], record["OrganizationKey"])
        assert read_karbon(record)["phone"] == "6495550100"
    assert Link.objects.filter(state=Link.State.LIVE).count() == 3 + len(history.added)
    world.assert_at_rest()
