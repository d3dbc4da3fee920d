"""Creates counterparts, at most once whatever is killed or lost (invariant 5).

The intent is stored before the request. A reply that never came is settled by looking: Xero keeps our link's id as its
unique contact number; in Karbon we look for namesakes that were not there before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from contacts import bell, finding, links, mirror, outbox
from contacts.fields import BLANK, FIELDS, NAME
from contacts.models import Change, Link, RemoteContact
from contacts.remote import Creation, Rejected, Remote, RemoteError
from contacts.values import CannotHold, Kind, Presence, Snapshot, System, Value


def send_creation(remote: Remote, change: Change) -> None:
    """Create a counterpart from the source as it is now, unless the source has left meanwhile."""
    source = source_of(change)
    if not source.is_present and change.by_id:
        outbox.refuse(change, [f"{source} is {source.get_presence_display().lower()} in {System(source.system).label}, so nothing was created. Bring it back there and try again, or give up."])  # fmt: skip
        return
    if not source.is_present or _has_come_by_itself(change, source):
        _withdraw(change, source)
        return
    try:
        creation = _creation(remote, change, source)
    except CannotHold as problem:
        outbox.refuse(change, [str(problem)])
        return
    change.known_keys = _namesakes(remote.system, creation)
    if not outbox.start_sending(change):
        return
    try:
        made = remote.create(creation)
    except Rejected as refusal:
        _refuse(change, refusal)
    except RemoteError as error:
        outbox.not_sent(change, error)
        raise
    else:
        adopt(change, made)


def source_of(change: Change) -> RemoteContact:
    source = change.link.side(System(change.system).other)
    assert source is not None
    source.refresh_from_db()
    return source


def _has_come_by_itself(change: Change, source: RemoteContact) -> bool:
    """Tell whether, while a creation that nobody asked for waited, somebody made a contact of this name or email there."""
    if change.by_id is not None:
        return False
    system = System(change.system)
    free = ~links.ever_linked() & ~links.perhaps_ours(system) & Q(presence=Presence.PRESENT, left_out=False)
    return finding.lookalikes(source).filter(free, first_seen_at__gt=change.created_at).exists()


@transaction.atomic
def _withdraw(change: Change, source: RemoteContact) -> None:
    """There is nothing to make, as the contact left, or somebody made its counterpart: it is matched again when due."""
    now = timezone.now()
    why = (
        "A contact like it was made there meanwhile."
        if source.is_present
        else "The contact left before it was created."
    )
    Change.objects.filter(pk=change.pk, state=Change.State.QUEUED).update(
        state=Change.State.CANCELLED, ended_at=now, error=why
    )
    Link.objects.filter(pk=change.link_id, state=Link.State.CREATING).update(state=Link.State.ENDED, ended_at=now)
    RemoteContact.objects.filter(pk=source.pk).update(match_due=True)
    if source.is_present:
        bell.ring()  # matching is over in this check


def _creation(remote: Remote, change: Change, source: RemoteContact) -> Creation:
    """Say what to create. After a refusal (``one_by_one``) the name goes alone, so that one bad field does not keep the
    contact out."""
    wanted = {**source.values, **change.typed}
    if change.link.one_by_one:
        wanted = {NAME: wanted[NAME]}
    change.after, _ = fitting(remote, wanted, Kind(change.kind))
    change.source = {name: wanted[name] for name in change.after}
    return creation_of(change, source.payload)


def fitting(remote: Remote, wanted: Mapping[str, Value], kind: Kind) -> tuple[dict[str, Value], dict[str, str]]:
    """Return how the new record would hold these values, and why it could not hold others.

    Only the name must fit, else CannotHold is raised; another field that does not is left blank and reported by the next
    plan. What is not known yet is not blank: it follows once the source is read in full.
    """
    held: dict[str, Value] = {}
    refused: dict[str, str] = {}
    for name in FIELDS:
        if name not in wanted:
            continue
        value = wanted[name]
        try:
            held[name] = remote.express(name, value, kind) if value or name == NAME else value
        except CannotHold as problem:
            if name == NAME:
                raise
            refused[name] = str(problem)
    return held, refused


def creation_of(change: Change, source_payload: Mapping[str, Any]) -> Creation:
    return Creation(
        marker=str(change.link_id),
        kind=Kind(change.kind),
        values=change.after,
        contact_type=change.contact_type,
        first_name=str(source_payload.get("FirstName") or ""),
        last_name=str(source_payload.get("LastName") or ""),
        idempotency_key=str(change.idempotency_key),
    )


def _namesakes(system: System, creation: Creation) -> list[str]:
    """Keys of records that already carry this name: none of them can be the one that we are about to make."""
    keys = finding.name_keys(str(creation.values[NAME]))
    same = RemoteContact.objects.filter(name_key__in=keys, system=system)
    return list(same.values_list("remote_id", flat=True))


def _refuse(change: Change, refusal: Rejected) -> None:
    """Try once more with the name alone; if that is refused too, a person must act."""
    if change.link.one_by_one or sum(bool(value) for value in change.after.values()) == 1:
        outbox.refuse(change, refusal.problems)
        return
    Link.objects.filter(pk=change.link_id).update(one_by_one=True)
    again = Change.objects.filter(pk=change.pk, state=Change.State.SENDING)
    again.update(state=Change.State.QUEUED, not_before=None, error=str(refusal)[:1000], idempotency_key=_fresh_key())


def _fresh_key() -> object:
    # Xero repeats a cached refusal for six minutes under the same key (facts, Xero 7).
    return Change._meta.get_field("idempotency_key").get_default()


@transaction.atomic
def adopt(change: Change, made: Snapshot) -> None:
    """The counterpart exists: complete the link. Its base is what our payload shows there; the source's what was sent."""
    system = System(change.system)
    done = Change.objects.filter(pk=change.pk, state=Change.State.SENDING).update(
        state=Change.State.DONE, ended_at=timezone.now(), shown=dict(made.values), error=""
    )
    if not done:
        return
    mirror.keep(system, [replace(made, read_began_at=timezone.now())])
    target = RemoteContact.objects.select_for_update().get(system=system, remote_id=made.remote_id)
    target.written = sorted(made.values)
    target.reads_valid_from = target.read_began_at = timezone.now()
    target.save(update_fields=["written", "reads_valid_from", "read_began_at"])
    link = Link.lock(change.link_id)
    setattr(link, system, target)
    link.base(system).update(_target_base(change, made))
    link.base(system.other).update(_source_base(change))
    link.state, link.problem, link.plan_due = Link.State.LIVE, "", True
    link.save()
    source = source_of(change)
    if not source.complete or source.system == System.KARBON:  # an edit of a card may have left no trace in the list
        mirror.ask_refreshes([source], reason="linked")


