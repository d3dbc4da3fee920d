"""Karbon's contact calls, one method each, and what its refusals say. Nothing here knows our fields or our tables.

Karbon calls a person a Contact and a company an Organization; both lists speak a small part of OData (facts, Karbon A1).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import requests
from django.utils import timezone

from contacts.api import ApiSession
from contacts.remote import Missing, NotAuthorised, Unavailable
from contacts.values import Kind

Wire = Mapping[str, Any]
PAGE_SIZE = 100  # default and maximum of every list (facts, Karbon A5.2)
ROUTE = {Kind.PERSON: "/Contacts", Kind.ORGANISATION: "/Organizations"}
NEWEST_FIRST = "LastModifiedDateTime desc"
_HOOK = "/WebhookSubscriptions"


@dataclass(frozen=True)
class Page:
    """One page of a listing. ``began_at`` is our clock before the request, ``count`` all that the listing holds."""

    rows: list[Wire]
    count: int
    next_link: str
    began_at: datetime


class NotShown(Unavailable):
    """Karbon keeps the settings of the account from this API application, while all else may work (facts, A2)."""


class KarbonClient:
    def __init__(self, session: ApiSession) -> None:
        self.session = session

    # --- lists ---

    def page(self, kind: Kind, *, order_by: str = "", skip: int = 0) -> Page:
        """List from a row on: ``GET /Contacts`` or ``/Organizations``.

        Never with ``$top``: it may suppress the link to the next page (facts, Karbon A5.2). Unordered means by key,
        which is the order that edits cannot shift; only FullName and LastModifiedDateTime can be asked for (A5.5).
        """
        options = {"$orderby": order_by, "$skip": str(skip or "")}
        return self._page(ROUTE[kind] + _query(options))

    def follow(self, link: str) -> Page:
        """Fetch the next page by its ``@odata.nextLink``, verbatim: it may carry more than ``$skip`` (A5.2)."""
        return self._page(link)

    def named(self, kind: Kind, full_name: str) -> Iterator[Page]:
        """List those of a name: ``$filter=FullName eq '…'``, which ignores case (facts, Karbon A5.3).

        Organisations, too, are filtered on FullName: on ``Name`` Karbon answers 400. A tenant may ignore a filter and
        list everything, so all pages come and the caller compares.
        """
        quoted = full_name.replace("'", "''")
        page = self._page(ROUTE[kind] + _query({"$filter": f"FullName eq '{quoted}'"}))
        while True:
            yield page
            if not page.next_link or not page.rows:
                return
            page = self.follow(page.next_link)

    def with_external_key(self, kind: Kind, external_id: str) -> Page:
        """List those that an integration of Karbon's own linked to this id: ``$filter=ExternalKey eq '…'``, eq only (A5.4)."""
        quoted = external_id.replace("'", "''")
        return self._page(ROUTE[kind] + _query({"$filter": f"ExternalKey eq '{quoted}'"}))

    def _page(self, path: str) -> Page:
        began_at = timezone.now()
        try:
            reply = self.session.json("GET", path)
        except Missing as error:  # a list is always there: this 404 is the gateway's
            raise not_whole() from error
        rows, count = (reply.get("value"), reply.get("@odata.count")) if isinstance(reply, dict) else (None, None)
        if not isinstance(rows, list) or type(count) is not int or not all(isinstance(row, dict) for row in rows):
            raise not_whole()
        link = reply.get("@odata.nextLink")
        return Page(rows, count, link if isinstance(link, str) else "", began_at)

    # --- records ---

    def get(self, kind: Kind, key: str) -> Any:
        """Read one record with its cards, which are absent unless asked for: ``$expand=BusinessCards`` (A5.7)."""
        return self.session.json("GET", f"{ROUTE[kind]}/{quote(key, safe='')}?$expand=BusinessCards")

    def create(self, kind: Kind, body: Wire) -> Any:
        """Create a record: ``POST``, answered by 201 and the entity. No key makes a repeat harmless (facts, A10)."""
        return self.session.json("POST", ROUTE[kind], json=dict(body))

    def patch(self, kind: Kind, key: str, body: Wire) -> None:
        """Change names; PATCH takes little else (facts, Karbon A11). ``Prefer`` is documented, 204 comes without it."""
        path = f"{ROUTE[kind]}/{quote(key, safe='')}"
        self.session.write("PATCH", path, json=dict(body), headers={"Prefer": "return=representation"})

    def put_card(self, card_key: str, body: Wire) -> None:
        """Replace one business card: what the body leaves out is cleared (facts, Karbon A11). Answered by a bare 204."""
        self.session.write("PUT", f"/BusinessCards/{quote(card_key, safe='')}", json=dict(body))

    # --- settings of the account ---

    def contact_types(self) -> list[str]:
        """Return the names of the firm's contact types: ``GET /TenantSettings`` lists objects or texts (facts, A13).

        A 401 here alone does not mean that the keys are dead: one firm got it while all else worked (facts, A2).
        """
        reply = self._settings()
        types = reply.get("ContactTypes") if isinstance(reply, dict) else None
        if not isinstance(types, list):
            raise not_whole()
        names = [entry.get("Name") if isinstance(entry, dict) else entry for entry in types]
        return [name for name in names if isinstance(name, str) and name.strip()]

    def tenant_key(self) -> str:
        """Return Karbon's own key of the account. Its name is nowhere in the API."""
        reply = self._settings()
        key = reply.get("TenantKey") if isinstance(reply, dict) else None
        return key if isinstance(key, str) else ""

    def _settings(self) -> Any:
        try:
            return self.session.json("GET", "/TenantSettings")
        except (NotAuthorised, Missing) as error:
            raise NotShown(
                "Karbon does not show its contact types to this API application. Type the contact type's name as it is "
                "written in Karbon's settings.",
                performed=False,
            ) from error

    # --- webhook subscription ---

    def subscription(self) -> str | None:
        """Return where Contact events go, None when nowhere: one object, or 404 (facts, Karbon A15).

        Contact covers people, organisations and groups. Karbon ends a subscription after ten failures, without notice.
        """
        try:
            reply = self.session.json("GET", f"{_HOOK}/Contact")
        except Missing:
            return None
        target = reply.get("TargetUrl") if isinstance(reply, dict) else None
        if not isinstance(target, str):
            raise not_whole()
        return target

    def subscribe(self, target_url: str, signing_key: str = "") -> None:
        """Have Contact events sent to an address, which must begin with ``https://`` (facts, Karbon A15)."""
        body = {"TargetUrl": target_url, "WebhookType": "Contact", "SigningKey": signing_key}
        self.session.write("POST", _HOOK, json={name: text for name, text in body.items() if text})

    def unsubscribe(self) -> None:
        """End the Contact subscription; that there is none is fine."""
        try:
            self.session.write("DELETE", f"{_HOOK}/Contact")
        except Missing:
            return


