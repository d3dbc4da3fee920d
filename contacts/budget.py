"""One call budget per service, shared by all processes: a row that each call moves by conditional UPDATE.

Three limits are kept: calls within sliding windows (which fit into a service's fixed ones wherever those begin), calls at
once, and calls a day. The day is the service's own: it begins with the first call we know of, and what the service says
is left, or for how long it takes no more, is believed before our own count (facts, Xero 6).

Nothing sleeps here: a spent budget, or a service that told us to wait, is an ``Unavailable`` with the seconds to go.
People's own clicks may use the last tenth that background work leaves.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from contacts.models import Budget
from contacts.remote import Unavailable
from contacts.values import System

DAY = timedelta(days=1)
MINUTE = 60.0
BRIEF = 10.0  # Karbon's gateway counts in windows of about ten seconds (facts, Karbon A3)
HELD_AT_MOST = 60.0  # a call still under way after this long belonged to a process that died
OUT_OF_ORDER = 5  # answers may overtake each other, so what is said to be left may rise a little within a day
TRIES = 50


class Spent(Unavailable):
    """No call was made, as there is none left for now. The service has no fault."""


class Paced(Spent):
    """Only our own pace stands against a call: it can be made within seconds."""


@dataclass(frozen=True)
class Limits:
    """What one service allows us: calls per window of so many seconds, at once, a day. 0 = no limit."""

    windows: Sequence[tuple[float, int]] = ()
    at_once: int = 0
    per_day: int = 0
    kept_back: int = 0  # calls of the day that are for people only

    @property
    def are_any(self) -> bool:
        return bool(self.windows or self.at_once or self.per_day)


@dataclass(frozen=True)
class Day:
    """How the running day of a service stands. ``left`` is None without a limit, and for background work only."""

    used: int
    left: int | None
    ends_at: datetime | None
    closed_until: datetime | None  # no calls before then, background ones at least


def limits_of(system: System, *, for_person: bool = False, is_write: bool = False) -> Limits:
    """Reading in the background leaves a little of each window, so that the write it prepares finds its place."""
    per_minute, per_day, at_once = _settings(system)
    share, spare = (10, 0) if for_person else (9, 0 if is_write else 2)
    windows = [(MINUTE, max(1, per_minute * share // 10 - spare))] if per_minute else []
    if per_minute and system is System.KARBON:
        windows.append((BRIEF, max(1, per_minute * share // 60 - spare)))
    kept_back = 0 if for_person else per_day - per_day * 9 // 10
    return Limits(windows, at_once, per_day, kept_back)


def _settings(system: System) -> tuple[int, int, int]:
    if system is System.XERO:
        return settings.XERO_CALLS_PER_MINUTE, settings.XERO_CALLS_PER_DAY, settings.XERO_CALLS_AT_ONCE
    return settings.KARBON_CALLS_PER_MINUTE, settings.KARBON_CALLS_PER_DAY, 0


# --- each call --------------------------------------------------------------------------------------------------------


def spend(system: System, *, for_person: bool = False, is_write: bool = False) -> str:
    """Take one call from the budget and return what ``finish`` wants back; or raise Unavailable with how long to wait."""
    limits = limits_of(system, for_person=for_person, is_write=is_write)
    row = Budget.objects.filter(system=system).first()
    for _ in range(TRIES):
        now = timezone.now()
        if row and row.blocked_until and row.blocked_until > now:
            raise _spent(system, (row.blocked_until - now).total_seconds())
        if not limits.are_any:
            return ""
        row = row or Budget.objects.get_or_create(system=system)[0]
        _turn_over(row, now)
        if (day := _day_left(row, limits)) is not None and day <= 0:
            assert row.day_ends_at is not None
            raise _spent(system, (row.day_ends_at - now).total_seconds())
        if seconds := wait(row.recent, row.at_once, limits, now.timestamp()):
            raise _spent(system, seconds, Paced)
        token = secrets.token_hex(4)
        row.recent = [*row.recent, now.timestamp()]
        row.at_once = {**row.at_once, token: now.timestamp() + HELD_AT_MOST} if limits.at_once else {}
        row.day_calls += 1
        if _store(row):
            return token
        row = Budget.objects.filter(system=system).first()
    raise _spent(system, 1, Paced)


def seconds_to_write(system: System) -> float:
    """Return the seconds until our pace lets background work write once more; 0.0 where it does now."""
    limits = limits_of(system, is_write=True)
    row = Budget.objects.filter(system=system).first() if limits.windows else None
    return wait(row.recent, {}, limits, timezone.now().timestamp()) if row else 0.0


def wait(recent: Sequence[float], at_once: dict[str, float], limits: Limits, now: float) -> float:
    """Return the seconds until one more call fits; 0.0 when it fits now. Moments are seconds since 1970."""
    seconds = 0.0
    for length, most in limits.windows:
        inside = sorted(moment for moment in recent if moment > now - length)
        if len(inside) >= most:
            seconds = max(seconds, inside[-most] + length - now)
    if limits.at_once and sum(until > now for until in at_once.values()) >= limits.at_once:
        seconds = max(seconds, 0.2)
    return seconds


def finish(system: System, token: str, said_left: int | None) -> None:
    """The call is over; ``said_left`` is how many calls of the day the service says are left, None where it is silent."""
    for _ in range(TRIES):
        row = Budget.objects.filter(system=system).first()
        if row is None or (token not in row.at_once and said_left is None):
            return
        now = timezone.now()
        row.at_once = {held: until for held, until in row.at_once.items() if held != token and until > now.timestamp()}
        if said_left is not None:
            if row.day_left is not None and said_left > row.day_left + OUT_OF_ORDER:  # its day began anew
                row.day_calls, row.day_ends_at = 1, now + DAY
            row.day_left = said_left
        if _store(row):
            return


def block(system: System, seconds: float, *, for_the_day: bool = False) -> None:
    """Remember that the service told us to wait, for all processes. At the end of its day it says when that ends."""
    until = timezone.now() + timedelta(seconds=seconds)
    said = {"blocked_until": until, **({"day_ends_at": until, "day_left": 0} if for_the_day else {})}
    Budget.objects.update_or_create(system=system, defaults=said)


def _turn_over(row: Budget, now: datetime) -> None:
    """Forget what lies before the running minute and day."""
    row.recent = [moment for moment in row.recent if moment > now.timestamp() - MINUTE]
    row.at_once = {token: until for token, until in row.at_once.items() if until > now.timestamp()}
    if row.day_ends_at is None or row.day_ends_at <= now:
        row.day_calls, row.day_left, row.day_ends_at = 0, None, now + DAY


def _day_left(row: Budget, limits: Limits) -> int | None:
    if not limits.per_day:
        return None
    ours = limits.per_day - row.day_calls
    theirs = ours if row.day_left is None else row.day_left
    return max(0, min(ours, theirs) - limits.kept_back)


def _store(row: Budget) -> bool:
    """Write the row over the version it was read in."""
    columns = ("recent", "at_once", "day_calls", "day_left", "day_ends_at")
    mine = Budget.objects.filter(system=row.system, version=row.version)
    return bool(mine.update(version=row.version + 1, **{name: getattr(row, name) for name in columns}))


def _spent(system: System, seconds: float, kind: type[Spent] = Spent) -> Spent:
    seconds = max(0.05, seconds)
    if seconds < 2 * MINUTE:
        said = f"{system.label} takes no more calls for now; we go on in {max(1, round(seconds))} seconds."
    else:
        said = f"{system.label} takes no more calls until {in_words(timezone.now() + timedelta(seconds=seconds))}."
    return kind(said, retry_after=seconds, performed=False)


def closed_in_words(system: System, day: Day) -> str:
    """Say until when a service takes no more calls; blank when that is over within moments."""
    if day.closed_until is None or day.closed_until - timezone.now() < timedelta(seconds=2 * MINUTE):
        return ""
    return f"{system.label} takes no more calls until {in_words(day.closed_until)}."


def in_words(moment: datetime) -> str:
    """Say a moment of these days as people do: 09:14, 09:14 tomorrow, 09:14 on Sunday 4 March."""
    here, today = timezone.localtime(moment), timezone.localdate()
    clock = date_format(here, "H:i")
    if here.date() == today:
        return clock
    return f"{clock} tomorrow" if here.date() == today + DAY else f"{clock} on {date_format(here, 'l j F')}"


# --- planning ---------------------------------------------------------------------------------------------------------


def day(system: System) -> Day:
    """Tell how the day of a service stands, for background work."""
    return days()[system]


def days() -> dict[System, Day]:
    """Tell how the day of each service stands, for background work."""
    rows = {System(row.system): row for row in Budget.objects.all()}
    return {system: _day(rows.get(system) or Budget(system=system)) for system in System}


def _day(row: Budget) -> Day:
    now, is_over = timezone.now(), False
    blocked = row.blocked_until if row.blocked_until and row.blocked_until > now else None
    if row.day_ends_at is None or row.day_ends_at <= now:
        _turn_over(row, now)
        is_over = True
    left, ends_at = _day_left(row, limits_of(System(row.system))), None if is_over else row.day_ends_at
    return Day(row.day_calls, left, ends_at, blocked or (ends_at if left == 0 else None))


def interval(left: int, seconds_left: float, cost: int, share: float) -> float:
    """Return how many seconds apart acts of ``cost`` calls must lie to use no more than this share of what is left."""
    affordable = left * share / max(1, cost)
    return seconds_left / affordable if affordable > 0 else seconds_left