def _target_base(change: Change, made: Snapshot) -> dict[str, Value]:
    """What was sent, as the new record shows it. A typed name stays unknown here: it is still to reach the source."""
    shown = {name: change.after.get(name, value) for name, value in made.values.items()}
    return {name: value for name, value in shown.items() if name not in change.typed}


def _source_base(change: Change) -> dict[str, Value]:
    source = source_of(change).values
    return {n: source.get(n, BLANK[n]) if n in change.typed else v for n, v in change.source.items()}


def known_since(change: Change, found: Sequence[Snapshot]) -> list[Snapshot]:
    """Drop what was already there, under this name or another, or belongs to another pair."""
    system = System(change.system)
    ids = [snapshot.remote_id for snapshot in found]
    taken = set(
        mirror.open_links(system, RemoteContact.objects.filter(system=system, remote_id__in=ids).values_list("pk", flat=True))
        .values_list(f"{system}__remote_id", flat=True)
    )  # fmt: skip
    older = RemoteContact.objects.filter(system=system, remote_id__in=ids, first_seen_at__lt=change.sent_at)
    seen = set(older.values_list("remote_id", flat=True))
    not_ours = {*taken, *seen, *change.known_keys}
    return [snapshot for snapshot in found if snapshot.remote_id not in not_ours]
