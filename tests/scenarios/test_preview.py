"""The preview is what then happens: its file is held against both services after the first import."""

import csv
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule

from contacts import budget, links, mirror, pausing
from contacts.models import Budget, Change, Link, RemoteContact, SyncSettings
from contacts.values import Kind, Ref, Snapshot, System
from karbon import mapping as karbon_mapping
from karbon.remote import KarbonRemote
from karbonsync import corrections, lease, pipeline, preview_csv, previewing, resuming, setup, takeover, tasks
from karbonsync.models import FormerPair, Preview, PreviewRow, SetUp
from karbonsync.pipeline import Pipeline
from matching import filing, issues
from matching.models import Filed, KindDecision, MatchIssue
from tests.scenarios.conftest import ADDRESS, PHONE, World
from xero import mapping as xero_mapping

Outcome = PreviewRow.Outcome
FIELDS = ("name", "billing_email", "primary_phone", "billing_address")


def connect(world: World) -> None:
    """Everything up to the preview, without the screens: both services connected, nothing started."""
    setup.connect_sandbox("http://localhost:8000/xero/callback")
    setup.test_karbon(by=world.by)
    setup.choose("rules", {"default_contact_type": "Client", "import_filter": "all"}, by=world.by)


def make_preview(world: World, proposed: dict[str, Any] | None = None) -> list[dict[str, str]]:
    """Make a preview and return its file."""
    previewing.ask(by=world.by, proposed=proposed)
    tasks.make_preview()
    made = Preview.objects.get()
    assert (made.state, made.problem) == (Preview.State.READY, "")
    return table()


def table() -> list[dict[str, str]]:
    rows = PreviewRow.objects.order_by("name", "pk").select_related("xero", "karbon")
    text = "".join(preview_csv.lines(rows))
    return list(csv.DictReader(StringIO(text.removeprefix("\ufeff"))))


def row_of(rows: list[dict[str, str]], name: str) -> dict[str, str]:
    (row,) = [row for row in rows if name in (row["xero_name"], row["karbon_name"])]
    return row


def started(world: World) -> None:
    setup.start(by=world.by)
    world.settle()


# --- the file against what happened -----------------------------------------------------------------------------------


Held = dict[tuple[str, str], dict[str, str]]


def differing_rows(rows: list[dict[str, str]], before: Held, after: Held) -> list[str]:
    """Hold each row of the file against what the services hold now, and name those that it did not foretell."""
    return [wrong for row in rows if (wrong := _wrong(row, before, after))]


def _wrong(row: dict[str, str], before: Held, after: Held) -> str:
    what, who = row["what happens"], row["xero_name"] or row["karbon_name"]
    link = (
        Link.objects.exclude(state="ended").filter(xero__remote_id=row["xero_id"]).first() if row["xero_id"] else None
    )
    is_open = MatchIssue.objects.filter(state="open", xero__remote_id=row["xero_id"]).exists()
    if what in ("Full match", "Was linked by Karbon's sync"):
        if link is None or link.karbon is None or link.state != "live" or link.karbon.remote_id != row["karbon_id"]:
            return f"{who}: not linked to {row['karbon_id']}"
    elif what == "New in Karbon":
        refused = "Cannot be created" in row["notes"]
        if link is None or link.origin != "created" or refused != bool(link.problem):
            return f"{who}: not created"
        if not refused and (link.karbon is None or link.karbon.kind != row["kind"]):
            return f"{who}: created as another kind"
    elif what in ("Conflict", "Lookalike"):
        if link is not None or not is_open:
            return f"{who}: not held"
    elif link is not None or is_open:
        return f"{who}: {what}, and something happened"
    for system, contact_id in (("xero", row["xero_id"]), ("karbon", row["karbon_id"] or _made(link))):
        if contact_id and (wrong := _wrong_values(row, system, contact_id, before, after)):
            return f"{who}: {wrong}"
    return ""


def _made(link: Link | None) -> str:
    return link.karbon.remote_id if link and link.karbon else ""


def _wrong_values(row: dict[str, str], system: str, contact_id: str, before: Held, after: Held) -> str:
    now = after[(system, contact_id)]
    for name in FIELDS:
        was = before.get((system, contact_id), dict.fromkeys(FIELDS, ""))[name]
        told = row[f"{name}_in_{system}_to"].removeprefix("'")
        said_before = row[f"{name}_in_{system}_from"].removeprefix("'")
        if told and told != now[name]:
            return f"{name} in {system} is {now[name]!r}, the file says {told!r}"
        if told and said_before != was:
            return f"{name} in {system} was {was!r}, the file says {said_before!r}"
        if not told and was != now[name]:
            return f"{name} in {system} went from {was!r} to {now[name]!r}, and the file says nothing"
    return ""


