"""A side that is gone, archived, restored or merged: the sentence, the acts that fix it, and what each leads to."""

from datetime import timedelta

import pytest

from contacts import finding, links, mirror, pausing, stopped
from contacts.models import Change, Link
from contacts.values import Kind, System
from karbonsync import pipeline
from matching import issues
from tests.scenarios.conftest import PHONE, World, key_of
from tests.scenarios.test_acts import flows, read_in_full

NAME, EMAIL = "Harbour Joinery Limited", "office@harbour.example"
GONE_IN_KARBON = (
    "Karbon no longer shows this contact: it was deleted, merged into another one, or made private there. Karbon does "
    "not tell us which."
)


@pytest.fixture
def gone(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A pair whose Karbon contact was deleted there."""
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    xero, key = world.linked_pair()
    world.add_organisation("Quay Boats Limited", "hi@quay.example")
    world.control("DELETE", f"/karbon/organizations/{key}")
    world.sync(full=True)
    assert world.link_of(xero).state == Link.State.STOPPED
    return xero, key


def test_a_karbon_contact_that_is_gone_is_said_to_be_deleted_merged_or_private(
    world: World, gone: tuple[str, str]
) -> None:
    pair = world.link_of(gone[0])
    assert "deleted, merged into another one, or made private" in pair.problem
    assert pipeline.needs_a_person()


def test_a_gone_karbon_contact_is_replaced_by_another_one(world: World, gone: tuple[str, str]) -> None:
    xero, _ = gone
    other = world.add_organisation(NAME, "kept@harbour.example")
    world.sync()
    read_in_full(world, other)
    pair = world.link_of(xero)
    assert [c.remote_id for c in stopped.possible_replacements(pair)] == [other]
    stopped.relink(pair, world.mirrored(System.KARBON, other), by=world.by)
    world.settle()
    world.assert_both(xero, other, email=EMAIL, phone="6495550100")
    flows(world, xero, other)


def test_a_gone_karbon_contact_is_made_again_once(world: World, gone: tuple[str, str]) -> None:
    xero, _ = gone
    pair = world.link_of(xero)
    stopped.make_again(pair, kind=Kind.ORGANISATION, contact_type="Client", by=world.by)
    with pytest.raises(links.Overtaken):
        stopped.make_again(pair, kind=Kind.ORGANISATION, contact_type="Client", by=world.by)
    world.settle()
    key = key_of(world.karbon_named(NAME))
    assert world.links() == {(xero, key)}
    flows(world, xero, key)


def test_a_gone_client_is_archived_in_xero_when_somebody_asks_and_then_rests(
    world: World, gone: tuple[str, str]
) -> None:
    xero, _ = gone
    stopped.archive_in_xero(world.link_of(xero), by=world.by)
    world.sync()
    assert world.xero(xero)["ContactStatus"] == "ARCHIVED"
    change = Change.objects.get(action=Change.Action.ARCHIVE)
    assert (change.state, change.by) == (Change.State.DONE, world.by)
    assert change.request_id
    world.sync(full=True)
    assert not pipeline.needs_a_person()
    world.assert_at_rest()
    assert world.karbon_names() == ["Quay Boats Limited"]


def test_an_archiving_that_was_asked_for_outlives_a_new_plan_of_its_pair(world: World, gone: tuple[str, str]) -> None:
    xero, _ = gone
    stopped.archive_in_xero(world.link_of(xero), by=world.by)
    Link.objects.update(plan_due=True)  # as a further read of either side does
    world.sync()
    assert world.xero(xero)["ContactStatus"] == "ARCHIVED"


@pytest.mark.parametrize("kind", ["drop_reply", "drop_request"])
def test_an_archiving_whose_call_is_lost_is_done_in_the_end(world: World, gone: tuple[str, str], kind: str) -> None:
    xero, _ = gone
    stopped.archive_in_xero(world.link_of(xero), by=world.by)
    world.fault(system="xero", method="POST", path="Contacts", kind=kind)
    world.sync()
    world.settle()
    assert world.xero(xero)["ContactStatus"] == "ARCHIVED"
    assert Change.objects.get(action=Change.Action.ARCHIVE).state == Change.State.DONE


def test_an_archiving_whose_reply_was_lost_is_not_repeated_over_a_restoring(
    world: World, gone: tuple[str, str]
) -> None:
    xero, _ = gone
    stopped.archive_in_xero(world.link_of(xero), by=world.by)
    world.fault(system="xero", method="POST", path="Contacts", kind="drop_reply")
    world.check()
    assert world.xero(xero)["ContactStatus"] == "ARCHIVED"
    world.control("POST", f"/xero/contacts/{xero}/restore")
    world.sync()
    world.settle()
    assert world.xero(xero)["ContactStatus"] == "ACTIVE"
    change = Change.objects.get(action=Change.Action.ARCHIVE)
    assert change.state == Change.State.SUPERSEDED and "ask for it again" in change.error


def test_a_gone_client_that_is_left_alone_never_comes_back_by_itself(world: World, gone: tuple[str, str]) -> None:
    xero, _ = gone
    stopped.leave_alone(world.link_of(xero), by=world.by)
    world.edit_xero(xero, EmailAddress="new@harbour.example")
    for full in (False, True):
        result = world.sync(full=full)
        assert (result.created, result.written) == (0, 0)
    assert world.karbon_names() == ["Quay Boats Limited"]
    assert world.mirrored(System.XERO, xero).left_out
    assert not pipeline.needs_a_person()


def bring_back(world: World, xero: str) -> None:
    """Leave the stopped pair of a contact alone, and bring the contact back."""
    stopped.leave_alone(world.link_of(xero), by=world.by)
    links.bring_back(world.mirrored(System.XERO, xero), by=world.by)
    world.sync()


def test_a_client_that_was_left_alone_and_is_brought_back_is_asked_about_and_not_made(
    world: World, gone: tuple[str, str]
) -> None:
    xero, _ = gone
    bring_back(world, xero)
    for full in (False, True):
        assert world.sync(full=full).created == 0
    assert world.karbon_names() == ["Quay Boats Limited"]
    issue = world.issue_of(xero)
    assert "linked before" in issue.reason and not issue.candidates.exists()
    issues.create_new(issue, kind=Kind.ORGANISATION, contact_type="Client", by=world.by)
    world.settle()
    key = key_of(world.karbon_named(NAME))
    assert world.links() == {(xero, key)}
    flows(world, xero, key)


def test_a_client_that_is_brought_back_is_linked_to_its_namesake_only_by_a_person(
    world: World, gone: tuple[str, str]
) -> None:
    xero, _ = gone
    other = world.add_organisation(NAME, EMAIL)
    bring_back(world, xero)
    assert world.candidates(xero) == {other} and world.links() == set()
    read_in_full(world, other)
    issues.confirm(world.issue_of(xero), world.mirrored(System.KARBON, other), by=world.by)
    world.settle()
    flows(world, xero, other)


def test_a_client_that_is_brought_back_may_have_its_own_karbon_contact_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    xero, key = world.linked_pair()
    world.add_organisation("Quay Boats Limited", "hi@quay.example")
    world.edit_karbon(key, RestrictionLevel="Private")
    world.sync(full=True)
    stopped.leave_alone(world.link_of(xero), by=world.by)
    world.edit_karbon(key, RestrictionLevel="Public")
    world.sync(full=True)
    links.bring_back(world.mirrored(System.XERO, xero), by=world.by)
    world.sync()
    issue = world.issue_of(xero)
    assert [(each.karbon.remote_id, each.is_taken) for each in issue.candidates.all()] == [(key, False)]
    read_in_full(world, key)
    issues.confirm(issue, world.mirrored(System.KARBON, key), by=world.by)
    world.settle()
    flows(world, xero, key)


def test_a_client_that_is_brought_back_and_left_out_again_rests(world: World, gone: tuple[str, str]) -> None:
    xero, _ = gone
    bring_back(world, xero)
    issues.leave_out(world.issue_of(xero), by=world.by)
    world.edit_xero(xero, EmailAddress="new@harbour.example")
    world.settle()
    assert not pipeline.needs_a_person()
    assert world.karbon_names() == ["Quay Boats Limited"]


def test_a_private_karbon_record_stops_its_pair_and_made_public_again_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    xero, key = world.linked_pair()
    world.add_organisation("Quay Boats Limited", "hi@quay.example")
    world.sync()
    world.edit_karbon(key, RestrictionLevel="Private")
    world.edit_xero(xero, EmailAddress="while@away.example")
    world.sync(full=True)
    assert world.link_of(xero).state == Link.State.STOPPED
    world.edit_karbon(key, RestrictionLevel="Public")
    world.sync(full=True)
    world.settle()
    assert world.link_of(xero).state == Link.State.LIVE
    world.assert_both(xero, key, email="while@away.example")


def test_a_contact_archived_in_xero_stops_quietly(world: World) -> None:
    xero, _ = world.linked_pair()
    world.control("POST", f"/xero/contacts/{xero}/archive")
    world.sync()
    pair = world.link_of(xero)
    assert pair.state == Link.State.STOPPED and "goes on by itself" in pair.problem
    assert not pipeline.needs_a_person()


@pytest.mark.parametrize("chain", [False, True])
def test_a_merge_in_xero_takes_the_pair_to_the_survivor(world: World, chain: bool) -> None:
    xero, key = world.linked_pair()
    middle, survivor = (
        world.add_xero("Harbour Middle Limited"),
        world.add_xero("Harbour Group Limited", "group@harbour.example"),
    )
    if chain:
        world.control("POST", f"/xero/contacts/{xero}/merge", {"into": middle})
        world.control("POST", f"/xero/contacts/{middle}/merge", {"into": survivor})
    else:
        world.control("POST", f"/xero/contacts/{xero}/merge", {"into": survivor})
        world.control("POST", f"/xero/contacts/{middle}/archive")
    world.settle()
    assert world.links() == {(survivor, key)}
    world.assert_both(survivor, key, name="Harbour Group Limited", email="group@harbour.example", phone="6495550100")
    assert len(world.all_karbon()) == 1
    flows(world, survivor, key)


def test_what_a_person_typed_before_a_merge_in_xero_is_asked_again(world: World) -> None:
    xero, key = world.linked_pair()
    world.edit_xero(xero, EmailAddress="from@xero.example")
    world.edit_card(key, EmailAddresses=["from@karbon.example"])
    world.sync()
    (asked,) = world.conflicts()
    links.answer(asked, by=world.by, typed="third@harbour.example")
    survivor = world.add_xero("Harbour Group Limited", EMAIL)
    world.control("POST", f"/xero/contacts/{xero}/merge", {"into": survivor})
    world.settle()
    (again,) = world.conflicts()
    assert again.field == "billing_email"
    (told,) = Change.objects.filter(purpose=Change.Purpose.TYPED)
    assert told.state == Change.State.SUPERSEDED and "merged into another one" in told.error
    assert told.after == {"billing_email": "third@harbour.example"}


def test_a_karbon_edit_under_way_during_a_merge_in_xero_is_not_lost(world: World) -> None:
    xero, key = world.linked_pair()
    survivor = world.add_xero("Harbour Group Limited", EMAIL)
    world.edit_card(key, EmailAddresses=["edited@karbon.example"])
    world.control("POST", f"/xero/contacts/{xero}/merge", {"into": survivor})
    world.settle()
    assert world.links() == {(survivor, key)}
    world.assert_both(survivor, key, email="edited@karbon.example", name="Harbour Group Limited")


def test_a_merge_of_two_linked_contacts_stops_the_losers_pair_and_asks(world: World) -> None:
    xero, key = world.add_pair()
    other, other_key = world.add_pair("Quay Boats Limited", "hi@quay.example")
    world.connect()
    world.sync()
    world.control("POST", f"/xero/contacts/{xero}/merge", {"into": other})
    before = world.state()
    world.settle()
    assert world.state() == before
    pair = world.link_of(xero)
    assert pair.state == Link.State.STOPPED and "Merged" in pair.problem
    assert pipeline.needs_a_person()
    stopped.leave_alone(pair, by=world.by)
    world.settle()
    assert world.links() == {(other, other_key)}
    assert world.mirrored(System.KARBON, key).left_out
    assert not pipeline.needs_a_person()


def test_the_loser_of_a_merge_gets_another_xero_contact_when_a_person_links_it(world: World) -> None:
    pair = merged_into_a_linked_one(world)
    free = world.add_xero("Harbour Joinery 2026 Limited", "office@harbour.example")
    world.add_organisation(
        "Harbour Joinery 2026 Limited", "else@harbour.example"
    )  # keeps it from being created by itself
    world.settle()
    assert pair.karbon is not None
    stopped.relink(pair, world.mirrored(System.XERO, free), by=world.by)
    world.settle()
    world.assert_both(free, pair.karbon.remote_id, name="Harbour Joinery 2026 Limited", phone="6495550100")
    flows(world, free, pair.karbon.remote_id)


def test_a_contact_that_takes_the_place_of_another_has_no_open_match_issue_any_more(world: World) -> None:
    xero, key = world.linked_pair()
    survivor, _ = world.add_pair("Coastal Plumbing Limited", "hi@coast.example")
    world.sync()
    rival = world.add_xero("Harbour Joinery", EMAIL)
    world.sync()
    assert world.candidates(rival) == {key}
    world.control("POST", f"/xero/contacts/{xero}/merge", {"into": survivor})
    world.later()
    world.sync()
    stopped.relink(world.link_of(xero), world.mirrored(System.XERO, rival), by=world.by)
    world.settle()
    assert (rival, key) in world.links()
    assert not issues.open_issues().exists()


def test_the_loser_of_a_merge_is_made_again_in_xero(world: World) -> None:
    pair = merged_into_a_linked_one(world)
    assert pair.karbon is not None
    stopped.make_again(pair, kind=Kind.ORGANISATION, contact_type="", by=world.by)
    world.settle()
    (made,) = [xero for xero, key in world.links() if key == pair.karbon.remote_id]
    assert world.xero(made)["ContactStatus"] == "ACTIVE"
    assert world.xero_names().count(NAME) == 2  # the merged one keeps its name and is never written to again
    world.assert_both(made, pair.karbon.remote_id, name=NAME, email=EMAIL)
    flows(world, made, pair.karbon.remote_id)


def merged_into_a_linked_one(world: World) -> Link:
    """A stopped pair: its Xero contact was merged into one that has a pair of its own."""
    xero, _ = world.add_pair()
    other, _ = world.add_pair("Quay Boats Limited", "hi@quay.example")
    world.connect()
    world.sync()
    world.control("POST", f"/xero/contacts/{xero}/merge", {"into": other})
    world.settle()
    pair = world.link_of(xero)
    assert pair.state == Link.State.STOPPED
    return pair


# --- merged in Karbon -------------------------------------------------------------------------------------------------


def merge_in_karbon(world: World, key: str, into: str) -> None:
    """As an administrator does it there: the merged record is deleted for good, and nothing points to the survivor."""
    world.later()
    world.control("POST", f"/karbon/organizations/{key}/merge", {"into": into})
    world.sync(full=True)


@pytest.fixture
def merged(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str]:
    """A pair whose Karbon contact was merged into a free one there: Xero's contact, the key it had, and the survivor's."""
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    xero, key = world.linked_pair()
    survivor = world.add_organisation("Harbour Joinery Group Limited", EMAIL)
    world.sync()
    world.forget_calls()
    merge_in_karbon(world, key, survivor)
    reads = world.calls(system="karbon", path=key)
    assert [call["status"] for call in reads] == [404, 404], "it was read twice before it counts as gone"
    return xero, key, survivor


def test_a_merge_in_karbon_stops_the_pair_and_says_what_it_may_be(world: World, merged: tuple[str, str, str]) -> None:
    xero, _, _ = merged
    pair = world.link_of(xero)
    assert pair.state == Link.State.STOPPED
    assert pair.problem == GONE_IN_KARBON
    assert pipeline.needs_a_person()
    before = world.state()
    world.edit_xero(xero, Phones=[])
    result = world.sync(full=True)
    assert (result.written, result.created) == (0, 0)
    assert world.state()["karbon"] == before["karbon"], "nobody is created again, and the survivor is left alone"


def test_the_survivor_of_a_merge_in_karbon_takes_the_place_when_a_person_links_it(
    world: World, merged: tuple[str, str, str]
) -> None:
    xero, _, survivor = merged
    read_in_full(world, survivor)
    pair = world.link_of(xero)
    assert [c.remote_id for c in stopped.possible_replacements(pair)] == [survivor]
    stopped.relink(pair, world.mirrored(System.KARBON, survivor), by=world.by, winners={"name": System.KARBON})
    world.settle()
    assert world.links() == {(xero, survivor)} and not pipeline.needs_a_person()
    world.assert_both(xero, survivor, name="Harbour Joinery Group Limited", email=EMAIL, phone="6495550100")
    flows(world, xero, survivor)


def test_a_client_merged_away_in_karbon_is_made_again_beside_the_survivor(
    world: World, merged: tuple[str, str, str]
) -> None:
    xero, _, survivor = merged
    stopped.make_again(world.link_of(xero), kind=Kind.ORGANISATION, contact_type="Client", by=world.by)
    world.settle()
    made = key_of(world.karbon_named(NAME))
    assert world.links() == {(xero, made)} and made != survivor and not pipeline.needs_a_person()
    flows(world, xero, made)


def test_a_client_merged_away_in_karbon_is_archived_in_xero_when_somebody_asks(
    world: World, merged: tuple[str, str, str]
) -> None:
    xero, _, survivor = merged
    stopped.archive_in_xero(world.link_of(xero), by=world.by)
    world.settle()
    assert world.xero(xero)["ContactStatus"] == "ARCHIVED"
    assert [key_of(record) for record in world.all_karbon()] == [survivor]
    assert not pipeline.needs_a_person()
    world.assert_at_rest()


def test_a_client_merged_away_in_karbon_and_left_alone_is_not_matched_with_the_survivor(
    world: World, merged: tuple[str, str, str]
) -> None:
    xero, _, survivor = merged
    stopped.leave_alone(world.link_of(xero), by=world.by)
    world.edit_xero(xero, Name="Harbour Joinery Group Limited")  # the survivor's name and email, yet nobody asked
    for full in (False, True):
        result = world.sync(full=full)
        assert (result.written, result.created) == (0, 0)
    assert world.links() == set() and not pipeline.needs_a_person()
    assert world.mirrored(System.XERO, xero).left_out, "so that it is listed among those left out"
    assert [key_of(record) for record in world.all_karbon()] == [survivor]


def test_a_merge_of_two_linked_contacts_in_karbon_stops_one_pair_and_the_other_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    xero, key = world.add_pair()
    other, survivor = world.add_pair("Quay Boats Limited", "hi@quay.example")
    world.connect()
    world.sync()
    merge_in_karbon(world, key, survivor)
    pair = world.link_of(xero)
    assert (pair.state, pair.problem) == (Link.State.STOPPED, GONE_IN_KARBON)
    assert stopped.possible_replacements(pair) == []
    with pytest.raises(links.NotPossible, match="already belongs to a pair"):
        stopped.relink(pair, world.mirrored(System.KARBON, survivor), by=world.by)
    assert world.links() == {(other, survivor)}
    flows(world, other, survivor)
    assert world.in_xero(xero)["email"] == EMAIL


def test_what_a_merge_in_karbon_brings_to_a_linked_survivor_travels_to_xero(world: World) -> None:
    xero = world.add_xero(NAME, EMAIL)
    survivor = world.add_organisation(NAME, EMAIL)
    world.connect()
    world.sync()
    free = world.add_organisation("Harbour Joinery Old Limited", "old@harbour.example", phone=PHONE)
    world.sync()
    merge_in_karbon(world, free, survivor)
    world.settle()
    world.assert_both(xero, survivor, name=NAME, email=EMAIL, phone="6495550100")
    assert not pipeline.needs_a_person()


# --- gone in Xero -----------------------------------------------------------------------------------------------------


@pytest.fixture
def erased(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A pair whose Xero contact is not there any more, which a direct read said twice."""
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    xero, key = world.linked_pair()
    world.add_pair("Quay Boats Limited", "hi@quay.example")
    world.sync()
    with world.box.lock:
        world.box.xero.book.remove(xero)
    world.forget_calls()
    world.sync(full=True)
    assert [call["status"] for call in world.calls(system="xero", path=xero)] == [404, 404]
    assert world.link_of(xero).state == Link.State.STOPPED
    return xero, key


def test_a_xero_contact_that_is_gone_is_said_to_be_erased_and_nothing_travels(
    world: World, erased: tuple[str, str]
) -> None:
    xero, key = erased
    assert "Xero no longer shows this contact" in world.link_of(xero).problem
    assert "private" not in world.link_of(xero).problem
    assert pipeline.needs_a_person()
    world.edit_card(key, EmailAddresses=["while@away.example"])
    before = world.state()
    result = world.sync(full=True)
    assert (result.written, result.created) == (0, 0)
    assert world.state() == before


def test_a_gone_xero_contact_is_replaced_by_another_one(world: World, erased: tuple[str, str]) -> None:
    xero, key = erased
    world.add_organisation("Harbour Joinery 2026 Limited", "else@harbour.example")  # so that it waits for a person
    other = world.add_xero("Harbour Joinery 2026 Limited", EMAIL)
    world.sync()
    pair = world.link_of(xero)
    assert [c.remote_id for c in stopped.possible_replacements(pair)] == [other]
    stopped.relink(pair, world.mirrored(System.XERO, other), by=world.by, winners={"name": System.KARBON})
    world.settle()
    world.assert_both(other, key, name=NAME, phone="6495550100")
    flows(world, other, key)


def test_a_gone_xero_contact_is_made_again_once(world: World, erased: tuple[str, str]) -> None:
    xero, key = erased
    pair = world.link_of(xero)
    stopped.make_again(pair, kind=Kind.ORGANISATION, contact_type="", by=world.by)
    world.settle()
    made = world.xero_named(NAME)["ContactID"]
    assert made != xero and (made, key) in world.links()
    flows(world, made, key)


def test_a_gone_xero_contact_cannot_be_archived_and_left_alone_stays_gone(
    world: World, erased: tuple[str, str]
) -> None:
    xero, key = erased
    with pytest.raises(links.NotPossible):
        stopped.archive_in_xero(world.link_of(xero), by=world.by)
    stopped.leave_alone(world.link_of(xero), by=world.by)
    world.edit_card(key, EmailAddresses=["new@harbour.example"])
    for full in (False, True):
        result = world.sync(full=full)
        assert (result.created, result.written) == (0, 0)
    assert world.xero_names() == ["Quay Boats Limited"]
    assert world.mirrored(System.KARBON, key).left_out
    assert not pipeline.needs_a_person()


def test_a_pair_that_is_gone_on_both_sides_can_only_be_left_alone(world: World, erased: tuple[str, str]) -> None:
    xero, key = erased
    world.control("DELETE", f"/karbon/organizations/{key}")
    world.sync(full=True)
    pair = world.link_of(xero)
    with pytest.raises(links.NotPossible):
        stopped.make_again(pair, kind=Kind.ORGANISATION, contact_type="", by=world.by)
    stopped.leave_alone(pair, by=world.by)
    world.settle()
    assert not pipeline.needs_a_person()


# --- a name that Xero has already -------------------------------------------------------------------------------------


def test_a_pair_whose_new_name_xero_has_is_linked_to_the_one_that_has_it(world: World) -> None:
    xero, key = world.linked_pair()
    namesake = world.add_xero("Coastal Plumbing Limited", "hi@coast.example")
    world.add_organisation("Coastal Plumbing Limited", "else@coast.example")  # so that it waits for a person
    world.sync()
    world.edit_karbon(key, FullName="Coastal Plumbing Limited")
    world.sync()
    pair = world.link_of(xero)
    assert finding.is_name_held(pair) and pair.karbon is not None
    issues.link_to_namesake(
        pair,
        world.mirrored(System.XERO, namesake),
        world.mirrored(System.KARBON, key),
        by=world.by,
        winners={"billing_email": System.KARBON},
    )
    old = world.xero(xero)
    world.settle()
    world.assert_both(namesake, key, name="Coastal Plumbing Limited", email=EMAIL, phone="6495550100")
    assert world.xero(xero) == old and world.mirrored(System.XERO, xero).left_out
    flows(world, namesake, key)
    assert world.xero(xero) == old


def test_an_unsync_that_is_taken_back_goes_on_from_where_it_stood(world: World) -> None:
    xero, key = world.linked_pair()
    links.unsync(world.link_of(xero), by=world.by)
    world.edit_xero(xero, EmailAddress="while@apart.example")
    world.edit_card(key, PhoneNumbers=[])
    world.sync()
    links.resume(world.link_of(xero), by=world.by)
    world.settle()
    world.assert_both(xero, key, email="while@apart.example", phone="")


# --- an archiving that was asked for ----------------------------------------------------------------------------------


def ask_to_archive_while_xero_is_only_read(world: World, xero: str) -> None:
    pausing.only_read(System.XERO, by=world.by, reason="The auditor is in")
    stopped.archive_in_xero(world.link_of(xero), by=world.by)


def test_an_archiving_that_was_asked_for_one_contact_never_archives_the_survivor_of_a_merge(
    world: World, gone: tuple[str, str]
) -> None:
    xero, _ = gone
    world.add_organisation("Harbour Joinery and Sons", "sons@harbour.example")
    survivor = world.add_xero("Harbour Joinery and Sons")
    world.sync()
    assert world.issue_of(survivor)
    ask_to_archive_while_xero_is_only_read(world, xero)
    world.control("POST", f"/xero/contacts/{xero}/merge", {"into": survivor})
    world.later()
    world.sync()
    pausing.write_again(by=world.by)
    world.settle()
    assert world.xero(survivor)["ContactStatus"] == "ACTIVE"


def test_an_archiving_that_waits_is_dropped_when_the_karbon_contact_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "RECHECK_MISSING_AFTER", timedelta(seconds=0.1))
    xero, key = world.linked_pair()
    world.edit_karbon(key, RestrictionLevel="Private")
    world.sync(full=True)
    ask_to_archive_while_xero_is_only_read(world, xero)
    world.edit_karbon(key, RestrictionLevel="Public")
    world.sync(full=True)
    assert world.link_of(xero).state == Link.State.LIVE
    pausing.write_again(by=world.by)
    world.settle()
    assert world.xero(xero)["ContactStatus"] == "ACTIVE"
    dropped = Change.objects.get(action=Change.Action.ARCHIVE)
    assert dropped.state == Change.State.SUPERSEDED and "in sync again" in dropped.error


def test_a_paused_pair_stays_paused_when_its_lost_side_is_made_again(world: World, gone: tuple[str, str]) -> None:
    xero, _ = gone
    pausing.pause_pair(world.link_of(xero), by=world.by, reason="Dispute")
    stopped.make_again(world.link_of(xero), kind=Kind.ORGANISATION, contact_type="Client", by=world.by)
    world.sync()
    pair = world.link_of(xero)
    assert (pair.state, pair.pause_reason) == (Link.State.CREATING, "Dispute")
    pausing.resume_pair(pair, by=world.by)
    world.settle()
    assert world.link_of(xero).state == Link.State.LIVE
