"""The set-up, step by step: keys, choices, and Start. Pages hold no rules: they call ``karbonsync.setup``."""

from smtplib import SMTPException
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contacts import pages
from contacts.links import NotPossible
from contacts.models import SyncSettings
from contacts.remote import RemoteError
from karbon import conventions as labels
from karbon import keys as karbon_keys
from karbon.keys import Keys
from karbon.models import KarbonConnection
from karbon.remote import Account
from karbonsync import previewing, setup, setup_pages
from karbonsync.models import Preview, SetUp
from karbonsync.setup_pages import MAY

LABEL_CHOICES = 4


def urls(site: AdminSite) -> list[URLPattern]:
    pages_of_steps = [
        ("", overview, "setup"),
        ("karbon/", karbon, "setup_karbon"),
        ("karbon/test/", karbon_test, "setup_karbon_test"),
        ("rules/", rules, "setup_rules"),
        ("conventions/", conventions, "setup_conventions"),
        ("former-sync/", former, "setup_former"),
        ("start/", start, "setup_start"),
        ("test-e-mail/", test_email, "setup_test_email"),
    ]
    return [path(f"set-up/{end}", site.admin_view(never_cache(view)), name=name) for end, view, name in pages_of_steps]


def _url(name: str) -> Any:
    return lambda *args, **kwargs: reverse(f"admin:{name}")


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    by = pages.require(request, MAY)
    mail = "It is written to the server's console, because EMAIL_URL is not set." if _is_console() else ""
    return setup_pages.show(request, "setup/overview.html", "Set-up", email=by.email, mail=mail)


def _is_console() -> bool:
    return bool(settings.EMAIL_BACKEND.endswith("console.EmailBackend"))


# --- Karbon keys ------------------------------------------------------------------------------------------------------


def _key(text: str) -> str:
    if not karbon_keys.could_be_a_key(text):
        raise forms.ValidationError("This is not the key itself: no key holds such characters. Copy it anew in Karbon.")
    return text


class KeysForm(forms.Form):
    bearer_token = forms.CharField(max_length=200, label="Bearer token")
    access_key = forms.CharField(max_length=4000, label="Access key")
    webhook_key = forms.RegexField(
        r"^[A-Za-z0-9_-]{16,200}$",
        required=False,
        label="Signing key for events",
        error_messages={"invalid": "Use at least 16 letters, digits, hyphens or underscores."},
    )

    def clean_bearer_token(self) -> str:
        return _key(str(self.cleaned_data["bearer_token"]).strip().removeprefix("Bearer ").strip())

    def clean_access_key(self) -> str:
        return _key(str(self.cleaned_data["access_key"]))

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        bearer, access = found.get("bearer_token", ""), found.get("access_key", "")
        if bearer.count(".") == 2 and access and "." not in access:
            raise forms.ValidationError("The two keys are swapped: the access key is the long one with two dots.")
        return found


def karbon(request: HttpRequest) -> HttpResponse:
    """Type the keys; they are tried before they are kept, and never shown again."""
    by = pages.require(request, MAY)
    form = KeysForm(request.POST if request.method == "POST" else None)
    account: Account | None = None
    if request.method == "POST" and form.is_valid():
        found = form.cleaned_data
        try:
            account = setup.connect_karbon(
                Keys(found["bearer_token"], found["access_key"]), webhook_key=found["webhook_key"], by=by
            )
        except RemoteError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"Karbon is connected. {in_words(account)}")
            return setup_pages.next_step()
    return setup_pages.show(
        request,
        "setup/karbon.html",
        "Karbon keys",
        "karbon",
        form=form,
        from_environment=karbon_keys.from_environment(),
        is_all_from_environment={"KARBON_BEARER_TOKEN", "KARBON_ACCESS_KEY"} <= set(karbon_keys.from_environment()),
        can_be_kept=bool(settings.FIELD_ENCRYPTION_KEYS),
        has_keys=karbon_keys.are_there(),
        problem=karbon_keys.problem(),
        connection=KarbonConnection.objects.filter(id=1).defer("bearer_token", "access_key", "webhook_key").first(),
    )


@setup_pages.act(_url("setup_karbon"))
def karbon_test(request: HttpRequest, *, by: User) -> HttpResponse:
    messages.success(request, f"The keys work. {in_words(setup.test_karbon(by=by))}")
    return setup_pages.next_step()


def in_words(account: Account) -> str:
    """Name the account back as far as Karbon's API tells it: it has no name there."""
    sizes = " and ".join(f"{size:,} {what}" for what, size in account.sizes.items())
    some = f", among them {', '.join(account.some_names[:4])}" if account.some_names else ""
    return f"Account {account.key or '(Karbon does not tell its key)'} holds {sizes}{some}."


# --- choices ----------------------------------------------------------------------------------------------------------


class RulesForm(forms.Form):
    default_contact_type = forms.CharField(max_length=200, label="Contact type")
    import_filter = forms.ChoiceField(choices=SyncSettings.ImportFilter.choices)


def rules(request: HttpRequest) -> HttpResponse:
    """Choose what new Karbon contacts become, and which Xero contacts are brought over."""
    by, chosen = pages.require(request, MAY), setup.as_tried()
    types, problem = _contact_types()
    form = RulesForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data["default_contact_type"]
        if problem and wanted != chosen.default_contact_type:
            form.add_error(
                "default_contact_type", f"“{wanted}” could not be looked up in Karbon, so it was not stored."
            )
        elif types and wanted not in types:
            form.add_error("default_contact_type", "Karbon has no such contact type. Choose one of the list.")
        else:
            return _chosen(request, "rules", form.cleaned_data, by)
    usual = next((name for name in types if name == "Client"), "")
    return setup_pages.show(
        request,
        "setup/rules.html",
        "Contact type and import filter",
        "rules",
        form=form,
        types=types,
        problem=problem,
        chosen_type=chosen.default_contact_type,
        contact_type=form.data.get("default_contact_type") or chosen.default_contact_type or usual,
        filters=SyncSettings.ImportFilter.choices,
        import_filter=form.data.get("import_filter") or chosen.import_filter,
    )


