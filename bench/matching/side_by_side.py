"""Runs every subject over every pair of books, each in its own process, and lays our figure beside each of theirs.

The development set is measured with groups of related contacts left out, so our figure is not one of contacts that the
stored model has seen. FEBRL4 is measured with the stored model, which never saw it. Peers get the cut that suits them
best; ours is cut at the even chance on the development set, and at its best cut like theirs on FEBRL4.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.matching import books, memory, peers
from bench.matching.evaluate import Quality, quality

ROOT = Path(__file__).resolve().parents[2]
SPEED_COPIES, SPEED_RUNS = 4, 3  # four times the 5,000: 20,000 a side
Row = dict[str, Any]


def rows() -> Iterator[Row]:
    """Yield the rows of the table. The development set is a folder named by ``MATCH_DATA``; without it FEBRL4 alone is met."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if data := os.environ.get("MATCH_DATA"):
            dev = books.dev(Path(data))
            yield from _dev(dev, Path(data), folder)
            yield from _speed(dev, folder)
        else:
            print("MATCH_DATA names no folder with list_a.csv, list_b.csv and gold.csv: only FEBRL4 is matched.")
        yield from _febrl(folder)
    yield from _whole_book()


def run(subject: str, book: books.Books, folder: Path) -> tuple[dict[str, float], list[tuple[str, str, float]]]:
    """Run one subject; return seconds and memory, and its scored pairs."""
    mine, theirs = book.write(folder)
    out = folder / "pairs.csv"
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "bench.matching.subject",
        subject,
        str(mine),
        str(theirs),
        str(out),
    ]
    told, complaints = folder / "told", folder / "complaints"
    with told.open("w") as out_file, complaints.open("w") as error_file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out_file, stderr=error_file, text=True)
        peak = memory.peak_of(process)
    if process.returncode:
        raise RuntimeError(f"{subject} failed: {complaints.read_text()[-2000:]}")
    figures = json.loads(told.read_text().strip().splitlines()[-1])
    figures["mb"] = peak or figures["mb"]
    return figures, pairs_of(out, is_ours=subject == "ours")


def pairs_of(path: Path, *, is_ours: bool) -> list[tuple[str, str, float]]:
    with path.open(newline="", encoding="utf-8") as source:
        if is_ours:
            return [(r["xero_id"], r["karbon_id"], float(r["score"])) for r in csv.DictReader(source) if r["karbon_id"]]
        return [(one, other, float(score)) for one, other, score in csv.reader(source)]


def _dev(dev: books.Books, data: Path, folder: Path) -> Iterator[Row]:
    from matching import pair_training

    _, figures = pair_training.train(data)
    ours = figures["as exported"]
    for subject in peers.SUBJECTS:
        _, pairs = run(subject, dev, folder)
        theirs = quality(pairs, dev.gold)
        yield line("match dev, F1 (ours cross-validated)", ours.f1, theirs.f1, subject)
        yield line("match dev, right candidate first", ours.first, theirs.first, subject)
    _, pairs = run("ours", dev, folder)
    full = _full_pairs(folder / "pairs.csv")
    right = sum(dev.gold.get(one) == other for one, other in full)
    yield line("match dev, precision of full matches", right / max(1, len(full)), 1.0, f"of {len(full):,}")


def _full_pairs(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8") as source:
        return [(row["xero_id"], row["karbon_id"]) for row in csv.DictReader(source) if row["category"] == "full"]


def _febrl(folder: Path) -> Iterator[Row]:
    book = books.febrl4()
    for what, shown in (("FEBRL4", book), ("FEBRL4, names only", _names_only(book))):
        ours = _quality_of("ours", shown, folder)
        for subject in peers.SUBJECTS:
            if subject != "exact rule":
                yield line(f"match {what}, F1", ours.f1, _quality_of(subject, shown, folder).f1, subject)


def _names_only(book: books.Books) -> books.Books:
    return books.Books(
        [{**row, "address": ""} for row in book.mine], [{**row, "address": ""} for row in book.theirs], book.gold
    )


def _quality_of(subject: str, book: books.Books, folder: Path) -> Quality:
    return quality(run(subject, book, folder)[1], book.gold)


def _speed(dev: books.Books, folder: Path) -> Iterator[Row]:
    """The fastest of some runs each, taken in turn, so that what else the machine does counts less."""
    for copies in (1, SPEED_COPIES):
        book = books.multiplied(dev, copies)
        runs = [[run(subject, book, folder)[0] for subject in ("ours", "Splink")] for _ in range(SPEED_RUNS)]
        size = f"{len(book.mine):,} × {len(book.theirs):,}"
        for what, figure, choose in (("seconds", "seconds", min), ("peak MB", "mb", max)):
            ours, theirs = (choose(each[figure] for each in own) for own in zip(*runs, strict=True))
            yield line(f"match {size}, {what}", ours, theirs, "Splink")


def _whole_book() -> Iterator[Row]:
    """Categorise a whole book, then run the pipeline's own step, which also links, holds and asks for creations."""
    small, large = (_book_of("decide", size) for size in (10_000, 100_000))
    yield line("decide 100,000 × 100,000, seconds", large["seconds"], 10 * small["seconds"], "10 × 10,000")
    yield line("decide 100,000 × 100,000, queries a chunk", large["queries"], small["queries"], "10,000")
    first, *others = large["mb_tenths"]
    for tenth, mb in enumerate(others, 2):
        yield line(f"decide 100,000 × 100,000, MB after {tenth}0,000", mb, first, "after 10,000")
    small, large = (_book_of("match", size) for size in (1_000, 5_000))
    yield line("match step 5,000 × 5,000, seconds", large["seconds"], 5 * small["seconds"], "5 × 1,000")
    yield line("match step 5,000 × 5,000, queries a contact", large["queries"], small["queries"], "1,000")
    yield line("match step 5,000 × 5,000, peak MB", large["mb"], small["mb"], "1,000")


def _book_of(step: str, size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.matching.whole_book", step, str(size)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def line(what: str, ours: float, theirs: float, name: str) -> Row:
    ratio = round(ours / theirs, 3) if theirs else None
    return {"what": what, "ours": round(ours, 4), "yardstick": name, "theirs": round(theirs, 4), "ratio": ratio}


if __name__ == "__main__":
    for row in rows():
        print(
            f"{row['what']:45}{row['ours']:>12,}{row['theirs']:>12,}{row['ratio']!s:>9}  {row['yardstick']}", flush=True
        )
