"""The preview is what then happens: its file is held against both services after the first import."""

import csv
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User

from contacts import links
from contacts.models import Change, Link, RemoteContact, SyncSettings
from contacts.values import Kind, System
from karbonsync import corrections, preview_csv, previewing, setup, tasks
from karbonsync.models import Preview, PreviewRow, SetUp
from matching import issues
from matching.models import MatchIssue
from tests.scenarios.conftest import ADDRESS, PHONE, World

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


def shown(contact: RemoteContact) -> dict[str, str]:
    return contact.shown


def differing_rows(rows: list[dict[str, str]], before: dict[tuple[str, str], dict[str, str]]) -> list[str]:
    """Hold each row of the file against what the services hold now, and name those that it did not foretell."""
    return [wrong for row in rows if (wrong := _wrong(row, before))]


def _wrong(row: dict[str, str], before: dict[tuple[str, str], dict[str, str]]) -> str:
    what, who = row["what happens"], row["xero_name"] or row["karbon_name"]
    link = Link.objects.exclude(state="ended").filter(xero__remote_id=row["xero_id"]).first() if row["xero_id"] else None
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
        if contact_id and (wrong := _wrong_values(row, system, contact_id, before)):
            return f"{who}: {wrong}"
    return ""


def _made(link: Link | None) -> str:
    return link.karbon.remote_id if link and link.karbon else ""


def _wrong_values(
    row: dict[str, str], system: str, contact_id: str, before: dict[tuple[str, str], dict[str, str]]
) -> str:
    now = shown(RemoteContact.objects.get(system=system, remote_id=contact_id))
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
    """What both services show of every contact, read in full from the services themselves."""
    from karbonsync import pipeline

    found = {}
    for system, remote in pipeline.connect().items():
        contacts = RemoteContact.objects.filter(system=system)
        for contact in contacts:
            snapshot = remote.read([contact.ref])[contact.remote_id]
            if snapshot is not None:
                found[(str(system), contact.remote_id)] = RemoteContact(values=dict(snapshot.values)).shown
    return found


def read_all_in_full(world: World) -> None:
    """Bring the mirror to what the services hold now, so that nothing is taken on trust."""
    from contacts import mirror

    mirror.ask_refreshes(list(RemoteContact.objects.all()), reason="test")
    world.later(5)
    world.sync(full=True)
    world.settle()


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
    read_all_in_full(world)
    assert world.state() != untouched
    assert differing_rows(rows, before) == []
    assert len(rows) >= len(untouched["xero"]["contacts"])
    assert Preview.objects.get().state == Preview.State.OVER


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
