"""Paused for safety: the banner on every page, and the page where a person says whether it was meant."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from contacts import admin_undo, pages
from contacts.models import Change
from karbonsync import safety
from karbonsync.models import SafetyStop

SEE, ACT = "contacts.view_link", "contacts.change_link"
SHOWN_CHANGES = 10
Kind = SafetyStop.Kind
_WAITING = "What people asked for is still sent. Every other change waits and nothing is lost; changes that come in meanwhile wait too."
WHAT_WAITS = {
    Kind.LIST: "Contacts that are missing from the list are not taken for gone, and nobody is created again because of it. When the list is whole again, this goes on by itself.",
    Kind.CHANGES: _WAITING,
    Kind.CLEARS: _WAITING,
    Kind.DEPARTURES: _WAITING,
    Kind.CREATIONS: _WAITING,
}


@dataclass(frozen=True)
class Pause:
    """One pause that is on: what waits, and the changes that could be put back."""

    stopped: SafetyStop
    number: int
    changes: list[Any]

    @property
    def what_waits(self) -> str:
        return WHAT_WAITS[Kind(self.stopped.kind)]

    @property
    def can_put_back(self) -> bool:
        return self.stopped.kind in safety.CAN_PUT_BACK

    @property
    def is_about_new_contacts(self) -> bool:
        return self.stopped.kind == Kind.CREATIONS


def urls(site: AdminSite) -> list[URLPattern]:
    wrap = site.admin_view
    return [
        path("paused/", wrap(paused), name="paused"),
        path("paused/<int:stop_id>/go-on/", wrap(go_on), name="paused_go_on"),
        path("paused/<int:stop_id>/put-back/", wrap(put_back), name="paused_put_back"),
    ]


def page_url(*_: object, **__: object) -> str:
    return reverse("admin:paused")


def open_pauses(request: HttpRequest) -> list[SafetyStop]:
    """Return what is paused now, asked once per request: the banner and the sidebar both show it."""
    kept: dict[str, Any] = vars(request)
    if "open_pauses" not in kept:
        kept["open_pauses"] = list(safety.open_stops())
    found: list[SafetyStop] = kept["open_pauses"]
    return found


@require_safe
def paused(request: HttpRequest) -> HttpResponse:
    pages.require(request, SEE)
    past = SafetyStop.objects.filter(is_open=False).select_related("closed_by")
    return pages.show(
        request,
        "karbonsync/paused.html",
        "Paused for safety",
        pauses=[_pause(stopped) for stopped in open_pauses(request)],
        waiting=Change.objects.filter(state=Change.State.QUEUED, by=None).count(),
        page=pages.page_of(request, past),
        may_act=request.user.has_perm(ACT),
    )


def _pause(stopped: SafetyStop) -> Pause:
    changes = safety.affected(stopped)
    shown = admin_undo.with_undoings(changes)[:SHOWN_CHANGES]
    return Pause(stopped, changes.count(), admin_undo.history(shown))


@pages.act(ACT, page=page_url)
def go_on(request: HttpRequest, stop_id: int, *, by: User) -> HttpResponse:
    safety.go_on(get_object_or_404(SafetyStop, pk=stop_id), by=by)
    success(request, "It was meant: it goes on.")
    return redirect("admin:paused")


@pages.act(ACT, page=page_url)
def put_back(request: HttpRequest, stop_id: int, *, by: User) -> HttpResponse:
    stopped = get_object_or_404(SafetyStop, pk=stop_id)
    number = safety.put_back(stopped, by=by)
    if stopped.kind == Kind.CREATIONS:
        said = f"{number:,} new {'contact is' if number == 1 else 'contacts are'} left out of Karbon. What had been created already waits under “Unsynced” to be deleted there."
    else:
        said = f"The former values of {number:,} {'pair' if number == 1 else 'pairs'} go back. What was edited since is left as it is."
    success(request, said)
    return redirect("admin:paused")
