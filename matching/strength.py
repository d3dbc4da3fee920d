"""Says how likely two records are the same in words, since a bare percentage reads as more than it is. Pure."""

from dataclasses import dataclass

# The score is a calibrated chance: nine in ten of those called very likely are the same.
VERY_LIKELY, POSSIBLE = 90, 50  # percent, as they are shown


@dataclass(frozen=True)
class Strength:
    """The words, the percent, and the tone of the badge (a name of ours, not a colour)."""

    words: str
    percent: int
    tone: str

    def __str__(self) -> str:
        return f"{self.words} ({self.percent} %)"


def strength(score: float) -> Strength:
    """Put a chance from 0 to 1 into words. Only a certainty is shown as 100 %, only an impossibility as 0 %."""
    percent = round(score * 100)
    if 0 < score < 1:
        percent = min(99, max(1, percent))
    if percent >= VERY_LIKELY:
        return Strength("Very likely", percent, "good")
    if percent >= POSSIBLE:
        return Strength("Possible", percent, "info")
    return Strength("Unlikely", percent, "plain")
