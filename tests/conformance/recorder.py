"""Listens in on all that our clients say over HTTP, and counts which of their methods were called."""

import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import requests

from sandbox import hooks
from tests.conformance.description import Call


class Recorder:
    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.methods: set[str] = set()
        self.delivered: list[bytes] = []

    @contextmanager
    def listening(self, *spoken: type, modules: tuple[Any, ...] = ()) -> Iterator[None]:
        """Record every HTTP call, and which public methods of these classes and functions of these modules ran."""
        send = requests.Session.send

        def sending(session: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:
            reply = send(session, request, **more)
            self.calls.append(_call(request, reply))
            return reply

        def posting(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bool]:
            self.delivered.append(body)
            trial = "x-xero-signature" in headers and headers["x-xero-signature"] != hooks.xero_signature(body, hooks.XERO_KEY)  # fmt: skip
            return (401 if trial else 200), False

        with ExitStack() as patches:
            patches.enter_context(patch.object(requests.Session, "send", sending))
            patches.enter_context(patch.object(hooks, "post", posting))
            for owner in (*spoken, *modules):
                for name in public(owner):
                    patches.enter_context(patch.object(owner, name, self._counted(owner, name)))
            yield

    def _counted(self, owner: Any, name: str) -> Any:
        original = getattr(owner, name)

        def counted(*given: Any, **more: Any) -> Any:
            self.methods.add(f"{owner.__name__}.{name}")
            return original(*given, **more)

        return counted


def public(owner: Any) -> list[str]:
    """Return the public functions that a class or module defines itself."""
    module = owner.__module__ if inspect.isclass(owner) else owner.__name__
    return [
        name
        for name, each in vars(owner).items()
        if inspect.isfunction(each) and not name.startswith("_") and each.__module__ == module
    ]


def _call(request: requests.PreparedRequest, reply: requests.Response) -> Call:
    body = request.body or b""
    return Call(
        method=str(request.method),
        url=str(request.url),
        headers={name: value if isinstance(value, str) else value.decode() for name, value in request.headers.items()},
        body=body.encode() if isinstance(body, str) else body,
        status=reply.status_code,
        answer_type=reply.headers.get("Content-Type", ""),
        answer=reply.content,
    )
