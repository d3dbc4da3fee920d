"""An official OpenAPI description, and how one recorded call deviates from it.

Values are checked by their schema; besides, names that the description does not know count as deviations, because both
descriptions leave their objects open.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from openapi_schema_validator import (
    OAS30ReadValidator,
    OAS30WriteValidator,
    OAS31Validator,
    oas30_format_checker,
    oas31_format_checker,
)

from contacts.api import USER_AGENT

SPECS = Path(__file__).resolve().parents[2].parent / "shared" / "specs"
METHODS = ("get", "put", "post", "patch", "delete")
Wire = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One request and its answer, as they were on the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    answer_type: str
    answer: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.url).path)

    @property
    def is_ours(self) -> bool:
        """Whether one of our clients spoke. What a test asks by itself may be wrong on purpose."""
        return self.headers.get("User-Agent") == USER_AGENT


@dataclass(frozen=True)
class Deviation:
    """Where a call differs from the description: operation and part, and what is wrong there."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class Operation:
    path: str
    method: str
    wire: Wire

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    def matches(self, method: str, path: str) -> bool:
        pattern = re.sub(r"\\\{\w+ID\\\}", "[0-9a-f-]{36}", re.escape(self.path))  # Xero's ids, beside its numbers
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", pattern)
        return method.lower() == self.method and re.fullmatch(pattern, path, re.IGNORECASE) is not None


class Description:
    """One document. ``base`` is the path below which the sandbox serves it."""

    def __init__(self, file: str, base: str) -> None:
        text = (SPECS / file).read_text()
        self.name, self.base = file.partition(".")[0], base
        self.document: Wire = json.loads(text) if file.endswith(".json") else yaml.load(text, yaml.CSafeLoader)
        self._is_old = str(self.document["openapi"]).startswith("3.0")

    @cached_property
    def operations(self) -> list[Operation]:
        found = [
            Operation(path, method, {**wire, "parameters": [*item.get("parameters", []), *wire.get("parameters", [])]})
            for path, item in self.document.get("paths", {}).items()
            for method, wire in item.items()
            if method in METHODS
        ]
        return sorted(found, key=lambda operation: (operation.path.count("{"), "ID}" not in operation.path))

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation that a path below the base is described as; one with fewer variables wins."""
        if not path.lower().startswith(self.base.lower()):
            return None
        below = path[len(self.base) :]
        return next((each for each in self.operations if each.matches(method, below)), None)

    def deviations(self, call: Call) -> list[Deviation]:
        operation = self.operation(call.method, call.path)
        if operation is None:
            return [Deviation(f"{self.name} {call.method} {call.path}", "is not described")]
        asked = self._request(operation, call) if call.is_ours else ()
        answered = self._answer(operation, call)
        where = f"{self.name} {operation.name}"
        return [
            *(Deviation(f"{where} request", what) for what in asked),
            *(Deviation(f"{where} {call.status}", what) for what in answered),
        ]

    # --- the parts of a call ---

    def _request(self, operation: Operation, call: Call) -> Iterator[str]:
        described = [self.resolved(parameter) for parameter in operation.wire["parameters"]]
        query = dict(parse_qsl(urlsplit(call.url).query, keep_blank_values=True))
        for name in query.keys() - {parameter["name"] for parameter in described if parameter["in"] == "query"}:
            yield f"query {name} is not described"
        headers = {name.lower(): value for name, value in call.headers.items()}
        for parameter in described:
            given = (query if parameter["in"] == "query" else headers if parameter["in"] == "header" else {}).get(
                parameter["name"] if parameter["in"] == "query" else parameter["name"].lower()
            )
            if given is not None:
                value = _typed(given, self.resolved(parameter["schema"]))
                yield from (f"{parameter['in']} {parameter['name']}{told}" for told in self.faults(parameter["schema"], value, is_answer=False))  # fmt: skip
            elif parameter.get("required") and parameter["in"] != "path":
                yield f"{parameter['in']} {parameter['name']} is missing"
        content = self.resolved(operation.wire.get("requestBody") or {}).get("content")
        if content:
            yield from self._body(content, headers.get("content-type", ""), call.body, is_answer=False)
        elif call.body:
            yield "has a body"

    def _answer(self, operation: Operation, call: Call) -> Iterator[str]:
        described = operation.wire["responses"].get(str(call.status))
        if described is None:
            yield "the status is not described"
            return
        content = self.resolved(described).get("content")
        if content:
            yield from self._body(content, call.answer_type, call.answer, is_answer=True)
        elif call.answer:
            yield "has a body"

    def _body(self, content: Wire, content_type: str, body: bytes, *, is_answer: bool) -> Iterator[str]:
        kind = content_type.partition(";")[0]
        if kind not in content:
            yield f"is {kind or 'nothing'}, described as {', '.join(content)}"
            return
        yield from self.faults(content[kind].get("schema") or {}, json.loads(body), is_answer=is_answer)

    # --- values ---

    def faults(self, schema: Wire, value: Any, *, is_answer: bool = True) -> Iterator[str]:
        """Say what in a value the schema does not allow, and which names in it are not described."""
        if self._is_old:
            validator, checker = (OAS30ReadValidator if is_answer else OAS30WriteValidator), oas30_format_checker
        else:
            validator, checker = OAS31Validator, oas31_format_checker
        whole = {"allOf": [schema], "components": self.document["components"]}
        for error in validator(whole, format_checker=checker).iter_errors(value):
            place = "".join("[]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
            yield f"{place} {_kind(error)}"
        for place in self._unknown(schema, value):
            yield f"{place} is not described"

    def _unknown(self, schema: Wire, value: Any, place: str = "") -> Iterator[str]:
        parts = list(self._parts(schema))
        if isinstance(value, list):
            items = {"anyOf": [part["items"] for part in parts if "items" in part]}
            for each in value if items["anyOf"] else []:
                yield from self._unknown(items, each, f"{place}[]")
        if isinstance(value, dict) and any("properties" in part for part in parts):
            for name, inner in value.items():
                told = [part["properties"][name] for part in parts if name in part.get("properties", {})]
                if told:
                    yield from self._unknown({"anyOf": told}, inner, f"{place}.{name}")
                else:
                    yield f"{place}.{name}"

    def _parts(self, schema: Wire) -> Iterator[Wire]:
        """All schemas that may describe a value: behind references, and the members of every combination."""
        schema = self.resolved(schema)
        yield schema
        for word in ("allOf", "anyOf", "oneOf"):
            for member in schema.get(word, ()):
                yield from self._parts(member)

    def resolved(self, wire: Wire) -> Wire:
        while "$ref" in wire:
            found: Any = self.document
            for step in wire["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            wire = found
        return wire

    def schema(self, name: str) -> Wire:
        return dict(self.document["components"]["schemas"][name])


def _typed(text: str, schema: Wire) -> Any:
    """Read a parameter's text as the type that it is described with; text that is none stays text, and is a fault."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text.split(",") if kind == "array" else text


def _kind(error: Any) -> str:
    """Name a fault without the value, so that faults of one kind are one."""
    if error.validator == "type" and error.instance is None:
        return "is null"
    if error.validator in ("required", "additionalProperties"):
        return str(error.message)
    told = error.validator_value if isinstance(error.validator_value, str | int | list) else ""
    return f"breaks {error.validator} {json.dumps(told)[:120] if told != '' else ''}".strip()
