"""What Xero's refusals say, and answers that are not whole."""

import json
from typing import Any

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from contacts.api import ApiSession
from contacts.remote import NotAuthorised, Rejected, Unavailable
from contacts.values import System
from tests.xero.wire import API, ID, NOW, contact, page
from xero import client


@pytest.fixture
def calls(db: None) -> client.XeroClient:
    session = ApiSession(System.XERO, API, headers=dict, problems=client.problems)
    return client.XeroClient(session)


def reply(body: object, status: int = 400) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return made


def refusal(*messages: str, key: str = "Message") -> dict[str, Any]:
    errors = [{key: message} for message in messages]
    return {"Type": "ValidationException", "Message": "A validation exception occurred", "Elements": [{"ValidationErrors": errors}]}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "The contact name Harbour Joinery is already assigned to another contact. The contact name must be unique.",
            "Xero already has an active contact called Harbour Joinery. Link to it, or rename this client in Karbon first.",
        ),
        (
            "The specified contact details matched an archived contact. Archived contacts cannot currently be edited.",
            "This contact is archived in Xero, where archived contacts cannot be changed. Restore it in Xero first.",
        ),
        ("Email address must be valid", "Xero does not accept this billing email. Correct it in Karbon."),
        (
            "Website must be valid.",
            "Xero refuses every change to this contact while it has a website. Clear the website in Xero, then try again.",
        ),
        (
            "Additional people cannot be added when the primary person has no email address set.",
            "This contact has further people, and Xero then wants a billing email. Enter one, or remove them in Xero.",
        ),
        ("Something new under the sun.", "Something new under the sun."),
    ],
)
def test_a_refusal_says_what_to_do(said: str, told: str) -> None:
    assert client.problems(reply(refusal(said))) == [told]


def test_a_description_serves_where_there_is_no_message() -> None:
    assert client.problems(reply(refusal("Odd.", "Odd.", "Strange.", key="Description"))) == ["Odd.", "Strange."]


def test_a_refusal_without_elements_says_its_own_message() -> None:
    assert client.problems(reply({"Type": "QueryParseException", "Message": "Syntax error"})) == ["Syntax error"]


def test_a_403_is_a_lost_connection_not_a_refusal() -> None:
    assert client.problems(reply({"Message": "Forbidden", "Detail": "AuthenticationUnsuccessful"}, 403)) == []


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["Elements", "ValidationErrors", "Message", "Description"]), inner))  # fmt: skip


@given(JSON | st.binary())
def test_odd_refusals_never_raise(body: object) -> None:
    assert all(isinstance(text, str) for text in client.problems(reply(body)))


def test_an_idempotency_key_in_use_is_recognised() -> None:
    assert client.is_key_in_use(["Idempotency Key: abc is used with a different request."])
    assert not client.is_key_in_use(["Odd."])


@responses.activate
def test_a_listing_always_asks_for_whole_pages_with_archived_contacts(calls: client.XeroClient) -> None:
    asked = {"page": "2", "pageSize": "1000", "includeArchived": "true", "order": "ContactID"}
    match = [
        responses.matchers.query_param_matcher(asked),
        responses.matchers.header_matcher({"If-Modified-Since": "2026-11-23T09:20:00"}),
    ]
    responses.get(f"{API}/Contacts", json=page(contact()), match=match)
    got = calls.page(2, since="2026-11-23T09:20:00")
    assert (len(got.contacts), got.item_count, got.page_count, got.at) == (1, 1, 1, NOW)


WHOLE = page(contact())


@pytest.mark.parametrize(
    "body",
    [
        [],
        {**WHOLE, "Contacts": None},
        {**WHOLE, "pagination": None},
        {**WHOLE, "pagination": {"itemCount": "1", "pageCount": 1}},
        {**WHOLE, "DateTimeUTC": "today"},
        {key: part for key, part in WHOLE.items() if key != "Contacts"},
    ],
)
@responses.activate
def test_a_page_that_lacks_a_part_is_not_believed(calls: client.XeroClient, body: object) -> None:
    responses.get(f"{API}/Contacts", json=body)
    with pytest.raises(Unavailable, match="not whole"):
        calls.page(1)


@responses.activate
def test_quotes_in_a_name_are_doubled(calls: client.XeroClient) -> None:
    match = [responses.matchers.query_param_matcher({"where": 'Name=="The ""Best"" Ltd"'}, strict_match=False)]
    responses.get(f"{API}/Contacts", json=page(), match=match)
    assert calls.named('The "Best" Ltd').contacts == []


@responses.activate
def test_a_single_read_without_its_contact_is_not_believed(calls: client.XeroClient) -> None:
    responses.get(f"{API}/Contacts/{ID}", json={"Contacts": []})
    with pytest.raises(Unavailable):
        calls.one(ID)


@responses.activate
def test_a_lost_tenant_asks_for_a_new_connection(calls: client.XeroClient) -> None:
    responses.get(f"{API}/Contacts", status=403, json={"Title": "Forbidden", "Detail": "AuthenticationUnsuccessful"})
    with pytest.raises(NotAuthorised):
        calls.page(1)


@responses.activate
def test_a_refused_creation_tells_why(calls: client.XeroClient) -> None:
    responses.put(f"{API}/Contacts", status=400, json=refusal("Contact Name cannot be empty."))
    with pytest.raises(Rejected, match="needs a name"):
        calls.create({"Name": ""}, "key")
