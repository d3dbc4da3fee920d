"""Person or organisation, side by side with others on the same names: registers that our model did not see, hard names.

``python -m bench.kinds`` prints this part alone. The folder of names is ``NAMES_DIR``; without it only the hard names and the
sandbox's names are measured. ``NAMES_INDEX`` is the index of well-known names that the shipped model was trained with.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import kind_peers
from matching import kind_figures
from sandbox import worlds

NAMES_DIR = Path(os.environ.get("NAMES_DIR", Path(__file__).resolve().parents[2] / "shared" / "data" / "names"))
INDEX = Path(os.environ["NAMES_INDEX"]) if "NAMES_INDEX" in os.environ else None
ROUNDS = 5_000
Set = tuple[list[str], list[bool], list[bool] | None]


def sets() -> dict[str, Set]:
    """Names, truth and, where the shipped model has seen the names, what a model that has not says."""
    hard = kind_figures.hard_names()
    found: dict[str, Set] = {"hard names": ([n for n, _, _ in hard], [is_person for _, is_person, _ in hard], None)}
    found |= left_out() if (NAMES_DIR / "train.csv").is_file() else {}
    world = worlds.build({"xero": ROUNDS, "karbon": 10, "overlap": 0, "conflicts": 0, "seed": 12})
    kinds = {row["xero"]: row["kind"] for row in world.truth}
    made = [(c["Name"], kinds[c["ContactID"]] == kind_peers.PERSON) for c in world.xero]
    found["sandbox names"] = ([n for n, _ in made], [is_person for _, is_person in made], None)
    return found


def left_out() -> dict[str, Set]:
    """Each source with a partner of the other kind, classified by a model that saw neither."""
    from matching import training, training_corpus

    corpus = training_corpus.read_corpus(NAMES_DIR, (), INDEX)
    folds = list(training.left_out_folds(corpus, lambda line: None))
    found: dict[str, Set] = {}
    for fold in folds:
        calibrated = training.calibration([f for f in folds if f is not fold])
        names = [corpus.rows[i].name for i in fold.rows]
        found[fold.left_out] = (names, fold.labels.tolist(), (calibrated.applied(fold.scores, fold.bare) >= 0).tolist())
    return found


def table() -> list[dict[str, Any]]:
    """Macro-F1 per set and subject, then names a second and memory, with ours over the best other."""
    measured = sets()
    everything = [name for names, _, _ in measured.values() for name in names]
    ran = {subject: kind_peers.measure(subject, everything) for subject in kind_peers.SUBJECTS}
    rows = []
    at = 0
    for title, (names, truth, unseen) in measured.items():
        guesses = {s: [kind == kind_peers.PERSON for kind in r["kinds"][at : at + len(names)]] for s, r in ran.items()}
        guesses["ours"] = unseen if unseen is not None else guesses["ours"]
        at += len(names)
        scores = {subject: kind_figures.macro_f1(np.array(truth), np.array(g)) for subject, g in guesses.items()}
        rows.append(row(f"kind, macro-F1: {title} ({len(names):,})", scores, max))
    speeds = {subject: len(everything) / r["seconds"] for subject, r in ran.items()}
    rows.append(row("kind, names a second of processor time", speeds, max))
    rows.append(row("kind, peak memory, MB", {subject: r["memory"] for subject, r in ran.items()}, min))
    return rows


def row(what: str, values: dict[str, float], best: Any) -> dict[str, Any]:
    """One line as `bench` prints it, beside the best of the others, with all of them kept in the JSON."""
    others = {subject: value for subject, value in values.items() if subject != "ours"}
    name = best(others, key=lambda subject: others[subject])
    return {
        "what": what,
        "ours": round(values["ours"], 4),
        "yardstick": name,
        "theirs": round(others[name], 4),
        "ratio": round(values["ours"] / others[name], 3) if others[name] else None,
        "all": {subject: round(value, 4) for subject, value in values.items()},
    }


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """All subjects beside each other."""
    subjects = list(kind_peers.SUBJECTS)
    head = f"{'':62}" + "".join(f"{subject:>22}" for subject in subjects)
    return [head, *(f"{r['what']:62}" + "".join(f"{r['all'][s]:>22,}" for s in subjects) for r in rows)]


if __name__ == "__main__":
    print("\n".join(lines(table())))
