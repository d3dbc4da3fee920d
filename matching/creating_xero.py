"""Create Xero Contact, from a Karbon contact's page: first see whether Xero has it already, then link or create."""

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse

from contacts import bell, comparing, finding, links, pages, typing_in
from contacts.models import Change, KarbonContact, Link, RemoteContact
from contacts.values import Kind, System
from matching import desk, issues

ACT = desk.ACT_ON_LINKS


def urls(site: AdminSite, read: pages.Read) -> list[URLPattern]:
    wrap, contact = site.admin_view, "karbon-contact/<int:contact_id>/"
    return [
        path(f"{contact}create-xero/", wrap(create_xero), {"read": read}, name="create_xero"),
        path(f"{contact}link/", wrap(link), name="link_by_hand"),
        path(
            "name-taken/<uuid:link_id>/link-to/<int:other_id>/", wrap(link_namesake), {"read": read}, name="clash_link"
        ),
        path("name-taken/<uuid:link_id>/another-name/", wrap(another_name), name="clash_rename"),
    ]


def create_url(contact_id: int, **_: object) -> str:
    return reverse("admin:create_xero", args=[contact_id])


def create_xero(request: HttpRequest, contact_id: int, *, read: pages.Read) -> HttpResponse:
    """Look first (GET), then create (POST)."""
    if request.method == "POST":
        return _create_now(request, contact_id, read=read)
    pages.require(request, ACT)
    contact = get_object_or_404(KarbonContact, pk=contact_id)
    held = links.open_link(contact)
    if held and held.state != Link.State.UNSYNCED:
        return redirect(pages.contact_url(contact))
    unread = pages.read_in_full([contact], read).get(contact.pk, "")
    return pages.show(
        request,
        "matching/create_xero.html",
        f"Create a Xero contact for {contact}",
        contact=contact,
        contact_url=pages.contact_url(contact),
        shown=[(row.field.label, row.karbon) for row in comparing.compare({}, contact.values)],
        issues=list(issues.open_issues().filter(candidates__karbon=contact).select_related("xero")),
        unsynced=held,
        lookalikes=[_lookalike(contact, other) for other in finding.lookalikes(contact)[:20]],
        namesake=finding.namesakes(System.XERO, contact.name).first(),
        obstacle=_obstacle(contact, held, unread),
        seen=pages.fingerprint(contact.values),
    )


def _lookalike(contact: RemoteContact, other: RemoteContact) -> dict[str, object]:
    """A Xero contact of the same name or email: why it is shown, what it is linked to, and whether it can be linked."""
    held = getattr(other, "open_links", [])
    same_name = other.name_key in finding.name_keys(contact.name)
    same_email = bool(contact.email_key) and other.email_key == contact.email_key
    return {
        "contact": other,
        "url": pages.contact_url(other),
        "why": " and ".join(why for why, holds in (("same name", same_name), ("same email", same_email)) if holds),
        "link": held[0] if held else None,
        "seen": pages.pair_fingerprint(other, contact),
        "can_link": other.is_present and other.complete and not held,
        "rows": comparing.compare(other.values, contact.values),
    }


def _obstacle(contact: RemoteContact, held: Link | None, unread: str) -> str:
    if held:
        return "It belongs to an unsynced pair. Decide there."
    if not contact.is_present:
        return f"It is {contact.get_presence_display().lower()} in Karbon."
    return unread


@pages.act(ACT, page=create_url)
def _create_now(request: HttpRequest, contact_id: int, *, read: pages.Read, by: User) -> HttpResponse:
    contact = get_object_or_404(KarbonContact, pk=contact_id)
    if not contact.complete or not contact.is_present:
        raise links.NotPossible("Karbon's full record is not at hand. Look at this page again in a moment.")
    pages.must_be_as_seen(request, pages.fingerprint(contact.values))
    name = typing_in.typed_name(request.POST.get("name", ""))[:255] or contact.name
    if not links.open_link(contact):  # else that is what is said
        _must_be_free(name)
    typed = {"name": name} if name != contact.name else {}
    links.create_counterparts(
        [links.Wanted(contact, Kind(contact.kind), cause="Create Xero Contact", by=by, typed=typed)]
    )
    success(request, f"A Xero contact for {contact} is created in a moment. From then on both are kept the same.")
    return redirect(pages.contact_url(contact))


