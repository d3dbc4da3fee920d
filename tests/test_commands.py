"""The commands of the contract, run as a person or a script runs them."""

import csv
import json
from io import StringIO

import pytest
import requests
from django.core.management import CommandError, call_command

from contacts.models import Link, SyncSettings
from contacts.values import System
from karbonsync import preview
from matching import exports, forking
from matching.models import Candidate


@pytest.fixture
def connected(box, db):
    call_command("connect", stdout=StringIO())
    return box


def sync(*options):
    """Run ``sync --json`` and return its exit code and its JSON."""
    out, code = StringIO(), 0
    try:
        call_command("sync", "--json", *options, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        code = ended.code
    return code, json.loads(out.getvalue().strip().splitlines()[-1])


def test_connect_switches_syncing_on_with_the_chosen_contact_type(box):
    call_command("connect", "--contact-type", "prospect", "--import-filter", "customers", stdout=StringIO())
    chosen = SyncSettings.load()
    assert (chosen.syncing, chosen.default_contact_type, chosen.import_filter) == (True, "Prospect", "customers")


def test_connect_names_the_contact_types_when_the_wanted_one_is_none(box):
    with pytest.raises(CommandError, match=r"Choose one of: .*Client"):
        call_command("connect", "--contact-type", "Wizard", stdout=StringIO())


def test_connect_says_when_the_sandbox_is_not_running(settings, db):
    settings.XERO_LOGIN_URL = settings.XERO_IDENTITY_URL = settings.SANDBOX_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match="Is the sandbox running") as refusal:
        call_command("connect", stdout=StringIO())
    assert refusal.value.returncode == 2


def test_sync_without_a_connection_says_what_to_do_and_exits_with_two(db):
    with pytest.raises(CommandError, match="Connect first") as refusal:
        call_command("sync", stdout=StringIO())
    assert refusal.value.returncode == 2


@pytest.mark.large
def test_the_demo_world_ends_as_its_answer_key_says(connected):
    connected.reset("demo")
    code, counts = sync()
    truth = requests.get(f"{connected.url}/sandbox/truth", timeout=10).json()
    by_category = {c: [row for row in truth if row["category"] == c] for c in ("full", "conflict", "none")}
    assert code == 1  # conflicts wait for a person
    matched = counts["matched"]
    assert {c: matched[c] for c in ("full", "conflict")} == {c: len(by_category[c]) for c in ("full", "conflict")}
    assert matched["none"] + matched["similar"] == len(by_category["none"])
    assert matched["similar"] <= 6  # the demo has a few strangers whom a person would ask about, too
    pairs = dict(
        Link.objects.filter(state="live", origin="full_match").values_list("xero__remote_id", "karbon__remote_id")
    )
    assert pairs == {row["xero"]: row["karbon"] for row in by_category["full"]}
    kinds = dict(Link.objects.filter(state="live", origin="created").values_list("xero__remote_id", "karbon__kind"))
    held = set(Candidate.objects.filter(why="similar").values_list("issue__xero__remote_id", flat=True))
    assert kinds == {row["xero"]: row["kind"].lower() for row in by_category["none"] if row["xero"] not in held}
    assert counts["created"] == len(by_category["none"]) - matched["similar"]
    _, again = sync()
    assert (again["written"], again["created"]) == ({"xero": 0, "karbon": 0}, 0)


def test_a_quiet_check_makes_one_xero_call_and_two_karbon_calls(connected):
    connected.reset({"xero": 40, "karbon": 30, "overlap": 0.5, "conflicts": 0.1, "seed": 3})
    sync()
    sync()
    _, quiet = sync()
    assert quiet["calls"] == {"xero": 1, "karbon": 2}


