"""Stopped pairs, names that Xero has already, pauses and undo: each act clicked, and what both services hold afterwards."""

from datetime import timedelta

import pytest

from contacts import mirror
from contacts.models import Change, FieldConflict, KarbonContact, Link, SyncSettings, XeroContact
from karbonsync.models import SafetyStop
from tests.browser.conftest import email_in_karbon

NAME, EMAIL, NEW = "Harbour Joinery", "accounts@harbour.example", "new@harbour.example"


def a_pair(world) -> Link:
    """A full match, linked by itself."""
    world.add_to_xero(NAME, EMAIL)
    world.add_to_karbon(NAME, EMAIL)
    world.check()
    return Link.objects.get(state="live")


def emails(world, name: str = NAME) -> tuple[str, str]:
    return world.xero()[name].get("EmailAddress", ""), email_in_karbon(world.karbon()[name])


def open_pair(screen, pair: Link) -> None:
    screen.goto(f"/admin/contacts/link/{pair.pk}/change/")


def press(screen, *names: str) -> None:
    """Press buttons, or links that look like them, one after the other."""
    for name in names:
        screen.locator("a, button").get_by_text(name, exact=True).or_(
            screen.get_by_role("button", name=name, exact=True)
        ).first.click()


def flows(world, xero_name: str = NAME) -> None:
    """An edit in Xero reaches Karbon, and nothing else is sent."""
    world.edit_xero(xero_name, {"EmailAddress": "flows@harbour.example"})
    world.check()
    assert emails(world, xero_name) == ("flows@harbour.example",) * 2


# --- pairs that stopped -----------------------------------------------------------------------------------------------


@pytest.fixture
def gone(world, screen, monkeypatch) -> Link:
    """A pair whose Karbon contact was deleted there, found from the dashboard."""
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    pair = a_pair(world)
    world.add_to_karbon("Quay Boats", "hi@quay.example")
    world.delete_in_karbon(NAME)
    KarbonContact.objects.filter(name_key="harbour joinery").update(full_read_at="2020-01-01T00:00:00Z")
    world.check()
    screen.goto("/admin/")
    screen.get_by_role("link", name="Stopped Needs a person").click()
    screen.get_by_role("link", name=NAME).first.click()
    screen.get_by_text("Karbon no longer shows this contact").first.wait_for()
    return pair


def test_a_stopped_pair_is_linked_to_another_karbon_contact(world, screen, say, gone):
    open_pair(screen, gone)
    screen.get_by_label("Find one by name or email").fill("quay")
    press(screen, "Search")
    screen.get_by_role("link", name="Quay Boats").click()
    name, email = (screen.get_by_role("group", name=f"Which {field} to keep") for field in ("name", "billing email"))
    email.get_by_label("Karbon's value overwrites Xero's").check()
    assert name.get_by_label("Xero's value overwrites Karbon's").is_checked()
    press(screen, "Link")
    say(screen, "are linked.")
    world.check()
    assert emails(world) == ("hi@quay.example", "hi@quay.example")
    assert set(world.karbon()) == {NAME} == set(world.xero())
    flows(world)


def test_a_stopped_pair_is_made_again_after_a_warning_of_private_records(world, screen, say, gone):
    open_pair(screen, gone)
    press(screen, "Make it again in Karbon…")
    say(screen, "If it was only made private in Karbon, this makes a second record that you will have to delete.")
    press(screen, "Make it again in Karbon")
    say(screen, f"A new Karbon contact for {NAME} is created in a moment.")
    world.check()
    assert set(world.karbon()) == {NAME, "Quay Boats"} and emails(world) == (EMAIL, EMAIL)
    flows(world)


def test_the_client_of_a_stopped_pair_is_archived_in_xero(world, screen, say, gone):
    open_pair(screen, gone)
    press(screen, "Archive in Xero…")
    say(screen, "Only Xero's own screen can take this back.")
    press(screen, "Archive in Xero")
    say(screen, f"{NAME} is archived in Xero in a moment.")
    world.check()
    assert world.xero() == {} and set(world.karbon()) == {"Quay Boats"}
    screen.goto("/admin/")
    assert screen.get_by_role("link", name="Stopped Needs a person").count() == 0


def test_a_stopped_pair_is_left_alone_and_brought_back_by_a_person_only(world, screen, say, gone):
    before = world.state()
    open_pair(screen, gone)
    press(screen, "Leave alone")
    say(screen, f"{NAME} is left alone.")
    world.check()
    assert world.state() == before
    screen.goto("/admin/match-issues/?tab=left-out")
    screen.get_by_role("button", name=f"Bring back {NAME}").click()
    say(screen, f"{NAME} takes part again.")


