"""The state machine: people, faults, webhooks, deaths and checks in any order, and the oracle whenever it is quiet."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from contacts.fields import FIELDS, NAME
from contacts.models import Budget, RemoteContact
from contacts.values import Snapshot, System
from tests.proof.acts import Acts
from tests.proof.oracle import Oracle
from tests.proof.outside import Call, Death
from tests.proof.people import BLANK, KARBON, LOUD, NORMAL, POOL, XERO, People, email_for, name_for
from tests.proof.product import Product
from tests.proof.stage import Stage
from tests.proof.tally import count
from tests.proof.terms import TERMS, Terms

MOST = 5  # contacts per side
ECHOES, MOST_EVENTS = 2, 10
WHO = st.integers(0, MOST - 1)
SIDES = st.sampled_from([XERO, KARBON])
NAMES = st.sampled_from(list(FIELDS))
HOW = st.sampled_from([NORMAL, NORMAL, NORMAL, LOUD, BLANK])
SHARED = st.sampled_from([None, None, None, None, *range(POOL)])  # a value that others may come to as well
PAUSES = st.sampled_from([0.0, 0.4, 3.0, 70.0])
LONG_PAUSES = st.sampled_from([5.0, 70.0, 1000.0, 4000.0])
DEATHS = st.one_of(
    st.none(),
    st.none(),
    st.builds(Death, st.just("call"), st.integers(0, 14), st.booleans()),
    st.builds(Death, st.just("send"), st.integers(0, 3), st.booleans()),
    st.builds(Death, st.just("send"), st.integers(0, 1), st.just(True)),
    st.builds(Death, st.just("write"), st.integers(0, 60), st.booleans()),
    st.builds(Death, st.just("statement"), st.integers(0, 160), st.booleans()),
)
# Where it hurts most: around a write, when nobody knows whether it was done.
WRITE_DEATHS = st.one_of(
    st.none(),
    st.builds(Death, st.just("send"), st.just(0), st.booleans()),
    st.builds(Death, st.just("send"), st.integers(0, 2), st.just(True)),
    st.builds(Death, st.just("write"), st.integers(0, 60), st.booleans()),
    DEATHS,
)
ACT_DEATHS = st.one_of(
    st.none(), st.none(), st.none(), st.builds(Death, st.just("statement"), st.integers(0, 20), st.booleans())
)
PATHS = {
    XERO: ["", "/Contacts/?$", "/connect/token"],
    KARBON: ["", "/Contacts/?$", "/Organizations/?$", "/(Contacts|Organizations)/.+", "BusinessCards"],
}
ARRIVES, LATE = "arrives", "late"
FATES = [ARRIVES, ARRIVES, LATE, "drop_reply", "drop_reply", "drop_request", "garbage"]  # of the next write
UPDATES = {XERO: "POST", KARBON: "PUT"}
WRITES = {XERO: ["POST", "PUT"], KARBON: ["POST", "PUT", "PATCH"]}
KINDS: list[dict[str, Any]] = [
    {"kind": "error", "status": 500},
    {"kind": "error", "status": 503},
    {"kind": "error", "status": 400},
    {"kind": "rate_limit", "retry_after": 1},
    {"kind": "rate_limit", "retry_after": 120},
    {"kind": "drop_request"},
    {"kind": "drop_reply"},
    {"kind": "delay", "seconds": 0.01},
    {"kind": "truncate"},
    {"kind": "empty"},
    {"kind": "garbage"},
    {"kind": "expire_token"},
]
SPOILED_LISTS = ("truncate", "empty")
ARRIVALS = ["same", "same name", "same email", "only in Xero", "only in Karbon", "stranger on each side"]


class Histories(RuleBasedStateMachine):
    """One story. The stage is shared by all of a process."""

    stage: Stage
    is_quiet = True  # no check ran since the last time

    @initialize(
        arrivals=st.lists(st.tuples(st.sampled_from(ARRIVALS), st.booleans()), min_size=1, max_size=3), terms=TERMS
    )
    def two_address_books(self, arrivals: list[tuple[str, bool]], terms: Terms) -> None:
        self.stage.reset()
        terms.take_effect(self.stage)
        self.people, self.product = People(self.stage, terms), Product(self.stage)
        self.acts = Acts(self.people, self.product)
        self.oracle = Oracle(self.stage, self.people, self.product, self.acts)
        self.events: list[tuple[System, str]] = []
        self.pages: list[Snapshot] = []
        for what, person in arrivals:
            self.arrives(what=what, person=person, shared=None, pause=3.0, customer=True)
        self.product.check()
        count("story")

    def check_invariants(self, *told: Any) -> None:
        """Count the steps: this is called after each, and once before the first."""
        if hasattr(self, "oracle"):
            count("step")
        super().check_invariants(*told)

    # --- people on the services' screens ---

    @rule(
        what=st.sampled_from(ARRIVALS), person=st.booleans(), shared=SHARED, pause=PAUSES, customer=st.booleans()
    )  # fmt: skip
    def arrives(self, what: str, person: bool, shared: int | None, pause: float, customer: bool) -> None:
        if max(len(self.people.records(system)) for system in System) >= MOST:
            return
        self.stage.pass_by(pause)
        number = self.people.fresh() if shared is None else shared
        other = self.people.fresh()
        name, email = name_for(number, person), email_for(number)
        if what != "only in Karbon":
            self.people.arrive(XERO, name, email, person=person, number=number, customer=customer)
        if what == "stranger on each side":
            name, email = name_for(other, person), email_for(other)
        elif what == "same name":
            email = email_for(other)
        elif what == "same email":
            name = name_for(other, person)
        if what != "only in Xero":
            self.people.arrive(KARBON, name, email, person=person, number=number if what == "same" else other)
        count("person adds", what)

    @rule(system=SIDES, who=WHO, name=NAMES, how=HOW, shared=SHARED, pause=PAUSES)
    def edits(self, system: System, who: int, name: str, how: str, shared: int | None, pause: float) -> None:
        self.stage.pass_by(pause)
        self.people.edit(system, who, name, self.people.fresh() if shared is None else shared, how)
        record = self.people.pick(system, who)
        if record is not None:
            self.events.append((system, record.remote_id))
        count("person edits in", system.label)

    @rule(who=WHO, name=NAMES, shared=SHARED)
    def both_sides_edit(self, who: int, name: str, shared: int | None) -> None:
        for system in System:
            self.edits(system, who, name, NORMAL, shared, 0.4)

    @rule(
        system=SIDES, who=WHO, name=NAMES, how=HOW, death=WRITE_DEATHS, full=st.booleans(), write=st.sampled_from(FATES)
    )  # fmt: skip
    def somebody_edits_and_a_check_runs(
        self, system: System, who: int, name: str, how: str, death: Death | None, full: bool, write: str
    ) -> None:
        self.edits(system, who, name, how, None, 3.0)
        self._next_write(system.other, "PATCH" if system is XERO and name == NAME else UPDATES[system.other], write)
        self.checks(full, 0, death, 60.0)

    @rule(person=st.booleans(), death=WRITE_DEATHS, write=st.sampled_from(FATES))
    def somebody_comes_and_a_check_runs(self, person: bool, death: Death | None, write: str) -> None:
        self.arrives("only in Xero", person, None, 3.0, True)
        self._next_write(KARBON, "POST", write)
        self.checks(False, 0, death, 60.0)

    def _next_write(self, system: System, method: str, fate: str) -> None:
        if fate == LATE:
            self.the_next_write_takes_effect_late(0)
        elif fate != ARRIVES:
            self.stage.control("POST", "/faults", {"kind": fate, "system": system, "method": method})
            count("ordered", fate, "of a write")

    @rule(who=WHO, flag=st.sampled_from(["IsCustomer", "IsSupplier"]), is_set=st.sampled_from([True, True, False]))
    def a_document_is_written(self, who: int, flag: str, is_set: bool) -> None:
        self.people.invoice(who, flag, is_set)

    @rule(
        what=st.sampled_from(["archive", "restore", "restore", "merge in Xero", "delete", "merge in Karbon"]),
        who=WHO,
        into=WHO,
        pause=PAUSES,
    )
    def moves(self, what: str, who: int, into: int, pause: float) -> None:
        self.stage.pass_by(pause)
        self.people.move(what, who, into)
        count("person", what)

    # --- people in KarbonSync ---

    @rule(act=st.integers(0, 59), pick=WHO, death=ACT_DEATHS)
    def somebody_decides(self, act: int, pick: int, death: Death | None) -> None:
        possible = self.acts.possible()
        self.acts.do(possible[act % len(possible)], pick, death)

    @rule(pick=WHO, act=st.integers(0, 59))
    def somebody_decides_and_a_check_runs(self, pick: int, act: int) -> None:
        self.somebody_decides(act, pick, None)
        self.checks_plainly(1)

    @rule(who=WHO, of=WHO, pick=WHO, act=st.sampled_from(["another name", "link to namesake", "unsync"]))
    def somebody_takes_a_name_that_xero_has(self, who: int, of: int, pick: int, act: str) -> None:
        self.people.take_name(who, of)
        count("person takes a name")
        self.checks_plainly(1)
        if act in self.acts.possible():
            self.acts.do(act, pick)

    @rule(system=SIDES, who=WHO)
    def opens_a_page(self, system: System, who: int) -> None:
        """A page reads a record; what it read is stored only later, when others may have been faster."""
        contacts = list(RemoteContact.objects.filter(system=system).order_by("pk"))
        if not contacts or not self._quiet_calls():
            return
        read = self.product.read(system, contacts[who % len(contacts)].ref)
        if read is not None:
            self.pages.append(read)
            count("page opened")

    @precondition(lambda self: self.pages)
    @rule(which=WHO)
    def the_page_is_stored(self, which: int) -> None:
        self.product.keep(self.pages.pop(which % len(self.pages)))
        count("page stored late")

    def _quiet_calls(self) -> bool:
        return self.product.is_connected() and not self.stage.control("GET", "/faults") and not self._blocked()

    def _blocked(self) -> bool:
        return any(row.blocked_until for row in Budget.objects.all())

    # --- webhooks ---

    @precondition(lambda self: self.events)
    @rule(which=st.integers(0, 9), times=st.sampled_from([1, 1, 2]), forget=st.booleans())
    def a_webhook_arrives(self, which: int, times: int, forget: bool) -> None:
        """Late, twice, out of order; those not drawn never arrive."""
        system, key = self.events[which % len(self.events)]
        for _ in range(times):
            self.product.hear(system, [key])
        if forget:
            self.events.remove((system, key))

    @rule(system=SIDES)
    def a_webhook_names_a_stranger(self, system: System) -> None:
        self.product.hear(system, ["99999999-0000-4000-8000-000000000000"])

    # --- trouble ---

    @rule(
        system=SIDES, kind=st.sampled_from(KINDS), of=WHO, writes=st.booleans(), times=st.sampled_from([1, 1, 2, 4]),
        skip=st.integers(0, 4),
    )  # fmt: skip
    def something_goes_wrong(
        self, system: System, kind: dict[str, Any], of: int, writes: bool, times: int, skip: int
    ) -> None:
        fault = {**kind, "system": system, "times": times, "skip": skip if not writes else skip % 2}
        if writes and kind["kind"] not in SPOILED_LISTS:
            fault["method"] = WRITES[system][of % len(WRITES[system])]
        else:
            fault["path"] = PATHS[system][of % len(PATHS[system])]
        self.stage.control("POST", "/faults", fault)
        count("ordered", kind["kind"], str(kind.get("status", "")))

    @rule(calls=st.integers(0, 6))
    def the_next_write_takes_effect_late(self, calls: int) -> None:
        self.stage.outside.delay_next = calls

    # --- the sync ---

    @rule(full=st.booleans(), rests=st.integers(0, 4), death=DEATHS, pause=PAUSES)
    def checks(self, full: bool, rests: int, death: Death | None, pause: float) -> None:
        self.stage.pass_by(pause)
        self.product.check(full=full, rests=rests, death=death)
        self.is_quiet = False
        self._hear_of_own_writes()
        self.oracle.nothing_forbidden_was_sent()

    def _hear_of_own_writes(self) -> None:
        """Our own writes fire webhooks, too; those that are drawn arrive."""
        for call in self.stage.outside.writes[-ECHOES:]:
            self.events += [(call.system, key) for key in call.targets()]
        self.events = self.events[-MOST_EVENTS:]

    @rule(rests=st.integers(0, 3))
    def checks_plainly(self, rests: int) -> None:
        self.stage.pass_by(60)
        self.product.check(rests=rests)
        self.is_quiet = False

    @rule(
        at=st.integers(0, 12), system=SIDES, who=WHO, name=NAMES, how=HOW, rests=st.integers(0, 3), full=st.booleans(),
        death=DEATHS,
    )  # fmt: skip
    def checks_while_somebody_edits(
        self, at: int, system: System, who: int, name: str, how: str, rests: int, full: bool, death: Death | None
    ) -> None:
        """An edit just before one of the calls of a check, but never between our read and our write of a record."""
        number = self.people.fresh()
        waiting = [at]

        def before(call: Call) -> None:
            if waiting and waiting[0] <= 0 and call.lets_in(system):
                waiting.clear()
                self.people.edit(system, who, name, number, how)
                count("person edits during a check in", system.label)
            elif waiting:
                waiting[0] -= 1

        self.stage.outside.before_call = before
        self.stage.pass_by(60)
        try:
            self.product.check(full=full, rests=rests, death=death)
        finally:
            self.stage.outside.before_call = lambda call: None
            self.is_quiet = False

    @rule(seconds=LONG_PAUSES)
    def time_passes(self, seconds: float) -> None:
        self.stage.pass_by(seconds)

    @precondition(lambda self: not self.is_quiet)
    @rule()
    def it_is_quiet(self) -> None:
        self.acts.end_pauses()
        self.oracle.assert_quiet()
        self.is_quiet = True

    def teardown(self) -> None:
        if hasattr(self, "oracle"):
            self.acts.end_pauses()
            self.oracle.assert_quiet()
