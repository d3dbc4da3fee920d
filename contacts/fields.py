"""The one table of the four fields that are kept the same. It drives merge, diffs, review pages and docs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from contacts import normalise
from contacts.values import Value

NAME, BILLING_EMAIL, PRIMARY_PHONE, BILLING_ADDRESS = "name", "billing_email", "primary_phone", "billing_address"


@dataclass(frozen=True)
class Field:
    """One synced field: how people call it, when two values are the same across sides, how a value is shown."""

    name: str
    label: str
    _same: Callable[[Value, Value], bool]
    show: Callable[[Value], str]
    in_xero: str
    in_karbon: str
    has_formats: bool = False

    def same(self, a: Value, b: Value) -> bool:
        """Compare tolerantly, as across sides; blank equals blank only."""
        return bool(a) == bool(b) and (not a or a == b or self._same(a, b))

    def unedited(self, ours: Value, now: Value) -> bool:
        """Tell whether a side still shows what we wrote there, be it a phone or an address in a format of its own.

        A name or an email in other letters is somebody's edit.
        """
        return ours == now or (self.has_formats and self.same(ours, now))


def _same_name(a: Value, b: Value) -> bool:
    return normalise.same_name(cast(str, a), cast(str, b))


def _same_text(a: Value, b: Value) -> bool:
    return normalise.same_text(cast(str, a), cast(str, b))


def _same_phone(a: Value, b: Value) -> bool:
    return normalise.same_phone(cast(dict[str, str], a), cast(dict[str, str], b))


def _same_address(a: Value, b: Value) -> bool:
    return normalise.same_address(cast(dict[str, str], a), cast(dict[str, str], b))


def _show_text(value: Value) -> str:
    return cast(str, value)


def _show_phone(value: Value) -> str:
    phone = cast(dict[str, str], value)
    return normalise.phone_text(phone) if phone else ""


def _show_address(value: Value) -> str:
    address = cast(dict[str, str], value)
    if not address:
        return ""
    parts = [*address.get("lines", "").splitlines(), address.get("city", ""), address.get("region", "")]
    parts += [address.get("postcode", ""), normalise.country_name(address.get("country", ""))]
    return ", ".join(filter(None, parts))


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field(NAME, "Name", _same_name, _show_text, "Contact name", "Full name"),
        Field(
            BILLING_EMAIL,
            "Billing email",
            _same_text,
            _show_text,
            "Email of the primary person",
            "First email of the primary card",
        ),
        Field(
            PRIMARY_PHONE,
            "Primary phone",
            _same_phone,
            _show_phone,
            "Phone",
            "Phone of the primary card, by label if preferred",
            has_formats=True,
        ),
        Field(
            BILLING_ADDRESS,
            "Billing address",
            _same_address,
            _show_address,
            "Billing (PO box) address",
            "First filled address of the primary card, by label",
            has_formats=True,
        ),
    )
}
BLANK: dict[str, Value] = {NAME: "", BILLING_EMAIL: "", PRIMARY_PHONE: {}, BILLING_ADDRESS: {}}
