"""Questions about a field that only a person can decide: their list, and the page where one is answered."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.messages import success
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from contacts import links, pages, typing_in
from contacts.admin_lists import ReadOnlyAdmin
from contacts.fields import FIELDS
from contacts.models import FieldConflict
from contacts.values import System


def conflict_url(conflict_id: object) -> str:
    return reverse("admin:contacts_fieldconflict_change", args=[conflict_id])


WHY = {
    FieldConflict.Reason.BOTH: "It was changed in Xero and in Karbon, to different values.",
    FieldConflict.Reason.UNSURE: "Our last change of it got no reply, and we cannot tell whether it arrived.",
    FieldConflict.Reason.CLEARED: "It was cleared on one side. Your settings ask a person before it is cleared on the other.",
    FieldConflict.Reason.FLAPPING: "It keeps changing back and forth between the two sides. Another program may be writing it too.",
}


def _side_of(conflict: FieldConflict, system: System) -> dict[str, Any]:
    """What a question shows of one side: the value both agreed on last, the value now, and when it changed."""
    field, is_xero = FIELDS[conflict.field], system is System.XERO
    agreed = conflict.agreed.get(system)
    return {
        "label": system.label,
        "agreed": None if agreed is None else field.show(agreed),
        "now": field.show(conflict.xero_value if is_xero else conflict.karbon_value),
        "changed_at": conflict.xero_changed_at if is_xero else conflict.karbon_changed_at,
    }


@admin.register(FieldConflict)
class FieldConflictAdmin(ReadOnlyAdmin):
    list_display = ("shown", "shown_field", "shown_reason", "shown_xero", "shown_karbon", "opened_at", "shown_state")
    list_filter = ("is_open", "reason", "field")
    list_select_related = ("link__xero", "link__karbon", "answered_by")
    search_fields = ("link__xero__name_key", "link__karbon__name_key")
    search_help_text = "Search by name"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("link__xero__payload", "link__karbon__payload")

    @display(description="Contact")
    def shown(self, conflict: FieldConflict) -> str:
        return str(conflict.link)

    @display(description="Field", ordering="field")
    def shown_field(self, conflict: FieldConflict) -> str:
        return FIELDS[conflict.field].label

    @display(description="Why a person decides", ordering="reason")
    def shown_reason(self, conflict: FieldConflict) -> str:
        return conflict.get_reason_display()

    @display(description="In Xero")
    def shown_xero(self, conflict: FieldConflict) -> str:
        return FIELDS[conflict.field].show(conflict.xero_value)

    @display(description="In Karbon")
    def shown_karbon(self, conflict: FieldConflict) -> str:
        return FIELDS[conflict.field].show(conflict.karbon_value)

    @display(description="State")
    def shown_state(self, conflict: FieldConflict) -> str:
        return "Waiting for a person" if conflict.is_open else conflict.answer or "Settled itself"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"title": "Both sides changed", **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:conflict_id>/answer/", self.admin_site.admin_view(answer), name="answer_conflict")
        return [own, *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        conflict = self.seen_object(request, object_id)
        if isinstance(conflict, HttpResponse):
            return conflict
        field = FIELDS[conflict.field]
        return pages.show(
            request,
            "contacts/conflict.html",
            str(conflict),
            conflict=conflict,
            field=field,
            shown_xero=field.show(conflict.xero_value),
            shown_karbon=field.show(conflict.karbon_value),
            sentence=WHY[FieldConflict.Reason(conflict.reason)],
            sides=[_side_of(conflict, system) for system in System],
            parts=typing_in.parts(conflict.field, conflict.xero_value),
            seen=pages.fingerprint(conflict.xero_value, conflict.karbon_value),
            may_answer=request.user.has_perm("contacts.change_fieldconflict"),
        )


@pages.act("contacts.change_fieldconflict", page=conflict_url)
def answer(request: HttpRequest, conflict_id: int, *, by: User) -> HttpResponse:
    """Keep one side's value, or write a typed one."""
    conflict = get_object_or_404(FieldConflict.objects.select_related("link__xero"), pk=conflict_id)
    pages.must_be_as_seen(request, pages.fingerprint(conflict.xero_value, conflict.karbon_value))
    choice = request.POST.get("choice", "")
    if choice in System.values:
        links.answer(conflict, by=by, winner=System(choice))
    elif choice == "typed":
        links.answer(conflict, by=by, typed=typing_in.typed_value(conflict.field, request.POST.dict()))
    else:
        raise links.NotPossible("Choose one of the values first.")
    success(request, f"{conflict} is decided. It is sent in a moment.")
    return redirect(reverse("admin:contacts_fieldconflict_changelist") + "?is_open__exact=1")
