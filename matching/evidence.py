"""What speaks for and against two records being the same: how their words pair up, and the numbers a model weighs. Pure."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler

from matching import vocabulary
from matching.profiles import Profile, Reading

VERSION = 1


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


@dataclass(frozen=True, slots=True)
class WordPair:
    mine: str
    theirs: str
    how: How
    likeness: float


class Commonness:
    """How often words, mailboxes and phones occur in the two address books: what many share tells little.

    Keys are those of ``blocking``: "w:smith", "e:accounts@firm.example", "p:95550100", "d:firm.example".
    """

    def __init__(self, uses: Mapping[str, int], size: int) -> None:
        self._uses, self._size = uses, size + 10
        self._rarity: dict[str, float] = dict.fromkeys(vocabulary.PLACES, 0.15)

    def rarity(self, word: str) -> float:
        """Return about 1 for a word nobody else has, towards 0 for one that everybody has."""
        known = self._rarity.get(word)
        if known is None:
            rare = math.log(self._size / (self._uses.get(f"w:{word}", 1) + 1.0)) / math.log(self._size)
            known = self._rarity[word] = max(0.1, rare * (0.4 if len(word) == 1 else 1.0))
        return known

    def of(self, key: str) -> int:
        """Return how many records of the fuller book share this key, at least 1."""
        return max(1, self._uses.get(key, 1))


@lru_cache(maxsize=200_000)
def relate(mine: str, theirs: str) -> tuple[How, float]:
    """Say how two words are the same and how sure that is, from 0 to 1."""
    if mine == theirs:
        return How.SAME, 1.0
    short, long = (mine, theirs) if len(mine) <= len(theirs) else (theirs, mine)
    size = len(long)
    if len(short) == 1:
        return (How.INITIAL, 0.5) if long.startswith(short) and not short.isdigit() else (How.NOT, 0.0)
    if vocabulary.are_forms_of_one_name(mine, theirs):
        return How.NICKNAME, 0.9
    if mine.isdigit() or theirs.isdigit():
        return How.NOT, 0.0
    most = _slips_borne(mine, theirs, size)
    edits = OSA.distance(mine, theirs, score_cutoff=most)
    if size >= 4 and (edits <= most or mine[0] == theirs[0]) and vocabulary.sound(mine) == vocabulary.sound(theirs):
        return How.SOUND, max(0.85, 1 - edits / size)
    if edits <= most:
        return How.TYPO, 1 - edits / size
    if len(short) >= 4 and long.startswith(short):
        return How.SHORTENED, 0.7
    return How.NOT, 0.0


def _slips_borne(mine: str, theirs: str, size: int) -> int:
    """Return how many slips of the pen two words may lie apart: none in two letters, where Do and Vo are two families."""
    if size <= 3:
        return int(size == 3 and mine[0] == theirs[0])
    return 1 if size <= 5 else 2 if size <= 9 else 3


@dataclass(frozen=True, slots=True)
class Alignment:
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
    left_mine, left_theirs = dict(enumerate(mine)), dict(enumerate(theirs))
    pairs = []
    for likeness, _, i, j, how in ties:
        if i in left_mine and j in left_theirs:
            pairs.append(WordPair(left_mine.pop(i), left_theirs.pop(j), how, likeness))
    alone_mine, alone_theirs = list(left_mine.values()), list(left_theirs.values())
    if (alone_mine and len(theirs) > 1) or (alone_theirs and len(mine) > 1):
        pairs += _joined(alone_mine, alone_theirs, mine, theirs, pairs)
    return Alignment(tuple(pairs), tuple(alone_mine), tuple(alone_theirs))


def _ends(mine: Sequence[str], theirs: Sequence[str]) -> tuple[float, float]:
    """Return the likeness of the first words and of the last ones, names turned round allowed for."""
    if not mine or not theirs:
        return 0.0, 0.0
    crossed = min(relate(mine[0], theirs[-1])[1], relate(mine[-1], theirs[0])[1])
    return max(relate(mine[0], theirs[0])[1], crossed), max(relate(mine[-1], theirs[-1])[1], crossed)


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
            for first, second in itertools.pairwise(words):
                if first not in parts and second not in parts:
                    continue
                joined = first + second
                if word == joined or (len(word) > 5 and OSA.distance(word, joined, score_cutoff=1) <= 1):
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


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything found about a pair. ``numbers`` are what the model weighs, in the order of ``NAMES``."""

    mine: Profile
    theirs: Profile
    reading_mine: Reading
    reading_theirs: Reading
    alignment: Alignment
    email_clients: int  # how many have the mailbox of mine
    phone_clients: int
    numbers: tuple[float, ...]


