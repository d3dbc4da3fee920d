"""A kind corrected after creation: the right record is made once, the link moves to it, the old one is told of until gone."""

import time

import pytest

from contacts import links, pausing
from contacts.models import Change, Link
from contacts.values import Kind, Presence, System
from karbonsync import pipeline
from matching import issues, kind_checks
from matching.models import OldRecord
from tests.scenarios.conftest import ADDRESS, PHONE, World, key_of, read_karbon

NAME, EMAIL = "Ford Marsh", "ford@marsh.example"


def wrongly_organised(world: World) -> tuple[str, str]:
    """A pair in sync whose Karbon side is an organisation, although it is a person."""
    values = {"phone": PHONE, "address": ADDRESS}
    xero, key = world.add_xero(NAME, EMAIL, **values), world.add_organisation(NAME, EMAIL, **values)
    world.connect()
    world.sync()
    assert world.links() == {(xero, key)}
    return xero, key


def people(world: World) -> list[dict]:
    return list(world.state()["karbon"]["contacts"])


def delete_in_karbon(world: World, key: str) -> None:
    world.later()
    world.control("DELETE", f"/karbon/contacts/{key}")


def test_the_right_record_is_made_and_the_link_moves_to_it(world: World) -> None:
    xero, old = wrongly_organised(world)
    before = world.karbon(old)
    kind_checks.correct(world.link_of(xero), Kind.PERSON, by=world.by)
    world.settle()
    (made,) = people(world)
    assert world.links() == {(xero, key_of(made))}
    world.assert_both(xero, key_of(made), name=NAME, email=EMAIL, phone="6495550100")
    assert made["ContactType"] == "Client"
    assert world.karbon(old) == before
    world.edit_card(key_of(made), EmailAddresses=["new@marsh.example"])
    world.edit_card(old, EmailAddresses=["stray@marsh.example"])
    world.settle()
    assert world.in_xero(xero)["email"] == "new@marsh.example"
    world.assert_at_rest()


@pytest.mark.parametrize("kind", ["drop_reply", "drop_request"])
def test_a_lost_reply_does_not_create_the_right_record_twice(world: World, kind: str) -> None:
    xero, _ = wrongly_organised(world)
    kind_checks.correct(world.link_of(xero), Kind.PERSON, by=world.by)
    world.fault(system="karbon", method="POST", path="Contacts", kind=kind)
    world.sync()
    world.no_faults()
    world.wait_out()
    world.settle()
    (made,) = people(world)
    assert world.links() == {(xero, key_of(made))}


def test_a_process_that_dies_before_sending_leaves_the_correction_to_the_next_check(world: World, monkeypatch) -> None:
    xero, _ = wrongly_organised(world)
    kind_checks.correct(world.link_of(xero), Kind.PERSON, by=world.by)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("contacts.creating.adopt", die)
        with pytest.raises(KeyboardInterrupt):
            world.sync()
    world.settle()
    (made,) = people(world)
    assert world.links() == {(xero, key_of(made))}


def test_the_old_record_is_listed_until_karbon_answers_that_it_is_gone(world: World) -> None:
    world.add_organisation("Somebody Else Limited", "office@somebody.example")  # a list that ends empty is doubted
    xero, key = wrongly_organised(world)
    kind_checks.correct(world.link_of(xero), Kind.PERSON, by=world.by)
    world.settle()
    old = OldRecord.objects.get()
    assert (old.karbon.remote_id, old.karbon.left_out) == (key, True)
    world.sync(full=True)
    assert list(kind_checks.to_delete()) == [old]
    delete_in_karbon(world, key)
    kind_checks.look_again(old, by=world.by)
    world.sync()
    world.wait_out()
    world.sync()
    assert world.mirrored(System.KARBON, key).presence == Presence.GONE
    assert not kind_checks.to_delete().exists()
    world.assert_at_rest()


def test_the_old_record_is_never_matched_again(world: World) -> None:
    xero, key = wrongly_organised(world)
    kind_checks.correct(world.link_of(xero), Kind.PERSON, by=world.by)
    world.settle()
    again = world.add_xero(f"{NAME} (new)", EMAIL)
    world.settle()
    assert all(candidate.is_taken for candidate in world.issue_of(again).candidates.filter(karbon__remote_id=key))
    assert not Link.objects.exclude(state="ended").filter(karbon__remote_id=key).exists()


def test_an_edit_in_karbon_on_its_way_is_not_lost_with_the_old_record(world: World) -> None:
    xero, old = wrongly_organised(world)
    world.edit_card(old, EmailAddresses=["newest@marsh.example"])
    pipeline.Pipeline(pipeline.connect()).gather()
    assert Change.objects.get(system=System.XERO, state="queued")
    kind_checks.correct(world.link_of(xero), Kind.PERSON, by=world.by)
    world.wait_out()
    world.settle()
    (made,) = people(world)
    world.assert_both(xero, key_of(made), email="newest@marsh.example")
    world.assert_at_rest()


