"""A service no longer lets us in: what is said, who is told, and that everything is caught up with afterwards."""

import json
from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
import requests
from django.contrib.auth.models import Permission, User
from django.core.checks import run_checks
from django.core.mail import EmailMessage
from django.utils import timezone

from contacts import pausing, sealing
from contacts.models import Change, RemoteContact, SyncSettings
from contacts.values import System
from karbon import keys
from karbon.models import KarbonConnection
from karbonsync import connection_desk, outages, setup, tasks
from karbonsync.models import Cursor, Outage, Run
from sandbox import server, xero_identity
from sandbox.xero_identity import TENANT_ID
from tests.scenarios.conftest import World
from tests.scenarios.test_preview import connect, make_preview
from xero import leaving, oauth
from xero.models import XeroConnection

BACK = "http://localhost:8000/xero/callback"


@pytest.fixture
def boss(world: World) -> User:
    """Somebody who may change the connection and has an address."""
    made = User.objects.create(username="boss", email="boss@firm.example", is_staff=True)
    made.user_permissions.add(Permission.objects.get(codename="change_syncsettings"))
    User.objects.create(username="other", email="other@firm.example", is_staff=True)
    return made


def withdraw(world: World) -> None:
    """Somebody withdraws our access in Xero: both tokens are worth nothing any more."""
    world.box.xero.identity.refresh.clear()
    world.box.xero.identity.access.clear()


def waiting(system: System) -> int:
    return pausing.waiting(system).count()


def test_withdrawn_access_is_said_told_once_and_healed_by_connecting_again(
    world: World, boss: User, mailoutbox: list
) -> None:
    contact, key = world.linked_pair()
    withdraw(world)
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.edit_xero(contact, Name="Harbour Joinery Nelson Limited")
    for _ in range(3):
        tasks.check()
    outage = Outage.objects.get()
    assert outage.reason == oauth.ACCESS_LOST and outage.system == System.XERO
    assert waiting(System.XERO) == 1  # Karbon's edit was seen meanwhile
    said = outages.sentence(outage)
    assert said.startswith("Xero disconnected since ") and said.endswith("1 change waits; nothing is lost.")
    (letter,) = mailoutbox
    assert letter.to == ["boss@firm.example"] and letter.subject == f"KarbonSync: {said.partition('.')[0]}"
    assert said in letter.body and "http://localhost:8000/admin/" in letter.body and "Harbour" not in letter.body
    assert [(check.msg, check.hint) for check in run_checks(tags=["connection"])] == [(said, oauth.ACCESS_LOST)]

    oauth.connect_without_browser(BACK)
    tasks.check()
    world.settle()
    assert Outage.objects.get().ended_at and run_checks(tags=["connection"]) == []
    world.assert_both(contact, key, email="new@harbour.example", name="Harbour Joinery Nelson Limited")
    world.assert_at_rest()
    assert len(mailoutbox) == 1


def test_nothing_is_asked_of_xero_while_its_access_is_withdrawn(world: World) -> None:
    world.linked_pair()
    withdraw(world)
    world.sync()
    world.forget_calls()
    world.sync()
    assert world.calls(system="xero") == []
    assert world.calls(system="karbon") != []


def test_a_renewal_whose_reply_is_lost_leaves_xero_connected(world: World) -> None:
    contact, key = world.linked_pair()
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.control("POST", "/clock", {"advance": 1801})
    XeroConnection.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    world.fault(system="xero", path="connect/token", kind="drop_reply")
    world.forget_calls()
    assert world.sync().errors == []
    assert len(world.calls(path="connect/token")) == 2  # the lost one, and the same refresh token once more
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")
    assert not Outage.objects.exists()


def test_an_app_taken_off_inside_xero_is_explained_and_healed_by_connecting_again(
    world: World, boss: User, mailoutbox: list
) -> None:
    contact, key = world.linked_pair()
    world.box.xero.identity._disconnect()
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.sync()
    outage = Outage.objects.get()
    assert "KarbonSync was disconnected inside Xero" in outage.reason
    tasks.check()
    assert mailoutbox == []  # what ends within minutes needs no letter
    Outage.objects.update(since=outage.since - timedelta(minutes=3))
    tasks.check()
    assert len(mailoutbox) == 1
    oauth.connect_without_browser(BACK)
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")
    assert Outage.objects.get().ended_at


