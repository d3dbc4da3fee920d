"""Preview: the same code up to and including plan, inside a transaction that is rolled back, shown instead of sent."""

from typing import Any

from django.db import transaction

from contacts.models import Change
from contacts.values import System
from karbonsync import pipeline
from karbonsync.pipeline import Pipeline, Report


def preview(report: Report = lambda step, progress: None) -> tuple[dict[str, Any], list[str]]:
    """Return what a check would do now, in the shape of ``sync --json``. Reads both services and writes to neither."""
    with transaction.atomic():
        work = Pipeline(pipeline.connect(), report)
        work.gather()
        counts = work.counts.as_json()
        queued = Change.objects.filter(state=Change.State.QUEUED)
        counts["created"] = queued.filter(action=Change.Action.CREATE).count()
        for system in System:
            counts["written"][system] = queued.filter(system=system, action=Change.Action.UPDATE).count()
            counts["calls"][system] = work.remotes[system].calls
        transaction.set_rollback(True)
    return counts, work.errors
