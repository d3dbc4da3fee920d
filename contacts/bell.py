"""The bell: tells the worker that there is something to do. Losing a ring costs a minute, never a change.

Three tasks can be rung for: a whole check, a look at what a webhook named, and the watch over the webhooks. Each waits in
the queue at most once, however often it is rung for: a burst of ten thousand webhooks is one task.
"""

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from contacts.models import Bell

CHECK, LOOK, WATCH = "karbonsync.tasks.check", "karbonsync.tasks.look", "karbonsync.tasks.watch_webhooks"
PATIENCE = timedelta(minutes=10)  # a ring that nobody answered for so long was lost with its task


def ring() -> None:
    """Ask for a check as soon as what was just stored is committed."""
    transaction.on_commit(partial(_ring, CHECK, "Check"))


def ring_to_look() -> None:
    """Ask that contacts noted for reading are read at once, without reading the lists."""
    transaction.on_commit(partial(_ring, LOOK, "Look"))


def ring_to_watch() -> None:
    """Ask that Karbon's subscription is looked at now."""
    transaction.on_commit(partial(_ring, WATCH, "Watch webhooks"))


def answered(*tasks: str) -> None:
    """The task has begun: what is stored from now on needs another ring. Call it before anything is read."""
    Bell.objects.filter(task__in=tasks).exclude(rung_at=None).update(rung_at=None)


def _ring(task: str, name: str) -> None:
    # The task runner's own models load only once Django is ready, so it is not imported with the module.
    from django_q.tasks import async_task

    bell, _ = Bell.objects.get_or_create(task=task)
    now = timezone.now()
    if bell.rung_at is not None and bell.rung_at >= now - PATIENCE:
        return  # most rings of a burst end here, having only read
    silent = Q(rung_at=None) | Q(rung_at__lt=now - PATIENCE)
    if Bell.objects.filter(silent, task=task).update(rung_at=now):
        async_task(task, task_name=name, save=False)
