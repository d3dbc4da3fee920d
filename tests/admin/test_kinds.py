"""Check the kind: confirmed, corrected before and after creation, and the old record told of until it is gone."""

from django.urls import reverse

from contacts import pausing
from contacts.models import Change, Link, Refresh, RemoteContact
from contacts.values import Kind, Presence
from matching import kind_checks
from matching.classifier import Guess
from matching.models import KindCheck, KindDecision, OldRecord
from tests.admin import factories


def kinds(desk) -> str:
    return desk.get(reverse("admin:kinds")).content.decode()


def in_sync(name: str = "Ford Marsh", **karbon: object) -> Link:
    """A pair whose two sides agree."""
    left, right = factories.xero(name), factories.karbon(name, "accounts@harbour.example", **karbon)
    return factories.pair(left, right, base_xero=dict(left.values), base_karbon=dict(right.values))


def page(link: Link) -> str:
    return reverse("admin:kind_correct", args=[link.pk])


def correct(desk, link: Link, kind: str = "person"):
    token = desk.get(page(link)).context["seen"]
    return desk.post(page(link), {"kind": kind, "seen": token}, follow=True)


def test_only_unsure_kinds_are_noted(db):
    pairs = [factories.creating(factories.xero("Ford Marsh")), factories.creating(factories.xero("Zenith Ltd"))]
    kind_checks.note(pairs, [Guess("PERSON", 0.61), Guess("ORGANISATION", 0.99)])
    assert [str(check.link) for check in kind_checks.waiting()] == ["Ford Marsh"]


def test_the_list_shows_what_it_was_created_as_and_how_sure_that_is(desk):
    factories.kind_check(factories.creating(factories.xero("Ford Marsh")), 0.61)
    text = kinds(desk)
    assert "Ford Marsh" in text and "61 %" in text and "being created" in text and "Yes, a person" in text


def test_the_chance_shown_is_that_of_the_kind_it_was_created_as(db):
    kind_checks.note([factories.creating(factories.xero("Ford Marsh"))], [Guess("PERSON", 0.6)])
    assert round(KindCheck.objects.get().confidence, 2) == 0.4  # created as an organisation, the lesser harm


def test_what_people_say_is_kept_for_the_next_training(desk, staff):
    check = factories.kind_check(in_sync("Ford Marsh"))
    desk.post(reverse("admin:kind_confirm", args=[check.pk]))
    correct(desk, in_sync("Lars Ullman"))
    said = KindDecision.objects.order_by("name").values_list("name", "decided", "by")
    assert list(said) == [("Ford Marsh", "organisation", staff.pk), ("Lars Ullman", "person", staff.pk)]


def test_a_confirmed_kind_leaves_the_list(desk, staff):
    check = factories.kind_check(factories.pair(factories.xero("Ford Marsh")))
    desk.post(reverse("admin:kind_confirm", args=[check.pk]))
    check.refresh_from_db()
    assert (check.state, check.closed_by) == ("confirmed", staff)
    assert "No kind to check" in kinds(desk)
    again = desk.post(reverse("admin:kind_confirm", args=[check.pk]), follow=True)
    assert "Somebody was faster" in again.content.decode()


def test_a_pair_that_ended_leaves_the_list(desk):
    factories.kind_check(factories.unsynced())
    assert "No kind to check" in kinds(desk)


def test_a_creation_not_sent_yet_is_simply_made_as_the_other_kind(desk):
    link = factories.creating(kind=Kind.PERSON)
    factories.kind_check(link)
    assert "is not in Karbon yet" in desk.get(page(link)).content.decode()
    correct(desk, link, "organisation")
    assert Change.objects.get().kind == "organisation"
    assert KindCheck.objects.get().state == "corrected"
    assert not OldRecord.objects.exists()


def test_a_refused_creation_is_sent_again_as_the_other_kind(desk, staff):
    link = factories.creating(kind=Kind.PERSON, state="rejected")
    Link.objects.filter(pk=link.pk).update(problem="Karbon needs a first and a last name for a person.")
    assert "will be created as an organisation" in correct(desk, link, "organisation").content.decode()
    link.refresh_from_db()
    assert link.problem == ""
    asked = Change.objects.get(state="queued")
    assert (asked.kind, asked.by, asked.link) == ("organisation", staff, link)


def test_the_kind_of_a_record_without_a_card_can_be_corrected(desk):
    link = factories.pair()
    RemoteContact.objects.filter(pk=link.karbon_id).update(values={"name": "Harbour Joinery"})
    assert "accounts@harbour.example" in desk.get(page(link)).content.decode()
    correct(desk, link)
    assert Change.objects.get(action="create").typed == {}


def test_a_paused_pair_stays_paused_in_its_new_pair(desk, staff):
    link = in_sync()
    pausing.pause_pair(link, by=staff, reason="In dispute")
    assert "is created again as a person once its pause ends" in correct(desk, link).content.decode()
    made = Link.objects.get(state="creating")
    assert (made.paused_by, made.pause_reason) == (staff, "In dispute") and made.paused_at


