"""What travels between the HTTP front and the stand-ins: requests, responses, and answers raised as exceptions."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

Wire = dict[str, Any]
JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"


class Request:
    """One HTTP request; header names are lower case, `cut` is set by the `truncate` and `empty` faults."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> None:
        self.method = method
        raw_path, _, self.query = target.partition("?")
        self.path = unquote(raw_path)
        self.raw_path = raw_path
        self.headers = headers
        self.body = body
        self.cut: str | None = None

    @cached_property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @cached_property
    def base(self) -> str:
        """Address the caller used, so that links point back to the same place."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"

    def json(self) -> Any:
        """Return the body as JSON; `None` when it is blank or unreadable."""
        try:
            value = json.loads(self.body, parse_constant=_no_constant) if self.body.strip() else None
            # Half a surrogate pair is legal in JSON but in no encoding: it becomes a question mark at the door.
            return json.loads(dump(value).encode("utf-8", "replace")) if b"\\u" in self.body else value
        except (ValueError, RecursionError):
            return None

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str | None = JSON
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status, dump(value).encode("utf-8", "replace"), JSON, headers or {})


def as_html(text: str, status: int) -> Response:
    return Response(status, text.encode(), HTML)


def sentence(status: int, text: str) -> Refused:
    """A refusal of the control API: JSON with one sentence a person can act on."""
    return Refused(as_json({"error": text}, status))
