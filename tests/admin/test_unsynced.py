"""Unsync, and the three ways on from there."""

from django.urls import reverse

from contacts.models import Change, Link
from tests.admin import factories


def page(pair: Link) -> str:
    return reverse("admin:unsynced_pair", args=[pair.pk])


def act(name: str, pair: Link) -> str:
    return reverse(f"admin:unsynced_{name}", args=[pair.pk])


def test_unsync_asks_first_and_then_stops_the_pair(desk, staff):
    pair = factories.pair()
    shown = desk.get(reverse("admin:link_unsync", args=[pair.pk])).content.decode()
    assert "no longer kept the same" in shown
    response = desk.post(reverse("admin:link_unsync", args=[pair.pk]), follow=True)
    pair.refresh_from_db()
    assert (pair.state, pair.ended_by) == ("unsynced", staff)
    assert "is unsynced" in response.content.decode()


def test_unsync_twice_says_that_somebody_was_faster(desk):
    pair = factories.unsynced()
    response = desk.post(reverse("admin:link_unsync", args=[pair.pk]), follow=True)
    assert "Somebody was faster" in response.content.decode()


def test_rematch_takes_the_picked_values(desk):
    pair = factories.unsynced()
    token = desk.get(page(pair)).context["seen"]
    desk.post(act("rematch", pair), {"seen": token, "winner_billing_email": "karbon"})
    made = Link.objects.get(state="live")
    assert made.origin == "rematched" and "billing_email" not in made.base_karbon
    pair.refresh_from_db()
    assert pair.state == "ended"


def test_rematch_refuses_what_changed_since_it_was_seen(desk):
    pair = factories.unsynced()
    token = desk.get(page(pair)).context["seen"]
    pair.xero.values["name"] = "Harbour Joinery 2026"
    pair.xero.save()
    response = desk.post(act("rematch", pair), {"seen": token}, follow=True)
    assert "changed since you looked" in response.content.decode()
    assert not Link.objects.filter(state="live").exists()


def test_a_decided_pair_says_that_somebody_was_faster(desk):
    pair = factories.pair()
    for name in ("rematch", "new_karbon", "new_xero"):
        response = desk.post(act(name, pair), {"kind": "person", "name": "Z"}, follow=True)
        assert "no longer unsynced: somebody has decided" in response.content.decode()
    assert Link.objects.count() == 1 and not Change.objects.exists()


def test_new_from_xero_creates_and_leaves_the_old_one_out(desk):
    pair = factories.unsynced()
    response = desk.post(act("new_karbon", pair), {"kind": "organisation", "contact_type": "Client"}, follow=True)
    assert "is left out" in response.content.decode()
    made = Link.objects.get(state="creating")
    assert (made.xero, made.karbon) == (pair.xero, None)
    pair.karbon.refresh_from_db()
    assert pair.karbon.left_out
    assert Change.objects.get().contact_type == "Client"


def test_new_from_karbon_asks_for_a_distinguishing_name(desk):
    pair = factories.unsynced()
    assert "Distinguishing name" in desk.get(page(pair)).content.decode()
    for name in ("", " harbour  JOINERY "):
        response = desk.post(act("new_xero", pair), {"name": name}, follow=True)
        assert "takes each name once" in response.content.decode()
    assert not Change.objects.exists()
    desk.post(act("new_xero", pair), {"name": "Harbour Joinery (Nelson)"})
    change = Change.objects.get()
    assert change.typed == {"name": "Harbour Joinery (Nelson)"} and change.system == "xero"
    pair.xero.refresh_from_db()
    assert pair.xero.left_out


def test_new_from_karbon_needs_no_new_name_where_xero_has_none_like_it(desk):
    pair = factories.unsynced(factories.xero("Something else"))
    desk.post(act("new_xero", pair), {"name": "Harbour Joinery"})
    assert Change.objects.get().typed == {}


def test_new_from_karbon_waits_for_the_full_record(desk):
    pair = factories.unsynced(factories.xero("Something else"), factories.karbon(complete=False))
    response = desk.post(act("new_xero", pair), {"name": "Harbour Joinery"})
    assert response.status_code == 302 and not Change.objects.exists()


def test_the_page_of_a_decided_pair_leads_to_the_link(desk):
    pair = factories.pair()
    assert desk.get(page(pair))["Location"] == reverse("admin:contacts_link_change", args=[pair.pk])
