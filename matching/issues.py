"""Match issues: how they open and close, and what staff do with them. One function per act, the same from everywhere."""

from collections.abc import Mapping, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from contacts import bell, links
from contacts.models import Change, Link, RemoteContact
from contacts.values import Kind, System
from matching.matcher import Counterpart, Decision, Keys, xero_keys
from matching.models import Candidate, MatchIssue, Verdict
from matching.suggestions import Suggestion


def open_issues() -> QuerySet[MatchIssue]:
    return MatchIssue.objects.filter(state=MatchIssue.State.OPEN)


@transaction.atomic
def hold(xero: RemoteContact, decision: Decision, found: Sequence[Suggestion] = ()) -> MatchIssue:
    """Open the issue of a Xero contact, or bring the open one up to date; ``found`` tells scores and reasons."""
    issue, _ = MatchIssue.objects.update_or_create(
        xero=xero, state=MatchIssue.State.OPEN, defaults={"reason": decision.reason}
    )
    mine = xero_keys(xero.name, xero.billing_email)
    scores = {each.karbon: each for each in found}
    issue.candidates.all().delete()
    Candidate.objects.bulk_create(
        _candidate(issue, mine, other, scores.get(int(other.id))) for other in decision.counterparts
    )
    return issue


def _candidate(issue: MatchIssue, mine: Keys, other: Counterpart, found: Suggestion | None) -> Candidate:
    return Candidate(
        issue=issue,
        karbon_id=other.id,
        why=_why(mine, other.keys),
        is_taken=other.is_taken,
        score=found.score if found else None,
        evidence=list(found.reasons) if found else [],
    )


def _why(mine: Keys, other: Keys) -> str:
    if mine.shares_both(other):
        return Candidate.Why.AMBIGUOUS
    if mine.shares_name(other):
        return Candidate.Why.NAME
    return Candidate.Why.EMAIL if mine.shares_email(other) else Candidate.Why.SIMILAR


def close(issue: MatchIssue, *, outcome: str, by: User | None, state: str = MatchIssue.State.RESOLVED) -> None:
    """Close by conditional UPDATE: whoever comes second is told kindly."""
    closed = MatchIssue.objects.filter(pk=issue.pk, state=MatchIssue.State.OPEN).update(
        state=state, outcome=outcome, closed_by=by, closed_at=timezone.now()
    )
    if not closed:
        raise links.Overtaken("Somebody was faster: this match issue is already closed.")


def close_for(contacts: Sequence[RemoteContact], *, outcome: str) -> None:
    """Close the issues of Xero contacts that need none any more."""
    open_issues().filter(xero__in=contacts).update(
        state=MatchIssue.State.WITHDRAWN, outcome=outcome, closed_at=timezone.now()
    )


# --- what staff do ----------------------------------------------------------------------------------------------------


@transaction.atomic
def confirm(issue: MatchIssue, karbon: RemoteContact, *, by: User, winners: Mapping[str, System] | None = None) -> Link:
    """Link the Xero contact to this Karbon contact: Xero's values overwrite Karbon's, unless ``winners`` says otherwise.

    A blank in Xero never erases: Karbon's value stays and fills Xero.
    """
    candidate = issue.candidates.filter(karbon=karbon).first()
    if candidate is not None and candidate.is_taken:
        raise links.NotPossible(f"{karbon} is already linked to another Xero contact. Say that this one is a duplicate, or create a new one.")  # fmt: skip
    close(issue, outcome=f"Linked to {karbon}"[:200], by=by)
    decide_pair(issue.xero, karbon, is_same=True, by=by)
    return links.link(issue.xero, karbon, origin=Link.Origin.CONFIRMED, winners=winners, by=by)


@transaction.atomic
def create_new(issue: MatchIssue, *, kind: Kind, contact_type: str, by: User) -> Link:
    """Make a new, separate Karbon contact from the Xero contact and link the two."""
    close(issue, outcome="Created a new Karbon contact", by=by)
    for candidate in issue.candidates.select_related("karbon"):
        decide_pair(issue.xero, candidate.karbon, is_same=False, by=by)
    want = links.Wanted(issue.xero, kind, contact_type, cause="Match issue: create new", by=by)
    return links.create_counterparts([want])[0]


@transaction.atomic
def not_the_same(issue: MatchIssue, karbon: RemoteContact, *, by: User) -> None:
    """Take one possible match away. Never creates: with none left the person chooses between create new and leave out."""
    if not issue.candidates.filter(karbon=karbon).delete()[0]:
        raise links.Overtaken("This possible match is no longer on the list. Look again.")
    decide_pair(issue.xero, karbon, is_same=False, by=by)
    if not issue.candidates.exists():
        MatchIssue.objects.filter(pk=issue.pk).update(reason="No possible match is left. Create a new contact, or leave it out.")  # fmt: skip
    links.record(by, issue.xero, f"Not the same as {karbon}.")


