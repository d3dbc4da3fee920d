"""Three-way merge of one field: two sides, each with the base it showed when the field last agreed. Pure.

Against its own base a side is compared exactly (a corrected capital letter is an edit); across the sides tolerantly (a
difference in format is agreement). A field missing from a side's base is *unknown*: the side won a decision and its value
is to be carried over. Missing from both, the field was never seen on both sides: it is linked when it is. A blank never wins
where a base is unknown: linking never blanks anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from contacts.fields import FIELDS, NAME
from contacts.values import System, Values


class Outcome(Enum):
    NOTHING = auto()  # neither side moved
    AGREED = auto()  # both show the same: the bases follow
    TO_XERO = auto()
    TO_KARBON = auto()
    CLASH = auto()  # both moved, to different values

    @property
    def target(self) -> System | None:
        return {Outcome.TO_XERO: System.XERO, Outcome.TO_KARBON: System.KARBON}.get(self)


@dataclass(frozen=True)
class Side:
    base: Values
    now: Values

    def moved(self, name: str) -> bool:
        return name not in self.base or self.base[name] != self.now[name]


def merge(name: str, xero: Side, karbon: Side) -> Outcome:
    """Decide what one field asks for. A value that is not known on one side asks for nothing."""
    if name not in xero.now or name not in karbon.now:
        return Outcome.NOTHING
    same = FIELDS[name].same(xero.now[name], karbon.now[name])
    xero_moved, karbon_moved = xero.moved(name), karbon.moved(name)
    if name not in xero.base and name not in karbon.base and bool(xero.now[name]) != bool(karbon.now[name]):
        return Outcome.TO_KARBON if xero.now[name] else Outcome.TO_XERO
    if xero_moved and karbon_moved:
        return Outcome.AGREED if same else Outcome.CLASH
    if not xero_moved and not karbon_moved:
        return Outcome.NOTHING
    source = xero if xero_moved else karbon
    if name not in source.base and same:
        return Outcome.AGREED
    if name not in source.base and not source.now[name] and name != NAME:
        return Outcome.TO_XERO if xero_moved else Outcome.TO_KARBON
    return Outcome.TO_KARBON if xero_moved else Outcome.TO_XERO


def first_bases(xero: Values, karbon: Values, winners: Mapping[str, System]) -> tuple[dict, dict]:
    """Return both sides' bases for a pair that a match or a person links from these values.

    Equal fields agree; of one that a side does not show nothing is agreed yet. Where they differ a blank is filled; where both are filled the named winner's value, else Xero's,
    is carried over: the loser's base is the value seen, the winner's stays unknown, and the ordinary merge does the rest.
    """
    xero_base, karbon_base = dict(xero), dict(karbon)
    for name in FIELDS:
        if name not in xero or name not in karbon:
            xero_base.pop(name, None)
            karbon_base.pop(name, None)
            continue
        if FIELDS[name].same(xero[name], karbon[name]):
            continue
        if xero[name] and karbon[name]:
            winner = winners.get(name, System.XERO)
        else:
            winner = System.XERO if xero[name] else System.KARBON
        (xero_base if winner is System.XERO else karbon_base).pop(name)
    return xero_base, karbon_base
