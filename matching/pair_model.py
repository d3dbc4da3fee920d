"""The learned pair scorer as it is stored and used: small trees over the numbers of ``evidence``, then a look at the rivals.

Stored as plain arrays and one JSON text: reading it needs numpy and no pickle, using it needs no scikit-learn.
"""

import json
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matching import evidence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MODEL_PATH = Path(__file__).parent / "model" / "matcher.npz"
FORMAT = 1
BEHIND, LEAD = -6.0, 1.5  # in log-odds: how far a lead over a rival counts; to have no rival counts as a full lead
BATCH = 4096
ARRAYS = ("column", "threshold", "left", "right", "value", "roots")


class ModelError(Exception):
    """The model file is missing or was made for other code: train it again."""


@dataclass(frozen=True)
class PairModel:
    """``trees`` holds one entry per node, trees one after the other; a leaf points at itself."""

    trees: Mapping[str, "NDArray[Any]"]
    depth: int
    intercept: float
    final: tuple[float, ...]  # of: own score, lead over the rivals here, lead over the rivals there, constant
    figures: Mapping[str, float]
    about: Mapping[str, Any]

    def scores(self, rows: "Sequence[Sequence[float]] | Floats") -> "Floats":
        """Return one log-odds per pair, looked at by itself."""
        import numpy as np

        table = np.asarray(rows, dtype=np.float32).reshape(len(rows), len(evidence.NAMES))
        parts = [self._walk(table[start : start + BATCH]) for start in range(0, len(table), BATCH)]
        return (np.concatenate(parts) if parts else np.zeros(0)) - _contradictions(table)

    def _walk(self, table: "Floats") -> "Floats":
        """Go down all trees at once, one level at a time."""
        import numpy as np

        column, threshold, left, right, value, roots = (self.trees[name] for name in ARRAYS)
        flat, lines = table.ravel(), np.arange(len(table))[:, None] * table.shape[1]
        at = np.repeat(roots[None, :], len(table), axis=0)
        for _ in range(self.depth):  # ``take`` is several times as fast as an index in brackets
            goes_left = flat.take(lines + column.take(at)) <= threshold.take(at)
            at = np.where(goes_left, left.take(at), right.take(at))
        total: Floats = self.intercept + value.take(at).sum(axis=1, dtype=np.float64)
        return total

    def chances(self, scores: "Floats", lead_mine: "Floats", lead_theirs: "Floats") -> "Floats":
        """Return calibrated chances. A lead is the own score minus that of the best rival, `LEAD` where there is none."""
        import numpy as np

        own, mine, theirs, constant = self.final
        total = own * scores + mine * lead_mine.clip(BEHIND, LEAD) + theirs * lead_theirs.clip(BEHIND, LEAD) + constant
        chances: Floats = 1 / (1 + np.exp(-total.clip(-30, 30)))
        return chances


def _contradictions(table: "Floats") -> "Floats":
    """Return what is taken away from each pair for what sets two clients apart for good."""
    import numpy as np

    names = list(evidence.NAMES)
    total: Floats = np.zeros(len(table))
    for name, least, worth in evidence.CONTRADICTIONS:
        total += np.where(table[:, names.index(name)] >= least, worth, 0.0)
    return total


_lock = threading.Lock()
_model: PairModel | None = None


def loaded() -> PairModel:
    """Return the model, reading its file at first use; safe to call from several threads."""
    global _model
    if _model is None:
        with _lock:
            if _model is None:
                _model = read(MODEL_PATH)
    return _model


def read(path: Path) -> PairModel:
    """Read a model file, or say in one sentence why it must be trained again."""
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            about = json.loads(bytes(stored["about"]))
            _check(about, path)
            trees = {name: stored[name] for name in ARRAYS}
    except FileNotFoundError:
        raise ModelError(f"There is no matcher model at {path.name}: run manage.py train_matcher.") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"The matcher model {path.name} cannot be read: run manage.py train_matcher.") from error
    widened = {
        name: array.astype(np.int32 if array.dtype.kind in "iu" else np.float32) for name, array in trees.items()
    }
    return PairModel(widened, about["depth"], about["intercept"], tuple(about["final"]), about["figures"], about)


def _check(about: Mapping[str, Any], path: Path) -> None:
    found = about.get("format"), about.get("features"), about.get("names")
    if found != (FORMAT, evidence.VERSION, list(evidence.NAMES)):
        raise ModelError(
            f"The matcher model {path.name} was made for format {found[0]}, features {found[1]}, but this version needs "
            f"format {FORMAT}, features {evidence.VERSION} ({len(evidence.NAMES)} of them): run manage.py train_matcher."
        )


def write(model: PairModel, path: Path) -> None:
    """Store a model; the same model gives the same bytes."""
    import numpy as np

    about = {
        **model.about,
        "format": FORMAT,
        "features": evidence.VERSION,
        "names": list(evidence.NAMES),
        "depth": model.depth,
        "intercept": model.intercept,
        "final": list(model.final),
        "figures": dict(model.figures),
    }
    text = np.frombuffer(json.dumps(about, sort_keys=True).encode(), dtype=np.uint8)
    arrays: dict[str, Any] = {"about": text, **model.trees}
    with path.open("wb") as file:  # an open file, because numpy would add an ending of its own to a path
        np.savez_compressed(file, **arrays)
