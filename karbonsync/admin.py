"""Checks, and the people who may use this. The task runner's own tables are only a bell and stay out of sight."""

from typing import Any

import django_q.admin  # noqa: F401  (registers its lists now, so that they can be taken out below)
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from karbonsync.dashboard import in_words
from karbonsync.models import Run

for theirs in (Failure, OrmQ, Schedule, Success, User, Group):
    if admin.site.is_registered(theirs):
        admin.site.unregister(theirs)


@admin.register(Run)
class CheckAdmin(ModelAdmin):
    list_display = ("started_at", "shown_time", "shown_counts", "step", "shown_problem")
    list_filter = ("is_quiet", "step")
    list_per_page = 50
    actions = None
    fields = ("started_at", "ended_at", "step", "progress", "shown_counts", "shown_calls", "shown_problem")
    readonly_fields = fields

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

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


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
