"""Train the person/organisation classifier from a folder of names."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from matching import classifier


class Command(BaseCommand):
    """Measure by leaving sources out, then train on everything and write the model file."""

    help = "Trains the person/organisation classifier and prints its figures on sources it did not see."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the folder: the lists are not part of the project."""
        parser.add_argument(
            "--names-dir", type=Path, required=True, help="a folder with train.csv, given_names.txt and surnames.txt"
        )
        parser.add_argument("--output", type=Path, default=classifier.MODEL_PATH, help="the model file to write")

    def handle(self, *args: Any, names_dir: Path, output: Path, **options: Any) -> None:
        """Train, report, write."""
        from matching import training

        if not names_dir.is_dir():
            raise CommandError(f"There is no folder {names_dir}: give one with {', '.join(training.REQUIRED_FILES)}.")
        if not output.parent.is_dir():
            raise CommandError(f"There is no folder {output.parent} to write the model into.")
        try:
            model, table = training.train(names_dir, self.stderr.write)
        except training.NamesError as error:
            raise CommandError(str(error)) from error
        classifier.write_model(model, output)
        for line in training.table_lines(table):
            self.stdout.write(line)
        self.stdout.write(f"{output.name}: {output.stat().st_size / 1e6:.2f} MB")