def everything(world: World) -> dict[tuple[str, str], dict[str, str]]:
    """What both services hold of every contact, as text for people."""
    now, state = timezone.now(), world.state()
    xero = [xero_mapping.snapshot(contact, now) for contact in state["xero"]["contacts"]]
    people = [karbon_mapping.record_snapshot(r, Kind.PERSON, now) for r in state["karbon"]["contacts"]]
    firms = [karbon_mapping.record_snapshot(r, Kind.ORGANISATION, now) for r in state["karbon"]["organizations"]]
    return {(s.system.value, s.remote_id): RemoteContact(values=dict(s.values)).shown for s in [*xero, *people, *firms]}


@pytest.mark.large
@pytest.mark.parametrize(
    "spec",
    ["demo", {"xero": 120, "karbon": 110, "overlap": 0.5, "conflicts": 0.25, "seed": 11}],
    ids=["demo", "conflicts"],
)
def test_the_file_and_what_then_happened_differ_in_no_row(world: World, spec: Any) -> None:
    world.control("POST", "/reset", {"world": spec})
    connect(world)
    rows = make_preview(world)
    before = everything(world)
    untouched = world.state()
    assert {call["method"] for call in world.calls(path="/(Contacts|Organizations|BusinessCards)")} == {"GET"}
    started(world)
    assert world.state() != untouched
    assert differing_rows(rows, before, everything(world)) == []
    assert len(rows) >= len(untouched["xero"]["contacts"])
    assert Preview.objects.get().state == Preview.State.OVER


def test_what_a_preview_files_lasts_so_that_neither_the_next_one_nor_the_import_does_it_again(world: World) -> None:
    world.add_pair()
    world.add_xero("Only in Xero", "only@xero.example")
    connect(world)
    make_preview(world)
    assert Filed.objects.count() == RemoteContact.objects.count() == 3
    assert filing.bring_up_to_date() == 0


def test_before_start_nothing_is_written_and_nothing_is_linked(world: World) -> None:
    world.add_pair()
    world.add_xero("Only in Xero", "only@xero.example")
    connect(world)
    before = world.state()
    make_preview(world)
    tasks.check()
    assert world.state() == before
    assert (Link.objects.count(), Change.objects.count(), MatchIssue.objects.count()) == (0, 0, 0)
    assert not SyncSettings.load().syncing


# --- what changed meanwhile -------------------------------------------------------------------------------------------


def test_a_full_match_that_changed_since_the_preview_is_held_and_shown(world: World) -> None:
    xero, key = world.add_pair()
    connect(world)
    make_preview(world)
    world.edit_card(key, PhoneNumbers=[{"Number": "+64 9 555 9999", "CountryCode": "NZ", "Label": "Work"}])
    before = world.state()
    started(world)
    assert world.issue_of(xero).reason == "Changed since the preview: the primary phone in Karbon."
    assert world.candidates(xero) == {key}
    assert world.state() == before and world.links() == set()


def test_a_contact_to_be_created_that_changed_in_xero_is_held(world: World) -> None:
    xero = world.add_xero("Only in Xero Limited", "only@xero.example")
    connect(world)
    make_preview(world)
    world.edit_xero(xero, EmailAddress="other@xero.example")
    started(world)
    assert world.issue_of(xero).reason == "Changed since the preview: the billing email in Xero."
    assert world.karbon_names() == []


def test_a_contact_that_came_to_match_since_the_preview_is_held(world: World) -> None:
    xero = world.add_xero("Only in Xero Limited", "only@xero.example")
    connect(world)
    make_preview(world)
    key = world.add_organisation("Only in Xero Limited", "only@xero.example")
    started(world)
    assert world.issue_of(xero).reason.startswith("Changed since the preview: it was “New in Karbon”")
    assert world.candidates(xero) == {key} and world.links() == set()


def test_a_contact_that_is_new_since_the_preview_is_held_in_the_first_import_only(world: World) -> None:
    world.add_pair()
    connect(world)
    make_preview(world)
    early = world.add_xero("Came Between Limited", "between@xero.example")
    started(world)
    assert world.issue_of(early).reason == "New since the preview."
    late = world.add_xero("Came Later Limited", "later@xero.example")
    world.settle()
    assert world.link_of(late).state == Link.State.LIVE


