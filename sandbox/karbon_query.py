"""Karbon's OData subset: `$filter` with eq, contains and `and`; everything else is refused in OData's words."""

import re
from collections.abc import Callable
from typing import Any

from .karbon_book import Record, fold
from .wire import Refused, Wire, as_json

FILTERABLE = {
    "Contact": ("FullName", "EmailAddress", "PhoneNumber", "ContactType", "ExternalKey"),
    "Organization": ("FullName", "EmailAddress", "ContactType", "ExternalKey"),
}
KNOWN = {
    "Contact": {
        *("ContactKey", "FullName", "PreferredName", "Salutation", "ClientOwner", "ClientManager", "Address"),
        *("EmailAddress", "PhoneNumber", "RoleOrTitle", "ContactType", "UserDefinedIdentifier"),
        *("LastModifiedDateTime", "ExternalKey"),
    },
    "Organization": {
        *("OrganizationKey", "FullName", "PhoneNumber", "EmailAddress", "Website", "ContactType"),
        *("LastModifiedDateTime", "UserDefinedIdentifier", "ExternalKey"),
    },
}
SORTABLE = ("FullName", "LastModifiedDateTime")
OPERATORS = {
    "ne": "NotEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanOrEqual",
    "lt": "LessThan",
    "le": "LessThanOrEqual",
    "or": "Or",
    "not": "Not",
}
LIST_OPTIONS = {"$filter", "$orderby", "$top", "$skip", "$count"}
TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<mark>[(),])|(?P<word>[A-Za-z_][\w./]*)|(?P<other>[^\s(),']+))")
Test = Callable[[Record, Wire], bool]


def bad_query(message: str) -> Refused:
    return Refused(as_json({"error": {"code": "4002", "message": message}}, 400))


def _not_allowed(what: str, setting: str) -> Refused:
    return bad_query(
        f"{what} is not allowed. To allow it, set the '{setting}' property on EnableQueryAttribute "
        "or QueryValidationSettings."
    )


def check_options(params: dict[str, str], allowed: set[str]) -> None:
    """Refuse unknown `$` options, e.g. `$select` anywhere and `$expand` on lists (facts A5.3, A5.7)."""
    for name in params:
        if name.startswith("$") and name.lower() not in allowed:
            raise _not_allowed(f"Query option '{name[1:2].upper()}{name[2:]}'", "AllowedQueryOptions")


class Filter:
    """A parsed `$filter`. `equals` holds what its terms pin, for a look-up instead of a scan."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.equals: dict[str, str] = {}
        self._tokens = [(m.lastgroup or "", m.group(m.lastgroup or 0)) for m in TOKEN.finditer(text) if m.lastgroup]
        self._at = 0
        self._tests = [self._term()]
        while self._at < len(self._tokens):
            self._and()
            self._tests.append(self._term())

    def accepts(self, record: Record, row: Wire) -> bool:
        return all(test(record, row) for test in self._tests)

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise bad_query("Syntax error in the $filter query option.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _mark(self, wanted: str) -> None:
        if self._next()[1] != wanted:
            raise bad_query("Syntax error in the $filter query option.")

    def _and(self) -> None:
        word = self._next()[1].lower()
        if word in OPERATORS:
            raise _not_allowed(f"Logical operator '{OPERATORS[word]}'", "AllowedLogicalOperators")
        if word != "and":
            raise bad_query("Syntax error in the $filter query option.")

    def _term(self) -> Test:
        kind, word = self._next()
        if word == "(":
            test = self._term()
            self._mark(")")
            return test
        if word.lower() == "not":
            raise _not_allowed("Logical operator 'Not'", "AllowedLogicalOperators")
        if kind != "word":
            raise bad_query("Syntax error in the $filter query option.")
        if self._at < len(self._tokens) and self._tokens[self._at][1] == "(":
            return self._contains(word)
        return self._equals(word)

    def _contains(self, function: str) -> Test:
        if function != "contains":
            raise _not_allowed(f"Function '{function}'", "AllowedFunctions")
        self._mark("(")
        name = self._property(self._next()[1])
        self._mark(",")
        part = fold(self._text())
        self._mark(")")
        if name == "ExternalKey":
            raise bad_query("Only the eq operator is supported for ExternalKey.")
        return lambda record, row: part in fold(row.get(name))

    def _equals(self, word: str) -> Test:
        name = self._property(word)
        operator = self._next()[1].lower()
        if operator in OPERATORS:
            raise _not_allowed(f"Logical operator '{OPERATORS[operator]}'", "AllowedLogicalOperators")
        if operator != "eq":
            raise bad_query("Syntax error in the $filter query option.")
        value = self._text()
        if name == "ExternalKey":
            return lambda record, row: value in record.external
        self.equals.setdefault(name, value)
        wanted = fold(value)
        return lambda record, row: fold(row.get(name)) == wanted

    def _text(self) -> str:
        kind, text = self._next()
        if kind != "text":
            raise bad_query("Syntax error in the $filter query option.")
        return text[1:-1].replace("''", "'")

    def _property(self, name: str) -> str:
        if name not in KNOWN[self.kind]:
            raise bad_query(f"Could not find a property named '{name}' on type 'KarbonService.{self.kind}SummaryDTO'.")
        if name not in FILTERABLE[self.kind]:
            raise bad_query(f"The property '{name}' cannot be used in the $filter query option.")
        return name


def parse_order(kind: str, text: str) -> tuple[str, bool]:
    """Return (property, descending); by key when there is no `$orderby` (facts A5.5)."""
    words = text.split()
    if not words:
        return "", False
    if words[0] not in KNOWN[kind]:
        raise bad_query(f"Could not find a property named '{words[0]}' on type 'KarbonService.{kind}SummaryDTO'.")
    if words[0] not in SORTABLE or len(words) > 2 or words[1:] not in ([], ["asc"], ["desc"]):
        raise bad_query(f"The property '{words[0]}' cannot be used in the $orderby query option.")
    return words[0], words[1:] == ["desc"]


def whole(params: dict[str, str], name: str, otherwise: int) -> int:
    text: Any = params.get(name, otherwise)
    if not str(text).isdecimal() or len(str(text)) > 18:
        raise bad_query(f"Invalid value '{text}' for {name} query option found. It must be a whole number.")
    return int(text)
