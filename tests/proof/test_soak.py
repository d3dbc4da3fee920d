"""What the soak prints and what it ends with, with tellers that tell no real stories."""

import os
from collections import Counter
from multiprocessing.queues import Queue
from typing import Any

import pytest

from tests.proof import soak
from tests.proof.soak import Told

COUNTS = Counter(
    {
        "story": 2, "step": 1234, "kill before send": 3, "kill after write": 4, "fault drop_reply": 5, "fault error 503": 6,
        "fault drop_request": 7, "lost reply of a write": 4, "lost reply of a read": 1, "lost request of a write": 7,
    }
)  # fmt: skip


def content(seeds: list[int], until: float, told: "Queue[Told]", stop: Any) -> None:
    told.put(Told(os.getpid(), COUNTS))


def one_fails(seeds: list[int], until: float, told: "Queue[Told]", stop: Any) -> None:
    told.put(Told(seeds[0] if seeds else os.getpid(), COUNTS, "AssertionError: the email was lost\n"))


def dies(seeds: list[int], until: float, told: "Queue[Told]", stop: Any) -> None:
    os._exit(3)


def lines(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


def test_the_table_tells_steps_kills_faults_and_lost_replies_each_by_itself_and_every_seed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert soak.main(["--minutes", "0.1"], content) == 0
    told = lines(capsys.readouterr().out)
    for total in ("2,468 steps", "14 kills", "36 faults", "10 lost replies", "14 lost requests"):
        assert told.count(total) == 1
    assert "6 kill before send" in told and "8 lost reply of a write" in told and "2 lost reply of a read" in told
    assert told[-1].startswith("seeds ") and len(told[-1].split(", ")) == soak.PROCESSES


def test_a_failure_is_told_with_its_seed_and_how_to_see_it_again_and_ends_with_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert soak.main(["--seed", "77"], one_fails) == 1
    printed = capsys.readouterr().out
    assert "1,234 steps" in lines(printed) and "seeds 77" in lines(printed)
    assert "Seed 77 fails. Again: python -m tests.proof.soak --seed 77\nAssertionError: the email was lost" in printed


def test_a_teller_that_dies_without_a_word_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["--minutes", "0.1"], dies) == 1
    assert "died in the middle of a story, with 3, 3" in capsys.readouterr().out