def test_a_merge_in_xero_takes_the_pair_along(world, screen, say):
    pair = a_pair(world)
    world.add_to_xero("Harbour Group", "group@harbour.example")
    world.add_to_karbon("Harbour Group", "other@harbour.example")  # so that the survivor waits for a person
    world.check()
    world.merge_in_xero(NAME, "Harbour Group")
    world.check()
    open_pair(screen, pair)
    say(screen, "Harbour Group")
    screen.get_by_role("link", name="Harbour Group").first.click()
    assert XeroContact.objects.get(name_key="harbour group").pk == Link.objects.get(state="live").xero_id
    in_karbon = [r for r in world.state()["karbon"]["organizations"] if email_in_karbon(r) == "group@harbour.example"]
    assert [r["FullName"] for r in in_karbon] == ["Harbour Group"]
    assert set(world.xero()) == {"Harbour Group"}


def test_the_loser_of_a_merge_into_a_linked_contact_says_whose_pair_that_is(world, screen, say):
    pair = a_pair(world)
    world.add_to_xero("Quay Boats", "hi@quay.example")
    world.add_to_karbon("Quay Boats", "hi@quay.example")
    world.check()
    world.merge_in_xero(NAME, "Quay Boats")
    world.check()
    before = world.state()
    open_pair(screen, pair)
    say(screen, "Merged into another contact in Xero.")
    say(screen, "merge them in Karbon and leave this pair alone")
    press(screen, "Make it again in Xero…", "Make it again in Xero")
    say(screen, f"A new Xero contact for {NAME} is created in a moment.")
    world.check()
    assert set(world.xero()) == {NAME, "Quay Boats"} and emails(world) == (EMAIL, EMAIL)
    assert world.state()["karbon"] == before["karbon"]
    flows(world)


# --- questions about a field ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        ("Keep Xero's: xero@harbour.example", "xero@harbour.example"),
        ("Keep Karbon's: karbon@harbour.example", "karbon@harbour.example"),
    ],
)
def test_a_question_is_answered_with_the_value_of_one_side(choice, kept, world, screen, say):
    world.add_to_xero(NAME, EMAIL)
    made = world.add_to_karbon(NAME, EMAIL)
    world.check()
    world.edit_xero(NAME, {"EmailAddress": "xero@harbour.example"})
    world.edit_karbon_card(made["OrganizationKey"], {"EmailAddresses": ["karbon@harbour.example"]})
    world.check()
    screen.goto(f"/admin/contacts/fieldconflict/{FieldConflict.objects.get().pk}/change/")
    say(screen, "It was changed in Xero and in Karbon, to different values.")
    screen.get_by_label(choice).check()
    press(screen, "Decide")
    say(screen, "is decided")
    world.check()
    assert emails(world) == (kept, kept)


# --- names that Xero has already --------------------------------------------------------------------------------------


@pytest.fixture
def refused(world, screen, say) -> KarbonContact:
    """A creation in Xero that was refused: the name was taken there while the person looked at the page."""
    world.add_to_karbon(NAME, "office@harbour.example")
    world.check()
    contact = KarbonContact.objects.get()
    screen.goto(f"/admin/karbon-contact/{contact.pk}/create-xero/")
    world.add_to_xero(NAME, EMAIL)
    screen.get_by_role("button", name="Create Xero Contact").click()
    say(screen, "is created in a moment")
    world.check()
    screen.reload()
    say(screen, "The Xero contact was not created")
    return contact


def test_a_refused_creation_links_to_the_one_that_has_the_name_with_the_picked_email(world, screen, say, refused):
    screen.get_by_role("link", name="Link to this one").click()
    screen.get_by_label("Karbon's value overwrites Xero's").check()
    press(screen, "Link")
    say(screen, "are linked.")
    world.check()
    assert emails(world) == ("office@harbour.example",) * 2
    assert len(world.state()["xero"]["contacts"]) == len(world.state()["karbon"]["organizations"]) == 1


def test_a_refused_creation_takes_a_distinguishing_name_on_both_sides(world, screen, say, refused):
    screen.get_by_label("Another name, used on both sides").fill("Harbour Joinery (Nelson)")
    press(screen, "Use another name on both sides")
    say(screen, "is used on both sides")
    world.check()
    assert set(world.xero()) == {NAME, "Harbour Joinery (Nelson)"}
    assert set(world.karbon()) == {"Harbour Joinery (Nelson)"}
    assert emails(world, "Harbour Joinery (Nelson)") == ("office@harbour.example",) * 2


