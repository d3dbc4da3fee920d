"""Xero as the sync sees it: the ``Remote`` port, made of the client's calls and the mapping."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from contacts.api import ApiSession
from contacts.remote import (
    Creation,
    Glance,
    Keep,
    Missing,
    NotAuthorised,
    Rejected,
    Unavailable,
    Walk,
    Write,
    reading_one,
)
from contacts.values import Kind, Ref, Snapshot, System, Value, Values
from xero import client, mapping, oauth
from xero.client import IDS_PER_CALL, Page, XeroClient
from xero.mapping import Wire

log = logging.getLogger(__name__)
# Polls look back this far: Xero tells time to the second, and its list may lag behind its clock (facts, Xero 15).
OVERLAP = timedelta(minutes=10)
GLANCE = 20  # contacts that a glance at the list shows
KEY_SECONDS = 360.0  # how long Xero remembers an idempotency key (facts, Xero 7)


class XeroRemote:
    system = System.XERO
    batch_size = 50  # elements per call that Xero advises (facts, Xero 10.5)

    def __init__(self, session: ApiSession, tenant_id: str) -> None:
        self._session, self._tenant_id = session, tenant_id
        self._client = XeroClient(session)

    @property
    def calls(self) -> int:
        return self._session.calls

    @property
    def request_id(self) -> str:
        return self._session.request_id

    def act_for_people(self, is_asked: bool) -> None:
        self._session.for_person = is_asked

    def await_turn(self) -> None:
        self._session.await_turn()

    # --- reading ---

    def glance(self) -> Glance:
        page = self._client.page(1, size=GLANCE)
        ids = [mapping.contact_id(contact) for contact in page.contacts]
        return Glance.of({"contacts": page.item_count}, ids)

    def walk(self, keep: Keep) -> Walk:
        """Keep every contact, archived ones too. A list that changed underfoot is walked once more, then given up."""
        listing = self._list(keep)
        if not listing.is_whole:
            listing = self._list(keep)
        if not listing.is_whole:
            raise _not_whole()
        return Walk(_cursor(listing.at) if listing.count else "", {"contacts": listing.count})

    def poll(self, cursor: str, keep: Keep) -> str:
        """Keep what changed since the cursor; nothing changed is the usual answer. The cursor never moves back."""
        listing = self._list(keep, since=cursor)
        if not listing.is_whole:
            raise _not_whole()
        return max(cursor, _cursor(listing.at))

    def read(self, refs: Sequence[Ref]) -> Mapping[str, Snapshot | None]:
        """Read contacts in full. What a list of ids leaves out is asked for singly before it counts as not there."""
        wanted = list(dict.fromkeys(ref.remote_id for ref in refs))
        found: dict[str, Snapshot | None] = {}
        for start in range(0, len(wanted), IDS_PER_CALL):
            batch = wanted[start : start + IDS_PER_CALL]
            with reading_one():
                page = self._client.by_ids(batch)
            if len(page.contacts) != page.item_count:
                raise _not_whole()
            found |= {snapshot.remote_id: snapshot for snapshot in _snapshots(page)}
            found |= {remote_id: self._read_one(remote_id) for remote_id in batch if remote_id not in found}
        return {remote_id: found[remote_id] for remote_id in wanted}

    def named(self, name: str) -> list[Snapshot]:
        """Find the contacts of this name, archived ones too."""
        return list(_snapshots(self._client.named(name)))

    def _read_one(self, remote_id: str) -> Snapshot | None:
        began_at = timezone.now()
        with reading_one():
            contact = self._client.one(remote_id)
        if contact is not None and mapping.contact_id(contact) != remote_id:
            raise _not_whole()
        return mapping.snapshot(contact, began_at) if contact is not None else None

    def _list(self, keep: Keep, since: str = "") -> "_Listing":
        page = self._client.page(1, since)
        listing, number = _Listing(page), 1
        while True:
            listing.add(page)
            keep(list(_snapshots(page)))
            if number >= page.page_count or not page.contacts:
                return listing
            number += 1
            page = self._client.page(number, since)

    # --- writing ---

    def one_request(self, fields: Sequence[str]) -> list[str]:
        """A contact is one element: a single request carries all its fields."""
        return list(fields)

    def express(self, name: str, value: Value, kind: Kind) -> Value:
        """Return how Xero would hold a value; it makes no difference between people and organisations."""
        return mapping.express(name, value)

    def prepare_archive(self, now: Snapshot) -> Write:
        """Archive: one way, as only Xero's own screen restores (facts, Xero 12)."""
        body = {"ContactID": now.remote_id, "ContactStatus": "ARCHIVED"}
        return Write(ref=now.ref, body=body, shown={})

    def prepare(self, now: Snapshot, values: Values) -> Write:
        body = mapping.update_body(now.payload, values)
        return Write(ref=now.ref, body=body, shown=mapping.shown(now.payload, body))

    def send(self, writes: Sequence[Write]) -> Sequence[Snapshot | Rejected | None]:
        """Send one batch. Where Xero refuses the whole because of one contact, each is sent by itself.

        Xero answers each write with the contact, so one without an answer is not known to be done: the whole batch then
        is ``Unavailable``, and reading tells what happened.
        """
        try:
            return self._send(writes)
        except (Rejected, Missing):
            if len(writes) == 1:
                raise
        outcomes: list[Snapshot | Rejected | None] = []
        for write in writes:
            try:
                outcomes += self._send([write])
            except Rejected as refusal:
                outcomes.append(refusal)
            except Missing:
                outcomes.append(
                    Rejected(["Xero no longer shows this contact. Look for it in Xero, or link another one."])
                )
            except (Unavailable, NotAuthorised) as error:
                if not outcomes:
                    raise
                raise Unavailable(str(error)) from error
        return outcomes

    def _send(self, writes: Sequence[Write]) -> list[Snapshot | Rejected]:
        elements = self._client.update([write.body for write in writes])
        ended_at = timezone.now()
        by_id = {mapping.contact_id(element): element for element in elements}
        outcomes: list[Snapshot | Rejected] = []
        for place, write in enumerate(writes):
            element = by_id.get(write.ref.remote_id)
            if element is None and len(elements) == len(writes) and _is_refused(elements[place]):
                element = elements[place]  # a refused element may carry a made-up id (facts, Xero 11.1)
            outcomes.append(_outcome(element, ended_at))
        return outcomes

    def create(self, creation: Creation) -> Snapshot:
        """Create the contact once: PUT under a key of our own, which Xero scopes per app, hence the organisation's id."""
        key = f"{self._tenant_id}:{creation.idempotency_key or creation.marker}"
        try:
            element = self._client.create(mapping.create_body(creation), key)
        except Rejected as refusal:
            if client.is_key_in_use(refusal.problems):
                waiting = "Xero still remembers an earlier form of this request. It will be tried again."
                raise Unavailable(waiting, retry_after=KEY_SECONDS) from refusal
            raise
        outcome = _outcome(element, timezone.now())
        if isinstance(outcome, Rejected):
            raise outcome
        return outcome

    def find_created(self, creation: Creation, known_keys: Sequence[str]) -> list[Snapshot]:
        """Find it by its number, which is unique on Xero's side, archived contacts included (facts, Xero 10.3)."""
        with reading_one():
            page = self._client.numbered(creation.marker)
        mine = (snapshot for snapshot in _snapshots(page) if snapshot.payload.get("ContactNumber") == creation.marker)
        return list(mine)


