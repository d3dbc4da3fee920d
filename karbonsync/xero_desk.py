"""Signing in to Xero: out to its login page, back with consent, and the organisation confirmed before it is connected."""

import hmac
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contacts import pages
from contacts.remote import NotAuthorised, RemoteError
from karbonsync import setup, setup_pages
from karbonsync.setup_pages import MAY
from xero import leaving, oauth
from xero.models import XeroConnection

STILL_LISTED = (
    "Xero could not be told: remove KarbonSync there under Settings, Connected apps, if you do not come back."
)
OTHERS_STAY = (
    "Xero could not be told to forget the other organisations that you allowed: remove KarbonSync there under Settings, "
    "Connected apps."
)
STATE, CONSENT = "xero_sign_in", "xero_consent"


def urls(site: AdminSite) -> list[URLPattern]:
    return [
        path("set-up/xero/", site.admin_view(never_cache(xero)), name="setup_xero"),
        path("set-up/xero/sign-in/", site.admin_view(never_cache(sign_in)), name="xero_sign_in"),
        path("set-up/xero/confirm/", site.admin_view(never_cache(confirm)), name="xero_confirm"),
        path("set-up/xero/forget/", site.admin_view(never_cache(forget)), name="xero_forget"),
    ]


def page(*args: Any, **kwargs: Any) -> str:
    return reverse("admin:setup_xero")


def redirect_uri() -> str:
    """Where Xero sends the browser back to: exactly as it is written in Xero's developer portal."""
    return f"{settings.SITE_URL}/xero/callback"


@require_safe
def xero(request: HttpRequest) -> HttpResponse:
    """Show what is connected, or the organisation that is about to be."""
    pages.require(request, MAY)
    consent = request.session.get(CONSENT)
    return setup_pages.show(
        request,
        "setup/xero.html",
        "Sign in to Xero",
        "xero",
        connection=XeroConnection.objects.defer("access_token", "refresh_token").filter(id=1).first(),
        organisations=consent["organisations"] if consent else [],
        redirect_uri=redirect_uri(),
        missing=[name for name in ("XERO_CLIENT_ID", "XERO_CLIENT_SECRET", "FIELD_ENCRYPTION_KEYS", "SITE_URL") if not getattr(settings, name)],
    )  # fmt: skip


@setup_pages.act(page)
def sign_in(request: HttpRequest, *, by: User) -> HttpResponse:
    """Send the browser to Xero, by a page of our own: no form of ours may lead to another site, and Xero's login roams."""
    url, state = oauth.authorization_url(redirect_uri())
    request.session[STATE] = {"state": state, "by": by.pk}
    request.session.pop(CONSENT, None)
    return TemplateResponse(request, "setup/go_to_xero.html", {"url": url})


@require_safe
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Take Xero's answer, once, from the browser that was sent there. Nothing is connected before it is confirmed."""
    if not request.user.is_authenticated:
        return redirect(f"{reverse('admin:login')}?next={reverse('admin:setup_xero')}")
    by = pages.require(request, MAY)
    started = request.session.pop(STATE, None) or {}
    try:
        if not hmac.compare_digest(str(started.get("by", "")), str(by.pk)):
            raise NotAuthorised(
                "This answer does not belong to a sign-in that you started. Start connecting Xero again."
            )
        consent = oauth.finish(redirect_uri(), str(started["state"]), request.build_absolute_uri())
    except RemoteError as error:
        messages.error(request, str(error))
    else:
        organisations = [{"id": found.tenant_id, "name": found.name} for found in consent.organisations]
        request.session[CONSENT] = {"token": consent.token, "organisations": organisations}
    return redirect("admin:setup_xero")


@setup_pages.act(page)
def confirm(request: HttpRequest, *, by: User) -> HttpResponse:
    """Connect the organisation that the person has seen and chosen."""
    consent = request.session.get(CONSENT) or {}
    wanted = request.POST.get("organisation", "")
    chosen = next((found for found in consent.get("organisations", []) if found["id"] == wanted), None)
    if chosen is None:
        raise NotAuthorised("Choose the organisation first. If none is shown, sign in to Xero again.")
    try:
        connection = setup.connect_xero(consent["token"], oauth.Organisation(chosen["id"], chosen["name"]), by=by)
    except oauth.OtherOrganisation as error:
        request.session.pop(CONSENT, None)
        told = leaving.give_back(consent["token"])
        raise NotAuthorised(str(error) if told else f"{error} {STILL_LISTED}") from error
    request.session.pop(CONSENT, None)
    messages.success(request, f"{connection} is connected.")
    if consent["organisations"][1:] and not leaving.take_off(consent["token"], besides=chosen["id"]):
        messages.warning(request, OTHERS_STAY)
    return setup_pages.next_step()


@setup_pages.act(page)
def forget(request: HttpRequest, *, by: User) -> HttpResponse:
    """Leave things as they were before the sign-in."""
    consent = request.session.pop(CONSENT, None)
    if consent is None or leaving.give_back(consent["token"]):
        messages.info(request, "Nothing was connected.")
    else:
        messages.warning(request, f"Nothing was connected. {STILL_LISTED}")
    return redirect("admin:setup_xero")
