"""Train and measure the person/organisation classifier; only `manage.py train_classifier` imports this.

Figures come from sources the model did not see: each source is left out in turn, together with one of the other
kind, because most sources hold one kind only. Everything random is seeded, so the same folder gives the same file.
"""

import csv
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from matching import features
from matching.classifier import NGRAM_WEIGHT, PERSON, Model
from matching.training_names import made_names

SEED = 20261123
LEXICON_PATH = Path(__file__).parent / "model" / "lexicon.txt"
REQUIRED_FILES = ("train.csv", "given_names.txt", "surnames.txt")
STRENGTH = 0.05
HIDE_ALL, HIDE_ONE = 0.2, 0.1
DOUBTFUL = 0.2
MADE_UP = "made_up"
COMPOSED = ("synthetic", MADE_UP)

Vector = NDArray[np.float64]


class NamesError(Exception):
    """The folder of names lacks something; the message says what."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled name."""

    name: str
    is_person: bool
    source: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """All rows with their features: as seen when classifying, and with look-ups hidden at random for training."""

    rows: list[Row]
    seen: sparse.csr_matrix
    hidden: sparse.csr_matrix
    labels: NDArray[np.bool_]
    sources: NDArray[np.str_]
    lexicon: features.Lexicon


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


def train(folder: Path, say: Callable[[str], None] = print) -> tuple[Model, list[Measured]]:
    """Measure by leaving sources out, then train on everything. Raises `NamesError`."""
    corpus = read_corpus(folder)
    say(f"{len(corpus.rows):,} names, {corpus.seen.shape[1]:,} hashed features")
    folds = []
    for left_out, partner in fold_plan(corpus):
        folds.append(measure_fold(corpus, left_out, partner))
        say(f"left out {left_out}")
    table = [measured(fold, calibration([f for f in folds if f is not fold])) for fold in folds]
    slope, offset = calibration(folds)
    weights = fit(corpus, np.ones(len(corpus.rows), dtype=bool))
    cut = 1 << features.NGRAM_BITS
    return Model(
        ngrams=weights.coefficients[:cut],
        symbols=weights.coefficients[cut:],
        intercept=weights.intercept,
        slope=slope,
        offset=offset,
        lexicon=corpus.lexicon,
        trained_with=sklearn.__version__,
    ), table


def read_corpus(folder: Path) -> Corpus:
    """Read the folder, add made-up names for the weak spots, and count features twice."""
    lexicon = read_lexicon(folder)
    rows = read_rows(folder / "train.csv")
    given, surnames = read_list(folder / "given_names.txt"), read_list(folder / "surnames.txt")
    rows += [
        Row(name, kind, MADE_UP)
        for name, kind in made_names(given, surnames, LEXICON_PATH.read_text(encoding="utf-8"), SEED)
    ]
    rng = random.Random(SEED)
    return Corpus(
        rows=rows,
        seen=matrix_of([features.extract(r.name, lexicon) for r in rows]),
        hidden=matrix_of([features.extract(r.name, lexicon, hiding(lexicon, rng)) for r in rows]),
        labels=np.array([r.is_person for r in rows]),
        sources=np.array([r.source for r in rows]),
        lexicon=lexicon,
    )


def hiding(lexicon: features.Lexicon, rng: random.Random) -> features.Listed:
    """Look names up with gaps: the people we train on were composed from the very lists, real ones are not."""
    share = 1.0 if rng.random() < HIDE_ALL else HIDE_ONE
    return lambda word: "x" if rng.random() < share else lexicon.listed(word)


