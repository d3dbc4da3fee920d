"""What people and the matcher do with pairs: link, unsync, re-match, create, leave out. One function per act.

Each act is one transaction that moves states by conditional UPDATE: whoever comes second gets ``Overtaken``, and nothing
happens twice. Staff acts leave a ``LogEntry``. Acts only store what is wanted; the pipeline sends it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Min, Q
from django.utils import timezone

from contacts import bell, changes, merge, mirror, outbox
from contacts.fields import BLANK, FIELDS, NAME
from contacts.models import Change, FieldConflict, Link, RemoteContact
from contacts.planning import Wish
from contacts.values import Kind, System, Value


class Overtaken(Exception):
    """Somebody was faster, or the facts changed meanwhile. The message says so kindly and what to do."""


class NotPossible(Exception):
    """The act cannot be done as asked. The message says why and what to do instead."""


@dataclass(frozen=True)
class Wanted:
    """A counterpart to be created for a contact: of what kind and type, why, and who asked (None: the matcher)."""

    source: RemoteContact
    kind: Kind
    contact_type: str = ""
    cause: str = "No match"
    by: User | None = None
    typed: Mapping[str, Value] = field(default_factory=dict)  # used on both sides instead of the source's values


def record(by: User | None, contact: RemoteContact | None, message: str) -> None:
    """Leave an audit entry for a staff act; the matcher's own doings are in the history of changes."""
    if by is None or contact is None:
        return
    LogEntry.objects.log_actions(by.pk, [contact], CHANGE, change_message=message, single_object=True)


def ever_linked() -> Q:
    """Contacts that are or once were one side of a whole pair, or for which a counterpart is being made."""
    whole = Q(xero__isnull=False, karbon__isnull=False) | ~Q(state=Link.State.ENDED)
    links = Link.objects.filter(whole)
    return Q(pk__in=links.filter(xero__isnull=False).values("xero")) | Q(
        pk__in=links.filter(karbon__isnull=False).values("karbon")
    )


def perhaps_ours(system: System) -> Q:
    """Contacts first seen since a creation whose outcome is still open: one of them may be what we made."""
    creating = Change.objects.filter(system=system, action=Change.Action.CREATE, state=Change.State.SENDING)
    since = creating.aggregate(at=Min("sent_at"))["at"]
    return Q(first_seen_at__gte=since) if since else Q(pk__in=[])


def _must_be_no_work_of_ours(*contacts: RemoteContact) -> None:
    for contact in contacts:
        system = System(contact.system)
        if RemoteContact.objects.filter(perhaps_ours(system), pk=contact.pk).exists():
            raise Overtaken(f"A contact is being created in {system.label} right now, and {contact} may be it. Look again in a minute.")  # fmt: skip


def open_link(contact: RemoteContact) -> Link | None:
    """Return the link that holds this contact now, if any."""
    held = Q(xero=contact) | Q(karbon=contact)
    return Link.objects.select_related("xero", "karbon").exclude(state=Link.State.ENDED).filter(held).first()


# --- linking ----------------------------------------------------------------------------------------------------------


def link(
    xero: RemoteContact,
    karbon: RemoteContact,
    *,
    origin: Link.Origin,
    winners: Mapping[str, System] | None = None,
    by: User | None = None,
    check_number: int | None = None,
) -> Link:
    """Link a pair from the values seen. Without ``winners``: blanks are filled, Xero wins where both differ.

    ``winners`` names for each field that differs whose value is to be carried over. Linking never blanks anything: a
    blank never wins.
    """
    for contact in (xero, karbon):
        if not contact.is_present or not contact.complete:
            raise Overtaken(f"{contact} is no longer there as it was. Look at the pair again.")
    _must_be_no_work_of_ours(xero, karbon)
    base_xero, base_karbon = merge.first_bases(xero.values, karbon.values, winners or {})
    try:
        with transaction.atomic():
            made = Link.objects.create(
                xero=xero,
                karbon=karbon,
                origin=origin,
                linked_by=by,
                base_xero=base_xero,
                base_karbon=base_karbon,
                check_number=check_number,
            )
            record(by, xero, f"Linked to {karbon} ({made.get_origin_display().lower()}).")
    except IntegrityError as error:
        raise Overtaken("One of the two was linked meanwhile. Look at the pair again.") from error
    if by is not None:  # a check that links by itself plans and sends by itself
        bell.ring()
    return made


