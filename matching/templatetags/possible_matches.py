"""Puts possible matches on pages that know nothing of matching: the contact's own, and an unsynced pair's."""

from typing import Any

from django import template

from contacts.models import RemoteContact
from matching import possible

register = template.Library()


@register.inclusion_tag("matching/_possible_matches.html")
def possible_matches(xero: RemoteContact, but: RemoteContact | None = None) -> dict[str, Any]:
    """Show whom a Xero contact might be in Karbon, leaving one of them out (``but``)."""
    found = possible.matches_of(xero)
    return {"matches": [each for each in found if but is None or each.karbon.pk != but.pk]}