def test_a_held_contact_is_created_when_a_person_says_so(world: World) -> None:
    xero = world.add_xero("Only in Xero Limited", "only@xero.example")
    connect(world)
    make_preview(world)
    world.edit_xero(xero, EmailAddress="other@xero.example")
    started(world)
    issues.create_new(world.issue_of(xero), kind=Kind.ORGANISATION, contact_type="Client", by=world.by)
    world.settle()
    assert world.link_of(xero).state == Link.State.LIVE
    assert world.karbon_names() == ["Only in Xero Limited"]


def test_settings_changed_since_the_preview_ask_for_a_new_one(world: World) -> None:
    world.add_pair()
    connect(world)
    make_preview(world)
    setup.choose("rules", {"default_contact_type": "Client", "import_filter": "customers"}, by=world.by)
    with pytest.raises(links.Overtaken, match="Make a new one"):
        setup.start(by=world.by)
    assert not SyncSettings.load().syncing


# --- under the limits of a small Xero plan: looks for changes lie minutes apart -------------------------------------------


@pytest.fixture
def small_plan(world: World, settings: Any) -> None:
    settings.XERO_CALLS_PER_DAY = 950


def test_a_new_preview_shows_what_changed_a_moment_ago(world: World, small_plan: None) -> None:
    xero = world.add_xero("Only in Xero Limited", "only@xero.example")
    connect(world)
    make_preview(world)
    world.edit_xero(xero, EmailAddress="other@xero.example")
    assert row_of(make_preview(world), "Only in Xero Limited")["billing_email_in_karbon_to"] == "other@xero.example"


def test_what_changed_in_xero_just_before_start_is_held_too(world: World, small_plan: None) -> None:
    edited = world.add_xero("Only in Xero Limited", "only@xero.example")
    archived = world.add_xero("Left Us Limited", "left@xero.example")
    connect(world)
    make_preview(world)
    world.edit_xero(edited, EmailAddress="other@xero.example")
    world.control("POST", f"/xero/contacts/{archived}/archive")
    new = world.add_xero("Came Between Limited", "between@xero.example")
    started(world)
    assert world.issue_of(edited).reason == "Changed since the preview: the billing email in Xero."
    assert world.issue_of(new).reason == "New since the preview."
    assert world.karbon_names() == [] and world.links() == set()


def test_start_waits_for_a_xero_that_takes_no_more_calls_today(world: World, small_plan: None) -> None:
    xero = world.add_xero("Only in Xero Limited", "only@xero.example")
    connect(world)
    make_preview(world)
    world.edit_xero(xero, EmailAddress="other@xero.example")
    budget.block(System.XERO, 5 * 3600, for_the_day=True)
    setup.start(by=world.by)
    world.sync()
    assert Link.objects.count() == 0 and world.karbon_names() == []
    Budget.objects.all().delete()
    world.settle()
    assert world.issue_of(xero).reason == "Changed since the preview: the billing email in Xero."


# --- corrections before anything happens ------------------------------------------------------------------------------


def previewed(name: str) -> PreviewRow:
    return PreviewRow.objects.get(name=name)


def test_a_corrected_kind_is_what_is_created(world: World) -> None:
    xero = world.add_xero("Rivers Stone", "hello@rivers.example", phone=PHONE)
    connect(world)
    kind = row_of(make_preview(world), "Rivers Stone")["kind"]
    other = Kind.ORGANISATION if kind == Kind.PERSON else Kind.PERSON
    corrections.correct_kind(previewed("Rivers Stone").pk, other, by=world.by)
    started(world)
    link = world.link_of(xero)
    assert link.karbon is not None and link.karbon.kind == other
    assert MatchIssue.objects.count() == 0
    assert KindDecision.objects.get(name="Rivers Stone").decided == other, "the next training learns from it"


def test_a_one_word_name_as_a_person_is_told_to_fail_before_it_does(world: World) -> None:
    world.add_xero("Madonna", "m@xero.example")
    connect(world)
    make_preview(world)
    row = corrections.correct_kind(previewed("Madonna").pk, Kind.PERSON, by=world.by)
    assert "first and a last name" in row.notes[0] and row.changes == {}
    row = corrections.correct_kind(row.pk, Kind.ORGANISATION, by=world.by)
    assert row.notes == [] and row.changes["karbon"]["name"] == ["", "Madonna"]