def gather(mine: Profile, theirs: Profile, common: Commonness) -> Evidence:
    """Compare two profiles. ``common`` must know the words, mailboxes and phones of both."""
    one, other, alignment, agreement = _best_readings(mine, theirs, common)
    numbers = (
        *_name_numbers(mine, theirs, one, other, alignment, agreement, common),
        *_entity_numbers(mine, theirs, one, other, alignment),
        *_email_numbers(mine, theirs, common),
        _spelled_apart(mine, theirs, alignment),
        *_phone_and_place_numbers(mine, theirs, common),
    )
    clients = common.of(f"e:{mine.email}"), common.of(f"p:{mine.phone}")
    return Evidence(mine, theirs, one, other, alignment, *clients, numbers)


Agreement = tuple[float, float, float, float]


def _best_readings(mine: Profile, theirs: Profile, common: Commonness) -> tuple[Reading, Reading, Alignment, Agreement]:
    """Choose how to read the two names so that they agree most, plain readings first."""
    best: tuple[Reading, Reading, Alignment, Agreement] | None = None
    highest = -1.0
    for one in mine.readings:
        for other in theirs.readings:
            alignment = align(one.words, other.words)
            agreement = _agreement(alignment, common)
            value = agreement[0] - (0.01 if one.part else 0.0) - (0.01 if other.part else 0.0)
            if value > highest + 1e-9:
                highest, best = value, (one, other, alignment, agreement)
            if value == 1.0:
                break
    assert best is not None
    return best


def _agreement(alignment: Alignment, common: Commonness) -> Agreement:
    """Return (share of all weight that agrees, share of mine, share of theirs, weight that agrees); rare words weigh more."""
    shared = both = 0.0
    for pair in alignment.pairs:
        weight = _weight(pair, common)
        shared += weight
        both += weight * pair.likeness
    lone_mine = lone_theirs = 0.0
    for word in alignment.alone_mine:
        lone_mine += common.rarity(word)
    for word in alignment.alone_theirs:
        lone_theirs += common.rarity(word)
    if not both:
        return 0.0, 0.0, 0.0, 0.0
    return both / (shared + lone_mine + lone_theirs), both / (shared + lone_mine), both / (shared + lone_theirs), both


def _weight(pair: WordPair, common: Commonness) -> float:
    if pair.how is How.JOINED:
        return 1.0
    if pair.how is How.INITIAL:
        return 0.3
    return min(common.rarity(pair.mine), common.rarity(pair.theirs))


def _name_numbers(
    mine: Profile,
    theirs: Profile,
    one: Reading,
    other: Reading,
    alignment: Alignment,
    agreement: Agreement,
    common: Commonness,
) -> tuple[float, ...]:
    share, in_mine, in_theirs, weight = agreement
    lone_mine = max((common.rarity(word) for word in alignment.alone_mine), default=0.0)
    lone_theirs = max((common.rarity(word) for word in alignment.alone_theirs), default=0.0)
    lone_pairs = [JaroWinkler.similarity(a, b) for a in alignment.alone_mine for b in alignment.alone_theirs]
    counts = [0] * len(How)
    for pair in alignment.pairs:
        counts[pair.how] += 1
    compact_one, compact_other = one.compact, other.compact
    return (
        share,
        max(in_mine, in_theirs),
        min(in_mine, in_theirs),
        weight,
        max((_weight(pair, common) for pair in alignment.pairs if pair.how >= How.SOUND), default=0.0),
        min(lone_mine, lone_theirs),
        max(lone_mine, lone_theirs),
        max(lone_pairs, default=0.0),
        float(min(len(alignment.alone_mine), len(alignment.alone_theirs))),
        float(max(len(alignment.alone_mine), len(alignment.alone_theirs))),
        float(counts[How.SAME] + counts[How.JOINED]),
        float(counts[How.INITIAL]),
        float(counts[How.TYPO] + counts[How.SHORTENED]),
        float(counts[How.NICKNAME] + counts[How.SOUND]),
        min((pair.likeness for pair in alignment.pairs if pair.how is How.TYPO), default=1.0),
        float(sum(pair.how in (How.TYPO, How.SOUND) and _begins_otherwise(pair) for pair in alignment.pairs)),
        *_ends(one.words, other.words),
        JaroWinkler.similarity(compact_one, compact_other),
        fuzz.ratio(compact_one, compact_other) / 100,
        fuzz.token_sort_ratio(mine.text, theirs.text) / 100,
        _is_acronym(one.words, other.words),
        float(max(len(one.words), len(other.words)) == 1),
    )