def test_a_sole_trader_that_incorporates_gets_the_right_record_by_the_same_act(world: World) -> None:
    xero = world.add_xero("Jane Fletcher", "jane@fletcher.example")
    key = world.add_person("Jane", "Fletcher", "jane@fletcher.example")
    world.connect()
    world.sync()
    world.edit_xero(xero, Name="Fletcher Plumbing Limited")
    world.settle()
    pair = world.link_of(xero)
    assert "name" in pair.held["karbon"] and world.in_karbon(key)["name"] == "Jane Fletcher"
    kind_checks.correct(pair, Kind.ORGANISATION, by=world.by)
    world.settle()
    (made,) = world.state()["karbon"]["organizations"]
    assert read_karbon(made)["name"] == "Fletcher Plumbing Limited"
    assert world.links() == {(xero, key_of(made))}


def test_a_correction_before_the_creation_was_sent_makes_one_record_only(world: World) -> None:
    world.connect()
    world.sync()
    xero = world.add_xero("Zenith Plumbing Limited", "office@zenith.example")
    pipeline.Pipeline(pipeline.connect()).gather()
    pair = world.link_of(xero)
    assert Change.objects.get(link=pair).kind == Kind.ORGANISATION
    with pytest.raises(links.Overtaken):
        kind_checks.correct(pair, Kind.ORGANISATION, by=world.by)
    kind_checks.correct(pair, Kind.PERSON, by=world.by)
    world.settle()
    assert [read_karbon(record)["name"] for record in people(world)] == ["Zenith Plumbing Limited"]
    assert not OldRecord.objects.exists() and not world.state()["karbon"]["organizations"]


def test_contacts_created_with_an_unsure_kind_are_listed_to_be_checked(world: World, monkeypatch) -> None:
    monkeypatch.setattr("matching.classifier.SURE", 1.1)
    xero = world.add_xero("Zenith Plumbing Limited", "office@zenith.example")
    world.connect()
    world.sync()
    check = kind_checks.waiting().get()
    assert check.link == world.link_of(xero) and 0.5 < check.confidence < 1
    kind_checks.confirm(check, by=world.by)
    assert not kind_checks.waiting().exists()


def test_a_refused_creation_whose_kind_is_corrected_is_created(world: World) -> None:
    world.linked_pair()
    xero = world.add_xero("Cher", "cher@cher.example", FirstName="Cher")
    world.sync()
    pair = world.link_of(xero)
    assert "is one word" in pair.problem and kind_checks.kind_of(pair) is Kind.PERSON
    kind_checks.correct(pair, Kind.ORGANISATION, by=world.by)
    world.settle()
    (made,) = [r for r in world.state()["karbon"]["organizations"] if read_karbon(r)["name"] == "Cher"]
    assert (xero, key_of(made)) in world.links()


def test_the_right_record_of_a_paused_pair_is_made_once_the_pause_ends(world: World) -> None:
    xero, _ = wrongly_organised(world)
    pausing.pause_pair(world.link_of(xero), by=world.by, reason="In dispute")
    kind_checks.correct(world.link_of(xero), Kind.PERSON, by=world.by)
    world.sync()
    assert people(world) == []
    pausing.resume_pair(world.link_of(xero), by=world.by)
    world.settle()
    (made,) = people(world)
    assert world.links() == {(xero, key_of(made))}


def test_an_old_record_that_a_person_links_again_is_not_to_be_deleted_and_can_be_corrected_again(world: World) -> None:
    xero, old = wrongly_organised(world)
    kind_checks.correct(world.link_of(xero), Kind.PERSON, by=world.by)
    links.give_up_creation(world.link_of(xero), by=world.by)
    assert kind_checks.to_delete().exists()
    issues.link_by_hand(world.mirrored(System.XERO, xero), world.mirrored(System.KARBON, old), by=world.by)
    world.settle()
    assert world.links() == {(xero, old)} and not kind_checks.to_delete().exists()
    kind_checks.correct(world.link_of(xero), Kind.PERSON, by=world.by)
    world.settle()
    (made,) = people(world)
    assert world.links() == {(xero, key_of(made))}
    assert kind_checks.to_delete().get().karbon.remote_id == old


def test_an_old_record_is_not_offered_to_a_contact_that_is_brought_back(world: World) -> None:
    xero, old = wrongly_organised(world)
    kind_checks.correct(world.link_of(xero), Kind.PERSON, by=world.by)
    links.give_up_creation(world.link_of(xero), by=world.by)
    links.bring_back(world.mirrored(System.XERO, xero), by=world.by)
    world.sync()
    assert [(each.karbon.remote_id, each.is_taken) for each in world.issue_of(xero).candidates.all()] == [(old, True)]


def test_the_kind_of_a_creation_that_may_have_been_made_is_not_corrected_before_somebody_looked(world: World) -> None:
    world.add_pair()
    world.connect()
    world.sync()
    xero = world.add_xero("Maple Avenue", "hi@coast.example")
    world.fault(system="karbon", method="POST", path="/(Organizations|Contacts)/?$", kind="drop_reply")
    world.check()
    (made,) = [record for record in world.all_karbon() if "Maple" in str(record)]
    world.edit_card(key_of(made), EmailAddresses=["other@coast.example"])
    time.sleep(0.4)
    world.sync()
    pair = world.link_of(xero)
    assert "cannot tell" in pair.problem
    with pytest.raises(links.NotPossible, match="Find out first"):
        kind_checks.correct(pair, kind_checks.other_kind(kind_checks.kind_of(pair)), by=world.by)
    world.sync()
    assert len([name for name in world.karbon_names() if "Maple" in name]) == 1
