"""Training of the pair scorer: from an address-book pair with its answer key, and from what people decided.

Figures come from contacts the model did not see: groups of related records are left out together. The records are also
shown with less and with other things said about them (no e-mail, names only, shared mailboxes, new phones, whole
addresses with slips), so that the model does not learn one list by heart.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from matching import evidence, pair_model, pair_views, search
from matching.pair_model import BEHIND, LEAD, PairModel
from matching.profiles import Record, profile
from matching.search import Id, MemoryShelf

SEED = 20261124
FOLDS = 5
TREES, LEAVES, DEPTH, RATE, LEAST_LEAF, RIDGE = 110, 15, 5, 0.12, 20, 2.0
DECISION_WEIGHT = 3.0
EASY = 6
NOTHING_IN_NAME = 0.3
REQUIRED_FILES = ("list_a.csv", "list_b.csv", "gold.csv")
FALSE_HOLDS = 0.005  # of those who have no counterpart

Vector = NDArray[np.float64]


class DataError(Exception):
    """The folder lacks what training needs. The message says what."""


@dataclass(frozen=True)
class Books:
    """Two address books and who is who: id here → id there."""

    mine: list[Record]
    theirs: list[Record]
    gold: Mapping[Id, Id]


@dataclass(frozen=True)
class View:
    """Candidate pairs of one way to show the books, as numbers."""

    name: str
    rows: NDArray[np.float32]
    same: NDArray[np.bool_]
    related: NDArray[np.bool_]  # by the rule: same name or same e-mail, so never a question of looks
    mine: list[Id]
    theirs: list[Id]
    fold: NDArray[np.int64]
    weight: float
    wanted: int  # pairs that exist, found as candidates or not


@dataclass(frozen=True)
class Figures:
    """``f1`` at the even chance, one to one; ``first``: right candidate first where one exists; ``ece``: calibration error;
    ``hold_at``: chance from which at most `FALSE_HOLDS` of those without counterpart are held."""

    f1: float
    precision: float
    recall: float
    first: float
    ece: float
    hold_at: float

    def as_dict(self) -> dict[str, float]:
        return {name: round(float(value), 5) for name, value in vars(self).items()}


# --- data -------------------------------------------------------------------------------------------------------------


def read_books(folder: Path) -> Books:
    """Read the two lists and the answer key."""
    missing = [name for name in REQUIRED_FILES if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{folder} has no {', '.join(missing)}: the folder must hold {', '.join(REQUIRED_FILES)}.")
    with (folder / "gold.csv").open(newline="", encoding="utf-8") as source:
        gold: dict[Id, Id] = {row["id_a"]: row["id_b"] for row in csv.DictReader(source)}
    return Books(_read_list(folder / "list_a.csv"), _read_list(folder / "list_b.csv"), gold)


def _read_list(path: Path) -> list[Record]:
    with path.open(newline="", encoding="utf-8-sig") as source:
        return [
            Record(
                id=row["id"],
                name=row["name"],
                email=row.get("email") or "",
                phone=row.get("phone") or "",
                address=row.get("address") or row.get("city") or "",
                kind=row.get("kind") or "",
                first_name=row.get("first_name") or "",
                last_name=row.get("last_name") or "",
            )
            for row in csv.DictReader(source)
        ]


def folds_of(books: Books) -> dict[Id, int]:
    """Put records that belong together (one client, one private mailbox, one phone) into the same of `FOLDS` parts."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    uses: dict[str, list[str]] = {}
    for side, records in (("a", books.mine), ("b", books.theirs)):
        for record in records:
            for key in filter(None, (record.email.casefold(), record.phone)):
                uses.setdefault(key, []).append(f"{side}{record.id}")
    ties = [(f"a{one}", f"b{other}") for one, other in books.gold.items()]
    ties += [(ids[0], id_) for ids in uses.values() if len(ids) <= 6 for id_ in ids[1:]]
    for one, other in ties:
        parent[root(one)] = root(other)
    roots = sorted({root(f"a{record.id}") for record in books.mine})
    numbers = np.random.default_rng(SEED).permutation(len(roots)) % FOLDS
    fold = dict(zip(roots, numbers.tolist(), strict=True))
    return {record.id: fold[root(f"a{record.id}")] for record in books.mine}


