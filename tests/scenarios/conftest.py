"""Two address books and the product between them: what people do on either side, one sync, and what both sides show."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from contacts import api, mirror
from contacts.models import Budget, Change, FieldConflict, Link, Refresh, RemoteContact
from contacts.values import System
from karbonsync import pipeline, setup, tasks
from karbonsync.lease import Held
from matching.models import MatchIssue
from sandbox import server
from sandbox.server import Sandbox

PATIENCE = timedelta(seconds=3)
ROUNDS = 25
ADDRESS = {"lines": "1 Wharf Road", "city": "Auckland", "postcode": "1010"}
PHONE = ("64", "9", "555 0100")


@dataclass
class Result:
    """What one sync did, all its rounds together."""

    created: int = 0
    written: int = 0
    failed: int = 0
    matched: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, counts: pipeline.Counts, errors: list[str]) -> None:
        self.created += counts.created
        self.failed += counts.failed
        self.written += sum(counts.written.values())
        for category, number in counts.matched.items():
            self.matched[category] = self.matched.get(category, 0) + number
        self.errors += errors


class World:
    """Both services as people see them, and the product that keeps them the same."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.by = User.objects.create(username="staff")
        self._session = requests.Session()
        self.later(60)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        reply = self._session.request(method, f"{self.box.url}/sandbox{path}", json=body, timeout=15)
        assert reply.ok, reply.text
        return reply.json()

    def later(self, seconds: float = 3) -> None:
        """Let the services' time pass: Karbon's lists tell it in whole seconds, and the sync waits them out."""
        self.control("POST", "/clock", {"advance": seconds})

    def fault(self, **fault: Any) -> None:
        self.control("POST", "/faults", fault)

    def no_faults(self) -> None:
        self.control("DELETE", "/faults")

    def switch(self, **switches: Any) -> None:
        self.control("POST", "/switches", switches)

    def calls(self, *, system: str = "", method: str = "", path: str = "") -> list[dict[str, Any]]:
        return [
            call
            for call in self.control("GET", "/calls")
            if (not system or call["system"] == system)
            and (not method or call["method"] == method)
            and re.search(path, call["path"])
        ]

    def forget_calls(self) -> None:
        self.control("DELETE", "/calls")

    # What people do

    def add_xero(self, name: str, email: str = "", *, phone: Any = None, address: Any = None, **wire: Any) -> str:
        self.later()
        if phone:
            wire["Phones"] = [xero_phone(phone)]
        if address:
            wire["Addresses"] = [xero_address(address)]
        made = self.control("POST", "/xero/contacts", {"Name": name, "EmailAddress": email, **wire})
        return str(made["ContactID"])

    def add_person(self, first: str, last: str, email: str = "", **more: Any) -> str:
        return self._add_karbon("contacts", "ContactKey", {"FirstName": first, "LastName": last}, email, **more)

    def add_organisation(self, name: str, email: str = "", **more: Any) -> str:
        return self._add_karbon("organizations", "OrganizationKey", {"FullName": name}, email, **more)

    def _add_karbon(
        self, kind: str, key: str, body: dict[str, Any], email: str, phone: Any = None, address: Any = None
    ) -> str:
        self.later()
        card = {"IsPrimaryCard": True, "EmailAddresses": [email] if email else []}
        card["PhoneNumbers"] = [karbon_phone(phone)] if phone else []
        card["Addresses"] = [karbon_address(address)] if address else []
        return str(self.control("POST", f"/karbon/{kind}", {**body, "BusinessCards": [card]})[key])

    def add_pair(self, name: str = "Harbour Joinery Limited", email: str = "office@harbour.example") -> tuple[str, str]:
        """The same organisation with the same four values on both sides."""
        values = {"phone": PHONE, "address": ADDRESS}
        return self.add_xero(name, email, **values), self.add_organisation(name, email, **values)

    def edit_xero(self, contact_id: str, **wire: Any) -> None:
        self.later()
        self.control("PATCH", f"/xero/contacts/{contact_id}", wire)

    def edit_karbon(self, key: str, **wire: Any) -> None:
        self.later()
        self.control("PATCH", f"/karbon/contacts/{key}", wire)

    def edit_card(self, key: str, **wire: Any) -> None:
        self.later()
        self.control("PATCH", f"/karbon/contacts/{key}/card", wire)

    # What both sides show

    def state(self) -> dict[str, Any]:
        return dict(self.control("GET", "/state"))

    def xero(self, contact_id: str) -> dict[str, Any]:
        return next(c for c in self.state()["xero"]["contacts"] if c["ContactID"] == contact_id)

    def all_karbon(self) -> list[dict[str, Any]]:
        state = self.state()["karbon"]
        return [*state["contacts"], *state["organizations"]]

    def karbon(self, key: str) -> dict[str, Any]:
        return next(r for r in self.all_karbon() if key_of(r) == key)

    def in_xero(self, contact_id: str) -> dict[str, Any]:
        return read_xero(self.xero(contact_id))

    def in_karbon(self, key: str) -> dict[str, Any]:
        return read_karbon(self.karbon(key))

    def xero_names(self) -> list[str]:
        return sorted(c["Name"] for c in self.state()["xero"]["contacts"])

    def karbon_names(self) -> list[str]:
        return sorted(read_karbon(r)["name"] for r in self.all_karbon())

    def karbon_named(self, name: str) -> dict[str, Any]:
        (record,) = [r for r in self.all_karbon() if read_karbon(r)["name"] == name]
        return record

    def xero_named(self, name: str) -> dict[str, Any]:
        (record,) = [c for c in self.state()["xero"]["contacts"] if c["Name"] == name]
        return dict(record)

    def assert_both(self, contact_id: str, key: str, **expected: Any) -> None:
        """Both records show these values, and agree in the other fields too."""
        mine, theirs = self.in_xero(contact_id), self.in_karbon(key)
        assert mine == theirs
        assert {name: mine[name] for name in expected} == expected

    # The product

    def connect(self, contact_type: str = "Client") -> None:
        setup.connect_sandbox("http://localhost:8000/xero/callback")
        setup.start_syncing(contact_type=contact_type, import_filter="all")

    def sync(self, *, full: bool = False) -> Result:
        """One check and what becomes due within three seconds of it, as the ``sync`` command does."""
        lease, result = Held(tasks.LEASE), Result()
        assert lease.take()
        try:
            result.add(*tasks.run_check(lease, full=full))
            for _ in range(ROUNDS):
                due = pipeline.next_due()
                if due is None or due > timezone.now() + PATIENCE:
                    return result
                time.sleep(max(0.0, (due - timezone.now()).total_seconds()) + 0.01)
                result.add(*tasks.run_rest(lease))
            raise AssertionError("the sync does not come to rest")
        finally:
            lease.drop()

    def check(self) -> None:
        """One check, and nothing of what becomes due after it."""
        lease = Held(tasks.LEASE)
        assert lease.take()
        try:
            tasks.run_check(lease)
        finally:
            lease.drop()

    def read_as_after_a_webhook(self, system: System, remote_id: str) -> None:
        """Read one record again and act on it, without a list."""
        mirror.ask_refreshes([self.mirrored(system, remote_id)], reason="webhook")
        lease = Held(tasks.LEASE)
        assert lease.take()
        try:
            tasks.run_rest(lease)
        finally:
            lease.drop()

    def wait_out(self) -> None:
        """Let the time pass that calls were put off for after a fault."""
        Budget.objects.update(blocked_until=None)
        Refresh.objects.update(not_before=None)
        Change.objects.filter(state=Change.State.QUEUED).update(not_before=None)

    def settle(self, syncs: int = 4) -> None:
        """Sync until nothing is written any more."""
        for _ in range(syncs):
            result = self.sync()
            if not result.written and not result.created and not result.errors:
                return
        raise AssertionError(f"the two sides do not converge: {result}")

    def assert_at_rest(self) -> None:
        before = self.state()
        result = self.sync()
        assert (result.written, result.created, result.errors) == (0, 0, [])
        assert self.state() == before

    def mirrored(self, system: System, remote_id: str) -> RemoteContact:
        return RemoteContact.objects.get(system=system, remote_id=remote_id)

    def link_of(self, contact_id: str) -> Link:
        """The link that holds this Xero contact now."""
        return Link.objects.exclude(state=Link.State.ENDED).get(xero__remote_id=contact_id)

    def links(self) -> set[tuple[str, str]]:
        live = Link.objects.filter(state=Link.State.LIVE)
        return set(live.values_list("xero__remote_id", "karbon__remote_id"))

    def issue_of(self, contact_id: str) -> MatchIssue:
        return MatchIssue.objects.get(xero__remote_id=contact_id, state=MatchIssue.State.OPEN)

    def candidates(self, contact_id: str) -> set[str]:
        return set(self.issue_of(contact_id).candidates.values_list("karbon__remote_id", flat=True))

    def conflicts(self) -> list[FieldConflict]:
        return list(FieldConflict.objects.filter(is_open=True))

    def linked_pair(self, *names: str) -> tuple[str, str]:
        pair = self.add_pair(*names)
        self.connect()
        self.sync()
        assert self.links() == {pair}
        return pair


