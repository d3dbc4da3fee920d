"""A connection that ends: by us, inside Xero, by a reset; and keys that are changed."""

from cryptography.fernet import Fernet
from django.test.utils import override_settings

from contacts import sealing
from tests.xero.conftest import Play
from tests.xero.test_oauth import BACK, connected
from xero import leaving, oauth
from xero.models import XeroConnection


def test_disconnecting_takes_the_app_off_the_organisation_and_revokes(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    play.control("DELETE", "calls")
    assert leaving.disconnect()
    done = [(call["method"], call["path"].rpartition("/")[2], call["status"]) for call in play.calls()]
    assert [(method, status) for method, _, status in done] == [("GET", 200), ("DELETE", 204), ("POST", 200)]
    assert done[-1][1] == "revocation"
    assert not connected().is_connected


def test_why_xero_refuses_is_said_only_when_the_organisation_is_gone(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    assert leaving.why_refused() == ""
    XeroConnection.objects.update(tenant_id="5a9db0c5-ffff-4000-8000-000000000000")
    assert "Acme Partners was reset" in leaving.why_refused()
    XeroConnection.objects.update(tenant_name="Demo Company (NZ)")
    assert leaving.why_refused().startswith("Demo Company (NZ) no longer lets us in")


def test_why_xero_refuses_is_left_open_when_xero_does_not_say(play: Play, db: None) -> None:
    oauth.connect_without_browser(BACK)
    play.fault("error", "connections", status=500, times=3)
    assert leaving.why_refused() == ""


def test_tokens_are_sealed_anew_with_the_current_key_and_the_old_one_can_go(play: Play, db: None, settings) -> None:
    oauth.connect_without_browser(BACK)
    oauth.renew(oauth.access_token()[0])
    assert not oauth.reseal()  # nothing to do
    old, new = settings.FIELD_ENCRYPTION_KEYS, Fernet.generate_key().decode()
    with override_settings(FIELD_ENCRYPTION_KEYS=[new, *old]):
        before, _ = oauth.access_token()
        assert oauth.reseal()
        assert connected().renewing_until is None
    with override_settings(FIELD_ENCRYPTION_KEYS=[new]):
        assert oauth.access_token()[0] == before
        assert sealing.is_current(connected().previous_refresh_token)
        assert oauth.renew(before)


def test_tokens_are_not_sealed_anew_while_somebody_renews_them(play: Play, db: None, settings) -> None:
    oauth.connect_without_browser(BACK)
    assert oauth._claim(connected())
    held = connected().refresh_token
    with override_settings(FIELD_ENCRYPTION_KEYS=[Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]):
        assert not oauth.reseal()
    assert connected().refresh_token == held
