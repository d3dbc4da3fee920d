"""The pure parts of the call budget, and how moments are said."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts import budget
from contacts.budget import Day, Limits
from contacts.values import System
from karbonsync import forecast

KARBON = Limits(windows=((60.0, 99), (10.0, 16)))


@given(st.lists(st.floats(0, 5), min_size=1, max_size=400))
def test_however_calls_come_no_window_ever_holds_more_than_it_may(pauses: list[float]) -> None:
    now, made = 1000.0, list[float]()
    for pause in pauses:
        now += pause
        now += budget.wait(made, {}, KARBON, now)
        made.append(now)
    for length, most in KARBON.windows:
        for moment in made:
            assert sum(moment <= other < moment + length for other in made) <= most + 1  # the edge itself, rounded


def test_a_call_that_fits_waits_for_nothing() -> None:
    assert budget.wait([], {}, KARBON, 5.0) == 0.0
    assert budget.wait([1.0] * 15, {}, KARBON, 5.0) == 0.0
    assert budget.wait([1.0] * 16, {}, KARBON, 5.0) == 6.0
    assert budget.wait([], {"a": 9.0}, Limits(at_once=1), 5.0) > 0
    assert budget.wait([], {"a": 4.0}, Limits(at_once=1), 5.0) == 0.0


@pytest.mark.parametrize(
    ("left", "seconds", "cost", "apart"),
    [
        (1440, 86_400, 1, 120),
        (18, 86_400, 1, 9_600),
        (18, 86_400, 3, 28_800),
        (0, 5_000, 1, 5_000),
        (855, 43_200, 1, 101),
    ],
)
def test_polls_lie_so_far_apart_that_half_of_what_is_left_suffices(
    left: int, seconds: int, cost: int, apart: int
) -> None:
    assert round(budget.interval(left, seconds, cost, 0.5)) == apart


def test_reading_in_the_background_leaves_room_for_the_write_and_for_people(settings) -> None:
    settings.KARBON_CALLS_PER_MINUTE, settings.XERO_CALLS_PER_DAY = 110, 950
    reading, writing, person = (
        dict(budget.limits_of(System.KARBON, for_person=person, is_write=write).windows)[10.0]
        for person, write in ((False, False), (False, True), (True, False))
    )
    assert (reading, writing, person) == (14, 16, 18)
    assert budget.limits_of(System.XERO).kept_back == 95
    assert budget.limits_of(System.XERO, for_person=True).kept_back == 0


def test_moments_are_said_as_people_say_them(monkeypatch, settings) -> None:
    settings.TIME_ZONE = "UTC"
    now = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
    monkeypatch.setattr(budget.timezone, "now", lambda: now)
    assert budget.in_words(now + timedelta(hours=1)) == "21:00"
    assert budget.in_words(now + timedelta(hours=13, minutes=14)) == "09:14 tomorrow"
    assert budget.in_words(now + timedelta(hours=40)) == "12:00 on Wednesday 4 March"


def test_the_time_left_follows_the_pace_and_the_days() -> None:
    free = Day(0, None, None, None)
    assert forecast.time_left(990, 99, free, 0, 0) == timedelta(minutes=10)
    today = Day(8, 10, None, None)
    assert forecast.time_left(10, 0, today, 18, 3600) == timedelta(0)
    assert forecast.time_left(28, 0, today, 18, 3600) == timedelta(hours=1)
    assert forecast.time_left(29, 0, today, 18, 3600) == timedelta(hours=25)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(1, ""), (11, "about 11 minutes left"), (150, "about 2 hours left"), (2880, "about 2 days left")],
)
def test_the_time_left_is_said_in_the_unit_that_fits(minutes: int, said: str) -> None:
    assert forecast.in_words(timedelta(minutes=minutes)) == said
