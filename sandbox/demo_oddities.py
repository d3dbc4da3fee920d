"""What people have left in matched contacts over the years, beside the four fields that are kept the same.

None of it takes part in matching. It is there to be survived: second cards, further emails and phones,
empty addresses, notes squeezed into phone numbers, countries spelled in every way.
"""

from __future__ import annotations

from sandbox.address_books import AddressBooks
from sandbox.world_records import Address, Ids, Record, karbon_address, karbon_card, karbon_phone

_ODD_PHONES = (
    "+61 (0)2 5550 1234 ext 402",
    "(09) 555 0117",
    "09 5550 118 / 021 555 0119",
    "0800 555 0123 (ask for Mere)",
    "+64(0)9-555-0121",
    "07700900123",
    "+1.503.555.0144",
    "tel 03 555 0177",
)
_ODD_COUNTRIES = ("Aotearoa", "N Z", "england", "Scotland", "U S A", "AUS", "new zealand", "Aust", "Great Britain")
_ODD_ADDRESSES: tuple[dict[str, str], ...] = (
    {"AddressLine1": "c/- The Old Creamery", "AddressLine2": "RD 4", "City": "Hamilton", "Country": "New Zealand"},
    {
        "AddressLine1": "Unit 3",
        "AddressLine2": "Tower B, Harbour Court",
        "AddressLine3": "18-24 Wharf Road",
        "AddressLine4": "Docklands",
        "City": "Melbourne",
        "Region": "Victoria",
        "PostalCode": "3008",
        "Country": "Australia",
    },
    {"AddressLine1": "PO Box 112, Nelson 7040"},
    {"City": "Leeds"},
)
_WEB_SITE = "https://www.client.example"


def add_to_matches(books: AddressBooks, matches: list[tuple[Record, Record]]) -> None:
    """Give matched contacts their odd extras; each kind goes to every so-many-th match."""
    for number, (contact, record) in enumerate(matches):
        if number % 7 == 0:
            _add_slots_and_persons(contact, books)
        if number % 5 == 1:
            _add_numbers_of_registers(contact, number)
        if number % 9 == 2:
            _add_second_entries(record, books)
        if number % 13 == 3:
            _add_second_card(record, books)
        if number % 6 == 4:
            _add_empty_physical_address(record, books.ids)
    for number, (contact, _) in enumerate(matches[5::8]):
        _make_odd(contact, number)


def _add_slots_and_persons(contact: Record, books: AddressBooks) -> None:
    first, last = books.inventor.person_name(couples=0), books.inventor.person_name(couples=0)
    contact["ContactPersons"] = [
        {
            "FirstName": person.first,
            "LastName": person.last,
            "EmailAddress": books.inventor.email(person.full, person),
            "IncludeInEmails": person is first,
        }
        for person in (first, last)
    ]
    for phone in contact["Phones"]:
        if phone["PhoneType"] in ("DDI", "FAX"):
            phone |= {"PhoneNumber": "555 0190", "PhoneAreaCode": "09", "PhoneCountryCode": "64"}
    for address in contact["Addresses"]:
        if address["AddressType"] == "POBOX" and "AddressLine1" in address:
            address["AttentionTo"] = f"{first.first} {first.last}"


def _add_numbers_of_registers(contact: Record, number: int) -> None:
    is_person = "FirstName" in contact
    contact["AccountNumber"] = f"C{1000 + number}"
    contact["TaxNumber"] = f"{900 + number}-000-000"
    contact["DefaultCurrency"] = "NZD"
    if not is_person:
        contact["CompanyNumber"] = f"0000{number:04}"


def _add_second_entries(record: Record, books: AddressBooks) -> None:
    card = record["BusinessCards"][0]
    town = books.inventor.town()
    card["EmailAddresses"].append(f"second.{books.ids.key().lower()}@mail.example")
    card["PhoneNumbers"].append(karbon_phone(books.ids, books.inventor.phone(town), "Fax"))
    card["Addresses"].append(karbon_address(books.ids, books.inventor.address(town), "Home", ", "))
    card["WebSites"].append(_WEB_SITE)


def _add_second_card(record: Record, books: AddressBooks) -> None:
    """Add another employer's card, in every second record before the primary one."""
    entity_type, key = ("Contact", record.get("ContactKey")) if "ContactKey" in record else ("Organization", None)
    card = karbon_card(
        books.ids,
        entity_type,
        str(key or record.get("OrganizationKey")),
        emails=[f"other.{books.ids.key().lower()}@mail.example"],
        phones=[karbon_phone(books.ids, books.inventor.phone(books.inventor.town()), "Work")],
        IsPrimaryCard=False,
        RoleOrTitle="Treasurer",
    )
    record["BusinessCards"].insert(books.dice.randint(0, 1), card)


def _add_empty_physical_address(record: Record, ids: Ids) -> None:
    for card in record["BusinessCards"]:
        if card["Addresses"] and card["IsPrimaryCard"]:
            card["Addresses"].insert(0, karbon_address(ids, Address(()), "Physical"))


def _make_odd(contact: Record, number: int) -> None:
    for phone in contact["Phones"]:
        if phone["PhoneType"] == "DEFAULT":
            phone |= {
                "PhoneNumber": _ODD_PHONES[number % len(_ODD_PHONES)],
                "PhoneAreaCode": "",
                "PhoneCountryCode": "",
            }
    for address in contact["Addresses"]:
        if address["AddressType"] != "POBOX":
            continue
        if number % 3 == 0:
            address.clear()
            address |= {"AddressType": "POBOX", **_ODD_ADDRESSES[number // 3 % len(_ODD_ADDRESSES)]}
        elif "City" in address:
            address["Country"] = _ODD_COUNTRIES[number % len(_ODD_COUNTRIES)]
