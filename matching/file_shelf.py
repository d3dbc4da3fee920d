"""An exported address book as a shelf in temporary files, so that memory does not grow with the export."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from matching import blocking, matcher
from matching.key_file import KeyFile
from matching.matcher import Counterpart, Keys
from matching.profiles import Profile, Record, profile
from matching.search import Id

CHUNK = 500
REMEMBERED = 25_000  # profiles kept, so that most are read once: some 50 MB at most
_FIELDS = "id, name, email, phone, address, kind, first_name, last_name"


class FileShelf:
    """One side's records, numbered in the order of the file; the number is the id that the search speaks of.

    ``side`` is "mine" (Xero's export) or "theirs" (Karbon's). The keys are Python's own hashes: good for one process.
    """

    def __init__(self, database: sqlite3.Connection, folder: Path, side: str) -> None:
        self._db, self.side = database, side
        self._keys = KeyFile(folder, side)
        self.size = 0
        self._profile = lru_cache(maxsize=REMEMBERED)(profile)
        self._run(f"CREATE TABLE {side} (number INTEGER PRIMARY KEY, {_FIELDS}, email_key)")
        self._run(f"CREATE TABLE {side}_names (name_key, number)")

    def _run(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        return self._db.execute(statement, values)

    def reopen(self, database: sqlite3.Connection) -> None:
        """Go on with a connection of one's own, in another process."""
        self._db = database

    def fill(self, records: Iterable[Record]) -> Iterator[int]:
        """Take in all records; yields how many are in after each chunk."""
        records = iter(records)
        while chunk := list(islice(records, CHUNK)):
            numbered = [(n, replace(record, id=n)) for n, record in enumerate(chunk, self.size + 1)]
            ids = [str(record.id) for record in chunk]
            self.size += len(chunk)
            keys = {number: self.keys_of(record) for number, record in numbered}
            rows = [(n, id_, *_values(record), keys[n].email) for id_, (n, record) in zip(ids, numbered, strict=True)]
            self._db.executemany(f"INSERT INTO {self.side} VALUES (?,?,?,?,?,?,?,?,?,?)", rows)  # noqa: S608
            names = ((name, number) for number, own in keys.items() for name in own.names)
            self._db.executemany(f"INSERT INTO {self.side}_names VALUES (?,?)", names)  # noqa: S608
            self._keys.add([(hash(key), n) for n, record in numbered for key in blocking.keys(self._profile(record))])
            yield self.size
        self._keys.finish()
        self._run(f"CREATE INDEX {self.side}_by_name ON {self.side}_names (name_key, number)")
        self._run(f"CREATE INDEX {self.side}_by_email ON {self.side} (email_key)")

    def keys_of(self, record: Record) -> Keys:
        """Return the comparison keys of the matching rule, as the sync has them on this side."""
        if self.side == "mine":
            return matcher.xero_keys(record.name, record.email)
        is_person = record.kind.strip().casefold() in ("person", "contact")
        return matcher.karbon_keys(record.name, record.email, is_person=is_person)

    # --- what the search asks ---

    def _find(self, keys: Collection[str]) -> Iterator[tuple[str, int, int]]:
        asked = list(keys)
        starts, ends = self._keys.find(np.fromiter(map(hash, asked), dtype=np.int64, count=len(asked)))
        return zip(asked, starts.tolist(), ends.tolist(), strict=True)

    def counts(self, keys: Collection[str]) -> dict[str, int]:
        return {key: end - start for key, start, end in self._find(keys) if end > start}

    def holders(self, keys: Collection[str]) -> dict[str, list[Id]]:
        return {key: [*self._keys.numbers(start, end)] for key, start, end in self._find(keys) if end > start}

    def profiles(self, ids: Collection[Id]) -> dict[Id, Profile]:
        return {
            number: self._profile(record) for number, record in self.records(sorted(int(id_) for id_ in ids)).items()
        }

    def records(self, numbers: Sequence[int]) -> dict[int, Record]:
        """Return records by number, their number as id."""
        marks = ",".join("?" * len(numbers))
        rows = self._run(f"SELECT number, {_FIELDS} FROM {self.side} WHERE number IN ({marks})", numbers)  # noqa: S608
        return {number: Record(number, *rest) for number, _, *rest in rows}

    def ids(self, numbers: Collection[int]) -> Mapping[int, str]:
        """Return the ids of the export."""
        marks = ",".join("?" * len(numbers))
        return dict(self._run(f"SELECT number, id FROM {self.side} WHERE number IN ({marks})", list(numbers)))  # type: ignore[arg-type]  # noqa: S608

    # --- what the matching rule asks ---

    def related(self, asked: Mapping[int, Keys]) -> dict[int, list[Counterpart]]:
        """Return for each number the records here that share a name or the e-mail with the keys asked for."""
        by_name = self._numbers(f"SELECT name_key, number FROM {self.side}_names WHERE name_key", {n for k in asked.values() for n in k.names})  # fmt: skip # noqa: S608
        by_email = self._numbers(f"SELECT email_key, number FROM {self.side} WHERE email_key", {k.email for k in asked.values()})  # fmt: skip # noqa: S608
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


def _values(record: Record) -> tuple[object, ...]:
    return (
        record.name, record.email, record.phone, record.address, record.kind, record.first_name,
        record.last_name,
    )  # fmt: skip
