"""What a name shows: the features the person/organisation classifier counts.

One name becomes two lists of numbers, hashed n-grams of letters and hashed symbols (words, word classes, patterns).
The same code runs while training and while classifying, so the two cannot drift apart; `VERSION` is stored in the
model and must rise with any change here. Hashing is CRC-32, the same on every machine and in every release.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

VERSION = 4
NGRAM_BITS = 17
SYMBOL_BITS = 17
MAX_CHARS = 160
MAX_TOKENS = 20
_NGRAM_MASK = (1 << NGRAM_BITS) - 1
_SYMBOL_MASK = (1 << SYMBOL_BITS) - 1

_REWRITES = (
    (re.compile(r"[’‘`´ʻʼ]"), "'"),
    (re.compile(r"@[\w.-]+"), " atmail"),
    (re.compile(r"\bp\s?/\s?l\b"), "pty ltd"),
    (re.compile(r"\bt\s?/\s?as?\b|\bd\s?/\s?b\s?/\s?a\b|\btrading\s+as\b|\bdoing\s+business\s+as\b"), "tradingas"),
    (re.compile(r"\b(?:a|f)\s?/\s?k\s?/\s?a\b"), "formerly"),
    (re.compile(r"\bs\s?/\s?f\b"), "super fund"),
    (re.compile(r"\bc\s?/\s?[o-](?=\s)"), "careof"),
    (re.compile(r"\.(?:com|co|net|org|io|biz|info)(?:\.[a-z]{2})?\b"), " dotcom"),
)
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.\s?){2,}(?:[^\W\d_]\b)?")
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[&+,()/]|-")
_CAMEL = re.compile(r"[a-z][A-Z]")
_VOWEL = re.compile(r"[aeiouyà-ÿ]")
_PUNCTUATION = {"&": "&", "+": "&", ",": ",", "(": "(", ")": ")", "/": "/", "-": "-"}
_CODE_OF_WORD = {"and": "&", "tradingas": "A", "careof": "A", "dotcom": "B", "atmail": "@"}
_WORD_CODE = {"x": "w", "s": "k"}
_PLACE_CODE = {"x": "z", "s": "y"}
_NAMELIKE = str.maketrans(dict.fromkeys("gsbxhkKvVpzy", "n") | {"j": "i"})
_UNDECOMPOSED = str.maketrans(
    {"đ": "d", "ø": "o", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ə": "e"}
)
_COUPLE = re.compile(r"^(?:M?[inhv]+&M?[inhv]+n|M&Mi*n+|M[in]*&M[in]*n|n+,[Min]+&[Min]+)$")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

Listed = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words with a class, the brands, and the hashed lists of names, dictionary words and places."""

    classes: Mapping[str, str]
    brands: frozenset[str]
    given: frozenset[int]
    surnames: frozenset[int]
    words: frozenset[int] = frozenset()
    frequent: frozenset[int] = frozenset()
    places: frozenset[int] = frozenset()

    def listed(self, word: str) -> str:
        """Say which name list has a word: `g` given, `s` surname, `b` both, `x` neither."""
        key = word_key(word)
        return ("b" if key in self.surnames else "g") if key in self.given else ("s" if key in self.surnames else "x")


@dataclass(frozen=True, slots=True)
class Features:
    """The hashed features of one name; a name without a letter or a digit has none."""

    ngrams: list[int]
    symbols: list[int]


def word_key(word: str) -> int:
    """Hash a listed name, so that the model carries numbers instead of the list."""
    return crc32(word.replace("'", "").encode())


def parse_lexicon(text: str) -> tuple[dict[str, str], list[str]]:
    """Read the sections of lexicon.txt: words by class, and brands."""
    classes: dict[str, str] = {}
    brands: list[str] = []
    code = ""
    for line in text.splitlines():
        if line.startswith("["):
            code = line[1]
        elif code == "N":
            brands += [brand.replace("_", " ") for brand in line.split()]
        elif code and not line.startswith("#"):
            for word in line.split():
                classes.setdefault(fold(word), code)
    return classes, brands


