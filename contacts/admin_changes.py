"""The history: every change that was or is to be made, and its own page with undo."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from contacts import admin_undo
from contacts.admin_lists import ReadOnlyAdmin, lines_of, moment
from contacts.admin_undo import change_lines
from contacts.models import Change
from contacts.pages import link_url


class WaitingFilter(admin.SimpleListFilter):
    title, parameter_name = "waiting", "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Still to be sent")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state__in=Change.OPEN) if self.value() == "yes" else queryset


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    change_form_outer_after_template = "contacts/_undo_change.html"
    list_display = (
        "shown_when",
        "shown_contact",
        "shown_fields",
        "shown_where",
        "shown_why",
        "shown_state",
        "shown_error",
    )
    list_display_links = ("shown_when",)
    list_filter = (WaitingFilter, "state", "system", "action")
    list_select_related = ("link__xero", "link__karbon", "by")
    search_fields = ("link__xero__name_key", "link__karbon__name_key", "link__xero__email_key")
    search_help_text = "Search by name or email"
    ordering = ("-id",)
    fields = (
        "shown_when",
        "shown_contact",
        "shown_where",
        "shown_fields",
        "shown_why",
        "shown_state",
        "shown_undone",
        "shown_error",
        "shown_request",
        "attempts",
        "not_before",
        "sent_at",
        "ended_at",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("link__xero__payload", "link__karbon__payload")

    @display(description="When", ordering="created_at")
    def shown_when(self, change: Change) -> Any:
        return moment(change.created_at)

    @display(description="Why", ordering="cause")
    def shown_why(self, change: Change) -> str:
        return f"{change.cause}, by {change.by}" if change.by else change.cause

    @display(description="Problem", empty_value="")
    def shown_error(self, change: Change) -> str:
        return change.error

    @display(description="Undone", empty_value="")
    def shown_undone(self, change: Change) -> str:
        state = admin_undo.undo_state(change)
        return "No" if state == "possible" else state

    @display(description="The service's request number", empty_value="")
    def shown_request(self, change: Change) -> str:
        return f"{change.get_system_display()}'s request number: {change.request_id}" if change.request_id else ""

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        change = self.get_object(request, unquote(object_id)) if self.has_view_permission(request) else None
        more = {"the_change": change, "undo": admin_undo.undo_state(change)} if change else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    @display(description="Contact")
    def shown_contact(self, change: Change) -> str:
        return format_html('<a class="ks-link" href="{}">{}</a>', link_url(change.link_id), change.link)

    @display(description="What")
    def shown_fields(self, change: Change) -> str:
        lines = change_lines(change)
        if not lines:
            return change.get_action_display()
        return lines_of(
            '<div><span class="ks-muted">{}:</span> {} → {}</div>',
            [(label, before or "blank", after or "blank") for label, before, after in lines],
        )

    @display(description="Where", ordering="system")
    def shown_where(self, change: Change) -> str:
        return str(change)

    @display(
        description="State",
        ordering="state",
        label={
            Change.State.DONE.label: "success",
            Change.State.REJECTED.label: "danger",
            Change.State.QUEUED.label: "info",
            Change.State.SENDING.label: "info",
        },
    )
    def shown_state(self, change: Change) -> str:
        return change.get_state_display()
