"""What people decided about pairs. Match issues themselves have their own pages: ``matching.desk``."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from contacts import pages
from contacts.admin_lists import ReadOnlyAdmin
from matching import desk, issues
from matching.models import Verdict


@admin.register(Verdict)
class DecisionAdmin(ReadOnlyAdmin):
    list_before_template = "matching/_decisions_about.html"
    change_form_outer_after_template = "matching/_take_back.html"
    list_display = ("shown", "shown_decision", "by", "at")
    list_filter = ("is_same",)
    list_select_related = ("xero", "karbon", "by")
    search_fields = ("xero__name_key", "karbon__name_key")
    ordering = ("-at",)
    fields = ("xero", "karbon", "shown_decision", "by", "at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("xero__payload", "karbon__payload")

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:decision_id>/take-back/", self.admin_site.admin_view(take_back), name="decision_take_back")
        return [own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        counts = Verdict.objects.aggregate(same=Count("pk", filter=Q(is_same=True)), all=Count("pk"))
        more = {"same": counts["same"], "not_same": counts["all"] - counts["same"]}
        return super().changelist_view(request, {"title": "Decisions", **more, **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        decision = self.get_object(request, object_id) if self.has_view_permission(request) else None
        more = {"decision": decision, "may_decide": request.user.has_perm(desk.DECIDE)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    @display(description="Pair")
    def shown(self, decision: Verdict) -> str:
        return f"{decision.xero} and {decision.karbon}"

    @display(description="Decision", ordering="is_same")
    def shown_decision(self, decision: Verdict) -> str:
        return "The same" if decision.is_same else "Not the same"


def decision_url(decision_id: object) -> str:
    return reverse("admin:matching_verdict_change", args=[decision_id])


@pages.act(desk.DECIDE, page=decision_url)
def take_back(request: HttpRequest, decision_id: int, *, by: User) -> HttpResponse:
    decision = get_object_or_404(Verdict.objects.select_related("xero", "karbon"), pk=decision_id)
    issues.take_back(decision, by=by)
    success(request, f"Taken back. {decision.xero} and {decision.karbon} may be suggested again.")
    return redirect("admin:matching_verdict_changelist")
