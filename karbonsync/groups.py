"""The two groups of people: staff who match and link, administrators who also choose settings and let people in."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

STAFF, ADMINISTRATORS = "Staff", "Administrators"
_LOOK = {
    "contacts": ("xerocontact", "karboncontact", "link", "change", "fieldconflict", "syncsettings"),
    "matching": ("matchissue", "verdict"),
    "karbonsync": ("run",),
}
_ACT = ("matching.change_matchissue", "contacts.change_link", "contacts.change_fieldconflict")
_ADMINISTER = (
    "contacts.change_syncsettings",
    "xero.view_xeroconnection",
    "auth.view_user",
    "auth.add_user",
    "auth.change_user",
    "auth.view_group",
)


def ensure() -> None:
    """Create both groups, or bring their permissions up to date. Needs the permissions that ``migrate`` creates."""
    staff = [f"{app}.view_{model}" for app, models in _LOOK.items() for model in models] + list(_ACT)
    _set(STAFF, staff)
    _set(ADMINISTRATORS, [*staff, *_ADMINISTER])


def _set(name: str, permissions: Iterable[str]) -> None:
    wanted = Q(pk__in=[])
    for permission in permissions:
        app, _, codename = permission.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    group, _ = Group.objects.get_or_create(name=name)
    group.permissions.set(Permission.objects.filter(wanted))
