"""Made-up names of many peoples, scripts and walks of life, composed from the lists of `matching.training_lists`.

`matching.training_names` composes what an English ledger holds; this module widens it: the same patterns with the names of
some eighty countries, firms in other languages and scripts, firms named with everyday words, places, addresses and roles.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from matching import training_grades, training_lists
from matching.training_lists import FAMILY_FIRST, UNSPACED, People
from matching.training_tables import (
    ALPHABET,
    ASIANS,
    BITS,
    CARERS,
    FIRMS,
    HOUSES,
    LANDS,
    LEDGER,
    LEDGER_ENDS,
    LEGAL,
    LETTERS,
    MAIL,
    MAKES,
    NAMED,
    NOTES,
    OFFICES,
    PLACED,
    ROLE_MAIL,
    ROLES,
    SPEECH,
    STREETS,
    TITLES,
    TRUST_ENDS,
    UNITS,
    WORLD_LEGAL,
)

COUNT = 28_000
COMPANIES_EACH = 60
LATIN_SHARE, ASIAN_SHARE = 0.74, 0.12
EVERYDAY, SELDOM = 12_000, 14_000
LONGER_LIST = 0.25


@dataclass(frozen=True, slots=True)
class World:
    """What names are composed of."""

    rng: random.Random
    latin: Sequence[People]
    first_names: Sequence[str]
    surnames: Sequence[str]
    word_givens: Sequence[str]
    usual_families: Sequence[str]
    others: Sequence[People]
    everyday: Sequence[str]
    plain: Sequence[str]
    seldom: Sequence[str]
    places: Sequence[str]
    trades: Sequence[str]
    word_surnames: Sequence[str]
    rare_word_surnames: Sequence[str]
    given_names: frozenset[str]

    def pick(self, options: Sequence[str]) -> str:
        return self.rng.choice(options)

    def people(self) -> People:
        return self.rng.choice(self.latin)

    def given(self, of: People | None = None) -> str:
        """A given name of one country, or one of a longer list of all."""
        if self.rng.random() < LONGER_LIST:
            return self.pick(self.first_names).title()
        return self.pick((of or self.people()).given)

    def family(self, of: People | None = None) -> str:
        if self.rng.random() < LONGER_LIST:
            return self.pick(self.surnames).title()
        return self.pick((of or self.people()).family)

    def word_given(self) -> str:
        """A given name that is a word too: "Heath", "Hunter", "Grace"."""
        return self.pick(self.word_givens).title()

    def word_surname(self) -> str:
        """A family name that is a word too, mostly a usual one."""
        return self.pick(self.word_surnames if self.rng.random() < 0.7 else self.rare_word_surnames).title()

    def only_family(self) -> str:
        """A family name that nobody is known to be called by."""
        return next((n for n in (self.family() for _ in range(9)) if n.lower() not in self.given_names), "Fitzgibbon")

    def usual_family(self) -> str:
        """A common family name that hardly anybody is called by: "Abbott", "Dawson"."""
        return self.pick(self.usual_families).title()

    def initials(self) -> str:
        letters = [self.pick(LETTERS) for _ in range(self.rng.choice((1, 1, 2)))]
        return self.pick((" ".join(letters), "".join(letters), "".join(f"{c}." for c in letters)))

    def pair(self) -> str:
        """Two initials, vowels too."""
        return self.pick(ALPHABET) + self.pick(ALPHABET)

    def word(self) -> str:
        """An everyday word, common ones more often."""
        return self.everyday[int(len(self.everyday) * self.rng.random() ** 1.7)].title()

    def plain_word(self) -> str:
        """An everyday word that is no name."""
        return self.plain[int(len(self.plain) * self.rng.random() ** 1.7)].title()

    def seldom_word(self) -> str:
        """A word that is nobody's name on any list, and few use: "Mike Grouch"."""
        return self.pick(self.seldom).title()

    def place(self) -> str:
        return self.pick(self.places)

    def trade(self) -> str:
        return self.pick(self.trades).title()

    def sign(self) -> str:
        return self.pick(("&", "&", "and", "+"))

    def coined(self) -> str:
        return (self.pick(BITS) + self.pick((*BITS, self.plain_word().lower()))).title()

    def full(self) -> str:
        of = self.people()
        return f"{self.given(of)} {self.family(of)}"


Template = Callable[[World], str]
Local = Callable[[World, People], str]

