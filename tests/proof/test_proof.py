"""Random histories over the real pipeline and both services: nothing is lost, doubled or invented, whatever dies."""

import os

import pytest

from tests.proof.run import run
from tests.proof.stage import Stage
from tests.proof.tally import TALLY, table

STORIES = int(os.environ.get("PROOF_EXAMPLES", "6"))
STEPS = int(os.environ.get("PROOF_STEPS", "25"))


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_in_whatever_order_both_sides_come_to_rest_with_nothing_lost(stage: Stage, seed: int) -> None:
    TALLY.clear()
    run(stage, seed, stories=STORIES, steps=STEPS)
    assert TALLY["story"] >= STORIES and TALLY["step"] > TALLY["story"]
    print(table(TALLY, [seed]))
