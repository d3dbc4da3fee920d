"""A contact without a match that looks like somebody: held for a person, by the policy, and never asked twice."""

from contacts.models import SyncSettings
from contacts.values import System
from matching import issues
from matching.models import Candidate
from tests.scenarios.conftest import World

NAME, EMAIL = "Christopher Postlethwaite", "c.postlethwaite@inbox.example"


def two_alike(world: World) -> tuple[str, str]:
    return world.add_xero(NAME, EMAIL), world.add_person("Chris", "Postlethwaite", "christopher.p@inbox.example")


def test_a_lookalike_is_held_instead_of_becoming_a_second_one(world: World) -> None:
    xero, key = two_alike(world)
    before = world.state()
    world.connect()
    result = world.sync()
    assert (result.matched["similar"], result.matched["none"], result.created) == (1, 0, 0)
    assert world.candidates(xero) == {key}
    candidate = world.issue_of(xero).candidates.get()
    assert candidate.why == Candidate.Why.SIMILAR
    assert "Chris is short for Christopher" in candidate.evidence
    assert world.state() == before


def test_without_the_policy_a_lookalike_becomes_a_new_contact(world: World) -> None:
    two_alike(world)
    world.connect()
    SyncSettings.objects.update(hold_lookalikes=False)
    result = world.sync()
    assert (result.matched["similar"], result.created) == (0, 1)
    assert world.karbon_names() == ["Chris Postlethwaite", NAME]


def test_a_higher_threshold_holds_fewer(world: World) -> None:
    two_alike(world)
    world.connect()
    SyncSettings.objects.update(lookalike_threshold=100)
    assert world.sync().created == 1


def test_what_a_person_called_not_the_same_is_not_asked_again_when_the_contact_changes(world: World) -> None:
    xero, key = two_alike(world)
    world.connect()
    world.sync()
    issues.not_the_same(world.issue_of(xero), world.mirrored(System.KARBON, key), by=world.by)
    world.edit_xero(xero, EmailAddress="chris.postlethwaite@inbox.example")
    world.sync()
    assert world.candidates(xero) == set()


def test_a_full_match_is_linked_before_anybody_is_held_for_it(world: World) -> None:
    pair = world.add_pair("Glenmore Orchards Limited", "office@glenmore.example")
    late = world.add_xero("Glenmore Orchard Ltd", "accounts@glenmore.example")
    world.connect()
    result = world.sync()
    assert world.links() >= {pair}
    assert (result.matched["full"], result.matched["similar"]) == (1, 0)
    assert not issues.open_issues().filter(xero__remote_id=late).exists()
