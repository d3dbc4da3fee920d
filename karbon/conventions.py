"""Which phone and which address of a Karbon card is the one that is kept the same. Karbon has no flag for it (facts, A7).

Labels are the documented ones; Karbon was seen to take others too, which are never ours (facts, Karbon A6.7).
"""

from collections.abc import Iterable
from dataclasses import dataclass

ADDRESS_LABELS = ("Mailing", "Physical", "Legal", "Home")
PHONE_LABELS = ("Work", "Mobile", "Office", "Fax", "Home", "Other")


@dataclass(frozen=True)
class Conventions:
    """``addresses``: the labels looked at, in this order, for the first address that is not empty; others are never ours.

    ``phones``: the labels preferred, in this order; where none of them is there, and where there is no preference, the
    first phone.
    """

    addresses: tuple[str, ...] = ("Mailing", "Physical", "Legal")
    phones: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.addresses:
            raise ValueError("without a label no address would ever be the billing address")


STANDARD = Conventions()


def of(address_labels: Iterable[str], phone_labels: Iterable[str]) -> Conventions:
    """Return the conventions as settings keep them; no address label at all means the standard ones."""
    addresses = tuple(dict.fromkeys(label.strip().title() for label in address_labels if label.strip()))
    phones = tuple(dict.fromkeys(label.strip().title() for label in phone_labels if label.strip()))
    return Conventions(addresses or STANDARD.addresses, phones)
