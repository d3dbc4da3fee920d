"""Shows which organisation is connected. The keys to it are never shown, not even sealed."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from xero.models import XeroConnection


@admin.register(XeroConnection)
class XeroConnectionAdmin(ModelAdmin):
    list_display = ("tenant_name", "connected_at", "expires_at", "problem")
    fields = ("tenant_name", "tenant_id", "connected_at", "scopes", "expires_at", "problem", "problem_since")
    readonly_fields = fields
    actions = None

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("access_token", "refresh_token", "previous_refresh_token")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
