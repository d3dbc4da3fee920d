"""The benchmarks: each figure beside a yardstick measured in the same run, so that the ratio means something anywhere.

``make bench`` prints one table and writes it as JSON to ``bench/results/``.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import requests

from bench import kinds
from bench import webhooks as deliveries
from bench.matching import side_by_side
from matching import matcher
from sandbox import server, worlds
from tests.quickness.race import Race

ROOT = Path(__file__).resolve().parent.parent
WORLD = {"xero": 1000, "karbon": 1000, "overlap": 0.6, "conflicts": 0.1, "seed": 11}


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def match() -> list[dict[str, Any]]:
    """Seconds to decide 20,000 Xero contacts by the rule, beside a join of equal texts, which misses other spellings."""
    world = worlds.build({"xero": 20_000, "karbon": 20_000, "overlap": 0.6, "conflicts": 0.1, "seed": 13})
    mine = [(contact["Name"], contact.get("EmailAddress") or "") for contact in world.xero]

    def by_rule() -> None:
        book: dict[str, list[matcher.Counterpart]] = {}
        for number, (name, email) in enumerate(mine):
            keys = matcher.karbon_keys(name, email, is_person=False)
            book.setdefault(next(iter(keys.names)), []).append(matcher.Counterpart(number, keys))
        for name, email in mine:
            keys = matcher.xero_keys(name, email)
            near = [other for spelling in keys.names for other in book.get(spelling, ())]
            matcher.decide(keys, near, has_rival=False)

    def by_text() -> None:
        book = {pair: number for number, pair in enumerate(mine)}
        for pair in mine:
            book.get(pair)

    return [row("match 20,000 by the rule, seconds", seconds(by_rule), seconds(by_text), "join of equal texts")]


def first_import() -> list[dict[str, Any]]:
    """A first import over HTTP in a process of its own: calls made, beside the least that could do."""
    with server.start(WORLD) as box, tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "SANDBOX_URL": box.url, "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3"}
        for command in (["migrate", "-v0"], ["connect"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)  # fmt: skip
        state = requests.get(f"{box.url}/sandbox/state", timeout=60).json()["karbon"]
        requests.delete(f"{box.url}/sandbox/calls", timeout=10)
        sync = [sys.executable, "manage.py", "sync", "--json"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # its progress is not for the table
        took = seconds(lambda: subprocess.run(sync, cwd=ROOT, env=env, check=False, **quiet))
        calls = requests.get(f"{box.url}/sandbox/calls", timeout=10).json()
        lists = -(-WORLD["xero"] // 1000) + sum(-(-len(state[kind]) // 100) for kind in ("contacts", "organizations"))
        listed = sum(
            call["method"] == "GET" and call["path"].endswith(("/Contacts", "/Organizations")) for call in calls
        )
        return [
            row("first import of 1,000 a side, list calls", listed, lists, "least possible"),
            row("first import, contacts a second", WORLD["xero"] / took, len(calls) / took, "calls a second"),
        ]


def webhooks() -> list[dict[str, Any]]:
    """10,000 deliveries of all kinds at 200 a second; and the way of an edit, with webhooks and without."""
    met = deliveries.deliver()
    with Race.prepared() as race:
        race.turn_webhooks_on()
        there, back = [], []
        for _ in range(5):
            there.append(race.from_xero())
            race.be_at_rest()
            back.append(race.from_karbon())
            race.be_at_rest()
        race.turn_webhooks_off()
        polled = race.from_xero()
    count = deliveries.DELIVERIES
    return [
        row(f"{count:,} webhooks, answered rightly", count - met.wrong, count, "all"),
        row("webhooks at 200/s, p99 milliseconds", met.p99, met.health_p99, "p99 of /health"),
        row("webhooks at 200/s, median milliseconds", met.p50, 200, "the bound of p99"),
        row("webhooks, rows they leave", met.rows + met.queued, met.distinct, "contacts named"),
        row("Xero to Karbon after the webhook, seconds", median(there), polled, "by the next check"),
        row("Karbon to Xero after the webhook, seconds", median(back), polled, "by the next check"),
    ]


def row(what: str, ours: float, yardstick: float, name: str) -> dict[str, Any]:
    ratio = round(ours / yardstick, 3) if yardstick else None
    return {"what": what, "ours": round(ours, 4), "yardstick": name, "theirs": round(yardstick, 4), "ratio": ratio}


def main() -> None:
    """Print each row as soon as it is measured, and keep them all."""
    rows = []
    print(f"{'':62}{'ours':>14}{'yardstick':>16}{'ratio':>10}", flush=True)
    for part in (kinds.table, match, first_import, webhooks, side_by_side.rows):
        for each in part():
            rows.append(each)
            print(f"{each['what']:62}{each['ours']:>14,}{each['theirs']:>16,}{each['ratio']!s:>10}  {each['yardstick']}", flush=True)  # fmt: skip
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    at = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    (results / f"{at}.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
