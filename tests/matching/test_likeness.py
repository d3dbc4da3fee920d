"""How alike two records are, and why: what a person would say of the same two lines."""

import pytest

from contacts.models import LOOKALIKE_THRESHOLD
from matching.likeness import Likeness, Record, likeness
from matching.profiles import phone_key, profile
from matching.reasons import couple

EVEN = 0.5


def compared(mine: str | tuple[str, ...], theirs: str | tuple[str, ...]) -> Likeness:
    one, other = ((text,) if isinstance(text, str) else text for text in (mine, theirs))
    return likeness(Record(1, *one), Record(2, *other))


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (("Rob Smithers", "rob@smithers.example"), ("Robert Smithers", "rob@smithers.example")),
        ("Harbour Joinery Limited", "Harbour Joinery Ltd"),
        ("Harbour Joinery Pty Ltd", "HARBOUR JOINERY P/L"),
        ("Tāwhai & Sons Roofing", "Tawhai and Sons Roofing"),
        ("Nguyễn Thị Hương", "Nguyen Thi Huong"),
        ("Smithers-Jones, Rosalind", "Rosalind Smithers-Jones"),
        ("Rosalind Smithers (nee Quayle)", "Rosalind Quayle"),
        ("Harbour Joinery", "Harbuor Joinery"),
        ("R Davies t/a Valley Roofing", "Valley Roofing"),
        ("Kauri Investments (Valley Roofing)", "Valley Roofing"),
        ("Hill Nominees Pty Ltd ATF Quayle Family Trust", "Quayle Family Trust"),
        (("Aroha Ngata", "aroha@ngata.example"), ("Aroha Tamihana", "aroha@ngata.example")),
        ("Mikhail Voloshenko", "Michael Voloshenko"),
        ("Dr Wiremu Parata", "Wiremu Parata"),
    ],
)
def test_one_client_written_in_two_ways_is_likely_the_same(mine: str, theirs: str) -> None:
    assert compared(mine, theirs).score > EVEN


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("Quayle Trust 2019", "Quayle Trust 2021"),
        ("Unit 4 Wharf Road Limited", "Unit 5 Wharf Road Limited"),
        ("Quayle Holdings Limited", "Quayle Investments Limited"),
        ("Hill Nominees Pty Ltd ATF Quayle Family Trust", "Hill Nominees Pty Ltd"),
        (("Jing Chen", "jingchen@mail.example"), ("Ling Chen", "lingchen@home.example")),
        ("The Kauri Aldridge Family Trust", "The Kauri Dubois Family Trust"),
        ("Tuan Do", "Tuan Vo"),
        ("Meridian Glass Limited", "Meridian Insulation Limited"),
        ("", "Harbour Joinery"),
    ],
)
def test_two_clients_who_look_alike_are_not_taken_for_one(mine: str, theirs: str) -> None:
    assert compared(mine, theirs).score < EVEN


@pytest.mark.parametrize(
    ("mine", "theirs", "says"),
    [
        (("Rob Smithers", "r@s.example"), ("Robert Smithers", "r@s.example"), {"same e-mail", "Rob is short for Robert"}),
        ("J Smithers", "Jacqueline Smithers", {"J may stand for Jacqueline"}),
        ("Bob Smithers", "Rob Smithers", {"Bob and Rob are both forms of Robert"}),
        ("Quayle Trust 2019", "Quayle Trust 2021", {"numbers differ: 2019 and 2021"}),
        ("Harbor Joinery", "Harbour Joinery", {"Harbor and Harbour are spelled alike"}),
        ("R Davies t/a Valley Roofing", "Valley Roofing", {"the trading name fits"}),
        ("Hill Nominees ATF Quayle Trust", "Hill Nominees", {"the trust and its trustee company (ATF) are different"}),
        (("A Ngata", "", "09 555 0100"), ("A Ngata", "", "+64 9 555 0100"), {"same phone", "same name"}),
        ("J & M Smithers", "John Smithers", {"one is a couple, the other is not"}),
    ],
)  # fmt: skip
def test_the_reasons_are_told_in_words(mine: str, theirs: str, says: set[str]) -> None:
    assert says <= set(compared(mine, theirs).reasons)


