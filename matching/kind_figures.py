"""The classifier's figures, old against new: what is measured, how it is shown, and when a new model is worse."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from matching.classifier import PERSON, Guess, Model, Name, Taught
from matching.features import word_key

HARD_NAMES = Path(__file__).parent / "model" / "hard_names.csv"
LEFT_OUT_SLACK, HARD_SLACK = 0.002, 0.005

Classify = Callable[[Sequence[Name]], list[Guess]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the comparison; None where there is nothing to measure."""

    what: str
    old: float | None
    new: float | None
    slack: float

    @property
    def is_worse(self) -> bool:
        """Did the new model lose more than chance explains?"""
        return self.old is not None and self.new is not None and self.new < self.old - self.slack


@lru_cache(maxsize=1)
def hard_names() -> list[tuple[str, bool, str]]:
    """Return the names written to measure by, whether each is a person, and its class; no model learns from them."""
    with HARD_NAMES.open(encoding="utf-8", newline="") as file:
        return [(row["name"], row["label"] == PERSON, row["class"]) for row in csv.DictReader(file)]


def hard_f1(classify: Classify) -> float:
    """Return the macro-F1 of a classifier on the hard names."""
    guesses = classify([Name(name) for name, _, _ in hard_names()])
    return macro_f1([is_person for _, is_person, _ in hard_names()], [g.kind == PERSON for g in guesses])


def macro_f1(truth: Sequence[bool] | NDArray[np.bool_], guesses: Sequence[bool] | NDArray[np.bool_]) -> float:
    return float(f1_score(truth, guesses, average="macro"))


def share_right(guesses: Sequence[Guess], decisions: Sequence[Taught]) -> float:
    """Return how often guesses agree with what people said."""
    return float(np.mean([(g.kind == PERSON) == said.is_person for g, said in zip(guesses, decisions, strict=True)]))


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Return the mean gap between confidence and share of right answers over equal bins of confidence (ECE)."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[which == b].mean() - right[which == b].mean()) * (which == b).sum() for b in set(which.tolist())
    ]
    return float(sum(gaps) / len(confidence))


def compared(old: Model | None, new: Model, decisions: Sequence[Taught], unseen: Sequence[Guess]) -> list[Figure]:
    """Put old and new side by side.

    `unseen` are guesses on the decisions by models that had not learned them; decisions that the old one has learned are
    no measure of it and stay out.
    """
    both = sorted(set(old.figures) & set(new.figures)) if old else []
    figures = [
        Figure(
            f"left-out sources, mean macro-F1 ({len(both or new.figures)})",
            _mean(old, both) if old and both else None,
            _mean(new, both or sorted(new.figures)),
            LEFT_OUT_SLACK,
        ),
        Figure("hard names, macro-F1", hard_f1(old.classify) if old else None, hard_f1(new.classify), HARD_SLACK),
    ]
    fresh = [i for i, said in enumerate(decisions) if not old or word_key(said.name.name) not in old.taught]
    if fresh:
        said = [decisions[i] for i in fresh]
        before = share_right(old.classify([each.name for each in said]), said) if old else None
        after = share_right([unseen[i] for i in fresh], said)
        figures.append(Figure(f"new decisions of people, share right ({len(said)})", before, after, 1 / len(said)))
    return figures


def _mean(model: Model, sources: Sequence[str]) -> float:
    return float(np.mean([model.figures[source] for source in sources]))


def lines(figures: Sequence[Figure]) -> Iterator[str]:
    """Lay the comparison out for reading."""
    yield f"{'':<50} {'old':>8} {'new':>8}"
    for figure in figures:
        old, new = (f"{value:.4f}" if value is not None else "-" for value in (figure.old, figure.new))
        yield f"{figure.what:<50} {old:>8} {new:>8}{'  worse' if figure.is_worse else ''}"
