"""Looks for changes that cannot be believed, and lists of another organisation: nothing is written, and edits go on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.models import RemoteContact
from karbon.remote import KarbonRemote
from karbonsync import safety
from karbonsync.models import Cursor
from sandbox import xero_identity
from tests.scenarios.conftest import World, karbon_phone
from tests.scenarios.test_trouble import LISTINGS

FIRM, BOATS, PERSON = "Harbour Joinery Limited", "Quay Boats Limited", "Mere Tane"
FAULTS: dict[str, dict[str, Any]] = {
    "empty": {"kind": "empty"},
    "truncated": {"kind": "truncate"},
    "garbage": {"kind": "garbage"},
    "500": {"kind": "error", "status": 500},
}
Pairs = dict[str, tuple[str, str]]


@pytest.fixture
def pairs(world: World) -> Pairs:
    """Two organisations and a person in both services, in sync and at rest."""
    made = {FIRM: world.add_pair(FIRM), BOATS: world.add_pair(BOATS, "hi@quay.example")}
    made[PERSON] = add_person(world, "Mere", "Tane")
    world.connect()
    world.settle()
    assert world.links() == set(made.values())
    world.later(60)
    return made


def add_person(world: World, first: str, last: str) -> tuple[str, str]:
    email = f"{first.lower()}@{last.lower()}.example"
    return world.add_xero(f"{first} {last}", email), world.add_person(first, last, email)


def edit_everywhere(world: World, pairs: Pairs) -> None:
    """Each of the three lists has something new to show, which none of the others tells of."""
    world.edit_xero(pairs[FIRM][0], EmailAddress="new@harbour.example")
    world.edit_card(pairs[BOATS][1], PhoneNumbers=[karbon_phone(("64", "3", "379 1234"))])
    world.edit_card(pairs[PERSON][1], EmailAddresses=["new@tane.example"])


def assert_edits_stand(world: World, pairs: Pairs) -> None:
    """The edits are on both sides, and nothing else was lost."""
    address = ("1 Wharf Road", "Auckland", "", "1010", "NZ")
    world.assert_both(*pairs[FIRM], name=FIRM, email="new@harbour.example", phone="6495550100", address=address)
    world.assert_both(*pairs[BOATS], name=BOATS, email="hi@quay.example", phone="6433791234", address=address)
    world.assert_both(*pairs[PERSON], name=PERSON, email="new@tane.example")


def walked_at() -> list[Any]:
    return list(Cursor.objects.order_by("system").values_list("walked_at", flat=True))


@pytest.mark.parametrize(("system", "path"), LISTINGS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("times", [1, 1000])
def test_a_look_for_changes_that_goes_wrong_writes_nothing_and_later_edits_travel(
    world: World, pairs: Pairs, system: str, path: str, fault: str, times: int
) -> None:
    before, walked, linked = world.state(), walked_at(), world.links()
    world.fault(system=system, method="GET", path=path, times=times, **FAULTS[fault])
    world.forget_calls()
    result = world.sync()
    assert walked_at() == walked, "these were looks for changes, not whole walks"
    assert world.calls(system=system, method="GET", path=path)
    assert (result.created, result.written) == (0, 0)
    assert world.state() == before and world.links() == linked
    world.no_faults()
    world.wait_out()
    edit_everywhere(world, pairs)
    world.settle()
    assert_edits_stand(world, pairs)
    assert walked_at() == walked


@pytest.mark.parametrize(("system", "path"), LISTINGS)
@pytest.mark.parametrize("fault", FAULTS)
def test_edits_made_while_no_look_for_changes_succeeds_are_caught_up_with(
    world: World, pairs: Pairs, system: str, path: str, fault: str
) -> None:
    walked = walked_at()
    world.fault(system=system, method="GET", path=path, times=1000, **FAULTS[fault])
    edit_everywhere(world, pairs)
    for _ in range(2):
        world.sync()
    world.no_faults()
    world.wait_out()
    world.settle()
    assert_edits_stand(world, pairs)
    assert walked_at() == walked
    world.assert_at_rest()


# --- another organisation ---------------------------------------------------------------------------------------------


def add_alders(world: World, number: int) -> list[str]:
    """Add organisations to Karbon, more than one page shows, and return their keys from the oldest on."""
    keys = []
    for place in range(number):
        card = {"IsPrimaryCard": True, "EmailAddresses": [alder(place)["EmailAddress"]]}
        body = {"FullName": alder(place)["Name"], "BusinessCards": [card]}
        keys.append(str(world.control("POST", "/karbon/organizations", body)["OrganizationKey"]))
    return keys


def alder(place: int) -> dict[str, str]:
    return {"Name": f"Alder {place} Holdings Limited", "EmailAddress": f"office@alder{place}.example"}


def assert_nobody_is_there_twice(world: World) -> None:
    names = world.karbon_names()
    assert [name for name in set(names) if names.count(name) > 1] == []


def test_a_poll_that_failed_on_its_second_page_is_not_cut_short_the_next_time(world: World) -> None:
    world.linked_pair()
    add_alders(world, 130)
    world.later()
    for place in range(3):  # the oldest stand on the second page
        world.control("POST", "/xero/contacts", alder(place))
    world.fault(system="karbon", path="/Organizations/?$", kind="error", status=503, skip=1, times=3)
    world.check()
    world.no_faults()
    world.wait_out()
    world.settle()
    assert_nobody_is_there_twice(world)
    assert len(world.links()) == 4


def test_a_poll_whose_pages_shift_is_not_believed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.linked_pair()
    keys = add_alders(world, 130)
    for place in range(60):
        world.control("POST", "/xero/contacts", alder(place))
    world.later()
    following = KarbonRemote._following
    with monkeypatch.context() as patch:

        def shifts(self: KarbonRemote, *args: Any) -> Any:
            patch.undo()
            world.control("DELETE", f"/karbon/contacts/{keys[-1]}")  # from the first page, once that was read
            return following(self, *args)

        patch.setattr(KarbonRemote, "_following", shifts)
        world.check()
    world.wait_out()
    world.settle()
    assert_nobody_is_there_twice(world)
    assert len(world.links()) == 61


def list_of_strangers(system: str, path: str, number: int = 3) -> dict[str, Any]:
    """A listing as another organisation would give it: whole, just changed, and with nobody in it whom we know."""
    at = datetime.now(UTC) + timedelta(minutes=10)
    if system == "xero":
        stamp = {"UpdatedDateUTC": f"/Date({at.timestamp() * 1000:.0f}+0000)/", "ContactStatus": "ACTIVE"}
        ids = [f"00000000-0000-4000-8000-{n:012d}" for n in range(number)]
        rows = [{"ContactID": remote_id, "Name": f"Stranger {remote_id[-1]} Limited", **stamp} for remote_id in ids]
        paging = {"page": 1, "pageSize": 1000, "pageCount": 1, "itemCount": number}
        return {"DateTimeUTC": f"/Date({at.timestamp() * 1000:.0f})/", "pagination": paging, "Contacts": rows}
    key, name = (
        ("ContactKey", "Number{}, Stranger") if "Contacts" in path else ("OrganizationKey", "Stranger {} Limited")
    )
    changed = {"LastModifiedDateTime": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    rows = [{key: f"Stranger{n:04d}", "FullName": name.format(n), **changed} for n in range(number)]
    return {"@odata.count": number, "value": rows}


def answer_as_another(world: World, system: str, path: str) -> None:
    body = list_of_strangers(system, path)
    world.fault(system=system, method="GET", path=path, times=1000, kind="error", status=200, body=body)


@pytest.mark.parametrize(
    ("system", "path", "full"),
    [(system, path, full) for system, path in LISTINGS for full in (True, False) if full or system == "karbon"],
)
def test_a_list_of_another_organisation_writes_nothing_and_the_right_one_carries_on(
    world: World, pairs: Pairs, system: str, path: str, full: bool
) -> None:
    before, linked = world.state(), world.links()
    answer_as_another(world, system, path)
    for _ in range(2):
        result = world.sync(full=full)
        assert (result.created, result.written) == (0, 0)
    assert world.state() == before and world.links() == linked
    world.no_faults()
    world.wait_out()
    edit_everywhere(world, pairs)
    result = world.sync(full=full)
    assert result.errors == [] and not safety.open_stops().exists()
    world.settle()
    assert_edits_stand(world, pairs)
    assert world.links() == linked and len(world.all_karbon()) == len(world.xero_names()) == len(linked)


def test_people_of_another_organisation_are_doubted_forgotten_and_not_in_the_way_of_the_right_ones(
    world: World,
) -> None:
    pairs = [add_person(world, first, "Tane") for first in ("Mere", "Aroha", "Rangi")]
    world.connect()
    world.settle()
    before, known = world.state(), RemoteContact.objects.count()
    answer_as_another(world, "karbon", "/Contacts/?$")
    for _ in range(2):
        result = world.sync(full=True)
        assert (result.created, result.written) == (0, 0)
        assert "another organisation" in safety.open_stops().get().reason
        assert world.state() == before and RemoteContact.objects.count() == known
    world.no_faults()
    world.wait_out()
    world.edit_card(pairs[0][1], EmailAddresses=["new@tane.example"])
    assert world.sync(full=True).errors == []
    world.settle()
    world.assert_both(*pairs[0], email="new@tane.example")
    assert world.links() == set(pairs) and not safety.open_stops().exists()


def test_a_first_import_from_another_xero_organisation_creates_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = world.add_pair()
    world.add_xero("Coastal Plumbing Limited")
    world.connect()
    before, ours = world.state(), world.box.xero.identity.connection
    assert ours is not None
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(xero_identity, "TENANT_ID", "5a9db0c5-ffff-4000-8000-000000000000")
        elsewhere.setitem(ours, "tenantId", "5a9db0c5-ffff-4000-8000-000000000000")
        result = world.sync()
    assert (result.created, result.written) == (0, 0) and result.errors
    assert world.state() == before and world.links() == set()
    world.connect()
    world.settle()
    assert pair in world.links() and world.karbon_names() == ["Coastal Plumbing Limited", "Harbour Joinery Limited"]
