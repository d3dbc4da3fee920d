"""A process dies at each point of a check in turn, before it and after it; then everything still comes to rest.

``PROOF_EVERY=1`` tries each point, as does ``make soak`` by chance; the suite tries every so manieth.
"""

import os
from collections.abc import Callable

import pytest

from contacts.models import Change, Link
from tests.proof.outside import Death
from tests.proof.people import KARBON, XERO, email_for, name_for
from tests.proof.stage import Stage
from tests.proof.tally import count
from tests.proof.test_breakages import Script

EVERY = int(os.environ.get("PROOF_EVERY", "37"))
MOST = 2000


def an_edit(story: Script) -> None:
    """One edit is carried over."""
    story.edit("xero", 11)


def a_newcomer(story: Script) -> None:
    """A contact is created in Karbon."""
    story.people.arrive(XERO, name_for(8, False), email_for(8), person=False, number=8)


def a_full_match(story: Script) -> None:
    """Two who were alone until now are linked."""
    for system in (XERO, KARBON):
        story.people.arrive(system, name_for(9, False), email_for(9), person=False, number=9)


def a_lost_reply(story: Script) -> None:
    """What became of a creation is found out."""
    a_newcomer(story)
    story.lose_reply("creation")
    story.check()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["statement", "call"])
@pytest.mark.parametrize("happening", [an_edit, a_newcomer, a_full_match, a_lost_reply])
def test_a_check_may_die_at_any_point(
    stage: Stage, happening: Callable[[Script], None], kind: str, after: bool
) -> None:
    for number in range(0, MOST, EVERY if kind == "statement" else -(-EVERY // 12)):
        story = Script(stage)
        happening(story)
        story.check(Death(kind, number, after))
        survived = stage.outside.points[kind] < number
        count("every point", kind)
        story.oracle.assert_quiet()
        assert not Change.objects.filter(state__in=Change.OPEN).exists()
        assert not Link.objects.filter(state=Link.State.CREATING).exists()
        if survived:
            return
    raise AssertionError("the check has more points than were tried")
