"""A new convention (which phone, which address of a Karbon card is ours) is a new way to read, not an edit.

All records are read anew from what the mirror keeps, and the base of each pair follows what is shown now: nothing travels
by the change itself, nothing is blanked or overwritten. From then on edits of the newly chosen entries travel.

A read that began by the old convention must not come after: the caller lets no check run meanwhile, and what anybody else
was reading of the contacts that moved is not believed (``reads_valid_from``).
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from contacts import bell, mirror
from contacts.links import NotPossible
from contacts.models import Change, Link, RemoteContact, SyncSettings
from contacts.values import Kind, Presence, System, Value
from karbon import conventions as karbon_conventions
from karbon import mapping

CHUNK = 200


def of(chosen: SyncSettings) -> karbon_conventions.Conventions:
    return karbon_conventions.of(chosen.karbon_address_labels, chosen.karbon_phone_labels)


@transaction.atomic
def change(old: SyncSettings, new: SyncSettings) -> int:
    """Read the whole mirror by the new conventions; return how many Karbon contacts show something else by them.

    Raises NotPossible while a change is on its way to Karbon: it was made by the old ones.
    """
    if of(old) == of(new):
        return 0
    if Change.objects.filter(system=System.KARBON, state=Change.State.SENDING).exists():
        raise NotPossible("Something is being sent to Karbon right now. Try again in a moment.")
    if written := list(not_read_since_written()):
        mirror.ask_refreshes(written, reason="conventions")
        bell.ring()
        raise NotPossible("Some contacts were written to just now and are being read again. Try again in a minute.")
    moved, last = 0, 0
    whole = RemoteContact.objects.select_for_update().filter(system=System.KARBON, complete=True).order_by("pk")
    while chunk := list(whole.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1].pk
        moved += _read_anew(chunk, of(new))
    return moved


def not_read_since_written() -> QuerySet[RemoteContact]:
    """Linked Karbon contacts whose cards we cannot tell by now: we wrote to them, or made them, and did not read since."""
    linked = Link.objects.exclude(state=Link.State.ENDED).filter(karbon__isnull=False).values("karbon")
    unread = ~Q(written=[]) | ~Q(payload__has_key="BusinessCards")
    return RemoteContact.objects.filter(unread, system=System.KARBON, complete=True, presence=Presence.PRESENT, pk__in=linked)  # fmt: skip


def _read_anew(chunk: Sequence[RemoteContact], by: karbon_conventions.Conventions) -> int:
    moved = {}
    for contact in chunk:
        values = mapping.record_values(contact.payload, Kind(contact.kind), by)
        shown = {name: value for name, value in values.items() if value != contact.values.get(name)}
        if shown and contact.payload.get("BusinessCards"):
            contact.values = {**contact.values, **shown}
            contact.reads_valid_from = max(filter(None, (contact.reads_valid_from, timezone.now())))
            moved[contact.pk] = shown
    changed = [contact for contact in chunk if contact.pk in moved]
    RemoteContact.objects.bulk_update(changed, ["values", "reads_valid_from"], batch_size=50)
    links = list(mirror.open_links(System.KARBON, moved).select_for_update(of=("self",)).select_related("xero"))
    for link in links:
        if link.xero is not None and link.karbon_id is not None:
            _move_bases(link, link.xero, moved[link.karbon_id])
    Link.objects.bulk_update(links, ["base_xero", "base_karbon", "plan_due"], batch_size=50)
    return len(changed)


def _move_bases(link: Link, xero: RemoteContact, shown: dict[str, Value]) -> None:
    """Let both sides stand on what they show now. A value that a decision was still to carry over stays where it is: it was
    meant for another entry. An edit in Xero that was not sent yet is an edit all the same, and travels."""
    for name, value in shown.items():
        link.base_karbon[name] = value
        if name in xero.values:
            link.base_xero.setdefault(name, xero.values[name])
    link.plan_due = True