def test_a_reset_demo_company_is_a_new_organisation_and_said_so(world: World, monkeypatch) -> None:
    world.linked_pair()
    monkeypatch.setattr(xero_identity, "TENANT_ID", "5a9db0c5-ffff-4000-8000-000000000000")
    world.box.xero.identity.connection["tenantId"] = xero_identity.TENANT_ID
    (said,) = set(world.sync().errors)
    assert said.startswith("Xero's Acme Partners was reset")
    with pytest.raises(oauth.OtherOrganisation, match="an empty database of its own"):
        oauth.connect_without_browser(BACK)
    assert RemoteContact.objects.filter(system=System.XERO, presence="present").count() == 1


def test_keys_that_karbon_refuses_are_told_in_karbons_words(world: World, boss: User, settings, mailoutbox) -> None:
    contact, key = world.linked_pair()
    good, settings.KARBON_ACCESS_KEY = settings.KARBON_ACCESS_KEY, "wrong.wrong.wrong"
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    world.sync()
    outage = Outage.objects.get()
    assert outages.sentence(outage).startswith("Karbon refuses our keys since ")
    assert "1 change waits; nothing is lost." in outages.sentence(outage)
    assert outage.reason.endswith("Enter Karbon's keys again.")
    Outage.objects.update(since=outage.since - timedelta(hours=1))
    tasks.check()
    assert "Enter Karbon's keys again here" in mailoutbox[0].body
    settings.KARBON_ACCESS_KEY = good
    outages.knock_now()
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")
    assert Outage.objects.get().ended_at


def test_while_karbons_keys_are_missing_xero_is_still_read_and_it_is_said_and_told(
    world: World, boss: User, settings, mailoutbox, client
) -> None:
    contact, key = world.linked_pair()
    good, settings.KARBON_ACCESS_KEY = settings.KARBON_ACCESS_KEY, ""
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    tasks.check()
    assert Run.objects.latest("pk").error.startswith("Karbon is not connected.")
    assert world.mirrored(System.XERO, contact).billing_email == "new@harbour.example"
    said = outages.sentence(Outage.objects.get())
    assert said.startswith("Karbon's keys are missing since ") and said.endswith("1 change waits; nothing is lost.")
    assert [(check.msg, check.hint) for check in run_checks(tags=["connection"])] == [(said, keys.NOT_CONNECTED)]
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    assert "Karbon&#x27;s keys are missing since" in client.get("/admin/").content.decode()
    Outage.objects.update(since=timezone.now() - timedelta(hours=1))
    tasks.check()
    assert mailoutbox[0].subject.startswith("KarbonSync: Karbon's keys are missing since ")
    settings.KARBON_ACCESS_KEY = good
    world.settle()  # at once: without keys nobody was asked, so there is nothing to wait for
    world.assert_both(contact, key, email="new@harbour.example")
    assert Outage.objects.get().ended_at


def test_keys_that_this_server_cannot_read_are_told_as_such(world: World, settings) -> None:
    world.linked_pair()
    keys.store(keys.Keys(settings.KARBON_BEARER_TOKEN, settings.KARBON_ACCESS_KEY))
    settings.KARBON_BEARER_TOKEN = settings.KARBON_ACCESS_KEY = ""
    settings.FIELD_ENCRYPTION_KEYS = ["b3RoZXItb25seS1rZXktbm90LWEtc2VjcmV0LSEhISE="]
    world.sync()
    said = {outage.system: outages.sentence(outage) for outage in Outage.objects.all()}
    assert said[System.KARBON].startswith("Karbon's keys cannot be read since ")
    assert said[System.XERO].startswith("Xero's access cannot be read since ")


def test_another_trouble_with_the_keys_is_told_in_its_own_words(world: World, settings) -> None:
    world.linked_pair()
    settings.KARBON_ACCESS_KEY = ""
    world.sync()
    settings.KARBON_ACCESS_KEY = "wrong.wrong.wrong"
    world.sync()
    assert outages.sentence(Outage.objects.get(ended_at=None)).startswith("Karbon refuses our keys since ")


def test_keys_are_not_missed_where_nothing_is_synced_yet(world: World, settings) -> None:
    world.linked_pair()
    SyncSettings.objects.update(syncing=False)
    settings.KARBON_ACCESS_KEY = ""
    world.sync()
    assert not Outage.objects.exists()


@pytest.fixture
def another_account(world: World, settings, monkeypatch):
    """Karbon keys on the server that open another account: its own contacts, and none of ours."""

    def put_in_place(*, tells_its_key: bool) -> None:
        other = server.start("empty")
        opened.append(other)
        other.switches.change({"tenantSettings401": not tells_its_key})
        monkeypatch.setattr("sandbox.karbon.ACCESS_KEY", "other.other.other")
        settings.KARBON_ACCESS_KEY, settings.KARBON_API_URL = "other.other.other", f"{other.url}/karbon"
        card = {"IsPrimaryCard": True, "EmailAddresses": ["x@y.example"]}
        requests.post(f"{other.url}/sandbox/karbon/organizations", json={"FullName": "Not Ours", "BusinessCards": [card]}, timeout=5)  # fmt: skip

    opened: list[server.Sandbox] = []
    yield put_in_place
    for each in opened:
        each.stop()


