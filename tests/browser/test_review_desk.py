"""The review desk clicked by a person: likenesses, kinds, duplicates and several issues at once, and what Karbon then holds."""

import os
import re
from io import StringIO

import pytest
import requests
from django.core.management import call_command

from contacts.models import Link
from karbonsync import tasks
from matching.models import MatchIssue, NotDuplicates, Verdict

EXPLAINED = {
    "shared-email": ("Dunstan Gorge Apiaries Limited", "shared"),
    "couple": ("Graham & Lorraine Tattersall", "Karbon has"),
    "trust": ("Rimu Ridge Family Trust", "trust and its trustee company are different clients"),
    "nickname": ("Robert Dewhurst", "short for"),
}
NAMES = ("Glenmore Orchards Limited", "Glenmore Orchard Ltd")


def a_likeness(world, names: tuple[str, str] = NAMES) -> MatchIssue:
    """Alike to a person, equal in nothing: a second record is held back."""
    domain = names[1].split()[0].lower()
    world.add_to_xero(names[0], f"accounts@{domain}.example")
    world.add_to_karbon(names[1], f"office@{domain}.example")
    world.check()
    return MatchIssue.objects.get(state="open", xero__values__name=names[0])


def organisations(world) -> list[str]:
    return sorted(record["FullName"] for record in world.state()["karbon"]["organizations"])


def test_a_likeness_is_confirmed(world, screen, say):
    a_likeness(world)
    screen.goto("/admin/match-issues/?why=similar")
    screen.get_by_role("link", name="Glenmore Orchards Limited").click()
    say(screen, "This looks like a client Karbon already has")
    screen.get_by_role("button", name="Confirm the link").click()
    say(screen, "Glenmore Orchards Limited is linked.")
    world.check()
    assert organisations(world) == ["Glenmore Orchards Limited"]
    assert Link.objects.get().state == "live"


def test_a_likeness_that_is_not_the_same_is_never_asked_again(world, screen, say):
    issue = a_likeness(world)
    screen.goto(f"/admin/match-issues/{issue.pk}/")
    screen.get_by_role("button", name="Not the same").click()
    say(screen, "No possible match is left")
    screen.get_by_role("button", name="Leave out").click()
    say(screen, "is left out of Karbon")
    screen.goto(f"/admin/contacts/xerocontact/{issue.xero_id}/change/")
    screen.get_by_role("button", name="Bring back").click()
    say(screen, "takes part again")
    world.check()
    assert organisations(world) == sorted(NAMES)  # a no-match now: it is created, and nobody is asked
    assert not MatchIssue.objects.filter(state="open").exists()
    assert Verdict.objects.get().is_same is False


def test_a_likeness_becomes_a_contact_of_its_own_and_the_next_issue_comes_up(world, screen, say):
    a_likeness(world)
    other = a_likeness(world, ("Palisade Fencing Contractors Limited", "Palisade Fencing Contractor Ltd"))
    screen.goto("/admin/match-issues/?why=similar&sort=oldest")
    screen.get_by_role("link", name="Glenmore Orchards Limited").click()
    say(screen, "1 of 2")
    screen.get_by_role("button", name="Create new Karbon contact").click()
    say(screen, "is created in a moment, and linked")
    assert re.search(rf"/match-issues/{other.pk}/\?why=similar&sort=oldest$", screen.url)
    world.check()
    assert "Glenmore Orchards Limited" in organisations(world) and "Glenmore Orchard Ltd" in organisations(world)


def test_several_likenesses_are_created_at_once(world, screen, say):
    a_likeness(world)
    a_likeness(world, ("Palisade Fencing Contractors Limited", "Palisade Fencing Contractor Ltd"))
    screen.goto("/admin/match-issues/")
    screen.get_by_label("Tick Glenmore Orchards Limited").check()
    screen.get_by_label("Tick Palisade Fencing Contractors Limited").check()
    screen.get_by_role("button", name="Create new…").click()
    say(screen, "remembered as not the same")
    screen.get_by_role("button", name="Create new for all ticked").click()
    say(screen, "New Karbon contacts for 2 of them are created in a moment")
    world.check()
    assert len(organisations(world)) == 4
    assert Link.objects.filter(state="live").count() == 2


def test_several_likenesses_are_left_out_at_once_by_keyboard(world, screen, say):
    issue = a_likeness(world)
    before = world.state()
    screen.goto("/admin/match-issues/")
    screen.get_by_label("Tick Glenmore Orchards Limited").focus()
    screen.keyboard.press("Space")
    screen.get_by_role("button", name="Leave out…").focus()
    screen.keyboard.press("Enter")
    screen.get_by_role("button", name="Leave out all ticked").focus()
    screen.keyboard.press("Enter")
    say(screen, "Left out of Karbon: 1")
    issue.xero.refresh_from_db()
    assert issue.xero.left_out
    world.check()
    assert world.state() == before


