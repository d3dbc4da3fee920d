"""Keys under which a record is filed, so that lookalikes meet without comparing everything with everything. Pure."""

import itertools

from matching import vocabulary
from matching.profiles import Profile

MANY = 30  # a key that more records share than this leads nowhere; rarer keys of the same record do


def keys(profile: Profile) -> list[str]:
    """Return the keys of a record: exact ones, words, sounds, and pairs of those. No order, no repeats."""
    found = {f"t:{profile.text}"}
    if profile.domain:
        found.add(f"e:{profile.email}")
        if not profile.is_free_mail:
            found.add(f"d:{profile.domain}")
        if not profile.is_role_mailbox:
            found.add(f"m:{profile.mailbox}")
    if profile.phone:
        found.add(f"p:{profile.phone}")
    for reading in profile.readings:
        found |= _word_keys(reading.words)
    found |= _place_keys(profile)
    return list(found)


def _word_keys(words: tuple[str, ...]) -> set[str]:
    long = [word for word in words if len(word) > 1]
    found = {f"w:{word}" for word in long}
    found |= {f"s:{vocabulary.skeleton(word)}" for word in long if len(word) > 3}
    found |= {f"h:{word[:4]}" for word in long if len(word) > 4}
    compact = "".join(sorted(words))
    found.add(f"c:{compact}")
    joined = "".join(words)
    found |= {f"x:{joined}", f"y:{vocabulary.skeleton(joined)}"}
    if len(words) > 1:
        found.add("f:" + "".join(sorted((words[0][:3], words[-1][:3]))))
        found |= {f"k:{vocabulary.skeleton(word)}{other[0]}" for word in long for other in words if other != word}
    if len(long) > 2:
        found.add(f"a:{''.join(word[0] for word in words)}")
    elif len(words) == 1 and 2 < len(words[0]) < 7:
        found.add(f"a:{words[0]}")
    return found


def _place_keys(profile: Profile) -> set[str]:
    """Rare address words, neighbouring ones, and address words with the first letters of the name."""
    places = profile.places
    found = {f"q:{one} {other}" for one, other in itertools.pairwise(places)}
    found |= {f"z:{word[:5]}" for word in places if len(word) > 4}
    initials = sorted({word[0] for word in profile.words})[:3]
    return found | {f"r:{word}{letter}" for word in places if len(word) > 3 or word.isdigit() for letter in initials}


def counted_keys(profile: Profile) -> set[str]:
    """Return the keys whose commonness the model weighs: words, mailbox, domain, phone."""
    found = {f"w:{word}" for reading in profile.readings for word in reading.words if len(word) > 1}
    if profile.domain:
        found |= {f"e:{profile.email}", f"d:{profile.domain}"}
    if profile.phone:
        found.add(f"p:{profile.phone}")
    return found
