"""The acts of the set-up: each step stores one choice of an administrator, and nothing is written anywhere before Start.

What ``connect`` and ``demo`` do is the same, without the questions.
"""

import copy
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from contacts import bell
from contacts.links import NotPossible, Overtaken
from contacts.models import SyncSettings
from contacts.remote import NotAuthorised, RemoteError
from contacts.values import System
from karbon import admission
from karbon import keys as karbon_keys
from karbon import remote as karbon_remote
from karbon.client import NotShown
from karbon.keys import Keys
from karbon.models import KarbonConnection
from karbon.remote import Account
from karbonsync import conventions, outages, pipeline, promise, schedules, takeover
from karbonsync.lease import LEASE, Held
from karbonsync.models import Cursor, FormerPair, Preview, SetUp
from xero import oauth
from xero.models import XeroConnection


def as_tried() -> SyncSettings:
    """Return the settings as they would be with what is being tried out. Not to be saved."""
    chosen = SyncSettings.load()
    for name, value in Preview.tried_out().items():
        setattr(chosen, name, value)
    return chosen


def log(by: User, row: Model, message: str) -> None:
    LogEntry.objects.log_actions(by.pk, [row], CHANGE, change_message=message, single_object=True)


# --- Karbon -----------------------------------------------------------------------------------------------------------


def connect_karbon(keys: Keys, *, webhook_key: str = "", by: User) -> Account:
    """Try typed keys with a call and keep them, encrypted. Raise RemoteError when they do not work: then nothing is kept.

    They are tried as they will be used: together with what the server's environment sets, which wins.
    """
    tried = karbon_keys.would_be_in_force(keys)
    account = _try_karbon(tried)
    with transaction.atomic():
        karbon_keys.store(keys, webhook_key)
        _remember_account(tried, account)
        log(by, KarbonConnection.objects.get(id=1), "Stored new keys to Karbon.")
    outages.knock_now()
    return account


def test_karbon(*, by: User) -> Account:
    """Try the keys in force, and remember that they work."""
    keys = karbon_keys.current()
    account = _try_karbon(keys)
    _remember_account(keys, account)
    return account


def _try_karbon(keys: Keys) -> Account:
    try:
        return admission.look(karbon_remote.connect(for_person=True, keys=keys))
    except admission.OtherAccount:
        raise
    except NotAuthorised as error:
        if karbon_keys.worked(keys):
            raise
        raise NotAuthorised(_not_accepted()) from error


def _not_accepted() -> str:
    given = [name for name in karbon_keys.from_environment() if name != "KARBON_WEBHOOK_KEY"]
    wins = "are set on the server and win" if given[1:] else "is set on the server and wins"
    said = f" {' and '.join(given)} {wins} over what is typed." if given else ""
    return (
        "Karbon does not accept these keys. Compare both with the ones in Karbon, under Settings, Connected Apps, API "
        f"Applications.{said}"
    )


def _remember_account(keys: Keys, account: Account) -> None:
    karbon_keys.note_test(keys, account_key=account.key)
    _remember_size(System.KARBON, account.sizes)


def contact_types() -> list[str]:
    """Return Karbon's own list of contact types; empty where it is not shown to us, so that a person types the name.

    Raise RemoteError where Karbon does not answer: then nobody knows which names are right.
    """
    with suppress(NotShown):
        return karbon_remote.connect(for_person=True).contact_types()
    return []


def choose_contact_type(wanted: str = "") -> str:
    """Return the Karbon contact type for new contacts, as Karbon spells it. Raise ValueError with the choices."""
    try:
        types = karbon_remote.connect().contact_types()
    except NotShown:
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


# --- Xero -------------------------------------------------------------------------------------------------------------


def connect_sandbox(redirect_uri: str) -> str:
    """Sign in to a Xero that approves at once, and return the organisation's name."""
    return str(oauth.connect_without_browser(redirect_uri).tenant_name)


def connect_xero(token: str, organisation: oauth.Organisation, *, by: User) -> XeroConnection:
    """Connect the organisation that a person has seen and confirmed. Raise NotAuthorised with why it cannot be."""
    connection = oauth.choose(token, organisation)
    log(by, connection, f"Connected {connection}.")
    return connection


def are_connected() -> bool:
    found = XeroConnection.objects.filter(id=1).first()
    return bool(found and found.is_connected and not found.problem) and karbon_keys.are_there()


# --- the choices ------------------------------------------------------------------------------------------------------


