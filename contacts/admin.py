"""The admin of contacts: the settings, and one module per list. Read-only but for the acts of ``contacts.links``."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.shortcuts import redirect
from unfold.admin import ModelAdmin

from contacts import admin_changes, admin_conflicts, admin_contacts, admin_links, bell  # noqa: F401  (registers their lists)
from contacts.models import SyncSettings


class SyncSettingsForm(forms.ModelForm):
    """What is not posted at all stays as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if self.is_bound and self.add_prefix(name) not in self.data:
                field.required = False


@admin.register(SyncSettings)
class SyncSettingsAdmin(ModelAdmin):
    """The one row: the list leads straight to it."""

    form = SyncSettingsForm
    change_form_outer_after_template = "matching/_lookalikes.html"
    fieldsets = (
        (
            "Syncing",
            {
                "fields": ("default_contact_type", "import_filter", "settle_seconds"),
                "description": "The contact type, the import filter and the conventions are changed in the set-up, which "
                "shows first what a change would do.",
            },
        ),
        ("Lookalikes", {"fields": ("hold_lookalikes", "lookalike_threshold")}),
        ("When a value was cleared", {"fields": ("clears",)}),
        (
            "When both sides changed the same field",
            {"fields": ("name_policy", "billing_email_policy", "primary_phone_policy", "billing_address_policy")},
        ),
        (
            "Paused for safety",
            {
                "fields": ("brake_at_least", "brake_changes", "brake_clears", "brake_departures", "brake_creations"),
                "description": "When more than this happens within an hour, nothing more is sent until somebody has looked.",
            },
        ),
    )

    readonly_fields = ("default_contact_type", "import_filter")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return redirect("admin:contacts_syncsettings_change", SyncSettings.load().pk)

    def save_model(self, request: HttpRequest, obj: SyncSettings, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        bell.ring()  # what the new settings let in is done at once
