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
from matching.classifier import Guess, Model, Taught
from matching.kind_figures import calibration_error, macro_f1
from matching.training_corpus import COMPOSED, DECIDED, MADE_UP, SEED, Corpus, NamesError, read_corpus

STRENGTH, ITERATIONS = 0.05, 200
DOUBTFUL = 0.2
DECIDED_WEIGHT, DECIDED_PARTS = 5.0, 3

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


def train(folder: Path, decisions: Sequence[Taught] = (), say: Callable[[str], None] = print) -> Trained:
    """Measure by leaving sources out, then train on everything. Raises `NamesError`."""
    corpus = read_corpus(folder, decisions)
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
            fitted[away] = fit(corpus, ~np.isin(corpus.sources, sorted(away)))
        say(f"left out {left_out}")
        yield measure_fold(corpus, left_out, partner, fitted[away])


def model_of(corpus: Corpus, weights: Weights, calibrated: tuple[float, float]) -> Model:
    """Put fitted weights into the form that is stored."""
    cut = 1 << features.NGRAM_BITS
    return Model(
        ngrams=weights.coefficients[:cut],
        symbols=weights.coefficients[cut:],
        intercept=weights.intercept,
        slope=calibrated[0],
        offset=calibrated[1],
        lexicon=corpus.lexicon,
        trained_with=sklearn.__version__,
    )


def unseen_guesses(corpus: Corpus, decisions: Sequence[Taught], calibrated: tuple[float, float]) -> list[Guess]:
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
    registers = [s for s, _ in sizes.most_common() if s in people and not s.startswith(COMPOSED)]
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
    return Fold(left_out, partner, both, corpus.labels[both], weights.scores(corpus.seen[both]))


def calibration(folds: Sequence[Fold]) -> tuple[float, float]:
    """Find slope and offset that turn left-out scores into true chances (Platt), each fold counting the same."""
    scores = np.concatenate([f.scores for f in folds])
    labels = np.concatenate([f.labels for f in folds])
    weights = np.concatenate([np.full(len(f.labels), 1000 / len(f.labels)) for f in folds])
    platt = LogisticRegression(C=1e6).fit(scores[:, None], labels, sample_weight=weights)
    return float(platt.coef_[0, 0]), float(platt.intercept_[0])


def measured(fold: Fold, calibrated: tuple[float, float]) -> Measured:
    """Measure one fold, calibrated on the others."""
    slope, offset = calibrated
    chance = 1 / (1 + np.exp(-(slope * fold.scores + offset)))
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
