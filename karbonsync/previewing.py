"""Makes the preview: asked for by a person, made in the background, shown until it is carried out or replaced.

Reading comes first and keeps what it read, so that a preview that has to wait for the services goes on where it ended. Then
match and plan run in a transaction that is rolled back; what they would do is spooled to a file and stored afterwards. The
transaction keeps others from writing where the database is SQLite, so whatever can be done before it is.
"""

import json
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from contacts import budget, mirror
from contacts.links import NotPossible
from contacts.models import SyncSettings
from contacts.remote import NotAuthorised, RemoteError, Unavailable
from contacts.values import System
from karbon import remote as karbon_remote
from karbonsync import bells, conventions, pipeline, preview_rows, promise, setup, takeover
from karbonsync.lease import LEASE
from karbonsync.models import Lease, Preview, PreviewRow
from karbonsync.pipeline import Pipeline

State = Preview.State
TURN = timedelta(minutes=8)  # the task runner ends a task after ten: reading stops before, and the next turn goes on
DECIDE_BY = timedelta(
    minutes=4
)  # deciding cannot be interrupted: it begins in the first half of a turn, or in the next
NEXT_TURN = 2.0  # seconds
BATCH = 200
TRY_AGAIN = timedelta(seconds=60)
TRIES = 5
Tell = Callable[[str], None]


def ask(*, by: User, proposed: dict[str, Any] | None = None) -> None:
    """Ask for a new preview, of settings that are tried out if there are any. It replaces the one before."""
    if Preview.objects.filter(state=State.ACCEPTED, looked_at=None).exists():
        raise NotPossible("What was started is still being carried out. A new preview can be made when that is done.")
    fresh = {"state": State.ASKED, "asked_at": timezone.now(), "asked_by": by, "proposed": proposed or {}}
    nothing: dict[str, Any] = {
        "progress": "",
        "faults": 0,
        "not_before": None,
        "problem": "",
        "made_at": None,
        "told_at": None,
        "accepted_at": None,
    }
    Preview.objects.update_or_create(
        id=1, defaults={**fresh, **nothing, "made_with": {}, "holds_new": False, "looked_at": None}
    )
    bells.watch_preview()
    bells.ring_for_preview()


def discard(*, by: User) -> None:
    """Forget a preview, and with it the settings that were tried out."""
    if not Preview.objects.exclude(state=State.ACCEPTED).filter(asked_at__isnull=False).exists():
        raise NotPossible("There is nothing to discard: what was started is being carried out.")
    with transaction.atomic():
        PreviewRow.objects.all().delete()
        Preview.objects.exclude(state=State.ACCEPTED).delete()
    setup.log(by, SyncSettings.load(), "Discarded a preview.")


def go_on(renew: Callable[[], None]) -> None:
    """Make the preview that was asked for, as far as the services let us now. The caller holds the lease."""
    preview = Preview.objects.filter(state__in=Preview.UNDER_WAY).first()
    if preview is None:
        return
    Preview.objects.filter(pk=preview.pk, asked_at=preview.asked_at).update(state=State.WORKING, not_before=None)
    try:
        _make(preview, _teller(preview, renew))
    except Unavailable as error:
        _wait(preview, error)
    except RemoteError as error:
        _fail(preview, str(error))
    except Exception:
        _fail(preview, "The preview stopped on an unexpected fault. The log has the details. Try again.")
        raise


def _mine(preview: Preview) -> Any:
    """The preview, unless somebody has asked for another one meanwhile."""
    return Preview.objects.filter(pk=preview.pk, asked_at=preview.asked_at, state__in=Preview.UNDER_WAY)


def _teller(preview: Preview, renew: Callable[[], None]) -> Tell:
    told = [timezone.now() - timedelta(seconds=1)]

    def tell(progress: str) -> None:
        renew()
        if timezone.now() - told[0] >= timedelta(seconds=1):
            told[0] = timezone.now()
            _mine(preview).update(progress=progress[:200], told_at=timezone.now())

    return tell


def _wait(preview: Preview, error: Unavailable) -> None:
    """Go on later. A service that names the time is waited for; other faults are borne a few times."""
    faults = 0 if error.retry_after and error.retry_after > 1 else preview.faults + 1
    if faults >= TRIES:
        _fail(preview, str(error))
        return
    wait = timedelta(seconds=error.retry_after or 0) if not faults else TRY_AGAIN
    due = timezone.now() + wait
    _mine(preview).update(state=State.WAITING, not_before=due, faults=faults, problem=str(error)[:500])
    bells.ring_for_preview(at=due)


def _fail(preview: Preview, problem: str) -> None:
    _mine(preview).update(state=State.FAILED, problem=problem[:500], progress="")


