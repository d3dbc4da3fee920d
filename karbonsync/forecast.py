"""How long what waits will take: from the calls that it needs and the calls that we may make. An estimate, and said so."""

import math
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from contacts import budget, outbox
from contacts.models import Change, Refresh, SyncSettings
from contacts.values import System
from matching import queue

# What an act costs, as a rule: a creation and the read of what came of it; a read, a write and a read again; …
_KARBON = {"create": 2.0, "update": 3.0, "refresh": 1.0, "match": 1.5}
_XERO = {"create": 2.0, "update": 3 / 50, "refresh": 1 / 40, "match": 0.0}
WORTH_SAYING = timedelta(minutes=2)


def calls_needed(system: System) -> int:
    """Estimate how many calls to a service what waits now needs."""
    cost = _KARBON if system is System.KARBON else _XERO
    queued = (
        outbox.not_held_back()
        .filter(system=system)
        .aggregate(
            create=Count("pk", filter=Q(action=Change.Action.CREATE)),
            update=Count("pk", filter=~Q(action=Change.Action.CREATE)),
        )
    )
    counts = {**queued, "refresh": Refresh.objects.filter(contact__system=system).count()}
    counts["match"] = queue.due(SyncSettings.load().import_filter).count()
    return math.ceil(sum(counts[name] * each for name, each in cost.items()))


def time_left(calls: int, per_minute: int, day: budget.Day, per_day: int, seconds_left: float) -> timedelta:
    """Return how long so many calls take: at our pace, and over as many days as the calls of a day make of it.

    ``seconds_left``: of the running day of the service. ``per_day`` 0 and ``per_minute`` 0 mean no such limit.
    """
    pace = timedelta(minutes=calls / per_minute) if per_minute else timedelta(0)
    if day.left is None or calls <= day.left or not per_day:
        return pace
    further_days = math.ceil((calls - day.left) / per_day) - 1
    return max(pace, timedelta(seconds=seconds_left) + timedelta(days=further_days))


def forecast(system: System) -> timedelta:
    limits, day, now = budget.limits_of(system), budget.day(system), timezone.now()
    per_minute = int(min((most * budget.MINUTE / length for length, most in limits.windows), default=0))
    seconds = ((day.ends_at or now + budget.DAY) - now).total_seconds()
    return time_left(calls_needed(system), per_minute, day, limits.per_day - limits.kept_back, seconds)


def in_words(left: timedelta) -> str:
    """Say how long it takes; blank where it is over in no time."""
    return f"about {lasting(left)} left" if left >= WORTH_SAYING else ""


def lasting(time: timedelta) -> str:
    """Say a length of time in its largest fitting unit: 3 minutes, 20 hours, 2 days."""
    minutes = time.total_seconds() / 60
    for unit, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if minutes >= size * 1.5 or unit == "minute":
            number = max(1, round(minutes / size))
            return f"{number} {unit}{'' if number == 1 else 's'}"
    raise AssertionError("unreachable")


def said() -> str:
    """Say the longer of both services' forecasts; blank where it is over in no time, or where nothing limits us."""
    limited = [system for system in System if budget.limits_of(system).are_any]
    return in_words(max(map(forecast, limited), default=timedelta(0)))


class Progress:
    """Adds the time left to what a check says of itself; looked up now and then only."""

    EVERY = timedelta(seconds=10)

    def __init__(self) -> None:
        self._said, self._at = "", timezone.now() - self.EVERY

    def __call__(self, progress: str) -> str:
        if timezone.now() - self._at >= self.EVERY:
            self._said, self._at = said(), timezone.now()
        return f"{progress}, {self._said}" if progress and self._said else progress