def key_of(record: dict[str, Any]) -> str:
    return str(record.get("ContactKey") or record["OrganizationKey"])


def xero_phone(phone: tuple[str, str, str]) -> dict[str, str]:
    country, area, number = phone
    return {"PhoneType": "DEFAULT", "PhoneCountryCode": country, "PhoneAreaCode": area, "PhoneNumber": number}


def karbon_phone(phone: tuple[str, str, str]) -> dict[str, str]:
    country, area, number = phone
    return {"Number": f"+{country} {area} {number}", "CountryCode": "NZ", "Label": "Work"}


def xero_address(address: dict[str, str]) -> dict[str, str]:
    slot = {"AddressType": "POBOX", "AddressLine1": address["lines"], "City": address["city"]}
    return {**slot, "PostalCode": address["postcode"], "Country": "New Zealand"}


def karbon_address(address: dict[str, str]) -> dict[str, str]:
    slot = {"AddressLines": address["lines"], "City": address["city"], "ZipCode": address["postcode"]}
    return {**slot, "CountryCode": "NZ", "Label": "Mailing"}


def read_xero(contact: dict[str, Any]) -> dict[str, Any]:
    """The four fields of a Xero contact, in a form that both services can be compared in."""
    phone = next((p for p in contact.get("Phones") or [] if p["PhoneType"] == "DEFAULT"), {})
    slot = next((a for a in contact.get("Addresses") or [] if a["AddressType"] == "POBOX"), {})
    number = "".join(phone.get(f"Phone{part}") or "" for part in ("CountryCode", "AreaCode", "Number"))
    lines = "\n".join(slot[f"AddressLine{n}"] for n in (1, 2, 3, 4) if slot.get(f"AddressLine{n}"))
    place = [slot.get(part) or "" for part in ("City", "Region", "PostalCode")]
    country = (slot.get("Country") or "").replace("New Zealand", "NZ")
    return _shown(contact.get("Name", ""), contact.get("EmailAddress"), number, [lines, *place, country])


