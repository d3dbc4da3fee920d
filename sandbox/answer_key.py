"""Work out, from two address books alone, which contacts are the same: the answer key of a world.

Written from the matching rules and apart from both the worlds' builders and the product, so that each can
be checked against it. A *full* match is one Xero contact and one Karbon contact that share both name and
billing email, each being the only such partner of the other; everything else that shares a name or an
email is a *conflict*; the rest is *none*. A blank email equals nothing. Only active Xero contacts are in it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

Record = dict[str, Any]
Row = dict[str, str | None]

PERSON, ORGANISATION = "PERSON", "ORGANISATION"


def comparison_key(text: str | None) -> str:
    """Fold Unicode form, case and spaces away."""
    folded = unicodedata.normalize("NFKC", text or "").casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def xero_name_key(contact: Record, kind: str) -> str:
    """Return the comparison key of a Xero name; a person's "Last, First" is "First Last"."""
    name = contact["Name"]
    if kind == PERSON and name.count(",") == 1:
        last, first = name.split(",")
        name = f"{first} {last}"
    return comparison_key(name)


def karbon_key(record: Record) -> str:
    """Return a Karbon record's key, whichever of the two kinds it is."""
    return str(record.get("ContactKey") or record["OrganizationKey"])


def karbon_name(record: Record) -> str:
    """Return a Karbon record's name: an organisation's full name, or a person's parts in order."""
    if "OrganizationKey" in record:
        return str(record["FullName"])
    return " ".join(filter(None, (record["FirstName"], record["MiddleName"], record["LastName"])))


def karbon_email(record: Record) -> str:
    """Return the first email of the primary card (of the first card when none is marked)."""
    cards = record.get("BusinessCards") or []
    card = next((card for card in cards if card["IsPrimaryCard"]), cards[0] if cards else None)
    return (card["EmailAddresses"] or [""])[0] if card else ""


def answer_key(xero: Iterable[Record], karbon: Iterable[Record], kinds: Mapping[str, str]) -> list[Row]:
    """Return one row per active Xero contact; `kinds` says which ContactIDs are persons."""
    active = [contact for contact in xero if contact["ContactStatus"] == "ACTIVE"]
    by_name: dict[str, list[str]] = defaultdict(list)
    by_email: dict[str, list[str]] = defaultdict(list)
    for record in karbon:
        by_name[comparison_key(karbon_name(record))].append(karbon_key(record))
        if email := comparison_key(karbon_email(record)):
            by_email[email].append(karbon_key(record))

    same_name: dict[str, list[str]] = {}
    same_email: dict[str, list[str]] = {}
    both: dict[str, list[str]] = {}
    claims: dict[str, int] = defaultdict(int)
    for contact in active:
        id_ = contact["ContactID"]
        same_name[id_] = by_name.get(xero_name_key(contact, kinds[id_]), [])
        email = comparison_key(contact.get("EmailAddress"))
        same_email[id_] = by_email.get(email, []) if email else []
        both[id_] = [key for key in same_name[id_] if key in same_email[id_]]
        for key in both[id_]:
            claims[key] += 1

    rows = []
    for contact in active:
        id_ = contact["ContactID"]
        counterparts = [*both[id_], *same_name[id_], *same_email[id_]]
        if len(both[id_]) == 1 and claims[both[id_][0]] == 1:
            category = "full"
        else:
            category = "conflict" if counterparts else "none"
        rows.append(truth_row(id_, counterparts[0] if counterparts else None, category, kinds[id_]))
    return rows


def truth_row(xero: str, karbon: str | None, category: str, kind: str) -> Row:
    """Return one row of the answer key."""
    return {"xero": xero, "karbon": karbon, "category": category, "kind": kind}
