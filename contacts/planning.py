"""From a link's two sides to at most one patch per side: the pure middle of the sync.

``plan`` knows no database, clock or network. What each system can hold comes in as ``Express`` functions, what is under
way or asked comes in as sets of field names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from contacts.fields import FIELDS, NAME
from contacts.merge import Outcome, Side, merge
from contacts.values import CannotHold, System, Value

# How a system would hold the other side's value of a field, in the record of this pair. Raises CannotHold.
Express = Callable[[str, Value], Value]


class Wish(TypedDict):
    """A value that a person wants in one side's field: typed instead of both sides' values, or put back by an undo."""

    value: Value
    seen: Value  # what the person saw there: if it has moved on, the wish is dropped
    purpose: str  # Change.Purpose TYPED or UNDO
    cause: str
    by: int | None
    undoes: int | None


@dataclass(frozen=True)
class Pair:
    """All that planning needs to know of one link."""

    sides: Mapping[System, Side]
    express: Mapping[System, Express]
    held: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    busy: frozenset[str] = frozenset()  # fields in a change that is being sent
    asking: frozenset[str] = frozenset()  # fields with an open question
    frozen: frozenset[str] = frozenset()  # fields that flip back and forth: no more without a person
    wishes: Mapping[str, Mapping[str, Wish]] = field(default_factory=dict)
    is_apart: bool = False  # out of sync: nothing flows, only what a person wants is sent
    policies: Mapping[str, str] = field(default_factory=dict)
    clears: str = "travel"  # travel, ask or never


@dataclass
class Step:
    """One field of a patch: what the target showed, what is sent, what it was planned from."""

    before: Value
    after: Value
    source: Value


@dataclass
class Plan:
    bases: dict[System, dict[str, Value]]
    patches: dict[System, dict[str, Step]] = field(default_factory=lambda: {system: {} for system in System})
    wished: dict[System, dict[str, Wish]] = field(default_factory=lambda: {system: {} for system in System})
    dropped: dict[System, dict[str, str]] = field(default_factory=lambda: {system: {} for system in System})
    clashes: dict[str, str] = field(default_factory=dict)  # per field why a person must decide: FieldConflict.Reason
    settled: list[str] = field(default_factory=list)  # open questions that answered themselves: both sides agree now
    held: dict[str, dict[str, Any]] = field(default_factory=lambda: {system.value: {} for system in System})


def plan(pair: Pair) -> Plan:
    """Merge the four fields of a pair. Fields that are busy or asked about wait; what cannot be held is said in ``held``."""
    made = Plan(bases={system: dict(side.base) for system, side in pair.sides.items()})
    for name in FIELDS:
        if name in pair.busy or _wish(pair, made, name) or pair.is_apart:
            _keep_held(pair, made, name)
            continue
        sides = {system: Side(made.bases[system], side.now) for system, side in pair.sides.items()}
        outcome = merge(name, sides[System.XERO], sides[System.KARBON])
        if outcome is Outcome.CLASH and (winner := _winner(pair, name)):
            outcome = Outcome.TO_KARBON if winner is System.XERO else Outcome.TO_XERO
        if outcome is Outcome.AGREED:
            _agree(pair, made, name)
        elif name in pair.asking:
            if outcome is Outcome.NOTHING and _show_the_same(pair, name):  # both went back to what was agreed
                made.settled.append(name)
        elif outcome is Outcome.CLASH:
            made.clashes[name] = "both"
        elif target := outcome.target:
            _send(pair, made, name, target)
    return made


def _show_the_same(pair: Pair, name: str) -> bool:
    xero, karbon = (pair.sides[system].now for system in (System.XERO, System.KARBON))
    return name in xero and name in karbon and FIELDS[name].same(xero[name], karbon[name])


def _wish(pair: Pair, made: Plan, name: str) -> bool:
    """Take up what a person wants of this field, and tell whether anything is to be sent for it."""
    waits = False
    for system, side in pair.sides.items():
        wish = pair.wishes.get(system, {}).get(name)
        if wish is None:
            continue
        if name not in side.now:
            made.wished[system][name] = wish
            waits = True
        elif side.now[name] == wish["value"]:
            made.dropped[system][name] = ""
            if wish["purpose"] == "undo":
                made.bases[system][name] = wish["value"]
            else:
                made.bases[system].pop(name, None)
        elif side.now[name] != wish["seen"]:
            made.dropped[system][name] = "It was edited meanwhile, so it was left as it is."
        else:
            waits |= _grant(pair, made, name, system, wish)
    return waits


def _grant(pair: Pair, made: Plan, name: str, system: System, wish: Wish) -> bool:
    try:
        value = wish["value"]
        after = pair.express[system](name, value) if value and wish["purpose"] != "undo" else value
    except CannotHold as problem:
        made.dropped[system][name] = str(problem)
        return False
    made.wished[system][name] = wish
    made.patches[system][name] = Step(before=wish["seen"], after=after, source=wish["value"])
    return True


def _winner(pair: Pair, name: str) -> System | None:
    policy = pair.policies.get(name)
    return System(policy) if policy in System.values and name not in pair.asking else None


def _agree(pair: Pair, made: Plan, name: str) -> None:
    for system, side in pair.sides.items():
        made.bases[system][name] = side.now[name]
    if name in pair.asking:
        made.settled.append(name)


def _send(pair: Pair, made: Plan, name: str, target: System) -> None:
    source, now = pair.sides[target.other].now[name], pair.sides[target].now[name]
    try:
        if name == NAME and not source:
            raise CannotHold(f"The name is blank in {target.other.label}. A name is never cleared: give it one there.")
        after = pair.express[target](name, source) if source else source
    except CannotHold as problem:
        made.held[target][name] = {"source": source, "reason": str(problem)}
        return
    is_clear = not source and name in made.bases[target.other]  # an unknown base: a person has decided
    if after == now or (is_clear and pair.clears == "never"):
        _agree(pair, made, name)
    elif is_clear and pair.clears == "ask":
        made.clashes[name] = "cleared"
    elif name in pair.frozen:
        made.clashes[name] = "flapping"
    elif (refused := pair.held.get(target, {}).get(name)) and refused.get("source") == source:
        made.held[target][name] = refused
    else:
        made.patches[target][name] = Step(before=now, after=after, source=source)


def _keep_held(pair: Pair, made: Plan, name: str) -> None:
    for system in System:
        if name in pair.held.get(system, {}):
            made.held[system][name] = pair.held[system][name]
