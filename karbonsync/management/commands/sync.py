"""``sync``: one whole cycle in the foreground, with progress; waits for what is due within a minute."""

import json
import sys
import time
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from contacts import budget
from contacts.models import SyncSettings
from contacts.remote import NotAuthorised
from karbonsync import outages, pipeline, preview, tasks
from karbonsync.checks import TAG
from karbonsync.lease import LEASE, Held
from karbonsync.models import Run
from karbonsync.pipeline import Counts

PATIENCE = timedelta(seconds=60)
QUIET_SECONDS = 2.0


class Command(BaseCommand):
    requires_system_checks = (TAG,)  # what is not connected it says itself
    _told_at = 0.0
    help = "Check both services now: pull, match, plan and send until nothing is due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--preview", action="store_true", help="show what would happen and send nothing")
        parser.add_argument(
            "--full", action="store_true", help="read both lists and all linked records from end to end"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = SyncSettings.load()
        if chosen.paused_at:
            raise CommandError("Everything is paused. Resume it on the dashboard first.", returncode=2)
        if not chosen.syncing:
            raise CommandError("Syncing is off. Connect first: `manage.py connect` (sandbox).", returncode=2)
        try:
            pipeline.connect()
        except NotAuthorised as error:
            raise CommandError(str(error), returncode=2) from error
        outages.knock_now()
        if options["preview"]:
            counts, errors = self._with_lease(lambda lease: preview.preview(self._progress))
        else:
            counts, errors = self._with_lease(lambda lease: self._until_done(lease, full=options["full"]))
        self._tell(counts, errors, as_json=options["json"])
        unsent = pipeline.is_unsent() and not options["preview"]
        if errors or counts["failed"] or unsent or pipeline.needs_a_person():
            sys.exit(1)

    def _with_lease(self, work: Any) -> tuple[dict[str, Any], list[str]]:
        """Wait for a lease that another process holds, or that a killed one left behind."""
        lease, deadline = Held(LEASE), timezone.now() + PATIENCE * 10
        while not lease.take():
            if timezone.now() > deadline:
                raise CommandError("Another check has been running for ten minutes. Try again later.", returncode=2)
            time.sleep(0.3)
        try:
            return work(lease)
        finally:
            lease.drop()

    def _until_done(self, lease: Held, *, full: bool) -> tuple[dict[str, Any], list[str]]:
        total, errors = tasks.run_check(lease, full=full, report=self._progress)
        deadline = timezone.now() + PATIENCE
        tried_at = timezone.now()
        while (due := _next(total, tried_at)) and due <= deadline:
            lease.renew()
            if due > timezone.now():
                time.sleep(min(1.0, (due - timezone.now()).total_seconds()))
                continue
            if total.go_on_in is not None:  # our own pace cut a long import short: look and match on
                errors = _add(total, *tasks.run_check(lease, report=self._progress))
                deadline = timezone.now() + PATIENCE
            else:
                errors = _add(total, *tasks.run_rest(lease, report=self._progress))
            tried_at = timezone.now()
        return total.as_json(), errors

    def _progress(self, step: str, progress: str) -> None:
        """One line that moves on a terminal; elsewhere a line every few seconds, so that a log shows life."""
        if not progress:
            return
        if self.stderr.isatty():
            self.stderr.write(f"\r\033[K{Run.Step(step).label}: {progress}", ending="")
        elif time.monotonic() - self._told_at > QUIET_SECONDS:
            self._told_at = time.monotonic()
            self.stderr.write(f"{Run.Step(step).label}: {progress}")

    def _tell(self, counts: dict[str, Any], errors: list[str], *, as_json: bool) -> None:
        if self.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
        closed = [budget.closed_in_words(system, day) for system, day in budget.days().items()]
        for error in dict.fromkeys([*errors, *filter(None, closed)]):
            self.stderr.write(error)
        if as_json:
            self.stdout.write(json.dumps(counts))
            return
        matched, written = counts["matched"], counts["written"]
        self.stdout.write(f"Matched: {matched['full']} full, {matched['conflict']} conflicts, {matched['none']} without a match.")  # fmt: skip
        self.stdout.write(f"Created: {counts['created']}. Changes sent: {written['xero']} to Xero, {written['karbon']} to Karbon. Failed: {counts['failed']}.")  # fmt: skip
        self.stdout.write(f"In sync: {counts['links']}. Match issues waiting: {counts['open_issues']}.")


def _next(total: Counts, tried_at: datetime) -> datetime | None:
    """When to go on: as soon as our own pace allows, or when the earliest thing that waits is due."""
    if total.go_on_in is not None:
        return tried_at + timedelta(seconds=total.go_on_in)
    return pipeline.next_due(tried_at)


def _add(total: Counts, more: Counts, errors: list[str]) -> list[str]:
    for name in ("created", "failed"):
        setattr(total, name, getattr(total, name) + getattr(more, name))
    total.go_on_in = more.go_on_in
    for name in ("pulled", "matched", "written", "calls"):
        for key, number in getattr(more, name).items():
            getattr(total, name)[key] += number
    return errors