def _until(moment: datetime, tell: Tell) -> Tell:
    """Tell, and stop by the clock. What was read stays, so the next turn goes on there."""

    def tell_in_time(progress: str) -> None:
        tell(progress)
        if timezone.now() >= moment:
            raise Unavailable(
                "Both address books are long: the preview is made in several turns.", retry_after=NEXT_TURN
            )

    return tell_in_time


def _make(preview: Preview, tell: Tell) -> None:
    began_at = timezone.now()
    work = Pipeline(pipeline.connect(), lambda step, progress: tell(progress))
    work.began_at = work.lists_from = preview.asked_at  # what was read since the person asked still counts
    stored = SyncSettings.load()
    for name, value in preview.proposed.items():
        setattr(work.settings, name, value)
    made_with = promise.made_with(work.settings)
    _read(work, stored)
    read_more = _until(began_at + TURN, tell)
    work.report = lambda step, progress: read_more(progress)
    _read_what_decides(work, read_more)
    work.reading_is_over = True
    _until(began_at + DECIDE_BY, tell)("Working out what would happen")
    with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
        with transaction.atomic():
            _spool(work, stored, spool)
            transaction.set_rollback(True)
        tell("Storing what was found")
        _store(preview, spool, made_with)


def _read(work: Pipeline, stored: SyncSettings) -> None:
    """Read both lists. Raise Unavailable with how long the services make us wait, where they say."""
    setup.remember_sizes()
    if conventions.of(stored) != conventions.of(work.settings):
        mirror.ask_refreshes(list(conventions.not_read_since_written()), reason="conventions")
    work.pull_both()
    if work.fresh >= set(System):
        return
    if work.is_locked_out:
        raise NotAuthorised(" ".join(work.errors))
    days = {system: budget.day(system) for system in set(System) - work.fresh}
    said = [*work.errors, *(budget.closed_in_words(system, day) for system, day in days.items())]
    waits = [(day.closed_until - timezone.now()).total_seconds() for day in days.values() if day.closed_until]
    waits += [work.counts.go_on_in] if work.counts.go_on_in else []
    problem = " ".join(filter(None, dict.fromkeys(said))) or "One of the services could not be read."
    raise Unavailable(problem, retry_after=max(NEXT_TURN, *waits) if waits else None)


def _read_what_decides(work: Pipeline, tell: Tell) -> None:
    """Read what the lists do not show: pairs of Karbon's own sync, and the full records of those about to be linked.

    Filing them belongs here, too: it lasts, and in the transaction it would be long, and done again by the next check.
    """
    karbon = work.remotes[System.KARBON]
    if isinstance(karbon, karbon_remote.KarbonRemote):
        takeover.find_pairs(karbon, work.settings.import_filter, tell)
    work.verify()
    work.file()


def _spool(work: Pipeline, stored: SyncSettings, spool: IO[str]) -> None:
    """Let the check happen and write down what came of it. The caller rolls back."""
    since = timezone.now()
    work.settings.save()
    try:
        conventions.change(stored, work.settings)
    except NotPossible as reason:
        raise Unavailable(str(reason), retry_after=30.0) from reason
    takeover.agree(work.settings.import_filter)
    work.report = lambda step, progress: None  # nothing told in here would last
    work.match()
    work.plan()
    for row in preview_rows.told(work, since):
        spool.write(json.dumps(row, cls=DjangoJSONEncoder) + "\n")


@transaction.atomic
def _store(preview: Preview, spool: IO[str], made_with: dict[str, Any]) -> None:
    """Replace the rows as a whole, unless another preview was asked for meanwhile."""
    ready = {"state": State.READY, "made_at": timezone.now(), "progress": "", "problem": ""}
    if not _mine(preview).update(**ready, made_with=made_with):
        return
    PreviewRow.objects.all().delete()
    spool.seek(0)
    batch: list[PreviewRow] = []
    for line in spool:
        batch.append(PreviewRow(**json.loads(line)))
        if len(batch) == BATCH:
            PreviewRow.objects.bulk_create(batch)
            batch = []
    PreviewRow.objects.bulk_create(batch)


def is_under_way() -> bool:
    return Preview.objects.filter(state__in=Preview.UNDER_WAY).exists()


def take_up() -> bool:
    """Have a preview gone on with whose process died; return whether it was so. Who looks first asks for it."""
    preview = Preview.objects.filter(state__in=Preview.UNDER_WAY).first()
    if preview is None or _is_being_made() or not _is_stalled(preview):
        return False
    if Preview.objects.filter(pk=preview.pk, told_at=preview.told_at).update(told_at=timezone.now()):
        bells.ring_for_preview()
    return True


def _is_being_made() -> bool:
    return Lease.objects.filter(name=LEASE, expires_at__gt=timezone.now()).exclude(holder="").exists()


def _is_stalled(preview: Preview) -> bool:
    now = timezone.now()
    quiet_since = max(filter(None, (preview.told_at, preview.not_before, preview.asked_at)))
    return now - quiet_since > timedelta(seconds=2 * settings.LEASE_SECONDS)