def fold(text: str) -> str:
    """Lower case without accents and vowel signs; anything that is not text falls away."""
    if text.isascii():
        return " ".join(text[: 4 * MAX_CHARS].lower().split())[:MAX_CHARS]
    decomposed = unicodedata.normalize("NFKD", text[: 4 * MAX_CHARS])
    kept = "".join(c for c in decomposed if unicodedata.category(c)[0] != "M")
    composed = unicodedata.normalize("NFC", kept)  # Hangul syllables became letters
    return " ".join(composed.casefold().translate(_UNDECOMPOSED).split())[:MAX_CHARS]


def tokens_of(name: str, classes: Mapping[str, str]) -> list[str]:
    """Split a name into words and telling punctuation."""
    text = fold(name)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    if "." in text:
        text = _DOTTED.sub(lambda m: _undotted(m.group(), classes), text)
    return _TOKEN.findall(text)[:MAX_TOKENS]


def _undotted(dotted: str, classes: Mapping[str, str]) -> str:
    """Turn `L.L.C.` into a word but leave `J. R.` as two initials."""
    joined = dotted.replace(".", "").replace(" ", "")
    return f" {joined} " if classes.get(joined) in {"L", "C"} and " " not in dotted.strip() else f" {' '.join(joined)} "


def extract(name: str, lexicon: Lexicon, listed: Listed | None = None) -> Features:
    """Count the features of one name. `listed` replaces the look-ups while training, to hide some of them."""
    tokens = tokens_of(name, lexicon.classes)
    words = [t for t in tokens if t not in _PUNCTUATION]
    if not words:
        return Features([], [])
    codes = [_code(t, lexicon, listed or lexicon.listed) for t in tokens]
    if codes[1:2] == ["&"] and len(tokens) == 4 and all(len(tokens[i]) < 4 and tokens[i].isalpha() for i in (0, 2)):
        codes[0] = codes[2] = "i" if len(tokens[0] + tokens[2]) == 2 else "j"  # "TE & AL Royer" are initials
    ngrams: list[int] = []
    for word in words:
        ngrams += _ngrams(word)
    symbols = [s for word in words for s in _word_symbols(word)]
    symbols += _hashed(_sequence_symbols(words, codes))
    symbols += _hashed(_shape_symbols(name, words, codes, lexicon))
    return Features(ngrams, symbols)


def _code(token: str, lexicon: Lexicon, listed: Listed) -> str:
    """Give a token the one-letter class its pattern is written in."""
    if token in _PUNCTUATION:
        return _PUNCTUATION[token]
    if token in _CODE_OF_WORD:
        return _CODE_OF_WORD[token]
    if any(c.isdigit() for c in token):
        return "0"
    if len(token) == 1 and token.isascii():
        return "i"
    classes = lexicon.classes
    known = classes.get(token) or (classes.get(token[:-2]) if token.endswith("'s") else None)
    if known == "V":  # the lists are sure of everyday words, so nothing is hidden here, nor below
        return "v" if lexicon.listed(token) in {"g", "b"} else known
    if known == "W":
        return _WORD_CODE.get(lexicon.listed(token), "h")
    if known:
        return known
    is_ng = token == "ng"  # noqa: S105  # a family name without a vowel
    if len(token) <= 3 and token.isascii() and not is_ng and not _VOWEL.search(token):
        return "j"
    return _listed_code(token, lexicon, listed)


def _listed_code(token: str, lexicon: Lexicon, listed: Listed) -> str:
    """Tell name from word from place: `h` is a word that is a given name too, `k` a frequent and `K` another one that is a family name, `y` a place and surname."""
    code = listed(token)
    if code == "x" and token.endswith("'s"):
        return "x" if listed(token[:-2]) == "x" else "q"
    if word_key(token) in lexicon.words:
        code = _WORD_CODE.get(lexicon.listed(token), "h")
        return "K" if code == "k" and word_key(token) not in lexicon.frequent else code
    if word_key(token) in lexicon.places:
        return _PLACE_CODE.get(code, code)
    return "j" if code == "x" and len(token) == 2 and token.isascii() else code


@lru_cache(maxsize=60_000)
def _ngrams(word: str) -> tuple[int, ...]:
    """Hash the runs of two to five letters in a word, its edges included."""
    if not word.isascii():
        return tuple(_hashed_ngrams(f" {word} ", (1, 2, 3, 4, 5)))
    padded = f" {word} ".encode()
    size = len(padded)
    return tuple(crc32(padded[i : i + n]) & _NGRAM_MASK for n in (2, 3, 4, 5) for i in range(size - n + 1))


