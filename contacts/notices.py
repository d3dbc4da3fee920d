"""What both webhooks have in common: a bounded body, a signature, and events that ask for contacts to be read.

An event is a hint and carries no data, so the worst that a repeated, late or untrue one can do is a read. Each contact
remembers the newest event that asked for it: what is not newer has been asked for already, however often it is sent.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone

from contacts import bell, mirror
from contacts.models import RemoteContact, Webhook
from contacts.values import System

log = logging.getLogger(__name__)
LONGEST_BODY = 256 * 1024  # fifty events are some twenty thousand bytes
NOTE_EVERY = timedelta(seconds=30)


@dataclass(frozen=True)
class Event:
    """One contact that changed. ``at`` is by the service's clock, None where it did not say.

    ``stamp`` is the time stamp that a record read since would carry, in the mirror's form; blank where that is not known.
    """

    remote_id: str
    at: datetime | None = None
    stamp: str = ""


def moment(text: object) -> datetime | None:
    """Read an event's time, which Xero writes without a zone and Karbon with one; None when it is none."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
        return at and (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def answer(
    request: HttpRequest,
    system: System,
    *,
    signature: str,
    is_genuine: Callable[[bytes, str], bool],
    events: Callable[[bytes], Sequence[Event]],
) -> HttpResponse:
    """Answer a delivery: 401 to a wrong signature, else 200; empty and without cookies. Raises DatabaseError."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_BODY:
            return HttpResponse(status=413)
        body = request.body
    except (ValueError, UnreadablePostError):
        return HttpResponse(status=400)
    if not is_genuine(body, signature):
        if signature:  # without any it comes from no service, and says nothing about our key
            _note(system, "refused_at", refusals=F("refusals") + 1)
        return HttpResponse(status=401)
    _note(system, "heard_at", refusals=0)
    take(system, events(body))
    return HttpResponse(status=200)


def take(system: System, events: Iterable[Event]) -> None:
    """Ask to read what the events name, and ring: for a look at contacts known here, for a check if there are others."""
    now = timezone.now()
    newest: dict[str, Event] = {}
    for event in events:
        if event.remote_id not in newest or _at(newest[event.remote_id], now) < _at(event, now):
            newest[event.remote_id] = event
    if not newest:
        return
    rows = RemoteContact.objects.filter(system=system, remote_id__in=newest).select_related("refresh")
    known = list(rows.only("remote_id", "noticed_at", "modified_at", "complete", "reads_valid_from", "refresh__misses"))
    due = [contact for contact in known if not _is_old(contact, newest[contact.remote_id], now)]
    strangers = newest.keys() - {contact.remote_id for contact in known}
    if due:
        _ask(due, newest, now)
    if strangers:
        _ask_for_lists(system, max(_at(newest[remote_id], now) for remote_id in strangers))


def _at(event: Event, now: datetime) -> datetime:
    """A time to come is none: it would silence all that is really to come."""
    return min(event.at, now) if event.at else now


def _is_old(contact: RemoteContact, event: Event, now: datetime) -> bool:
    """Tell whether a read that shows this event was asked for before, or has been made: often the event is our own write."""
    if contact.noticed_at and _at(event, now) <= contact.noticed_at:
        return True
    return bool(event.stamp and contact.complete and event.stamp <= contact.modified_at)


@transaction.atomic
def _ask(contacts: Sequence[RemoteContact], newest: dict[str, Event], now: datetime) -> None:
    for contact in contacts:  # one, nearly always
        RemoteContact.objects.filter(pk=contact.pk).update(noticed_at=_at(newest[contact.remote_id], now))
    # One that was not there a moment ago is read again shortly, and not sooner: two quick misses would count as gone.
    mirror.ask_refreshes([contact for contact in contacts if not _was_missed(contact)], reason="webhook")
    bell.ring_to_look()


def _was_missed(contact: RemoteContact) -> bool:
    return hasattr(contact, "refresh") and contact.refresh.misses > 0


def _ask_for_lists(system: System, at: datetime) -> None:
    """Somebody not known here, perhaps just created: the next poll brings them, and all that came before."""
    if _move(system, "stranger_at", at, at):
        bell.ring()


def _note(system: System, what: str, *, refusals: int | Combinable) -> None:
    """Remember that a delivery came, to half a minute; that it cannot be remembered must not cost the delivery."""
    now = timezone.now()
    try:
        _move(system, what, now, now - NOTE_EVERY, refusals=refusals)
    except DatabaseError as error:
        log.warning("%s webhook: not noted (%s)", system, type(error).__name__)


def _move(system: System, what: str, to: datetime, if_before: datetime, **also: Any) -> bool:
    """Move a time of the webhook's row forward. Most deliveries only read it: a burst must not queue for the pen."""
    kept, _ = Webhook.objects.get_or_create(system=system)
    at = getattr(kept, what)
    if at is not None and at >= if_before:
        return False
    earlier = Q(**{what: None}) | Q(**{f"{what}__lt": if_before})
    return bool(Webhook.objects.filter(earlier, system=system).update(**{what: to}, **also))
