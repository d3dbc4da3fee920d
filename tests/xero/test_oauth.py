"""Getting and keeping access to Xero."""

import os
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from django.test.utils import override_settings
from django.utils import timezone

from contacts import sealing
from contacts.models import RemoteContact
from contacts.remote import NotAuthorised, Unavailable
from contacts.values import System
from tests.xero.conftest import Play
from tests.xero.wire import NOW
from xero import leaving, oauth
from xero.models import XeroConnection

BACK = "http://localhost:8000/xero/back"
TOKEN_PATH = "connect/token"


def connected() -> XeroConnection:
    return XeroConnection.objects.get(id=1)


def consent() -> oauth.Consent:
    url, state = oauth.authorization_url(BACK)
    reply = requests.get(url, allow_redirects=False, timeout=5)
    return oauth.finish(BACK, state, reply.headers["Location"])


def test_connecting_stores_the_organisation_and_no_readable_token(play: Play, db: None) -> None:
    row = oauth.connect_without_browser(BACK)
    token, tenant_id = oauth.access_token()
    assert (row.tenant_name, row.tenant_id, row.problem) == ("Acme Partners", tenant_id, "")
    assert token.count(".") == 2
    assert token not in row.access_token
    assert sealing.unseal(connected().access_token) == token
    assert str(row) == "Acme Partners"
    assert set(row.scopes.split()) == {"offline_access", "accounting.contacts"}


def test_only_the_permissions_of_a_contact_sync_are_asked_for(play: Play) -> None:
    url, state = oauth.authorization_url(BACK)
    asked = parse_qs(urlsplit(url).query)
    assert asked["scope"] == ["offline_access accounting.contacts"]
    assert (asked["state"], asked["redirect_uri"], asked["response_type"]) == ([state], [BACK], ["code"])


def test_plain_http_is_allowed_on_loopback_only_and_no_trace_is_left(play: Play) -> None:
    oauth.authorization_url(BACK)
    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ
    with override_settings(XERO_LOGIN_URL="http://xero.example"), pytest.raises(NotAuthorised, match="https"):
        oauth.authorization_url(BACK)


@pytest.mark.parametrize(
    ("state", "query", "said"),
    [
        ("mine", "code=c&state=other", "does not belong"),
        ("mine", "code=c", "does not belong"),
        ("", "code=c&state=", "does not belong"),
        ("mine", "error=access_denied&state=mine", "declined"),
        ("mine", "state=mine", "sent no code"),
        ("mine", "code=made-up&state=mine", "older than five minutes"),
    ],
)
def test_a_wrong_answer_from_the_browser_connects_nothing(play: Play, state: str, query: str, said: str) -> None:
    with pytest.raises(NotAuthorised, match=said):
        oauth.finish(BACK, state, f"{BACK}?{query}")