def end(pair: Link, *, by: User | None, to: str, allowed: Iterable[str]) -> None:
    """Move a link out of the way, cancel what was not sent yet, and tell in its history what people still wanted."""
    now = timezone.now()
    with transaction.atomic():
        wishes = Link.lock(pair.pk).wishes
        moved = Link.objects.filter(pk=pair.pk, state__in=list(allowed)).update(
            state=to, ended_by=by, ended_at=now, plan_due=False, wishes={}, paused_at=None, paused_by=None
        )
        if not moved:
            raise Overtaken("Somebody was faster: this pair is no longer as it was. Look at it again.")
        queued = Change.objects.filter(link=pair, state=Change.State.QUEUED)
        under_way = Change.objects.filter(link=pair, state__in=Change.OPEN)
        told = {(change.system, name) for change in under_way for name in change.after}
        Change.objects.bulk_create(
            changes.given_up(pair, System(system), name, wish, "The two were parted before it was sent.", at=now)
            for system, wished in wishes.items()
            for name, wish in wished.items()
            if (system, name) not in told
        )
        queued.update(state=Change.State.CANCELLED, ended_at=now)
        FieldConflict.objects.filter(link=pair, is_open=True).update(is_open=False, closed_at=now)


def stay_paused(made: Link, former: Link) -> Link:
    """Hold back a new pair as a person held back the one in whose place it comes. ``former``: as read before it ended."""
    pause = {name: getattr(former, name) for name in ("paused_at", "paused_by", "pause_reason")}
    Link.objects.filter(pk=made.pk).update(**pause)
    return made


@transaction.atomic
def unsync(pair: Link, *, by: User) -> None:
    """Stop keeping a pair the same. Neither side is matched, re-created or written until a person acts."""
    end(pair, by=by, to=Link.State.UNSYNCED, allowed=[Link.State.LIVE, Link.State.STOPPED])
    record(by, pair.xero, f"Unsynced from {pair.karbon}.")


def archive(pair: Link, *, by: User, cause: str, undoes: Change | None = None) -> Change:
    """Ask for the Xero contact of a pair to be archived. Only Xero's own screen can take that back."""
    Link.lock(pair.pk)  # nothing begins to be sent meanwhile
    Change.objects.filter(link=pair, system=System.XERO, state=Change.State.QUEUED).update(
        state=Change.State.SUPERSEDED, ended_at=timezone.now()
    )
    if Change.objects.filter(link=pair, system=System.XERO, state=Change.State.SENDING).exists():
        raise Overtaken("Something is being sent to Xero for this contact right now. Try again in a moment.")
    asked = Change.objects.create(
        link=pair,
        system=System.XERO,
        action=Change.Action.ARCHIVE,
        purpose=Change.Purpose.UNDO if undoes else Change.Purpose.TYPED,
        undoes=undoes,
        cause=cause,
        by=by,
    )
    record(by, pair.xero, "Asked to archive it in Xero.")
    bell.ring()
    return asked


@transaction.atomic
def resume(pair: Link, *, by: User) -> None:
    """Undo an unsync: go on from where the pair stood. What changed on one side meanwhile travels, on both is asked.

    What somebody had typed before and the unsync kept from being sent is asked again.
    """
    parted_at = Link.objects.values_list("ended_at", flat=True).get(pk=pair.pk)
    moved = Link.objects.filter(pk=pair.pk, state=Link.State.UNSYNCED).update(
        state=Link.State.LIVE, ended_by=None, ended_at=None, plan_due=True
    )
    if not moved:
        raise Overtaken("Somebody was faster: this pair is no longer unsynced. Look at it again.")
    record(by, pair.xero, f"Took the unsync from {pair.karbon} back.")
    typed = Change.objects.filter(link=pair, purpose=Change.Purpose.TYPED, ended_at__gte=parted_at)
    typed = typed.exclude(state=Change.State.DONE)
    outbox.ask(pair, sorted({name for change in typed for name in change.after}), FieldConflict.Reason.BOTH)
    mirror.ask_refreshes([side for side in (pair.xero, pair.karbon) if side], reason="resumed")
    bell.ring()


