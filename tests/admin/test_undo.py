"""Undo: of a change, of a link, of an unsync, of a check."""

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.models import Change, RemoteContact
from karbonsync.models import Run, SafetyStop
from tests.admin import factories
from tests.admin.test_lists import HOSTILE, queries


def url(name, *args) -> str:
    return reverse(f"admin:{name}", args=args)


def renamed(**more) -> Change:
    pair = factories.pair(None, factories.karbon("New name"))
    return factories.change(pair, **{"shown": {"name": "New name"}, **more})


def test_a_change_goes_back_after_asking(desk):
    change = renamed()
    assert url("undo_change", change.pk) in desk.get(url("contacts_change_change", change.pk)).content.decode()
    assert url("undo_change", change.pk) in desk.get(url("contacts_link_change", change.link_id)).content.decode()
    assert "New name → Old name" in desk.get(url("undo_change", change.pk)).content.decode()
    response = desk.post(url("undo_change", change.pk), follow=True)
    change.link.refresh_from_db()
    assert change.link.wishes["karbon"]["name"]["value"] == "Old name"
    assert "1 value goes back." in response.content.decode()
    assert "was undone already" in desk.post(url("undo_change", change.pk), follow=True).content.decode()


def test_a_value_edited_since_is_left_and_said(desk):
    change = renamed(shown={"name": "Something else"}, after={"name": "Something else"})
    response = desk.post(url("undo_change", change.pk), follow=True)
    assert "it was edited since" in response.content.decode()


def test_a_link_is_taken_back(desk):
    change = renamed(purpose="link")
    assert "New name → Old name" in desk.get(url("undo_link", change.link_id)).content.decode()
    desk.post(url("undo_link", change.link_id))
    change.link.refresh_from_db()
    assert change.link.state == "unsynced"
    assert "Somebody was faster" in desk.post(url("undo_link", change.link_id), follow=True).content.decode()


def test_an_unsync_is_taken_back(desk):
    pair = factories.unsynced()
    assert "Take the unsync back" in desk.get(url("unsynced_pair", pair.pk)).content.decode()
    desk.post(url("link_resume", pair.pk))
    pair.refresh_from_db()
    assert pair.state == "live"
    assert "no longer unsynced" in desk.post(url("link_resume", pair.pk), follow=True).content.decode()


def test_a_check_is_undone_with_what_it_sent(desk):
    run = Run.objects.create(ended_at=timezone.now())
    change = renamed(check_number=run.pk, request_id="req-1")
    shown = desk.get(url("karbonsync_run_change", run.pk)).content.decode()
    assert "Old name" in shown and url("undo_check", run.pk) in shown and "req-1" in shown
    assert "values go back: 1" in desk.get(url("undo_check", run.pk)).content.decode()
    response = desk.post(url("undo_check", run.pk), follow=True)
    change.link.refresh_from_db()
    assert change.link.wishes and "1 value goes back." in response.content.decode()


def test_an_undone_creation_in_karbon_is_listed_until_somebody_decides_or_it_is_gone(desk):
    run = Run.objects.create(ended_at=timezone.now())
    created = factories.change(action="create", check_number=run.pk)
    places = url("karbonsync_run_change", run.pk), url("match_issues") + "?tab=unsynced"
    desk.post(url("undo_change", created.pk))
    for place in places:
        assert "To be deleted in Karbon" in desk.get(place).content.decode()
    shown = desk.get(url("contacts_link_change", created.link_id)).content.decode()
    assert "Undone" in shown and url("undo_change", created.pk) not in shown
    assert "was undone already" in desk.post(url("undo_change", created.pk), follow=True).content.decode()
    RemoteContact.objects.filter(system="karbon").update(presence="gone")
    for place in places:
        assert "To be deleted in Karbon" not in desk.get(place).content.decode()


@pytest.mark.parametrize("name", ["undo_change", "undo_link", "link_resume", "undo_check"])
def test_strangers_undo_nothing(name, onlooker):
    change = renamed()
    run = Run.objects.create()
    number = {"undo_change": change.pk, "undo_check": run.pk}.get(name, change.link_id)
    assert onlooker.post(url(name, number)).status_code == 403


def test_the_page_of_a_check_takes_the_same_number_of_queries_for_3_and_30_changes(desk):
    run = Run.objects.create(ended_at=timezone.now())
    page = url("karbonsync_run_change", run.pk)
    counted = []
    for number in (3, 27):
        for _ in range(number):
            change = renamed(check_number=run.pk)
            change.link.check_number = run.pk
            change.link.save()
        desk.get(page)
        counted.append(queries(desk, page))
    assert counted[0] == counted[1] <= 20


def test_hostile_names_stay_text_on_every_page_that_asks(desk):
    run = Run.objects.create(ended_at=timezone.now())
    live = factories.pair(factories.xero(HOSTILE), factories.karbon(HOSTILE))
    change = factories.change(live, before={"name": HOSTILE}, after={"name": HOSTILE}, check_number=run.pk, purpose="link")  # fmt: skip
    gone = factories.karbon(HOSTILE, presence="gone")
    stopped = factories.pair(factories.xero(HOSTILE), gone, state="stopped", problem=HOSTILE)
    free, other = factories.karbon(HOSTILE), factories.xero(HOSTILE)
    refused = factories.refused(factories.karbon(HOSTILE), problem=HOSTILE)
    SafetyStop.objects.create(kind="changes", reason=HOSTILE)
    for page in (
        url("undo_change", change.pk),
        url("undo_link", live.pk),
        url("undo_check", run.pk),
        url("karbonsync_run_change", run.pk),
        url("contacts_link_change", stopped.pk) + "?q=script",
        url("stopped_relink", stopped.pk, free.pk),
        url("stopped_make_again", stopped.pk),
        url("stopped_archive", stopped.pk),
        url("contacts_link_change", refused.pk),
        url("clash_link", refused.pk, other.pk),
        url("paused"),
    ):
        shown = desk.get(page)
        assert shown.status_code == 200, page
        assert "<script>alert" not in shown.content.decode() and "<img src=x" not in shown.content.decode(), page


@pytest.mark.parametrize(
    ("reason", "said"),
    [("both", "to different values"), ("unsure", "whether it arrived"), ("cleared", "cleared on one side"), ("flapping", "back and forth between")],
)  # fmt: skip
def test_a_question_says_why_a_person_decides(reason, said, desk):
    conflict = factories.conflict()
    conflict.reason, conflict.agreed, conflict.xero_changed_at = reason, {"xero": "agreed@x.example"}, timezone.now()
    conflict.save()
    shown = desk.get(url("contacts_fieldconflict_change", conflict.pk)).content.decode()
    assert said in shown and "agreed@x.example" in shown and "Neither service tells who" in shown
