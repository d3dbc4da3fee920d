"""A check and a person at the same moment, on a database that lets both begin: PostgreSQL waits for single rows."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from contacts import changes, links, mirror, outbox, pausing
from contacts.models import Change, Link, RemoteContact, SyncSettings
from contacts.values import Kind, Snapshot, System

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one writer in at a time"),
]
BEGINS, LASTS = 0.3, 1.0  # seconds: the check comes while the act holds its rows
VALUES = {"name": "Harbour Joinery", "billing_email": "a@b.example", "primary_phone": {}, "billing_address": {}}


@pytest.fixture
def by() -> Iterator[User]:
    SyncSettings.load()
    yield User.objects.create(username="staff")


def contact(system: System) -> RemoteContact:
    return RemoteContact.objects.create(
        system=system,
        remote_id=f"{system}1",
        values=VALUES,
        complete=True,
        read_began_at=timezone.now(),
        modified_at="1",
    )


def linked(**more: object) -> Link:
    sides = {system.value: contact(system) for system in System}
    return Link.objects.create(**sides, origin="confirmed", base_xero=VALUES, base_karbon=VALUES, **more)


def update(link: Link) -> Change:
    new = {"billing_email": "c@b.example"}
    return Change.objects.create(
        link=link, system=System.XERO, before={"billing_email": "a@b.example"}, after=new, source=new
    )


def at_the_same_moment(act: Callable[[], object], check: Callable[[], object]) -> None:
    """Run an act in a transaction, and a check that comes before this is committed."""

    def later() -> None:
        time.sleep(BEGINS)
        check()
        connection.close()

    thread = threading.Thread(target=later)
    thread.start()
    with transaction.atomic():
        act()
        time.sleep(LASTS)
    thread.join()


def test_an_edit_that_a_page_reads_while_a_check_plans_is_planned(by: User) -> None:
    link = linked(plan_due=True)
    edited = {**VALUES, "billing_email": "new@b.example"}
    read = Snapshot(System.XERO, "xero1", Kind.UNKNOWN, edited, True, timezone.now(), modified_at="2")

    def plan() -> None:
        changes.plan_due(lambda system, record: lambda name, value: value, {system: list for system in System})

    at_the_same_moment(lambda: mirror.keep(System.XERO, [read]), plan)
    link.refresh_from_db()
    assert link.plan_due or Change.objects.filter(after={"billing_email": "new@b.example"}).exists()


@pytest.mark.parametrize("act", ["unsync", "pause", "give up"])
def test_what_a_person_stops_while_a_check_is_about_to_send_it_is_not_sent(by: User, act: str) -> None:
    if act == "give up":
        wanted = links.Wanted(contact(System.XERO), Kind.ORGANISATION)
        (link,) = links.create_counterparts([wanted])
        change = Change.objects.get(link=link)
    else:
        link = linked()
        change = update(link)
    acts: dict[str, Callable[[], object]] = {
        "unsync": lambda: links.unsync(link, by=by),
        "pause": lambda: pausing.pause_pair(link, by=by),
        "give up": lambda: links.give_up_creation(link, by=by),
    }
    started = []

    def send() -> None:
        for mine in outbox.due(System(change.system)):
            started.append(outbox.start_sending(mine))

    at_the_same_moment(acts[act], send)
    assert started == [False]
    change.refresh_from_db()
    assert change.state in (Change.State.CANCELLED, Change.State.QUEUED)


def test_a_page_that_keeps_what_it_read_while_a_check_sends_locks_nobody_out(
    by: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = linked()
    change = update(link)
    edited = {**VALUES, "primary_phone": {"number": "1"}}
    read = Snapshot(System.XERO, "xero1", Kind.UNKNOWN, edited, True, timezone.now(), modified_at="2")
    ask, sent = mirror.ask_refreshes, []

    def slowly(*contacts: Any, **why: Any) -> None:
        time.sleep(BEGINS + 0.5)  # the contact is held, its link not yet
        ask(*contacts, **why)

    monkeypatch.setattr(mirror, "ask_refreshes", slowly)
    at_the_same_moment(lambda: mirror.keep(System.XERO, [read]), lambda: sent.append(outbox.start_sending(change)))
    assert sent == [True]
