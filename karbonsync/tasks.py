"""What the task runner calls. Tasks are thin, may run twice, and hold nothing: our tables are the truth (design §8)."""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from contacts import api, bell
from contacts.models import SyncSettings
from contacts.remote import RemoteError
from contacts.values import System
from karbon import keys as karbon_keys
from karbonsync import bells, forecast, listening, outages, pipeline, previewing, resuming
from karbonsync.lease import LEASE, Held, ring
from karbonsync.models import Run
from karbonsync.pipeline import Counts, Pipeline, Report
from matching import duplicate_pairs
from xero import oauth

log = logging.getLogger(__name__)
PREVIEW_AGAIN = timedelta(seconds=5)
KEEP_QUIET_RUNS = timedelta(days=1)
KEEP_RUNS = timedelta(days=180)


def check() -> None:
    """One check, unless one is running: that one then looks once more before it ends."""
    bell.answered(bell.CHECK, bell.LOOK)
    _under_lease(_check_or_watch)


def look() -> None:
    """Read what a webhook named and carry it over at once, without reading the lists."""
    bell.answered(bell.LOOK)
    _under_lease(_look)


def watch_webhooks() -> None:
    """See that Karbon still sends us its events, which it stops without notice."""
    bell.answered(bell.WATCH)
    listening.watch()


def _under_lease(act: Callable[[Held], float | None]) -> None:
    if not SyncSettings.load().syncing:
        return
    lease = Held(LEASE)
    if not lease.take():
        ring(LEASE)
        return
    try:
        go_on_in = act(lease)
        while not lease.release():
            go_on_in = _check_or_watch(lease)
        if go_on_in is not None and go_on_in <= api.PACE_SECONDS:
            bell.ring()  # else the next minute's check goes on
    finally:
        lease.drop()
    outages.write_letters()


def _check_or_watch(lease: Held) -> float | None:
    """Make a check and return in how many seconds there is more to do; None where our own pace cut nothing short.

    While everything is paused, only look. A pause until Xero is connected ends here, unless much would be sent.
    """
    if SyncSettings.load().paused_at:
        _, problems = _run(lease, _silent, lambda work: work.watch())
        if problems or not resuming.after_connecting():
            return None
    counts, _ = run_check(lease)
    return counts.go_on_in


def _look(lease: Held) -> float | None:
    counts, _ = run_rest(lease)
    return counts.go_on_in


def _silent(step: str, progress: str) -> None:
    """Nobody listens."""


def make_preview() -> None:
    """Make the preview that was asked for; while a check is running, a little later."""
    lease = Held(LEASE)
    if not lease.take():
        bells.ring_for_preview(at=timezone.now() + PREVIEW_AGAIN)
        return
    try:
        previewing.go_on(lease.renew)
        if not lease.release():  # a check was asked for meanwhile
            bell.ring()
    finally:
        lease.drop()


def see_to_preview() -> None:
    """Take up a preview whose process died; once none is under way, nobody looks any more."""
    previewing.take_up()
    if not previewing.is_under_way():
        bells.stop_watching_preview()


def run_check(lease: Held, *, full: bool = False, report: Report = _silent) -> tuple[Counts, list[str]]:
    """Run one check under a lease and leave its record. Returns what it did and what was in the way."""
    return _run(lease, report, lambda work: work.check(full=full))


def run_rest(lease: Held, report: Report = _silent) -> tuple[Counts, list[str]]:
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
    with_time_left = forecast.Progress()

    def tell(step: str, progress: str) -> None:
        lease.renew()
        progress = with_time_left(progress)
        report(step, progress)
        if step != run.step or timezone.now() - told[0] > timedelta(seconds=1):
            told[0] = timezone.now()
            run.step, run.progress = step, progress[:200]
            run.save(update_fields=["step", "progress"])

    try:
        work = Pipeline(pipeline.connect(in_any_case=True), tell, run.pk)
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
        before = Run.objects.filter(pk__lt=run.pk).values_list("error", flat=True).first()
        run.is_quiet = run.is_quiet and run.error in ("", before)  # a fault that lasts is news once
        run.save()


def find_duplicates(system: str = "") -> None:
    """Look for likely duplicates inside one service, or inside both."""
    for each in [System(system)] if system else System:
        duplicate_pairs.search(each)


def housekeeping() -> None:
    """Forget checks that had nothing to say, and very old ones. Seal the tokens with the current key."""
    oauth.reseal()
    karbon_keys.reseal()
    now = timezone.now()
    quiet = Q(is_quiet=True, started_at__lt=now - KEEP_QUIET_RUNS)
    Run.objects.filter(quiet | Q(started_at__lt=now - KEEP_RUNS)).delete()