def _contact_types() -> tuple[list[str], str]:
    """Return Karbon's contact types, and what was in the way of asking for them."""
    try:
        return setup.contact_types(), ""
    except RemoteError as error:
        return [], str(error)


def conventions(request: HttpRequest) -> HttpResponse:
    """Choose which phone and address of a Karbon card count, and whether lookalikes wait."""
    by, chosen = pages.require(request, MAY), setup.as_tried()
    problem = ""
    if request.method == "POST":
        found = {
            "karbon_address_labels": _picked(request, "address", labels.ADDRESS_LABELS),
            "karbon_phone_labels": _picked(request, "phone", labels.PHONE_LABELS),
            "hold_lookalikes": request.POST.get("hold_lookalikes") == "yes",
        }
        if found["karbon_address_labels"]:
            return _chosen(request, "conventions", found, by)
        problem = "Choose at least one address label: without any, no address would ever be synced."
    return setup_pages.show(
        request,
        "setup/conventions.html",
        "Conventions",
        "conventions",
        problem=problem,
        address_places=_places(chosen.karbon_address_labels, labels.ADDRESS_LABELS),
        phone_places=_places(chosen.karbon_phone_labels, labels.PHONE_LABELS),
        hold_lookalikes=chosen.hold_lookalikes,
    )


def _picked(request: HttpRequest, what: str, allowed: tuple[str, ...]) -> list[str]:
    given = [request.POST.get(f"{what}_{place}", "") for place in range(1, LABEL_CHOICES + 1)]
    return list(dict.fromkeys(label for label in given if label in allowed))


def _places(chosen: list[str], allowed: tuple[str, ...]) -> list[dict[str, Any]]:
    filled = [*chosen, *[""] * LABEL_CHOICES][:LABEL_CHOICES]
    return [{"number": n, "chosen": label, "labels": allowed} for n, label in enumerate(filled, 1)]


def _chosen(request: HttpRequest, step: str, found: dict[str, Any], by: User) -> HttpResponse:
    """Go on with what was chosen; where syncing is on, its effect is shown before it counts."""
    if tried := setup.choose(step, found, by=by):
        previewing.ask(by=by, proposed=tried)
        messages.info(request, "Nothing is changed yet. First see what it would do.")
        return redirect("admin:preview")
    if Preview.tried_out():
        previewing.discard(by=by)
        messages.info(request, "The settings stay as they are.")
    return setup_pages.next_step() if not SyncSettings.load().syncing else redirect("admin:setup")


def former(request: HttpRequest) -> HttpResponse:
    """Ask about Karbon's own Xero sync: two syncs at once would answer each other for ever."""
    by, done = pages.require(request, MAY), SetUp.load()
    problem, answer = "", request.POST.get("former_sync", done.former_sync)
    if request.method == "POST":
        if answer == SetUp.FormerSync.YES and request.POST.get("is_off") != "yes":
            problem = "Switch Karbon's own Xero sync off first, then tick the box."
        elif answer in SetUp.FormerSync.values:
            setup.answer_former_sync(answer, by=by)
            return _answered(request, answer, by)
        else:
            problem = "Choose one of the two answers."
    return setup_pages.show(
        request, "setup/former.html", "Karbon's own Xero sync", "former", problem=problem, answer=answer, done=done
    )


def _answered(request: HttpRequest, answer: str, by: User) -> HttpResponse:
    """Go on; where syncing is on, a yes shows first which pairs Karbon tells of, and what linking them would do."""
    if answer != SetUp.FormerSync.YES or not SyncSettings.load().syncing:
        return setup_pages.next_step()
    try:
        previewing.ask(by=by, proposed=Preview.tried_out())
    except NotPossible as reason:
        messages.error(request, str(reason))
    else:
        messages.info(request, "Nothing is changed yet. Karbon is asked for the pairs of its own sync: first see them.")
    return redirect("admin:preview")


# --- start ------------------------------------------------------------------------------------------------------------


@setup_pages.act(_url("preview"))
def start(request: HttpRequest, *, by: User) -> HttpResponse:
    """Start syncing, or use the settings that were tried out."""
    tried = Preview.objects.filter(state=Preview.State.READY).exclude(proposed={}).exists()
    setup.start(by=by)
    said = "The settings are changed." if tried else "Syncing is on. The first import starts in a moment."
    messages.success(request, said)
    return redirect("admin:index")


@setup_pages.act(_url("setup"))
def test_email(request: HttpRequest, *, by: User) -> HttpResponse:
    """Send a test e-mail to whoever presses, and say plainly what came of it."""
    if not by.email:
        messages.error(request, "Your user has no e-mail address. Add one under Users, then try again.")
        return redirect("admin:setup")
    body = f"This is a test from KarbonSync at {settings.SITE_URL}. E-mail works: problems with a connection are told this way."
    try:
        send_mail("KarbonSync: test e-mail", body, settings.DEFAULT_FROM_EMAIL, [by.email])
    except (SMTPException, OSError) as error:
        messages.error(request, f"The test e-mail was not sent: {error}. Check EMAIL_URL.")
    else:
        where = " It was written to the server's console, because EMAIL_URL is not set." if _is_console() else ""
        messages.success(request, f"A test e-mail was handed over for {by.email}.{where}")
    return redirect("admin:setup")
