"""Connects this installation to both services: what ``connect`` and ``demo`` do."""

from contextlib import suppress

from contacts import bell
from contacts.models import SyncSettings
from contacts.remote import NotAuthorised, RemoteError, Unavailable
from karbon import remote as karbon_remote
from karbonsync import pipeline, schedules
from karbonsync.models import Cursor
from xero import oauth


def connect_sandbox(redirect_uri: str) -> str:
    """Sign in to a Xero that approves at once, and return the organisation's name."""
    return str(oauth.connect_without_browser(redirect_uri).tenant_name)


def choose_contact_type(wanted: str = "") -> str:
    """Return the Karbon contact type for new contacts, as Karbon spells it. Raise ValueError with the choices."""
    try:
        types = karbon_remote.connect().contact_types()
    except Unavailable:
        if wanted:  # some firms' keys cannot read the list of types; a name given by hand is taken as it is
            return wanted
        raise
    if not types:
        raise NotAuthorised("Karbon has no contact types. Add one in Karbon's settings first.")
    chosen = wanted or next((name for name in types if name == "Client"), types[0])
    for name in types:
        if name.casefold() == chosen.casefold():
            return str(name)
    raise ValueError(f"Karbon has no contact type {chosen}. Choose one of: {', '.join(types)}.")


def start_syncing(*, contact_type: str, import_filter: str) -> SyncSettings:
    """Store the choices, switch syncing on and schedule the checks."""
    chosen = SyncSettings.load()
    chosen.default_contact_type, chosen.import_filter, chosen.syncing = contact_type, import_filter, True
    chosen.paused_at, chosen.paused_by, chosen.pause_reason, chosen.ends_when_connected = None, None, "", False
    chosen.save()
    _remember_sizes()
    schedules.ensure()
    bell.ring_to_watch()
    return chosen


def _remember_sizes() -> None:
    """Ask each service how much it lists: a first import that then sees far less is not believed (invariant 7)."""
    for system, remote in pipeline.connect().items():
        cursor, _ = Cursor.objects.get_or_create(system=system)
        if cursor.walked_at is None:
            with suppress(RemoteError):
                cursor.sizes = dict(remote.glance().sizes)
                cursor.save(update_fields=["sizes"])
