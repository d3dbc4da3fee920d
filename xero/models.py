"""The one connection to Xero: which organisation, and the keys that open it. The keys are stored encrypted only."""

from django.db import models
from django.db.models import Q


class XeroConnection(models.Model):
    """The one organisation this deployment syncs. Token columns hold ciphertext (see ``contacts.sealing``), never a token.

    Disconnecting empties the tokens but keeps the row: it remembers whose contacts the mirror holds.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    tenant_id = models.CharField("organisation id", max_length=64, editable=False)
    tenant_name = models.CharField("organisation", max_length=255, editable=False)
    access_token = models.TextField(blank=True, editable=False)
    refresh_token = models.TextField(blank=True, editable=False)
    # Xero takes the token before the last for 30 minutes more, in case its successor was lost (facts, Xero 2.3).
    previous_refresh_token = models.TextField(blank=True, editable=False)
    rotated_at = models.DateTimeField(null=True, editable=False)
    # Set by the process that renews the tokens, so that no two do: that is how connections get lost (facts, Xero 2.3).
    renewing_until = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField("access valid until", null=True, editable=False)
    scopes = models.CharField("permissions", max_length=500, blank=True, editable=False)
    problem = models.CharField(max_length=500, blank=True, help_text="What a person has to put right; blank when fine.")
    problem_since = models.DateTimeField(null=True, blank=True, editable=False)
    connected_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "Xero connection"
        verbose_name_plural = "Xero connection"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_xero_connection")]

    def __str__(self) -> str:
        return self.tenant_name or "Xero connection"

    @property
    def is_connected(self) -> bool:
        return bool(self.refresh_token)
