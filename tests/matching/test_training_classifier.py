"""Training the person/organisation classifier: reproducible, taught by people, and never replaced by a worse model unasked."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from contacts.values import Kind
from karbonsync.management.commands import train_classifier as train_command
from matching import (
    classifier,
    features,
    kind_figures,
    kinds,
    training,
    training_corpus,
    training_grades,
    training_known,
    training_lists,
)
from matching.classifier import PERSON, Calibration, Guess, Name
from matching.kind_figures import Figure
from matching.models import KindDecision

PEOPLE = (
    "Alan Petrie",
    "Smith, John",
    "J & M Smith",
    "Mr & Mrs Patel",
    "Joan Bush",
    "Dr Alan Smith",
    "Keanu",
    "John Patel",
)
FIRMS = ("Valley Roofing Ltd", "Petty Cash", "Smith & Sons", "Patel Family Trust", "Joe's Garage", "City of Perth", "ABC123", "Blue Lemon")  # fmt: skip
SMALL = [training_lists.People("en_NZ", ["Alan", "Joan", "Mere"], ["Petrie", "Smith", "Paki"]),
         training_lists.People("zh_CN", ["伟", "芳"], ["王", "李"])]  # fmt: skip


pytestmark = [pytest.mark.large, pytest.mark.filterwarnings("ignore:lbfgs failed to converge")]


@pytest.fixture(autouse=True)
def _small_lists(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small lists and few hashed features: what is trained here needs to be quick, not good."""
    monkeypatch.setattr("matching.training.ITERATIONS", 5)
    monkeypatch.setattr("matching.training_names.COUNT", 200)
    monkeypatch.setattr("matching.training_world.COUNT", 200)
    monkeypatch.setattr("matching.training_lists.peoples", lambda: tuple(SMALL))
    monkeypatch.setattr("matching.training_lists.words", lambda: ("blue", "lemon", "valley", "golden", "river"))
    monkeypatch.setattr("matching.training_lists.places", lambda: ("Perth", "Dover"))
    monkeypatch.setattr("matching.training_lists.company_locales", lambda: ())
    monkeypatch.setattr("matching.training_lists.first_names", lambda: {"mere": (0, 3), "joan": (6, 6)})
    monkeypatch.setattr("matching.training_known.players", lambda: ("Alan Paki", "Joan Marsh"))
    monkeypatch.setattr("matching.training_known.known_names", lambda: ["Marsh & Petrie", "Lemon Blue"])
    for kind in ("NGRAM", "SYMBOL"):
        monkeypatch.setattr(f"matching.features.{kind}_BITS", 10)
        monkeypatch.setattr(f"matching.features._{kind}_MASK", (1 << 10) - 1)
    cached = (
        training_lists.english_families,
        training_lists._givens,
        training_lists._everyday,
        features._ngrams,
        features._word_symbols,
    )
    for each in cached:
        each.cache_clear()
    yield
    for each in cached:
        each.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [(n, "PERSON", f"register_p{i % 2}") for i, n in enumerate(PEOPLE)]
    rows += [(n, "ORGANISATION", f"register_o{i % 2}") for i, n in enumerate(FIRMS)]
    with (tmp_path / "train.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("name", "label", "source"), *rows])
    (tmp_path / "given_names.txt").write_text("alan\njoan\njohn\nkeanu\n", encoding="utf-8")
    (tmp_path / "surnames.txt").write_text("petrie\nsmith\npatel\nbush\n", encoding="utf-8")
    return tmp_path


def run(folder: Path, output: Path, **options: object) -> str:
    out = io.StringIO()
    call_command(train_command.Command(stdout=out, stderr=io.StringIO()), names_dir=folder, output=output, **options)
    return out.getvalue()


def teach(*names: str, kind: Kind = Kind.ORGANISATION) -> None:
    for name in names:
        kinds.record(Name(name), kind, by=None)


@pytest.mark.django_db
def test_training_twice_on_the_same_folder_gives_the_same_file(folder: Path) -> None:
    shown = run(folder, folder / "one.npz")
    run(folder, folder / "two.npz")
    assert (folder / "one.npz").read_bytes() == (folder / "two.npz").read_bytes()
    assert "register_p1" in shown


def test_training_and_classifying_score_alike(folder: Path) -> None:
    corpus = training_corpus.read_corpus(folder)
    weights = training.fit(corpus, corpus.labels | True)
    model = training.train(folder, [], lambda line: None).model
    stranger = replace(corpus.lexicon, brands=frozenset(), openings=frozenset())  # known organisations are not learned
    scores = replace(model, calibration=Calibration(), lexicon=stranger).scores([row.name for row in corpus.rows])
    assert scores == pytest.approx(weights.scores(corpus.seen), abs=1e-3)


@pytest.mark.django_db
def test_training_without_its_lists_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(
        CommandError, match=r"has no train.csv: give a folder with train.csv, given_names.txt, surnames.txt"
    ):
        run(tmp_path, tmp_path / "m.npz")


def test_training_without_a_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no folder"):
        run(tmp_path / "none", tmp_path / "m.npz")


def test_a_missing_package_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(
        training_lists.ListsMissing, match=r"brings no_such_lists: pip install -r requirements-train.txt"
    ):
        training_lists.package("no_such_lists")


@pytest.mark.django_db
def test_what_people_decide_is_kept_with_the_guess_and_a_later_word_replaces_it() -> None:
    anna = User.objects.create_user("anna")
    kinds.record(Name("Ralph Lauren", email="a@b.nz"), Kind.PERSON, by=anna, guess=Guess("ORGANISATION", 0.8))
    kinds.record(Name("Ralph Lauren", email="a@b.nz"), Kind.ORGANISATION, by=anna)
    decision = KindDecision.objects.get()
    assert (decision.decided, decision.by, decision.name) == (Kind.ORGANISATION, anna, "Ralph Lauren")
    assert kinds.taught() == [classifier.Taught(Name("Ralph Lauren", email="a@b.nz"), False)]


@pytest.mark.django_db
def test_a_guess_that_was_shown_is_kept_as_it_was() -> None:
    kept = kinds.record(Name("Ford Marsh"), Kind.ORGANISATION, by=None, guess=Guess("PERSON", 0.61))
    assert kept is not None
    assert (kept.guessed, kept.confidence) == (Kind.PERSON, 0.61)


@pytest.mark.django_db
def test_a_decision_without_a_readable_model_is_kept_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(names: object) -> list[Guess]:
        raise classifier.ModelError("no model")

    monkeypatch.setattr(classifier, "classify", unreadable)
    kept = kinds.record(Name("Ford Marsh"), Kind.ORGANISATION, by=None)
    assert kept is not None
    assert kept.guessed == Kind.UNKNOWN


@pytest.mark.django_db
def test_a_blank_name_teaches_nothing_and_an_unknown_kind_is_no_decision() -> None:
    assert kinds.record(Name("  "), Kind.PERSON, by=None) is None
    with pytest.raises(ValueError, match="not a decided kind"):
        kinds.record(Name("Ford Marsh"), Kind.UNKNOWN, by=None)
    assert not KindDecision.objects.exists()


@pytest.mark.django_db
def test_a_longer_name_than_the_table_holds_is_kept_short() -> None:
    kept = kinds.record(Name("x" * 900), Kind.PERSON, by=None)
    assert kept is not None
    assert len(kept.name) == 500


@pytest.mark.django_db
def test_what_people_decided_moves_the_model(folder: Path) -> None:
    run(folder, folder / "before.npz")
    teach("Petrie Smith", "Petrie Bush", "Petrie Patel", "Petrie Paki")
    run(folder, folder / "after.npz")
    before, after = (classifier.read_model(folder / f).scores(["Petrie Paki"])[0] for f in ("before.npz", "after.npz"))
    assert after < before


@pytest.mark.django_db
def test_decisions_can_be_left_out(folder: Path) -> None:
    run(folder, folder / "one.npz")
    teach("Petrie Smith")
    run(folder, folder / "two.npz", without_decisions=True)
    assert (folder / "one.npz").read_bytes() == (folder / "two.npz").read_bytes()


@pytest.mark.django_db
def test_old_stands_beside_new_and_nothing_is_replaced_unasked(folder: Path) -> None:
    path = folder / "model.npz"
    run(folder, path)
    old = path.read_bytes()
    teach("Petrie Smith", "Petrie Paki")
    shown = run(folder, path)
    assert path.read_bytes() == old
    assert "new decisions of people, share right (2)" in shown
    assert "left-out sources, mean macro-F1 (6)" in shown
    assert "Nothing was replaced" in shown


@pytest.mark.django_db
def test_replace_replaces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "model.npz"
    run(folder, path)
    old = path.read_bytes()
    teach("Petrie Smith", "Petrie Paki")
    monkeypatch.setattr(kind_figures, "compared", lambda *_: [Figure("all", 0.9, 0.9, 0)])
    assert "Written" in run(folder, path, replace=True)
    assert path.read_bytes() != old


@pytest.mark.django_db
@pytest.mark.parametrize(("force", "is_written"), [(False, False), (True, True)])
def test_a_worse_model_needs_force(
    force: bool, is_written: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "model.npz"
    run(folder, path)
    teach("Petrie Smith")
    monkeypatch.setattr(kind_figures, "compared", lambda *_: [Figure("hard names", 0.95, 0.80, 0.005)])
    shown = run(folder, path, replace=True, force=force)
    assert ("Written" in shown) is is_written
    assert ("The new model is worse: hard names" in shown) is not is_written


@pytest.mark.django_db
def test_a_model_that_cannot_be_read_is_no_reason_to_ask(folder: Path) -> None:
    path = folder / "model.npz"
    path.write_bytes(b"of another time")
    assert "Written" in run(folder, path)
    assert classifier.read_model(path).figures


def test_decisions_that_the_old_model_has_learned_do_not_measure_it(folder: Path) -> None:
    said = [classifier.Taught(Name("Petrie Smith"), False), classifier.Taught(Name("Joan Paki"), True)]
    old = training.train(folder, said[:1], lambda line: None).model
    new = training.train(folder, said, lambda line: None)
    figures = kind_figures.compared(old, new.model, said, new.unseen)
    assert [f.what for f in figures][-1] == "new decisions of people, share right (1)"


@pytest.mark.parametrize(("old", "new", "is_worse"), [(0.9, 0.8985, False), (0.9, 0.897, True), (None, 0.1, False)])
def test_worse_is_more_than_chance_explains(old: float | None, new: float, is_worse: bool) -> None:
    assert Figure("x", old, new, 0.002).is_worse is is_worse


def test_made_up_names_are_of_both_kinds_in_the_same_order_every_time(folder: Path) -> None:
    lexicon = training_corpus.read_lexicon(folder)
    first, second = (list(training_corpus.composed(folder, lexicon)) for _ in range(2))
    assert first == second
    assert {is_person for _, is_person in first} == {True, False}


def test_hard_names_are_labelled_with_both_kinds() -> None:
    people = [is_person for _, is_person, _ in kind_figures.hard_names()]
    assert min(sum(people), len(people) - sum(people)) > 200
    assert kind_figures.hard_f1(lambda names: [Guess(PERSON, 1.0)] * len(names)) < 0.5


@pytest.mark.parametrize(
    ("given", "family", "says"),
    [
        (3.3, 0.3, (3, 3, "given")),
        (0.001, 0.03, (1, 3, "family")),
        (0.0, 0.0003, (0, 1, "family")),
        (0.5, 0.4, (3, 3, "both")),
        (0.02, 0.0, (2, 0, "given")),
    ],
)
def test_a_name_is_graded_by_how_many_are_called_so_first_and_last(
    given: float, family: float, says: tuple[int, int, str]
) -> None:
    grade = training_grades.grade_of(given, family)
    leans = ("given", "both", "family")
    assert (features.given_grade(grade), features.family_grade(grade), leans[grade & 3]) == says


def test_the_census_tells_given_names_from_family_names() -> None:
    given, family = training_grades.shares()
    assert given["james"] > family["james"]
    assert family["dawson"] > given.get("dawson", 0.0)
    assert "norm" in given


def index_file(folder: Path) -> Path:
    """Well-known names as the index writes them, one of them on the list that measures."""
    hard = next(name for name, is_person, _ in kind_figures.hard_names() if not is_person and " " in name)
    items = [{"displayName": name} for name in ("Zelta Moda", "Paki", hard)]
    tree = {
        "nsi": {"brands/shop/clothes": {"items": items}, "flags/man_made/flagpole": {"items": [{"displayName": "X"}]}}
    }
    path = folder / "index.json"
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def test_well_known_names_are_learned_but_those_that_measure_are_not(folder: Path) -> None:
    corpus = training_corpus.read_corpus(folder, (), index_file(folder))
    known = [row.name for row in corpus.rows if row.source == training_corpus.KNOWN]
    assert known == ["Marsh & Petrie", "Lemon Blue", "Paki", "Zelta Moda"]


def test_what_is_known_to_be_an_organisation_is_looked_up_unless_people_go_by_the_name(folder: Path) -> None:
    index = training_known.index_names(index_file(folder), 1)
    lexicon = training_corpus.read_lexicon(folder, index)
    names = ("Zelta Moda", "Lemon Blue", "Lemon Blue Reef", "Zelta Moda Perth", "Paki")
    known = {name: features.extract(name, lexicon).is_known for name in names}
    assert known == dict(zip(names, (True, True, True, False, False), strict=True))


def test_a_name_that_many_people_carry_is_not_taken_for_a_firm() -> None:
    assert training_grades.likely_people("david", "jones") > training_known.TOO_COMMON
    assert training_grades.likely_people("calvin", "klein") < training_known.TOO_COMMON


def test_a_source_left_out_is_left_out_under_its_other_spellings_too(folder: Path) -> None:
    with (folder / "train.csv").open("a", encoding="utf-8") as file:
        file.write("VALLEY ROOFING,ORGANISATION,register_o1\n")
    corpus = training_corpus.read_corpus(folder)
    learned = {corpus.rows[i].name for i in training.strangers(corpus, frozenset({"register_o0"})).nonzero()[0]}
    assert "Valley Roofing Ltd" not in learned and "VALLEY ROOFING" not in learned
    assert "Petty Cash" in learned


def test_bare_names_are_trusted_as_far_as_bare_names_were_right() -> None:
    import numpy as np

    scores = np.array([4.0, 4.0, -4.0, -4.0, 4.0, -4.0, 4.0, -4.0])
    labels = np.array([True, True, False, False, True, False, False, True])
    fold = training.Fold("a", "b", np.arange(8), labels, np.array([False] * 4 + [True] * 4), scores)
    calibrated = training.calibration([fold])
    assert calibrated.telling[0] > calibrated.bare[0]


def test_an_index_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no file none.json"):
        run(folder, folder / "m.npz", index=Path("none.json"))
