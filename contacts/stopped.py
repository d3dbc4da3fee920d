"""Pairs of which one side left: why, and what people can do about it. A merge in Xero re-points the pair by itself.

Deletes never travel by themselves (invariant 9). Archiving in Xero is how a client leaves, so that stops a pair quietly.
"""

from collections.abc import Mapping

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from contacts import changes, links, outbox
from contacts.fields import BLANK, FIELDS
from contacts.links import NotPossible, Overtaken, Wanted
from contacts.models import Change, FieldConflict, Link, RemoteContact
from contacts.planning import Wish
from contacts.values import Kind, Presence, System

LONGEST_CHAIN = 20
# Stopped pairs that ask for somebody: all but those whose client was archived in Xero.
NEEDS_ACT = Q(state=Link.State.STOPPED) & ~Q(xero__presence=Presence.ARCHIVED)


def gone_side(pair: Link) -> System:
    """Return the side that left, Karbon where both did. Raise Overtaken when both are there again."""
    for system in (System.KARBON, System.XERO):
        if (side := pair.side(system)) and not side.is_present:
            return system
    raise Overtaken("Both sides are there again. The pair goes on by itself.")


@transaction.atomic
def relink(pair: Link, other: RemoteContact, *, by: User, winners: Mapping[str, System] | None = None) -> Link:
    """Link the side that is left to another contact in the place of the one that is gone."""
    gone = gone_side(pair)
    remaining = pair.side(gone.other)
    assert remaining is not None
    if other.system != gone or not other.is_present or not other.complete:
        raise NotPossible(f"{other} cannot take its place now. Look at it again.")
    if links.open_link(other):
        raise NotPossible(f"{other} already belongs to a pair. Unsync that one first.")
    links.end(pair, by=by, to=Link.State.ENDED, allowed=[Link.State.STOPPED])
    RemoteContact.objects.filter(pk=other.pk).update(left_out=False)
    xero, karbon = (other, remaining) if gone is System.XERO else (remaining, other)
    return links.stay_paused(links.link(xero, karbon, origin=Link.Origin.CONFIRMED, winners=winners, by=by), pair)


@transaction.atomic
def make_again(pair: Link, *, kind: Kind, contact_type: str, by: User) -> Link:
    """Create a fresh counterpart for the side that is left. The old record may still exist, hidden from us."""
    gone = gone_side(pair)
    remaining = pair.side(gone.other)
    assert remaining is not None
    if not remaining.is_present:
        raise NotPossible(
            f"{remaining} is {remaining.get_presence_display().lower()} too. There is nothing to make it from."
        )
    links.end(pair, by=by, to=Link.State.ENDED, allowed=[Link.State.STOPPED])
    cause = f"Made again: gone in {gone.label}"
    made = links.create_counterparts([Wanted(remaining, kind, contact_type, cause=cause, by=by)])[0]
    return links.stay_paused(made, pair)


@transaction.atomic
def archive_in_xero(pair: Link, *, by: User) -> None:
    """Archive the Xero contact whose Karbon contact is gone. Only Xero's own screen can take that back."""
    if gone_side(pair) is not System.KARBON or pair.xero is None or not pair.xero.is_present:
        raise NotPossible("There is no active Xero contact to archive here.")
    links.archive(pair, by=by, cause="Gone in Karbon")


@transaction.atomic
def leave_alone(pair: Link, *, by: User) -> None:
    """End the pair and remember it: the side that is left never comes back to the other service by itself."""
    remaining = pair.side(gone_side(pair).other)
    assert remaining is not None
    links.end(pair, by=by, to=Link.State.ENDED, allowed=[Link.State.STOPPED])
    links.leave_out(remaining, by=by)


# --- merged in Xero ---------------------------------------------------------------------------------------------------


def follow_merges() -> list[Link]:
    """Re-point pairs whose Xero contact was merged into another one to the survivor, where that one is free."""
    merged = Link.objects.filter(
        state__in=[Link.State.LIVE, Link.State.STOPPED], xero__presence=Presence.MERGED, karbon__isnull=False
    )
    return [pair for pair in merged.select_related("xero", "karbon") if _follow(pair)]


@transaction.atomic
def _follow(pair: Link) -> bool:
    assert pair.xero is not None and pair.karbon is not None
    survivor = survivor_of(pair.xero)
    if survivor is None or not survivor.complete or not pair.karbon.complete:
        return False
    if survivor.left_out or links.open_link(survivor):
        return False
    pair = Link.lock(pair.pk)
    assert pair.karbon is not None
    for name in FIELDS:
        mine, theirs = survivor.values.get(name), pair.karbon.values.get(name)
        if mine is not None and theirs and mine == BLANK[name]:  # linking never blanks anything
            pair.base_xero[name] = mine
            pair.base_karbon.pop(name, None)
    lost, pair.wishes = pair.wishes, {}
    pair.xero, pair.plan_due, pair.held = survivor, True, {}
    pair.save(update_fields=["xero", "plan_due", "held", "wishes", "base_xero", "base_karbon"])
    _tell_of(lost, pair)
    changes.call_off_archiving(pair, "Its Xero contact was merged into another one meanwhile.")
    return True


def _tell_of(lost: Mapping[str, Mapping[str, Wish]], pair: Link) -> None:
    """Note in the history what people still wanted of the merged contact, and ask again what somebody had answered."""
    noted = [
        changes.given_up(pair, System(system), name, wish, "Its Xero contact was merged into another one meanwhile.")
        for system, wishes in lost.items()
        for name, wish in wishes.items()
    ]
    Change.objects.bulk_create(noted)
    answered = [name for change in noted if change.purpose == Change.Purpose.TYPED for name in change.after]
    outbox.ask(pair, answered, FieldConflict.Reason.BOTH)


def survivor_of(contact: RemoteContact) -> RemoteContact | None:
    """Follow a chain of merges to its end; None while we do not know the last one."""
    seen = {contact.remote_id}
    for _ in range(LONGEST_CHAIN):
        found = RemoteContact.objects.filter(system=contact.system, remote_id=contact.merged_into).first()
        if found is None or found.remote_id in seen:
            return None
        if found.presence != Presence.MERGED:
            return found
        seen.add(found.remote_id)
        contact = found
    return None


def possible_replacements(pair: Link) -> list[RemoteContact]:
    """Contacts that may take the place of the one that is gone: free ones that share a name or an email with either."""
    gone = gone_side(pair)
    names, emails = set(), set()
    for side in (pair.xero, pair.karbon):
        if side:
            names |= {side.name_key} - {""}
            emails |= {side.email_key} - {""}
    same = Q(name_key__in=names) | Q(email_key__in=emails)
    free = RemoteContact.objects.filter(same, system=gone, presence=Presence.PRESENT)
    held = Link.objects.exclude(state=Link.State.ENDED).filter(**{f"{gone}__isnull": False}).values(gone.value)
    return list(free.exclude(pk__in=held).defer("payload").order_by("name_key", "pk")[:10])