@pages.act(ACT, page=create_url)
def link(request: HttpRequest, contact_id: int, *, by: User) -> HttpResponse:
    """Link to a Xero contact that is there already, instead of creating one."""
    posted = request.POST.get("xero", "")
    other_id = int(posted) if posted.isdecimal() and len(posted) < 19 else 0
    get_object_or_404(RemoteContact, pk=other_id, system=System.XERO)
    get_object_or_404(KarbonContact, pk=contact_id)
    xero, karbon = pages.locked(other_id, contact_id)
    pages.must_be_as_seen(request, pages.pair_fingerprint(xero, karbon))
    issues.link_by_hand(xero, karbon, by=by)
    success(request, f"{xero} and {karbon} are linked. What differs is sent in a moment.")
    return redirect(pages.contact_url(karbon))


def _must_be_free(name: str, *, but: RemoteContact | None = None) -> None:
    if finding.namesakes(System.XERO, name).exclude(pk=but.pk if but else 0).exists():
        raise links.NotPossible(
            f"Xero already has an active contact called {name}, and takes each name once. Link to that one, or type a name that tells the two apart: it is used on both sides."
        )


# --- a name that Xero has already -------------------------------------------------------------------------------------


def _refused(link_id: object, *, to_act: bool = True) -> tuple[Link, RemoteContact]:
    """Return the pair whose name Xero refused, to create it or to change it, and its Karbon contact. An act locks it."""
    found = Link.objects.select_related("xero", "karbon")
    pair = get_object_or_404(found.select_for_update(of=("self",)) if to_act else found, pk=link_id)
    is_creation = pair.state == Link.State.CREATING and pair.problem
    if pair.karbon is None or not (is_creation or finding.is_name_held(pair)):
        raise links.Overtaken("Somebody was faster: this name is no longer refused. Look at it again.")
    return pair, pair.karbon


def link_namesake(request: HttpRequest, link_id: object, other_id: int, *, read: pages.Read) -> HttpResponse:
    """Show both side by side (GET), then link them instead of creating a second one (POST)."""
    if request.method == "POST":
        return _link_namesake_now(request, link_id, other_id)
    pages.require(request, ACT)
    try:
        pair, karbon = _refused(link_id, to_act=False)
    except links.Overtaken:
        return redirect(pages.link_url(link_id))
    xero = get_object_or_404(RemoteContact, pk=other_id, system=System.XERO)
    obstacle = pages.read_in_full([karbon], read).get(karbon.pk, "")
    if links.open_link(xero):
        obstacle = f"{xero} already belongs to a pair. Unsync that one first."
    return pages.show(
        request,
        "contacts/relink.html",
        f"Link {karbon} to Xero's {xero}?",
        pair=pair,
        picks=True,
        leaves=pair.xero,
        rows=comparing.compare(xero.values, karbon.values),
        obstacle=obstacle,
        seen=pages.pair_fingerprint(xero, karbon),
    )


@pages.act(ACT, page=pages.link_url)
def _link_namesake_now(request: HttpRequest, link_id: object, other_id: int, *, by: User) -> HttpResponse:
    pair, karbon = _refused(link_id)
    get_object_or_404(RemoteContact, pk=other_id, system=System.XERO)
    xero, karbon = pages.locked(other_id, karbon.pk)
    pages.must_be_as_seen(request, pages.pair_fingerprint(xero, karbon))
    made = issues.link_to_namesake(pair, xero, karbon, by=by, winners=pages.chosen_winners(request))
    success(request, f"{xero} and {karbon} are linked. What differs is sent in a moment.")
    return redirect(pages.link_url(made.pk))


@pages.act(ACT, page=pages.link_url)
def another_name(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    """Use another name on both sides: of a refused creation, or of a pair whose name Xero does not take."""
    pair, karbon = _refused(link_id)
    name = typing_in.typed_name(request.POST.get("name", ""))[:255]
    if not name:
        raise links.NotPossible("Type the name first.")
    _must_be_free(name, but=pair.xero)
    if pair.state == Link.State.LIVE:
        links.wish(
            pair,
            System.XERO,
            "name",
            name,
            purpose=Change.Purpose.TYPED,
            cause="Typed by a person",
            by=by,
        )
        pair.base_karbon["name"] = karbon.values["name"]
        pair.plan_due = True
        pair.save(update_fields=["wishes", "base_karbon", "plan_due"])
        links.record(by, pair.xero, "Typed another name for both sides.")
        bell.ring()
    else:
        links.give_up_creation(pair, by=by)
        want = links.Wanted(karbon, Kind(karbon.kind), cause="Create Xero Contact", by=by, typed={"name": name})
        pair = links.create_counterparts([want])[0]
    success(request, f"The name {name} is used on both sides. It is sent in a moment.")
    return redirect(pages.link_url(pair.pk))
