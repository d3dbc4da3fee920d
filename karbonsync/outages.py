"""When a service no longer lets us in: since when, what a person does about it, and who was told by e-mail.

Nothing is lost meanwhile: the other service is still read, and what is to be sent waits. We go on knocking, ever more
rarely, so that access given back is noticed without a press; connecting anew knocks at once.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.formats import date_format

from contacts import pausing
from contacts.models import SyncSettings
from contacts.values import System
from karbon import admission, keys
from karbonsync.models import Outage
from xero import leaving, oauth
from xero.models import XeroConnection

log = logging.getLogger(__name__)
MAY_CONNECT = "contacts.change_syncsettings"
KNOCK_AT_LEAST_EVERY = timedelta(minutes=15)
TELL_AFTER = timedelta(minutes=2)  # what ends by itself sooner needs no letter
KARBON_REFUSES = "Karbon no longer accepts our keys: they were changed or withdrawn there. Enter Karbon's keys again."

WHAT = {  # what is wrong on our side, by the reason that is given for it
    keys.NOT_CONNECTED: "Karbon's keys are missing",
    keys.UNREADABLE: "Karbon's keys cannot be read",
    keys.UNUSABLE: "Karbon's keys cannot be used",
    oauth.UNREADABLE: "Xero's access cannot be read",
}


def open_outages() -> dict[System, Outage]:
    return {System(outage.system): outage for outage in Outage.objects.filter(ended_at=None)}


def begin(system: System, error: str) -> str:
    """Note that a service refused us, and return the sentence for people. One that nobody has connected is no outage."""
    if not _is_in_use(system):
        return error
    now, known = timezone.now(), Outage.objects.filter(system=system, ended_at=None)
    # What is wrong with Karbon's keys may turn from one trouble into another; with Xero the first words stand.
    same = known.first() if system is System.XERO else known.filter(reason=_of_karbon(error)).first()
    if same:
        known.update(tried_at=now)
        return same.reason
    known.update(ended_at=now)
    since, reason = (now, _of_karbon(error)) if system is System.KARBON else _of_xero(error, now)
    Outage.objects.get_or_create(
        system=system, ended_at=None, defaults={"reason": reason[:500], "since": since, "tried_at": now}
    )
    log.warning("%s no longer lets us in", system)
    return reason


def _is_in_use(system: System) -> bool:
    """Tell whether somebody connected this service; keys that are gone are missed where syncing is on."""
    if system is System.KARBON:
        return keys.are_there() or SyncSettings.load().syncing
    connection = XeroConnection.objects.first()
    return connection is not None and connection.is_connected


def _of_karbon(error: str) -> str:
    """Say a refusal of Karbon's in our words; what is seen here, before it is asked, has its own."""
    return (error if error in WHAT or error.startswith(admission.OTHER) else KARBON_REFUSES)[:500]


def _of_xero(error: str, now: datetime) -> tuple[datetime, str]:
    connection = XeroConnection.objects.first()
    if connection and connection.problem:
        return connection.problem_since or now, error
    return now, leaving.why_refused() or error


def end(system: System) -> None:
    """The service answered again."""
    if Outage.objects.filter(system=system, ended_at=None).update(ended_at=timezone.now()):
        log.info("%s lets us in again", system)


def still_refused(system: System) -> str:
    """Return why not to try a service now: blank while it lets us in, and after a wait that grows with the outage."""
    outage = open_outages().get(system)
    if outage is None or outage.reason in WHAT or timezone.now() >= knock_at(outage.since, outage.tried_at):
        return ""  # also where nobody is asked, since there is nothing to ask with
    connection = XeroConnection.objects.first() if system is System.XERO else None
    is_new = connection and connection.connected_at and connection.connected_at > outage.tried_at
    return "" if is_new else outage.reason


def knock_at(since: datetime, tried_at: datetime) -> datetime:
    """Return when to try again: after a quarter of the time that it has lasted, a quarter of an hour at most."""
    return tried_at + min(KNOCK_AT_LEAST_EVERY, max(timedelta(0), (tried_at - since) / 4))


def knock_now() -> None:
    """A person asks for a check or entered keys: try each service at once."""
    Outage.objects.filter(ended_at=None).update(tried_at=timezone.now() - KNOCK_AT_LEAST_EVERY)


# --- told to people ---------------------------------------------------------------------------------------------------


def sentence(outage: Outage) -> str:
    """Say it in one line, the same on the banner, by ``manage.py check`` and in the letter."""
    system = System(outage.system)
    return f"{_what(outage)} since {since_in_words(outage.since)}. {what_waits(system)}"


def _what(outage: Outage) -> str:
    usual = "Xero disconnected" if outage.system == System.XERO else "Karbon refuses our keys"
    if outage.reason.startswith(admission.OTHER):
        return "Karbon's keys open another account"
    return WHAT.get(outage.reason, usual)


def what_waits(system: System) -> str:
    number = pausing.waiting(system).count()
    if number == 0:
        return "No change waits yet; nothing is lost."
    return f"{pausing.in_words(number)}; nothing is lost."


def since_in_words(moment: datetime) -> str:
    """Say a moment of today by its time, one of the last days by its weekday, an older one by its date."""
    here = timezone.localtime(moment)
    if here.date() == timezone.localdate():
        return date_format(here, "H:i")
    return date_format(here, "l H:i" if timezone.now() - moment < timedelta(days=6) else "j F, H:i")


def told() -> list[User]:
    """Return whom a letter goes to: who may change the connection and has an address."""
    able = User.objects.with_perm(MAY_CONNECT, backend="django.contrib.auth.backends.ModelBackend")
    return list(able.exclude(email="").distinct().order_by("pk"))


def write_letters() -> int:
    """Tell the administrators of each outage once, and return how many letters went out.

    Where not even one could be sent it is tried again; where some could, nobody gets a second one.
    """
    sent, people = 0, told()
    if not people:
        return 0
    for outage in Outage.objects.filter(ended_at=None, told_at=None):
        is_sure = XeroConnection.objects.exclude(problem="").exists() and outage.system == System.XERO
        if not is_sure and timezone.now() - outage.since < TELL_AFTER:
            continue
        if not Outage.objects.filter(pk=outage.pk, told_at=None).update(told_at=timezone.now()):
            continue
        reached = _write(outage, people)
        if not reached:
            Outage.objects.filter(pk=outage.pk).update(told_at=None)
        sent += reached
    return sent


def _write(outage: Outage, people: Sequence[User]) -> int:
    """Write one letter per person, so that nobody sees the others' addresses, and return how many were taken.

    It names no client.
    """
    act = "Reconnect Xero" if outage.system == System.XERO else "Enter Karbon's keys again"
    body = (
        f"{sentence(outage)}\n\n{outage.reason}\n\n"
        f"{act} here, and everything that waits is sent:\n{settings.SITE_URL}/admin/\n"
    )
    subject = f"KarbonSync: {sentence(outage).partition('.')[0]}"
    reached = 0
    for person in people:
        try:
            reached += EmailMessage(subject, body, to=[person.email]).send()
        except (OSError, ValueError) as error:  # the mail server refused it, or the address cannot be written
            log.warning("a letter about %s could not be sent (%s)", outage.system, type(error).__name__)
    return reached
