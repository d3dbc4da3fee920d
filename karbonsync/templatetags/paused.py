"""What is paused for safety, for the banner in the frame of every page."""

from typing import Any

from django import template

from karbonsync import safety_desk, standing
from karbonsync.models import SafetyStop

register = template.Library()


@register.simple_tag(takes_context=True)
def open_pauses(context: dict[str, Any]) -> list[SafetyStop]:
    request = context.get("request")
    return safety_desk.open_pauses(request) if request and request.user.is_authenticated else []


@register.simple_tag(takes_context=True)
def standing_notes(context: dict[str, Any]) -> list[standing.Note]:
    request = context.get("request")
    return standing.notes(request) if request and request.user.is_authenticated else []
