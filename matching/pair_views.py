"""Ways to show two address books, for training: with less said, and with what real books have and the lists lack. Pure."""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from matching.profiles import Record
from matching.search import Id

Shown = tuple[list[Record], list[Record]]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_STREETS = ["Street", "Road", "Avenue", "Lane", "Drive", "Place", "Crescent", "Court", "Terrace", "Way", "Close"]
_SHORT = {"Street": "St", "Road": "Rd", "Avenue": "Ave", "Drive": "Dr", "Place": "Pl", "Court": "Ct", "Terrace": "Tce"}


def shown(
    mine: Sequence[Record], theirs: Sequence[Record], gold: Mapping[Id, Id], seed: int
) -> Iterator[tuple[str, float, Shown]]:
    """Yield (name, weight, the two books) per view, the plain one first; the same for the same seed."""
    views: list[tuple[str, float, Callable[[list[Record], list[Record], Mapping[Id, Id], random.Random], Shown]]] = [
        ("as exported", 2.0, _exported),
        ("with first and last names", 1.0, _whole),
        ("without e-mail", 0.4, _without_email),
        ("names only", 0.3, _names_only),
        ("shared mailboxes", 0.8, _shared_mailboxes),
        ("moved and renumbered", 0.5, _moved),
        ("with lookalikes that are others", 0.5, _decoys),
        ("whole addresses", 0.4, _addresses),
        ("addresses, no e-mail, many slips", 0.6, _addresses_only),
        ("families, neighbours, one house", 1.5, _neighbours),
    ]
    for number, (name, weight, show) in enumerate(views):
        yield name, weight, show(list(mine), list(theirs), gold, random.Random(seed + number))


def _each(books: Shown, change: Callable[[Record], Record]) -> Shown:
    return [change(record) for record in books[0]], [change(record) for record in books[1]]


def _whole(mine: list[Record], theirs: list[Record], gold: Mapping[Id, Id], dice: random.Random) -> Shown:
    return mine, theirs


def _exported(mine: list[Record], theirs: list[Record], gold: Mapping[Id, Id], dice: random.Random) -> Shown:
    return _each((mine, theirs), lambda record: replace(record, first_name="", last_name=""))


def _without_email(mine: list[Record], theirs: list[Record], gold: Mapping[Id, Id], dice: random.Random) -> Shown:
    books = _exported(mine, theirs, gold, dice)
    return _each(books, lambda record: replace(record, email="" if dice.random() < 0.7 else record.email))


def _names_only(mine: list[Record], theirs: list[Record], gold: Mapping[Id, Id], dice: random.Random) -> Shown:
    return _each((mine, theirs), lambda record: Record(record.id, record.name))


def _shared_mailboxes(mine: list[Record], theirs: list[Record], gold: Mapping[Id, Id], dice: random.Random) -> Shown:
    """A fifth of the clients has the mailbox of one of forty bookkeepers, on one side or on both."""
    books = _exported(mine, theirs, gold, dice)
    keepers = [f"{_word(dice, 4)}@{_word(dice, 9)}{end}.example" for end in ("books", "accounting", "tax", "") * 10]
    chosen = {id_: dice.choice(keepers) for id_ in [r.id for r in theirs] if dice.random() < 0.2}
    back = {one: chosen[other] for one, other in gold.items() if other in chosen and dice.random() < 0.75}
    back |= {record.id: dice.choice(keepers) for record in mine if record.id not in gold and dice.random() < 0.2}
    return (
        [replace(record, email=back.get(record.id, record.email)) for record in books[0]],
        [replace(record, email=chosen.get(record.id, record.email)) for record in books[1]],
    )


def _moved(mine: list[Record], theirs: list[Record], gold: Mapping[Id, Id], dice: random.Random) -> Shown:
    """People get new phones, move, and share a landline: an unequal phone is no proof."""
    books = _exported(mine, theirs, gold, dice)
    cities = sorted({record.address for record in theirs if record.address})

    def change(record: Record) -> Record:
        phone = f"0{dice.randrange(2 * 10**8, 10**9)}" if record.phone and dice.random() < 0.3 else record.phone
        address = dice.choice(cities) if record.address and cities and dice.random() < 0.2 else record.address
        return replace(record, phone=_formatted(phone, dice), address=address)

    return books[0], [change(record) for record in books[1]]


