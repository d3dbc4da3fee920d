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


def erased_pair():
    """A pair whose Xero contact is gone."""
    return factories.pair(factories.xero(presence=Presence.GONE), state="stopped", problem="Xero no longer shows it.")


def test_gone_in_xero_offers_another_one_or_a_new_one_but_no_archiving(desk):
    pair, other = erased_pair(), factories.xero()
    shown = desk.get(page(pair)).content.decode()
    places = [shown.index(words) for words in ("Xero no longer shows it.", "Link to another Xero contact", "Make it again in Xero", "Leave alone")]  # fmt: skip
    assert places == sorted(places) and url("stopped_relink", pair.pk, other.pk) in shown
    assert "Archive in Xero" not in shown
    assert desk.get(url("stopped_archive", pair.pk)).status_code == 302


def test_another_xero_contact_takes_the_place_of_one_that_is_gone(desk):
    pair, other = erased_pair(), factories.xero(email="new@harbour.example")
    ask = url("stopped_relink", pair.pk, other.pk)
    desk.post(ask, {"seen": desk.get(ask).context["seen"]})
    made = Link.objects.get(state="live")
    assert (made.xero, made.karbon) == (other, pair.karbon) and "billing_email" not in made.base_xero


def test_made_again_in_xero_as_what_it_is_in_karbon_unless_the_name_is_taken(desk):
    pair = erased_pair()
    ask = url("stopped_make_again", pair.pk)
    assert "private" not in desk.get(ask).content.decode()
    taken = factories.xero()
    assert "already has an active contact" in desk.post(ask, follow=True).content.decode()
    assert "takes each name once" in desk.get(ask).content.decode() and not Change.objects.exists()
    taken.delete()
    desk.post(ask)
    change = Change.objects.get()
    assert (change.action, change.system, change.kind) == ("create", "xero", "organisation")


def test_gone_in_xero_and_left_alone(desk):
    pair = erased_pair()
    desk.post(url("stopped_leave_alone", pair.pk))
    pair.karbon.refresh_from_db()
    assert pair.karbon.left_out


def test_gone_on_both_sides_offers_only_to_leave_it_alone(desk):
    pair = factories.pair(factories.xero(presence=Presence.GONE), factories.karbon(presence=Presence.GONE), state="stopped")  # fmt: skip
    shown = desk.get(page(pair)).content.decode()
    assert "nothing left to keep the same" in shown and "Leave alone" in shown
    assert "Make it again" not in shown and "Link to another" not in shown


def test_merged_into_a_contact_with_a_pair_says_so_and_what_to_do(desk):
    survivor = factories.xero("Harbour Group")
    factories.pair(survivor, factories.karbon("Harbour Group Ltd"))
    loser = factories.xero(presence=Presence.MERGED, merged_into=survivor.remote_id)
    pair = factories.pair(loser, state="stopped", problem="Merged into another contact in Xero.")
    shown = desk.get(page(pair)).content.decode()
    assert "another Karbon contact, Harbour Group Ltd" in shown and "merge them in Karbon" in shown
    free = factories.xero()
    assert [other.pk for other in desk.get(page(pair)).context["replacements"]] == [free.pk]


def test_archived_in_xero_is_quiet(desk):
    pair = factories.pair(factories.xero(presence=Presence.ARCHIVED), state="stopped", problem="Archived in Xero.")
    shown = desk.get(page(pair)).content.decode()
    assert shown.count("Archived in Xero.") == 1 and "Leave alone" not in shown and "Make it again" not in shown
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
    shown = desk.get(ask)
    assert 'name="winner_billing_email"' in shown.content.decode()
    desk.post(ask, {"seen": shown.context["seen"], "winner_billing_email": "karbon"})
    made = Link.objects.get(state="live")
    assert made.xero == other and "billing_email" not in made.base_karbon
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


def test_a_held_name_is_linked_to_the_one_that_has_it_and_says_what_becomes_of_the_pair(desk, onlooker):
    pair = factories.pair(factories.xero("Old"), held={"xero": {"name": {"source": "x", "reason": "Taken."}}})
    other = factories.xero()
    ask = url("clash_link", pair.pk, other.pk)
    assert ask in desk.get(page(pair)).content.decode()
    assert onlooker.post(ask).status_code == 403
    shown = desk.get(ask)
    assert "is remembered as left out of Karbon" in shown.content.decode()
    factories.change(pair, state="sending")
    assert "being sent for this pair" in desk.post(ask, {"seen": shown.context["seen"]}, follow=True).content.decode()
    Change.objects.update(state="done")
    desk.post(ask, {"seen": shown.context["seen"]})
    pair.refresh_from_db()
    pair.xero.refresh_from_db()
    made = Link.objects.get(state="live")
    assert (made.xero, made.karbon) == (other, pair.karbon)
    assert pair.state == "ended" and pair.xero.left_out


def test_a_namesake_with_a_pair_of_its_own_is_named_but_not_offered(desk):
    pair = factories.pair(factories.xero("Old"), held={"xero": {"name": {"source": "x", "reason": "Taken."}}})
    other = factories.pair(factories.xero(), factories.karbon("Somebody else")).xero
    shown = desk.get(page(pair)).content.decode()
    assert "belongs to another pair" in shown and url("clash_link", pair.pk, other.pk) not in shown
    ask = url("clash_link", pair.pk, other.pk)
    response = desk.get(ask)
    assert "already belongs to a pair" in response.content.decode()
    assert "Look at the pair again" in desk.post(ask, {"seen": response.context["seen"]}, follow=True).content.decode()
    pair.refresh_from_db()
    assert pair.state == "live"


def test_creating_under_a_name_that_xero_has_is_refused(desk):
    factories.xero()
    contact = factories.karbon()
    token = desk.get(url("create_xero", contact.pk)).context["seen"]
    response = desk.post(url("create_xero", contact.pk), {"seen": token}, follow=True)
    assert "takes each name once" in response.content.decode() and not Change.objects.exists()
