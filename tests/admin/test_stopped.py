"""A pair of which one side left: link another, make it again, archive, leave alone; a name that Xero has already."""

import pytest
from django.urls import reverse

from contacts.models import Change, Link
from contacts.values import Presence
from tests.admin import factories


def stopped_pair(**left):
    gone = factories.karbon(**{"presence": Presence.GONE, **left})
    return factories.pair(None, gone, state="stopped", problem="Gone in Karbon.")


def page(pair) -> str:
    return reverse("admin:contacts_link_change", args=[pair.pk])


def url(name, *args) -> str:
    return reverse(f"admin:{name}", args=args)


def test_the_page_says_why_and_offers_the_ways_on_in_order(desk):
    pair, other = stopped_pair(), factories.karbon()
    shown = desk.get(page(pair)).content.decode()
    places = [shown.index(words) for words in ("Gone in Karbon.", "Link to another Karbon contact", "Make it again in Karbon", "Archive in Xero", "Leave alone")]  # fmt: skip
    assert places == sorted(places) and url("stopped_relink", pair.pk, other.pk) in shown


def test_a_free_contact_is_found_by_a_part_of_its_name(desk):
    pair, other = stopped_pair(), factories.karbon("Quite Another")
    taken = factories.pair(factories.xero("T"), factories.karbon("Quite Taken")).karbon
    found = desk.get(page(pair) + "?q=QUITE").context["found"]
    assert [o.pk for o in found] == [other.pk] and taken not in found


def test_archived_in_xero_is_quiet(desk):
    pair = factories.pair(factories.xero(presence=Presence.ARCHIVED), state="stopped")
    shown = desk.get(page(pair)).content.decode()
    assert "Restored in Xero, the pair goes on by itself." in shown and "Leave alone" not in shown
    assert not desk.get(reverse("admin:progress")).json()["counts"]["stopped"]["calls"]


def test_another_contact_takes_the_place_with_the_picked_values(desk):
    pair, other = stopped_pair(), factories.karbon(email="new@harbour.example")
    ask = url("stopped_relink", pair.pk, other.pk)
    token = desk.get(ask).context["seen"]
    desk.post(ask, {"seen": token, "winner_billing_email": "karbon"})
    made = Link.objects.get(state="live")
    assert made.karbon == other and "billing_email" not in made.base_karbon


def test_a_contact_that_changed_since_it_was_seen_is_not_linked(desk):
    pair, other = stopped_pair(), factories.karbon()
    response = desk.post(url("stopped_relink", pair.pk, other.pk), {"seen": "old"}, follow=True)
    assert "changed since you looked" in response.content.decode() and not Link.objects.filter(state="live").exists()


def test_made_again_in_karbon_after_a_warning(desk):
    pair = stopped_pair()
    ask = url("stopped_make_again", pair.pk)
    assert "a second record that you will have to delete" in desk.get(ask).content.decode()
    desk.post(ask, {"kind": "person", "contact_type": "Client"})
    change = Change.objects.get()
    assert (change.action, change.kind, change.contact_type) == ("create", "person", "Client")


def test_archived_in_xero_after_a_warning(desk):
    pair = stopped_pair()
    ask = url("stopped_archive", pair.pk)
    assert "Only Xero&#x27;s own screen" in desk.get(ask).content.decode().replace("Xero's", "Xero&#x27;s")
    desk.post(ask)
    assert Change.objects.get().action == "archive"


def test_left_alone(desk):
    pair = stopped_pair()
    desk.post(url("stopped_leave_alone", pair.pk))
    pair.refresh_from_db()
    pair.xero.refresh_from_db()
    assert pair.state == "ended" and pair.xero.left_out


@pytest.mark.parametrize("name", ["stopped_make_again", "stopped_archive", "stopped_leave_alone"])
def test_whoever_comes_second_is_told(name, desk, onlooker):
    pair = factories.pair()
    response = desk.post(url(name, pair.pk), {"kind": "person"}, follow=True)
    assert "no longer stopped" in response.content.decode()
    assert onlooker.post(url(name, pair.pk)).status_code == 403


def test_a_stranger_links_nothing(onlooker):
    pair, other = stopped_pair(), factories.karbon()
    assert onlooker.get(url("stopped_relink", pair.pk, other.pk)).status_code == 403
    assert onlooker.post(url("stopped_relink", pair.pk, other.pk)).status_code == 403


def test_a_refused_name_is_linked_to_the_one_that_has_it(desk, onlooker):
    other, refused = factories.xero(), factories.refused(factories.karbon())
    ask = url("clash_link", refused.pk, other.pk)
    assert ask in desk.get(page(refused)).content.decode()
    assert onlooker.post(ask).status_code == 403
    desk.post(ask, {"seen": desk.get(ask).context["seen"]})
    assert Link.objects.get(state="live").xero == other
    assert "no longer refused" in desk.post(ask, follow=True).content.decode()


def test_a_refused_name_gets_another_name(desk, onlooker):
    factories.xero()
    refused = factories.refused(factories.karbon())
    ask = url("clash_rename", refused.pk)
    assert onlooker.post(ask).status_code == 403
    assert "takes each name once" in desk.post(ask, {"name": "harbour joinery"}, follow=True).content.decode()
    desk.post(ask, {"name": "Harbour Joinery (Nelson)"})
    assert Change.objects.get(state="queued").typed == {"name": "Harbour Joinery (Nelson)"}


def test_a_held_name_gets_another_name_on_both_sides(desk):
    pair = factories.pair(factories.xero("Old"), held={"xero": {"name": {"source": "x", "reason": "Taken."}}})
    factories.xero()
    assert "Another name, used on both sides" in desk.get(page(pair)).content.decode()
    desk.post(url("clash_rename", pair.pk), {"name": "Third"})
    pair.refresh_from_db()
    assert pair.wishes["xero"]["name"]["value"] == "Third" and pair.base_karbon["name"] == "Harbour Joinery"


def test_creating_under_a_name_that_xero_has_is_refused(desk):
    factories.xero()
    contact = factories.karbon()
    token = desk.get(url("create_xero", contact.pk)).context["seen"]
    response = desk.post(url("create_xero", contact.pk), {"seen": token}, follow=True)
    assert "takes each name once" in response.content.decode() and not Change.objects.exists()
