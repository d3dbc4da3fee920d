"""Contacts of one system that are likely the same: found before an import and after, with what tells them apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contacts.fields import BLANK, FIELDS
from contacts.models import RemoteContact
from contacts.values import Presence, System
from matching import likeness, reasons, search
from matching.filing import SystemShelf, profile_of

CHUNK = 200
LEAST = 0.6


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two contacts of one system, the older first; ``differences`` are (field, value of one, value of the other)."""

    one: RemoteContact
    other: RemoteContact
    score: float
    reasons: tuple[str, ...]
    differences: tuple[tuple[str, str, str], ...]


def duplicates(system: System, *, least: float = LEAST) -> Iterator[Duplicate]:
    """Yield likely duplicates, in the order of the contacts, each pair once; a chunk at a time.

    The index must be up to date (`filing.bring_up_to_date`). Only present contacts count.
    """
    present = RemoteContact.objects.filter(system=system, presence=Presence.PRESENT).order_by("pk").defer("payload")
    last = 0
    while chunk := list(present.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1].pk
        yield from _among(chunk, system, least)


def _among(chunk: Sequence[RemoteContact], system: System, least: float) -> Iterator[Duplicate]:
    shelf = SystemShelf(system)
    found = search.pairs([profile_of(contact) for contact in chunk], shelf, shelf)
    later = [pair for pair in found if int(pair.theirs) > int(pair.mine)]
    # No one-to-one here: of three copies each is a duplicate of both others, so nobody is a rival.
    likely = [scored for pair in later for scored in likeness.rank([pair]) if scored.score >= least]
    others = RemoteContact.objects.defer("payload").in_bulk({int(scored.pair.theirs) for scored in likely})
    mine = {contact.pk: contact for contact in chunk}
    for scored in sorted(likely, key=lambda each: (each.pair.mine, -each.score)):
        one, other = mine[int(scored.pair.mine)], others[int(scored.pair.theirs)]
        why = reasons.reasons(scored.pair.evidence)
        yield Duplicate(one, other, round(scored.score, 4), why, differences(one, other))


def differences(one: RemoteContact, other: RemoteContact) -> tuple[tuple[str, str, str], ...]:
    """Return what tells two contacts apart, field by field, as people read it."""
    found = []
    for name, field in FIELDS.items():
        left, right = one.values.get(name, BLANK[name]), other.values.get(name, BLANK[name])
        if not field.same(left, right):
            found.append((field.label, field.show(left), field.show(right)))
    return tuple(found)