def test_a_kind_is_corrected_and_the_old_record_told_of_until_it_is_deleted(world, screen, say, monkeypatch):
    monkeypatch.setattr("matching.classifier.SURE", 1.1)
    world.add_to_karbon("Somebody Else Limited", "office@else.example")
    world.add_to_xero("Zenith Plumbing Limited", "office@zenith.example")
    world.check()
    screen.goto("/admin/kinds/")
    screen.get_by_role("link", name="No, Zenith Plumbing Limited is a person").click()
    say(screen, "cannot turn one kind into the other")
    screen.get_by_role("button", name="Make it a person").click()
    say(screen, "is created again as a person in a moment")
    old = Link.objects.get(state="ended").karbon
    assert old is not None
    world.check()
    (made,) = world.state()["karbon"]["contacts"]
    assert made["LastName"] == "Limited"
    screen.goto(f"/admin/contacts/xerocontact/{Link.objects.get(state='live').xero_id}/change/")
    say(screen, "Delete the old record in Karbon")
    world.delete_from_karbon(old.remote_id)
    screen.goto("/admin/kinds/")
    screen.get_by_role("button", name="Zenith Plumbing Limited is deleted, look again").click()
    say(screen, "Karbon is asked whether")
    world.check()
    screen.goto("/admin/kinds/")
    say(screen, "No kind to check")
    assert screen.get_by_text("Delete in Karbon").count() == 0


def test_duplicates_are_searched_for_and_told_apart(world, screen, say):
    world.add_to_karbon("Harbour Joinery Limited", "accounts@harbour.example")
    world.add_to_karbon("Harbour Joinery Ltd", "accounts@harbour.example")
    world.add_to_karbon("Zenith Plumbing Limited", "office@zenith.example")
    world.check()
    screen.goto("/admin/duplicates/?system=karbon")
    say(screen, "Not searched yet")
    screen.get_by_role("button", name="Search now").click()
    say(screen, "Searching.")
    tasks.find_duplicates("karbon")
    screen.goto("/admin/duplicates/?system=karbon")
    say(screen, "Harbour Joinery Ltd")
    assert screen.get_by_text("Zenith Plumbing").count() == 0
    screen.get_by_role("button", name=re.compile("are not the same")).click()
    say(screen, "They are not shown here again")
    tasks.find_duplicates("karbon")
    screen.goto("/admin/duplicates/?system=karbon")
    say(screen, "No likely duplicates in Karbon")
    assert NotDuplicates.objects.count() == 1


def test_an_unsynced_client_is_linked_to_another_likely_contact(world, screen, say):
    world.add_to_xero("Harbour Joinery Limited", "accounts@harbour.example")
    world.add_to_karbon("Harbour Joinery Limited", "accounts@harbour.example")
    world.add_to_karbon("Harbour Joinery Ltd", "office@harbour.example")
    world.check()
    pair = Link.objects.get()
    screen.goto(f"/admin/contacts/link/{pair.pk}/unsync/")
    screen.get_by_role("button", name="Unsync").click()
    screen.get_by_role("link", name="Harbour Joinery Ltd", exact=True).click()
    say(screen, "Linking it here ends that pair")
    screen.get_by_role("button", name="Link", exact=True).click()
    say(screen, "are linked")
    world.check()
    made = Link.objects.get(state="live")
    assert made.karbon_id != pair.karbon_id and made.xero_id == pair.xero_id


@pytest.mark.large
def test_each_hard_case_of_the_demo_world_is_explained_in_words(world, screen, say):
    """With ``SCREENSHOTS`` set to a folder a picture of each is left there, which docs/ shows."""
    requests.post(f"{world.box.url}/sandbox/reset", json={"world": "demo"}, timeout=30).raise_for_status()
    call_command("connect", stdout=StringIO())
    world.check()
    waiting = {str(issue): issue.pk for issue in MatchIssue.objects.filter(state="open").select_related("xero")}
    for picture, (name, why) in EXPLAINED.items():
        screen.goto(f"/admin/match-issues/{waiting[name]}/")
        say(screen, why)
        if folder := os.environ.get("SCREENSHOTS"):
            screen.set_viewport_size({"width": 1280, "height": 1300})
            screen.evaluate("document.fonts.ready")
            screen.screenshot(path=f"{folder}/review-{picture}.png")
