"""Proves for as long as it is told, with fresh seeds in two processes: ``python -m tests.proof.soak --minutes N``.

Prints how many steps, kills, faults and lost replies were met, and every seed; ends with 1, the seed and the shortest
story at the first failure. ``--seed S`` tells the stories of that seed again.
"""

import argparse
import logging
import multiprocessing
import os
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from queue import Empty
from typing import Any

from tests.proof.tally import table

PROCESSES = 2
STORIES, STEPS = int(os.environ.get("PROOF_EXAMPLES", "10")), int(os.environ.get("PROOF_STEPS", "30"))


@dataclass(frozen=True)
class Told:
    """What one seed came to: the counts of its stories, and the failure if there was one."""

    seed: int
    counts: Counter[str]
    failure: str = ""


Teller = Callable[[list[int], float, "Queue[Told]", Any], None]


def tell(seeds: list[int], until: float, told: "Queue[Told]", stop: Any) -> None:
    """Tell the stories of these seeds, or of fresh ones until the time is up."""
    import tests.environment  # noqa: F401

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "karbonsync.settings")
    import django

    django.setup()
    logging.disable(logging.CRITICAL)
    from tests.proof.run import run
    from tests.proof.stage import Stage
    from tests.proof.tally import TALLY

    dice = random.SystemRandom()
    with Stage() as stage:
        while (seeds or time.monotonic() < until) and not stop.is_set():
            seed = seeds.pop() if seeds else dice.randrange(10**9)
            TALLY.clear()
            try:
                run(stage, seed, stories=STORIES, steps=STEPS)
            except BaseException as failure:
                told.put(Told(seed, Counter(TALLY), "".join(traceback.format_exception(failure))))
                return
            told.put(Told(seed, Counter(TALLY)))
            if not seeds and until == 0:
                return


def main(given: Sequence[str] | None = None, teller: Teller = tell) -> int:
    """Let tellers tell, and return what the process ends with: 1 where a story failed, or a teller died."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--minutes", type=float, default=float(os.environ.get("SOAK_MINUTES", "5")))
    words.add_argument("--seed", type=int, help="tell only the stories of this seed")
    chosen = words.parse_args(given)
    context = multiprocessing.get_context("spawn")
    told: Queue[Told] = context.Queue()
    stop = context.Event()
    seeds = [] if chosen.seed is None else [chosen.seed]
    until = 0.0 if seeds else time.monotonic() + chosen.minutes * 60
    tellers = [
        context.Process(target=teller, args=(list(seeds), until, told, stop)) for _ in range(1 if seeds else PROCESSES)
    ]
    for one in tellers:
        one.start()
    return _listen(tellers, told, stop)


def _listen(tellers: list[multiprocessing.Process], told: "Queue[Told]", stop: Any) -> int:
    counts: Counter[str] = Counter()
    seeds: list[int] = []
    failures: list[Told] = []
    while any(teller.is_alive() for teller in tellers) or not told.empty():
        try:
            one = told.get(timeout=0.5)
        except Empty:  # nothing was told meanwhile
            continue
        counts += one.counts
        seeds.append(one.seed)
        if one.failure:
            failures.append(one)
            stop.set()
    print(table(counts, seeds))
    for one in failures:
        print(f"\nSeed {one.seed} fails. Again: python -m tests.proof.soak --seed {one.seed}\n{one.failure[-6000:]}")
    broken = [teller.exitcode for teller in tellers if teller.exitcode]
    if broken:
        print(f"\nA process died in the middle of a story, with {', '.join(map(str, broken))}: its seed is not known.")
    return 1 if failures or broken else 0


if __name__ == "__main__":
    sys.exit(main())
