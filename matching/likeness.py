"""How alike two records are: a calibrated score from 0 to 1, with its reasons in words. Pure; links nothing by itself.

    likeness(Record(1, "Rob Smith", "rob@smith.example"), Record(2, "Robert Smith", "rob@smith.example"))

A record's `profile` is what is compared; `search` finds the pairs worth comparing among many.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matching import evidence, pair_model, reasons
from matching.commonness import Commonness
from matching.profiles import Record, profile
from matching.search import Id, Pair

__all__ = ["Likeness", "Record", "Scored", "likeness", "profile", "rank"]


@dataclass(frozen=True, slots=True)
class Likeness:
    """``score`` is the chance that the two are the same; ``reasons`` are phrases, what speaks against it last."""

    score: float
    reasons: tuple[str, ...]


def likeness(mine: Record, theirs: Record, common: Commonness | None = None) -> Likeness:
    """Compare two records by themselves, without a look at who else there is."""
    common = common or Commonness({}, 1000)
    found = evidence.gather(profile(mine), profile(theirs), common)
    model = pair_model.loaded()
    no_rival = np.array([pair_model.LEAD])
    chance = model.chances(model.scores([found.numbers]), no_rival, no_rival)[0]
    return Likeness(float(chance), reasons.reasons(found))


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair with its chance in view of the rivals on either side. ``lead`` is that over the second best, in chance."""

    pair: Pair
    score: float
    lead: float


def rank(pairs: Sequence[Pair], rivals: Sequence[Pair] = ()) -> list[Scored]:
    """Weigh each pair against the others that want the same record, one to one; the best first.

    ``rivals`` are pairs the other way round: who else on our side is near to one of theirs.
    """
    here: dict[Id, list[tuple[float, Id]]] = {}
    there: dict[Id, dict[Id, float]] = {}
    for pair in pairs:
        here.setdefault(pair.mine, []).append((pair.score, pair.theirs))
        there.setdefault(pair.theirs, {})[pair.mine] = pair.score
    for pair in rivals:
        there.setdefault(pair.mine, {}).setdefault(pair.theirs, pair.score)
    lead_mine = [_lead(pair.score, (s for s, other in here[pair.mine] if other != pair.theirs)) for pair in pairs]
    lead_theirs = [
        _lead(pair.score, (s for other, s in there[pair.theirs].items() if other != pair.mine)) for pair in pairs
    ]
    scores = np.array([pair.score for pair in pairs])
    chances = pair_model.loaded().chances(scores, np.array(lead_mine), np.array(lead_theirs)).tolist()
    best: dict[Id, list[float]] = {}
    for pair, chance in zip(pairs, chances, strict=True):
        best.setdefault(pair.mine, []).append(chance)
    for own in best.values():
        own.sort(reverse=True)
    scored = [
        Scored(pair, chance, chance - next((c for c in best[pair.mine] if c < chance), 0.0))
        for pair, chance in zip(pairs, chances, strict=True)
    ]
    return sorted(scored, key=lambda each: -each.score)


def _lead(score: float, others: object) -> float:
    best = max(others, default=None)  # type: ignore[call-overload]
    return pair_model.LEAD if best is None else score - float(best)
