"""Plans every link that moved into queued changes and open questions. What one link asks for is ``contacts.planning``."""

from collections.abc import Callable, Mapping, Sequence

from django.db import transaction
from django.utils import timezone

from contacts.fields import FIELDS
from contacts.merge import Side
from contacts.models import Change, FieldConflict, Link, RemoteContact, SyncSettings
from contacts.planning import Express, Pair, Plan, plan
from contacts.values import Presence, System

CHUNK = 500
# Given the target's record, returns how it would hold the other side's values. The pipeline supplies it.
ExpressFor = Callable[[System, RemoteContact], Express]
_STOPPED = {
    Presence.ARCHIVED: "Archived in {system}. Nothing is written to it; restored there, the pair goes on by itself.",
    Presence.MERGED: "Merged into another contact in {system}.",
    Presence.GONE: "{system} no longer shows this contact: it was deleted, merged or made private there.",
}


# --- plan -------------------------------------------------------------------------------------------------------------


def plan_due(express_for: ExpressFor, request_part: Mapping[System, Callable[[Sequence[str]], list[str]]]) -> int:
    """Plan every link that moved, a chunk per transaction, and return how many changes were queued.

    ``request_part`` names, per system, which of a patch's fields one request can carry: the rest is planned after it.
    """
    policies = _policies()
    queued = 0
    while True:
        with transaction.atomic():
            due = Link.objects.filter(plan_due=True, state__in=[Link.State.LIVE, Link.State.STOPPED])
            links = list(due.select_for_update(of=("self",)).select_related("xero", "karbon")[:CHUNK])
            if not links:
                return queued
            queued += _plan_chunk(links, express_for, request_part, policies)


def _policies() -> dict[str, str]:
    chosen = SyncSettings.load()
    return {name: chosen.policy(name) for name in FIELDS}


def _plan_chunk(
    links: list[Link],
    express_for: ExpressFor,
    request_part: Mapping[System, Callable[[Sequence[str]], list[str]]],
    policies: dict[str, str],
) -> int:
    under_way: dict[tuple[object, str], Change] = {
        (change.link_id, change.system): change
        for change in Change.objects.filter(link__in=links, state__in=Change.OPEN)
    }
    asking: dict[object, list[FieldConflict]] = {}
    for conflict in FieldConflict.objects.filter(link__in=links, is_open=True):
        asking.setdefault(conflict.link_id, []).append(conflict)
    queue: list[Change] = []
    clashes: list[FieldConflict] = []
    overtaken: list[Change] = []
    for link in links:
        link.plan_due = False
        if not _both_present(link):
            overtaken += [c for s in System if (c := under_way.get((link.pk, s))) and c.state == Change.State.QUEUED]
            continue
        mine = {system: under_way.get((link.pk, system)) for system in System}
        pair = pair_of(link, express_for, mine, asking.get(link.pk, []), policies)
        made = plan(pair)
        link.base_xero, link.base_karbon = made.bases[System.XERO], made.bases[System.KARBON]
        link.held = {system: fields for system, fields in made.held.items() if fields}
        clashes += [conflict_of(link, name) for name in made.clashes]
        _follow_conflicts(link, asking.get(link.pk, []), made)
        for system in System:
            change = mine[system]
            if change is not None and (change.state == Change.State.SENDING or change.typed):
                continue
            if change is not None:
                overtaken.append(change)
            if fields := _fields_to_send(link, system, made, request_part[system]):
                queue.append(_change(link, system, made, fields))
        if link.one_by_one and not any(made.patches.values()):
            link.one_by_one = False
    ended = {"state": Change.State.SUPERSEDED, "ended_at": timezone.now()}
    Change.objects.filter(pk__in=[change.pk for change in overtaken]).update(**ended)
    Change.objects.bulk_create(queue, batch_size=100)
    FieldConflict.objects.bulk_create(clashes, batch_size=100)
    stored = ["base_xero", "base_karbon", "held", "one_by_one", "plan_due", "state", "problem"]
    Link.objects.bulk_update(links, stored, batch_size=100)
    return len(queue)


def pair_of(
    link: Link,
    express_for: ExpressFor,
    under_way: Mapping[System, Change | None],
    asking: Sequence[FieldConflict],
    policies: Mapping[str, str],
) -> Pair:
    """Return what the pure planner needs to know of a link."""
    sides, express = {}, {}
    for system in System:
        contact = link.side(system)
        assert contact is not None
        sides[system] = Side(base=link.base(system), now=contact.values)
        express[system] = express_for(system, contact)
    waiting = [c for c in under_way.values() if c and (c.state == Change.State.SENDING or c.typed)]
    return Pair(
        sides=sides,
        express=express,
        held=link.held,
        busy=frozenset(name for change in waiting for name in change.after),
        asking=frozenset(conflict.field for conflict in asking),
        policies=policies,
    )


def _both_present(link: Link) -> bool:
    """Stop a link one of whose sides left, or let it go on when both are there again (invariant 9)."""
    for system in System:
        contact = link.side(system)
        assert contact is not None
        if not contact.is_present:
            link.state = Link.State.STOPPED
            link.problem = _STOPPED[Presence(contact.presence)].format(system=system.label)
            return False
    link.state, link.problem = Link.State.LIVE, ""
    return True


def _fields_to_send(
    link: Link, system: System, made: Plan, request_part: Callable[[Sequence[str]], list[str]]
) -> list[str]:
    fields = list(made.patches[system])
    if not fields:
        return []
    return fields[:1] if link.one_by_one else request_part(fields)


def _change(link: Link, system: System, made: Plan, fields: Sequence[str]) -> Change:
    steps = {name: made.patches[system][name] for name in fields}
    return Change(
        link=link,
        system=system,
        before={name: step.before for name, step in steps.items()},
        after={name: step.after for name, step in steps.items()},
        source={name: step.source for name, step in steps.items()},
        cause=f"Changed in {system.other.label}" if link.base(system.other).keys() >= steps.keys() else "Linked",
    )


def conflict_of(link: Link, name: str) -> FieldConflict:
    assert link.xero is not None and link.karbon is not None
    return FieldConflict(
        link=link, field=name, xero_value=link.xero.values[name], karbon_value=link.karbon.values[name]
    )


def _follow_conflicts(link: Link, open_ones: Sequence[FieldConflict], made: Plan) -> None:
    """An open question shows the values as they are now, and closes when both sides agree by themselves."""
    assert link.xero is not None and link.karbon is not None
    for conflict in open_ones:
        if conflict.field in made.settled:
            conflict.is_open, conflict.closed_at, conflict.answer = False, timezone.now(), "Both sides agree now"
        conflict.xero_value = link.xero.values.get(conflict.field, conflict.xero_value)
        conflict.karbon_value = link.karbon.values.get(conflict.field, conflict.karbon_value)
        conflict.save()
