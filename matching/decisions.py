"""What people decided about pairs, as something to learn from."""

import numpy as np

from contacts.models import RemoteContact
from contacts.values import System
from matching import search
from matching.evidence import Evidence
from matching.filing import SystemShelf, bring_up_to_date, profile_of
from matching.models import Verdict
from matching.pair_training import DECISION_WEIGHT, View, is_related

CHUNK = 200


def as_view(folds: int) -> View | None:
    """Return every decided pair as numbers, or None where nobody has decided anything yet.

    Only the pairs themselves: who else was on the list when a person said "create new" is known to be someone else.
    """
    bring_up_to_date()
    verdicts = {(v.xero_id, v.karbon_id): v.is_same for v in Verdict.objects.all()}
    if not verdicts:
        return None
    asked: dict[int, list[int]] = {}
    for xero, karbon in verdicts:
        asked.setdefault(xero, []).append(karbon)
    found = [each for each in _evidences(asked) if _ids(each) in verdicts]
    ids = [_ids(each) for each in found]
    return View(
        name="decisions",
        rows=np.array([each.numbers for each in found], dtype=np.float32),
        same=np.array([verdicts[pair] for pair in ids], dtype=bool),
        related=np.array([is_related(each) for each in found], dtype=bool),
        mine=[one for one, _ in ids],
        theirs=[other for _, other in ids],
        fold=np.array([one % folds for one, _ in ids], dtype=np.int64),
        weight=DECISION_WEIGHT,
        wanted=max(1, sum(verdicts[pair] for pair in ids)),
    )


def _evidences(asked: dict[int, list[int]]) -> list[Evidence]:
    xero, karbon = SystemShelf(System.XERO), SystemShelf(System.KARBON)
    found: list[Evidence] = []
    pks = sorted(asked)
    for start in range(0, len(pks), CHUNK):
        contacts = RemoteContact.objects.filter(pk__in=pks[start : start + CHUNK])
        mine = [profile_of(contact) for contact in contacts]
        found += search.evidences(mine, xero, karbon, also={int(p.record.id): asked[int(p.record.id)] for p in mine})
    return found


def _ids(evidence: Evidence) -> tuple[int, int]:
    return int(evidence.mine.record.id), int(evidence.theirs.record.id)
