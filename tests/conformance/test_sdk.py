"""Xero's own SDK at the sandbox: signs in, lists, creates, updates, archives and is refused as it would be by Xero."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from xero_python.accounting import (
    AccountingApi,
    Address,
    Contact,
    ContactPerson,
    Contacts,
    HistoryRecord,
    HistoryRecords,
    Phone,
)
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
from xero_python.exceptions import HTTPStatusException
from xero_python.exceptions.http_status_exceptions import BadRequestException, NotFoundException, RateLimitException
from xero_python.identity import IdentityApi

from sandbox import server
from sandbox.server import Sandbox

REDIRECT = "http://localhost:8000/callback"
SCOPES = "offline_access openid accounting.contacts accounting.settings.read"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with server.start("empty") as sandbox:
        yield sandbox


class Sdk:
    """The SDK's objects, aimed at the sandbox instead of Xero, with the token where its callbacks want it."""

    def __init__(self, box: Sandbox) -> None:
        self.token: dict[str, Any] | None = None
        keys = OAuth2Token(client_id=server.XERO_CLIENT_ID, client_secret=server.XERO_CLIENT_SECRET)
        self.api_client = ApiClient(
            Configuration(oauth2_token=keys), oauth2_token_getter=self._get, oauth2_token_saver=self._set
        )
        self.accounting = AccountingApi(self.api_client, base_url=f"{box.url}/xero/api/api.xro/2.0")
        self.identity = IdentityApi(self.api_client, base_url=f"{box.url}/xero/api")
        self._sign_in(f"{box.url}/xero")
        (self.connection,) = self.identity.get_connections()
        self.tenant = self.connection.tenant_id

    def _get(self) -> Any:
        return self.token

    def _set(self, token: Any) -> None:
        self.token = token

    def _sign_in(self, base: str) -> None:
        """The code flow up to the token is the app's own; a person presses Allow."""
        state = secrets.token_urlsafe()
        asked = {
            "response_type": "code",
            "client_id": "sandbox",
            "redirect_uri": REDIRECT,
            "scope": SCOPES,
            "state": state,
        }
        page = requests.get(f"{base}/login/identity/connect/authorize", params=asked, allow_redirects=False, timeout=10)
        answer = parse_qs(urlsplit(page.headers["Location"]).query)
        assert answer["state"] == [state]
        form = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": REDIRECT}
        reply = requests.post(f"{base}/identity/connect/token", form, auth=("sandbox", "sandbox"), timeout=10).json()
        self.token = {**reply, "scope": reply["scope"].split()}

    def create(self, **more: Any) -> Contact:
        made = self.accounting.create_contacts(self.tenant, Contacts(contacts=[Contact(**more)]))
        return made.contacts[0]


