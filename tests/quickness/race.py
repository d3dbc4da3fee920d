"""How long an edit is on its way: web process, worker and sandbox as they really run, people's edits, both directions."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import requests

from sandbox import server
from sandbox.server import Sandbox
from tests.killing.product import Product

WORLD = {"xero": 30, "karbon": 30, "overlap": 1.0, "conflicts": 0, "seed": 21}
PATIENCE = 150.0  # a worker under load, or a scheduler that looks every half minute


class Race:
    """A connected product with its first import done, and one linked organisation to edit."""

    def __init__(self, box: Sandbox, product: Product) -> None:
        self.box, self.product = box, product
        self._round = 0
        truth = self._control("GET", "truth")
        state = self._control("GET", "state")
        linked = {row["xero"]: row["karbon"] for row in truth if row["category"] == "full"}
        organisations = {record["OrganizationKey"] for record in state["karbon"]["organizations"]}
        self.xero_id, self.karbon_key = next(pair for pair in linked.items() if pair[1] in organisations)

    @classmethod
    @contextmanager
    def prepared(cls) -> Iterator[Self]:
        with server.start(WORLD) as box, tempfile.TemporaryDirectory() as folder:
            product = Product(Path(folder), box.url)
            try:
                product.manage("migrate", "--noinput", "--verbosity", "0")
                product.manage("connect")
                product.sync()
                for name in ("web", "worker"):
                    product.start(name)
                product.wait_for_web()
                yield cls(box, product)
            finally:
                product.stop()

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        reply = requests.request(method, f"{self.box.url}/sandbox/{path}", json=body, timeout=30)
        assert reply.ok, reply.text
        return reply.json()

    def turn_webhooks_on(self) -> float:
        """Enter Xero's address as a person does, and wait until the worker has subscribed to Karbon; return the wait."""
        self._control("POST", "webhooks", {"xero": f"{self.product.url}/webhooks/xero"})
        return self._wait(lambda: "Contact" in self.box.karbon_hooks.subscriptions)

    def turn_webhooks_off(self) -> None:
        self._control("POST", "webhooks", {"xero": None})
        with self.box.lock:
            self.box.karbon_hooks.subscriptions.clear()

    def edit_in_xero(self) -> Callable[[], bool]:
        """Change the phone there; the answer tells whether it has arrived in Karbon."""
        digits = self._digits()
        phone = {"PhoneType": "DEFAULT", "PhoneCountryCode": "64", "PhoneAreaCode": "9", "PhoneNumber": digits}
        self._control("PATCH", f"xero/contacts/{self.xero_id}", {"Phones": [phone]})
        return lambda: digits in _bare(self._karbon_phones())

    def edit_in_karbon(self) -> Callable[[], bool]:
        digits = self._digits()
        phone = {"Number": f"+64 9 {digits}", "CountryCode": "NZ", "Label": "Work"}
        self._control("PATCH", f"karbon/organizations/{self.karbon_key}/card", {"PhoneNumbers": [phone]})
        return lambda: digits in _bare(self._xero_phones())

    def from_xero(self) -> float:
        """Seconds from an edit in Xero, whose webhook leaves at once, until Karbon shows it."""
        return self._wait(self.edit_in_xero())

    def from_karbon(self) -> float:
        """Seconds from the moment that Karbon, which gathers the edits of a minute, sends its webhook."""
        arrived = self.edit_in_karbon()
        self._control("POST", "clock", {"advance": 61})
        return self._wait(arrived)

    def be_at_rest(self) -> None:
        """Let what is under way end."""
        self._wait(lambda: not self.product.count("contacts_change", "state IN ('queued', 'sending')"))

    def _wait(self, arrived: Callable[[], bool]) -> float:
        began = time.perf_counter()
        while not arrived():
            assert time.perf_counter() - began < PATIENCE, self.product.log("worker")[-2000:]
            time.sleep(0.02)
        return time.perf_counter() - began

    def _digits(self) -> str:
        self._round += 1
        return f"5550{self._round:03d}"

    def _karbon_phones(self) -> list[str]:
        with self.box.lock:
            cards = self.box.karbon.book.records[self.karbon_key].cards
            return [phone["Number"] for card in cards for phone in card.get("PhoneNumbers") or []]

    def _xero_phones(self) -> list[str]:
        with self.box.lock:
            slots = self.box.xero.book.contacts[self.xero_id].fields["Phones"]
            return ["".join(str(part) for part in slot.values()) for slot in slots.values()]


def _bare(numbers: list[str]) -> str:
    return " ".join("".join(filter(str.isdigit, number)) for number in numbers)
