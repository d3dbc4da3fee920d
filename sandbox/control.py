"""The control API below `/sandbox`: worlds, state, calls, faults, switches, clock, webhooks, and people's edits."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import karbon_book, xero_book
from .switches import SWITCHES
from .wire import Request, Response, as_html, as_json, sentence

if TYPE_CHECKING:
    from .server import Sandbox

PAGE = Path(__file__).with_name("page.html")
#: Switches that change what lists show, and so the books' indexes.
SHAPING = ("gdprListed", "listFullName", "privateRecords")
KINDS = {"contacts": karbon_book.CONTACT, "organizations": karbon_book.ORGANIZATION}
Act = Callable[[Request], Any]


class Control:
    def __init__(self, sandbox: "Sandbox") -> None:
        self.sandbox = sandbox
        self._acts: dict[str, dict[str, Act]] = {
            "": {"GET": self._page},
            "reset": {"POST": self._reset},
            "state": {"GET": self._state},
            "truth": {"GET": lambda request: self.sandbox.truth},
            "calls": {"GET": self._calls, "DELETE": lambda request: self.sandbox.calls.clear()},
            "faults": {"GET": self._faults, "POST": self._add_faults, "DELETE": self._clear_faults},
            "switches": {"GET": self._switches, "POST": self._change_switches},
            "clock": {"GET": self._clock, "POST": self._advance},
            "webhooks": {"GET": self._webhooks, "POST": self._aim},
            "deliveries": {"GET": lambda request: list(self.sandbox.deliveries)},
        }

    def answer(self, request: Request) -> Response:
        parts = [part for part in request.path.split("/")[2:] if part]
        if parts[:1] == ["xero"] and parts[1:2] == ["contacts"]:
            return self._xero(request, parts[2:])
        if parts[:1] == ["karbon"] and len(parts) > 1 and parts[1] in KINDS:
            return self._karbon(request, KINDS[parts[1]], parts[2:])
        acts = self._acts.get("/".join(parts))
        if acts is None:
            raise sentence(404, f"The sandbox has no control at {request.path}.")
        act = acts.get(request.method)
        if act is None:
            raise sentence(405, f"{request.path} takes {' or '.join(acts)}.")
        result = act(request)
        return result if isinstance(result, Response) else as_json({"ok": True} if result is None else result)

    # The whole

    def _page(self, request: Request) -> Response:
        if not PAGE.exists():
            return as_html("<h1>The sandbox is running</h1>", 200)
        return Response(200, PAGE.read_bytes(), "text/html; charset=utf-8")

    def _reset(self, request: Request) -> None:
        body = _object(request)
        spec = body.get("world", "empty")
        if not isinstance(spec, str | int | dict) or isinstance(spec, bool):
            raise sentence(400, "A world is demo, empty, a number of contacts, or an object describing it.")
        try:
            self.sandbox.reset(spec)
        except (ValueError, TypeError, KeyError) as problem:
            raise sentence(400, f"That world cannot be built: {str(problem).rstrip('.')}.") from None

    def _state(self, request: Request) -> Any:
        sandbox = self.sandbox
        book = sandbox.karbon.book
        shown = {kind: [] for kind in KINDS.values()}  # type: dict[str, list[Any]]
        for record in book.records.values():
            shown[record.kind].append(karbon_book.single(book, record, ["BusinessCards"]))
        return {
            "xero": {"contacts": [xero_book.single(c) for c in sandbox.xero.book.contacts.values()]},
            "karbon": {"contacts": shown[karbon_book.CONTACT], "organizations": shown[karbon_book.ORGANIZATION]},
        }

    def _calls(self, request: Request) -> Any:
        """Every call since the last reset or clearing; `?after=ID` gives only the newer ones."""
        after = request.params.get("after", "0")
        if not after.isdecimal() or len(after) > 18:
            raise sentence(400, "after is the id of a call.")
        return self.sandbox.calls[int(after) :]

    # Faults, switches, clock, webhooks

    def _faults(self, request: Request) -> Any:
        return [fault.described() for fault in self.sandbox.faults.waiting]

    def _add_faults(self, request: Request) -> Any:
        self.sandbox.faults.add(request.json())
        return self._faults(request)

    def _clear_faults(self, request: Request) -> None:
        self.sandbox.faults.clear()

    def _switches(self, request: Request) -> Any:
        """The positions; `?explain=1` adds each switch's meaning and choices."""
        values = self.sandbox.switches.values
        if "explain" not in request.params:
            return values
        return {
            name: {"value": values[name], "default": s.default, "meaning": s.meaning, "choices": s.choices}
            for name, s in SWITCHES.items()
        }

    def _change_switches(self, request: Request) -> Any:
        sandbox = self.sandbox
        before = dict(sandbox.switches.values)
        sandbox.switches.change(request.json())
        if any(before[name] != sandbox.switches[name] for name in SHAPING):
            sandbox.apply_switches()
        sandbox.store.put("config", "switches", sandbox.switches.values)
        return sandbox.switches.values

    def _clock(self, request: Request) -> Any:
        return {"now": self.sandbox.clock.iso(), "offset": self.sandbox.clock.offset}

    def _advance(self, request: Request) -> Any:
        seconds = _object(request).get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
            raise sentence(400, 'Send {"advance": seconds}.')
        if not 0 <= seconds <= 10 * 365 * 86_400:
            raise sentence(400, "The clock moves forward only, by at most ten years.")
        self.sandbox.advance(seconds)
        return self._clock(request)

    def _webhooks(self, request: Request) -> Any:
        hooks = self.sandbox.xero_hooks
        subscriptions = [
            {"TargetUrl": s["TargetUrl"], "WebhookType": s["WebhookType"]}
            for s in self.sandbox.karbon_hooks.subscriptions.values()
        ]
        return {"xero": hooks.target["url"], "xero_status": hooks.target["status"], "karbon": subscriptions}

    def _aim(self, request: Request) -> Any:
        body = _object(request)
        if "xero" not in body:
            raise sentence(400, 'Send {"xero": URL}, or null to stop. Karbon\'s are subscribed through its API.')
        self.sandbox.xero_hooks.aim(body["xero"], body.get("xero_key"))
        return self._webhooks(request)

    # What people do

    def _xero(self, request: Request, rest: list[str]) -> Response:
        screens, method = self.sandbox.xero_screens, request.method
        if not rest and method == "POST":
            return as_json(screens.create(request.json()), 201)
        if len(rest) == 1 and method == "GET":
            return as_json(xero_book.single(screens.find(rest[0])))
        if len(rest) == 1 and method == "PATCH":
            return as_json(screens.edit(rest[0], request.json()))
        if len(rest) == 2 and method == "POST" and rest[1] in ("archive", "restore"):
            return as_json(getattr(screens, rest[1])(rest[0]))
        if len(rest) == 2 and method == "POST" and rest[1] == "merge":
            return as_json(screens.merge(rest[0], request.json()))
        raise sentence(405, "In Xero a person can create, edit, archive, restore and merge contacts.")

    def _karbon(self, request: Request, kind: str, rest: list[str]) -> Response:
        screens, method = self.sandbox.karbon_screens, request.method
        if not rest and method == "POST":
            return as_json(screens.create(kind, request.json()), 201)
        if len(rest) == 1 and method == "GET":
            return as_json(screens.shown(screens.find(rest[0])))
        if len(rest) == 1 and method == "PATCH":
            return as_json(screens.edit(rest[0], request.json()))
        if len(rest) == 1 and method == "DELETE":
            return as_json(screens.delete(rest[0]))
        if len(rest) == 2 and method == "PATCH" and rest[1] == "card":
            return as_json(screens.edit_card(rest[0], request.json()))
        if len(rest) == 2 and method == "POST" and rest[1] == "merge":
            return as_json(screens.merge(rest[0], request.json()))
        raise sentence(405, "In Karbon a person can create, edit, delete and merge records, and edit their card.")


def _object(request: Request) -> dict[str, Any]:
    body = request.json()
    if not isinstance(body, dict):
        raise sentence(400, "Send a JSON object.")
    return body
