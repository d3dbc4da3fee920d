"""The three-way merge and the planner, for any history of two sides: nothing lost, nothing bounced, nothing blanked."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contacts.fields import FIELDS
from contacts.merge import Outcome, Side, first_bases, merge
from contacts.planning import Pair, Plan, plan
from contacts.values import CannotHold, System, Value
from karbon import mapping as karbon_mapping
from tests.contacts.values import POOLS, some_values, values
from xero import mapping as xero_mapping

Both = dict[System, dict[str, Any]]
edits = st.lists(
    st.sampled_from(list(System)).flatmap(
        lambda system: st.sampled_from(list(POOLS)).flatmap(
            lambda name: st.tuples(st.just(system), st.just(name), st.sampled_from(POOLS[name]))
        )
    ),
    max_size=6,
)


def as_it_is(name: str, value: Value) -> Value:
    return value


def picky(name: str, value: Value) -> Value:
    """A side that cannot hold some values, and writes others in its own way."""
    if value in ("Tane, Mere", {"number": "ask for Jo"}, {"city": "Auckland"}):
        raise CannotHold("not here")
    return value.lower() if isinstance(value, str) else value


def in_xero(name: str, value: Value) -> Value:
    return xero_mapping.express(name, value)


def in_karbon(name: str, value: Value) -> Value:
    from contacts.values import Kind

    return karbon_mapping.express(name, value, Kind.ORGANISATION)


EXPRESS = [
    {System.XERO: as_it_is, System.KARBON: as_it_is},
    {System.XERO: as_it_is, System.KARBON: picky},
    {System.XERO: in_xero, System.KARBON: in_karbon},
]
expressing = st.sampled_from(EXPRESS)


def pair_of(bases: Both, now: Both, express: Any, **more: Any) -> Pair:
    sides = {system: Side(base=bases[system], now=now[system]) for system in System}
    return Pair(sides=sides, express=express, **more)


def carried_out(made: Plan, now: Both) -> tuple[Both, Both]:
    """Every patch arrives as it was sent and is acknowledged: new bases, new values."""
    bases, now = copy.deepcopy(made.bases), copy.deepcopy(now)
    for target, steps in made.patches.items():
        for name, step in steps.items():
            now[target][name] = bases[target][name] = step.after
            bases[target.other][name] = step.source
    return bases, now


def linked(xero: dict[str, Any], karbon: dict[str, Any]) -> tuple[Both, Both]:
    base_xero, base_karbon = first_bases(xero, karbon, {})
    return {System.XERO: base_xero, System.KARBON: base_karbon}, {System.XERO: xero, System.KARBON: karbon}


def converged(xero: dict[str, Any], karbon: dict[str, Any], express: Any) -> tuple[Both, Both]:
    bases, now = linked(xero, karbon)
    return carried_out(plan(pair_of(bases, now, express)), now)


def edited(now: Both, done: list[tuple[System, str, Any]]) -> Both:
    after = copy.deepcopy(now)
    for system, name, value in done:
        after[system][name] = value
    return after


@given(some_values(), some_values(), values(), values(), expressing)
def test_a_second_plan_of_what_was_carried_out_is_empty(
    base_xero: Any, base_karbon: Any, xero: Any, karbon: Any, express: Any
) -> None:
    bases, now = {System.XERO: base_xero, System.KARBON: base_karbon}, {System.XERO: xero, System.KARBON: karbon}
    first = plan(pair_of(bases, now, express))
    bases, now = carried_out(first, now)
    second = plan(pair_of(bases, now, express))
    assert not any(second.patches.values())
    assert second.clashes == first.clashes
    assert second.held == first.held


@given(some_values(), some_values(), some_values(), some_values(), expressing)
def test_no_field_is_ever_sent_both_ways(
    base_xero: Any, base_karbon: Any, xero: Any, karbon: Any, express: Any
) -> None:
    bases, now = {System.XERO: base_xero, System.KARBON: base_karbon}, {System.XERO: xero, System.KARBON: karbon}
    made = plan(pair_of(bases, now, express))
    assert not made.patches[System.XERO].keys() & made.patches[System.KARBON].keys()
    for patches in made.patches.values():
        assert all(name in xero and name in karbon for name in patches), "what is unknown is not written"
        assert all(step.after != step.before for step in patches.values())


@given(values(), values(), expressing, st.data())
def test_an_edit_of_one_side_travels_or_is_held(xero: Any, karbon: Any, express: Any, data: st.DataObject) -> None:
    bases, now = converged(xero, karbon, express)
    system = data.draw(st.sampled_from(list(System)))
    name = data.draw(st.sampled_from([n for n in POOLS if n in bases[system] and n in bases[system.other]] or ["name"]))
    value = data.draw(st.sampled_from(POOLS[name]))
    if bases[system].get(name, value) == value or name not in bases[system.other]:
        return
    if bases[system][name] != now[system][name] or bases[system.other][name] != now[system.other][name]:
        return  # held from before
    now = edited(now, [(system, name, value)])
    made = plan(pair_of(bases, now, express))
    bases, now = carried_out(made, now)
    target = system.other
    if name in made.held[target]:
        assert name not in made.patches[target]
        return
    assert not made.clashes
    assert FIELDS[name].same(now[target][name], value) or now[target][name] == express[target](name, value)
    assert now[system][name] == value


@given(values(), values(), expressing)
def test_linking_never_blanks_and_never_asks(xero: Any, karbon: Any, express: Any) -> None:
    bases, now = linked(xero, karbon)
    made = plan(pair_of(bases, now, express))
    assert made.clashes == {}
    _, after = carried_out(made, now)
    for name in FIELDS:
        for system, before in ((System.XERO, xero), (System.KARBON, karbon)):
            assert after[system][name] or not before[name], "a blank won"
        if xero[name] and karbon[name] and not FIELDS[name].same(xero[name], karbon[name]):
            assert after[System.XERO][name] == xero[name], "Xero's value is not touched"
        if xero[name] and FIELDS[name].same(xero[name], karbon[name]):
            assert after == {**after}, "agreement"
            assert (after[System.XERO][name], after[System.KARBON][name]) == (xero[name], karbon[name])


@given(values(), values(), st.dictionaries(st.sampled_from(list(FIELDS)), st.sampled_from(list(System))))
def test_a_named_winner_wins_unless_it_is_blank(xero: Any, karbon: Any, winners: Any) -> None:
    base_xero, base_karbon = first_bases(xero, karbon, winners)
    now: Both = {System.XERO: xero, System.KARBON: karbon}
    express = EXPRESS[0]
    made = plan(pair_of({System.XERO: base_xero, System.KARBON: base_karbon}, now, express))
    _, after = carried_out(made, now)
    for name in FIELDS:
        winner = winners.get(name, System.XERO)
        if FIELDS[name].same(xero[name], karbon[name]):
            continue
        expected = now[winner][name] or now[winner.other][name]
        assert after[System.XERO][name] == after[System.KARBON][name] == expected


@given(values(), edits, edits)
def test_edits_that_nobody_else_touched_survive(start: Any, first: Any, second: Any) -> None:
    express = EXPRESS[0]
    bases, now = converged(start, copy.deepcopy(start), express)
    for done in (first, second):
        if any(not value for _, name, value in done if name == "name"):
            return
        before, now = now, edited(now, done)
        moved = {(s, n) for s in System for n in FIELDS if now[s][n] != before[s][n]}
        made = plan(pair_of(bases, now, express))
        bases, after = carried_out(made, now)
        for system, name in moved:
            if (system.other, name) not in moved:
                assert after[system][name] == after[system.other][name] == now[system][name]
            elif FIELDS[name].same(now[System.XERO][name], now[System.KARBON][name]):
                assert {after[s][name] for s in System} == {now[s][name] for s in System} if name == "name" else True
            else:
                assert name in made.clashes
                assert all(after[s][name] == now[s][name] for s in System), "nothing is written over a question"
        if made.clashes:
            return
        now = after


@given(values(), values(), values(), values(), st.sampled_from(list(System)))
def test_a_policy_settles_every_clash_for_its_side(
    base_xero: Any, base_karbon: Any, xero: Any, karbon: Any, winner: System
) -> None:
    bases, now = {System.XERO: base_xero, System.KARBON: base_karbon}, {System.XERO: xero, System.KARBON: karbon}
    asked = plan(pair_of(bases, now, EXPRESS[0]))
    settled = plan(pair_of(bases, now, EXPRESS[0], policies=dict.fromkeys(FIELDS, winner.value)))
    assert settled.clashes == {}
    _, after = carried_out(settled, now)
    for name in asked.clashes:
        if name in settled.held[winner.other]:
            continue
        assert after[winner.other][name] == after[winner][name] == now[winner][name]


@given(values(), values(), values(), values(), st.sampled_from(list(System)), st.sampled_from(["ask", "never"]))
def test_a_cleared_value_wins_by_policy_only_where_clears_travel(
    base_xero: Any, base_karbon: Any, xero: Any, karbon: Any, winner: System, clears: str
) -> None:
    bases, now = {System.XERO: base_xero, System.KARBON: base_karbon}, {System.XERO: xero, System.KARBON: karbon}
    asked = plan(pair_of(bases, now, EXPRESS[0]))
    settled = plan(pair_of(bases, now, EXPRESS[0], policies=dict.fromkeys(FIELDS, winner.value), clears=clears))
    for name in asked.clashes:
        if name == "name" or now[winner][name]:
            continue
        assert name not in settled.patches[winner.other], "nobody said that it may be blanked"
        assert (name in settled.clashes) is (clears == "ask")
        if clears == "ask":
            assert settled.bases == {system: {**settled.bases[system], name: bases[system][name]} for system in System}


@given(values(), values(), values(), values(), st.frozensets(st.sampled_from(list(FIELDS))))
def test_fields_that_are_busy_or_asked_about_are_neither_sent_nor_asked_again(
    base_xero: Any, base_karbon: Any, xero: Any, karbon: Any, some: frozenset[str]
) -> None:
    bases, now = {System.XERO: base_xero, System.KARBON: base_karbon}, {System.XERO: xero, System.KARBON: karbon}
    for waiting in ("busy", "asking"):
        made = plan(pair_of(bases, now, EXPRESS[0], **{waiting: some}))
        assert not some & {*made.clashes, *made.patches[System.XERO], *made.patches[System.KARBON]}


@given(st.sampled_from(list(POOLS)), st.data())
def test_nothing_is_asked_for_where_neither_side_moved(name: str, data: st.DataObject) -> None:
    mine, theirs = (data.draw(st.sampled_from(POOLS[name])) for _ in range(2))
    xero, karbon = Side({name: mine}, {name: mine}), Side({name: theirs}, {name: theirs})
    assert merge(name, xero, karbon) is Outcome.NOTHING


@given(st.sampled_from(list(POOLS)), some_values(), some_values(), some_values())
def test_a_value_that_is_unknown_asks_for_nothing(name: str, base: Any, other: Any, now: Any) -> None:
    known = Side(base, now)
    unknown = Side(other, {n: v for n, v in now.items() if n != name})
    assert merge(name, known, unknown) is Outcome.NOTHING
    assert merge(name, unknown, known) is Outcome.NOTHING
