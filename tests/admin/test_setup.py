"""The set-up: each step with what it stores and says, who may, and what a stranger gets."""

import re
from smtplib import SMTPException
from typing import Any

import pytest
import requests
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.urls import reverse

from contacts import api
from contacts.models import SyncSettings
from karbon import keys
from karbon.models import KarbonConnection
from karbonsync.models import Preview, SetUp
from sandbox import server
from tests.admin import factories
from xero import leaving, oauth
from xero.models import XeroConnection

STEPS = ("setup", "setup_karbon", "setup_xero", "setup_rules", "setup_conventions", "setup_former", "preview")
ACTS = {
    "setup_karbon_test": (),
    "xero_sign_in": (),
    "xero_confirm": (),
    "xero_forget": (),
    "preview_make": (),
    "preview_discard": (),
    "preview_kind": (1,),
    "preview_leave_out": (1,),
    "preview_bring_back": (1,),
    "setup_start": (),
    "setup_test_email": (),
}


@pytest.fixture
def bare(box, settings):
    """A sandbox, and a server whose environment sets no Karbon keys."""
    settings.KARBON_BEARER_TOKEN = settings.KARBON_ACCESS_KEY = settings.KARBON_WEBHOOK_KEY = ""
    return box


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def text(response: Any) -> str:
    return response.content.decode()


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_for_settings_administrators_only(name, desk: Client, client: Client, db):
    assert desk.get(url(name)).status_code == 403
    assert client.get(url(name))["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(("name", "args"), ACTS.items())
def test_an_act_of_the_set_up_is_a_post_of_a_settings_administrator(name, args, desk: Client, admin: Client, client):
    assert desk.post(url(name, *args)).status_code == 403
    assert client.post(url(name, *args))["Location"].startswith("/admin/login/")
    assert admin.get(url(name, *args)).status_code == 405


@pytest.mark.parametrize("name", ["preview_progress", "preview_csv"])
def test_what_the_preview_tells_is_for_settings_administrators(name, desk: Client):
    assert desk.get(url(name)).status_code == 403


def test_xeros_answer_is_taken_from_a_settings_administrator_only(desk: Client, client: Client, db):
    assert client.get("/xero/callback?code=c&state=s")["Location"] == "/admin/login/?next=/admin/set-up/xero/"
    assert desk.get("/xero/callback?code=c&state=s").status_code == 403


def test_an_act_of_the_set_up_needs_a_csrf_token(boss):
    client = Client(enforce_csrf_checks=True)
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(url("setup_start")).status_code == 403


# --- Karbon keys ------------------------------------------------------------------------------------------------------

TYPED = {"bearer_token": server.KARBON_BEARER_TOKEN, "access_key": server.KARBON_ACCESS_KEY}


def test_typed_keys_are_tried_named_back_and_kept_encrypted(bare, admin, settings):
    response = admin.post(url("setup_karbon"), TYPED, follow=True)
    assert "Karbon is connected. Account 2SandboxTnt1 holds 0 people and 0 organisations" in text(response)
    row = KarbonConnection.objects.get()
    kept = row.bearer_token + row.access_key + row.webhook_key
    assert TYPED["bearer_token"] not in kept and TYPED["access_key"] not in kept
    assert keys.current() == keys.Keys(TYPED["bearer_token"], TYPED["access_key"])
    assert len(keys.webhook_key()) >= 16
    assert LogEntry.objects.get().get_change_message() == "Stored new keys to Karbon."
    page = text(admin.get(url("setup_karbon")))
    assert not any(secret in page for secret in (*TYPED.values(), row.bearer_token, row.access_key))


def test_keys_that_do_not_work_are_not_kept(bare, admin):
    page = text(admin.post(url("setup_karbon"), {**TYPED, "bearer_token": "wrong"}))
    assert "Karbon does not accept these keys. Compare both" in page and "no longer" not in page
    assert "wrong" not in page
    assert not KarbonConnection.objects.exists()


def test_keys_that_worked_before_are_said_to_work_no_longer(bare, admin):
    admin.post(url("setup_karbon"), TYPED)
    bare.faults.add({"system": "karbon", "kind": "error", "status": 401, "times": 9})
    assert "Karbon no longer accepts our keys" in text(admin.post(url("setup_karbon_test"), follow=True))


def test_typed_keys_are_tried_together_with_those_of_the_server_that_win(bare, admin, settings):
    settings.KARBON_BEARER_TOKEN = "stale-and-set-on-the-server"
    page = text(admin.post(url("setup_karbon"), TYPED))
    assert "Karbon does not accept these keys" in page and "KARBON_BEARER_TOKEN is set on the server and wins" in page
    assert not keys.were_tested() and not KarbonConnection.objects.exists()
    settings.KARBON_BEARER_TOKEN = TYPED["bearer_token"]
    admin.post(url("setup_karbon"), {**TYPED, "bearer_token": "does-not-matter"})
    assert keys.were_tested() and keys.current() == keys.Keys(**TYPED)


def test_swapped_keys_are_told_without_a_call(bare, admin):
    swapped = {"bearer_token": TYPED["access_key"], "access_key": TYPED["bearer_token"]}
    assert "The two keys are swapped" in text(admin.post(url("setup_karbon"), swapped))
    assert list(bare.calls) == []


@pytest.mark.parametrize("masked", ["••••••••••••", "eyJ.abc def.ghi", "clé.clé.clé"])
def test_a_key_that_karbon_shows_masked_is_told_without_a_call(bare, admin, masked):
    page = text(admin.post(url("setup_karbon"), {**TYPED, "access_key": masked}))
    assert "This is not the key itself" in page and "Access key" in page
    assert list(bare.calls) == [] and not KarbonConnection.objects.exists()
    assert "This is not the key itself" in text(admin.post(url("setup_karbon"), {**TYPED, "bearer_token": masked}))


def test_a_bearer_token_may_be_pasted_with_its_first_word(bare, admin):
    admin.post(url("setup_karbon"), {**TYPED, "bearer_token": f" Bearer {TYPED['bearer_token']} "})
    assert keys.current().bearer_token == TYPED["bearer_token"]


def test_a_masked_key_on_the_server_is_told_and_never_sent(box, admin, settings):
    settings.KARBON_ACCESS_KEY = "••••••••"
    page = text(admin.post(url("setup_karbon_test"), follow=True))
    assert "characters that no key has" in page and list(box.calls) == []


def test_the_environments_keys_win_and_the_page_says_so(box, admin):
    page = text(admin.get(url("setup_karbon")))
    assert "The keys come from the server" in page and "KARBON_BEARER_TOKEN" in page and 'name="access_key"' not in page
    keys.store(keys.Keys("typed", "typed"))
    assert keys.current().bearer_token == server.KARBON_BEARER_TOKEN
    assert "The keys work. Account 2SandboxTnt1" in text(admin.post(url("setup_karbon_test"), follow=True))


def test_keys_work_though_the_tenant_settings_are_refused(bare, admin):
    bare.switches.change({"tenantSettings401": True})
    response = admin.post(url("setup_karbon"), TYPED, follow=True)
    assert "Karbon is connected. Account (Karbon does not tell its key) holds" in text(response)
    assert "Type the name as it is written in Karbon" in text(admin.get(url("setup_rules")))


def test_keys_to_another_account_are_refused_while_the_firsts_contacts_are_here(bare, admin):
    admin.post(url("setup_karbon"), TYPED)
    KarbonConnection.objects.update(account_key="anotherAcct1")
    factories.karbon()
    response = admin.post(url("setup_karbon"), TYPED)
    assert "keys to another Karbon account (2SandboxTnt1)" in text(response)


def test_without_an_encryption_key_nothing_can_be_typed(bare, admin, settings):
    settings.FIELD_ENCRYPTION_KEYS = []
    page = text(admin.get(url("setup_karbon")))
    assert "FIELD_ENCRYPTION_KEYS" in page and 'name="access_key"' not in page


def test_keys_under_a_lost_encryption_key_ask_to_be_typed_again(bare, admin, settings):
    admin.post(url("setup_karbon"), TYPED)
    settings.FIELD_ENCRYPTION_KEYS = ["b3RoZXItb25seS1rZXktbm90LWEtc2VjcmV0LSEhISE="]
    with pytest.raises(keys.NotAuthorised, match="FIELD_ENCRYPTION_KEYS"):
        keys.current()
    assert "cannot read the stored Karbon keys" in text(admin.get(url("setup_karbon")))


# --- Xero -------------------------------------------------------------------------------------------------------------


def signed_in(admin: Client) -> Any:
    """Go out to Xero as the browser does, and come back with its answer."""
    gone = admin.post(url("xero_sign_in"))
    address = re.search(r'href="(http[^"]+)"', text(gone))
    assert address is not None
    back = requests.get(address[1].replace("&amp;", "&"), allow_redirects=False, timeout=5).headers["Location"]
    return back.removeprefix("http://localhost:8000")


def test_signing_in_names_the_organisation_large_before_anything_is_connected(box, admin):
    page = admin.get(signed_in(admin), follow=True)
    assert "You are connecting <strong>Acme Partners</strong>" in " ".join(text(page).split())
    assert not XeroConnection.objects.exists()
    organisation = admin.session["xero_consent"]["organisations"][0]["id"]
    page = admin.post(url("xero_confirm"), {"organisation": organisation}, follow=True)
    assert "Acme Partners is connected." in text(page)
    assert XeroConnection.objects.get().is_connected and "xero_consent" not in admin.session


def test_the_consent_in_the_session_is_sealed(box, admin):
    admin.get(signed_in(admin))
    assert "refresh" not in admin.session["xero_consent"]["token"]


def test_the_state_works_once(box, admin):
    back = signed_in(admin)
    admin.get(back)
    admin.session.pop("xero_consent", None)
    page = text(admin.get(back, follow=True))
    assert "does not belong to a sign-in that you started" in page


def test_a_wrong_state_connects_nothing(box, admin):
    signed_in(admin)
    page = text(admin.get("/xero/callback?code=made-up&state=wrong", follow=True))
    assert "does not belong" in page and "xero_consent" not in admin.session


def test_an_answer_to_somebody_elses_sign_in_is_refused(box, admin, boss):
    back = signed_in(admin)
    session = admin.session
    session["xero_sign_in"] = {**session["xero_sign_in"], "by": boss.pk + 1}
    session.save()
    assert "does not belong" in text(admin.get(back, follow=True))


def test_declined_consent_is_told_plainly(box, admin):
    admin.post(url("xero_sign_in"))
    state = admin.session["xero_sign_in"]["state"]
    page = text(admin.get(f"/xero/callback?error=access_denied&state={state}", follow=True))
    assert "access was declined there" in page and not XeroConnection.objects.exists()


def taken_off(box):
    return [call["status"] for call in box.calls if call["method"] == "DELETE" and "/connections/" in call["path"]]


def test_another_organisation_is_refused_with_the_reason_and_does_not_stay_connected(box, admin):
    factories.xero()
    XeroConnection.objects.create(tenant_id="the-first", tenant_name="First Firm", refresh_token="sealed")
    admin.get(signed_in(admin))
    organisation = admin.session["xero_consent"]["organisations"][0]["id"]
    page = text(admin.post(url("xero_confirm"), {"organisation": organisation}, follow=True))
    assert "This database holds the contacts of First Firm" in page
    assert XeroConnection.objects.get().tenant_id == "the-first"
    assert "You are connecting" not in page and "xero_consent" not in admin.session
    assert taken_off(box) == [204] and revocations(box) == []


def test_a_refused_organisation_is_given_back_whole_where_nothing_is_connected(box, admin):
    factories.xero()
    XeroConnection.objects.create(tenant_id="the-first", tenant_name="First Firm")
    admin.get(signed_in(admin))
    organisation = admin.session["xero_consent"]["organisations"][0]["id"]
    admin.post(url("xero_confirm"), {"organisation": organisation})
    assert [call["status"] for call in revocations(box)] == [200] and box.xero.identity.connection is None


def test_a_refused_organisation_that_xero_could_not_be_told_of_is_left_to_the_person(box, admin, monkeypatch):
    monkeypatch.setattr(api, "GET_PAUSES", ())
    factories.xero()
    XeroConnection.objects.create(tenant_id="the-first", tenant_name="First Firm", refresh_token="sealed")
    admin.get(signed_in(admin))
    box.faults.add({"system": "xero", "path": "connections", "kind": "error", "status": 500, "times": 9})
    organisation = admin.session["xero_consent"]["organisations"][0]["id"]
    page = text(admin.post(url("xero_confirm"), {"organisation": organisation}, follow=True))
    assert "contacts of First Firm" in page and "remove KarbonSync there" in page


def test_of_several_organisations_one_is_chosen_and_the_others_do_not_stay_connected(box, admin):
    other = "5a9db0c5-0000-4000-8000-00000000beef"
    box.xero.identity.also_allowed = {other: "Other Firm", "5a9db0c5-0000-4000-8000-00000000feed": "Third Firm"}
    admin.get(signed_in(admin))
    page = text(admin.get(url("setup_xero")))
    assert "Which organisation are you connecting?" in page and "Other Firm" in page
    page = text(admin.post(url("xero_confirm"), {"organisation": "nobody's"}, follow=True))
    assert "Choose the organisation first" in page and not XeroConnection.objects.exists()
    page = text(admin.post(url("xero_confirm"), {"organisation": other}, follow=True))
    assert XeroConnection.objects.get().tenant_name == "Other Firm" and "remove KarbonSync" not in page
    assert taken_off(box) == [204, 204] and revocations(box) == []
    assert [row["tenantName"] for row in box.xero.identity.more] == ["Other Firm"]
    assert leaving.why_refused() == "", "the chosen one stands"


def test_others_that_xero_could_not_be_told_of_are_left_to_the_person(box, admin, monkeypatch):
    monkeypatch.setattr(api, "GET_PAUSES", ())
    box.xero.identity.also_allowed = {"5a9db0c5-0000-4000-8000-00000000beef": "Other Firm"}
    admin.get(signed_in(admin))
    box.faults.add({"system": "xero", "path": "connections", "kind": "error", "status": 500, "times": 9})
    organisation = admin.session["xero_consent"]["organisations"][0]["id"]
    page = text(admin.post(url("xero_confirm"), {"organisation": organisation}, follow=True))
    assert "is connected." in page and "forget the other organisations" in page


def test_not_this_one_takes_back_what_was_allowed_besides_the_connection_that_stands(box, admin):
    admin.get(signed_in(admin))
    admin.post(url("xero_confirm"), {"organisation": admin.session["xero_consent"]["organisations"][0]["id"]})
    box.xero.identity.also_allowed = {"5a9db0c5-0000-4000-8000-00000000beef": "Other Firm"}
    admin.get(signed_in(admin))
    admin.post(url("xero_forget"))
    assert taken_off(box) == [204] and box.xero.identity.more == []
    assert box.xero.identity.connection and leaving.why_refused() == ""


def test_what_was_allowed_in_an_earlier_sign_in_is_left_to_whoever_uses_it(box, admin):
    admin.get(signed_in(admin))
    event = {"id": "older", "authEventId": "older", "tenantId": "elsewhere", "tenantName": "Another installation's"}
    box.xero.identity.more = [{**box.xero.identity.connection, **event}]
    session = admin.session
    organisations = [*session["xero_consent"]["organisations"], {"id": "elsewhere", "name": "Another installation's"}]
    session["xero_consent"] = {**session["xero_consent"], "organisations": organisations}
    session.save()
    admin.post(url("xero_confirm"), {"organisation": organisations[0]["id"]})
    assert XeroConnection.objects.get().tenant_name == "Acme Partners" and taken_off(box) == []


def test_not_this_one_connects_nothing(box, admin):
    admin.get(signed_in(admin))
    assert "Nothing was connected." in text(admin.post(url("xero_forget"), follow=True))
    assert "xero_consent" not in admin.session and not XeroConnection.objects.exists()


def revocations(box):
    return [call for call in box.calls if "revocation" in call["path"]]


def test_a_consent_that_is_not_wanted_is_given_back_to_xero(box, admin):
    admin.get(signed_in(admin))
    admin.post(url("xero_forget"))
    assert [call["status"] for call in revocations(box)] == [200]


def test_giving_a_consent_back_never_ends_a_connection_that_stands(box, admin):
    admin.get(signed_in(admin))
    admin.post(url("xero_confirm"), {"organisation": admin.session["xero_consent"]["organisations"][0]["id"]})
    admin.get(signed_in(admin))
    admin.post(url("xero_forget"))
    assert revocations(box) == [] and oauth.access_token()


def test_a_consent_that_xero_could_not_be_told_of_is_left_to_the_person(box, admin, settings):
    admin.get(signed_in(admin))
    settings.XERO_IDENTITY_URL = "http://127.0.0.1:9"
    assert "remove KarbonSync there" in text(admin.post(url("xero_forget"), follow=True))


def test_missing_settings_are_named_before_anybody_goes_to_xero(box, admin, settings):
    settings.XERO_CLIENT_ID = ""
    page = text(admin.get(url("setup_xero")))
    assert "XERO_CLIENT_ID" in page and "disabled" in page


# --- choices ----------------------------------------------------------------------------------------------------------


def test_rules_are_stored_and_the_filters_meaning_is_told(box, admin):
    page = text(admin.get(url("setup_rules")))
    meaning = "A client new in Xero is neither customer nor supplier, and will not reach Karbon, until its first invoice or bill."  # fmt: skip
    assert meaning in " ".join(page.split()) and "Prospect" in page
    admin.post(url("setup_rules"), {"default_contact_type": "Prospect", "import_filter": "customers"})
    chosen = SyncSettings.load()
    assert (chosen.default_contact_type, chosen.import_filter, chosen.syncing) == ("Prospect", "customers", False)
    assert SetUp.load().rules_at


def test_a_contact_type_that_karbon_does_not_know_is_refused(box, admin):
    page = text(admin.post(url("setup_rules"), {"default_contact_type": "Wizard", "import_filter": "all"}))
    assert "Karbon has no such contact type" in page and SyncSettings.load().default_contact_type == ""


def test_while_karbon_does_not_answer_no_contact_type_is_taken_unchecked_and_the_chosen_one_stays(
    box, admin, monkeypatch
):
    monkeypatch.setattr(api, "GET_PAUSES", ())
    rules = {"default_contact_type": "Wizard", "import_filter": "customers"}
    box.faults.add({"system": "karbon", "path": "TenantSettings", "kind": "error", "status": 503, "times": 9})
    page = text(admin.get(url("setup_rules")))
    assert "Karbon had a fault (status 503)" in page and "Load this page again" in page
    assert "does not show its contact types" not in page and 'type="text"' not in page
    page = text(admin.post(url("setup_rules"), rules))
    assert "could not be looked up" in page and not SetUp.load().rules_at
    SyncSettings.objects.update(default_contact_type="Prospect")
    assert 'value="Prospect"' in text(admin.get(url("setup_rules")))
    assert "could not be looked up" in text(admin.post(url("setup_rules"), rules))
    assert SyncSettings.load().import_filter == "all"
    admin.post(url("setup_rules"), {**rules, "default_contact_type": "Prospect"})
    chosen = SyncSettings.load()
    assert (chosen.default_contact_type, chosen.import_filter) == ("Prospect", "customers")


def test_dead_keys_are_not_taken_for_an_application_that_may_not_see_contact_types(box, admin, settings):
    settings.KARBON_ACCESS_KEY = "wrong.wrong.wrong"
    page = text(admin.get(url("setup_rules")))
    assert "Karbon no longer accepts our keys" in page and "does not show its contact types" not in page


def test_conventions_are_stored_in_their_order(box, admin):
    posted = {"address_1": "Legal", "address_2": "Mailing", "address_3": "Legal", "phone_1": "Office", "phone_2": "", "hold_lookalikes": "no"}  # fmt: skip
    admin.post(url("setup_conventions"), posted)
    chosen = SyncSettings.load()
    assert (chosen.karbon_address_labels, chosen.karbon_phone_labels) == (["Legal", "Mailing"], ["Office"])
    assert not chosen.hold_lookalikes
    assert "Choose at least one address label" in text(admin.post(url("setup_conventions"), {"phone_1": "Work"}))


def test_the_former_sync_must_be_off_before_its_pairs_are_taken_over(box, admin):
    page = text(admin.post(url("setup_former"), {"former_sync": "yes"}))
    assert "off first" in page and SetUp.load().former_sync == ""
    admin.post(url("setup_former"), {"former_sync": "yes", "is_off": "yes"})
    assert SetUp.load().former_sync == "yes"


def test_later_choices_are_not_stored_before_their_effect_was_seen(box, admin):
    SyncSettings.objects.create(syncing=True, default_contact_type="Client")
    page = admin.post(url("setup_rules"), {"default_contact_type": "Client", "import_filter": "customers"}, follow=True)
    assert "Nothing is changed yet" in text(page) and "Customers only" in text(page)
    assert SyncSettings.load().import_filter == "all"
    assert Preview.objects.get().proposed == {"import_filter": "customers"}


def test_starting_without_a_preview_is_refused(box, admin):
    assert "There is no preview" in text(admin.post(url("setup_start"), follow=True))
    assert not SyncSettings.load().syncing


def test_a_preview_needs_both_services(box, admin):
    assert "Connect both services first" in text(admin.post(url("preview_make"), follow=True))
    assert not Preview.objects.exists()


# --- the dashboard and e-mail -----------------------------------------------------------------------------------------


def test_an_empty_database_leads_to_the_set_up(bare, admin, desk):
    page = text(admin.get(reverse("admin:index")))
    assert reverse("admin:setup") in page and "Set up" in page
    assert "Ask an administrator" in text(desk.get(reverse("admin:index")))


def test_each_step_says_whether_it_is_done(box, admin):
    page = text(admin.get(url("setup")))
    assert page.count("To do") == 7
    admin.post(url("setup_karbon_test"))
    assert text(admin.get(url("setup"))).count("To do") == 6


def test_a_test_e_mail_goes_to_whoever_presses(admin, boss):
    page = text(admin.post(url("setup_test_email"), follow=True))
    assert [message.to for message in mail.outbox] == [["bo@firm.example"]]
    assert "A test e-mail was handed over for bo@firm.example" in page


def test_a_test_e_mail_that_fails_says_so(admin, boss, monkeypatch):
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise SMTPException("relay refused")

    monkeypatch.setattr("karbonsync.setup_desk.send_mail", refuse)
    assert "was not sent: relay refused" in text(admin.post(url("setup_test_email"), follow=True))
    boss.email = ""
    boss.save()
    assert "no e-mail address" in text(admin.post(url("setup_test_email"), follow=True))


def test_a_yes_while_syncing_leads_to_a_preview_of_the_pairs(box, admin):
    SyncSettings.objects.update_or_create(id=1, defaults={"syncing": True})
    response = admin.post(url("setup_former"), {"former_sync": "yes", "is_off": "yes"})
    assert response["Location"] == url("preview")
    assert Preview.objects.get().state == Preview.State.ASKED
