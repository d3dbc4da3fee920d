"""Person or organisation: what a Xero contact becomes in Karbon when no match exists.

The model is linear over hashed features (`matching.features`) and trained by scikit-learn (`matching.training`).
It is stored as plain arrays, so that reading it needs neither scikit-learn nor a pickle, and nothing is read before
the first name is asked for.
"""

import json
import math
import re
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matching import features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

PERSON = "PERSON"
ORGANISATION = "ORGANISATION"
MODEL_PATH = Path(__file__).parent / "model" / "classifier.npz"
FORMAT = 3
NGRAM_WEIGHT = 4.0
BATCH = 4096
HASHED = ("brands", "openings", "words", "frequent", "places")
SURE = 0.9  # below this a person is asked to look at the kind
PERSON_FROM = 2 / 3  # what is created when not sure: see `Guess.safer_kind`

# Set by hand, in units of log-odds: the training data has names only.
SPELLED_BY_FIRST_AND_LAST = 4.0
EMAIL_HINT = 1.0
KNOWN_ORGANISATION = 8.5

_ROLE_MAILBOXES_TEXT = (
    "accounts accountspayable admin ap ar billing bookings contact enquiries enquiry finance hello info invoices "
    "mail office orders payable payables reception sales service support team"
)
_ROLE_MAILBOXES = frozenset(_ROLE_MAILBOXES_TEXT.split())
_HOME_PROVIDERS_TEXT = (
    "gmail googlemail hotmail outlook live yahoo ymail icloud me xtra bigpond optusnet btinternet aol msn protonmail"
)
_HOME_PROVIDERS = frozenset(_HOME_PROVIDERS_TEXT.split())
_WORD = re.compile(r"[^\W_]+")


class ModelError(Exception):
    """The model file is missing or was made for other code: train it again."""


@dataclass(frozen=True, slots=True)
class Name:
    """What the classifier may look at. First and last name count only where together they spell the name."""

    name: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Guess:
    """PERSON or ORGANISATION with the calibrated chance that this is right; a blank name gets "" and 0."""

    kind: str
    confidence: float

    @property
    def is_sure(self) -> bool:
        """Is it sure enough to be created without anybody looking at it?"""
        return self.confidence >= SURE

    @property
    def safer_kind(self) -> str:
        """What to create: the kind, but PERSON only from a chance of two thirds on.

        Karbon can neither convert nor delete, and a person taken for an organisation does about half the harm of the
        opposite: an organisation holds any name whole, while a person needs a first and a last name, so that a firm's name
        is cut in two, and one of a single word is refused.
        """
        return PERSON if self.kind == PERSON and self.confidence >= PERSON_FROM else ORGANISATION


@dataclass(frozen=True, slots=True)
class Taught:
    """One name with the kind that a person gave it."""

    name: Name
    is_person: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns raw scores into true log-odds, as (slope, offset): bare names (`features.Features`) deserve less trust."""

    telling: tuple[float, float] = (1.0, 0.0)
    bare: tuple[float, float] = (1.0, 0.0)

    def applied(self, raw: "Floats", is_bare: "NDArray[np.bool_]") -> "Floats":
        """Return calibrated log-odds."""
        import numpy as np

        slope, offset = (np.where(is_bare, b, t) for t, b in zip(self.telling, self.bare, strict=True))
        scores: Floats = slope * raw + offset
        return scores


@dataclass(frozen=True, slots=True)
class Model:
    """The stored weights and word lists. Positive scores say PERSON.

    `figures` are the macro-F1 of each left-out source when it was trained, `taught` the hashed names that people decided.
    """

    ngrams: "Floats"
    symbols: "Floats"
    intercept: float
    calibration: Calibration
    lexicon: features.Lexicon
    trained_with: str
    figures: Mapping[str, float] = field(default_factory=dict)
    taught: frozenset[int] = frozenset()

    def classify(self, names: Sequence[Name]) -> list[Guess]:
        """Say for each name whether it is a person or an organisation."""
        guesses: list[Guess] = []
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            scores = self.scores([n.name for n in batch]).tolist()
            guesses += [_guess(name, score) for name, score in zip(batch, scores, strict=True)]
        return guesses

    def scores(self, names: Sequence[str]) -> "Floats":
        """Return one calibrated log-odds per name."""
        import numpy as np

        rows = [features.extract(name, self.lexicon) for name in names]
        ngrams, counts = _summed(self.ngrams, [row.ngrams for row in rows])
        symbols, _ = _summed(self.symbols, [row.symbols for row in rows])
        raw = NGRAM_WEIGHT * ngrams / counts.clip(1) ** 0.5 + symbols + self.intercept
        known = np.array([row.is_known for row in rows], dtype=bool)
        bare = np.array([row.is_bare for row in rows], dtype=bool)
        return self.calibration.applied(raw, bare) - KNOWN_ORGANISATION * known


def _summed(weights: "Floats", rows: list[list[int]]) -> tuple["Floats", "Floats"]:
    """Add up the weights of each row's features; also return how many there were."""
    import numpy as np

    counts = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    flat = np.fromiter((i for row in rows for i in row), dtype=np.int64, count=int(counts.sum()))
    ends = np.cumsum(counts)
    running = np.concatenate([[0.0], np.cumsum(weights[flat], dtype=np.float64)])
    return running[ends] - running[ends - counts], counts.astype(np.float64)


