"""What would happen if a pause of everything ended now: counted from what was read and planned meanwhile.

Changes of pairs wait in the outbox, so they are what will be sent. Contacts that came meanwhile are decided here as the
next check decides them, without reading anything and without keeping the result.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from contacts import pausing
from contacts.links import Overtaken
from contacts.models import Change, SyncSettings
from contacts.values import System
from karbonsync import outages, takeover
from matching import queue
from matching.matcher import Category
from xero.models import XeroConnection


@dataclass(frozen=True)
class Outlook:
    """Counts of what would be sent, and of what matching would do with the contacts that came meanwhile."""

    changes: Mapping[System, int]
    created: Mapping[System, int]  # those that wait already
    linked: int
    held: int
    new: int
    holds_lookalikes: bool  # whom the new ones look like is found out only when they are created

    @property
    def total(self) -> int:
        return sum(self.changes.values()) + sum(self.created.values()) + self.linked + self.new

    @property
    def is_much(self) -> bool:
        return self.total > pausing.MUCH

    @property
    def lines(self) -> list[str]:
        """Say it for people, leaving out what would not happen."""
        sent = [(self.changes[system], f"{{}} sent to {system.label}", "change") for system in System]
        made = [(self.created[system], f"{{}} created in {system.label}", "contact") for system in System]
        unless = ", or held as a lookalike" if self.holds_lookalikes else ""
        came = [
            (self.linked, "{} that came meanwhile linked to a match in Karbon", "Xero contact"),
            (self.new, f"{{}} that came meanwhile created in Karbon{unless}", "Xero contact"),
            (self.held, "{} that came meanwhile held for a person, as match issues", "Xero contact"),
        ]
        return [
            said.format(f"{number:,} {what}{'' if number == 1 else 's'}")
            for number, said, what in [*sent, *made, *came]
            if number
        ]


def outlook(chosen: SyncSettings) -> Outlook:
    """Say what ending the pauses of everything would do."""
    waiting = list(pausing.held_back(chosen).values_list("system", "action"))
    decided: Counter[Category] = Counter()
    if chosen.paused_at:  # while only one side is read, matching goes on
        former = takeover.pairs(chosen.import_filter)
        decided[Category.FULL] = sum(pair.is_agreed for pair in former)
        due = queue.due(chosen.import_filter).exclude(pk__in=[pair.xero_id for pair in former])
        for chunk in queue.decisions(due):
            decided.update(decision.category for _, decision in chunk)
    per_side = [
        Counter(s for s, action in waiting if (action == Change.Action.CREATE) is made) for made in (False, True)
    ]
    changes, created = ({system: side[system] for system in System} for side in per_side)
    new = decided[Category.NONE]
    linked, held = decided[Category.FULL], sum(decided.values()) - decided[Category.FULL] - new
    return Outlook(changes, created, linked, held, new, chosen.hold_lookalikes)


def after_connecting() -> bool:
    """End a pause that was to last until Xero is connected, unless much would be sent: then a person looks first."""
    chosen = SyncSettings.load()
    connection = XeroConnection.objects.first()
    is_connected = connection is not None and connection.is_connected and not connection.problem
    if not chosen.ends_when_connected or not is_connected or outages.open_outages() or outlook(chosen).is_much:
        return False
    try:
        pausing.resume_all(by=None)
    except Overtaken:
        return False
    return True
