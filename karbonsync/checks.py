"""Tells bad configuration in one sentence with what to do: at start, by ``manage.py check`` and on the dashboard."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning, register
from django.db import OperationalError, ProgrammingError

TAG = "karbonsync"
_NEEDED = {
    "XERO_CLIENT_ID": "the client id of your app in Xero's developer portal",
    "XERO_CLIENT_SECRET": "the client secret of your app in Xero's developer portal",
    "FIELD_ENCRYPTION_KEYS": 'a key made with: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
}
_URLS = ["XERO_LOGIN_URL", "XERO_IDENTITY_URL", "XERO_API_URL", "KARBON_API_URL"]


@register(TAG)
def needed_settings(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Each setting without which nothing can be synced. A warning, so that migrate and the admin still start."""
    return [
        Warning(f"{name} is not set.", hint=f"Put it into the environment or .env: {what}.", id="karbonsync.W001")
        for name, what in _NEEDED.items()
        if not getattr(settings, name)
    ]


@register(TAG)
def encryption_keys(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    for key in settings.FIELD_ENCRYPTION_KEYS:
        try:
            Fernet(key)
        except ValueError:
            hint = f"Make one: {_NEEDED['FIELD_ENCRYPTION_KEYS']}."
            return [Error("FIELD_ENCRYPTION_KEYS holds a key that is none.", hint=hint, id="karbonsync.E001")]
    return []


@register(TAG)
def addresses(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """The services' addresses must be https; plain http is for a sandbox on this machine only."""
    found = []
    for name in _URLS:
        url = urlsplit(getattr(settings, name))
        local = url.hostname in ("localhost", "127.0.0.1", "::1")
        if not (url.scheme == "https" and url.hostname) and not (url.scheme == "http" and local):
            hint = f"Set {name} to an https:// address, or leave it out for the real service."
            found.append(Error(f"{name} is not an address we may send keys to.", hint=hint, id="karbonsync.E002"))
    return found


@register(TAG)
def site_url(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if urlsplit(settings.SITE_URL).hostname:
        return []
    hint = "Set it to the address people open, such as https://sync.yourfirm.example."
    return [Warning("SITE_URL is not set.", hint=hint, id="karbonsync.W002")]


@register(TAG)
def webhook_key(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Karbon refuses other keys when we subscribe (facts, Karbon A15)."""
    if not settings.KARBON_WEBHOOK_KEY or re.fullmatch(r"[A-Za-z0-9_-]{16,}", settings.KARBON_WEBHOOK_KEY):
        return []
    hint = "Use 16 or more of A-Z, a-z, 0-9, - and _, or leave it out: then one is made from SECRET_KEY."
    return [Error("KARBON_WEBHOOK_KEY is not a key that Karbon takes.", hint=hint, id="karbonsync.E004")]


@register("connection")
def connection(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Whether both services are connected, in a tag of its own: the dashboard says the same in its own place."""
    from karbon import keys  # models load after the checks are registered
    from karbonsync import outages
    from xero.models import XeroConnection

    told: list[CheckMessage] = []
    try:
        found, has_keys = XeroConnection.objects.first(), keys.are_there()
        refused = list(outages.open_outages().values())
    except (OperationalError, ProgrammingError):  # the tables are not there yet: migrate says so
        return []
    if found is None or not found.is_connected:
        hint = "Open the set-up in the admin. With a sandbox running and SANDBOX_URL set: manage.py connect."
        told.append(Info("Xero is not connected.", hint=hint, id="karbonsync.I001"))
    elif found.problem and not any(outage.system == "xero" for outage in refused):
        told.append(Info(f"Xero: {found.problem}", hint="Connect Xero again.", id="karbonsync.I002"))
    if not has_keys and not any(outage.system == "karbon" for outage in refused):
        hint = "Type its keys into the set-up in the admin, or set KARBON_BEARER_TOKEN and KARBON_ACCESS_KEY."
        told.append(Info("Karbon is not connected.", hint=hint, id="karbonsync.I003"))
    return told + [Info(outages.sentence(outage), hint=outage.reason, id="karbonsync.I002") for outage in refused]


@register(TAG, deploy=True)
def secret_key(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if settings.SECRET_KEY not in ("insecure-not-configured", settings.SANDBOX_SECRET):
        return []
    hint = 'Make one: python -c "import secrets; print(secrets.token_urlsafe(50))".'
    return [Error("SECRET_KEY is not set.", hint=hint, id="karbonsync.E003")]
