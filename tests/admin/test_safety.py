"""Paused for safety: the banner, the page, and what a person says."""

import pytest
from django.urls import reverse

from contacts.models import Change, Link, RemoteContact
from karbonsync.models import SafetyStop
from tests.admin import factories


@pytest.fixture
def pause(db) -> SafetyStop:
    return SafetyStop.objects.create(kind="changes", reason="Very <b>many</b> pairs changed.")


def url(name, pause) -> str:
    return reverse(f"admin:paused_{name}", args=[pause.pk])


@pytest.mark.parametrize("name", ["index", "contacts_link_changelist", "match_issues", "paused"])
def test_every_page_says_that_it_is_paused(name, desk, pause):
    shown = desk.get(reverse(f"admin:{name}")).content.decode()
    assert 'role="alert"' in shown and "Very &lt;b&gt;many" in shown and reverse("admin:paused") in shown


def test_no_banner_while_nothing_is_paused(desk):
    assert "ks-banner" not in desk.get(reverse("admin:index")).content.decode()
    assert "Nothing is paused" in desk.get(reverse("admin:paused")).content.decode()


def test_the_page_lists_what_would_be_put_back(desk, pause):
    factories.change()
    shown = desk.get(reverse("admin:paused")).content.decode()
    assert "Old name" in shown and "New name" in shown and "brake" not in shown


def test_it_was_meant(desk, staff, pause, rings):
    desk.post(url("go_on", pause))
    pause.refresh_from_db()
    assert not pause.is_open and pause.closed_by == staff and rings
    assert "It was meant" in desk.get(reverse("admin:paused")).content.decode()


def test_very_many_new_contacts_can_be_left_out(desk):
    pause = SafetyStop.objects.create(kind="creations", reason="Very many new contacts.")
    factories.xero("Old Limited", first_seen_at="2020-01-01T00:00:00Z")
    RemoteContact.objects.update(first_seen_at="2020-01-01T00:00:00Z")
    new, made = factories.xero("New Limited"), factories.pair(factories.xero("Made Limited"))
    waiting = Link.objects.create(xero=new, state="creating", origin="created")
    Change.objects.create(link=waiting, system="karbon", action="create", cause="No match")
    factories.change(made, action="create", after={"name": "Made Limited"}, before={})
    shown = desk.get(reverse("admin:paused")).content.decode()
    assert "Leave the new contacts out of Karbon" in shown and "New Limited" in shown and "former values" not in shown
    response = desk.post(url("put_back", pause), follow=True)
    assert "2 new contacts are left out of Karbon." in response.content.decode()
    for changed in (new, made, waiting):
        changed.refresh_from_db()
    assert (new.left_out, waiting.state, made.state) == (True, "ended", "unsynced")


def test_the_former_values_are_put_back(desk, pause):
    response = desk.post(url("put_back", pause), follow=True)
    pause.refresh_from_db()
    assert not pause.is_open and "former values of 0 pairs" in response.content.decode()


@pytest.mark.parametrize("name", ["go_on", "put_back"])
def test_whoever_comes_second_is_told_and_strangers_are_kept_out(name, desk, onlooker, pause):
    assert onlooker.post(url(name, pause)).status_code == 403
    desk.post(url("go_on", pause))
    assert "Somebody was faster" in desk.post(url(name, pause), follow=True).content.decode()
    assert onlooker.get(reverse("admin:paused")).status_code == 403
