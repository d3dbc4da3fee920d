"""Makes our real clients say all that they can say, and the sandbox give all the answers that it can give."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from django.conf import settings
from django.test.utils import override_settings

from contacts.models import Budget, SyncSettings
from contacts.remote import Creation, Missing, RemoteError
from contacts.values import Kind, Ref, System
from karbon import client as karbon_client
from karbon import remote as karbon_remote
from karbon import webhook as karbon_webhook
from karbonsync import pipeline, setup, tasks
from karbonsync.lease import Held
from sandbox import server
from sandbox.server import Sandbox
from xero import client as xero_client
from xero import leaving, oauth
from xero import remote as xero_remote

WORLD = {"xero": 50, "karbon": 260, "overlap": 0.5, "conflicts": 0.1, "seed": 41}
ADDRESS = {"lines": "1 Wharf Road\nLevel 2", "city": "Auckland", "region": "", "postcode": "1010", "country": "NZ"}
PHONE, MOBILE = (
    {"country": "64", "area": "9", "number": "555 0155"},
    {"country": "64", "area": "21", "number": "555 0156"},
)
BACK = "http://localhost:8000/xero/callback"


@contextmanager
def world() -> Iterator[Sandbox]:
    """A sandbox, and settings that lead to it."""
    with server.start(WORLD) as box:
        addresses = {
            "XERO_LOGIN_URL": f"{box.url}/xero/login",
            "XERO_IDENTITY_URL": f"{box.url}/xero/identity",
            "XERO_API_URL": f"{box.url}/xero/api",
            "KARBON_API_URL": f"{box.url}/karbon",
        }
        with override_settings(**addresses, SITE_URL="http://localhost:8000", API_TIMEOUT_SECONDS=30):
            yield box


class Drive:
    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.session = requests.Session()

    def all(self) -> None:
        self.synced()
        self.xero_calls()
        self.xero_refusals()
        self.karbon_calls()
        self.karbon_refusals()
        self.subscriptions()
        self.faults()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.session.request(method, f"{self.box.url}/sandbox/{path}", json=body, timeout=15)
        assert reply.ok, reply.text
        return reply.json() if reply.content else None

    def fault(self, system: str, kind: str, **more: Any) -> None:
        self.control("POST", "faults", {"system": system, "kind": kind, **more})

    # --- as the product runs ---

    def synced(self) -> None:
        """Sign in, import, and carry an edit of every field both ways."""
        setup.connect_sandbox(BACK)
        setup.start_syncing(contact_type="Client", import_filter=SyncSettings.ImportFilter.ALL)
        self.check()
        contact = self._linked_contact()
        slots = {
            "Phones": [{"PhoneType": "DEFAULT", "PhoneCountryCode": "64", "PhoneAreaCode": "9", "PhoneNumber": "555 0177"}],
            "Addresses": [{"AddressType": "POBOX", "AddressLine1": "9 Quay Street", "City": "Auckland", "PostalCode": "1010", "Country": "New Zealand"}],
        }  # fmt: skip
        self.control("PATCH", f"xero/contacts/{contact}", {"EmailAddress": "new@harbour.example", **slots})
        self.control("POST", "clock", {"advance": 5})
        self.check()

    def check(self) -> None:
        lease = Held(tasks.LEASE)
        assert lease.take()
        tasks.run_check(lease)
        for _ in range(5):
            time.sleep(0.4)
            tasks.run_rest(lease)
        lease.drop()

    def _linked_contact(self) -> str:
        return next(row["xero"] for row in self.control("GET", "truth") if row["category"] == "full")

    # --- Xero ---

    def xero_calls(self) -> None:
        xero = xero_remote.connect()
        made = xero.create(Creation(
            marker="11111111-2222-4333-8444-555555555555", kind=Kind.PERSON, first_name="Mere", last_name="Tane",
            values={"name": "Mere Tane", "billing_email": "mere@tane.example", "primary_phone": PHONE, "billing_address": ADDRESS},
        ))  # fmt: skip
        client = xero_client.XeroClient(xero._session)
        xero.poll("2020-01-01T00:00:00", lambda rows: 0)
        client.page(99, size=1)
        client.numbered("11111111-2222-4333-8444-555555555555")
        client.named('Mere "Tane"')
        client.by_ids([made.remote_id, "99999999-0000-4000-8000-000000000000"])
        assert client.one(made.remote_id) and client.one("99999999-0000-4000-8000-000000000000") is None
        now = xero.read([made.ref])[made.remote_id]
        assert now
        xero.send([xero.prepare(now, {"name": "Mere Tane-Ngata", "primary_phone": MOBILE, "billing_address": ADDRESS})])
        xero.send([xero.prepare_archive(now)])
        xero.send([xero.prepare(now, {"billing_email": "late@tane.example"})])
        for method, path, body in (
            ("GET", "/ContactGroups", None),
            ("GET", f"/Contacts/{self._linked_contact()}/History", None),
            ("PUT", f"/Contacts/{self._linked_contact()}/History", {"HistoryRecords": [{"Details": "Called"}]}),
            ("POST", f"/Contacts/{self._linked_contact()}", {"Contacts": [{"AccountNumber": "A-1"}]}),
            ("POST", f"/Contacts/{self._linked_contact()}", {"Contacts": [{"ContactNumber": "C-77"}]}),
            ("GET", "/Contacts/C-77", None),
            ("GET", "/Contacts?summaryOnly=true&page=1", None),
            ("GET", "/Contacts?where=Name%3D%3D%22Nobody%22", None),
        ):
            assert self.xero(method, path, body).ok, path
        assert self.xero("GET", "/Organisation").status_code == 401  # our app asks for contacts only
        assert self.xero("GET", "/Organisation", **self.box.xero_headers()).ok

    def xero(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        token, tenant = oauth.access_token()
        sent = {"Authorization": f"Bearer {token}", "xero-tenant-id": tenant, "Accept": "application/json", **headers}
        address = f"{settings.XERO_API_URL}/api.xro/2.0{path}"
        return self.session.request(method, address, json=body, headers=sent, timeout=15)

    def xero_refusals(self) -> None:
        taken = self.xero("GET", "/Contacts?page=1&pageSize=1").json()["Contacts"][0]["Name"]
        assert self.xero("PUT", "/Contacts", {"Contacts": [{"Name": taken}]}).status_code == 400
        assert self.xero("PUT", "/Contacts", {"Contacts": []}).status_code == 400
        assert self.xero("GET", "/Contacts?where=Name%3D%3D%22a").status_code == 400
        for name in ("One", "Two"):
            self.xero("PUT", "/Contacts", {"Contacts": [{"Name": f"Key {name}"}]}, **{"Idempotency-Key": "same"})
        assert self.xero("GET", "/Contacts", **{"xero-tenant-id": "other"}).status_code == 403
        assert self.xero("GET", "/Contacts", Authorization="Bearer none").status_code == 401
        reader = self.box.xero_headers("offline_access accounting.contacts.read")
        address = f"{settings.XERO_API_URL}/api.xro/2.0/Contacts"
        assert self.session.put(address, json={"Name": "A"}, headers=reader, timeout=15).status_code == 401

    # --- Karbon ---

    def karbon_calls(self) -> None:
        karbon = karbon_remote.connect()
        client = karbon.client
        phone, mobile = {"number": "+64 9 555 0155", "country": "NZ"}, {"number": "+64 21 555 0156", "country": "NZ"}
        karbon.walk(lambda rows: len(rows))  # more than a hundred on each list: next links are followed
        values = {"name": "Mere Aroha Tane", "billing_email": "mere@tane.example", "primary_phone": phone, "billing_address": ADDRESS}  # fmt: skip
        person = karbon.create(Creation(marker="a", kind=Kind.PERSON, values=values, contact_type="Client"))
        firm = karbon.create(Creation(marker="b", kind=Kind.ORGANISATION, values={**values, "name": "Tane's Joinery"}, contact_type="Client"))  # fmt: skip
        for ref, name in ((person.ref, "Mere Ngata"), (firm.ref, "Ngata's Joinery")):
            now = karbon.read([ref])[ref.remote_id]
            assert now
            karbon.send([karbon.prepare(now, {"name": name})])
            karbon.send([karbon.prepare(now, {"billing_email": "two@tane.example", "primary_phone": mobile})])
        karbon.read([Ref(person.remote_id, Kind.UNKNOWN)])
        list(client.named(Kind.ORGANISATION, "Ngata's Joinery"))
        client.page(Kind.PERSON, order_by=karbon_client.NEWEST_FIRST, skip=1)
        assert client.contact_types()
        now = client.get(Kind.ORGANISATION, firm.remote_id)
        card = now["BusinessCards"][0]["BusinessCardKey"]
        for method, path, body in (
            ("GET", f"/BusinessCards/{card}", None),
            ("PUT", f"/Organizations/{firm.remote_id}", {"FullName": "Ngata Joinery", "UserDefinedIdentifier": "N-1"}),
            ("PUT", f"/Contacts/{person.remote_id}", {"FirstName": "Mere", "LastName": "Ngata", "UserDefinedIdentifier": "N-2"}),
            *(("GET", f"/Organizations/{firm.remote_id}?$expand={part}", None) for part in ("ClientTeam", "Contacts")),
            *(("GET", f"/Contacts/{person.remote_id}?$expand={part}", None) for part in ("ClientTeam", "ClientAccess")),
            ("GET", "/Organizations/GetOrganizationByUserDefinedIdentifier(UserDefinedIdentifier='N-1')", None),
            ("GET", "/Contacts/GetContactByUserDefinedIdentifier(UserDefinedIdentifier='N-2')?$expand=BusinessCards", None),
            ("GET", "/ClientGroups", None),
        ):  # fmt: skip
            assert self.karbon(method, path, body).ok, path
        self.control("POST", "switches", {"patchWithoutPrefer": "204"})
        assert self.karbon("PATCH", f"/Organizations/{firm.remote_id}", {"FullName": "Ngata"}).status_code == 204

    def karbon(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        signed = {**self.box.karbon_headers(), **headers}
        return self.session.request(
            method, f"{settings.KARBON_API_URL}/v3{path}", json=body, headers=signed, timeout=15
        )

    def karbon_refusals(self) -> None:
        refused = [
            self.karbon("GET", "/Organizations?$filter=Name eq 'A'"),
            self.karbon("POST", "/Contacts", {"FirstName": "Only"}),
            self.karbon("POST", "/Contacts"),
            self.karbon("POST", "/Organizations", {"FullName": "Hidden", "RestrictionLevel": "Hidden"}),
            self.karbon("POST", "/Organizations", {"FullName": "Odd", "RestrictionLevel": "Odd"}),
            self.karbon("PATCH", f"/Contacts/{self._someone()}", {"ContactType": "Client"}),
            self.karbon("GET", "/Contacts/GetContactByUserDefinedIdentifier(UserDefinedIdentifier='')"),
            self.karbon("POST", "/WebhookSubscriptions", {"TargetUrl": "ftp://x", "WebhookType": "Contact"}),
            self.karbon("PUT", "/BusinessCards/Nobody00001", {}),
            self.karbon("POST", "/Organizations", {"FullName": "Taken", "UserDefinedIdentifier": "N-1"}),
            *(
                self.karbon("GET", f"/{plural}/Nobody00001")
                for plural in ("Contacts", "Organizations", "BusinessCards")
            ),
            *(self.karbon("PATCH", f"/{plural}/Nobody00001", {}) for plural in ("Contacts", "Organizations")),
            self.karbon("GET", "/Contacts/GetContactByUserDefinedIdentifier(UserDefinedIdentifier='none')"),
            *(
                self.karbon("GET", path, AccessKey="none")
                for path in ("/Contacts", "/Organizations", "/TenantSettings")
            ),
        ]
        assert not any(reply.ok for reply in refused)
        self.control("POST", "switches", {"staleWrite409": 1})
        assert self.karbon("PATCH", f"/Contacts/{self._someone()}", {"FirstName": "Late"}).status_code == 409

    def _someone(self) -> str:
        return str(self.control("GET", "state")["karbon"]["contacts"][0]["ContactKey"])

    def subscriptions(self) -> None:
        client = karbon_remote.connect().client
        assert client.tenant_key()
        assert not any(client.with_external_key(kind, "nobody's").rows for kind in (Kind.PERSON, Kind.ORGANISATION))
        assert client.subscription() is None
        assert karbon_webhook.ensure_subscription("http://127.0.0.1:9/hook")
        assert client.subscription()
        client.unsubscribe()
        client.unsubscribe()
        assert self.karbon("DELETE", "/WebhookSubscriptions").ok

    # --- what is delivered ---

    def deliveries(self, delivered: list[bytes]) -> None:
        """Events of both services in every form that the switches give them; ``delivered`` fills meanwhile."""
        self.control("POST", "switches", {"xeroIntentToReceive": True})
        self.control("POST", "webhooks", {"xero": "http://127.0.0.1:9/hook"})
        self._until(lambda: len(delivered) == 4)
        made = self.control("POST", "xero/contacts", {"Name": "Announced"})
        self.control("PATCH", f"xero/contacts/{made['ContactID']}", {"EmailAddress": "a@announced.example"})
        self._until(lambda: sum(b"eventType" in body for body in delivered) >= 2)
        karbon_remote.connect().client.subscribe("http://127.0.0.1:9/hook", settings.KARBON_WEBHOOK_KEY)
        for key, kind, batch in (("Timestamp", "specific", False), ("TimeStamp", "Contact", False), ("Timestamp", "specific", True)):  # fmt: skip
            self.control("POST", "switches", {"hookTimestampKey": key, "hookResourceType": kind, "hookBatch": batch})
            before = sum(b"ResourcePermaKey" in body for body in delivered)
            for plural in ("contacts", "organizations"):
                record = self.control("GET", "state")["karbon"][plural][0]
                name = {"FirstName": "Told"} if plural == "contacts" else {"FullName": "Told"}
                self.control("PATCH", f"karbon/{plural}/{record.get('ContactKey') or record['OrganizationKey']}", name)
            self.control("POST", "clock", {"advance": 61})
            self._until(lambda: sum(b"ResourcePermaKey" in body for body in delivered) > before)  # noqa: B023
            time.sleep(0.1)

    def _until(self, arrived: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not arrived():
            assert time.monotonic() < deadline, "nothing was delivered"
            time.sleep(0.02)

    # --- trouble ---

    def faults(self) -> None:
        """Both services slow us down, fail, and Xero's token ends: our clients take it, and each answer is recorded."""
        remotes = pipeline.connect()
        reads = {System.XERO: "99999999-0000-4000-8000-000000000000", System.KARBON: "Nobody00001"}
        for system, remote in remotes.items():
            for kind in ({"kind": "rate_limit", "retry_after": 3}, {"kind": "error", "status": 500, "times": 3}):
                self.fault(system.value, **kind)
                with suppress(RemoteError, Missing):
                    remote.read([Ref(reads[system], Kind.PERSON)])
                self.control("DELETE", "faults")
                self.forget_the_pause(system)
        self.fault("xero", "expire_token")
        remotes[System.XERO].glance()
        remotes[System.KARBON].glance()

    def forget_the_pause(self, system: System) -> None:
        Budget.objects.filter(system=system).update(blocked_until=None)

    def consent(self) -> str:
        """Sign in once more, as in the browser, and return what a person could then choose from."""
        url, state = oauth.authorization_url(BACK)
        back = self.session.get(url, allow_redirects=False, timeout=15).headers["Location"]
        return oauth.finish(BACK, state, back).token

    def signing_off(self) -> None:
        assert leaving.give_back(self.consent())  # beside a connection that stands
        token, _ = oauth.access_token()
        assert oauth.renew(token) and not oauth.reseal()
        signed = {"Authorization": f"Bearer {oauth.access_token()[0]}"}
        address = f"{settings.XERO_API_URL}/connections"
        (connection,) = self.session.get(address, headers=signed, timeout=15).json()
        assert self.session.delete(f"{address}/{connection['id']}", headers=signed, timeout=15).status_code == 204
        assert self.session.delete(f"{address}/{connection['id']}", headers=signed, timeout=15).status_code == 404
        assert leaving.disconnect()
        assert leaving.give_back(self.consent())
