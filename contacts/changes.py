"""Plans every link that moved into queued changes and open questions. What one link asks for is ``contacts.planning``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from contacts.fields import BLANK, FIELDS
from contacts.merge import Side
from contacts.models import Change, FieldConflict, Link, RemoteContact, SyncSettings
from contacts.planning import Express, Pair, Plan, Wish, plan
from contacts.values import Presence, System, Value

CHUNK = 500
FLIPS = 3  # returns to a former value within the window after which a field is frozen (invariant 10)
FLIP_WINDOW = timedelta(minutes=10)
# Given the target's record, returns how it would hold the other side's values. The pipeline supplies it.
ExpressFor = Callable[[System, RemoteContact], Express]
_STOPPED = {
    Presence.ARCHIVED: "Archived in {system}. Nothing is written to it; restored there, the pair goes on by itself.",
    Presence.MERGED: "Merged into another contact in {system}.",
    Presence.GONE: "{system} no longer shows this contact: it was deleted, merged into another one, or made private "
    "there. {system} does not tell us which.",
}
# Xero deletes nobody (facts, Xero 12): it shows a contact no more when it was erased for privacy, or as another organisation.
_GONE_FROM_XERO = (
    "Xero no longer shows this contact. It may have been erased there for privacy; Xero does not tell us why."
)


# --- plan -------------------------------------------------------------------------------------------------------------


def plan_due(express_for: ExpressFor, request_part: Mapping[System, Callable[[Sequence[str]], list[str]]]) -> int:
    """Plan every link that moved, a chunk per transaction, and return how many changes were queued.

    ``request_part`` names, per system, which of a patch's fields one request can carry: the rest is planned after it.
    """
    chosen = SyncSettings.load()
    queued = 0
    while True:
        with transaction.atomic():
            due = Link.objects.filter(plannable(), plan_due=True)
            locked = list(due.select_for_update().values_list("pk", flat=True)[:CHUNK])
            if not locked:
                return queued
            # Read after the lock: a contact read along with it could be older than the link.
            links = list(Link.objects.filter(pk__in=locked).select_related("xero", "karbon"))
            queued += _plan_chunk(links, express_for, request_part, chosen)


def plannable() -> Q:
    """Pairs that are kept the same, and unsynced ones in which a person put something back."""
    return Q(state__in=[Link.State.LIVE, Link.State.STOPPED]) | Q(state=Link.State.UNSYNCED) & ~Q(wishes={})


def _plan_chunk(
    links: list[Link],
    express_for: ExpressFor,
    request_part: Mapping[System, Callable[[Sequence[str]], list[str]]],
    chosen: SyncSettings,
) -> int:
    under_way: dict[tuple[object, str], Change] = {
        (change.link_id, change.system): change
        for change in Change.objects.filter(link__in=links, state__in=Change.OPEN)
    }
    asking: dict[object, list[FieldConflict]] = {}
    for conflict in FieldConflict.objects.filter(link__in=links, is_open=True):
        asking.setdefault(conflict.link_id, []).append(conflict)
    flips, answers = _flips(links), _answers(links)
    queue: list[Change] = []
    clashes: list[FieldConflict] = []
    overtaken: list[Change] = []
    for link in links:
        link.plan_due = False
        mine = {system: under_way.get((link.pk, system)) for system in System}
        if link.state != Link.State.UNSYNCED and not _both_present(link):
            overtaken += [change for change in mine.values() if change and not _stands(change)]
            continue
        queue += _drop_departed(link)
        if link.state == Link.State.LIVE and (change := mine[System.XERO]) and _is_queued_archiving(change):
            call_off_archiving(link, "Both sides are there and in sync again.")
            mine[System.XERO] = None
        pair = pair_of(link, express_for, mine, asking.get(link.pk, []), chosen, flips.get(link.pk, frozenset()))
        made = plan(pair)
        asked = {conflict.field for conflict in asking.get(link.pk, [])}
        queue += _drop_wishes(link, made, asked)
        link.base_xero, link.base_karbon = made.bases[System.XERO], made.bases[System.KARBON]
        link.held = {system: fields for system, fields in made.held.items() if fields}
        clashes += [conflict_of(link, name, reason) for name, reason in made.clashes.items()]
        _follow_conflicts(link, asking.get(link.pk, []), made)
        for system in System:
            change = mine[system]
            if change is not None and _stands(change):
                continue
            if change is not None:
                overtaken.append(change)
            answered = _answered(link, system, made, answers)
            if fields := _fields_to_send(link, system, made, answered, request_part[system]):
                queue.append(_change(link, system, made, fields, answered.get(fields[0]), chosen.settle_seconds))
        if link.one_by_one and not any(made.patches.values()):
            link.one_by_one = False
    ended = {"state": Change.State.SUPERSEDED, "ended_at": timezone.now()}
    Change.objects.filter(pk__in=[change.pk for change in overtaken]).update(**ended)
    Change.objects.bulk_create(queue, batch_size=100)
    FieldConflict.objects.bulk_create(clashes, batch_size=100)
    stored = ["base_xero", "base_karbon", "held", "wishes", "one_by_one", "plan_due", "state", "problem", "stopped_at"]
    Link.objects.bulk_update(links, stored, batch_size=100)
    return sum(change.state == Change.State.QUEUED for change in queue)


def _stands(change: Change) -> bool:
    """Tell whether a new plan leaves this change alone: it is being sent, or a person asked for an archiving."""
    return change.state == Change.State.SENDING or change.action == Change.Action.ARCHIVE


def _is_queued_archiving(change: Change) -> bool:
    return change.action == Change.Action.ARCHIVE and change.state == Change.State.QUEUED


def call_off_archiving(link: Link, why: str) -> None:
    """What was to be archived in Xero is no longer the contact, or no longer in the state, that a person asked about."""
    waiting = Change.objects.filter(link=link, action=Change.Action.ARCHIVE, state=Change.State.QUEUED)
    waiting.update(
        state=Change.State.SUPERSEDED,
        ended_at=timezone.now(),
        error=f"Not archived. {why} If it is still meant, ask for it again.",
    )


def _flips(links: Sequence[Link]) -> dict[object, frozenset[str]]:
    """Return per link the fields that our changes brought back to a former value too often of late (invariant 10)."""
    lately = timezone.now() - FLIP_WINDOW
    sent = Change.objects.filter(
        link__in=links, state=Change.State.DONE, purpose=Change.Purpose.SYNC, ended_at__gte=lately
    ).order_by("pk")
    answered = FieldConflict.objects.filter(link__in=links, is_open=False, closed_at__gte=lately)
    since = {(c.link_id, c.field): c.closed_at for c in answered.order_by("closed_at")}
    former: dict[tuple[object, str], list[Value]] = {}
    count: dict[tuple[object, str], int] = {}
    for change in sent:
        for name, after in change.after.items():
            key = (change.link_id, name)
            if (moment := since.get(key)) and change.ended_at and change.ended_at <= moment:
                continue
            seen = former.setdefault(key, [])
            count[key] = count.get(key, 0) + any(FIELDS[name].same(after, value) for value in seen)
            seen += [value for value in (change.before.get(name), after) if value is not None]
    frozen: dict[object, set[str]] = {}
    for (link_id, name), number in count.items():
        if number >= FLIPS:
            frozen.setdefault(link_id, set()).add(name)
    return {link_id: frozenset(names) for link_id, names in frozen.items()}


def _answers(links: Sequence[Link]) -> dict[tuple[object, str], FieldConflict]:
    """Return the last question about each field of these links that a person answered."""
    answered = FieldConflict.objects.filter(link__in=links, is_open=False).exclude(answered_by=None)
    return {(conflict.link_id, conflict.field): conflict for conflict in answered.order_by("closed_at")}


def _answered(
    link: Link, system: System, made: Plan, answers: Mapping[tuple[object, str], FieldConflict]
) -> dict[str, FieldConflict]:
    """Return the questions of which this patch carries the answer: a side's value that a person kept."""
    found = {}
    for name, step in made.patches[system].items():
        conflict = answers.get((link.pk, name))
        if conflict and name not in made.wished[system] and name not in link.base(system.other):
            kept = conflict.xero_value if system.other is System.XERO else conflict.karbon_value
            if kept == step.source:
                found[name] = conflict
    return found


