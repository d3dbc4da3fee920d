"""Where everything is: the admin, the webhooks, the health page."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from karbon import webhook as karbon_webhook
from xero import webhook as xero_webhook

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("webhooks/xero", xero_webhook.receive, name="xero_webhook"),
    path("webhooks/karbon", karbon_webhook.receive, name="karbon_webhook"),
]
