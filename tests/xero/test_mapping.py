"""What Xero's contacts say in our four fields, and how our values are written back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts import normalise
from contacts.fields import FIELDS
from contacts.remote import Creation
from contacts.values import CannotHold, Kind, Presence, Value
from tests.xero.wire import ID, NOW, NOW_MS, contact, phone
from xero import mapping

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40)
SLOT_KEYS = [*mapping._PHONE.values(), *mapping._LINES, *mapping._PLACE.values(), "AttentionTo"]
SLOTS = st.fixed_dictionaries({}, optional={key: TEXT for key in SLOT_KEYS})
ODD = st.none() | st.booleans() | st.integers() | TEXT | st.just([]) | st.just({}) | st.just([{}]) | st.just([7])
PHONE_TEXTS = st.from_regex(
    r"(\+?[0-9]{1,3} )?\(?0?[0-9]{1,3}\)? ?[0-9]{3,4}[ -]?[0-9]{3,4}( x[0-9]{1,3})?", fullmatch=True
)
VALUES = {
    "name": TEXT,
    "billing_email": TEXT,
    "primary_phone": st.fixed_dictionaries(
        {}, optional={"country": st.sampled_from(["NZ", "AU", "US", "GB", "64", "1", ""]), "number": PHONE_TEXTS | TEXT}
    ),
    "billing_address": st.fixed_dictionaries(
        {},
        optional={
            "lines": st.lists(TEXT, max_size=7).map("\n".join),
            "city": TEXT,
            "region": TEXT,
            "postcode": TEXT,
            "country": st.sampled_from(["NZ", "GB", "New Zealand", "U.K.", "Atlantis", ""]),
        },
    ),
}


@st.composite
def contacts(draw: st.DrawFn) -> dict[str, Any]:
    """Contacts with any mix of filled, blank and missing slots, in any order."""
    phones = [{"PhoneType": kind, **draw(SLOTS)} for kind in draw(st.permutations(["DEFAULT", "DDI", "FAX", "MOBILE"]))]
    places = [{"AddressType": kind, **draw(SLOTS)} for kind in draw(st.permutations(["POBOX", "STREET"]))]
    more = {"Phones": phones, "Addresses": places, "Name": draw(TEXT), "EmailAddress": draw(TEXT)}
    return contact(**more, FirstName=draw(TEXT), LastName=draw(TEXT))


@st.composite
def expressible(draw: st.DrawFn) -> dict[str, Value]:
    """Values as Xero would hold them, for some of the fields."""
    found: dict[str, Value] = {}
    for name in draw(st.sets(st.sampled_from(list(VALUES)))):
        try:
            found[name] = mapping.express(name, draw(VALUES[name]))
        except CannotHold:
            continue
    return found


@given(contacts(), expressible())
def test_an_update_shows_exactly_what_was_written_and_leaves_the_rest(payload: dict, values: dict) -> None:
    before = mapping.snapshot(payload, NOW).values
    assert mapping.shown(payload, mapping.update_body(payload, values)) == {**before, **values}


@given(contacts(), expressible())
def test_other_slots_and_the_attention_line_survive_an_update(payload: dict, values: dict) -> None:
    body = mapping.update_body(payload, values)
    assert {slot["PhoneType"] for slot in body.get("Phones", [])} <= {"DEFAULT"}
    assert {slot["AddressType"] for slot in body.get("Addresses", [])} <= {"POBOX"}
    billing = next(slot for slot in payload["Addresses"] if slot["AddressType"] == "POBOX")
    assert all(slot["AttentionTo"] == billing.get("AttentionTo", "") for slot in body.get("Addresses", []))


@given(st.sampled_from(list(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])))
def test_expressing_twice_changes_nothing_more(named: tuple[str, Value]) -> None:
    name, value = named
    try:
        once = mapping.express(name, value)
    except CannotHold:
        return
    assert mapping.express(name, once) == once


@given(
    st.sampled_from(["NZ", "AU", "64", "+61", ""]),
    st.from_regex(r"(\+6[14] ?|0)[2-9] ?[2-9][0-9]{2,3}[ -]?[0-9]{4}( x[0-9]{1,3})?", fullmatch=True),
)
def test_an_expressed_phone_still_rings_the_same_line(country: str, number: str) -> None:
    value = normalise.trimmed({"country": country, "number": number})
    assert FIELDS["primary_phone"].same(mapping.express("primary_phone", value), value)


@given(
    st.dictionaries(
        st.sampled_from([*contact(), "MergedToContactID", "FirstName"]),
        ODD | st.lists(st.dictionaries(st.sampled_from(["PhoneType", "AddressType", *SLOT_KEYS]), ODD)),
    )
)
def test_odd_parts_of_a_contact_never_raise(odd: dict) -> None:
    seen = mapping.snapshot({**contact(), **odd}, NOW)
    assert set(seen.values) <= set(FIELDS)
    mapping.shown(seen.payload, mapping.update_body({**odd, "ContactID": ID}, {"name": "New", "billing_address": {}}))


def test_the_four_fields_are_read_from_their_slots() -> None:
    seen = mapping.snapshot(contact(ID.upper()), NOW)
    assert seen.values == {
        "name": "Harbour Joinery",
        "billing_email": "office@harbour.example",
        "primary_phone": {"country": "64", "area": "9", "number": "555 0100"},
        "billing_address": {
            "lines": "Level 2\n1 Wharf Rd",
            "city": "Auckland",
            "postcode": "1010",
            "country": "New Zealand",
        },
    }
    assert (seen.remote_id, seen.kind, seen.modified_at) == (ID, Kind.UNKNOWN, str(NOW_MS))
    assert (seen.is_customer, seen.is_supplier, seen.complete) == (True, False, True)


def test_a_missing_slot_and_an_empty_one_are_both_blank() -> None:
    bare = {"ContactID": ID, "Name": "Bare"}
    empty = contact(Name="Bare", EmailAddress="", Phones=[phone()], Addresses=[{"AddressType": "POBOX", "City": ""}])
    blank = {"name": "Bare", "billing_email": "", "primary_phone": {}, "billing_address": {}}
    assert mapping.snapshot(bare, NOW).values == mapping.snapshot(empty, NOW).values == blank


def test_a_part_of_the_wrong_type_is_unknown_not_blank() -> None:
    assert "primary_phone" not in mapping.snapshot(contact(Phones="none"), NOW).values
    assert "billing_email" not in mapping.snapshot(contact(EmailAddress=7), NOW).values


@pytest.mark.parametrize(
    ("more", "presence", "merged_into"),
    [
        ({}, Presence.PRESENT, ""),
        ({"ContactStatus": "ARCHIVED"}, Presence.ARCHIVED, ""),
        ({"ContactStatus": "GDPRREQUEST"}, Presence.ARCHIVED, ""),
        ({"ContactStatus": "ARCHIVED", "MergedToContactID": "ABCD"}, Presence.MERGED, "abcd"),
    ],
)
def test_the_status_tells_whether_a_contact_is_present(more: dict, presence: Presence, merged_into: str) -> None:
    seen = mapping.snapshot(contact(**more), NOW)
    assert (seen.presence, seen.merged_into) == (presence, merged_into)


@pytest.mark.parametrize(
    "odd", [None, [], {}, {"ContactID": None}, {"ContactID": "00000000-0000-0000-0000-000000000000"}]
)
def test_a_contact_without_an_id_has_none(odd: object) -> None:
    assert mapping.contact_id(odd) == ""


@pytest.mark.parametrize(
    ("value", "expressed"),
    [
        ({"number": "+64 9 555 0100"}, {"country": "64", "area": "9", "number": "555 0100"}),
        ({"number": "+1 (212) 555-0123 x22"}, {"country": "1", "area": "212", "number": "555-0123 x22"}),
        ({"number": "+64 (0)9 555 0100"}, {"country": "64", "area": "9", "number": "555 0100"}),
        ({"country": "NZ", "number": "09 555 0100"}, {"country": "64", "area": "9", "number": "555 0100"}),
        ({"country": "US", "number": "(212) 555-0123"}, {"country": "1", "area": "212", "number": "555-0123"}),
        ({"country": "NZ", "number": "021 555 0100"}, {"country": "64", "number": "21 555 0100"}),
        ({"number": "09 555 0100"}, {"number": "09 555 0100"}),
        ({"number": "ask for Jo"}, {"number": "ask for Jo"}),
        ({"country": "NZ", "number": "ask for Jo"}, {"number": "ask for Jo"}),
        ({"country": "+64", "number": "ask for Jo"}, {"country": "64", "number": "ask for Jo"}),
        ({"country": "64", "area": "9", "number": "5550100"}, {"country": "64", "area": "9", "number": "5550100"}),
        ({}, {}),
    ],
)
def test_a_phone_is_taken_apart_only_where_nothing_is_lost(value: dict, expressed: dict) -> None:
    assert mapping.express("primary_phone", value) == expressed


def test_an_address_of_five_lines_keeps_them_all_in_four() -> None:
    value = {"lines": "a\n\nb\nc\nd\ne", "city": " Auckland ", "country": "NZ"}
    expected = {"lines": "a\nb\nc\nd, e", "city": "Auckland", "country": "New Zealand"}
    assert mapping.express("billing_address", value) == expected


def test_a_name_loses_stray_spaces_only() -> None:
    assert mapping.express("name", " Harbour\u00a0 Joinery ") == "Harbour Joinery"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("name", "  ", "needs a name"),
        ("name", "A <b>", "Take them out in Karbon"),
        ("name", "x" * 256, "256 characters; Xero takes 255"),
        ("billing_email", "x" * 256, "billing email"),
        ("primary_phone", {"number": "x" * 51}, "phone number has 51"),
        ("primary_phone", {"country": "64", "area": "1" * 11, "number": "5"}, "area code"),
        ("billing_address", {"lines": "x" * 501}, "address line"),
        ("billing_address", {"city": "x" * 256}, "city"),
        ("billing_address", {"postcode": "x" * 51}, "postcode"),
        ("billing_address", {"country": "x" * 51}, "country"),
    ],
)
def test_what_xero_has_no_place_for_is_refused_with_what_to_do(name: str, value: Value, said: str) -> None:
    with pytest.raises(CannotHold, match=said):
        mapping.express(name, value)


def test_an_update_names_only_what_changes_and_whole_slots() -> None:
    assert mapping.update_body(contact(), {"billing_email": ""}) == {"ContactID": ID, "EmailAddress": ""}
    body = mapping.update_body(contact(), {"primary_phone": {}, "billing_address": {"lines": "1 New Rd"}})
    assert body["Phones"] == [phone()]
    blanks = dict.fromkeys(
        ["AddressLine2", "AddressLine3", "AddressLine4", "City", "Region", "PostalCode", "Country"], ""
    )
    assert body["Addresses"] == [
        {"AddressType": "POBOX", "AddressLine1": "1 New Rd", "AttentionTo": "Accounts", **blanks}
    ]


@pytest.mark.parametrize(
    ("old", "first", "last", "new", "written"),
    [
        ("Ana Ng", "Ana", "Ng", "Ana Maria Ng-Lee", {"FirstName": "Ana Maria", "LastName": "Ng-Lee"}),
        ("Ng, Ana", "ana", "NG", "Ng-Lee, Ana", {"FirstName": "Ana", "LastName": "Ng-Lee"}),
        ("Ana Ng", "Ana", "Ng", "Ana", {"FirstName": "Ana", "LastName": ""}),
        ("Harbour Joinery", "Ana", "Ng", "Bay Joinery", {}),
        ("Harbour Joinery", "", "", "Bay Joinery", {}),
    ],
)
def test_the_primary_person_follows_only_a_name_it_spelled(
    old: str, first: str, last: str, new: str, written: dict
) -> None:
    body = mapping.update_body(contact(Name=old, FirstName=first, LastName=last), {"name": new})
    assert body == {"ContactID": ID, "Name": new, **written}


def test_a_new_contact_carries_our_number_and_no_blanks() -> None:
    values = {"name": "Ana Ng", "billing_email": "", "primary_phone": {"number": "555 0100"}, "billing_address": {}}
    creation = Creation("our-link", Kind.PERSON, values, first_name="Ana", last_name="Ng")
    assert mapping.create_body(creation) == {
        "ContactNumber": "our-link",
        "Name": "Ana Ng",
        "FirstName": "Ana",
        "LastName": "Ng",
        "Phones": [phone(number="555 0100")],
    }


def test_a_xero_date_is_read_as_an_instant() -> None:
    assert mapping.moment(f"/Date({NOW_MS}+1300)/") == NOW
    assert (
        mapping.moment("2026-11-23") is mapping.moment(None) is mapping.moment("/Date(99999999999999999999)/") is None
    )