def _formatted(phone: str, dice: random.Random) -> str:
    if len(phone) < 8 or dice.random() < 0.4:
        return phone
    return dice.choice([f"+64 {phone[1:2]} {phone[2:5]} {phone[5:]}", f"({phone[:2]}) {phone[2:6]}-{phone[6:]}"])


def _decoys(mine: list[Record], theirs: list[Record], gold: Mapping[Id, Id], dice: random.Random) -> Shown:
    """Instead of most who have no counterpart: others who differ from somebody there by one word, number or role."""
    books = _exported(mine, theirs, gold, dice)
    pool = _words_by_place(books[1])
    partner = {other: one for one, other in gold.items()}
    models = iter(dice.sample(books[1], len(books[1])))
    renamed: dict[tuple[str, Id], str] = {}
    changed = []
    for record in books[0]:
        if record.id in gold or dice.random() < 0.25:
            changed.append(record)
            continue
        model = next(models)
        if dice.random() < 0.5:
            changed.append(replace(_decoy(model, pool, dice), id=f"{record.id}~"))
            continue
        name, again, other = _siblings(model.name, pool, dice)
        renamed["theirs", model.id] = name
        renamed["mine", partner.get(model.id, "")] = again
        is_family = dice.random() < 0.4
        changed.append(replace(model, id=f"{record.id}~", name=other, email=model.email if is_family else "", phone=model.phone if is_family else ""))  # fmt: skip
    return (
        [replace(record, name=renamed.get(("mine", record.id), record.name)) for record in changed],
        [replace(record, name=renamed.get(("theirs", record.id), record.name)) for record in books[1]],
    )


def _siblings(name: str, pool: Mapping[str, Sequence[str]], dice: random.Random) -> tuple[str, str, str]:
    """Return a name, the same written in another way, and that of a sister entity which is somebody else."""
    core = name.split(",")[0]
    one, other = dice.sample(_ROLES, 2)
    year, later = dice.sample(range(1, 30), 2)
    surname = dice.choice(pool["last"])
    kinds = [
        (f"{core} {one} Ltd", f"{core} {one} Limited", f"{core} {other} Ltd"),
        (f"{core} Trust {1995 + year}", f"The {core} Trust {1995 + year}", f"{core} Trust {1995 + later}"),
        (f"Unit {year} {core}", f"UNIT {year} {core}", f"Unit {later} {core}"),
        (f"{core} No {year}", f"{core} No. {year}", f"{core} No {later}"),
        (f"{core} Sr", f"{core} Sr.", f"{core} Jr"),
        (f"{core} Nominees Pty Ltd", f"{core} Nominees P/L", f"{core} Nominees Pty Ltd ATF {surname} Family Trust"),
        (f"{surname} Family Trust", f"{core} Nominees Pty Ltd ATF {surname} Family Trust", f"{core} Nominees Pty Ltd"),
        (f"{surname} {one}", f"{surname} {one} Limited", f"{surname} {other}"),
    ]  # fmt: skip
    return dice.choice(kinds)


_ROLES = (
    "Holdings", "Investments", "Properties", "Family Trust", "Services", "Consulting", "Farming", "Partnership",
    "Superannuation Fund", "Nominees", "Building", "Electrical", "Dental", "Transport", "Motors", "Plumbing",
)  # fmt: skip


def _words_by_place(records: Sequence[Record]) -> dict[str, list[str]]:
    """Words that begin names, end them, or stand between, each as often as it occurs; whole names with a common ending."""
    pool: dict[str, list[str]] = {"first": [], "middle": [], "last": [], "namesakes": []}
    for record in records:
        words = [word for word in record.name.replace(",", " ").split() if word.isalpha() and len(word) > 2]
        if len(words) > 1:
            pool["first"].append(words[0])
            pool["middle"] += words[1:-1]
            pool["last"].append(words[-1])
    often = Counter(pool["last"])
    pool["namesakes"] = [
        r.name for r in records if often[r.name.split()[-1]] >= 4 and r.name.replace(" ", "").isalpha()
    ]
    return pool


_FORMS = frozenset(["ltd", "limited", "inc", "incorporated", "pty", "llc", "the", "and", "trust", "family", "company"])