def _begins_otherwise(pair: WordPair) -> bool:
    """Do two words begin with different letters that are not just swapped? Jing and Ling are two names."""
    return pair.mine[0] != pair.theirs[0] and pair.mine[:2] != pair.theirs[1::-1]


def _is_acronym(one: Sequence[str], other: Sequence[str]) -> float:
    short, long = sorted((one, other), key=len)
    if len(short) != 1 or len(long) < 3:
        return 0.0
    return float(short[0] == "".join(word[0] for word in long))


def _entity_numbers(
    mine: Profile, theirs: Profile, one: Reading, other: Reading, alignment: Alignment
) -> tuple[float, ...]:
    both_legal = bool(mine.legal and theirs.legal)
    entities = vocabulary.ENTITY_WORDS & {*alignment.alone_mine, *alignment.alone_theirs}
    only_numbers = mine.numbers ^ theirs.numbers
    conflicting = mine.numbers and theirs.numbers and mine.numbers != theirs.numbers
    parts = {one.part, other.part}
    return (
        2.0 if conflicting else 1.0 if only_numbers else 0.0,
        float(bool(mine.numbers and mine.numbers == theirs.numbers)),
        2.0 if mine.generation and theirs.generation and mine.generation != theirs.generation
        else float(mine.generation != theirs.generation),
        float(both_legal and not mine.legal & theirs.legal),
        float(bool(mine.legal) != bool(theirs.legal)),
        float(mine.is_joint != theirs.is_joint),
        float(mine.is_organisation != theirs.is_organisation),
        float(mine.is_organisation and theirs.is_organisation),
        float(len(entities)),
        float("trustee" in parts and mine.is_trustee != theirs.is_trustee),
        float("owner" in parts),
        float(bool(parts & {"trading", "beneficiary", "bracket", "known as"})),
    )  # fmt: skip


def _email_numbers(mine: Profile, theirs: Profile, common: Commonness) -> tuple[float, ...]:
    both = bool(mine.mailbox and theirs.mailbox)
    same = both and mine.email == theirs.email
    same_domain = both and bool(mine.domain) and mine.domain == theirs.domain
    own_domain = same_domain and not mine.is_free_mail
    likeness = fuzz.ratio(mine.email, theirs.email) / 100 if both else 0.0
    boxes = fuzz.ratio(mine.mailbox, theirs.mailbox) / 100 if both else 0.0
    if both and (mine.is_role_mailbox or theirs.is_role_mailbox) and not same:
        boxes = min(boxes, 0.5)
    domains = fuzz.ratio(mine.domain.partition(".")[0], theirs.domain.partition(".")[0]) / 100 if both else 0.0
    uses = math.log(common.of(f"e:{mine.email}")) if same else 0.0
    return (
        float(both),
        float(same) / (1 + uses),
        float(same),
        uses,
        float(same and mine.is_role_mailbox),
        float(own_domain) / (1 + math.log(common.of(f"d:{mine.domain}"))) if own_domain else 0.0,
        likeness,
        boxes,
        domains,
        max(_named_in(mine.mailbox, theirs), _named_in(theirs.mailbox, mine)),
        min(_named_in(mine.mailbox, mine), _named_in(theirs.mailbox, theirs)) if same else 0.0,
        abs(_named_in(mine.mailbox, mine) - _named_in(theirs.mailbox, theirs)) if same else 0.0,
    )


