"""Kill worker and web again and again, during a first import and during steady editing; then look what became of it.

    python -m tests.killing --kills 50 --contacts 2000 --seed 1

Real processes, real HTTP, ``kill -9`` of whole process groups at random moments. At the end nobody was made twice,
nobody is missing, each edit stands on both sides, each staff act was done wholly or not at all, and the sync rests.
"""

import argparse
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from sandbox import server
from sandbox.server import Sandbox
from tests.killing.people import People, by_key, name_in_karbon, shown_in_karbon, shown_in_xero
from tests.killing.product import OPEN, Product, Staff

WEB_SHARE = 0.2
DROP_SHARE = 0.3  # of the kills: before them the services withhold the replies to some writes
WRITES = "Contacts|Organizations|BusinessCards"
IMPORT_SPAN = 0.05  # seconds of work per contact, at most: a first import is killed while it reads and matches,
WRITING_SPAN = 1.0  # and from half of its kills on while it creates
EDITING_SPAN = 2.5  # seconds of work after which a worker dies, at most
POOL = 150
UNSYNCABLE = 40
PATIENCE = 240


@dataclass
class Tally:
    """One line of the table."""

    worker: int = 0
    web: int = 0
    cut: int = 0  # changes that were being sent when the worker died
    dropped: int = 0  # replies that the services withheld
    checks: int = 0
    calls: int = 0
    seconds: float = 0.0


