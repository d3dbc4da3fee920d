"""What every staff page and act has in common: who may, by which method, and what is said when somebody was faster.

Pages and acts hold no rules: they call ``contacts.links`` and its neighbours, and show what comes back.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.http import require_POST

from contacts import mirror
from contacts.fields import FIELDS
from contacts.links import NotPossible, Overtaken
from contacts.models import RemoteContact
from contacts.remote import RemoteError, Unreadable
from contacts.values import Ref, Snapshot, System

View = Callable[..., HttpResponse]
# Reads full records of one service. Raises RemoteError.
Read = Callable[[Sequence[Ref]], Mapping[str, Snapshot | None]]
PER_PAGE = 50
READ_AT_ONCE = 10  # calls to a service that one page may wait for


def require(request: HttpRequest, permission: str) -> User:
    """Return who asks, if they may."""
    user = request.user
    if not isinstance(user, User) or not user.has_perm(permission):
        raise PermissionDenied
    return user


def act(permission: str, *, page: Callable[..., str]) -> Callable[[View], View]:
    """Make a view a staff act: POST only, with permission, all or nothing.

    The view gets the person as ``by``. When somebody was faster, or it is not possible, ``page`` (given the same
    arguments) is shown again with the reason.
    """

    def decorate(view: View) -> View:
        @require_POST
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            by = require(request, permission)
            try:
                with transaction.atomic():
                    return view(request, *args, by=by, **kwargs)
            except (Overtaken, NotPossible) as reason:
                messages.error(request, str(reason))
                return redirect(page(*args, **kwargs))

        return guarded

    return decorate


def show(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    """Render a page of our own in the admin's frame."""
    request.current_app = admin.site.name  # type: ignore[attr-defined]  # what the admin's own views do
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


def page_of(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))


def link_url(link_id: object, *_: object, **__: object) -> str:
    return reverse("admin:contacts_link_change", args=[link_id])


def contact_url(contact: RemoteContact) -> str:
    return reverse(f"admin:contacts_{contact.system}contact_change", args=[contact.pk])


# --- what a person saw ------------------------------------------------------------------------------------------------


def fingerprint(*parts: Any) -> str:
    """Seal what a page showed, so that a press is not taken for a yes to something else."""
    return salted_hmac("contacts.pages.seen", json.dumps(parts, sort_keys=True)).hexdigest()


def pair_fingerprint(xero: RemoteContact, karbon: RemoteContact) -> str:
    return fingerprint(*([side.values, side.presence] for side in (xero, karbon)))


def must_be_as_seen(request: HttpRequest, now: str) -> None:
    if not constant_time_compare(request.POST.get("seen", ""), now):
        raise Overtaken("This has changed since you looked. Nothing was done. Look at the values as they are now.")


def locked(*pks: int) -> list[RemoteContact]:
    """Return these contacts as they are now, held until the act is over."""
    found = {contact.pk: contact for contact in RemoteContact.objects.select_for_update().filter(pk__in=pks)}
    if len(found) < len(set(pks)):
        raise Overtaken("One of the contacts is no longer known here.")
    return [found[pk] for pk in pks]


def chosen_winners(request: HttpRequest) -> dict[str, System]:
    """Return per field the side whose value the person picked."""
    picked = {name: request.POST.get(f"winner_{name}", "") for name in FIELDS}
    return {name: System(value) for name, value in picked.items() if value in System.values}


# --- full records -----------------------------------------------------------------------------------------------------


def read_in_full(contacts: Sequence[RemoteContact], read: Read) -> dict[int, str]:
    """Bring those of these contacts that were only seen in a list, or moved since, up to date from the service itself.

    Returns per contact why its full record is not at hand, as a sentence for people; empty when all is well.
    """
    pks = [contact.pk for contact in contacts]
    moved = set(RemoteContact.objects.filter(pk__in=pks, refresh__isnull=False).values_list("pk", flat=True))
    wanting = [c for c in contacts if c.is_present and (not c.complete or c.pk in moved)]
    problems = {contact.pk: "Not read yet. Look at this page again to read it." for contact in wanting[READ_AT_ONCE:]}
    for number, contact in enumerate(wanting[:READ_AT_ONCE]):
        try:
            problem = _read_one(contact, read)
        except Unreadable as error:
            problem = f"The full record could not be read from {System(contact.system).label}. {error}"
        except RemoteError as error:  # a service that fails once is not waited for again and again
            problem = f"The full record could not be read from {System(contact.system).label}. {error}"
            return problems | {unread.pk: problem for unread in wanting[number:]}
        if problem:
            problems[contact.pk] = problem
    return problems


def _read_one(contact: RemoteContact, read: Read) -> str:
    system = System(contact.system)
    snapshot = read([contact.ref]).get(contact.remote_id)
    if snapshot is None:
        mirror.ask_refreshes([contact], reason="not found")
        return f"{system.label} does not show this contact any more: it was deleted, merged or made private there."
    mirror.keep(system, [snapshot])
    contact.refresh_from_db()
    return "" if contact.complete else f"{system.label} is being written to right now. Look again in a moment."
