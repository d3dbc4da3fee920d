"""Karbon as the sync sees it: the ``Remote`` port, made of the client's calls and the mapping.

Karbon keeps people and organisations in two lists without a snapshot, a delta or tombstones (facts, Karbon A4, A5). So a
list is believed only when its count and its keys agree, and a record is gone only when a direct read says so.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from contacts import normalise
from contacts.api import ApiSession
from contacts.fields import BILLING_EMAIL, FIELDS, NAME, PRIMARY_PHONE
from contacts.models import RemoteContact, SyncSettings
from contacts.remote import Creation, Glance, Keep, Missing, Rejected, Unavailable, Walk, Write, reading_one
from contacts.values import CannotHold, Kind, Presence, Ref, Snapshot, System, Value, Values
from karbon import admission, client, conventions, mapping
from karbon import keys as access
from karbon.client import NEWEST_FIRST, PAGE_SIZE, KarbonClient, NotShown, Page, Wire
from karbon.conventions import STANDARD, Conventions
from karbon.keys import Keys

LISTS = {"people": Kind.PERSON, "organisations": Kind.ORGANISATION}
# List rows tell time in whole seconds, records in ten-millionths (facts, Karbon A5.6): polls look back this far.
OVERLAP = timedelta(seconds=60)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Account:
    """What tells one Karbon account from another. ``key`` is blank where the application may not see it."""

    key: str
    sizes: Mapping[str, int]
    some_names: Sequence[str]


class KarbonRemote:
    system = System.KARBON
    batch_size = 1  # Karbon has no batch calls (facts, Karbon A4)

    def __init__(self, session: ApiSession, in_force: Callable[[], Conventions] = lambda: STANDARD) -> None:
        """``in_force`` says which phone and which address of a card are ours: asked each time, since people change it."""
        self._session, self._in_force = session, in_force
        self.client = KarbonClient(session)

    @property
    def _by(self) -> Conventions:
        return self._in_force()

    @property
    def calls(self) -> int:
        return self._session.calls

    def contact_types(self) -> list[str]:
        """Return the firm's contact types by name. Raise NotShown where Karbon lets us in but does not show them to us."""
        try:
            return self.client.contact_types()
        except NotShown:
            self.client.page(Kind.PERSON)  # with keys that no longer work nothing is shown: that is another trouble
            raise

    def account(self) -> Account:
        """Say which account the keys open, by what its API tells: no name, but a key, its sizes and some of its people.

        Raise NotAuthorised when the keys do not work. A refusal of the settings alone is no proof of that (facts, A2).
        """
        pages = {name: self.client.page(kind) for name, kind in LISTS.items()}
        names = [str(row.values[NAME]) for name, kind in LISTS.items() for row in _snapshots(pages[name], kind)[:3]]
        try:
            key = self.client.tenant_key()
        except NotShown:
            key = ""
        return Account(key, {name: page.count for name, page in pages.items()}, [name for name in names if name])

    def with_external_key(self, external_id: str) -> list[str]:
        """Return the keys of all records, of both kinds, that carry this id of another system: two calls."""
        pages = [(kind, self.client.with_external_key(kind, external_id)) for kind in LISTS.values()]
        return [_key(row, kind) for kind, page in pages for row in page.rows]

    @property
    def request_id(self) -> str:
        return self._session.request_id

    def act_for_people(self, is_asked: bool) -> None:
        self._session.for_person = is_asked

    def await_turn(self) -> None:
        self._session.await_turn()

    # --- lists ---

    def glance(self) -> Glance:
        pages = {name: self.client.page(kind) for name, kind in LISTS.items()}
        keys = [_key(row, LISTS[name]) for name, page in pages.items() for row in page.rows]
        return Glance.of({name: page.count for name, page in pages.items()}, keys)

    def walk(self, keep: Keep) -> Walk:
        """Keep every row of both lists. Both empty gives no cursor, so that the next check walks again."""
        listings = {name: self._whole(kind, keep) for name, kind in LISTS.items()}
        newest = {name: listing.newest for name, listing in listings.items()}
        sizes = {name: len(listing.keys) for name, listing in listings.items()}
        return Walk(json.dumps(newest) if any(sizes.values()) else "", sizes)

    def _whole(self, kind: Kind, keep: Keep) -> "_Listing":
        """Walk one list; once more if it shifted underfoot, or if it says that it is empty."""
        first = self._list(kind, keep)
        if first.is_whole and first.keys:
            return first
        second = self._list(kind, keep)
        if second.is_whole and (second.keys or first.is_whole):
            return second
        raise _list_not_whole()

    def _list(self, kind: Kind, keep: Keep) -> "_Listing":
        listing, page = _Listing(), self.client.page(kind)
        while True:
            fresh = listing.add(_snapshots(page, kind), page.count)
            keep(listing.latest)
            following = self._following(page, kind, listing.rows) if fresh else None
            if following is None:
                return listing
            page = following

    def _following(self, page: Page, kind: Kind, skip: int, order_by: str = "") -> Page | None:
        """Fetch the next page. A full page may come without a link though there is more (facts, Karbon A5.2)."""
        if page.next_link:
            return self.client.follow(page.next_link)
        if len(page.rows) == PAGE_SIZE and skip < page.count:
            return self.client.page(kind, order_by=order_by, skip=skip)
        return None

    def poll(self, cursor: str, keep: Keep) -> str:
        """Keep what changed since the cursor, newest first: two calls when nothing did (facts, Karbon A5.6)."""
        marks = _marks(cursor)
        newest = {name: self._poll(kind, marks.get(name, ""), keep) for name, kind in LISTS.items()}
        return json.dumps(newest) if any(newest.values()) else ""

    def _poll(self, kind: Kind, mark: str, keep: Keep) -> str:
        """Read one list back to where the last poll ended; return the mark to go on from.

        A page without news ends it only if it reaches back beyond the mark: the news may have been kept by a poll that
        then failed. A count that moves between two pages means that rows shifted, and one may have been skipped.
        """
        newest, skip, count = mark, 0, None
        since, overlap = _moment(mark), OVERLAP if mark else timedelta(0)
        page: Page | None = self.client.page(kind, order_by=NEWEST_FIRST)
        while page is not None:
            count = page.count if count is None else count
            is_whole = len(page.rows) == max(0, min(PAGE_SIZE, count - skip)) and page.count == count
            if not is_whole or (mark and not count):
                raise _list_not_whole()
            rows = _snapshots(page, kind)
            newest = max([newest, *(row.modified_at for row in rows)], key=_moment)
            skip += len(rows)
            enough = since - overlap if keep(rows) else since
            if skip >= count or _moment(rows[-1].modified_at) < enough:
                return newest
            page = self._following(page, kind, skip, NEWEST_FIRST)
        raise _list_not_whole()

    # --- records ---

    def read(self, refs: Sequence[Ref]) -> Mapping[str, Snapshot | None]:
        """Read full records, one call each; two where the kind is not known."""
        return {ref.remote_id: self._read(ref) for ref in refs}

    def _read(self, ref: Ref) -> Snapshot | None:
        """Read one record. A key of the other kind answers 404, so an unknown kind is tried both ways (A4)."""
        kinds = (Kind.ORGANISATION, Kind.PERSON) if ref.kind is Kind.UNKNOWN else (ref.kind,)
        for kind in kinds:
            began_at = timezone.now()
            with reading_one():
                try:
                    record = self.client.get(kind, ref.remote_id)
                except Missing:
                    continue
            _check(record, kind, ref.remote_id)
            return mapping.record_snapshot(record, kind, began_at, self._by)
        return None

    # --- writing ---

    def one_request(self, fields: Sequence[str]) -> list[str]:
        """A name goes by PATCH and the rest by PUT of the card: the name first, when there are both."""
        return [NAME] if NAME in fields else list(fields)

    def express(self, name: str, value: Value, kind: Kind) -> Value:
        return mapping.express(name, value, kind)

    def prepare_archive(self, now: Snapshot) -> Write:
        raise CannotHold("Karbon has no archive. Delete the contact in Karbon.")

    def prepare(self, now: Snapshot, values: Values) -> Write:
        """Make the request for the values of ``one_request``. Raise CannotHold when there is no card to put them on."""
        if not now.complete or (NAME in values and len(values) > 1):
            raise ValueError("a write takes a full record and the fields of one request")
        if NAME in values:
            body = mapping.name_body(now.kind, str(values[NAME]), now.payload)
            return Write(now.ref, body, mapping.shown(body, now.kind, values, self._by), part="name")
        if (card := mapping.primary_card(now.payload)) is None:
            raise CannotHold(now.problem or mapping.NO_CARD)
        body = mapping.card_body(card, now.ref, values, self._by)
        return Write(now.ref, body, mapping.shown(body, now.kind, values, self._by), part="card")

    def send(self, writes: Sequence[Write]) -> Sequence[Snapshot | Rejected | None]:
        """Send writes one by one. No answer shows the cards, so what came of it is for the caller to read."""
        return [self._send(write) for write in writes]

    def _send(self, write: Write) -> Rejected | None:
        try:
            if write.part == "name":
                self.client.patch(write.ref.kind, write.ref.remote_id, write.body)
            else:
                self.client.put_card(str(write.body["BusinessCardKey"]), write.body)
        except Rejected as refusal:
            return refusal
        return None

    def create(self, creation: Creation) -> Snapshot:
        """Create the record; the answer may lack its cards, so its values are those sent (facts, Karbon A10)."""
        began_at = timezone.now()
        try:
            body = mapping.create_body(creation, self._by)
        except CannotHold as problem:
            raise Rejected([str(problem)]) from problem
        made = self.client.create(creation.kind, body)
        if not isinstance(made, dict) or not _key(made, creation.kind):
            raise Unavailable("Karbon did not say what became of a new contact. It will be looked up.")
        sent = mapping.record_snapshot({**body, **_told(made, creation.kind)}, creation.kind, began_at, self._by)
        return Snapshot(**{**vars(sent), "payload": made})

    def find_created(self, creation: Creation, known_keys: Sequence[str]) -> list[Snapshot]:
        """Return new records of this name, of both kinds and in both orders of a person's name, read in full; and rows of
        what changed last that share an email or phone: renamed since, ours would be one of them.

        Names are compared here again: which order ``FullName eq`` expects is not known, and a tenant may ignore it. Nor is
        a search believed alone: what changed last is looked through for the name, too.
        """
        name = str(creation.values[NAME])
        first, middle, last = mapping.split_name(name, creation.first_name, creation.last_name)
        swapped = f"{last}, {first} {middle}".strip() if last else name
        spoken = mapping.person_name(name)
        found: dict[str, Snapshot] = {}
        searches = [(Kind.PERSON, spoken), (Kind.PERSON, swapped), (Kind.ORGANISATION, name)]
        for kind, spelled in dict.fromkeys(searches):
            with reading_one():
                found |= {row.remote_id: row for row in self._namesakes(kind, spelled, name)}
        lately = [row for kind in LISTS.values() for row in self._lately(kind)]
        found |= {row.remote_id: row for row in lately if normalise.same_name(str(row.values[NAME]), name)}
        new = [self._read(row.ref) for key, row in found.items() if key not in known_keys]
        alike = [row for row in lately if row.remote_id not in found and _is_alike(row, creation)]
        return [*(snapshot for snapshot in new if snapshot is not None), *alike]

    def _lately(self, kind: Kind) -> list[Snapshot]:
        """Return what changed last. A list cut short, or empty though we know of somebody in it, is not believed."""
        page = self.client.page(kind, order_by=NEWEST_FIRST)
        known = RemoteContact.objects.filter(system=self.system, kind=kind, presence=Presence.PRESENT)
        if len(page.rows) < min(page.count, PAGE_SIZE) or (not page.count and known.exists()):
            raise _list_not_whole()
        return _snapshots(page, kind)

    def _namesakes(self, kind: Kind, spelled: str, name: str) -> Iterator[Snapshot]:
        rows: dict[str, Snapshot] = {}
        for page in self.client.named(kind, spelled):
            rows |= {row.remote_id: row for row in _snapshots(page, kind)}
        if len(rows) != page.count:
            raise _list_not_whole()
        return (row for row in rows.values() if normalise.same_name(str(row.values[NAME]), name))


