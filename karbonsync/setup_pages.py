"""What all pages of the set-up share: who may, the steps and how far each is, and how a failed act is told."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from contacts import pages
from contacts.links import NotPossible, Overtaken
from contacts.models import SyncSettings
from contacts.remote import RemoteError
from karbon import keys as karbon_keys
from karbon.models import KarbonConnection
from karbonsync.models import Preview, SetUp
from xero.models import XeroConnection

MAY = "contacts.change_syncsettings"
View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Step:
    """One step: what it is for, whether it is done, and what was chosen."""

    key: str
    title: str
    is_done: bool
    says: str

    @property
    def url(self) -> str:
        return reverse(f"admin:{'preview' if self.key == 'preview' else f'setup_{self.key}'}")


def steps() -> list[Step]:
    """Return the steps in their order, each with how far it is."""
    chosen, done, preview = SyncSettings.load(), SetUp.load(), Preview.objects.first()
    was_started = done.started_at is not None
    is_previewed = was_started or (preview is not None and preview.made_at is not None)
    seen = preview.get_state_display() if preview else "See what would happen, before it does"
    former = done.get_former_sync_display() or "Did it run before?"
    return [
        _karbon(was_started),
        _xero(),
        Step("rules", "Contact type and import filter", _has_rules(done, chosen), _rules(chosen)),
        Step("conventions", "Conventions", done.conventions_at is not None, conventions_in_words(chosen)),
        Step("former", "Karbon's own Xero sync", bool(done.former_sync) or was_started, former),
        Step("preview", "Preview", is_previewed, seen),
    ]


def _karbon(was_started: bool) -> Step:
    connection = KarbonConnection.objects.filter(id=1).first()
    is_done = karbon_keys.were_tested() or (was_started and karbon_keys.are_there())
    name = connection.account_name if connection else ""
    return Step(
        "karbon", "Karbon keys", is_done, (name or "The keys are set") if is_done else "The two keys of its API"
    )


def _xero() -> Step:
    connection = XeroConnection.objects.filter(id=1).first()
    is_done = connection is not None and connection.is_connected
    return Step("xero", "Sign in to Xero", is_done, str(connection) if is_done else "Whose contacts are synced")


def _has_rules(done: SetUp, chosen: SyncSettings) -> bool:
    return done.rules_at is not None and bool(chosen.default_contact_type)


def _rules(chosen: SyncSettings) -> str:
    kind = f"New Karbon contacts become “{chosen.default_contact_type}”. " if chosen.default_contact_type else ""
    return f"{kind}{chosen.get_import_filter_display()}"


def conventions_in_words(chosen: SyncSettings) -> str:
    phones = ", ".join(chosen.karbon_phone_labels)
    phone = f"Phone: {phones}, else the first" if phones else "The first phone"
    held = "lookalikes are held" if chosen.hold_lookalikes else "lookalikes are created"
    return f"{phone}. Address: {', '.join(chosen.karbon_address_labels)}; {held}"


def show(request: HttpRequest, template: str, title: str, key: str = "", **context: Any) -> HttpResponse:
    """Render a page of the set-up, with all the steps beside it."""
    all_steps = steps()
    return pages.show(
        request,
        template,
        title,
        steps=all_steps,
        step=key,
        first_open=next((step for step in all_steps if not step.is_done), None),
        is_syncing=SyncSettings.load().syncing,
        **context,
    )


def act(page: Callable[..., str]) -> Callable[[View], View]:
    """Make a view an act of a settings administrator: POST only, and what keeps it from being done is told in a sentence.

    Unlike ``pages.act`` it holds no transaction, since it may ask a service.
    """

    def decorate(view: View) -> View:
        @require_POST
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            by: User = pages.require(request, MAY)
            try:
                return view(request, *args, by=by, **kwargs)
            except (RemoteError, NotPossible, Overtaken) as reason:
                messages.error(request, str(reason))
                return redirect(page(*args, **kwargs))

        return guarded

    return decorate


def next_step() -> HttpResponse:
    """Lead on to the first step that is not done yet."""
    step = next((step for step in steps() if not step.is_done), None)
    return redirect(step.url if step else reverse("admin:setup"))
