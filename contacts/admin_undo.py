"""Undo, from the pages of a change and of a pair: say what goes back, ask, and tell what was left and why."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse

from contacts import links, pages, undoing
from contacts.fields import BLANK, FIELDS
from contacts.models import Change, Link
from contacts.pages import link_url

ACT = "contacts.change_link"
TOLD_AT_ONCE = 20
_STANDING = (Change.State.QUEUED, Change.State.SENDING, Change.State.DONE)


def urls(site: AdminSite) -> list[URLPattern]:
    wrap = site.admin_view
    return [
        path("undo/change/<int:change_id>/", wrap(undo_change), name="undo_change"),
        path("undo/pair/<uuid:link_id>/", wrap(undo_link), name="undo_link"),
        path("undo/unsync/<uuid:link_id>/", wrap(resume), name="link_resume"),
    ]


def change_url(change_id: int) -> str:
    return reverse("admin:contacts_change_change", args=[change_id])


# --- what is shown ----------------------------------------------------------------------------------------------------


def change_lines(change: Change) -> list[tuple[str, str, str]]:
    """Return per field of a change its label, what was there, and what was or will be sent."""
    return [
        line
        for line in _all_lines(change)
        if line[1] or line[2]  # a creation says nothing about what stays blank
    ]


def _all_lines(change: Change) -> list[tuple[str, str, str]]:
    return [
        (field.label, field.show(change.before.get(name) or BLANK[name]), field.show(change.after[name] or BLANK[name]))
        for name, field in FIELDS.items()
        if name in change.after
    ]


def with_undoings(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Load with each change its pair and what undid it, so that a table needs no query per row."""
    found = changes.select_related("by", "link__xero", "link__karbon").prefetch_related("undone_by")
    return found.defer("link__xero__payload", "link__karbon__payload")


def history(changes: Iterable[Change]) -> list[tuple[Change, list[tuple[str, str, str]], str]]:
    """Return the rows of a table of changes: the change, its fields, and how it stands with undoing it."""
    return [(change, change_lines(change), undo_state(change)) for change in changes]


def undo_state(change: Change) -> str:
    """Say whether a change was undone, is about to be, or "possible"; blank when there is nothing to undo."""
    is_parted = change.link.state not in (Link.State.LIVE, Link.State.STOPPED)
    undone_by: list[Change] = list(change.undone_by.all())  # type: ignore[attr-defined]
    if any(other.state in _STANDING or (other.error == undoing.DELETE_IT and is_parted) for other in undone_by):
        return "Undone"
    wishes = [wish for fields in change.link.wishes.values() for wish in fields.values()]
    if any(wish.get("undoes") == change.pk for wish in wishes):
        return "Undone in a moment"
    if change.state != Change.State.DONE or change.action == Change.Action.ARCHIVE:
        return ""
    return "" if change.action == Change.Action.CREATE and is_parted else "possible"


def tell(request: HttpRequest, undone: undoing.Undone) -> None:
    """Say how many values go back, and each that does not with its reason."""
    number = undone.put_back
    if number:
        messages.success(request, f"{number:,} {'value goes' if number == 1 else 'values go'} back.")
    elif not undone.left:
        messages.success(request, "Nothing had to go back.")
    if undone.left:
        more = len(undone.left) - TOLD_AT_ONCE
        said = " ".join(undone.left[:TOLD_AT_ONCE]) + (f" And {more:,} more." if more > 0 else "")
        messages.warning(request, f"Left as they are: {said}")


# --- acts -------------------------------------------------------------------------------------------------------------


def undo_change(request: HttpRequest, change_id: int) -> HttpResponse:
    """Ask first, then undo one change."""
    if request.method == "POST":
        return _undo_change_now(request, change_id)
    pages.require(request, ACT)
    change = get_object_or_404(with_undoings(Change.objects.all()), pk=change_id)
    if undo_state(change) != "possible":
        return redirect(change_url(change_id))
    return pages.show(
        request,
        "contacts/undo_change.html",
        "Undo this change?",
        change=change,
        lines=change_lines(change),
        press="Undo this change",
        cancel=change_url(change_id),
    )


@pages.act(ACT, page=change_url)
def _undo_change_now(request: HttpRequest, change_id: int, *, by: User) -> HttpResponse:
    change = get_object_or_404(with_undoings(Change.objects.all()), pk=change_id)
    if undo_state(change).startswith("Undone"):
        raise links.Overtaken("Somebody was faster: this change was undone already.")
    tell(request, undoing.undo_change(change, by=by))
    return redirect(link_url(change.link_id))


def undo_link(request: HttpRequest, link_id: object) -> HttpResponse:
    """Ask first, then put back what linking carried over, and unsync the pair."""
    if request.method == "POST":
        return _undo_link_now(request, link_id)
    pages.require(request, ACT)
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    if pair.state not in (Link.State.LIVE, Link.State.STOPPED):
        return redirect(link_url(link_id))
    carried = Change.objects.filter(link=pair, state=Change.State.DONE, purpose=Change.Purpose.LINK).order_by("pk")
    return pages.show(
        request,
        "contacts/undo_link.html",
        f"Undo the link of {pair}?",
        pair=pair,
        carried=_carried(carried),
        press="Undo this link",
        cancel=link_url(link_id),
    )


def _carried(changes: Iterable[Change]) -> Sequence[tuple[Any, ...]]:
    return [(change.get_system_display(), *line) for change in changes for line in change_lines(change)]


@pages.act(ACT, page=link_url)
def _undo_link_now(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    tell(request, undoing.undo_link(pair, by=by))
    messages.success(request, f"{pair} is unsynced.")
    return redirect(link_url(link_id))


@pages.act(ACT, page=link_url)
def resume(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    """Take an unsync back."""
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    links.resume(pair, by=by)
    messages.success(request, f"{pair} goes on from where it stood. What changed on both sides is asked.")
    return redirect(link_url(link_id))
