"""How common a word, a mailbox or a phone is: what many share tells little. Pure."""

import math
from collections.abc import Mapping

from matching import vocabulary


class Commonness:
    """How often words, mailboxes and phones occur in the two address books: what many share tells little.

    Keys are those of ``blocking``: "w:smith", "e:accounts@firm.example", "p:95550100", "d:firm.example".
    """

    def __init__(self, uses: Mapping[str, int], size: int) -> None:
        self._uses = uses
        self.rarity = _Rarities(uses, size + 10).__getitem__

    def of(self, key: str) -> int:
        """Return how many records of the fuller book share this key, at least 1."""
        return max(1, self._uses.get(key, 1))


class _Rarities(dict[str, float]):
    """About 1 for a word nobody else has, towards 0 for one that everybody has; reckoned when first asked for."""

    def __init__(self, uses: Mapping[str, int], size: int) -> None:
        super().__init__(dict.fromkeys(vocabulary.PLACES, 0.15))
        self._uses, self._size = uses, size

    def __missing__(self, word: str) -> float:
        rare = math.log(self._size / (self._uses.get(f"w:{word}", 1) + 1.0)) / math.log(self._size)
        self[word] = known = max(0.1, min(rare, _most_of(word)))
        return known


def _most_of(word: str) -> float:
    """Return how rare a word may seem at most: a small book makes "trust" or "Robert" look like nobody else's."""
    if len(word) == 1 or word in vocabulary.ORGANISATION_WORDS or word in vocabulary.ENTITY_WORDS:
        return 0.4
    return 0.7 if vocabulary.is_given_name(word) else 1.0