def view_of(name: str, books: Books, folds: Mapping[Id, int], weight: float) -> View:
    """Look up candidates as the product does, and turn each pair into numbers."""
    mine = [profile(record) for record in books.mine]
    ours, theirs = MemoryShelf(mine), MemoryShelf(profile(record) for record in books.theirs)
    found = search.evidences(mine, ours, theirs)
    ids = [(each.mine.record.id, each.theirs.record.id) for each in found]
    return View(
        name=name,
        rows=np.array([each.numbers for each in found], dtype=np.float32),
        same=np.array([books.gold.get(one) == other for one, other in ids]),
        related=np.array([is_related(each) for each in found]),
        mine=[one for one, _ in ids],
        theirs=[other for _, other in ids],
        fold=np.array([folds[str(one).rstrip("~")] for one, _ in ids]),
        weight=weight,
        wanted=sum(record.id in books.gold for record in books.mine),
    )


def is_related(found: evidence.Evidence) -> bool:
    """Do the two share a name or an e-mail, so that the rule calls them a conflict or a match?"""
    mine, theirs = found.mine, found.theirs
    return mine.text == theirs.text or bool(mine.mailbox and mine.email == theirs.email)


# --- fitting ----------------------------------------------------------------------------------------------------------


def fit_trees(views: Sequence[View], chosen: Sequence[NDArray[np.bool_]]) -> PairModel:
    """Fit the first stage on the chosen rows of each view; the second stage is left neutral."""
    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        max_depth=DEPTH,
        learning_rate=RATE,
        min_samples_leaf=LEAST_LEAF,
        l2_regularization=RIDGE,
        monotonic_cst=list(evidence.NAMES.values()),
        early_stopping=False,
        random_state=SEED,
    )
    thinned = [_thinned(view) for view in views]
    kept = [keep & (weight > 0) for keep, weight in zip(chosen, thinned, strict=True)]
    rows = np.concatenate([view.rows[keep] for view, keep in zip(views, kept, strict=True)])
    same = np.concatenate([view.same[keep] for view, keep in zip(views, kept, strict=True)])
    weight = np.concatenate([weight[keep] for weight, keep in zip(thinned, kept, strict=True)])
    with threadpool_limits(1):  # threads that wait for each other take many times as long where others work, too
        model.fit(rows, same, sample_weight=weight)
        ours = stored(model)
        assert np.allclose(ours._walk(rows[:2000]), model.decision_function(rows[:2000]), atol=1e-3)
    return ours


def _thinned(view: View) -> Vector:
    """Return the weight of each row. Of the plainly different pairs one in `EASY` stands for all, the others weigh 0; so do
    pairs that are the same though nothing shown says so: where a view took the e-mail away, a new surname is no evidence."""
    names = list(evidence.NAMES)
    share, email, alike, phone, place, acronym = (
        view.rows[:, names.index(n)]
        for n in ("share", "email_same", "email_alike", "phone_same", "place_agrees", "acronym")
    )
    says_nothing = (share < 0.45) & (email == 0) & (phone == 0) & (place < 0.7) & (acronym == 0)
    is_first = np.arange(len(share)) % EASY == 0
    different = np.where(says_nothing, np.where(is_first, EASY, 0), 1)
    is_house_alone = (share < NOTHING_IN_NAME) & (email == 0) & (phone == 0) & (acronym == 0)
    weight = np.where(view.same, np.where((says_nothing | is_house_alone) & (alike < 0.8), 0, 1), different)
    return np.asarray(weight * view.weight, dtype=np.float64)


