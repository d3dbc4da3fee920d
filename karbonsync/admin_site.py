"""Puts the admin together: our own pages beside the lists, the navigation, the look.

The review desk may not know the services (design §2), so it is given the one thing it needs of them here: a way to read
full Karbon records.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse

from contacts import admin_pausing, admin_stopped, admin_undo
from contacts.models import FieldConflict
from contacts.values import Ref, Snapshot
from karbon import remote as karbon_remote
from karbonsync import connection_desk, dashboard, pause_desk, preview_desk, safety_desk, setup_desk, xero_desk
from karbonsync.check_contact import check_contact
from matching import creating_xero, desk, duplicate_desk, issues, kind_desk, possible, together, unsynced


def read_karbon(refs: Sequence[Ref]) -> Mapping[str, Snapshot | None]:
    """Read full Karbon records for a person who waits for the page."""
    return karbon_remote.connect(for_person=True).read(refs)


def own_pages(site: AdminSite) -> list[URLPattern]:
    return [
        path("progress/", site.admin_view(dashboard.progress), name="progress"),
        path("check-now/", site.admin_view(dashboard.check_now), name="check_now"),
        path("webhooks/", site.admin_view(dashboard.webhooks), name="webhooks"),
        path("check-contact/<int:contact_id>/", site.admin_view(check_contact), name="check_contact"),
        *connection_desk.urls(site),
        *pause_desk.urls(site),
        *setup_desk.urls(site),
        *xero_desk.urls(site),
        *preview_desk.urls(site),
        *safety_desk.urls(site),
        *admin_pausing.urls(site),
        *admin_stopped.urls(site, read_karbon),
        *admin_undo.urls(site),
        *desk.urls(site, read_karbon),
        *together.urls(site),
        *kind_desk.urls(site),
        *duplicate_desk.urls(site),
        *possible.urls(site, read_karbon),
        *unsynced.urls(site, read_karbon),
        *creating_xero.urls(site, read_karbon),
    ]


def install(site: AdminSite) -> None:
    """Hook our pages into the admin site; unfold asks ``extra_urls`` for them."""
    vars(site)["extra_urls"] = lambda: own_pages(site)


def stylesheet(request: HttpRequest) -> str:
    return static("karbonsync/desk.css")


def script(request: HttpRequest) -> str:
    return static("karbonsync/desk.js")


def icon(request: HttpRequest) -> str:
    return static("karbonsync/icon.svg")


def issues_waiting(request: HttpRequest) -> int:
    return issues.open_issues().count()


def kinds_waiting(request: HttpRequest) -> int:
    return kind_desk.number_waiting()


def questions_waiting(request: HttpRequest) -> int:
    return FieldConflict.objects.filter(is_open=True).count()


def pauses_on(request: HttpRequest) -> int:
    return len(safety_desk.open_pauses(request))


class Item(NamedTuple):
    """One line of the sidebar: where it leads, who sees it, and how many wait there for a person."""

    title: str
    icon: str
    page: str
    permission: str = ""
    query: str = ""
    waiting: Callable[[HttpRequest], int] | None = None


# What waits for people first, then what is, what happened, and the settings.
SIDEBAR: dict[str, list[Item]] = {
    "": [Item("Dashboard", "dashboard", "index")],
    "To decide": [
        Item("Match issues", "compare_arrows", "match_issues", "matching.view_matchissue", waiting=issues_waiting),
        Item(
            "Both sides changed", "call_split", "contacts_fieldconflict_changelist", "contacts.view_fieldconflict",
            "?is_open__exact=1", questions_waiting,
        ),
        Item("Check the kind", "badge", "kinds", "matching.view_matchissue", waiting=kinds_waiting),
        Item("Paused for safety", "pause_circle", "paused", "contacts.view_link", waiting=pauses_on),
    ],
    "Contacts": [
        Item("Xero contacts", "receipt_long", "contacts_xerocontact_changelist", "contacts.view_xerocontact"),
        Item("Karbon contacts", "groups", "contacts_karboncontact_changelist", "contacts.view_karboncontact"),
        Item("Links", "link", "contacts_link_changelist", "contacts.view_link"),
        Item("Duplicates", "content_copy", "duplicates", "matching.view_matchissue"),
    ],
    "History": [
        Item("Changes", "history", "contacts_change_changelist", "contacts.view_change"),
        Item("Decisions", "gavel", "matching_verdict_changelist", "matching.view_verdict"),
        Item("Checks", "task_alt", "karbonsync_run_changelist", "karbonsync.view_run"),
    ],
    "Settings": [
        Item("Set-up", "checklist", "setup", "contacts.change_syncsettings"),
        Item("Pause and resume", "pause", "pausing", "contacts.view_link"),
        Item("Sync settings", "tune", "contacts_syncsettings_changelist", "contacts.view_syncsettings"),
        Item("Xero connection", "power", "xero_xeroconnection_changelist", "xero.view_xeroconnection"),
        Item("Webhooks", "webhook", "webhooks", "xero.view_xeroconnection"),
        Item("Users", "person", "auth_user_changelist", "auth.view_user"),
        Item("Groups", "shield_person", "auth_group_changelist", "auth.view_group"),
    ],
}  # fmt: skip


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar as unfold wants it; a badge shows only where something waits."""
    return [{"title": title, "items": [_shown(item, request) for item in items]} for title, items in SIDEBAR.items()]


def _shown(item: Item, request: HttpRequest) -> dict[str, Any]:
    may = not item.permission or request.user.has_perm(item.permission)
    shown = {"title": item.title, "icon": item.icon, "permission": lambda request: may}
    shown["link"] = reverse(f"admin:{item.page}") + item.query
    if may and item.waiting and (number := item.waiting(request)):
        shown["badge"] = number  # a number is shown as it is; a text would name a function to ask
    return shown
