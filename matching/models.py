"""What waits for a person, who it might be, and what people have said about pairs."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from contacts.models import Link, RemoteContact
from contacts.values import Kind, System
from matching.strength import Strength, strength


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

    @property
    def is_simple(self) -> bool:
        """Only a name, or a likeness, speaks for it: such issues may be decided several at once."""
        simple = (Candidate.Why.NAME, Candidate.Why.SIMILAR)
        return all(candidate.why in simple for candidate in self.candidates.all())


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

    @property
    def strength(self) -> Strength | None:
        return None if self.score is None else strength(self.score)


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


class Filed(models.Model):
    """That a contact stands under its lookup keys, as it was read at that moment: the index of the suggestions."""

    contact = models.OneToOneField(RemoteContact, models.CASCADE, primary_key=True, related_name="filed")
    as_of = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.contact} is filed"


class LookupKey(models.Model):
    """One key under which a contact is found by those who resemble it (``matching.blocking``), as a number."""

    contact = models.ForeignKey(RemoteContact, models.CASCADE, related_name="+")
    key = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["key", "contact"], name="lookup_by_key")]

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.key}"


class KindCheck(models.Model):
    """A Karbon contact that was created, or is about to be, as a kind that the name alone does not tell."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for a person"
        CONFIRMED = "confirmed", "Confirmed"
        CORRECTED = "corrected", "Corrected"

    link = models.OneToOneField(Link, models.CASCADE, related_name="kind_check")
    confidence = models.FloatField(help_text="The chance that the kind is right.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "opened_at"])]
        verbose_name = "kind to check"

    def __str__(self) -> str:
        return f"Kind of {self.link}"


class OldRecord(models.Model):
    """A Karbon contact of the wrong kind whose place another one took. Only a person can delete it, in Karbon."""

    xero = models.ForeignKey(RemoteContact, models.CASCADE, related_name="old_records")
    karbon = models.OneToOneField(RemoteContact, models.CASCADE, related_name="replacement")
    link = models.ForeignKey(
        Link, models.CASCADE, related_name="old_records", help_text="The pair that took its place."
    )
    kind = models.CharField(max_length=12, choices=Kind, help_text="What the new record is.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "old record"
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.karbon}, replaced"

    @property
    def is_to_be_deleted(self) -> bool:
        """Karbon still shows it, and no person has linked it again."""
        standing = Link.objects.exclude(state=Link.State.ENDED).filter(karbon=self.karbon)
        return self.karbon.is_present and not standing.exists()


class DuplicatePair(models.Model):
    """Two contacts of one system that are likely the same. All rows of a system are replaced by each search."""

    system = models.CharField(max_length=10, choices=System)
    first = models.ForeignKey(RemoteContact, models.CASCADE, related_name="+")
    second = models.ForeignKey(RemoteContact, models.CASCADE, related_name="+")
    score = models.FloatField()
    reasons: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="one_row_per_pair_of_duplicates")]
        indexes = [models.Index(fields=["system", "-score"])]
        verbose_name = "likely duplicate"

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"

    @property
    def strength(self) -> Strength:
        return strength(self.score)


class NotDuplicates(models.Model):
    """A person's word that two contacts of one system are not the same. The pair is never shown again."""

    first = models.ForeignKey(RemoteContact, models.CASCADE, related_name="+")
    second = models.ForeignKey(RemoteContact, models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="one_word_per_pair_of_duplicates"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="the_older_row_comes_first"),
        ]

    def __str__(self) -> str:
        return f"{self.first} is not {self.second}"


class DuplicateSearch(models.Model):
    """The latest search for duplicates inside one system: how far it is, when it ended, what was in its way."""

    system = models.CharField(max_length=10, choices=System, primary_key=True)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    progress = models.CharField(max_length=200, blank=True)
    problem = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"Duplicates in {self.get_system_display()}"

    @property
    def is_running(self) -> bool:
        return self.began_at is not None and self.ended_at is None
