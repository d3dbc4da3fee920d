"""Check the kind: the list of contacts whose kind a person should look at, and the page that corrects one."""

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from contacts import links, pages
from contacts.fields import FIELDS
from contacts.models import Link
from contacts.values import System
from matching import desk, kind_checks
from matching.models import KindCheck, OldRecord

OLD_RECORDS_SHOWN = 50


def urls(site: AdminSite) -> list[URLPattern]:
    wrap = site.admin_view
    return [
        path("kinds/", wrap(kinds), name="kinds"),
        path("kinds/<int:check_id>/confirm/", wrap(confirm), name="kind_confirm"),
        path("kinds/of/<uuid:link_id>/", wrap(correct), name="kind_correct"),
        path("kinds/old-records/<int:old_id>/look-again/", wrap(look_again), name="old_record_look_again"),
    ]


def list_url(*_: object, **__: object) -> str:
    return reverse("admin:kinds")


def correct_url(link_id: object) -> str:
    return reverse("admin:kind_correct", args=[link_id])


def number_waiting() -> int:
    """Return how many kinds and old records wait for a person."""
    parts = [found.order_by().values("pk") for found in (kind_checks.waiting(), kind_checks.to_delete())]
    return parts[0].union(parts[1], all=True).count()


@require_safe
def kinds(request: HttpRequest) -> HttpResponse:
    """List the kinds to check, the least sure first, and the old records to be deleted in Karbon."""
    pages.require(request, desk.SEE)
    checks = kind_checks.waiting().select_related("link__xero", "link__karbon")
    checks = checks.defer("link__xero__payload", "link__karbon__payload").prefetch_related("link__changes")
    page = pages.page_of(request, checks.order_by("confidence", "pk"))
    old = kind_checks.to_delete().select_related("karbon", "xero", "by").defer("karbon__payload", "xero__payload")
    return pages.show(
        request,
        "matching/kinds.html",
        "Check the kind",
        page=page,
        rows=[_row(check) for check in page],
        old_records=old[:OLD_RECORDS_SHOWN],
        may_act=request.user.has_perm(desk.ACT_ON_LINKS),
    )


def _row(check: KindCheck) -> dict[str, object]:
    pair = check.link
    changes = pair.changes.all()  # type: ignore[attr-defined]  # the reverse of a foreign key
    asked = next((change for change in changes if change.action == "create"), None)
    kind = kind_checks.Kind(pair.karbon.kind if pair.karbon else asked.kind if asked else "unknown")
    return {
        "check": check,
        "pair": pair,
        "xero_url": pages.contact_url(pair.xero) if pair.xero else "",
        "kind": kind,
        "kind_words": kind_checks.in_words(kind),
        "other_words": kind_checks.in_words(kind_checks.other_kind(kind)),
        "percent": round(check.confidence * 100),
    }


@pages.act(desk.ACT_ON_LINKS, page=list_url)
def confirm(request: HttpRequest, check_id: int, *, by: User) -> HttpResponse:
    check = get_object_or_404(KindCheck.objects.select_related("link__xero", "link__karbon"), pk=check_id)
    kind_checks.confirm(check, by=by)
    success(request, f"Noted: {check.link} is {kind_checks.in_words(kind_checks.kind_of(check.link))}.")
    return redirect(list_url())


def correct(request: HttpRequest, link_id: object) -> HttpResponse:
    """Say what a correction does (GET), then do it (POST)."""
    if request.method == "POST":
        return _correct_now(request, link_id)
    pages.require(request, desk.ACT_ON_LINKS)
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    kind = kind_checks.kind_of(pair)
    other = kind_checks.other_kind(kind)
    return pages.show(
        request,
        "matching/kind.html",
        f"Make {pair} {kind_checks.in_words(other)} in Karbon?",
        pair=pair,
        kind_words=kind_checks.in_words(kind),
        other=other,
        other_words=kind_checks.in_words(other),
        is_there=pair.karbon is not None,
        values=_values(pair),
        contact_type=kind_checks.contact_type_of(pair.karbon) if pair.karbon else "",
        obstacle=_obstacle(pair),
        seen=_seen(pair),
        back=pages.link_url(pair.pk),
    )


def _obstacle(pair: Link) -> str:
    try:
        if pair.karbon is not None:
            kind_checks.values_only_in_karbon(pair)
    except links.NotPossible as reason:
        return str(reason)
    return kind_checks.obstacle(pair)


def _values(pair: Link) -> list[tuple[str, str, str]]:
    """Return per field what the new record gets, and from which side."""
    if pair.karbon is None or pair.xero is None or _obstacle(pair):
        return []
    kept = kind_checks.values_only_in_karbon(pair)
    return [
        (field.label, field.show(kept.get(name, pair.xero.values[name])), System.KARBON.label if name in kept else System.XERO.label)
        for name, field in FIELDS.items()
        if name in pair.xero.values
    ]  # fmt: skip


def _seen(pair: Link) -> str:
    sides = [[side.values, side.presence, side.kind] for side in (pair.xero, pair.karbon) if side]
    return pages.fingerprint(pair.state, sides)


@pages.act(desk.ACT_ON_LINKS, page=correct_url)
def _correct_now(request: HttpRequest, link_id: object, *, by: User) -> HttpResponse:
    pair = get_object_or_404(Link.objects.select_related("xero", "karbon"), pk=link_id)
    pages.must_be_as_seen(request, _seen(pair))
    made = kind_checks.correct(pair, desk.chosen_kind(request), by=by)
    words = kind_checks.in_words(desk.chosen_kind(request))
    if made.pk == pair.pk:
        success(request, f"{pair} will be created as {words}.")
    else:
        when = "once its pause ends" if made.paused_at else "in a moment"
        success(request, f"{pair} is created again as {words} {when}. Delete the old record in Karbon: it is listed here until it is gone.")  # fmt: skip
    return redirect(list_url())


@pages.act(desk.ACT_ON_LINKS, page=list_url)
def look_again(request: HttpRequest, old_id: int, *, by: User) -> HttpResponse:
    old = get_object_or_404(OldRecord.objects.select_related("karbon", "xero"), pk=old_id)
    kind_checks.look_again(old, by=by)
    success(request, f"Karbon is asked whether {old.karbon} is gone. That takes a few seconds, as it is asked twice.")
    return redirect(list_url())
