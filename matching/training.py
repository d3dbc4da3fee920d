"""Train and measure the person/organisation classifier; only `manage.py train_classifier` imports this.

Figures come from sources the model did not see: each source is left out in turn, together with one of the other
kind, because most sources hold one kind only. What people decided is learned too, with more weight, and measured by
leaving it out in thirds. Everything random is seeded, so the same folder and decisions give the same file.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from matching import features
from matching.classifier import Calibration, Guess, Model, Taught
from matching.kind_figures import calibration_error, macro_f1
from matching.training_corpus import ADDED, COMPOSED, DECIDED, KNOWN, MADE_UP, SEED, Corpus, NamesError, read_corpus

STRENGTH, ITERATIONS = 0.05, 200
DOUBTFUL = 0.35
DECIDED_WEIGHT, DECIDED_PARTS = 5.0, 3
KNOWN_WEIGHT = (
    0.3  # brands were chosen for being known, not for being usual: many look like people, few clients are brands
)

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted linear model."""

    coefficients: Vector
    intercept: float

    def scores(self, matrix: sparse.csr_matrix) -> Vector:
        """Return the log-odds of PERSON, before calibration."""
        result: Vector = matrix @ self.coefficients + self.intercept
        return result


@dataclass(frozen=True, slots=True)
class Fold:
    """What a model that never saw two sources makes of them."""

    left_out: str
    partner: str
    rows: NDArray[np.int64]
    labels: NDArray[np.bool_]
    bare: NDArray[np.bool_]
    scores: Vector


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of the table: a left-out source, together with its partner."""

    left_out: str
    partner: str
    size: int
    accuracy: float
    macro_f1: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A new model, its figures on left-out sources, and guesses on the decisions by models that had not learned them."""

    model: Model
    table: list[Measured]
    unseen: list[Guess]


def train(
    folder: Path, decisions: Sequence[Taught] = (), say: Callable[[str], None] = print, index: Path | None = None
) -> Trained:
    """Measure by leaving sources out, then train on everything. Raises `NamesError`."""
    corpus = read_corpus(folder, decisions, index)
    say(f"{len(corpus.rows):,} names, {corpus.seen.shape[1]:,} hashed features")
    folds = list(left_out_folds(corpus, say))
    calibrated = calibration(folds)
    table = [measured(fold, calibration([f for f in folds if f is not fold])) for fold in folds]
    everything = np.ones(len(corpus.rows), dtype=bool)
    model = replace(
        model_of(corpus, fit(corpus, everything), calibrated),
        figures={line.left_out: round(line.macro_f1, 4) for line in table},
        taught=frozenset(features.word_key(said.name.name) for said in decisions),
    )
    return Trained(model, table, unseen_guesses(corpus, decisions, calibrated))


def left_out_folds(corpus: Corpus, say: Callable[[str], None]) -> Iterator[Fold]:
    """Train without each source and its partner, and score them; two sources that are each other's partner share a fit."""
    fitted: dict[frozenset[str], Weights] = {}
    for left_out, partner in fold_plan(corpus):
        away = frozenset({left_out, partner})
        if away not in fitted:
            fitted[away] = fit(corpus, strangers(corpus, away))
        say(f"left out {left_out}")
        yield measure_fold(corpus, left_out, partner, fitted[away])


def strangers(corpus: Corpus, away: frozenset[str]) -> NDArray[np.bool_]:
    """Choose the rows that are neither in the sources left out nor there under the same name in another source."""
    left_out = np.isin(corpus.sources, sorted(away))
    result: NDArray[np.bool_] = ~np.isin(corpus.kin, corpus.kin[left_out])
    return result


def model_of(corpus: Corpus, weights: Weights, calibrated: Calibration) -> Model:
    """Put fitted weights into the form that is stored."""
    cut = 1 << features.NGRAM_BITS
    return Model(
        ngrams=weights.coefficients[:cut],
        symbols=weights.coefficients[cut:],
        intercept=weights.intercept,
        calibration=calibrated,
        lexicon=corpus.lexicon,
        trained_with=sklearn.__version__,
    )


def unseen_guesses(corpus: Corpus, decisions: Sequence[Taught], calibrated: Calibration) -> list[Guess]:
    """Guess each decided name with a model that learned the other two thirds only."""
    guesses: dict[int, Guess] = {}
    decided = np.flatnonzero(corpus.sources == DECIDED)
    for part in range(min(DECIDED_PARTS, len(decisions))):
        chosen = np.ones(len(corpus.rows), dtype=bool)
        chosen[decided[part::DECIDED_PARTS]] = False
        model = model_of(corpus, fit(corpus, chosen), calibrated)
        places = range(part, len(decisions), DECIDED_PARTS)
        guesses |= zip(places, model.classify([decisions[i].name for i in places]), strict=True)
    return [guesses[i] for i in range(len(decisions))]


