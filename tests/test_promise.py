"""When a decision is still the one that was shown: the pure rule behind what is held after Start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karbonsync.models import PreviewRow
from karbonsync.promise import CARRIED_OUT, Seen, differs

OUTCOMES = st.sampled_from(PreviewRow.Outcome.values)
VALUES = st.none() | st.fixed_dictionaries(
    {}, optional={"name": st.text(max_size=3), "billing_email": st.text(max_size=3)}
)
SEEN = st.builds(Seen, OUTCOMES, st.none() | st.integers(1, 3), VALUES, VALUES)
FULL = Seen("full", 7, {"name": "Harbour", "billing_email": "a@b.example"}, {"name": "Harbour"})


@given(SEEN)
def test_what_is_as_it_was_shown_is_carried_out(shown: Seen) -> None:
    assert differs(shown, shown) == ""


@given(SEEN, SEEN)
def test_what_waits_for_a_person_anyway_is_never_held_twice(shown: Seen, now: Seen) -> None:
    if now.outcome not in CARRIED_OUT:
        assert differs(shown, now) == ""
    elif shown.outcome != now.outcome or shown.karbon_id != now.karbon_id:
        assert differs(shown, now)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (Seen("new", None, FULL.xero), "it was “Full match”, now it would be “New in Karbon”"),
        (Seen("full", 8, FULL.xero, FULL.karbon), "it would be linked to another Karbon contact"),
        (Seen("full", 7, {"name": "Harbour"}, FULL.karbon), "the billing email in Xero"),
        (Seen("full", 7, FULL.xero, {"name": "Port"}), "the name in Karbon"),
    ],
)
def test_the_reason_says_what_is_not_as_it_was(now: Seen, why: str) -> None:
    assert differs(FULL, now) == why


def test_blank_and_absent_are_the_same() -> None:
    assert differs(Seen("new", None, {"name": "A", "billing_email": ""}), Seen("new", None, {"name": "A"})) == ""
