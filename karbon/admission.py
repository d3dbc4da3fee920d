"""Keys are used only if they open the account whose contacts are here.

Mixing two accounts would make all of the first one's contacts look deleted. Typed keys are looked at before they are kept,
those of the server before the first call that is made with them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from contacts.models import RemoteContact
from contacts.remote import Missing, NotAuthorised, Rejected, Unavailable
from contacts.values import Kind, Presence, System
from karbon import keys as access
from karbon.keys import Keys
from karbon.models import KarbonConnection

if TYPE_CHECKING:
    from karbon.remote import Account, KarbonRemote

OTHER = "These are keys to another Karbon account"
INSTEAD = "Use its keys, or sync the other account with an empty database of its own."
TRIED = 5  # contacts that are looked for, where Karbon does not tell which account it is
AGAIN_AFTER = 60.0


class OtherAccount(NotAuthorised):
    """The database holds another account's contacts."""


def look(remote: "KarbonRemote") -> "Account":
    """Return the account that a remote's keys open. Raise OtherAccount where it is not the one whose contacts are here.

    Where Karbon does not tell the account's key, or did not tell that of the first, our contacts are looked for in it.
    """
    account = remote.account()
    ours = RemoteContact.objects.filter(system=System.KARBON)
    if not ours.exists():
        return account
    known = KarbonConnection.objects.filter(id=1).values_list("account_key", flat=True).first()
    if known and account.key:
        if known != account.key:
            held = f"This database holds the contacts of account {known}."
            raise OtherAccount(f"{OTHER} ({account.key}). {held} {INSTEAD}")
        return account
    present = list(ours.filter(presence=Presence.PRESENT).order_by("-read_began_at")[:TRIED])
    if present and not any(_is_there(remote, contact) for contact in present):
        raise OtherAccount(f"{OTHER}: the contacts that this database holds are not in it. {INSTEAD}")
    return account


def _is_there(remote: "KarbonRemote", contact: RemoteContact) -> bool:
    try:
        remote.client.get(Kind(contact.kind), contact.remote_id)
    except (Missing, Rejected):
        return False
    return True


def admit(keys: Keys, connect: Callable[[], "KarbonRemote"]) -> None:
    """See to it that keys which were put in place since the last test may be used. Raise NotAuthorised where they may not.

    The first ones that are met beside contacts are those which read them.
    """
    tested = KarbonConnection.objects.filter(id=1).values_list("tested_keys", flat=True).first()
    if tested == keys.fingerprint or not RemoteContact.objects.filter(system=System.KARBON).exists():
        return
    if not tested:
        access.note_use(keys)
        return
    try:
        access.note_test(keys, account_key=look(connect()).key)
    except Unavailable as error:  # the call that waits for this was not made, and is not repeated at once
        error.performed = False
        error.retry_after = AGAIN_AFTER if error.retry_after is None else error.retry_after
        raise
