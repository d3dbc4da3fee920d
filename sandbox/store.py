"""State that outlives a request: the movable clock, sorted indexes, and the write-through file.

The file is SQLite in WAL mode without fsync: a commit costs some 20 µs and survives `kill -9` of the process
(not a power cut, which a stand-in need not survive).
"""

import gc
import json
import sqlite3
import time
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector away while a large world is built: it would more than double the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


class Clock:
    """Real time plus an offset; every timestamp, limit, token and coalescing window of the sandbox follows it."""

    def __init__(self) -> None:
        self.offset = 0.0
        self._last_ms = 0
        self._http_date = (0, "")

    def now(self) -> float:
        return time.time() + self.offset

    def stamp_ms(self) -> int:
        """Return now in milliseconds, always later than the stamp before."""
        self._last_ms = max(self._last_ms + 1, int(self.now() * 1000))
        return self._last_ms

    def not_before(self, ms: int) -> None:
        """Make every later stamp later than this one, too (after a restart)."""
        self._last_ms = max(self._last_ms, ms)

    def http_date(self) -> str:
        second = int(self.now())
        if self._http_date[0] != second:
            self._http_date = (second, formatdate(second, usegmt=True))
        return self._http_date[1]

    def iso(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class SortedIndex:
    """Keys kept in order with their record ids: paging costs a slice, a change costs one bisect."""

    def __init__(self, rows: Iterable[tuple[Any, str]] = ()) -> None:
        self.rows = sorted(rows)

    def add(self, key: Any, record_id: str) -> None:
        insort(self.rows, (key, record_id))

    def remove(self, key: Any, record_id: str) -> None:
        at = bisect_left(self.rows, (key, record_id))
        if at < len(self.rows) and self.rows[at] == (key, record_id):
            del self.rows[at]

    def first_at_or_after(self, key: Any) -> int:
        return bisect_left(self.rows, (key,))


class Store:
    """Write-through key-value rows by kind; without a path it keeps nothing."""

    def __init__(self, path: str | None = None) -> None:
        self._db: sqlite3.Connection | None = None
        self._dirty = False
        if path:
            self._db = sqlite3.connect(path, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS record"
                " (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
            )
            self._db.commit()

    def put(self, kind: str, key: str, value: Any) -> None:
        if self._db:
            self._db.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (kind, key, _packed(value)))
            self._dirty = True

    def put_all(self, kind: str, rows: Iterable[tuple[str, Any]]) -> None:
        if self._db:
            encoded = ((kind, key, _packed(value)) for key, value in rows)
            self._db.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", encoded)
            self._dirty = True

    def delete(self, kind: str, key: str) -> None:
        if self._db:
            self._db.execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind, key))
            self._dirty = True

    def clear(self, *kinds: str) -> None:
        if self._db:
            self._db.executemany("DELETE FROM record WHERE kind = ?", [(kind,) for kind in kinds])
            self._dirty = True

    def load(self, kind: str) -> Iterator[tuple[str, Any]]:
        if self._db:
            for key, body in self._db.execute("SELECT key, body FROM record WHERE kind = ?", (kind,)):
                yield key, json.loads(body)

    def get(self, kind: str, key: str) -> Any:
        if not self._db:
            return None
        row = self._db.execute("SELECT body FROM record WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def commit(self) -> None:
        """Make what this request changed durable; free when nothing changed."""
        if self._db and self._dirty:
            self._db.commit()
            self._dirty = False

    def close(self) -> None:
        if self._db:
            self._db.commit()
            self._db.close()
            self._db = None


def _packed(value: Any) -> str:
    """Pack as plain ASCII: whatever text a client sent, SQLite can hold it."""
    return json.dumps(value, separators=(",", ":"))
