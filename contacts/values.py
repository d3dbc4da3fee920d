"""What a contact is, without a database: the vocabulary that every other module speaks.

A *value* is what one system shows for one of the four fields: text for a name or an e-mail, a small dict of texts for a
phone (``country``, ``area``, ``number``) or an address (``lines`` parted by newlines, ``city``, ``region``, ``postcode``,
``country``). Blank is ``""`` or ``{}``. A field that is missing from a mapping of values is *unknown*, which is not blank.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import TextChoices

Value = str | dict[str, str]
Values = Mapping[str, Value]


class System(TextChoices):
    XERO = "xero", "Xero"
    KARBON = "karbon", "Karbon"

    @property
    def other(self) -> "System":
        return System.KARBON if self is System.XERO else System.XERO


class Kind(TextChoices):
    PERSON = "person", "Person"
    ORGANISATION = "organisation", "Organisation"
    UNKNOWN = "unknown", "Not known"


class Presence(TextChoices):
    PRESENT = "present", "Present"
    ARCHIVED = "archived", "Archived"
    MERGED = "merged", "Merged"
    GONE = "gone", "Gone"


@dataclass(frozen=True)
class Ref:
    """Points at one record of one system; Karbon needs the kind to know which address to ask."""

    remote_id: str
    kind: Kind = Kind.UNKNOWN


@dataclass(frozen=True)
class Snapshot:
    """One record as one reply showed it. ``complete`` is False for a list row, whose values are only part of the truth."""

    system: System
    remote_id: str
    kind: Kind
    values: Values
    complete: bool
    read_began_at: datetime
    modified_at: str = ""
    presence: Presence = Presence.PRESENT
    merged_into: str = ""
    is_customer: bool | None = None
    is_supplier: bool | None = None
    problem: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ref(self) -> Ref:
        return Ref(self.remote_id, self.kind)


class CannotHold(Exception):
    """A value that the other system has no place for. The message is for people: what is wrong and what to do."""