def read_rows(path: Path) -> list[Row]:
    """Read the labelled names."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if not {"name", "label", "source"} <= set(reader.fieldnames or ()):
            raise NamesError(f"{path.name} needs the columns name, label and source.")
        return [Row(r["name"], r["label"] == PERSON, r["source"]) for r in reader]


def read_list(path: Path) -> list[str]:
    """Read a list of names, one per line; what has a digit or a sign in it is no name."""
    words = {features.fold(line) for line in path.read_text(encoding="utf-8").splitlines()}
    return sorted(w for w in words if w.replace("'", "").replace("-", "").isalpha() and len(w) > 1)


def read_lexicon(folder: Path) -> features.Lexicon:
    """Build the look-ups from the folder's lists and the project's own classes of words."""
    for name in REQUIRED_FILES:
        if not (folder / name).is_file():
            raise NamesError(f"{folder} has no {name}: give a folder with {', '.join(REQUIRED_FILES)}.")
    classes, brands = features.parse_lexicon(LEXICON_PATH.read_text(encoding="utf-8"))
    given, surnames = (
        frozenset(features.word_key(w) for w in read_list(folder / name))
        for name in ("given_names.txt", "surnames.txt")
    )
    return features.Lexicon(classes, frozenset(brands), given, surnames)


def matrix_of(rows: Sequence[features.Features]) -> sparse.csr_matrix:
    """Stack features as scikit-learn wants them, weighted as `classifier.Model.scores` weighs them."""
    columns, values, ends = [], [], [0]
    shift = 1 << features.NGRAM_BITS
    for row in rows:
        columns += [*row.ngrams, *(shift + i for i in row.symbols)]
        values.append(np.full(len(row.ngrams), NGRAM_WEIGHT / max(1, len(row.ngrams)) ** 0.5, dtype=np.float32))
        values.append(np.ones(len(row.symbols), dtype=np.float32))
        ends.append(len(columns))
    width = shift + (1 << features.SYMBOL_BITS)
    matrix = sparse.csr_matrix(
        (np.concatenate(values), np.array(columns, dtype=np.int32), np.array(ends)), shape=(len(rows), width)
    )
    matrix.sum_duplicates()
    return matrix


def fit(corpus: Corpus, chosen: NDArray[np.bool_]) -> Weights:
    """Fit twice: rows of a register that the first fit plainly contradicts are taken for wrong labels and left out."""
    first = fit_once(corpus, chosen)
    chance = 1 / (1 + np.exp(-first.scores(corpus.seen)))
    own = np.where(corpus.labels, chance, 1 - chance)
    register = np.array([not s.startswith(COMPOSED) for s in corpus.sources.tolist()])
    return fit_once(corpus, chosen & ~(register & (own < DOUBTFUL)))


def fit_once(corpus: Corpus, chosen: NDArray[np.bool_]) -> Weights:
    """Fit on the chosen rows, each seen once with and once without some look-ups."""
    model = LogisticRegression(C=STRENGTH, max_iter=200, tol=1e-4, class_weight="balanced", random_state=SEED)
    matrix = sparse.vstack([corpus.seen[chosen], corpus.hidden[chosen]], format="csr")
    model.fit(matrix, np.tile(corpus.labels[chosen], 2))
    return Weights(np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0]))


def fold_plan(corpus: Corpus) -> Iterator[tuple[str, str]]:
    """Pair each source with the largest register of the other kind, so that a score over both kinds means something."""
    sizes = Counter(corpus.sources.tolist())
    people = {s: bool(corpus.labels[corpus.sources == s].mean() > 0.5) for s in sizes if s != MADE_UP}
    registers = [s for s, _ in sizes.most_common() if s in people and not s.startswith(COMPOSED)]
    for source in sorted(people):
        partner = next((s for s in registers if people[s] != people[source]), None)
        if partner is None:
            raise NamesError(
                "train.csv needs at least one register of people and one of organisations to measure with."
            )
        yield source, partner


def measure_fold(corpus: Corpus, left_out: str, partner: str) -> Fold:
    """Train without both sources; score the left-out one and as many rows of its partner."""
    away = np.isin(corpus.sources, [left_out, partner])
    weights = fit(corpus, ~away)
    mine, theirs = (np.flatnonzero(corpus.sources == s) for s in (left_out, partner))
    rng = np.random.default_rng(SEED)
    both = np.concatenate([mine, rng.choice(theirs, size=min(len(mine), len(theirs)), replace=False)])
    return Fold(left_out, partner, corpus.labels[both], weights.scores(corpus.seen[both]))


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
        macro_f1=float(f1_score(fold.labels, guess, average="macro")),
        calibration_error=calibration_error(np.where(guess, chance, 1 - chance), guess == fold.labels),
    )


def calibration_error(confidence: Vector, right: NDArray[np.bool_], bins: int = 10) -> float:
    """Return the mean gap between confidence and share of right answers over equal bins of confidence (ECE)."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[which == b].mean() - right[which == b].mean()) * (which == b).sum() for b in set(which.tolist())
    ]
    return float(sum(gaps) / len(confidence))


def table_lines(table: Sequence[Measured]) -> list[str]:
    """Lay the measured folds out for reading."""
    lines = [f"{'left out':<30} {'with':<30} {'names':>7} {'accuracy':>9} {'macro-F1':>9} {'ECE':>7}"]
    for m in table:
        lines.append(
            f"{m.left_out:<30} {m.partner:<30} {m.size:>7,} {m.accuracy:>9.4f} {m.macro_f1:>9.4f} "
            f"{m.calibration_error:>7.4f}"
        )
    return lines
