"""What waits for a person, who it might be, and what people have said about pairs."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from contacts.models import RemoteContact
from contacts.values import Kind


class MatchIssue(models.Model):
    """A Xero contact that waits for a person: link it to one of its possible matches, or create a new Karbon contact."""

    class State(models.TextChoices):
        OPEN = "open", "Waiting for a person"
        RESOLVED = "resolved", "Resolved"
        WITHDRAWN = "withdrawn", "No longer needed"

    xero = models.ForeignKey(RemoteContact, models.CASCADE, related_name="match_issues")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    reason = models.CharField(max_length=300)
    outcome = models.CharField(max_length=200, blank=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["xero"], condition=Q(state="open"), name="one_open_issue_per_xero_contact")
        ]
        indexes = [models.Index(fields=["state", "-opened_at"])]
        verbose_name = "match issue"

    def __str__(self) -> str:
        return str(self.xero)


class Candidate(models.Model):
    """A Karbon contact that a match issue may be about, and why."""

    class Why(models.TextChoices):
        NAME = "name", "Same name"
        EMAIL = "email", "Same email"
        AMBIGUOUS = "ambiguous", "Same name and email, and so do others"
        SIMILAR = "similar", "Very similar"

    issue = models.ForeignKey(MatchIssue, models.CASCADE, related_name="candidates")
    karbon = models.ForeignKey(RemoteContact, models.CASCADE, related_name="candidacies")
    why = models.CharField(max_length=10, choices=Why)
    is_taken = models.BooleanField(default=False, help_text="Already linked to another Xero contact, now or before.")
    score = models.FloatField(null=True)
    evidence: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issue", "karbon"], name="one_candidacy_per_issue_and_contact")]
        ordering = ["pk"]
        verbose_name = "possible match"

    def __str__(self) -> str:
        return f"{self.karbon}: {self.get_why_display().lower()}"


class Verdict(models.Model):
    """A person's "same" or "not the same" for a pair. It is never asked again."""

    xero = models.ForeignKey(RemoteContact, models.CASCADE, related_name="+")
    karbon = models.ForeignKey(RemoteContact, models.CASCADE, related_name="+")
    is_same = models.BooleanField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["xero", "karbon"], name="one_decision_per_pair")]
        verbose_name = "decision"

    def __str__(self) -> str:
        return f"{self.xero} {'is' if self.is_same else 'is not'} {self.karbon}"


class KindDecision(models.Model):
    """What a person said a name is, and what the classifier took it for: kept for the next training."""

    name = models.CharField(max_length=500)
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=255, blank=True)
    guessed = models.CharField(max_length=12, choices=Kind)
    confidence = models.FloatField(help_text="The chance that the classifier gave its guess.")
    decided = models.CharField(max_length=12, choices=Kind)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "first_name", "last_name", "email"], name="one_kind_per_name"),
            models.CheckConstraint(
                condition=Q(decided__in=["person", "organisation"]), name="a_decided_kind_is_person_or_organisation"
            ),
        ]
        verbose_name = "decided kind"

    def __str__(self) -> str:
        return f"{self.name}: {self.get_decided_display().lower()}"