@pytest.fixture
def held(world, screen, say) -> Link:
    """A pair renamed in Karbon to what another Xero contact is called."""
    pair = a_pair(world)
    world.add_to_xero("Quay Boats", "hi@quay.example")
    world.add_to_karbon("Quay Boats", "other@quay.example")  # so that the namesake waits for a person
    world.check()
    world.rename_in_karbon(NAME, "Quay Boats")
    world.check()
    open_pair(screen, pair)
    say(screen, "Xero takes each name once among its active contacts")
    return pair


def test_a_pair_whose_name_xero_has_is_linked_to_the_one_that_has_it(world, screen, say, held):
    screen.get_by_role("link", name="Link to this one").click()
    say(screen, "ends. That one stays in Xero as it is and is remembered as left out of Karbon.")
    press(screen, "Link")
    say(screen, "are linked.")
    world.check()
    made = Link.objects.get(state="live")
    assert made.karbon_id == held.karbon_id and XeroContact.objects.get(pk=held.xero_id).left_out
    assert {name: c["EmailAddress"] for name, c in world.xero().items()} == {
        NAME: EMAIL,
        "Quay Boats": "hi@quay.example",
    }
    in_karbon = sorted(email_in_karbon(r) for r in world.state()["karbon"]["organizations"])
    assert in_karbon == ["hi@quay.example", "other@quay.example"]


def test_a_pair_whose_name_xero_has_takes_another_name_on_both_sides(world, screen, say, held):
    screen.get_by_label("Another name, used on both sides").fill("Harbour Quay")
    press(screen, "Use another name on both sides")
    say(screen, "is used on both sides")
    world.check()
    assert set(world.xero()) == {"Harbour Quay", "Quay Boats"} == set(world.karbon())
    assert emails(world, "Harbour Quay") == (EMAIL, EMAIL)


# --- paused for safety ------------------------------------------------------------------------------------------------


@pytest.fixture
def paused(world, screen, say) -> list[str]:
    """Three pairs whose email was changed in Xero, where two are already too many."""
    names = ["Harbour Joinery", "Quay Boats", "Ridge Farms"]
    for name in names:
        world.add_to_xero(name, EMAIL.replace("harbour", name[:4].lower()))
        world.add_to_karbon(name, EMAIL.replace("harbour", name[:4].lower()))
    world.check()
    SyncSettings.objects.update(brake_at_least=2)
    for name in names:
        world.edit_xero(name, {"EmailAddress": NEW})
    world.check()
    assert {email_in_karbon(record) for record in world.karbon().values()}.isdisjoint({NEW})
    screen.goto("/admin/")
    say(screen, "3 of 3 pairs changed within an hour.")
    screen.get_by_role("alert").get_by_role("link", name="Look").click()
    say(screen, "Waiting now: 3")
    return names


def test_a_pause_goes_on_when_it_was_meant(world, screen, say, paused):
    press(screen, "It was meant: go on")
    say(screen, "Nothing is paused")
    world.check()
    assert {emails(world, name) for name in paused} == {(NEW, NEW)}


def test_a_pause_that_was_not_meant_puts_both_sides_back(world, screen, say, paused):
    before = {name: email_in_karbon(record) for name, record in world.karbon().items()}
    press(screen, "Put the former values back")
    say(screen, "The former values of 3 pairs go back.")
    world.check()
    assert {name: emails(world, name) for name in paused} == {name: (was, was) for name, was in before.items()}


def test_very_many_new_contacts_are_left_out_of_karbon(world, screen, say):
    a_pair(world)
    SyncSettings.objects.update(brake_at_least=2)
    XeroContact.objects.update(first_seen_at="2020-01-01T00:00:00Z")
    for number in (1, 2):
        world.add_to_xero(f"Stranger {number}", f"s{number}@else.example")
    before = world.state()
    world.check()
    screen.goto("/admin/paused/")
    say(screen, "2 contacts new in Xero within an hour are to be created in Karbon")
    press(screen, "Leave the new contacts out of Karbon")
    say(screen, "2 new contacts are left out of Karbon.")
    world.check()
    assert world.state() == before and not SafetyStop.objects.filter(is_open=True).exists()


# --- undo -------------------------------------------------------------------------------------------------------------


def test_a_change_is_undone_from_the_history(world, screen, say):
    pair = a_pair(world)
    world.edit_xero(NAME, {"EmailAddress": NEW})
    world.check()
    assert emails(world) == (NEW, NEW)
    open_pair(screen, pair)
    screen.get_by_role("link", name="Undo the change of").click()
    say(screen, f"{NEW} → {EMAIL}")
    press(screen, "Undo this change")
    say(screen, "1 value goes back.")
    world.check()
    assert emails(world) == (NEW, EMAIL)
    screen.reload()
    say(screen, "Undone")