def _hashed_ngrams(padded: str, sizes: tuple[int, ...]) -> Iterator[int]:
    """Hash runs of characters, not bytes: outside Latin script one character carries more."""
    for n in sizes:
        for i in range(len(padded) - n + 1):
            yield crc32(padded[i : i + n].encode()) & _NGRAM_MASK


@lru_cache(maxsize=60_000)
def _word_symbols(word: str) -> tuple[int, ...]:
    return tuple(_hashed((f"w={word}",)))


def _hashed(symbols: Iterable[str]) -> list[int]:
    return [crc32(s.encode()) & _SYMBOL_MASK for s in symbols]


def _sequence_symbols(words: list[str], codes: list[str]) -> list[str]:
    """Tell the order of the classes, and which word opens and closes the name."""
    pattern = "".join(codes)
    shape = pattern.translate(_NAMELIKE)
    edged = f"^{pattern}$"
    out = [f"p={pattern[:9]}", f"s={shape[:9]}"]
    out += ["2" + edged[i : i + 2] for i in range(len(edged) - 1)]
    out += ["3" + edged[i : i + 3] for i in range(len(edged) - 2)]
    out += ["h" + c for c in set(pattern)]
    first, last = words[0], words[-1]
    out += [f"f={first}", f"l={last}", f"fs={first[-3:]}", f"ls={last[-3:]}", f"fp={first[:3]}", f"lp={last[:3]}"]
    out += [f"ls4={last[-4:]}", f"e={pattern[0]}{pattern[-1]}{min(len(codes), 6)}"]
    out += [f"b={a} {b}" for a, b in pairwise(words)]
    if _COUPLE.match(shape):
        out.append("couple")
    return out


def _shape_symbols(name: str, words: list[str], codes: list[str], lexicon: Lexicon) -> list[str]:
    """Tell how the name looks: length, possessives, capitals inside words, script, brands."""
    out = [f"n={min(len(words), 7)}", f"len={min(len(name) // 6, 7)}", f"x={codes.count('x')}/{min(len(words), 5)}"]
    if any(w.endswith("'s") for w in words):
        out.append("'s")
    if len(words) == 1:
        out += [f"one={codes[0]}", f"one={min(len(words[0]), 9)}"]
    if _has_brand(words, lexicon.brands):
        out += ["brand"] * 3  # a brand that looks like a person outweighs everything that makes it look so
    if not name.isascii():
        out += _script_symbols(words)
    return out + _capital_symbols(name[:MAX_CHARS])


def _has_brand(words: list[str], brands: frozenset[str]) -> bool:
    """Is the name a brand, or does it open with one of two words or more ("Ralph Lauren Australia")?"""
    plain = [word.replace("'", "") for word in words if word != "and"]
    return " ".join(plain) in brands or any(" ".join(plain[:n]) in brands for n in range(2, min(len(plain), 5)))


def _script_symbols(words: list[str]) -> list[str]:
    """Tell the script and, where words are not spaced, what opens and closes the name."""
    letter = next((c for word in words for c in word if not c.isascii()), "")
    script = unicodedata.name(letter, "OTHER").split()[0] if letter else "LATIN"
    if script == "LATIN":
        return []
    out = [f"script={script}", f"script={script}:{min(len(words), 4)}"]
    if _IDEOGRAPH.search(words[0]):
        whole = "".join(words)
        out += [
            f"cjk={min(len(whole), 8)}",
            f"cf={whole[0]}",
            f"cf2={whole[:2]}",
            f"cl={whole[-1]}",
            f"cl2={whole[-2:]}",
        ]
    return out


def _capital_symbols(name: str) -> list[str]:
    """Tell capitals that carry meaning; a whole name in capitals or small letters does not."""
    if name.isupper() or name.islower():
        return []
    loud = [w for w in re.split(r"\W+", name) if len(w) > 1 and w.isupper()]
    out = [f"caps={min(len(loud), 3)}:{min(len(loud[0]), 5)}"] if loud else []
    camel = _CAMEL.search(name)
    if camel and not re.search(r"\b(?:Ma?c|De|La|Le|Fitz|Van|Di|Du|O)[A-Z]", name):
        out.append("camel")
    return out
