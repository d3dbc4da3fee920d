"""The sync is killed, again and again, in the middle of a first import: nobody is made twice, nobody is missing."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from sandbox import server

ROOT = Path(__file__).resolve().parents[2]
WORLD = {"xero": 150, "karbon": 100, "overlap": 0.3, "conflicts": 0.1, "seed": 5}
KILL_AT = (3, 25, 60)  # creations seen by Karbon


def name_of(record: dict[str, Any]) -> str:
    if "OrganizationKey" in record and "ContactKey" not in record:
        return str(record["FullName"])
    return " ".join(record[part] for part in ("FirstName", "MiddleName", "LastName") if record.get(part))


def key_of(record: dict[str, Any]) -> str:
    return str(record.get("ContactKey") or record["OrganizationKey"])


def test_a_first_import_that_is_killed_again_and_again_makes_nobody_twice(tmp_path: Path) -> None:
    with server.start(WORLD) as box:
        control = f"{box.url}/sandbox"
        environment = {
            **os.environ,
            "SANDBOX_URL": box.url,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'sync.sqlite3'}",
            "SETTLE_AFTER_SECONDS": "1",
            "LEASE_SECONDS": "2",
        }

        def manage(*words: str) -> subprocess.Popen[str]:
            command = [sys.executable, str(ROOT / "manage.py"), *words]
            return subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )

        def created() -> int:
            return sum(c["system"] == "karbon" and c["method"] == "POST" for c in box.calls)

        for words in (("migrate", "-v0"), ("connect",)):
            assert manage(*words).wait(60) == 0
        truth = requests.get(f"{control}/truth", timeout=15).json()
        before = requests.get(f"{control}/state", timeout=15).json()

        for threshold in KILL_AT:
            run = manage("sync")
            deadline = time.monotonic() + 40
            while created() < threshold and run.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            assert run.poll() is None, "the import ended before it could be killed"
            run.kill()
            run.communicate()

        run = manage("sync", "--json")
        output, _ = run.communicate(timeout=90)
        counts = json.loads(output.splitlines()[-1])
        run = manage("sync", "--json")
        again = json.loads(run.communicate(timeout=60)[0].splitlines()[-1])
        after = requests.get(f"{control}/state", timeout=15).json()

    wanted = {row["xero"] for row in truth if row["category"] == "none"}
    names = {c["ContactID"]: c["Name"] for c in after["xero"]["contacts"]}
    old = {key_of(r) for kind in ("contacts", "organizations") for r in before["karbon"][kind]}
    new = [r for kind in ("contacts", "organizations") for r in after["karbon"][kind] if key_of(r) not in old]
    assert Counter(map(name_of, new)).most_common(1)[0][1] == 1, "somebody was made twice"
    assert len(new) == len(wanted)
    plain = {" ".join(reversed(names[i].split(", "))) if names[i].count(", ") == 1 else names[i] for i in wanted}
    assert {name_of(r) for r in new} == plain
    assert len(after["xero"]["contacts"]) == len(before["xero"]["contacts"])
    categories = Counter(row["category"] for row in truth)
    assert counts["links"] == categories["full"] + categories["none"]
    assert counts["open_issues"] == categories["conflict"]
    assert (again["created"], again["written"]) == (0, {"xero": 0, "karbon": 0})
