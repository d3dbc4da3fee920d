"""Finds out what became of a send whose reply never came: a crash, a kill, a lost connection (invariants 4 and 5).

Nothing is sent again on a guess. A read that begins after send + time-out tells; what it cannot tell, a person is asked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max, Min, Q
from django.utils import timezone

from contacts import creating, mirror, outbox
from contacts.fields import BLANK, FIELDS, NAME
from contacts.models import Change, Link
from contacts.remote import Remote, Unavailable
from contacts.values import Presence, Snapshot, System

NOT_REACHED = "It had not reached the service; it is planned afresh."


def due(system: System, limit: int) -> list[Change]:
    """Changes of one system that were being sent long enough ago for their outcome to be read."""
    now = timezone.now()
    sent = Change.objects.filter(system=system, state=Change.State.SENDING, sent_at__lte=now - outbox.settle_after())
    sent = sent.filter(Q(not_before=None) | Q(not_before__lte=now))
    return list(sent.select_related("link__xero", "link__karbon").order_by("pk")[:limit])


def next_due() -> datetime | None:
    """When the outcome of the earliest send can be told; None when nothing is open."""
    sending = Change.objects.filter(state=Change.State.SENDING)
    sent = sending.filter(not_before=None).aggregate(at=Min("sent_at"))["at"]
    again = sending.aggregate(at=Min("not_before"))["at"]
    return min(filter(None, (sent and sent + outbox.settle_after(), again)), default=None)


def settle(remote: Remote, changes: Sequence[Change]) -> None:
    """Settle a batch of changes by reading their targets; creations by looking for what they may have made."""
    updates = [change for change in changes if change.action != Change.Action.CREATE]
    if updates:
        fresh = remote.read([outbox.target_of(change).ref for change in updates])
        for change in updates:
            _settle_update(change, fresh.get(outbox.target_of(change).remote_id))
    for change in changes:
        if change.action == Change.Action.CREATE:
            _settle_creation(remote, change)


def _settle_update(change: Change, now: Snapshot | None) -> None:
    """Exactly what we sent → done. As before and untouched → plan afresh. Anything else → ask a person."""
    outbox.end_send(change)
    if change.action == Change.Action.ARCHIVE:
        _settle_archiving(change, now)
        return
    arrived = [name for name in change.after if now is not None and _arrived(change, name, now)]
    there = now if now is not None and now.presence == Presence.PRESENT else None
    if now is not None and len(arrived) == len(change.after):  # archived since or not: it was done
        outbox.acknowledge(change, {**now.values, **change.shown}, now)
    elif there and there.modified_at == change.target_modified_at and _shows(there, change.before):
        if _is_never_taken(change):
            outbox.refuse(change, [outbox.never_taken(change)])
        else:
            _end(change, Change.State.SUPERSEDED, NOT_REACHED)
    else:
        _settle_in_part(change, arrived, there)


def _is_never_taken(change: Change) -> bool:
    """Tell whether this very write was sent often and long enough, and nothing of the pair arrived in between."""
    before = Change.objects.filter(link=change.link_id, system=change.system).exclude(pk=change.pk)
    answered = before.filter(state__in=[Change.State.DONE, Change.State.REJECTED]).aggregate(pk=Max("pk"))["pk"]
    same = before.filter(error=NOT_REACHED, after=change.after, source=change.source, pk__gt=answered or 0)
    since = same.aggregate(at=Min("sent_at"))["at"]
    is_long = since is not None and timezone.now() - since >= outbox.KEEP_TRYING
    return is_long and same.count() + 1 >= outbox.TRIES


@transaction.atomic
def _settle_in_part(change: Change, arrived: Sequence[str], there: Snapshot | None) -> None:
    """Acknowledge the fields that arrived; of the others a person is asked, if the contact is there at all."""
    if there:
        mirror.keep(System(change.system), [there])
        lost = [name for name in change.after if name not in arrived]
        outbox.forget_wishes(change.link_id, System(change.system), lost)  # never the same request twice on a guess
        outbox.ask(change.link, lost)
        why = "We cannot tell whether it arrived: somebody changed it meanwhile."
    else:
        mirror.ask_refreshes([outbox.target_of(change)], reason="not found")
        why = "The contact was not there when we looked what became of this."
    if arrived:  # history must keep what these overwrote (invariant 11)
        _narrow(change, arrived)
        outbox.acknowledge(change, change.shown, None)
    else:
        _end(change, Change.State.SUPERSEDED, why)


def _narrow(change: Change, fields: Sequence[str]) -> None:
    """Let a change speak only of the fields that arrived. Its ``before`` keeps all: the others may be replaced, too."""
    kept = {}
    for column in ("after", "source", "shown", "agreed"):
        kept[column] = {name: value for name, value in getattr(change, column).items() if name in fields}
        setattr(change, column, kept[column])
    Change.objects.filter(pk=change.pk).update(**kept)


def _settle_archiving(change: Change, now: Snapshot | None) -> None:
    """Archived → done, whoever did it. Untouched → it never arrived and is sent again. Else it may have been restored since."""
    if now is None or now.presence != Presence.PRESENT:
        outbox.acknowledge(change, {}, now)
    elif now.modified_at == change.target_modified_at:
        outbox.postpone(change, 0, error="It had not reached the service; it is sent again.")
    else:
        _end(change, Change.State.SUPERSEDED, f"Somebody edited or restored it in {System(change.system).label} before we knew whether it was archived, so it was left. If it is still meant, ask for it again.")  # fmt: skip


def _shows(now: Snapshot, values: dict) -> bool:
    return all(now.values.get(name) == value for name, value in values.items())


def _arrived(change: Change, name: str, now: Snapshot) -> bool:
    """Tell whether the record shows what we sent, be it in another format, as long as it is not what was there before."""
    value, sent, before = now.values.get(name), change.shown.get(name), change.before.get(name)
    if value == sent:
        return True
    if value is None or sent is None:
        return False
    field = FIELDS[name]
    return field.same(value, sent) and not (before is not None and field.same(value, before))


@transaction.atomic
def _end(change: Change, state: Change.State, why: str) -> None:
    outbox.as_we_left_it(change).update(state=state, error=why, ended_at=timezone.now())
    Link.objects.filter(pk=change.link_id).update(plan_due=True)


def _shows_what_we_sent(change: Change, found: Snapshot) -> bool:
    return all(FIELDS[name].same(found.values.get(name, BLANK[name]), sent) for name, sent in change.after.items())


def put_off(changes: Sequence[Change], error: Unavailable) -> None:
    """Look a little later what became of these, so that the others get their turn."""
    again = timezone.now() + max(outbox.settle_after(), timedelta(seconds=error.retry_after or 0))
    Change.objects.filter(pk__in=[change.pk for change in changes], state=Change.State.SENDING).update(not_before=again)


def _refuse_as_unsure(change: Change, problems: Sequence[str]) -> None:
    """A person must find out whether it was created: it was looked for, so it is not taken for a refusal of the service."""
    outbox.as_we_left_it(change).update(looks=F("looks") + 1)
    outbox.refuse(change, problems)


def _settle_creation(remote: Remote, change: Change) -> None:
    """Adopt exactly one new record; none, twice → the request never arrived, queue it again; several → ask a person.

    One that only shares an email or phone is not adopted on a guess, nor is another one made: a person is asked, too.
    """
    source = creating.source_of(change)
    found = remote.find_created(creating.creation_of(change, source.payload), change.known_keys)
    new = creating.known_since(change, found)
    namesakes = [snapshot for snapshot in new if snapshot.complete]
    if len(namesakes) == 1 and _shows_what_we_sent(change, namesakes[0]):
        creating.adopt(change, namesakes[0])
    elif len(namesakes) == 1:
        _refuse_as_unsure(change, [f"We cannot tell whether {source} was created in {remote.system.label}: a new contact of that name is there, with other values than we sent. If it is the one, give up here and bring this contact back: the two are then matched. If not, try again."])  # fmt: skip
    elif new and not namesakes:
        _refuse_as_unsure(change, [f"We cannot tell whether {source} was created in {remote.system.label}: {new[0].values[NAME]} appeared there meanwhile, with the same email or phone. If that is the one, call it {source} there, give up here and bring this contact back: the two are then matched. If not, try again."])  # fmt: skip
    elif new:
        _refuse_as_unsure(change, [f"Several new contacts called {source} appeared in {remote.system.label} meanwhile. Pick the right one with Link, or delete the surplus and try again."])  # fmt: skip
    elif not change.looks:  # one list that lacks it is no proof: it is looked for once more
        again = timezone.now() + outbox.settle_after()
        outbox.as_we_left_it(change).update(not_before=again, looks=1)
    elif change.attempts >= outbox.TRIES and timezone.now() - change.created_at >= outbox.KEEP_TRYING:
        _refuse_as_unsure(change, [f"{remote.system.label} failed {change.attempts} times to create {source}, and does not say why. Look there for a contact of that name, then try again or give up."])  # fmt: skip
    else:
        outbox.postpone(change, 0, error="It had not reached the service; it is sent again.")
