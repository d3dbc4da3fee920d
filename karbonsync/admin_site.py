"""Puts the admin together: our own pages beside the lists, the navigation, the look.

The review desk may not know the services (design §2), so it is given the one thing it needs of them here: a way to read
full Karbon records.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse

from contacts import admin_stopped, admin_undo
from contacts.models import FieldConflict
from contacts.values import Ref, Snapshot
from karbon import remote as karbon_remote
from karbonsync import dashboard, safety_desk
from matching import creating_xero, desk, duplicate_desk, issues, kind_desk, possible, together, unsynced


def read_karbon(refs: Sequence[Ref]) -> Mapping[str, Snapshot | None]:
    """Read full Karbon records for a person who waits for the page."""
    return karbon_remote.connect(for_person=True).read(refs)


def own_pages(site: AdminSite) -> list[URLPattern]:
    return [
        path("progress/", site.admin_view(dashboard.progress), name="progress"),
        path("check-now/", site.admin_view(dashboard.check_now), name="check_now"),
        *safety_desk.urls(site),
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


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar: what waits for people first, then what is, what happened, and the settings."""
    return [
        {"items": [_item(request, "Dashboard", "dashboard", "index", "")]},
        {
            "title": "To decide",
            "items": [
                _item(request, "Match issues", "compare_arrows", "match_issues", "matching.view_matchissue")
                | _badge(issues_waiting(request), "karbonsync.admin_site.issues_waiting"),
                _item(
                    request,
                    "Both sides changed",
                    "call_split",
                    "contacts_fieldconflict_changelist",
                    "contacts.view_fieldconflict",
                    "?is_open__exact=1",
                )
                | _badge(questions_waiting(request), "karbonsync.admin_site.questions_waiting"),
                _item(request, "Check the kind", "badge", "kinds", "matching.view_matchissue")
                | _badge(kinds_waiting(request), "karbonsync.admin_site.kinds_waiting"),
                _item(request, "Paused for safety", "pause_circle", "paused", "contacts.view_link")
                | _badge(pauses_on(request), "karbonsync.admin_site.pauses_on"),
            ],
        },
        {
            "title": "Contacts",
            "items": [
                _item(
                    request,
                    "Xero contacts",
                    "receipt_long",
                    "contacts_xerocontact_changelist",
                    "contacts.view_xerocontact",
                ),
                _item(
                    request,
                    "Karbon contacts",
                    "groups",
                    "contacts_karboncontact_changelist",
                    "contacts.view_karboncontact",
                ),
                _item(request, "Links", "link", "contacts_link_changelist", "contacts.view_link"),
                _item(request, "Duplicates", "content_copy", "duplicates", "matching.view_matchissue"),
            ],
        },
        {
            "title": "History",
            "items": [
                _item(request, "Changes", "history", "contacts_change_changelist", "contacts.view_change"),
                _item(request, "Decisions", "gavel", "matching_verdict_changelist", "matching.view_verdict"),
                _item(request, "Checks", "task_alt", "karbonsync_run_changelist", "karbonsync.view_run"),
            ],
        },
        {
            "title": "Settings",
            "items": [
                _item(
                    request, "Sync settings", "tune", "contacts_syncsettings_changelist", "contacts.view_syncsettings"
                ),
                _item(
                    request, "Xero connection", "power", "xero_xeroconnection_changelist", "xero.view_xeroconnection"
                ),
                _item(request, "Users", "person", "auth_user_changelist", "auth.view_user"),
                _item(request, "Groups", "shield_person", "auth_group_changelist", "auth.view_group"),
            ],
        },
    ]


def _item(request: HttpRequest, title: str, icon: str, page: str, permission: str, query: str = "") -> dict[str, Any]:
    may = not permission or request.user.has_perm(permission)
    return {"title": title, "icon": icon, "link": reverse(f"admin:{page}") + query, "permission": lambda request: may}


def _badge(waiting: int, callback: str) -> dict[str, str]:
    """Show how many wait, and nothing where nothing waits."""
    return {"badge": callback} if waiting else {}


def issues_waiting(request: HttpRequest) -> int:
    return issues.open_issues().count()


def kinds_waiting(request: HttpRequest) -> int:
    return kind_desk.number_waiting()


def questions_waiting(request: HttpRequest) -> int:
    return FieldConflict.objects.filter(is_open=True).count()


def pauses_on(request: HttpRequest) -> int:
    return len(safety_desk.open_pauses(request))
