"""Each act of the screens, clicked by a person, and what both services hold afterwards."""

from urllib.parse import urlparse

from contacts.models import KarbonContact, Link, XeroContact
from matching.models import MatchIssue
from tests.browser.conftest import email_in_karbon

ADDRESS = [{"AddressType": "POBOX", "AddressLine1": "PO Box 1", "City": "Auckland"}]


def an_issue(world) -> MatchIssue:
    """The same name on both sides with different emails waits for a person."""
    world.add_to_xero("Harbour Joinery", "accounts@harbour.example")
    world.add_to_karbon("Harbour Joinery", "office@harbour.example")
    world.check()
    return MatchIssue.objects.get(state="open")


def an_unsynced_pair(world, screen) -> Link:
    """A full match that somebody unsynced."""
    world.add_to_xero("Harbour Joinery", "accounts@harbour.example")
    world.add_to_karbon("Harbour Joinery", "accounts@harbour.example")
    world.check()
    link = Link.objects.get()
    screen.goto(f"/admin/contacts/link/{link.pk}/change/")
    screen.get_by_role("link", name="Unsync…").click()
    screen.get_by_role("button", name="Unsync").click()
    screen.get_by_text("is unsynced").wait_for()
    return link


def test_confirm_lets_xero_win(world, screen, say):
    issue = an_issue(world)
    screen.goto("/admin/match-issues/")
    screen.get_by_role("link", name="Harbour Joinery").click()
    assert urlparse(screen.url).path == f"/admin/match-issues/{issue.pk}/"
    screen.get_by_role("button", name="Confirm the link").click()
    say(screen, "Harbour Joinery is linked.")
    world.check()
    assert email_in_karbon(world.karbon()["Harbour Joinery"]) == "accounts@harbour.example"
    assert world.xero()["Harbour Joinery"]["EmailAddress"] == "accounts@harbour.example"


def test_confirm_with_karbons_email_picked(world, screen, say):
    issue = an_issue(world)
    screen.goto(f"/admin/match-issues/{issue.pk}/")
    screen.get_by_label("Karbon's value overwrites Xero's").check()
    screen.get_by_role("button", name="Confirm the link").click()
    say(screen, "Harbour Joinery is linked.")
    world.check()
    assert world.xero()["Harbour Joinery"]["EmailAddress"] == "office@harbour.example"
    assert email_in_karbon(world.karbon()["Harbour Joinery"]) == "office@harbour.example"


def test_create_new_makes_a_second_karbon_contact(world, screen, say):
    issue = an_issue(world)
    screen.goto(f"/admin/match-issues/{issue.pk}/")
    screen.get_by_label("Organisation").check()
    screen.get_by_role("button", name="Create new Karbon contact").click()
    say(screen, "A new Karbon contact for Harbour Joinery is created in a moment")
    world.check()
    emails = {email_in_karbon(r) for r in world.state()["karbon"]["organizations"]}
    assert emails == {"accounts@harbour.example", "office@harbour.example"}
    assert Link.objects.get().state == "live"


def test_not_the_same_and_leave_out_change_nothing_in_either_service(world, screen, say):
    issue = an_issue(world)
    before = world.state()
    screen.goto(f"/admin/match-issues/{issue.pk}/")
    screen.get_by_role("button", name="Not the same").click()
    say(screen, "No possible match is left.")
    screen.get_by_role("button", name="Leave out").click()
    say(screen, "is left out of Karbon")
    world.check()
    assert world.state() == before


def test_unsync_stops_both_directions(world, screen):
    an_unsynced_pair(world, screen)
    world.edit_xero("Harbour Joinery", {"EmailAddress": "new@harbour.example"})
    world.check()
    assert email_in_karbon(world.karbon()["Harbour Joinery"]) == "accounts@harbour.example"
    assert Link.objects.get().state == "unsynced"


def test_rematch_takes_what_was_picked(world, screen, say):
    link = an_unsynced_pair(world, screen)
    world.edit_xero("Harbour Joinery", {"EmailAddress": "xero@harbour.example", "Addresses": ADDRESS})
    world.check()
    screen.goto("/admin/match-issues/?tab=unsynced")
    screen.get_by_role("link", name="Harbour Joinery").click()
    say(screen, "Xero's billing address fills Karbon")
    screen.get_by_label("Karbon's value overwrites Xero's").check()
    screen.get_by_role("button", name="Re-match").click()
    say(screen, "is in sync again")
    world.check()
    assert world.xero()["Harbour Joinery"]["EmailAddress"] == "accounts@harbour.example"
    karbon = world.karbon()["Harbour Joinery"]
    assert email_in_karbon(karbon) == "accounts@harbour.example"
    assert "Auckland" in str(karbon["BusinessCards"])
    link.refresh_from_db()
    assert link.state == "ended"