class _Listing:
    """What the pages of one listing add up to: whole if the count stood still and as many different ids were seen."""

    def __init__(self, first: Page) -> None:
        self.at, self.count = first.at, first.item_count
        self._stood_still, self._nameless = True, 0
        self._ids: set[str] = set()

    def add(self, page: Page) -> None:
        ids = [mapping.contact_id(contact) for contact in page.contacts]
        self._nameless += ids.count("")
        self._ids.update(filter(None, ids))
        self._stood_still = self._stood_still and page.item_count == self.count

    @property
    def is_whole(self) -> bool:
        if self._nameless:
            log.warning("Xero listed %s contacts without an id", self._nameless)
        return self._stood_still and len(self._ids) + self._nameless == self.count


def _snapshots(page: Page) -> Iterable[Snapshot]:
    return (mapping.snapshot(contact, page.began_at) for contact in page.contacts if mapping.contact_id(contact))


def _cursor(at: datetime) -> str:
    """Xero's own clock, to the second and without a zone: other forms of the header are ignored (facts, Xero 15)."""
    return f"{at - OVERLAP:%Y-%m-%dT%H:%M:%S}"


def _not_whole() -> Unavailable:
    return Unavailable("Xero's list was not whole. Nothing is lost; it will be tried again.")


def _is_refused(element: Wire) -> bool:
    """A 200 is not success: each element says for itself (facts, Xero 10.5)."""
    return bool(
        element.get("StatusAttributeString") == "ERROR"
        or element.get("HasValidationErrors")
        or element.get("ValidationErrors")
    )


def _outcome(element: Wire | None, ended_at: datetime) -> Snapshot | Rejected:
    """The answer to a write shows the contact as it then is, so it counts as a read begun when the write ended."""
    if element is not None and _is_refused(element):
        return Rejected(client.element_problems(element) or ["Xero refused the change and did not say why."])
    if element is None or not mapping.contact_id(element):
        raise Unavailable("Xero did not say what became of a change. It will be looked up.")
    return mapping.snapshot(element, ended_at)


class _Access:
    """The headers of each request, and a new token when Xero no longer takes the one last used."""

    def __init__(self) -> None:
        self._token = ""

    def headers(self) -> Mapping[str, str]:
        self._token, tenant_id = oauth.access_token()
        return {"Authorization": f"Bearer {self._token}", "xero-tenant-id": tenant_id}

    def renew(self) -> bool:
        return oauth.renew(self._token)


def connect(for_person: bool = False, *, in_any_case: bool = False) -> XeroRemote:
    """Return Xero ready for calls. Raise NotAuthorised when nobody has connected it, or it must be connected again.

    Xero's login is asked only by the first call that needs it: while it is down, the other service goes on.
    ``in_any_case``: each call raises NotAuthorised instead, so that the other service can be seen to meanwhile.
    """
    access = _Access()
    tenant_id = oauth.tenant_id() if in_any_case else oauth.organisation_id()
    session = ApiSession(
        System.XERO,
        f"{settings.XERO_API_URL}/api.xro/2.0",
        headers=access.headers,
        problems=client.problems,
        renew=access.renew,
        for_person=for_person,
    )
    return XeroRemote(session, tenant_id)