def stored(model: HistGradientBoostingClassifier) -> PairModel:
    """Take a fitted model's trees out as plain arrays."""
    parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in pair_model.ARRAYS}
    start = 0
    for (tree,) in model._predictors:
        nodes = tree.nodes
        is_leaf = nodes["is_leaf"].astype(bool)
        here = np.arange(len(nodes)) + start
        parts["column"].append(np.where(is_leaf, 0, nodes["feature_idx"]))
        parts["threshold"].append(np.where(is_leaf, 0.0, nodes["num_threshold"]))
        parts["left"].append(np.where(is_leaf, here, nodes["left"] + start))
        parts["right"].append(np.where(is_leaf, here, nodes["right"] + start))
        parts["value"].append(np.where(is_leaf, nodes["value"], 0.0))
        parts["roots"].append(np.array([start]))
        start += len(nodes)
    kinds = {"column": np.int16, "left": np.int32, "right": np.int32, "roots": np.int32}
    trees = {name: np.concatenate(arrays).astype(kinds.get(name, np.float32)) for name, arrays in parts.items()}
    baseline = float(np.ravel(model._baseline_prediction)[0])
    about = {"scikit_learn": sklearn.__version__, "seed": SEED}
    return PairModel(trees, DEPTH, baseline, (1.0, 0.0, 0.0, 0.0), {}, about)


def leads(view: View, scores: Vector) -> tuple[Vector, Vector]:
    """Return each pair's lead over the best rival for the same record here, and there."""
    return _lead(view.mine, scores), _lead(view.theirs, scores)


def _lead(owners: Sequence[Id], scores: Vector) -> Vector:
    best: dict[Id, list[float]] = {}
    for owner, score in zip(owners, scores.tolist(), strict=True):
        best.setdefault(owner, []).append(score)
    for own in best.values():
        own.sort(reverse=True)
    found = []
    for owner, score in zip(owners, scores.tolist(), strict=True):
        own = best[owner]
        rival = own[1] if score == own[0] and len(own) > 1 else own[0] if score < own[0] else None
        found.append(LEAD if rival is None else score - rival)
    return np.array(found)


def fit_final(views: Sequence[View], scores: Sequence[Vector], keep: Sequence[NDArray[np.bool_]]) -> tuple[float, ...]:
    """Fit the second stage: the own score and the leads, as chances."""
    table = [np.column_stack([s, *(lead.clip(BEHIND, LEAD) for lead in leads(v, s))])[k] for v, s, k in zip(views, scores, keep, strict=True)]  # fmt: skip
    same = np.concatenate([v.same[k] for v, k in zip(views, keep, strict=True)])
    weight = np.concatenate([_thinned(v)[k] for v, k in zip(views, keep, strict=True)])
    fitted = LogisticRegression(C=10.0, max_iter=500).fit(np.concatenate(table), same, sample_weight=weight)
    return (*(float(c) for c in fitted.coef_[0]), float(fitted.intercept_[0]))


def train(
    folder: Path, decided: View | None = None, say: Callable[[str], None] = lambda text: None
) -> tuple[PairModel, dict[str, Figures]]:
    """Measure by cross-validation over groups of related records, then train on everything."""
    books = read_books(folder)
    folds = folds_of(books)
    views = []
    for name, weight, shown in pair_views.shown(books.mine, books.theirs, books.gold, SEED):
        say(f"{name}: comparing")
        views.append(view_of(name, Books(*shown, books.gold), folds, weight))
    every = [*views, *([decided] if decided else [])]
    scores = [np.zeros(len(view.same)) for view in every]
    for fold in range(FOLDS):
        say(f"part {fold + 1} of {FOLDS} left out")
        model = fit_trees(every, [view.fold != fold for view in every])
        for view, own in zip(every, scores, strict=True):
            away = view.fold == fold
            if away.any():
                own[away] = model.scores(view.rows[away])
    finals = [fit_final(every, scores, [view.fold != fold for view in every]) for fold in range(FOLDS)]
    figures = {view.name: _measured(view, own, finals) for view, own in zip(every, scores, strict=True)}
    say("training on everything")
    model = fit_trees(every, [np.ones(len(view.same), dtype=bool) for view in every])
    final = fit_final(every, scores, [np.ones(len(view.same), dtype=bool) for view in every])
    plain = figures[views[0].name].as_dict()
    return replace(model, final=final, figures=plain), figures


