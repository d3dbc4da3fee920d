"""Xero's `where` language: parse once, evaluate per contact.

Facts 9.4: `=` and `==`, AND/OR, string methods, `DateTime(…)`, `Guid("…")`; only a doubled quote escapes a quote;
a string method on a null field errors unless guarded, so AND and OR stop as soon as they can.
"""

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .xero_book import Contact, canonical_guid, fold


class QueryProblem(Exception):
    """Becomes a 400 `QueryParseException`."""


FIELDS = {
    name.lower(): name
    for name in (
        *("ContactID", "ContactNumber", "AccountNumber", "ContactStatus", "Name", "FirstName", "LastName"),
        *("EmailAddress", "CompanyNumber", "TaxNumber", "BankAccountDetails", "DefaultCurrency", "IsSupplier"),
        *("IsCustomer", "UpdatedDateUTC", "AccountsReceivableTaxType", "AccountsPayableTaxType", "Website"),
    )
}
OPTIMISED = {"Name", "EmailAddress", "AccountNumber"}
TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"]|"")*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<op>==|!=|>=|<=|&&|\|\||[=<>!().,])"""
    r"""|(?P<word>[A-Za-z_][A-Za-z0-9_]*))"""
)
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
METHODS: dict[str, Callable[..., Any]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
    "tolower": lambda text: text,
    "toupper": lambda text: text,
}
Node = Callable[[Contact], Any]
MAX_DEPTH = 50


def field_value(contact: Contact, name: str) -> Any:
    """Return a field as comparisons see it: text folded, a date as milliseconds, a blank as null."""
    if name == "ContactID":
        return contact.id
    if name == "UpdatedDateUTC":
        return contact.updated_ms
    value = contact.fields.get(name, False if name.startswith("Is") else None)
    return fold(value) if isinstance(value, str) and value else value or (False if value is False else None)


def tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if not match or not match.lastgroup:
            raise QueryProblem(f"Syntax error (at index {at})")
        found.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


