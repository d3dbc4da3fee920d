"""Tells on the settings page what holding lookalikes does to the contacts that wait now."""

from typing import Any

from django import template

from contacts.models import SyncSettings
from matching.waiting import likenesses

register = template.Library()
STEPS = (50, 60, 70, 80, 90, 95)


@register.inclusion_tag("matching/_hold_effect.html")
def hold_effect(chosen: SyncSettings) -> dict[str, Any]:
    """Count the lookalikes that wait, and how many of them each threshold would hold."""
    scores = likenesses()
    steps = sorted({*STEPS, chosen.lookalike_threshold})
    return {
        "is_on": chosen.hold_lookalikes,
        "threshold": chosen.lookalike_threshold,
        "waiting": len(scores),
        "steps": [(step, held := sum(score * 100 >= step for score in scores), len(scores) - held) for step in steps],
    }
