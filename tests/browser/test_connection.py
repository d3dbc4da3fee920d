"""Pause and resume, disconnect and reconnect, clicked by an administrator, and what both services hold afterwards."""

from django.contrib.auth.models import Permission, User
from playwright.sync_api import expect

from karbonsync import outages
from tests.browser.conftest import email_in_karbon
from xero import oauth
from xero.models import XeroConnection


def a_pair(world, screen) -> dict:
    """A linked pair, and the right to choose settings for whoever sits at the screen."""
    User.objects.get().user_permissions.add(Permission.objects.get(codename="change_syncsettings"))
    world.add_to_xero("Harbour Joinery", "office@harbour.example")
    made = world.add_to_karbon("Harbour Joinery", "office@harbour.example")
    world.check()
    screen.goto("/admin/")
    return made


def test_pausing_everything_holds_an_edit_until_it_is_resumed(world, screen, say):
    a_pair(world, screen)
    screen.get_by_role("link", name="Pause…").click()
    screen.get_by_label("Why").first.fill("Year-end")
    screen.get_by_role("button", name="Pause everything").click()
    say(screen, "Everything is paused since")
    world.edit_xero("Harbour Joinery", {"EmailAddress": "new@harbour.example"})
    world.check()
    assert email_in_karbon(world.karbon()["Harbour Joinery"]) == "office@harbour.example"
    screen.goto("/admin/")
    say(screen, "1 change waits; nothing is lost.")
    screen.get_by_role("button", name="Resume").click()
    say(screen, "What waited is sent in a moment.")
    expect(screen.get_by_text("Everything is paused")).to_have_count(0)
    world.check()
    assert email_in_karbon(world.karbon()["Harbour Joinery"]) == "new@harbour.example"


def test_a_paused_pair_waits_alone(world, screen, say):
    a_pair(world, screen)
    screen.goto("/admin/contacts/link/")
    screen.get_by_role("link", name="Harbour Joinery", exact=True).first.click()
    screen.get_by_role("link", name="Pause…").click()
    screen.get_by_label("Why (optional)").fill("In dispute")
    screen.get_by_role("button", name="Pause this pair").click()
    say(screen, "is paused. Edits on either side wait")
    world.edit_xero("Harbour Joinery", {"EmailAddress": "new@harbour.example"})
    world.check()
    assert email_in_karbon(world.karbon()["Harbour Joinery"]) == "office@harbour.example"
    screen.reload()
    say(screen, "One change waits.")
    screen.get_by_role("button", name="Resume this pair").click()
    world.check()
    assert email_in_karbon(world.karbon()["Harbour Joinery"]) == "new@harbour.example"


def test_disconnected_and_connected_again_nothing_is_lost(world, screen, say):
    made = a_pair(world, screen)
    screen.get_by_role("link", name="Disconnect…").click()
    say(screen, "All links are kept (1)")
    screen.get_by_role("button", name="Disconnect Acme Partners").click()
    say(screen, "Xero is disconnected since")
    world.edit_karbon_card(made["OrganizationKey"], {"EmailAddresses": ["new@harbour.example"]})
    world.check()
    assert world.xero()["Harbour Joinery"]["EmailAddress"] == "office@harbour.example"
    screen.reload()
    say(screen, "1 change waits; nothing is lost.")
    oauth.connect_without_browser("http://localhost:8000/xero/callback")
    world.check()
    assert world.xero()["Harbour Joinery"]["EmailAddress"] == "new@harbour.example"
    screen.reload()
    expect(screen.get_by_text("Xero is disconnected")).to_have_count(0)


def test_access_that_was_withdrawn_is_a_banner_until_it_is_given_again(world, screen, say):
    made = a_pair(world, screen)
    world.box.xero.identity.refresh.clear()
    world.box.xero.identity.access.clear()
    world.edit_karbon_card(made["OrganizationKey"], {"EmailAddresses": ["new@harbour.example"]})
    world.check()
    screen.reload()
    say(screen, "Xero disconnected since")
    say(screen, "1 change waits; nothing is lost.")
    assert XeroConnection.objects.get().problem and outages.open_outages()
    oauth.connect_without_browser("http://localhost:8000/xero/callback")
    world.check()
    assert world.xero()["Harbour Joinery"]["EmailAddress"] == "new@harbour.example"
    screen.reload()
    expect(screen.get_by_text("Xero disconnected since")).to_have_count(0)


def test_check_now_on_a_contact_tells_what_had_changed(world, screen, say):
    a_pair(world, screen)
    world.edit_xero("Harbour Joinery", {"EmailAddress": "new@harbour.example"})
    screen.goto("/admin/contacts/xerocontact/")
    screen.get_by_role("link", name="Harbour Joinery", exact=True).first.click()
    screen.get_by_role("button", name="Check now").click()
    say(screen, "Read from Xero: changed since we last looked: billing email.")
    say(screen, "Read from Karbon: nothing had changed.")
