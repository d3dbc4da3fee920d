"""What speaks for and against two records being the same: how their words pair up, and the numbers a model weighs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

from matching import reach, vocabulary
from matching.commonness import Commonness
from matching.profiles import Profile, Reading
from matching.wording import Alignment, How, WordPair, align, ends

VERSION = 4


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
    return _weighed(mine, theirs, _best_readings(mine, theirs, common), common)


def gather_unless_strangers(mine: Profile, theirs: Profile, common: Commonness) -> Evidence | None:
    """Compare two profiles, or return nothing where each name has a telling word of its own and nothing else is shared.

    Those are most of what shares a lookup key, and no score of theirs is near to being shown (`_other_word`).
    """
    read = _best_readings(mine, theirs, common)
    if _other_word(mine, theirs, read[2], common):
        return None
    return _weighed(mine, theirs, read, common)


def _weighed(mine: Profile, theirs: Profile, read: "Read", common: Commonness) -> Evidence:
    one, other, alignment, agreement = read
    numbers = (
        *_name_numbers(mine, theirs, one, other, alignment, agreement, common),
        *_entity_numbers(mine, theirs, one, other, alignment),
        *reach.email_numbers(mine, theirs, common),
        _spelled_apart(mine, theirs, alignment),
        _other_word(mine, theirs, alignment, common),
        _phone_alone(mine, theirs, agreement[0]),
        *reach.phone_and_place_numbers(mine, theirs, common),
        reach.whole_number(mine, theirs),
        reach.house_number(mine, theirs),
    )
    clients = common.of(f"e:{mine.email}"), common.of(f"p:{mine.phone}")
    return Evidence(mine, theirs, one, other, alignment, *clients, numbers)


Agreement = tuple[float, float, float, float]
Read = tuple[Reading, Reading, Alignment, Agreement]


def _best_readings(mine: Profile, theirs: Profile, common: Commonness) -> Read:
    """Choose how to read the two names so that they agree most, plain readings first."""
    best: Read | None = None
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
    if not alignment.pairs:
        return 0.0, 0.0, 0.0, 0.0
    shared = both = 0.0
    for pair in alignment.pairs:
        weight = _weight(pair, common)
        shared += weight
        both += weight * pair.likeness
    lone_mine = sum(map(common.rarity, alignment.alone_mine))
    lone_theirs = sum(map(common.rarity, alignment.alone_theirs))
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
    lone_mine = max(map(common.rarity, alignment.alone_mine), default=0.0)
    lone_theirs = max(map(common.rarity, alignment.alone_theirs), default=0.0)
    best_word, *counted = _pair_numbers(alignment.pairs, common)
    compact_one, compact_other = one.compact, other.compact
    return (
        share,
        max(in_mine, in_theirs),
        min(in_mine, in_theirs),
        weight,
        best_word,
        min(lone_mine, lone_theirs),
        max(lone_mine, lone_theirs),
        _most_alike(alignment.alone_mine, alignment.alone_theirs),
        float(min(len(alignment.alone_mine), len(alignment.alone_theirs))),
        float(max(len(alignment.alone_mine), len(alignment.alone_theirs))),
        *counted,
        *ends(one.words, other.words),
        JaroWinkler.similarity(compact_one, compact_other),
        fuzz.ratio(compact_one, compact_other) / 100,
        fuzz.token_sort_ratio(mine.text, theirs.text) / 100,
        _is_acronym(one.words, other.words),
        float(max(len(one.words), len(other.words)) == 1),
    )


def _most_alike(mine: Sequence[str], theirs: Sequence[str]) -> float:
    return max((JaroWinkler.similarity(one, other) for one in mine for other in theirs), default=0.0)


def _pair_numbers(pairs: Sequence[WordPair], common: Commonness) -> tuple[float, ...]:
    """Return the weight of the surest pair, how many pairs there are of each kind, the worst slip, how many begin otherwise."""
    counts = [0] * len(How)
    best, worst, otherwise = 0.0, 1.0, 0
    for pair in pairs:
        how = pair.how
        counts[how] += 1
        if how >= How.SOUND:
            best = max(best, _weight(pair, common))
        if how is How.TYPO:
            worst = min(worst, pair.likeness)
        if how is How.TYPO or how is How.SOUND:
            otherwise += _begins_otherwise(pair)
    return (
        best,
        float(counts[How.SAME] + counts[How.JOINED]),
        float(counts[How.INITIAL]),
        float(counts[How.TYPO] + counts[How.SHORTENED]),
        float(counts[How.NICKNAME] + counts[How.SOUND]),
        worst,
        float(otherwise),
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


def _spelled_apart(mine: Profile, theirs: Profile, alignment: Alignment) -> float:
    """Return 1 where each has an e-mail that spells what sets the names apart: then it is no slip but another name."""
    if not mine.mailbox or not theirs.mailbox or mine.email == theirs.email:
        return 0.0
    apart = [(p.mine, p.theirs) for p in alignment.pairs if p.how is How.TYPO or p.how is How.SOUND]
    apart += [(one, other) for one in alignment.alone_mine for other in alignment.alone_theirs]
    return float(
        any(
            len(one) > 1 and len(other) > 1 and one in mine.email and other in theirs.email
            and one not in theirs.email and other not in mine.email
            for one, other in apart
        )
    )  # fmt: skip


def _other_word(mine: Profile, theirs: Profile, alignment: Alignment, common: Commonness) -> float:
    """Return 1 where each name has a telling word of its own, nothing like the other's, or the names share nothing, and
    neither mailbox nor phone is shared, nor do name and address agree as a whole: those may be relatives."""
    if (mine.mailbox and mine.email == theirs.email) or (mine.phone and mine.phone == theirs.phone):
        return 0.0
    if not _have_other_words(alignment, common):
        return 0.0
    return float(reach.whole_number(mine, theirs) <= SAME_RECORD_FROM)


def _have_other_words(alignment: Alignment, common: Commonness) -> bool:
    if not alignment.pairs:
        return True
    one = [word for word in alignment.alone_mine if common.rarity(word) >= OTHER_WORD_FROM]
    other = [word for word in alignment.alone_theirs if common.rarity(word) >= OTHER_WORD_FROM] if one else one
    return bool(one and other) and _most_alike(one, other) < ALIKE_FROM


def _phone_alone(mine: Profile, theirs: Profile, share: float) -> float:
    """Return 1 where a shared phone is all: the names agree in next to nothing, and neither mailbox nor house is shared."""
    is_shared = bool(mine.phone) and mine.phone == theirs.phone
    if not is_shared or share >= NEXT_TO_NOTHING or (mine.mailbox and mine.email == theirs.email):
        return 0.0
    return float(reach.place_numbers(mine.places, theirs.places)[0] <= SAME_HOUSE_FROM)


# Set by hand, in log-odds: what sets two clients apart for good, and is too rare in the lists to be learned from them.
# (number, from, how much it takes away)
CONTRADICTIONS = (
    ("numbers_differ", 2.0, 5.0), ("trustee", 1.0, 5.0), ("generations_differ", 2.0, 5.0), ("spelled_apart", 1.0, 8.0),
    ("other_word", 1.0, 5.0), ("phone_alone", 1.0, 2.0),
)  # fmt: skip
OTHER_WORD_FROM, ALIKE_FROM = 0.4, 0.8
NEXT_TO_NOTHING, SAME_HOUSE_FROM, SAME_RECORD_FROM = 0.35, 0.7, 0.5  # shares of agreement

# What each number is, and which way it may move the score: +1 only up, -1 only down, 0 as it comes.
NAMES: dict[str, int] = {
    "share": 1, "in_one": 1, "in_other": 1, "weight": 1, "best_word": 1, "lone_both": -1, "lone_one": 0,
    "lone_alike": 0, "lone_min_count": -1, "lone_max_count": 0, "same_words": 1, "initials": -1, "typos": -1,
    "nicknames": -1, "worst_typo": 1, "begin_otherwise": -1, "first": 1, "last": 1, "jaro": 1, "compact": 1, "sorted": 1, "acronym": 1,
    "one_word": 0,
    "numbers_differ": -1, "numbers_same": 1, "generations_differ": -1, "legal_differs": -1, "legal_missing": 0,
    "joint_differs": -1, "organisation_differs": -1, "organisations": 0, "entity_words": -1, "trustee": -1,
    "owner": 0, "alias": 0,
    "emails": 0, "email_share": 1, "email_same": 1, "email_uses": -1, "email_role": 0, "own_domain": 1,
    "email_alike": 1, "mailbox_alike": 1, "domain_alike": 1, "names_other": 1, "names_both": 0, "names_one": 0,
    "spelled_apart": -1, "other_word": -1, "phone_alone": -1,
    "phone_same": 1, "phone_differs": -1, "phone_near": 1, "place_agrees": 1, "place_differs": -1, "place_size": 0,
    "whole": 1, "house": 1,
}  # fmt: skip
