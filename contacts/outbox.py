"""Sends queued updates: read the target again, see that nothing moved, mark ``sending``, send, acknowledge.

Whatever dies in between, the row says how far it came, and ``contacts.settling`` finds out the rest (invariants 3 to 5).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from contacts import mirror
from contacts.changes import conflict_of
from contacts.fields import BLANK
from contacts.models import Change, FieldConflict, Link, RemoteContact, SyncSettings
from contacts.remote import Missing, Rejected, Remote, RemoteError, Unavailable, Write
from contacts.values import CannotHold, Presence, Snapshot, System, Values

# A write that a service does not take, though it shows the contact: told to a person after so many tries and so long, as
# an outage may be of writes alone and ends by itself.
TRIES, KEEP_TRYING = 8, timedelta(hours=6)
MISSING_AFTER = 10.0  # seconds, doubled each time


def due(system: System, *, only_asked: bool = False) -> QuerySet[Change]:
    """Changes of one system that may be sent now: people's first, then in the order they were planned.

    ``only_asked``: nothing goes by itself for now, only what a person asked for.
    """
    ready = Q(not_before=None) | Q(not_before__lte=timezone.now())
    changes = not_held_back().filter(ready, _may_go_out(), system=system)
    if only_asked:
        changes = changes.filter(by__isnull=False)
    return changes.select_related("link__xero", "link__karbon").order_by(F("by").asc(nulls_last=True), "pk")


def not_held_back() -> QuerySet[Change]:
    """Queued changes that no person paused: everything, the side they go to, or their pair (``contacts.pausing``)."""
    chosen = SyncSettings.load()
    queued = Change.objects.filter(state=Change.State.QUEUED, link__paused_at=None)
    if chosen.paused_at:
        return queued.none()
    return queued.exclude(system=chosen.read_only) if chosen.read_only else queued


def send_updates(remote: Remote, changes: Sequence[Change], *, polled_at: datetime | None = None) -> None:
    """Send a batch of updates, in one request where the service takes batches.

    ``polled_at``: a poll begun then brought in all that changed, so what the mirror shows was read again by it.
    """
    targets = {change.pk: target_of(change) for change in changes}
    changes = [change for change in changes if not _waits_for_an_earlier_send(change, targets[change.pk])]
    fresh: dict[str, Snapshot | None] = mirror.as_of(remote.system, list(targets.values()), polled_at)
    if unread := [targets[c.pk].ref for c in changes if targets[c.pk].remote_id not in fresh]:
        read = remote.read(unread)
        mirror.keep(remote.system, [snapshot for snapshot in read.values() if snapshot])
        fresh.update(read)
    ready = []
    for change in changes:
        write = _prepare(remote, change, fresh.get(targets[change.pk].remote_id))
        if write and start_sending(change):
            ready.append((change, write))
    if ready:
        _send(remote, ready)


def _waits_for_an_earlier_send(change: Change, target: RemoteContact) -> bool:
    """Put off a change to a contact whose reads cannot be trusted yet: what another pair of it sent is still open."""
    wait = (target.reads_valid_from - timezone.now()).total_seconds() if target.reads_valid_from else 0.0
    if wait > 0:
        postpone(change, wait)
    return wait > 0


def target_of(change: Change) -> RemoteContact:
    target = change.link.side(System(change.system))
    assert target is not None
    return target


def _prepare(remote: Remote, change: Change, now: Snapshot | None) -> Write | None:
    """Make the request from the record read just now; None when what the change was planned from no longer holds."""
    if now is None:
        mirror.ask_refreshes([target_of(change)], reason="not found")
        postpone(change, mirror.RECHECK_MISSING_AFTER.total_seconds())
        return None
    source = change.link.side(remote.system.other)
    assert source is not None
    source.refresh_from_db(fields=["values"])
    if change.action == Change.Action.ARCHIVE and now.presence == Presence.PRESENT:
        change.target_modified_at = now.modified_at
        return remote.prepare_archive(now)
    moved = any(now.values.get(name) != value for name, value in change.before.items())
    moved |= any(source.values.get(name) != value for name, value in change.source.items())
    if moved or now.presence != Presence.PRESENT:
        _overtake(change)
        return None
    try:
        write = remote.prepare(now, change.after)
    except CannotHold as problem:
        refuse(change, [str(problem)])
        return None
    change.shown = {name: write.shown.get(name, BLANK[name]) for name in change.after}
    change.target_modified_at = now.modified_at
    return write


def _may_go_out() -> Q:
    """Changes of pairs in sync or being made; and into others what a person put back or asked to archive."""
    by_hand = Q(purpose=Change.Purpose.UNDO) | Q(action=Change.Action.ARCHIVE)
    apart = Q(link__state__in=[Link.State.UNSYNCED, Link.State.STOPPED])
    return Q(link__state__in=[Link.State.LIVE, Link.State.CREATING]) | by_hand & apart


def start_sending(change: Change) -> bool:
    """Mark the change as being sent, unless somebody was faster. Reads that begin before its outcome is sure are stale."""
    now = timezone.now()
    with transaction.atomic():
        _lock_target(change)
        Link.objects.select_for_update().only("pk").get(pk=change.link_id)  # an act on the pair waits, or was before us
        may_go = Change.objects.filter(_may_go_out(), pk=change.pk, link__paused_at=None).exists()
        started = may_go and Change.objects.filter(pk=change.pk, state=Change.State.QUEUED).update(
            state=Change.State.SENDING,
            sent_at=now,
            not_before=None,
            looks=0,
            attempts=F("attempts") + 1,
            after=change.after,
            shown=change.shown,
            source=change.source,
            target_modified_at=change.target_modified_at,
            known_keys=change.known_keys,
            check_number=change.check_number,
        )
        target = change.link.side(System(change.system))
        if started and target:
            RemoteContact.objects.filter(pk=target.pk).update(reads_valid_from=now + settle_after())
    if started:
        change.sent_at = now
    return bool(started)


def _lock_target(change: Change) -> None:
    """Lock the contact before its link, as whoever keeps what was read does: each waits for the other otherwise."""
    if target := change.link.side(System(change.system)):
        RemoteContact.objects.select_for_update().only("pk").get(pk=target.pk)


def settle_after() -> timedelta:
    """How long after a send without a reply its outcome is open."""
    return timedelta(seconds=settings.SETTLE_AFTER_SECONDS)


def _send(remote: Remote, ready: Sequence[tuple[Change, Write]]) -> None:
    try:
        replies = remote.send([write for _, write in ready])
    except RemoteError as error:
        for change, _ in ready:
            not_sent(change, error)
        if not isinstance(error, Rejected | Missing):
            raise
        return
    for (change, write), reply in zip(ready, replies, strict=True):
        change.request_id = remote.request_id
        if isinstance(reply, Rejected):
            refuse(change, reply.problems)
        else:
            acknowledge(change, write.shown, reply)


def not_sent(change: Change, error: RemoteError) -> None:
    """After a failed request: refused → say so; certainly not performed → later; else leave it to be settled by reading."""
    if isinstance(error, Rejected):
        refuse(change, error.problems)
    elif isinstance(error, Missing) and change.attempts + 1 < TRIES:
        end_send(change)
        postpone(change, MISSING_AFTER * 2**change.attempts, error=str(error))
    elif isinstance(error, Missing):
        refuse(change, [never_taken(change)])
    elif isinstance(error, Unavailable) and error.performed is not False:
        Change.objects.filter(pk=change.pk).update(error=str(error))
    else:
        end_send(change)
        postpone(change, getattr(error, "retry_after", None) or 1.0, error=str(error))


def never_taken(change: Change) -> str:
    """Say that a service does not take a write, without telling why."""
    service = System(change.system).label
    return f"{service} answers, but has not taken this for a long time, and does not say why. Look at the contact there; it is sent again once a value changes."  # fmt: skip


def postpone(change: Change, seconds: float, error: str = "") -> None:
    """Put a change that was certainly not performed back into the queue."""
    as_we_left_it(change).update(
        state=Change.State.QUEUED, not_before=timezone.now() + timedelta(seconds=seconds), error=error[:1000]
    )


def as_we_left_it(change: Change) -> QuerySet[Change]:
    """The change, while it is open and nobody sent it since we did: a process that lost its lease may still be at it."""
    return Change.objects.filter(pk=change.pk, state__in=Change.OPEN, sent_at=change.sent_at)


def postpone_unsent(changes: Sequence[Change], error: Unavailable) -> None:
    """Leave what a fault kept from being sent for later, so that the others get their turn."""
    again = timezone.now() + timedelta(seconds=error.retry_after or 10.0)
    unsent = Change.objects.filter(pk__in=[change.pk for change in changes], state=Change.State.QUEUED)
    unsent = unsent.filter(Q(not_before=None) | Q(not_before__lte=timezone.now()))
    unsent.update(not_before=again, error=str(error)[:1000])


def end_send(change: Change) -> None:
    """The send is over: reads that begin from now on show its effect."""
    if target := change.link.side(System(change.system)):
        RemoteContact.objects.filter(pk=target.pk).update(reads_valid_from=timezone.now())


@transaction.atomic
def _overtake(change: Change) -> None:
    """Something moved since this was planned: plan afresh from what is there now."""
    as_we_left_it(change).update(state=Change.State.SUPERSEDED, ended_at=timezone.now())
    Link.objects.filter(pk=change.link_id).update(plan_due=True)


def ask(link: Link, fields: Sequence[str], reason: str = FieldConflict.Reason.UNSURE) -> None:
    """Open a question for a person about these fields of a link."""
    fresh = Link.objects.select_related("xero", "karbon").get(pk=link.pk)
    if fresh.state in (Link.State.UNSYNCED, Link.State.ENDED):
        return  # the pair has parted meanwhile: nothing is left to decide
    questions = [conflict_of(fresh, name, reason) for name in fields]
    FieldConflict.objects.bulk_create(questions, ignore_conflicts=True)


@transaction.atomic
def refuse(change: Change, problems: Sequence[str]) -> None:
    """Record a refusal. Several fields at once are sent again one by one, so that one never blocks the others (inv. 12)."""
    reason = " ".join(problems)[:1000]
    refused = as_we_left_it(change).update(
        state=Change.State.REJECTED, error=reason, request_id=change.request_id, ended_at=timezone.now()
    )
    if not refused:
        return
    end_send(change)
    link = Link.objects.select_for_update().get(pk=change.link_id)
    if change.action == Change.Action.CREATE:
        link.problem = reason[:500]
    elif change.action == Change.Action.ARCHIVE:
        link.plan_due = True
    elif len(change.after) > 1:
        link.one_by_one = link.plan_due = True
    elif change.purpose in (Change.Purpose.TYPED, Change.Purpose.UNDO):
        _forget_wishes(link, change.system, change.after)
        if change.purpose == Change.Purpose.TYPED:
            ask(link, list(change.after), FieldConflict.Reason.BOTH)
        link.plan_due = True
    else:
        for name in change.after:
            link.held.setdefault(change.system, {})[name] = {"source": change.source.get(name), "reason": reason}
        link.plan_due = True
    link.save(update_fields=["problem", "one_by_one", "held", "wishes", "plan_due"])


def forget_wishes(link_id: object, system: System, fields: Sequence[str]) -> None:
    """A person is asked about these fields anew: what was wanted there before is no longer to be sent."""
    link = Link.lock(link_id)
    _forget_wishes(link, system, fields)
    link.save(update_fields=["wishes"])


def _forget_wishes(link: Link, system: str, fields: Iterable[str]) -> None:
    for name in fields:
        link.wishes.get(system, {}).pop(name, None)
    link.wishes = {system: wishes for system, wishes in link.wishes.items() if wishes}


@transaction.atomic
def acknowledge(change: Change, shown: Values, read_back: Snapshot | None) -> None:
    """The target holds what was sent: move the bases per field and let the mirror show it (invariant 3).

    The source's base becomes the value the change was planned from, the target's what the payload shows through the
    mapping, or the read-back where that differs in format only. A value that a person typed moves no base, one that a person put
    back moves the target's alone: the two sides then differ by choice (invariant 11).
    """
    system = System(change.system)
    now = timezone.now()
    _lock_target(change)
    written = {name: shown.get(name, BLANK[name]) for name in change.after}
    done = Change.objects.filter(pk=change.pk, state=Change.State.SENDING).update(
        state=Change.State.DONE, ended_at=now, shown=written, request_id=change.request_id, error=""
    )
    if not done:
        return
    link = Link.lock(change.link_id)
    for name, value in written.items():
        if name in change.source:
            link.base(system.other)[name] = change.source[name]
            link.base(system)[name] = value
        elif change.purpose == Change.Purpose.UNDO:
            link.base(system)[name] = value
        elif link.base(system).get(name) == value:
            link.base(system).pop(name)  # typed back to the last agreed value: it is still to be carried over
    _forget_wishes(link, change.system, change.after)
    link.plan_due = True
    link.save(update_fields=["base_xero", "base_karbon", "wishes", "plan_due"])
    _show_written(target_of(change), shown, list(written), at=read_back.read_began_at if read_back else now)
    if read_back is not None:
        mirror.keep(system, [read_back])


def _show_written(target: RemoteContact, shown: Values, written: Sequence[str], *, at: datetime) -> None:
    """Until the record is read again, the mirror shows what our payload made of it."""
    target = RemoteContact.objects.select_for_update().get(pk=target.pk)
    target.values = {**target.values, **shown}
    target.written = sorted({*target.written, *written})
    target.reads_valid_from = target.read_began_at = at
    mirror.set_keys(target)
    target.save(update_fields=["values", "written", "reads_valid_from", "read_began_at", "name_key", "email_key"])