@pytest.mark.parametrize("tells_its_key", [True, False])
def test_nothing_is_read_or_written_with_keys_to_another_karbon_account(
    world: World, boss: User, settings, another_account, tells_its_key: bool, mailoutbox
) -> None:
    contact, key = world.linked_pair()
    setup.test_karbon(by=boss)
    KarbonConnection.objects.update(account_key="OursOurs1234")
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    old = settings.KARBON_ACCESS_KEY, settings.KARBON_API_URL
    another_account(tells_its_key=tells_its_key)
    for _ in range(3):
        tasks.check()
    outage = Outage.objects.get()
    assert outages.sentence(outage).startswith("Karbon's keys open another account since ")
    assert "keys to another Karbon account" in outage.reason and not keys.were_tested()
    assert [known.remote_id for known in RemoteContact.objects.filter(system=System.KARBON)] == [key]
    assert world.links() == {(contact, key)} and waiting(System.KARBON) == 1
    settings.KARBON_ACCESS_KEY, settings.KARBON_API_URL = old


def test_new_keys_on_the_server_to_the_same_account_are_tested_and_used(
    world: World, boss: User, settings, monkeypatch
):
    contact, key = world.linked_pair()
    setup.test_karbon(by=boss)
    world.switch(tenantSettings401=True)
    monkeypatch.setattr("sandbox.karbon.ACCESS_KEY", "new.new.new")
    settings.KARBON_ACCESS_KEY = "new.new.new"
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")
    assert keys.were_tested() and not Outage.objects.exists()
    world.forget_calls()
    world.sync()
    assert not world.calls(path="TenantSettings"), "tested once"


def test_keys_that_read_the_contacts_here_are_those_that_later_ones_are_compared_with(
    world: World, settings, another_account
) -> None:
    world.linked_pair()
    world.sync()
    another_account(tells_its_key=True)
    assert any("keys to another Karbon account" in error for error in world.sync().errors)


@pytest.mark.parametrize("tells_its_key", [True, False])
def test_a_first_import_into_another_karbon_account_creates_nobody(
    world: World, settings, another_account, tells_its_key: bool
) -> None:
    world.add_pair()
    world.add_xero("Coastal Plumbing Limited")
    connect(world)
    make_preview(world)
    KarbonConnection.objects.update(account_key="OursOurs1234")
    before, ours = world.state(), (settings.KARBON_ACCESS_KEY, settings.KARBON_API_URL)
    another_account(tells_its_key=tells_its_key)
    setup.start(by=world.by)
    result = world.sync()
    assert (result.created, result.written) == (0, 0)
    assert "keys to another Karbon account" in result.errors[0]
    theirs = requests.get(settings.KARBON_API_URL.replace("/karbon", "/sandbox/state"), timeout=5).json()
    assert [record["FullName"] for record in theirs["karbon"]["organizations"]] == ["Not Ours"]
    settings.KARBON_ACCESS_KEY, settings.KARBON_API_URL = ours
    assert world.state() == before


def test_a_service_that_refuses_us_is_asked_ever_more_rarely(world: World) -> None:
    world.linked_pair()
    world.box.xero.identity._disconnect()
    world.sync()
    now = timezone.now()
    Outage.objects.update(since=now - timedelta(days=2), tried_at=now)
    world.forget_calls()
    assert world.sync().errors != []
    assert world.calls(system="xero") == []
    Outage.objects.update(tried_at=now - outages.KNOCK_AT_LEAST_EVERY)
    world.sync()
    assert world.calls(system="xero") != []


def test_whoever_gets_an_address_later_is_still_told(world: World, boss: User, mailoutbox: list) -> None:
    User.objects.update(email="")
    world.linked_pair()
    withdraw(world)
    tasks.check()
    assert mailoutbox == []
    User.objects.filter(pk=boss.pk).update(email="boss@firm.example")
    tasks.check()
    assert len(mailoutbox) == 1


def test_a_letter_that_could_not_be_sent_is_sent_later(world: World, boss: User, mailoutbox, monkeypatch) -> None:
    world.linked_pair()
    withdraw(world)
    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMessage.send", lambda self: (_ for _ in ()).throw(OSError()))
        tasks.check()
    assert mailoutbox == []
    tasks.check()
    assert len(mailoutbox) == 1


