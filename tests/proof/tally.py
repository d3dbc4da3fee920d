"""What a proof did, counted: without the counts nobody knows whether the hard cases were ever met."""

from collections import Counter
from collections.abc import Iterable

TALLY: Counter[str] = Counter()
# What the table begins with: all whose name begins so, added up. A lost reply or request is a fault as well.
TOTALS = {
    "steps": "step",
    "kills": "kill",
    "faults": "fault",
    "lost replies": "lost reply",
    "lost requests": "lost request",
}


def count(*what: str) -> None:
    TALLY[" ".join(filter(None, what))] += 1


def table(counts: Counter[str], seeds: Iterable[int] = ()) -> str:
    """The counts as a table for people: how many of each in all, each by itself, and every seed."""
    totals = [
        (label, sum(n for what, n in counts.items() if what.startswith(first))) for label, first in TOTALS.items()
    ]
    rows = [f"{number:>9,}  {what}" for what, number in sorted(counts.items()) if what != "step"]
    told = ", ".join(map(str, seeds))
    heads = [f"{number:>9,}  {label}" for label, number in totals]
    return "\n".join([*heads, "", *rows, *([f"    seeds  {told}"] if told else [])])
