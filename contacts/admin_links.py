"""The list of pairs, the page of one with both sides compared, and the acts on a pair and on a creation."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from contacts import admin_pausing, admin_stopped, admin_undo, comparing, finding, links, pages
from contacts.admin_lists import HISTORY, STATE_COLOURS, ReadOnlyAdmin, lines_of, moment, shown_state_of
from contacts.fields import FIELDS
from contacts.models import Change, FieldConflict, Link, RemoteContact
from contacts.pages import link_url
from contacts.values import System


class AttentionFilter(admin.SimpleListFilter):
    title, parameter_name = "attention", "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("refused", "Refused by a service"), ("problem", "With a problem"), ("paused", "Paused by a person")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "refused":
            return queryset.filter(finding.REFUSED)
        if self.value() == "problem":
            return queryset.exclude(problem="").exclude(state=Link.State.ENDED)
        return queryset.exclude(paused_at=None) if self.value() == "paused" else queryset


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
        return shown_state_of(pair)

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
            waiting=admin_pausing.waiting_of(pair),
            clash=name_clash(pair),
            conflicts=FieldConflict.objects.filter(link=pair, is_open=True).select_related("link__xero"),
            changes=admin_undo.history(changes),
            may_link=request.user.has_perm("contacts.change_link"),
            **admin_stopped.situation(request, pair),
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
    if pair.karbon is None or not (is_refused or finding.is_name_held(pair)):
        return []
    others = finding.namesakes(System.XERO, pair.karbon.name).exclude(pk=pair.xero_id or 0)
    found: list[Any] = list(finding.with_open_links(others, System.XERO)[:10])
    return [(other, pages.contact_url(other), not other.open_links) for other in found]


def unsync(request: HttpRequest, link_id: object) -> HttpResponse:
    """Ask first, then unsync."""
    if request.method == "POST":
        return _unsync_now(request, link_id)
    pages.require(request, "contacts.change_link")
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    if pair.state not in (Link.State.LIVE, Link.State.STOPPED):
        return redirect(link_url(link_id))
    cancel = link_url(link_id)
    return pages.show(request, "contacts/unsync.html", f"Unsync {pair}?", pair=pair, press="Unsync", cancel=cancel)


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
