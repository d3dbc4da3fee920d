"""Says in words how two records compare, field by field, and what linking them does. Pure; the pages only show it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from contacts.fields import FIELDS, Field
from contacts.values import Value, Values


class Agreement(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    ONLY_XERO = "only_xero"
    ONLY_KARBON = "only_karbon"
    BLANK = "blank"
    UNKNOWN = "unknown"


_WORDS = {
    Agreement.SAME: ("check_circle", "Same"),
    Agreement.DIFFERENT: ("difference", "Different"),
    Agreement.ONLY_XERO: ("arrow_forward", "Only in Xero"),
    Agreement.ONLY_KARBON: ("arrow_back", "Only in Karbon"),
    Agreement.BLANK: ("remove", "Blank in both"),
    Agreement.UNKNOWN: ("help", "Not read yet"),
}


_TOKENS = re.compile(r"[^\s,;]+|[\s,;]+")  # whole words: half an email marked would be read aloud in pieces


@dataclass(frozen=True)
class Part:
    """A piece of a shown value; ``differs`` when the other side has something else, or nothing, in its place."""

    text: str
    differs: bool = False


@dataclass(frozen=True)
class Row:
    """One field of a pair as people see it."""

    field: Field
    xero: str
    karbon: str
    agreement: Agreement

    @property
    def icon(self) -> str:
        return _WORDS[self.agreement][0]

    @property
    def words(self) -> str:
        if self.agreement is Agreement.SAME and self.xero != self.karbon:
            return "Same, written differently"
        return _WORDS[self.agreement][1]

    @property
    def xero_parts(self) -> list[Part]:
        return self._parts(self.xero, self.karbon)

    @property
    def karbon_parts(self) -> list[Part]:
        return self._parts(self.karbon, self.xero)

    def _parts(self, mine: str, theirs: str) -> list[Part]:
        return parts(mine, theirs) if self.asks else [Part(mine)]

    @property
    def asks(self) -> bool:
        """Both sides are filled and differ: a person picks."""
        return self.agreement is Agreement.DIFFERENT

    @property
    def effect(self) -> str:
        """What linking does to this field when nobody picks anything."""
        label = self.field.label.lower()
        return {
            Agreement.SAME: "Nothing changes.",
            Agreement.DIFFERENT: f"Xero's {label} overwrites Karbon's.",
            Agreement.ONLY_XERO: f"Xero's {label} fills Karbon, because Karbon has none.",
            Agreement.ONLY_KARBON: f"Karbon's {label} stays and fills Xero, because Xero has none.",
            Agreement.BLANK: "Stays blank.",
            Agreement.UNKNOWN: "Cannot be told until the full record is read.",
        }[self.agreement]


def parts(mine: str, theirs: str) -> list[Part]:
    """Cut a value into pieces and mark the words that the other value lacks, so that people see what differs at a glance.

    Together the pieces spell the value again. Case, spaces and commas alone are no difference here, as across the sides.
    """
    left, right = _TOKENS.findall(mine), _TOKENS.findall(theirs)
    matcher = SequenceMatcher(None, [_word(token) for token in left], [_word(token) for token in right], autojunk=False)
    made: list[Part] = []
    for tag, start, end, _, _ in matcher.get_opcodes():
        for token in left[start:end]:
            differs = tag != "equal" and bool(_word(token).strip())
            if made and made[-1].differs == differs:
                made[-1] = Part(made[-1].text + token, differs)
            else:
                made.append(Part(token, differs))
    return made


def _word(token: str) -> str:
    return token.strip(" \t\r\n\xa0,;").casefold() or " "


def compare(xero: Values, karbon: Values) -> list[Row]:
    return list(_rows(xero, karbon))


def _rows(xero: Values, karbon: Values) -> Iterator[Row]:
    for name, field in FIELDS.items():
        left, right = xero.get(name), karbon.get(name)
        yield Row(field, _shown(field, left), _shown(field, right), _agreement(field, left, right))


def _shown(field: Field, value: Value | None) -> str:
    return "" if value is None else field.show(value)


def _agreement(field: Field, left: Value | None, right: Value | None) -> Agreement:
    if left is None or right is None:
        return Agreement.UNKNOWN
    if not left and not right:
        return Agreement.BLANK
    if field.same(left, right):
        return Agreement.SAME
    if left and right:
        return Agreement.DIFFERENT
    return Agreement.ONLY_XERO if left else Agreement.ONLY_KARBON
