"""Takes over the pairs that Karbon's own Xero sync made, from the key that it left behind (facts, Karbon A5.4).

The key is filter-only: Karbon answers which records it linked to a Xero contact, one question per list. A tenant may ignore
a filter and list everything, so a made-up id is asked first, and must find nothing.
"""

import uuid
from collections.abc import Callable
from typing import Protocol

from django.db.models import Count, QuerySet

from contacts import links
from contacts.models import RemoteContact
from contacts.remote import Rejected, Unavailable
from contacts.values import Presence, System
from karbonsync.models import FormerPair, SetUp
from matching import queue
from matching.models import Verdict

FAULTS_BORNE = 3
IGNORED = (
    "Karbon does not tell which records its own sync had linked: it lists everybody when asked for one. Matching goes by "
    "name and email instead."
)
REFUSED = (
    "Karbon does not tell which records its own sync had linked: it does not know the question. Matching goes by name and "
    "email instead."
)


class Asked(Protocol):
    """The one question that Karbon is asked: the keys of the records that carry this id of another system."""

    def with_external_key(self, external_id: str) -> list[str]: ...


def is_wanted() -> bool:
    return SetUp.objects.filter(former_sync=SetUp.FormerSync.YES, former_problem="").exists()


def find_pairs(karbon: Asked, import_filter: str, report: Callable[[str], None]) -> None:
    """Ask for every Xero contact that was not asked yet. What was answered stays, so this goes on where it ended.

    Raises Unavailable when Karbon takes no more calls for now.
    """
    contacts = unasked(import_filter)
    if not is_wanted() or not contacts.exists() or not _is_proven(karbon):
        return
    waiting, faults, last = contacts.count(), 0, 0
    while contact := contacts.filter(pk__gt=last).first():
        last = contact.pk
        report(f"Karbon: {waiting:,} contacts to ask its own sync about")
        try:
            _note(contact, karbon.with_external_key(contact.remote_id.lower()))
        except Unavailable as error:
            faults += 1
            if faults >= FAULTS_BORNE or (error.retry_after or 0) > 2:
                raise
        waiting -= 1


def unasked(import_filter: str) -> QuerySet[RemoteContact]:
    return _never_linked(import_filter).filter(former_pair=None)


def _never_linked(import_filter: str) -> QuerySet[RemoteContact]:
    """Xero contacts that may still be taken over: those that are due, and those that wait for a person as match issues."""
    inside = queue.inside_filter(import_filter)
    xero = RemoteContact.objects.filter(inside, ~links.ever_linked(), system=System.XERO, presence=Presence.PRESENT)
    return xero.filter(left_out=False, refresh=None).order_by("pk")


def _is_proven(karbon: Asked) -> bool:
    """See that the filter filters: nobody carries an id that was made up just now."""
    try:
        problem = IGNORED if karbon.with_external_key(str(uuid.uuid4())) else ""
    except Rejected:
        problem = REFUSED
    SetUp.objects.update(former_problem=problem)
    return not problem


def _note(contact: RemoteContact, keys: list[str]) -> None:
    """Store what was answered, unless it names a record that our list does not show yet: then it is asked again."""
    karbon = RemoteContact.objects.filter(system=System.KARBON, remote_id__in=keys).first() if len(keys) == 1 else None
    if len(keys) == 1 and karbon is None:
        return
    found = FormerPair.Found.SEVERAL if len(keys) > 1 else FormerPair.Found.ONE if karbon else FormerPair.Found.NONE
    FormerPair.objects.update_or_create(xero=contact, defaults={"karbon": karbon, "found": found})


def pairs(import_filter: str, *, also_held: bool = False) -> list[FormerPair]:
    """Return the pairs to be linked: one to one, both there and free, and not denied by a person.

    ``also_held``: of those, too, that are not due because they wait for a person as match issues.
    """
    if not is_wanted():
        return []
    ones = FormerPair.objects.filter(found=FormerPair.Found.ONE)
    twice = ones.values("karbon").annotate(claims=Count("pk")).filter(claims__gt=1).values("karbon")
    free = RemoteContact.objects.filter(~links.ever_linked(), presence=Presence.PRESENT, system=System.KARBON)
    xero = _never_linked(import_filter) if also_held else queue.due(import_filter)
    found = ones.filter(xero__in=xero, karbon__in=free).exclude(karbon__in=twice)
    denied = set(Verdict.objects.filter(is_same=False).values_list("xero_id", "karbon_id"))
    return [
        pair
        for pair in found.select_related("xero").defer("xero__payload").order_by("pk")
        if (pair.xero_id, pair.karbon_id) not in denied
    ]


def is_denied(xero: RemoteContact, karbon: RemoteContact) -> bool:
    """Tell whether a person has said that the two are not the same."""
    return Verdict.objects.filter(xero=xero, karbon=karbon, is_same=False).exists()


def agree(import_filter: str) -> None:
    """A person has seen the pairs that Karbon told of: from now on they may be linked, held contacts too."""
    FormerPair.objects.filter(is_agreed=False).update(is_agreed=True)
    held = [pair.xero_id for pair in pairs(import_filter, also_held=True)]
    RemoteContact.objects.filter(pk__in=held, match_due=False).update(match_due=True)
