"""``match``: matches two exports offline, by the same rule and the same scorer as the sync."""

import csv
import gc
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts.models import LOOKALIKE_THRESHOLD
from matching import exports
from matching.pair_model import ModelError
from matching.profiles import Record

COLUMNS = ["xero_id", "karbon_id", "category", "score", "reason"]


class Command(BaseCommand):
    help = "Match two exports (id,name,email[,phone,address,kind]) and write one row per possible match, best first."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("xero", metavar="XERO.csv")
        parser.add_argument("karbon", metavar="KARBON.csv")
        parser.add_argument("-o", "--output", default="", metavar="FILE")
        parser.add_argument(
            "--similar-from", type=percent, default=LOOKALIKE_THRESHOLD, metavar="PERCENT",
            help=f"how likely a contact without an exact match must be the same to be shown as similar ({LOOKALIKE_THRESHOLD})",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        self.similar_from = options["similar_from"] / 100
        inputs = [options["xero"], options["karbon"]]
        if options["output"] and Path(options["output"]).exists():
            for path in inputs:
                if Path(path).exists() and Path(path).samefile(options["output"]):
                    raise CommandError(f"{path} is a file being read: give -o another name.")
        mine, theirs = (checked(rows(path)) for path in inputs)
        try:
            if not options["output"]:
                self._write(sys.stdout, mine, theirs)
                return
            with open(options["output"], "w", newline="", encoding="utf-8") as out:
                self._write(out, mine, theirs)
        except ModelError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}.") from error

    def _write(self, out: TextIO, mine: Iterator[Record], theirs: Iterator[Record]) -> None:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        with uncollected():
            for row in exports.match(mine, theirs, hold_from=self.similar_from, progress=self._progress):
                writer.writerow([row.xero_id, row.karbon_id, row.category.value, row.score, row.reason])
        if self.stderr.isatty():
            self.stderr.write("")

    def _progress(self, text: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{text:<40}", ending="")
            self.stderr.flush()


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no rings of garbage meanwhile: matching makes none, and going through all it remembers takes a tenth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def percent(text: str) -> int:
    """Read a whole number from 0 to 100."""
    if not text.isdecimal() or int(text) > 100:
        raise ArgumentTypeError("must be a whole number from 0 to 100")
    return int(text)


def checked(records: Iterator[Record]) -> Iterator[Record]:
    """Read the first record now, so that a file that cannot be used is told before anything is written."""
    first = next(records, None)

    def again() -> Iterator[Record]:
        if first is not None:
            yield first
            yield from records

    return again()


def rows(path: str) -> Iterator[Record]:
    """Yield the records of an export; a file that cannot be used is told in one sentence."""
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as source:
            reader = csv.DictReader(source)
            if missing := {"id", "name", "email"} - set(reader.fieldnames or []):
                raise CommandError(f"{path} has no column {', '.join(sorted(missing))}. The first line must name id, name and email.")  # fmt: skip
            for row in reader:
                yield record({key: value or "" for key, value in row.items() if isinstance(key, str)})
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 text. Save the export as “CSV UTF-8” and try again.") from error


def record(row: dict[str, str]) -> Record:
    """Take what an export tells of a contact; a column ``city`` and the like counts as address."""
    parts = ("address", "city", "region", "postcode")
    return Record(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        phone=row.get("phone", ""),
        address=" ".join(filter(None, (row.get(part, "").strip() for part in parts))),
        kind={"contact": "person"}.get(row.get("kind", "").strip().casefold(), row.get("kind", "")),
        first_name=row.get("first_name", ""),
        last_name=row.get("last_name", ""),
    )
