"""Addresses: the admin, where staff live, and the few that machines call."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from karbon import webhook as karbon_webhook
from karbonsync import admin_site, xero_desk
from karbonsync.health import health
from xero import webhook as xero_webhook

admin_site.install(admin.site)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("health", health, name="health"),
    path("xero/callback", xero_desk.callback, name="xero_callback"),
    path("webhooks/xero", xero_webhook.receive, name="xero_webhook"),
    path("webhooks/karbon", karbon_webhook.receive, name="karbon_webhook"),
]
