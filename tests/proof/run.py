"""Runs the machine with a seed: the same seed tells the same stories."""

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.internal.conjecture import engine
from hypothesis.stateful import run_state_machine_as_test

from tests.proof.machine import Histories
from tests.proof.stage import Stage

SHRINK_SECONDS = 25


def run(stage: Stage, number: int, *, stories: int, steps: int, shrink: bool = True) -> None:
    """Tell so many stories of so many steps; raise what the oracle says against the shortest of those that fail."""

    engine.MAX_SHRINKING_SECONDS = SHRINK_SECONDS

    class Seeded(Histories):
        pass

    Seeded.stage = stage
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    run_state_machine_as_test(
        seed(number)(Seeded),
        settings=settings(
            max_examples=stories,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            report_multiple_bugs=False,
            verbosity=Verbosity.normal,
        ),
    )
