"""Signing in to Xero: consent, tokens, rotation, revocation, connections."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

REDIRECT = "http://localhost:8000/xero/callback"
BASIC = ("sandbox", "sandbox")


@pytest.fixture
def identity(box):
    def call(path, **data):
        return requests.post(f"{box.url}/xero/identity/connect/{path}", data=data, auth=BASIC, timeout=10)

    return call


def consent(box, **changes):
    params = {
        "response_type": "code",
        "client_id": "sandbox",
        "redirect_uri": REDIRECT,
        "scope": "offline_access accounting.contacts",
        "state": "s1",
        **changes,
    }
    address = f"{box.url}/xero/login/identity/connect/authorize"
    return requests.get(address, params=params, allow_redirects=False, timeout=10)


def code_of(response):
    return parse_qs(urlsplit(response.headers["Location"]).query)["code"][0]


def signed_in(box, identity):
    code = code_of(consent(box))
    return identity("token", grant_type="authorization_code", code=code, redirect_uri=REDIRECT).json()


def get_connections(box, token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{box.url}/xero/api/connections", headers=headers, timeout=10)


def test_consent_is_given_at_once_and_the_state_comes_back(box):
    response = consent(box)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(REDIRECT + "?")
    assert parse_qs(urlsplit(response.headers["Location"]).query)["state"] == ["s1"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://localhost.evil.example/"},
        {"scope": "accounting.everything"},
        {"response_type": "token"},
    ],
)
def test_a_wrong_parameter_shows_an_error_page_instead_of_redirecting(box, wrong):
    response = consent(box, **wrong)
    assert (response.status_code, "Location" in response.headers) == (400, False)
    assert response.headers["Content-Type"].startswith("text/html")


def test_a_code_gives_tokens_once(box, identity):
    code = code_of(consent(box))
    exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    first, second = identity("token", **exchange), identity("token", **exchange)
    assert (first.json()["expires_in"], first.json()["token_type"]) == (1800, "Bearer")
    assert (second.status_code, second.json()) == (400, {"error": "invalid_grant"})


def test_a_code_expires_after_five_minutes(box, identity, control):
    code = code_of(consent(box))
    control("POST", "/clock", {"advance": 301})
    response = identity("token", grant_type="authorization_code", code=code, redirect_uri=REDIRECT)
    assert response.status_code == 400


def test_pkce_needs_the_verifier_and_no_secret(box):
    verifier = "v" * 50
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    url = f"{box.url}/xero/identity/connect/token"
    for given, status in (("x" * 50, 400), (verifier, 200)):
        code = code_of(consent(box, code_challenge=challenge, code_challenge_method="S256"))
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        response = requests.post(url, data={**form, "client_id": "sandbox", "code_verifier": given}, timeout=10)
        assert response.status_code == status


def test_a_wrong_secret_is_an_invalid_client(box):
    url = f"{box.url}/xero/identity/connect/token"
    response = requests.post(url, data={"grant_type": "refresh_token"}, auth=("sandbox", "no"), timeout=10)
    assert (response.status_code, response.json()) == (400, {"error": "invalid_client"})


def test_a_refresh_rotates_and_the_old_token_lives_for_thirty_minutes(box, identity, control):
    old = signed_in(box, identity)["refresh_token"]
    new = identity("token", grant_type="refresh_token", refresh_token=old).json()["refresh_token"]
    assert new != old
    control("POST", "/clock", {"advance": 1700})
    assert identity("token", grant_type="refresh_token", refresh_token=old).status_code == 200
    control("POST", "/clock", {"advance": 200})
    gone = identity("token", grant_type="refresh_token", refresh_token=old)
    assert (gone.status_code, gone.json()) == (400, {"error": "invalid_grant"})
    assert identity("token", grant_type="refresh_token", refresh_token=new).status_code == 200


def test_an_unused_refresh_token_dies_after_sixty_days(box, identity, control):
    token = signed_in(box, identity)["refresh_token"]
    control("POST", "/clock", {"advance": 60 * 86_400 + 1})
    assert identity("token", grant_type="refresh_token", refresh_token=token).status_code == 400


def test_an_access_token_expires_after_thirty_minutes(box, xero, control):
    assert xero("GET", "/Contacts").status_code == 200
    control("POST", "/clock", {"advance": 1801})
    response = xero("GET", "/Contacts")
    assert response.status_code == 401
    assert response.json()["Detail"].startswith("TokenExpired: token expired at ")


def test_connections_are_a_bare_array(box, identity):
    token = signed_in(box, identity)["access_token"]
    (connection,) = get_connections(box, token).json()
    assert connection["tenantType"] == "ORGANISATION"
    assert len(connection["createdDateUtc"].partition(".")[2]) == 7


def test_a_wrong_tenant_is_forbidden(xero):
    response = xero("GET", "/Contacts", headers={"xero-tenant-id": "11111111-2222-4333-8444-555555555555"})
    assert (response.status_code, response.json()["Detail"]) == (403, "AuthenticationUnsuccessful")


def test_a_deleted_connection_forbids_further_calls(box, identity, xero):
    token = signed_in(box, identity)["access_token"]
    (connection,) = get_connections(box, token).json()
    url = f"{box.url}/xero/api/connections/{connection['id']}"
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.delete(url, headers=headers, timeout=10).status_code == 204
    assert requests.delete(url, headers=headers, timeout=10).status_code == 404
    assert get_connections(box, token).json() == []
    assert xero("GET", "/Contacts").status_code == 403


def test_revoking_ends_the_refresh_token_and_the_connection(box, identity):
    tokens = signed_in(box, identity)
    revoked = identity("revocation", token=tokens["refresh_token"])
    assert (revoked.status_code, revoked.content) == (200, b"")
    again = identity("token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert again.status_code == 400
    assert get_connections(box, tokens["access_token"]).json() == []


def test_a_missing_scope_is_a_401_with_a_challenge(box):
    headers = box.xero_headers("offline_access accounting.contacts.read")
    url = f"{box.url}/xero/api/api.xro/2.0/Contacts"
    assert requests.get(url, headers=headers, timeout=10).status_code == 200
    response = requests.put(url, headers=headers, json={"Name": "A"}, timeout=10)
    assert response.status_code == 401
    assert "insufficient_scope" in response.headers["WWW-Authenticate"]


def test_a_grace_retry_can_return_the_same_pair(box, identity, control):
    control("POST", "/switches", {"refreshGrace": "samePair"})
    old = signed_in(box, identity)["refresh_token"]
    pairs = [identity("token", grant_type="refresh_token", refresh_token=old).json() for _ in range(2)]
    assert pairs[0] == pairs[1]