def read_karbon(record: dict[str, Any]) -> dict[str, Any]:
    """The four fields of a Karbon record, likewise."""
    if "OrganizationKey" in record and "ContactKey" not in record:
        name = record["FullName"]
    else:
        name = " ".join(record[part] for part in ("FirstName", "MiddleName", "LastName") if record.get(part))
    card = next((c for c in record["BusinessCards"] if c["IsPrimaryCard"]), {})
    phone = next((p for p in card.get("PhoneNumbers") or [] if p.get("Number")), {})
    rows = [a for a in card.get("Addresses") or [] if a.get("AddressLines") or a.get("City")]
    slot = rows[0] if rows else {}
    parts = ("AddressLines", "City", "StateProvinceCounty", "ZipCode", "CountryCode")
    email = next(iter(card.get("EmailAddresses") or []), "")
    return _shown(name, email, phone.get("Number") or "", [slot.get(part) or "" for part in parts])


def _shown(name: str, email: str | None, number: str, address: list[str]) -> dict[str, Any]:
    digits = "".join(filter(str.isdigit, number))
    return {"name": name, "email": email or "", "phone": digits, "address": tuple(address) if any(address) else ()}


@pytest.fixture
def world(box: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(api, "GET_PAUSES", (0.01, 0.01))
    settings.SITE_URL = "http://localhost:8000"
    settings.FIELD_ENCRYPTION_KEYS = [settings.SANDBOX_ENCRYPTION_KEY]
    settings.XERO_CLIENT_ID, settings.XERO_CLIENT_SECRET = server.XERO_CLIENT_ID, server.XERO_CLIENT_SECRET
    settings.KARBON_BEARER_TOKEN, settings.KARBON_ACCESS_KEY = server.KARBON_BEARER_TOKEN, server.KARBON_ACCESS_KEY
    for service in ("XERO", "KARBON"):
        setattr(settings, f"{service}_CALLS_PER_MINUTE", 0)
        setattr(settings, f"{service}_CALLS_PER_DAY", 0)
    made = World(box)
    yield made
    made._session.close()


@pytest.fixture
def desk(world: World) -> Client:
    """A browser of the one who acts in these worlds."""
    User.objects.filter(pk=world.by.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(world.by, backend="django.contrib.auth.backends.ModelBackend")
    return client
