"""How often a service may be asked, so that the calls of its day suffice: the polls stretch, the rest keeps its share.

Of what background work may still spend today, polls take at most half and whole readings of the list a fifth; the rest
is for reading and writing what changed. What people press has a reserve of its own (``contacts.budget``).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from contacts import budget
from contacts.models import Webhook
from contacts.values import System
from karbonsync.models import Cursor

POLL_SHARE, WALK_SHARE = 0.5, 0.2
EVERY = timedelta(minutes=1)  # how often the task runner asks
WALK_EVERY = {System.XERO: timedelta(hours=1), System.KARBON: timedelta(minutes=15)}
REREAD_AFTER = timedelta(hours=24)
HURRY, HURRY_AFTER = 4, timedelta(seconds=30)  # for whoever a webhook announced
CLOCKS_APART = timedelta(seconds=5)  # an event's time is by the service's clock


@dataclass(frozen=True)
class Plan:
    """How far apart polls and whole readings of one service lie for now."""

    poll_every: timedelta
    walk_every: timedelta

    @property
    def is_stretched(self) -> bool:
        return self.poll_every > EVERY


def plan(system: System, cursor: Cursor, day: budget.Day | None = None) -> Plan:
    day, now = day or budget.day(system), timezone.now()
    if day.left is None:
        return Plan(EVERY, WALK_EVERY[system])
    seconds = ((day.ends_at or now + budget.DAY) - now).total_seconds()
    poll = budget.interval(day.left, seconds, cursor.poll_calls, POLL_SHARE)
    walk = budget.interval(day.left, seconds, cursor.walk_calls, WALK_SHARE)
    return Plan(max(EVERY, timedelta(seconds=poll)), max(WALK_EVERY[system], timedelta(seconds=walk)))


def is_closed(system: System) -> bool:
    """Tell whether a service takes no more calls for longer than moments."""
    return bool(budget.closed_in_words(system, budget.day(system)))


def is_due(cursor: Cursor, now: datetime) -> bool:
    if cursor.next_poll_at is None or cursor.next_poll_at <= now or cursor.problem:
        return True
    return cursor.polled_at is not None and _is_announced(System(cursor.system), cursor, cursor.polled_at, now)


def _is_announced(system: System, cursor: Cursor, polled_at: datetime, now: datetime) -> bool:
    """Tell whether a webhook named somebody whom the last look cannot have shown, and it is not too soon to look again.

    However many are named, looks come at most four times as often as the pace allows. As the day's
    calls go, that pace slows down, too, so they are never used up by it.
    """
    since = polled_at - CLOCKS_APART
    if not Webhook.objects.filter(system=system, stranger_at__gt=since).exists():
        return False
    return now - polled_at >= max(HURRY_AFTER, plan(system, cursor).poll_every / HURRY)


def next_poll(system: System, cursor: Cursor, now: datetime) -> datetime | None:
    """Return when to look for changes again; None where the task runner's own minute is slow enough."""
    paced = plan(system, cursor)
    return now + paced.poll_every if paced.is_stretched else None


def look_now() -> None:
    """A person asks for a check: look for changes at once, though the calls of the day are spread otherwise."""
    Cursor.objects.update(next_poll_at=None)


def worst_lag(system: System, paced: Plan) -> timedelta:
    """Return how long an edit may stay unseen without webhooks.

    Whether an edit of a Karbon card moves the record's time stamp is not known (facts, Karbon C1); where it does not, only
    reading each linked record again shows it, once a day.
    """
    return REREAD_AFTER if system is System.KARBON else paced.poll_every
