"""Whether both services still tell us of changes at once: the watch over Karbon's subscription, and the words for people.

Webhooks only make things quick; the checks find everything without them. So what is wrong here is said, and stops nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from contacts import bell
from contacts.models import SyncSettings, Webhook
from contacts.remote import RemoteError
from contacts.values import System
from karbon import webhook as karbon_webhook
from karbonsync.models import Cursor

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# A webhook that says nothing so long around a change that a poll showed is silent.
SILENT_AFTER = timedelta(minutes=10)
WRONG_SIGNATURES = 3  # counted once in half a minute
STILL_SYNCING = "Nothing is lost: the regular checks find every change, only later."


@dataclass(frozen=True)
class Listening:
    """How one service's webhook stands: a sentence, and what a person can do about it if it is not well."""

    system: System
    address: str
    is_well: bool
    sentence: str
    act: str = ""
    heard_at: datetime | None = None
    is_wanted: bool = True  # False where nobody has set it up: slower, but nothing is wrong

    @property
    def label(self) -> str:
        return self.system.label


def address(system: System) -> str:
    """Return where this service delivers its events."""
    return f"{settings.SITE_URL}{reverse(f'{system.value}_webhook')}"


def is_reachable() -> bool:
    """Tell whether a service can deliver to us: over https, or from a sandbox on this machine."""
    site = urlsplit(settings.SITE_URL)
    return site.scheme == "https" or bool(settings.SANDBOX_URL and site.hostname in LOOPBACK)


# --- the watch --------------------------------------------------------------------------------------------------------


def watch() -> None:
    """Make Karbon's subscription, or mend it where it is gone or leads elsewhere, and then catch up.

    Karbon ends a subscription after ten failed deliveries and tells nobody; events in the gap are lost (facts, A15).
    """
    if not SyncSettings.load().syncing or not is_reachable():
        return
    row, _ = Webhook.objects.get_or_create(system=System.KARBON)
    now, was_subscribed = timezone.now(), bool(row.target)
    mine = Webhook.objects.filter(pk=row.pk)
    try:
        is_mended = karbon_webhook.ensure_subscription(address(System.KARBON))
    except RemoteError as error:
        mine.update(problem=str(error)[:500], problem_since=Coalesce(F("problem_since"), now))
        return
    mine.update(looked_at=now, problem="", problem_since=None)
    if is_mended and was_subscribed:
        Cursor.objects.filter(system=System.KARBON).update(walk_due=True)
        bell.ring()


# --- in words ---------------------------------------------------------------------------------------------------------


def states(cursors: Mapping[str, Cursor]) -> list[Listening]:
    """Tell how both webhooks stand, in one query. ``cursors``: how far each service was read."""
    webhooks = {row.system: row for row in Webhook.objects.all()}
    xero = cursors.get(System.XERO)
    return [
        _xero(webhooks.get(System.XERO) or Webhook(system=System.XERO), xero.news_at if xero else None),
        _karbon(webhooks.get(System.KARBON) or Webhook(system=System.KARBON)),
    ]


def _xero(row: Webhook, news_at: datetime | None) -> Listening:
    where = address(System.XERO)
    if not is_reachable():
        return _unreachable(System.XERO, where)
    if not settings.XERO_WEBHOOK_KEYS:
        act = (
            "Add a webhook for contacts to your app in Xero's developer portal, and put its key into XERO_WEBHOOK_KEYS."
        )
        return Listening(System.XERO, where, False, "Not set up. Changes in Xero arrive with the next check.", act, is_wanted=False)  # fmt: skip
    if _is_wrongly_signed(row):
        act = "Compare XERO_WEBHOOK_KEYS with the webhook key in Xero's developer portal."
        return Listening(System.XERO, where, False, f"Deliveries come with a wrong signature. {STILL_SYNCING}", act, row.heard_at)  # fmt: skip
    if row.heard_at is None:
        act = "Enter the address in Xero's developer portal and press Send “Intent to receive” there."
        return Listening(System.XERO, where, False, "No word from Xero's webhook yet. Changes in Xero arrive with the next check.", act, is_wanted=False)  # fmt: skip
    if _is_silent(row, news_at):
        since = date_format(timezone.localtime(row.heard_at), "j M, H:i")
        act = "Look at the webhook's status in Xero's developer portal. Xero switches it off after a day of failures."
        return Listening(System.XERO, where, False, f"No word from Xero's webhook since {since}, although contacts changed there. {STILL_SYNCING}", act, row.heard_at)  # fmt: skip
    return Listening(System.XERO, where, True, "Changes in Xero arrive within seconds.", heard_at=row.heard_at)


def _karbon(row: Webhook) -> Listening:
    where = address(System.KARBON)
    if not is_reachable():
        return _unreachable(System.KARBON, where)
    if row.problem:
        act = "The subscription is looked at every five minutes; it is made as soon as Karbon lets us."
        return Listening(System.KARBON, where, False, f"{row.problem} {STILL_SYNCING}", act, row.heard_at)
    if row.looked_at is None:
        sentence = "Karbon's events are subscribed to by themselves, within five minutes after syncing is switched on."
        return Listening(System.KARBON, where, False, sentence, is_wanted=False)
    if _is_wrongly_signed(row):
        act = "If another program posts to this address, stop it. Otherwise the subscription is renewed by itself."
        return Listening(System.KARBON, where, False, f"Deliveries come with a wrong signature. {STILL_SYNCING}", act, row.heard_at)  # fmt: skip
    heard = "Karbon tells of changes after about a minute." if row.heard_at else "Subscribed. No change was told yet."
    return Listening(System.KARBON, where, True, heard, heard_at=row.heard_at)


def _unreachable(system: System, where: str) -> Listening:
    act = "Set SITE_URL to the https address of this site."
    return Listening(system, where, False, f"{system.label} delivers to https addresses only. {STILL_SYNCING}", act, is_wanted=False)  # fmt: skip


def _is_silent(row: Webhook, news_at: datetime | None) -> bool:
    """A poll showed news, and the webhook did not speak around then. What it tells is read at once: no news to a poll."""
    if row.heard_at is None or news_at is None or timezone.now() - news_at < SILENT_AFTER:
        return False
    return row.heard_at < news_at - SILENT_AFTER


def _is_wrongly_signed(row: Webhook) -> bool:
    """Several wrong signatures and no good one since: a single one is Xero's trial or somebody else's noise."""
    if row.refused_at is None or row.refusals < WRONG_SIGNATURES:
        return False
    return row.heard_at is None or row.refused_at - row.heard_at > timedelta(hours=1)
