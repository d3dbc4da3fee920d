"""The rarer decisions of a story, each made on purpose: that it is about something, and that the oracle is content."""

from unittest import mock

import pytest

from contacts import finding, links, outbox
from contacts.fields import BILLING_EMAIL, FIELDS, NAME
from contacts.models import Change, Link, RemoteContact, SyncSettings
from karbonsync import safety
from matching import issues
from tests.proof.outside import Death
from tests.proof.people import KARBON, XERO, email_for, name_for
from tests.proof.stage import Stage
from tests.proof.tally import TALLY
from tests.proof.test_breakages import Script


def test_a_name_that_xero_has_is_replaced_by_another_one_on_both_sides(stage: Stage) -> None:
    story = Script(stage)
    for system in (XERO, KARBON):
        story.people.arrive(system, name_for(8, False), email_for(8), person=False, number=8)
    story.check()
    taken = [
        who for who, record in enumerate(story.people.records(KARBON)) if record.values[NAME] == name_for(8, False)
    ]
    stage.pass_by(5)
    story.people.edit(KARBON, taken[0], NAME, 7)
    story.check()
    (pair,) = [pair for pair in Link.objects.filter(state=Link.State.LIVE) if finding.is_name_held(pair)]
    assert "another name" in story.acts.possible()
    story.acts.do("another name", 0)
    story.oracle.assert_quiet()
    pair.refresh_from_db()
    assert pair.xero.name == pair.karbon.name not in (name_for(7, False), name_for(8, False))


@pytest.mark.parametrize("state", [Link.State.UNSYNCED, "issue"])
def test_values_are_picked_field_by_field(stage: Stage, state: str) -> None:
    story = Script(stage)
    if state == "issue":
        for system, number in ((XERO, 8), (KARBON, 9)):
            story.people.arrive(system, name_for(8, False), email_for(number), person=False, number=number)
        story.check()
        assert issues.open_issues().count() == 1
        act, key = "confirm field by field", name_for(8, False)
    else:
        links.unsync(Link.objects.get(), by=stage.by)
        story.edit("xero", 11)
        story.edit("karbon", 12)
        story.check()
        act, key = "rematch field by field", name_for(7, False)
    picks = story.acts._picks(0)
    while picks[BILLING_EMAIL] is not KARBON or len(set(picks.values())) == 1:
        story.people.fresh()
        picks = story.acts._picks(0)
    before = {
        system: next(r for r in story.people.records(system) if r.values[NAME] == key) for system in (XERO, KARBON)
    }
    story.acts.do(act, 0)
    story.oracle.assert_quiet()
    after = next(record for record in story.people.records(XERO) if record.values[NAME] == key)
    for name in FIELDS:
        assert FIELDS[name].same(after.values[name], before[picks[name]].values[name])


def test_xero_is_disconnected_and_connected_again_in_a_story(stage: Stage) -> None:
    story = Script(stage)
    story.acts.do("disconnect xero", 0)
    story.edit("karbon", 11)
    story.check()
    assert Change.objects.filter(state=Change.State.QUEUED).exists() and not story.product.is_connected()
    story.acts.do("connect xero", 0)
    story.oracle.assert_quiet()
    assert RemoteContact.objects.get(system=XERO).billing_email == email_for(11)


def test_a_disconnection_may_die_at_any_point(stage: Stage) -> None:
    for number in range(0, 200, 3):
        story = Script(stage)
        story.edit("karbon", 11)
        story.acts.do("disconnect xero", 0, Death("statement", number, after=True))
        survived = stage.outside.points["statement"] < number
        story.check()
        story.acts.end_pauses()
        story.oracle.assert_quiet()
        assert RemoteContact.objects.get(system=XERO).billing_email == email_for(11)
        if survived:
            return
    raise AssertionError("the act has more points than were tried")


def braked(stage: Stage) -> Script:
    story = Script(stage)
    SyncSettings.objects.update(brake_at_least=1)
    story.edit("xero", 11)
    return story


def test_a_mass_change_of_a_small_world_waits_for_a_person_and_goes_on_at_rest(stage: Stage) -> None:
    story = braked(stage)
    story.check()
    assert safety.is_braked() and Change.objects.filter(state=Change.State.QUEUED).count() == 1
    TALLY.clear()
    story.oracle.assert_quiet()
    assert TALLY["safety pause changes"] == 1
    assert RemoteContact.objects.get(system=KARBON).billing_email == email_for(11)


def test_an_engine_that_sends_during_a_pause_for_safety_is_caught(stage: Stage) -> None:
    story = braked(stage)
    due = outbox.due
    with mock.patch.object(outbox, "due", lambda system, *, only_asked: due(system, only_asked=False)):
        story.check()
    with pytest.raises(AssertionError, match="paused for safety"):
        story.oracle.assert_quiet()
