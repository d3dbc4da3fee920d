"""Preview: the same code up to and including plan, shown instead of sent.

Reading happens first, outside the transaction that is rolled back: what was read stays, tokens renewed meanwhile are not
lost, and nobody waits for the database while the services answer.
"""

from typing import Any

from django.db import transaction

from contacts.models import Change
from contacts.values import System
from karbonsync import pipeline
from karbonsync.pipeline import Pipeline, Report


def preview(report: Report = lambda step, progress: None) -> tuple[dict[str, Any], list[str]]:
    """Return what a check would do now, in the shape of ``sync --json``. Reads both services and writes to neither."""
    work = Pipeline(pipeline.connect(), report)
    work.pull_both()
    work.verify()
    with transaction.atomic():
        work.match()
        work.plan()
        counts = work.counts.as_json()
        queued = Change.objects.filter(state=Change.State.QUEUED)
        counts["created"] = queued.filter(action=Change.Action.CREATE).count()
        for system in System:
            counts["written"][system] = queued.filter(system=system, action=Change.Action.UPDATE).count()
            counts["calls"][system] = work.remotes[system].calls
        transaction.set_rollback(True)
    return counts, work.errors