class _Listing:
    """One walk of one list: whole when the count stood still and the unique keys add up to it."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.rows, self.newest = 0, ""
        self.latest: list[Snapshot] = []
        self._counts: set[int] = set()

    def add(self, rows: list[Snapshot], count: int) -> bool:
        """Take a page in and tell whether it brought anything not yet seen."""
        seen = len(self.keys)
        self.keys.update(row.remote_id for row in rows)
        self.latest, self.rows = rows, self.rows + len(rows)
        self.newest = max([self.newest, *(row.modified_at for row in rows)], key=_moment)
        self._counts.add(count)
        return len(self.keys) > seen

    @property
    def is_whole(self) -> bool:
        return self._counts == {len(self.keys)}


def _is_alike(row: Snapshot, creation: Creation) -> bool:
    wanted = {name: creation.values.get(name) for name in (BILLING_EMAIL, PRIMARY_PHONE)}
    return any(value and FIELDS[name].same(value, row.values[name]) for name, value in wanted.items())


def _snapshots(page: Page, kind: Kind) -> list[Snapshot]:
    rows = [mapping.row_snapshot(row, kind, page.began_at) for row in page.rows]
    if not all(row.remote_id and _moment(row.modified_at) > _EARLIEST for row in rows):
        raise client.not_whole()
    return rows


def _check(record: object, kind: Kind, key: str) -> None:
    """A record that is another one, or lacks its cards, would blank fields (facts, Karbon A16): a fault, then."""
    cards = record.get("BusinessCards") if isinstance(record, dict) else None
    named = isinstance(record, dict) and _key(record, kind) == key and (kind is Kind.PERSON or "FullName" in record)
    whole = isinstance(cards, list) and all(
        isinstance(card, dict) and isinstance(card.get("BusinessCardKey"), str) for card in cards
    )
    if not named or not whole:
        raise client.not_whole()


def _key(record: Wire, kind: Kind) -> str:
    key = record.get(mapping.KEY[kind])
    return key if isinstance(key, str) else ""


def _told(made: Wire, kind: Kind) -> dict[str, Any]:
    return {name: made.get(name) for name in (mapping.KEY[kind], "LastModifiedDateTime")}


def _marks(cursor: str) -> dict[str, str]:
    """Read a cursor: the newest time stamp seen, per list, as Karbon wrote it."""
    found = json.loads(cursor) if cursor else {}
    return {name: str(found.get(name) or "") for name in LISTS}


def _moment(text: str) -> datetime:
    """Read a time stamp; what is none sorts before all others."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _EARLIEST
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _list_not_whole() -> Unavailable:
    return Unavailable("Karbon's list was not whole. Nothing is lost; it will be tried again.")


