"""One call budget per service, shared by all processes: a row that each call moves by conditional UPDATE.

Nothing sleeps here: a spent budget, or a service that told us to wait, is an ``Unavailable`` with the seconds to go.
People's own clicks may use the last tenth of the minute that background work leaves.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from contacts.models import Budget
from contacts.remote import Unavailable
from contacts.values import System

_LIMITS = {
    System.XERO: ("XERO_CALLS_PER_MINUTE", "XERO_CALLS_PER_DAY"),
    System.KARBON: ("KARBON_CALLS_PER_MINUTE", "KARBON_CALLS_PER_DAY"),
}


def spend(system: System, *, for_person: bool = False) -> None:
    """Take one call from the budget, or raise Unavailable with how long to wait."""
    per_minute, per_day = (getattr(settings, name) for name in _LIMITS[system])
    now = timezone.now()
    budget = Budget.objects.filter(system=system).first()
    if budget and budget.blocked_until and budget.blocked_until > now:
        raise _spent(system, (budget.blocked_until - now).total_seconds())
    if not per_minute and not per_day:
        return
    if not for_person:
        per_minute, per_day = per_minute * 9 // 10, per_day * 9 // 10
    minute, day = int(now.timestamp() // 60), int(now.timestamp() // 86400)
    Budget.objects.get_or_create(system=system)
    Budget.objects.filter(system=system).exclude(minute=minute).update(minute=minute, minute_calls=0)
    Budget.objects.filter(system=system).exclude(day=day).update(day=day, day_calls=0)
    room = Budget.objects.filter(system=system)
    if per_day:
        room = room.filter(day_calls__lt=per_day)
    if per_minute:
        room = room.filter(minute_calls__lt=per_minute)
    if not room.update(minute_calls=F("minute_calls") + 1, day_calls=F("day_calls") + 1):
        day_is_spent = per_day and Budget.objects.filter(system=system, day_calls__gte=per_day).exists()
        window = 86400 if day_is_spent else 60
        raise _spent(system, window - now.timestamp() % window)


def block(system: System, seconds: float) -> None:
    """Remember that the service told us to wait, for all processes."""
    until = timezone.now() + timedelta(seconds=seconds)
    Budget.objects.update_or_create(system=system, defaults={"blocked_until": until})


def _spent(system: System, seconds: float) -> Unavailable:
    return Unavailable(
        f"{system.label} takes no more calls for now; we go on in {max(1, round(seconds))} seconds.",
        retry_after=max(1.0, seconds),
        performed=False,
    )
