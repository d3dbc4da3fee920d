"""Looks up contacts the way a person would: by the same name, by the same name or email, with what they are linked to."""

from collections.abc import Iterable

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Prefetch, Q, QuerySet

from contacts import links, normalise
from contacts.models import Change, KarbonContact, Link, RemoteContact, XeroContact
from contacts.values import Presence, System

# Pairs with something that a service refused: a value that cannot be sent, or a creation.
REFUSED = (Q(state=Link.State.LIVE) & ~Q(held={})) | (Q(state=Link.State.CREATING) & ~Q(problem=""))


def is_name_held(pair: Link) -> bool:
    """Tell whether Xero does not take the name that a live pair has in Karbon."""
    return pair.state == Link.State.LIVE and "name" in pair.held.get(System.XERO, {})


def was_linked(contact: RemoteContact) -> bool:
    """Tell whether a Xero contact once had a pair: then a person is asked before it is linked or created again."""
    return contact.system == System.XERO and RemoteContact.objects.filter(links.ever_linked(), pk=contact.pk).exists()


def name_keys(name: str) -> set[str]:
    """Return both spellings of a name: as written, and "Last, First" turned round."""
    return {normalise.text_key(name), normalise.text_key(normalise.uncomma(name))} - {""}


def namesakes(system: System, name: str) -> QuerySet[RemoteContact]:
    """Present contacts that already carry this name."""
    return RemoteContact.objects.filter(system=system, presence=Presence.PRESENT, name_key__in=name_keys(name))


def lookalikes(contact: RemoteContact) -> QuerySet[RemoteContact]:
    """Contacts of the other system, archived ones too, that share the name or the email."""
    same = Q(name_key__in=name_keys(contact.name))
    if contact.email_key:
        same |= Q(email_key=contact.email_key)
    others = RemoteContact.objects.filter(same, system=System(contact.system).other)
    others = others.filter(presence__in=[Presence.PRESENT, Presence.ARCHIVED])
    return with_open_links(others.order_by("presence", "name_key", "pk"), System(contact.system).other)


def with_open_links(contacts: QuerySet[RemoteContact], system: System) -> QuerySet[RemoteContact]:
    """Give each contact ``open_links``: the one link that holds it now, with both sides, or none."""
    held = Link.objects.exclude(state=Link.State.ENDED).select_related("xero", "karbon")
    held = held.defer("xero__payload", "karbon__payload")
    return contacts.defer("payload").prefetch_related(Prefetch(f"{system}_links", held, to_attr="open_links"))


def changes_of(contact: RemoteContact) -> QuerySet[Change]:
    mine = Q(link__xero=contact) | Q(link__karbon=contact)
    return (
        Change.objects.filter(mine)
        .select_related("link__xero", "link__karbon", "by")
        .defer("link__xero__payload", "link__karbon__payload")
    )


def log_of(contacts: Iterable[RemoteContact]) -> QuerySet[LogEntry]:
    """What staff did with these contacts; the audit entries carry whichever class the contact was loaded as."""
    types = ContentType.objects.get_for_models(RemoteContact, XeroContact, KarbonContact, for_concrete_models=False)
    ids = [str(contact.pk) for contact in contacts]
    entries = LogEntry.objects.filter(content_type__in=types.values(), object_id__in=ids)
    return entries.select_related("user").order_by("-action_time")
