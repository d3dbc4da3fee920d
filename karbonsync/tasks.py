"""What the task runner calls. Tasks are thin, may run twice, and hold nothing: our tables are the truth (design §8)."""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from contacts.models import SyncSettings
from contacts.remote import RemoteError
from contacts.values import System
from karbonsync import pipeline
from karbonsync.lease import Held, ring
from karbonsync.models import Run
from karbonsync.pipeline import Counts, Pipeline, Report
from matching import duplicate_pairs

log = logging.getLogger(__name__)
LEASE = "check"
KEEP_QUIET_RUNS = timedelta(days=1)
KEEP_RUNS = timedelta(days=180)


def check() -> None:
    """One check, unless one is running: that one then looks once more before it ends."""
    if not SyncSettings.load().syncing:
        return
    lease = Held(LEASE)
    if not lease.take():
        ring(LEASE)
        return
    try:
        run_check(lease)
        while not lease.release():
            run_check(lease)
    finally:
        lease.drop()


def run_check(
    lease: Held, *, full: bool = False, report: Report = lambda step, progress: None
) -> tuple[Counts, list[str]]:
    """Run one check under a lease and leave its record. Returns what it did and what was in the way."""
    return _run(lease, report, lambda work: work.check(full=full))


def run_rest(lease: Held, report: Report = lambda step, progress: None) -> tuple[Counts, list[str]]:
    """Do what has become due since the last check, without reading the lists again."""

    def rest(work: Pipeline) -> object:
        since = timezone.now()
        work.read_again()
        work.plan()
        return work.finish(since)

    return _run(lease, report, rest)


def _run(lease: Held, report: Report, act: Callable[[Pipeline], object]) -> tuple[Counts, list[str]]:
    run = Run.objects.create()
    told = [timezone.now()]

    def tell(step: str, progress: str) -> None:
        lease.renew()
        report(step, progress)
        if step != run.step or timezone.now() - told[0] > timedelta(seconds=1):
            told[0] = timezone.now()
            run.step, run.progress = step, progress[:200]
            run.save(update_fields=["step", "progress"])

    try:
        work = Pipeline(pipeline.connect(), tell, run.pk)
        act(work)
        run.counts, run.error, run.is_quiet = work.counts.as_json(), " ".join(work.errors)[:1000], work.counts.is_quiet
        return work.counts, work.errors
    except RemoteError as error:  # no connection at all: Xero's login may be down, or a person must reconnect
        run.error = str(error)[:1000]
        return Counts(), [str(error)]
    except Exception:
        run.error = "The check stopped on an unexpected fault. The log has the details; the next check goes on."
        raise
    finally:
        run.step, run.ended_at, run.progress = Run.Step.DONE, timezone.now(), ""
        run.is_quiet = run.is_quiet and not run.error
        run.save()


def find_duplicates(system: str = "") -> None:
    """Look for likely duplicates inside one service, or inside both."""
    for each in [System(system)] if system else System:
        duplicate_pairs.search(each)


def housekeeping() -> None:
    """Forget checks that had nothing to say, and very old ones."""
    now = timezone.now()
    quiet = Q(is_quiet=True, started_at__lt=now - KEEP_QUIET_RUNS)
    Run.objects.filter(quiet | Q(started_at__lt=now - KEEP_RUNS)).delete()