class Where:
    """A parsed expression. `equals` holds the fields an AND pins to one value; `optimised` says if only such occur."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0
        self.equals: dict[str, Any] = {}
        self.optimised = True
        if not self._tokens:
            raise QueryProblem("Expression expected")
        self._test = self._either()
        if self._at < len(self._tokens):
            raise QueryProblem("Syntax error")

    def accepts(self, contact: Contact) -> bool:
        try:
            return bool(self._test(contact))
        except TypeError:
            raise QueryProblem("Operator incompatible with operand types") from None

    def _peek(self) -> str:
        return self._tokens[self._at][1].lower() if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> bool:
        if self._peek() in wanted and self._tokens[self._at][0] != "text":
            self._at += 1
            return True
        return False

    def _expect(self, wanted: str) -> None:
        if not self._take(wanted):
            raise QueryProblem(f"'{wanted}' expected")

    def _either(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryProblem("Expression is nested too deeply")
        parts = [self._both()]
        while self._take("or", "||"):
            self.optimised = False
            parts.append(self._both())
        if len(parts) > 1:
            self.equals = {}
        self._depth -= 1
        return parts[0] if len(parts) == 1 else lambda c: any(part(c) for part in parts)

    def _both(self) -> Node:
        parts = [self._comparison()]
        while self._take("and", "&&"):
            parts.append(self._comparison())
        return parts[0] if len(parts) == 1 else lambda c: all(part(c) for part in parts)

    def _comparison(self) -> Node:
        if self._take("!"):
            inner = self._comparison()
            self.optimised, self.equals = False, {}
            return lambda c: not inner(c)
        start = self._at
        left, left_constant = self._operand()
        symbol = self._peek()
        if symbol not in COMPARE:
            self.optimised = self.optimised and self._tokens[start][1] == "("
            return left
        self._at += 1
        name = FIELDS.get(self._tokens[start][1].lower()) if self._at - start == 2 else None
        right, constant = self._operand()
        self._note(name, symbol, right, constant and not left_constant)
        return _compared(symbol, left, right)

    def _note(self, name: str | None, symbol: str, right: Node, constant: bool) -> None:
        if name and constant and symbol in ("=", "=="):
            self.equals[name] = right
        if name not in OPTIMISED or symbol not in ("=", "=="):
            self.optimised = False

    def _operand(self) -> tuple[Node, bool]:
        if self._at >= len(self._tokens):
            raise QueryProblem("Expression expected")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "text":
            value = fold(text[1:-1].replace('""', '"'))
            return (lambda c: value), True
        if kind == "number":
            number = float(text)
            return (lambda c: number), True
        if text == "(":
            inner = self._either()
            self._expect(")")
            return inner, False
        if kind == "word":
            return self._word(text)
        raise QueryProblem("Expression expected")

    def _word(self, text: str) -> tuple[Node, bool]:
        word = text.lower()
        constants = {"true": True, "false": False, "null": None}
        if word in constants:
            value = constants[word]
            return (lambda c: value), True
        if word in ("guid", "datetime"):
            literal = self._literal(word)
            return (lambda c: literal), True
        if word not in FIELDS:
            raise QueryProblem(f"No property or field '{text}' exists in type 'Contact'")
        name = FIELDS[word]
        node: Node = lambda c: field_value(c, name)  # noqa: E731  (wrapped by methods below)
        while self._take("."):
            node = self._method(name, node)
        return node, False

    def _arguments(self) -> list[str]:
        self._expect("(")
        found: list[str] = []
        while not self._take(")"):
            if self._at >= len(self._tokens):
                raise QueryProblem("')' or ',' expected")
            found.append(self._tokens[self._at][1])
            self._at += 1
            self._take(",")
        return found

    def _literal(self, word: str) -> Any:
        arguments = self._arguments()
        try:
            if word == "datetime":
                return datetime(*map(int, arguments), tzinfo=UTC).timestamp() * 1000  # type: ignore[misc, arg-type]
            return canonical_guid(arguments[0].strip('"')) or _fail("Guid should contain 32 digits with 4 dashes")
        except (ValueError, TypeError, IndexError, OverflowError):
            raise QueryProblem(f"No applicable constructor exists in type '{word}'") from None

    def _method(self, name: str, of: Node) -> Node:
        self.optimised = False
        word = self._peek()
        self._at += 1
        if word == "value":
            return of
        method = METHODS.get(word) or _fail(f"No applicable method '{word}' exists in type 'String'")
        arguments = [fold(a.strip('"').replace('""', '"')) for a in self._arguments()]
        if len(arguments) != (0 if word.startswith("to") else 1):
            raise QueryProblem(f"No applicable method '{word}' exists in type 'String'")

        def called(contact: Contact) -> Any:
            value = of(contact)
            if not isinstance(value, str):
                raise QueryProblem(f"Object reference not set to an instance of an object ({name} is null)")
            return method(value, *arguments)

        return called


def _fail(text: str) -> Any:
    raise QueryProblem(text)


def _compared(symbol: str, left: Node, right: Node) -> Node:
    compare = COMPARE[symbol]
    ordering = symbol not in ("=", "==", "!=")

    def test(contact: Contact) -> bool:
        a, b = left(contact), right(contact)
        if ordering and (a is None or b is None):
            return False
        return compare(a, b)

    return test


def parse_order(text: str) -> list[tuple[str, bool]]:
    """Return (field, descending) pairs of an `order` parameter."""
    found = []
    for part in text.split(","):
        name, _, direction = " ".join(part.split()).partition(" ")
        if name.lower() not in FIELDS or direction.lower() not in ("", "asc", "desc", "ascending", "descending"):
            raise QueryProblem(f"No property or field '{name}' exists in type 'Contact'")
        found.append((FIELDS[name.lower()], direction.lower().startswith("desc")))
    return found
