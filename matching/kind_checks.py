"""What a Karbon contact was created as, where the name alone does not tell: confirmed by a person, or corrected.

Karbon can neither convert nor delete a record. So correcting a kind creates the right one, moves the link to it, and asks a
person to delete the old one in Karbon; until Karbon no longer shows it, the old record stays on a list.
"""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from contacts import bell, links, mirror
from contacts.fields import BLANK, FIELDS
from contacts.merge import Outcome, Side, merge
from contacts.models import Change, FieldConflict, Link, RemoteContact, SyncSettings
from contacts.values import Kind, Presence, System, Value
from matching import classifier, kinds
from matching.classifier import Guess
from matching.models import KindCheck, OldRecord

_STANDING = (Link.State.CREATING, Link.State.LIVE, Link.State.STOPPED)


def name_of(contact: RemoteContact) -> classifier.Name:
    """What the classifier gets to see of a contact."""
    first, last = str(contact.payload.get("FirstName") or ""), str(contact.payload.get("LastName") or "")
    return classifier.Name(contact.name, first, last, contact.billing_email)


def note(made: Sequence[Link], guesses: Sequence[Guess]) -> None:
    """Remember which of these new pairs were created as a kind that the classifier is not sure of."""
    KindCheck.objects.bulk_create(
        KindCheck(link=pair, confidence=guess.confidence if guess.kind == guess.safer_kind else 1 - guess.confidence)
        for pair, guess in zip(made, guesses, strict=True)
        if not guess.is_sure and not (pair.xero and pair.xero.decided_kind)
    )


def waiting() -> QuerySet[KindCheck]:
    """Kinds to be checked, of pairs that still stand."""
    return KindCheck.objects.filter(state=KindCheck.State.WAITING, link__state__in=_STANDING)


def to_delete() -> QuerySet[OldRecord]:
    """Old records that Karbon still shows, but for those that a person linked again."""
    held = Link.objects.exclude(state=Link.State.ENDED).filter(karbon__isnull=False)
    return OldRecord.objects.filter(karbon__presence=Presence.PRESENT).exclude(karbon__in=held.values("karbon"))


def kind_of(pair: Link) -> Kind:
    """Return what the Karbon side of a pair is, or is about to be created as."""
    if pair.karbon is not None:
        return Kind(pair.karbon.kind)
    asked = Change.objects.filter(link=pair, system=System.KARBON, action=Change.Action.CREATE).first()
    return Kind(asked.kind) if asked else Kind.UNKNOWN


def other_kind(kind: Kind) -> Kind:
    return Kind.ORGANISATION if kind is Kind.PERSON else Kind.PERSON


@transaction.atomic
def confirm(check: KindCheck, *, by: User) -> None:
    """The kind is right as it is."""
    _close(check, KindCheck.State.CONFIRMED, by)
    _teach(check.link, kind_of(check.link), by)
    links.record(by, check.link.xero, f"Confirmed the kind: {kind_of(check.link).label.lower()}.")


def _close(check: KindCheck, state: KindCheck.State, by: User) -> None:
    closed = KindCheck.objects.filter(pk=check.pk, state=KindCheck.State.WAITING).update(
        state=state, closed_by=by, closed_at=timezone.now()
    )
    if not closed:
        raise links.Overtaken("Somebody was faster: this kind has been decided.")


@transaction.atomic
def correct(pair: Link, kind: Kind, *, by: User) -> Link:
    """Make the Karbon side of a pair a record of the other kind, and return the pair that holds it.

    Not sent yet → it is simply created as this kind. There already → a new record is created with the values that the
    pair agrees on, and the old one is left out and remembered until it is gone. That cannot be taken back here.
    """
    pair = Link.objects.select_for_update(of=("self",)).select_related("xero", "karbon").get(pk=pair.pk)
    if pair.xero is None or kind not in (Kind.PERSON, Kind.ORGANISATION):
        raise links.NotPossible("Choose first whether it is a person or an organisation.")
    if kind_of(pair) is kind:
        raise links.Overtaken(f"Somebody was faster: it is {in_words(kind)} already.")
    KindCheck.objects.filter(link=pair, state=KindCheck.State.WAITING).update(
        state=KindCheck.State.CORRECTED, closed_by=by, closed_at=timezone.now()
    )
    _teach(pair, kind, by)
    links.record(by, pair.xero, f"Corrected the kind in Karbon to {kind.label.lower()}.")
    if pair.state == Link.State.CREATING:
        _create_as(pair, kind, by)
        return pair
    return _replace(pair, kind, by)