_LATIN_PEOPLE: tuple[tuple[int, Local], ...] = (
    (12, lambda w, p: f"{w.given(p)} {w.family(p)}"),
    (4, lambda w, p: f"{w.family(p)}, {w.given(p)}"),
    (3, lambda w, p: f"{w.family(p)} {w.given(p)}"),
    (3, lambda w, p: f"{w.initials()} {w.family(p)}"),
    (1, lambda w, p: f"{w.family(p)} {w.initials()}"),
    (1, lambda w, p: f"{w.family(p)}, {w.initials()}"),
    (3, lambda w, p: f"{w.given(p)} {w.given(p)} {w.family(p)}"),
    (2, lambda w, p: f"{w.given(p)} {w.family(p)} {w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)} {w.family(p)}-{w.family()}"),
    (1, lambda w, p: f"{w.given(p)} {w.pick(LETTERS)}. {w.family(p)}"),
    (3, lambda w, p: w.given(p)),
    (1, lambda w, p: f"{w.given(p)} {w.sign()} {w.given(p)}"),
    (2, lambda w, p: f"{w.given(p)} {w.sign()} {w.given(p)} {w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)} {w.family(p)} {w.sign()} {w.given(p)} {w.family(p)}"),
    (1, lambda w, p: f"{w.initials()} {w.sign()} {w.initials()} {w.family(p)}"),
    (1, lambda w, p: f"{w.family(p)}, {w.given(p)} {w.sign()} {w.given(p)}"),
    (1, lambda w, p: f"{w.pick(TITLES)} {w.given(p)} {w.family(p)}"),
    (1, lambda w, p: f"{w.pick(TITLES)} {w.pick((w.initials() + ' ', ''))}{w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)} {w.family(p)} ({w.pick((*CARERS, w.given(p)))})"),
    (1, lambda w, p: f'{w.given(p)} "{w.given(p)}" {w.family(p)}'),
    (1, lambda w, p: f"{w.given(p)} {w.family(p)} {w.pick(NOTES)}"),
    (1, lambda w, p: f"{w.pair()} {w.sign()} {w.pair()} {w.family(p)}"),
    (1, lambda w, p: f"{w.pair()} {w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)} {w.family(p)} {w.pick(('nee', 'née', 'formerly', 'aka'))} {w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)} {w.pick(LETTERS)}"),
    (4, lambda w, p: f"{w.given(p)} {w.word_surname()}"),
    (1, lambda w, p: f"{w.given(p)} {w.place()}"),
    (2, lambda w, p: f"{w.given(p)} {w.seldom_word()}"),
    (2, lambda w, p: f"{w.word_given()} {w.word_surname()}"),
    (1, lambda w, p: f"{w.given(p)} {w.pick(('bin', 'ibn', 'bint', 'al', 'Al', 'el', 'Abu', 'ben', 'de', 'van', 'von', 'da', 'Te'))} {w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)}{w.pick('._')}{w.family(p)}".lower()),
    (1, lambda w, p: f"{w.given(p)}{w.pick(('.', '_', ''))}{w.family(p)}@{w.pick(MAIL)}".lower()),
    (1, lambda w, p: f"{w.pick(('Big', 'Uncle', 'Aunty', 'Nana', 'Wee', 'Old', 'Aunt', 'Young'))} {w.given(p)} {w.family(p)}"),
    (1, lambda w, p: f"{w.pick(('Uncle', 'Aunty', 'Nana', 'Granny', 'Pop', 'Sister', 'Brother', 'Cousin'))} {w.given(p)}"),
)  # fmt: skip

