"""What the person/organisation classifier learns from: a folder of names, made-up names, and what people decided."""

import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matching import features, training_lists
from matching.classifier import NGRAM_WEIGHT, PERSON, Taught
from matching.training_names import made_names
from matching.training_world import world_names

SEED = 20261123
LEXICON_PATH = Path(__file__).parent / "model" / "lexicon.txt"
REQUIRED_FILES = ("train.csv", "given_names.txt", "surnames.txt")
HIDE_ALL, HIDE_ONE = 0.2, 0.1
FREQUENT = 5_000
MADE_UP, DECIDED = "made_up", "decided"
COMPOSED = ("synthetic", MADE_UP, DECIDED)


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


def read_corpus(folder: Path, decisions: Sequence[Taught] = ()) -> Corpus:
    """Read the folder, add made-up names for the weak spots and what people decided, and count features twice."""
    lexicon = read_lexicon(folder)
    rows = read_rows(folder / "train.csv")
    rows += [Row(name, kind, MADE_UP) for name, kind in composed(folder, lexicon)]
    rows += [Row(said.name.name, said.is_person, DECIDED) for said in decisions]
    rng = random.Random(SEED)
    return Corpus(
        rows=rows,
        seen=matrix_of([features.extract(r.name, lexicon) for r in rows]),
        hidden=matrix_of([features.extract(r.name, lexicon, hiding(lexicon, rng)) for r in rows]),
        labels=np.array([r.is_person for r in rows]),
        sources=np.array([r.source for r in rows]),
        lexicon=lexicon,
    )


def composed(folder: Path, lexicon: features.Lexicon) -> Iterator[tuple[str, bool]]:
    """Yield the made-up names."""
    given, surnames = read_list(folder / "given_names.txt"), read_list(folder / "surnames.txt")
    given = [name for name in given if not training_lists.is_hardly_given(name)]
    yield from made_names(given, surnames, LEXICON_PATH.read_text(encoding="utf-8"), SEED)
    trades = [word for word, code in lexicon.classes.items() if code == "B"]
    word_surnames = [word for word, code in lexicon.classes.items() if code == "V"]
    yield from world_names(trades, word_surnames, frozenset(given), frozenset(surnames), SEED)


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
    everyday = set(training_lists.words()[: training_lists.EVERYDAY])
    for word in sorted(everyday & training_lists.english_families()):
        classes.setdefault(word, "V")
    peoples = training_lists.peoples()
    given = {*read_list(folder / "given_names.txt"), *(n.lower() for p in peoples for n in p.given)}
    given -= {word for word in given if training_lists.is_hardly_given(word)}
    surnames = {*read_list(folder / "surnames.txt"), *(n.lower() for p in peoples for n in p.family)}
    return features.Lexicon(
        classes,
        frozenset(brands),
        given=keys_of(given),
        surnames=keys_of(surnames),
        words=keys_of(w for w in dictionary_words(given | surnames) if w not in classes),
        frequent=keys_of(w for w in training_lists.words()[:FREQUENT] if w not in classes),
        places=keys_of(training_lists.places()),
    )


def dictionary_words(names: set[str]) -> list[str]:
    """Return the words of the dictionary; a seldom used one that is a name too is a name."""
    words = training_lists.words()
    return [word for rank, word in enumerate(words) if rank < training_lists.EVERYDAY or word not in names]


def keys_of(words: Iterable[str]) -> frozenset[int]:
    """Hash a list for look-ups; a name of several words counts with each of them that is long enough to tell."""
    parts = (part for word in words for part in (features.fold(word).replace("-", " ").split() or [""]))
    return frozenset(features.word_key(part) for part in parts if len(part) > 1 or not part.isascii())


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
