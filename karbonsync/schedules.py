"""The scheduled tasks, made or brought up to date by ``connect`` and by ``make demo``."""

from django_q.models import Schedule

SCHEDULES = {
    "Check both services": ("karbonsync.tasks.check", Schedule.MINUTES, 1),
    "Find duplicates": ("karbonsync.tasks.find_duplicates", Schedule.DAILY, None),
    "Watch webhooks": ("karbonsync.tasks.watch_webhooks", Schedule.MINUTES, 5),
    "Housekeeping": ("karbonsync.tasks.housekeeping", Schedule.HOURLY, None),
}


def ensure() -> None:
    """Make each schedule exist once, as it is written here."""
    for name, (func, schedule_type, minutes) in SCHEDULES.items():
        Schedule.objects.update_or_create(
            name=name, defaults={"func": func, "schedule_type": schedule_type, "minutes": minutes}
        )
