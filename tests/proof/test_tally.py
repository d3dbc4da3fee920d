"""What is counted is what happened."""

import pytest

from tests.proof.stage import Stage
from tests.proof.tally import TALLY
from tests.proof.test_breakages import WRITE, Script


@pytest.mark.parametrize("what", ["reply", "request"])
def test_a_lost_reply_and_a_lost_request_are_told_apart(stage: Stage, what: str) -> None:
    story = Script(stage)
    story.edit("xero", 11)
    stage.control("POST", "/faults", {**WRITE["karbon"], "kind": f"drop_{what}"})
    TALLY.clear()
    story.check()
    assert TALLY[f"lost {what} of a write"] == TALLY[f"fault drop_{what}"] == 1
    assert [told for told in TALLY if told.startswith("lost")] == [f"lost {what} of a write"]


def test_an_ordered_fault_that_strikes_no_call_is_not_counted(stage: Stage) -> None:
    story = Script(stage)
    story.lose_reply("karbon")
    TALLY.clear()
    story.check()
    assert not [told for told in TALLY if told.startswith(("fault", "lost"))]