@transaction.atomic
def choose(step: str, chosen: Mapping[str, Any], *, by: User) -> dict[str, Any]:
    """Store choices of a step (``rules`` or ``conventions``), or return what is to be previewed first.

    Before Start nothing has happened yet, so they are stored at once. Later a person sees their effect before, together
    with what is being tried out already.
    """
    now = SyncSettings.load()
    wanted = {**Preview.tried_out(), **chosen} if now.syncing else chosen
    news = {name: value for name, value in wanted.items() if getattr(now, name) != value}
    if now.syncing and news:
        return news
    SyncSettings.objects.filter(id=1).update(**news)
    SetUp.load()
    SetUp.objects.update(**{f"{step}_at": timezone.now()})
    log(by, now, "Went through a step of the set-up." if not news else f"Chose: {', '.join(sorted(news))}.")
    return {}


@transaction.atomic
def answer_former_sync(answer: str, *, by: User) -> None:
    """Say whether Karbon's own Xero sync ran before; each yes asks Karbon for its pairs anew, in the next preview."""
    SetUp.load()
    SetUp.objects.update(former_sync=answer, former_problem="")
    FormerPair.objects.all().delete()
    log(by, SetUp.load(), f"Karbon's own Xero sync: {SetUp.FormerSync(answer).label}.")


# --- start ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def start(*, by: User) -> None:
    """Carry out the preview: switch syncing on, or let the settings that were tried out apply.

    What changed since the preview is held and shown (``karbonsync.promise``).
    """
    preview = Preview.objects.select_for_update().filter(state=Preview.State.READY).first()
    if preview is None:
        raise NotPossible("There is no preview that could be carried out. Make one first.")
    if not are_connected():
        raise NotPossible("One of the services is not connected any more. Connect it first.")
    chosen = SyncSettings.objects.select_for_update().get(id=SyncSettings.load().pk)
    wanted = copy.copy(chosen)
    for name, value in {**preview.proposed, "syncing": True, "meant_until": preview.made_at}.items():
        setattr(wanted, name, value)
    if promise.made_with(wanted) != preview.made_with:
        raise Overtaken("The settings have changed since this preview was made. Make a new one.")
    _change_conventions(chosen, wanted)
    wanted.save()
    SetUp.load()
    SetUp.objects.filter(started_at=None).update(started_at=timezone.now(), started_by=by)
    is_first = not preview.proposed and not chosen.syncing
    accepted = {"state": Preview.State.ACCEPTED, "accepted_at": timezone.now(), "holds_new": is_first}
    Preview.objects.filter(pk=preview.pk).update(**accepted)
    takeover.agree(wanted.import_filter)
    log(by, wanted, "Started syncing." if not preview.proposed else f"Changed, after a preview: {', '.join(sorted(preview.proposed))}.")  # fmt: skip
    remember_sizes()
    schedules.ensure()
    bell.ring()
    bell.ring_to_watch()


def _change_conventions(chosen: SyncSettings, wanted: SyncSettings) -> None:
    """Read the mirror by new conventions while no check runs: one would bring back what it read by the old ones."""
    if conventions.of(chosen) == conventions.of(wanted):
        return
    lease = Held(LEASE)
    if not lease.take():
        raise NotPossible("A check is running right now. Press again when it is done.")
    conventions.change(chosen, wanted)
    lease.drop()  # with the transaction: no check begins before


def start_syncing(*, contact_type: str, import_filter: str) -> SyncSettings:
    """Store the choices, switch syncing on and schedule the checks, without questions: what ``connect`` does."""
    chosen = SyncSettings.load()
    chosen.default_contact_type, chosen.import_filter, chosen.syncing = contact_type, import_filter, True
    chosen.paused_at, chosen.paused_by, chosen.pause_reason, chosen.ends_when_connected = None, None, "", False
    chosen.save()
    now = timezone.now()
    SetUp.objects.update_or_create(id=1, defaults={"rules_at": now, "conventions_at": now, "started_at": now})
    remember_sizes()
    schedules.ensure()
    bell.ring_to_watch()
    return chosen


def remember_sizes() -> None:
    """Ask each service how much it lists: a first import that then sees far less is not believed (invariant 7)."""
    for system, remote in pipeline.connect().items():
        if not Cursor.objects.filter(system=system).exclude(walked_at=None, sizes={}).exists():
            with suppress(RemoteError):
                _remember_size(system, remote.glance().sizes)


def _remember_size(system: System, sizes: Mapping[str, int]) -> None:
    Cursor.objects.get_or_create(system=system)
    Cursor.objects.filter(system=system, walked_at=None).update(sizes=dict(sizes))
