"""Say for a CSV of names who is a person and who an organisation."""

import csv
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from matching.classifier import Guess, ModelError, Name, classify

CHUNK = 4096
COLUMNS = ("name", "first_name", "last_name", "email")


class Command(BaseCommand):
    """Stream the file through the classifier in chunks, so that its length does not matter."""

    help = "Reads a CSV with a column name (optional first_name, last_name, email); writes name,label,confidence."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the input file and an optional output file."""
        parser.add_argument("names", metavar="NAMES.csv", type=Path)
        parser.add_argument(
            "-o", "--output", metavar="FILE", type=Path, help="where to write (default: standard output)"
        )

    def handle(self, *args: Any, names: Path, output: Path | None, **options: Any) -> None:
        """Turn everything that can be wrong with the files into one sentence."""
        if output and output.exists() and names.exists() and output.samefile(names):
            raise CommandError(f"{output} is the file being read: give -o another name.")
        try:
            with ExitStack() as files:
                rows = named_rows(_open(names, files), names)
                first = list(islice(rows, CHUNK))
                out = files.enter_context(output.open("w", encoding="utf-8", newline="")) if output else self.stdout
                self._write(first, rows, out)
        except UnicodeDecodeError as error:
            raise CommandError(f"{names} is not UTF-8 text: save it again as “CSV UTF-8”, then repeat.") from error
        except csv.Error as error:
            raise CommandError(f"{names} cannot be read as CSV: {error}.") from error
        except (ModelError, OSError) as error:
            raise CommandError(str(error)) from error

    def _write(self, chunk: list[Name], rows: Iterator[Name], out: Any) -> None:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("name", "label", "confidence"))
        done = 0
        while chunk:
            writer.writerows(_line(name, guess) for name, guess in zip(chunk, classify(chunk), strict=True))
            done += len(chunk)
            self._progress(done)
            chunk = list(islice(rows, CHUNK))
        self._progress(done, end="\n")

    def _progress(self, done: int, end: str = "") -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done:,} names classified", ending=end)
            self.stderr.flush()


def _open(path: Path, files: ExitStack) -> TextIO:
    """Open the file; a byte-order mark, as spreadsheets write it, is dropped."""
    try:
        return files.enter_context(path.open(encoding="utf-8-sig", newline=""))
    except FileNotFoundError:
        raise CommandError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise CommandError(f"{path} is a folder: give a CSV file.") from None


def named_rows(lines: TextIO, path: Path) -> Iterator[Name]:
    """Check the header at once, then yield one `Name` per row.

    In a file of one column an empty line is a blank name, as spreadsheets write it; elsewhere it is no row at all.
    """
    reader = csv.reader(lines)
    header = [column.strip().lower() for column in next(reader, [])]
    if "name" not in header:
        found = f"it has {', '.join(header)}" if any(header) else "it is empty"
        raise CommandError(f"{path} has no column called name: {found}.")
    places = {column: header.index(column) for column in COLUMNS if column in header}
    return (
        Name(**{c: row[i] if i < len(row) else "" for c, i in places.items()})
        for row in reader
        if row or len(header) == 1
    )


def _line(name: Name, guess: Guess) -> tuple[str, str, str]:
    return name.name, guess.kind, f"{guess.confidence:.4f}"