_FIRMS_OF_PEOPLE: tuple[tuple[int, Template], ...] = (
    (6, lambda w: f"{w.family()} {w.sign()} {w.family()}"),
    (2, lambda w: f"{w.family()}, {w.family()} {w.sign()} {w.family()}"),
    (5, lambda w: f"{w.only_family()} {w.only_family()}"),
    (1, lambda w: f"{w.usual_family()} {w.usual_family()}"),
    (1, lambda w: f"{w.only_family()}-{w.only_family()}"),
    (2, lambda w: f"{w.family()} {w.sign()} {w.pick(('Sons', 'Son', 'Co', 'Associates', 'Partners', 'Daughters'))}"),
    (4, lambda w: f"{w.full()} {w.trade()}"),
    (5, lambda w: f"{w.given()} {w.trade()}"),
    (3, lambda w: f"{w.family()} {w.trade()}"),
    (1, lambda w: f"{w.initials()} {w.family()} {w.trade()}"),
    (1, lambda w: f"{w.initials()} {w.sign()} {w.initials()} {w.trade()}"),
    (2, lambda w: f"{w.given()}'s {w.pick((w.trade(), w.plain_word()))}"),
    (1, lambda w: f"{w.given()}'s"),
    (1, lambda w: f"{w.given()} the {w.trade()}"),
    (2, lambda w: f"{w.full()} {w.pick(('t/a', 'T/A', 'trading as', 'dba', 'ta', 'T/as'))} {w.word()} {w.trade()}"),
    (1, lambda w: f"{w.full()} ({w.word()} {w.trade()})"),
    (1, lambda w: f"{w.full()} {w.pick(('c/-', 'c/o', 'C/-'))} {w.family()} {w.trade()}"),
    (2, lambda w: f"{w.full()} {w.pick(LEGAL)}"),
    (2, lambda w: f"{w.family()}{w.pick((', ', ' '))}{w.pick(WORLD_LEGAL)}"),
    (2, lambda w: f"{w.pick((w.family(), w.full(), w.given()))} {w.pick(LANDS)}"),
    (3, lambda w: f"{w.pick((w.family(), w.given(), w.only_family()))} {w.pick(HOUSES)}"),
    (2, lambda w: f"{w.pick(('', 'The '))}{w.pick((w.family(), w.full(), w.initials() + ' ' + w.family()))} {w.pick(TRUST_ENDS)}"),
    (1, lambda w: f"{w.family()} {w.pick(LEGAL)} {w.pick(('ATF', 'atf', 'as trustee for'))} {w.pick(('', 'the '))}{w.family()} {w.pick(TRUST_ENDS)}"),
    (1, lambda w: f"{w.full()} {w.pick(('ATF', 'as trustee for', 'ITF'))} {w.pick(('', 'the '))}{w.family()} {w.pick(TRUST_ENDS)}"),
    (1, lambda w: f"{w.pick(('Trustees of', 'The Trustee for', 'The Trustees of', 'Executors of', 'Executor Est', 'Est', 'Estate of the Late', 'Deceased Estate'))} {w.full()}"),
    (1, lambda w: f"{w.initials()} {w.sign()} {w.initials()} {w.family()} {w.pick(('Partnership', 'Trust', 'Family Trust'))}"),
    (3, lambda w: f"{w.full()} {w.pick(NAMED)}"),
    (1, lambda w: f"{w.pick(('St', 'Saint', 'St.'))} {w.given()}{w.pick((chr(39) + 's', ''))}{w.pick(('', ' ' + w.pick(PLACED)))}"),
    (1, lambda w: f"{w.pick(ROLE_MAIL)}@{w.coined()}.com".lower()),
    (1, lambda w: f"{w.given()} {w.sign()} {w.given()} {w.trade()}"),
)  # fmt: skip

