"""What everybody should know on every page: a service that does not let us in, and what a person paused."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from contacts import pausing
from contacts.models import SyncSettings
from contacts.values import System
from karbonsync import outages
from xero.models import XeroConnection


@dataclass(frozen=True)
class Note:
    """One banner: how it stands in a sentence, why, and which act ends it: ``xero``, ``karbon`` or ``look``."""

    title: str
    detail: str
    act: str
    is_bad: bool = False


def notes(request: HttpRequest) -> list[Note]:
    """Return the banners of now, asked once per request."""
    kept: dict[str, Any] = vars(request)
    if "standing_notes" not in kept:
        kept["standing_notes"] = [*_refused(), *_paused()]
    found: list[Note] = kept["standing_notes"]
    return found


def _refused() -> list[Note]:
    found = outages.open_outages()
    return [
        Note(outages.sentence(outage), outage.reason, system.value, is_bad=True) for system, outage in found.items()
    ]


def _paused() -> list[Note]:
    chosen = SyncSettings.objects.select_related("paused_by", "read_only_by").filter(id=1).first()
    found = []
    if chosen and chosen.paused_at:
        found.append(_everything(chosen))
    if chosen and chosen.read_only and chosen.read_only_at:
        side = System(chosen.read_only)
        since = outages.since_in_words(chosen.read_only_at)
        title = f"{side.label} is only read since {since}{_by(chosen.read_only_by)}. {outages.what_waits(side)}"
        found.append(Note(title, chosen.read_only_reason, "look"))
    return found


def _everything(chosen: SyncSettings) -> Note:
    assert chosen.paused_at is not None
    number = pausing.held_back(chosen).count()
    since = f"since {outages.since_in_words(chosen.paused_at)}{_by(chosen.paused_by)}"
    wait = f"{number:,} {'change waits' if number == 1 else 'changes wait'}; nothing is lost."
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
