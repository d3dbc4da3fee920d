"""Karbon's wire forms as tests need them, and what its published description lets a request carry."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY, CARD_KEY, FIRM_KEY = "3Aa1Bb2Cc3Dd", "2tBHyXtJBxBy", "7NN1ySxv89B0"
CARD_TEXTS = {"FacebookLink", "LinkedInLink", "TwitterLink", "SkypeLink"}
PHONE_PARTS = {"Number", "CountryCode", "Label"}
ADDRESS_PARTS = {"AddressLines", "City", "StateProvinceCounty", "ZipCode", "CountryCode", "Label"}


def card(**more: Any) -> dict[str, Any]:
    return {
        "BusinessCardKey": CARD_KEY,
        "EntityType": "Contact",
        "EntityKey": KEY,
        "IsPrimaryCard": True,
        "OrganizationKey": None,
        "RoleOrTitle": None,
        "EmailAddresses": [],
        "WebSites": [],
        "PhoneNumbers": [],
        "Addresses": [],
        **dict.fromkeys(CARD_TEXTS),
        **more,
    }


def person(first: str = "Mere", middle: str | None = None, last: str = "Tane", *cards: Any) -> dict[str, Any]:
    return {
        "ContactKey": KEY,
        "FirstName": first,
        "MiddleName": middle,
        "LastName": last,
        "LastModifiedDateTime": "2026-08-01T03:04:05.6789012Z",
        "BusinessCards": list(cards or [card()]),
    }


def organisation(name: str = "Harbour Joinery Ltd", *cards: Any) -> dict[str, Any]:
    return {
        "OrganizationKey": FIRM_KEY,
        "FullName": name,
        "LastModifiedDateTime": "2026-08-01T03:04:05.6789012Z",
        "BusinessCards": list(cards or [card(EntityType="Organization", EntityKey=FIRM_KEY)]),
    }


def assert_conforms(body: dict[str, Any], *, is_new: bool = False) -> None:
    """Check a card against ``BusinessCardRequest``: known properties, their types, no null where none is allowed."""
    keys = {} if is_new else {"BusinessCardKey": str, "EntityType": str, "EntityKey": str}
    lists = {"WebSites": list, "EmailAddresses": list, "PhoneNumbers": list, "Addresses": list}
    types = {**keys, **lists, **dict.fromkeys(CARD_TEXTS, str), "IsPrimaryCard": bool}
    nullable = {"OrganizationKey": str, "RoleOrTitle": str}
    for name, value in body.items():
        assert name in types or name in nullable, name
        assert isinstance(value, types.get(name, object)), name
        assert name in types or value is None or isinstance(value, str), name
    assert all(isinstance(text, str) for name in ("EmailAddresses", "WebSites") for text in body.get(name, []))
    for name, parts in (("PhoneNumbers", PHONE_PARTS), ("Addresses", ADDRESS_PARTS)):
        for entry in body.get(name, []):
            assert entry.keys() <= parts
            assert all(isinstance(text, str) for text in entry.values())
