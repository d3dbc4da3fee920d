"""The first page: how things stand, what waits for a person, what is wrong and what to do about it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core.checks import run_checks
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from contacts import bell, budget, finding, pausing, stopped
from contacts.models import Change, FieldConflict, Link, SyncSettings
from contacts.values import System
from karbon import keys as karbon_keys
from karbon.models import KarbonConnection
from karbonsync import forecast, listening, outages, pacing, standing
from karbonsync.lease import LEASE
from karbonsync.listening import Listening
from karbonsync.models import Cursor, Lease, Run, SetUp
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
    webhook: Listening
    is_refused: bool = False  # only a person can let us in again
    day: budget.Day | None = None
    per_day: int = 0
    closed: str = ""  # until when it takes no more calls, and what waits
    next_at: datetime | None = None  # where looking for changes is stretched
    poll_every: timedelta | None = None
    lag: timedelta | None = None  # at worst

    @property
    def lag_in_words(self) -> str:
        """Say how long an edit stays unseen as a rule, and at worst where that is longer."""
        if self.poll_every is None or self.lag is None:
            return ""
        usually, at_worst = forecast.lasting(self.poll_every), forecast.lasting(self.lag)
        return usually if usually == at_worst else f"{usually}, at worst {at_worst}"


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fill the index page (unfold's dashboard callback)."""
    now = standing.of(request)
    services, chosen = service_states(now.refused), now.chosen
    context.update(
        title="Dashboard",
        tiles=[tile for tile in tiles() if request.user.has_perm(tile.permission)],
        services=services,
        is_connected=all(service.is_connected for service in services),
        chosen=chosen,
        time_left=forecast.said(),
        was_started=chosen.syncing or SetUp.objects.filter(started_at__isnull=False).exists(),
        may_set_up=request.user.has_perm("contacts.change_syncsettings"),
        faults=run_checks(tags=["karbonsync"]),
        running=running_check(),
        last_checks=[(run, in_words(run.counts)) for run in Run.objects.filter(ended_at__isnull=False)[:LAST_CHECKS]],
        may_check=request.user.has_perm("contacts.change_link"),
        may_pause=request.user.has_perm("contacts.change_syncsettings"),
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


def service_states(refused: Collection[System]) -> list[ServiceState]:
    """Return how each service stands; ``refused`` are those that do not let us in."""
    days = budget.days()
    cursors = {cursor.system: cursor for cursor in Cursor.objects.all()}
    connection = XeroConnection.objects.first()
    told = {webhook.system: webhook for webhook in listening.states(cursors)}
    has_keys = karbon_keys.are_there()
    account = KarbonConnection.objects.values_list("account_name", flat=True).first() or "Keys are set"
    xero = _state(
        told[System.XERO], cursors, days[System.XERO], is_connected=connection is not None and connection.is_connected
    )
    karbon = _state(
        told[System.KARBON],
        cursors,
        days[System.KARBON],
        is_connected=has_keys,
        detail=account if has_keys else "",
    )
    karbon = replace(karbon, is_refused=System.KARBON in refused)
    if connection is None:
        return [xero, karbon]
    xero = replace(xero, detail=connection.tenant_name, is_refused=System.XERO in refused)
    if connection.problem:
        xero = replace(xero, problem=connection.problem, problem_since=connection.problem_since)
    return [xero, karbon]


def _state(
    webhook: Listening, cursors: Mapping[str, Cursor], day: budget.Day, *, is_connected: bool, detail: str = ""
) -> ServiceState:
    system = System(webhook.system)
    cursor = cursors.get(system, Cursor())
    paced = pacing.plan(system, cursor, day)
    waiting = pausing.waiting(system).count() if day.closed_until else 0
    closed = budget.closed_in_words(system, day)
    return ServiceState(
        label=webhook.label,
        is_connected=is_connected,
        detail=detail,
        read_at=cursor.polled_at,
        walked_at=cursor.walked_at,
        problem=cursor.problem,
        problem_since=cursor.problem_since,
        webhook=webhook,
        day=day,
        per_day=budget.limits_of(system).per_day,
        closed=f"{closed[:-1]}; {pausing.in_words(waiting)}." if closed and waiting else closed,
        next_at=cursor.next_poll_at,
        poll_every=paced.poll_every,
        lag=pacing.worst_lag(system, paced) if cursor.walked_at else None,
    )


@permission_required("xero.view_xeroconnection", raise_exception=True)
@require_safe
def webhooks(request: HttpRequest) -> HttpResponse:
    """Show how both webhooks stand, where they deliver and how to set them up."""
    told = listening.states(Cursor.objects.in_bulk())
    context = {**admin.site.each_context(request), "title": "Webhooks", "webhooks": told}
    return render(request, "karbonsync/webhooks.html", context)


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
    chosen = SyncSettings.load()
    if chosen.syncing:
        outages.knock_now()
        pacing.look_now()
        bell.ring()
        what = (
            "It starts in a moment."
            if not chosen.paused_at
            else "While everything is paused it reads and sends nothing."
        )
        messages.success(request, f"A check was asked for. {what}")
    else:
        messages.error(request, "Syncing is off. Finish the set-up first.")
    return redirect("admin:index")
