"""The review desk: match issues in a list, and one page each where a person decides. Acts are those of ``matching.issues``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from contacts import comparing, finding, links, normalise, pages, undoing
from contacts.models import Link, RemoteContact, SyncSettings
from contacts.values import Kind, System
from matching import classifier, issues, kind_checks
from matching.models import Candidate, MatchIssue
from matching.waiting import BEST_FIRST, SORTS, WHYS, Order, counts, with_matches

TABS = {"issues": "Match issues", "unsynced": "Unsynced", "left-out": "Left out"}
SEE, DECIDE, ACT_ON_LINKS = "matching.view_matchissue", "matching.change_matchissue", "contacts.change_link"
KINDS = (Kind.ORGANISATION, Kind.PERSON)


def urls(site: AdminSite, read: pages.Read) -> list[URLPattern]:
    """Our pages under the admin. ``read`` reads full Karbon records."""
    wrap = site.admin_view
    issue = "match-issues/<int:issue_id>/"
    return [
        path("match-issues/", wrap(waiting), name="match_issues"),
        path(issue, wrap(review), {"read": read}, name="match_issue"),
        path(f"{issue}confirm/", wrap(confirm), name="issue_confirm"),
        path(f"{issue}create-new/", wrap(create_new), name="issue_create_new"),
        path(f"{issue}not-the-same/", wrap(not_the_same), name="issue_not_the_same"),
        path(f"{issue}leave-out/", wrap(leave_out), name="issue_leave_out"),
        path(f"{issue}duplicate/", wrap(duplicate), name="issue_duplicate"),
        path("contact/<int:contact_id>/leave-out/", wrap(leave_contact_out), name="leave_out"),
        path("contact/<int:contact_id>/bring-back/", wrap(bring_back), name="bring_back"),
    ]


# --- the list ---------------------------------------------------------------------------------------------------------


@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """List what waits for a decision: match issues, unsynced pairs, and what was left out."""
    pages.require(request, SEE)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "issues"
    order = Order.of(request.GET)
    waits = counts()
    all_rows = {"unsynced": _unsynced(), "left-out": _left_out()}
    found = with_matches(order.issues()) if tab == "issues" else _search(tab, all_rows[tab], order.query)
    return pages.show(
        request,
        "matching/waiting.html",
        TABS[tab],
        tab=tab,
        tabs=[(key, label, all_rows[key].count() if key in all_rows else waits["all"]) for key, label in TABS.items()],
        query=order.query,
        order=order,
        sorts=SORTS,
        whys=[(why, label, waits[why]) for why, label in WHYS.items() if waits[why]],
        page=pages.page_of(request, found),
        to_delete=Paginator(undoing.to_delete(), pages.PER_PAGE).page(1) if tab == "unsynced" else None,
        may_link=request.user.has_perm(ACT_ON_LINKS),
        may_decide=request.user.has_perm(DECIDE),
    )


def _unsynced() -> QuerySet[Any]:
    pairs = Link.objects.filter(state=Link.State.UNSYNCED).select_related("xero", "karbon", "ended_by")
    return pairs.defer("xero__payload", "karbon__payload").order_by("-ended_at", "-pk")


def _left_out() -> QuerySet[Any]:
    return (
        RemoteContact.objects.filter(left_out=True)
        .select_related("left_out_by")
        .defer("payload")
        .order_by("name_key", "pk")
    )


def _search(tab: str, rows: QuerySet[Any], query: str) -> QuerySet[Any]:
    if not query:
        return rows
    key = normalise.text_key(query)
    wanted = Q()
    for start in {"unsynced": ("xero__", "karbon__"), "left-out": ("",)}[tab]:
        wanted |= Q(**{f"{start}name_key__contains": key}) | Q(**{f"{start}email_key__contains": key})
    return rows.filter(wanted)


# --- one issue --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PossibleMatch:
    """One Karbon contact that the issue may be about, as the review page shows it."""

    candidate: Candidate
    rows: list[comparing.Row]
    holder: Link | None  # the link that took it
    obstacle: str  # why it cannot be confirmed now; blank when it can
    seen: str

    @property
    def karbon(self) -> RemoteContact:
        return self.candidate.karbon

    @property
    def url(self) -> str:
        return pages.contact_url(self.karbon)


def issue_url(issue_id: int) -> str:
    return reverse("admin:match_issue", args=[issue_id])


@require_safe
def review(request: HttpRequest, issue_id: int, *, read: pages.Read) -> HttpResponse:
    """Show both sides of a match issue and what each choice does."""
    pages.require(request, SEE)
    issue = get_object_or_404(MatchIssue.objects.select_related("xero", "closed_by"), pk=issue_id)
    is_open = issue.state == MatchIssue.State.OPEN
    matches = possible_matches(issue, read) if is_open else []
    order = Order.of(request.GET)
    return pages.show(
        request,
        "matching/review.html",
        str(issue),
        issue=issue,
        is_open=is_open,
        xero_url=pages.contact_url(issue.xero),
        xero_shown=issue.xero.shown,
        matches=matches,
        is_taken=any(match.candidate.is_taken for match in matches),
        all_taken=bool(matches) and all(match.candidate.is_taken for match in matches),
        kinds=KINDS,
        kind=guessed_kind(issue.xero),
        contact_type=SyncSettings.load().default_contact_type,
        is_similar=bool(matches) and all(match.candidate.why == Candidate.Why.SIMILAR for match in matches),
        order=order,
        place=order.around(issue_id),
        may_decide=request.user.has_perm(DECIDE),
    )


def possible_matches(issue: MatchIssue, read: pages.Read) -> list[PossibleMatch]:
    """Return the issue's possible matches, each read in full from Karbon where that was not done yet."""
    candidates = list(issue.candidates.select_related("karbon").order_by(*BEST_FIRST))
    unread = pages.read_in_full([candidate.karbon for candidate in candidates], read)
    holders = _holders([candidate.karbon for candidate in candidates])
    return [
        PossibleMatch(
            candidate=candidate,
            rows=comparing.compare(issue.xero.values, candidate.karbon.values),
            holder=holders.get(candidate.karbon_id),
            obstacle=_obstacle(issue, candidate, unread.get(candidate.karbon_id, "")),
            seen=pages.pair_fingerprint(issue.xero, candidate.karbon),
        )
        for candidate in candidates
    ]


