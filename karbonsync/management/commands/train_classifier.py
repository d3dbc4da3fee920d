"""Train the person/organisation classifier from a folder of names and from what people decided."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from matching import classifier, kinds
from matching.classifier import Model, ModelError, Taught

if TYPE_CHECKING:
    from matching.kind_figures import Figure


class Command(BaseCommand):
    """Measure by leaving sources out, train on everything, show old against new figures, and only then replace."""

    help = (
        "Trains the person/organisation classifier, from a folder of names and from the kinds that people decided. Shows "
        "the figures of the old and the new model; replaces the old one when you say so, or with --replace."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the folder: the lists are not part of the project."""
        parser.add_argument(
            "--names-dir", type=Path, required=True, help="a folder with train.csv, given_names.txt and surnames.txt"
        )
        parser.add_argument(
            "--index",
            type=Path,
            help="nsi.min.json of name-suggestion-index: well-known organisations to learn as well",
        )
        parser.add_argument("--output", type=Path, default=classifier.MODEL_PATH, help="the model file to write")
        parser.add_argument("--replace", action="store_true", help="replace the old model without asking")
        parser.add_argument("--force", action="store_true", help="with --replace: even by a worse one")
        parser.add_argument("--without-decisions", action="store_true", help="leave out what people decided")

    def handle(
        self, *args: Any, names_dir: Path, output: Path, without_decisions: bool, index: Path | None, **options: Any
    ) -> None:
        """Train, show, and write if that is wanted."""
        from matching import kind_figures, training, training_corpus, training_lists

        if not names_dir.is_dir():
            raise CommandError(
                f"There is no folder {names_dir}: give one with {', '.join(training_corpus.REQUIRED_FILES)}."
            )
        if index and not index.is_file():
            raise CommandError(f"There is no file {index} with well-known names.")
        if not output.parent.is_dir():
            raise CommandError(f"There is no folder {output.parent} to write the model into.")
        decisions = [] if without_decisions else self._decisions()
        try:
            trained = training.train(names_dir, decisions, self.stderr.write, index)
        except (training_corpus.NamesError, training_lists.ListsMissing) as error:
            raise CommandError(str(error)) from error
        old = self._old(output)
        figures = kind_figures.compared(old, trained.model, decisions, trained.unseen)
        for line in (*training.table_lines(trained.table), "", *kind_figures.lines(figures), ""):
            self.stdout.write(line)
        if old is None or self._may_replace(figures, options["replace"], options["force"]):
            classifier.write_model(trained.model, output)
            self.stdout.write(f"Written: {output.name}, {output.stat().st_size / 1e6:.2f} MB.")
        else:
            self.stdout.write("Nothing was replaced. Repeat with --replace to use the new model.")

    def _decisions(self) -> list[Taught]:
        """What people decided, as far as there is a database."""
        try:
            return kinds.taught()
        except DatabaseError as error:
            self.stderr.write(f"No kinds decided by people are used, as the database cannot be read: {error}")
            return []

    def _old(self, path: Path) -> Model | None:
        """The model to be replaced; None where there is none that this version can read."""
        try:
            return classifier.read_model(path)
        except ModelError as error:
            self.stderr.write(f"No old figures: {error}")
            return None

    def _may_replace(self, figures: "list[Figure]", replace: bool, force: bool) -> bool:
        """A worse model needs --force; without --replace somebody at the terminal is asked."""
        worse = [figure.what for figure in figures if figure.is_worse]
        if worse and not (replace and force):
            self.stdout.write(f"The new model is worse: {'; '.join(worse)}. Use --replace --force to take it anyway.")
            return False
        return replace or (sys.stdin.isatty() and input("Replace the old model? [y/N] ").strip().lower() == "y")
