"""What comes after an unsync: take the pair up again, or give one of the two a fresh counterpart."""

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from contacts import comparing, finding, links, pages, typing_in
from contacts.models import Link, RemoteContact, SyncSettings
from contacts.values import Kind, System
from matching import desk

ACT = desk.ACT_ON_LINKS


def urls(site: AdminSite, read: pages.Read) -> list[URLPattern]:
    wrap, pair = site.admin_view, "unsynced/<uuid:link_id>/"
    return [
        path(pair, wrap(unsynced_pair), {"read": read}, name="unsynced_pair"),
        path(f"{pair}rematch/", wrap(rematch), name="unsynced_rematch"),
        path(f"{pair}new-karbon/", wrap(new_karbon), name="unsynced_new_karbon"),
        path(f"{pair}new-xero/", wrap(new_xero), name="unsynced_new_xero"),
    ]


def pair_url(link_id: object) -> str:
    return reverse("admin:unsynced_pair", args=[link_id])


def _pair(link_id: object) -> tuple[Link, RemoteContact, RemoteContact]:
    """Return an unsynced pair with both sides as they are now."""
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon", "ended_by"), pk=link_id)
    if pair.xero is None or pair.karbon is None or pair.state != Link.State.UNSYNCED:
        raise links.Overtaken("This pair is no longer unsynced: somebody has decided.")
    return pair, pair.xero, pair.karbon


@require_safe
def unsynced_pair(request: HttpRequest, link_id: object, *, read: pages.Read) -> HttpResponse:
    """Show both sides of an unsynced pair and the three ways on."""
    pages.require(request, desk.SEE)
    try:
        pair, xero, karbon = _pair(link_id)
    except links.Overtaken:  # decided: its own page says how it stands
        return redirect("admin:contacts_link_change", link_id)
    unread = pages.read_in_full([karbon], read)
    namesakes = desk.namesakes_in_xero(karbon.name)
    return pages.show(
        request,
        "matching/unsynced.html",
        str(pair),
        pair=pair,
        xero=xero,
        karbon=karbon,
        xero_url=pages.contact_url(xero),
        karbon_url=pages.contact_url(karbon),
        rows=comparing.compare(xero.values, karbon.values),
        obstacle=_obstacle(xero, karbon, unread.get(karbon.pk, "")),
        karbon_unread=unread.get(karbon.pk, ""),
        seen=pages.pair_fingerprint(xero, karbon),
        namesakes=[(other, pages.contact_url(other)) for other in namesakes],
        kinds=desk.KINDS,
        kind=desk.guessed_kind(xero),
        contact_type=SyncSettings.load().default_contact_type,
        may_act=request.user.has_perm(ACT),
    )


def _obstacle(xero: RemoteContact, karbon: RemoteContact, unread: str) -> str:
    """Say why the pair cannot be taken up again now; blank when it can."""
    for side in (xero, karbon):
        if not side.is_present:
            return f"{side} is {side.get_presence_display().lower()} in {System(side.system).label}."
    return unread


@pages.act(ACT, page=pair_url)
def rematch(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    """Take the pair up again with the values picked field by field."""
    pair, xero, karbon = _pair(link_id)
    pair.xero, pair.karbon = pages.locked(xero.pk, karbon.pk)
    pages.must_be_as_seen(request, pages.pair_fingerprint(pair.xero, pair.karbon))
    made = links.rematch(pair, by=by, winners=pages.chosen_winners(request))
    success(request, f"{made} is in sync again. What differs is sent in a moment.")
    return redirect("admin:contacts_link_change", made.pk)


@pages.act(ACT, page=pair_url)
def new_karbon(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    """Give the Xero contact a fresh Karbon contact; the old one is left out."""
    pair, xero, karbon = _pair(link_id)
    kind, contact_type = desk.chosen_kind(request), desk.chosen_contact_type(request)
    links.renew(pair, links.Wanted(xero, kind, contact_type, cause="New Karbon contact from Xero's data", by=by))
    success(request, f"A new Karbon contact for {xero} is created in a moment. The old one, {karbon}, is left out.")
    return redirect(pages.contact_url(xero))


@pages.act(ACT, page=pair_url)
def new_xero(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    """Give the Karbon contact a fresh Xero contact, under a distinguishing name where Xero has its name already."""
    pair, xero, karbon = _pair(link_id)
    (karbon,) = pages.locked(karbon.pk)
    if not karbon.complete:
        raise links.NotPossible("Karbon's full record has not been read yet. Look at this page again in a moment.")
    name = typing_in.typed_name(request.POST.get("name", "")) or karbon.name
    if finding.namesakes(System.XERO, name).exists():
        raise links.NotPossible(
            f"Xero already has an active contact called {name}, and takes each name once. Type a name that tells the two apart, or re-match the pair."
        )
    typed = {"name": name} if name != karbon.name else {}
    want = links.Wanted(karbon, Kind(karbon.kind), cause="New Xero contact from Karbon's data", by=by, typed=typed)
    links.renew(pair, want)
    success(request, f"A new Xero contact called {name} is created in a moment. The old one, {xero}, is left out.")
    return redirect(pages.contact_url(karbon))