def _holders(contacts: Sequence[RemoteContact]) -> dict[int, Link]:
    """Return per Karbon contact the pair it belongs to, else the last one it belonged to."""
    pairs = Link.objects.filter(karbon__in=contacts, xero__isnull=False).select_related("xero").order_by("linked_at")
    found: dict[int, Link] = {}
    for pair in sorted(pairs, key=lambda pair: pair.state != Link.State.ENDED):  # a standing one overrides ended ones
        assert pair.karbon_id is not None
        found[pair.karbon_id] = pair
    return found


def _obstacle(issue: MatchIssue, candidate: Candidate, unread: str) -> str:
    if candidate.is_taken:
        return "It is or was linked to another Xero contact."
    for side in (issue.xero, candidate.karbon):
        if not side.is_present:
            label = System(side.system).label
            return f"It is {side.get_presence_display().lower()} in {label}. Restore it there first."
    return unread


def guessed_kind(contact: RemoteContact) -> Kind:
    """Return what a person said a Xero contact is, else what the classifier takes it for; an organisation if it cannot."""
    return guessed_kinds([contact])[0][0]


def guessed_kinds(contacts: Sequence[RemoteContact]) -> list[tuple[Kind, bool]]:
    """Return what each contact is by a person's word or else the classifier's, and whether that is sure."""
    guesses = classifier.classify([kind_checks.name_of(contact) for contact in contacts])
    return [
        (Kind(contact.decided_kind or guess.safer_kind.lower()), bool(contact.decided_kind) or guess.is_sure)
        for contact, guess in zip(contacts, guesses, strict=True)
    ]


def chosen_kind(request: HttpRequest) -> Kind:
    choice = request.POST.get("kind", "")
    if choice not in KINDS:
        raise links.NotPossible("Choose first whether it is a person or an organisation.")
    return Kind(choice)


def chosen_contact_type(request: HttpRequest) -> str:
    return request.POST.get("contact_type", "").strip()[:200]


def _issue(issue_id: int) -> MatchIssue:
    return get_object_or_404(MatchIssue.objects.select_related("xero"), pk=issue_id)


def _karbon(request: HttpRequest) -> RemoteContact:
    posted = request.POST.get("karbon", "")
    pk = int(posted) if posted.isdecimal() and len(posted) < 19 else 0
    return get_object_or_404(RemoteContact, pk=pk, system=System.KARBON)


