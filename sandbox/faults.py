"""Trouble on order: a fault waits for the calls it matches and spoils as many of them as it was told to."""

import re
from dataclasses import dataclass, field
from typing import Any

from .wire import Request, sentence

KINDS = (
    "error",
    "rate_limit",
    "drop_request",
    "drop_reply",
    "delay",
    "truncate",
    "empty",
    "garbage",
    "expire_token",
)
LISTING = re.compile(r"/(contacts|organizations|clientgroups)/?$", re.IGNORECASE)
PREFIX = re.compile(r"^/(xero/api|xero/identity|xero/login|karbon)")


@dataclass(slots=True)
class Fault:
    kind: str
    system: str = "*"
    method: str = "*"
    path: str = ""
    times: int = 1
    skip: int = 0
    status: int = 500
    body: Any = None
    retry_after: int = 10
    seconds: float = 1.0
    pattern: re.Pattern[str] = field(default=re.compile(""), repr=False)

    def matches(self, system: str, request: Request) -> bool:
        if self.system not in ("*", system) or self.method not in ("*", request.method):
            return False
        if self.kind in ("truncate", "empty") and not is_listing(request):
            return False
        path = request.path
        if self.kind == "expire_token" and "/connect/" in path:
            return False  # signing in uses no access token
        return bool(self.pattern.search(path) or self.pattern.search(PREFIX.sub("", path)))

    def described(self) -> dict[str, Any]:
        names = ("kind", "system", "method", "path", "times", "skip", "status", "body", "retry_after", "seconds")
        return {name: getattr(self, name) for name in names}


def is_listing(request: Request) -> bool:
    return request.method == "GET" and bool(LISTING.search(request.path))


_CHECKS: dict[str, tuple[Any, str]] = {
    "system": (lambda v: v in ("xero", "karbon", "*"), "xero, karbon or *"),
    "method": (lambda v: isinstance(v, str), "an HTTP method or *"),
    "path": (lambda v: isinstance(v, str), "a regular expression"),
    "times": (lambda v: _whole(v) and v >= 1, "a whole number, one or more"),
    "skip": (lambda v: _whole(v) and v >= 0, "a whole number, zero or more"),
    "status": (lambda v: _whole(v) and 200 <= v <= 599, "an HTTP status"),
    "body": (lambda v: True, "anything"),
    "retry_after": (lambda v: _whole(v) and v >= 0, "seconds"),
    "seconds": (lambda v: isinstance(v, int | float) and 0 <= v <= 600, "seconds, at most 600"),
}


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def parse(body: Any) -> Fault:
    """Build a fault from its JSON, refusing what it cannot mean with a sentence."""
    if not isinstance(body, dict):
        raise sentence(400, "A fault is an object with at least a kind.")
    if body.get("kind") not in KINDS:
        raise sentence(400, f"A fault's kind is one of: {', '.join(KINDS)}.")
    options = {name: value for name, value in body.items() if name != "kind"}
    for name, value in options.items():
        if name not in _CHECKS:
            raise sentence(400, f"A fault has no property called {name}.")
        accepts, wanted = _CHECKS[name]
        if not accepts(value):
            raise sentence(400, f"A fault's {name} is {wanted}.")
    try:
        pattern = re.compile(options.get("path", ""))
    except re.error as problem:
        raise sentence(400, f"The fault's path is no regular expression: {problem}.") from None
    options["method"] = options.get("method", "*").upper()
    return Fault(kind=body["kind"], pattern=pattern, **options)


class Faults:
    """Those still waiting, in the order they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, body: Any) -> None:
        self.waiting += [parse(one) for one in (body if isinstance(body, list) else [body])]

    def clear(self) -> None:
        self.waiting.clear()

    def take(self, system: str, request: Request) -> Fault | None:
        """Return the fault that strikes this call, counting down what it skips and how often it strikes."""
        for fault in self.waiting:
            if not fault.matches(system, request):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            if not fault.times:
                self.waiting.remove(fault)
            return fault
        return None
