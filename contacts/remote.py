"""The one port to the services: what the sync asks of Xero and of Karbon, and the errors it must tell apart.

Errors are typed by what the caller does next, raised by ``ApiSession`` and caught in the pipeline.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, Self

from contacts.values import Kind, Ref, Snapshot, System, Value, Values


class RemoteError(Exception):
    """Base of what a call can end with. The message is for people and names neither contact nor token."""


class Unavailable(RemoteError):
    """Try again later. ``performed`` is False only when the service certainly did nothing (refused, not reached)."""

    def __init__(self, message: str, *, retry_after: float | None = None, performed: bool | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.performed = performed


class NotAuthorised(RemoteError):
    """Our keys or tokens do not work: a person must reconnect."""


class Rejected(RemoteError):
    """The service understood and refused. Sending the same again is pointless."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)


class Missing(RemoteError):
    """No such record, or none that we may see."""


class Unreadable(Unavailable):
    """The service answers, but refuses to show what was asked about one record. It is asked again later; others go on."""


@contextmanager
def reading_one() -> Iterator[None]:
    """Whatever a read of one record is refused for, that record alone is at fault (invariant 12)."""
    try:
        yield
    except (Rejected, Missing) as refusal:
        raise Unreadable(f"It was not shown to us, and will be asked for again. {refusal}") from refusal


@dataclass(frozen=True)
class Write:
    """A request made ready by pure mapping: where it goes, its body, and what the target then shows."""

    ref: Ref
    body: Mapping[str, Any]
    shown: Values
    part: str = ""


@dataclass(frozen=True)
class Creation:
    """A record to be made. ``marker`` is our link's id, which Xero keeps as its unique contact number."""

    marker: str
    kind: Kind
    values: Values
    contact_type: str = ""
    first_name: str = ""
    last_name: str = ""
    idempotency_key: str = ""


@dataclass(frozen=True)
class Walk:
    """What a whole walk ends with: where to poll from (blank where all lists were empty) and the size of each list."""

    cursor: str
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Glance:
    """What lists show at first sight: the size of each, and a mark that is another one once their beginnings change."""

    sizes: Mapping[str, int]
    mark: str

    @classmethod
    def of(cls, sizes: Mapping[str, int], first_ids: Sequence[str]) -> Self:
        seen = json.dumps([*sizes.values(), *first_ids]).encode()
        return cls(sizes, hashlib.sha1(seen, usedforsecurity=False).hexdigest())


# Takes a page of snapshots into the mirror and returns how many of them were news.
Keep = Callable[[Sequence[Snapshot]], int]


class Remote(Protocol):
    """What Xero and Karbon have in common for the sync."""

    @property
    def system(self) -> System: ...

    @property
    def batch_size(self) -> int:
        """How many updates one request of ``send`` may carry."""

    @property
    def calls(self) -> int:
        """How many calls were made through this object."""

    @property
    def request_id(self) -> str:
        """The service's own number of the last request, to quote to its support; blank where it gives none."""

    def act_for_people(self, is_asked: bool) -> None:
        """From now on use, or leave again, the calls that are kept back for what people asked for."""

    def await_turn(self) -> None:
        """Wait, seconds at most, until our own pace lets us write."""

    def glance(self) -> Glance:
        """Look at the beginning of each list: one small call per list."""

    def walk(self, keep: Keep) -> Walk:
        """Keep every record. Raise Unavailable when a list was not whole."""

    def poll(self, cursor: str, keep: Keep) -> str:
        """Keep what changed since the cursor and return the next one. Raise Unavailable when the answer is not whole."""

    def read(self, refs: Sequence[Ref]) -> Mapping[str, Snapshot | None]:
        """Read full records by id; None for each that is not there for us. Raise Unreadable when the service refuses."""

    def one_request(self, fields: Sequence[str]) -> list[str]:
        """Return the part of these fields that a single request can carry."""

    def express(self, name: str, value: Value, kind: Kind) -> Value:
        """Return how a record of this kind would hold the other side's value. Raise CannotHold when it has no place."""

    def prepare_archive(self, now: Snapshot) -> Write:
        """Make the request that archives this record. Raise CannotHold where the service knows no archive."""

    def prepare(self, now: Snapshot, values: Values) -> Write:
        """Make the request that brings these values into the record read just now, keeping all else. Pure."""

    def send(self, writes: Sequence[Write]) -> Sequence[Snapshot | Rejected | None]:
        """Send prepared writes: per write the record read back, the refusal, or None where no record came back."""

    def create(self, creation: Creation) -> Snapshot:
        """Create the record once. Raise Rejected, or Unavailable when the outcome is not known."""

    def find_created(self, creation: Creation, known_keys: Sequence[str]) -> list[Snapshot]:
        """Return the records that an earlier attempt at this creation may have made, in full. Raise Unreadable when refused.

        Those that are not called so, but share an email or phone, come as list rows: they may be ours, renamed since.
        """