@dataclass
class Trial:
    """One world, one product, and all that is done to them."""

    box: Sandbox
    product: Product
    dice: random.Random
    tallies: dict[str, Tally] = field(default_factory=dict)
    deviations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    editing: bool = False
    cut: set[tuple[Any, ...]] = field(default_factory=set)
    pool: list[tuple[Any, ...]] = field(default_factory=list)  # the pairs that people edit

    def control(self, method: str, path: str, body: Any = None) -> Any:
        reply = requests.request(method, f"{self.box.url}/sandbox/{path}", json=body, timeout=60)
        reply.raise_for_status()
        return reply.json()

    # --- the course of events ---

    def run(self, kills: int) -> None:
        for words in (("migrate", "-v0"), ("connect",), ("demo_user",)):
            self.product.manage(*words)
        self.product.hold_nothing_back()
        self.truth = self.control("GET", "truth")
        self.before = self.control("GET", "state")
        self.product.start("web")
        self.product.wait_for_web()
        unsyncable = [row["xero"] for row in self.truth if row["category"] == "full"][:UNSYNCABLE]
        self.unsyncable = set(unsyncable)
        self.staff = Staff(self.product, random.Random(self.dice.random()), unsyncable)
        self.people = People(self.box.url, random.Random(self.dice.random()))
        threads = [threading.Thread(target=self._keep_busy, args=(each,)) for each in (self._browse, self._edit)]
        self.product.start("worker")
        try:
            for thread in threads:
                thread.start()
            with self._phase("import") as tally:
                self._kill(tally, kills // 2, span=IMPORT_SPAN * len(self.truth) / kills)
                self._until("the import is through", self._is_imported)
            self._turn_webhooks_on()
            self.editing = True
            with self._phase("editing") as tally:
                self._kill(tally, kills - kills // 2, span=EDITING_SPAN)
        finally:
            self.over.set()
            for thread in threads:
                thread.join(60)
        self._quiet()
        self._judge()

    @contextmanager
    def _phase(self, name: str) -> Iterator[Tally]:
        tally = self.tallies[name] = Tally()
        began, calls, checks = time.monotonic(), len(self.box.calls), self.product.count("karbonsync_run")
        yield tally
        tally.seconds = time.monotonic() - began
        tally.calls, tally.checks = len(self.box.calls) - calls, self.product.count("karbonsync_run") - checks

    def _kill(self, tally: Tally, kills: int, *, span: float) -> None:
        for number in range(kills):
            if self.dice.random() < WEB_SHARE:
                self._kill_web(tally)
            else:
                writing = number >= kills // 2 and not self._is_imported()
                self._kill_worker(tally, WRITING_SPAN if writing else span, writing=writing)
            print(f"{number + 1} of {kills} kills, {self._progress()}", flush=True)

    def _progress(self) -> str:
        links, open_changes = (
            self.product.count("contacts_link", "state = 'live'"),
            self.product.count("contacts_change", OPEN),
        )
        return f"{links} links, {open_changes} changes open, {len(self.people.said)} fields edited"

    def _kill_worker(self, tally: Tally, span: float, *, writing: bool) -> None:
        """Kill it at a random moment of its work, now and then while it is still starting."""
        if writing or self.dice.random() < 0.9:
            self._until_it_works(writing=writing)
        if self.dice.random() < DROP_SHARE:
            for method in ("POST", "PUT", "PATCH"):
                fault = {"system": "*", "method": method, "path": WRITES, "kind": "drop_reply"}
                self.control("POST", "faults", fault)
                tally.dropped += 1
        time.sleep(self.dice.uniform(0, span))
        self.product.kill("worker")
        tally.worker += 1
        cut = set(self.product.rows("SELECT id, sent_at FROM contacts_change WHERE state = 'sending'")) - self.cut
        self.cut |= cut
        tally.cut += len(cut)
        tally.dropped -= len(self.control("GET", "faults"))
        self.control("DELETE", "faults")
        self.product.start("worker")

    def _until_it_works(self, *, writing: bool) -> None:
        """Wait until the worker calls a service, or writes to it."""
        seen, deadline = len(self.box.calls), time.monotonic() + 60
        while time.monotonic() < deadline:
            calls = self.box.calls[seen:]
            if any(not writing or (call["method"] != "GET" and re.search(WRITES, call["path"])) for call in calls):
                return
            time.sleep(0.01)

    def _kill_web(self, tally: Tally) -> None:
        """Kill it in the middle of a staff act."""
        act = self.staff.choose()
        press = threading.Thread(target=self.staff.do if act else self.staff.get, args=(act or "",))
        press.start()
        time.sleep(self.dice.uniform(0, 0.06))
        self.product.kill("web")
        press.join(30)
        tally.web += 1
        self.product.start("web")
        self.product.wait_for_web()

    def _keep_busy(self, what: Any) -> None:
        turn = 0
        while not self.over.is_set():
            turn += 1
            try:
                what(turn)
            except Exception as error:
                self.deviations.append(f"people could not go on: {error!r}")
                raise

    def _browse(self, turn: int) -> None:
        """Press “check now” every second, look at pages, and act now and then."""
        self.staff.post("check-now/")
        self.staff.look_around()
        if turn % 6 == 0 and (act := self.staff.choose()):
            self.staff.do(act)
        self.over.wait(1)

    def _edit(self, turn: int) -> None:
        self.over.wait(0.15)
        if not self.editing:
            return
        if turn % 25 == 0:
            self.people.add()
        if not self.pool:
            at_rest = f"l.state = 'live' AND NOT l.plan_due AND l.held = '{{}}' AND l.problem = '' AND NOT EXISTS(SELECT 1 FROM contacts_change c WHERE c.link_id = l.id AND c.{OPEN})"  # fmt: skip
            found = [row for row in self.product.pairs(at_rest) if row[2] not in self.unsyncable]
            self.pool = self.dice.sample(found, min(POOL, len(found)))
        if self.pool:
            _, _, contact_id, _, key, kind, _ = self.dice.choice(self.pool)
            self.people.edit(contact_id, key, is_organisation=kind == "organisation")

    def _turn_webhooks_on(self) -> None:
        self.control("POST", "webhooks", {"xero": f"{self.product.url}/webhooks/xero"})
        body = {"TargetUrl": f"{self.product.url}/webhooks/karbon", "WebhookType": "Contact"}
        body["SigningKey"] = server.KARBON_WEBHOOK_KEY
        address = f"{self.box.url}/karbon/v3/WebhookSubscriptions"
        requests.post(address, json=body, headers=self.box.karbon_headers(), timeout=20).raise_for_status()

    def _is_imported(self) -> bool:
        whole = sum(row["category"] in ("full", "none") for row in self.truth)
        ended = self.product.count("contacts_link", "state IN ('live', 'unsynced') OR ended_by_id IS NOT NULL")
        return ended >= whole and not self.product.count("contacts_change", OPEN)

    def _until(self, what: str, is_so: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            if time.monotonic() > deadline:
                raise RuntimeError(f"waited {PATIENCE} seconds, and not yet: {what}")
            time.sleep(0.3)

    def _quiet(self) -> None:
        """Let all come to rest; a person answers what only a person can."""
        self.product.kill("worker")
        self.product.sync()
        self._answer_questions()
        for _ in range(4):
            counts = self.product.sync()
            if not counts["created"] and not any(counts["written"].values()):
                break
        self.full, self.again = self.product.sync("--full"), self.product.sync()
        self.after = self.control("GET", "state")

    def _answer_questions(self) -> None:
        """“We cannot tell whether it arrived”: the person who edited last keeps that value (invariant 4)."""
        names = {"email": "billing_email", "phone": "primary_phone", "address": "billing_address", "name": "name"}
        said = {(contact_id, names[of]): text for (contact_id, _, of), text in self.people.said.items()}
        questions = self.product.rows(
            "SELECT c.id, c.field, x.remote_id, c.xero_value FROM contacts_fieldconflict c"
            " JOIN contacts_link l ON l.id = c.link_id JOIN contacts_remotecontact x ON x.id = l.xero_id WHERE c.is_open"
        )
        self.notes.append(f"{len(questions)} questions to a person")
        for number, asked, contact_id, in_xero in questions:
            page = self.staff.get(f"contacts/fieldconflict/{number}/change/")
            assert page is not None
            seen = page.text.partition('name="seen" value="')[2].partition('"')[0]
            last = said.get((contact_id, asked), "")
            key = last[3:] if asked == "primary_phone" else last
            choice = "xero" if key and key in str(in_xero) else "karbon"
            reply = self.staff.post(f"contacts/fieldconflict/{number}/answer/", {"choice": choice, "seen": seen})
            assert reply is not None and reply.status_code == 302

    # --- the judgement ---

    def _judge(self) -> None:
        done = self._judge_acts()
        old, new = by_key(self.before), by_key(self.after)
        made = {key: record for key, record in new.items() if key not in old}
        self._expect("Karbon records gone", len(set(old) - set(new)), 0)
        names = Counter(name_in_karbon(record) for record in made.values())
        self._expect("names made twice", [name for name, times in names.items() if times > 1], [])
        standing = self.product.pairs("l.state <> 'ended'")
        holders = Counter(pair[4] for pair in standing)
        self._expect("created and not linked to exactly one", [k for k in made if holders[k] != 1], [])
        category = Counter(row["category"] for row in self.truth)
        newcomers = len(self.people.newcomers)
        by_staff = done["create-new"] + done["new-karbon"]
        self._expect("Karbon records created", len(made), category["none"] + newcomers + by_staff)
        in_xero = {contact["ContactID"]: contact for contact in self.after["xero"]["contacts"]}
        start = len(self.before["xero"]["contacts"])
        self._expect("Xero contacts", len(in_xero), start + newcomers + done["new-xero"])
        linked = {(pair[2], pair[4]) for pair in self.product.pairs("1")}
        full = {(row["xero"], row["karbon"]) for row in self.truth if row["category"] == "full"}
        self._expect("full matches not linked", sorted(full - linked), [])
        whole = category["full"] + category["none"] + newcomers + done["confirm"] + done["create-new"]
        whole += done["new-karbon"] + done["new-xero"] - done["unsync"]
        self._expect("links in sync", self.product.count("contacts_link", "state = 'live'"), whole)
        decided = done["confirm"] + done["create-new"] + done["leave-out"]
        waiting = self.product.count("matching_matchissue", "state = 'open'")
        self._expect("match issues open", waiting, category["conflict"] - decided)
        paired = "state = 'open' AND xero_id IN (SELECT xero_id FROM contacts_link WHERE state <> 'ended')"
        self._expect("open match issues of linked contacts", self.product.count("matching_matchissue", paired), 0)
        self.lost = [
            (contact_id, key, of, text, shown_in_xero(in_xero[contact_id], of), shown_in_karbon(new[key], of))
            for (contact_id, key, of), text in self.people.said.items()
            if not shown_in_xero(in_xero[contact_id], of) == text == shown_in_karbon(new[key], of)
        ]
        self._expect("lost edits", self.lost, [])
        self.duplicates = sum(times - 1 for times in names.values()) + sum(holders[key] != 1 for key in made)
        self._judge_rest()

    def _judge_acts(self) -> Counter[str]:
        """Return how often each act was done; each is there wholly or not at all, and an answer is kept."""
        done: Counter[str] = Counter()
        torn = []
        for act in self.staff.acts:
            traces = act.traces(self.product)
            if any(traces) != all(traces):
                torn.append((act, traces))
            done[act.what] += all(traces)
        self._expect("staff acts done by half", torn, [])
        answers = Counter((act.answer, all(act.traces(self.product))) for act in self.staff.acts)
        self._expect("acts refused", [act for act in self.staff.acts if act.answer == "refused"], [])
        self.notes.append(
            f"{len(self.staff.acts)} staff acts: {answers['answered', True]} done, {answers['answered', False]} overtaken, "
            f"{answers['lost', True]} done though the answer was lost, {answers['lost', False]} not done at all; "
            f"{self.staff.broken} connections broken"
        )
        return done

    def _judge_rest(self) -> None:
        for name, counts in (("the full sync", self.full), ("the last sync", self.again)):
            self._expect(f"written by {name}", (counts["created"], counts["written"]), (0, {"xero": 0, "karbon": 0}))
        self._expect("changes open", self.product.count("contacts_change", OPEN), 0)
        self._expect(
            "changes refused", self.product.rows("SELECT error FROM contacts_change WHERE state = 'rejected'"), []
        )
        self._expect("questions open", self.product.count("contacts_fieldconflict", "is_open"), 0)
        self._expect("leases held by nobody", self.product.count("karbonsync_lease", "holder <> ''"), 0)
        self._expect("reads waiting", self.product.count("contacts_refresh", "reason <> 'webhook'"), 0)
        fault = "SELECT error, count(*) FROM karbonsync_run WHERE error LIKE '%unexpected fault%' GROUP BY 1"
        self._expect("checks stopped by a fault of ours", self.product.rows(fault), [])
        self._expect("answers 5xx", self.staff.faults, 0)
        for name in ("worker", "web", "manage"):
            self._expect(f"tracebacks in the log of {name}", self.product.log(name).count("Traceback"), 0)

    def _expect(self, what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            self.deviations.append(f"{what}: {found}, and not {wanted}")

    def tell(self) -> None:
        columns = ("phase", "worker", "web", "cut", "dropped", "checks", "calls", "seconds")
        print("\n" + " ".join(f"{column:>8}" for column in columns))
        for name, tally in self.tallies.items():
            row = (name, *(f"{value:,.0f}" for value in vars(tally).values()))
            print(" ".join(f"{cell:>8}" for cell in row))
        print(f"\n{self.duplicates} duplicates, {len(self.lost)} lost edits of {len(self.people.said)} fields edited,")
        print(f"{len(self.people.newcomers)} newcomers in Xero; " + "; ".join(self.notes) + ".")
        print("\n".join(f"DEVIATION {deviation}" for deviation in self.deviations) or "No deviation.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--contacts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    size = {"xero": given.contacts, "karbon": round(given.contacts * 0.7)}
    folder = Path(tempfile.mkdtemp(prefix="killing-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with server.start({**size, "overlap": 0.5, "conflicts": 0.1, "seed": given.seed}) as box:
        product = Product(folder, box.url)
        trial = Trial(box, product, random.Random(given.seed))
        try:
            trial.run(given.kills)
        except BaseException:
            print(f"Database and logs are kept in {folder}")
            raise
        finally:
            product.stop()
    trial.tell()
    if trial.deviations:
        print(f"Database and logs are kept in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
