"""What the running of the sync itself remembers: how far each service was read, who is at work, what each check did."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from contacts.models import RemoteContact
from contacts.values import Kind, System


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


class SetUp(models.Model):
    """Which steps of the set-up a person has been through: the one row."""

    class FormerSync(models.TextChoices):
        NO = "no", "No, it never ran"
        YES = "yes", "Yes, and it is switched off now"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    rules_at = models.DateTimeField(null=True)
    conventions_at = models.DateTimeField(null=True)
    former_sync = models.CharField("Karbon's own Xero sync", max_length=3, choices=FormerSync, blank=True)
    # Why pairs of the former sync cannot be found; blank while that is not known.
    former_problem = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField(null=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = verbose_name_plural = "set-up"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_row_of_set_up")]

    def __str__(self) -> str:
        return "Set-up"

    @classmethod
    def load(cls) -> "SetUp":
        return cls.objects.get_or_create(id=1)[0]


class FormerPair(models.Model):
    """What Karbon answered when it was asked which record its own sync had linked to a Xero contact (facts, A5.4)."""

    class Found(models.TextChoices):
        ONE = "one", "One record"
        NONE = "none", "No record"
        SEVERAL = "several", "Several records"

    xero = models.OneToOneField(RemoteContact, models.CASCADE, related_name="former_pair")
    karbon = models.ForeignKey(RemoteContact, models.CASCADE, null=True, related_name="former_pairs")
    found = models.CharField(max_length=8, choices=Found)
    asked_at = models.DateTimeField(auto_now_add=True)
    is_agreed = models.BooleanField(
        default=False, help_text="A person has seen it in a preview and pressed Start since."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(found="one", karbon__isnull=False) | ~Q(found="one") & Q(karbon__isnull=True),
                name="a_former_pair_has_both_sides",
            )
        ]
        verbose_name = "pair of the former sync"

    def __str__(self) -> str:
        return f"{self.xero} and {self.karbon}"


class Preview(models.Model):
    """What a check would do, shown before it does: one at a time, replaced as a whole."""

    class State(models.TextChoices):
        ASKED = "asked", "Starting"
        WORKING = "working", "Being made"
        WAITING = "waiting", "Waiting for the services"
        FAILED = "failed", "Could not be made"
        READY = "ready", "Ready"
        ACCEPTED = "accepted", "Being carried out"
        OVER = "over", "Carried out"

    UNDER_WAY = (State.ASKED, State.WORKING, State.WAITING)

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    state = models.CharField(max_length=10, choices=State)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    # Settings that are tried out: nothing is stored before a person has seen what they would do.
    proposed: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    # The settings that the rows were made with.
    made_with: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    progress = models.CharField(max_length=200, blank=True)
    told_at = models.DateTimeField(null=True, help_text="The last sign of life of whoever makes it.")
    faults = models.PositiveSmallIntegerField(default=0, help_text="Failed attempts in a row.")
    not_before = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True, help_text="When a person said that it be carried out.")
    holds_new = models.BooleanField(default=False, help_text="Whoever is not in it waits for a person.")
    looked_at = models.DateTimeField(null=True, help_text="When a check had decided everybody whom it could.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_preview")]

    def __str__(self) -> str:
        return f"Preview of {self.asked_at:%d %b %Y %H:%M}"

    @classmethod
    def tried_out(cls) -> dict[str, Any]:
        """Return the settings that are being tried out: until a person uses them, or keeps the settings as they are."""
        preview = cls.objects.exclude(state__in=(cls.State.ACCEPTED, cls.State.OVER)).first()
        return dict(preview.proposed) if preview else {}


class PreviewRow(models.Model):
    """What would become of one contact: who it would be linked to, or created as, and each value that would change."""

    class Outcome(models.TextChoices):
        FULL = "full", "Full match"
        ADOPTED = "adopted", "Was linked by Karbon's sync"
        CONFLICT = "conflict", "Conflict"
        SIMILAR = "similar", "Lookalike"
        NEW = "new", "New in Karbon"
        LEFT_OUT = "left_out", "Left out"
        OUTSIDE = "outside", "Outside the filter"
        KARBON_ONLY = "karbon_only", "Only in Karbon"
        LINKED = "linked", "In sync already"
        OTHER = "other", "Not touched"

    xero = models.OneToOneField(RemoteContact, models.CASCADE, null=True, related_name="previewed")
    karbon = models.ForeignKey(RemoteContact, models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=600)
    search = models.TextField(blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome)
    before_left_out = models.CharField(max_length=12, choices=Outcome, blank=True)
    kind = models.CharField(max_length=12, choices=Kind, blank=True)
    confidence = models.FloatField(null=True)
    is_kind_decided = models.BooleanField(default=False)
    # Per system and field: the value now and the value then.
    changes: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    changes_xero = models.BooleanField(default=False)
    changes_karbon = models.BooleanField(default=False)
    notes: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    # What the decision rests on (``karbonsync.promise.Seen``).
    seen: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(xero__isnull=False) | Q(karbon__isnull=False), name="a_preview_row_has_a_contact"
            )
        ]
        indexes = [models.Index(fields=["outcome", "name"]), models.Index(fields=["name"])]
        verbose_name = "preview row"

    def __str__(self) -> str:
        return self.name
