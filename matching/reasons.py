"""Evidence in words: why two records may be the same, and what speaks against it. Pure."""

from matching import vocabulary
from matching.evidence import NAMES, Evidence
from matching.profiles import Profile
from matching.wording import How, WordPair

MOST = 6
_ALIKE, _PLACE, _HOUSE = (list(NAMES).index(name) for name in ("email_alike", "place_agrees", "house"))


def reasons(evidence: Evidence) -> tuple[str, ...]:
    """Return short phrases, the weightiest first, what speaks against it last."""
    found = [*_email(evidence), *_name(evidence), *_phone(evidence), *_place(evidence)]
    return tuple(dict.fromkeys([*found, *_against(evidence)]))[:MOST]


def _email(evidence: Evidence) -> list[str]:
    mine, theirs = evidence.mine, evidence.theirs
    if not mine.mailbox or not theirs.mailbox:
        return []
    if mine.email == theirs.email:
        clients = evidence.email_clients
        if clients <= 2:
            return ["same e-mail"]
        fits = any(pair.how > How.INITIAL for pair in evidence.alignment.pairs)
        return [f"e-mail shared by {clients} clients{'' if fits else ', no name fits'}"]
    if mine.domain == theirs.domain and not mine.is_free_mail:
        return ["e-mail at the same domain"]
    if mine.mailbox == theirs.mailbox and not mine.is_role_mailbox:
        return ["same mailbox at another provider"]
    if evidence.numbers[_ALIKE] > 0.85:
        return ["e-mails differ by a slip of the pen"]
    return []


def _name(evidence: Evidence) -> list[str]:
    alignment = evidence.alignment
    if evidence.mine.text == evidence.theirs.text:
        return ["same name"]
    found = _part(evidence)
    words = [phrase for pair in alignment.pairs if (phrase := _word(pair))]
    is_whole = not alignment.alone_mine and not alignment.alone_theirs
    if is_whole and not words and not found:
        return ["same name, written differently"]
    if is_whole and words:
        return [*found, *words]
    same = [_shown(pair.mine) for pair in alignment.pairs if pair.how is How.SAME]
    if same and not words and not found:
        found = [f"both names have {_and(same[:3])}"]
    return [*found, *words, *_alone(evidence)]


_PARTS = {
    "trading": "the trading name fits",
    "owner": "the owner’s name fits",
    "beneficiary": "the same but for the trustee (ATF)",
    "bracket": "the name in brackets fits",
    "known as": "first and last name fit",
}


_TRUST_AND_TRUSTEE = ({"trust", "trustee"}, {"trust", "trustees"})


def _part(evidence: Evidence) -> list[str]:
    parts = {evidence.reading_mine.part, evidence.reading_theirs.part}
    return [phrase for part, phrase in _PARTS.items() if part in parts]


def _word(pair: WordPair) -> str:
    mine, theirs = _shown(pair.mine), _shown(pair.theirs)
    if pair.how is How.NICKNAME:
        formal = vocabulary.formal_name(pair.mine, pair.theirs)
        if formal == pair.mine:
            return f"{theirs} is short for {mine}" if len(pair.theirs) < len(pair.mine) else f"{theirs} is a form of {mine}"  # fmt: skip
        if formal == pair.theirs:
            return f"{mine} is short for {theirs}" if len(pair.mine) < len(pair.theirs) else f"{mine} is a form of {theirs}"  # fmt: skip
        return f"{mine} and {theirs} are both forms of {_shown(formal)}"
    if pair.how is How.INITIAL:
        short, long = sorted((mine, theirs), key=len)
        return f"{short} may stand for {long}"
    if pair.how in (How.SOUND, How.TYPO):
        return f"{mine} and {theirs} are spelled alike"
    if pair.how is How.SHORTENED:
        if {pair.mine, pair.theirs} in _TRUST_AND_TRUSTEE:
            return "a trust and its trustee company are different clients"
        short, long = sorted((mine, theirs), key=len)
        return f"{short} may be short for {long}"
    return f"{mine} and {theirs} differ by a space" if pair.how is How.JOINED else ""


def _alone(evidence: Evidence) -> list[str]:
    mine, theirs = evidence.alignment.alone_mine, evidence.alignment.alone_theirs
    if mine and theirs:
        return [f"{_shown(' '.join(mine[:3]))} differs from {_shown(' '.join(theirs[:3]))}"]
    extra = mine or theirs
    return [f"only one name has {_shown(' '.join(extra[:3]))}"] if extra else []


def _phone(evidence: Evidence) -> list[str]:
    mine, theirs = evidence.mine.phone, evidence.theirs.phone
    if not mine or mine != theirs:
        return []
    clients = evidence.phone_clients
    return ["same phone"] if clients <= 2 else [f"phone shared by {clients} clients"]


def _place(evidence: Evidence) -> list[str]:
    size = min(len(evidence.mine.places), len(evidence.theirs.places))
    if size < 3 or evidence.numbers[_PLACE] <= 0.85:
        return []
    return ["next door or a similar address" if evidence.numbers[_HOUSE] < 0 else "same address"]


def _against(evidence: Evidence) -> list[str]:
    mine, theirs = evidence.mine, evidence.theirs
    found = []
    if "trustee" in (evidence.reading_mine.part, evidence.reading_theirs.part) and mine.is_trustee != theirs.is_trustee:
        found.append("the trust and its trustee company (ATF) are different")
    if mine.numbers and theirs.numbers and mine.numbers != theirs.numbers:
        found.append(f"numbers differ: {_and(sorted(mine.numbers - theirs.numbers) or sorted(mine.numbers))} and {_and(sorted(theirs.numbers - mine.numbers) or sorted(theirs.numbers))}")  # fmt: skip
    if mine.generation != theirs.generation and {mine.generation, theirs.generation} & {"junior", "senior"}:
        found.append("one is called junior or senior")
    if mine.is_joint != theirs.is_joint:
        found.append("one is a couple, the other is not")
    if mine.legal and theirs.legal and not mine.legal & theirs.legal:
        found.append("legal forms differ")
    if mine.phone and theirs.phone and mine.phone != theirs.phone:
        found.append("phones differ")
    return found


def couple(profile: Profile, others: list[Profile]) -> str:
    """Say which people of the other side a couple is made of ("Karbon has John Smith and Mary Smith"), or ""."""
    if not profile.is_joint or len(profile.words) < 2:
        return ""
    surname, givens = profile.words[-1], profile.words[:-1]
    named: dict[str, str] = {}
    for other in others:
        if other.is_joint or other.is_organisation or len(other.words) < 2 or other.words[-1] != surname:
            continue
        for given in givens:
            if given not in named and _stands_for(given, other.words[0]):
                named[given] = " ".join(other.record.name.split())
                break
    return _and([*named.values()]) if len(named) >= 2 else ""


def _stands_for(short: str, name: str) -> bool:
    return (
        name == short or (len(short) == 1 and name.startswith(short)) or vocabulary.are_forms_of_one_name(short, name)
    )


def _shown(word: str) -> str:
    return word.title()


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
