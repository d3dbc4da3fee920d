"""Match a whole address book inside the product: ``python -m bench.matching.whole_book STEP CONTACTS``.

A throwaway database gets as many contacts a side, seven in ten with a full match, as if both lists had just been read.
STEP is "decide", which says what every Xero contact is, or "match", the pipeline's own step, which also links, holds or
asks for creations. Prints as JSON: seconds; queries (a chunk, or a contact); and memory in MB at the start, after each
tenth of the contacts, and at its peak.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.matching import memory

TENTHS = 10


def main(step: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        os.environ.setdefault("SANDBOX_URL", "http://127.0.0.1:9500")
        os.environ["DJANGO_SETTINGS_MODULE"] = "karbonsync.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        _fill(size)
        print(json.dumps({"decide": _decide, "match": _match}[step](size)))


def _fill(size: int) -> None:
    from django.utils import timezone

    from contacts import mirror
    from contacts.models import RemoteContact
    from contacts.values import System

    now = timezone.now()
    for system in System:
        for start in range(0, size, 1000):
            contacts = []
            for n in range(start, min(start + 1000, size)):
                own = n if n % 10 < 7 else f"{n} {system}"
                values = {
                    "name": f"Client {own} Limited",
                    "billing_email": f"office{n}@{system if n % 10 > 7 else 'x'}.example",
                }
                contact = RemoteContact(
                    system=system, remote_id=str(n), values=values, read_began_at=now, complete=True, full_read_at=now
                )
                mirror.set_keys(contact)
                contacts.append(contact)
            RemoteContact.objects.bulk_create(contacts)


class Notes:
    """Notes the memory taken each time another tenth of the contacts is done."""

    def __init__(self, size: int) -> None:
        self._step, self._next = size // TENTHS, size // TENTHS
        self.start = self.now()
        self.noted: list[float] = []

    def note(self, done: int) -> None:
        while done >= self._next and len(self.noted) < TENTHS:
            self._next += self._step
            self.noted.append(round(self.now(), 1))

    @staticmethod
    def now() -> float:
        """MB in use now, or the highest so far where the system does not tell."""
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
        except OSError:
            return memory.own_peak()
        return pages * resource.getpagesize() / 2**20


def _decide(size: int) -> dict[str, Any]:
    from contacts.models import SyncSettings
    from matching import queue

    notes, most, done = Notes(size), 0, 0
    categories: dict[str, int] = {}
    began = time.perf_counter()
    chunks = queue.decisions(queue.due(SyncSettings.ImportFilter.ALL))
    for queries, chunk in _counted(chunks):
        most, done = max(most, queries), done + len(chunk)
        for _, decision in chunk:
            categories[decision.category] = categories.get(decision.category, 0) + 1
        notes.note(done)
    return _told(time.perf_counter() - began, most, notes, categories)


def _counted(chunks: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    """Yield each chunk with the number of queries it took."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    while True:
        with CaptureQueriesContext(connection) as queries:
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield len(queries), chunk


def _match(size: int) -> dict[str, Any]:
    """Run the pipeline's step. Both lists and all full records count as read in this check, so no service is asked."""
    from django.db import connection

    from contacts.models import RemoteContact
    from contacts.values import System
    from karbonsync.models import Cursor
    from karbonsync.pipeline import Pipeline

    notes, asked = Notes(size), 0
    work = Pipeline({}, report=lambda step, progress: notes.note(sum(work.counts.matched.values())))
    work.fresh = set(System)
    for system in System:
        Cursor.objects.create(system=system, walked_at=work.began_at)
    RemoteContact.objects.update(full_read_at=work.began_at)

    def count(execute: Any, *args: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*args)

    began = time.perf_counter()
    with connection.execute_wrapper(count):
        work.match()
    seconds = time.perf_counter() - began
    notes.note(size)
    return _told(seconds, asked / size, notes, work.counts.matched)


def _told(seconds: float, queries: float, notes: Notes, categories: dict[str, int]) -> dict[str, Any]:
    return {
        "seconds": seconds, "queries": queries, "mb": memory.own_peak(), "mb_before": notes.start, "mb_tenths": notes.noted,
        **categories,
    }  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
