"""What people do to hold the sync: pause everything, one side, or one pair; and let it go on. One function per act.

A pause keeps changes from being sent, nothing else: both services are still read, what changes is planned and waits in
the outbox. So nothing is lost, and what a pause holds back can be counted and shown. The pauses for safety are others
(``karbonsync.safety``): they come and end by their own rules.
"""

from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from contacts import bell
from contacts.links import NotPossible, Overtaken, record
from contacts.models import Change, Link, SyncSettings
from contacts.values import System

MUCH = 20  # more waiting changes than this are looked at before they are sent
_NOT_PAUSED = {"paused_at": None, "paused_by": None, "pause_reason": "", "ends_when_connected": False}
_PAUSABLE = [Link.State.CREATING, Link.State.LIVE, Link.State.STOPPED]


def waiting(system: System | None = None) -> QuerySet[Change]:
    """Changes that wait to be sent, whatever holds them back."""
    queued = Change.objects.filter(state=Change.State.QUEUED)
    return queued.filter(system=system) if system else queued


def in_words(number: int) -> str:
    """Say how many changes wait."""
    return f"{number:,} {'change waits' if number == 1 else 'changes wait'}"


def held_back(chosen: SyncSettings) -> QuerySet[Change]:
    """Changes that a pause of everything or of one side holds back: what is sent when it ends."""
    if chosen.paused_at:
        return waiting().filter(link__paused_at=None).exclude(system=chosen.read_only or "none")
    return waiting().filter(link__paused_at=None, system=chosen.read_only or "none")


# --- everything -------------------------------------------------------------------------------------------------------


@transaction.atomic
def pause_all(*, by: User, reason: str) -> datetime:
    """Send nothing more to either service; return since when. What is being sent at this moment still arrives."""
    now = timezone.now()
    paused = SyncSettings.objects.filter(id=1, paused_at=None).update(
        paused_at=now, paused_by=by, pause_reason=reason.strip()[:200], ends_when_connected=False
    )
    if not paused:
        raise Overtaken("Somebody was faster: everything is paused already.")
    _record(by, f"Paused everything{_because(reason)}.")
    return now


def until_connected(paused_at: datetime) -> None:
    """Let the pause of this moment end by itself with the next connection to Xero, unless it has ended meanwhile."""
    SyncSettings.objects.filter(id=1, paused_at=paused_at).update(ends_when_connected=True)


def no_longer_until_connected() -> datetime | None:
    """Let a pause last that would end by itself, and return since when it lasts; None where there is no such pause."""
    paused_at = SyncSettings.objects.filter(ends_when_connected=True).values_list("paused_at", flat=True).first()
    held = SyncSettings.objects.filter(id=1, ends_when_connected=True, paused_at=paused_at)
    return paused_at if held.update(ends_when_connected=False) else None


@transaction.atomic
def resume_all(*, by: User | None) -> None:
    """Send what waits, and go on as before. ``by`` is None where the pause ended by itself with a new connection."""
    resumed = (
        SyncSettings.objects.filter(id=1).exclude(paused_at=None).update(**_NOT_PAUSED, meant_until=timezone.now())
    )
    if not resumed:
        raise Overtaken("Somebody was faster: nothing is paused any more.")
    _record(by, "Resumed everything.")
    bell.ring()


# --- one side ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def only_read(system: System, *, by: User, reason: str) -> None:
    """Write nothing to one service. Its edits still travel to the other one; changes to it wait."""
    chosen = SyncSettings.objects.select_for_update().get(pk=SyncSettings.load().pk)
    if chosen.read_only:
        raise Overtaken(f"{System(chosen.read_only).label} is only read already. Let it be written again first.")
    chosen.read_only, chosen.read_only_at, chosen.read_only_by = system, timezone.now(), by
    chosen.read_only_reason = reason.strip()[:200]
    chosen.save(update_fields=["read_only", "read_only_at", "read_only_by", "read_only_reason"])
    _record(by, f"{system.label} is only read from now on{_because(reason)}.")


@transaction.atomic
def write_again(*, by: User) -> None:
    """Send the changes that waited for the service that was only read."""
    chosen = SyncSettings.load()
    written = (
        SyncSettings.objects.filter(id=1, read_only=chosen.read_only)
        .exclude(read_only="")
        .update(read_only="", read_only_at=None, read_only_by=None, read_only_reason="", meant_until=timezone.now())
    )
    if not written:
        raise Overtaken("Somebody was faster: both services are written to.")
    _record(by, f"{System(chosen.read_only).label} is written to again.")
    bell.ring()


# --- one pair ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def pause_pair(pair: Link, *, by: User, reason: str = "") -> None:
    """Send nothing for one pair; edits on either side wait."""
    free = Link.objects.filter(pk=pair.pk, state__in=_PAUSABLE, paused_at=None)
    if not free.update(paused_at=timezone.now(), paused_by=by, pause_reason=reason.strip()[:200]):
        raise Overtaken("Somebody was faster: this pair is paused already, or no longer in sync.")
    record(by, pair.xero or pair.karbon, f"Paused the pair{_because(reason)}.")


@transaction.atomic
def resume_pair(pair: Link, *, by: User) -> None:
    """Send what waited for one pair."""
    if not Link.objects.filter(Q(pk=pair.pk) & ~Q(paused_at=None)).update(
        paused_at=None, paused_by=None, pause_reason="", plan_due=pair.state != Link.State.CREATING
    ):
        raise Overtaken("Somebody was faster: this pair is not paused any more.")
    record(by, pair.xero or pair.karbon, "Resumed the pair.")
    bell.ring()


def _because(reason: str) -> str:
    return f": {reason.strip()}" if reason.strip() else ""


def _record(by: User | None, message: str) -> None:
    if by is not None:
        LogEntry.objects.log_actions(by.pk, [SyncSettings.load()], CHANGE, change_message=message, single_object=True)


def reason_given(text: str) -> str:
    """Return the reason a person typed. Raise NotPossible without one: whoever comes later must know why it is quiet."""
    if not text.strip():
        raise NotPossible("Say in a few words why, for whoever comes next.")
    return text