def plan_alone(link: Link, express_for: ExpressFor, chosen: SyncSettings) -> Plan:
    """Plan one pair as it stands, all its fields at once, and store nothing: what would go to either side, and why not."""
    return plan(pair_of(link, express_for, {}, [], chosen))


def _drop_departed(link: Link) -> list[Change]:
    """Forget what was to be put back in a contact that has left meanwhile: only a pair in sync waits for its return."""
    noted = []
    for system in System:
        side = link.side(system)
        if link.state == Link.State.UNSYNCED and side is not None and not side.is_present:
            why = f"The contact is no longer there: {side.get_presence_display().lower()} in {system.label}."
            noted += [given_up(link, system, name, wish, why) for name, wish in link.wishes.pop(system, {}).items()]
    return noted


def given_up(link: Link, system: System, name: str, wish: Wish, why: str, *, at: datetime | None = None) -> Change:
    """Return a wish that cannot be fulfilled, as history tells it. The caller stores it."""
    return Change(
        link=link,
        system=system,
        state=Change.State.SUPERSEDED,
        before={name: wish["seen"]},
        after={name: wish["value"]},
        purpose=wish["purpose"],
        cause=wish["cause"],
        by_id=wish["by"],
        undoes_id=wish["undoes"],
        error=why,
        ended_at=at or timezone.now(),
    )


