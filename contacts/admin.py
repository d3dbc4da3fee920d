"""The lists and pages of contacts, links, changes and open questions. Read-only but for the acts of ``contacts.links``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from unfold.admin import ModelAdmin
from unfold.decorators import display

from contacts import (
    admin_stopped,
    admin_undo,
    bell,
    comparing,
    finding,
    links,
    normalise,
    pages,
    typing_in,
)
from contacts.admin_undo import change_lines
from contacts.fields import FIELDS
from contacts.models import Change, FieldConflict, KarbonContact, Link, RemoteContact, SyncSettings, XeroContact
from contacts.pages import link_url
from contacts.values import System

HISTORY = 20
STATE_COLOURS = {
    Link.State.LIVE.label: "success",
    Link.State.CREATING.label: "info",
    Link.State.STOPPED.label: "warning",
    Link.State.UNSYNCED.label: "warning",
}


class ReadOnlyAdmin(ModelAdmin):
    """A list and page to look at: what is here comes from the services or from acts, never from a form."""

    list_per_page = 50
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # Keys are stored folded, so that a search finds capitals and accents in any database.
        return super().get_search_results(request, queryset, normalise.text_key(search_term))

    def seen_object(self, request: HttpRequest, object_id: str) -> Any:
        """Return the object of a page of our own, if the person may look at it."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_object(request, unquote(object_id))
        return found or self._get_obj_does_not_exist_redirect(request, self.opts, object_id)


def moment(at: datetime) -> str:
    return format_html('<span class="ks-nowrap">{}</span>', date_format(localtime(at), "DATETIME_FORMAT"))


def lines_of(template: str, rows: Sequence[tuple[str, str, str]]) -> str:
    """Return a cell of several lines; ``template`` holds one, its values are escaped."""
    return format_html('<div class="ks-lines">{}</div>', format_html_join("", template, rows))


# --- contacts ---------------------------------------------------------------------------------------------------------