def connect(for_person: bool = False, *, keys: Keys | None = None, in_any_case: bool = False) -> KarbonRemote:
    """Return Karbon ready for calls. Raise NotAuthorised when there are no keys for it.

    ``keys`` are tried instead of those in force: before they are stored. ``in_any_case``: without keys each call raises
    NotAuthorised instead, so that the other service can be seen to meanwhile.
    """
    if keys is None and not in_any_case:
        access.current()
    session = ApiSession(
        System.KARBON,
        f"{settings.KARBON_API_URL}/v3",
        headers=(lambda: keys.headers) if keys else _admitted(for_person),
        problems=client.problems,
        for_person=for_person,
    )
    return KarbonRemote(session, _in_force)


def _in_force() -> Conventions:
    chosen = SyncSettings.load()
    return conventions.of(chosen.karbon_address_labels, chosen.karbon_phone_labels)


def _admitted(for_person: bool) -> Callable[[], Mapping[str, str]]:
    """Return where the headers of a call come from: the keys in force, which are looked at where they are new."""
    looked_at: set[Keys] = set()

    def headers() -> Mapping[str, str]:
        found = access.current()
        if found not in looked_at:
            admission.admit(found, lambda: connect(for_person, keys=found))
            looked_at.add(found)
        return found.headers

    return headers
