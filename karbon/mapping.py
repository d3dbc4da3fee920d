"""Between Karbon's wire form of a contact and our four fields. Pure: no database, clock or network.

Karbon's API has no billing flag (facts, Karbon A7). By our convention the fields live on the primary card: its first
email, and the phone and the address that the firm's ``Conventions`` choose by their labels. Entries that hold nothing are passed over: Karbon often shows an empty Physical address next
to a filled one (A6.7).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import phonenumbers

from contacts import normalise
from contacts.fields import BILLING_ADDRESS, BILLING_EMAIL, NAME, PRIMARY_PHONE
from contacts.remote import Creation
from contacts.values import CannotHold, Kind, Ref, Snapshot, System, Value, Values
from karbon.conventions import STANDARD, Conventions

Wire = Mapping[str, Any]
PHONE_LABEL = "Work"  # of a new phone, where no label is preferred
KEY = {Kind.PERSON: "ContactKey", Kind.ORGANISATION: "OrganizationKey"}
_ENTITY = {Kind.PERSON: "Contact", Kind.ORGANISATION: "Organization"}
_NAMES = ("FirstName", "MiddleName", "LastName")
_ADDRESS = {
    "lines": "AddressLines",
    "city": "City",
    "region": "StateProvinceCounty",
    "postcode": "ZipCode",
    "country": "CountryCode",
}
_PHONE = {"number": "Number", "country": "CountryCode"}
# What a card may carry in a request. Keys of its phones and addresses are not among it: they are no identity (A11).
_CARD_TEXTS = ("FacebookLink", "LinkedInLink", "TwitterLink", "SkypeLink")
_CARD_NULLABLE = ("OrganizationKey", "RoleOrTitle")
_CARD_LISTS = {
    "WebSites": (),
    "EmailAddresses": (),
    "PhoneNumbers": (*_PHONE.values(), "Label"),
    "Addresses": (*_ADDRESS.values(), "Label"),
}
# Longest values (facts, Karbon A6.7).
_PHONE_LIMIT = 20
_ADDRESS_LIMITS = {
    "lines": ("street", 200),
    "city": ("city", 100),
    "region": ("region", 100),
    "postcode": ("postcode", 20),
}
NO_CARD = (
    "This Karbon contact has no business card, so it has no place for email, phone and address. Add one in Karbon."
)


# --- reading ----------------------------------------------------------------------------------------------------------


def row_snapshot(row: Wire, kind: Kind, read_began_at: datetime) -> Snapshot:
    """Read a list row. It shows name, email and phone; the address is unknown, and the phone has no country (A6.1)."""
    name = _text(row.get("FullName"))
    return Snapshot(
        system=System.KARBON,
        remote_id=_text(row.get(KEY[kind])),
        kind=kind,
        values={
            NAME: person_name(name) if kind is Kind.PERSON else name,
            BILLING_EMAIL: _text(row.get("EmailAddress")),
            PRIMARY_PHONE: normalise.trimmed({"number": _text(row.get("PhoneNumber"))}),
        },
        complete=False,
        read_began_at=read_began_at,
        modified_at=_text(row.get("LastModifiedDateTime")),
        payload=row,
    )


def record_snapshot(record: Wire, kind: Kind, read_began_at: datetime, by: Conventions = STANDARD) -> Snapshot:
    """Read a record that was asked for with its cards. Without any card the three fields on it are unknown."""
    return Snapshot(
        system=System.KARBON,
        remote_id=_text(record.get(KEY[kind])),
        kind=kind,
        values=record_values(record, kind, by),
        complete=True,
        read_began_at=read_began_at,
        modified_at=_text(record.get("LastModifiedDateTime")),
        problem="" if primary_card(record) else NO_CARD,
        payload=record,
    )


def record_values(record: Wire, kind: Kind, by: Conventions = STANDARD) -> dict[str, Value]:
    card = primary_card(record)
    return {NAME: _name(record, kind), **(card_values(card, by) if card else {})}


def card_values(card: Wire, by: Conventions = STANDARD) -> dict[str, Value]:
    """Return the three fields that a card shows."""
    emails, phones, addresses = (_entries(card, name) for name in ("EmailAddresses", "PhoneNumbers", "Addresses"))
    email, phone, address = _first_email(emails), _primary_phone(phones, by), _billing_address(addresses, by)
    return {
        BILLING_EMAIL: "" if email is None else emails[email].strip(),
        PRIMARY_PHONE: {} if phone is None else _parts(phones[phone], _PHONE),
        BILLING_ADDRESS: {} if address is None else _parts(addresses[address], _ADDRESS),
    }


def primary_card(record: Wire) -> Wire | None:
    """Return the card marked primary, else the first one (facts, Karbon A6.7)."""
    cards = [card for card in record.get("BusinessCards") or [] if isinstance(card, Mapping)]
    return next((card for card in cards if card.get("IsPrimaryCard") is True), cards[0] if cards else None)


def _name(record: Wire, kind: Kind) -> str:
    if kind is Kind.PERSON:
        return " ".join(filter(None, (_text(record.get(name)) for name in _NAMES)))
    return _text(record.get("FullName"))


def _text(text: object) -> str:
    return text.strip() if isinstance(text, str) else ""


def _entries(card: Wire, name: str) -> list[Any]:
    wanted = Mapping if _CARD_LISTS[name] else str
    return [entry for entry in card.get(name) or [] if isinstance(entry, wanted)]


def _parts(entry: Wire, names: Mapping[str, str]) -> Value:
    return normalise.trimmed({part: _one_newline(entry.get(name)) for part, name in names.items()})


def _one_newline(text: object) -> str:
    return "\n".join(text.splitlines()) if isinstance(text, str) else ""


def _first_email(emails: Sequence[str]) -> int | None:
    return next((place for place, email in enumerate(emails) if email.strip()), None)


def _primary_phone(phones: Sequence[Wire], by: Conventions) -> int | None:
    filled = [(place, _label(entry)) for place, entry in enumerate(phones) if _text(entry.get("Number"))]
    ranked = [(by.phones.index(label) if label in by.phones else len(by.phones), place) for place, label in filled]
    return min(ranked)[1] if ranked else None


def _billing_address(addresses: Sequence[Wire], by: Conventions) -> int | None:
    filled = [(place, _label(entry)) for place, entry in enumerate(addresses) if _parts(entry, _ADDRESS)]
    ranked = [(by.addresses.index(label), place) for place, label in filled if label in by.addresses]
    return min(ranked)[1] if ranked else None


def _label(entry: Wire) -> str:
    return _text(entry.get("Label")).title()


# --- what Karbon can hold ---------------------------------------------------------------------------------------------


def express(name: str, value: Value, kind: Kind) -> Value:
    """Return how Karbon would hold another system's value. What it has no place for is refused, never cut."""
    match name:
        case "name":
            return _held_name(cast(str, value), kind)
        case "billing_email":
            return cast(str, value).strip()
        case "primary_phone":
            return _held_phone(cast(dict[str, str], value)) if value else {}
        case "billing_address":
            return _held_address(cast(dict[str, str], value)) if value else {}
    raise ValueError(f"{name} is not a synced field")


