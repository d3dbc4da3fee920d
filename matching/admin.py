"""What people decided about pairs. Match issues themselves have their own pages: ``matching.desk``."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from contacts.admin_lists import ReadOnlyAdmin
from matching.models import Verdict


@admin.register(Verdict)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("shown", "shown_decision", "by", "at")
    list_filter = ("is_same",)
    list_select_related = ("xero", "karbon", "by")
    search_fields = ("xero__name_key", "karbon__name_key")
    ordering = ("-at",)
    fields = ("xero", "karbon", "shown_decision", "by", "at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("xero__payload", "karbon__payload")

    @display(description="Pair")
    def shown(self, decision: Verdict) -> str:
        return f"{decision.xero} and {decision.karbon}"

    @display(description="Decision", ordering="is_same")
    def shown_decision(self, decision: Verdict) -> str:
        return "The same" if decision.is_same else "Not the same"
