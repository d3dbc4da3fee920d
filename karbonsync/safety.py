"""Paused for safety: lists that cannot be believed, and more changes than anybody makes in an hour (invariants 7 and 8).

A stop keeps what nobody asked for from being sent until a person goes on or puts back. Nothing is lost meanwhile.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Min, QuerySet
from django.utils import timezone

from contacts import bell, links, undoing
from contacts.links import NotPossible, Overtaken
from contacts.models import Change, Link, RemoteContact, SyncSettings
from contacts.undoing import Overwritten
from contacts.values import System
from karbonsync.models import Cursor, SafetyStop

Kind = SafetyStop.Kind
WINDOW = timedelta(hours=1)
WALK_DOUBTED_EVERY = timedelta(minutes=15)
MISSING_SHARE, MISSING_AT_LEAST = 0.2, 20
FEW = 2  # contacts that may all leave while others come, without looking like another organisation
_MASS = (Kind.CHANGES, Kind.CLEARS, Kind.DEPARTURES, Kind.CREATIONS)
CAN_PUT_BACK = (Kind.CHANGES, Kind.CLEARS, Kind.CREATIONS)


def open_stops() -> QuerySet[SafetyStop]:
    return SafetyStop.objects.filter(is_open=True)


def is_braked() -> bool:
    """Tell whether only what people asked for may be sent."""
    return open_stops().filter(kind__in=_MASS).exists()


def stop(kind: str, reason: str, system: str = "", *, mark: str = "") -> None:
    """Pause, or bring the sentence of the pause that is on up to date. ``mark``: of a list that was walked just now."""
    now: dict[str, object] = {"reason": reason[:500]}
    if mark:
        now |= {"mark": mark, "walked_at": timezone.now()}
    SafetyStop.objects.update_or_create(kind=kind, system=system, is_open=True, defaults=now)


def close(stopped: SafetyStop, outcome: str, by: User | None) -> None:
    closed = SafetyStop.objects.filter(pk=stopped.pk, is_open=True).update(
        is_open=False, outcome=outcome, closed_by=by, closed_at=timezone.now()
    )
    if not closed:
        raise Overtaken("Somebody was faster: this pause is already over.")


# --- lists ------------------------------------------------------------------------------------------------------------

_LIST = {"contacts": "its contacts", "people": "its people", "organisations": "its organisations"}


def doubt_size(system: System, known: Mapping[str, int], now: Mapping[str, int], *, is_first: bool) -> str:
    """Say why lists of these sizes cannot be believed, by those known from before; blank when they can.

    In a first walk an empty list is measured by what the service said when it was connected: with nobody in it, everybody
    would be created again. Later we know everybody, and whoever a list lacks is read directly.
    """
    for name, size in now.items():
        before, what = known.get(name), _LIST.get(name, name)
        if is_first and not size and (before or (not any(now.values()) and before is None and system is System.KARBON)):
            return f"{system.label} says that {what} are none{f'; it had {before:,} before' if before else ''}. If that is so, go on: everybody will be created there."
        if before and before - size > max(MISSING_AT_LEAST, before * MISSING_SHARE):
            return f"{system.label} lists {size:,} of {what}; it had {before:,} before."
    return ""


def doubt_missing(system: System, missing: int, known: int, *, are_there_strangers: bool) -> str:
    """Say why a whole walk that lacks so many known contacts cannot be believed; blank when it can."""
    if missing > max(MISSING_AT_LEAST, known * MISSING_SHARE) or (FEW < missing == known and are_there_strangers):
        return f"{system.label}'s list lacks {missing:,} of {known:,} contacts that were there before. Are these the keys of another organisation?"
    return ""


def doubted_list(system: System) -> SafetyStop | None:
    """Return the pause that is on because of this service's list, if any."""
    return open_stops().filter(kind=Kind.LIST, system=system).first()


def doubt_still(stopped: SafetyStop, mark: str) -> str:
    """Say again what was said of a doubted list, if it was walked lately and a glance shows it as it was then."""
    lately = stopped.walked_at is not None and timezone.now() - stopped.walked_at < WALK_DOUBTED_EVERY
    return stopped.reason if lately and stopped.mark == mark else ""


def list_is_believed(system: System) -> None:
    """The list is whole again: what was paused because of it goes on by itself."""
    for stopped in open_stops().filter(kind=Kind.LIST, system=system):
        close(stopped, "The list was whole again", None)


def was_accepted(system: System, cursor: Cursor) -> bool:
    """Tell whether a person said, since the last walk that was believed, that the list is right as it is."""
    said = SafetyStop.objects.filter(kind=Kind.LIST, system=system, is_open=False, closed_by__isnull=False)
    if cursor.walked_at:
        said = said.filter(closed_at__gt=cursor.walked_at)
    return said.exists()


# --- mass changes -----------------------------------------------------------------------------------------------------


