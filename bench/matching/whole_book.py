"""Decide a whole address book by the rule inside the product: ``python -m bench.matching.whole_book CONTACTS``.

A throwaway database gets as many contacts a side, seven in ten with a full match; then every Xero contact is decided as
in a check. Prints seconds, queries per chunk and peak memory in MB as JSON; memory before deciding is told, too.
"""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path


def main(size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        os.environ.setdefault("SANDBOX_URL", "http://127.0.0.1:9500")
        os.environ["DJANGO_SETTINGS_MODULE"] = "karbonsync.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        _fill(size)
        print(json.dumps(_decide()))


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
                contact = RemoteContact(system=system, remote_id=str(n), values=values, read_began_at=now)
                mirror.set_keys(contact)
                contacts.append(contact)
            RemoteContact.objects.bulk_create(contacts)


def _decide() -> dict[str, float]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from contacts.models import SyncSettings
    from matching import queue

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    due = queue.due(SyncSettings.ImportFilter.ALL)
    categories: dict[str, int] = {}
    most = 0
    began = time.perf_counter()
    chunks = queue.decisions(due)
    while True:
        with CaptureQueriesContext(connection) as queries:
            chunk = next(chunks, None)
        if chunk is None:
            break
        most = max(most, len(queries))
        for _, decision in chunk:
            categories[decision.category] = categories.get(decision.category, 0) + 1
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "queries": most, "mb": peak, "mb_before": before, **categories}


if __name__ == "__main__":
    main(int(sys.argv[1]))
