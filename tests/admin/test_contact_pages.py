"""The page of a contact, and Create Xero Contact."""

import pytest
from django.urls import reverse

from contacts.models import Change, Link
from contacts.values import Presence
from tests.admin import factories


def page(contact) -> str:
    return reverse(f"admin:contacts_{contact.system}contact_change", args=[contact.pk])


def create(contact) -> str:
    return reverse("admin:create_xero", args=[contact.pk])


def press(desk, contact):
    token = desk.get(create(contact)).context["seen"]
    return desk.post(create(contact), {"seen": token}, follow=True)


def test_an_unlinked_karbon_contact_offers_create_xero_contact(desk):
    contact = factories.karbon()
    shown = desk.get(page(contact)).content.decode()
    assert "Xero Client" in shown and "first filled one labelled Mailing, Physical, Legal" in shown
    assert create(contact) in shown


def test_create_xero_contact_asks_for_one(desk, staff):
    contact = factories.karbon()
    assert "two-way" in desk.get(create(contact)).content.decode()
    response = press(desk, contact)
    change = Change.objects.get()
    assert (change.system, change.action, change.cause, change.by) == ("xero", "create", "Create Xero Contact", staff)
    assert "A Xero contact is being created" in response.content.decode()


def test_create_xero_contact_twice_makes_one(desk):
    contact = factories.karbon()
    token = desk.get(create(contact)).context["seen"]
    desk.post(create(contact), {"seen": token})
    response = desk.post(create(contact), {"seen": token}, follow=True)
    assert "A counterpart is already there or on its way." in response.content.decode()
    assert Change.objects.count() == 1


def test_create_xero_contact_first_shows_who_it_may_be(desk):
    contact = factories.karbon(email="shared@harbour.example")
    factories.xero("Other name", "SHARED@harbour.example")
    factories.xero("harbour joinery", "", presence=Presence.ARCHIVED)
    linked = factories.pair(factories.xero("Harbour Joinery", "x@y.example"), factories.karbon("Someone"))
    factories.issue(factories.xero("Issue holder"), contact)
    shown = desk.get(create(contact))
    whys = {str(found["contact"]): (found["why"], found["can_link"]) for found in shown.context["lookalikes"]}
    assert whys["Other name"] == ("same email", True)
    assert whys["harbour joinery"] == ("same name", False)
    assert whys[str(linked.xero)] == ("same name", False)
    assert "Issue holder" in shown.content.decode()
    assert "it will refuse a second one" in shown.content.decode()


def test_link_instead_of_creating(desk):
    contact, other = factories.karbon(), factories.xero()
    found = desk.get(create(contact)).context["lookalikes"][0]
    url = reverse("admin:link_by_hand", args=[contact.pk])
    desk.post(url, {"xero": other.pk, "seen": found["seen"]})
    link = Link.objects.get()
    assert (link.xero, link.karbon, link.state) == (other, link.karbon, "live")


def test_link_to_one_that_was_linked_meanwhile_says_so(desk):
    contact, other = factories.karbon(), factories.xero()
    found = desk.get(create(contact)).context["lookalikes"][0]
    factories.pair(other, factories.karbon("Third"))
    url = reverse("admin:link_by_hand", args=[contact.pk])
    response = desk.post(url, {"xero": other.pk, "seen": found["seen"]}, follow=True)
    assert "One of the two was linked meanwhile." in response.content.decode()
    assert Link.objects.count() == 1


def test_an_unsynced_pair_is_decided_first(desk):
    pair = factories.unsynced()
    shown = desk.get(create(pair.karbon)).content.decode()
    assert "belongs to an unsynced pair" in shown and "disabled" in shown
    response = press(desk, pair.karbon)
    assert "A counterpart is already there" in response.content.decode()
    assert not Change.objects.exists()


@pytest.mark.parametrize("make", [factories.karbon, factories.xero])
def test_a_refused_creation_can_be_tried_again_or_given_up(desk, make):
    link = factories.refused(make(), problem="That name is taken.")
    shown = desk.get(page(link.xero or link.karbon)).content.decode()
    assert "That name is taken." in shown and "Try again" in shown and "Give up" in shown
    desk.post(reverse("admin:link_try_again", args=[link.pk]))
    assert Change.objects.filter(state="queued").count() == 1
    response = desk.post(reverse("admin:link_try_again", args=[link.pk]), follow=True)
    assert "There is nothing to try again here." in response.content.decode()
    desk.post(reverse("admin:link_give_up", args=[link.pk]))
    link.refresh_from_db()
    assert link.state == "ended"
    response = desk.post(reverse("admin:link_give_up", args=[link.pk]), follow=True)
    assert "Somebody was faster" in response.content.decode()


def test_a_linked_contact_shows_its_counterpart_history_and_unsync(desk, staff):
    pair = factories.pair()
    factories.change(pair)
    for contact in (pair.xero, pair.karbon):
        shown = desk.get(page(contact)).content.decode()
        assert page(pair.karbon if contact == pair.xero else pair.xero) in shown
        assert "New name" in shown and reverse("admin:link_unsync", args=[pair.pk]) in shown


def test_what_people_did_is_on_the_page(desk, staff):
    contact = factories.xero()
    desk.post(reverse("admin:leave_out", args=[contact.pk]))
    shown = desk.get(page(contact)).content.decode()
    assert "Left out." in shown and "Sam" in shown


def test_leaving_out_settles_the_open_match_issue(desk):
    issue = factories.issue()
    desk.post(reverse("admin:leave_out", args=[issue.xero_id]))
    issue.refresh_from_db()
    assert issue.state == "resolved"


def test_a_linked_contact_cannot_be_left_out(desk):
    pair = factories.pair()
    response = desk.post(reverse("admin:leave_out", args=[pair.xero_id]), follow=True)
    assert "Unsync that first." in response.content.decode()


def test_a_xero_page_leads_to_its_match_issue(desk):
    issue = factories.issue()
    assert reverse("admin:match_issue", args=[issue.pk]) in desk.get(page(issue.xero)).content.decode()


def test_a_field_not_read_yet_is_not_called_blank(desk):
    shown = desk.get(page(factories.karbon(complete=False))).content.decode()
    assert "not read yet" in shown
