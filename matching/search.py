"""From records to scored pairs: look up who could be meant, compare, score. Knows no database: a `Shelf` is where records stand."""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from matching import blocking, evidence, pair_model
from matching.commonness import Commonness
from matching.evidence import Evidence
from matching.profiles import Profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.integer[Any]]

Id = int | str
KEEP = 12  # candidates per record that are compared closely
FAR_BEHIND = 0.2  # of the weight of the best candidate: below that nobody is compared closely
# What it says that two records are filed under the same key, by the kind of key; much of it overlaps.
WEIGHTS = {
    "t": 2.0, "e": 3.0, "d": 1.0, "m": 1.0, "p": 2.5, "w": 1.0, "s": 0.3, "h": 0.2, "c": 1.0, "k": 0.3,
    "a": 0.8, "f": 1.0, "x": 1.5, "y": 0.8, "q": 0.8, "z": 0.6, "r": 0.3,
}  # fmt: skip


class Shelf(Protocol):
    """One address book, to be looked up by the keys of ``blocking``."""

    @property
    def size(self) -> int: ...

    def counts(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return how many records stand under each key; keys that nobody has may be left out."""
        ...

    def holders(self, keys: Collection[str]) -> Mapping[str, Sequence[Id]]:
        """Return who stands under each key."""
        ...

    def profiles(self, ids: Collection[Id]) -> Mapping[Id, Profile]: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records and the log-odds that they are the same, looked at by themselves."""

    evidence: Evidence
    score: float

    @property
    def mine(self) -> Id:
        return self.evidence.mine.record.id

    @property
    def theirs(self) -> Id:
        return self.evidence.theirs.record.id


def pairs(
    mine: Sequence[Profile], ours: Shelf, theirs: Shelf, *, also: Mapping[int, Sequence[int]] | None = None
) -> list[Pair]:
    """Compare each profile with its nearest on the other shelf, and with those named in ``also``.

    Who shares a lookup key and is plainly somebody else is left out, unless named.
    """
    found = evidences(mine, ours, theirs, also=also, strangers=False)
    scores = pair_model.loaded().scores([each.numbers for each in found])
    return [Pair(each, score) for each, score in zip(found, scores.tolist(), strict=True)]


def evidences(
    mine: Sequence[Profile], ours: Shelf, theirs: Shelf, *, also: Mapping[int, Sequence[int]] | None = None,
    strangers: bool = True,
) -> list[Evidence]:  # fmt: skip
    """Gather what speaks for and against each pair that is worth a close look."""
    asked = also or {}
    keys = {profile.record.id: blocking.keys(profile) for profile in mine}
    there = theirs.counts({key for own in keys.values() for key in own})
    near = nearest(keys, there, theirs)
    for id_, others in asked.items():
        near[id_] += [other for other in others if other not in near[id_]]
    profiles = theirs.profiles({other for others in near.values() for other in others})
    common = _commonness(keys, there, profiles.values(), ours, theirs)
    found = []
    for profile in mine:
        named = asked.get(profile.record.id, ())  # type: ignore[arg-type]
        for other in near[profile.record.id]:
            compare = evidence.gather if strangers or other in named else evidence.gather_unless_strangers
            if other in profiles and (each := compare(profile, profiles[other], common)):
                found.append(each)
    return found


def nearest(keys: Mapping[Id, Sequence[str]], there: Mapping[str, int], theirs: Shelf) -> dict[Id, list[Id]]:
    """Return the `KEEP` records that share the rarest keys with each record, the nearest first."""
    holders = theirs.holders({key for key, count in there.items() if count <= blocking.MANY})
    near: dict[Id, list[Id]] = {id_: [] for id_ in keys}
    held = sorted(holders)  # so that the same books give the same pairs, whatever order the keys come in
    if not held:
        return near
    others = list(dict.fromkeys(other for key in held for other in holders[key]))
    for who, other in _ranked(keys, held, holders, others, theirs.size):
        near[who].append(other)
    return near


def _ranked(
    keys: Mapping[Id, Sequence[str]],
    held: Sequence[str],
    holders: Mapping[str, Sequence[Id]],
    others: Sequence[Id],
    size: int,
) -> Iterator[tuple[Id, Id]]:
    """Add up, over all records at once, what the shared keys are worth, and yield (record, other), the nearest first."""
    number_of_key = {key: n for n, key in enumerate(held)}
    number_of = {other: n for n, other in enumerate(others)}
    lengths = np.array([len(holders[key]) for key in held])
    worth = np.array([WEIGHTS[key[0]] for key in held]) * np.log(size / lengths + 1)
    holder = np.fromiter((number_of[o] for key in held for o in holders[key]), dtype=np.int64, count=int(lengths.sum()))
    ids = list(keys)
    shared = [[n for key in keys[id_] if (n := number_of_key.get(key)) is not None] for id_ in ids]
    who = np.repeat(np.arange(len(ids)), [len(own) for own in shared])
    key = np.fromiter(itertools.chain.from_iterable(shared), dtype=np.int64, count=len(who))
    entry = _spread(np.cumsum(lengths) - lengths, lengths, key)
    pair = np.repeat(who, lengths[key]) * len(others) + holder[entry]
    found, at = np.unique(pair, return_inverse=True)
    weight = np.bincount(at, np.repeat(worth[key], lengths[key])).round(6)  # so that a sum's order decides nothing
    who, other = np.divmod(found, len(others))
    order = np.lexsort((other, -weight, who))
    who, other, weight = who[order], other[order], weight[order]
    first = np.searchsorted(who, who)
    keep = (np.arange(len(who)) - first < KEEP) & (weight >= FAR_BEHIND * weight[first])
    return ((ids[w], others[o]) for w, o in zip(who[keep].tolist(), other[keep].tolist(), strict=True))


def _spread(starts: "Integers", lengths: "Integers", chosen: "Integers") -> "Integers":
    """Return the positions of all entries of the chosen runs, one run after the other."""
    sizes = lengths[chosen]
    before = np.cumsum(sizes) - sizes
    return np.arange(int(sizes.sum())) + np.repeat(starts[chosen] - before, sizes)


def _commonness(
    keys: Mapping[Id, Sequence[str]],
    there: Mapping[str, int],
    profiles: Iterable[Profile],
    ours: Shelf,
    theirs: Shelf,
) -> Commonness:
    """Count what the model weighs by rarity, in both books, for everybody who is compared."""
    asked = {key for own in keys.values() for key in own if key[0] in "wedp"}
    more = {key for profile in profiles for key in blocking.counted_keys(profile)} - asked
    here = ours.counts(asked | more)
    there = {**there, **theirs.counts(more)}
    uses = {key: max(here.get(key, 0), there.get(key, 0)) for key in asked | more}
    return Commonness(uses, max(ours.size, theirs.size))


class MemoryShelf:
    """A shelf in memory, for training and for lists that are small."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._profiles = {profile.record.id: profile for profile in profiles}
        self._holders: dict[str, list[Id]] = {}
        for id_, profile in self._profiles.items():
            for key in blocking.keys(profile):
                self._holders.setdefault(key, []).append(id_)

    @property
    def size(self) -> int:
        return len(self._profiles)

    def counts(self, keys: Collection[str]) -> dict[str, int]:
        return {key: len(self._holders[key]) for key in keys if key in self._holders}

    def holders(self, keys: Collection[str]) -> dict[str, list[Id]]:
        return {key: self._holders[key] for key in keys if key in self._holders}

    def profiles(self, ids: Collection[Id]) -> dict[Id, Profile]:
        return {id_: self._profiles[id_] for id_ in ids if id_ in self._profiles}
