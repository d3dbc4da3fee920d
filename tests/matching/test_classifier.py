"""The person/organisation classifier, its model file and its two commands."""

import csv
import io
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from karbonsync.management.commands import classify as classify_command
from matching import classifier
from matching.classifier import Guess, ModelError, Name, classify, classify_one

PEOPLE = """
Grant Banks|Smith, John|Alan & Joan Petrie|Mr & Mrs Patel|J & M Smith|John Smith (deceased)|Wiremu Tāmati|Hinemoa Parata
Te Aroha Ngata|Sione Tupou|Nguyen Thi Minh Khai|Trần Văn Hùng|Li Wei|Zhang Xiaoming|Priya Raghunathan|Harpreet Singh
Mohammed Al-Farsi|Fatima bint Khalid|Siobhán O'Brien|Jean-Luc Moreau|Ludwig van der Merwe|Dr Susan Cook|Mark Church
Sir Edmund Hillary|Faith Church|Bill Price|Carpenter, Linda|BAKER, Tom J|Mr T & Mrs P Bush|Keanu|Kim Min-ji|O. Adeyemi
Ngozi Okonkwo|José María García López|Prof. A. K. Mehta|Jane Doe nee Brown|R J Thompson|王小明|Chris Cooper|Heath Rivers
"""
ORGANISATIONS = """
Ralph Lauren|Ford Marsh|Smith & Jones|Estate of J Smith|The Patel Family Trust|Petty Cash|Cash Sales|IRD|ATO|Sunrise
John Smith Plumbing|R Davies t/a Valley Roofing|Marsh & McLennan|Brown Brothers|Smith & Sons|Joe's Garage|Mitre 10
Tower & Barrel|Blue Lemon|Rotary Club of Dover|St Mary's School|Body Corporate 81139|Jones Family Super Fund|Anna's
Thompson Holdings|Sundry Debtors|Hunter Valley Wines|Mason Brothers|Inland Revenue|City of Perth|Friends of the Park
Golden Dragon|Cooper Electrical|Davies Carpentry|M & K Autos|ABC123|北京有限公司|J Smith & Co
Ngati Paoa Trust|Thai Orchid
"""


HARD_F1 = 0.9


def names_in(text: str) -> list[str]:
    return [name for line in text.split("\n") if line for name in line.split("|")]


def run(path: Path, **options: object) -> list[list[str]]:
    out = io.StringIO()
    call_command(classify_command.Command(stdout=out), str(path), **options)
    return list(csv.reader(out.getvalue().splitlines()))


