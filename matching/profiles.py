"""A record read as a person reads it: which words name it, what the rest says, whose mailbox it has. Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from contacts import normalise
from matching import vocabulary
from matching.vocabulary import fold


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of an address book. ``kind`` is "person", "organisation" or "" (any case); phone and address are plain text."""

    id: int | str
    name: str
    email: str = ""
    phone: str = ""
    address: str = ""
    kind: str = ""
    first_name: str = ""
    last_name: str = ""


class Reading(NamedTuple):
    """One way to read a name. ``part`` says what it is of the whole: "", "trading", "owner", "beneficiary", "trustee", "bracket", "known as"."""

    words: tuple[str, ...]
    part: str = ""

    @property
    def compact(self) -> str:
        return "".join(self.words)


class Profile(NamedTuple):
    """A record taken apart: a plain tuple, because tens of thousands are made."""

    record: Record
    readings: tuple[Reading, ...]
    text: str  # the whole name, folded
    legal: frozenset[str]
    numbers: frozenset[str]
    generation: str
    is_joint: bool
    is_organisation: bool
    is_trustee: bool  # "X ATF Y"
    email: str
    mailbox: str
    domain: str
    is_role_mailbox: bool
    is_free_mail: bool
    phone: str
    places: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return self.readings[0].words


_NO_LETTERS = str.maketrans("", "", "0123456789._-")
_WORD = re.compile(r"[^\W_]+")
_TRUSTEE_FOR = re.compile(r"\b(?:a\s?/?\s?t\s?/?\s?f|as trustees? for|trustees? for|ttee for|as trustees? of)\b", re.I)
_TRADING_AS = re.compile(r"\b(?:t\s?/\s?as?|trading as|trading name|d\s?/?\s?b\s?/?\s?a|aka|also known as|known as)\b", re.I)  # fmt: skip
_FORMERLY = re.compile(r"\b(?:nee|formerly|prev(?:iously)?|fka|was)\b", re.I)
_CARE_OF = re.compile(r"\bc\s?/\s?[o-]\b.*$", re.I)
_BRACKET = re.compile(r"[(\[]([^()\[\]]*)[)\]]?")
_DASH_NOTE = re.compile(r"\s[-–—:]\s*([^-–—:]+)$")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}[^\W\d_]?\b")
_AND = re.compile(r"\s*[&+]\s*|\s+and\s+|\s+und\s+|\s+y\s+", re.I)
_PTY_LTD = re.compile(r"\bp\s?/\s?l\b")
_GLUED_LEGAL = re.compile(r"(?<=[a-z]{3})(ltd|limited|pty|llc)$")


def profile(record: Record) -> Profile:
    """Read a record. Never raises: an empty name gives an empty reading."""
    text = fold(record.name)
    mailbox, domain = _email_parts(record.email)
    host = domain.partition(".")[0]
    tokens = _tokens(_undot(text))
    legal = frozenset(vocabulary.LEGAL_FORMS[w] for w in tokens if w in vocabulary.LEGAL_FORMS)
    kind = record.kind.strip().casefold()
    is_organisation = kind.startswith("org") or (not kind and (bool(legal) or _names_organisation(tokens)))
    return Profile(
        record=record,
        readings=_readings(record, text),
        text=text,
        legal=legal,
        numbers=frozenset(number for token in tokens if (number := token.lstrip("0")).isdigit()),
        generation=next((g for w in tokens[1:] if (g := vocabulary.GENERATIONS.get(_long(w), ""))), ""),
        is_joint=_is_joint(text, is_organisation=is_organisation),
        is_organisation=is_organisation,
        is_trustee=bool(_TRUSTEE_FOR.search(text)),
        email=f"{mailbox}@{domain}" if domain else mailbox,
        mailbox=mailbox,
        domain=domain,
        is_role_mailbox=mailbox.translate(_NO_LETTERS) in vocabulary.ROLE_MAILBOXES,
        is_free_mail=host in vocabulary.FREE_MAIL,
        phone=phone_key(record.phone),
        places=tuple(_long(word) for word in _tokens(fold(record.address))),
    )


def phone_key(phone: str) -> str:
    """Return the digits that tell lines apart in any format: the last eight, without trunk zeros."""
    digits = re.sub(r"\D", "", phone.partition("x")[0]).lstrip("0")
    return digits[-8:] if len(digits) >= 6 else ""


def _email_parts(email: str) -> tuple[str, str]:
    mailbox, _, domain = normalise.text_key(email).rpartition("@")
    return (mailbox.partition("+")[0], domain) if mailbox else (domain, "")


