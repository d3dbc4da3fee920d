"""What the lists that nobody edits by hand have in common."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseNotAllowed
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from unfold.admin import ModelAdmin

from contacts import normalise
from contacts.models import Link

HISTORY = 20
STATE_COLOURS = {
    Link.State.LIVE.label: "success",
    Link.State.CREATING.label: "info",
    Link.State.STOPPED.label: "warning",
    Link.State.UNSYNCED.label: "warning",
    "Paused": "warning",
}


class ReadOnlyAdmin(ModelAdmin):
    """A list and page to look at: what is here comes from the services or from acts, never from a form."""

    list_per_page = 50
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # Keys are stored folded, so that a search finds capitals and accents in any database.
        return super().get_search_results(request, queryset, normalise.text_key(search_term))

    def seen_object(self, request: HttpRequest, object_id: str) -> Any:
        """Return the object of a page of our own, if the person may look at it."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_object(request, unquote(object_id))
        return found or self._get_obj_does_not_exist_redirect(request, self.opts, object_id)


def moment(at: datetime) -> str:
    return format_html('<span class="ks-nowrap">{}</span>', date_format(localtime(at), "DATETIME_FORMAT"))


def shown_state_of(pair: Link) -> str:
    return "Paused" if pair.paused_at else pair.get_state_display()


def lines_of(template: str, rows: Sequence[tuple[str, str, str]]) -> str:
    """Return a cell of several lines; ``template`` holds one, its values are escaped."""
    return format_html('<div class="ks-lines">{}</div>', format_html_join("", template, rows))
