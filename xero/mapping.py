"""Between Xero's wire form of a contact and our four fields. Pure: no database, clock or network.

Xero keeps phones and addresses in fixed slots, told apart by type and never by position (facts, Xero 8.1). A slot that was
never set holds only its type, one written by API holds ``""``: missing and blank are the same. Ours are the ``DEFAULT``
phone and the ``POBOX`` address, which Xero's screens call the billing address.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import phonenumbers

from contacts import normalise
from contacts.fields import BILLING_ADDRESS, BILLING_EMAIL, NAME, PRIMARY_PHONE
from contacts.remote import Creation
from contacts.values import CannotHold, Kind, Presence, Snapshot, System, Value, Values

Wire = Mapping[str, Any]
_PHONE = {"country": "PhoneCountryCode", "area": "PhoneAreaCode", "number": "PhoneNumber"}
_LINES = ("AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4")
_PLACE = {"city": "City", "region": "Region", "postcode": "PostalCode", "country": "Country"}
_SLOTS = (("Phones", "PhoneType"), ("Addresses", "AddressType"))
_NOBODY = "00000000-0000-0000-0000-000000000000"
_DATE = re.compile(r"/Date\((-?\d+)")
# What is taken apart: a number and perhaps an extension. Of other texts ("ask for Jo") something would be lost.
_DIALLABLE = re.compile(r"(?P<main>[+\d\s().\-/]+?)(?P<extension>\s*(?:x|ext\.?|extn\.?)\s*\d+)?", re.IGNORECASE)

# Longest values (facts, Xero 8, 8.1, 8.2).
_TEXT_LIMIT, _LINE_LIMIT = 255, 500
_PHONE_LIMITS = {"number": ("phone number", 50), "area": ("area code", 10), "country": ("phone country code", 20)}
_PLACE_LIMITS = {
    "city": ("city", 255),
    "region": ("region", 255),
    "postcode": ("postcode", 50),
    "country": ("country", 50),
}


class _Unreadable(Exception):
    """A part of a contact that is not of the type Xero documents: unknown, which is not blank."""


# --- reading ----------------------------------------------------------------------------------------------------------


def contact_id(contact: Any) -> str:
    """Return the id in lower case, or "" for anything that cannot be told apart from others."""
    found = contact.get("ContactID") if isinstance(contact, Mapping) else None
    return found.strip().lower() if isinstance(found, str) and found.strip() != _NOBODY else ""


def snapshot(contact: Wire, read_began_at: datetime, complete: bool = True) -> Snapshot:
    """Read one contact as Xero sent it. Odd parts never raise: their field is left out, that is, unknown."""
    merged_into = _merged_into(contact)
    status = contact.get("ContactStatus") or "ACTIVE"
    left = Presence.MERGED if merged_into else Presence.ARCHIVED
    return Snapshot(
        system=System.XERO,
        remote_id=contact_id(contact),
        kind=Kind.UNKNOWN,  # Xero has no flag that tells a person from an organisation
        values=_values(contact),
        complete=complete,
        read_began_at=read_began_at,
        modified_at=_milliseconds(contact.get("UpdatedDateUTC")),
        # GDPRREQUEST is erased on request, as good as archived (facts, Xero 12.3)
        presence=Presence.PRESENT if status == "ACTIVE" else left,
        merged_into=merged_into,
        is_customer=_flag(contact, "IsCustomer"),
        is_supplier=_flag(contact, "IsSupplier"),
        problem="In Xero this contact is marked to be erased on request." if status == "GDPRREQUEST" else "",
        payload=contact,
    )


def moment(wire_date: object) -> datetime | None:
    """Read ``/Date(<ms>+0000)/``: the number is the instant in UTC, any offset is decoration (facts, Xero 5.1)."""
    text = _milliseconds(wire_date)
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(text)) if text else None
    except (OverflowError, ValueError):
        return None


def _values(contact: Wire) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, read in _READERS.items():
        try:
            found[name] = read(contact)
        except _Unreadable:
            continue
    return found


def _text(wire: Wire, key: str) -> str:
    text = wire.get(key)
    if text is not None and not isinstance(text, str):
        raise _Unreadable
    return (text or "").strip()


def _slot(contact: Wire, slots_key: str, type_key: str, slot_type: str) -> Wire:
    slots = contact.get(slots_key)
    if slots is not None and not isinstance(slots, list):
        raise _Unreadable
    return next((s for s in slots or [] if isinstance(s, Mapping) and s.get(type_key) == slot_type), {})


def _phone_slot(contact: Wire) -> Wire:
    return _slot(contact, "Phones", "PhoneType", "DEFAULT")


def _address_slot(contact: Wire) -> Wire:
    return _slot(contact, "Addresses", "AddressType", "POBOX")


def _read_phone(contact: Wire) -> Value:
    slot = _phone_slot(contact)
    return normalise.trimmed({part: _text(slot, key) for part, key in _PHONE.items()})


def _read_address(contact: Wire) -> Value:
    slot = _address_slot(contact)
    lines = "\n".join(filter(None, (_text(slot, key) for key in _LINES)))
    return normalise.trimmed({"lines": lines, **{part: _text(slot, key) for part, key in _PLACE.items()}})


_READERS: dict[str, Callable[[Wire], Value]] = {
    NAME: lambda contact: _text(contact, "Name"),
    BILLING_EMAIL: lambda contact: _text(contact, "EmailAddress"),
    PRIMARY_PHONE: _read_phone,
    BILLING_ADDRESS: _read_address,
}


def _merged_into(contact: Wire) -> str:
    survivor = contact_id({"ContactID": contact.get("MergedToContactID")})
    return survivor if survivor != contact_id(contact) else ""


def _milliseconds(wire_date: object) -> str:
    found = _DATE.match(wire_date) if isinstance(wire_date, str) else None
    return found[1] if found else ""


def _flag(contact: Wire, key: str) -> bool | None:
    flag = contact.get(key)
    return flag if isinstance(flag, bool) else None


# --- how Xero would hold a value --------------------------------------------------------------------------------------


def express(name: str, value: Value) -> Value:
    """Return how Xero would hold Karbon's value. Raise CannotHold when it has no place for it.

    Nothing is ever cut off. Expressing twice changes nothing more.
    """
    if name == NAME:
        return _name(cast(str, value))
    if name == BILLING_EMAIL:
        return _fitting("billing email", cast(str, value).strip(), _TEXT_LIMIT)
    if name == PRIMARY_PHONE:
        return _phone(cast(dict[str, str], value))
    return _address(cast(dict[str, str], value))


def _fitting(what: str, text: str, limit: int) -> str:
    if len(text) > limit:
        raise CannotHold(f"This {what} has {len(text)} characters; Xero takes {limit}. Shorten it in Karbon.")
    return text


def _name(name: str) -> str:
    """Xero refuses angle brackets and leading, trailing or repeated spaces (facts, Xero 8)."""
    name = " ".join(name.split())
    if not name:
        raise CannotHold("A contact in Xero needs a name. Give this client a name in Karbon.")
    if "<" in name or ">" in name:
        raise CannotHold('Xero takes no "<" or ">" in a name. Take them out in Karbon.')
    return _fitting("name", name, _TEXT_LIMIT)


def _phone(value: dict[str, str]) -> dict[str, str]:
    phone = cast(dict[str, str], normalise.trimmed({part: value.get(part, "") for part in _PHONE}))
    if "number" in phone and "area" not in phone:
        phone = _in_parts(phone)
    for part, text in phone.items():
        _fitting(_PHONE_LIMITS[part][0], text, _PHONE_LIMITS[part][1])
    return phone


def _in_parts(phone: dict[str, str]) -> dict[str, str]:
    """Take an international number apart for Xero's three boxes, keeping its grouping: Xero itself does not split one.

    A number that names no country stays as it was typed, and so does a text that is more than a number. A calling code
    stays with it; "NZ" would not, as Xero has no box for that.
    """
    code = "" if phone["number"].startswith("+") else "".join(filter(str.isdigit, phone.get("country", "")))
    split = _split(phone)
    if split and normalise.same_phone(split, phone) and ("area" in split or _split(split) == split):
        return split
    return cast(dict[str, str], normalise.trimmed({"country": code, "number": phone["number"]}))


def _split(phone: dict[str, str]) -> dict[str, str]:
    typed = _DIALLABLE.fullmatch(phone["number"])
    try:
        parsed = phonenumbers.parse(normalise.phone_text(phone), normalise.phone_region(phone) or None)
    except phonenumbers.NumberParseException:
        return {}
    if not typed or not phonenumbers.is_possible_number(parsed):
        return {}
    national = phonenumbers.national_significant_number(parsed)
    area = national[: phonenumbers.length_of_geographical_area_code(parsed)]
    local = _last_digits(typed["main"], len(national) - len(area))
    number = f"{local}{typed['extension'] or ''}"
    parts = {"country": str(parsed.country_code), "area": area, "number": number}
    return cast(dict[str, str], normalise.trimmed(parts))


def _last_digits(text: str, count: int) -> str:
    """Return the end of a number as typed, from its last ``count`` digits on."""
    starts = [place for place, character in enumerate(text) if character.isdigit()]
    if not 0 < count <= len(starts):
        return ""
    return " ".join(re.sub(r"[()]", " ", text[starts[-count] :]).split())


def _address(value: dict[str, str]) -> dict[str, str]:
    lines = _four_lines(value.get("lines", ""))
    for line in lines:
        _fitting("address line", line, _LINE_LIMIT)
    place = {part: " ".join(value.get(part, "").split()) for part in _PLACE}
    place["country"] = _country(place["country"])
    for part, text in place.items():
        _fitting(_PLACE_LIMITS[part][0], text, _PLACE_LIMITS[part][1])
    return cast(dict[str, str], normalise.trimmed({"lines": "\n".join(lines), **place}))


def _four_lines(lines: str) -> list[str]:
    """Xero has four lines: a fifth and further ones share the fourth."""
    filled = [line.strip() for line in lines.splitlines() if line.strip()]
    return [*filled[:3], ", ".join(filled[3:])] if len(filled) > 4 else filled


def _country(country: str) -> str:
    """Xero takes letters for a country (facts, Xero 8.2): a code is written out, "U.K." as the name it stands for."""
    name = normalise.country_name(country)
    if name.replace(" ", "").isalpha():
        return name
    return normalise.country_name(normalise.country_code(name)) or name


# --- writing ----------------------------------------------------------------------------------------------------------


def update_body(payload: Wire, values: Values) -> dict[str, Any]:
    """Return the element that brings expressed values into a contact: its id and what changes, whole slots always.

    What is left out stays as it is (facts, Xero 10.4). Whether Xero merges or replaces inside a slot is not known, so
    each field of ours is written, "" for blank.
    """
    body: dict[str, Any] = {"ContactID": payload["ContactID"]}
    if NAME in values:
        body |= {"Name": values[NAME], **_person(payload, cast(str, values[NAME]))}
    if BILLING_EMAIL in values:
        body["EmailAddress"] = values[BILLING_EMAIL]
    if PRIMARY_PHONE in values:
        body["Phones"] = [_write_phone(cast(dict[str, str], values[PRIMARY_PHONE]))]
    if BILLING_ADDRESS in values:
        body["Addresses"] = [_write_address(cast(dict[str, str], values[BILLING_ADDRESS]), _attention_to(payload))]
    return body


def create_body(creation: Creation) -> dict[str, Any]:
    """Return the element for a new contact from expressed values. Its contact number is how we find it again."""
    values = creation.values
    body: dict[str, Any] = {
        "ContactNumber": creation.marker,
        "Name": values.get(NAME, ""),
        "FirstName": creation.first_name,
        "LastName": creation.last_name,
        "EmailAddress": values.get(BILLING_EMAIL, ""),
    }
    if phone := values.get(PRIMARY_PHONE):
        body["Phones"] = [_write_phone(cast(dict[str, str], phone))]
    if address := values.get(BILLING_ADDRESS):
        body["Addresses"] = [_write_address(cast(dict[str, str], address))]
    return {key: part for key, part in body.items() if part}


def shown(payload: Wire, body: Wire) -> Values:
    """Return what the contact shows once this body is applied to it: elements replaced, slots replaced by type."""
    after = {**payload, **body}
    for slots_key, type_key in _SLOTS:
        if slots_key in body:
            written = [slot[type_key] for slot in body[slots_key]]
            after[slots_key] = [*_other_slots(payload, slots_key, type_key, written), *body[slots_key]]
    return _values(after)


def _other_slots(payload: Wire, slots_key: str, type_key: str, written: list[str]) -> list[Wire]:
    slots = payload.get(slots_key)
    kept = slots if isinstance(slots, list) else []
    return [slot for slot in kept if isinstance(slot, Mapping) and slot.get(type_key) not in written]


def _write_phone(value: dict[str, str]) -> dict[str, str]:
    return {"PhoneType": "DEFAULT", **{key: value.get(part, "") for part, key in _PHONE.items()}}


def _write_address(value: dict[str, str], attention_to: str = "") -> dict[str, str]:
    lines = [*_four_lines(value.get("lines", "")), "", "", "", ""][:4]
    slot = {"AddressType": "POBOX", **dict(zip(_LINES, lines, strict=True))}
    slot |= {key: value.get(part, "") for part, key in _PLACE.items()}
    return {**slot, "AttentionTo": attention_to}


def _attention_to(payload: Wire) -> str:
    """Not ours, but inside our slot: written back as it was, lest a replaced slot lose it."""
    try:
        attention_to = _address_slot(payload).get("AttentionTo")
    except _Unreadable:
        return ""
    return attention_to if isinstance(attention_to, str) else ""


def _person(payload: Wire, new_name: str) -> dict[str, str]:
    """Let the primary person follow a changed name, but only where it spelled the old one: else it is somebody else.

    A new name of one word goes into FirstName whole and empties LastName. Left alone, invoices would go on greeting
    someone under the old name; blanked, the person would be gone and no later change of name could bring it back.
    """
    try:
        old_name, first, last = (_text(payload, key) for key in ("Name", "FirstName", "LastName"))
    except _Unreadable:
        return {}
    spelled = f"{first} {last}".strip()
    if not spelled or not normalise.same_name(spelled, old_name):
        return {}
    name = normalise.uncomma(new_name) if "," in old_name else new_name
    new_first, _, new_last = name.rpartition(" ")
    return {"FirstName": new_first, "LastName": new_last} if new_first else {"FirstName": name, "LastName": ""}