def _held_name(value: str, kind: Kind) -> str:
    name = person_name(value) if kind is Kind.PERSON else " ".join(value.split())
    if not name:
        raise CannotHold("A contact in Karbon needs a name. Give this client a name in Xero.")
    if kind is Kind.PERSON and " " not in name:
        raise CannotHold(
            f"Karbon needs a first and a last name for a person, and “{name}” is one word. Complete the name in Xero, or "
            "make this client an organisation in Karbon."
        )
    return name


def _held_phone(value: dict[str, str]) -> Value:
    number = _dialled(value)
    if not (value.get("number") or "").strip():
        raise CannotHold("The phone in Xero has a code but no number. Complete or clear it in Xero.")
    if len(number) > _PHONE_LIMIT:
        raise CannotHold(f"Karbon holds {_PHONE_LIMIT} characters of a phone number, and “{number}” is longer. Shorten it in Xero.")  # fmt: skip
    return normalise.trimmed({"number": number, "country": normalise.phone_region(value)})


def _dialled(value: dict[str, str]) -> str:
    """Write a phone as one text, "+64 9 555 0100", without the trunk zero that people leave in after a country code."""
    text = " ".join(normalise.phone_text(value).split())
    written = _international(text)
    tidy = cast(dict[str, str], normalise.trimmed({"number": written, "country": normalise.phone_region(value)}))
    return written if _international(written) == written and normalise.same_phone(tidy, value) else text


def _international(text: str) -> str:
    """Format a number that begins with a country code; any other text, and one that is no number, stays."""
    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_possible_number(parsed):
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL).replace(" ext. ", " x")


