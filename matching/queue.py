"""Finds out which Xero contacts are due for matching and what each one is, with a fixed number of queries per chunk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.db.models import Count, Q, QuerySet

from contacts import links
from contacts.models import Link, RemoteContact, SyncSettings
from contacts.values import Kind, Presence, System
from matching import matcher, suggestions
from matching.matcher import Category, Counterpart, Decision, Keys
from matching.models import OldRecord, Verdict
from matching.suggestions import Suggestion

CHUNK = 500
NO_KEYS = Keys(frozenset(), "")
LINKED_BEFORE = "It was linked before. Link it, create a new Karbon contact, or leave it out."


def inside_filter(import_filter: str) -> Q:
    """Xero contacts that the import filter lets in. Xero derives both flags from invoices and bills."""
    if import_filter == SyncSettings.ImportFilter.CUSTOMERS:
        return Q(is_customer=True)
    if import_filter == SyncSettings.ImportFilter.CUSTOMERS_AND_SUPPLIERS:
        return Q(is_customer=True) | Q(is_supplier=True)
    return Q()


def due(import_filter: str) -> QuerySet[RemoteContact]:
    """Xero contacts to be matched: never linked, and to be looked at."""
    return _to_be_looked_at(import_filter).filter(~links.ever_linked())


def returned(import_filter: str) -> QuerySet[RemoteContact]:
    """Xero contacts that were linked before and take part again without a pair: a person is asked, as nobody who left
    comes back by itself."""
    held = Link.objects.exclude(state=Link.State.ENDED).filter(xero__isnull=False)
    return _to_be_looked_at(import_filter).filter(links.ever_linked()).exclude(pk__in=held.values("xero"))


def _to_be_looked_at(import_filter: str) -> QuerySet[RemoteContact]:
    """Xero contacts that are present, inside the filter, not left out, new or changed.

    One that is to be read again waits: a list may have lacked it. One that may be of our own making waits, too.
    """
    return RemoteContact.objects.filter(
        ~links.perhaps_ours(System.XERO),
        inside_filter(import_filter),
        system=System.XERO,
        presence=Presence.PRESENT,
        match_due=True,
        left_out=False,
        refresh=None,
    ).order_by("pk")


def decisions(contacts: QuerySet[RemoteContact]) -> Iterator[list[tuple[RemoteContact, Decision]]]:
    """Decide all these Xero contacts, a chunk at a time; memory does not grow with the address book."""
    last = 0
    while chunk := list(contacts.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1].pk
        yield decide(chunk)


def decide(chunk: Sequence[RemoteContact]) -> list[tuple[RemoteContact, Decision]]:
    """Decide a chunk of Xero contacts against the Karbon contacts that share a key with any of them."""
    keys = {contact.pk: keys_of(contact) for contact in chunk}
    others = _counterparts(list(keys.values()))
    by_name: dict[str, list[Counterpart]] = {}
    by_email: dict[str, list[Counterpart]] = {}
    for other in others:
        for name in other.keys.names:
            by_name.setdefault(name, []).append(other)
        by_email.setdefault(other.keys.email, []).append(other)
    rivals = _rivals(chunk)
    denied = set(Verdict.objects.filter(xero__in=chunk, is_same=False).values_list("xero_id", "karbon_id"))
    made = []
    for contact in chunk:
        mine = keys[contact.pk]
        near = {other.id: other for name in mine.names for other in by_name.get(name, ())}
        near |= {other.id: other for other in by_email.get(mine.email, ()) if mine.email}
        asked = [other for other in near.values() if (contact.pk, other.id) not in denied]
        made.append((contact, matcher.decide(mine, asked, has_rival=contact.pk in rivals)))
    return made


@dataclass(frozen=True)
class Decided:
    """A contact with its decision and whom it might be, the likeliest first; full matches need no suggestions."""

    contact: RemoteContact
    decision: Decision
    suggestions: tuple[Suggestion, ...] = ()


def look_closely(decided: Sequence[tuple[RemoteContact, Decision]], *, hold_from: float | None) -> list[Decided]:
    """Score the possible matches of conflicts, and turn a no-match into "similar" where a free Karbon contact looks like it.

    ``hold_from`` is the chance from which a lookalike is held, None where the firm wants exactly the three groups.
    """
    asked = {contact.pk: [int(o.id) for o in decision.counterparts] for contact, decision in decided}
    look = [
        contact
        for contact, decision in decided
        if decision.category is Category.CONFLICT or (decision.category is Category.NONE and hold_from is not None)
    ]
    found = suggestions.suggest(look, also=asked)
    return [
        _with_suggestions(contact, decision, tuple(found.get(contact.pk, ())), hold_from)
        for contact, decision in decided
    ]


def _with_suggestions(
    contact: RemoteContact, decision: Decision, found: tuple[Suggestion, ...], hold_from: float | None
) -> Decided:
    if decision.category is not Category.NONE or hold_from is None:
        return Decided(contact, decision, found)
    free = tuple(each for each in found if not each.is_taken)
    if not free or free[0].score < hold_from:
        return Decided(contact, decision)
    held = Decision(
        Category.SIMILAR,
        tuple(Counterpart(each.karbon, NO_KEYS) for each in free),
        "No exact match, but Karbon has a contact that looks very much like this one.",
    )
    return Decided(contact, held, free)


def ask_about(contacts: Sequence[RemoteContact], *, hold_from: float | None) -> list[Decided]:
    """Make questions of contacts that were linked before, whatever the rule says, with whom they might be.

    The Karbon contact that one was linked to may be linked again, as long as no other pair holds it and it is not to be
    deleted because its kind was corrected.
    """
    decided = [(contact, _question(d, set()) if d.counterparts else d) for contact, d in decide(contacts)]
    closely = look_closely(decided, hold_from=hold_from)
    ids = [int(other.id) for each in closely for other in each.decision.counterparts]
    standing = Link.objects.exclude(state=Link.State.ENDED).filter(karbon__in=ids)
    held = set(standing.values_list("karbon_id", flat=True))
    held |= set(OldRecord.objects.filter(karbon__in=ids).values_list("karbon_id", flat=True))
    return [replace(each, decision=_question(each.decision, held)) for each in closely]


def _question(decision: Decision, held: set[int]) -> Decision:
    possible = (replace(other, is_taken=other.id in held) for other in decision.counterparts)
    return Decision(Category.CONFLICT, tuple(possible), LINKED_BEFORE)


def keys_of(contact: RemoteContact) -> Keys:
    if contact.system == System.XERO:
        return matcher.xero_keys(contact.name, contact.billing_email)
    return matcher.karbon_keys(contact.name, contact.billing_email, is_person=contact.kind == Kind.PERSON)


def _counterparts(mine: Sequence[Keys]) -> list[Counterpart]:
    names = {name for keys in mine for name in keys.names if name}
    emails = {keys.email for keys in mine if keys.email}
    shares = Q(name_key__in=names) | Q(email_key__in=emails)
    found = RemoteContact.objects.filter(shares, system=System.KARBON, presence=Presence.PRESENT)
    ids = [contact.pk for contact in found]
    taken = set(RemoteContact.objects.filter(links.ever_linked(), pk__in=ids).values_list("pk", flat=True))
    return [Counterpart(contact.pk, keys_of(contact), is_taken=contact.pk in taken) for contact in found]


def _rivals(chunk: Sequence[RemoteContact]) -> set[int]:
    """Contacts of the chunk that share both keys with another present Xero contact."""
    twice = (
        RemoteContact.objects.filter(
            system=System.XERO, presence=Presence.PRESENT, name_key__in={contact.name_key for contact in chunk}
        )
        .exclude(email_key="")
        .values("name_key", "email_key")
        .annotate(copies=Count("pk"))
        .filter(copies__gt=1)
    )
    pairs = {(row["name_key"], row["email_key"]) for row in twice}
    return {contact.pk for contact in chunk if (contact.name_key, contact.email_key) in pairs}
