"""What a person saw before pressing Start holds: whatever changed since is not carried out but held, and shown.

The preview is accepted as a promise. Until everything in it was decided, each decision is compared with the previewed one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from contacts.fields import BLANK, FIELDS
from contacts.models import RemoteContact, SyncSettings
from contacts.values import System
from karbonsync.models import Preview, PreviewRow, SetUp
from matching.matcher import Category, Decision

Outcome = PreviewRow.Outcome
OUTCOMES = {
    Category.FULL: Outcome.FULL,
    Category.CONFLICT: Outcome.CONFLICT,
    Category.SIMILAR: Outcome.SIMILAR,
    Category.NONE: Outcome.NEW,
}
CHOICES = (
    "default_contact_type",
    "import_filter",
    "hold_lookalikes",
    "karbon_address_labels",
    "karbon_phone_labels",
)
CARRIED_OUT = (Outcome.FULL, Outcome.ADOPTED, Outcome.NEW)  # what happens without a person: all else waits anyway
CHANGED, NEW = "Changed since the preview", "New since the preview"
_LONGEST = 300


def choices_of(chosen: SyncSettings) -> dict[str, Any]:
    """The choices that decide what a preview shows."""
    return {name: getattr(chosen, name) for name in CHOICES}


def made_with(chosen: SyncSettings) -> dict[str, Any]:
    """All that a preview was made with: with other choices, or another answer about Karbon's own sync, it is stale."""
    return {**choices_of(chosen), "takes_over": SetUp.load().former_sync == SetUp.FormerSync.YES}


@dataclass(frozen=True)
class Seen:
    """What one decision rests on: what would happen, with whom, and the values of both sides (``None``: not looked at)."""

    outcome: str
    karbon_id: int | None = None
    xero: Mapping[str, Any] | None = None
    karbon: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def differs(previewed: Seen, now: Seen) -> str:
    """Say in what a decision is not the previewed one; blank when it is the same, or waits for a person anyway. Pure."""
    if now.outcome not in CARRIED_OUT:
        return ""
    if previewed.outcome != now.outcome:
        return f"it was “{Outcome(previewed.outcome).label}”, now it would be “{Outcome(now.outcome).label}”"
    if previewed.karbon_id != now.karbon_id:
        return "it would be linked to another Karbon contact"
    moved = [
        f"the {field.label.lower()} in {system.label}"
        for system in System
        for name, field in FIELDS.items()
        if _value(previewed, system, name) != _value(now, system, name)
    ]
    return ", ".join(moved)


def _value(seen: Seen, system: System, name: str) -> Any:
    values = seen.xero if system is System.XERO else seen.karbon
    return None if values is None else values.get(name, BLANK[name])


class Promise:
    """The accepted preview, if there is one: ``keep`` holds each decision that is not as it was shown."""

    def __init__(self) -> None:
        self._preview = Preview.objects.filter(state=Preview.State.ACCEPTED).first()

    @property
    def given_at(self) -> datetime | None:
        """When Start was pressed, as long as the promise holds."""
        return self._preview.accepted_at if self._preview else None

    def is_in_force(self) -> bool:
        """Tell whether nobody has pressed Start, for this or another preview, since this was looked up."""
        mine = self._preview.accepted_at if self._preview else None
        return (
            mine == Preview.objects.filter(state=Preview.State.ACCEPTED).values_list("accepted_at", flat=True).first()
        )

    def keep(self, decided: Sequence[tuple[RemoteContact, Decision]]) -> list[tuple[RemoteContact, Decision]]:
        if self._preview is None:
            return list(decided)
        rows = {row.xero_id: row for row in PreviewRow.objects.filter(xero__in=[c.pk for c, _ in decided])}
        matched = [int(d.counterparts[0].id) for _, d in decided if d.category is Category.FULL]
        karbon = RemoteContact.objects.in_bulk(matched)
        kept = []
        for contact, decision in decided:
            other = karbon.get(int(decision.counterparts[0].id)) if decision.category is Category.FULL else None
            why = self._broken(rows.get(contact.pk), seen(OUTCOMES[decision.category], contact, other))
            kept.append((contact, held(decision, why) if why else decision))
        return kept

    def broken_for(self, xero: RemoteContact, karbon: RemoteContact, outcome: Outcome) -> str:
        """Say why this pair, about to be linked, is not the one that was shown; blank when it is."""
        if self._preview is None:
            return ""
        return self._broken(PreviewRow.objects.filter(xero=xero).first(), seen(outcome, xero, karbon))

    def _broken(self, row: PreviewRow | None, now: Seen) -> str:
        if row is None:
            holds_new = self._preview is not None and self._preview.holds_new
            return f"{NEW}." if holds_new and now.outcome in CARRIED_OUT else ""
        previewed = Seen(**{**row.seen, "outcome": row.outcome}) if row.seen else Seen(row.outcome)
        if now.karbon is None and now.outcome == previewed.outcome:  # read in full only when it is linked
            previewed = Seen(previewed.outcome, previewed.karbon_id, previewed.xero)
        why = differs(previewed, now)
        return f"{CHANGED}: {why}." if why else ""

    def was_looked_at(self, *, is_all_decided: bool) -> None:
        """Once everybody was looked at, newcomers follow the ordinary rules; once all is decided, everybody does."""
        if self._preview is None or not self.is_in_force():
            return
        state = Preview.State.OVER if is_all_decided else Preview.State.ACCEPTED
        Preview.objects.filter(state=Preview.State.ACCEPTED).update(
            state=state, holds_new=False, looked_at=timezone.now()
        )
        self._preview = Preview.objects.filter(state=Preview.State.ACCEPTED).first()


def held(decision: Decision, why: str) -> Decision:
    """Turn a decision into one that waits for a person, with the same possible matches."""
    return Decision(Category.CONFLICT, decision.counterparts, why[:_LONGEST])


def seen(outcome: str, xero: RemoteContact, karbon: RemoteContact | None = None) -> Seen:
    """Note what a decision rests on now. A Karbon contact known from a list only shows too little to compare."""
    is_whole = karbon is not None and karbon.complete
    return Seen(
        outcome,
        karbon.pk if karbon else None,
        xero.values if outcome in CARRIED_OUT else None,
        karbon.values if karbon is not None and is_whole and outcome in CARRIED_OUT else None,
    )
