"""What a proof did, counted: without the counts nobody knows whether the hard cases were ever met."""

from collections import Counter
from collections.abc import Iterable

TALLY: Counter[str] = Counter()


def count(*what: str) -> None:
    TALLY[" ".join(filter(None, what))] += 1


def table(counts: Counter[str], seeds: Iterable[int] = ()) -> str:
    """The counts as a table for people, and every seed."""
    rows = [f"{number:>9,}  {what}" for what, number in sorted(counts.items())]
    told = ", ".join(map(str, seeds))
    return "\n".join([*rows, *([f"    seeds  {told}"] if told else [])])
