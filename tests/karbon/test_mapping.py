"""What Karbon's records say in our four fields, and how our values are written back."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contacts import normalise
from contacts.remote import Creation
from contacts.values import CannotHold, Kind, Ref, Value
from karbon import conventions, mapping
from karbon.conventions import STANDARD, Conventions
from tests.karbon.wire import FIRM_KEY, KEY, NOW, assert_conforms, card, organisation, person

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)
WORDS = st.lists(
    st.sampled_from(
        ["Mere", "Jo", "van", "der", "Te", "O'", "Al", "Jr", "III", "&", "and", "Mr", "Dr", "St", "Tane", "José"]
    )
    | TEXT.filter(lambda text: len(text.split()) == 1 and "," not in text).map(str.strip),
    min_size=1,
    max_size=7,
)
MAYBE = st.none() | TEXT
PHONES = st.fixed_dictionaries(
    {"PhoneNumberKey": TEXT},
    optional={"Number": MAYBE, "CountryCode": MAYBE, "Label": st.sampled_from(["Work", "Fax", None])},
)
ADDRESSES = st.fixed_dictionaries(
    {"AddressKey": TEXT, "Label": st.sampled_from(["Physical", "Mailing", "Legal", "Home", "mailing", None])},
    optional={name: MAYBE for name in ("AddressLines", "City", "StateProvinceCounty", "ZipCode", "CountryCode")},
)
CARDS = st.fixed_dictionaries(
    {},
    optional={
        "EmailAddresses": st.none() | st.lists(TEXT, max_size=3),
        "PhoneNumbers": st.none() | st.lists(PHONES, max_size=3),
        "Addresses": st.none() | st.lists(ADDRESSES, max_size=4),
        "WebSites": st.lists(TEXT, max_size=2),
        "RoleOrTitle": MAYBE,
        "SkypeLink": MAYBE,
    },
).map(lambda parts: card(**parts))
NUMBERS = st.from_regex(r"\(?0?[0-9]{1,3}\)? ?[0-9]{3,4}[ -]?[0-9]{3,4}( x[0-9]{1,3})?", fullmatch=True)
RAW = {
    "name": TEXT | WORDS.map(" ".join) | WORDS.map(", ".join),
    "billing_email": TEXT,
    "primary_phone": st.fixed_dictionaries(
        {},
        optional={
            "country": st.sampled_from(["NZ", "64", "+61", "1", "", "999"]),
            "area": TEXT,
            "number": NUMBERS | TEXT,
        },
    ),
    "billing_address": st.fixed_dictionaries(
        {},
        optional={
            "lines": st.lists(TEXT, max_size=4).map("\n".join),
            "city": TEXT,
            "region": TEXT,
            "postcode": TEXT,
            "country": st.sampled_from(["NZ", "New Zealand", "U.K.", "Atlantis", ""]),
        },
    ),
}
CONVENTIONS = st.builds(
    conventions.of,
    st.lists(st.sampled_from(conventions.ADDRESS_LABELS), unique=True),
    st.lists(st.sampled_from(conventions.PHONE_LABELS), unique=True, max_size=3),
)
CARD_FIELDS = ["billing_email", "primary_phone", "billing_address"]


@st.composite
def expressible(draw: st.DrawFn, names: list[str] = CARD_FIELDS, kind: Kind = Kind.ORGANISATION) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name in draw(st.sets(st.sampled_from(names))):
        try:
            found[name] = mapping.express(name, draw(RAW[name]), kind)
        except CannotHold:
            continue
    return found


def address(label: str | None = "Mailing", **parts: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("AddressLines", "City", "StateProvinceCounty", "ZipCode", "CountryCode"))
    return {"AddressKey": "guid", **empty, "Label": label, **parts}


def put(before: dict[str, Any], by: Conventions = STANDARD, **values: Value) -> dict[str, Any]:
    return mapping.card_body(before, Ref(KEY, Kind.PERSON), values, by)


# --- reading ---


def test_a_list_row_shows_name_email_and_phone_and_leaves_the_address_unknown() -> None:
    row = {
        "ContactKey": KEY,
        "FullName": "Tane, Mere",
        "EmailAddress": None,
        "PhoneNumber": "09 555",
        "Address": "1 Quay St",
    }
    shot = mapping.row_snapshot(row, Kind.PERSON, NOW)
    assert shot.values == {"name": "Mere Tane", "billing_email": "", "primary_phone": {"number": "09 555"}}
    assert not shot.complete and shot.remote_id == KEY and shot.kind is Kind.PERSON


def test_an_organisation_keeps_the_comma_in_its_name() -> None:
    row = {"OrganizationKey": FIRM_KEY, "FullName": "Tane, Mere & Co"}
    assert mapping.row_snapshot(row, Kind.ORGANISATION, NOW).values["name"] == "Tane, Mere & Co"


def test_a_full_record_shows_all_four_fields_of_its_primary_card() -> None:
    other = card(IsPrimaryCard=False, EmailAddresses=["other@example.test"])
    ours = card(
        EmailAddresses=["mere@example.test", "second@example.test"],
        PhoneNumbers=[{"PhoneNumberKey": "guid", "Number": "09 555 0100", "CountryCode": "NZ", "Label": "Fax"}],
        Addresses=[address("Physical"), address("Legal", AddressLines="1 Quay St\r\nFloor 2", City="Auckland")],
    )
    shot = mapping.record_snapshot(person("Mere", "Anne", "Tane", other, ours), Kind.PERSON, NOW)
    assert shot.complete and not shot.problem and shot.modified_at == "2026-08-01T03:04:05.6789012Z"
    assert shot.values == {
        "name": "Mere Anne Tane",
        "billing_email": "mere@example.test",
        "primary_phone": {"number": "09 555 0100", "country": "NZ"},
        "billing_address": {"lines": "1 Quay St\nFloor 2", "city": "Auckland"},
    }


def test_the_first_card_counts_when_none_is_primary() -> None:
    cards = [card(IsPrimaryCard=False, EmailAddresses=["a@example.test"]), card(IsPrimaryCard=False)]
    assert mapping.record_values(person("A", None, "B", *cards), Kind.PERSON)["billing_email"] == "a@example.test"


@pytest.mark.parametrize("cards", [None, []])
def test_a_record_without_a_card_says_so_and_its_card_fields_are_unknown(cards: list[Any] | None) -> None:
    shot = mapping.record_snapshot({**organisation(), "BusinessCards": cards}, Kind.ORGANISATION, NOW)
    assert shot.values == {"name": "Harbour Joinery Ltd"} and "has no business card" in shot.problem


def test_mailing_comes_before_physical_and_legal_and_a_home_address_is_never_ours() -> None:
    entries = [address(label, City=label) for label in ("Home", "Legal", "Physical", "Mailing")]
    assert mapping.card_values(card(Addresses=entries))["billing_address"] == {"city": "Mailing"}
    assert mapping.card_values(card(Addresses=entries[:3]))["billing_address"] == {"city": "Physical"}
    assert mapping.card_values(card(Addresses=entries[:1]))["billing_address"] == {}


# --- what Karbon can hold ---


@pytest.mark.parametrize(
    ("phone", "held"),
    [
        ({"country": "64", "area": "9", "number": "555 0100"}, {"number": "+64 9 555 0100", "country": "NZ"}),
        ({"country": "64", "area": "09", "number": "555 0100"}, {"number": "+64 9 555 0100", "country": "NZ"}),
        ({"area": "09", "number": "555 0100"}, {"number": "09 555 0100"}),
        ({"country": "NZ", "number": "09 555 0100"}, {"number": "09 555 0100", "country": "NZ"}),
        (
            {"country": "64", "area": "9", "number": "555 0100 ext 12"},
            {"number": "+64 9 555 0100 x12", "country": "NZ"},
        ),
        ({"number": "ask for Jo"}, {"number": "ask for Jo"}),
        ({}, {}),
    ],
)
def test_a_phone_becomes_one_text_and_a_region(phone: dict[str, str], held: dict[str, str]) -> None:
    assert mapping.express("primary_phone", phone, Kind.PERSON) == held


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("name", " ", "needs a name"),
        ("name", "Madonna", "first and a last name"),
        ("primary_phone", {"number": "0800 HARBOUR JOINERY PLEASE"}, "longer"),
        ("primary_phone", {"country": "64"}, "no number"),
        ("billing_address", {"lines": "x" * 201}, "longer"),
        ("billing_address", {"city": "x" * 101}, "longer"),
        ("billing_address", {"postcode": "x" * 21}, "longer"),
        ("billing_address", {"country": "Atlantis"}, "Correct the country in Xero"),
    ],
)
def test_what_karbon_has_no_place_for_is_refused_with_what_to_do(name: str, value: Value, says: str) -> None:
    with pytest.raises(CannotHold, match=says):
        mapping.express(name, value, Kind.PERSON)


def test_an_address_keeps_its_lines_and_names_its_country_by_code() -> None:
    value = {"lines": "1 Quay St\r\nFloor 2", "city": "Auckland", "country": "New Zealand"}
    held = {"lines": "1 Quay St\nFloor 2", "city": "Auckland", "country": "NZ"}
    assert mapping.express("billing_address", value, Kind.PERSON) == held


@given(phone=RAW["primary_phone"])
def test_a_phone_rings_the_same_line_once_karbon_holds_it(phone: dict[str, str]) -> None:
    assume(set("123456789") & set(phone.get("number", "")))  # nothing but zeros is no number to dial
    try:
        held = mapping.express("primary_phone", phone, Kind.PERSON)
    except CannotHold:
        return
    assert isinstance(held, dict)
    assert mapping.express("primary_phone", held, Kind.PERSON) == held
    if held and phone.get("country") != "999":  # no region has that code, so Karbon cannot be told it apart
        assert normalise.same_phone(held, {key: " ".join(text.split()) for key, text in phone.items()})


@given(name=RAW["name"], kind=st.sampled_from([Kind.PERSON, Kind.ORGANISATION]))
def test_a_name_that_karbon_holds_is_held_again_as_it_is(name: str, kind: Kind) -> None:
    try:
        held = mapping.express("name", name, kind)
    except CannotHold:
        return
    assert mapping.express("name", held, kind) == held


# --- names of people ---


@pytest.mark.parametrize(
    ("full", "split"),
    [
        ("Mere Tane", ("Mere", "", "Tane")),
        ("Mere Anne Tane", ("Mere", "Anne", "Tane")),
        ("Mere Anne Rose Tane", ("Mere", "Anne Rose", "Tane")),
        ("Tane, Mere Anne", ("Mere", "Anne", "Tane")),
        ("Alan & Joan Petrie", ("Alan & Joan", "", "Petrie")),
        ("Mr and Mrs Patel", ("Mr and Mrs", "", "Patel")),
        ("Dr Mere Tane", ("Dr Mere", "", "Tane")),
        ("Jan van der Berg", ("Jan", "", "van der Berg")),
        ("Maria Luisa de la Cruz", ("Maria", "Luisa", "de la Cruz")),
        ("Ali bin Ahmad", ("Ali", "", "bin Ahmad")),
        ("Hone Te Rangi", ("Hone", "", "Te Rangi")),
        ("Sean O' Brien", ("Sean", "", "O' Brien")),
        ("Al Smith", ("Al", "", "Smith")),
        ("John Doe Jr.", ("John", "", "Doe Jr.")),
        ("Doe Jr., John", ("John", "", "Doe Jr.")),
        ("John Doe, Jr.", ("John", "", "Doe, Jr.")),
        ("John Paul Doe III", ("John", "Paul", "Doe III")),
        ("Alan & Joan van Dyk", ("Alan & Joan", "", "van Dyk")),
        ("Madonna", ("Madonna", "", "")),
    ],
)
def test_a_persons_name_is_split_where_people_would(full: str, split: tuple[str, str, str]) -> None:
    assert mapping.split_name(full) == split


def test_given_first_and_last_names_are_believed_where_the_name_shows_them() -> None:
    assert mapping.split_name("Mary Jane García López", "mary jane", "García López") == (
        "Mary Jane",
        "",
        "García López",
    )
    assert mapping.split_name("Mary Jane Lopez Brown", "Mary Jane", "Brown") == ("Mary Jane", "Lopez", "Brown")
    assert mapping.split_name("Mere Tane", "Somebody", "Else") == ("Mere", "", "Tane")
    assert mapping.split_name("Mere Tane", "Mere Tane", "Mere Tane") == ("Mere", "", "Tane")


@given(name=RAW["name"], first=st.just("") | WORDS.map(" ".join), last=st.just("") | WORDS.map(" ".join))
def test_splitting_a_name_loses_nothing(name: str, first: str, last: str) -> None:
    parts = mapping.split_name(name, first, last)
    assert " ".join(filter(None, parts)) == mapping.person_name(name)
    assert (parts[0] and parts[2]) or " " not in mapping.person_name(name)


# --- writing ---


def test_a_rename_keeps_how_the_old_name_was_split() -> None:
    body = mapping.name_body(Kind.PERSON, "Mary Jane Brown", person("Mary Jane", None, "Smith"))
    assert body == {"FirstName": "Mary Jane", "MiddleName": "", "LastName": "Brown"}
    assert mapping.name_body(Kind.ORGANISATION, "Harbour Ltd", organisation()) == {"FullName": "Harbour Ltd"}


def test_writing_one_field_keeps_the_rest_of_the_card() -> None:
    before = card(
        EmailAddresses=["a@example.test", "b@example.test"],
        PhoneNumbers=[{"PhoneNumberKey": "guid", "Number": "1", "CountryCode": "NZ", "Label": "Mobile"}],
        Addresses=[address("Physical"), address("Legal", City="Auckland")],
        WebSites=["example.test"],
        OrganizationKey="Employer1",
        RoleOrTitle="COO",
        LinkedInLink="linkedin.test/mere",
    )
    assert put(before, billing_email="new@example.test") == {
        "BusinessCardKey": before["BusinessCardKey"],
        "EntityType": "Contact",
        "EntityKey": KEY,
        "IsPrimaryCard": True,
        "OrganizationKey": "Employer1",
        "RoleOrTitle": "COO",
        "LinkedInLink": "linkedin.test/mere",
        "WebSites": ["example.test"],
        "EmailAddresses": ["new@example.test", "b@example.test"],
        "PhoneNumbers": [{"Number": "1", "CountryCode": "NZ", "Label": "Mobile"}],
        "Addresses": [{"Label": "Physical"}, {"City": "Auckland", "Label": "Legal"}],
    }


def test_a_replaced_phone_keeps_its_label_and_a_new_one_is_for_work() -> None:
    before = card(PhoneNumbers=[{"Number": "1", "Label": "Mobile"}, {"Number": "2", "Label": "Fax"}])
    phones = put(before, primary_phone={"number": "3", "country": "NZ"})["PhoneNumbers"]
    assert phones == [{"Number": "3", "CountryCode": "NZ", "Label": "Mobile"}, {"Number": "2", "Label": "Fax"}]
    assert put(card(), primary_phone={"number": "3"})["PhoneNumbers"] == [{"Number": "3", "Label": "Work"}]


def test_a_new_address_fills_an_empty_mailing_entry_or_adds_one() -> None:
    before = card(Addresses=[address("Physical"), address("Mailing")])
    new = {"City": "Auckland", "Label": "Mailing"}
    assert put(before, billing_address={"city": "Auckland"})["Addresses"] == [{"Label": "Physical"}, new]
    only_home = card(Addresses=[address("Home", City="Taupo")])
    assert put(only_home, billing_address={"city": "Auckland"})["Addresses"] == [
        {"City": "Taupo", "Label": "Home"},
        new,
    ]


def test_a_shown_physical_address_is_replaced_where_it_stands() -> None:
    before = card(Addresses=[address("Mailing"), address("Physical", City="Taupo", ZipCode="1")])
    assert put(before, billing_address={"city": "Auckland"})["Addresses"][1] == {
        "City": "Auckland",
        "Label": "Physical",
    }


def test_clearing_the_first_email_and_the_mailing_address_lets_the_next_ones_show() -> None:
    before = card(
        EmailAddresses=["a@example.test", "b@example.test"],
        Addresses=[address("Mailing", City="Auckland"), address("Physical", City="Taupo")],
    )
    values: dict[str, Value] = {"billing_email": "", "billing_address": {}}
    shown = mapping.shown(put(before, **values), Kind.PERSON, values)
    assert shown == {"billing_email": "b@example.test", "billing_address": {"city": "Taupo"}}


def test_an_email_that_stood_second_moves_up_instead_of_standing_twice() -> None:
    before = card(EmailAddresses=["a@example.test", "B@example.test", "c@example.test"])
    assert put(before, billing_email="b@example.test")["EmailAddresses"] == ["b@example.test", "c@example.test"]


PHONES_OF_A_CARD = [
    {"Number": "", "Label": "Office"},
    {"Number": "1", "Label": "Work"},
    {"Number": "2", "Label": "mobile"},
    {"Number": "3", "Label": "Fax"},
]


@pytest.mark.parametrize(
    ("preferred", "number"),
    [([], "1"), (["Mobile", "Work"], "2"), (["Office", "Fax"], "3"), (["Home"], "1")],
)
def test_the_preferred_label_chooses_the_phone_and_an_empty_one_never_counts(preferred: list[str], number: str) -> None:
    shown = mapping.card_values(card(PhoneNumbers=PHONES_OF_A_CARD), conventions.of([], preferred))
    assert shown["primary_phone"] == {"number": number}


def test_a_new_entry_gets_the_first_label_of_the_convention() -> None:
    by = conventions.of(["Legal", "Mailing"], ["Mobile"])
    body = put(card(), by, primary_phone={"number": "1"}, billing_address={"lines": "1 Wharf Road"})
    assert [entry["Label"] for entry in (*body["PhoneNumbers"], *body["Addresses"])] == ["Mobile", "Legal"]


def test_only_the_labels_of_the_convention_are_ever_looked_at() -> None:
    addresses = [{"AddressLines": "7 Court Road", "Label": "Legal"}]
    assert mapping.card_values(card(Addresses=addresses), conventions.of(["Home"], []))["billing_address"] == {}
    assert mapping.card_values(card(Addresses=addresses))["billing_address"] == {"lines": "7 Court Road"}


@given(before=CARDS, values=expressible(), by=CONVENTIONS)
def test_what_is_written_is_what_then_shows(before: dict[str, Any], values: dict[str, Value], by: Conventions) -> None:
    body = put(before, by, **values)
    assert_conforms(body)
    shown = mapping.shown(body, Kind.PERSON, values, by)
    for name, value in values.items():
        if value:
            assert shown[name] == value
    untouched = mapping.card_values(before, by)
    after = mapping.card_values(body, by)
    assert all(after[name] == untouched[name] for name in CARD_FIELDS if name not in values)


@given(before=CARDS, values=expressible(), by=CONVENTIONS)
def test_whatever_is_not_synced_survives_a_write(
    before: dict[str, Any], values: dict[str, Value], by: Conventions
) -> None:
    body, alone = put(before, by, **values), put(before, by)
    assert all(body[name] == before[name] for name in ("BusinessCardKey", "EntityKey", "WebSites", "RoleOrTitle"))
    assert body.get("SkypeLink") == before["SkypeLink"]
    first = {"PhoneNumbers": mapping._primary_phone, "Addresses": mapping._billing_address}
    for name, find in first.items():
        ours = find(alone[name], by)
        others = [entry for place, entry in enumerate(alone[name]) if place != ours]
        filled = [entry for entry in others if any(text.strip() for part, text in entry.items() if part != "Label")]
        assert all(entry in body[name] for entry in filled)
    new = str(values.get("billing_email", ""))
    kept = [text for text in alone["EmailAddresses"] if text.strip()][1:]
    assert all(text in body["EmailAddresses"] or normalise.same_text(text, new) for text in kept)


@given(before=CARDS)
def test_a_write_of_nothing_changes_nothing_that_shows(before: dict[str, Any]) -> None:
    assert mapping.card_values(put(before)) == mapping.card_values(before)
    assert put(put(before)) == put(before)


@given(kind=st.sampled_from([Kind.PERSON, Kind.ORGANISATION]), values=st.data(), by=CONVENTIONS)
def test_a_created_record_shows_what_it_was_created_with(kind: Kind, values: st.DataObject, by: Conventions) -> None:
    wanted = values.draw(expressible([*CARD_FIELDS, "name"], kind).filter(lambda found: "name" in found))
    body = mapping.create_body(Creation(marker="1", kind=kind, values=wanted, contact_type="Client"), by)
    assert body["ContactType"] == "Client"
    assert_conforms(body["BusinessCards"][0], is_new=True)
    assert {name: mapping.record_values(body, kind, by)[name] for name in wanted} == wanted


def test_a_person_of_one_word_is_not_created() -> None:
    with pytest.raises(CannotHold, match="first and a last name"):
        mapping.create_body(Creation(marker="1", kind=Kind.PERSON, values={"name": "Madonna"}))
