"""An exported address book as a shelf in temporary files, so that memory does not grow with the export."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from matching import blocking, matcher
from matching.key_file import KeyFile
from matching.matcher import Counterpart, Keys
from matching.profiles import Profile, Record, profile
from matching.search import Id

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.integer[Any]]

CHUNK = 500
REMEMBERED = 25_000  # profiles kept, so that most are read once: some 50 MB at most
_VALUES = "name, email, phone, address, kind, first_name, last_name"


class FileShelf:
    """One side's records, numbered in the order of the file; the number is the id that the search speaks of.

    ``side`` is "mine" (Xero's export) or "theirs" (Karbon's). The keys are Python's own hashes: good for one process and
    those forked from it. A process forked later calls `reopen`; one may `fill` for another, too.
    """

    def __init__(self, folder: Path, side: str) -> None:
        self.side = side
        self._path = folder / side
        self._keys = KeyFile(folder, side)
        self._known: dict[int, Profile] = {}
        self.size = 0
        self._db = opened(self._path)
        self._run("CREATE TABLE records (number INTEGER PRIMARY KEY, id, " + _VALUES + ", email_key)")
        self._run("CREATE TABLE names (name_key, number)")

    def _run(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        return self._db.execute(statement, values)

    def reopen(self) -> None:
        """Go on with what is in the files, by a connection of one's own."""
        self._db = opened(self._path)
        self._keys.open()
        (self.size,) = self._run("SELECT COUNT(*) FROM records").fetchone()

    def close(self) -> None:
        self._db.close()

    def fill(self, records: Iterable[Record], *, remember: bool = True) -> Iterator[int]:
        """Take in all records; yields how many are in after each chunk.

        Xero's are never looked up, only counted, so they are filed under fewer keys.
        """
        read = self._read if remember else profile
        keys_for = blocking.counted_keys if self.side == "mine" else blocking.keys
        records = iter(records)
        while batch := list(islice(records, CHUNK)):
            numbered = [Record(n, *_values(record)) for n, record in enumerate(batch, self.size + 1)]
            rule_keys = [self.keys_of(record) for record in numbered]
            rows = [
                (record.id, given.id, *_values(record), own.email)
                for given, record, own in zip(batch, numbered, rule_keys, strict=True)
            ]
            self._db.executemany("INSERT INTO records VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
            names = ((name, record.id) for record, own in zip(numbered, rule_keys, strict=True) for name in own.names)
            self._db.executemany("INSERT INTO names VALUES (?,?)", names)
            keys = [keys_for(read(record)) for record in numbered]
            self._keys.add(self.size + 1, [len(own) for own in keys], map(hash, chain.from_iterable(keys)))
            self.size += len(batch)
            yield self.size
        self._keys.finish()
        self._run("CREATE INDEX by_name ON names (name_key, number)")
        self._run("CREATE INDEX by_email ON records (email_key)")
        self._db.commit()

    def _read(self, record: Record) -> Profile:
        read = profile(record)
        if len(self._known) < REMEMBERED:
            self._known[int(record.id)] = read
        return read

    def keys_of(self, record: Record) -> Keys:
        """Return the comparison keys of the matching rule, as the sync has them on this side."""
        if self.side == "mine":
            return matcher.xero_keys(record.name, record.email)
        is_person = record.kind.strip().casefold() in ("person", "contact")
        return matcher.karbon_keys(record.name, record.email, is_person=is_person)

    # --- what the search asks ---

    def _find(self, keys: list[str]) -> tuple["Integers", "Integers"]:
        return self._keys.find(np.fromiter(map(hash, keys), dtype=np.int64, count=len(keys)))

    def counts(self, keys: Collection[str]) -> dict[str, int]:
        asked = list(keys)
        starts, ends = self._find(asked)
        return {key: size for key, size in zip(asked, (ends - starts).tolist(), strict=True) if size}

    def holders(self, keys: Collection[str]) -> dict[str, list[int]]:
        asked = list(keys)
        starts, ends = self._find(asked)
        numbers = self._keys.numbers(starts, ends)
        after = np.cumsum(ends - starts).tolist()
        return {
            key: numbers[start:end] for key, start, end in zip(asked, [0, *after], after, strict=False) if end > start
        }

    def profiles(self, ids: Collection[Id]) -> dict[Id, Profile]:
        numbers = sorted(int(id_) for id_ in ids)
        missing = self.records([number for number in numbers if number not in self._known])
        read = {number: self._read(record) for number, record in missing.items()}
        return {number: read.get(number) or self._known[number] for number in numbers}

    def records(self, numbers: Sequence[int]) -> dict[int, Record]:
        """Return records by number, their number as id."""
        marks = ",".join("?" * len(numbers))
        rows = self._run(f"SELECT number, {_VALUES} FROM records WHERE number IN ({marks})", numbers)  # noqa: S608
        return {row[0]: Record(*row) for row in rows}

    def ids(self, numbers: Collection[int]) -> Mapping[int, str]:
        """Return the ids of the export."""
        marks = ",".join("?" * len(numbers))
        return dict(self._run(f"SELECT number, id FROM records WHERE number IN ({marks})", list(numbers)))  # type: ignore[arg-type]  # noqa: S608

    # --- what the matching rule asks ---

    def related(self, asked: Mapping[int, Keys]) -> dict[int, list[Counterpart]]:
        """Return for each number the records here that share a name or the e-mail with the keys asked for."""
        by_name = self._numbers("SELECT name_key, number FROM names WHERE name_key", {n for k in asked.values() for n in k.names})  # fmt: skip
        by_email = self._numbers("SELECT email_key, number FROM records WHERE email_key", {k.email for k in asked.values()})  # fmt: skip
        near = {
            number: dict.fromkeys([*(n for name in sorted(keys.names) for n in by_name.get(name, ())), *by_email.get(keys.email, ())])
            for number, keys in asked.items()
        }  # fmt: skip
        records = self.records(sorted({n for numbers in near.values() for n in numbers}))
        found = {n: Counterpart(n, self.keys_of(record)) for n, record in records.items()}
        return {number: [found[n] for n in numbers] for number, numbers in near.items()}

    def _numbers(self, select: str, values: Collection[str]) -> dict[str, list[int]]:
        wanted = [value for value in values if value]
        found: dict[str, list[int]] = {}
        for value, number in self._run(f"{select} IN ({','.join('?' * len(wanted))})", wanted):
            found.setdefault(value, []).append(number)
        return found

    def has_rival(self, number: int, keys: Keys) -> bool:
        """Does another record on this side share both keys?"""
        if not keys.email:
            return False
        return any(other.id != number and keys.shares_both(other.keys) for other in self.related({number: keys})[number])  # fmt: skip


def _values(record: Record) -> tuple[str, ...]:
    return (
        record.name, record.email, record.phone, record.address, record.kind, record.first_name,
        record.last_name,
    )  # fmt: skip


def opened(path: Path) -> sqlite3.Connection:
    """Open a scratch database, which nobody needs after a crash."""
    database = sqlite3.connect(path)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = MEMORY", "cache_size = -32768"):
        database.execute(f"PRAGMA {pragma}")
    return database