@pytest.fixture
def sdk(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    monkeypatch.setattr(TokenApi, "refresh_token_url", f"{box.url}/xero/identity/connect/token")
    monkeypatch.setattr(TokenApi, "revoke_token_url", f"{box.url}/xero/identity/connect/revocation")
    return Sdk(box)


def test_it_signs_in_and_finds_its_organisation(sdk: Sdk) -> None:
    assert (sdk.connection.tenant_name, sdk.connection.tenant_type) == ("Acme Partners", "ORGANISATION")
    assert isinstance(sdk.connection.created_date_utc, datetime)
    organisation = sdk.accounting.get_organisations(sdk.tenant).organisations[0]
    assert organisation.name == "Acme Partners" and organisation.organisation_id == sdk.tenant


def test_it_creates_what_it_then_reads(sdk: Sdk) -> None:
    made = sdk.create(
        name="Harbour Joinery",
        email_address="office@harbour.example",
        contact_number="H-1",
        phones=[Phone(phone_type="DEFAULT", phone_country_code="64", phone_area_code="9", phone_number="555 0100")],
        addresses=[Address(address_type="POBOX", address_line1="1 Wharf Road", city="Auckland")],
        contact_persons=[ContactPerson(first_name="Mere", last_name="Tane", include_in_emails=True)],
    )
    for read in (
        sdk.accounting.get_contact(sdk.tenant, made.contact_id).contacts[0],
        sdk.accounting.get_contact_by_contact_number(sdk.tenant, "H-1").contacts[0],
    ):
        assert (read.contact_id, read.name, read.contact_status) == (made.contact_id, "Harbour Joinery", "ACTIVE")
        assert {phone.phone_type for phone in read.phones} == {"DEFAULT", "DDI", "FAX", "MOBILE"}
        assert next(p.phone_number for p in read.phones if p.phone_type == "DEFAULT") == "555 0100"
        assert {address.address_type for address in read.addresses} == {"POBOX", "STREET"}
        assert read.contact_persons[0].first_name == "Mere" and read.updated_date_utc.tzinfo is not None


def test_it_lists_by_page_filter_order_and_ids(sdk: Sdk) -> None:
    names = [f"Client {number:02d}" for number in range(12)]
    sdk.accounting.create_contacts(sdk.tenant, Contacts(contacts=[Contact(name=name) for name in names]))
    page = sdk.accounting.get_contacts(sdk.tenant, page=2, page_size=5, order="Name ASC", include_archived=True)
    assert [contact.name for contact in page.contacts] == names[5:10]
    assert (page.pagination.page, page.pagination.page_count, page.pagination.item_count) == (2, 3, 12)
    found = sdk.accounting.get_contacts(sdk.tenant, where='Name=="client 03"').contacts
    assert [contact.name for contact in found] == ["Client 03"]
    chosen = [contact.contact_id for contact in page.contacts[:2]]
    assert {c.contact_id for c in sdk.accounting.get_contacts(sdk.tenant, i_ds=chosen).contacts} == set(chosen)
    assert len(sdk.accounting.get_contacts(sdk.tenant, search_term="client 1", page=1).contacts) == 2


def test_it_asks_for_what_changed_since(sdk: Sdk, box: Sandbox) -> None:
    sdk.create(name="Old")
    box.advance(60)
    # To the second, as Xero documents: what the SDK makes of a datetime has an offset, which Xero ignores (facts, Xero 15).
    since = f"{datetime.now(UTC) + timedelta(seconds=30):%Y-%m-%dT%H:%M:%S}"
    sdk.create(name="New")
    changed = sdk.accounting.get_contacts(sdk.tenant, if_modified_since=since).contacts
    assert [contact.name for contact in changed] == ["New"]


def test_it_updates_one_and_many(sdk: Sdk) -> None:
    made = sdk.create(name="Harbour Joinery", email_address="office@harbour.example")
    one = sdk.accounting.update_contact(
        sdk.tenant, made.contact_id, Contacts(contacts=[Contact(email_address="new@harbour.example")])
    )
    assert (one.contacts[0].email_address, one.contacts[0].name) == ("new@harbour.example", "Harbour Joinery")
    many = sdk.accounting.update_or_create_contacts(
        sdk.tenant,
        Contacts(
            contacts=[
                Contact(contact_id=made.contact_id, name="Harbour Joiners"),
                Contact(name="A", email_address="bad"),
            ]
        ),
        summarize_errors=False,
    )
    good, bad = many.contacts
    assert (good.name, good.status_attribute_string) == ("Harbour Joiners", "OK")
    assert bad.status_attribute_string == "ERROR" and bad.validation_errors[0].message == "Email address must be valid."


def test_it_archives_and_is_refused_afterwards(sdk: Sdk) -> None:
    made = sdk.create(name="Leaving")
    leaving = Contacts(contacts=[Contact(contact_id=made.contact_id, contact_status="ARCHIVED")])
    assert sdk.accounting.update_or_create_contacts(sdk.tenant, leaving).contacts[0].contact_status == "ARCHIVED"
    assert sdk.accounting.get_contacts(sdk.tenant, page=1).contacts == []
    assert len(sdk.accounting.get_contacts(sdk.tenant, page=1, include_archived=True).contacts) == 1
    with pytest.raises(HTTPStatusException) as refused:
        sdk.accounting.update_or_create_contacts(sdk.tenant, leaving)
    assert refused.value.status == 400 and b"Archived contacts cannot" in refused.value.http_resp.data


def test_its_errors_are_those_it_knows(sdk: Sdk, box: Sandbox) -> None:
    sdk.create(name="Taken")
    with pytest.raises(BadRequestException) as refused:
        sdk.create(name="Taken")
    assert (
        "already assigned to another contact"
        in refused.value.error_data["Elements"][0]["ValidationErrors"][0]["Message"]
    )
    with pytest.raises(NotFoundException):
        sdk.accounting.get_contact(sdk.tenant, "99999999-0000-4000-8000-000000000000")
    box.faults.add({"system": "xero", "kind": "rate_limit", "retry_after": 26})
    with pytest.raises(RateLimitException) as slowed:  # a GET or PUT it would repeat by itself, after 26 seconds
        sdk.accounting.update_or_create_contacts(sdk.tenant, Contacts(contacts=[Contact(name="Late")]))
    assert slowed.value.rate_limit == "minute"


def test_its_idempotency_key_makes_a_repeat_harmless(sdk: Sdk) -> None:
    wanted = Contacts(contacts=[Contact(name="Once")])
    made = [sdk.accounting.create_contacts(sdk.tenant, wanted, idempotency_key="k") for _ in range(2)]
    assert made[0].contacts[0].contact_id == made[1].contacts[0].contact_id


def test_it_writes_and_reads_a_note(sdk: Sdk) -> None:
    made = sdk.create(name="Noted")
    note = HistoryRecords(history_records=[HistoryRecord(details="Called about the move")])
    sdk.accounting.create_contact_history(sdk.tenant, made.contact_id, note)
    told = sdk.accounting.get_contact_history(sdk.tenant, made.contact_id).history_records
    assert "Called about the move" in [record.details for record in told]


def test_it_renews_its_token_and_leaves(sdk: Sdk) -> None:
    before = dict(sdk.token or {})
    sdk.api_client.refresh_oauth2_token()
    assert sdk.token and sdk.token["access_token"] != before["access_token"]
    assert sdk.accounting.get_contacts(sdk.tenant, page=1).contacts == []
    sdk.identity.delete_connection(sdk.connection.id)
    assert sdk.identity.get_connections() == []
    with pytest.raises(HTTPStatusException) as gone:
        sdk.accounting.get_contacts(sdk.tenant)
    assert gone.value.status == 403
    sdk.api_client.revoke_oauth2_token()
    assert sdk.token and sdk.token["access_token"] is None
