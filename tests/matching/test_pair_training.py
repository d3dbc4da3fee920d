"""Training the pair scorer: the same twice, refused where it must be, and nothing is replaced unasked."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from contacts.values import System
from matching import decisions, issues, pair_model, pair_training
from matching.likeness import Record, likeness
from tests.matching.test_suggestions import add

pytestmark = pytest.mark.large

GIVEN = [
    "Robert",
    "Mary",
    "Aroha",
    "Wiremu",
    "Ngaire",
    "Kiri",
    "Samuel",
    "Jacqueline",
    "Thomas",
    "Priya",
    "Omar",
    "Layla",
    "Ingrid",
    "Margaux",
    "Tuan",
    "Mei",
]
FAMILY = [
    "Smithers",
    "Quayle",
    "Tane",
    "Parata",
    "Voloshenko",
    "Colquhoun",
    "Vestergaard",
    "Ngata",
    "Rahmani",
    "Postlethwaite",
]
COLUMNS = ["id", "name", "first_name", "last_name", "email", "phone", "city"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small books: the same people, on the other side with a slip or another mailbox; a third is there only once."""
    path = tmp_path_factory.mktemp("books")
    people = [(given, family) for given in GIVEN[:10] for family in FAMILY]
    mine, theirs, gold = [], [], []
    for n, (given, family) in enumerate(people):
        mine.append(
            [f"A{n}", f"{given} {family}", "", "", f"{given}.{family}@home.example".lower(), f"09555{n:04}", ""]
        )
        if n % 3:
            name = f"{family}, {given}" if n % 2 else f"{given} {family[:-1]}"
            theirs.append([f"B{n}", name, "", "", f"{given}{n}@work.example".lower() if n % 5 else mine[-1][4], mine[-1][5] if n % 4 else "", ""])  # fmt: skip
            gold.append([f"A{n}", f"B{n}", "fuzzy", ""])
    for name, header, rows in (("list_a", COLUMNS, mine), ("list_b", COLUMNS, theirs), ("gold", ["id_a", "id_b", "category", "perturb"], gold)):  # fmt: skip
        with (path / f"{name}.csv").open("w", newline="") as out:
            csv.writer(out).writerows([header, *rows])
    return path


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """A few trees are enough to see what the command does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_training, "TREES", 8)
        yield


@pytest.fixture(scope="module")
def trained(folder: Path) -> tuple[pair_model.PairModel, dict[str, pair_training.Figures]]:
    return pair_training.train(folder)


def test_training_twice_gives_the_same_bytes(folder: Path, trained: tuple, tmp_path: Path) -> None:
    again, _ = pair_training.train(folder)
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    pair_model.write(trained[0], first)
    pair_model.write(again, second)
    assert first.read_bytes() == second.read_bytes()


def test_a_stored_model_scores_as_before(trained: tuple, tmp_path: Path) -> None:
    model = trained[0]
    pair_model.write(model, tmp_path / "model.npz")
    rows = np.random.default_rng(1).random((50, len(pair_model.evidence.NAMES)))
    assert np.array_equal(pair_model.read(tmp_path / "model.npz").scores(rows), model.scores(rows))


def test_related_contacts_are_left_out_together(folder: Path) -> None:
    books = pair_training.read_books(folder)
    twin = Record("A-twin", "Rob Smithers", email=books.mine[1].email)
    folds = pair_training.folds_of(pair_training.Books([*books.mine, twin], books.theirs, books.gold))
    assert folds["A-twin"] == folds[books.mine[1].id]
    assert len(set(folds.values())) == pair_training.FOLDS


def test_nothing_is_replaced_before_old_and_new_figures_are_shown(folder: Path, tmp_path: Path) -> None:
    out, model = StringIO(), tmp_path / "matcher.npz"
    before = pair_model.MODEL_PATH.read_bytes()
    model.write_bytes(before)
    call_command("train_matcher", data_dir=folder, output=model, stdout=out, stderr=StringIO())
    assert model.read_bytes() == before
    assert "Nothing was replaced" in out.getvalue()
    figures = [line.split() for line in out.getvalue().splitlines() if line.startswith("f1 ")]
    assert len(figures[0]) == 3  # name, old, new
    call_command("train_matcher", data_dir=folder, output=model, replace=True, stdout=out, stderr=StringIO())
    assert model.read_bytes() != before


def test_a_folder_that_lacks_the_lists_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"has no list_a.csv, list_b.csv, gold.csv"):
        call_command("train_matcher", data_dir=tmp_path, stdout=StringIO(), stderr=StringIO())


def test_a_model_of_another_format_is_refused_with_what_to_do(trained: tuple, tmp_path: Path, monkeypatch) -> None:
    pair_model.write(trained[0], tmp_path / "model.npz")
    monkeypatch.setattr(pair_model, "FORMAT", 99)
    with pytest.raises(pair_model.ModelError, match=r"run manage\.py train_matcher"):
        pair_model.read(tmp_path / "model.npz")
    with pytest.raises(pair_model.ModelError, match="There is no matcher model"):
        pair_model.read(tmp_path / "none.npz")
    (tmp_path / "broken.npz").write_bytes(b"no model")
    with pytest.raises(pair_model.ModelError, match="cannot be read"):
        pair_model.read(tmp_path / "broken.npz")


@pytest.mark.django_db
def test_what_people_decided_is_learned_from(folder: Path, trained: tuple) -> None:
    by = User.objects.create(username="staff")
    names = [f"{given} {family}" for given in GIVEN[:4] for family in FAMILY]
    for n, name in enumerate(names):  # farms of the same name are somebody else's here: people said so
        xero, other = add(System.XERO, name, f"x{n}@home.example"), add(System.KARBON, f"{name} Farms")
        issues.decide_pair(xero, other, is_same=False, by=by)
    view = decisions.as_view(pair_training.FOLDS)
    assert view is not None and not view.same.any() and len(view.same) == len(names)
    taught, figures = pair_training.train(folder, view)
    assert pair_training.agreement(taught, view) > pair_training.agreement(trained[0], view)
    assert "decisions" in figures


@pytest.mark.django_db
def test_without_decisions_there_is_nothing_to_learn_from_them() -> None:
    assert decisions.as_view(pair_training.FOLDS) is None


def test_the_stored_model_is_small_and_tells_its_figures() -> None:
    assert pair_model.MODEL_PATH.stat().st_size < 500_000
    assert pair_model.loaded().figures["f1"] >= 0.985
    assert likeness(Record(1, "Rob Smithers", "rob@smithers.example"), Record(2, "Robert Smithers", "rob@smithers.example")).score > 0.5  # fmt: skip
