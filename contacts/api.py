"""``ApiSession``: how we speak HTTP to a service. One place for base URL, time-outs, budgets, retries and typed errors."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter

from contacts import budget
from contacts.remote import Missing, NotAuthorised, Rejected, RemoteError, Unavailable
from contacts.values import System

log = logging.getLogger(__name__)
USER_AGENT = "KarbonSync/1.0"
GET_PAUSES = (0.2, 1.0)  # seconds before a failed GET is tried again; nothing but a GET is ever repeated here
# Where only our own pace stands against a call it is waited for: so long at once, and so long in all before the rest is
# left for the next check. A person at a screen waits a moment only.
PACE_SECONDS, PACE_SECONDS_IN_ALL, PERSON_SECONDS = 10.0, 240.0, 2.0
PERSON_CALL_SECONDS = 8.0  # so long a read may keep a person waiting, repeats included
DEFAULT_RETRY_AFTER = 10.0  # where a refusal does not say: Xero's concurrent limit sends no Retry-After (facts, Xero 6)

Problems = Callable[[requests.Response], list[str]]


class ApiSession:
    """Speaks to one service. ``headers`` is called per request, so that a token renewed meanwhile is used."""

    def __init__(
        self,
        system: System,
        base_url: str,
        *,
        headers: Callable[[], Mapping[str, str]],
        problems: Problems,
        renew: Callable[[], bool] = lambda: False,
        for_person: bool = False,
    ) -> None:
        """``problems`` reads the refusals out of a 400; ``renew`` gets a new token after a 401 and says if it did."""
        self.system, self.base_url = system, base_url
        self.calls = 0
        self.request_id = ""
        self._headers, self._problems, self._renew, self.for_person = headers, problems, renew, for_person
        self._is_watched = for_person  # by somebody at a screen; checks that act for people have time
        self._patience = PERSON_SECONDS if for_person else PACE_SECONDS_IN_ALL
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(max_retries=0))
        self._session.mount("https://", HTTPAdapter(max_retries=0))

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Return a reply with a good status, or raise a typed ``RemoteError``. ``path`` may be an absolute URL."""
        began = time.monotonic()
        for pause in (*GET_PAUSES, None) if method == "GET" else (None,):
            try:
                return self._once(method, path, timeout=max(0.1, self._seconds_left(method, began)), **kwargs)
            except Unavailable as error:
                if pause is None or error.retry_after is not None or self._seconds_left(method, began) <= pause:
                    raise
                time.sleep(pause)
        raise AssertionError("unreachable")

    def json(self, method: str, path: str, **kwargs: Any) -> Any:
        """Return the decoded JSON body of a good reply; anything that is not JSON is a fault of the service."""
        for pause in (*GET_PAUSES, None) if method == "GET" and not self._is_watched else (None,):
            reply = self.request(method, path, **kwargs)
            try:
                return reply.json()
            except requests.JSONDecodeError as error:
                if pause is None:
                    raise self._fault("answered with something that is not JSON") from error
                time.sleep(pause)
        raise AssertionError("unreachable")

    def write(self, method: str, path: str, **kwargs: Any) -> None:
        """Send a write whose answer tells nothing but that it was done: bare, or JSON.

        A page in its place (a proxy's, a sign-in) leaves open whether the write ever reached the service.
        """
        reply = self.request(method, path, **kwargs)
        try:
            if reply.content:
                reply.json()
        except requests.JSONDecodeError as error:
            raise self._fault("answered with something that is not JSON") from error

    def _seconds_left(self, method: str, began: float) -> float:
        """Return how long an attempt may take. A write always has its full time: cut short, its outcome would be open."""
        full = float(settings.API_TIMEOUT_SECONDS)
        if not self._is_watched or method != "GET":
            return full
        return min(full, PERSON_CALL_SECONDS - (time.monotonic() - began))

    def _once(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        reply = self._send(method, path, **kwargs)
        if reply.status_code == 401 and self._renew():
            reply = self._send(method, path, **kwargs)
        if error := self._error(reply):
            log.info("%s %s answered %s", self.system, method, reply.status_code)
            raise error
        return reply

    def _send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **kwargs: Any
    ) -> requests.Response:
        url = f"{self.base_url}{path}" if path.startswith("/") else path
        if not url.startswith(f"{self.base_url}/"):  # a link in a reply must not take our keys elsewhere
            raise self._fault("sent us to an address that is not its own", performed=False)
        merged = {"User-Agent": USER_AGENT, "Accept": "application/json", **self._headers(), **(headers or {})}
        token, said_left = self._take_turn(method), None
        self.calls += 1
        self.request_id = ""
        try:
            reply = self._session.request(method, url, headers=merged, allow_redirects=False, **kwargs)
            self.request_id = reply.headers.get("xero-correlation-id", "")[:100]
            said_left = _whole(reply.headers.get("X-DayLimit-Remaining"))
            return reply
        except requests.ConnectionError as error:
            not_reached = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
            raise self._fault("could not be reached", performed=False if not_reached else None) from error
        except requests.RequestException as error:
            raise self._fault("did not answer in time") from error
        finally:
            if token:
                budget.finish(self.system, token, said_left)

    def await_turn(self) -> None:
        """Wait until a write fits into our pace, as long as that is a matter of seconds: before it is marked as sent."""
        seconds = budget.seconds_to_write(self.system)
        if 0 < seconds <= min(PACE_SECONDS, self._patience):
            self._patience -= seconds
            time.sleep(seconds)

    def _take_turn(self, method: str) -> str:
        """Take a call from the budget. A read waits here while it is a matter of seconds; anything longer is for later.

        A write never waits: it was marked as being sent before, and its outcome is looked up a fixed time after that.
        """
        while True:
            try:
                return budget.spend(self.system, for_person=self.for_person, is_write=method != "GET")
            except budget.Paced as pace:
                seconds = pace.retry_after or 0.0
                if method != "GET" or seconds > min(PACE_SECONDS, self._patience):
                    raise
                self._patience -= seconds
                time.sleep(seconds)

    def _error(self, reply: requests.Response) -> RemoteError | None:
        """The one table from status to what the caller does next."""
        status, name = reply.status_code, self.system.label
        if 200 <= status < 300:
            return None
        if status in (400, 413, 422):
            return Rejected(self._problems(reply) or [f"{name} refused the request."])
        if status == 401:
            return NotAuthorised(f"{name} no longer accepts our keys. Connect {name} again.")
        if status == 403:
            problems = self._problems(reply)
            return Rejected(problems) if problems else NotAuthorised(f"{name} refused access. Connect {name} again.")
        if status == 404:
            return Missing(f"{name} has no such record, or none that we may see.")
        if status == 409:
            return self._fault("was changing the same record", performed=False, retry_after=1.0)
        if status == 429:
            seconds = _seconds(reply.headers.get("Retry-After"))
            the_day = reply.headers.get("X-Rate-Limit-Problem", "").lower() == "day"
            budget.block(self.system, seconds, for_the_day=the_day)
            return self._fault("asked us to slow down", performed=False, retry_after=seconds)
        return self._fault(f"had a fault (status {status})")

    def _fault(self, what: str, *, performed: bool | None = None, retry_after: float | None = None) -> Unavailable:
        message = f"{self.system.label} {what}. Nothing is lost; it will be tried again."
        return Unavailable(message, retry_after=retry_after, performed=performed)


def _seconds(text: str | None) -> float:
    return max(1.0, float(_whole(text) or 0)) if _whole(text) is not None else DEFAULT_RETRY_AFTER


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdecimal() else None