def classify(names: Sequence[Name]) -> list[Guess]:
    """Say for each name whether it is a person or an organisation. Raises `ModelError`."""
    return loaded_model().classify(names)


def classify_one(name: str, *, first_name: str = "", last_name: str = "", email: str = "") -> Guess:
    """Say whether one name is a person or an organisation."""
    return classify([Name(name, first_name, last_name, email)])[0]


def _guess(name: Name, score: float) -> Guess:
    if not name.name.strip():
        return Guess("", 0.0)
    if name.first_name and name.last_name and _spells(name):
        score += SPELLED_BY_FIRST_AND_LAST
    if name.email:
        score += EMAIL_HINT * _email_hint(name)
    chance = 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
    return Guess(PERSON, chance) if chance >= 0.5 else Guess(ORGANISATION, 1 - chance)


def _spells(name: Name) -> bool:
    """Do first and last name spell the whole name, in either order? Firms carry a contact person's name there too."""
    first, last, whole = (_WORD.findall(features.fold(part)) for part in (name.first_name, name.last_name, name.name))
    return bool(first and last) and whole in (first + last, last + first)


def _email_hint(name: Name) -> float:
    """Return 1 for a private mailbox that carries the name, -1 for a role mailbox or a domain that carries the name."""
    local, _, domain = features.fold(name.email).rpartition("@")
    words = [w for w in _WORD.findall(features.fold(name.name)) if len(w) > 2]
    host = domain.partition(".")[0]
    if host in _HOME_PROVIDERS:
        return 1.0 if any(word in local for word in words) else 0.0
    if local in _ROLE_MAILBOXES or (len(words) > 1 and host.startswith("".join(words[:2]))):
        return -1.0
    return 0.0


_lock = threading.Lock()
_model: Model | None = None


def loaded_model() -> Model:
    """Return the model, reading its file at first use; safe to call from several threads."""
    global _model
    if _model is None:
        with _lock:
            if _model is None:
                _model = read_model(MODEL_PATH)
    return _model


def read_model(path: Path) -> Model:
    """Read a model file, or say in one sentence why it must be trained again."""
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            about = json.loads(bytes(stored["about"]))
            _check_versions(about, path)
            return _model_from(about, stored)
    except FileNotFoundError:
        raise ModelError(f"There is no classifier model at {path.name}: run manage.py train_classifier.") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"The classifier model {path.name} cannot be read: run manage.py train_classifier.") from error


def _check_versions(about: dict[str, Any], path: Path) -> None:
    wanted = {"format": FORMAT, "features": features.VERSION}
    found = {key: about.get(key) for key in wanted}
    if found != wanted:
        raise ModelError(
            f"The classifier model {path.name} was made for format {found['format']}, features {found['features']}, "
            f"but this version needs format {FORMAT}, features {features.VERSION}: run manage.py train_classifier."
        )


def _model_from(about: dict[str, Any], stored: Any) -> Model:
    import numpy as np

    sets = {name: frozenset(stored[name].tolist()) for name in HASHED}
    lexicon = features.Lexicon(
        classes=about["classes"],
        names=dict(zip(stored["names"].tolist(), stored["grades"].tolist(), strict=True)),
        **sets,
    )
    return Model(
        ngrams=stored["ngrams"].astype(np.float32),
        symbols=stored["symbols"].astype(np.float32),
        intercept=about["intercept"],
        calibration=Calibration(*(tuple(pair) for pair in about["calibration"])),
        lexicon=lexicon,
        trained_with=about["scikit_learn"],
        figures=about["figures"],
        taught=frozenset(about["taught"]),
    )


def write_model(model: Model, path: Path) -> None:
    """Store a model as arrays and one JSON text; the same model gives the same bytes."""
    import numpy as np

    about = {
        "format": FORMAT,
        "features": features.VERSION,
        "scikit_learn": model.trained_with,
        "intercept": model.intercept,
        "calibration": [model.calibration.telling, model.calibration.bare],
        "classes": dict(model.lexicon.classes),
        "figures": dict(model.figures),
        "taught": sorted(model.taught),
    }
    keys = sorted(model.lexicon.names)
    arrays: dict[str, Any] = dict(
        about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
        ngrams=model.ngrams.astype(np.float16),
        symbols=model.symbols.astype(np.float16),
        names=np.array(keys, dtype=np.uint32),
        grades=np.array([model.lexicon.names[key] for key in keys], dtype=np.uint8),
        **{name: np.array(sorted(getattr(model.lexicon, name)), dtype=np.uint32) for name in HASHED},
    )
    with path.open("wb") as file:  # an open file, because numpy would add an ending of its own to a path
        np.savez_compressed(file, **arrays)
