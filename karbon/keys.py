"""Which keys open Karbon: those of the environment, else those that an administrator typed. The one place that answers."""

import re
import secrets
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from contacts import sealing
from contacts.remote import NotAuthorised
from karbon.models import KarbonConnection

NAMES = {"bearer_token": "KARBON_BEARER_TOKEN", "access_key": "KARBON_ACCESS_KEY", "webhook_key": "KARBON_WEBHOOK_KEY"}
UNREADABLE = "This server's FIELD_ENCRYPTION_KEYS cannot read the stored Karbon keys. Restore the old key or type the keys again."
NO_NAME = "Karbon account"
UNUSABLE = (
    "One of Karbon's two keys holds characters that no key has, such as the dots that hide one. Copy it anew in Karbon and "
    "set or type it again."
)
NOT_CONNECTED = (
    "Karbon is not connected. Type its two keys into the set-up, or set KARBON_BEARER_TOKEN and KARBON_ACCESS_KEY: Karbon "
    "shows them under Settings, Connected Apps, API Applications."
)


@dataclass(frozen=True)
class Keys:
    """Static credentials, both sent with every call and not interchangeable (facts, Karbon A2)."""

    bearer_token: str = field(repr=False)
    access_key: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.bearer_token}", "AccessKey": self.access_key}

    @property
    def fingerprint(self) -> str:
        return salted_hmac("karbon.keys", f"{self.bearer_token}\n{self.access_key}").hexdigest()


def would_be_in_force(typed: Keys) -> Keys:
    """Return what would be in force if these were stored: what the environment sets still wins, each by itself."""
    given = {name: str(getattr(settings, NAMES[name])) for name in ("bearer_token", "access_key")}
    return Keys(given["bearer_token"] or typed.bearer_token, given["access_key"] or typed.access_key)


def could_be_a_key(text: str) -> bool:
    """Tell whether a text can be sent as a key: printable ASCII without spaces. Copied dots and half sentences are not."""
    return re.fullmatch(r"[!-~]+", text) is not None


def current() -> Keys:
    """Return the keys in force. Raise NotAuthorised with what to do when there are none, or none that can be used."""
    found = Keys(*_in_force("bearer_token", "access_key"))
    if not found.bearer_token or not found.access_key:
        raise NotAuthorised(NOT_CONNECTED)
    if not could_be_a_key(found.bearer_token) or not could_be_a_key(found.access_key):
        raise NotAuthorised(UNUSABLE)
    return found


def are_there() -> bool:
    try:
        return bool(current())
    except NotAuthorised:
        return False


def problem() -> str:
    """Say why the keys that were set or typed cannot be used; blank where they can, or where there are none."""
    try:
        current()
    except NotAuthorised as error:
        return "" if str(error) == NOT_CONNECTED else str(error)
    return ""


def webhook_key() -> str:
    """Return the key that Karbon signs its events with; blank when there is none."""
    return _in_force("webhook_key")[0]


def from_environment() -> list[str]:
    """Name the settings that win over what is typed."""
    return [name for name in NAMES.values() if getattr(settings, name)]


def _in_force(*names: str) -> list[str]:
    """Return these keys; the database is asked only where the environment is silent."""
    given = [str(getattr(settings, NAMES[name])) for name in names]
    if all(given):
        return given
    sealed = KarbonConnection.objects.filter(id=1).values(*names).first() or {}
    try:
        stored = [sealing.unseal(sealed[name]) if sealed.get(name) else "" for name in names]
    except sealing.Unreadable as error:
        raise NotAuthorised(UNREADABLE) from error
    return [mine or theirs for mine, theirs in zip(given, stored, strict=True)]


def store(keys: Keys, webhook_key: str = "") -> None:
    """Keep typed keys, sealed. Without a key for events one is made: Karbon takes any that we choose (facts, A15)."""
    row = {"bearer_token": sealing.seal(keys.bearer_token), "access_key": sealing.seal(keys.access_key)}
    if webhook_key or not KarbonConnection.objects.filter(id=1).exclude(webhook_key="").exists():
        row["webhook_key"] = sealing.seal(webhook_key or secrets.token_urlsafe(32))
    KarbonConnection.objects.update_or_create(id=1, defaults=row)


def reseal() -> bool:
    """Seal the stored keys anew where another key than the current one was used; return whether that was so."""
    row = KarbonConnection.objects.filter(id=1).values(*NAMES).first() or {}
    old = {name: text for name, text in row.items() if text}
    if all(map(sealing.is_current, old.values())):
        return False
    try:
        fresh = {name: sealing.seal(sealing.unseal(text)) for name, text in old.items()}
    except sealing.Unreadable:
        return False
    return bool(KarbonConnection.objects.filter(id=1, **old).update(**fresh))


def note_use(keys: Keys) -> None:
    """Remember that these keys read the contacts that are here."""
    KarbonConnection.objects.update_or_create(id=1, defaults={"tested_keys": keys.fingerprint})


def note_test(keys: Keys, *, account_key: str) -> None:
    """Remember that these keys opened this account, by its key where Karbon tells it."""
    row = {
        "account_name": f"{NO_NAME} {account_key}".strip()[:255],
        "tested_at": timezone.now(),
        "tested_keys": keys.fingerprint,
        "problem": "",
    }
    if account_key:
        row["account_key"] = account_key[:64]
    KarbonConnection.objects.update_or_create(id=1, defaults=row)


def were_tested() -> bool:
    """Tell whether the keys in force are those that the last good test was made with."""
    try:
        return worked(current())
    except NotAuthorised:
        return False


def worked(keys: Keys) -> bool:
    """Tell whether the last good test was made with these keys."""
    return KarbonConnection.objects.filter(id=1, tested_keys=keys.fingerprint).exists()