@transaction.atomic
def leave_out(issue: MatchIssue, *, by: User, outcome: str = "Left out") -> None:
    """Never bring this Xero contact into Karbon. Reversible with ``links.bring_back``."""
    close(issue, outcome=outcome, by=by)
    links.leave_out(issue.xero, by=by)


def mark_duplicate(issue: MatchIssue, *, by: User) -> None:
    """The Xero contact is a second copy of one that is already linked: leave it out."""
    leave_out(issue, by=by, outcome="Marked as a duplicate in Xero")


def decide_pair(xero: RemoteContact, karbon: RemoteContact, *, is_same: bool, by: User) -> None:
    """Remember a person's decision about a pair."""
    Verdict.objects.update_or_create(xero=xero, karbon=karbon, defaults={"is_same": is_same, "by": by})
    bell.ring()


@transaction.atomic
def take_back(decision: Verdict, *, by: User) -> None:
    """Forget what was said about a pair: it may be suggested again, and is no longer learned from.

    A pair that is kept the same is no question any more: unsync it first.
    """
    xero, karbon = decision.xero, decision.karbon
    held = links.open_link(xero)
    if decision.is_same and held is not None and held.karbon_id == karbon.pk:
        raise links.NotPossible(f"{xero} and {karbon} are linked because of it. Unsync them first.")
    if not Verdict.objects.filter(pk=decision.pk, is_same=decision.is_same).delete()[0]:
        raise links.Overtaken("Somebody was faster: this decision is no longer as it was.")
    RemoteContact.objects.filter(pk=xero.pk).update(match_due=True)
    said = "the same as" if decision.is_same else "not the same as"
    links.record(by, xero, f"Took back that it is {said} {karbon}.")
    bell.ring()


def link_by_hand(
    xero: RemoteContact, karbon: RemoteContact, *, by: User, winners: Mapping[str, System] | None = None
) -> Link:
    """Link two contacts that a person found to be the same, from wherever they stood."""
    with transaction.atomic():
        for issue in open_issues().filter(xero=xero):
            close(issue, outcome=f"Linked to {karbon}"[:200], by=by)
        RemoteContact.objects.filter(pk__in=[xero.pk, karbon.pk]).update(left_out=False)
        decide_pair(xero, karbon, is_same=True, by=by)
        return links.link(xero, karbon, origin=Link.Origin.CONFIRMED, winners=winners, by=by)


@transaction.atomic
def link_instead(pair: Link, karbon: RemoteContact, *, by: User, winners: Mapping[str, System] | None = None) -> Link:
    """Give the Xero contact of an unsynced pair another Karbon contact; the former one is remembered as left out."""
    assert pair.xero is not None and pair.karbon is not None
    links.end(pair, by=by, to=Link.State.ENDED, allowed=[Link.State.UNSYNCED])
    links.leave_out(pair.karbon, by=by)
    return link_by_hand(pair.xero, karbon, by=by, winners=winners)


@transaction.atomic
def not_this_one(xero: RemoteContact, karbon: RemoteContact, *, by: User) -> None:
    """Remember that a suggested Karbon contact is not the same, whether a match issue asks about it or not."""
    for issue in open_issues().filter(xero=xero, candidates__karbon=karbon):
        not_the_same(issue, karbon, by=by)
        return
    held = links.open_link(xero)
    if held is not None and held.karbon_id == karbon.pk:
        raise links.NotPossible(f"{xero} and {karbon} are a pair. Unsync it first.")
    decide_pair(xero, karbon, is_same=False, by=by)
    links.record(by, xero, f"Not the same as {karbon}.")


@transaction.atomic
def link_to_namesake(
    pair: Link, xero: RemoteContact, karbon: RemoteContact, *, by: User, winners: Mapping[str, System] | None = None
) -> Link:
    """Link a Karbon contact to the Xero contact that has its name already, instead of what Xero refused.

    A refused creation is withdrawn. A live pair ends: its Xero contact stays as it is and is remembered as left out.
    """
    if pair.state == Link.State.CREATING:
        links.give_up_creation(pair, by=by)
    else:
        Link.lock(pair.pk)  # nothing begins to be sent meanwhile
        if Change.objects.filter(link=pair, state=Change.State.SENDING).exists():
            raise links.Overtaken("Something is being sent for this pair right now. Try again in a moment.")
        links.end(pair, by=by, to=Link.State.ENDED, allowed=[Link.State.LIVE])
        assert pair.xero is not None
        links.leave_out(pair.xero, by=by)
    return link_by_hand(xero, karbon, by=by, winners=winners)
