"""What people decided about pairs. Match issues themselves have their own pages: ``matching.desk``."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from contacts import normalise
from matching.models import Verdict


@admin.register(Verdict)
class DecisionAdmin(ModelAdmin):
    list_display = ("shown", "shown_decision", "by", "at")
    list_filter = ("is_same",)
    list_select_related = ("xero", "karbon", "by")
    search_fields = ("xero__name_key", "karbon__name_key")
    list_per_page = 50
    ordering = ("-at",)
    actions = None
    fields = ("xero", "karbon", "shown_decision", "by", "at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("xero__payload", "karbon__payload")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        return super().get_search_results(request, queryset, normalise.text_key(search_term))

    @display(description="Pair")
    def shown(self, decision: Verdict) -> str:
        return f"{decision.xero} and {decision.karbon}"

    @display(description="Decision", ordering="is_same")
    def shown_decision(self, decision: Verdict) -> str:
        return "The same" if decision.is_same else "Not the same"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