class LinkedFilter(admin.SimpleListFilter):
    title, parameter_name = "link", "linked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Linked"), ("no", "Not linked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        held = Link.objects.exclude(state=Link.State.ENDED)
        linked = Q(pk__in=held.filter(xero__isnull=False).values("xero"))
        linked |= Q(pk__in=held.filter(karbon__isnull=False).values("karbon"))
        return queryset.filter(linked if self.value() == "yes" else ~linked)


class ContactAdmin(ReadOnlyAdmin):
    """What the Xero and the Karbon list have in common."""

    system: System
    list_display: Sequence[str] = ("shown_name", "shown_email", "shown_phone", "shown_presence", "shown_link")
    list_filter = (LinkedFilter, "presence", "kind", "left_out")
    search_fields = ("name_key", "email_key", "remote_id")
    search_help_text = "Search by name, email or identifier"
    ordering = ("name_key", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return finding.with_open_links(super().get_queryset(request), self.system)

    @display(description="Name", ordering="name_key")
    def shown_name(self, contact: RemoteContact) -> str:
        return str(contact)

    @display(description="Billing email", ordering="email_key")
    def shown_email(self, contact: RemoteContact) -> str:
        return contact.billing_email

    @display(description="Primary phone")
    def shown_phone(self, contact: RemoteContact) -> str:
        return contact.shown["primary_phone"]

    @display(description="In the service", ordering="presence")
    def shown_presence(self, contact: RemoteContact) -> str:
        return contact.get_presence_display() + (", left out" if contact.left_out else "")

    @display(description="Link", label=STATE_COLOURS)
    def shown_link(self, contact: Any) -> str:
        return contact.open_links[0].get_state_display() if contact.open_links else ""

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        contact = self.seen_object(request, object_id)
        if isinstance(contact, HttpResponse):
            return contact
        pair = contact.open_links[0] if contact.open_links else None
        other = pair.side(self.system.other) if pair else None
        changes = admin_undo.with_undoings(finding.changes_of(contact))[:HISTORY]
        return pages.show(
            request,
            "contacts/contact.html",
            str(contact),
            contact=contact,
            system=self.system,
            other_system=self.system.other,
            rows=[
                (
                    field,
                    contact.shown[name],
                    name in contact.values,
                    field.in_xero if self.system is System.XERO else field.in_karbon,
                )
                for name, field in FIELDS.items()
            ],
            pair=pair,
            other=other,
            other_url=pages.contact_url(other) if other else "",
            held=held_values(pair) if pair else [],
            clash=name_clash(pair) if pair else [],
            issue=contact.match_issues.filter(state="open").first() if self.system is System.XERO else None,
            candidacies=contact.candidacies.filter(issue__state="open").select_related("issue__xero")[:5],
            changes=admin_undo.history(changes),
            log=finding.log_of(filter(None, [contact, other]))[:HISTORY],
            may_link=request.user.has_perm("contacts.change_link"),
            may_match=request.user.has_perm("matching.view_matchissue"),
        )


def held_values(pair: Link) -> list[tuple[str, str, str]]:
    """Return what cannot be sent: to which system, which field, and why."""
    return [
        (System(system).label, FIELDS[name].label, str(refused.get("reason", "")))
        for system, fields in pair.held.items()
        for name, refused in fields.items()
        if name in FIELDS
    ]


def name_clash(pair: Link) -> list[tuple[RemoteContact, str, bool]]:
    """Return who in Xero has the name already that a creation or a pair was refused for, and whether each is free."""
    is_refused = pair.state == Link.State.CREATING and pair.problem
    is_held = pair.state == Link.State.LIVE and "name" in pair.held.get(System.XERO, {})
    if pair.karbon is None or not (is_refused or is_held):
        return []
    others = finding.namesakes(System.XERO, pair.karbon.name).exclude(pk=pair.xero_id or 0)
    found: list[Any] = list(finding.with_open_links(others, System.XERO)[:10])
    return [(other, pages.contact_url(other), not other.open_links) for other in found]


@admin.register(XeroContact)
class XeroContactAdmin(ContactAdmin):
    system = System.XERO


@admin.register(KarbonContact)
class KarbonContactAdmin(ContactAdmin):
    system = System.KARBON
    list_display = ("shown_name", "kind", "shown_email", "shown_phone", "shown_presence", "shown_link")


# --- links ------------------------------------------------------------------------------------------------------------


class AttentionFilter(admin.SimpleListFilter):
    title, parameter_name = "attention", "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("refused", "Refused by a service"), ("problem", "With a problem")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "refused":
            return queryset.filter(finding.REFUSED)
        if self.value() == "problem":
            return queryset.exclude(problem="").exclude(state=Link.State.ENDED)
        return queryset


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin):
    list_display = ("shown", "shown_contacts", "shown_state", "origin", "shown_since", "shown_act")
    list_filter = ("state", AttentionFilter, "origin")
    list_select_related = ("xero", "karbon")
    search_fields = ("xero__name_key", "xero__email_key", "karbon__name_key", "karbon__email_key")
    search_help_text = "Search by name or email of either side"
    ordering = ("-linked_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("xero__payload", "karbon__payload")

    @display(description="Pair", ordering="xero__name_key")
    def shown(self, pair: Link) -> str:
        return str(pair)

    @display(description="Contacts")
    def shown_contacts(self, pair: Link) -> str:
        sides = [(system.label, side) for system in System if (side := pair.side(system))]
        return lines_of(
            '<div><span class="ks-muted">{}:</span> <a class="ks-link" href="{}">{}</a></div>',
            [(label, pages.contact_url(side), str(side)) for label, side in sides],
        )

    @display(description="Since", ordering="linked_at")
    def shown_since(self, pair: Link) -> Any:
        return moment(pair.linked_at)

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def shown_state(self, pair: Link) -> str:
        return pair.get_state_display()

    @display(description="Act")
    def shown_act(self, pair: Link) -> str:
        if pair.state in (Link.State.LIVE, Link.State.STOPPED):
            url, words = reverse("admin:link_unsync", args=[pair.pk]), "Unsync"
        elif pair.state == Link.State.UNSYNCED:
            url, words = reverse("admin:unsynced_pair", args=[pair.pk]), "Decide"
        else:
            return ""
        return format_html('<a class="ks-link" href="{}">{}<span class="ks-hidden"> {}</span></a>', url, words, pair)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:link_id>/unsync/", wrap(unsync), name="link_unsync"),
            path("<uuid:link_id>/try-again/", wrap(try_again), name="link_try_again"),
            path("<uuid:link_id>/give-up/", wrap(give_up), name="link_give_up"),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        pair = self.seen_object(request, object_id)
        if isinstance(pair, HttpResponse):
            return pair
        changes = admin_undo.with_undoings(Change.objects.filter(link=pair))[:HISTORY]
        both = pair.xero is not None and pair.karbon is not None
        return pages.show(
            request,
            "contacts/link.html",
            str(pair),
            pair=pair,
            rows=comparing.compare(pair.xero.values, pair.karbon.values) if both else [],
            held=held_values(pair),
            clash=name_clash(pair),
            conflicts=FieldConflict.objects.filter(link=pair, is_open=True).select_related("link__xero"),
            changes=admin_undo.history(changes),
            may_link=request.user.has_perm("contacts.change_link"),
            **admin_stopped.situation(request, pair),
        )


def unsync(request: HttpRequest, link_id: object) -> HttpResponse:
    """Ask first, then unsync."""
    if request.method == "POST":
        return _unsync_now(request, link_id)
    pages.require(request, "contacts.change_link")
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    if pair.state not in (Link.State.LIVE, Link.State.STOPPED):
        return redirect(link_url(link_id))
    return pages.show(request, "contacts/unsync.html", f"Unsync {pair}?", pair=pair)


@pages.act("contacts.change_link", page=link_url)
def _unsync_now(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    links.unsync(pair, by=by)
    success(request, f"{pair} is unsynced. Neither side is changed until somebody decides what comes next.")
    return redirect("admin:unsynced_pair", link_id)


def _page_after_creation(pair: Link) -> HttpResponseRedirect:
    source = pair.xero or pair.karbon
    assert source is not None
    return redirect(pages.contact_url(source))


@pages.act("contacts.change_link", page=link_url)
def try_again(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    links.try_again(pair, by=by)
    success(request, "It is sent once more.")
    return _page_after_creation(pair)


@pages.act("contacts.change_link", page=link_url)
def give_up(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    links.give_up_creation(pair, by=by)
    success(request, "The creation was withdrawn. Nothing was created.")
    return _page_after_creation(pair)


# --- changes ----------------------------------------------------------------------------------------------------------


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


# --- open questions ---------------------------------------------------------------------------------------------------


def conflict_url(conflict_id: object) -> str:
    return reverse("admin:contacts_fieldconflict_change", args=[conflict_id])


WHY = {
    FieldConflict.Reason.BOTH: "It was changed in Xero and in Karbon, to different values.",
    FieldConflict.Reason.UNSURE: "Our last change of it got no reply, and we cannot tell whether it arrived.",
    FieldConflict.Reason.CLEARED: "It was cleared on one side. Your settings ask a person before it is cleared on the other.",
    FieldConflict.Reason.FLAPPING: "It keeps changing back and forth between the two sides. Another program may be writing it too.",
}


def _side_of(conflict: FieldConflict, system: System) -> dict[str, Any]:
    """What a question shows of one side: the value both agreed on last, the value now, and when it changed."""
    field, is_xero = FIELDS[conflict.field], system is System.XERO
    agreed = conflict.agreed.get(system)
    return {
        "label": system.label,
        "agreed": None if agreed is None else field.show(agreed),
        "now": field.show(conflict.xero_value if is_xero else conflict.karbon_value),
        "changed_at": conflict.xero_changed_at if is_xero else conflict.karbon_changed_at,
    }


@admin.register(FieldConflict)
class FieldConflictAdmin(ReadOnlyAdmin):
    list_display = ("shown", "shown_field", "shown_reason", "shown_xero", "shown_karbon", "opened_at", "shown_state")
    list_filter = ("is_open", "reason", "field")
    list_select_related = ("link__xero", "link__karbon", "answered_by")
    search_fields = ("link__xero__name_key", "link__karbon__name_key")
    search_help_text = "Search by name"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("link__xero__payload", "link__karbon__payload")

    @display(description="Contact")
    def shown(self, conflict: FieldConflict) -> str:
        return str(conflict.link)

    @display(description="Field", ordering="field")
    def shown_field(self, conflict: FieldConflict) -> str:
        return FIELDS[conflict.field].label

    @display(description="Why a person decides", ordering="reason")
    def shown_reason(self, conflict: FieldConflict) -> str:
        return conflict.get_reason_display()

    @display(description="In Xero")
    def shown_xero(self, conflict: FieldConflict) -> str:
        return FIELDS[conflict.field].show(conflict.xero_value)

    @display(description="In Karbon")
    def shown_karbon(self, conflict: FieldConflict) -> str:
        return FIELDS[conflict.field].show(conflict.karbon_value)

    @display(description="State")
    def shown_state(self, conflict: FieldConflict) -> str:
        return "Waiting for a person" if conflict.is_open else conflict.answer or "Settled itself"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"title": "Both sides changed", **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:conflict_id>/answer/", self.admin_site.admin_view(answer), name="answer_conflict")
        return [own, *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        conflict = self.seen_object(request, object_id)
        if isinstance(conflict, HttpResponse):
            return conflict
        field = FIELDS[conflict.field]
        return pages.show(
            request,
            "contacts/conflict.html",
            str(conflict),
            conflict=conflict,
            field=field,
            shown_xero=field.show(conflict.xero_value),
            shown_karbon=field.show(conflict.karbon_value),
            sentence=WHY[FieldConflict.Reason(conflict.reason)],
            sides=[_side_of(conflict, system) for system in System],
            parts=typing_in.parts(conflict.field, conflict.xero_value),
            seen=pages.fingerprint(conflict.xero_value, conflict.karbon_value),
            may_answer=request.user.has_perm("contacts.change_fieldconflict"),
        )


@pages.act("contacts.change_fieldconflict", page=conflict_url)
def answer(request: HttpRequest, conflict_id: int, *, by: User) -> HttpResponse:
    """Keep one side's value, or write a typed one."""
    conflict = get_object_or_404(FieldConflict.objects.select_related("link__xero"), pk=conflict_id)
    pages.must_be_as_seen(request, pages.fingerprint(conflict.xero_value, conflict.karbon_value))
    choice = request.POST.get("choice", "")
    if choice in System.values:
        links.answer(conflict, by=by, winner=System(choice))
    elif choice == "typed":
        links.answer(conflict, by=by, typed=typing_in.typed_value(conflict.field, request.POST.dict()))
    else:
        raise links.NotPossible("Choose one of the values first.")
    success(request, f"{conflict} is decided. It is sent in a moment.")
    return redirect(reverse("admin:contacts_fieldconflict_changelist") + "?is_open__exact=1")


# --- settings ---------------------------------------------------------------------------------------------------------


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
        ("Syncing", {"fields": ("syncing", "default_contact_type", "import_filter", "settle_seconds")}),
        ("Lookalikes", {"fields": ("hold_lookalikes", "lookalike_threshold")}),
        ("When a value was cleared", {"fields": ("clears",)}),
        (
            "When both sides changed the same field",
            {"fields": ("name_policy", "billing_email_policy", "primary_phone_policy", "billing_address_policy")},
        ),
        (
            "Paused for safety",
            {
                "fields": ("brake_at_least", "brake_changes", "brake_clears", "brake_departures"),
                "description": "When more than this happens within an hour, nothing more is sent until somebody has looked.",
            },
        ),
    )

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
