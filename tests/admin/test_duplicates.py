"""Likely duplicates inside one service: what tells two apart, what people say, and the search behind it."""

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.models import RemoteContact
from contacts.values import Presence, System
from matching import duplicate_pairs
from matching.duplicates import Duplicate
from matching.models import DuplicatePair, DuplicateSearch, NotDuplicates
from tests.admin import factories


def found(one: RemoteContact, other: RemoteContact) -> Duplicate:
    return Duplicate(one, other, 0.9, ("same name",), ())


def page(desk, system: str = "karbon"):
    return desk.get(reverse("admin:duplicates"), {"system": system})


def deny(desk, pair: DuplicatePair):
    return desk.post(
        reverse("admin:duplicates_not_the_same"), {"first": pair.second_id, "second": pair.first_id}, follow=True
    )


def test_the_page_tells_what_differs_and_what_each_is_linked_to(desk):
    link = factories.pair(factories.xero("Harbour Joinery Limited"), factories.karbon("Harbour Joinery", "a@b.example"))
    factories.duplicates(link.karbon, factories.karbon("Harbour Joinery", "c@d.example"))
    text = page(desk).content.decode()
    assert "a@b.example" in text and "c@d.example" in text and "Billing email" in text
    assert "Harbour Joinery Limited" in text and reverse("admin:contacts_link_change", args=[link.pk]) in text
    assert "merged in Karbon" in text


def test_two_that_differ_in_nothing_are_told_apart_by_their_identifiers(desk):
    pair = factories.duplicates()
    text = page(desk).content.decode()
    assert "Nothing we can see" in text and pair.first.remote_id in text and pair.second.remote_id in text


def test_what_was_called_different_is_never_shown_again(desk, staff):
    pair = factories.duplicates()
    deny(desk, pair)
    assert NotDuplicates.objects.get().by == staff
    assert "No likely duplicates" not in page(desk).content.decode()  # nobody has searched yet
    both = [found(pair.second, pair.first), found(pair.first, factories.karbon())]
    assert duplicate_pairs.search(System.KARBON, lambda system: both) == 1
    assert not DuplicatePair.objects.filter(second=pair.second).exists()


def test_a_second_no_is_told_kindly(desk):
    pair = factories.duplicates()
    deny(desk, pair)
    assert "Somebody was faster" in deny(desk, pair).content.decode()


def test_two_of_different_services_are_no_duplicates(desk):
    form = {"first": factories.xero().pk, "second": factories.karbon().pk}
    shown = desk.post(reverse("admin:duplicates_not_the_same"), form, follow=True).content.decode()
    assert "not two contacts of one service" in shown


def test_a_pair_of_which_one_is_gone_is_not_shown(desk):
    factories.duplicates(factories.karbon(presence=Presence.GONE))
    assert page(desk).context["rows"] == []


def test_a_search_replaces_the_rows_of_its_system_as_a_whole(db):
    old, other = factories.duplicates(), factories.duplicates(factories.xero(), factories.xero())
    third = factories.karbon()
    duplicate_pairs.search(System.KARBON, lambda system: [found(third, old.first)])
    assert set(DuplicatePair.objects.values_list("first", "second")) == {
        (old.first_id, third.pk),
        (other.first_id, other.second_id),
    }
    latest = DuplicateSearch.objects.get(system="karbon")
    assert latest.ended_at and not latest.is_running


def test_a_search_that_fails_leaves_the_rows_and_says_so(db):
    factories.duplicates()

    def fail(system):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        duplicate_pairs.search(System.KARBON, fail)
    assert DuplicatePair.objects.count() == 1
    assert "unexpected fault" in DuplicateSearch.objects.get().problem


def test_a_search_under_way_is_not_begun_again(desk, monkeypatch, django_capture_on_commit_callbacks):
    asked = []
    monkeypatch.setattr("matching.duplicate_pairs._ring", asked.append)
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(reverse("admin:duplicates_search"), {"system": "karbon"})
    assert asked == [System.KARBON]
    assert "Searching." in page(desk).content.decode()
    response = desk.post(reverse("admin:duplicates_search"), {"system": "karbon"}, follow=True)
    assert "under way already" in response.content.decode()
    DuplicateSearch.objects.update(began_at=timezone.now() - 2 * duplicate_pairs.GIVEN_UP_AFTER)
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(reverse("admin:duplicates_search"), {"system": "karbon"})
    assert len(asked) == 2


def test_the_search_finds_copies_and_leaves_namesakes_of_the_other_service_alone(db):
    one, other = factories.karbon("Harbour Joinery Limited"), factories.karbon("Harbour Joinery Ltd")
    factories.karbon("Zenith Plumbing Limited", "office@zenith.example")
    factories.xero("Harbour Joinery Limited")
    assert duplicate_pairs.search(System.KARBON) == 1
    made = DuplicatePair.objects.get()
    assert (made.first, made.second) == (one, other) and made.reasons
