"""A pair of which one side left: what its page says, and the acts of ``contacts.stopped`` that people choose from."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path

from contacts import comparing, finding, links, normalise, pages, stopped
from contacts.models import Link, RemoteContact, SyncSettings
from contacts.pages import link_url
from contacts.values import Kind, Presence, System

ACT = "contacts.change_link"
KINDS = (Kind.ORGANISATION, Kind.PERSON)
FOUND_AT_ONCE = 20


def urls(site: AdminSite, read: pages.Read) -> list[URLPattern]:
    wrap, pair = site.admin_view, "stopped/<uuid:link_id>/"
    return [
        path(f"{pair}link-to/<int:other_id>/", wrap(relink), {"read": read}, name="stopped_relink"),
        path(f"{pair}make-again/", wrap(make_again), name="stopped_make_again"),
        path(f"{pair}archive/", wrap(archive), name="stopped_archive"),
        path(f"{pair}leave-alone/", wrap(leave_alone), name="stopped_leave_alone"),
    ]


def situation(request: HttpRequest, pair: Link) -> dict[str, Any]:
    """Return what the link page shows of a stopped pair: who left, who may take the place, which acts there are."""
    if pair.state != Link.State.STOPPED or pair.xero is None or pair.xero.presence == Presence.ARCHIVED:
        return {}  # archived in Xero is quiet: restored there, the pair goes on
    try:
        gone = stopped.gone_side(pair)
    except links.Overtaken as reason:
        return {"is_back": str(reason)}
    remaining = pair.side(gone.other)
    survivor = stopped.survivor_of(pair.xero) if pair.xero.presence == Presence.MERGED else None
    query = request.GET.get("q", "").strip()[:200]
    return {
        "gone": gone,
        "left_behind": remaining,
        "replacements": stopped.possible_replacements(pair),
        "query": query,
        "found": _free_contacts(gone, query) if query else [],
        "survivor": survivor,
        "survivors_pair": links.open_link(survivor) if survivor else None,
    }


def _free_contacts(system: System, query: str) -> list[RemoteContact]:
    """Contacts of a service that belong to no pair, by a part of the name or the email."""
    key = normalise.text_key(query)
    held = Link.objects.exclude(state=Link.State.ENDED).filter(**{f"{system}__isnull": False}).values(system.value)
    free = RemoteContact.objects.filter(system=system, presence=Presence.PRESENT).exclude(pk__in=held)
    free = free.filter(Q(name_key__contains=key) | Q(email_key__contains=key))
    return list(free.defer("payload").order_by("name_key", "pk")[:FOUND_AT_ONCE])


def _pair(link_id: object) -> tuple[Link, System, RemoteContact]:
    """Return a stopped pair, the system whose side left, and the side that is left behind."""
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    if pair.state != Link.State.STOPPED:
        raise links.Overtaken("This pair is no longer stopped: somebody has decided, or it goes on by itself.")
    gone = stopped.gone_side(pair)
    remaining = pair.side(gone.other)
    assert remaining is not None
    return pair, gone, remaining


# --- another contact in its place -------------------------------------------------------------------------------------


def relink(request: HttpRequest, link_id: object, other_id: int, *, read: pages.Read) -> HttpResponse:
    """Show the side that is left and the chosen contact side by side (GET), then link them (POST)."""
    if request.method == "POST":
        return _relink_now(request, link_id, other_id)
    pages.require(request, ACT)
    try:
        pair, gone, remaining = _pair(link_id)
    except links.Overtaken:
        return redirect(link_url(link_id))
    other = get_object_or_404(RemoteContact, pk=other_id, system=gone)
    xero, karbon = (other, remaining) if gone is System.XERO else (remaining, other)
    unread = pages.read_in_full([karbon], read)
    return pages.show(
        request,
        "contacts/relink.html",
        f"Link {remaining} to {gone.label}'s {other}?",
        pair=pair,
        xero=xero,
        karbon=karbon,
        rows=comparing.compare(xero.values, karbon.values),
        picks=True,
        obstacle=_obstacle(xero, karbon, other, unread.get(karbon.pk, "")),
        seen=pages.pair_fingerprint(xero, karbon),
    )


def _obstacle(xero: RemoteContact, karbon: RemoteContact, other: RemoteContact, unread: str) -> str:
    for side in (xero, karbon):
        if not side.is_present:
            return f"{side} is {side.get_presence_display().lower()} in {System(side.system).label}."
    if links.open_link(other):
        return f"{other} already belongs to a pair. Unsync that one first."
    return unread or ("" if other.complete else "Its full record has not been read yet. Look again in a moment.")


@pages.act(ACT, page=link_url)
def _relink_now(request: HttpRequest, link_id: object, other_id: int, *, by: User) -> HttpResponse:
    pair, gone, remaining = _pair(link_id)
    get_object_or_404(RemoteContact, pk=other_id, system=gone)
    other, remaining = pages.locked(other_id, remaining.pk)
    xero, karbon = (other, remaining) if gone is System.XERO else (remaining, other)
    pages.must_be_as_seen(request, pages.pair_fingerprint(xero, karbon))
    setattr(pair, gone.other.value, remaining)
    made = stopped.relink(pair, other, by=by, winners=pages.chosen_winners(request))
    success(request, f"{xero} and {karbon} are linked. What differs is sent in a moment.")
    return redirect(link_url(made.pk))


# --- the other ways on ------------------------------------------------------------------------------------------------


def make_again(request: HttpRequest, link_id: object) -> HttpResponse:
    """Ask first, then create a fresh counterpart."""
    if request.method == "POST":
        return _make_again_now(request, link_id)
    pages.require(request, ACT)
    try:
        pair, gone, remaining = _pair(link_id)
    except links.Overtaken:
        return redirect(link_url(link_id))
    lost = pair.side(gone)
    return pages.show(
        request,
        "contacts/make_again.html",
        f"Make {remaining} again in {gone.label}?",
        pair=pair,
        gone=gone,
        left_behind=remaining,
        namesakes=_namesakes(gone, remaining),
        kinds=KINDS,
        kind=lost.kind if lost and lost.kind in KINDS else Kind.ORGANISATION,
        contact_type=SyncSettings.load().default_contact_type,
    )


def _namesakes(gone: System, remaining: RemoteContact) -> list[RemoteContact]:
    """Those whose name keeps Xero from taking another one of it; Karbon takes any number."""
    return list(finding.namesakes(gone, remaining.name).defer("payload")[:10]) if gone is System.XERO else []


@pages.act(ACT, page=link_url)
def _make_again_now(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    pair, gone, remaining = _pair(link_id)
    if gone is System.KARBON:
        if request.POST.get("kind") not in KINDS:
            raise links.NotPossible("Choose first whether it is a person or an organisation.")
        kind = Kind(request.POST["kind"])
    else:
        kind = Kind(remaining.kind)
        if _namesakes(gone, remaining):
            raise links.NotPossible(
                f"Xero already has an active contact called {remaining}, and takes each name once. Link to that one, or rename this one in Karbon first."
            )
    stopped.make_again(pair, kind=kind, contact_type=request.POST.get("contact_type", "").strip()[:200], by=by)
    success(request, f"A new {gone.label} contact for {remaining} is created in a moment.")
    return redirect(pages.contact_url(remaining))


def archive(request: HttpRequest, link_id: object) -> HttpResponse:
    """Ask first, then archive the Xero contact whose Karbon contact is gone."""
    if request.method == "POST":
        return _archive_now(request, link_id)
    pages.require(request, ACT)
    try:
        pair, gone, remaining = _pair(link_id)
    except links.Overtaken:
        return redirect(link_url(link_id))
    if gone is not System.KARBON:
        return redirect(link_url(link_id))
    title, cancel = f"Archive {remaining} in Xero?", link_url(link_id)
    return pages.show(request, "contacts/archive.html", title, pair=pair, press="Archive in Xero", cancel=cancel)


@pages.act(ACT, page=link_url)
def _archive_now(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    pair, _, remaining = _pair(link_id)
    stopped.archive_in_xero(pair, by=by)
    success(request, f"{remaining} is archived in Xero in a moment.")
    return redirect(link_url(link_id))


@pages.act(ACT, page=link_url)
def leave_alone(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    pair, _, remaining = _pair(link_id)
    stopped.leave_alone(pair, by=by)
    success(request, f"{remaining} is left alone. Bring it back from “Left out” at any time.")
    return redirect(pages.contact_url(remaining))