def _decoy(record: Record, pool: Mapping[str, Sequence[str]], dice: random.Random) -> Record:
    """Somebody else whose name shares all but one word with this one; mailbox and phone, where told, are their own."""
    words = record.name.split()
    places = [i for i, word in enumerate(words) if word.isalpha() and len(word) > 1 and word.casefold() not in _FORMS]
    if len(places) < 2:
        return replace(record, name=f"{dice.choice(pool['first'])} {dice.choice(pool['last'])}", email="", phone="")
    at = dice.choice(places)
    place = "first" if at == places[0] else "last" if at == places[-1] else "middle"
    others = pool[place] or pool["first"]
    new = _near(words[at], others, dice) if dice.random() < 0.4 else dice.choice(others)
    name = " ".join([*words[:at], new, *words[at + 1 :]])
    mailbox, _, domain = record.email.casefold().partition("@")
    old = words[at].casefold()
    email = f"{mailbox}@{domain}".replace(old, new.casefold()) if dice.random() < 0.7 else ""
    if email and email == record.email.casefold():
        email = f"{new.casefold()}.{mailbox[:5]}@{dice.choice(['gmail', 'live', 'xtra', _word(dice, 8)])}.example"
    phone = f"0{dice.randrange(2 * 10**8, 10**9)}" if dice.random() < 0.5 else ""
    return replace(record, name=name, email=email if domain else "", phone=phone, address=record.address if dice.random() < 0.1 else "")  # fmt: skip


def _near(word: str, others: Sequence[str], dice: random.Random) -> str:
    """Return another word that is spelled like this one, where a few looks find one."""
    looks = dice.sample(others, min(len(others), 400))
    same = [o for o in looks if o.casefold() != word.casefold() and abs(len(o) - len(word)) <= 1 and o[1:].casefold() == word[1:].casefold()]  # fmt: skip
    same = same or [o for o in looks if o.casefold() != word.casefold() and o[:2].casefold() == word[:2].casefold() and len(o) == len(word)]  # fmt: skip
    return dice.choice(same or looks)


def _addresses(mine: list[Record], theirs: list[Record], gold: Mapping[Id, Id], dice: random.Random) -> Shown:
    books = _exported(mine, theirs, gold, dice)
    return _with_addresses(books, gold, dice, slips=0.25)


def _addresses_only(mine: list[Record], theirs: list[Record], gold: Mapping[Id, Id], dice: random.Random) -> Shown:
    books = _each((mine, theirs), lambda record: Record(record.id, record.name))
    one, other = _with_addresses(books, gold, dice, slips=0.8, near=True)
    givens = [record.name.split()[0] for record in mine if len(record.name.split()) == 2]

    def change(record: Record) -> Record:
        return replace(record, name=_another_way(record.name, givens, dice))

    return one, [change(record) for record in other]


def _another_way(name: str, givens: Sequence[str], dice: random.Random) -> str:
    """A name as careless people write it: slips, a word lost, rarely another given name."""
    words = name.split()
    roll = dice.random()
    if roll < 0.08 and len(words) > 1:
        words.pop(dice.randrange(len(words)))
    elif roll < 0.1 and len(words) == 2:
        words[0] = dice.choice(givens)
    return " ".join(_slip(word, dice) if dice.random() < 0.35 else word for word in words)


def _with_addresses(
    books: Shown, gold: Mapping[Id, Id], dice: random.Random, slips: float, *, near: bool = False
) -> Shown:
    """Give each client an address; who shares a private mailbox or a phone lives in the same house.

    With ``near`` most who have no counterpart live with, next to, or by the name of somebody there.
    """
    words = sorted({w for r in books[1] for w in r.name.split() if w.isalpha() and len(w) > 4})
    houses: dict[str, str] = {}

    def house(record: Record, side: str) -> str:
        key = record.phone or record.email.casefold() or f"{side}{record.id}"
        if key not in houses:
            houses[key] = _address(words, dice)
        return houses[key]

    there = {record.id: house(record, "b") for record in books[1]}
    mine = [
        replace(record, address=_kept(there[gold[record.id]] if record.id in gold else house(record, "a"), dice))
        for record in books[0]
    ]
    if near:
        models = [replace(record, address=there[record.id]) for record in books[1]]
        mine = _among(mine, models, gold, dice)
    theirs = [replace(record, address=_slipped(_kept(there[record.id], dice), dice, slips)) for record in books[1]]
    return mine, theirs


