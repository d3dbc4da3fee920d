"""For whoever watches the deployment: is the database there, and how long ago was each service read well."""

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contacts import budget
from contacts.values import System
from karbonsync import outages
from karbonsync.models import Cursor


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the database does; ages are in seconds, null where a service was never read.

    Calls are those of the running day that background work used and may still use, null where nothing limits them.
    """
    try:
        polls = dict(Cursor.objects.values_list("system", "polled_at"))
    except DatabaseError:
        return JsonResponse({"status": "error", "database": "unreachable"}, status=503)
    now = timezone.now()
    ages = {
        system.value: round((now - at).total_seconds()) if (at := polls.get(system.value)) else None
        for system in System
    }
    days = budget.days()
    refused = outages.open_outages()
    return JsonResponse(
        {
            "status": "ok",
            "database": "reachable",
            "seconds_since_last_good_read": ages,
            "let_in": {system.value: system not in refused for system in System},
            "calls_used_today": {system.value: day.used for system, day in days.items()},
            "calls_left_today": {system.value: day.left for system, day in days.items()},
        }
    )
