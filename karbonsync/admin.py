"""Checks, and the people who may use this. The task runner's own tables are only a bell and stay out of sight."""

from typing import Any

import django_q.admin  # noqa: F401  (registers its lists now, so that they can be taken out below)
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from contacts import admin_undo, pages, undoing
from contacts.admin_lists import ReadOnlyAdmin
from contacts.models import Change, Link
from karbonsync.dashboard import in_words
from karbonsync.models import Run

for theirs in (Failure, OrmQ, Schedule, Success, User, Group):
    if admin.site.is_registered(theirs):
        admin.site.unregister(theirs)


@admin.register(Run)
class CheckAdmin(ReadOnlyAdmin):
    change_form_outer_after_template = "karbonsync/_check_done.html"
    list_display = ("started_at", "shown_time", "shown_counts", "step", "shown_problem")
    list_filter = ("is_quiet", "step")
    fields = ("started_at", "ended_at", "step", "progress", "shown_counts", "shown_calls", "shown_problem")
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:run_id>/undo/", self.admin_site.admin_view(undo_check), name="undo_check")
        return [own, *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        run = self.get_object(request, unquote(object_id)) if self.has_view_permission(request) else None
        more = _done_by(request, run) if run else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    @display(description="Took")
    def shown_time(self, run: Run) -> str:
        return (
            f"{(run.ended_at - run.started_at).total_seconds():,.1f}\N{NO-BREAK SPACE}s"
            if run.ended_at
            else "Not ended"
        )

    @display(description="What happened")
    def shown_counts(self, run: Run) -> str:
        return in_words(run.counts)

    @display(description="Problem", empty_value="")
    def shown_problem(self, run: Run) -> str:
        return run.error

    @display(description="Calls")
    def shown_calls(self, run: Run) -> str:
        calls = run.counts.get("calls") or {}
        return ", ".join(f"{count:,} to {system.capitalize()}" for system, count in calls.items())


def _done_by(request: HttpRequest, run: Run) -> dict[str, Any]:
    """What a check sent and linked, page by page: both lists turn over together."""
    sent = pages.page_of(request, admin_undo.with_undoings(Change.objects.filter(check_number=run.pk)))
    pairs = Link.objects.filter(check_number=run.pk).select_related("xero", "karbon").order_by("pk")
    linked = pages.page_of(request, pairs.defer("xero__payload", "karbon__payload"))
    longer = sent if sent.paginator.num_pages >= linked.paginator.num_pages else linked
    return {
        "the_check": run,
        "page": longer,
        "changes": admin_undo.history(sent) if sent.number == longer.number else [],
        "linked": list(linked) if linked.number == longer.number else [],
        "sent_count": sent.paginator.count,
        "linked_count": linked.paginator.count,
        "to_delete": Paginator(undoing.to_delete().filter(undoes__check_number=run.pk), pages.PER_PAGE).page(1),
    }


def check_url(run_id: int) -> str:
    return reverse("admin:karbonsync_run_change", args=[run_id])


def undo_check(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask first, then undo all that one check sent and linked."""
    if request.method == "POST":
        return _undo_check_now(request, run_id)
    pages.require(request, admin_undo.ACT)
    get_object_or_404(Run, pk=run_id)
    done = Change.objects.filter(check_number=run_id, state=Change.State.DONE)
    counts = done.aggregate(
        updates=Count("pk", filter=Q(action="update")),
        new_xero=Count("pk", filter=Q(action="create", system="xero")),
        new_karbon=Count("pk", filter=Q(action="create", system="karbon")),
    )
    standing = Link.objects.filter(check_number=run_id, state__in=[Link.State.LIVE, Link.State.STOPPED]).count()
    return pages.show(
        request,
        "karbonsync/undo_check.html",
        "Undo this check?",
        standing=standing,
        press="Undo this check",
        cancel=check_url(run_id),
        **counts,
    )


@pages.act(admin_undo.ACT, page=check_url)
def _undo_check_now(request: HttpRequest, run_id: int, *, by: User) -> HttpResponse:
    get_object_or_404(Run, pk=run_id)
    admin_undo.tell(request, undoing.undo_check(run_id, by=by))
    return redirect(check_url(run_id))


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    """Who may come in. Only a superuser makes superusers: an administrator cannot raise themselves."""

    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        theirs = super().get_readonly_fields(request, obj)
        return theirs if request.user.is_superuser else (*theirs, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    pass
