"""Train the pair scorer from two address books with their answer key and from what people decided."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from matching import pair_model


class Command(BaseCommand):
    """Measure by leaving groups of related contacts out, show old beside new, replace only when told to."""

    help = "Trains the pair scorer and shows its figures beside those of the present one; --replace stores it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the folder: the lists are not part of the project."""
        parser.add_argument(
            "--data-dir", type=Path, required=True, help="a folder with list_a.csv, list_b.csv, gold.csv"
        )
        parser.add_argument("--from-decisions", action="store_true", help="learn from people's decisions as well")
        parser.add_argument("--replace", action="store_true", help="store the new model instead of the present one")
        parser.add_argument("--output", type=Path, default=pair_model.MODEL_PATH, help="the model file")

    def handle(
        self, *args: Any, data_dir: Path, from_decisions: bool, replace: bool, output: Path, **options: Any
    ) -> None:
        """Train, show, store."""
        from matching import decisions, pair_training

        decided = decisions.as_view(pair_training.FOLDS) if from_decisions else None
        if from_decisions:
            known = 0 if decided is None else len(decided.same)
            self.stdout.write(f"{known:,} decided pairs are learned from.")
        try:
            model, figures = pair_training.train(data_dir, decided, self.stderr.write)
        except pair_training.DataError as error:
            raise CommandError(str(error)) from error
        for line in pair_training.table_lines(figures):
            self.stdout.write(line)
        self._compare(model, output)
        if decided is not None:
            self._on_decisions(model, decided)
        if not replace:
            self.stdout.write("Nothing was replaced. Add --replace to store the new model.")
            return
        pair_model.write(model, output)
        self.stdout.write(f"{output.name}: {output.stat().st_size / 1e6:.2f} MB stored.")

    def _compare(self, model: pair_model.PairModel, output: Path) -> None:
        """Show the figures that the present model was stored with beside the new ones, both on the same plain books."""
        try:
            old = pair_model.read(output).figures
        except pair_model.ModelError as error:
            self.stdout.write(f"There are no old figures: {error}")
            old = {}
        self.stdout.write(f"{'':12}{'old':>10}{'new':>10}")
        for name, value in model.figures.items():
            before = f"{old[name]:.4f}" if name in old else "-"
            self.stdout.write(f"{name:12}{before:>10}{value:>10.4f}")

    def _on_decisions(self, model: pair_model.PairModel, decided: Any) -> None:
        """Show how often the present and the new model agree with the people; the new one has seen these very pairs."""
        from matching import pair_training

        try:
            old = f"{pair_training.agreement(pair_model.loaded(), decided):.4f}"
        except pair_model.ModelError:
            old = "-"
        self.stdout.write(
            f"{'decisions':12}{old:>10}{pair_training.agreement(model, decided):>10.4f}  (seen in training)"
        )
