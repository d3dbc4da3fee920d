"""How the words of two names pair up: the same, spelled alike, a nickname, an initial, joined. Pure."""

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz.distance import OSA

from matching import vocabulary


class How(IntEnum):
    """How two words are the same, the surest last."""

    NOT = 0
    INITIAL = 1
    TYPO = 2
    SHORTENED = 3
    SOUND = 4
    NICKNAME = 5
    JOINED = 6
    SAME = 7


UNRELATED = (How.NOT, 0.0)


class WordPair(NamedTuple):
    mine: str
    theirs: str
    how: How
    likeness: float


@lru_cache(maxsize=200_000)
def relate(mine: str, theirs: str) -> tuple[How, float]:
    """Say how two words are the same and how sure that is, from 0 to 1."""
    if mine == theirs:
        return How.SAME, 1.0
    short, long = (mine, theirs) if len(mine) <= len(theirs) else (theirs, mine)
    size = len(long)
    if len(short) == 1:
        return (How.INITIAL, 0.5) if long.startswith(short) and not short.isdigit() else UNRELATED
    if vocabulary.are_forms_of_one_name(mine, theirs):
        return How.NICKNAME, 0.9
    most = _slips_borne(mine, theirs, size)
    edits = OSA.distance(mine, theirs, score_cutoff=most) if size - len(short) <= most else most + 1
    if (edits > most and mine[0] != theirs[0]) or mine.isdigit() or theirs.isdigit():
        return UNRELATED
    if size >= 4 and vocabulary.sound(mine) == vocabulary.sound(theirs):
        return How.SOUND, max(0.85, 1 - edits / size)
    if edits <= most:
        return How.TYPO, 1 - edits / size
    if len(short) >= 4 and long.startswith(short):
        return How.SHORTENED, 0.7
    return UNRELATED


def _slips_borne(mine: str, theirs: str, size: int) -> int:
    """Return how many slips of the pen two words may lie apart: none in two letters, where Do and Vo are two families."""
    if size <= 3:
        return int(size == 3 and mine[0] == theirs[0])
    return 1 if size <= 5 else 2 if size <= 9 else 3


class Alignment(NamedTuple):
    """How the words of two readings pair up, and what stays alone on either side."""

    pairs: tuple[WordPair, ...]
    alone_mine: tuple[str, ...]
    alone_theirs: tuple[str, ...]


def align(mine: Sequence[str], theirs: Sequence[str]) -> Alignment:
    """Pair each word with the word of the other side that it is most surely the same as, one to one."""
    ties = []
    for i, one in enumerate(mine):
        for j, other in enumerate(theirs):
            how, likeness = relate(one, other)
            if likeness:
                ties.append((likeness, -abs(i - j), i, j, how))
    if len(ties) > 1:
        ties.sort(reverse=True)
    left_mine, left_theirs = list(mine), list(theirs)
    pairs = []
    for likeness, _, i, j, how in ties:
        if left_mine[i] and left_theirs[j]:
            pairs.append(WordPair(mine[i], theirs[j], how, likeness))
            left_mine[i] = left_theirs[j] = ""
    alone_mine, alone_theirs = [word for word in left_mine if word], [word for word in left_theirs if word]
    if _may_be_joined(alone_mine, theirs) or _may_be_joined(alone_theirs, mine):
        pairs += _joined(alone_mine, alone_theirs, mine, theirs, pairs)
    return Alignment(tuple(pairs), tuple(alone_mine), tuple(alone_theirs))


def ends(mine: Sequence[str], theirs: Sequence[str]) -> tuple[float, float]:
    """Return the likeness of the first words and of the last ones, names turned round allowed for."""
    if not mine or not theirs:
        return 0.0, 0.0
    crossed = min(relate(mine[0], theirs[-1])[1], relate(mine[-1], theirs[0])[1])
    return max(relate(mine[0], theirs[0])[1], crossed), max(relate(mine[-1], theirs[-1])[1], crossed)


def _may_be_joined(alone: list[str], words: Sequence[str]) -> bool:
    """Is any of the words left alone long enough to be two of the other side's written together?"""
    return len(words) > 1 and any(len(word) + 1 >= _shortest_pair(words) for word in alone)


@lru_cache(maxsize=50_000)
def _shortest_pair(words: Sequence[str]) -> int:
    return min(len(first) + len(second) for first, second in pairwise(words))


def _joined(
    alone_mine: list[str], alone_theirs: list[str], mine: Sequence[str], theirs: Sequence[str], pairs: list[WordPair]
) -> list[WordPair]:
    """Pair words that only a space sets apart ("madisonmini", "madison mini"); takes them off the lists."""
    found = []
    for whole, parts, words, is_mine in (
        (alone_mine, alone_theirs, theirs, True),
        (alone_theirs, alone_mine, mine, False),
    ):
        for word in list(whole):
            size = len(word)
            for first, second in pairwise(words):
                if abs(len(first) + len(second) - size) > 1 or (first not in parts and second not in parts):
                    continue
                joined = first + second
                if word == joined or (size > 5 and OSA.distance(word, joined, score_cutoff=1) <= 1):
                    whole.remove(word)
                    for part in (first, second):
                        if part in parts:
                            parts.remove(part)
                        else:
                            pairs[:] = [p for p in pairs if part != (p.theirs if is_mine else p.mine)]
                    one, other = (word, f"{first} {second}") if is_mine else (f"{first} {second}", word)
                    found.append(WordPair(one, other, How.JOINED, 1.0 if word == joined else 0.9))
                    break
    return found