@transaction.atomic
def rematch(pair: Link, *, by: User, winners: Mapping[str, System] | None = None) -> Link:
    """Take an unsynced pair up again, from both sides' values as they are now."""
    assert pair.xero is not None and pair.karbon is not None
    end(pair, by=by, to=Link.State.ENDED, allowed=[Link.State.UNSYNCED])
    return link(pair.xero, pair.karbon, origin=Link.Origin.REMATCHED, winners=winners, by=by)


# --- creating a counterpart -------------------------------------------------------------------------------------------


def create_counterparts(wanted: Iterable[Wanted]) -> list[Link]:
    """Store the intent to create a counterpart for each: a link that lacks a side, and the change that will fill it.

    The intent comes before any request, so that a contact is created at most once whatever dies (invariant 5).
    """
    made, creations = [], []
    for want in wanted:
        source = System(want.source.system)
        if want.by is not None:  # the matcher keeps off such contacts by itself
            _must_be_no_work_of_ours(want.source)
        pair = Link(state=Link.State.CREATING, origin=Link.Origin.CREATED, linked_by=want.by, plan_due=False)
        setattr(pair, source, want.source)
        made.append(pair)
        creations.append(
            Change(
                link=pair,
                system=source.other,
                action=Change.Action.CREATE,
                typed=dict(want.typed),
                kind=want.kind,
                contact_type=want.contact_type,
                cause=want.cause,
                by=want.by,
            )
        )
    try:
        with transaction.atomic():
            Link.objects.bulk_create(made, batch_size=100)
            Change.objects.bulk_create(creations, batch_size=100)
    except IntegrityError as error:
        raise Overtaken("A counterpart is already there or on its way. Look at the contact again.") from error
    asked = [change for change in creations if change.by is not None]
    for change in asked:
        record(
            change.by, change.link.xero or change.link.karbon, f"Asked for a new {System(change.system).label} contact."
        )
    if asked:
        bell.ring()
    return made


@transaction.atomic
def renew(pair: Link, want: Wanted) -> Link:
    """Give one side of an unsynced pair a fresh counterpart; the other side is remembered as left out."""
    end(pair, by=want.by, to=Link.State.ENDED, allowed=[Link.State.UNSYNCED])
    left_over = pair.karbon if want.source.system == System.XERO else pair.xero
    assert left_over is not None
    leave_out(left_over, by=want.by)
    return create_counterparts([want])[0]


@transaction.atomic
def try_again(pair: Link, *, by: User) -> None:
    """Send a refused creation once more: the person has changed what was in the way."""
    refused = Change.objects.filter(link=pair, action=Change.Action.CREATE, state=Change.State.REJECTED).first()
    if refused is None or pair.state != Link.State.CREATING:
        raise Overtaken("There is nothing to try again here.")
    Change.objects.filter(pk=refused.pk).update(state=Change.State.SUPERSEDED)
    Change.objects.create(
        link=pair,
        system=refused.system,
        action=Change.Action.CREATE,
        typed=refused.typed,
        kind=refused.kind,
        contact_type=refused.contact_type,
        cause="Tried again",
        by=by,
    )
    Link.objects.filter(pk=pair.pk).update(problem="")
    bell.ring()


@transaction.atomic
def give_up_creation(pair: Link, *, by: User) -> None:
    """Withdraw a creation that was refused or has not been sent yet."""
    Link.lock(pair.pk)  # nothing begins to be sent meanwhile
    if Change.objects.filter(link=pair, state=Change.State.SENDING).exists():
        raise Overtaken("It is being created right now. Wait a moment and look again.")
    end(pair, by=by, to=Link.State.ENDED, allowed=[Link.State.CREATING])
    source = pair.xero or pair.karbon
    assert source is not None
    if source.system == System.XERO:  # else the matcher would ask for it again
        leave_out(source, by=by)
    record(by, source, "Withdrew the creation of a counterpart.")


