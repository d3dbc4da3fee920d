"""What the running of the sync itself remembers: how far each service was read, who is at work, what each check did."""

from typing import Any

from django.conf import settings
from django.db import models

from contacts.values import System


class Cursor(models.Model):
    """How far one service has been read."""

    system = models.CharField(max_length=10, choices=System, primary_key=True)
    value = models.CharField(max_length=300, blank=True)
    polled_at = models.DateTimeField(null=True)
    walked_at = models.DateTimeField(null=True, help_text="When the list was last read from end to end, whole.")
    walk_due = models.BooleanField(default=False, help_text="Events were lost: read the whole list at the next check.")
    news_at = models.DateTimeField(null=True, help_text="When a poll last showed something new or changed.")
    next_poll_at = models.DateTimeField(null=True, help_text="Not before, so that the calls of the day suffice.")
    poll_calls = models.PositiveIntegerField(default=1, help_text="What the last look for changes cost.")
    walk_calls = models.PositiveIntegerField(default=1, help_text="What the last whole reading of the list cost.")
    # Per list, how many records it had when it was last believed: what a later list is measured by.
    sizes: "models.JSONField[dict[str, int], dict[str, int]]" = models.JSONField(default=dict)
    problem = models.CharField(max_length=500, blank=True)
    problem_since = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "reading position"

    def __str__(self) -> str:
        return f"{self.get_system_display()} cursor"


class Lease(models.Model):
    """Who is at work. A holder that dies is replaced when its lease runs out."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField(null=True)
    rung = models.BooleanField(default=False, help_text="Somebody asked for a check while one was running.")

    def __str__(self) -> str:
        return self.name


class Outage(models.Model):
    """A service no longer lets us in, and only a person can change that: since when, and who was told."""

    system = models.CharField(max_length=10, choices=System)
    reason = models.CharField(max_length=500)
    since = models.DateTimeField()
    tried_at = models.DateTimeField(help_text="When we last knocked.")
    told_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["system"], condition=models.Q(ended_at=None), name="one_open_outage_per_service"
            )
        ]
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.reason


class SafetyStop(models.Model):
    """Paused for safety: something looked wrong, and a person says whether it was meant (invariants 7 and 8)."""

    class Kind(models.TextChoices):
        LIST = "list", "A list that cannot be believed"
        CHANGES = "changes", "Very many changes"
        CLEARS = "clears", "Very many cleared values"
        DEPARTURES = "departures", "Very many contacts left"
        CREATIONS = "creations", "Very many new contacts"

    kind = models.CharField(max_length=10, choices=Kind)
    system = models.CharField(max_length=10, choices=System, blank=True)
    reason = models.CharField(max_length=500)
    is_open = models.BooleanField(default=True)
    # Of a list: what a glance showed just before it was last walked. While that stands, it is not walked again.
    mark = models.CharField(max_length=40, blank=True)
    walked_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "system"], condition=models.Q(is_open=True), name="one_open_stop_per_kind_and_service"
            )
        ]
        ordering = ["-pk"]
        verbose_name = "safety pause"

    def __str__(self) -> str:
        return self.reason


class Run(models.Model):
    """One check: what it read, matched and wrote."""

    class Step(models.TextChoices):
        PULL = "pull", "Reading both address books"
        MATCH = "match", "Matching"
        PLAN = "plan", "Planning"
        PUSH = "push", "Sending changes"
        DONE = "done", "Done"

    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    step = models.CharField(max_length=10, choices=Step, default=Step.PULL)
    progress = models.CharField(max_length=200, blank=True)
    counts: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    error = models.CharField(max_length=1000, blank=True)
    is_quiet = models.BooleanField(default=False, help_text="Nothing changed and nothing was wrong.")

    class Meta:
        verbose_name = "check"
        ordering = ["-pk"]
        indexes = [models.Index(fields=["is_quiet", "-started_at"])]

    def __str__(self) -> str:
        return f"Check of {self.started_at:%d %b %Y %H:%M:%S}"
