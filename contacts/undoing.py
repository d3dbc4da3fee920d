"""Puts values back (invariant 11): of one change, of a link, of a creation, or of all that one check did.

An undo is a wish of a person for the value that was there before. It is granted only where our value still stands: a later
edit is never overwritten, and each that is left is said. Acknowledged, it moves the target's base alone, so that the two
sides differ by choice and nothing flows back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from contacts import bell, links
from contacts.fields import BLANK, FIELDS
from contacts.links import NotPossible
from contacts.models import Change, FieldConflict, Link
from contacts.values import Presence, System, Value

DELETE_IT = "Karbon cannot remove a contact by itself. Delete it in Karbon."


@dataclass
class Undone:
    """What an undo will put back, and what it leaves, each as a sentence for people."""

    put_back: int = 0
    left: list[str] = field(default_factory=list)

    def add(self, more: "Undone") -> None:
        self.put_back += more.put_back
        self.left += more.left


@transaction.atomic
def undo_change(change: Change, *, by: User) -> Undone:
    """Put back what one change overwrote, or withdraw the contact that it created."""
    if change.state != Change.State.DONE:
        raise NotPossible("This change was not made, so there is nothing to undo.")
    if change.action == Change.Action.ARCHIVE:
        raise NotPossible("Xero's API cannot restore an archived contact. Restore it in Xero; the pair then goes on.")
    undone = _undo_creation(change, by) if change.action == Change.Action.CREATE else _put_back([change], by)
    links.record(by, change.link.xero or change.link.karbon, "Undid a change.")
    bell.ring()
    return undone


@transaction.atomic
def undo_link(pair: Link, *, by: User) -> Undone:
    """Take a link back: put back what was carried over because of it, and unsync the pair.

    What a person decided about a field since is another act, with an undo of its own.
    """
    carried = Change.objects.filter(link=pair, state=Change.State.DONE, purpose=Change.Purpose.LINK, by=None)
    links.unsync(pair, by=by)
    undone = _put_back(list(carried.order_by("pk")), by)
    bell.ring()
    return undone


@transaction.atomic
def undo_check(check_number: int, *, by: User) -> Undone:
    """Undo all that one check sent and linked: values go back, new pairs are unsynced, new Xero contacts archived."""
    done = Change.objects.filter(check_number=check_number, state=Change.State.DONE).order_by("pk")
    undone = Undone()
    for change in done.filter(action=Change.Action.CREATE):
        undone.add(_undo_creation(change, by))
    for pair in Link.objects.filter(check_number=check_number, state__in=[Link.State.LIVE, Link.State.STOPPED]):
        links.unsync(pair, by=by)
    by_link: dict[object, list[Change]] = {}
    for change in done.filter(action=Change.Action.UPDATE):
        by_link.setdefault(change.link_id, []).append(change)
    for changes in by_link.values():
        undone.add(_put_back(changes, by))
    bell.ring()
    return undone


def _undo_creation(change: Change, by: User) -> Undone:
    """A new Xero contact is archived. Karbon cannot remove one: that is said, and the pair is unsynced."""
    pair = Link.objects.select_related("xero", "karbon").get(pk=change.link_id)
    if pair.state not in (Link.State.LIVE, Link.State.STOPPED):
        return Undone(left=[f"{pair}: its pair has been decided on since. Look at it by itself."])
    links.unsync(pair, by=by)
    made = pair.side(System(change.system))
    assert made is not None
    if change.system == System.KARBON:
        _note_to_delete(change, by)
        return Undone(left=[f"{made}: {DELETE_IT}"])
    links.archive(pair, by=by, cause="Undone: created by us", undoes=change)
    return Undone(put_back=1)


def _note_to_delete(change: Change, by: User) -> None:
    """Keep in the history what only a person can do, so that it stays on the list until it is done."""
    Change.objects.create(
        link_id=change.link_id,
        system=System.KARBON,
        action=Change.Action.ARCHIVE,
        purpose=Change.Purpose.UNDO,
        state=Change.State.CANCELLED,
        cause="Undone: created by us",
        error=DELETE_IT,
        undoes=change,
        by=by,
        ended_at=timezone.now(),
    )


def to_delete() -> QuerySet[Change]:
    """Undone creations whose Karbon contact is still there, until it is deleted or somebody decides on its pair."""
    noted = Change.objects.filter(system=System.KARBON, action=Change.Action.ARCHIVE, undoes__isnull=False)
    noted = noted.filter(link__state=Link.State.UNSYNCED, link__karbon__presence=Presence.PRESENT)
    standing = noted.filter(created_at__gte=F("link__ended_at"))  # not one that was taken back in between
    return standing.select_related("link__karbon").defer("link__karbon__payload").order_by("pk")


@dataclass(frozen=True)
class Overwritten:
    """One field of one side that was written or edited: what it showed before, and what must still stand there."""

    change: Change
    system: System
    name: str
    before: Value
    ours: Value


def _put_back(changes: Sequence[Change], by: User) -> Undone:
    return put_back(
        [
            Overwritten(
                change,
                System(change.system),
                name,
                change.before.get(name, BLANK[name]),
                change.shown.get(name, change.after[name]),
            )
            for change in changes
            for name in change.after
        ],
        cause="Undone",
        by=by,
    )


def put_back(overwritten: Sequence[Overwritten], *, cause: str, by: User) -> Undone:
    """Wish for what stood before the first of these of one link, in their order, where the last one still stands."""
    undone = Undone()
    if not overwritten:
        return undone
    pair_id = overwritten[0].change.link_id
    pair = Link.lock(pair_id)
    asked = set(FieldConflict.objects.filter(link=pair, is_open=True).values_list("field", flat=True))
    under_way = {
        (change.system, name)
        for change in Change.objects.filter(link=pair, state=Change.State.SENDING)
        for name in change.after
    }
    last = {(one.system, one.name): one.ours for one in overwritten}
    for one in {(one.system, one.name): one for one in reversed(overwritten)}.values():
        place = one.system, one.name
        if why := _obstacle(pair, one.system, one.name, last[place], asked, place in under_way):
            undone.left.append(f"{pair}, {FIELDS[one.name].label.lower()} in {one.system.label}: {why}")
            continue
        links.wish(
            pair, one.system, one.name, one.before, purpose=Change.Purpose.UNDO, cause=cause, by=by, undoes=one.change
        )
        undone.put_back += 1
    pair.plan_due = True
    pair.save(update_fields=["wishes", "plan_due"])
    return undone


def _obstacle(pair: Link, system: System, name: str, ours: Value, asked: set[str], is_under_way: bool) -> str:
    """Say why a field cannot be put back; blank when it can."""
    side = pair.side(system)
    if pair.state in (Link.State.ENDED, Link.State.CREATING) or side is None:
        return "the pair was decided on since."
    if not side.is_present:
        return f"it is {side.get_presence_display().lower()} there."
    if name in asked:
        return "a question about it is open. Answer that first."
    if is_under_way:
        return "it is being written right now. Try again in a moment."
    now = side.values.get(name)
    if now is None or not FIELDS[name].unedited(ours, now):
        return "it was edited since, so it is left as it is."
    return ""