def test_left_out_before_start_nothing_happens_to_it(world: World) -> None:
    xero, key = world.add_pair()
    other = world.add_xero("Only in Xero Limited", "only@xero.example")
    connect(world)
    make_preview(world)
    for name in ("Harbour Joinery Limited", "Only in Xero Limited"):
        row = PreviewRow.objects.get(name=name, xero__isnull=False)
        corrections.leave_out(row.pk, by=world.by)
    corrections.bring_back(previewed("Only in Xero Limited").pk, by=world.by)
    started(world)
    assert world.links() == {(other, key_made(other))}
    assert RemoteContact.objects.get(remote_id=xero).left_out
    assert world.karbon(key)


def test_left_out_in_a_later_preview_its_match_issue_is_closed_and_comes_again_when_it_is_brought_back(
    world: World,
) -> None:
    xero = world.add_xero("Half Match Limited", "one@half.example")
    world.add_organisation("Half Match Limited", "two@half.example")
    connect(world)
    make_preview(world)
    started(world)
    assert world.issue_of(xero)
    make_preview(world)
    row = PreviewRow.objects.get(name="Half Match Limited", xero__isnull=False)
    corrections.leave_out(row.pk, by=world.by)
    assert not MatchIssue.objects.filter(state="open").exists()
    assert RemoteContact.objects.get(remote_id=xero).left_out
    corrections.bring_back(row.pk, by=world.by)
    world.sync()
    assert world.issue_of(xero) and not RemoteContact.objects.get(remote_id=xero).left_out


def key_made(xero: str) -> str:
    karbon = Link.objects.get(xero__remote_id=xero).karbon
    assert karbon is not None
    return karbon.remote_id


def test_a_preview_that_is_carried_out_can_be_corrected_no_more(world: World) -> None:
    world.add_xero("Only in Xero Limited", "only@xero.example")
    connect(world)
    make_preview(world)
    row = previewed("Only in Xero Limited")
    setup.start(by=world.by)
    with pytest.raises(links.Overtaken, match="no longer open"):
        corrections.leave_out(row.pk, by=world.by)
    with pytest.raises(links.NotPossible, match="still being carried out"):
        previewing.ask(by=world.by)


# --- a preview that has to wait ---------------------------------------------------------------------------------------


def test_a_preview_goes_on_where_a_service_made_it_wait(world: World) -> None:
    for number in range(4):
        world.add_pair(f"Pair {number} Limited", f"pair{number}@both.example")
    connect(world)
    world.fault(system="karbon", method="GET", path="/Organizations/", kind="rate_limit", retry_after=30, skip=2)
    previewing.ask(by=world.by)
    tasks.make_preview()
    waiting = Preview.objects.get()
    assert waiting.state == Preview.State.WAITING and waiting.not_before is not None
    assert PreviewRow.objects.count() == 0
    world.wait_out()
    world.forget_calls()
    tasks.make_preview()
    assert Preview.objects.get().state == Preview.State.READY
    assert len(world.calls(system="karbon", path="/Organizations/")) == 2
    assert PreviewRow.objects.filter(outcome=Outcome.FULL).count() == 4


def test_a_preview_that_cannot_be_made_says_why(world: World) -> None:
    connect(world)
    world.fault(system="xero", method="GET", path="/Contacts", kind="error", status=401, body={}, times=20)
    previewing.ask(by=world.by)
    tasks.make_preview()
    told = Preview.objects.get()
    assert told.state == Preview.State.FAILED
    assert "Connect Xero again" in told.problem


def test_a_service_that_closes_for_hours_while_the_lists_are_read_is_waited_for(world: World) -> None:
    world.add_pair()
    connect(world)
    world.fault(system="xero", path="Contacts", kind="rate_limit", retry_after=4000)
    previewing.ask(by=world.by)
    for _ in range(previewing.TRIES + 2):
        tasks.make_preview()
    waiting = Preview.objects.get()
    assert (waiting.state, waiting.faults) == (Preview.State.WAITING, 0)
    assert waiting.not_before is not None and waiting.not_before > timezone.now() + timedelta(minutes=60)
    assert "Xero" in waiting.problem
    world.wait_out()
    tasks.make_preview()
    assert Preview.objects.get().state == Preview.State.READY


def test_a_preview_that_takes_long_stops_by_the_clock_and_goes_on(world: World, monkeypatch: Any) -> None:
    world.add_pair()
    connect(world)
    previewing.ask(by=world.by)
    with monkeypatch.context() as hurried:
        hurried.setattr(previewing, "TURN", timedelta(0))
        for _ in range(previewing.TRIES + 2):
            tasks.make_preview()
    assert (Preview.objects.get().state, Preview.objects.get().faults) == (Preview.State.WAITING, 0)
    tasks.make_preview()
    assert Preview.objects.get().state == Preview.State.READY


