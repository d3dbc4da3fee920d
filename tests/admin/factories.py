"""Small builders of what the pages show: contacts as read in full, pairs, issues, changes, people."""

from itertools import count
from typing import Any

from django.contrib.auth.models import Permission, User
from django.utils import timezone

from contacts import mirror
from contacts.models import Change, FieldConflict, Link, RemoteContact
from contacts.values import Kind, System
from matching.models import Candidate, DuplicatePair, KindCheck, MatchIssue

_numbers = count(1)
PHONE = {"country": "64", "area": "9", "number": "555 0100"}
ADDRESS = {"lines": "PO Box 1", "city": "Auckland", "postcode": "1010", "country": "NZ"}
STAFF = (
    "contacts.view_xerocontact",
    "contacts.view_karboncontact",
    "contacts.view_link",
    "contacts.view_change",
    "contacts.view_fieldconflict",
    "contacts.view_syncsettings",
    "contacts.change_link",
    "contacts.change_fieldconflict",
    "matching.view_matchissue",
    "matching.view_verdict",
    "matching.change_matchissue",
    "karbonsync.view_run",
)


def person(name: str = "Sam", permissions: tuple[str, ...] = STAFF) -> User:
    user = User.objects.create_user(name, password="a long password here", is_staff=True)
    for permission in permissions:
        app, _, codename = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def contact(system: System, name: str, email: str = "", *, complete: bool = True, **more: Any) -> RemoteContact:
    now = timezone.now()
    values: dict[str, Any] = {"name": name, "billing_email": email}
    if complete:
        values |= {"primary_phone": more.pop("phone", {}), "billing_address": more.pop("address", {})}
    made = RemoteContact(
        system=system,
        remote_id=f"{system}-{next(_numbers)}",
        values=values,
        complete=complete,
        read_began_at=now,
        full_read_at=now if complete else None,
        match_due=False,
        **{"kind": Kind.ORGANISATION if system == System.KARBON else Kind.UNKNOWN, **more},
    )
    mirror.set_keys(made)
    made.save()
    return made


def xero(name: str = "Harbour Joinery", email: str = "accounts@harbour.example", **more: Any) -> RemoteContact:
    return contact(System.XERO, name, email, **more)


def karbon(name: str = "Harbour Joinery", email: str = "office@harbour.example", **more: Any) -> RemoteContact:
    return contact(System.KARBON, name, email, **more)


def pair(left: RemoteContact | None = None, right: RemoteContact | None = None, **more: Any) -> Link:
    left, right = left or xero(), right or karbon()
    more = {"state": Link.State.LIVE, "origin": Link.Origin.FULL_MATCH, "plan_due": False, **more}
    return Link.objects.create(xero=left, karbon=right, **more)


def unsynced(left: RemoteContact | None = None, right: RemoteContact | None = None, **more: Any) -> Link:
    return pair(left, right, state=Link.State.UNSYNCED, ended_at=timezone.now(), **more)


def refused(source: RemoteContact, problem: str = "Xero already has a contact of that name.") -> Link:
    """A creation that the other service refused."""
    made = Link(state=Link.State.CREATING, origin=Link.Origin.CREATED, problem=problem, plan_due=False)
    setattr(made, source.system, source)
    made.save()
    target = System(source.system).other
    Change.objects.create(link=made, system=target, action="create", state="rejected", cause="No match", error=problem)
    return made


def change(link: Link | None = None, **more: Any) -> Change:
    more = {"before": {"name": "Old name"}, "after": {"name": "New name"}, "cause": "Changed in Xero", **more}
    return Change.objects.create(link=link or pair(), system=System.KARBON, **{"state": "done", **more})


def conflict(link: Link | None = None, field: str = "billing_email") -> FieldConflict:
    link = link or pair()
    assert link.xero and link.karbon
    return FieldConflict.objects.create(
        link=link, field=field, xero_value=link.xero.values[field], karbon_value=link.karbon.values[field]
    )


def issue(
    left: RemoteContact | None = None, *rights: RemoteContact, taken: bool = False, reason: str = "Same name, different email.", **more: Any
) -> MatchIssue:  # fmt: skip
    made = MatchIssue.objects.create(xero=left or xero(), reason=reason)
    more = {"why": Candidate.Why.NAME, "is_taken": taken, **more}
    for right in rights or (karbon(),):
        Candidate.objects.create(issue=made, karbon=right, **more)
    return made


def similar(name: str = "Harbour Joinery Ltd", *rights: RemoteContact, score: float = 0.97, **more: Any) -> MatchIssue:
    """An issue that nothing exact speaks for."""
    more = {"evidence": ["limited is ltd"], **more}
    reason = "It looks very much like a Karbon contact."
    return issue(xero(name), *rights, why=Candidate.Why.SIMILAR, score=score, reason=reason, **more)


def creating(left: RemoteContact | None = None, kind: Kind = Kind.PERSON, state: str = "queued") -> Link:
    """A Karbon contact that is about to be created for a Xero contact."""
    made = Link.objects.create(
        xero=left or xero(), state=Link.State.CREATING, origin=Link.Origin.CREATED, plan_due=False
    )
    Change.objects.create(link=made, system=System.KARBON, action="create", state=state, cause="No match", kind=kind)
    return made


def kind_check(link: Link | None = None, confidence: float = 0.6) -> KindCheck:
    return KindCheck.objects.create(link=link or pair(), confidence=confidence)


def duplicates(
    first: RemoteContact | None = None, second: RemoteContact | None = None, score: float = 0.95
) -> DuplicatePair:
    first = first or karbon()
    second = second or karbon()
    return DuplicatePair.objects.create(
        system=first.system, first=first, second=second, score=score, reasons=["same name"]
    )