def file_of(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "names.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(("kind", "text"), [("PERSON", PEOPLE), ("ORGANISATION", ORGANISATIONS)])
def test_at_least_nineteen_in_twenty_weak_spots_are_right(kind: str, text: str) -> None:
    names = names_in(text)
    wrong = [n for n, g in zip(names, classify([Name(n) for n in names]), strict=True) if g.kind != kind]
    assert len(names) == 40
    assert len(wrong) <= 2, wrong


def test_confidence_is_a_chance_of_at_least_one_half() -> None:
    for guess in classify([Name(n) for n in names_in(PEOPLE + ORGANISATIONS)]):
        assert 0.5 <= guess.confidence <= 1


@pytest.mark.parametrize(
    "name",
    [
        "😀",
        "😀 Ltd",
        "\x00\x01\x1b[31m",
        "a" * 10_000,
        "Smith " * 5_000,
        "\ud800x",
        "-",
        "&&&&",
        ",",
        "\u202eabc",
        "٣٤٥",
        "ﷺ",
    ],
)
def test_hostile_names_get_an_answer(name: str) -> None:
    guess = classify_one(name)
    assert guess.kind in {"PERSON", "ORGANISATION"}
    assert 0.5 <= guess.confidence <= 1


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_a_blank_name_is_neither(name: str) -> None:
    assert classify_one(name, email="accounts@example.com") == Guess("", 0.0)


def test_no_names_give_no_guesses() -> None:
    assert classify([]) == []


def test_an_answer_does_not_depend_on_its_neighbours() -> None:
    names = names_in(PEOPLE + ORGANISATIONS)
    together = classify([Name(n) for n in names])
    assert [g.kind for g in together] == [classify_one(n).kind for n in names]


@pytest.mark.parametrize(("first", "last"), [("Ford", "Marsh"), ("marsh", "FORD")])
def test_first_and_last_name_that_spell_the_name_make_it_a_person(first: str, last: str) -> None:
    assert classify_one("Ford Marsh", first_name=first, last_name=last).kind == "PERSON"


@pytest.mark.parametrize(("first", "last"), [("Anna", "Petrie"), ("Ford", ""), ("", "Marsh"), ("Ford", "Marshall")])
def test_first_and_last_name_of_someone_else_change_nothing(first: str, last: str) -> None:
    assert classify_one("Ford Marsh", first_name=first, last_name=last) == classify_one("Ford Marsh")


def test_a_firm_stays_a_firm_when_its_name_is_split_over_first_and_last() -> None:
    assert classify_one("Valley Roofing Ltd", first_name="Valley", last_name="Roofing Ltd").kind == "ORGANISATION"


def test_a_private_mailbox_with_the_name_in_it_speaks_for_a_person() -> None:
    plain, private = classify_one("Chris Cooper"), classify_one("Chris Cooper", email="chris.cooper@gmail.com")
    assert private.kind == "PERSON"
    assert private.confidence > plain.confidence


def test_importing_the_classifier_loads_neither_numpy_nor_scikit_learn() -> None:
    check = "import sys, matching.classifier; sys.exit(any(m in sys.modules for m in ('numpy', 'scipy', 'sklearn')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_classifying_does_not_need_scikit_learn() -> None:
    check = "import sys, matching.classifier as c; c.classify_one('A'); sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_the_model_file_is_smaller_than_two_megabytes() -> None:
    assert classifier.MODEL_PATH.stat().st_size < 2_000_000


def test_the_model_says_which_scikit_learn_trained_it() -> None:
    assert classifier.loaded_model().trained_with.count(".") == 2


def test_a_model_survives_being_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "copy.model"
    classifier.write_model(classifier.loaded_model(), path)
    names = names_in(PEOPLE)
    assert classifier.read_model(path).scores(names).tolist() == classifier.loaded_model().scores(names).tolist()


@pytest.mark.parametrize("changed", ["FORMAT", "features.VERSION"])
def test_a_model_of_another_version_asks_for_training_in_plain_words(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.npz"
    classifier.write_model(classifier.loaded_model(), path)
    monkeypatch.setattr(f"matching.classifier.{changed}", 99)
    with pytest.raises(ModelError, match=r"was made for .* needs .*99.*: run manage.py train_classifier\.$"):
        classifier.read_model(path)


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 cut short"])
def test_a_damaged_model_asks_for_training_in_plain_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"cannot be read: run manage.py train_classifier"):
        classifier.read_model(path)


def test_a_missing_model_asks_for_training_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"There is no classifier model"):
        classifier.read_model(tmp_path / "none.npz")


def test_the_command_writes_name_label_confidence(tmp_path: Path) -> None:
    rows = run(file_of(tmp_path, 'id,Name\n1,"Smith, John"\n2,Valley Roofing Ltd\n3,\n'))
    assert rows[0] == ["name", "label", "confidence"]
    assert [row[:2] for row in rows[1:]] == [
        ["Smith, John", "PERSON"],
        ["Valley Roofing Ltd", "ORGANISATION"],
        ["", ""],
    ]
    assert rows[3][2] == "0.0000"


def test_an_empty_line_is_a_blank_name_only_in_a_file_of_one_column(tmp_path: Path) -> None:
    assert run(file_of(tmp_path, "name\n\nPetty Cash\n"))[1] == ["", "", "0.0000"]
    assert len(run(file_of(tmp_path, "name,email\n\nPetty Cash,\n"))) == 2


def test_the_command_uses_first_and_last_name(tmp_path: Path) -> None:
    rows = run(file_of(tmp_path, "name,first_name,last_name\nLockwood Pryce,Lockwood,Pryce\nLockwood Pryce,,\n"))
    assert [row[1] for row in rows[1:]] == ["PERSON", "ORGANISATION"]