def test_a_preview_whose_process_was_killed_is_taken_up_though_nobody_looks(
    world: World, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    world.add_pair()
    connect(world)
    previewing.ask(by=world.by)
    with monkeypatch.context() as dying:
        dying.setattr(previewing, "_spool", lambda *args: sys.exit())
        with pytest.raises(SystemExit):
            tasks.make_preview()
    Preview.objects.update(asked_at=F("asked_at") - timedelta(minutes=5), told_at=timezone.now() - timedelta(minutes=5))
    each_minute = Schedule.objects.get(func="karbonsync.tasks.see_to_preview", schedule_type=Schedule.MINUTES)
    with django_capture_on_commit_callbacks(execute=True):
        import_string(each_minute.func)()
    assert "karbonsync.tasks.make_preview" in [queued.func() for queued in OrmQ.objects.all()]
    tasks.make_preview()
    assert Preview.objects.get().state == Preview.State.READY
    import_string(each_minute.func)()
    assert not Schedule.objects.filter(func=each_minute.func).exists()


def test_records_that_karbon_cannot_show_keep_nobody_else_from_starting(world: World) -> None:
    pairs = [world.add_pair(f"Pair {number} Limited", f"pair{number}@both.example") for number in range(8)]
    connect(world)
    broken = [key for _, key in pairs[1:6]]
    world.fault(system="karbon", path=f"/Organizations/({'|'.join(broken)})", kind="error", status=500, times=1000)
    rows = make_preview(world)
    outcomes = {row["xero_id"]: (row["what happens"], row["notes"]) for row in rows}
    for contact, key in pairs:
        expected = "Not touched" if key in broken else "Full match"
        assert outcomes[contact][0] == expected, outcomes[contact]
    assert "could not be read in full yet" in outcomes[pairs[1][0]][1]
    setup.start(by=world.by)
    world.sync()
    assert world.links() == {pair for pair in pairs if pair[1] not in broken}
    world.no_faults()
    world.wait_out()
    world.sync()
    held = {contact for contact, key in pairs if key in broken}
    assert all(world.issue_of(contact).reason.startswith("Changed since the preview") for contact in held)


def test_a_karbon_that_is_down_is_not_asked_for_every_record(world: World) -> None:
    for number in range(8):
        world.add_pair(f"Pair {number} Limited", f"pair{number}@both.example")
    connect(world)
    previewing.ask(by=world.by)
    world.fault(system="karbon", method="GET", path=".", kind="error", status=500, times=1000, skip=4)
    tasks.make_preview()
    waiting = Preview.objects.get()
    assert (waiting.state, waiting.faults) == (Preview.State.WAITING, 1)
    assert len(world.calls(system="karbon", path="/Organizations/")) <= 3 * (pipeline.FAULTS_BORNE + 1)


# --- later changes of the settings ------------------------------------------------------------------------------------


def change(world: World, **chosen: Any) -> list[dict[str, str]]:
    step = "rules" if "import_filter" in chosen or "default_contact_type" in chosen else "conventions"
    tried = setup.choose(step, chosen, by=world.by)
    assert tried == chosen
    return make_preview(world, tried)


def test_widening_the_filter_is_previewed_and_then_brings_over_what_it_showed(world: World) -> None:
    world.add_xero("Only in Xero Limited", "only@xero.example")
    connect(world)
    setup.choose("rules", {"default_contact_type": "Client", "import_filter": "customers"}, by=world.by)
    assert row_of(make_preview(world), "Only in Xero Limited")["what happens"] == "Outside the filter"
    started(world)
    assert world.karbon_names() == []
    rows = change(world, import_filter="all")
    assert SyncSettings.load().import_filter == "customers"
    assert row_of(rows, "Only in Xero Limited")["what happens"] == "New in Karbon"
    started(world)
    assert SyncSettings.load().import_filter == "all"
    assert world.karbon_names() == ["Only in Xero Limited"]


def test_narrowing_the_filter_keeps_links_and_withdraws_issues(world: World) -> None:
    pair = world.add_pair()
    world.add_xero("Half Match Limited", "one@half.example")
    world.add_organisation("Half Match Limited", "two@half.example")
    connect(world)
    make_preview(world)
    started(world)
    assert MatchIssue.objects.filter(state="open").count() == 1
    rows = change(world, import_filter="customers")
    assert MatchIssue.objects.filter(state="open").count() == 1
    assert row_of(rows, "Harbour Joinery Limited")["what happens"] == "In sync already"
    started(world)
    assert MatchIssue.objects.filter(state="open").count() == 0
    assert world.links() == {pair}


def test_a_check_under_way_brings_nobody_over_whom_the_new_filter_keeps_out(world: World) -> None:
    world.add_pair()
    connect(world)
    make_preview(world)
    started(world)
    change(world, import_filter="customers")
    world.add_xero("Only in Xero Limited", "only@xero.example")
    under_way = Pipeline(pipeline.connect())
    under_way.pull_both()
    setup.start(by=world.by)
    under_way.match()
    assert Link.objects.count() == 1
    world.settle()
    assert Link.objects.count() == 1 and world.karbon_names() == ["Harbour Joinery Limited"]


def test_a_check_under_way_does_not_carry_out_what_it_read_before_start(world: World) -> None:
    connect(world)
    setup.choose("rules", {"default_contact_type": "Client", "import_filter": "customers"}, by=world.by)
    xero = world.add_xero("Only in Xero Limited", "only@xero.example")
    make_preview(world)
    started(world)
    change(world, import_filter="all")
    under_way = Pipeline(pipeline.connect())
    under_way.pull_both()
    world.edit_xero(xero, EmailAddress="other@xero.example")
    setup.start(by=world.by)
    under_way.match()
    assert Preview.objects.get().looked_at is None
    world.settle()
    assert world.issue_of(xero).reason == "Changed since the preview: the billing email in Xero."


def test_what_was_tried_out_can_be_discarded(world: World) -> None:
    world.add_pair()
    connect(world)
    make_preview(world)
    started(world)
    change(world, import_filter="customers")
    previewing.discard(by=world.by)
    assert (Preview.objects.count(), PreviewRow.objects.count()) == (0, 0)
    assert SyncSettings.load().import_filter == "all"


MOBILE = {"Number": "+64 21 555 0199", "CountryCode": "NZ", "Label": "Mobile"}
LEGAL = {"AddressLines": "7 Court Road", "City": "Dunedin", "ZipCode": "9016", "CountryCode": "NZ", "Label": "Legal"}


def two_of_each(world: World) -> tuple[str, str]:
    """A pair in sync whose Karbon card has a second phone and a second address."""
    xero, key = world.add_pair()
    card = world.karbon(key)["BusinessCards"][0]
    phones, addresses = [*card["PhoneNumbers"], MOBILE], [*card["Addresses"], LEGAL]
    world.edit_card(key, PhoneNumbers=phones, Addresses=addresses)
    connect(world)
    make_preview(world)
    started(world)
    return xero, key


def test_a_new_convention_by_itself_changes_no_value_on_either_side(world: World) -> None:
    two_of_each(world)
    before = world.state()
    rows = change(world, karbon_phone_labels=["Mobile"], karbon_address_labels=["Legal", "Mailing"])
    assert [row for row in rows if any(row[f"{n}_in_{s}_to"] for n in FIELDS for s in ("xero", "karbon"))] == []
    started(world)
    assert world.state() == before
    world.assert_at_rest()


def test_after_a_new_convention_edits_of_the_chosen_entry_travel(world: World) -> None:
    xero, key = two_of_each(world)
    change(world, karbon_phone_labels=["Mobile"])
    started(world)
    phones = world.karbon(key)["BusinessCards"][0]["PhoneNumbers"]
    work, mobile = phones[0], {**phones[1], "Number": "+64 21 555 0200"}
    world.edit_card(key, PhoneNumbers=[work, mobile])
    world.settle()
    assert world.in_xero(xero)["phone"] == "64215550200"
    world.edit_xero(xero, Phones=[{"PhoneType": "DEFAULT", "PhoneNumber": "555 0300", "PhoneAreaCode": "21", "PhoneCountryCode": "64"}])  # fmt: skip
    world.settle()
    numbers = {p["Label"]: p["Number"] for p in world.karbon(key)["BusinessCards"][0]["PhoneNumbers"]}
    assert (numbers["Work"], numbers["Mobile"]) == (work["Number"], "+64 21 555 0300")


def test_a_record_made_by_us_survives_a_convention_that_shows_nothing_of_it(world: World) -> None:
    xero = world.add_xero("Only in Xero Limited", "only@xero.example", phone=PHONE, address=ADDRESS)
    connect(world)
    make_preview(world)
    started(world)
    before = world.state()
    change(world, karbon_address_labels=["Home"])
    started(world)
    world.later(5)
    world.sync(full=True)
    world.settle()
    assert world.state() == before
    assert world.in_xero(xero)["address"]


def test_a_new_convention_waits_while_a_check_reads_by_the_old_one(world: World) -> None:
    _, key = two_of_each(world)
    change(world, karbon_phone_labels=["Mobile"])
    running = lease.Held(lease.LEASE)
    assert running.take()
    with pytest.raises(links.NotPossible, match="A check is running"):
        setup.start(by=world.by)
    assert SyncSettings.load().karbon_phone_labels == []
    assert world.mirrored(System.KARBON, key).values["primary_phone"]["number"] != "21 555 0199"
    running.drop()
    started(world)
    assert SyncSettings.load().karbon_phone_labels == ["Mobile"]
    world.assert_at_rest()


def test_what_was_read_by_the_old_convention_does_not_come_back_after_the_new_one(world: World) -> None:
    xero, key = two_of_each(world)
    change(world, karbon_phone_labels=["Mobile"])
    before = world.state()
    reader, contact = pipeline.connect(for_person=True)[System.KARBON], world.mirrored(System.KARBON, key)
    read_before = reader.read([contact.ref])[key]
    setup.start(by=world.by)
    assert read_before is not None
    mirror.keep(System.KARBON, [read_before])
    read_after = reader.read([contact.ref])[key]
    assert read_after is not None
    mirror.keep(System.KARBON, [read_after])
    shown = world.mirrored(System.KARBON, key).values["primary_phone"]
    assert shown == read_after.values["primary_phone"] != read_before.values["primary_phone"]
    world.settle()
    assert world.state() == before and world.in_xero(xero)["phone"] == "6495550100"


# --- pairs of Karbon's own sync ---------------------------------------------------------------------------------------


def taken_over(world: World) -> tuple[str, str]:
    """Two contacts that share neither name nor email, linked by Karbon's own sync."""
    xero = world.add_xero("Harbour Holdings (2019) Ltd", "ap@harbour.example", phone=PHONE)
    key = world.add_organisation("Harbour Joinery Limited", "office@harbour.example", address=ADDRESS)
    world.edit_karbon(key, ExternalKey=xero)
    connect(world)
    setup.answer_former_sync("yes", by=world.by)
    return xero, key


def test_pairs_of_karbons_own_sync_are_shown_and_taken_over(world: World) -> None:
    xero, key = taken_over(world)
    rows, before = make_preview(world), everything(world)
    row = row_of(rows, "Harbour Holdings (2019) Ltd")
    assert (row["what happens"], row["karbon_id"]) == ("Was linked by Karbon's sync", key)
    assert row["name_in_karbon_to"] == "Harbour Holdings (2019) Ltd"
    assert row["billing_address_in_xero_to"].startswith("1 Wharf Road")
    started(world)
    assert world.links() == {(xero, key)}
    assert world.link_of(xero).origin == Link.Origin.ADOPTED
    assert differing_rows(rows, before, everything(world)) == []
    world.assert_at_rest()


@pytest.mark.parametrize(("position", "said"), [("ignored", "it lists everybody"), ("refused", "does not know the question")])  # fmt: skip
def test_a_filter_that_does_not_filter_takes_nothing_over(world: World, position: str, said: str) -> None:
    world.switch(externalKeyFilter=position)
    taken_over(world)
    rows = make_preview(world)
    assert said in SetUp.load().former_problem
    assert row_of(rows, "Harbour Holdings (2019) Ltd")["what happens"] == "New in Karbon"


def test_two_claims_on_one_record_are_left_to_the_ordinary_rules(world: World) -> None:
    first, key = taken_over(world)
    second = world.add_xero("Another Claim Limited", "claim@xero.example")
    world.edit_karbon(key, ExternalKey=[first, second])
    outcomes = {row["what happens"] for row in make_preview(world) if row["xero_id"]}
    assert outcomes == {"New in Karbon"}


def test_a_contact_with_several_records_is_left_to_the_ordinary_rules(world: World) -> None:
    xero, _ = taken_over(world)
    person = world.add_person("Mere", "Tane", "mere@harbour.example")
    world.edit_karbon(person, ExternalKey=xero)
    assert row_of(make_preview(world), "Harbour Holdings (2019) Ltd")["what happens"] == "New in Karbon"


def test_a_record_that_no_list_has_shown_yet_is_asked_about_again(world: World) -> None:
    xero, key = taken_over(world)
    make_preview(world)
    FormerPair.objects.all().delete()

    class MadeMeanwhile:
        def with_external_key(self, external_id: str) -> list[str]:
            return ["NotYetRead01"] if external_id == xero else []

    takeover.find_pairs(MadeMeanwhile(), "all", lambda progress: None)
    assert not FormerPair.objects.exists()
    assert row_of(make_preview(world), "Harbour Holdings (2019) Ltd")["karbon_id"] == key


def test_asking_about_pairs_goes_on_where_karbon_made_it_wait(world: World) -> None:
    xero, key = taken_over(world)
    for number in range(3):
        world.add_xero(f"Stranger {number} Limited", f"s{number}@xero.example")
    world.fault(system="karbon", method="GET", path="/Contacts", kind="rate_limit", retry_after=30, skip=5)
    previewing.ask(by=world.by)
    tasks.make_preview()
    assert Preview.objects.get().state == Preview.State.WAITING
    world.wait_out()
    world.forget_calls()
    tasks.make_preview()
    assert Preview.objects.get().state == Preview.State.READY
    asked = [call for call in world.calls(system="karbon") if "ExternalKey" in str(call["query"])]
    assert len(asked) < 2 * 5
    started(world)
    assert (xero, key) in world.links()


def test_a_taken_over_pair_that_changed_since_the_preview_is_held(world: World) -> None:
    xero, key = taken_over(world)
    make_preview(world)
    world.edit_xero(xero, EmailAddress="new@harbour.example")
    started(world)
    assert world.issue_of(xero).reason == "Changed since the preview: the billing email in Xero."
    assert world.candidates(xero) == {key} and world.links() == set()


@pytest.mark.parametrize("act", ["leave out", "not the same"])
def test_a_pair_that_a_person_decides_about_while_it_is_read_is_not_taken_over(
    world: World, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    xero, key = taken_over(world)
    make_preview(world)
    read = KarbonRemote.read

    def slowly(self: KarbonRemote, refs: Sequence[Ref]) -> Mapping[str, Snapshot | None]:
        patch.undo()
        if act == "leave out":
            links.leave_out(world.mirrored(System.XERO, xero), by=world.by)
        else:
            issues.not_this_one(world.mirrored(System.XERO, xero), world.mirrored(System.KARBON, key), by=world.by)
        return read(self, refs)

    with monkeypatch.context() as patch:
        patch.setattr(KarbonRemote, "read", slowly)
        started(world)
    world.settle()
    assert (xero, key) not in world.links()


def test_a_yes_after_the_preview_asks_for_a_new_one(world: World) -> None:
    world.add_xero("Harbour Holdings (2019) Ltd", "ap@harbour.example")
    connect(world)
    make_preview(world)
    setup.answer_former_sync("yes", by=world.by)
    with pytest.raises(links.Overtaken, match="Make a new one"):
        setup.start(by=world.by)
    assert not SyncSettings.load().syncing


def test_each_yes_asks_karbon_anew(world: World) -> None:
    xero, key = taken_over(world)
    assert row_of(make_preview(world), "Harbour Holdings (2019) Ltd")["karbon_id"] == key
    other = world.add_organisation("Harbour Boats Limited", "boats@harbour.example")
    world.edit_karbon(key, ExternalKey="")
    world.edit_karbon(other, ExternalKey=xero)
    setup.answer_former_sync("yes", by=world.by)
    assert row_of(make_preview(world), "Harbour Holdings (2019) Ltd")["karbon_id"] == other


def test_a_late_yes_shows_the_pairs_among_the_match_issues_and_links_them_after_the_press(world: World) -> None:
    xero = world.add_xero("Harbour Joinery Limited", "ap@harbour.example")
    key = world.add_organisation("Harbour Joinery Limited", "office@harbour.example")
    world.edit_karbon(key, ExternalKey=xero)
    connect(world)
    make_preview(world)
    started(world)
    assert world.candidates(xero) == {key}
    setup.answer_former_sync("yes", by=world.by)
    assert row_of(make_preview(world), "Harbour Joinery Limited")["what happens"] == "Was linked by Karbon's sync"
    world.settle()
    assert world.links() == set(), "nothing before the press"
    started(world)
    assert world.links() == {(xero, key)}
    assert not MatchIssue.objects.filter(state="open").exists()


def test_a_pause_foretells_the_pairs_that_will_be_taken_over(world: World) -> None:
    xero, key = taken_over(world)
    make_preview(world)
    pausing.pause_all(by=world.by, reason="Year-end")
    setup.start(by=world.by)
    tasks.check()
    outlook = resuming.outlook(SyncSettings.load())
    assert (outlook.linked, outlook.new, outlook.held) == (1, 0, 0)
    assert outlook.lines == ["1 Xero contact that came meanwhile linked to a match in Karbon"]
    pausing.resume_all(by=world.by)
    world.settle()
    assert world.links() == {(xero, key)}
