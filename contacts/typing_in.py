"""Takes a value that a person typed instead of either side's: text, or the parts of a phone or an address."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from contacts import normalise
from contacts.fields import BILLING_ADDRESS, BILLING_EMAIL, FIELDS, NAME, PRIMARY_PHONE
from contacts.links import NotPossible
from contacts.values import Value

_PARTS = {
    PRIMARY_PHONE: {"country": "Country code", "area": "Area code", "number": "Number"},
    BILLING_ADDRESS: {
        "lines": "Street or PO box",
        "city": "City",
        "region": "Region",
        "postcode": "Postcode",
        "country": "Country",
    },
}
_LONGEST = 500


@dataclass(frozen=True)
class Part:
    """One box to type into."""

    key: str
    label: str
    value: str
    is_long: bool = False


def parts(name: str, value: Value) -> list[Part]:
    """Return the boxes for a field, filled with a value to start from."""
    if name not in _PARTS:
        return [Part("typed", FIELDS[name].label, str(value or ""))]
    known = value if isinstance(value, dict) else {}
    return [
        Part(f"typed_{key}", label, known.get(key, ""), is_long=key == "lines") for key, label in _PARTS[name].items()
    ]


def typed_value(name: str, posted: Mapping[str, str]) -> Value:
    """Return what was typed as a value of the field. Raise NotPossible with what to correct."""
    texts = {part.key: posted.get(part.key, "").strip().replace("\r\n", "\n") for part in parts(name, "")}
    if any(len(text) > _LONGEST for text in texts.values()):
        raise NotPossible(f"That is too long: at most {_LONGEST} characters.")
    if not any(texts.values()):
        raise NotPossible("Nothing was typed. Type a value, or keep one of the two.")
    if name in _PARTS:
        return normalise.trimmed({key.removeprefix("typed_"): text for key, text in texts.items()})
    if name == BILLING_EMAIL:
        _check_email(texts["typed"])
    return typed_name(texts["typed"]) if name == NAME else texts["typed"]


def typed_name(text: str) -> str:
    """Return a name as it is stored: no outer or doubled spaces."""
    return " ".join(text.split())


def _check_email(text: str) -> None:
    try:
        validate_email(text)
    except ValidationError as error:
        raise NotPossible(f"“{text}” is not an email address. Correct it.") from error
