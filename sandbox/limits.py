"""Call limits of both services, by the sandbox's clock.

Facts: Xero counts 60 a minute, 5 at once and a day's quota in fixed windows; Karbon's gateway enforces a short window.
"""

import math
import re

from .store import Clock
from .switches import Switches


class Window:
    """A fixed window: it opens with the first call and forgets everything when it ends."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.opened = -math.inf
        self.used = 0

    def roll(self, now: float) -> None:
        if not self.opened <= now < self.opened + self.seconds:
            self.opened, self.used = now, 0

    def retry_after(self, now: float) -> int:
        return max(1, math.ceil(self.opened + self.seconds - now))


class XeroLimits:
    """Facts: a refused call consumes nothing; Retry-After comes with minute and day breaches only."""

    CONCURRENT = 5

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self.clock, self.switches = clock, switches
        self.reset()

    def reset(self) -> None:
        self.minute, self.day = Window(60), Window(86_400)

    def refuse(self, in_flight: int) -> tuple[str, int | None] | None:
        """Count this call; return the problem's name and its wait when it is over a limit."""
        if not self.switches["rateLimits"]:
            return None
        now = self.clock.now()
        self.minute.roll(now)
        self.day.roll(now)
        if in_flight > self.CONCURRENT:
            return "concurrent", None
        if self.day.used >= self.switches["xeroDayLimit"]:
            return "day", self.day.retry_after(now)
        if self.minute.used >= self.switches["xeroMinuteLimit"]:
            return "minute", self.minute.retry_after(now)
        self.minute.used += 1
        self.day.used += 1
        return None

    def headers(self) -> dict[str, str]:
        """Remaining budgets. With limits off they do not count down, so that no client throttles itself."""
        on = self.switches["rateLimits"]
        minute = self.switches["xeroMinuteLimit"] - (self.minute.used if on else 0)
        day = self.switches["xeroDayLimit"] - (self.day.used if on else 0)
        return {
            "X-AppMinLimit-Remaining": "9999",
            "X-DayLimit-Remaining": str(max(0, day)),
            "X-MinLimit-Remaining": str(max(0, minute)),
        }


class KarbonLimits:
    def __init__(self, clock: Clock, switches: Switches) -> None:
        self.clock, self.switches = clock, switches
        self.reset()

    def reset(self) -> None:
        self.window = Window(10)

    def refuse(self) -> int | None:
        """Count this call; return the seconds to wait when it is over the limit."""
        if not self.switches["rateLimits"]:
            return None
        calls, seconds = map(int, re.findall(r"\d+", self.switches["rateWindow"]))
        self.window.seconds = seconds
        now = self.clock.now()
        self.window.roll(now)
        if self.window.used >= calls:
            return self.window.retry_after(now)
        self.window.used += 1
        return None