def _held_address(value: dict[str, str]) -> Value:
    country = (value.get("country") or "").strip()
    if country and not normalise.country_code(country):
        raise CannotHold(f"Karbon wants a country it knows, and “{country}” is none. Correct the country in Xero.")
    held = {part: _one_newline(value.get(part)) for part in _ADDRESS} | {"country": normalise.country_code(country)}
    address = cast(dict[str, str], normalise.trimmed(held))
    for part, (label, limit) in _ADDRESS_LIMITS.items():
        if len(address.get(part, "")) > limit:
            raise CannotHold(
                f"Karbon holds {limit} characters of a {label}, and this one is longer. Shorten it in Xero."
            )
    return address


# --- names of people --------------------------------------------------------------------------------------------------

# fmt: off
_PARTICLES = frozenset((
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "du", "le", "la", "las", "los", "bin", "binti",
    "ibn", "al", "el", "ter", "ten", "te", "mac", "mc", "st", "o'",
))
# fmt: on
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv"))
_JOINERS = frozenset(("&", "+", "and"))
_TITLES = frozenset(("mr", "mrs", "ms", "miss", "dr", "prof", "rev", "sir", "dame"))


def person_name(text: str) -> str:
    """Return a person's name in the order it is spoken, with single spaces: "Tane, Mere" → "Mere Tane".

    A suffix behind the comma is none of a first name: "John Doe, Jr." stays.
    """
    name = " ".join(text.split())
    last = name.rpartition(",")[2].strip()
    return name if _plain(last) in _SUFFIXES else " ".join(normalise.uncomma(name).split())


def split_name(full: str, first_name: str = "", last_name: str = "") -> tuple[str, str, str]:
    """Split a person's name into first, middle and last, so that joined by single spaces they are that name again.

    First and last name as another system has them are believed where the name begins or ends with them. Else a joint name
    ("Alan & Joan Petrie") has no middle, and particles ("van der Berg") and suffixes ("Doe Jr") stay with the last name.
    """
    tokens = person_name(full).split()
    if len(tokens) < 2:
        return " ".join(tokens), "", ""
    first_end, last_start = _given(tokens, first_name, last_name)
    last_start = last_start or _last_name_start(tokens, first_end or 1)
    first_end = first_end or _first_name_end(tokens, last_start)
    return " ".join(tokens[:first_end]), " ".join(tokens[first_end:last_start]), " ".join(tokens[last_start:])


def _given(tokens: Sequence[str], first_name: str, last_name: str) -> tuple[int, int]:
    """Return where the given first name ends and the given last name starts; 0 for one that the name does not show."""
    keys = [normalise.text_key(token) for token in tokens]
    first, last = normalise.text_key(first_name).split(), normalise.text_key(last_name).split()
    first_end = len(first) if first and len(first) < len(keys) and keys[: len(first)] == first else 0
    last_start = len(keys) - len(last) if last and len(last) < len(keys) and keys[-len(last) :] == last else 0
    return (first_end, last_start) if not last_start or first_end <= last_start else (0, 0)


def _last_name_start(tokens: Sequence[str], at_least: int) -> int:
    start = len(tokens) - 1
    while start > at_least and _plain(tokens[start]) in _SUFFIXES:
        start -= 1
    while start > at_least and _plain(tokens[start - 1]) in _PARTICLES:
        start -= 1
    return start


def _first_name_end(tokens: Sequence[str], last_start: int) -> int:
    if any(_plain(token) in _JOINERS for token in tokens[1:last_start]):
        return last_start
    return 2 if _plain(tokens[0]) in _TITLES and last_start > 1 else 1


def _plain(token: str) -> str:
    return token.casefold().rstrip(".,").replace("’", "'")


# --- writing ----------------------------------------------------------------------------------------------------------


def name_body(kind: Kind, name: str, record: Wire) -> dict[str, Any]:
    """Return the PATCH that renames a record; the parts of a person's old name say how the new one is split."""
    if kind is not Kind.PERSON:
        return {"FullName": name}
    return _person(name, _text(record.get("FirstName")), _text(record.get("LastName")))


def _person(name: str, first_name: str, last_name: str) -> dict[str, Any]:
    first, middle, last = split_name(_held_name(name, Kind.PERSON), first_name, last_name)
    return {"FirstName": first, "MiddleName": middle, "LastName": last}


