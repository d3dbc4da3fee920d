"""The mirror: takes snapshots in, says what is news, and leaves a Refresh where only a fresh read can tell.

Two rules keep it honest (design §3). A snapshot is stored only if its request began after the last send to that contact
ended, else a poll overtaken by our own write would bring the old value back. And for a linked contact a list row never
merges: a row that differs from the last row leaves a Refresh, and the full record decides.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from contacts import bell, normalise
from contacts.fields import FIELDS
from contacts.models import Link, Refresh, RemoteContact
from contacts.values import Kind, Presence, Snapshot, System

CHUNK = 500
# Karbon's rows tell time in whole seconds: a record read this soon after it changed may change again unnoticed.
SAME_SECOND = timedelta(seconds=2)
RECHECK_MISSING_AFTER = timedelta(seconds=5)
_STORED = [
    "kind", "presence", "merged_into", "values", "name_key", "email_key", "is_customer", "is_supplier", "complete",
    "problem", "payload", "row_digest", "modified_at", "read_began_at", "full_read_at", "match_due", "written",
]  # fmt: skip


def keep(system: System, snapshots: Sequence[Snapshot]) -> int:
    """Take snapshots of one system into the mirror, a transaction per chunk, and return how many were news."""
    return sum(
        _keep_chunk(system, snapshots[start : start + CHUNK]) for start in range(0, len(snapshots), CHUNK)
    )  # fmt: skip


@transaction.atomic
def _keep_chunk(system: System, snapshots: Sequence[Snapshot]) -> int:
    by_id = {snapshot.remote_id: snapshot for snapshot in snapshots}
    mirrored = RemoteContact.objects.select_for_update().filter(system=system, remote_id__in=by_id)
    known = {contact.remote_id: contact for contact in mirrored}
    linked = set(open_links(system, [c.pk for c in known.values()]).values_list(f"{system}_id", flat=True))
    intake = _Intake()
    for remote_id, snapshot in by_id.items():
        contact = known.get(remote_id)
        if contact is None:
            intake.add(RemoteContact(system=system, remote_id=remote_id), snapshot)
        elif not _is_current(contact, snapshot):
            intake.stale.append(contact)
        elif not snapshot.complete and contact.pk in linked:
            intake.note_row(contact, snapshot)
        elif _differs(contact, snapshot):
            intake.change(contact, snapshot)
        elif snapshot.complete:
            intake.confirm(contact, snapshot)
    return intake.store(system)


class _Intake:
    """What one chunk of snapshots does to the mirror, gathered first and stored in bulk."""

    def __init__(self) -> None:
        self.new: list[RemoteContact] = []
        self.updated: list[RemoteContact] = []
        self.moved: list[RemoteContact] = []
        self.read_in_full: list[RemoteContact] = []
        self.stale: list[RemoteContact] = []  # only a fresh read can tell
        self.keys: set[tuple[str, str]] = set()

    def add(self, contact: RemoteContact, snapshot: Snapshot) -> None:
        _take(contact, snapshot)
        self.keys.add((contact.name_key, contact.email_key))
        self.new.append(contact)

    def change(self, contact: RemoteContact, snapshot: Snapshot) -> None:
        self.keys.add((contact.name_key, contact.email_key))
        _take(contact, snapshot)
        self.keys.add((contact.name_key, contact.email_key))
        self.updated.append(contact)
        self.moved.append(contact)
        if snapshot.complete:
            self.read_in_full.append(contact)

    def note_row(self, contact: RemoteContact, snapshot: Snapshot) -> None:
        if contact.row_digest != (digest := _digest(snapshot)) or contact.presence == Presence.GONE:
            contact.row_digest = digest
            self.updated.append(contact)
            self.stale.append(contact)

    def confirm(self, contact: RemoteContact, snapshot: Snapshot) -> None:
        contact.full_read_at = contact.read_began_at = snapshot.read_began_at
        contact.payload = dict(snapshot.payload)  # that of our own creation may lack parts
        self.updated.append(contact)
        self.read_in_full.append(contact)

    def store(self, system: System) -> int:
        for contact in self.read_in_full:
            if contact.written:
                _adopt_format(system, contact)
                contact.written = []
        RemoteContact.objects.bulk_create(self.new, batch_size=100)
        RemoteContact.objects.bulk_update(self.updated, _STORED, batch_size=50)
        ask_refreshes(self.stale, reason="list")
        open_links(system, [contact.pk for contact in self.moved]).update(plan_due=True)
        _match_again(system, self.keys)
        return len(self.new) + len(self.moved) + len(self.stale)


def open_links(system: System, contact_ids: Iterable[int]) -> QuerySet[Link]:
    """Links that hold these contacts of one system, whatever their state but ended."""
    return Link.objects.filter(**{f"{system}__in": list(contact_ids)}).exclude(state=Link.State.ENDED)


def _match_again(system: System, keys: set[tuple[str, str]]) -> None:
    """Look again at unlinked Xero contacts that share a key, old or new, with a Karbon contact that came or changed."""
    if system is System.XERO or not keys:
        return
    names = {name for name, _ in keys if name}
    names |= {f"{name.rpartition(' ')[2]}, {name.rpartition(' ')[0]}" for name in names if " " in name}
    same_key = Q(name_key__in=names) | Q(email_key__in={email for _, email in keys if email})
    unlinked = ~Exists(Link.objects.filter(xero=OuterRef("pk")))
    RemoteContact.objects.filter(same_key, unlinked, system=System.XERO, match_due=False).update(match_due=True)


def _is_current(contact: RemoteContact, snapshot: Snapshot) -> bool:
    began = snapshot.read_began_at
    return began >= contact.read_began_at and (contact.reads_valid_from is None or began >= contact.reads_valid_from)


def _differs(contact: RemoteContact, snapshot: Snapshot) -> bool:
    if not snapshot.complete:
        return contact.row_digest != _digest(snapshot) or contact.presence == Presence.GONE
    return not contact.complete or any(
        getattr(contact, name) != getattr(snapshot, name)
        for name in ("values", "presence", "merged_into", "modified_at", "is_customer", "is_supplier", "problem")
    )


def _digest(snapshot: Snapshot) -> str:
    row = [snapshot.modified_at, snapshot.kind, dict(snapshot.payload)]
    return hashlib.sha1(json.dumps(row, sort_keys=True, default=str).encode(), usedforsecurity=False).hexdigest()


def _take(contact: RemoteContact, snapshot: Snapshot) -> None:
    if snapshot.complete:
        contact.full_read_at = snapshot.read_began_at
    else:
        contact.row_digest = _digest(snapshot)
    matching = ("values", "presence", "is_customer", "is_supplier")
    if any(getattr(contact, name) != getattr(snapshot, name) for name in matching):
        contact.match_due = contact.system == System.XERO
    contact.kind, contact.presence, contact.merged_into = snapshot.kind, snapshot.presence, snapshot.merged_into
    contact.values, contact.complete, contact.payload = dict(snapshot.values), snapshot.complete, dict(snapshot.payload)
    contact.is_customer, contact.is_supplier = snapshot.is_customer, snapshot.is_supplier
    contact.problem, contact.modified_at = snapshot.problem[:500], snapshot.modified_at
    contact.read_began_at = snapshot.read_began_at
    set_keys(contact)


def set_keys(contact: RemoteContact) -> None:
    """Derive the comparison keys. Xero has no flag that tells a person, so there "Last, First" stays as it is written
    and the matcher tries both spellings."""
    contact.name_key = normalise.name_key(contact.name, is_person=contact.kind == Kind.PERSON)[:600]
    contact.email_key = normalise.text_key(contact.billing_email)[:300]


def _adopt_format(system: System, contact: RemoteContact) -> None:
    """Where the service shows what we wrote in another format only, that format becomes the base (invariant 3)."""
    for link in open_links(system, [contact.pk]).select_for_update(of=("self",)):
        base = link.base(system)
        for name in contact.written:
            if name in base and name in contact.values and FIELDS[name].unedited(base[name], contact.values[name]):
                base[name] = contact.values[name]
        link.save(update_fields=[f"base_{system}"])


def as_of(system: System, contacts: Sequence[RemoteContact], polled_at: datetime | None) -> dict[str, Snapshot | None]:
    """Return the mirrored records that a poll begun at ``polled_at`` vouches for: not sent to since, read in full."""
    if polled_at is None:
        return {}
    mirrored = RemoteContact.objects.filter(pk__in=[contact.pk for contact in contacts], complete=True)
    sure = mirrored.filter(Q(reads_valid_from=None) | Q(reads_valid_from__lte=polled_at), refresh=None)
    return {contact.remote_id: _snapshot(system, contact) for contact in sure}


def _snapshot(system: System, contact: RemoteContact) -> Snapshot:
    return Snapshot(
        system=system,
        remote_id=contact.remote_id,
        kind=Kind(contact.kind),
        values=contact.values,
        complete=True,
        read_began_at=contact.read_began_at,
        modified_at=contact.modified_at,
        presence=Presence(contact.presence),
        payload=contact.payload,
    )


# --- reading again ----------------------------------------------------------------------------------------------------


def ask_refreshes(contacts: Sequence[RemoteContact], *, reason: str, not_before: datetime | None = None) -> None:
    """Leave a Refresh per contact, not before a read can be trusted. Requests for the same contact collapse."""
    now = timezone.now()
    rows = []
    for contact in contacts:
        waits = [moment for moment in (contact.reads_valid_from, not_before) if moment]
        rows.append(Refresh(contact=contact, reason=reason, asked_at=now, not_before=max(waits, default=None)))
    Refresh.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["contact"],
        update_fields=["reason", "asked_at", "not_before"],
        batch_size=100,
    )


def due_refreshes(system: System, limit: int) -> list[Refresh]:
    now = timezone.now()
    due = Refresh.objects.filter(Q(not_before=None) | Q(not_before__lte=now), contact__system=system)
    return list(due.select_related("contact").order_by("asked_at", "pk")[:limit])


def postpone_refreshes(refreshes: Sequence[Refresh], wait: timedelta) -> None:
    """Leave records that could not be read for later, so that the others get their turn."""
    Refresh.objects.filter(pk__in=[refresh.pk for refresh in refreshes]).update(not_before=timezone.now() + wait)


@transaction.atomic
def settle_refresh(refresh: Refresh, snapshot: Snapshot | None) -> None:
    """Take what a direct read showed. Only the second "not there" in a row means gone (invariant 7)."""
    contact = RemoteContact.objects.select_for_update().get(pk=refresh.contact_id)
    mine = Refresh.objects.filter(pk=refresh.pk, asked_at=refresh.asked_at)  # a request made meanwhile stays
    if snapshot is None and refresh.misses == 0:
        mine.update(misses=F("misses") + 1, not_before=timezone.now() + RECHECK_MISSING_AFTER)
    elif snapshot is None:
        _mark_gone(contact)
        mine.delete()
    elif not _is_current(contact, snapshot):
        mine.update(not_before=max(filter(None, (contact.reads_valid_from, contact.read_began_at))))
    else:
        keep(System(contact.system), [snapshot])
        if _just_modified(snapshot):
            mine.update(not_before=timezone.now() + SAME_SECOND, misses=0)
        else:
            mine.delete()


def _just_modified(snapshot: Snapshot) -> bool:
    modified_at = parse_datetime(snapshot.modified_at) if snapshot.system == System.KARBON else None
    return modified_at is not None and abs(snapshot.read_began_at - modified_at) < SAME_SECOND


def _mark_gone(contact: RemoteContact) -> None:
    contact.presence = Presence.GONE
    contact.save(update_fields=["presence"])
    system = System(contact.system)
    open_links(system, [contact.pk]).update(plan_due=True)
    _match_again(system, {(contact.name_key, contact.email_key)})
    if system is System.KARBON and RemoteContact.objects.filter(system=System.XERO, match_due=True).exists():
        bell.ring()  # matching is over in this check