def test_an_address_that_is_refused_keeps_no_letter_from_the_others_and_repeats_none(
    world: World, boss: User, mailoutbox, monkeypatch
) -> None:
    for name in ("anna", "zoe"):  # one is written to before the refused one, one after
        made = User.objects.create(username=name, email=f"{name}@firm.example", is_staff=True)
        made.user_permissions.add(*boss.user_permissions.all())
    really = EmailMessage.send

    def send(self: EmailMessage) -> int:
        if self.to == ["anna@firm.example"]:
            raise SMTPRecipientsRefused({})
        return really(self)

    monkeypatch.setattr(EmailMessage, "send", send)
    world.linked_pair()
    withdraw(world)
    for _ in range(3):
        tasks.check()
    assert sorted(letter.to[0] for letter in mailoutbox) == ["boss@firm.example", "zoe@firm.example"]


# --- disconnecting ----------------------------------------------------------------------------------------------------


def test_disconnecting_keeps_links_and_connecting_again_goes_on_by_itself(world: World, mailoutbox) -> None:
    contact, key = world.linked_pair()
    assert connection_desk.disconnect_xero(by=world.by)
    assert world.box.xero.identity.connection is None
    chosen = SyncSettings.load()
    assert (chosen.ends_when_connected, chosen.pause_reason) == (True, connection_desk.WHY)
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.forget_calls()
    tasks.check()
    assert world.calls(system="xero") == [] and waiting(System.XERO) == 1
    assert not Outage.objects.exists() and mailoutbox == []
    assert world.links() == {(contact, key)}
    oauth.connect_without_browser(BACK)
    tasks.check()
    assert not SyncSettings.load().paused_at
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")


@pytest.mark.parametrize("was_disconnected_before", [False, True])
def test_a_check_that_ends_while_xero_is_being_disconnected_does_not_end_the_pause(
    world: World, monkeypatch, was_disconnected_before: bool
) -> None:
    contact, key = world.linked_pair()
    if was_disconnected_before:
        connection_desk.disconnect_xero(by=world.by)
        oauth.connect_without_browser(BACK)
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    really = leaving.disconnect

    def slowly() -> bool:
        tasks.check()
        return really()

    monkeypatch.setattr(leaving, "disconnect", slowly)
    connection_desk.disconnect_xero(by=world.by)
    tasks.check()
    chosen = SyncSettings.load()
    assert (chosen.pause_reason, chosen.ends_when_connected) == (connection_desk.WHY, True)
    assert waiting(System.XERO) == 1 and world.in_xero(contact)["email"] == "office@harbour.example"


def test_connecting_again_waits_for_a_look_where_much_would_be_sent(world: World, monkeypatch) -> None:
    contact, key = world.linked_pair()
    connection_desk.disconnect_xero(by=world.by)
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    oauth.connect_without_browser(BACK)
    monkeypatch.setattr(pausing, "MUCH", 0)
    tasks.check()
    assert SyncSettings.load().paused_at and waiting(System.XERO) == 1
    pausing.resume_all(by=world.by)
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")


def test_another_organisation_is_refused_after_disconnecting(world: World) -> None:
    world.linked_pair()
    connection_desk.disconnect_xero(by=world.by)
    world.box.xero.identity.connect()
    consent = oauth.Organisation("5a9db0c5-ffff-4000-8000-000000000000", "Other Firm")
    pair = oauth._Pair("access", "refresh", 1800, "")
    sealed = sealing.seal(json.dumps(vars(pair)))
    with pytest.raises(oauth.OtherOrganisation, match="contacts of Acme Partners"):
        oauth.choose(sealed, consent)
    assert XeroConnection.objects.get().tenant_id == TENANT_ID
    assert not XeroConnection.objects.get().is_connected


def test_a_pause_of_a_persons_own_outlives_disconnecting(world: World) -> None:
    world.linked_pair()
    pausing.pause_all(by=world.by, reason="Moving")
    connection_desk.disconnect_xero(by=world.by)
    oauth.connect_without_browser(BACK)
    tasks.check()
    assert SyncSettings.load().pause_reason == "Moving"


def test_connecting_by_command_ends_the_pause(world: World) -> None:
    world.linked_pair()
    connection_desk.disconnect_xero(by=world.by)
    setup.connect_sandbox(BACK)
    chosen = setup.start_syncing(contact_type="Client", import_filter="all")
    assert chosen.syncing and chosen.paused_at is None and Cursor.objects.exists()
    assert Change.objects.count() == 0
