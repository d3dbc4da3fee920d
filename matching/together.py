"""Several match issues decided at once: first a page that says what happens to each, then the same act as for one.

Each issue is a transaction of its own, so one that somebody else decided meanwhile does not keep the others back.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST, require_safe

from contacts import links, pages
from contacts.models import SyncSettings
from contacts.values import Kind
from matching import desk, issues
from matching.models import MatchIssue
from matching.waiting import Order, with_matches

ACTS = {"create-new": "Create new for all ticked", "leave-out": "Leave out all ticked"}


@dataclass(frozen=True)
class Ticked:
    """One issue on the page that asks: what it is, and what it would be created as."""

    issue: MatchIssue
    kind: Kind
    is_sure: bool
    seen: str


def urls(site: AdminSite) -> list[URLPattern]:
    wrap = site.admin_view
    return [
        path("match-issues/together/", wrap(ask), name="issues_together"),
        path("match-issues/together/decide/", wrap(decide), name="issues_together_decide"),
    ]


def _seen(issue: MatchIssue) -> str:
    """Seal an issue as shown: its contact and its possible matches."""
    return pages.fingerprint(
        issue.xero.values, issue.xero.presence, sorted(c.karbon_id for c in issue.candidates.all())
    )


def _ticked(numbers: list[str]) -> list[MatchIssue]:
    """Return the open ones of these issues, those of one page at most."""
    pks = [int(number) for number in numbers[: pages.PER_PAGE] if number.isdecimal() and len(number) < 19]
    return list(with_matches(issues.open_issues().filter(pk__in=pks)).order_by("xero__name_key", "pk"))


def _list_url(request: HttpRequest) -> str:
    return reverse("admin:match_issues") + Order.of(request.GET).in_address


@require_safe
def ask(request: HttpRequest) -> HttpResponse:
    """Say what an act does to each of the ticked issues."""
    pages.require(request, desk.DECIDE)
    act = request.GET.get("do", "")
    found = [issue for issue in _ticked(request.GET.getlist("issue")) if issue.is_simple]
    if act not in ACTS or not found:
        messages.warning(request, "Tick at least one match issue first.")
        return redirect(_list_url(request))
    guesses = desk.guessed_kinds([issue.xero for issue in found])
    return pages.show(
        request,
        "matching/together.html",
        f"{ACTS[act]}?",
        act=act,
        button=ACTS[act],
        ticked=[Ticked(issue, kind, sure, _seen(issue)) for issue, (kind, sure) in zip(found, guesses, strict=True)],
        kinds=desk.KINDS,
        contact_type=SyncSettings.load().default_contact_type,
        order=Order.of(request.GET),
        back=_list_url(request),
    )


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Do the act for each ticked issue, and tell for each one that it was not possible for."""
    by = pages.require(request, desk.DECIDE)
    act = _act(request)
    done, failed = 0, []
    for issue in _ticked(request.POST.getlist("issue")):
        try:
            with transaction.atomic():
                act(request, issue, by)
            done += 1
        except (links.Overtaken, links.NotPossible) as reason:
            failed.append(f"{issue.xero}: {reason}")
    _tell(request, done, failed, asked=len(set(request.POST.getlist("issue"))))
    return redirect(_list_url(request))


def _act(request: HttpRequest) -> Callable[[HttpRequest, MatchIssue, User], None]:
    return _create if request.POST.get("do") == "create-new" else _leave


def _tell(request: HttpRequest, done: int, failed: list[str], *, asked: int) -> None:
    if done and request.POST.get("do") == "create-new":
        messages.success(request, f"New Karbon contacts for {done:,} of them are created in a moment, and linked.")
    elif done:
        messages.success(request, f"Left out of Karbon: {done:,}. Bring them back from the tab “Left out” at any time.")
    for sentence in failed:
        messages.error(request, sentence)
    if gone := asked - done - len(failed):
        messages.error(request, f"Decided by somebody else meanwhile, so left as they are: {gone:,} of those ticked.")


def _as_seen(request: HttpRequest, issue: MatchIssue) -> MatchIssue:
    """Hold the contact, and see that the issue still is what the person said yes to."""
    (issue.xero,) = pages.locked(issue.xero_id)
    now = with_matches(issues.open_issues()).filter(pk=issue.pk).first()
    if now is None or request.POST.get(f"seen_{issue.pk}") != _seen(now):
        raise links.Overtaken("It has changed since you looked, so nothing was done. Look at it again.")
    if not now.is_simple:
        raise links.NotPossible("More than a name speaks for a match here. Decide it on its own page.")
    return now


def _create(request: HttpRequest, issue: MatchIssue, by: User) -> None:
    now = _as_seen(request, issue)
    choice = request.POST.get(f"kind_{issue.pk}", "")
    if choice not in desk.KINDS:
        raise links.NotPossible("Choose first whether it is a person or an organisation.")
    issues.create_new(now, kind=Kind(choice), contact_type=desk.chosen_contact_type(request), by=by)


def _leave(request: HttpRequest, issue: MatchIssue, by: User) -> None:
    issues.leave_out(_as_seen(request, issue), by=by)
