"""Likely duplicates inside one system: searched for in the background, kept as rows, and what people say about them.

A search replaces all rows of its system as a whole, so a page never shows half of one. What a person called not the same
is never shown again.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from contacts import links
from contacts.models import Link, RemoteContact
from contacts.values import Presence, System
from matching import duplicates, filing
from matching.duplicates import Duplicate
from matching.models import DuplicatePair, DuplicateSearch, NotDuplicates

# A search that says nothing for this long has died with its process: another may begin.
GIVEN_UP_AFTER = timedelta(minutes=10)
TELL_EVERY = timedelta(seconds=1)
Find = Callable[[System], Iterable[Duplicate]]


def ask(system: System) -> None:
    """Ask the worker for a search, unless one is under way."""
    DuplicateSearch.objects.get_or_create(system=system)
    now = timezone.now()
    free = Q(began_at=None) | Q(ended_at__isnull=False) | Q(began_at__lt=now - GIVEN_UP_AFTER)
    started = DuplicateSearch.objects.filter(free, system=system).update(
        began_at=now, ended_at=None, progress="Waiting for the worker", problem=""
    )
    if not started:
        raise links.Overtaken("A search is under way already. Its result is shown here in a moment.")
    transaction.on_commit(lambda: _ring(system))


def _ring(system: System) -> None:
    # The task runner's own models load only once Django is ready, so it is not imported with the module.
    from django_q.tasks import async_task

    async_task("karbonsync.tasks.find_duplicates", str(system), task_name="Find duplicates", save=False)


def search(system: System, find: Find = duplicates.duplicates) -> int:
    """Search one system and replace its rows. Returns how many pairs there are now."""
    DuplicateSearch.objects.update_or_create(
        system=system, defaults={"began_at": timezone.now(), "ended_at": None, "problem": ""}
    )
    latest = DuplicateSearch.objects.filter(pk=system)
    try:
        filing.bring_up_to_date()
        kept = _replace(system, list(_rows(system, find, latest)))
    except Exception:
        problem = "The search stopped on an unexpected fault. The log has the details."
        latest.update(ended_at=timezone.now(), progress="", problem=problem)
        raise
    latest.update(ended_at=timezone.now(), progress="")
    return kept


def _rows(system: System, find: Find, latest: QuerySet[DuplicateSearch]) -> Iterator[DuplicatePair]:
    """Make the rows, telling now and then how many there are."""
    told = timezone.now()
    for number, found in enumerate(find(system), 1):
        first, second = sorted((found.one.pk, found.other.pk))
        yield DuplicatePair(
            system=system, first_id=first, second_id=second, score=found.score, reasons=list(found.reasons)
        )
        if timezone.now() - told > TELL_EVERY:
            told = timezone.now()
            latest.update(progress=f"{number:,} likely pairs so far")


@transaction.atomic
def _replace(system: System, rows: Iterable[DuplicatePair]) -> int:
    """Put what was found in the place of the rows there, but for what a person has said no to."""
    denied = set(NotDuplicates.objects.filter(first__system=system).values_list("first_id", "second_id"))
    there = set(RemoteContact.objects.filter(system=system).values_list("pk", flat=True))
    kept = {
        (row.first_id, row.second_id): row
        for row in rows
        if (row.first_id, row.second_id) not in denied and there.issuperset((row.first_id, row.second_id))
    }
    DuplicatePair.objects.filter(system=system).delete()
    DuplicatePair.objects.bulk_create(kept.values(), batch_size=500)
    return len(kept)


def standing(system: System) -> QuerySet[DuplicatePair]:
    """Pairs of which both are still there, the likeliest first."""
    there = Q(first__presence=Presence.PRESENT, second__presence=Presence.PRESENT)
    pairs = DuplicatePair.objects.filter(there, system=system).select_related("first", "second")
    return pairs.defer("first__payload", "second__payload").order_by("-score", "pk")


def links_of(pairs: Iterable[DuplicatePair]) -> dict[int, Link]:
    """Return per contact of these pairs the link that holds it now, with both sides, in one query."""
    contacts = {pk for pair in pairs for pk in (pair.first_id, pair.second_id)}
    held = Link.objects.exclude(state=Link.State.ENDED).filter(Q(xero__in=contacts) | Q(karbon__in=contacts))
    found: dict[int, Link] = {}
    for link in held.select_related("xero", "karbon").defer("xero__payload", "karbon__payload"):
        found |= {side_id: link for side_id in (link.xero_id, link.karbon_id) if side_id in contacts}
    return found


@transaction.atomic
def not_the_same(first: RemoteContact, second: RemoteContact, *, by: User) -> None:
    """Remember that two contacts of one system are different; the pair is never shown again."""
    first, second = sorted((first, second), key=lambda contact: contact.pk)
    if first.system != second.system or first.pk == second.pk:
        raise links.NotPossible("These are not two contacts of one service.")
    try:
        with transaction.atomic():
            NotDuplicates.objects.create(first=first, second=second, by=by)
    except IntegrityError as error:
        raise links.Overtaken("Somebody was faster: these two are noted as different already.") from error
    DuplicatePair.objects.filter(first=first, second=second).delete()
    links.record(by, first, f"Not a duplicate of {second}.")
