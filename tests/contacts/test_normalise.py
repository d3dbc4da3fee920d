"""Comparison keys and tolerant comparison, for any text that people may have typed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts import normalise
from tests.contacts.values import addresses, phones

names = st.text(max_size=40) | st.sampled_from(["Tane, Mere", "Doe Jr., John", "a, b, c", ", Mere", "Tane,", "ﬃ Ǆ ẞ ͅ"])


@given(names)
def test_a_text_key_is_its_own_key(text: str) -> None:
    assert normalise.text_key(normalise.text_key(text)) == normalise.text_key(text)


@given(names, st.booleans())
def test_a_name_key_is_its_own_key(name: str, is_person: bool) -> None:
    key = normalise.name_key(name, is_person=is_person)
    assert normalise.name_key(key, is_person=is_person) == key


@given(names)
def test_case_spaces_and_unicode_form_do_not_count(name: str) -> None:
    assert normalise.text_key(f"  {name}\u00a0 ") == normalise.text_key(name)
    assert normalise.same_text(unicodedata.normalize("NFD", name), unicodedata.normalize("NFC", name))
    assert normalise.same_text(name.casefold(), name)


@given(st.text(max_size=40))
def test_turning_a_name_around_twice_is_turning_it_once(name: str) -> None:
    assert normalise.uncomma(normalise.uncomma(name)) == normalise.uncomma(name)


@given(names, names)
def test_names_agree_whichever_side_is_asked_first(a: str, b: str) -> None:
    assert normalise.same_name(a, b) == normalise.same_name(b, a)
    assert normalise.same_name(a, a)


@given(phones(), phones())
def test_phones_agree_whichever_side_is_asked_first(a: dict[str, str], b: dict[str, str]) -> None:
    assert normalise.same_phone(a, b) == normalise.same_phone(b, a)
    assert normalise.same_phone(a, a)


@given(addresses(), addresses())
def test_addresses_agree_whichever_side_is_asked_first(a: dict[str, str], b: dict[str, str]) -> None:
    assert normalise.same_address(a, b) == normalise.same_address(b, a)
    assert normalise.same_address(a, a)


@given(st.dictionaries(st.sampled_from(["lines", "city", "number"]), st.text(max_size=10)))
def test_trimming_leaves_no_blank_part_and_trims_once(parts: dict[str, str]) -> None:
    trimmed = normalise.trimmed(parts)
    assert normalise.trimmed(trimmed) == trimmed
    assert all(part and part == part.strip() for part in trimmed.values())


@given(st.text(max_size=20))
def test_the_everyday_name_of_a_country_has_its_code(text: str) -> None:
    code = normalise.country_code(text)
    assert not code or normalise.country_code(normalise.country_name(code)) == code


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"country": "64", "area": "9", "number": "555 0100"}, {"number": "+64 9 555 0100", "country": "NZ"}),
        ({"country": "64", "area": "09", "number": "555-0100"}, {"number": "+64 (0)9 5550100"}),
        ({"number": "09 555 0100"}, {"number": "+64 9 555 0100", "country": "NZ"}),
        ({"number": "(09) 555 0100"}, {"area": "09", "number": "5550100"}),
    ],
)
def test_one_line_written_in_two_ways_is_one_phone(a: dict[str, str], b: dict[str, str]) -> None:
    assert normalise.same_phone(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"number": "09 555 0100"}, {"number": "09 555 0101"}),
        ({"country": "64", "number": "9 555 0100"}, {"country": "61", "number": "9 555 0100"}),
        ({"number": "09 555 0100"}, {"number": "09 555 0100 x12"}),
    ],
)
def test_another_line_is_another_phone(a: dict[str, str], b: dict[str, str]) -> None:
    assert not normalise.same_phone(a, b)
