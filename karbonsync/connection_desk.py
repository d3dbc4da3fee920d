"""The connection to Xero, as an administrator ends it. Connecting is part of the set-up."""

from contextlib import suppress
from datetime import datetime

from django.contrib.admin import AdminSite
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import success, warning
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from contacts import pages, pausing
from contacts.links import Overtaken
from contacts.models import Link
from karbonsync.outages import MAY_CONNECT
from xero import leaving
from xero.models import XeroConnection

WHY = "Xero was disconnected"


def urls(site: AdminSite) -> list[URLPattern]:
    return [path("xero/disconnect/", site.admin_view(disconnect), name="xero_disconnect")]


@require_http_methods(["GET", "HEAD", "POST"])
def disconnect(request: HttpRequest) -> HttpResponse:
    """Ask first, then disconnect. Not within a transaction: Xero is asked, and others must be able to go on meanwhile."""
    by = pages.require(request, MAY_CONNECT)
    connection = XeroConnection.objects.first()
    if connection is None or not connection.is_connected:
        return redirect("admin:index")
    if request.method == "POST":
        name, told = str(connection), disconnect_xero(by=by)
        if told:
            success(
                request,
                f"{name} is disconnected. All links are kept, and everything is paused until it is connected again.",
            )
        else:
            warning(request, f"{name} is disconnected here, but Xero could not be told. Take KarbonSync off in Xero, too: Settings, Connected apps.")  # fmt: skip
        return redirect("admin:index")
    standing = Link.objects.filter(state__in=[Link.State.LIVE, Link.State.STOPPED]).count()
    return pages.show(
        request,
        "karbonsync/disconnect.html",
        f"Disconnect {connection}?",
        connection=connection,
        standing=standing,
        waiting=pausing.waiting().count(),
    )


def disconnect_xero(*, by: User) -> bool:
    """End the connection, pause everything until there is one again, and keep all links. Return whether Xero was told."""
    connection, paused_at = XeroConnection.objects.get(id=1), _pause(by)
    told = leaving.disconnect()
    if paused_at:  # not before the tokens are gone: a check that ends meanwhile would find us connected, and resume
        pausing.until_connected(paused_at)
    LogEntry.objects.log_actions(by.pk, [connection], CHANGE, change_message="Disconnected Xero.", single_object=True)
    return told


def _pause(by: User) -> datetime | None:
    """Pause everything and return since when; None where a person paused for a reason that outlives this."""
    if paused_at := pausing.no_longer_until_connected():  # left from the last time: too much would have been sent
        return paused_at
    with suppress(Overtaken):
        return pausing.pause_all(by=by, reason=WHY)
    return None
