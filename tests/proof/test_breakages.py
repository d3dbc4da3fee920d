"""The proof proves itself: each of four rules taken out of the engine is missed by the oracle at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

from contacts import mirror, outbox, settling
from contacts.fields import BILLING_EMAIL
from contacts.models import Change, FieldConflict, Link, RemoteContact
from contacts.values import Snapshot
from tests.proof.acts import Acts
from tests.proof.oracle import Oracle
from tests.proof.outside import Death
from tests.proof.people import KARBON, XERO, Ledger, People, email_for, name_for
from tests.proof.product import Product
from tests.proof.stage import Stage

WRITE = {"karbon": {"system": "karbon", "method": "PUT"}, "creation": {"system": "karbon", "method": "POST"}}
LAST_WRITE = 60


class Script:
    """One pair in sync, and what is needed to tell a story about it."""

    def __init__(self, stage: Stage) -> None:
        stage.reset()
        self.stage, self.people, self.product = stage, People(stage), Product(stage)
        self.acts = Acts(self.people, self.product)
        self.oracle = Oracle(stage, self.people, self.product, self.acts)
        for system in (XERO, KARBON):
            self.people.arrive(system, name_for(7, False), email_for(7), person=False, number=7)
        stage.pass_by(3)
        self.product.check()
        self.people.ledger = Ledger()  # that is where every story begins

    def edit(self, system: str, number: int) -> None:
        self.stage.pass_by(5)
        self.people.edit(XERO if system == "xero" else KARBON, 0, BILLING_EMAIL, number)

    def lose_reply(self, what: str) -> None:
        self.stage.control("POST", "/faults", {**WRITE[what], "kind": "drop_reply"})

    def check(self, death: Death | None = None) -> None:
        self.stage.pass_by(60)
        self.product.check(death=death)


def killed_anywhere_then_edited_on_the_other_side(stage: Stage) -> None:
    """A check that carries one edit dies before each of its writes in turn; then the other side builds on what it shows."""
    for number in range(LAST_WRITE):
        story = Script(stage)
        story.edit("xero", 11)
        story.check(Death("write", number, after=False))
        survived = stage.outside.points["write"] < number
        carried = not Change.objects.filter(state__in=Change.OPEN).exists()
        if carried:
            story.edit("karbon", 12)
        story.oracle.assert_quiet()
        if survived:
            return
    raise AssertionError("the check has more points than were tried")


def a_lost_reply_after_a_decision(stage: Stage) -> None:
    """Karbon's value, decided against, is overwritten by a request whose reply is lost: history must keep it."""
    story = Script(stage)
    story.edit("xero", 11)
    story.edit("karbon", 12)
    story.check()
    assert FieldConflict.objects.filter(is_open=True).count() == 1
    story.lose_reply("karbon")
    story.acts.do("keep xero", 0)
    story.check()
    story.oracle.assert_quiet()


def a_lost_reply_of_a_creation(stage: Stage) -> None:
    story = Script(stage)
    story.people.arrive(XERO, name_for(8, False), email_for(8), person=False, number=8)
    story.lose_reply("creation")
    story.check()
    story.oracle.assert_quiet()
    assert Link.objects.filter(state=Link.State.LIVE).count() == 2


def a_page_that_stores_an_old_read(stage: Stage) -> None:
    """A page read the Karbon record before our write and stores it afterwards."""
    story = Script(stage)
    contact = RemoteContact.objects.get(system=KARBON)
    old = story.product.read(KARBON, contact.ref)
    assert old is not None
    story.edit("xero", 11)
    story.check()
    story.check()
    story.product.keep(old)
    story.check()
    story.oracle.assert_quiet()


HISTORIES = [
    killed_anywhere_then_edited_on_the_other_side,
    a_lost_reply_after_a_decision,
    a_lost_reply_of_a_creation,
    a_page_that_stores_an_old_read,
]


# --- the breakages ----------------------------------------------------------------------------------------------------


@contextmanager
def the_source_keeps_its_old_base() -> Iterator[None]:
    """Without ``source base := source`` in ``acknowledge``."""
    acknowledge = outbox.acknowledge

    def broken(change: Change, shown: dict, read_back: Snapshot | None) -> None:
        side = XERO if change.system == KARBON else KARBON
        before = dict(Link.objects.get(pk=change.link_id).base(side))
        save = Link.save

        def save_without(link: Link, *args: object, **kwargs: object) -> None:
            for name in change.source:
                if name in before:
                    link.base(side)[name] = before[name]
            save(link, *args, **kwargs)

        with mock.patch.object(Link, "save", save_without):
            acknowledge(change, shown, read_back)

    with mock.patch.object(outbox, "acknowledge", broken):
        yield


@contextmanager
def what_was_being_sent_is_sent_again_blindly() -> Iterator[None]:
    with mock.patch.object(settling, "_settle_update", lambda change, now: outbox.postpone(change, 0)):
        yield


@contextmanager
def what_was_being_sent_is_never_settled() -> Iterator[None]:
    with mock.patch.object(settling, "due", lambda system, limit: []):
        yield


@contextmanager
def creations_are_sent_again_without_looking() -> Iterator[None]:
    with mock.patch.object(settling, "_settle_creation", lambda remote, change: outbox.postpone(change, 0)):
        yield


@contextmanager
def every_snapshot_is_stored_however_old() -> Iterator[None]:
    with mock.patch.object(mirror, "_is_current", lambda contact, snapshot: True):
        yield


BREAKAGES = [
    (the_source_keeps_its_old_base, killed_anywhere_then_edited_on_the_other_side),
    (what_was_being_sent_is_sent_again_blindly, a_lost_reply_after_a_decision),
    (what_was_being_sent_is_never_settled, a_lost_reply_after_a_decision),
    (creations_are_sent_again_without_looking, a_lost_reply_of_a_creation),
    (every_snapshot_is_stored_however_old, a_page_that_stores_an_old_read),
]


@pytest.mark.parametrize("history", HISTORIES)
def test_the_engine_as_it_is_passes(stage: Stage, history: Callable[[Stage], None]) -> None:
    history(stage)


@pytest.mark.parametrize(("breakage", "history"), BREAKAGES)
def test_an_engine_without_this_rule_is_caught(
    stage: Stage, breakage: Callable[[], object], history: Callable[[Stage], None]
) -> None:
    with breakage(), pytest.raises(AssertionError):  # type: ignore[attr-defined]
        history(stage)
