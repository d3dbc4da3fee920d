"""Possible matches where no match issue asks: on the page of a contact without a partner, and beside an unsynced pair."""

from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse

from contacts import comparing, links, pages
from contacts.models import KarbonContact, Link, RemoteContact, XeroContact
from contacts.values import System
from matching import desk, issues, suggestions
from matching.strength import Strength, strength
from matching.suggestions import Suggestion


@dataclass(frozen=True)
class Possible:
    """A Karbon contact that a Xero contact might be, as a page shows it."""

    karbon: RemoteContact
    strength: Strength
    reasons: tuple[str, ...]
    is_taken: bool
    url: str


def urls(site: AdminSite, read: pages.Read) -> list[URLPattern]:
    wrap, pair = site.admin_view, "possible-match/<int:xero_id>/<int:karbon_id>/"
    return [
        path(pair, wrap(compare), {"read": read}, name="possible_match"),
        path(f"{pair}not-the-same/", wrap(not_the_same), name="possible_not_the_same"),
    ]


def pair_url(xero_id: int, karbon_id: int) -> str:
    return reverse("admin:possible_match", args=[xero_id, karbon_id])


def _xero_url(xero_id: int, karbon_id: int) -> str:
    return reverse("admin:contacts_xerocontact_change", args=[xero_id])


def matches_of(xero: RemoteContact) -> list[Possible]:
    """Return whom a Xero contact might be in Karbon, the likeliest first; nobody once it has left Xero."""
    if xero.system != System.XERO or not xero.is_present:
        return []
    found = suggestions.suggest([xero]).get(xero.pk, [])
    contacts = RemoteContact.objects.defer("payload").in_bulk([each.karbon for each in found])
    return [_possible(xero, contacts[each.karbon], each) for each in found if each.karbon in contacts]


def _possible(xero: RemoteContact, karbon: RemoteContact, found: Suggestion) -> Possible:
    url = pair_url(xero.pk, karbon.pk)
    return Possible(karbon, strength(found.score), found.reasons, found.is_taken, url)


def compare(request: HttpRequest, xero_id: int, karbon_id: int, *, read: pages.Read) -> HttpResponse:
    """Show both side by side and how likely they are the same (GET), then link them (POST)."""
    if request.method == "POST":
        return _link_now(request, xero_id, karbon_id)
    pages.require(request, desk.SEE)
    xero, karbon = get_object_or_404(XeroContact, pk=xero_id), get_object_or_404(KarbonContact, pk=karbon_id)
    if issue := issues.open_issues().filter(xero=xero, candidates__karbon=karbon).first():
        return redirect(desk.issue_url(issue.pk))
    unread = pages.read_in_full([karbon], read).get(karbon.pk, "")
    found = suggestions.suggest([xero], also={xero.pk: [karbon.pk]}).get(xero.pk, [])
    this = next((each for each in found if each.karbon == karbon.pk), None)
    return pages.show(
        request,
        "matching/possible.html",
        f"Is {xero} the Karbon contact {karbon}?",
        xero=xero,
        karbon=karbon,
        xero_url=pages.contact_url(xero),
        karbon_url=pages.contact_url(karbon),
        possible=_possible(xero, karbon, this) if this else None,
        rows=comparing.compare(xero.values, karbon.values),
        former=links.open_link(xero),
        obstacle=_obstacle(xero, karbon, unread),
        seen=pages.pair_fingerprint(xero, karbon),
        may_link=request.user.has_perm(desk.ACT_ON_LINKS),
    )


def _obstacle(xero: RemoteContact, karbon: RemoteContact, unread: str) -> str:
    for side in (xero, karbon):
        if not side.is_present:
            return f"{side} is {side.get_presence_display().lower()} in {System(side.system).label}."
    held = links.open_link(xero)
    if held and held.state != Link.State.UNSYNCED:
        return f"{xero} already belongs to a pair. Unsync that one first."
    if links.open_link(karbon):
        return f"{karbon} already belongs to a pair. Unsync that one first."
    return unread


@pages.act(desk.ACT_ON_LINKS, page=pair_url)
def _link_now(request: HttpRequest, xero_id: int, karbon_id: int, *, by: User) -> HttpResponse:
    get_object_or_404(XeroContact, pk=xero_id)
    get_object_or_404(KarbonContact, pk=karbon_id)
    xero, karbon = pages.locked(xero_id, karbon_id)
    pages.must_be_as_seen(request, pages.pair_fingerprint(xero, karbon))
    if why := _obstacle(xero, karbon, ""):
        raise links.NotPossible(why)
    former, winners = links.open_link(xero), pages.chosen_winners(request)
    if former:
        made = issues.link_instead(former, karbon, by=by, winners=winners)
    else:
        made = issues.link_by_hand(xero, karbon, by=by, winners=winners)
    success(request, f"{xero} and {karbon} are linked. What differs is sent in a moment.")
    return redirect(pages.link_url(made.pk))


@pages.act(desk.DECIDE, page=pair_url)
def not_the_same(request: HttpRequest, xero_id: int, karbon_id: int, *, by: User) -> HttpResponse:
    xero, karbon = get_object_or_404(XeroContact, pk=xero_id), get_object_or_404(KarbonContact, pk=karbon_id)
    issues.not_this_one(xero, karbon, by=by)
    success(request, f"Noted: {karbon} is not the same. This pair is not suggested again.")
    return redirect(_xero_url(xero_id, karbon_id))
