"""What is kept: the mirror of both services, the links between them, and every change that was or is to be made."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from contacts.fields import BLANK, FIELDS
from contacts.values import Kind, Presence, Ref, System, Values


class RemoteContact(models.Model):
    """One record of one service, as it was last seen there: the mirror. Nothing here is ever edited by a person."""

    system = models.CharField(max_length=10, choices=System)
    remote_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.UNKNOWN)
    presence = models.CharField(max_length=10, choices=Presence, default=Presence.PRESENT)
    merged_into = models.CharField(max_length=64, blank=True)
    values: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    name_key = models.CharField(max_length=600, blank=True)
    email_key = models.CharField(max_length=300, blank=True)
    is_customer = models.BooleanField(null=True)
    is_supplier = models.BooleanField(null=True)
    complete = models.BooleanField(default=False, help_text="Read in full, not only seen in a list.")
    problem = models.CharField(max_length=500, blank=True, help_text="What keeps this record from being synced.")
    payload: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    row_digest = models.CharField(max_length=40, blank=True, help_text="Fingerprint of the last list row.")
    modified_at = models.CharField(max_length=40, blank=True, help_text="The service's own time stamp, as it wrote it.")
    read_began_at = models.DateTimeField()
    full_read_at = models.DateTimeField(null=True)
    reads_valid_from = models.DateTimeField(null=True, help_text="A read begun earlier may predate our own last write.")
    # Fields written by us and not read since: if they show in another format only, that format becomes the base.
    written: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    match_due = models.BooleanField(default=True)
    decided_kind = models.CharField(
        max_length=12, choices=Kind, blank=True, help_text="What a person said it is, before it was created."
    )
    left_out = models.BooleanField(default=False, help_text="A person decided: never brought over to the other side.")
    left_out_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    noticed_at = models.DateTimeField(null=True, help_text="The newest event of a webhook that asked for a read.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "remote_id"], name="one_row_per_remote_record")]
        indexes = [
            models.Index(fields=["system", "name_key"]),
            models.Index(fields=["system", "email_key"]),
            models.Index(fields=["system", "id"], condition=Q(match_due=True), name="due_contacts_in_order"),
            models.Index(fields=["system", "full_read_at"]),
        ]
        verbose_name = "contact"

    def __str__(self) -> str:
        return self.name or f"({System(self.system).label} {self.remote_id})"

    @property
    def name(self) -> str:
        return str(self.values.get("name") or "")

    @property
    def billing_email(self) -> str:
        return str(self.values.get("billing_email") or "")

    @property
    def ref(self) -> Ref:
        return Ref(self.remote_id, Kind(self.kind))

    @property
    def is_present(self) -> bool:
        return self.presence == Presence.PRESENT

    @property
    def shown(self) -> dict[str, str]:
        """The four fields as text for people."""
        return {name: field.show(self.values.get(name, BLANK[name])) for name, field in FIELDS.items()}


class XeroContactManager(models.Manager["XeroContact"]):
    def get_queryset(self) -> models.QuerySet["XeroContact"]:
        return super().get_queryset().filter(system=System.XERO)


class XeroContact(RemoteContact):
    objects: ClassVar[XeroContactManager] = XeroContactManager()

    class Meta:
        proxy = True
        verbose_name = "Xero contact"


class KarbonContactManager(models.Manager["KarbonContact"]):
    def get_queryset(self) -> models.QuerySet["KarbonContact"]:
        return super().get_queryset().filter(system=System.KARBON)


class KarbonContact(RemoteContact):
    objects: ClassVar[KarbonContactManager] = KarbonContactManager()

    class Meta:
        proxy = True
        verbose_name = "Karbon contact"


class Link(models.Model):
    """A pair that is, was or is about to be kept the same, with the base of each side (see ``contacts.merge``)."""

    class State(models.TextChoices):
        CREATING = "creating", "Creating"
        LIVE = "live", "In sync"
        STOPPED = "stopped", "Stopped"
        UNSYNCED = "unsynced", "Unsynced"
        ENDED = "ended", "Ended"

    class Origin(models.TextChoices):
        FULL_MATCH = "full_match", "Full match"
        CONFIRMED = "confirmed", "Confirmed"
        CREATED = "created", "Created"
        REMATCHED = "rematched", "Re-matched"
        ADOPTED = "adopted", "Taken over"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    xero = models.ForeignKey(RemoteContact, models.PROTECT, null=True, blank=True, related_name="xero_links")
    karbon = models.ForeignKey(RemoteContact, models.PROTECT, null=True, blank=True, related_name="karbon_links")
    state = models.CharField(max_length=10, choices=State, default=State.LIVE)
    origin = models.CharField(max_length=12, choices=Origin)
    base_xero: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    base_karbon: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    # Per system and field: the value that cannot be sent, and why. Sent again only after the value or a person changes.
    held: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    one_by_one = models.BooleanField(
        default=False, help_text="A change of several fields was refused: send them singly."
    )
    # Per system and field: a value that a person wants there (``planning.Wish``), typed or put back.
    wishes: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    plan_due = models.BooleanField(default=True)
    problem = models.CharField(max_length=500, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True, help_text="Nothing is sent for this pair; changes wait.")
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    pause_reason = models.CharField(max_length=200, blank=True)
    check_number = models.PositiveBigIntegerField(
        null=True, blank=True, db_index=True, help_text="The check that linked them."
    )
    linked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    linked_at = models.DateTimeField(auto_now_add=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["xero"], condition=~Q(state="ended"), name="one_live_link_per_xero_contact"
            ),
            models.UniqueConstraint(
                fields=["karbon"], condition=~Q(state="ended"), name="one_live_link_per_karbon_contact"
            ),
            models.CheckConstraint(
                condition=Q(xero__isnull=False) | Q(karbon__isnull=False), name="a_link_has_at_least_one_side"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["creating", "ended"]) | Q(xero__isnull=False, karbon__isnull=False),
                name="only_a_link_being_created_lacks_a_side",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "plan_due"], condition=Q(plan_due=True), name="plan_due_links"),
            models.Index(fields=["state", "-linked_at"]),
        ]

    def __str__(self) -> str:
        return str(self.xero or self.karbon)

    @classmethod
    def lock(cls, link_id: object) -> "Link":
        """Lock a link, then read it with both its contacts: read along with the lock, these could be older than it."""
        cls.objects.select_for_update().only("pk").get(pk=link_id)
        return cls.objects.select_related("xero", "karbon").get(pk=link_id)

    def side(self, system: System) -> RemoteContact | None:
        return self.xero if system is System.XERO else self.karbon

    def base(self, system: System) -> dict[str, Any]:
        return self.base_xero if system is System.XERO else self.base_karbon


class Change(models.Model):
    """One request to one service, planned or sent: the outbox and the history in one."""

    class Action(models.TextChoices):
        CREATE = "create", "Create"
        UPDATE = "update", "Update"
        ARCHIVE = "archive", "Archive"

    class Purpose(models.TextChoices):
        SYNC = "sync", "Changed on the other side"
        LINK = "link", "Carried over after linking or a decision"
        TYPED = "typed", "Typed by a person"
        UNDO = "undo", "Undone by a person"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting to be sent"
        SENDING = "sending", "Sending"
        DONE = "done", "Done"
        REJECTED = "rejected", "Refused"
        SUPERSEDED = "superseded", "Overtaken"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.QUEUED, State.SENDING)

    link = models.ForeignKey(Link, models.PROTECT, related_name="changes")
    system = models.CharField(max_length=10, choices=System)
    action = models.CharField(max_length=10, choices=Action, default=Action.UPDATE)
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    # Per field: what the target showed, what is sent, what the payload shows once it is there, what it was planned from.
    before: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    after: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    shown: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    source: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    # Of a creation: values that a person typed, used on both sides instead of the source's.
    typed: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    target_modified_at = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.UNKNOWN, help_text="What a creation makes.")
    contact_type = models.CharField(max_length=200, blank=True)
    known_keys: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    cause = models.CharField(max_length=200)
    purpose = models.CharField(max_length=6, choices=Purpose, default=Purpose.SYNC)
    # Per field: what the source showed when both sides last agreed, so that a change can be undone on both.
    agreed: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    undoes = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="undone_by")
    check_number = models.PositiveBigIntegerField(
        null=True, blank=True, db_index=True, help_text="The check that sent it."
    )
    request_id = models.CharField(max_length=100, blank=True, help_text="The service's own number of the request.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    idempotency_key = models.UUIDField(default=uuid.uuid4)
    attempts = models.PositiveIntegerField(default=0)
    looks = models.PositiveSmallIntegerField(default=0, help_text="How often a lost creation was looked for in vain.")
    not_before = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["link", "system"],
                condition=Q(state__in=["queued", "sending"]),
                name="one_open_change_per_link_and_side",
            )
        ]
        indexes = [
            models.Index(fields=["system", "state", "id"]),
            models.Index(fields=["-created_at"]),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_action_display()} in {self.get_system_display()}"


class FieldConflict(models.Model):
    """A field that only a person can decide: both sides changed it, or what one side did is not to travel unasked."""

    class Reason(models.TextChoices):
        BOTH = "both", "Both sides changed it"
        UNSURE = "unsure", "We cannot tell whether our last change arrived"
        CLEARED = "cleared", "Cleared on one side"
        FLAPPING = "flapping", "It keeps changing back and forth"

    link = models.ForeignKey(Link, models.CASCADE, related_name="field_conflicts")
    field = models.CharField(max_length=20)
    xero_value: "models.JSONField[Any, Any]" = models.JSONField()
    karbon_value: "models.JSONField[Any, Any]" = models.JSONField()
    reason = models.CharField(max_length=10, choices=Reason, default=Reason.BOTH)
    # Per system: the value that both sides last agreed on, as that side shows it, and when the service says it changed.
    agreed: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    xero_changed_at = models.DateTimeField(null=True, blank=True)
    karbon_changed_at = models.DateTimeField(null=True, blank=True)
    is_open = models.BooleanField(default=True)
    answer = models.CharField(max_length=200, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["link", "field"], condition=Q(is_open=True), name="one_open_conflict_per_link_and_field"
            )
        ]
        verbose_name, verbose_name_plural = "question", "both sides changed"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{FIELDS[self.field].label} of {self.link}"

    @property
    def values(self) -> Values:
        return {System.XERO: self.xero_value, System.KARBON: self.karbon_value}


class Refresh(models.Model):
    """Read this contact again: one row per contact, so bursts collapse."""

    contact = models.OneToOneField(RemoteContact, models.CASCADE, related_name="refresh")
    reason = models.CharField(max_length=40)
    misses = models.PositiveSmallIntegerField(
        default=0, help_text="How often in a row the service said it is not there."
    )
    asked_at = models.DateTimeField()
    not_before = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["not_before"])]

    def __str__(self) -> str:
        return f"Read {self.contact} again"


class Bell(models.Model):
    """A task that was rung for and has not begun: it waits in the queue once."""

    task = models.CharField(max_length=60, primary_key=True)
    rung_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.task


class Webhook(models.Model):
    """What is known of one service's webhook: when it was heard, and, for Karbon's, where its events go."""

    system = models.CharField(max_length=10, choices=System, primary_key=True)
    heard_at = models.DateTimeField(null=True, help_text="The last delivery with a good signature, to half a minute.")
    refused_at = models.DateTimeField(null=True, help_text="The last delivery with a wrong signature, likewise.")
    refusals = models.PositiveIntegerField(default=0, help_text="How many of them since the last good one.")
    stranger_at = models.DateTimeField(
        null=True, help_text="The newest event about a contact not known here: the lists were asked for because of it."
    )
    target = models.CharField(max_length=300, blank=True, help_text="Where we last had events sent.")
    key_digest = models.CharField(max_length=64, blank=True, help_text="Fingerprint of the key they are signed with.")
    looked_at = models.DateTimeField(null=True, help_text="When the subscription was last found in order, or mended.")
    problem = models.CharField(max_length=500, blank=True)
    problem_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.get_system_display()} webhook"


class Budget(models.Model):
    """Calls made to one service of late and in the running day, shared by all processes (see ``contacts.budget``)."""

    system = models.CharField(max_length=10, choices=System, primary_key=True)
    version = models.PositiveBigIntegerField(
        default=0, help_text="Moves with each call: whoever read an older one reads again."
    )
    recent: "models.JSONField[list[float], list[float]]" = models.JSONField(default=list)  # moments, last minute
    at_once: "models.JSONField[dict[str, float], dict[str, float]]" = models.JSONField(default=dict)  # token: until
    day_calls = models.PositiveIntegerField(default=0)
    day_left = models.PositiveIntegerField(null=True, blank=True, help_text="What the service itself said is left.")
    day_ends_at = models.DateTimeField(null=True, blank=True, help_text="When the running day of the service ends.")
    blocked_until = models.DateTimeField(null=True, blank=True, help_text="The service told us to wait until then.")

    def __str__(self) -> str:
        return f"{self.get_system_display()} calls"


# At this likeness at most 1 of 200 contacts that have no counterpart is held in vain (docs/model-card-matcher.md).
LOOKALIKE_THRESHOLD = 84


def _percent(label: str, default: int) -> "models.PositiveSmallIntegerField[int, int]":
    return models.PositiveSmallIntegerField(
        label, default=default, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )


def address_labels() -> list[str]:
    return ["Mailing", "Physical", "Legal"]


class SyncSettings(models.Model):
    """How this firm syncs: the one row of settings that people choose in the admin."""

    class ImportFilter(models.TextChoices):
        ALL = "all", "All contacts"
        CUSTOMERS = "customers", "Customers only"
        CUSTOMERS_AND_SUPPLIERS = "customers_and_suppliers", "Customers and suppliers"

    class Policy(models.TextChoices):
        ASK = "ask", "Ask a person"
        XERO = "xero", "Xero wins"
        KARBON = "karbon", "Karbon wins"

    class Clears(models.TextChoices):
        TRAVEL = "travel", "Clear it on the other side too"
        ASK = "ask", "Ask a person"
        NEVER = "never", "Leave the other side's value"

    class ReadOnly(models.TextChoices):
        NONE = "", "Neither"
        XERO = "xero", "Xero"
        KARBON = "karbon", "Karbon"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    syncing = models.BooleanField("syncing is on", default=False)
    # Who paused everything, when and why (``contacts.pausing``); a pause of our own making ends when Xero is connected.
    paused_at = models.DateTimeField(null=True, editable=False)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    pause_reason = models.CharField(max_length=200, blank=True, editable=False)
    ends_when_connected = models.BooleanField(default=False, editable=False)
    meant_until = models.DateTimeField(null=True, editable=False)  # what was there by then a person saw, and went on
    # The side that is only read for now, and likewise who wanted that.
    read_only = models.CharField(max_length=6, choices=ReadOnly, default=ReadOnly.NONE, blank=True, editable=False)
    read_only_at = models.DateTimeField(null=True, editable=False)
    read_only_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    read_only_reason = models.CharField(max_length=200, blank=True, editable=False)
    default_contact_type = models.CharField(
        max_length=200, blank=True, help_text="The Karbon contact type that new Karbon contacts get."
    )
    import_filter = models.CharField(
        max_length=24,
        choices=ImportFilter,
        default=ImportFilter.ALL,
        help_text="A client new in Xero is neither customer nor supplier, and will not reach Karbon under a filter, "
        "until its first invoice or bill.",
    )
    hold_lookalikes = models.BooleanField(
        "hold lookalikes",
        default=True,
        help_text="A contact that looks very much like one in Karbon waits for a person instead of being created.",
    )
    karbon_address_labels: "models.JSONField[list[str], list[str]]" = models.JSONField(
        "billing address in Karbon", default=address_labels, help_text="The labels that are looked at, in this order."
    )
    karbon_phone_labels: "models.JSONField[list[str], list[str]]" = models.JSONField(
        "primary phone in Karbon", default=list, blank=True, help_text="The labels preferred; none: the first phone."
    )
    name_policy = models.CharField("both changed the name", max_length=6, choices=Policy, default=Policy.ASK)
    billing_email_policy = models.CharField(
        "both changed the billing email", max_length=6, choices=Policy, default=Policy.ASK
    )
    primary_phone_policy = models.CharField(
        "both changed the primary phone", max_length=6, choices=Policy, default=Policy.ASK
    )
    billing_address_policy = models.CharField(
        "both changed the billing address", max_length=6, choices=Policy, default=Policy.ASK
    )
    clears = models.CharField(
        "when a value was cleared on one side",
        max_length=6,
        choices=Clears,
        default=Clears.TRAVEL,
        help_text="A name is never cleared.",
    )
    settle_seconds = models.PositiveSmallIntegerField(
        "seconds to wait before sending",
        default=0,
        validators=[MaxValueValidator(3600)],
        help_text="0 sends at once. Some seconds turn a burst of saves of one contact into a single change.",
    )
    brake_at_least = models.PositiveIntegerField(
        "pause from this many contacts within an hour",
        default=20,
        validators=[MinValueValidator(1)],
        help_text="Fewer are never taken for a mass change.",
    )
    brake_changes = _percent("percent of all pairs changed", 20)
    brake_clears = _percent("percent of all pairs with a value cleared", 5)
    brake_departures = _percent("percent of all pairs archived, merged or gone", 10)
    brake_creations = _percent("new contacts, in percent of all pairs", 20)
    lookalike_threshold = _percent("percent of likeness from which a lookalike is held", LOOKALIKE_THRESHOLD)

    class Meta:
        verbose_name = verbose_name_plural = "sync settings"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_row_of_sync_settings")]

    def __str__(self) -> str:
        return "Sync settings"

    @classmethod
    def load(cls) -> "SyncSettings":
        return cls.objects.get_or_create(id=1)[0]

    @property
    def karbon_convention(self) -> str:
        """Which entries of a Karbon card are ours, for people."""
        address = ", ".join(self.karbon_address_labels or address_labels())
        phone = f"the first one labelled {', '.join(self.karbon_phone_labels)}, else the first" if self.karbon_phone_labels else "the first"  # fmt: skip
        return f"Of its addresses it is the first filled one labelled {address}; of its phones {phone}; of its emails the first."

    def policy(self, field: str) -> str:
        return str(getattr(self, f"{field}_policy"))
