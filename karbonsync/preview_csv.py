"""The preview as a table for a spreadsheet: one row per contact, each value that would change from and to."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from contacts.fields import FIELDS
from contacts.values import System
from karbonsync.models import PreviewRow

HEAD = (
    "what happens", "xero_id", "xero_name", "xero_email", "karbon_id", "karbon_name", "kind", "confidence", "notes",
    *(f"{name}_in_{system}_{when}" for system in System for name in FIELDS for when in ("from", "to")),
)  # fmt: skip
_A_PHONE = re.compile(r"\+[\d ]+( x\d+)?")


class _Echo:
    """A file that hands back what is written to it, so that a download needs no memory."""

    def write(self, text: str) -> str:
        return text


def lines(rows: Iterable[PreviewRow]) -> Iterator[str]:
    """Yield the file line by line, with the mark by which spreadsheets tell UTF-8."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(HEAD)
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in _cells(row)])


def _cells(row: PreviewRow) -> list[str]:
    xero, karbon = row.xero, row.karbon
    return [
        row.get_outcome_display(),
        xero.remote_id if xero else "",
        xero.name if xero else "",
        xero.billing_email if xero else "",
        karbon.remote_id if karbon else "",
        karbon.name if karbon else "",
        row.kind,
        "" if row.confidence is None else f"{row.confidence:.3f}",
        " ".join(row.notes),
        *(text for system in System for name in FIELDS for text in shown_change(row, system, name)),
    ]


def shown_change(row: PreviewRow, system: str, name: str) -> tuple[str, str]:
    """Return a value now and then, as text for people; both blank where it does not change."""
    change: list[Any] | None = row.changes.get(system, {}).get(name)
    return (FIELDS[name].show(change[0]), FIELDS[name].show(change[1])) if change else ("", "")


def harmless(text: str) -> str:
    """Keep a spreadsheet from taking a name for a formula: these texts come from other people."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _A_PHONE.fullmatch(text) else text