@lru_cache(maxsize=50_000)
def _spelled(mailbox: str, words: tuple[str, ...]) -> float:
    """Return which share of the words a mailbox spells out ("rob.smith" names Rob Smith); an initial counts a third."""
    if not mailbox or not words:
        return 0.0
    left, found = mailbox, 0.0
    for word in sorted(words, key=len, reverse=True):
        if len(word) > 2 and word in left:
            left = left.replace(word, " ", 1)
            found += 1
    rest = {piece for piece in left.replace(".", " ").replace("_", " ").split() if len(piece) == 1}
    found += sum(0.33 for word in words if word[:1] in rest and word not in mailbox)
    return min(1.0, found / min(2, len(words)))


def _spelled_apart(mine: Profile, theirs: Profile, alignment: Alignment) -> float:
    """Return 1 where each has an e-mail that spells what sets the names apart: then it is no slip but another name."""
    if not mine.mailbox or not theirs.mailbox or mine.email == theirs.email:
        return 0.0
    apart = [(p.mine, p.theirs) for p in alignment.pairs if p.how in (How.TYPO, How.SOUND)]
    apart += [(one, other) for one in alignment.alone_mine for other in alignment.alone_theirs]
    return float(
        any(
            len(one) > 1 and len(other) > 1 and one in mine.email and other in theirs.email
            and one not in theirs.email and other not in mine.email
            for one, other in apart
        )
    )  # fmt: skip


def _named_in(mailbox: str, profile: Profile) -> float:
    return max(_spelled(mailbox, reading.words) for reading in profile.readings)


def _phone_and_place_numbers(mine: Profile, theirs: Profile, common: Commonness) -> tuple[float, ...]:
    phones = bool(mine.phone and theirs.phone)
    same_phone = phones and mine.phone == theirs.phone
    uses = math.log(common.of(f"p:{mine.phone}")) if same_phone else 0.0
    near = phones and not same_phone and OSA.distance(mine.phone, theirs.phone, score_cutoff=1) <= 1
    return (
        float(same_phone) / (1 + uses),
        float(phones and not same_phone and not near),
        float(near),
        *_place_numbers(mine.places, theirs.places),
    )


def _place_numbers(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[float, float, float]:
    """Return (agreement of two addresses, their disagreement, how much there is to compare)."""
    if not mine or not theirs:
        return 0.0, 0.0, 0.0
    alike = fuzz.token_sort_ratio(" ".join(mine), " ".join(theirs)) / 100
    shared = sum(len(word) for word in set(mine) & set(theirs))
    contained = shared / max(1, min(sum(map(len, set(mine))), sum(map(len, set(theirs)))))
    agree = max(alike, contained)
    return agree, 1 - agree, math.log(1 + min(len(mine), len(theirs)))


# What each number is, and which way it may move the score: +1 only up, -1 only down, 0 as it comes.
NAMES: dict[str, int] = {
    "share": 1, "in_one": 1, "in_other": 1, "weight": 1, "best_word": 1, "lone_both": -1, "lone_one": 0,
    "lone_alike": 0, "lone_min_count": -1, "lone_max_count": 0, "same_words": 0, "initials": 0, "typos": 0,
    "nicknames": 0, "worst_typo": 1, "begin_otherwise": -1, "first": 1, "last": 1, "jaro": 1, "compact": 1, "sorted": 1, "acronym": 1,
    "one_word": 0,
    "numbers_differ": -1, "numbers_same": 1, "generations_differ": -1, "legal_differs": -1, "legal_missing": 0,
    "joint_differs": -1, "organisation_differs": -1, "organisations": 0, "entity_words": -1, "trustee": -1,
    "owner": 0, "alias": 0,
    "emails": 0, "email_share": 1, "email_same": 1, "email_uses": -1, "email_role": 0, "own_domain": 1,
    "email_alike": 1, "mailbox_alike": 1, "domain_alike": 1, "names_other": 1, "names_both": 0, "names_one": 0,
    "spelled_apart": -1,
    "phone_same": 1, "phone_differs": -1, "phone_near": 1, "place_agrees": 1, "place_differs": -1, "place_size": 0,
}  # fmt: skip