def _drop_wishes(link: Link, made: Plan, asked: set[str]) -> list[Change]:
    """Forget wishes that are fulfilled or can no longer be; the latter are noted in the history, or asked about again."""
    noted = []
    for system, dropped in made.dropped.items():
        for name, why in dropped.items():
            wish = link.wishes[system].pop(name)
            if not why:
                continue
            if wish["purpose"] == Change.Purpose.TYPED and name not in made.clashes and name not in asked:
                made.clashes[name] = FieldConflict.Reason.BOTH
                made.patches[system].pop(name, None)
                made.patches[system.other].pop(name, None)
            noted.append(given_up(link, system, name, wish, why))
    link.wishes = {system: wishes for system, wishes in link.wishes.items() if wishes}
    return noted


def pair_of(
    link: Link,
    express_for: ExpressFor,
    under_way: Mapping[System, Change | None],
    asking: Sequence[FieldConflict],
    chosen: SyncSettings,
    frozen: frozenset[str] = frozenset(),
) -> Pair:
    """Return what the pure planner needs to know of a link."""
    sides, express = {}, {}
    for system in System:
        contact = link.side(system)
        assert contact is not None
        sides[system] = Side(base=link.base(system), now=contact.values)
        express[system] = express_for(system, contact)
    sending = [c for c in under_way.values() if c and c.state == Change.State.SENDING]
    busy = {name for change in sending for name in change.after}
    return Pair(
        sides=sides,
        express=express,
        held=link.held,
        busy=frozenset(busy),
        is_apart=link.state == Link.State.UNSYNCED,
        asking=frozenset(conflict.field for conflict in asking),
        frozen=frozen,
        wishes=link.wishes,
        policies={name: chosen.policy(name) for name in FIELDS},
        clears=chosen.clears,
    )


def _both_present(link: Link) -> bool:
    """Stop a link one of whose sides left, or let it go on when both are there again (invariant 9)."""
    for system in System:
        contact = link.side(system)
        assert contact is not None
        if not contact.is_present:
            if link.state != Link.State.STOPPED:
                link.stopped_at = timezone.now()
            link.state = Link.State.STOPPED
            is_erased = system is System.XERO and contact.presence == Presence.GONE
            sentence = _GONE_FROM_XERO if is_erased else _STOPPED[Presence(contact.presence)]
            link.problem = sentence.format(system=system.label)
            return False
    link.state, link.problem, link.stopped_at = Link.State.LIVE, "", None
    return True