def test_a_link_is_undone_with_what_it_carried_over(world, screen, say):
    world.add_to_xero(NAME, EMAIL, Phones=[{"PhoneType": "DEFAULT", "PhoneCountryCode": "64", "PhoneAreaCode": "9", "PhoneNumber": "555 0100"}])  # fmt: skip
    world.add_to_karbon(NAME, EMAIL)
    world.check()
    assert "555 0100" in str(world.karbon()[NAME])
    pair = Link.objects.get()
    open_pair(screen, pair)
    press(screen, "Undo this link…", "Undo this link")
    say(screen, "1 value goes back.")
    world.check()
    assert "555 0100" not in str(world.karbon()[NAME]) and "555 0100" in str(world.xero()[NAME])
    pair.refresh_from_db()
    assert pair.state == "unsynced"


def test_an_unsync_is_taken_back_and_what_changed_meanwhile_travels(world, screen, say):
    pair = a_pair(world)
    open_pair(screen, pair)
    press(screen, "Unsync…", "Unsync")
    world.edit_xero(NAME, {"EmailAddress": NEW})
    world.check()
    assert emails(world) == (NEW, EMAIL)
    screen.goto("/admin/match-issues/?tab=unsynced")
    screen.get_by_role("link", name=NAME).click()
    press(screen, "Take the unsync back")
    say(screen, "goes on from where it stood")
    world.check()
    assert emails(world) == (NEW, NEW)


def test_a_creation_in_xero_is_undone_by_archiving(world, screen, say):
    world.add_to_karbon(NAME, EMAIL)
    world.check()
    screen.goto(f"/admin/karbon-contact/{KarbonContact.objects.get().pk}/create-xero/")
    press(screen, "Create Xero Contact")
    world.check()
    assert set(world.xero()) == {NAME}
    screen.goto(f"/admin/contacts/change/{Change.objects.get(action='create').pk}/change/")
    press(screen, "Undo this change…")
    say(screen, "Only Xero's own screen can take that back.")
    press(screen, "Undo this change")
    world.check()
    assert world.xero() == {} and set(world.karbon()) == {NAME}


def test_a_creation_in_karbon_is_undone_and_stays_listed_until_it_is_deleted_there(world, screen, say, monkeypatch):
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    world.add_to_karbon("Quay Boats", "hi@quay.example")
    world.add_to_xero(NAME, EMAIL)
    world.check()
    created = Change.objects.get(action="create")
    screen.goto(f"/admin/contacts/change/{created.pk}/change/")
    press(screen, "Undo this change…", "Undo this change")
    say(screen, "Delete it in Karbon.")
    for page in (f"/admin/karbonsync/run/{created.check_number}/change/", "/admin/match-issues/?tab=unsynced"):
        screen.goto(page)
        screen.get_by_role("region", name="To be deleted in Karbon").get_by_role("link", name=NAME).wait_for()
    world.check()
    assert set(world.karbon()) == {NAME, "Quay Boats"} and emails(world) == (EMAIL, EMAIL)
    world.delete_in_karbon(NAME)
    mirror.ask_refreshes([KarbonContact.objects.get(name_key="harbour joinery")], reason="test")
    world.check()
    screen.reload()
    say(screen, NAME)
    assert screen.get_by_role("region", name="To be deleted in Karbon").count() == 0


def test_a_whole_check_is_undone_except_what_was_edited_since(world, screen, say):
    a_pair(world)
    world.add_to_xero("Quay Boats", "hi@quay.example")
    world.add_to_karbon("Quay Boats", "hi@quay.example")
    world.check()
    world.edit_xero(NAME, {"EmailAddress": NEW})
    world.edit_xero("Quay Boats", {"EmailAddress": "new@quay.example"})
    world.check()
    number = Change.objects.filter(purpose="sync").values_list("check_number", flat=True).distinct().get()
    key = world.karbon()["Quay Boats"]["OrganizationKey"]
    world.edit_karbon_card(key, {"EmailAddresses": ["later@quay.example"]})
    world.check()
    screen.goto(f"/admin/karbonsync/run/{number}/change/")
    press(screen, "Undo this check…")
    say(screen, "Changes whose values go back: 2.")
    press(screen, "Undo this check")
    say(screen, "1 value goes back.")
    say(screen, "Quay Boats, billing email in Karbon: it was edited since")
    world.check()
    assert emails(world) == (NEW, EMAIL)
    assert emails(world, "Quay Boats") == ("later@quay.example",) * 2
