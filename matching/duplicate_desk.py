"""Likely duplicates inside Xero and inside Karbon, with what tells the two apart and what each is linked to."""

from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from contacts import comparing, pages
from contacts.models import Link, RemoteContact
from contacts.values import System
from matching import desk, duplicate_pairs
from matching.models import DuplicatePair, DuplicateSearch


@dataclass(frozen=True)
class Side:
    """One of the two, where its page is, and the contact of the other service that it is kept the same with."""

    contact: RemoteContact
    url: str
    link: Link | None

    @property
    def partner(self) -> RemoteContact | None:
        return self.link.side(System(self.contact.system).other) if self.link else None


@dataclass(frozen=True)
class Row:
    pair: DuplicatePair
    sides: tuple[Side, Side]
    differences: list[comparing.Row]


def urls(site: AdminSite) -> list[URLPattern]:
    wrap = site.admin_view
    return [
        path("duplicates/", wrap(duplicates), name="duplicates"),
        path("duplicates/search/", wrap(search), name="duplicates_search"),
        path("duplicates/not-the-same/", wrap(not_the_same), name="duplicates_not_the_same"),
    ]


def list_url(*_: object, **__: object) -> str:
    return reverse("admin:duplicates")


def _chosen(value: str | None) -> System:
    return System(value) if value in System.values else System.XERO


@require_safe
def duplicates(request: HttpRequest) -> HttpResponse:
    """List the likely duplicates of one service, the likeliest first."""
    pages.require(request, desk.SEE)
    system = _chosen(request.GET.get("system"))
    page = pages.page_of(request, duplicate_pairs.standing(system))
    held = duplicate_pairs.links_of(list(page))
    return pages.show(
        request,
        "matching/duplicates.html",
        "Duplicates",
        system=system,
        tabs=[(each, duplicate_pairs.standing(each).count()) for each in System],
        latest=DuplicateSearch.objects.filter(system=system).first(),
        page=page,
        rows=[_row(pair, held) for pair in page],
        may_act=request.user.has_perm(desk.DECIDE),
    )


def _row(pair: DuplicatePair, held: dict[int, Link]) -> Row:
    first, second = (
        Side(contact, pages.contact_url(contact), held.get(contact.pk)) for contact in (pair.first, pair.second)
    )
    alike = (comparing.Agreement.SAME, comparing.Agreement.BLANK, comparing.Agreement.UNKNOWN)
    compared = comparing.compare(pair.first.values, pair.second.values)
    return Row(pair, (first, second), [row for row in compared if row.agreement not in alike])


@pages.act(desk.DECIDE, page=list_url)
def search(request: HttpRequest, *, by: User) -> HttpResponse:
    """Ask for a search; the worker does it."""
    system = _chosen(request.POST.get("system"))
    duplicate_pairs.ask(system)
    success(request, f"{system.label} is searched for duplicates. The list below is replaced when that is done.")
    return redirect(f"{list_url()}?system={system}")


@pages.act(desk.DECIDE, page=list_url)
def not_the_same(request: HttpRequest, *, by: User) -> HttpResponse:
    first, second = (_posted(request, name) for name in ("first", "second"))
    duplicate_pairs.not_the_same(first, second, by=by)
    success(request, f"Noted: {first} and {second} are different. They are not shown here again.")
    return redirect(f"{list_url()}?system={first.system}")


def _posted(request: HttpRequest, name: str) -> RemoteContact:
    posted = request.POST.get(name, "")
    return get_object_or_404(RemoteContact, pk=int(posted) if posted.isdecimal() and len(posted) < 19 else 0)
