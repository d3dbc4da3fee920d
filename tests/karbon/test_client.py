"""How Karbon is asked, and what its refusals say."""

from collections.abc import Iterator

import pytest
import requests
import responses
from django.test.utils import override_settings

from contacts.remote import NotAuthorised, Unavailable
from contacts.values import Kind
from karbon import client, remote
from karbon.remote import KarbonRemote
from tests.karbon.conftest import Play
from tests.karbon.wire import NOW

URL = "https://karbon.test/v3"


def reply(status: int, body: str) -> requests.Response:
    made = requests.Response()
    made.status_code, made._content = status, body.encode()
    return made


@pytest.fixture
def odd(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[KarbonRemote]:
    """A Karbon whose answers the test writes itself."""
    monkeypatch.setattr("contacts.api.GET_PAUSES", ())
    keys = {"KARBON_BEARER_TOKEN": "bearer", "KARBON_ACCESS_KEY": "access", "KARBON_API_URL": "https://karbon.test"}
    with override_settings(**keys):
        yield remote.connect()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"error":{"code":"4002","message":"Only FullName can be patched."}}', ["Only FullName can be patched."]),
        (
            '{"error":{"code":"4003","message":"Invalid Model.","details":{"target":"x","message":"Too long"}}}',
            ["Too long"],
        ),
        ('{"error":{"message":"Invalid Model.","details":[{"message":"One"},{"message":"Two"}]}}', ["One", "Two"]),
        ('{"error":{"code":"4003","message":"Invalid Model."}}', ["Invalid Model."]),
        ('{"statusCode":"404","message":"Resource not found"}', ["Resource not found"]),
        ('{"error":{"statusCode":"401","message":"JWT not present."}}', ["JWT not present."]),
        ('{"Message":"The request is invalid."}', ["The request is invalid."]),
        ('{"error":"plain"}', ["plain"]),
        ('{"errors":{"FullName":["Needed."]},"title":"One error"}', ["Needed.", "One error"]),
        ('["a", {"b": 1}]', ["a"]),
        ("null", []),
        ("<html>", []),
        ("", []),
    ],
)
def test_every_envelope_of_a_refusal_is_read(body: str, says: list[str]) -> None:
    assert client.problems(reply(400, body)) == says


def test_a_known_refusal_says_what_to_do() -> None:
    text = '{"error":{"message":"Invalid Model.","details":{"message":"Contact Type is not valid"}}}'
    (sentence,) = client.problems(reply(400, text))
    assert sentence == "Karbon does not know this contact type. Choose another one in the sync settings."


def test_a_list_is_asked_without_top_and_a_name_is_quoted(karbon: KarbonRemote, play: Play) -> None:
    list(karbon.client.named(Kind.ORGANISATION, "O'Brien & Sons + 50% #1?"))
    call = play.calls()[-1]
    assert call["query"] == "$filter=FullName%20eq%20%27O%27%27Brien%20%26%20Sons%20%2B%2050%25%20%231%3F%27"
    karbon.client.page(Kind.PERSON, order_by=client.NEWEST_FIRST, skip=100)
    assert play.calls()[-1]["query"] == "$orderby=LastModifiedDateTime%20desc&$skip=100"


def test_both_keys_go_with_every_call(odd: KarbonRemote) -> None:
    with responses.RequestsMock() as answers:
        answers.get(f"{URL}/Contacts", json={"@odata.count": 0, "value": []})
        assert odd.client.page(Kind.PERSON).rows == []
        headers = answers.calls[0].request.headers
    assert (headers["Authorization"], headers["AccessKey"]) == ("Bearer bearer", "access")


def test_a_link_to_another_address_is_never_followed(odd: KarbonRemote) -> None:
    with pytest.raises(Unavailable):
        odd.client.follow("https://elsewhere.test/v3/Contacts?$skip=100")
    assert odd.calls == 0


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        '{"value": []}',
        '{"@odata.count": 0, "value": {}}',
        '{"@odata.count": "0", "value": []}',
        '{"@odata.count": 1, "value": [7]}',
        '{"@odata.count": 1, "value": [{}]}',
        "<html>",
    ],
)
def test_a_list_of_another_shape_is_a_fault(odd: KarbonRemote, body: str) -> None:
    with responses.RequestsMock() as answers:
        answers.get(f"{URL}/Contacts", body=body)
        with pytest.raises(Unavailable):
            odd.walk(len)


def test_a_list_that_is_not_there_is_a_fault_and_no_missing_contact(odd: KarbonRemote) -> None:
    with responses.RequestsMock() as answers:
        answers.get(f"{URL}/Contacts", status=404, json={"statusCode": "404", "message": "Resource not found"})
        with pytest.raises(Unavailable):
            odd.client.page(Kind.PERSON)


def test_contact_types_are_read_as_objects_or_as_texts(odd: KarbonRemote) -> None:
    with responses.RequestsMock() as answers:
        answers.get(f"{URL}/TenantSettings", json={"ContactTypes": ["Client", {"Name": "Other"}, {"Key": "x"}, None]})
        assert odd.contact_types() == ["Client", "Other"]


def test_the_sandbox_lists_its_contact_types(karbon: KarbonRemote) -> None:
    assert "Client" in karbon.contact_types()


def test_contact_types_that_are_not_shown_to_us_do_not_mean_dead_keys(karbon: KarbonRemote, play: Play) -> None:
    play.switch(tenantSettings401=True)
    with pytest.raises(Unavailable, match="Type the contact type's name"):
        karbon.contact_types()


def test_without_keys_a_person_is_told_which_settings_are_missing(db: None) -> None:
    with override_settings(KARBON_ACCESS_KEY=""), pytest.raises(NotAuthorised, match="KARBON_ACCESS_KEY"):
        remote.connect()


def test_wrong_keys_are_not_authorised(karbon: KarbonRemote) -> None:
    with override_settings(KARBON_BEARER_TOKEN="wrong"), pytest.raises(NotAuthorised):
        karbon.client.page(Kind.PERSON)


def test_a_page_remembers_when_its_request_began(karbon: KarbonRemote) -> None:
    assert karbon.client.page(Kind.PERSON).began_at > NOW
