"""The bell: tells the worker that there is something to do. Losing a ring costs a minute, never a change."""

from django.db import transaction


def ring() -> None:
    """Ask for a check as soon as what was just stored is committed."""
    transaction.on_commit(_ring)


def _ring() -> None:
    # The task runner's own models load only once Django is ready, so it is not imported with the module.
    from django_q.tasks import async_task

    async_task("karbonsync.tasks.check", task_name="Check", save=False)
