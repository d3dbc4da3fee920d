"""What a check would do, told contact by contact: read from the tables inside the transaction that is rolled back.

A chunk at a time, so that memory does not grow with the address books. ``told`` yields the columns of ``PreviewRow``.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from contacts import changes, creating
from contacts.fields import BLANK, FIELDS
from contacts.models import Change, Link, RemoteContact
from contacts.values import CannotHold, Kind, Presence, System, Value
from karbonsync import promise
from karbonsync.models import PreviewRow
from karbonsync.pipeline import Pipeline
from matching import classifier, kind_checks, queue
from matching.models import Candidate, MatchIssue

CHUNK = 500
Outcome = PreviewRow.Outcome
Columns = dict[str, Any]
_OF_ORIGIN = {Link.Origin.FULL_MATCH: Outcome.FULL, Link.Origin.ADOPTED: Outcome.ADOPTED}
STAYS = "Stays in Karbon. Press Create Xero Contact on its page to bring it over."
UNSYNCED = "Unsynced: it stays as it is until somebody takes it up again."
STOPPED = "This pair is stopped."
NOT_READ = "It could not be read in full yet, so it is decided later."
GONE = "Archived or merged in Xero: it is not brought over."
BEFORE = "It was linked before, so it waits for a person."
BEING_MADE = "Its counterpart is being created already."


def told(work: Pipeline, since: datetime) -> Iterator[Columns]:
    """Tell of every Xero contact, then of the Karbon contacts that nobody is linked to."""
    inside = queue.inside_filter(work.settings.import_filter)
    for chunk in _chunks(RemoteContact.objects.filter(system=System.XERO)):
        yield from _Chunk(work, since, chunk, inside).rows()
    free = RemoteContact.objects.filter(system=System.KARBON, presence=Presence.PRESENT)
    held_by_links = Link.objects.exclude(state=Link.State.ENDED).filter(karbon__isnull=False)
    for chunk in _chunks(free.exclude(pk__in=held_by_links.values("karbon")).defer("payload")):
        possible = Candidate.objects.filter(karbon__in=chunk, issue__state=MatchIssue.State.OPEN)
        named = dict(possible.values_list("karbon_id", "issue__xero__values__name"))
        yield from (_karbon_only(contact, named.get(contact.pk, "")) for contact in chunk)


def _chunks(contacts: QuerySet[RemoteContact]) -> Iterator[list[RemoteContact]]:
    last = 0
    while chunk := list(contacts.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = chunk[-1].pk
        yield chunk


def _karbon_only(contact: RemoteContact, possibly: str) -> Columns:
    notes = [f"Possible match of {possibly}: waits for a person."] if possibly else [STAYS]
    if contact.left_out:
        notes = ["Left out: it is not brought over to Xero."]
    return _columns(Outcome.KARBON_ONLY, contact.name, karbon=contact, kind=contact.kind, notes=notes)


class _Chunk:
    """Some Xero contacts, with all that is known of them in a fixed number of queries."""

    def __init__(self, work: Pipeline, since: datetime, contacts: Sequence[RemoteContact], inside: Q) -> None:
        self._work, self._since, self._contacts = work, since, contacts
        pks = [contact.pk for contact in contacts]
        standing = Link.objects.filter(xero__in=pks).exclude(state=Link.State.ENDED)
        self._links = {link.xero_id: link for link in standing.select_related("karbon")}
        waiting = MatchIssue.objects.filter(xero__in=pks, state=MatchIssue.State.OPEN)
        self._issues = {issue.xero_id: issue for issue in waiting.prefetch_related("candidates__karbon")}
        self._inside = set(RemoteContact.objects.filter(inside, pk__in=pks).values_list("pk", flat=True))
        links_made = [link.pk for link in self._links.values() if link.state == Link.State.CREATING]
        made = Change.objects.filter(link__in=links_made, action=Change.Action.CREATE).order_by("pk")
        self._creations = {change.link_id: change for change in made}
        new = [c for c in contacts if (link := self._links.get(c.pk)) and link.pk in self._creations]
        guesses = classifier.classify([kind_checks.name_of(contact) for contact in new]) if new else []
        self._guesses = {contact.pk: guess for contact, guess in zip(new, guesses, strict=True)}

    def rows(self) -> Iterator[Columns]:
        for contact in self._contacts:
            link, issue = self._links.get(contact.pk), self._issues.get(contact.pk)
            if link is not None and link.state == Link.State.CREATING:
                yield self._created(contact, link)
            elif link is not None:
                link.xero = contact
                yield self._linked(contact, link)
            elif issue is not None:
                yield _held(contact, issue)
            else:
                yield self._untouched(contact)

    def _linked(self, contact: RemoteContact, link: Link) -> Columns:
        assert link.karbon is not None
        is_new = link.linked_at >= self._since
        outcome = _OF_ORIGIN.get(Link.Origin(link.origin), Outcome.LINKED) if is_new else Outcome.LINKED
        if link.state != Link.State.LIVE:
            note = UNSYNCED if link.state == Link.State.UNSYNCED else link.problem or STOPPED
            return _columns(Outcome.OTHER, contact.name, xero=contact, karbon=link.karbon, notes=[note])
        made = changes.plan_alone(link, self._work.express_for, self._work.settings)
        moves = {s.value: {n: [step.before, step.after] for n, step in made.patches[s].items()} for s in System}
        notes = [f"{FIELDS[n].label}: {held['reason']}" for side in made.held.values() for n, held in side.items()]
        row = _columns(outcome, contact.name, xero=contact, karbon=link.karbon, changes=moves, notes=notes)
        return {**row, "kind": link.karbon.kind, "seen": promise.seen(outcome, contact, link.karbon).as_json()}

    def _created(self, contact: RemoteContact, link: Link) -> Columns:
        change = self._creations.get(link.pk)
        if link.linked_at < self._since or change is None:
            return _columns(Outcome.OTHER, contact.name, xero=contact, notes=[link.problem or BEING_MADE])
        guess = self._guesses[contact.pk]
        return {
            **_columns(Outcome.NEW, contact.name, xero=contact),
            **creation(self._work.remotes[System.KARBON], contact, Kind(change.kind)),
            "confidence": guess.confidence,
            "is_kind_decided": bool(contact.decided_kind),
            "seen": promise.seen(Outcome.NEW, contact).as_json(),
        }

    def _untouched(self, contact: RemoteContact) -> Columns:
        if contact.left_out:
            return _columns(Outcome.LEFT_OUT, contact.name, xero=contact)
        if not contact.is_present:
            return _columns(Outcome.OTHER, contact.name, xero=contact, notes=[GONE])
        if contact.pk not in self._inside:
            return _columns(Outcome.OUTSIDE, contact.name, xero=contact)
        note = NOT_READ if contact.match_due else BEFORE
        return _columns(Outcome.OTHER, contact.name, xero=contact, notes=[note])


def _held(contact: RemoteContact, issue: MatchIssue) -> Columns:
    candidates = list(issue.candidates.all())
    is_similar = bool(candidates) and all(c.why == Candidate.Why.SIMILAR for c in candidates)
    notes = [issue.reason, *(f"Possible match: {candidate.karbon}" for candidate in candidates[:3])]
    return _columns(Outcome.SIMILAR if is_similar else Outcome.CONFLICT, contact.name, xero=contact, notes=notes)


def creation(karbon: Any, contact: RemoteContact, kind: Kind) -> Columns:
    """Tell with which values a Karbon contact of this kind would be created, or why it cannot be."""
    try:
        held, refused = creating.fitting(karbon, contact.values, kind)
    except CannotHold as problem:
        return {"kind": kind.value, "changes": {}, "changes_karbon": False, "notes": [f"Cannot be created: {problem}"]}
    values: dict[str, list[Value]] = {name: [BLANK[name], value] for name, value in held.items() if value}
    notes = [f"{FIELDS[name].label}: {reason}" for name, reason in refused.items()]
    return {"kind": kind.value, "changes": {System.KARBON.value: values}, "changes_karbon": True, "notes": notes}


def _columns(
    outcome: str,
    name: str,
    *,
    xero: RemoteContact | None = None,
    karbon: RemoteContact | None = None,
    kind: str = "",
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    notes: Sequence[str] = (),
) -> Columns:
    both = [side for side in (xero, karbon) if side is not None]
    words = dict.fromkeys(text.casefold() for side in both for text in (side.name, side.billing_email) if text)
    moves = {system: fields for system, fields in (changes or {}).items() if fields}
    return {
        "xero_id": xero.pk if xero else None,
        "karbon_id": karbon.pk if karbon else None,
        "name": name[:600] or str(xero or karbon),
        "search": "\n".join(words),
        "outcome": outcome,
        "kind": kind,
        "changes": moves,
        "changes_xero": System.XERO.value in moves,
        "changes_karbon": System.KARBON.value in moves,
        "notes": list(notes),
    }
