"""The preview's pages: numbers, tabs, search, corrections and the file."""

import csv
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contacts.models import SyncSettings
from karbonsync import preview_csv, promise, setup
from karbonsync.models import Preview, PreviewRow
from tests.admin import factories

PAGE = "/admin/set-up/preview/"
EMAIL = {"billing_email": ["old@harbour.example", "new@harbour.example"]}


def text(response: Any) -> str:
    return response.content.decode()


@pytest.fixture
def ready(db) -> Preview:
    """A preview that can be carried out, as the settings are now."""
    now = timezone.now()
    made_with = promise.made_with(SyncSettings.load())
    return Preview.objects.create(state="ready", asked_at=now, made_at=now, made_with=made_with)


@pytest.fixture
def connected(box, settings) -> None:
    """Both services connected, and a contact type chosen."""
    settings.SITE_URL = "http://localhost:8000"
    setup.connect_sandbox("http://localhost:8000/xero/callback")
    SyncSettings.objects.update(default_contact_type="Client")


def row(name: str, outcome: str = "new", **more: Any) -> PreviewRow:
    contact = factories.xero(name, f"{name.split()[0].lower()}@xero.example")
    kind = {"kind": "organisation", "confidence": 0.99} if outcome == "new" else {}
    search = f"{name}\n{contact.billing_email}".casefold()
    return PreviewRow.objects.create(xero=contact, name=name, search=search, outcome=outcome, **{**kind, **more})


def file_of(client: Client, query: str = "") -> list[dict[str, str]]:
    reply = client.get(reverse("admin:preview_csv") + query)
    assert reply["Content-Disposition"] == 'attachment; filename="karbonsync-preview.csv"'
    whole = b"".join(reply.streaming_content).decode("utf-8-sig")  # type: ignore[arg-type]
    return list(csv.DictReader(StringIO(whole)))


def test_the_numbers_and_the_tabs_are_those_of_the_rows(admin: Client, ready: Preview):
    row("Harbour Joinery", "full", changes={"karbon": EMAIL}, changes_karbon=True)
    row("Rivers Stone", confidence=0.6, kind="person")
    row("Acme Limited")
    row("Half Match", "conflict", notes=["Same name, different email."])
    page = " ".join(text(admin.get(PAGE)).split())
    for said in (
        "All (4)",
        "Full match (1)",
        "New in Karbon (2)",
        "Conflict (1)",
        "1 people, 1 organisations",
        "1 / 0",
    ):
        assert said in page, said
    assert "Check the kind" in page and "Same name, different email." in page
    assert "old@harbour.example" in page and "new@harbour.example" in page


def test_tab_filter_and_search_go_together(admin: Client, ready: Preview):
    row("Harbour Joinery", "full")
    row("Rivers Stone", confidence=0.6)
    row("Acme Limited")
    assert "Acme Limited" not in text(admin.get(f"{PAGE}?only=unsure"))
    assert "Rivers Stone" in text(admin.get(f"{PAGE}?only=unsure"))
    assert "Harbour Joinery" not in text(admin.get(f"{PAGE}?tab=new"))
    page = text(admin.get(f"{PAGE}?tab=new&q=ACME@xero"))
    assert "Acme Limited" in page and "Rivers Stone" not in page
    assert "Nobody here" in text(admin.get(f"{PAGE}?q=nobody+at+all"))
    assert [found["xero_name"] for found in file_of(admin, "?tab=new&q=acme")] == ["Acme Limited"]


def test_the_number_of_queries_does_not_grow_with_the_rows(admin: Client, ready: Preview):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as made:
            assert admin.get(PAGE).status_code == 200
        return len(made)

    row("One Limited")
    admin.get(PAGE)
    few = queries()
    for number in range(60):
        row(f"Number {number} Limited", "full" if number % 2 else "new", karbon=factories.karbon())
    assert queries() == few


def test_one_press_corrects_the_kind_and_leads_back(admin: Client, ready: Preview, box: Any):
    guessed = row("Rivers Stone", confidence=0.6, kind="organisation")
    here = f"{PAGE}?tab=new&q=rivers"
    reply = admin.post(reverse("admin:preview_kind", args=[guessed.pk]), {"kind": "person", "here": here})
    assert reply["Location"] == here
    guessed.refresh_from_db()
    assert guessed.xero is not None
    assert (guessed.kind, guessed.is_kind_decided, guessed.xero.decided_kind) == ("person", True, "person")
    assert "help</span> Check the kind</span>" not in " ".join(text(admin.get(here)).split())


def test_leave_out_and_bring_back(admin: Client, ready: Preview):
    found = row("Rivers Stone")
    admin.post(reverse("admin:preview_leave_out", args=[found.pk]))
    found.refresh_from_db()
    assert found.xero is not None and (found.outcome, found.xero.left_out) == ("left_out", True)
    admin.post(reverse("admin:preview_bring_back", args=[found.pk]))
    found.refresh_from_db()
    assert found.xero is not None and (found.outcome, found.xero.left_out) == ("new", False)