def _create_as(pair: Link, kind: Kind, by: User) -> None:
    """Change a creation that was not sent yet; one that was refused is sent again, as the kind was in the way."""
    creation = Change.objects.filter(link=pair, system=System.KARBON, action=Change.Action.CREATE)
    if creation.filter(state=Change.State.QUEUED).update(kind=kind):
        return
    if creation.filter(state=Change.State.REJECTED, looks__gt=0).exists():
        raise links.NotPossible(f"Find out first whether it was created. {pair.problem}")
    if creation.filter(state=Change.State.REJECTED).update(kind=kind):
        links.try_again(pair, by=by)
    else:
        raise links.Overtaken("It is being created right now. Wait a moment and look again.")


def _replace(pair: Link, kind: Kind, by: User) -> Link:
    xero, old = pair.xero, pair.karbon
    assert xero is not None and old is not None
    typed = values_only_in_karbon(pair)
    links.end(pair, by=by, to=Link.State.ENDED, allowed=[Link.State.LIVE])
    links.leave_out(old, by=by)
    cause = f"Kind corrected to {kind.label.lower()}"
    want = links.Wanted(xero, kind, contact_type_of(old), cause=cause, by=by, typed=typed)
    made = links.create_counterparts([want])[0]
    _keep_paused(made, pair)
    OldRecord.objects.update_or_create(
        karbon=old, defaults={"xero": xero, "link": made, "kind": kind, "by": by, "at": timezone.now()}
    )
    return made


def _keep_paused(made: Link, former: Link) -> None:
    """What a person paused stays paused in its new pair: not even the creation goes out."""
    made.paused_at, made.paused_by, made.pause_reason = former.paused_at, former.paused_by, former.pause_reason
    made.save(update_fields=["paused_at", "paused_by", "pause_reason"])


def obstacle(pair: Link) -> str:
    """Say why the kind of a pair cannot be corrected now; blank when it can."""
    if pair.state == Link.State.CREATING:
        return ""
    if pair.state != Link.State.LIVE or pair.xero is None or pair.karbon is None:
        return "This pair is not in sync. Decide on the pair first."
    for side in (pair.xero, pair.karbon):
        if not side.is_present or not side.complete:
            return f"{System(side.system).label}'s full record is not at hand. Look at this page again in a moment."
    if pair.wishes or Change.objects.filter(link=pair, state=Change.State.SENDING).exists():
        return "Something is being sent for this pair right now. Try again in a moment."
    if question := FieldConflict.objects.filter(link=pair, is_open=True).first():
        return f"{FIELDS[question.field].label}: a question about it is open. Answer that first."
    return ""


def values_only_in_karbon(pair: Link) -> dict[str, Value]:
    """Return what the new record takes from the old one: edits on their way to Xero, and what Xero never had.

    Everything else comes from Xero, as does all but the name where the old record has no card. Raise NotPossible where
    that cannot be told yet.
    """
    if why := obstacle(pair):
        raise links.NotPossible(why)
    assert pair.xero is not None and pair.karbon is not None
    kept: dict[str, Value] = {}
    for name, field in FIELDS.items():
        if name not in pair.xero.values or name not in pair.karbon.values:
            continue
        left, right = pair.xero.values[name], pair.karbon.values[name]
        outcome = merge(name, Side(pair.base_xero, pair.xero.values), Side(pair.base_karbon, pair.karbon.values))
        if outcome is Outcome.CLASH:
            raise links.NotPossible(f"{field.label}: both sides have just changed it. Try again after the next check.")
        never_in_xero = outcome is Outcome.NOTHING and left == BLANK[name] and right != BLANK[name]
        if outcome is Outcome.TO_XERO or never_in_xero:
            kept[name] = right
    return kept


def contact_type_of(old: RemoteContact) -> str:
    """The new record gets the contact type of the old one."""
    return str(old.payload.get("ContactType") or "") or SyncSettings.load().default_contact_type


def in_words(kind: Kind) -> str:
    return "an organisation" if kind is Kind.ORGANISATION else "a person"


def look_again(old: OldRecord, *, by: User) -> None:
    """Ask Karbon whether an old record is gone, instead of waiting for the next reading of its list."""
    mirror.ask_refreshes([old.karbon], reason="was it deleted")
    links.record(by, old.xero, f"Asked Karbon whether {old.karbon} was deleted.")
    bell.ring()


def _teach(pair: Link, kind: Kind, by: User) -> None:
    """Keep what a person said: for whatever is created for it later, and for the next training of the classifier."""
    if pair.xero is not None:
        RemoteContact.objects.filter(pk=pair.xero.pk).update(decided_kind=kind)
        kinds.record(name_of(pair.xero), kind, by=by)