def test_new_from_xero_gives_a_fresh_karbon_contact(world, screen, say):
    link = an_unsynced_pair(world, screen)
    screen.goto(f"/admin/unsynced/{link.pk}/")
    screen.get_by_role("button", name="Create new Karbon contact").click()
    say(screen, "is left out")
    world.check()
    made = Link.objects.get(state="live")
    assert len(world.state()["karbon"]["organizations"]) + len(world.state()["karbon"]["contacts"]) == 2
    assert made.xero_id == link.xero_id and made.karbon_id != link.karbon_id
    assert KarbonContact.objects.get(pk=link.karbon_id).left_out


def test_new_from_karbon_asks_for_a_name_used_on_both_sides(world, screen, say):
    link = an_unsynced_pair(world, screen)
    screen.goto(f"/admin/unsynced/{link.pk}/")
    screen.get_by_role("button", name="Create new Xero contact").click()
    say(screen, "takes each name once. Type a name")
    screen.get_by_label("Distinguishing name").fill("Harbour Joinery Nelson")
    screen.get_by_role("button", name="Create new Xero contact").click()
    say(screen, "A new Xero contact called Harbour Joinery Nelson")
    world.check()
    assert set(world.xero()) == {"Harbour Joinery", "Harbour Joinery Nelson"}
    assert set(world.karbon()) == {"Harbour Joinery Nelson"}
    assert XeroContact.objects.get(pk=link.xero_id).left_out


def test_create_xero_contact_makes_one_and_links_it(world, screen, say):
    world.add_to_karbon("Ōtaki Bakery", "hello@bakery.example")
    world.check()
    contact = KarbonContact.objects.get()
    screen.goto(f"/admin/contacts/karboncontact/{contact.pk}/change/")
    screen.get_by_role("link", name="Create Xero Contact").click()
    say(screen, "No Xero contact, active or archived, has this name or this email.")
    screen.get_by_role("button", name="Create Xero Contact").click()
    say(screen, "A Xero contact is being created.")
    world.check()
    assert world.xero()["Ōtaki Bakery"]["EmailAddress"] == "hello@bakery.example"
    screen.reload()
    say(screen, "In sync")
    world.edit_xero("Ōtaki Bakery", {"EmailAddress": "new@bakery.example"})
    world.check()
    assert email_in_karbon(world.karbon()["Ōtaki Bakery"]) == "new@bakery.example"


def test_create_xero_contact_offers_to_link_what_is_there(world, screen, say):
    world.add_to_karbon("Ōtaki Bakery", "hello@bakery.example")
    world.check()
    world.add_to_xero("Ōtaki Bakery")
    world.check()
    contact = KarbonContact.objects.get()
    screen.goto(f"/admin/karbon-contact/{contact.pk}/create-xero/")
    say(screen, "A match issue may be about this very contact")
    screen.get_by_role("button", name="Link to Ōtaki Bakery").click()
    say(screen, "are linked.")
    world.check()
    assert world.xero()["Ōtaki Bakery"]["EmailAddress"] == "hello@bakery.example"
    assert not MatchIssue.objects.filter(state="open").exists()


def test_both_sides_changed_is_answered(world, screen, say):
    world.add_to_xero("Harbour Joinery", "accounts@harbour.example")
    made = world.add_to_karbon("Harbour Joinery", "accounts@harbour.example")
    world.check()
    world.edit_xero("Harbour Joinery", {"EmailAddress": "xero@harbour.example"})
    world.edit_karbon_card(made["OrganizationKey"], {"EmailAddresses": ["karbon@harbour.example"]})
    world.check()
    screen.goto("/admin/")
    screen.get_by_role("link", name="Both sides changed Needs a person").click()
    screen.get_by_role("link", name="Harbour Joinery").click()
    screen.get_by_label("Neither: use the one typed below").check()
    screen.get_by_role("textbox", name="Billing email").fill("third@harbour.example")
    screen.get_by_role("button", name="Decide").click()
    say(screen, "is decided")
    world.check()
    assert world.xero()["Harbour Joinery"]["EmailAddress"] == "third@harbour.example"
    assert email_in_karbon(world.karbon()["Harbour Joinery"]) == "third@harbour.example"


def test_the_dashboard_follows_a_check_without_a_reload(world, screen, say):
    screen.goto("/admin/")
    tile = screen.locator('[data-tile="issues"] [data-count]')
    assert tile.inner_text() == "0"
    an_issue(world)
    say(screen, "A check has ended since this page was loaded.")
    assert tile.inner_text() == "1"
