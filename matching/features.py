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

VERSION = 5
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
_NAMELIKE = str.maketrans(dict.fromkeys("gsbdtxhkKvVpzy", "n") | {"j": "i"})
_BARE = frozenset("gsbdtxhkKvVpzywjPqF")
_LEANS = "dbt"  # mostly a given name, both alike, mostly a family name
MOSTLY_FAMILY = 2
SHORTEST_BRAND = 4
OFTEN = 2  # from this grade on many people have a name
_UNDECOMPOSED = str.maketrans(
    {"đ": "d", "ø": "o", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ə": "e"}
)
_COUPLE = re.compile(r"^(?:M?[inhv]+&M?[inhv]+n|M&Mi*n+|M[in]*&M[in]*n|n+,[Min]+&[Min]+)$")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

Known = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words with a class, and hashed: how usual names are, known organisations, dictionary words and places.

    `names` grades each name as `graded` packs it. A name that is among `brands` is an organisation; one that opens with
    one of `openings` ("Ralph Lauren Australia") is, too.
    """

    classes: Mapping[str, str]
    names: Mapping[int, int]
    brands: frozenset[int] = frozenset()
    openings: frozenset[int] = frozenset()
    words: frozenset[int] = frozenset()
    frequent: frozenset[int] = frozenset()
    places: frozenset[int] = frozenset()

    def known(self, word: str) -> int:
        """Return the grade of a name, 0 where no list has it."""
        return self.names.get(word_key(word), 0)


def graded(given: int, family: int, lean: int) -> int:
    """Pack how usual a word is as a given and as a family name (0 to 3 each), and which of the two it is more (0 to 2)."""
    return given << 4 | family << 2 | lean


def given_grade(grade: int) -> int:
    return grade >> 4


def family_grade(grade: int) -> int:
    return grade >> 2 & 3


def _letter(grade: int) -> str:
    """Say which lists have a name: `g` given, `s` family, `d`, `b` or `t` both, `x` neither."""
    if not grade >> 4:
        return "s" if grade else "x"
    return _LEANS[grade & 3] if family_grade(grade) else "g"


@dataclass(frozen=True, slots=True)
class Features:
    """The hashed features of one name; a name without a letter or a digit has none.

    A bare name is nothing but words and names: no legal form, trade, title, initial, sign or digit says what it is. A known
    one is on the list of organisations; that is no feature to learn, but counts by itself (`classifier.Model`).
    """

    ngrams: list[int]
    symbols: list[int]
    is_bare: bool = True
    is_known: bool = False


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


def extract(name: str, lexicon: Lexicon, known: Known | None = None) -> Features:
    """Count the features of one name. `known` replaces the look-ups while training, to hide some of them."""
    tokens = tokens_of(name, lexicon.classes)
    words = [t for t in tokens if t not in _PUNCTUATION]
    if not words:
        return Features([], [])
    grades = [0 if t in _PUNCTUATION else (known or lexicon.known)(t) for t in tokens]
    codes = [_code(t, lexicon, grade) for t, grade in zip(tokens, grades, strict=True)]
    if codes[1:2] == ["&"] and len(tokens) == 4 and all(len(tokens[i]) < 4 and tokens[i].isalpha() for i in (0, 2)):
        codes[0] = codes[2] = "i" if len(tokens[0] + tokens[2]) == 2 else "j"  # "TE & AL Royer" are initials
    ngrams: list[int] = []
    for word in words:
        ngrams += _ngrams(word)
    symbols = [s for word in words for s in _word_symbols(word)]
    symbols += _hashed(_sequence_symbols(words, codes))
    symbols += _hashed(_grade_symbols(codes, grades))
    symbols += _hashed(_shape_symbols(name, words, codes))
    return Features(ngrams, symbols, _BARE.issuperset(codes), is_known(words, lexicon))


def _code(token: str, lexicon: Lexicon, grade: int) -> str:
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
    code = classes.get(token) or (classes.get(token[:-2]) if token.endswith("'s") else None)
    if code == "V":  # the lists are sure of everyday words, so nothing is hidden here, nor below
        sure = lexicon.known(token)
        if given_grade(sure) >= OFTEN and _letter(sure) in "gd":
            return _letter(sure)
        return "v" if given_grade(sure) and sure & 3 != MOSTLY_FAMILY else code
    if code == "W":
        return _WORD_CODE.get(_letter(lexicon.known(token)), "h")
    return code or _listed_code(token, lexicon, grade)


def _listed_code(token: str, lexicon: Lexicon, grade: int) -> str:
    """Give a token without a class of its own the class of the lists that have it."""
    if token.endswith("'s") and lexicon.known(token[:-2]):
        return "q"
    code = _letter(grade)
    key = word_key(token)
    if key in lexicon.words:
        if code in "gd" and given_grade(grade) >= OFTEN:
            return code  # "Mary", "Peter", "Grace": dictionaries have them, but people more so
        code = _WORD_CODE.get(_letter(lexicon.known(token)), "h")
        return "K" if code == "k" and key not in lexicon.frequent else code
    if key in lexicon.places:
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
    out = [f"w={word}"]
    if len(word) > 6:
        out += [f"z5={word[-5:]}", f"z6={word[-6:]}", f"y5={word[:5]}"]  # "-verband", "-bedrijf", "Stadt-"
    return tuple(_hashed(out))


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


def _grade_symbols(codes: list[str], grades: list[int]) -> list[str]:
    """Tell how usual the first and the last word are as names: "Dawson" is mostly a family name, "James" is not."""
    first, last = f"{codes[0]}{grades[0]}", f"{codes[-1]}{grades[-1]}"
    if len(codes) == 1:
        return [f"g1={first}"]
    order = "," if "," in codes else "&" if "&" in codes else min(len(codes), 4)
    return [
        f"gf={first}",
        f"gl={last}",
        f"gg={first}{last}{order}",
        f"g={given_grade(grades[0])}{family_grade(grades[0])}{given_grade(grades[-1])}{family_grade(grades[-1])}{order}",
        f"cf={codes[0]}{last}",
        f"cl={first}{codes[-1]}",
    ]


def _shape_symbols(name: str, words: list[str], codes: list[str]) -> list[str]:
    """Tell how the name looks: length, possessives, capitals inside words, script."""
    out = [f"n={min(len(words), 7)}", f"len={min(len(name) // 6, 7)}", f"x={codes.count('x')}/{min(len(words), 5)}"]
    if any(w.endswith("'s") for w in words):
        out.append("'s")
    if len(words) == 1:
        out += [f"one={codes[0]}", f"one={min(len(words[0]), 9)}"]
    if not name.isascii():
        out += _script_symbols(words)
    return out + _capital_symbols(name[:MAX_CHARS])


def is_known(words: list[str], lexicon: Lexicon) -> bool:
    """Is it a known organisation, does it open with one ("Ralph Lauren Australia"), or is it one at a place ("Caltex Perth")?

    What follows must not be a usual family name: "Jo Ann Davis" is a person although Jo-Ann sells fabrics.
    """
    plain = [word for word in words if word != "and"]
    if word_key(" ".join(plain)) in lexicon.brands:
        return True
    is_family = [family_grade(lexicon.known(word)) >= OFTEN for word in plain]
    if any(
        word_key(" ".join(plain[:n])) in lexicon.openings and not is_family[n] for n in range(2, min(len(plain), 5))
    ):
        return True
    where = plain[1:]
    return (
        bool(where)
        and len(plain[0]) >= SHORTEST_BRAND
        and word_key(plain[0]) in lexicon.brands
        and all(word_key(word) in lexicon.places for word in where)
        and not any(is_family[1:])
    )


def brand_words(name: str, classes: Mapping[str, str]) -> list[str]:
    """Return the words by which a known organisation is looked up."""
    return [t for t in tokens_of(name, classes) if t not in _PUNCTUATION and t != "and"]


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
