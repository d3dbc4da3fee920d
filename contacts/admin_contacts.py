"""The lists of Xero and Karbon contacts, and the page of one: its values, its counterpart, its history."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display

from contacts import admin_pausing, admin_undo, finding, pages
from contacts.admin_links import held_values, name_clash
from contacts.admin_lists import HISTORY, STATE_COLOURS, ReadOnlyAdmin, shown_state_of
from contacts.fields import FIELDS
from contacts.models import KarbonContact, Link, RemoteContact, SyncSettings, XeroContact
from contacts.values import System


class LinkedFilter(admin.SimpleListFilter):
    title, parameter_name = "link", "linked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Linked"), ("no", "Not linked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        held = Link.objects.exclude(state=Link.State.ENDED)
        linked = Q(pk__in=held.filter(xero__isnull=False).values("xero"))
        linked |= Q(pk__in=held.filter(karbon__isnull=False).values("karbon"))
        return queryset.filter(linked if self.value() == "yes" else ~linked)


class ContactAdmin(ReadOnlyAdmin):
    """What the Xero and the Karbon list have in common."""

    system: System
    list_display: Sequence[str] = ("shown_name", "shown_email", "shown_phone", "shown_presence", "shown_link")
    list_filter = (LinkedFilter, "presence", "kind", "left_out")
    search_fields = ("name_key", "email_key", "remote_id")
    search_help_text = "Search by name, email or identifier"
    ordering = ("name_key", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return finding.with_open_links(super().get_queryset(request), self.system)

    @display(description="Name", ordering="name_key")
    def shown_name(self, contact: RemoteContact) -> str:
        return str(contact)

    @display(description="Billing email", ordering="email_key")
    def shown_email(self, contact: RemoteContact) -> str:
        return contact.billing_email

    @display(description="Primary phone")
    def shown_phone(self, contact: RemoteContact) -> str:
        return contact.shown["primary_phone"]

    @display(description="In the service", ordering="presence")
    def shown_presence(self, contact: RemoteContact) -> str:
        return contact.get_presence_display() + (", left out" if contact.left_out else "")

    @display(description="Link", label=STATE_COLOURS)
    def shown_link(self, contact: Any) -> str:
        return shown_state_of(contact.open_links[0]) if contact.open_links else ""

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        contact = self.seen_object(request, object_id)
        if isinstance(contact, HttpResponse):
            return contact
        pair = contact.open_links[0] if contact.open_links else None
        other = pair.side(self.system.other) if pair else None
        issue = contact.match_issues.filter(state="open").first() if self.system is System.XERO else None
        changes = admin_undo.with_undoings(finding.changes_of(contact))[:HISTORY]
        return pages.show(
            request,
            "contacts/contact.html",
            str(contact),
            contact=contact,
            system=self.system,
            other_system=self.system.other,
            convention=SyncSettings.load().karbon_convention if self.system is System.KARBON else "",
            rows=[
                (
                    field,
                    contact.shown[name],
                    name in contact.values,
                    field.in_xero if self.system is System.XERO else field.in_karbon,
                )
                for name, field in FIELDS.items()
            ],
            pair=pair,
            other=other,
            waiting=admin_pausing.waiting_of(pair),
            other_url=pages.contact_url(other) if other else "",
            held=held_values(pair) if pair else [],
            clash=name_clash(pair) if pair else [],
            issue=issue,
            was_linked=not pair and not issue and finding.was_linked(contact),
            candidacies=contact.candidacies.filter(issue__state="open").select_related("issue__xero")[:5],
            changes=admin_undo.history(changes),
            log=finding.log_of(filter(None, [contact, other]))[:HISTORY],
            may_link=request.user.has_perm("contacts.change_link"),
            may_match=request.user.has_perm("matching.view_matchissue"),
        )


@admin.register(XeroContact)
class XeroContactAdmin(ContactAdmin):
    system = System.XERO


@admin.register(KarbonContact)
class KarbonContactAdmin(ContactAdmin):
    system = System.KARBON
    list_display = ("shown_name", "kind", "shown_email", "shown_phone", "shown_presence", "shown_link")