_FIRMS_OF_WORDS: tuple[tuple[int, Template], ...] = (
    (12, lambda w: f"{w.word()} {w.word()}"),
    (4, lambda w: f"{w.plain_word()} {w.plain_word()}"),
    (3, lambda w: f"The {w.word()} {w.pick((w.word(), w.trade()))}"),
    (2, lambda w: f"{w.word()} {w.sign()} {w.word()}"),
    (1, lambda w: f"{w.word()} {w.word()} {w.word()}"),
    (3, lambda w: w.plain_word()),
    (2, lambda w: w.plain_word() + w.plain_word().lower()),
    (4, lambda w: w.coined()),
    (4, lambda w: f"{w.word()} {w.trade()}"),
    (2, lambda w: f"{w.coined()} {w.pick((w.trade(), *LEGAL))}"),
    (4, lambda w: f"{w.place()} {w.pick(PLACED)}"),
    (2, lambda w: f"{w.place()} {w.word()}"),
    (2, lambda w: f"{w.word()} {w.place()}"),
    (1, lambda w: w.place()),
    (1, lambda w: f"{w.place()} {w.place()} {w.trade()}"),
    (5, lambda w: f"{w.pick((w.place(), w.plain_word(), w.word()))} {w.pick(HOUSES)}"),
    (2, lambda w: f"{w.pick((w.coined(), w.word(), w.plain_word()))}{w.pick((', ', ' '))}{w.pick(WORLD_LEGAL)}"),
    (1, lambda w: f"{w.pick(('OOO', 'AO', 'PT', 'JSC', 'PAO', 'ZAO', 'CV', 'UD', 'OAO'))} {w.pick((w.coined(), w.place()))}"),
    (3, lambda w: f"{w.pick((w.coined(), w.word(), w.plain_word()))} {w.pick(LANDS)}"),
    (2, lambda w: f"{w.place()} {w.pick(MAKES)}"),
    (2, lambda w: f"{w.pick((w.word(), w.coined(), w.plain_word()))} ({w.place()})"),
    (1, lambda w: f"{w.pick(('Mt', 'First', 'Christ', 'New', 'Grace', 'Holy', 'Our Lady of', 'Iglesia', 'Zion', 'Emmanuel'))} {w.pick((w.place(), w.word()))} {w.pick(('Church', 'Christian Church', 'Chapel', 'AME Church', 'Mission', 'Parish'))}"),
    (2, lambda w: f"{w.pick(OFFICES)} {w.pick((w.place(), w.word(), w.trade()))}"),
    (4, lambda w: f"{w.pick(ROLES)} {w.plain_word()}"),
    (2, lambda w: f"{w.pick(ROLES)} {w.given()}'s {w.pick((w.trade(), w.plain_word()))}"),
    (1, lambda w: f"{w.pick(ROLES)} {w.pick((w.given(), w.word()))} {w.pick(NAMED)}"),
    (4, lambda w: f"{w.given()} {w.plain_word()}"),
    (2, lambda w: f"{w.pick(UNITS)}{w.rng.randint(1, 400)} {w.pick((w.word(), w.family(), w.place()))} {w.pick(STREETS)}"),
    (1, lambda w: f"{w.rng.randint(1, 3000)} {w.pick(('', 'N ', 'W. ', 'S. ', 'E '))}{w.pick((w.family(), w.place()))}"),
    (2, lambda w: f"{w.pick(LEDGER)} {w.pick(LEDGER_ENDS)}"),
    (1, lambda w: w.pick(LEDGER)),
    (1, lambda w: f"{w.pick(('Body Corporate', 'Strata Plan', 'Owners Corporation', 'BC', 'SP', 'Lot', 'Invoice', 'Site'))} {w.rng.randint(100, 99999)}"),
    (2, lambda w: "".join(w.pick(LETTERS) for _ in range(w.rng.choice((2, 3, 3, 4))))),
    (1, lambda w: f"{w.pick(LETTERS)}{w.pick((' & ', '&', ' and '))}{w.pick(LETTERS)}"),
    (1, lambda w: f"{' '.join(w.pick(LETTERS) for _ in range(w.rng.choice((2, 3))))} {w.pick((w.trade(), w.word()))}"),
    (1, lambda w: f"{w.pick(LETTERS)}{w.rng.randint(1, 9)} {w.trade()}"),
    (1, lambda w: f"{w.word()}.{w.pick(('com', 'co.nz', 'com.au', 'net', 'co.uk', 'org', 'io'))}"),
    (1, lambda w: f"{w.place()} {w.sign()} {w.place()} {w.pick(PLACED)}"),
)  # fmt: skip