def test_a_correction_leads_nowhere_but_to_our_own_page(admin: Client, ready: Preview):
    found = row("Rivers Stone")
    for elsewhere in ("https://evil.example/", "//evil.example/admin/set-up/preview/", "/admin/", ""):
        reply = admin.post(reverse("admin:preview_leave_out", args=[found.pk]), {"here": elsewhere})
        assert reply["Location"] == PAGE
        admin.post(reverse("admin:preview_bring_back", args=[found.pk]))


def test_what_is_being_carried_out_offers_no_corrections(admin: Client, ready: Preview):
    found = row("Rivers Stone")
    Preview.objects.update(state="accepted")
    page = text(admin.get(PAGE))
    assert "being carried out" in page and "Leave out" not in page and "Start syncing" not in page
    reply = admin.post(reverse("admin:preview_leave_out", args=[found.pk]), follow=True)
    assert "no longer open" in text(reply)


def test_a_preview_of_other_settings_cannot_be_started_from(admin: Client, ready: Preview):
    row("Rivers Stone")
    SyncSettings.objects.update(import_filter="customers")
    page = text(admin.get(PAGE))
    assert "Make a new one" in page and "Start syncing" not in page


def test_names_of_strangers_are_text_on_the_page_and_in_the_file(admin: Client, ready: Preview):
    row("<script>alert(1)</script> Ltd")
    row("=HYPERLINK(1) Ltd", "full", changes={"karbon": {"name": ["Old", "=cmd|' /C calc'!A0"]}})
    assert "<script>alert(1)" not in text(admin.get(PAGE))
    (hostile,) = file_of(admin, "?q=hyperlink")
    assert hostile["xero_name"] == "'=HYPERLINK(1) Ltd"
    assert hostile["name_in_karbon_to"] == "'=cmd|' /C calc'!A0"


def test_a_phone_stays_readable_in_the_file():
    assert preview_csv.harmless("+64 9 555 0100 x4") == "+64 9 555 0100 x4"
    assert preview_csv.harmless("+64-9*2") == "'+64-9*2"


def test_progress_is_told_and_a_preview_whose_process_died_goes_on(admin: Client, ready: Preview, monkeypatch):
    rung: list[str] = []
    monkeypatch.setattr("karbonsync.bells.ring_for_preview", lambda at=None: rung.append("ring"))
    Preview.objects.update(state="working", progress="Xero: 300 contacts read", told_at=timezone.now())
    told = admin.get(reverse("admin:preview_progress")).json()
    assert told == {"is_under_way": True, "state": "Being made", "progress": "Xero: 300 contacts read"}
    assert rung == []
    long_ago = timezone.now() - timedelta(minutes=5)
    Preview.objects.update(asked_at=long_ago, told_at=long_ago)
    admin.get(reverse("admin:preview_progress"))
    assert rung == ["ring"]
    assert 'data-preview-url="' in text(admin.get(PAGE))


def test_settings_that_are_tried_out_outlast_a_preview_that_failed(admin: Client, ready: Preview, connected: None):
    Preview.objects.update(state="failed", problem="Karbon had a fault.", proposed={"import_filter": "customers"})
    page = text(admin.get(PAGE))
    assert "You are trying out new settings" in page and "Keep the settings as they are" in page
    admin.post(reverse("admin:preview_make"))
    again = Preview.objects.get()
    assert (again.state, again.proposed) == ("asked", {"import_filter": "customers"})
    assert "Keep the settings as they are" in text(admin.get(PAGE)), "also while it is being made"
    admin.post(reverse("admin:preview_discard"))
    assert not Preview.objects.exists()


def test_a_second_setting_is_tried_out_together_with_the_first(admin: Client, ready: Preview, connected: None):
    SyncSettings.objects.update(syncing=True)
    Preview.objects.update(state="over")
    rules = {"default_contact_type": "Client", "import_filter": "customers"}
    admin.post(reverse("admin:setup_rules"), rules)
    assert Preview.objects.get().proposed == {"import_filter": "customers"}
    conventions = {"address_1": "Mailing", "address_2": "Physical", "address_3": "Legal", "hold_lookalikes": "no"}
    admin.post(reverse("admin:setup_conventions"), conventions)
    assert Preview.objects.get().proposed == {"import_filter": "customers", "hold_lookalikes": False}
    page = text(admin.get(reverse("admin:setup_rules")))
    assert 'value="customers" checked' in " ".join(page.split()) or 'value="customers" selected' in " ".join(
        page.split()
    )
    admin.post(reverse("admin:setup_rules"), {**rules, "import_filter": "all"})
    assert Preview.objects.get().proposed == {"hold_lookalikes": False}
    admin.post(reverse("admin:setup_conventions"), {**conventions, "hold_lookalikes": "yes"})
    assert not Preview.objects.exists(), "nothing is left to try out"


def test_settings_that_are_in_use_are_tried_out_no_more(admin: Client, ready: Preview):
    row("Acme Limited")
    Preview.objects.update(state="over", proposed={"import_filter": "customers"})
    SyncSettings.objects.update(import_filter="customers")
    assert "You are trying out new settings" not in text(admin.get(PAGE))
