"""What the person/organisation classifier learns from: a folder of names, made-up names, and what people decided."""

import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matching import features, training_grades, training_known, training_lists
from matching.classifier import NGRAM_WEIGHT, PERSON, Taught
from matching.training_names import made_names
from matching.training_world import world_names

SEED = 20261123
LEXICON_PATH = Path(__file__).parent / "model" / "lexicon.txt"
REQUIRED_FILES = ("train.csv", "given_names.txt", "surnames.txt")
HIDE_ALL, HIDE_ONE = 0.2, 0.1
FREQUENT = 5_000
MADE_UP, DECIDED = "made_up", "decided"
KNOWN, PLAYERS = "well_known_names", "basketball_players"
COMPOSED = ("synthetic", MADE_UP, DECIDED)
ADDED = (KNOWN, PLAYERS)
_UNTOLD = frozenset(("and", "the"))


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
    """All rows with their features: as seen when classifying, and with look-ups hidden at random for training.

    Known organisations are no feature, so that figures tell what becomes of a name that nobody knows. `kin` is the same
    number for names that differ in legal form, case and punctuation only.
    """

    rows: list[Row]
    seen: sparse.csr_matrix
    hidden: sparse.csr_matrix
    bare: NDArray[np.bool_]
    labels: NDArray[np.bool_]
    sources: NDArray[np.str_]
    kin: NDArray[np.int64]
    lexicon: features.Lexicon


def read_corpus(folder: Path, decisions: Sequence[Taught] = (), index: Path | None = None) -> Corpus:
    """Read the folder and the index of well-known names, add made-up names and what people decided, count features twice."""
    known = training_known.index_names(index, SEED) if index else []
    lexicon = read_lexicon(folder, known)
    rows = read_rows(folder / "train.csv")
    rows += [Row(name, True, PLAYERS) for name in training_known.players()]
    rows += [Row(name, False, KNOWN) for name in training_known.rows(known)]
    rows += [Row(name, kind, MADE_UP) for name, kind in composed(folder, lexicon)]
    rows += [Row(said.name.name, said.is_person, DECIDED) for said in decisions]
    rng = random.Random(SEED)
    seen = [features.extract(r.name, lexicon) for r in rows]
    return Corpus(
        rows=rows,
        seen=matrix_of(seen),
        hidden=matrix_of([features.extract(r.name, lexicon, hiding(lexicon, rng)) for r in rows]),
        bare=np.array([row.is_bare for row in seen]),
        labels=np.array([r.is_person for r in rows]),
        sources=np.array([r.source for r in rows]),
        kin=np.array([kin_of(r.name, lexicon) for r in rows], dtype=np.int64),
        lexicon=lexicon,
    )


def kin_of(name: str, lexicon: features.Lexicon) -> int:
    """Hash a name without what registers spell differently: legal forms, case and punctuation."""
    words = features.brand_words(name, lexicon.classes)
    return features.word_key(" ".join(w for w in words if w not in _UNTOLD and lexicon.classes.get(w) != "L"))


def composed(folder: Path, lexicon: features.Lexicon) -> Iterator[tuple[str, bool]]:
    """Yield the made-up names."""
    given, surnames = read_list(folder / "given_names.txt"), read_list(folder / "surnames.txt")
    given = [name for name in given if not training_lists.is_hardly_given(name)]
    yield from made_names(given, surnames, LEXICON_PATH.read_text(encoding="utf-8"), SEED)
    trades = [word for word, code in lexicon.classes.items() if code == "B"]
    word_surnames = [word for word, code in lexicon.classes.items() if code == "V"]
    yield from world_names(trades, word_surnames, frozenset(given), frozenset(surnames), SEED)


def hiding(lexicon: features.Lexicon, rng: random.Random) -> features.Known:
    """Look names up with gaps: the people we train on were composed from the very lists, real ones are not."""
    share = 1.0 if rng.random() < HIDE_ALL else HIDE_ONE
    return lambda word: 0 if rng.random() < share else lexicon.known(word)


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


def read_lexicon(folder: Path, index: Sequence[str] = ()) -> features.Lexicon:
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
    grades = training_grades.name_grades(given, surnames)
    known, openings = training_known.brand_keys([*brands, *training_known.known_names()], index, classes, grades)
    return features.Lexicon(
        classes,
        grades,
        known,
        openings,
        words=keys_of(w for w in dictionary_words(given | surnames) if w not in classes),
        frequent=keys_of(w for w in training_lists.words()[:FREQUENT] if w not in classes),
        places=keys_of(training_lists.places()),
    )


def dictionary_words(names: set[str]) -> list[str]:
    """Return the words of the dictionary; a seldom used one that is a name too is a name."""
    words = training_lists.words()
    return [word for rank, word in enumerate(words) if rank < training_lists.EVERYDAY or word not in names]


def keys_of(words: Iterable[str]) -> frozenset[int]:
    """Hash a list for look-ups."""
    return frozenset(map(features.word_key, training_grades.words_of(words)))


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