def card_body(card: Wire, owner: Ref, values: Values, by: Conventions = STANDARD) -> dict[str, Any]:
    """Return a whole card for PUT, as read but for these values: what it left out would be cleared (facts, A11).

    A property that is null is left out where the request schema knows no null; both mean empty.
    """
    body: dict[str, Any] = {"BusinessCardKey": card.get("BusinessCardKey")}
    body["EntityType"] = card.get("EntityType") or _ENTITY[owner.kind]
    body["EntityKey"] = card.get("EntityKey") or owner.remote_id
    body["IsPrimaryCard"] = card.get("IsPrimaryCard") is not False
    body |= {name: card[name] for name in _CARD_NULLABLE if name in card}
    body |= {name: card[name] for name in _CARD_TEXTS if card.get(name) is not None}
    body |= {name: list(_request_entries(card, name)) for name in _CARD_LISTS}
    if BILLING_EMAIL in values:
        body["EmailAddresses"] = _with_email(body["EmailAddresses"], cast(str, values[BILLING_EMAIL]))
    if PRIMARY_PHONE in values:
        body["PhoneNumbers"] = _with_phone(body["PhoneNumbers"], cast(dict[str, str], values[PRIMARY_PHONE]), by)
    if BILLING_ADDRESS in values:
        body["Addresses"] = _with_address(body["Addresses"], cast(dict[str, str], values[BILLING_ADDRESS]), by)
    return body


def _request_entries(card: Wire, name: str) -> Iterator[Any]:
    properties = _CARD_LISTS[name]
    for entry in _entries(card, name):
        yield {key: entry[key] for key in properties if entry.get(key) is not None} if properties else entry


def _with_email(emails: list[str], email: str) -> list[str]:
    """Put an email first; where it already stood further down, it moves up, so that it is not there twice."""
    place = _first_email(emails)
    if place is None:
        return [email, *emails] if email else emails
    before, after = emails[:place], emails[place + 1 :]
    if not email:
        return before + after
    return [*before, email, *(other for other in after if not normalise.same_text(other, email))]


def _with_phone(phones: list[Wire], phone: dict[str, str], by: Conventions) -> list[Wire]:
    place = _primary_phone(phones, by)
    if not phone:
        return phones if place is None else phones[:place] + phones[place + 1 :]
    if place is None:
        return [{**_wire(phone, _PHONE), "Label": (*by.phones, PHONE_LABEL)[0]}, *phones]
    return _replaced(phones, place, phone, _PHONE)


def _with_address(addresses: list[Wire], address: dict[str, str], by: Conventions) -> list[Wire]:
    """Replace the address that is shown, else fill an empty one of the first label, else add it. Clearing drops it."""
    place = _billing_address(addresses, by)
    if not address:
        return addresses if place is None else addresses[:place] + addresses[place + 1 :]
    if place is None:
        empty = (n for n, e in enumerate(addresses) if _label(e) == by.addresses[0])  # none is filled here
        place = next(empty, None)
    if place is None:
        return [*addresses, {**_wire(address, _ADDRESS), "Label": by.addresses[0]}]
    return _replaced(addresses, place, address, _ADDRESS)


def _replaced(entries: list[Wire], place: int, value: dict[str, str], names: Mapping[str, str]) -> list[Wire]:
    label = {name: text for name, text in entries[place].items() if name == "Label"}
    return [*entries[:place], {**_wire(value, names), **label}, *entries[place + 1 :]]


def _wire(value: dict[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {names[part]: text for part, text in value.items() if part in names}


def create_body(creation: Creation, by: Conventions = STANDARD) -> dict[str, Any]:
    """Return the POST of a new record with its first card, which needs no keys (facts, Karbon A10)."""
    card = card_body({}, Ref("", creation.kind), creation.values, by)
    parts = {name: card[name] for name in ("EmailAddresses", "PhoneNumbers", "Addresses")}
    name = cast(str, creation.values[NAME])
    if creation.kind is Kind.PERSON:
        body = _person(name, creation.first_name, creation.last_name)
    else:
        body = {"FullName": _held_name(name, Kind.ORGANISATION)}
    body["BusinessCards"] = [{"IsPrimaryCard": True, **parts}]
    return {**body, "ContactType": creation.contact_type} if creation.contact_type else body


def shown(body: Wire, kind: Kind, values: Values, by: Conventions = STANDARD) -> dict[str, Value]:
    """Return what the fields of a request show once it is done: a cleared email lets the next one show."""
    after = {NAME: _name(body, kind)} if NAME in values else card_values(body, by)
    return {name: after[name] for name in values}
