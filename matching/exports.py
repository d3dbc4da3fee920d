"""Match two exports offline: the same rule and the same scorer as the sync, over files of any size.

Twice through the first book: once to score every pair worth it, once to weigh each pair against its rivals.
"""

import json
import sqlite3
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from contacts.models import LOOKALIKE_THRESHOLD
from matching import forking, matcher, pair_model, reasons, search
from matching.file_shelf import CHUNK, FileShelf, opened
from matching.matcher import Category, Counterpart, Decision, Keys
from matching.pair_model import LEAD
from matching.profiles import Record
from matching.suggestions import LEAST, MOST

ALONE = 2 * CHUNK  # contacts up to which one process does it all
SURE = 8.0  # log-odds of a full match, as a rival of others
WORDED_FROM = -6.0  # log-odds below which nobody reads the reasons
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the answer; ``karbon_id`` is blank where nobody fits."""

    xero_id: str
    karbon_id: str
    category: Category
    score: float
    reason: str


def match(
    mine: Iterable[Record], theirs: Iterable[Record], *, hold_from: float = LOOKALIKE_THRESHOLD / 100,
    progress: Progress = lambda text: None,
) -> Iterator[Row]:  # fmt: skip
    """Yield one row per possible match, the best first, in the order of the first book."""
    with tempfile.TemporaryDirectory() as name, closing(opened(Path(name) / "answers")) as answers:
        ours, others = FileShelf(Path(name), "mine"), FileShelf(Path(name), "theirs")
        with closing(ours), closing(others):
            _fill(ours, mine, others, theirs, progress)
            _score(answers, ours, others, progress)
            yield from _answers(answers, ours, others, hold_from, progress)


def _fill(
    ours: FileShelf, mine: Iterable[Record], others: FileShelf, theirs: Iterable[Record], progress: Progress
) -> None:
    """Take both exports in, at the same time where there is enough to do."""
    mine = iter(mine)
    begun = list(islice(mine, ALONE))
    mine = chain(begun, mine)
    if len(begun) < ALONE or forking.processors() < 2:
        _take_in(ours, mine, "Xero", progress)
        _take_in(others, theirs, "Karbon", progress)
        return
    with forking.copies(1, lambda _: deque(ours.fill(mine, remember=False), maxlen=0)) as pool:
        elsewhere = pool.apply_async(forking.call)
        _take_in(others, theirs, "Karbon", progress)
        elsewhere.get()
    ours.reopen()


def _take_in(shelf: FileShelf, records: Iterable[Record], whose: str, progress: Progress) -> None:
    for size in shelf.fill(records):
        progress(f"{whose}: {size:,} contacts read")


Compared = tuple[list[tuple[object, ...]], list[tuple[object, ...]]]


def _score(answers: sqlite3.Connection, ours: FileShelf, others: FileShelf, progress: Progress) -> None:
    """First time through: decide by the rule, score every pair worth it, and keep both."""
    answers.execute("CREATE TABLE pairs (mine INTEGER, theirs INTEGER, score REAL, why TEXT, is_related INTEGER)")
    answers.execute("CREATE TABLE decided (mine INTEGER PRIMARY KEY, category TEXT, reason TEXT, full INTEGER)")
    done = 0
    for decided, pairs in _compared(ours, others):
        answers.executemany("INSERT INTO decided VALUES (?,?,?,?)", decided)
        answers.executemany("INSERT INTO pairs VALUES (?,?,?,?,?)", pairs)
        done += len(decided)
        progress(f"{done:,} contacts compared")
    answers.execute("CREATE INDEX pairs_mine ON pairs (mine)")
    answers.execute("CREATE INDEX pairs_theirs ON pairs (theirs, score)")
    answers.execute("CREATE INDEX taken ON decided (full)")


def _compared(ours: FileShelf, others: FileShelf) -> Iterator[Compared]:
    """Compare chunk by chunk, on every processor where there is enough to do."""
    pair_model.loaded()  # once, before there are several processes
    starts = range(1, ours.size + 1, CHUNK)
    count = min(forking.processors(), len(starts) // 2)
    if count < 2:
        yield from (_compare(start, ours, others) for start in starts)
        return

    def begin() -> None:
        ours.reopen()
        others.reopen()

    with forking.copies(count, lambda start: _compare(start, ours, others), begin) as pool:
        yield from pool.imap(forking.call, starts)


def _compare(start: int, ours: FileShelf, others: FileShelf) -> Compared:
    """Return the decisions and the scored pairs of one chunk, as rows."""
    records = ours.records(range(start, min(start + CHUNK, ours.size + 1)))
    keys = {number: ours.keys_of(record) for number, record in records.items()}
    near = others.related(keys)
    decisions = {number: _decide(number, keys[number], near[number], ours) for number in records}
    related = {number: [int(o.id) for o in decision.counterparts] for number, decision in decisions.items()}
    unsure = [n for n, decision in decisions.items() if decision.category is not Category.FULL]
    pairs = search.pairs(list(ours.profiles(unsure).values()), ours, others, also={n: related[n] for n in unsure})
    rows: list[tuple[object, ...]] = [
        (n, related[n][0], SURE, "[]", True) for n, d in decisions.items() if d.category is Category.FULL
    ]
    for pair in pairs:
        is_related = pair.theirs in related[int(pair.mine)]
        why = reasons.reasons(pair.evidence) if is_related or pair.score > WORDED_FROM else ()
        rows.append((pair.mine, pair.theirs, pair.score, json.dumps(why), is_related))
    return [_decided_row(item) for item in decisions.items()], rows


def _decide(number: int, keys: Keys, related: list[Counterpart], ours: FileShelf) -> Decision:
    is_doubtful = any(keys.shares_both(other.keys) for other in related) and ours.has_rival(number, keys)
    return matcher.decide(keys, related, has_rival=is_doubtful)


def _decided_row(item: tuple[int, Decision]) -> tuple[object, ...]:
    number, decision = item
    full = decision.counterparts[0].id if decision.category is Category.FULL else None
    return number, decision.category.value, decision.reason, full


_RANKED = """
SELECT p.mine, p.theirs, p.score, p.why, p.is_related,
    (SELECT MAX(q.score) FROM pairs q WHERE q.mine = p.mine AND q.theirs <> p.theirs),
    (SELECT q.score FROM pairs q WHERE q.theirs = p.theirs AND q.mine <> p.mine ORDER BY q.score DESC LIMIT 1),
    EXISTS (SELECT 1 FROM decided d WHERE d.full = p.theirs AND d.mine <> p.mine)
