"""Values of the four fields as both services show them, for property tests."""

from typing import Any

from hypothesis import strategies as st

NAMES = ["", "Harbour Joinery", "harbour joinery", "Tane, Mere", "Mere Tane", "MERE TANE", "Café Zoë", "Cafe\u0301 Zoë"]
EMAILS = ["", "a@harbour.example", "A@Harbour.example", "b@harbour.example"]
PHONES: list[dict[str, str]] = [
    {},
    {"country": "64", "area": "9", "number": "555 0100"},
    {"number": "+64 9 555 0100", "country": "NZ"},
    {"number": "09 555 0100"},
    {"number": "021 555 019"},
    {"number": "ask for Jo"},
]
ADDRESSES: list[dict[str, str]] = [
    {},
    {"lines": "1 Wharf Road", "city": "Auckland", "country": "New Zealand"},
    {"lines": "1 wharf road", "city": "AUCKLAND", "country": "NZ"},
    {"lines": "Level 2\n1 Wharf Road", "city": "Auckland"},
    {"city": "Auckland"},
]
POOLS: dict[str, list[Any]] = {
    "name": NAMES,
    "billing_email": EMAILS,
    "primary_phone": PHONES,
    "billing_address": ADDRESSES,
}


def values() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: st.sampled_from(pool) for name, pool in POOLS.items()})


def some_values() -> st.SearchStrategy[dict[str, Any]]:
    """Values of some of the fields: the others are unknown."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(pool) for name, pool in POOLS.items()})


def phones() -> st.SearchStrategy[dict[str, str]]:
    digits = st.text("0123456789 ()-+x", max_size=14)
    country = st.sampled_from(["", "64", "+64", "NZ", "1", "44", "999", "GB"])
    made = st.fixed_dictionaries({"number": digits}, optional={"country": country, "area": digits})
    return st.sampled_from(PHONES) | made


def addresses() -> st.SearchStrategy[dict[str, str]]:
    text = st.text(max_size=20)
    parts = {part: text for part in ("lines", "city", "region", "postcode")}
    country = st.sampled_from(["", "NZ", "New Zealand", "nz", "UK", "Atlantis"]) | text
    return st.sampled_from(ADDRESSES) | st.fixed_dictionaries({}, optional={**parts, "country": country})
