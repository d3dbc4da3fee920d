"""What two records say about where their client is reached, as numbers a model weighs: mailbox, phone, address. Pure."""

import math
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from matching.commonness import Commonness
from matching.profiles import Profile

WHOLE_ADDRESS = 3  # words from which an address is more than a town


def email_numbers(mine: Profile, theirs: Profile, common: Commonness) -> tuple[float, ...]:
    names_other = max(_named_in(mine.mailbox, theirs), _named_in(theirs.mailbox, mine))
    if not mine.mailbox or not theirs.mailbox:
        return (0.0,) * 9 + (names_other, 0.0, 0.0)
    same = mine.email == theirs.email
    own_domain = bool(mine.domain) and mine.domain == theirs.domain and not mine.is_free_mail
    boxes = fuzz.ratio(mine.mailbox, theirs.mailbox) / 100
    if not same and (mine.is_role_mailbox or theirs.is_role_mailbox):
        boxes = min(boxes, 0.5)
    uses = math.log(common.of(f"e:{mine.email}")) if same else 0.0
    names_mine, names_theirs = (
        (_named_in(mine.mailbox, mine), _named_in(theirs.mailbox, theirs)) if same else (0.0, 0.0)
    )
    return (
        1.0,
        float(same) / (1 + uses),
        float(same),
        uses,
        float(same and mine.is_role_mailbox),
        1 / (1 + math.log(common.of(f"d:{mine.domain}"))) if own_domain else 0.0,
        fuzz.ratio(mine.email, theirs.email) / 100,
        boxes,
        fuzz.ratio(mine.domain.partition(".")[0], theirs.domain.partition(".")[0]) / 100,
        names_other,
        min(names_mine, names_theirs),
        abs(names_mine - names_theirs),
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


def _named_in(mailbox: str, profile: Profile) -> float:
    return max([_spelled(mailbox, reading.words) for reading in profile.readings]) if mailbox else 0.0


def phone_and_place_numbers(mine: Profile, theirs: Profile, common: Commonness) -> tuple[float, ...]:
    phones = bool(mine.phone and theirs.phone)
    same_phone = phones and mine.phone == theirs.phone
    uses = math.log(common.of(f"p:{mine.phone}")) if same_phone else 0.0
    near = phones and not same_phone and OSA.distance(mine.phone, theirs.phone, score_cutoff=1) <= 1
    return (
        float(same_phone) / (1 + uses),
        float(phones and not same_phone and not near),
        float(near),
        *place_numbers(mine.places, theirs.places),
    )


@lru_cache(maxsize=10_000)
def place_numbers(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[float, float, float]:
    """Return (agreement of two addresses, their disagreement, how much there is to compare).

    Words may stand in another order, or run together: "11 Willandra Village" is "11willandra vilage".
    """
    if not mine or not theirs:
        return 0.0, 0.0, 0.0
    alike = (
        max(fuzz.token_sort_ratio(" ".join(mine), " ".join(theirs)), fuzz.ratio("".join(mine), "".join(theirs))) / 100
    )
    shared = sum(len(word) for word in set(mine) & set(theirs))
    contained = shared / max(1, min(sum(map(len, set(mine))), sum(map(len, set(theirs)))))
    agree = max(alike, contained)
    return agree, 1 - agree, math.log(1 + min(len(mine), len(theirs)))


def whole_number(mine: Profile, theirs: Profile) -> float:
    """Return how alike name and address are as one text, 0 where either tells no whole address."""
    if min(len(mine.places), len(theirs.places)) < WHOLE_ADDRESS:
        return 0.0
    return fuzz.token_sort_ratio(" ".join((*mine.words, *mine.places)), " ".join((*theirs.words, *theirs.places))) / 100


def house_number(mine: Profile, theirs: Profile) -> float:
    """Return 1 where two whole addresses begin with the same number, -1 where they share none: next door lives somebody else.

    The last two words are left out, as that is where postcodes stand.
    """
    if min(len(mine.places), len(theirs.places)) < WHOLE_ADDRESS:
        return 0.0
    one, other = ([word for word in places[:-2] if word[0].isdigit()] for places in (mine.places, theirs.places))
    if not one or not other:
        return 0.0
    return 1.0 if one[0] == other[0] else 0.0 if {*one} & {*other} else -1.0