def look_for_mass_changes(chosen: SyncSettings) -> None:
    """Stop when, over a sliding hour, more pairs changed, lost a value, left or are to be made than anybody means to."""
    standing = Link.objects.filter(state__in=[Link.State.LIVE, Link.State.STOPPED])
    left = standing.filter(state=Link.State.STOPPED, stopped_at__gt=_since(Kind.DEPARTURES))
    measured: list[tuple[Kind, set[object], int, str]] = [
        (
            Kind.CHANGES,
            _changes_since(_since(Kind.CHANGES)),
            chosen.brake_changes,
            "{found:,} of {all:,} pairs changed within an hour.",
        ),
        (
            Kind.CLEARS,
            _changes_since(_since(Kind.CLEARS), clears=True),
            chosen.brake_clears,
            "In {found:,} of {all:,} pairs a value was cleared within an hour.",
        ),
        (
            Kind.DEPARTURES,
            set(left.values_list("pk", flat=True)),
            chosen.brake_departures,
            "{found:,} of {all:,} pairs lost a side within an hour: archived, merged or gone.",
        ),
        (
            Kind.CREATIONS,
            set(_creations(_since(Kind.CREATIONS)).values_list("link_id", flat=True)),
            chosen.brake_creations,
            "{found:,} contacts new in Xero within an hour are to be created in Karbon, beside {all:,} pairs. Karbon cannot remove them again.",
        ),
    ]
    number = standing.count()
    for kind, pairs, percent, sentence in measured:
        if len(pairs) >= chosen.brake_at_least and len(pairs) * 100 > number * percent:
            said = sentence.format(found=len(pairs), all=number)
            stop(kind, f"{said} Nothing more is sent until somebody has looked.")


def _since(kind: str) -> datetime:
    """An hour ago, or when somebody last said that it was meant, here or by ending a pause or starting what a preview showed."""
    return max(timezone.now() - WINDOW, _last_said(kind), _meant_until())


def _meant_until() -> datetime:
    return SyncSettings.load().meant_until or datetime.min.replace(tzinfo=UTC)


def _last_said(kind: str) -> datetime:
    said = SafetyStop.objects.filter(kind=kind, is_open=False).order_by("-closed_at").first()
    return said.closed_at if said and said.closed_at else datetime.min.replace(tzinfo=UTC)


def _automatic(since: datetime, action: Change.Action) -> QuerySet[Change]:
    states = [Change.State.QUEUED, Change.State.SENDING, Change.State.DONE]
    return Change.objects.filter(
        purpose=Change.Purpose.SYNC, action=action, by=None, state__in=states, created_at__gt=since
    )


def _creations(since: datetime) -> QuerySet[Change]:
    """Contacts created by themselves because they are new in Xero: seen later than a person looked, and than the first import."""
    first = RemoteContact.objects.filter(system=System.XERO).aggregate(at=Min("first_seen_at"))["at"]
    after_import = max(first + WINDOW, _meant_until()) if first else since
    return _automatic(since, Change.Action.CREATE).filter(link__xero__first_seen_at__gt=after_import)


def _changes_since(since: datetime, *, clears: bool = False) -> set[object]:
    found = _automatic(since, Change.Action.UPDATE).values_list("link_id", "after")
    return {link for link, after in found if not clears or not all(after.values())}


def affected(stopped: SafetyStop) -> QuerySet[Change]:
    """Changes that a pause is about, sent and waiting ones, in the order they were planned; none where it is not about changes."""
    if stopped.kind not in CAN_PUT_BACK:
        return Change.objects.none()
    began = max(stopped.opened_at - WINDOW, _last_said(stopped.kind))
    if stopped.kind == Kind.CREATIONS:
        return _creations(began).order_by("pk")
    found = _automatic(began, Change.Action.UPDATE)
    if stopped.kind == Kind.CLEARS:
        found = found.filter(pk__in=[pk for pk, after in found.values_list("pk", "after") if not all(after.values())])
    return found.order_by("pk")


# --- what people do ---------------------------------------------------------------------------------------------------


@transaction.atomic
def go_on(stopped: SafetyStop, *, by: User) -> None:
    """It was meant: what waits is sent, or the list is believed as it is."""
    close(stopped, "It was meant", by)
    bell.ring()


@transaction.atomic
def put_back(stopped: SafetyStop, *, by: User) -> int:
    """It was not meant: put the former values back on both sides, or leave the new contacts out of Karbon."""
    if stopped.kind not in CAN_PUT_BACK:
        raise NotPossible("There are no values to put back here. Look at the contacts in the service itself.")
    by_link: dict[UUID, list[Change]] = {}
    for change in affected(stopped).select_related("link__xero"):
        by_link.setdefault(change.link_id, []).append(change)
    is_new = stopped.kind == Kind.CREATIONS
    for mine in by_link.values():
        if is_new:
            _leave_out(mine[-1], by)
        else:
            undoing.put_back(_former(mine), cause="Paused for safety: put back", by=by)
    close(stopped, "The new contacts were left out" if is_new else "The former values were put back", by)
    bell.ring()
    return len(by_link)


def _leave_out(creation: Change, by: User) -> None:
    if creation.state == Change.State.DONE:
        undoing.undo_change(creation, by=by)
    else:
        links.give_up_creation(creation.link, by=by)


def _former(changes: Sequence[Change]) -> list[Overwritten]:
    """What both sides of a pair showed before these changes: where people edited, and where that had already been sent."""
    former = []
    for change in changes:
        target = System(change.system)
        for name, agreed in change.agreed.items():
            former.append(Overwritten(change, target.other, name, agreed, change.source[name]))
            if change.state == Change.State.DONE:
                former.append(Overwritten(change, target, name, change.before[name], change.shown[name]))
    return former