@pytest.mark.parametrize("other", ["Ridge Seafoods Limited", "Mere Tane", "I Carvalho t/a Anchor Tiling"])
def test_a_shared_phone_alone_holds_nobody_back(other: str) -> None:
    found = compared(("Aroha Pita", "", "09 555 0182"), (other, "", "(09) 5550182"))
    assert found.score < LOOKALIKE_THRESHOLD / 100
    assert "same phone" in found.reasons


HOUSE, NEXT_DOOR = "12 Kauri Street Ponsonby Auckland 1011", "14 Kauri Street Ponsonby Auckland 1011"


def at(house: str, name: str) -> Record:
    return Record(name, name, address=house)


@pytest.mark.parametrize(
    ("other", "most"),
    [
        (at(HOUSE, "Mary Whitfield"), 0.8),
        (at(HOUSE, "John Brackenridge"), 0.6),
        (at(HOUSE, "Peter Nakamura"), 0.3),
        (at(NEXT_DOOR, "Mary Whitfield"), 0.5),
        (at(NEXT_DOOR, "Peter Nakamura"), 0.1),
    ],
)
def test_whom_one_lives_with_or_next_to_is_no_reason_to_hold(other: Record, most: float) -> None:
    assert likeness(at(HOUSE, "John Whitfield"), other).score < most < LOOKALIKE_THRESHOLD / 100


def test_relatives_under_one_roof_are_likelier_the_same_than_strangers_elsewhere() -> None:
    elsewhere = at("77 Queen Road Newtown Wellington 6021", "Mary Whitfield")
    assert likeness(at(HOUSE, "John Whitfield"), at(HOUSE, "Mary Whitfield")).score > 0.1
    assert likeness(at(HOUSE, "John Whitfield"), elsewhere).score < 0.02


def test_an_address_is_called_the_same_only_with_the_same_number() -> None:
    mine, slip = at(HOUSE, "John Whitfield"), at("12 Kauri St Ponsonbby Auckland 1011", "J Whitfield")
    assert "same address" in likeness(mine, slip).reasons
    assert "next door or a similar address" in likeness(mine, at(NEXT_DOOR, "J Whitfield")).reasons


@pytest.mark.parametrize("other", ["Talia Wotten", "Tahlia Wotton", "Talia Woton", "Wotton, Tahlia", "T Wotton"])
def test_a_misspelled_name_never_counts_more_than_the_exact_one(other: str) -> None:
    assert compared("Talia Wotton", other).score <= compared("Talia Wotton", "Talia Wotton").score


def test_father_and_son_are_told_apart_by_what_follows_the_name() -> None:
    alike = compared("Samuel Quayle Sr", "Samuel Quayle Sr").score
    assert compared("Samuel Quayle Sr", "Samuel Quayle Jr").score < alike
    assert "one is called junior or senior" in compared("Samuel Quayle", "Samuel Quayle Jr").reasons


def test_a_couple_is_told_which_people_the_other_side_has() -> None:
    mine = profile(Record(1, "J & M Smithers"))
    others = [profile(Record(n, name)) for n, name in enumerate(("Mary Smithers", "John Smithers", "Kay Smithers"))]
    assert couple(mine, others) == "Mary Smithers and John Smithers"
    assert couple(profile(Record(2, "John Smithers")), others) == ""
    assert couple(mine, others[:1]) == ""


@pytest.mark.parametrize("text", ["+64 9 555 0100", "09 555 0100", "(09) 555-0100", "0064 9 5550100", "9 5550100"])
def test_a_phone_is_the_same_in_any_format(text: str) -> None:
    assert phone_key(text) == "95550100"


def test_a_score_is_the_same_whichever_comes_first() -> None:
    one, other = ("Rob Smithers", "rob@smithers.example"), ("Robert Smithers", "office@smithers.example")
    assert compared(one, other).score == pytest.approx(compared(other, one).score, abs=0.05)
