"""The index of the suggestions: which contacts stand under which lookup keys, kept in bulk from what the mirror shows.

The mirror knows nothing of it (``contacts`` imports none of ours). Before contacts are matched, whatever was read since it
was filed is filed afresh; ``read_began_at`` tells, and it moves only when a record came, changed or was read in full.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence

from django.db import transaction
from django.db.models import Count, F, Q

from contacts import normalise
from contacts.models import RemoteContact
from contacts.values import Kind, Presence, System, Value
from matching import blocking
from matching.models import Filed, LookupKey
from matching.profiles import Profile, Record, profile
from matching.search import Id

CHUNK = 500
AT_ONCE = 5000  # keys or contacts in one query


def bring_up_to_date(say: Callable[[int], None] = lambda filed: None) -> int:
    """File what was read since, and return how many contacts that were; ``say`` hears how far it is after each chunk.

    Memory does not grow with the address book.
    """
    moved = Q(filed=None) | ~Q(filed__as_of=F("read_began_at"))
    due = RemoteContact.objects.filter(moved).order_by("pk").defer("payload")
    last = filed = 0
    while chunk := list(due.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1].pk
        file(chunk)
        filed += len(chunk)
        say(filed)
    return filed


@transaction.atomic
def file(contacts: Sequence[RemoteContact]) -> None:
    """Put contacts under the keys of their present values."""
    LookupKey.objects.filter(contact__in=contacts).delete()
    LookupKey.objects.bulk_create(
        (
            LookupKey(contact=contact, key=number(System(contact.system), key))
            for contact in contacts
            for key in blocking.keys(profile_of(contact))
        ),
        batch_size=AT_ONCE,
    )
    Filed.objects.bulk_create(
        [Filed(contact=contact, as_of=contact.read_began_at) for contact in contacts],
        update_conflicts=True,
        unique_fields=["contact"],
        update_fields=["as_of"],
    )


def number(system: System, key: str) -> int:
    """Return the number of a key in one system: 63 bits, so that an index of millions stays small."""
    digest = hashlib.blake2b(f"{system}:{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def record_of(contact: RemoteContact) -> Record:
    """What is compared of a contact."""
    phone = contact.values.get("primary_phone") or {}
    address = contact.values.get("billing_address") or {}
    return Record(
        id=contact.pk,
        name=contact.name,
        email=contact.billing_email,
        phone=normalise.phone_text(phone) if isinstance(phone, dict) else str(phone),
        address=_address_text(address),
        kind="" if contact.kind == Kind.UNKNOWN else contact.kind,
    )


def _address_text(address: Value) -> str:
    parts = address if isinstance(address, dict) else {"lines": str(address)}
    return " ".join(filter(None, (parts.get(part, "") for part in ("lines", "city", "region", "postcode"))))


def profile_of(contact: RemoteContact) -> Profile:
    return profile(record_of(contact))


class SystemShelf:
    """The present contacts of one system as a shelf (``search.Shelf``): one or two queries per lookup, however many ask."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._size: int | None = None
        self._known: dict[Id, Profile] = {}

    @property
    def size(self) -> int:
        if self._size is None:
            self._size = Filed.objects.filter(contact__system=self._system).count()
        return self._size

    def counts(self, keys: Collection[str]) -> dict[str, int]:
        by_number = {number(self._system, key): key for key in keys}
        found: dict[str, int] = {}
        for part in _parts(list(by_number)):
            rows = LookupKey.objects.filter(key__in=part).values_list("key").annotate(Count("pk")).order_by()
            found |= {by_number[row[0]]: row[1] for row in rows}
        return found

    def holders(self, keys: Collection[str]) -> dict[str, list[Id]]:
        by_number = {number(self._system, key): key for key in keys}
        found: dict[str, list[Id]] = {}
        for part in _parts(list(by_number)):
            for key, id_ in LookupKey.objects.filter(key__in=part).values_list("key", "contact_id"):
                found.setdefault(by_number[key], []).append(id_)
        return found

    def profiles(self, ids: Collection[Id]) -> dict[Id, Profile]:
        for part in _parts([id_ for id_ in ids if id_ not in self._known]):
            present = RemoteContact.objects.filter(pk__in=part, system=self._system, presence=Presence.PRESENT)
            self._known |= {contact.pk: profile_of(contact) for contact in present.defer("payload")}
        return {id_: self._known[id_] for id_ in ids if id_ in self._known}


def _parts(items: list) -> list[list]:  # type: ignore[type-arg]
    return [items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE)]
