"""Check now, for one contact: read it on both sides at once, and say what had changed there."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from contacts import bell, links, mirror, pages
from contacts.fields import FIELDS
from contacts.models import RemoteContact
from contacts.remote import RemoteError
from contacts.values import System
from karbonsync import pipeline


@require_POST
def check_contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Read a contact and its counterpart. Not within a transaction: the services are asked while others go on."""
    pages.require(request, "contacts.change_link")
    contact = get_object_or_404(RemoteContact, pk=contact_id)
    for is_well, sentence in check(contact):
        (messages.success if is_well else messages.error)(request, sentence)
    return redirect(pages.contact_url(contact))


def check(contact: RemoteContact) -> list[tuple[bool, str]]:
    """Read both sides of a contact, within what is kept back for people, and ring for what that changes.

    Returns a sentence per side, and whether it went well.
    """
    pair = links.open_link(contact)
    sides = [side for side in (pair.xero, pair.karbon) if side] if pair else [contact]
    remotes = pipeline.connect(for_person=True, in_any_case=True)
    told = []
    for side in sides:
        system = System(side.system)
        try:
            snapshot = remotes[system].read([side.ref]).get(side.remote_id)
        except RemoteError as error:
            told.append((False, f"{system.label} was not read. {error}"))
            continue
        if snapshot is None:
            mirror.ask_refreshes([side], reason="not found")
            told.append((False, f"{system.label} does not show this contact. It is looked for once more in a moment."))
            continue
        before = (side.values, side.presence)
        mirror.keep(system, [snapshot])
        side.refresh_from_db()
        told.append((True, _difference(system, before, side)))
    bell.ring()
    return told


def _difference(system: System, before: tuple[dict[str, object], str], now: RemoteContact) -> str:
    values, presence = before
    moved = [field.label.lower() for name, field in FIELDS.items() if values.get(name) != now.values.get(name)]
    if presence != now.presence:
        moved.append(f"it is {now.get_presence_display().lower()} now")
    if not moved:
        return f"Read from {system.label}: nothing had changed."
    return f"Read from {system.label}: changed since we last looked: {', '.join(moved)}."
