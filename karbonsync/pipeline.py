"""The whole story: pull → match → plan → push. Everything else is detail of one of these four.

A fault of one service, or of one contact, is recorded and the rest goes on. Nothing here sleeps: what is not due yet
stays in its table until the next check.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from contacts import budget, changes, creating, links, mirror, outbox, settling, stopped
from contacts.models import Change, FieldConflict, Link, Refresh, RemoteContact, SyncSettings
from contacts.planning import Express
from contacts.remote import Keep, NotAuthorised, Remote, RemoteError, Unavailable, Unreadable
from contacts.values import CannotHold, Kind, Presence, Snapshot, System, Value
from karbon import remote as karbon_remote
from karbonsync import outages, pacing, promise, safety, takeover
from karbonsync.models import Cursor, PreviewRow, Run, SafetyStop
from matching import classifier, filing, issues, kind_checks, queue
from matching.matcher import Category, Counterpart, Decision
from matching.queue import Decided
from xero import remote as xero_remote

log = logging.getLogger(__name__)
REREAD_AT_ONCE = 30  # a quarter of Karbon's calls a minute
REFRESH_BATCH = 40
FORGET_AT_ONCE = 500
RETRY_AFTER = timedelta(seconds=60)
AFTER_FAULT = timedelta(seconds=5)
FAULTS_BORNE = 3  # faults in one check after which a service may be down; fewer are the fault of one contact
UNREADABLE = 60  # records that one check bears with as long as the service itself answers
VERIFY_ROUNDS = 3
POLL_VOUCHES = timedelta(seconds=10)
# What a reading moves: the rest of a reading position is for others to ask with.
READ = ("value", "polled_at", "walked_at", "news_at", "poll_calls", "walk_calls", "sizes", "problem", "problem_since")
Report = Callable[[str, str], None]


class NotRead(Unavailable):
    """A contact that could not be read in full before, and is not asked for again now. No fault of the service."""


@dataclass
class Counts:
    """What one check did; ``as_json`` is the contract of ``sync --json``."""

    pulled: dict[str, int] = field(default_factory=lambda: {"xero": 0, "karbon": 0})
    matched: dict[str, int] = field(default_factory=lambda: {c.value: 0 for c in Category})
    adopted: int = 0
    created: int = 0
    written: dict[str, int] = field(default_factory=lambda: {"xero": 0, "karbon": 0})
    failed: int = 0
    calls: dict[str, int] = field(default_factory=lambda: {"xero": 0, "karbon": 0})
    go_on_in: float | None = None  # seconds; our own pace cut it short

    def as_json(self) -> dict[str, Any]:
        live = Link.objects.filter(state=Link.State.LIVE).count()
        told = {name: value for name, value in vars(self).items() if name != "go_on_in"}
        return {**told, "links": live, "open_issues": issues.open_issues().count()}

    @property
    def is_quiet(self) -> bool:
        done = [self.adopted, self.created, self.failed, *self.matched.values(), *self.written.values()]
        return not any(done)


class Pipeline:
    """One check over both services. ``report(step, progress)`` hears what is going on and keeps the lease alive."""

    def __init__(
        self, remotes: Mapping[System, Remote], report: Report = lambda step, progress: None, number: int | None = None
    ) -> None:
        """``number`` is that of the check's record, which its changes and links carry."""
        self.remotes, self.report, self.number = remotes, report, number
        self.counts = Counts()
        self.errors: list[str] = []
        self.is_locked_out = False  # one of the services does not accept our keys
        self.fresh: set[System] = set()  # systems whose list was read well in this check
        self.settings = SyncSettings.load()
        self.promise = promise.Promise()
        self.lists_from = self.promise.given_at  # lists read before do not show what changed before Start was pressed
        self.began_at = timezone.now()
        self.reading_is_over = False  # a preview asks nobody any more once its transaction began
        self._polled_at: datetime | None = None
        self._faults = dict.fromkeys(System, 0)
        self._unreadable: set[int] = set()  # Karbon contacts that could not be read ahead: not asked for twice
        self._shut: set[System] = set()  # services that do not let us in, or take no more calls today

    def check(self, *, full: bool = False) -> Counts:
        """Pull, match, plan and push until nothing more is due now."""
        since = timezone.now()
        self.gather(full=full)
        return self.finish(since)

    def gather(self, *, full: bool = False) -> None:
        """Everything up to and including plan: what a preview shows."""
        self.pull_both(full=full)
        self.match()
        self.plan()

    def watch(self) -> None:
        """What a check does while everything is paused: read, plan, and settle what was being sent. Nothing goes out."""
        self.pull_both()
        self.plan()
        self.push()

    def pull_both(self, *, full: bool = False) -> None:
        for system in System:
            if not full and (refused := outages.still_refused(system)):
                self._shut.add(system)
                self.errors.append(refused)
            with self._going_on(system):
                self.pull(system, full=full)
        self.read_again()

    def finish(self, since: datetime) -> Counts:
        """Send what is due, and what that makes due, until nothing is."""
        while self.push() or self.read_again():
            self.plan()
        self._count(since)
        return self.counts

    # --- pull ---

    def pull(self, system: System, *, full: bool = False) -> None:
        """Bring the mirror up to date: a poll, or from time to time a walk over the whole list."""
        cursor, _ = Cursor.objects.get_or_create(system=system)
        now, calls = timezone.now(), self.remotes[system].calls
        if system in self._shut:
            return
        is_due = full or cursor.walk_due or self._is_too_old(cursor) or pacing.is_due(cursor, now)
        if pacing.is_closed(system) or not is_due:
            if cursor.walked_at and not cursor.problem and self._is_fresh_enough(cursor):
                self.fresh.add(system)
            return
        _claim(cursor, now)
        seen: set[str] = set()

        def keep(snapshots: Sequence[Snapshot]) -> int:
            seen.update(snapshot.remote_id for snapshot in snapshots)
            self.report(Run.Step.PULL, f"{system.label}: {len(seen):,} contacts read")
            news = mirror.keep(system, snapshots)
            self.counts.pulled[system] += news
            return news

        walked_lately = cursor.walked_at and now - cursor.walked_at < pacing.plan(system, cursor).walk_every
        if full or cursor.walk_due or not cursor.value or not walked_lately:
            self._walk(system, cursor, keep, seen, now)
            cursor.walk_calls = self.remotes[system].calls - calls
            if full and system is System.KARBON:
                self._reread_linked(now, everything=True)
        else:
            before = self.counts.pulled[system]
            cursor.value = self.remotes[system].poll(cursor.value, keep)
            if self.counts.pulled[system] > before:
                cursor.news_at = now
            cursor.poll_calls = self.remotes[system].calls - calls
        cursor.polled_at, cursor.problem, cursor.problem_since = now, "", None
        _advance(cursor, now)
        outages.end(system)
        self.fresh.add(system)
        if system is System.KARBON:
            self._reread_linked(now)

    def _is_too_old(self, cursor: Cursor) -> bool:
        """Tell whether a list was last read before the moment from which on a person counts on it."""
        return self.lists_from is not None and (cursor.polled_at is None or cursor.polled_at < self.lists_from)

    def _is_fresh_enough(self, cursor: Cursor) -> bool:
        """Tell whether a list that is not read now may be matched by all the same.

        Xero's is as fresh as the day's calls allow; from an old Karbon list nothing is created.
        """
        was_read_for_this = cursor.polled_at is not None and cursor.polled_at >= self.began_at
        return not self._is_too_old(cursor) and (cursor.system == System.XERO or was_read_for_this)

    def _walk(self, system: System, cursor: Cursor, keep: Keep, seen: set[str], began: datetime) -> None:
        """Read a whole list and see whether it can be believed; if not, forget what came with it and pause.

        While a glance shows a doubted list as it was, it is not walked again each time.
        """
        size_doubt = partial(safety.doubt_size, system, cursor.sizes, is_first=cursor.walked_at is None)
        accepted = safety.was_accepted(system, cursor)
        mark = ""
        if pause := safety.doubted_list(system):
            glance = self.remotes[system].glance()
            mark = glance.mark
            self._believe(system, size_doubt(glance.sizes) or safety.doubt_still(pause, mark))
        walked = self.remotes[system].walk(keep)
        known = RemoteContact.objects.filter(system=system, presence=Presence.PRESENT, first_seen_at__lt=began)
        missing = [c for c in known.only("pk", "remote_id", "reads_valid_from") if c.remote_id not in seen]
        if not accepted:
            strangers = self._strangers(system, began)
            doubt = size_doubt(walked.sizes) or safety.doubt_missing(
                system, len(missing), known.count(), are_there_strangers=strangers.exists()
            )
            if doubt:  # what only such a list showed may be another organisation's: it comes again if it is ours
                while pks := list(strangers.values_list("pk", flat=True)[:FORGET_AT_ONCE]):
                    RemoteContact.objects.filter(pk__in=pks).delete()
            self._believe(system, doubt, mark)
        safety.list_is_believed(system)
        mirror.ask_refreshes(missing, reason="not in the list")
        cursor.value, cursor.sizes, cursor.walked_at = walked.cursor, dict(walked.sizes), began

    def _believe(self, system: System, doubt: str, mark: str = "") -> None:
        if doubt:
            safety.stop(SafetyStop.Kind.LIST, doubt, system, mark=mark)
            raise Unavailable(f"{doubt} Nothing was changed because of it; it is read again.")

    def _strangers(self, system: System, began: datetime) -> QuerySet[RemoteContact]:
        new = RemoteContact.objects.filter(system=system, first_seen_at__gte=began)
        return new.filter(xero_links=None, karbon_links=None)

    def _reread_linked(self, now: datetime, *, everything: bool = False) -> None:
        """Read linked Karbon records again once a day: an edit of a card may leave no trace in the list."""
        live = Q(karbon_links__state__in=[Link.State.LIVE, Link.State.STOPPED])
        linked = RemoteContact.objects.filter(live, system=System.KARBON, refresh=None)
        if not everything:
            linked = linked.filter(full_read_at__lt=now - pacing.REREAD_AFTER).order_by("full_read_at")[:REREAD_AT_ONCE]
        mirror.ask_refreshes(list(linked), reason="daily")

    def read_again(self) -> int:
        """Read the contacts that need it: asked for by a webhook, changed in a list, written by us."""
        read = 0
        for system in self._open():
            with self._going_on(system):
                while due := mirror.due_refreshes(system, REFRESH_BATCH if system is System.XERO else 1):
                    self.report(Run.Step.PULL, f"{system.label}: {read:,} contacts read again")
                    try:
                        found = self.remotes[system].read([refresh.contact.ref for refresh in due])
                    except Unavailable as error:
                        mirror.postpone_refreshes(due, RETRY_AFTER)
                        self._bear(system, error, is_read=True)
                        continue
                    for refresh in due:
                        mirror.settle_refresh(refresh, found.get(refresh.contact.remote_id))
                    read += len(due)
        return read

    # --- match ---

    def match(self) -> None:
        """Decide every Xero contact that is due: link full matches, hold conflicts, create the rest.

        Only from lists that are whole and were read in this very check: a contact that a list kept from us may be the
        one that matches, or the rival that makes a match doubtful. And only as long as the settings are those that the
        check began with: who changed them rang for another.
        """
        if not self._is_as_chosen():
            return
        self._follow_merges()  # first, or a survivor not seen before would be taken for a new contact
        self._withdraw_issues()
        if not self._lists_are_whole():
            return
        waiting = self._adopt()
        due = queue.due(self.settings.import_filter).exclude(pk__in=waiting)
        returned = queue.returned(self.settings.import_filter)
        if due.exists() or returned.exists():
            self.file()
        for decided in queue.decisions(due):
            chunk = self.promise.keep(decided)
            self.report(Run.Step.MATCH, f"{sum(self.counts.matched.values()):,} contacts matched")
            with self._going_on(System.KARBON):
                for contact, decision in chunk:
                    if decision.category is not Category.FULL:
                        continue
                    try:
                        self._link_full_match(contact, int(decision.counterparts[0].id))
                    except NotRead:
                        continue
                    except Unavailable as error:
                        self._bear(System.KARBON, error, is_read=True)
            self._hold_or_create([contact.pk for contact, d in chunk if d.category is not Category.FULL])
        self._ask_about(list(returned.values_list("pk", flat=True)))
        self.promise.was_looked_at(is_all_decided=not queue.due(self.settings.import_filter).exists())

    def file(self) -> None:
        """Put under their lookup keys whoever was read since: what looking for lookalikes rests on."""
        filing.bring_up_to_date(lambda filed: self.report(Run.Step.MATCH, f"{filed:,} contacts prepared"))

    def _is_as_chosen(self) -> bool:
        """Tell whether the choices are still those of this check: a person may have changed them since it began."""
        are_same = promise.choices_of(SyncSettings.load()) == promise.choices_of(self.settings)
        return are_same and self.promise.is_in_force()

    @transaction.atomic
    def _hold_or_create(self, pks: list[int]) -> None:
        """Hold conflicts and create the rest, decided once more: people may have acted while full matches were read."""
        if not self._is_as_chosen():
            return
        list(RemoteContact.objects.select_for_update().filter(pk__in=pks).values_list("pk"))
        decided = queue.decide(list(queue.due(self.settings.import_filter).filter(pk__in=pks)))
        closely = queue.look_closely(decided, hold_from=self._hold_from)
        kept = self.promise.keep([(each.contact, each.decision) for each in closely])
        chunk = [replace(each, decision=decision) for each, (_, decision) in zip(closely, kept, strict=True)]
        self._hold([each for each in chunk if each.decision.category in (Category.CONFLICT, Category.SIMILAR)])
        self._create([each.contact for each in chunk if each.decision.category is Category.NONE])

    @property
    def _hold_from(self) -> float | None:
        return self.settings.lookalike_threshold / 100 if self.settings.hold_lookalikes else None

    @transaction.atomic
    def _ask_about(self, pks: list[int]) -> None:
        """Ask people about contacts that were linked before and were brought back."""
        if not pks or not self._is_as_chosen():
            return
        list(RemoteContact.objects.select_for_update().filter(pk__in=pks).values_list("pk"))
        returned = list(queue.returned(self.settings.import_filter).filter(pk__in=pks))
        self._hold(queue.ask_about(returned, hold_from=self._hold_from))

    def _follow_merges(self) -> None:
        survivors = [pair.xero for pair in stopped.follow_merges() if pair.xero]
        issues.close_for(survivors, outcome="Linked: another contact was merged into it")

    def _withdraw_issues(self) -> None:
        held = Link.objects.exclude(state=Link.State.ENDED).filter(xero__match_issues__state="open")
        issues.close_for([pair.xero for pair in held.select_related("xero") if pair.xero], outcome="It is linked")
        wanted = queue.inside_filter(self.settings.import_filter) & Q(presence=Presence.PRESENT)
        unwanted = RemoteContact.objects.filter(match_issues__state="open").exclude(wanted)
        withdrawn = list(unwanted.distinct())
        issues.close_for(withdrawn, outcome="No longer active in Xero, or outside the import filter")
        RemoteContact.objects.filter(pk__in=[contact.pk for contact in withdrawn]).update(match_due=True)

    def _adopt(self) -> list[int]:
        """Link the pairs that Karbon's own sync left behind, whatever their names: they were one client there.

        Returns the Xero contacts whose Karbon side could not be read, or whose pair no person has seen in a preview yet:
        they are not matched otherwise meanwhile.
        """
        pairs = takeover.pairs(self.settings.import_filter)
        waiting = {pair.xero_id for pair in pairs}
        with self._going_on(System.KARBON):
            for pair in pairs:
                if not pair.is_agreed:
                    continue
                try:
                    self._adopt_pair(pair.xero, int(pair.karbon_id or 0))
                    waiting.discard(pair.xero_id)
                except NotRead:
                    continue
                except Unavailable as error:
                    self._bear(System.KARBON, error, is_read=True)
        return sorted(waiting)

    def _adopt_pair(self, xero: RemoteContact, karbon_pk: int) -> None:
        karbon = self._read_in_full(karbon_pk)
        if karbon.complete:
            self._adopt_if_it_stands(xero, karbon)

    @transaction.atomic
    def _adopt_if_it_stands(self, xero: RemoteContact, karbon: RemoteContact) -> None:
        now = self._still_due(xero)
        if now is None or takeover.is_denied(now, karbon) or not self._is_as_chosen():
            return  # people have acted while the record was read
        xero = now
        if why := self.promise.broken_for(xero, karbon, PreviewRow.Outcome.ADOPTED):
            possible = Counterpart(karbon.pk, queue.keys_of(karbon))
            self._hold([Decided(xero, promise.held(Decision(Category.FULL, (possible,)), why))])
            return
        with suppress(links.Overtaken):
            links.link(xero, karbon, origin=Link.Origin.ADOPTED, check_number=self.number)
            issues.close_for([xero], outcome="Taken over from Karbon's own sync")
            self.counts.adopted += 1
            RemoteContact.objects.filter(pk=xero.pk).update(match_due=False)

    def _still_due(self, contact: RemoteContact) -> RemoteContact | None:
        """Lock a Xero contact and return it as it is now; None where it is no longer to be matched."""
        list(RemoteContact.objects.select_for_update().filter(pk=contact.pk).values_list("pk"))
        return queue.due(self.settings.import_filter).filter(pk=contact.pk).first()

    def _link_full_match(self, contact: RemoteContact, karbon_pk: int) -> None:
        """Read Karbon's full record, see that it still matches, and link."""
        karbon = self._read_in_full(karbon_pk)
        self.report(Run.Step.MATCH, f"{self.counts.matched['full'] + 1:,} full matches linked")
        self._link_if_it_stands(contact, karbon)

    @transaction.atomic
    def _link_if_it_stands(self, contact: RemoteContact, karbon: RemoteContact) -> None:
        """Link a full match, decided once more: people may have acted while the full record was read."""
        if not self.reading_is_over:
            now = self._still_due(contact)
            if now is None:
                return
            ((contact, decision),) = self.promise.keep(queue.decide([now]))
            if decision.category is Category.CONFLICT:
                self._hold_or_create([contact.pk])
            is_still_it = decision.category is Category.FULL and decision.counterparts[0].id == karbon.pk
            if not is_still_it or not self._is_as_chosen():
                return  # what the full record shows is decided by the next check
        if not karbon.complete:
            return
        try:
            links.link(contact, karbon, origin=Link.Origin.FULL_MATCH, check_number=self.number)
        except links.Overtaken:
            return
        issues.close_for([contact], outcome="Became a full match")
        self._matched(Category.FULL, [contact])

    def verify(self) -> None:
        """Read in full the Karbon contacts that are about to be linked, ahead of matching.

        A full record may show another name or email than the list: then it is looked again who matches whom.
        """
        pairs = takeover.pairs(self.settings.import_filter, also_held=True)
        self._read_ahead([int(pair.karbon_id or 0) for pair in pairs])
        for _ in range(VERIFY_ROUNDS):
            before = self.remotes[System.KARBON].calls
            for chunk in queue.decisions(queue.due(self.settings.import_filter)):
                full = [decision for _, decision in chunk if decision.category is Category.FULL]
                self._read_ahead([int(decision.counterparts[0].id) for decision in full])
            if self.remotes[System.KARBON].calls == before:
                return

    def _read_ahead(self, karbon_pks: list[int]) -> None:
        for number, pk in enumerate(karbon_pks, 1):
            self.report(Run.Step.MATCH, f"Karbon: {number:,} of {len(karbon_pks):,} matching contacts read in full")
            try:
                self._read_in_full(pk)
            except Unavailable as error:
                self._bear(System.KARBON, error, is_read=True)
                self._unreadable.add(pk)

    def _read_in_full(self, karbon_pk: int) -> RemoteContact:
        """Return a Karbon contact as its full record shows it, read in this check."""
        karbon = RemoteContact.objects.get(pk=karbon_pk)
        if karbon.complete and karbon.full_read_at and karbon.full_read_at >= self.began_at:
            return karbon
        if self.reading_is_over or karbon_pk in self._unreadable:
            raise NotRead("Karbon did not show this contact in full. It is decided later.")
        snapshot = self.remotes[System.KARBON].read([karbon.ref]).get(karbon.remote_id)
        if snapshot is None:
            mirror.ask_refreshes([karbon], reason="not found")
        else:
            mirror.keep(System.KARBON, [snapshot])
        return RemoteContact.objects.get(pk=karbon_pk)

    def _hold(self, held: list[Decided]) -> None:
        for each in held:
            issues.hold(each.contact, each.decision, each.suggestions)
        for category in (Category.CONFLICT, Category.SIMILAR):
            self._matched(category, [each.contact for each in held if each.decision.category is category])

    def _create(self, contacts: list[RemoteContact]) -> None:
        """Ask for Karbon contacts, of the kind that the name tells and the chosen contact type."""
        waiting = set(issues.open_issues().filter(xero__in=contacts).values_list("xero_id", flat=True))
        for contact in contacts:
            if contact.pk in waiting:  # its possible matches are gone: a person still decides
                RemoteContact.objects.filter(pk=contact.pk).update(match_due=False)
        free = [contact for contact in contacts if contact.pk not in waiting]
        if not free:
            return
        guesses = classifier.classify([kind_checks.name_of(contact) for contact in free])
        made = links.create_counterparts(
            links.Wanted(
                contact,
                Kind(contact.decided_kind or guess.safer_kind.lower()),
                self.settings.default_contact_type,
            )
            for contact, guess in zip(free, guesses, strict=True)
        )
        kind_checks.note(made, guesses)
        self._matched(Category.NONE, free)

    def _lists_are_whole(self) -> bool:
        walked = Cursor.objects.filter(walked_at__isnull=False).count()
        return walked == len(System) and self.fresh >= set(System)

    def _matched(self, category: Category, contacts: list[RemoteContact]) -> None:
        self.counts.matched[category] += len(contacts)
        RemoteContact.objects.filter(pk__in=[contact.pk for contact in contacts]).update(match_due=False)

    # --- plan ---

    def plan(self) -> int:
        """Turn every link that moved into at most one change per side."""
        self.report(Run.Step.PLAN, "")
        self._follow_merges()
        parts = {system: remote.one_request for system, remote in self.remotes.items()}
        queued = changes.plan_due(self.express_for, parts)
        safety.look_for_mass_changes(self.settings)
        return queued

    def express_for(self, system: System, contact: RemoteContact) -> Express:
        """How this record would hold the other side's values; a name that stops fitting its kind waits for a person."""
        kind = Kind(contact.kind)

        def express(name: str, value: Value) -> Value:
            if name == "name" and system is System.KARBON and not still_fits(kind, contact.name, str(value)):
                raise CannotHold(f"“{value}” does not look like the name of {'a person' if kind == Kind.PERSON else 'an organisation'}, which this Karbon contact is. Karbon cannot convert it: correct the kind here, or rename it by hand.")  # fmt: skip
            return self.remotes[system].express(name, value, kind)

        return express

    # --- push ---

    def push(self) -> int:
        """Settle what was left open, then send what is due; return how many changes were dealt with."""
        done = 0
        for system in System:
            if system not in self._shut:
                with self._going_on(system):
                    done += self._push(system, self.remotes[system], only_asked=pacing.is_closed(system))
        return done

    def _push(self, system: System, remote: Remote, *, only_asked: bool) -> int:
        """Send what is due to one service; ``only_asked``: of its day's calls only those for people are left."""
        done = 0
        while not only_asked and (open_ones := settling.due(system, remote.batch_size)):
            self.report(Run.Step.PUSH, f"{system.label}: finding out what became of {len(open_ones):,} changes")
            try:
                settling.settle(remote, open_ones)
            except Unavailable as error:
                settling.put_off(open_ones, error)
                self._bear(system, error, is_read=True)
            done += len(open_ones)
        due = partial(outbox.due, system, only_asked=only_asked or safety.is_braked())
        while (batch := list(due().exclude(action=Change.Action.CREATE)[: remote.batch_size])) or (
            batch := list(due()[:1])
        ):
            waiting = due().count()
            for change in batch:
                change.check_number = self.number
            self.report(Run.Step.PUSH, f"{system.label}: {waiting:,} changes to send")
            remote.act_for_people(batch[0].by_id is not None)
            try:
                remote.await_turn()
                if batch[0].action == Change.Action.CREATE:
                    creating.send_creation(remote, batch[0])
                else:
                    outbox.send_updates(remote, batch, polled_at=self._polled_for(system, waiting))
            except Unavailable as error:
                outbox.postpone_unsent(batch, error)
                self._bear(system, error, is_read=isinstance(error, Unreadable))
            finally:
                remote.act_for_people(False)
            done += len(batch)
        return done

    def _polled_for(self, system: System, waiting: int) -> datetime | None:
        """Before many writes to Xero, one poll reads all their targets again; it vouches for a few seconds."""
        if system is not System.XERO:
            return None
        if self._polled_at and timezone.now() - self._polled_at < POLL_VOUCHES:
            return self._polled_at
        cursor = Cursor.objects.filter(system=system).exclude(value="").first()
        if waiting <= self.remotes[system].batch_size or cursor is None:
            return None
        began = timezone.now()
        self.remotes[system].poll(cursor.value, lambda snapshots: mirror.keep(system, snapshots))
        self._polled_at = began
        return began

    # --- around it ---

    @contextmanager
    def _going_on(self, system: System) -> Iterator[None]:
        """A fault of one service is said on the dashboard and in the check; the other service goes on."""
        try:
            yield
        except RemoteError as error:
            self._note(system, error)

    def _bear(self, system: System, error: Unavailable, *, is_read: bool = False) -> None:
        """Go on with the other contacts after a fault, unless the service is down or told us to wait.

        After several faults of reading the service is glanced at: while it answers, it is those records that are at fault,
        and they keep nobody else waiting (invariant 12).
        """
        self._faults[system] += 1
        if (error.retry_after or 0) > 2 or self._faults[system] >= (UNREADABLE if is_read else FAULTS_BORNE):
            raise error
        if self._faults[system] % FAULTS_BORNE == 0:
            self.remotes[system].glance()
        log.info("check: %s: one fault borne", system)

    def _open(self) -> list[System]:
        """Services that let us in and have calls left; the others are not asked in this check."""
        return [system for system in System if system not in self._shut and not pacing.is_closed(system)]

    def _note(self, system: System, error: RemoteError) -> None:
        log.warning("check: %s: %s", system, type(error).__name__)
        if isinstance(error, budget.Paced):
            self.counts.go_on_in = max(self.counts.go_on_in or 0.0, error.retry_after or 0.0)
            return
        said = str(error)
        if isinstance(error, NotAuthorised):
            self._shut.add(system)
            self.is_locked_out = True
            said = outages.begin(system, said)
        self.errors.append(said)
        if isinstance(error, budget.Spent):
            return
        now = timezone.now()
        Cursor.objects.filter(system=system, problem_since=None).update(problem_since=now)
        Cursor.objects.filter(system=system).update(problem=said[:500])

    def _count(self, since: datetime) -> None:
        ended = Change.objects.filter(ended_at__gte=since)
        done = ended.filter(state=Change.State.DONE)
        self.counts.created = done.filter(action=Change.Action.CREATE).count()
        for system, remote in self.remotes.items():
            self.counts.written[system] = done.filter(system=system).exclude(action=Change.Action.CREATE).count()
            self.counts.calls[system] = remote.calls
        self.counts.failed = ended.filter(state=Change.State.REJECTED).count()