def _names_organisation(tokens: list[str]) -> bool:
    return any(_long(token) in vocabulary.ORGANISATION_WORDS for token in tokens)


def _long(word: str) -> str:
    return vocabulary.ABBREVIATIONS.get(word, word)


def _undot(text: str) -> str:
    """Join dotted letters and "P/L": "p.t.y." is one word, "j.m. smith" is "jm smith"."""
    if "." not in text and "/" not in text:
        return text
    return _DOTTED.sub(lambda found: found.group().replace(".", ""), _PTY_LTD.sub("pl", text))


@lru_cache(maxsize=4096)
def _tokens_cached(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text))


def _tokens(text: str) -> list[str]:
    return list(_tokens_cached(text))


def _is_joint(text: str, *, is_organisation: bool) -> bool:
    """Is this a couple or several people ("J & M Smith", "Mr & Mrs Patel"), as far as the look of a name can tell?"""
    if is_organisation or not (found := _AND.search(text)):
        return False
    return len(_tokens(text[: found.start()])) <= 3 and len(_tokens(text[found.end() :])) <= 4


# --- readings ---------------------------------------------------------------------------------------------------------


def _readings(record: Record, text: str) -> tuple[Reading, ...]:
    """Return the ways to read a name, the plain one first, each with at least one word."""
    text = _CARE_OF.sub("", text).strip() or text
    found = [Reading(words, part) for part, piece in _pieces(text) if (words := core_words(piece))]
    if (record.first_name or record.last_name) and (
        words := core_words(fold(f"{record.first_name} {record.last_name}"))
    ):
        found.append(Reading(words, "known as"))
    if len(found) == 1:
        return tuple(found)
    unique = {reading.words: reading for reading in reversed(found)}
    readings = [reading for reading in found if unique.get(reading.words) is reading]
    return tuple(readings) or (Reading(tuple(_tokens(text))),)


def _pieces(text: str) -> list[tuple[str, str]]:
    """Take a name apart at the words that join two names: (part, text)."""
    if found := _TRUSTEE_FOR.search(text):
        pieces = [("", text[: found.start()] + " " + text[found.end() :])]
        pieces += [(part or "beneficiary", piece) for part, piece in _pieces(text[found.end() :])[:2]]
        return [*pieces, ("trustee", text[: found.start()])]
    if found := _TRADING_AS.search(text):
        owner, name = text[: found.start()], text[found.end() :]
        inner = _TRADING_AS.search(name)
        name = name[inner.end() :] if inner else name
        return [("", owner + " " + name), ("trading", name), ("owner", owner)]
    return _without_brackets(text)


def _without_brackets(text: str) -> list[tuple[str, str]]:
    found = _BRACKET.search(text) if "(" in text or "[" in text else None
    if found and text[: found.start()].strip():
        inside, outside = found.group(1), _BRACKET.sub(" ", text)
        if former := _FORMERLY.match(inside.strip()):
            given = _tokens(outside)[:1]
            return [("", outside), ("known as", " ".join([*given, inside.strip()[former.end() :]]))]
        words = [w for w in _tokens(inside) if w not in vocabulary.NOTES and w not in vocabulary.PLACES]
        return [("", outside), ("bracket", inside)] if words and not all(map(str.isdigit, words)) else [("", outside)]
    if any(dash in text for dash in "-–—:") and (note := _DASH_NOTE.search(text)):
        words = _tokens(note.group(1))
        if words and all(w in vocabulary.NOTES or w in vocabulary.PLACES for w in words):
            return [("", text[: note.start()])]
    return [("", text)]


def core_words(text: str) -> tuple[str, ...]:
    """Return the words that name somebody, in the order of speech: no legal forms, titles, notes or small words.

    Something always stays: a firm called "The Company" keeps its words.
    """
    text = _undot(text)
    last, comma, first = text.partition(",")
    if comma and first.strip() and not any(w in vocabulary.LEGAL_FORMS or w in vocabulary.GENERATIONS for w in _tokens(first)):  # fmt: skip
        text = f"{first} {last}"
    tokens = _tokens(_unglued(text))
    kept = [_long(word) for i, word in enumerate(tokens) if not _is_silent(word, is_first=i == 0)]
    return tuple(kept) or tuple(tokens)


def _unglued(text: str) -> str:
    return _GLUED_LEGAL.sub(r" \1", text)


def _is_silent(word: str, *, is_first: bool) -> bool:
    return (
        word in vocabulary.LEGAL_FORMS
        or vocabulary.is_small(word)
        or (is_first and word in vocabulary.TITLES)
        or word in ("mr", "mrs", "ms", "miss")
        or (not is_first and _long(word) in vocabulary.GENERATIONS)
    )
