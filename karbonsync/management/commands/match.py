"""``match``: matches two exports offline, by the same rule as the sync."""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from matching import matcher
from matching.matcher import Counterpart, Keys

COLUMNS = ["xero_id", "karbon_id", "category", "score", "reason"]


class Command(BaseCommand):
    help = "Match two exports (id,name,email[,phone,address,kind]) and write one row per possible match, best first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("xero", metavar="XERO.csv")
        parser.add_argument("karbon", metavar="KARBON.csv")
        parser.add_argument("-o", "--output", default="", metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        book = _Book(rows(options["karbon"]))
        copies = Counter(_both(matcher.xero_keys(row["name"], row["email"])) for row in rows(options["xero"]))
        if not options["output"]:
            self._write(sys.stdout, book, copies, options["xero"])
            return
        try:
            with open(options["output"], "w", newline="", encoding="utf-8") as out:
                self._write(out, book, copies, options["xero"])
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}.") from error

    def _write(self, out: TextIO, book: "_Book", copies: Counter, xero: str) -> None:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for number, row in enumerate(rows(xero), 1):
            mine = matcher.xero_keys(row["name"], row["email"])
            decision = matcher.decide(mine, book.near(mine), has_rival=bool(mine.email) and copies[_both(mine)] > 1)
            for other in decision.counterparts or (None,):
                score = 0.0 if other is None else 1.0 if mine.shares_both(other.keys) else 0.5
                writer.writerow([row["id"], other.id if other else "", decision.category, score, decision.reason])
            if number % 5000 == 0 and self.stderr.isatty():
                self.stderr.write(f"\r{number:,} contacts matched", ending="")


class _Book:
    """Karbon's export, to be looked up by either key."""

    def __init__(self, karbon: Iterator[dict[str, str]]) -> None:
        self._by_name: dict[str, list[Counterpart]] = {}
        self._by_email: dict[str, list[Counterpart]] = {}
        for row in karbon:
            is_person = (row.get("kind") or "").strip().upper() in ("PERSON", "CONTACT")
            keys = matcher.karbon_keys(row["name"], row["email"], is_person=is_person)
            other = Counterpart(row["id"], keys)
            for name in keys.names:
                self._by_name.setdefault(name, []).append(other)
            self._by_email.setdefault(keys.email, []).append(other)

    def near(self, mine: Keys) -> list[Counterpart]:
        found = {other.id: other for name in mine.names for other in self._by_name.get(name, ())}
        if mine.email:
            found |= {other.id: other for other in self._by_email.get(mine.email, ())}
        return list(found.values())


def _both(keys: Keys) -> tuple[frozenset[str], str]:
    return keys.names, keys.email


def rows(path: str) -> Iterator[dict[str, str]]:
    """Yield the rows of an export; a file that cannot be used is told in one sentence."""
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as source:
            reader = csv.DictReader(source)
            if missing := {"id", "name", "email"} - set(reader.fieldnames or []):
                raise CommandError(f"{path} has no column {', '.join(sorted(missing))}. The first line must name id, name and email.")  # fmt: skip
            for row in reader:
                yield {key: value or "" for key, value in row.items() if isinstance(key, str)}
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 text. Save the export as “CSV UTF-8” and try again.") from error
