"""The preview's pages: making one, looking through it, correcting it, taking it away as a file."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contacts import pages
from contacts.fields import FIELDS
from contacts.links import NotPossible
from contacts.models import SyncSettings
from contacts.values import Kind, System
from karbonsync import corrections, preview_csv, previewing, promise, setup, setup_pages
from karbonsync.dashboard import running_check
from karbonsync.models import Preview, PreviewRow, SetUp
from karbonsync.setup_pages import MAY
from matching import classifier

Outcome = PreviewRow.Outcome
UNSURE = Q(outcome=Outcome.NEW, is_kind_decided=False, confidence__lt=classifier.SURE)
CHANGES = Q(changes_xero=True) | Q(changes_karbon=True)
FILTERS = {"unsure": UNSURE, "values": CHANGES & ~Q(outcome=Outcome.NEW)}
EXPLAINED = {
    Outcome.FULL: "Same name and same email on both sides, one to one. They are linked.",
    Outcome.ADOPTED: "Karbon's own Xero sync had linked these, so they are linked again whatever their names say.",
    Outcome.CONFLICT: "They match only in part. Nothing happens to them until a person decides.",
    Outcome.SIMILAR: "They look very much like somebody in Karbon. Nothing happens to them until a person decides.",
    Outcome.NEW: "They match nobody in Karbon, so a Karbon contact is created for each and linked.",
    Outcome.LEFT_OUT: "Somebody decided not to bring them into Karbon.",
    Outcome.OUTSIDE: "The import filter does not let them in.",
    Outcome.KARBON_ONLY: "They stay in Karbon. Press Create Xero Contact on the page of one to bring it over.",
    Outcome.LINKED: "They are linked already.",
    Outcome.OTHER: "Nothing happens to them; each row says why.",
}


def urls(site: AdminSite) -> list[URLPattern]:
    mine = [
        ("", preview, "preview"),
        ("make/", make, "preview_make"),
        ("discard/", discard, "preview_discard"),
        ("progress/", progress, "preview_progress"),
        ("preview.csv", download, "preview_csv"),
        ("<int:row_id>/kind/", kind, "preview_kind"),
        ("<int:row_id>/leave-out/", leave_out, "preview_leave_out"),
        ("<int:row_id>/bring-back/", bring_back, "preview_bring_back"),
    ]
    return [path(f"set-up/preview/{end}", site.admin_view(never_cache(view)), name=name) for end, view, name in mine]


def page_url(*args: object, **kwargs: object) -> str:
    return reverse("admin:preview")


@dataclass(frozen=True)
class Tab:
    key: str
    label: str
    count: int


@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    pages.require(request, MAY)
    made = Preview.objects.first()
    found = _found(request)
    counts = _counts()
    tabs = [Tab("", "All", counts["all"]), *(Tab(key, label, counts[key]) for key, label in Outcome.choices)]
    tab = request.GET.get("tab", "")
    page = pages.page_of(request, found.select_related("xero", "karbon").defer("xero__payload", "karbon__payload"))
    chosen = SyncSettings.load()
    return setup_pages.show(
        request,
        "setup/preview.html",
        "Preview",
        "preview",
        preview=made,
        has_rows=made is not None and made.made_at is not None and counts["all"] > 0,
        is_under_way=made is not None and made.state in Preview.UNDER_WAY,
        is_open=made is not None and made.state == Preview.State.READY,
        is_stale=made is not None and _is_stale(made, chosen),
        tried=_tried(chosen),
        tabs=[found_tab for found_tab in tabs if found_tab.count or found_tab.key in ("", tab)],
        tab=tab,
        explained=EXPLAINED.get(Outcome(tab)) if tab in Outcome.values else "",
        counts=counts,
        query=request.GET.get("q", ""),
        only=request.GET.get("only", ""),
        page=page,
        rows=[(row, _changes(row), _is_unsure(row)) for row in page],
        can_be_left_out=corrections.MAY_BE_LEFT_OUT,
        former_problem=SetUp.load().former_problem,
        here=request.get_full_path(),
    )


def _found(request: HttpRequest) -> QuerySet[PreviewRow]:
    """The rows of the chosen tab, filter and search."""
    rows = PreviewRow.objects.order_by("name", "pk")
    if (tab := request.GET.get("tab", "")) in Outcome.values:
        rows = rows.filter(outcome=tab)
    if (only := request.GET.get("only", "")) in FILTERS:
        rows = rows.filter(FILTERS[only])
    if words := request.GET.get("q", "").strip():
        rows = rows.filter(search__contains=words.casefold())
    return rows


def _counts() -> dict[str, int]:
    """All numbers of the page in one query."""
    new = Q(outcome=Outcome.NEW)
    return PreviewRow.objects.aggregate(
        all=Count("pk"),
        people=Count("pk", filter=new & Q(kind=Kind.PERSON)),
        organisations=Count("pk", filter=new & Q(kind=Kind.ORGANISATION)),
        unsure=Count("pk", filter=UNSURE),
        to_xero=Count("pk", filter=~new & Q(changes_xero=True)),
        to_karbon=Count("pk", filter=~new & Q(changes_karbon=True)),
        **{key: Count("pk", filter=Q(outcome=key)) for key in Outcome.values},
    )


def _is_stale(made: Preview, chosen: SyncSettings) -> bool:
    """Tell whether the settings have moved on from those that the preview was made with."""
    return made.state == Preview.State.READY and made.made_with != {**promise.made_with(chosen), **made.proposed}


def _tried(chosen: SyncSettings) -> list[tuple[str, str, str]]:
    """What is tried out: the setting, its value now and then."""
    tried = Preview.tried_out()
    then = SyncSettings(**{**promise.choices_of(chosen), **tried})
    return [(str(SyncSettings._meta.get_field(name).verbose_name), _said(chosen, name), _said(then, name)) for name in tried]  # type: ignore[union-attr]  # fmt: skip


def _said(chosen: SyncSettings, name: str) -> str:
    value = getattr(chosen, name)
    if name == "import_filter":
        return chosen.get_import_filter_display()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or "the first" if isinstance(value, list) else str(value)


def _changes(row: PreviewRow) -> list[dict[str, str]]:
    """Each value of a row that would change, in either direction."""
    found = []
    for system in System:
        for name, field in FIELDS.items():
            now, then = preview_csv.shown_change(row, system, name)
            if now or then:
                found.append({"system": system.label, "field": field.label, "now": now, "then": then})
    return found


def _is_unsure(row: PreviewRow) -> bool:
    return row.outcome == Outcome.NEW and not row.is_kind_decided and (row.confidence or 0) < classifier.SURE


@setup_pages.act(page_url)
def make(request: HttpRequest, *, by: User) -> HttpResponse:
    """Ask for a new preview of the settings as they are, or of those that are being tried out."""
    if not setup.are_connected():
        raise NotPossible("Connect both services first: the preview reads them.")
    if not SyncSettings.load().default_contact_type:
        raise NotPossible("Choose the contact type of new Karbon contacts first.")
    previewing.ask(by=by, proposed=Preview.tried_out())
    return redirect("admin:preview")


@setup_pages.act(page_url)
def discard(request: HttpRequest, *, by: User) -> HttpResponse:
    """Keep the settings as they are: what was tried out is forgotten."""
    previewing.discard(by=by)
    messages.info(request, "The settings stay as they are.")
    return redirect("admin:setup")


@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """Tell the page how the preview goes on; a preview whose process died is taken up again."""
    pages.require(request, MAY)
    made = Preview.objects.first()
    if made is None:
        return JsonResponse({"is_under_way": False, "state": "", "progress": ""})
    said = made.progress or (made.problem if made.state == Preview.State.WAITING else "")
    if previewing.take_up():
        said = "The background worker has not taken it up. Is it running on the server (manage.py qcluster)?"
    if made.state == Preview.State.ASKED and running_check():
        said = "A check is running. The preview is made right after it."
    return JsonResponse(
        {"is_under_way": made.state in Preview.UNDER_WAY, "state": made.get_state_display(), "progress": said}
    )


@require_safe
def download(request: HttpRequest) -> StreamingHttpResponse:
    """The rows as they are shown now (tab, filter, search), as a file."""
    pages.require(request, MAY)
    rows = _found(request).select_related("xero", "karbon").defer("xero__payload", "karbon__payload")
    reply = StreamingHttpResponse(
        preview_csv.lines(rows.iterator(chunk_size=500)), content_type="text/csv; charset=utf-8"
    )
    reply["Content-Disposition"] = 'attachment; filename="karbonsync-preview.csv"'
    return reply


def _back(request: HttpRequest) -> HttpResponse:
    """Return to the page that the person came from, tab and search as they were."""
    here = request.POST.get("here", "")
    is_ours = here.startswith(page_url()) and url_has_allowed_host_and_scheme(here, allowed_hosts=None)
    return redirect(here if is_ours else page_url())


@setup_pages.act(page_url)
def kind(request: HttpRequest, row_id: int, *, by: User) -> HttpResponse:
    wanted = request.POST.get("kind", "")
    if wanted not in (Kind.PERSON, Kind.ORGANISATION):
        raise NotPossible("Choose person or organisation.")
    row = corrections.correct_kind(row_id, Kind(wanted), by=by)
    article = "a" if wanted == Kind.PERSON else "an"
    messages.success(request, f"{row} will be created as {article} {Kind(wanted).label.lower()}.")
    return _back(request)


@setup_pages.act(page_url)
def leave_out(request: HttpRequest, row_id: int, *, by: User) -> HttpResponse:
    messages.success(request, f"{corrections.leave_out(row_id, by=by)} is left out.")
    return _back(request)


@setup_pages.act(page_url)
def bring_back(request: HttpRequest, row_id: int, *, by: User) -> HttpResponse:
    messages.success(request, f"{corrections.bring_back(row_id, by=by)} is brought back.")
    return _back(request)