def test_the_command_accepts_a_byte_order_mark_and_short_rows(tmp_path: Path) -> None:
    rows = run(file_of(tmp_path, "name,email\nHinemoa Parata\n", "utf-8-sig"))
    assert rows[1][:2] == ["Hinemoa Parata", "PERSON"]


def test_the_command_writes_more_rows_than_one_chunk_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify_command, "CHUNK", 2)
    out = tmp_path / "out.csv"
    assert run(file_of(tmp_path, "name\n" + "Petty Cash\n" * 5), output=out) == []
    assert len(out.read_text().splitlines()) == 6


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "has no column called name: it is empty"),
        (b"title,email\nx,y\n", "has no column called name: it has title, email"),
        ("name\nTrần\n".encode("utf-16"), "is not UTF-8 text: save it again as"),
        ("name\nSiobhán\n".encode("latin-1"), "is not UTF-8 text: save it again as"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_file(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=sentence):
        run(path)


def test_the_command_says_that_a_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no file .*nope.csv"):
        run(tmp_path / "nope.csv")


def test_the_command_does_not_overwrite_its_input(tmp_path: Path) -> None:
    path = file_of(tmp_path, "name\nPetty Cash\n")
    with pytest.raises(CommandError, match="is the file being read"):
        run(path, output=path)
    assert path.read_text() == "name\nPetty Cash\n"


@pytest.mark.parametrize(
    ("kind", "confidence", "is_sure", "safer"),
    [
        ("PERSON", 0.95, True, "PERSON"),
        ("PERSON", 0.7, False, "PERSON"),
        ("PERSON", 0.6, False, "ORGANISATION"),
        ("ORGANISATION", 0.55, False, "ORGANISATION"),
        ("", 0.0, False, "ORGANISATION"),
    ],
)
def test_what_is_unsure_is_created_as_what_does_less_harm(
    kind: str, confidence: float, is_sure: bool, safer: str
) -> None:
    guess = Guess(kind, confidence)
    assert (guess.is_sure, guess.safer_kind) == (is_sure, safer)


def test_hard_names_are_in_no_word_list() -> None:
    """They measure; a model that knows them by heart would measure nothing."""
    from matching import features, kind_figures

    lexicon = classifier.loaded_model().lexicon
    known = [
        name
        for name, _, _ in kind_figures.hard_names()
        if features.word_key(" ".join(features.brand_words(name, lexicon.classes))) in lexicon.brands | lexicon.openings
    ]
    assert known == []


def test_a_known_organisation_is_known_with_its_place_and_its_legal_form() -> None:
    for name in ("Ralph Lauren Australia", "Calvin Klein", "Russell McVeagh", "Latham & Watkins LLP", "Caltex Perth"):
        assert classify_one(name).kind == "ORGANISATION", name


@pytest.mark.parametrize("name", ["Jo Ann Davis", "Lady M T Rice", "Ms. Garcia", "E. Foley", "D K Ferguson"])
def test_a_person_is_not_taken_for_a_brand_that_the_name_opens_with(name: str) -> None:
    assert classify_one(name).kind == "PERSON"


@pytest.mark.parametrize("name", ["Mary Poppinsby", "Peter Rabin", "James Whitfield", "Norm Baker", "Grace Bishop"])
def test_a_usual_given_name_is_one_although_dictionaries_have_it(name: str) -> None:
    assert classify_one(name).kind == "PERSON"


def test_most_hard_names_are_right() -> None:
    from matching import kind_figures

    assert len(kind_figures.hard_names()) > 500
    assert kind_figures.hard_f1(classifier.classify) > HARD_F1


def test_ten_thousand_names_a_second_even_on_a_busy_machine() -> None:
    from matching import kind_figures

    names = [Name(f"{n} {i}" if i % 9 == 0 else n) for i in range(10) for n, _, _ in kind_figures.hard_names()]
    classify(names[:10])
    began = time.process_time()
    classify(names)
    assert len(names) / (time.process_time() - began) > 10_000