def _query(options: Mapping[str, str]) -> str:
    """Write OData options: the ``$`` as it is, all else percent-encoded."""
    written = "&".join(f"{name}={quote(text, safe='')}" for name, text in options.items() if text)
    return f"?{written}" if written else ""


def not_whole() -> Unavailable:
    return Unavailable("Karbon's answer was not whole. Nothing is lost; it will be tried again.")


# --- refusals ---------------------------------------------------------------------------------------------------------

# By what Karbon's text contains, in lower case (facts, Karbon A9). What is not listed is shown as Karbon says it.
_SENTENCES = (
    ("contacttype", "Karbon does not know this contact type. Choose another one in the sync settings."),
    ("contact type", "Karbon does not know this contact type. Choose another one in the sync settings."),
    ("email address is not a valid", "Karbon does not accept this billing email. Correct it in Xero."),
    ("countrycode", "Karbon does not accept this country. Correct it in Xero."),
    ("must begin with https", "Karbon sends events to an https address only. Set SITE_URL to the public one."),
    ("lastname field is required", "Karbon needs a first and a last name for a person. Correct the name in Xero."),
    ("firstname field is required", "Karbon needs a first and a last name for a person. Correct the name in Xero."),
    (
        "restrictionlevel",
        "Karbon does not let this API application change private or hidden contacts. Allow it under Connected Apps.",
    ),
)
_SAYS_NOTHING = ("Invalid Model.",)  # its details say it (code 4003)


def problems(reply: requests.Response) -> list[str]:
    """Read out of a refusal what a person can act on; an empty list when it says nothing.

    Two envelopes and a variant with details are documented, a bare ``Message`` was seen (facts, Karbon A9): take any.
    """
    try:
        body = reply.json()
    except requests.JSONDecodeError:
        return []
    found = list(dict.fromkeys(_texts(body)))
    telling = [text for text in found if text not in _SAYS_NOTHING] or found
    return list(dict.fromkeys(_sentence(text) for text in telling))


def _texts(envelope: object) -> Iterator[str]:
    """Walk the known envelopes: error, details, errors, message; objects, lists or plain texts in each place."""
    if isinstance(envelope, str) and envelope.strip():
        yield envelope.strip()
    elif isinstance(envelope, list):
        for entry in envelope:
            yield from _texts(entry)
    elif isinstance(envelope, dict):
        for name in ("error", "message", "Message", "details", "errors", "title"):
            yield from _texts(envelope.get(name))
        if not envelope.keys() & {"error", "message", "Message", "details", "errors", "title"}:
            yield from _texts([entry for entry in envelope.values() if isinstance(entry, list)])


def _sentence(text: str) -> str:
    lowered = text.lower()
    return next((sentence for mark, sentence in _SENTENCES if mark in lowered), text)
