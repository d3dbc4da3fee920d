"""The way back after Xero withdrew our access: one button, from the banner to Xero's sign-in."""

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.values import System
from karbonsync import outages
from tests.admin.test_setup import signed_in, text
from xero.models import XeroConnection


def test_reconnect_on_the_banner_leads_through_xeros_sign_in_and_heals(box, admin: Client) -> None:
    page = admin.get(signed_in(admin), follow=True)
    organisation = admin.session["xero_consent"]["organisations"][0]["id"]
    admin.post(reverse("admin:xero_confirm"), {"organisation": organisation}, follow=True)
    XeroConnection.objects.update(problem="Xero no longer accepts our access.", problem_since=timezone.now())
    outages.begin(System.XERO, "Xero no longer accepts our access.")
    page = admin.get(reverse("admin:index"))
    assert f'action="{reverse("admin:xero_sign_in")}"' in text(page) and "Reconnect" in text(page)
    admin.get(signed_in(admin), follow=True)
    admin.post(reverse("admin:xero_confirm"), {"organisation": organisation}, follow=True)
    assert XeroConnection.objects.get().problem == ""
