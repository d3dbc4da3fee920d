"""Possible matches beside contacts without a partner, and what a person does with them."""

import pytest
from django.urls import reverse

from contacts.models import Link
from contacts.values import Presence
from matching import filing
from matching.models import Candidate, Verdict
from tests.admin import factories


@pytest.fixture
def alike(db):
    """A Xero contact and a Karbon contact that only look alike."""
    pair = (
        factories.xero("Glenmore Orchards Limited", "a@glenmore.example"),
        factories.karbon("Glenmore Orchard Ltd", "b@glenmore.example"),
    )
    filing.bring_up_to_date()
    return pair


def page(xero, karbon) -> str:
    return reverse("admin:possible_match", args=[xero.pk, karbon.pk])


def contact_page(desk, xero) -> str:
    return desk.get(reverse("admin:contacts_xerocontact_change", args=[xero.pk])).content.decode()


def link(desk, xero, karbon):
    token = desk.get(page(xero, karbon)).context["seen"]
    return desk.post(page(xero, karbon), {"seen": token, "winner_name": "karbon"}, follow=True)


def test_a_contact_without_a_partner_shows_whom_it_might_be(desk, alike):
    shown = contact_page(desk, alike[0])
    assert "Possible matches in Karbon" in shown and page(*alike) in shown and "ks-percent" in shown


def test_one_that_left_xero_or_has_a_partner_shows_none(desk, alike):
    assert "Possible matches" not in contact_page(desk, factories.xero(presence=Presence.ARCHIVED))
    assert "Possible matches" not in contact_page(desk, factories.pair(alike[0]).xero)


def test_the_two_are_compared_and_then_linked(desk, staff, alike):
    text = desk.get(page(*alike)).content.decode()
    assert "What speaks for and against it" in text and "Orchards and Orchard are spelled alike" in text
    assert "are linked" in link(desk, *alike).content.decode()
    made = Link.objects.get()
    assert (made.xero, made.karbon, made.linked_by, made.origin) == (*alike, staff, "confirmed")
    assert "name" in made.base_xero and "name" not in made.base_karbon  # Karbon's name was picked
    assert Verdict.objects.get().is_same


def test_a_no_is_remembered_and_never_suggested_again(desk, alike):
    desk.post(reverse("admin:possible_not_the_same", args=[alike[0].pk, alike[1].pk]))
    assert Verdict.objects.get().is_same is False
    assert page(*alike) not in contact_page(desk, alike[0])


def test_a_no_also_settles_the_match_issue_that_asks_about_the_two(desk, alike):
    issue = factories.issue(*alike)
    assert desk.get(page(*alike))["Location"] == reverse("admin:match_issue", args=[issue.pk])
    desk.post(reverse("admin:possible_not_the_same", args=[alike[0].pk, alike[1].pk]))
    assert not Candidate.objects.exists()


def test_an_unsynced_pair_gives_way_to_another_karbon_contact(desk, alike):
    former = factories.unsynced(alike[0])
    assert page(*alike) in desk.get(reverse("admin:unsynced_pair", args=[former.pk])).content.decode()
    assert "Linking it here ends that pair" in desk.get(page(*alike)).content.decode()
    link(desk, *alike)
    former.refresh_from_db()
    former.karbon.refresh_from_db()
    assert (former.state, former.karbon.left_out) == ("ended", True)
    assert Link.objects.get(state="live").karbon == alike[1]


def test_two_of_which_one_was_linked_meanwhile_are_not_linked(desk, alike):
    token = desk.get(page(*alike)).context["seen"]
    factories.pair(None, alike[1])
    response = desk.post(page(*alike), {"seen": token}, follow=True)
    assert "already belongs to a pair" in response.content.decode()
    assert Link.objects.count() == 1


def test_a_change_since_it_was_seen_is_told(desk, alike):
    token = desk.get(page(*alike)).context["seen"]
    alike[1].values["name"] = "Renamed"
    alike[1].save()
    assert "changed since you looked" in desk.post(page(*alike), {"seen": token}, follow=True).content.decode()


def test_the_settings_say_what_holding_lookalikes_does_now(client, db):
    factories.similar("One", score=0.97)
    factories.similar("Two", score=0.72)
    user = factories.person("Ada", ("contacts.change_syncsettings", "contacts.view_syncsettings"))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    text = client.get(reverse("admin:contacts_syncsettings_changelist"), follow=True).content.decode()
    shown = " ".join(text.split())
    assert "2 wait now because of this, held from" in shown
    assert "<td>1</td> <td>1</td>" in shown  # from 80 % on
