"""Run one subject over two exports in a process of its own: ``python -m bench.matching.subject NAME MINE THEIRS PAIRS``.

Prints seconds (reading the files and importing the package included) and peak memory in MB as JSON; the scored pairs go
into a file.
"""

import csv
import json
import sys
import time
from pathlib import Path

from bench.matching import memory

ALL = 0  # per cent


def main(name: str, mine: str, theirs: str, pairs: str) -> None:
    began = time.perf_counter()
    if name == "ours":
        run_ours(mine, theirs, pairs)
    else:
        from bench.matching import peers

        found = peers.SUBJECTS[name](_rows(mine), _rows(theirs))
        with Path(pairs).open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows(found)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "mb": memory.own_peak()}))


def run_ours(mine: str, theirs: str, pairs: str) -> None:
    """The product's own command, whole: Django starts, files are read, one row per possible match is written.

    All possible matches are asked for, not the very likely ones alone: the evaluator chooses the cut for each subject.
    """
    import os

    os.environ.setdefault("SANDBOX_URL", "http://127.0.0.1:9500")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "karbonsync.settings")
    from django import setup
    from django.core.management import call_command

    setup()
    call_command("match", mine, theirs, output=pairs, similar_from=ALL)


def _rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as source:
        return list(csv.DictReader(source))


if __name__ == "__main__":
    main(*sys.argv[1:])
