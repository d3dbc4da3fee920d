"""Single organisations and people that training learns by name; only training imports this.

Organisations come from the project's own `model/known_names.txt` and `lexicon.txt`, and from the index of well-known names
(name-suggestion-index) where its file is given. People come from the register of players in `nba_api`.
"""

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from matching import features, training_grades, training_lists
from matching.kind_figures import hard_names

KNOWN_PATH = Path(__file__).parent / "model" / "known_names.txt"
OPERATORS = 9_000
TOO_COMMON = 4.0  # in a million people; see `training_grades.likely_people`
LONGEST_OPENING = 4


def known_names() -> list[str]:
    """Return the project's own list."""
    lines = KNOWN_PATH.read_text(encoding="utf-8").splitlines()
    names = {n.strip() for line in lines if line[:1] not in ("#", "[") for n in line.split("|")}
    return sorted(names - {""})


def index_names(path: Path, seed: int) -> list[str]:
    """Return the brands of the index, and some of the operators (councils, schools, utilities), without the hard names."""
    tree = json.loads(path.read_text(encoding="utf-8"))["nsi"]
    brands, operators = ({*_names(tree, kind)} for kind in ("brands", "operators"))
    more = random.Random(seed).sample(sorted(operators - brands), min(OPERATORS, len(operators - brands)))
    hard = {_key(name) for name, _, _ in hard_names()}
    return [name for name in sorted(brands) + more if _key(name) not in hard]


def rows(index: Iterable[str]) -> list[str]:
    """Return the organisations to learn from, each once."""
    return list(dict.fromkeys((*known_names(), *index)))


def _names(tree: Mapping[str, Mapping[str, list[Mapping[str, str]]]], kind: str) -> Iterator[str]:
    for path, category in tree.items():
        if path.startswith(kind):
            yield from (item["displayName"] for item in category["items"])


def _key(name: str) -> str:
    return " ".join(features.brand_words(name, {})).replace("'", "")


@lru_cache(maxsize=1)
def players() -> tuple[str, ...]:
    """Return the full names of basketball players: people, most of them from the United States."""
    found = training_lists.package("nba_api.stats.static.players").get_players()
    return tuple(sorted({str(player["full_name"]) for player in found}))


def brand_keys(
    own: Iterable[str], index: Iterable[str], classes: Mapping[str, str], grades: Mapping[int, int]
) -> tuple[frozenset[int], frozenset[int]]:
    """Hash the names to look up whole, and those that may open a longer one; names that people carry are left out."""
    hard = {_key(name) for name, _, _ in hard_names()}
    own_words, more_words = (
        [
            words
            for words in (features.brand_words(name, classes) for name in names)
            if words and " ".join(words).replace("'", "") not in hard and not _is_a_persons(words, grades)
        ]
        for names in (own, index)
    )
    whole = frozenset(features.word_key(" ".join(words)) for words in own_words + more_words)
    openings = frozenset(
        features.word_key(" ".join(words))
        for words in own_words
        if len(words) <= LONGEST_OPENING and sum(len(word) > 1 for word in words) > 1
    )
    return whole, openings


def _is_a_persons(words: list[str], grades: Mapping[int, int]) -> bool:
    """Is this a name that people go by: a lone given or usual family name, or a pair that many carry?"""
    if len(words) == 1:
        grade = grades.get(features.word_key(words[0]), 0)
        return bool(features.given_grade(grade)) or features.family_grade(grade) >= features.OFTEN
    return len(words) == 2 and training_grades.likely_people(words[0], words[1]) > TOO_COMMON
