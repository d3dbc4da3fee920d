"""How usual a word is as a given and as a family name: what tells "Dawson Whitfield", a firm, from "James Whitfield".

Shares come from the census of the United States (package `names`), from the weighted lists of Faker and from the first names
of `gender_guesser`; a name that is only listed counts as a rare one. Only training imports this.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from matching import features, training_lists
from matching.vocabulary import NICKNAMES_PATH

# Shares of all people, in per cent: from the first on a name is known, from the second on usual, from the third on common.
GIVEN_STEPS = (0.0, 0.004, 0.05)
FAMILY_STEPS = (0.0, 0.0012, 0.01)
LISTED_GIVEN, LISTED_FAMILY = 0.001, 0.0003
LISTED_BY_FAKER, ABROAD = 0.006, 0.03
RAREST = 0.001  # the share that 1 stands for in `training_lists.first_names`; each step doubles it
MOSTLY_GIVEN, MOSTLY_FAMILY = 3.0, 0.12

Shares = dict[str, float]


def name_grades(given: Iterable[str], family: Iterable[str]) -> dict[int, int]:
    """Grade every word of the lists, by its hash; a name of several words counts with each of them."""
    given_shares, family_shares = shares()
    for names, found, least in ((given, given_shares, LISTED_GIVEN), (family, family_shares, LISTED_FAMILY)):
        for word in words_of(names):
            found[word] = max(least, found.get(word, 0.0))  # the census rounds the rarest to nothing
    return {
        features.word_key(word): grade_of(given_shares.get(word, 0.0), family_shares.get(word, 0.0))
        for word in sorted(given_shares.keys() | family_shares.keys())
    }


def grade_of(given: float, family: float) -> int:
    """Turn two shares into the grade that the look-ups keep."""
    ratio = given / family if family else MOSTLY_GIVEN + 1
    lean = 0 if ratio > MOSTLY_GIVEN else 2 if ratio < MOSTLY_FAMILY else 1
    return features.graded(_step(given, GIVEN_STEPS), _step(family, FAMILY_STEPS), lean)


def _step(share: float, steps: tuple[float, ...]) -> int:
    return sum(share > step for step in steps)


def shares() -> tuple[Shares, Shares]:
    """Return the share of each given and each family name, in per cent of all people where it is most usual."""
    given: Shares = {}
    family: Shares = {}
    for file in ("dist.male.first", "dist.female.first"):
        _take(given, census(file))
    _take(family, census("dist.all.last"))
    for locale in training_lists.ENGLISH:
        provider = training_lists.person_provider(locale)
        _take(given, _weighted(provider, "first_names_female"))
        _take(given, _weighted(provider, "first_names_male"))
        _take(family, _weighted(provider, "last_names"))
    for name, (english, anywhere) in training_lists.first_names().items():
        share = max(RAREST * 2**english if english else 0.0, min(RAREST * 2**anywhere, ABROAD))
        if english > 2 or not training_lists.is_hardly_given(name):
            _take(given, dict.fromkeys(words_of([name]), share))
    given = {n: s for n, s in given.items() if s > GIVEN_STEPS[1] or not training_lists.is_hardly_given(n)}
    _take(given, dict.fromkeys(short_forms(), LISTED_BY_FAKER))
    for people in training_lists.peoples():
        called = (n.lower() for n in people.given if not training_lists.is_hardly_given(n.lower()))
        _take(given, dict.fromkeys(words_of(called), LISTED_BY_FAKER))
        _take(family, dict.fromkeys(words_of(n.lower() for n in people.family), LISTED_BY_FAKER))
    return given, family


@lru_cache(maxsize=3)
def census(file: str) -> Shares:
    """Read one table of the census of 1990: name, share of the people in per cent, running sum and rank."""
    package = training_lists.package("names")
    text = (resources.files(package) / file).read_text(encoding="utf-8")
    return {fields[0].lower(): float(fields[1]) for fields in map(str.split, text.splitlines())}


def short_forms() -> list[str]:
    """Return the given names and short forms of the project's own list: nobody is only a word who is "Norm" or "Chip"."""
    lines = NICKNAMES_PATH.read_text(encoding="utf-8").splitlines()
    return [name for line in lines if not line.startswith("#") for name in features.fold(line).split() if len(name) > 1]


def _weighted(provider: Any, attribute: str) -> Shares:
    """Return shares from a list of Faker that has weights; one without says nothing."""
    names = getattr(provider, attribute, None)
    if not isinstance(names, Mapping) or len(set(names.values())) < 5:
        return {}
    total = sum(names.values())
    return {str(name).lower(): 100 * weight / total for name, weight in names.items()}


def _take(found: Shares, more: Mapping[str, float]) -> None:
    for name, share in more.items():
        found[name] = max(share, found.get(name, 0.0))


def words_of(names: Iterable[str]) -> Iterable[str]:
    """Split names of several words; what is too short to tell is left out."""
    parts = (part for name in names for part in features.fold(name).replace("-", " ").split())
    return (part for part in parts if len(part) > 1 or not part.isascii())


def usual_families() -> list[str]:
    """Return common family names that are hardly anybody's given name."""
    given, family = shares()
    return sorted(
        name
        for name, share in family.items()
        if share > FAMILY_STEPS[2]
        and given.get(name, 0.0) < MOSTLY_FAMILY * share
        and census("dist.all.last").get(name)
    )


def likely_people(given: str, family: str) -> float:
    """Return about how many in a million people carry a name: nobody knows "David Jones" for a firm only."""
    tables = [census("dist.male.first"), census("dist.female.first")]
    share = max(table.get(given, 0.0) for table in tables)
    return share / 100 * census("dist.all.last").get(family, 0.0) / 100 * 1e6