def fit(corpus: Corpus, chosen: NDArray[np.bool_]) -> Weights:
    """Fit twice: rows of a register that a first, rough fit plainly contradicts are taken for wrong labels and left out.

    The second fit sees each row once with and once without some look-ups, and begins where the first ended.
    """
    model = LogisticRegression(
        C=STRENGTH, max_iter=ITERATIONS, tol=1e-3, class_weight="balanced", random_state=SEED, warm_start=True
    )
    emphasis = np.where(corpus.sources == DECIDED, DECIDED_WEIGHT, 1.0)
    emphasis[corpus.sources == KNOWN] = KNOWN_WEIGHT
    model.fit(corpus.seen[chosen], corpus.labels[chosen], sample_weight=emphasis[chosen])
    trusted = chosen & ~doubtful(corpus, weights_of(model))
    model.set_params(tol=1e-4)
    matrix = sparse.vstack([corpus.seen[trusted], corpus.hidden[trusted]], format="csr")
    model.fit(matrix, np.tile(corpus.labels[trusted], 2), sample_weight=np.tile(emphasis[trusted], 2))
    return weights_of(model)


def weights_of(model: LogisticRegression) -> Weights:
    return Weights(np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0]))


def doubtful(corpus: Corpus, weights: Weights) -> NDArray[np.bool_]:
    """Return the rows of registers whose label a fit plainly contradicts: mostly sole traders under their own name."""
    chance = 1 / (1 + np.exp(-weights.scores(corpus.seen)))
    own = np.where(corpus.labels, chance, 1 - chance)
    register = np.array([not s.startswith(COMPOSED) for s in corpus.sources.tolist()])
    result: NDArray[np.bool_] = register & (own < DOUBTFUL)
    return result


def fold_plan(corpus: Corpus) -> Iterator[tuple[str, str]]:
    """Pair each source with the largest register of the other kind, so that a score over both kinds means something."""
    sizes = Counter(corpus.sources.tolist())
    people = {s: bool(corpus.labels[corpus.sources == s].mean() > 0.5) for s in sizes if s not in {MADE_UP, DECIDED}}
    registers = [s for s, _ in sizes.most_common() if s in people and not s.startswith((*COMPOSED, *ADDED))]
    for source in sorted(people):
        partner = next((s for s in registers if people[s] != people[source]), None)
        if partner is None:
            raise NamesError(
                "train.csv needs at least one register of people and one of organisations to measure with."
            )
        yield source, partner


def measure_fold(corpus: Corpus, left_out: str, partner: str, weights: Weights) -> Fold:
    """Score a left-out source and as many rows of its partner with a model that saw neither."""
    mine, theirs = (np.flatnonzero(corpus.sources == s) for s in (left_out, partner))
    rng = np.random.default_rng(SEED)
    both = np.concatenate([mine, rng.choice(theirs, size=min(len(mine), len(theirs)), replace=False)])
    return Fold(left_out, partner, both, corpus.labels[both], corpus.bare[both], weights.scores(corpus.seen[both]))


def calibration(folds: Sequence[Fold]) -> Calibration:
    """Find slope and offset that turn left-out scores into true chances (Platt), for bare names apart from others.

    Each fold counts the same, that of well-known names half, and in it each kind.
    """
    scores, labels, bare = (np.concatenate([getattr(f, a) for f in folds]) for a in ("scores", "labels", "bare"))
    weights = np.concatenate([fold_weights(f) for f in folds])
    return Calibration(*(platt(scores[rows], labels[rows], weights[rows]) for rows in (~bare, bare)))


def fold_weights(fold: Fold) -> Vector:
    """Weigh the rows of a fold: few clients are brands that nobody has told us of."""
    share = 0.5 if fold.left_out == KNOWN else 1.0
    each = np.bincount(fold.labels, minlength=2).clip(1)
    weights: Vector = share / each[fold.labels.astype(int)]
    return weights


def platt(scores: Vector, labels: NDArray[np.bool_], weights: Vector) -> tuple[float, float]:
    """Fit slope and offset; names of one kind only cannot tell and stay as they are."""
    if len(set(labels.tolist())) < 2:
        return 1.0, 0.0
    fitted = LogisticRegression(C=1e6).fit(scores[:, None], labels, sample_weight=1000 * weights)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def measured(fold: Fold, calibrated: Calibration) -> Measured:
    """Measure one fold, calibrated on the others."""
    chance = 1 / (1 + np.exp(-calibrated.applied(fold.scores, fold.bare)))
    guess = chance >= 0.5
    return Measured(
        left_out=fold.left_out,
        partner=fold.partner,
        size=len(guess),
        accuracy=float((guess == fold.labels).mean()),
        macro_f1=macro_f1(fold.labels, guess),
        calibration_error=calibration_error(np.where(guess, chance, 1 - chance), guess == fold.labels),
    )


def table_lines(table: Sequence[Measured]) -> list[str]:
    """Lay the measured folds out for reading."""
    lines = [f"{'left out':<30} {'with':<30} {'names':>7} {'accuracy':>9} {'macro-F1':>9} {'ECE':>7}"]
    for m in table:
        lines.append(
            f"{m.left_out:<30} {m.partner:<30} {m.size:>7,} {m.accuracy:>9.4f} {m.macro_f1:>9.4f} "
            f"{m.calibration_error:>7.4f}"
        )
    return lines