def world_names(
    trades: Sequence[str], word_surnames: Sequence[str], given: frozenset[str], surnames: frozenset[str], seed: int
) -> Iterator[tuple[str, bool]]:
    """Yield names and whether each is a person, the same for the same seed and packages."""
    rng = random.Random(seed)
    everyday = training_lists.words()[:EVERYDAY]
    all_peoples = training_lists.peoples()
    latin = [p for p in all_peoples if "a" <= p.family[len(p.family) // 2][1:2].lower() <= "ſ"]
    first_names = sorted(n for n in training_lists.first_names() if not training_lists.is_hardly_given(n))
    world = World(
        rng=rng,
        latin=[replace(p, given=[n for n in p.given if not training_lists.is_hardly_given(n.lower())]) for p in latin],
        first_names=first_names or sorted(given),
        surnames=sorted(surnames),
        word_givens=[w for w in everyday if w in given] or sorted(given),
        usual_families=training_grades.usual_families() or sorted(surnames),
        others=[p for p in all_peoples if p not in latin],
        everyday=everyday,
        plain=[w for w in everyday if w not in surnames and w not in given],
        seldom=[w for w in training_lists.words()[SELDOM:] if len(w) < 9] or everyday,
        places=training_lists.places(),
        trades=trades,
        word_surnames=word_surnames,
        rare_word_surnames=[w for w in everyday if w in surnames] or word_surnames,
        given_names=given | {n.lower() for p in latin for n in p.given},
    )
    for _ in range(COUNT * 3 // 4):
        chance = rng.random()
        if chance < LATIN_SHARE:
            yield _cased(_latin_person(world), rng), True
        elif chance < LATIN_SHARE + ASIAN_SHARE:
            yield _cased(_asian_person(world), rng), True
        else:
            yield _other_person(world), True
    for _ in range(COUNT * 3 // 8):
        templates = _FIRMS_OF_PEOPLE if rng.random() < 0.42 else _FIRMS_OF_WORDS
        yield _cased(_chosen(templates, rng)(world), rng), False
    for _ in range(COUNT * 3 // 7):
        yield _cased(_chosen(_FIRMS_OF_WORDS, rng)(world), rng), False
    for _ in range(COUNT // 8):
        yield _foreign_firm(world), False
    for locale in training_lists.company_locales():
        for firm in training_lists.companies(locale, COMPANIES_EACH, seed):
            if " " in firm or not firm.isascii():
                yield _cased(firm, rng), False


def _chosen(templates: Sequence[tuple[int, Callable[..., str]]], rng: random.Random) -> Callable[..., str]:
    return rng.choices([t for _, t in templates], weights=[share for share, _ in templates])[0]


def _cased(name: str, rng: random.Random) -> str:
    """Some registers shout, some people never press Shift."""
    chance = rng.random()
    return name.upper() if chance < 0.15 else name.lower() if chance < 0.22 else name


def _latin_person(world: World) -> str:
    people = world.people()
    if people.locale in FAMILY_FIRST and world.rng.random() < 0.5:
        return f"{world.family(people)} {world.given(people)}"
    return str(_chosen(_LATIN_PEOPLE, world.rng)(world, people))


def _asian_person(world: World) -> str:
    """A Chinese, Korean or Vietnamese person in Latin letters, with one or two syllables as given name."""
    rng = world.rng
    speech, families, syllables = rng.choice(ASIANS)
    family, first, second = rng.choice(families), rng.choice(syllables), rng.choice(syllables)
    joined = f"{first}{second}".title()
    spaced = f"{first} {second}".title()
    given = rng.choice(
        (joined, f"{first}-{second}".title(), spaced, first.title(), joined if speech == "zh" else spaced)
    )
    western = world.given() + " " if rng.random() < 0.15 else ""
    shapes = (
        f"{family} {given}",
        f"{given} {family}",
        f"{family}, {given}",
        f"{western}{given} {family}",
        f"{given[0]} {family}",
    )
    if speech == "vi":
        middle = rng.choice(("Thi", "Van", "Thi", "Quoc", "Minh", "Ngoc"))
        shapes = (
            f"{family} {middle} {given}",
            f"{family} {spaced}",
            f"{given} {family}",
            f"{given} {middle} {family}",
            f"{first} {family}".title(),
        )
    return rng.choices(shapes, weights=(4, 4, 2, 2, 1))[0]


def _other_person(world: World) -> str:
    """A person in a script other than Latin."""
    rng = world.rng
    people = rng.choice(world.others)
    given, family = world.given(people), world.family(people)
    if people.locale in UNSPACED:
        return family + rng.choice(("", "", "", " ")) + given
    shapes = (
        f"{given} {family}",
        f"{given} {family}",
        f"{family} {given}",
        f"{given} {world.given(people)} {family}",
        given,
    )
    return rng.choices(shapes, weights=(4, 4, 3, 2, 1))[0]


def _foreign_firm(world: World) -> str:
    """A firm in another language: a trade and a name of that people."""
    people = world.rng.choice([*world.latin, *world.others])
    speech = SPEECH.get(people.locale[:2], people.locale[:2])
    trades = FIRMS.get(speech) or world.rng.choice(list(FIRMS.values()))
    if speech not in FIRMS and not trades[0].isascii():
        trades = FIRMS["mi"]
    trade, name = world.pick(trades), world.rng.choice((world.family(people), world.given(people), world.pick(trades)))
    if people.locale in UNSPACED:
        return world.rng.choice((f"{name}{trade}", f"{trade}{name}", f"{world.pick(people.given)}{trade}"))
    return world.rng.choice(
        (f"{trade} {name}", f"{trade} {name}", f"{name} {trade}", f"{trade} {name} & {world.family(people)}")
    )
