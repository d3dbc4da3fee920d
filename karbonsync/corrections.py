"""What a person corrects in a preview before it is carried out: the kind of a new contact, and who is left out."""

from django.contrib.auth.models import User
from django.db import transaction

from contacts import links
from contacts.links import NotPossible, Overtaken
from contacts.models import RemoteContact
from contacts.values import Kind
from karbon import remote as karbon_remote
from karbonsync import preview_rows
from karbonsync.models import Preview, PreviewRow
from matching import issues, kind_checks, kinds

Outcome = PreviewRow.Outcome
MAY_BE_LEFT_OUT = (Outcome.NEW, Outcome.FULL, Outcome.ADOPTED, Outcome.CONFLICT, Outcome.SIMILAR)


def _open_row(pk: int) -> PreviewRow:
    """Return a row that may still be corrected, held until the act is over."""
    if not Preview.objects.select_for_update().filter(state=Preview.State.READY).exists():
        raise Overtaken("This preview is no longer open: it was carried out, or a new one is being made.")
    row = PreviewRow.objects.select_for_update(of=("self",)).select_related("xero").filter(pk=pk).first()
    if row is None or row.xero is None:
        raise Overtaken("This contact is no longer in the preview. Look again.")
    return row


@transaction.atomic
def correct_kind(pk: int, kind: Kind, *, by: User) -> PreviewRow:
    """Say what a contact is before it is created; the values follow, as Karbon holds a person's name in parts."""
    row = _open_row(pk)
    if row.outcome != Outcome.NEW or kind is Kind.UNKNOWN:
        raise NotPossible("Only a contact that is new in Karbon can be made a person or an organisation here.")
    contact = _xero(row)
    links.decide_kind(contact, kind, by=by)
    kinds.record(kind_checks.name_of(contact), kind, by=by)
    for name, value in preview_rows.creation(karbon_remote.connect(), contact, kind).items():
        setattr(row, name, value)
    row.is_kind_decided = True
    row.save()
    return row


@transaction.atomic
def leave_out(pk: int, *, by: User) -> PreviewRow:
    """Leave a contact out before anything happens to it."""
    row = _open_row(pk)
    if row.outcome not in MAY_BE_LEFT_OUT:
        raise NotPossible("Nothing would happen to this contact, so there is nothing to leave out.")
    waiting = issues.open_issues().filter(xero=_xero(row)).first()
    if waiting is not None:  # nothing is left to decide
        issues.leave_out(waiting, by=by)
    else:
        links.leave_out(_xero(row), by=by)
    row.before_left_out, row.outcome = row.outcome, Outcome.LEFT_OUT
    row.save()
    return row


@transaction.atomic
def bring_back(pk: int, *, by: User) -> PreviewRow:
    """Take back that a contact is left out, as far as this preview knows what would become of it."""
    row = _open_row(pk)
    if row.outcome != Outcome.LEFT_OUT:
        raise Overtaken("This contact is not left out. Look again.")
    if not row.before_left_out:
        raise NotPossible(
            "It was left out before this preview was made. Bring it back on its page, then make a new one."
        )
    links.bring_back(_xero(row), by=by)
    row.outcome, row.before_left_out = row.before_left_out, ""
    row.save()
    return row


def _xero(row: PreviewRow) -> RemoteContact:
    assert row.xero is not None
    return row.xero