def decide_kind(contact: RemoteContact, kind: Kind, *, by: User) -> None:
    """Say what a Xero contact is, before a Karbon contact is created for it."""
    RemoteContact.objects.filter(pk=contact.pk).update(decided_kind=kind)
    record(by, contact, f"Is to be created as: {kind.label.lower()}.")


# --- leaving out ------------------------------------------------------------------------------------------------------


def leave_out(contact: RemoteContact, *, by: User | None) -> None:
    """Never bring this contact over to the other side, until a person takes that back."""
    RemoteContact.objects.filter(pk=contact.pk).update(left_out=True, left_out_by=by)
    record(by, contact, "Left out.")


def bring_back(contact: RemoteContact, *, by: User) -> None:
    """Let a left-out contact take part again."""
    RemoteContact.objects.filter(pk=contact.pk).update(left_out=False, left_out_by=None, match_due=True)
    record(by, contact, "Taken back from left out.")
    bell.ring()


# --- field conflicts --------------------------------------------------------------------------------------------------


@transaction.atomic
def answer(conflict: FieldConflict, *, by: User, winner: System | None = None, typed: Value | None = None) -> None:
    """Settle a field that both sides changed: keep one side's value, or write a third into Xero (design §6).

    A blank that is kept is written as what the person wants there: by itself a blank never wins a decision.
    """
    pair = Link.lock(conflict.link_id)
    closed = FieldConflict.objects.filter(pk=conflict.pk, is_open=True).update(
        is_open=False,
        closed_at=timezone.now(),
        answered_by=by,
        answer=f"Kept {winner.label}'s value" if winner else "Typed another value",
    )
    assert pair.xero is not None and pair.karbon is not None
    seen = {System.XERO: conflict.xero_value, System.KARBON: conflict.karbon_value}
    shown = {s: side.values.get(conflict.field, BLANK[conflict.field]) for s in System if (side := pair.side(s))}
    if not closed or any(value != seen[s] for s, value in shown.items()):
        raise Overtaken("One of the two values has changed since. Look at both again.")
    for system in System:
        if (side := pair.side(system)) and conflict.field not in side.values:
            raise NotPossible(f"{system.label} shows no card for this contact, so nothing can be carried over. Add one there, then answer.")  # fmt: skip
    loser = winner.other if winner else System.KARBON
    pair.base(loser)[conflict.field] = seen[loser]
    if winner and not seen[winner] and conflict.field != NAME:
        wish(pair, loser, conflict.field, seen[winner], purpose=Change.Purpose.TYPED, cause=f"Kept {winner.label}'s blank", by=by)  # fmt: skip
    elif winner:
        pair.base(winner).pop(conflict.field, None)
    else:
        assert typed is not None
        wish(pair, System.XERO, conflict.field, typed, purpose=Change.Purpose.TYPED, cause="Typed by a person", by=by)
    pair.plan_due = True
    pair.save(update_fields=["base_xero", "base_karbon", "wishes", "plan_due"])
    record(by, pair.xero, f"{FIELDS[conflict.field].label}: both sides had changed; " + ("kept one." if winner else "typed a third."))  # fmt: skip
    bell.ring()


def wish(
    pair: Link,
    system: System,
    name: str,
    value: Value,
    *,
    purpose: str,
    cause: str,
    by: User,
    undoes: Change | None = None,
) -> None:
    """Note on a locked link that a person wants this value there, in place of the one shown now. The caller saves."""
    side = pair.side(system)
    assert side is not None
    pair.wishes.setdefault(system, {})[name] = Wish(
        value=value,
        seen=side.values[name],
        purpose=purpose,
        cause=cause,
        by=by.pk,
        undoes=undoes.pk if undoes else None,
    )
