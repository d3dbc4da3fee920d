"""Bad configuration is told in one sentence with what to do."""

from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.management import call_command

from karbon import keys


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("XERO_CLIENT_ID", "", "XERO_CLIENT_ID is not set."),
        ("FIELD_ENCRYPTION_KEYS", [], "FIELD_ENCRYPTION_KEYS is not set."),
        ("FIELD_ENCRYPTION_KEYS", ["not a key"], "FIELD_ENCRYPTION_KEYS holds a key that is none."),
        ("XERO_API_URL", "http://xero.example", "XERO_API_URL is not an address we may send keys to."),
        ("KARBON_API_URL", "nonsense", "KARBON_API_URL is not an address we may send keys to."),
        ("SITE_URL", "", "SITE_URL is not set."),
        ("KARBON_WEBHOOK_KEY", "short!", "KARBON_WEBHOOK_KEY is not a key that Karbon takes."),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named_with_what_to_do(settings, name, value, says):
    setattr(settings, name, value)
    found = {message.msg: message.hint for message in run_checks(tags=["karbonsync"])}
    assert found.get(says)


def test_the_sandbox_needs_no_settings(box):
    assert run_checks(tags=["karbonsync"]) == []


def test_that_xero_is_not_connected_is_told_until_it_is(box):
    (told,) = run_checks(tags=["connection"])
    assert (told.msg, bool(told.hint)) == ("Xero is not connected.", True)
    call_command("connect", stdout=StringIO())
    assert run_checks(tags=["connection"]) == []


def test_that_karbon_has_no_keys_is_told_until_it_has(box, settings):
    call_command("connect", stdout=StringIO())
    settings.KARBON_ACCESS_KEY = ""
    (told,) = run_checks(tags=["connection"])
    assert (told.msg, bool(told.hint)) == ("Karbon is not connected.", True)
    keys.store(keys.Keys(settings.KARBON_BEARER_TOKEN, "typed.by.hand"))
    assert run_checks(tags=["connection"]) == []