def _fields_to_send(
    link: Link,
    system: System,
    made: Plan,
    answered: Mapping[str, FieldConflict],
    request_part: Callable[[Sequence[str]], list[str]],
) -> list[str]:
    fields = list(made.patches[system])
    if wished := [name for name in fields if name in made.wished[system]]:
        first = made.wished[system][wished[0]]
        alike = ("purpose", "by", "undoes")
        fields = [name for name in wished if all(made.wished[system][name][k] == first[k] for k in alike)]  # type: ignore[literal-required]
    elif answered:
        first_by = next(iter(answered.values())).answered_by_id
        fields = [name for name, conflict in answered.items() if conflict.answered_by_id == first_by]
    if not fields:
        return []
    return fields[:1] if link.one_by_one else request_part(fields)


def _change(
    link: Link, system: System, made: Plan, fields: Sequence[str], answer: FieldConflict | None, settle_seconds: int
) -> Change:
    steps = {name: made.patches[system][name] for name in fields}
    change = Change(
        link=link,
        system=system,
        before={name: step.before for name, step in steps.items()},
        after={name: step.after for name, step in steps.items()},
    )
    if wish := made.wished[system].get(fields[0]):
        change.purpose, change.cause = wish["purpose"], wish["cause"]
        change.by_id, change.undoes_id = wish["by"], wish["undoes"]
        return change
    base = link.base(system.other)
    change.source = {name: step.source for name, step in steps.items()}
    change.agreed = {name: base[name] for name in steps if name in base}
    if answer:
        change.purpose, change.cause, change.by_id = Change.Purpose.LINK, answer.answer, answer.answered_by_id
    elif base.keys() >= steps.keys():
        change.purpose, change.cause = Change.Purpose.SYNC, f"Changed in {system.other.label}"
        if settle_seconds:
            change.not_before = timezone.now() + timedelta(seconds=settle_seconds)
    else:
        change.purpose, change.cause = Change.Purpose.LINK, "Linked"
    return change


def conflict_of(link: Link, name: str, reason: str = FieldConflict.Reason.BOTH) -> FieldConflict:
    assert link.xero is not None and link.karbon is not None
    return FieldConflict(
        link=link,
        field=name,
        reason=reason,
        xero_value=link.xero.values.get(name, BLANK[name]),
        karbon_value=link.karbon.values.get(name, BLANK[name]),
        agreed={system: link.base(system)[name] for system in System if name in link.base(system)},
        xero_changed_at=changed_at(link.xero),
        karbon_changed_at=changed_at(link.karbon),
    )


def changed_at(contact: RemoteContact) -> datetime | None:
    """When the service says that it last changed: Xero in milliseconds since 1970, Karbon as a date and time."""
    if contact.modified_at.isdecimal():
        return datetime.fromtimestamp(int(contact.modified_at) / 1000, UTC)
    try:
        moment = parse_datetime(contact.modified_at)
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _follow_conflicts(link: Link, open_ones: Sequence[FieldConflict], made: Plan) -> None:
    """An open question shows the values as they are now, and closes when both sides agree by themselves."""
    assert link.xero is not None and link.karbon is not None
    for conflict in open_ones:
        if conflict.field in made.settled:
            conflict.is_open, conflict.closed_at, conflict.answer = False, timezone.now(), "Both sides agree now"
        conflict.xero_value = link.xero.values.get(conflict.field, conflict.xero_value)
        conflict.karbon_value = link.karbon.values.get(conflict.field, conflict.karbon_value)
        conflict.xero_changed_at, conflict.karbon_changed_at = changed_at(link.xero), changed_at(link.karbon)
        conflict.save()
