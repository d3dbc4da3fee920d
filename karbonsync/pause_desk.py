"""Pause and resume: the page that says what is held back and what would happen, and the acts on it."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import success, warning
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from contacts import admin_undo, pages, pausing
from contacts.models import Link, SyncSettings
from contacts.values import System
from karbonsync import resuming
from xero.models import XeroConnection

SEE, ACT = "contacts.view_link", "contacts.change_syncsettings"
PAIRS_SHOWN = 50


def urls(site: AdminSite) -> list[URLPattern]:
    wrap = site.admin_view
    return [
        path("pausing/", wrap(page), name="pausing"),
        path("pausing/everything/", wrap(pause_all), name="pause_all"),
        path("pausing/resume/", wrap(resume_all), name="resume_all"),
        path("pausing/only-read/<str:system>/", wrap(only_read), name="only_read"),
        path("pausing/write-again/", wrap(write_again), name="write_again"),
    ]


def page_url(*_: object, **__: object) -> str:
    return reverse("admin:pausing")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show what is paused, what waits because of it, and how to go on; or how to pause."""
    pages.require(request, SEE)
    chosen = SyncSettings.load()
    held = admin_undo.with_undoings(pausing.held_back(chosen).order_by("pk"))
    shown = pages.page_of(request, held)
    paused_pairs = Link.objects.exclude(paused_at=None).select_related("xero", "karbon", "paused_by")
    return pages.show(
        request,
        "karbonsync/pausing.html",
        "Pause and resume",
        chosen=chosen,
        read_only=System(chosen.read_only) if chosen.read_only else None,
        systems=list(System),
        outlook=resuming.outlook(chosen) if chosen.paused_at or chosen.read_only else None,
        held=[(change, admin_undo.change_lines(change)) for change in shown],
        page=shown,
        paused_pairs=paused_pairs.defer("xero__payload", "karbon__payload").order_by("-paused_at")[:PAIRS_SHOWN],
        is_connected=is_connected(),
        may_act=request.user.has_perm(ACT),
    )


def is_connected() -> bool:
    connection = XeroConnection.objects.first()
    return connection is not None and connection.is_connected


@pages.act(ACT, page=page_url)
def pause_all(request: HttpRequest, *, by: User) -> HttpResponse:
    pausing.pause_all(by=by, reason=pausing.reason_given(request.POST.get("reason", "")))
    success(request, "Everything is paused. Both services are still read; what changes waits.")
    return redirect("admin:pausing")


@pages.act(ACT, page=page_url)
def only_read(request: HttpRequest, system: str, *, by: User) -> HttpResponse:
    if system not in System.values:
        return redirect("admin:pausing")
    side = System(system)
    pausing.only_read(side, by=by, reason=pausing.reason_given(request.POST.get("reason", "")))
    success(request, f"{side.label} is only read from now on. Changes to it wait.")
    return redirect("admin:pausing")


@pages.act(ACT, page=page_url)
def resume_all(request: HttpRequest, *, by: User) -> HttpResponse:
    if _must_look_first(request):
        return redirect("admin:pausing")
    pausing.resume_all(by=by)
    success(request, "It goes on. What waited is sent in a moment.")
    return redirect("admin:index")


@pages.act(ACT, page=page_url)
def write_again(request: HttpRequest, *, by: User) -> HttpResponse:
    if _must_look_first(request):
        return redirect("admin:pausing")
    pausing.write_again(by=by)
    success(request, "Both services are written to again. What waited is sent in a moment.")
    return redirect("admin:index")


def _must_look_first(request: HttpRequest) -> bool:
    """Where much would be sent, a press from elsewhere leads to the page that shows it; the press there counts."""
    outlook: Any = None if request.POST.get("seen") else resuming.outlook(SyncSettings.load())
    if outlook is None or not outlook.is_much:
        return False
    warning(request, "Much would be sent. Look at it here first, then resume.")
    return True