FROM pairs p WHERE p.mine BETWEEN ? AND ?
"""


@dataclass(frozen=True, slots=True)
class _Found:
    theirs: int
    chance: float
    why: tuple[str, ...]
    is_related: bool
    is_taken: bool


def _answers(
    answers: sqlite3.Connection, ours: FileShelf, others: FileShelf, hold_from: float, progress: Progress
) -> Iterator[Row]:
    """Second time through: weigh each pair against its rivals, and answer."""
    for start in range(1, ours.size + 1, CHUNK):
        last = min(start + CHUNK, ours.size + 1) - 1
        found = _chances(answers.execute(_RANKED, (start, last)).fetchall())
        here = ours.ids(range(start, last + 1))
        there = others.ids({each.theirs for own in found.values() for each in own})
        decided = answers.execute("SELECT mine, category, reason, full FROM decided WHERE mine BETWEEN ? AND ?", (start, last))  # fmt: skip
        for number, category, reason, full in decided.fetchall():
            own = found.get(number, [])
            if full is not None:
                own = [_Found(full, 1.0, (), True, False)]
            yield from _rows(here[number], Category(category), reason, own, there, hold_from)
        progress(f"{last:,} contacts matched")


def _chances(rows: list[tuple[int, int, float, str, int, float | None, float | None, int]]) -> dict[int, list[_Found]]:
    if not rows:
        return {}
    scores = np.array([row[2] for row in rows])
    leads = [np.array([LEAD if row[at] is None else row[2] - row[at] for row in rows]) for at in (5, 6)]  # type: ignore[operator]
    chances = pair_model.loaded().chances(scores, *leads).tolist()
    found: dict[int, list[_Found]] = {}
    for row, chance in zip(rows, chances, strict=True):
        found.setdefault(row[0], []).append(
            _Found(row[1], chance, tuple(json.loads(row[3])), bool(row[4]), bool(row[7]))
        )
    for own in found.values():
        own.sort(key=lambda each: -each.chance)
    return found


def _rows(
    xero_id: str, category: Category, reason: str, found: list[_Found], there: object, hold_from: float
) -> Iterator[Row]:
    assert isinstance(there, dict)
    least = min(hold_from, LEAST)
    if category is Category.NONE:
        free = [each for each in found if not each.is_taken]
        if not free or free[0].chance < hold_from:
            yield Row(xero_id, "", Category.NONE, 0.0, "")
            return
        category = Category.SIMILAR
        found = [each for each in free if each.chance >= least][:MOST]
    elif category is Category.CONFLICT:
        likely = [each for each in found if each.chance >= least][:MOST]
        found = [each for each in found if each.is_related or each in likely]
    for each in found:
        why = "; ".join((*((reason,) if category is not Category.SIMILAR else ()), *each.why))
        yield Row(xero_id, there[each.theirs], category, round(each.chance, 6), why)
