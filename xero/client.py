"""Xero's contact calls, one method each, and what its refusals say. Nothing here knows our fields or our tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from django.utils import timezone

from contacts.api import ApiSession
from contacts.remote import Missing, Unavailable
from xero.mapping import Wire, moment

PAGE_SIZE = 1000  # the most it gives; more is clamped (facts, Xero 9.2)
IDS_PER_CALL = 40  # keeps the address short


@dataclass(frozen=True)
class Page:
    """One page of a listing. ``began_at`` is our clock before the request, ``at`` Xero's clock when it answered."""

    contacts: list[Wire]
    item_count: int
    page_count: int
    at: datetime
    began_at: datetime


class XeroClient:
    """Asks for pages always: without ``page`` Xero blanks lists it did not load (facts, Xero 9.3)."""

    def __init__(self, session: ApiSession) -> None:
        self.session = session

    def page(self, number: int, since: str = "", size: int = 0) -> Page:
        """List contacts, archived ones too, changed since a second if given: ``GET /Contacts`` (facts, Xero 9.2, 15).

        Ordered by id: in the order of change a contact edited meanwhile moves to the end, and its neighbour is skipped.
        """
        headers = {"If-Modified-Since": since} if since else {}
        return self._page({"page": number, "order": "ContactID", "pageSize": size or PAGE_SIZE}, headers)

    def by_ids(self, contact_ids: Sequence[str]) -> Page:
        """Read up to 40 contacts in full: ``GET /Contacts?IDs=`` (facts, Xero 9.2)."""
        return self._page({"page": 1, "IDs": ",".join(contact_ids)})

    def one(self, contact_id: str) -> Wire | None:
        """Read one contact; None only when Xero itself says that there is none: ``GET /Contacts/{ContactID}``."""
        try:
            reply = self.session.json("GET", f"/Contacts/{contact_id}")
        except Missing:
            return None
        found = _contacts(reply)
        if len(found) != 1:
            raise _not_whole()
        return found[0]

    def numbered(self, contact_number: str) -> Page:
        """Find by our own number, archived ones too; the path form would choose one silently (facts, Xero 9.1)."""
        return self._page({"page": 1, "where": f"ContactNumber=={_quoted(contact_number)}"})

    def named(self, name: str) -> Page:
        """Find by name, whatever the case: an optimised ``where`` (facts, Xero 9.4)."""
        return self._page({"page": 1, "where": f"Name=={_quoted(name)}"})

    def create(self, element: Wire, idempotency_key: str) -> Wire | None:
        """Create one contact: ``PUT /Contacts``, which never overwrites, as a POST by name would (facts, Xero 10.2).

        A refusal is a 400. Xero replays its answer to the same key for six minutes, faults included (facts, Xero 7).
        """
        headers = {"Idempotency-Key": idempotency_key}
        made = self.session.json("PUT", "/Contacts", json={"Contacts": [element]}, headers=headers)
        return next(iter(_elements(made)), None)

    def update(self, elements: Sequence[Wire]) -> list[Wire]:
        """Update up to 50 contacts by ContactID: ``POST /Contacts``. Each answers for itself (facts, Xero 10.5)."""
        body, params = {"Contacts": list(elements)}, {"summarizeErrors": "false"}
        return _elements(self.session.json("POST", "/Contacts", json=body, params=params))

    def _page(self, params: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Page:
        whole = {"pageSize": PAGE_SIZE, **params, "includeArchived": "true"}
        began_at = timezone.now()
        reply = self.session.json("GET", "/Contacts", params=whole, headers=headers)
        contacts = _contacts(reply)
        paging, at = reply.get("pagination"), moment(reply.get("DateTimeUTC"))
        paging = paging if isinstance(paging, dict) else {}
        items, pages = paging.get("itemCount"), paging.get("pageCount")
        if at is None or not isinstance(items, int) or not isinstance(pages, int):
            raise _not_whole()
        return Page(contacts, item_count=items, page_count=pages, at=at, began_at=began_at)


def _quoted(text: str) -> str:
    """Only a doubled quote escapes a quote; a backslash is an error (facts, Xero 9.4)."""
    return '"' + text.replace('"', '""') + '"'


def _contacts(reply: object) -> list[Wire]:
    found = reply.get("Contacts") if isinstance(reply, dict) else None
    if not isinstance(found, list):
        raise _not_whole()
    return found


def _elements(reply: object) -> list[Wire]:
    """Return the elements a write answered with; those it lacks are for the caller to read again."""
    found = reply.get("Contacts") if isinstance(reply, dict) else None
    return [element for element in found if isinstance(element, dict)] if isinstance(found, list) else []


def _not_whole() -> Unavailable:
    return Unavailable("Xero's answer was not whole. Nothing is lost; it will be tried again.")


# --- refusals ---------------------------------------------------------------------------------------------------------

# Xero gives texts, no codes (facts, Xero 11.1, 11.3). What is not listed is shown as Xero says it.
_SENTENCES = (
    (
        r"The contact name (?P<name>.*) is already assigned to another contact",
        "Xero already has an active contact called {name}. Link to it, or rename this client in Karbon first.",
    ),
    (
        r"The contact number .* is already assigned to another contact",
        "Xero already has a contact with this number. It may be the one just created: check again.",
    ),
    (
        r".*matched an archived contact",
        "This contact is archived in Xero, where archived contacts cannot be changed. Restore it in Xero first.",
    ),
    (r"Email address must be valid", "Xero does not accept this billing email. Correct it in Karbon."),
    (
        r"Website must be valid",
        "Xero refuses every change to this contact while it has a website. Clear the website in Xero, then try again.",
    ),
    (
        r"Additional people cannot be added when the primary person has no email",
        "This contact has further people, and Xero then wants a billing email. Enter one, or remove them in Xero.",
    ),
    (r"Contact Name cannot be empty", "A contact in Xero needs a name. Give this client a name in Karbon."),
    (
        r"The value of (?P<field>\w+) exceeds the maximum length of (?P<limit>\d+)",
        "The {field} is longer than the {limit} characters Xero takes. Shorten it in Karbon.",
    ),
)
_KEY_IN_USE = re.compile(r"Idempotency Key: .* is used with a different request", re.IGNORECASE | re.DOTALL)


def problems(reply: requests.Response) -> list[str]:
    """Read out of a refusal what a person can act on; an empty list when it says nothing.

    A 403 says nothing: it is Xero's word for a connection that is no more (facts, Xero 11.2).
    """
    if reply.status_code == 403:
        return []
    try:
        body = reply.json()
    except requests.JSONDecodeError:
        return []
    if not isinstance(body, dict):
        return []
    elements = body.get("Elements")
    found = [text for element in (elements if isinstance(elements, list) else []) for text in element_problems(element)]
    return found or _told([body])


def element_problems(element: object) -> list[str]:
    """Read the refusals of one element; some carry Description in place of Message (facts, Xero 11.1)."""
    errors = element.get("ValidationErrors") if isinstance(element, dict) else None
    return _told(errors if isinstance(errors, list) else [])


def is_key_in_use(messages: Sequence[str]) -> bool:
    """Tell whether Xero refused because the idempotency key served another request in the last six minutes."""
    return any(_KEY_IN_USE.search(message) for message in messages)


def _told(errors: Sequence[object]) -> list[str]:
    found = [
        text.strip()
        for error in errors
        if isinstance(error, dict)
        for text in [error.get("Message") or error.get("Description")]
        if isinstance(text, str) and text.strip()
    ]
    return list(dict.fromkeys(_sentence(text) for text in found))


def _sentence(text: str) -> str:
    for pattern, sentence in _SENTENCES:
        if found := re.match(pattern, text, re.IGNORECASE | re.DOTALL):
            return sentence.format(**found.groupdict())
    return text