def _next_issue(request: HttpRequest, issue_id: int) -> HttpResponse:
    """Go to the issue that follows in the list the person came from, past the one just decided; to the list after the last."""
    order = Order.of(request.GET)
    following = order.after(issue_id)
    if following is None:
        return redirect(reverse("admin:match_issues") + order.in_address)
    return redirect(issue_url(following) + order.in_address)


@pages.act(DECIDE, page=issue_url)
def confirm(request: HttpRequest, issue_id: int, *, by: User) -> HttpResponse:
    """Link the Xero contact to the chosen possible match, with the values picked field by field."""
    issue, onward = _issue(issue_id), _next_issue(request, issue_id)
    issue.xero, karbon = pages.locked(issue.xero_id, _karbon(request).pk)
    if not issue.candidates.filter(karbon=karbon).exists():
        raise links.Overtaken(f"{karbon} is no longer a possible match here. Look again.")
    pages.must_be_as_seen(request, pages.pair_fingerprint(issue.xero, karbon))
    issues.confirm(issue, karbon, by=by, winners=pages.chosen_winners(request))
    success(request, f"{issue.xero} is linked. What differs is sent in a moment.")
    return onward


@pages.act(DECIDE, page=issue_url)
def create_new(request: HttpRequest, issue_id: int, *, by: User) -> HttpResponse:
    issue, onward = _issue(issue_id), _next_issue(request, issue_id)
    issues.create_new(issue, kind=chosen_kind(request), contact_type=chosen_contact_type(request), by=by)
    success(request, f"A new Karbon contact for {issue.xero} is created in a moment, and linked.")
    return onward


@pages.act(DECIDE, page=issue_url)
def not_the_same(request: HttpRequest, issue_id: int, *, by: User) -> HttpResponse:
    issue, karbon = _issue(issue_id), _karbon(request)
    issues.not_the_same(issue, karbon, by=by)
    success(request, f"Noted: {karbon} is not the same. This pair is not suggested again.")
    return redirect(issue_url(issue_id) + Order.of(request.GET).in_address)


@pages.act(DECIDE, page=issue_url)
def leave_out(request: HttpRequest, issue_id: int, *, by: User) -> HttpResponse:
    issue, onward = _issue(issue_id), _next_issue(request, issue_id)
    issues.leave_out(issue, by=by)
    success(request, f"{issue.xero} is left out of Karbon. Bring it back from the tab “Left out” at any time.")
    return onward


@pages.act(DECIDE, page=issue_url)
def duplicate(request: HttpRequest, issue_id: int, *, by: User) -> HttpResponse:
    issue, onward = _issue(issue_id), _next_issue(request, issue_id)
    issues.mark_duplicate(issue, by=by)
    success(request, f"{issue.xero} is marked as a duplicate and left out. Merge the two in Xero when you can.")
    return onward


# --- one contact ------------------------------------------------------------------------------------------------------


def _page_of_contact(contact_id: int) -> str:
    return pages.contact_url(get_object_or_404(RemoteContact, pk=contact_id))


@pages.act(ACT_ON_LINKS, page=_page_of_contact)
def leave_contact_out(request: HttpRequest, contact_id: int, *, by: User) -> HttpResponse:
    """Leave a contact out from its own page; an open match issue is settled with it."""
    contact = get_object_or_404(RemoteContact, pk=contact_id)
    if links.open_link(contact):
        raise links.NotPossible(f"{contact} belongs to a pair. Unsync that first.")
    if issue := issues.open_issues().filter(xero=contact).first():
        issues.leave_out(issue, by=by)
    else:
        links.leave_out(contact, by=by)
    success(request, f"{contact} is left out.")
    return redirect(pages.contact_url(contact))


@pages.act(ACT_ON_LINKS, page=_page_of_contact)
def bring_back(request: HttpRequest, contact_id: int, *, by: User) -> HttpResponse:
    contact = get_object_or_404(RemoteContact, pk=contact_id)
    links.bring_back(contact, by=by)
    asked = " It was linked before, so the next check asks what to do with it." if finding.was_linked(contact) else ""
    success(request, f"{contact} takes part again.{asked}")
    return redirect(pages.contact_url(contact))


def namesakes_in_xero(name: str) -> list[RemoteContact]:
    """Return the Xero contacts that already carry a name; Xero takes each name once."""
    return list(finding.namesakes(System.XERO, name).defer("payload")[:10])
