"""One evaluator for every subject: scored pairs against the answer key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Quality:
    """``f1`` at the best cut for one-to-one answers; ``at`` is that cut; ``first`` the share of those who have a
    counterpart whose best candidate is the right one."""

    f1: float
    precision: float
    recall: float
    at: float
    first: float


def quality(pairs: Iterable[tuple[str, str, float]], gold: Mapping[str, str], at: float | None = None) -> Quality:
    """Measure scored pairs. Without ``at`` the cut is chosen in the subject's favour."""
    pairs = sorted(pairs, key=lambda pair: -pair[2])
    first: dict[str, str] = {}
    for one, other, _ in pairs:
        first.setdefault(one, other)
    hits = sum(first.get(one) == other for one, other in gold.items())
    best = Quality(0.0, 0.0, 0.0, 1.0, hits / len(gold))
    taken_mine: set[str] = set()
    taken_theirs: set[str] = set()
    right = said = 0
    for number, (one, other, score) in enumerate(pairs):
        if at is not None and score < at:
            break
        if one not in taken_mine and other not in taken_theirs:
            taken_mine.add(one)
            taken_theirs.add(other)
            said += 1
            right += gold.get(one) == other
        is_last = number + 1 == len(pairs) or pairs[number + 1][2] < score
        f1 = 2 * right / (said + len(gold))
        if is_last and said and (at is not None or f1 > best.f1):
            best = Quality(f1, right / said, right / len(gold), score, best.first)
    return best
