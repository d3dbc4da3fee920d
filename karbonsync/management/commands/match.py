"""``match``: matches two exports offline, by the same rule and the same scorer as the sync."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

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

    def handle(self, *args: Any, **options: Any) -> None:
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
        for row in exports.match(mine, theirs, progress=self._progress):
            writer.writerow([row.xero_id, row.karbon_id, row.category.value, row.score, row.reason])
        if self.stderr.isatty():
            self.stderr.write("")

    def _progress(self, text: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{text:<40}", ending="")
            self.stderr.flush()


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
