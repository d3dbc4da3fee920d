"""The two groups that a firm's people belong to, with the permissions that each needs."""

from django.contrib.auth.models import Group, Permission

_OURS = ["contacts", "matching", "karbonsync"]
STAFF = ["change_matchissue", "change_link", "change_fieldconflict"]
ADMINISTRATORS = [
    *STAFF,
    "change_syncsettings",
    "view_xeroconnection",
    "add_user",
    "change_user",
    "view_user",
    "view_group",
]


def ensure() -> None:
    """Make both groups, or bring their permissions up to date."""
    looking = Permission.objects.filter(content_type__app_label__in=_OURS, codename__startswith="view_")
    for name, codenames in {"Staff": STAFF, "Administrators": ADMINISTRATORS}.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set([*looking, *Permission.objects.filter(codename__in=codenames)])
