"""What everybody should know on every page: a service that does not let us in, and what a person paused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from contacts import pausing
from contacts.models import SyncSettings
from contacts.values import System
from karbonsync import outages
from karbonsync.models import Outage
from xero.models import XeroConnection


@dataclass(frozen=True)
class Note:
    """One banner: how it stands in a sentence, why, and which act ends it: ``xero``, ``karbon`` or ``look``."""

    title: str
    detail: str
    act: str
    is_bad: bool = False


@dataclass(frozen=True)
class Standing:
    """What the banners are made of, and which other parts of a page may ask for, too."""

    chosen: SyncSettings
    refused: Mapping[System, Outage]


def of(request: HttpRequest) -> Standing:
    """Return how things stand, asked once per request."""
    kept: dict[str, Any] = vars(request)
    if "standing" not in kept:
        chosen = SyncSettings.objects.select_related("paused_by", "read_only_by").filter(id=1).first()
        kept["standing"] = Standing(chosen or SyncSettings(), outages.open_outages())
    found: Standing = kept["standing"]
    return found


def notes(request: HttpRequest) -> list[Note]:
    """Return the banners of now."""
    now = of(request)
    refused = [
        Note(outages.sentence(outage), outage.reason, system.value, is_bad=True)
        for system, outage in now.refused.items()
    ]
    return [*refused, *_paused(now.chosen)]


def _paused(chosen: SyncSettings) -> list[Note]:
    found = []
    if chosen.paused_at:
        found.append(_everything(chosen))
    if chosen.read_only and chosen.read_only_at:
        side = System(chosen.read_only)
        since = outages.since_in_words(chosen.read_only_at)
        title = f"{side.label} is only read since {since}{_by(chosen.read_only_by)}. {outages.what_waits(side)}"
        found.append(Note(title, chosen.read_only_reason, "look"))
    return found


def _everything(chosen: SyncSettings) -> Note:
    assert chosen.paused_at is not None
    since = f"since {outages.since_in_words(chosen.paused_at)}{_by(chosen.paused_by)}"
    wait = f"{pausing.in_words(pausing.held_back(chosen).count())}; nothing is lost."
    if not chosen.ends_when_connected:
        return Note(f"Everything is paused {since}. {wait}", chosen.pause_reason, "look")
    connection = XeroConnection.objects.first()
    if connection is None or not connection.is_connected:
        return Note(
            f"Xero is disconnected {since}. {wait}", "Everything is paused until it is connected again.", "xero"
        )
    why = "What would be sent is more than a little: look at it, then resume."
    return Note(f"Xero is connected again, and everything is still paused. {wait}", why, "look")


def _by(person: Any) -> str:
    return f" by {person}" if person else ""