def _claim(cursor: Cursor, now: datetime) -> None:
    """Note that what was asked for is being done, so that what is asked for from now on is seen to be something new.

    Until the list was read the position is blank where a walk was due: a process that dies leaves the walk due.
    """
    begun = {"next_poll_at": now, **({"walk_due": False, "value": ""} if cursor.walk_due else {})}
    Cursor.objects.filter(system=cursor.system).update(**begun)


def _advance(cursor: Cursor, now: datetime) -> None:
    """Store how far a service was read; a look or a walk that somebody asked for meanwhile stays due."""
    mine = Cursor.objects.filter(system=cursor.system)
    mine.update(**{name: getattr(cursor, name) for name in READ})
    mine.filter(next_poll_at=now).update(next_poll_at=pacing.next_poll(System(cursor.system), cursor, now))


def still_fits(kind: Kind, old: str, new: str) -> bool:
    """Tell whether a new name still suits the kind of contact that the old one suited."""
    if kind not in (Kind.PERSON, Kind.ORGANISATION) or old == new:
        return True
    before, after = classifier.classify([classifier.Name(old), classifier.Name(new)])
    return not (after.kind.lower() != kind and after.is_sure and before.kind.lower() == kind)


def connect(*, for_person: bool = False, in_any_case: bool = False) -> dict[System, Remote]:
    """Return both services, ready to be spoken to. Raise NotAuthorised with what to do when one is not connected.

    ``in_any_case``: who is not connected says so only when it is called, so that the other one is seen to meanwhile.
    """
    return {
        System.XERO: xero_remote.connect(for_person=for_person, in_any_case=in_any_case),
        System.KARBON: karbon_remote.connect(for_person=for_person, in_any_case=in_any_case),
    }


def next_due(since: datetime | None = None) -> datetime | None:
    """When the earliest thing that waits is due; None when nothing waits. What a fault left behind: a while after that."""
    waiting = outbox.not_held_back()
    if safety.is_braked():
        waiting = waiting.filter(by__isnull=False)
    left = waiting.filter(not_before=None).exists()
    queued = (since or timezone.now()) + AFTER_FAULT if left else waiting.aggregate(at=Min("not_before"))["at"]
    reading = Refresh.objects.aggregate(at=Min("not_before"))["at"]
    return min(filter(None, (queued, settling.next_due(), reading)), default=None)


def is_unsent() -> bool:
    """Tell whether changes still wait to be sent."""
    return Change.objects.filter(state__in=Change.OPEN).exists()


def needs_a_person() -> bool:
    """Tell whether anything waits that only a person can move."""
    return (
        issues.open_issues().exists()
        or FieldConflict.objects.filter(is_open=True).exists()
        or Link.objects.filter(stopped.NEEDS_ACT | Q(state=Link.State.CREATING) & ~Q(problem="")).exists()
        or safety.open_stops().exists()
        or Link.objects.filter(state=Link.State.LIVE).exclude(held={}).exists()
    )
