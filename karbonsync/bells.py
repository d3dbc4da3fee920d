"""The bell for a preview: asks the task runner to make it, now or at a given time, and to see to it each minute."""

from datetime import datetime

from django.db import transaction
from django_q.models import Schedule

TASK = "karbonsync.tasks.make_preview"
NAME = "Go on with the preview"
WATCH, WATCH_NAME = "karbonsync.tasks.see_to_preview", "See to the preview"


def ring_for_preview(*, at: datetime | None = None) -> None:
    """Have the preview made as soon as what was just stored is committed, or gone on with later."""
    if at is not None:
        once = {"func": TASK, "schedule_type": Schedule.ONCE, "next_run": at, "repeats": -1}
        Schedule.objects.update_or_create(name=NAME, defaults=once)
    else:
        transaction.on_commit(_ring)


def watch_preview() -> None:
    """Have somebody look each minute whether the preview goes on: its process may die, and before Start nothing else runs."""
    each_minute = {"func": WATCH, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
    Schedule.objects.update_or_create(name=WATCH_NAME, defaults=each_minute)


def stop_watching_preview() -> None:
    Schedule.objects.filter(name=WATCH_NAME).delete()


def _ring() -> None:
    from django_q.tasks import async_task

    async_task(TASK, task_name="Preview", save=False)