def test_a_first_import_makes_the_least_calls(connected):
    connected.reset({"xero": 120, "karbon": 260, "overlap": 0.5, "conflicts": 0.1, "seed": 6})
    state = requests.get(f"{connected.url}/sandbox/state", timeout=10).json()["karbon"]
    requests.delete(f"{connected.url}/sandbox/calls", timeout=10)
    sync()
    calls = requests.get(f"{connected.url}/sandbox/calls", timeout=10).json()
    reads = [call for call in calls if call["method"] == "GET"]
    listed = {
        name: sum(
            call["path"].endswith(f"{name}/Contacts") or call["path"].endswith(f"{name}/Organizations")
            for call in reads
        )
        for name in ("api.xro/2.0", "v3")
    }
    pages = sum(-(-len(state[kind]) // 100) for kind in ("contacts", "organizations"))
    assert listed["v3"] == pages
    assert listed["api.xro/2.0"] <= 2  # the walk, and one poll that reads all targets again before the writes
    wanted = set(Link.objects.filter(state="live").values_list("karbon__remote_id", flat=True))
    detailed = {call["path"].rsplit("/", 1)[1] for call in reads if "expand" in str(call["query"])}
    assert detailed <= wanted


def test_a_preview_writes_nothing_and_equals_what_then_happens(connected):
    connected.reset({"xero": 40, "karbon": 30, "overlap": 0.5, "conflicts": 0.1, "seed": 4})
    before = requests.get(f"{connected.url}/sandbox/state", timeout=10).json()
    shown, _ = preview.preview()
    assert requests.get(f"{connected.url}/sandbox/state", timeout=10).json() == before
    assert not Link.objects.exists()
    _, done = sync()
    assert (shown["matched"], shown["created"]) == (done["matched"], done["created"])


@pytest.mark.parametrize("system", System.values)
def test_a_phone_edited_on_one_side_is_on_the_other_after_one_check(connected, system):
    connected.reset({"xero": 1, "karbon": 1, "overlap": 1, "conflicts": 0, "seed": 5})
    sync()
    state = requests.get(f"{connected.url}/sandbox/state", timeout=10).json()
    (xero,) = state["xero"]["contacts"]
    if system == "xero":
        body = {"Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "555 0199", "PhoneAreaCode": "9", "PhoneCountryCode": "64"}]}  # fmt: skip
        path = f"xero/contacts/{xero['ContactID']}"
    else:
        kind = "contacts" if state["karbon"]["contacts"] else "organizations"
        (record,) = state["karbon"][kind]
        body = {"PhoneNumbers": [{"Number": "+64 9 555 0199", "CountryCode": "NZ", "Label": "Work"}]}
        path = f"karbon/{kind}/{record.get('ContactKey') or record.get('OrganizationKey')}/card"
    requests.patch(f"{connected.url}/sandbox/{path}", json=body, timeout=10).raise_for_status()
    sync()
    state = requests.get(f"{connected.url}/sandbox/state", timeout=10).json()
    slot = next(p for p in state["xero"]["contacts"][0]["Phones"] if p["PhoneType"] == "DEFAULT")
    card = (state["karbon"]["contacts"] + state["karbon"]["organizations"])[0]["BusinessCards"][0]
    digits = ["".join(c for c in text if c.isdigit()) for text in (
        f"{slot['PhoneCountryCode']}{slot['PhoneAreaCode']}{slot['PhoneNumber']}", card["PhoneNumbers"][0]["Number"],
    )]  # fmt: skip
    assert digits == ["6495550199", "6495550199"]


def test_two_exports_are_matched_offline(tmp_path):
    xero, karbon, out = (tmp_path / name for name in ("x.csv", "k.csv", "out.csv"))
    xero.write_text("id,name,email\n1,Harbour Joinery,a@b.example\n2,Mere Tane,m@t.example\n3,Nobody,\n4,Kiri Ngata,\n")
    karbon.write_text(
        'id,name,email,kind\nA,harbour  joinery,A@B.example,ORGANISATION\nB,"Tane, Mere",x@t.example,PERSON\n'
    )
    call_command("match", str(xero), str(karbon), "-o", str(out))
    rows = [(row["xero_id"], row["karbon_id"], row["category"]) for row in csv.DictReader(out.open())]
    assert rows == [("1", "A", "full"), ("2", "B", "conflict"), ("3", "", "none"), ("4", "", "none")]


def test_less_likely_contacts_are_shown_as_similar_where_asked_for(tmp_path, monkeypatch):
    xero, karbon, out = (tmp_path / name for name in ("x.csv", "k.csv", "out.csv"))
    xero.write_text("id,name,email\n1,Kauri Joinery,\n2,Mere Tane,\n3,Nobody,\n")
    karbon.write_text("id,name,email\nA,Kauri Joiners,\nB,Mere Parata,\n")

    def categories(percent):
        call_command("match", str(xero), str(karbon), "-o", str(out), "--similar-from", percent)
        return {row["xero_id"]: row["category"] for row in csv.DictReader(out.open())}

    assert categories("100") == {"1": "none", "2": "none", "3": "none"}
    assert categories("0") == {"1": "similar", "2": "none", "3": "none"}
    monkeypatch.setattr(exports, "LEAST", 0.999)  # what the product would not suggest is shown all the same
    assert categories("0") == {"1": "similar", "2": "none", "3": "none"}
    with pytest.raises(CommandError, match="whole number from 0 to 100"):
        categories("101")


def test_large_exports_are_matched_by_several_processes_as_by_one(tmp_path, monkeypatch):
    names = [f"{given} {family}" for given in ("Rob", "Mary", "Aroha") for family in ("Smithers", "Quayle", "Ngata")]
    paths = [tmp_path / name for name in ("x.csv", "k.csv")]
    for path, slip in zip(paths, ("", "e"), strict=True):
        lines = [f"{n},{names[n % 9]}{slip if n % 3 else ''} {n // 9},c{n}@x.example" for n in range(2 * exports.ALONE)]
        path.write_text("\n".join(["id,name,email", *lines]))
    answers = []
    for processors in (1, 2):
        monkeypatch.setattr(forking, "processors", lambda count=processors: count)
        call_command("match", *map(str, paths), "-o", str(tmp_path / "out.csv"))
        answers.append((tmp_path / "out.csv").read_text())
    assert answers[0] == answers[1]
    assert answers[0].count(",full,") >= 600


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name,email\nA,b\n", "has no column id"),
        (b"id,name,email\n1,\xff\xfe,\n", "not UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_an_export_that_cannot_be_used_is_told_in_a_sentence(tmp_path, content, says):
    path = tmp_path / "x.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=says):
        call_command("match", str(path), str(path))