def test_a_creation_under_way_cannot_be_changed_any_more(desk):
    link = factories.creating(kind=Kind.PERSON, state="sending")
    factories.kind_check(link)
    assert "It is being created right now" in correct(desk, link, "organisation").content.decode()
    assert (Change.objects.get().kind, KindCheck.objects.get().state) == ("person", "waiting")


def test_a_correction_creates_the_right_one_and_leaves_the_old_one_out(desk, staff):
    link = in_sync(payload={"ContactType": "Prospect"})
    old = link.karbon
    response = correct(desk, link)
    assert "is created again as a person in a moment" in response.content.decode()
    link.refresh_from_db()
    old.refresh_from_db()
    assert (link.state, old.left_out, old.left_out_by) == ("ended", True, staff)
    made = Change.objects.get(action="create")
    assert (made.kind, made.contact_type, made.system, made.by) == ("person", "Prospect", "karbon", staff)
    assert made.link.xero == link.xero and made.link.state == "creating"


def test_the_new_record_keeps_what_only_the_old_one_has(desk):
    left = factories.xero(email="accounts@harbour.example", phone={}, address=factories.ADDRESS)
    right = factories.karbon(email="new@harbour.example", phone=factories.PHONE, address=factories.ADDRESS)
    agreed_right = {**right.values, "billing_email": "accounts@harbour.example"}
    link = factories.pair(left, right, base_xero=dict(left.values), base_karbon=agreed_right)
    shown = desk.get(page(link)).content.decode()
    assert "new@harbour.example" in shown and "555 0100" in shown
    correct(desk, link)
    made = Change.objects.get(action="create")
    assert made.typed == {"billing_email": "new@harbour.example", "primary_phone": factories.PHONE}


def test_a_field_that_both_sides_changed_is_decided_first(desk):
    link = factories.pair(base_xero={"billing_email": "old@a.example"}, base_karbon={"billing_email": "old@a.example"})
    assert "both sides have just changed it" in desk.get(page(link)).content.decode()
    assert "both sides have just changed it" in correct(desk, link).content.decode()
    question = factories.conflict(link)
    assert "a question about it is open" in correct(desk, link).content.decode()
    question.refresh_from_db()
    assert question.is_open and not OldRecord.objects.exists()


def test_a_pair_unsynced_meanwhile_is_not_corrected(desk):
    link = factories.pair()
    token = desk.get(page(link)).context["seen"]
    Link.objects.filter(pk=link.pk).update(state="unsynced")
    response = desk.post(page(link), {"kind": "person", "seen": token}, follow=True)
    assert "changed since you looked" in response.content.decode()
    assert Link.objects.count() == 1


def test_a_kind_is_not_corrected_twice(desk):
    link = in_sync()
    token = desk.get(page(link)).context["seen"]
    correct(desk, link)
    response = desk.post(page(link), {"kind": "person", "seen": token}, follow=True)
    assert "changed since you looked" in response.content.decode()
    assert Change.objects.filter(action="create").count() == 1


def test_the_old_record_is_told_of_until_karbon_no_longer_shows_it(desk):
    link = in_sync()
    correct(desk, link)
    made = Link.objects.get(state="creating")
    places = [
        reverse("admin:kinds"),
        reverse("admin:contacts_xerocontact_change", args=[link.xero_id]),
        reverse("admin:contacts_link_change", args=[made.pk]),
    ]
    for place in places:
        assert link.karbon.remote_id in desk.get(place).content.decode()
        assert "Delete" in desk.get(place).content.decode()
    RemoteContact.objects.filter(pk=link.karbon_id).update(presence=Presence.GONE)
    for place in places:
        assert "Delete the old record" not in desk.get(place).content.decode()
    assert "Delete in Karbon" not in desk.get(places[0]).content.decode()


def test_an_old_record_that_is_linked_again_is_not_told_to_be_deleted(desk):
    link = in_sync()
    correct(desk, link)
    place = reverse("admin:contacts_xerocontact_change", args=[link.xero_id])
    assert "Delete the old record" in desk.get(place).content.decode()
    Link.objects.filter(state="creating").update(state="ended")
    factories.pair(link.xero, link.karbon)
    assert "Delete the old record" not in desk.get(place).content.decode()
    assert link.karbon.remote_id not in kinds(desk)


def test_karbon_is_asked_at_once_when_a_person_says_that_it_is_deleted(desk, rings):
    correct(desk, in_sync())
    old = OldRecord.objects.get()
    rings.clear()
    response = desk.post(reverse("admin:old_record_look_again", args=[old.pk]), follow=True)
    assert "Karbon is asked" in response.content.decode()
    assert Refresh.objects.get().contact == old.karbon and rings


def test_a_name_that_stopped_fitting_offers_to_correct_the_kind(desk):
    held = {"karbon": {"name": {"source": "Marsh Ltd", "reason": "It does not look like the name of a person."}}}
    link = factories.pair(held=held)
    assert page(link) in desk.get(reverse("admin:contacts_link_change", args=[link.pk])).content.decode()
