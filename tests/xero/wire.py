"""Xero's wire form of contacts and pages, for tests."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ID = "11111111-2222-4333-8444-555555555555"
API = "http://127.0.0.1:9500/xero/api/api.xro/2.0"
NOW_MS = int(NOW.timestamp() * 1000)


def phone(kind: str = "DEFAULT", country: str = "", area: str = "", number: str = "") -> dict[str, str]:
    return {"PhoneType": kind, "PhoneNumber": number, "PhoneAreaCode": area, "PhoneCountryCode": country}


def contact(contact_id: str = ID, **more: Any) -> dict[str, Any]:
    """A contact as a page shows it: four phone slots in Xero's own order, two address slots, nulls left out."""
    return {
        "ContactID": contact_id,
        "ContactStatus": "ACTIVE",
        "Name": "Harbour Joinery",
        "EmailAddress": "office@harbour.example",
        "Addresses": [
            {"AddressType": "STREET", "AddressLine1": "9 Quay St", "City": "Auckland"},
            {
                "AddressType": "POBOX",
                "AddressLine1": "Level 2",
                "AddressLine3": "1 Wharf Rd",
                "City": "Auckland",
                "Region": "",
                "PostalCode": "1010",
                "Country": "New Zealand",
                "AttentionTo": "Accounts",
            },
        ],
        "Phones": [
            {"PhoneType": "DDI"},
            phone("DEFAULT", "64", "9", "555 0100"),
            {"PhoneType": "FAX"},
            phone("MOBILE"),
        ],
        "UpdatedDateUTC": f"/Date({NOW_MS}+0000)/",
        "IsSupplier": False,
        "IsCustomer": True,
        **more,
    }


def page(*contacts: dict[str, Any], number: int = 1, pages: int = 1, count: int | None = None) -> dict[str, Any]:
    count = len(contacts) if count is None else count
    paging = {"page": number, "pageSize": 1000, "pageCount": pages, "itemCount": count}
    return {"Status": "OK", "DateTimeUTC": f"/Date({NOW_MS})/", "pagination": paging, "Contacts": list(contacts)}


def wire_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"
