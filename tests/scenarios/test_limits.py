"""Both services limit our calls: how we stay within, whatever is to be done, and go on by ourselves."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from unittest import mock

import pytest
from django.utils import timezone

from contacts import api, budget, links, mirror
from contacts.models import Budget, Change, Link
from contacts.remote import Unavailable
from contacts.values import Kind, System
from karbonsync import check_contact, dashboard, forecast, pacing, pipeline, tasks
from karbonsync.lease import Held
from karbonsync.models import Cursor
from karbonsync.pipeline import Pipeline
from tests.proof.stage import Time
from tests.scenarios.conftest import World
from xero import oauth

DAY = timedelta(days=1)


@pytest.fixture
def time(world: World, settings) -> Iterator[Time]:
    """One clock for both services and for us, which moves when it is told, and while we wait."""
    clock = Time()
    settings.KARBON_CALLS_PER_MINUTE, settings.XERO_CALLS_PER_MINUTE, settings.XERO_CALLS_AT_ONCE = 110, 55, 5
    patches = [
        mock.patch.object(timezone, "now", clock.now),
        mock.patch.object(api, "time", clock),
        mock.patch.object(oauth, "time", clock),
        mock.patch.object(world.box.clock, "now", lambda: clock.at),
    ]
    for patch in patches:
        patch.start()
    yield clock
    for patch in patches:
        patch.stop()


def check(time: Time) -> list[str]:
    """One check, as the task runner starts it each minute."""
    before = time.at
    lease = Held(tasks.LEASE)
    assert lease.take()
    counts, errors = tasks.run_check(lease)
    lease.drop()
    if counts.go_on_in is not None and counts.go_on_in <= api.PACE_SECONDS:
        return [*errors, "There is more to do at once."]
    time.at = max(time.at, before + 60)
    return errors


def refusals(world: World) -> list[str]:
    return [f"{call['system']} {call['path']}" for call in world.calls() if call["status"] == 429]


def xero_calls_per_day(world: World, first: float) -> Counter[int]:
    calls = world.calls(system="xero", path="/api.xro/")
    return Counter(int((at_of(call) - first) // 86_400) for call in calls)


def at_of(call: dict) -> float:
    at = call["at"]
    return at if isinstance(at, int | float) else datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()


@pytest.mark.large
def test_3000_contacts_with_20_xero_calls_a_day_are_imported_within_both_budgets(
    world: World, time: Time, settings
) -> None:
    world.control(
        "POST", "/reset", {"world": {"xero": 3000, "karbon": 2850, "overlap": 0.25, "conflicts": 0.7, "seed": 7}}
    )
    world.switch(rateLimits=True, xeroDayLimit=20)
    settings.XERO_CALLS_PER_DAY = 20
    began = time.at
    world.connect()
    for _ in range(9):  # the day was half used before the import began
        pipeline.connect()[System.XERO].glance()
    days_said, time_left = [], ""
    for _ in range(400):
        errors = check(time)
        day = budget.day(System.XERO)
        if day.closed_until and budget.closed_in_words(System.XERO, day):
            days_said.append(errors)
            time_left = time_left or forecast.said()
            time.at = day.closed_until.timestamp() + 1  # the next day: nobody presses anything
        if not errors and not Change.objects.filter(state__in=Change.OPEN).exists():
            break
    else:
        raise AssertionError("the import does not end")
    assert refusals(world) == []
    per_day = xero_calls_per_day(world, began)
    assert len(per_day) >= 2 and max(per_day.values()) <= 18  # the other two are kept for people
    assert days_said and "left" in time_left
    truth = Counter(row["category"] for row in world.control("GET", "/truth"))
    linked = Link.objects.filter(state=Link.State.LIVE).count()
    print(
        f"{sum(per_day.values())} Xero calls in {len(per_day)} days, {len(world.calls(system='karbon'))} Karbon calls, {linked} linked of {dict(truth)}"
    )
    assert linked >= truth["full"]


def test_many_creations_go_out_one_after_another_at_our_pace_in_one_check(world: World, time: Time) -> None:
    for number in range(40):
        world.add_xero(f"Firm Number {number} Limited", f"office{number}@firm.example")
    world.connect()
    world.switch(rateLimits=True)
    began = time.at
    assert check(time) == []
    moments = [at_of(call) for call in world.calls(system="karbon", method="POST")]
    assert len(moments) == 40 and moments[-1] - moments[0] > 20 and moments[-1] - began < 60
    assert refusals(world) == []


def test_a_day_that_xero_closes_is_remembered_shown_and_goes_on_by_itself(world: World, time: Time) -> None:
    contact, key = world.linked_pair()
    budget.block(System.XERO, 66_975, for_the_day=True)
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    world.forget_calls()
    check(time)
    assert world.calls(system="xero") == []
    (xero, _) = dashboard.service_states([])
    assert xero.closed.startswith("Xero takes no more calls until ") and "1 change waits" in xero.closed
    time.at += 66_975
    check(time)
    world.settle()
    world.assert_both(contact, key, email="new@harbour.example")
    (xero, _) = dashboard.service_states([])
    assert xero.closed == ""


def test_a_retry_after_of_hours_that_xero_sends_is_kept(world: World, time: Time) -> None:
    world.linked_pair()
    world.fault(system="xero", path="Contacts", kind="rate_limit", retry_after=66_975, times=1)
    assert check(time) != []
    until = Budget.objects.get(system=System.XERO).blocked_until
    assert until and abs(until.timestamp() - time.at - 66_975) < 120
    world.forget_calls()
    check(time)
    assert world.calls(system="xero") == []


def test_polls_stretch_so_that_the_calls_of_a_day_suffice(world: World, time: Time, settings) -> None:
    world.linked_pair()
    settings.XERO_CALLS_PER_DAY = 20
    world.switch(rateLimits=True, xeroDayLimit=20)
    time.at += 86_400
    world.forget_calls()
    end = time.at + 86_400
    while time.at < end:
        check(time)
        time.at += 1_740
    moments = [at_of(call) for call in world.calls(system="xero", path="/api.xro/")]
    assert 5 <= len(moments) <= 18 and refusals(world) == []
    apart = [later - earlier for earlier, later in pairwise(moments[1:])]
    assert min(apart) > 1_700
    assert [call["status"] for call in world.calls(system="karbon") if call["status"] != 200] == []


def test_what_a_webhook_names_is_read_at_once_though_polls_are_stretched(world: World, time: Time, settings) -> None:
    contact, key = world.linked_pair()
    settings.XERO_CALLS_PER_DAY = 50
    check(time)
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    mirror.ask_refreshes([world.mirrored(System.XERO, contact)], reason="webhook")
    world.forget_calls()
    check(time)
    assert len(world.calls(system="xero")) == 1
    assert world.in_karbon(key)["email"] == "new@harbour.example"


def test_people_still_read_a_contact_when_background_work_has_no_calls_left(world: World, time: Time, settings) -> None:
    contact, _ = world.linked_pair()
    settings.XERO_CALLS_PER_DAY = 20
    Budget.objects.update_or_create(system=System.XERO, defaults={"day_calls": 18, "day_ends_at": timezone.now() + DAY})
    world.edit_xero(contact, EmailAddress="new@harbour.example")
    world.forget_calls()
    assert check(time) == [] and world.calls(system="xero") == []
    told = check_contact.check(world.mirrored(System.XERO, contact))
    assert told == [
        (True, "Read from Xero: changed since we last looked: billing email."),
        (True, "Read from Karbon: nothing had changed."),
    ]
    check_contact.check(world.mirrored(System.XERO, contact))
    (is_well, said), _ = check_contact.check(world.mirrored(System.XERO, contact))
    assert not is_well and said.startswith("Xero was not read. Xero takes no more calls until")


def test_what_a_person_asked_for_is_sent_when_background_work_has_no_calls_left(
    world: World, time: Time, settings
) -> None:
    contact, key = world.linked_pair()
    bakery = world.add_organisation("Ōtaki Bakery", "hello@bakery.example")
    check(time)
    world.edit_karbon(key, FullName="Harbour Joinery Nelson Limited")
    settings.XERO_CALLS_PER_DAY = 20
    nearly_over = {"day_calls": 18, "day_ends_at": timezone.now() + DAY}
    Budget.objects.update_or_create(system=System.XERO, defaults=nearly_over)
    newcomer = world.mirrored(System.KARBON, bakery)
    links.create_counterparts([links.Wanted(newcomer, Kind.ORGANISATION, by=world.by)])
    for _ in range(3):
        check(time)
    names = {found["Name"] for found in world.state()["xero"]["contacts"]}
    assert names == {"Harbour Joinery Limited", "Ōtaki Bakery"}, "its own edits wait for the next day's calls"
    assert world.in_xero(contact)["name"] == "Harbour Joinery Limited"


def test_check_now_looks_at_once_though_polls_are_stretched(world: World, time: Time, settings) -> None:
    world.linked_pair()
    settings.XERO_CALLS_PER_DAY = 50
    check(time)
    world.forget_calls()
    check(time)
    assert world.calls(system="xero") == []
    pacing.look_now()
    check(time)
    assert len(world.calls(system="xero")) == 1


def test_a_check_asked_for_while_the_list_is_being_read_is_not_lost(world: World, time: Time, settings) -> None:
    world.linked_pair()
    settings.XERO_CALLS_PER_DAY = 50
    Cursor.objects.update(next_poll_at=None, walk_due=True)
    asked = []
    Pipeline(pipeline.connect(), lambda step, progress: asked.append(ask_meanwhile(progress))).pull_both()
    assert len(asked) >= 2
    asked_at = timezone.now()
    world.forget_calls()
    check(time)
    assert len(world.calls(system="xero")) == 1
    assert Cursor.objects.get(system=System.KARBON).walked_at >= asked_at


def ask_meanwhile(progress: str) -> None:
    """While Xero is read somebody presses "Check now"; while Karbon is, the watch finds that events were lost."""
    if progress.startswith("Xero"):
        Cursor.objects.filter(system=System.XERO).update(next_poll_at=None)
    else:
        Cursor.objects.filter(system=System.KARBON).update(walk_due=True)


def test_a_sixth_call_at_once_waits_for_its_turn(world: World, time: Time) -> None:
    world.connect()
    tokens = [budget.spend(System.XERO, for_person=True) for _ in range(5)]
    with pytest.raises(budget.Paced):
        budget.spend(System.XERO, for_person=True)
    budget.finish(System.XERO, tokens[0], None)
    assert budget.spend(System.XERO, for_person=True)
    time.at += budget.HELD_AT_MOST  # whose processes died
    assert budget.spend(System.XERO, for_person=True)


def test_what_the_service_says_is_left_counts_for_more_than_our_own_count(world: World, time: Time, settings) -> None:
    settings.XERO_CALLS_PER_DAY = 1000
    budget.finish(System.XERO, budget.spend(System.XERO), 102)
    day = budget.day(System.XERO)
    assert (day.used, day.left) == (1, 2)
    budget.finish(System.XERO, budget.spend(System.XERO), 100)
    with pytest.raises(Unavailable, match="takes no more calls until"):
        budget.spend(System.XERO)
    assert budget.spend(System.XERO, for_person=True)
    budget.finish(System.XERO, budget.spend(System.XERO, for_person=True), 999)  # its day began anew
    assert budget.day(System.XERO).left == 899
