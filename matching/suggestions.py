"""Who a Xero contact might be in Karbon, ranked and with reasons. Suggests only: nothing here links, holds or creates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contacts import links
from contacts.models import RemoteContact
from contacts.values import System
from matching import likeness, reasons, search
from matching.filing import SystemShelf, profile_of
from matching.likeness import Scored
from matching.models import Verdict
from matching.profiles import Profile

CHUNK = 100
LEAST = 0.02  # below this chance nobody is suggested
MOST = 5
RIVAL_FROM = -4.0  # log-odds from which it is asked who else in Xero might be meant


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A Karbon contact, by primary key, with the chance that it is the same and why. ``is_taken``: it is or was linked."""

    karbon: int
    score: float
    reasons: tuple[str, ...]
    is_taken: bool = False


def suggest(
    contacts: Sequence[RemoteContact], *, also: Mapping[int, Sequence[int]] | None = None
) -> dict[int, list[Suggestion]]:
    """Return for each Xero contact whom it might be in Karbon, the likeliest first, with a fixed number of queries per chunk.

    ``also`` names Karbon contacts, per Xero contact, that are scored in any case. What a person denied is left out.
    The index must be up to date (`filing.bring_up_to_date`).
    """
    found: dict[int, list[Suggestion]] = {}
    for start in range(0, len(contacts), CHUNK):
        found |= _suggest(contacts[start : start + CHUNK], also or {})
    return found


def _suggest(contacts: Sequence[RemoteContact], also: Mapping[int, Sequence[int]]) -> dict[int, list[Suggestion]]:
    xero, karbon = SystemShelf(System.XERO), SystemShelf(System.KARBON)
    mine = [profile_of(contact) for contact in contacts]
    wanted = {contact.pk: also.get(contact.pk, ()) for contact in contacts}
    denied = set(Verdict.objects.filter(xero__in=contacts, is_same=False).values_list("xero_id", "karbon_id"))
    pairs = [pair for pair in search.pairs(mine, xero, karbon, also=wanted) if (pair.mine, pair.theirs) not in denied]
    near = {pair.theirs: pair.evidence.theirs for pair in pairs if pair.score > RIVAL_FROM}
    taken = set(
        RemoteContact.objects.filter(links.ever_linked(), pk__in={pair.theirs for pair in pairs}).values_list(
            "pk", flat=True
        )
    )
    rivals = search.pairs([profile for id_, profile in near.items() if id_ not in taken], karbon, xero)
    ranked: dict[int, list[Scored]] = {contact.pk: [] for contact in contacts}
    for scored in likeness.rank(pairs, rivals):
        ranked[int(scored.pair.mine)].append(scored)
    return {
        profile.record.id: _worded(profile, ranked[int(profile.record.id)], wanted, taken)  # type: ignore[misc]
        for profile in mine
    }


def _worded(
    mine: Profile, ranked: Sequence[Scored], wanted: Mapping[int, Sequence[int]], taken: set[int]
) -> list[Suggestion]:
    """Keep the likely ones and those asked for, and say why; a couple is told whom Karbon has of it."""
    asked = set(wanted[int(mine.record.id)])
    couple = reasons.couple(mine, [scored.pair.evidence.theirs for scored in ranked])
    likely = 0
    kept = []
    for scored in ranked:
        is_asked = scored.pair.theirs in asked
        is_half = bool(couple) and " ".join(scored.pair.evidence.theirs.record.name.split()) in couple
        likely += scored.score >= LEAST
        if is_asked or is_half or (scored.score >= LEAST and likely <= MOST):
            why = reasons.reasons(scored.pair.evidence)
            why = (f"Karbon has {couple}", *why) if is_half else why
            id_ = int(scored.pair.theirs)
            kept.append(Suggestion(id_, round(scored.score, 4), why, is_taken=id_ in taken))
    return kept
