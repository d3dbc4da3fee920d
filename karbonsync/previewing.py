"""Makes the preview: asked for by a person, made in the background, shown until it is carried out or replaced.

Reading comes first and keeps what it read, so that a preview that has to wait for the services goes on where it ended. Then
match and plan run in a transaction that is rolled back; what they would do is spooled to a file and stored afterwards.
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

from contacts import mirror
from contacts.links import NotPossible
from contacts.models import SyncSettings
from contacts.remote import NotAuthorised, RemoteError, Unavailable
from contacts.values import System
from karbon import remote as karbon_remote
from karbonsync import bells, conventions, pipeline, preview_rows, promise, setup, takeover
from karbonsync.models import Preview, PreviewRow
from karbonsync.pipeline import Pipeline

State = Preview.State
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


def _make(preview: Preview, tell: Tell) -> None:
    work = Pipeline(pipeline.connect(), lambda step, progress: tell(progress))
    work.began_at = work.lists_from = preview.asked_at  # what was read since the person asked still counts
    stored = SyncSettings.load()
    for name, value in preview.proposed.items():
        setattr(work.settings, name, value)
    _read(work, stored, tell)
    work.reading_is_over = True
    tell("Working out what would happen")
    with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
        with transaction.atomic():
            _spool(work, stored, spool)
            transaction.set_rollback(True)
        tell("Storing what was found")
        _store(preview, spool, promise.choices_of(work.settings))


def _read(work: Pipeline, stored: SyncSettings, tell: Tell) -> None:
    setup.remember_sizes()
    if conventions.of(stored) != conventions.of(work.settings):
        mirror.ask_refreshes(list(conventions.not_read_since_written()), reason="conventions")
    work.pull_both()
    if work.fresh < set(System):
        problem = " ".join(work.errors) or "One of the services could not be read."
        raise NotAuthorised(problem) if work.is_locked_out else Unavailable(problem)
    karbon = work.remotes[System.KARBON]
    if isinstance(karbon, karbon_remote.KarbonRemote):
        takeover.find_pairs(karbon, work.settings.import_filter, tell)
    work.verify()


def _spool(work: Pipeline, stored: SyncSettings, spool: IO[str]) -> None:
    """Let the check happen and write down what came of it. The caller rolls back."""
    since = timezone.now()
    work.settings.save()
    try:
        conventions.change(stored, work.settings)
    except NotPossible as reason:
        raise Unavailable(str(reason), retry_after=30.0) from reason
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


def is_stalled(preview: Preview, last_sign: datetime | None) -> bool:
    """Tell whether nobody works at a preview that is said to be under way: its process died."""
    if preview.state not in Preview.UNDER_WAY or (preview.not_before and preview.not_before > timezone.now()):
        return False
    quiet_since = last_sign or preview.not_before or preview.asked_at
    return timezone.now() - quiet_since > timedelta(seconds=2 * settings.LEASE_SECONDS)