def test_another_organisation_is_refused_while_the_first_ones_contacts_are_here(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    allowed = consent()
    other = oauth.Organisation("5a9db0c5-ffff-4000-8000-000000000000", "Other Firm")
    RemoteContact.objects.create(system=System.XERO, remote_id="a", read_began_at=NOW)
    with pytest.raises(oauth.OtherOrganisation, match="contacts of Acme Partners"):
        oauth.choose(allowed.token, other)
    RemoteContact.objects.all().delete()
    assert oauth.choose(allowed.token, other).tenant_name == "Other Firm"


def test_a_sealed_consent_shows_no_token(play: Play, db: None) -> None:
    allowed = consent()
    assert "access" not in repr(allowed)
    assert '"access"' not in allowed.token


def test_without_a_connection_a_person_is_asked_to_connect(db: None) -> None:
    with pytest.raises(NotAuthorised, match="Connect it first"):
        oauth.access_token()


def test_a_token_about_to_expire_is_renewed_before_use(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    before, _ = oauth.access_token()
    XeroConnection.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    after, _ = oauth.access_token()
    assert after != before
    assert connected().expires_at > timezone.now() + timedelta(minutes=25)


def test_a_token_that_still_works_is_used_while_renewing_fails(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    before, _ = oauth.access_token()
    XeroConnection.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    play.fault("error", TOKEN_PATH, status=503)
    assert oauth.access_token()[0] == before


def test_renewing_keeps_the_old_refresh_token_for_its_grace(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    spent = connected().refresh_token
    assert oauth.renew(oauth.access_token()[0])
    row = connected()
    assert row.previous_refresh_token == spent != row.refresh_token
    assert row.renewing_until is None


def test_a_token_that_somebody_else_renewed_is_not_renewed_again(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    play.control("DELETE", "calls")
    assert oauth.renew("an older token")
    assert play.calls(TOKEN_PATH) == []


@pytest.mark.parametrize("kind", ["drop_request", "drop_reply", "garbage"])
def test_a_lost_renewal_is_repeated_with_the_same_refresh_token(play: Play, db: None, kind: str) -> None:
    oauth.connect_without_browser(BACK)
    stale, spent = oauth.access_token()[0], connected().refresh_token
    play.fault(kind, TOKEN_PATH)
    with pytest.raises(Unavailable):
        oauth.renew(stale)
    assert (connected().refresh_token, connected().renewing_until, connected().problem) == (spent, None, "")
    assert oauth.renew(stale)
    assert oauth.access_token()[0] != stale


def test_a_refused_refresh_token_falls_back_on_the_one_before(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    oauth.renew(oauth.access_token()[0])
    XeroConnection.objects.update(refresh_token=sealing.seal("lost on the way"))
    assert oauth.renew(oauth.access_token()[0])
    assert connected().problem == ""


def test_the_token_before_is_not_tried_after_half_an_hour(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    oauth.renew(oauth.access_token()[0])
    half_an_hour_ago = timezone.now() - timedelta(minutes=31)
    XeroConnection.objects.update(refresh_token=sealing.seal("lost"), rotated_at=half_an_hour_ago)
    with pytest.raises(NotAuthorised, match="Connect Xero again"):
        oauth.renew(oauth.access_token()[0])


def test_withdrawn_access_is_told_once_and_asks_xero_no_more(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    stale, _ = oauth.access_token()
    XeroConnection.objects.update(refresh_token=sealing.seal("withdrawn"))
    with pytest.raises(NotAuthorised, match="Connect Xero again"):
        oauth.renew(stale)
    row = connected()
    assert row.problem.startswith("Xero no longer accepts our access")
    assert row.problem_since is not None
    play.control("DELETE", "calls")
    with pytest.raises(NotAuthorised, match="Connect Xero again"):
        oauth.access_token()
    assert play.calls() == []
    assert oauth.connect_without_browser(BACK).problem == ""


def test_a_wrong_secret_blames_the_settings_not_the_connection(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    with override_settings(XERO_CLIENT_SECRET="wrong"), pytest.raises(NotAuthorised, match="XERO_CLIENT_SECRET"):
        oauth.renew(oauth.access_token()[0])
    assert connected().problem == ""


def test_tokens_under_a_lost_key_ask_for_a_new_connection(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    other = "b3RoZXItb25seS1rZXktbm90LWEtc2VjcmV0LSEhISE="
    with override_settings(FIELD_ENCRYPTION_KEYS=[other]), pytest.raises(NotAuthorised, match="FIELD_ENCRYPTION_KEYS"):
        oauth.access_token()


def test_an_older_key_still_reads(settings: object) -> None:
    sealed = sealing.seal("secret")
    older = settings.FIELD_ENCRYPTION_KEYS  # type: ignore[attr-defined]
    with override_settings(FIELD_ENCRYPTION_KEYS=["b3RoZXItb25seS1rZXktbm90LWEtc2VjcmV0LSEhISE=", *older]):
        assert sealing.unseal(sealed) == "secret"


def test_disconnecting_revokes_and_remembers_whose_contacts_these_are(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    assert leaving.disconnect()
    assert len(play.calls("revocation")) == 1
    row = connected()
    assert (row.is_connected, row.access_token, row.tenant_name) == (False, "", "Acme Partners")
    with pytest.raises(NotAuthorised, match="Connect it first"):
        oauth.access_token()
    assert leaving.disconnect()


def test_disconnecting_says_when_xero_could_not_be_told(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    play.fault("drop_request", "revocation")
    play.fault("error", "connections", status=503, times=3)
    assert not leaving.disconnect()
    assert not connected().is_connected


@responses.activate
def test_a_login_page_is_not_mistaken_for_approval(db: None) -> None:
    responses.get("https://login.xero.com/identity/connect/authorize", body="<h1>Log in</h1>")
    real = {"XERO_LOGIN_URL": "https://login.xero.com"}
    with override_settings(**real), pytest.raises(NotAuthorised, match="from the browser"):
        oauth.connect_without_browser(BACK)


def test_while_one_process_renews_the_others_wait_for_what_it_stores(
    play: Play, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    oauth.connect_without_browser(BACK)
    stale, _ = oauth.access_token()
    row = connected()
    assert oauth._claim(row)  # another process
    assert oauth._claim(row) is None
    play.control("DELETE", "calls")
    monkeypatch.setattr(time, "sleep", lambda seconds: oauth._rotate(row))  # it ends while we wait
    assert oauth.renew(stale)
    assert len(play.calls(TOKEN_PATH)) == 1
    assert oauth._claim(row) is None  # what it read is no longer there to be renewed


def test_waiting_for_another_process_ends_after_a_while(play: Play, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    oauth.connect_without_browser(BACK)
    monkeypatch.setattr(oauth, "WAIT_FOR_OTHERS", 0.2)
    XeroConnection.objects.update(renewing_until=timezone.now() + timedelta(seconds=10))
    began = time.monotonic()
    with pytest.raises(Unavailable):
        oauth.renew(oauth.access_token()[0])
    assert time.monotonic() - began < 2
    XeroConnection.objects.update(renewing_until=timezone.now() - timedelta(seconds=1))
    assert oauth.renew(oauth.access_token()[0])  # its holder died


def test_tokens_stay_out_of_the_logs(play: Play, db: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    oauth.connect_without_browser(BACK)
    token, _ = oauth.access_token()
    oauth.renew(token)
    refresh = sealing.unseal(connected().refresh_token)
    assert token not in caplog.text
    assert refresh not in caplog.text
