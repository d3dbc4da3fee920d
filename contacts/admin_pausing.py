"""Pause one pair, and let it go on, from its page."""

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path

from contacts import pages, pausing
from contacts.models import Change, Link
from contacts.pages import link_url

ACT = "contacts.change_link"


def urls(site: AdminSite) -> list[URLPattern]:
    wrap = site.admin_view
    return [
        path("pair/<uuid:link_id>/pause/", wrap(pause), name="link_pause"),
        path("pair/<uuid:link_id>/go-on/", wrap(go_on), name="link_go_on"),
    ]


def waiting_of(pair: Link | None) -> int:
    """How many changes wait for a paused pair."""
    if pair is None or not pair.paused_at:
        return 0
    return Change.objects.filter(link=pair, state=Change.State.QUEUED).count()


def pause(request: HttpRequest, link_id: object) -> HttpResponse:
    """Ask first, then pause."""
    if request.method == "POST":
        return _pause_now(request, link_id)
    pages.require(request, ACT)
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    return pages.show(request, "contacts/pause.html", f"Pause {pair}?", pair=pair)


@pages.act(ACT, page=link_url)
def _pause_now(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    pausing.pause_pair(pair, by=by, reason=request.POST.get("reason", ""))
    success(request, f"{pair} is paused. Edits on either side wait until somebody resumes it.")
    return redirect(link_url(link_id))


@pages.act(ACT, page=link_url)
def go_on(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    pausing.resume_pair(pair, by=by)
    success(request, f"{pair} goes on. What waited is sent in a moment.")
    return redirect(link_url(link_id))
