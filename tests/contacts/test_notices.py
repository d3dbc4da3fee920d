"""What events lead to: a read per contact, one task in the queue, and nothing at all when they are repeated."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from contacts import bell, mirror, notices
from contacts.models import Bell, Refresh, RemoteContact
from contacts.notices import Event
from contacts.values import Presence, System

NOW = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)


def known(number: int) -> RemoteContact:
    return RemoteContact.objects.create(system=System.XERO, remote_id=f"id-{number}", read_began_at=NOW)


@pytest.fixture
def committing(django_capture_on_commit_callbacks):
    """Take events as a web process does, whose transactions end."""

    def take(*events: Event) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            notices.take(System.XERO, events)

    return take


def test_a_burst_is_one_read_per_contact_and_one_task_in_the_queue(db, committing):
    for number in range(3):
        known(number)
    for second in range(50):
        committing(Event(f"id-{second % 3}", NOW + timedelta(seconds=second)))
    assert (Refresh.objects.count(), OrmQ.objects.count(), Bell.objects.count()) == (3, 1, 1)


def test_a_task_that_has_begun_is_rung_for_again(db, committing):
    known(1)
    committing(Event("id-1", NOW))
    OrmQ.objects.all().delete()
    bell.answered(bell.LOOK)
    committing(Event("id-1", NOW + timedelta(seconds=1)))
    assert OrmQ.objects.count() == 1


def test_a_ring_that_was_lost_is_repeated_after_a_while(db, committing):
    known(1)
    Bell.objects.create(task=bell.LOOK, rung_at=timezone.now() - bell.PATIENCE - timedelta(seconds=1))
    committing(Event("id-1", NOW))
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize("seconds", [0, -60])
def test_an_event_repeated_or_overtaken_after_the_read_asks_for_nothing(db, committing, seconds):
    contact = known(1)
    committing(Event("id-1", NOW))
    Refresh.objects.all().delete()
    bell.answered(bell.LOOK)
    OrmQ.objects.all().delete()
    committing(Event("id-1", NOW + timedelta(seconds=seconds)))
    assert (Refresh.objects.count(), OrmQ.objects.count()) == (0, 0)
    committing(Event("id-1", NOW + timedelta(seconds=1)))
    assert Refresh.objects.get().contact == contact


def test_an_event_from_the_future_does_not_silence_those_to_come(db, committing):
    known(1)
    committing(Event("id-1", timezone.now() + timedelta(days=999)))
    Refresh.objects.all().delete()
    committing(Event("id-1", timezone.now()))
    assert Refresh.objects.count() == 1


def test_events_without_a_time_always_ask(db, committing):
    known(1)
    for _ in range(2):
        committing(Event("id-1"))
        assert Refresh.objects.count() == 1
        Refresh.objects.all().delete()


def test_strangers_leave_no_rows_and_ask_for_the_lists_once_per_event(db, committing):
    for number in range(20):
        committing(Event(f"stranger-{number}", NOW))
    assert (Refresh.objects.count(), RemoteContact.objects.count()) == (0, 0)
    assert list(Bell.objects.values_list("task", flat=True)) == [bell.CHECK] and OrmQ.objects.count() == 1
    bell.answered(bell.CHECK)
    committing(Event("stranger-1", NOW))
    assert OrmQ.objects.count() == 1
    committing(Event("stranger-1", NOW + timedelta(seconds=1)))
    assert OrmQ.objects.count() == 2


def test_events_do_not_hurry_the_second_look_at_a_contact_that_was_not_there(db, committing):
    contact = known(1)
    mirror.ask_refreshes([contact], reason="list")
    mirror.settle_refresh(Refresh.objects.get(), None)
    committing(Event("id-1", timezone.now()))
    assert mirror.due_refreshes(System.XERO, 9) == []
    contact.refresh_from_db()
    assert contact.presence == Presence.PRESENT
