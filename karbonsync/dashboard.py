"""The first page: how things stand, what waits for a person, what is wrong and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.checks import run_checks
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from contacts import bell, finding, stopped
from contacts.models import Change, FieldConflict, Link, SyncSettings
from contacts.values import System
from karbon import keys as karbon_keys
from karbon.models import KarbonConnection
from karbonsync.models import Cursor, Lease, Run, SetUp
from karbonsync.tasks import LEASE
from matching import issues
from xero.models import XeroConnection

LAST_CHECKS = 8


@dataclass(frozen=True)
class Tile:
    """One number of the dashboard, where it leads, and whether it asks for somebody."""

    key: str
    label: str
    count: int
    url: str
    permission: str
    asks: bool = False
    waiting: int | None = None  # how many of them wait for somebody, where that is not all

    @property
    def is_calling(self) -> bool:
        return self.asks and (self.count if self.waiting is None else self.waiting) > 0


@dataclass(frozen=True)
class ServiceState:
    """How one service stands: connected or not, when it was last read well, what is wrong."""

    label: str
    is_connected: bool
    detail: str
    read_at: datetime | None
    walked_at: datetime | None
    problem: str
    problem_since: datetime | None


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fill the index page (unfold's dashboard callback)."""
    services, is_syncing = service_states(), SyncSettings.load().syncing
    context.update(
        title="Dashboard",
        tiles=[tile for tile in tiles() if request.user.has_perm(tile.permission)],
        services=services,
        is_connected=all(service.is_connected for service in services),
        is_syncing=is_syncing,
        was_started=is_syncing or SetUp.objects.filter(started_at__isnull=False).exists(),
        may_set_up=request.user.has_perm("contacts.change_syncsettings"),
        faults=run_checks(tags=["karbonsync"]),
        running=running_check(),
        last_checks=[(run, in_words(run.counts)) for run in Run.objects.filter(ended_at__isnull=False)[:LAST_CHECKS]],
        may_check=request.user.has_perm("contacts.change_link"),
    )
    return context


def tiles() -> list[Tile]:
    links = Link.objects.aggregate(
        live=Count("pk", filter=Q(state=Link.State.LIVE)),
        unsynced=Count("pk", filter=Q(state=Link.State.UNSYNCED)),
        stopped=Count("pk", filter=Q(state=Link.State.STOPPED)),
        left=Count("pk", filter=stopped.NEEDS_ACT),
        creating=Count("pk", filter=Q(state=Link.State.CREATING, problem="")),
        refused=Count("pk", filter=finding.REFUSED),
    )
    link_list, change_list = reverse("admin:contacts_link_changelist"), reverse("admin:contacts_change_changelist")
    desk = reverse("admin:match_issues")
    conflicts = FieldConflict.objects.filter(is_open=True).count()
    waiting = Change.objects.filter(state__in=Change.OPEN).count()
    see, act = "contacts.view_link", True
    return [
        Tile("live", "In sync", links["live"], f"{link_list}?state__exact=live", see),
        Tile("issues", "Match issues waiting", issues.open_issues().count(), desk, "matching.view_matchissue", act),
        Tile(
            "conflicts",
            "Both sides changed",
            conflicts,
            reverse("admin:contacts_fieldconflict_changelist") + "?is_open__exact=1",
            "contacts.view_fieldconflict",
            act,
        ),
        Tile("unsynced", "Unsynced", links["unsynced"], f"{desk}?tab=unsynced", "matching.view_matchissue", act),
        Tile("stopped", "Stopped", links["stopped"], f"{link_list}?state__exact=stopped", see, act, links["left"]),
        Tile("creating", "Being created", links["creating"], f"{link_list}?state__exact=creating", see),
        Tile("waiting", "Changes waiting", waiting, f"{change_list}?open=yes", "contacts.view_change"),
        Tile("refused", "Refused by a service", links["refused"], f"{link_list}?attention=refused", see, act),
    ]


def service_states() -> list[ServiceState]:
    cursors = {cursor.system: cursor for cursor in Cursor.objects.all()}
    connection = XeroConnection.objects.first()
    has_keys = karbon_keys.are_there()
    account = KarbonConnection.objects.values_list("account_name", flat=True).first() or "Keys are set"
    xero = _state(System.XERO, cursors, is_connected=connection is not None and connection.is_connected)
    karbon = _state(System.KARBON, cursors, is_connected=has_keys, detail=account if has_keys else "")
    if connection is None:
        return [xero, karbon]
    xero = replace(xero, detail=connection.tenant_name)
    if connection.problem:
        xero = replace(xero, problem=connection.problem, problem_since=connection.problem_since)
    return [xero, karbon]


def _state(system: System, cursors: Mapping[str, Cursor], *, is_connected: bool, detail: str = "") -> ServiceState:
    cursor = cursors.get(system, Cursor())
    return ServiceState(
        label=system.label,
        is_connected=is_connected,
        detail=detail,
        read_at=cursor.polled_at,
        walked_at=cursor.walked_at,
        problem=cursor.problem,
        problem_since=cursor.problem_since,
    )


def running_check() -> Run | None:
    """Return the check at work now. One whose process died is not running: its lease ran out."""
    if not Lease.objects.filter(name=LEASE, expires_at__gt=timezone.now()).exclude(holder="").exists():
        return None
    return Run.objects.filter(ended_at=None).first()


def in_words(counts: Mapping[str, Any]) -> str:
    """Say what a check did, leaving out what it did not do."""
    pulled, matched, written = (counts.get(part) or {} for part in ("pulled", "matched", "written"))
    said = [
        (sum(pulled.values()), "new or changed"),
        (matched.get("full", 0), "linked"),
        (counts.get("adopted", 0), "taken over"),
        (matched.get("conflict", 0) + matched.get("similar", 0), "held for a person"),
        (counts.get("created", 0), "created"),
        (written.get("xero", 0), "changed in Xero"),
        (written.get("karbon", 0), "changed in Karbon"),
        (counts.get("failed", 0), "refused"),
    ]
    return ", ".join(f"{number:,} {what}" for number, what in said if number) or "Nothing had changed"


@require_safe
@never_cache
def progress(request: HttpRequest) -> HttpResponse:
    """Tell the dashboard's script how the running check goes on, and the numbers as they are now."""
    running = running_check()
    shown = [tile for tile in tiles() if request.user.has_perm(tile.permission)]
    newest = Run.objects.filter(ended_at__isnull=False).values_list("pk", flat=True).first()
    return JsonResponse(
        {
            "running": {"step": running.get_step_display(), "progress": running.progress} if running else None,
            "counts": {tile.key: {"count": tile.count, "calls": tile.is_calling} for tile in shown},
            "last_check": newest,
        }
    )


@require_POST
@permission_required("contacts.change_link", raise_exception=True)
def check_now(request: HttpRequest) -> HttpResponse:
    """Ring the bell; the worker does the rest."""
    if SyncSettings.load().syncing:
        bell.ring()
        messages.success(request, "A check was asked for. It starts in a moment.")
    else:
        messages.error(request, "Syncing is off. Switch it on in the sync settings first.")
    return redirect("admin:index")