def _neighbours(mine: list[Record], theirs: list[Record], gold: Mapping[Id, Id], dice: random.Random) -> Shown:
    """Few streets and towns, little else told; a few clients go by another given or family name over there."""
    books = _each(_exported(mine, theirs, gold, dice), lambda record: _with_little(record, dice))
    words = sorted({w for r in theirs for w in r.name.split() if w.isalpha() and len(w) > 4})
    words = dice.sample(words, min(60, len(words)))
    streets = [f"{dice.choice(words)} {dice.choice(_STREETS)}" for _ in range(80)]
    towns = [_town(words, dice) for _ in range(40)]

    def settled(record: Record) -> Record:
        return replace(record, address=f"{dice.randrange(1, 60)} {dice.choice(streets)} {dice.choice(towns)}")

    there = {record.id: settled(record) for record in books[1]}
    here = [
        replace(record, address=there[gold[record.id]].address) if record.id in gold else settled(record)
        for record in books[0]
    ]
    back, pool = set(gold.values()), _words_by_place(books[1])
    others = [_renamed(record, pool, dice) if record.id in back else record for record in there.values()]
    return (
        _among(here, list(there.values()), gold, dice),
        [replace(record, address=_slipped(_kept(record.address, dice), dice, slips=0.2)) for record in others],
    )


def _with_little(record: Record, dice: random.Random) -> Record:
    return replace(
        record, email="" if dice.random() < 0.6 else record.email, phone="" if dice.random() < 0.6 else record.phone
    )


def _among(
    mine: Sequence[Record], models: Sequence[Record], gold: Mapping[Id, Id], dice: random.Random
) -> list[Record]:
    """Let those who have no counterpart live with, next to, or by the name of somebody there, as most towns have it."""
    pool, model = _words_by_place(models), itertools.cycle(dice.sample(models, len(models)))
    return [record if record.id in gold else _nearby(record, next(model), pool, dice) for record in mine]


def _nearby(record: Record, model: Record, pool: Mapping[str, Sequence[str]], dice: random.Random) -> Record:
    """Somebody else: a namesake elsewhere, a stranger or a relative under the same roof or next door."""
    number, _, street = model.address.partition(" ")
    next_door = f"{int(number) + dice.choice((-2, 2, 4, 10))} {street}"
    roll = dice.random()
    if roll < 0.05:
        return record
    if roll < 0.25:
        return replace(record, name=dice.choice(pool["namesakes"] or [model.name]), email="", phone="")
    if roll < 0.35:
        return replace(record, address=model.address)
    if roll < 0.45:
        return replace(record, address=next_door)
    return replace(_decoy(model, pool, dice), id=record.id, address=model.address if roll < 0.85 else next_door)


def _renamed(record: Record, pool: Mapping[str, Sequence[str]], dice: random.Random) -> Record:
    words = record.name.split()
    if len(words) != 2 or dice.random() > 0.03:
        return record
    at = dice.randrange(2)
    words[at] = dice.choice(pool["last" if at else "first"])
    return replace(record, name=" ".join(words))


def _kept(address: str, dice: random.Random) -> str:
    return "" if dice.random() < 0.1 else address


def _address(words: Sequence[str], dice: random.Random) -> str:
    street = f"{dice.randrange(1, 250)} {dice.choice(words)} {dice.choice(_STREETS)}"
    house = f"{dice.choice(words)} {dice.choice(words)} " if dice.random() < 0.3 else ""
    return f"{street} {house}{_town(words, dice)}"


def _town(words: Sequence[str], dice: random.Random) -> str:
    return f"{dice.choice(words)} {dice.randrange(1000, 9999)} {dice.choice(['nsw', 'vic', 'qld', 'wa'])}"


def _slipped(address: str, dice: random.Random, slips: float) -> str:
    parts = []
    for word in address.split():
        if dice.random() < slips * 0.05:
            continue
        word = _SHORT.get(word, word) if dice.random() < 0.3 else word
        parts.append(_slip(word, dice) if dice.random() < slips * 0.35 else word)
    return ("".join if dice.random() < slips * 0.05 else " ".join)(parts)


def _slip(word: str, dice: random.Random) -> str:
    """One slip of the pen: a letter lost, doubled, swapped or wrong."""
    if len(word) < 3:
        return word
    at = dice.randrange(len(word) - 1)
    return dice.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + dice.choice(_LETTERS) + word[at + 1 :],
        )
    )


def _word(dice: random.Random, size: int) -> str:
    return "".join(dice.choice("bcdfglmnprst" if i % 2 else "aeiou") for i in range(size))