# --- measuring --------------------------------------------------------------------------------------------------------


def _measured(view: View, own: Vector, finals: Sequence[tuple[float, ...]]) -> Figures:
    """Measure a view with chances whose second stage (one per part left out) did not see the part it judges."""
    chances = np.zeros(len(own))
    lead_mine, lead_theirs = leads(view, own)
    for fold, final in enumerate(finals):
        away = view.fold == fold
        judge = PairModel({}, 0, 0.0, final, {}, {})
        chances[away] = judge.chances(own[away], lead_mine[away], lead_theirs[away])
    return figures_of(view, chances)


def figures_of(view: View, chances: Vector) -> Figures:
    """Turn chances into figures."""
    order = np.argsort(-chances, kind="stable").tolist()
    taken: set[tuple[str, Id]] = set()
    first: dict[Id, int] = {}
    right = said = 0
    for i in order:
        one, other = view.mine[i], view.theirs[i]
        first.setdefault(one, i)
        if chances[i] >= 0.5 and ("mine", one) not in taken and ("theirs", other) not in taken:
            taken |= {("mine", one), ("theirs", other)}
            said += 1
            right += int(view.same[i])
    hits = sum(bool(view.same[i]) for i in first.values())
    return Figures(
        f1=2 * right / (said + view.wanted),
        precision=right / max(1, said),
        recall=right / view.wanted,
        first=hits / view.wanted,
        ece=calibration_error(chances, view.same),
        hold_at=_hold_at(view, chances, first.values()),
    )


def _hold_at(view: View, chances: Vector, best: Iterable[int]) -> float:
    """Return the chance from which at most `FALSE_HOLDS` of those who have no counterpart would be held in vain."""
    flags = zip(view.mine, view.same.tolist(), view.related.tolist(), strict=True)
    have = {one for one, same, _ in flags if same}
    conflicts = {one for one, is_one in zip(view.mine, view.related.tolist(), strict=True) if is_one}
    alone = [i for i in best if view.mine[i] not in have]
    held = sorted((float(chances[i]) for i in alone if view.mine[i] not in conflicts), reverse=True)
    allowed = int(FALSE_HOLDS * len(alone))
    return held[allowed] if allowed < len(held) else 0.0


def calibration_error(chances: Vector, same: NDArray[np.bool_], bins: int = 10) -> float:
    """Return the mean gap between chance and share of true ones over equal bins (ECE), of pairs above one per cent."""
    likely = chances > 0.01
    chances, same = chances[likely], same[likely]
    which = np.minimum((chances * bins).astype(int), bins - 1)
    gaps = [abs(chances[which == b].mean() - same[which == b].mean()) * (which == b).sum() for b in set(which.tolist())]
    return float(sum(gaps) / max(1, len(chances)))


def agreement(model: PairModel, view: View) -> float:
    """Return how often a model, by the pair alone, says of decided pairs what people said."""
    none = np.full(len(view.same), LEAD)
    chances = model.chances(model.scores(view.rows), none, none)
    return float(((chances >= 0.5) == view.same).mean())


def table_lines(figures: Mapping[str, Figures]) -> list[str]:
    """Lay the figures out for reading, one way to show the books a line."""
    lines = [
        f"{'contacts not seen':<34} {'F1':>7} {'precision':>10} {'recall':>7} {'first':>7} {'ECE':>7} {'hold at':>8}"
    ]
    for name, f in figures.items():
        lines.append(
            f"{name:<34} {f.f1:>7.4f} {f.precision:>10.4f} {f.recall:>7.4f} {f.first:>7.4f} {f.ece:>7.4f} {f.hold_at:>8.3f}"
        )
    return lines
