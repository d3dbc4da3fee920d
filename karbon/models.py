"""The keys to the firm's Karbon account as an administrator typed them: stored encrypted only, and never shown again."""

from django.db import models
from django.db.models import Q


class KarbonConnection(models.Model):
    """The one account this deployment syncs. Key columns hold ciphertext (see ``contacts.sealing``), never a key.

    What the environment sets wins (see ``karbon.keys``); the row then only remembers when those keys were tested.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    bearer_token = models.TextField(blank=True, editable=False)
    access_key = models.TextField(blank=True, editable=False)
    webhook_key = models.TextField(blank=True, editable=False)
    # Whose contacts the mirror holds: Karbon's own key of the account, where it tells it (facts, Karbon A13).
    account_key = models.CharField(max_length=64, blank=True, editable=False)
    account_name = models.CharField("account", max_length=255, blank=True, editable=False)
    tested_at = models.DateTimeField(null=True, editable=False)
    tested_keys = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Fingerprint of what was tested."
    )
    problem = models.CharField(max_length=500, blank=True, help_text="What a person has to put right; blank when fine.")

    class Meta:
        verbose_name = "Karbon connection"
        verbose_name_plural = "Karbon connection"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_karbon_connection")]

    def __str__(self) -> str:
        return self.account_name or "Karbon connection"
