"""The oracle: what must hold of both services and of our tables once everything is quiet (design 7)."""

from dataclasses import dataclass

from django.db.models import Q

from contacts import links
from contacts.fields import BILLING_EMAIL, FIELDS, NAME, PRIMARY_PHONE
from contacts.models import Change, FieldConflict, Link, RemoteContact, SyncSettings
from contacts.values import Presence, Snapshot, System, Value
from karbonsync import safety
from matching.models import MatchIssue, OldRecord
from tests.proof.acts import Acts
from tests.proof.outside import Call
from tests.proof.people import XERO, Edit, Ledger, People, Ref, link_of
from tests.proof.product import ROUNDS, Product
from tests.proof.stage import Refs, Stage
from tests.proof.tally import count
from tests.proof.terms import NEVER, TRAVEL

SYNCS = 8
HEALS_WITHIN = 3  # syncs after which a list that is still doubted is as it is
ASKED_WHICH = (
    "Several new contacts",
    "We cannot tell whether",
)  # so begins what a person is told of a doubtful creation


@dataclass(frozen=True)
class Pair:
    """A live link with both records as the services hold them."""

    link: Link
    sides: dict[System, Snapshot]
    asked: dict[str, str]  # per field why a person is asked: FieldConflict.Reason
    is_as_made: bool  # one side was created from the other, and no merge has exchanged a side since

    def ref(self, system: System) -> Ref:
        return system, self.sides[system].remote_id

    def waits(self, name: str) -> bool:
        """A person is asked about this field, or it was refused and is shown so."""
        return name in self.asked or any(name in fields for fields in self.link.held.values())

    def values(self, name: str) -> list[Value]:
        return [self.sides[system].values[name] for system in System]


class Oracle:
    def __init__(self, stage: Stage, people: People, product: Product, acts: Acts) -> None:
        self.stage, self.people, self.product, self.acts, self.terms = stage, people, product, acts, people.terms
        self.broken: list[str] = []
        self.surplus: set[Ref] = set()  # a person was asked about these namesakes
        stage.outside.on_write = self._watch

    # --- at any time ---

    def _watch(self, call: Call) -> None:
        """Nothing is written to the archived or to pairs out of sync, and no value that we replaced ourselves comes back."""
        with self.stage.outside.aside():
            chosen = SyncSettings.load()
            if chosen.paused_at or chosen.read_only == call.system:
                self.broken.append(f"{call.system} was written to though a person paused that")
            for target in call.targets():
                ref = (call.system, target.lower() if call.system is XERO else target)
                link, shown = link_of(ref), self.stage.shown()
                if link is None or (link.state != Link.State.LIVE and not _asked_for(link, call.system)):
                    self.broken.append(f"{ref} was written to though its pair is not in sync")
                elif ref in shown and shown[ref].presence != Presence.PRESENT:
                    self.broken.append(f"{ref} was written to though it is {shown[ref].presence}")
                elif link.paused_at:
                    self.broken.append(f"{ref} was written to though its pair is paused")
                elif safety.is_braked() and not _asked_for(link, call.system):
                    self.broken.append(f"{ref} was written to though everything is paused for safety")
                elif ref in shown:
                    self._watch_values(link, ref, shown)

    def _watch_values(self, link: Link, ref: Ref, shown: Refs) -> None:
        side = link.side(ref[0].other)
        partner = (ref[0].other, side.remote_id) if side else ref
        loose = self.people.ledger.loose & {ref, partner}
        for change in Change.objects.filter(link=link, system=ref[0], state=Change.State.SENDING):
            for name in change.after:
                source, replaced = change.source.get(name), self.people.replaced.get((partner, name))
                now = shown[partner].values.get(name) if partner in shown else source
                if name in change.source and replaced is not None and replaced == source != now and not loose:
                    self.broken.append(f"{name} {source}, which we replaced in {partner} ourselves, went to {ref}")
                self.people.replaced[ref, name] = shown[ref].values.get(name)

    def nothing_forbidden_was_sent(self) -> None:
        assert not self.broken, self.broken

    # --- at rest ---

    def assert_quiet(self) -> None:
        """Let everything come to rest, and see that nothing was lost, doubled or invented on the way."""
        self._settle()
        shown = self.stage.shown()
        pairs = self._pairs(shown)
        for pair in pairs:
            for name in FIELDS:
                if all(name in side.values for side in pair.sides.values()):
                    self._sides_are_settled(pair, name)
                    self._edits_stand(pair, name)
        self._nothing_else_moved(shown)
        self._what_was_overwritten_is_kept(shown)
        self._nobody_is_there_twice(shown)
        self._everybody_is_decided(shown)
        self._one_more_run_does_nothing()
        self.nothing_forbidden_was_sent()
        self._start_afresh(shown, pairs)
        count("quiet")

    def _settle(self) -> None:
        self.stage.control("DELETE", "/faults")
        self.stage.outside.delay_next = None
        errors = ["not looked yet"]
        for number in range(SYNCS):
            self.stage.pass_by(61)
            self.product.reconnect()
            # Where everybody of a list was deleted, only a walk can tell: one that a service put off is made again.
            counts, errors = self.product.check(full=bool(errors), rests=ROUNDS)
            if self.acts.end_safety_pauses() or (number >= HEALS_WITHIN and self.acts.accept_lists()):
                continue
            if counts.is_quiet and not errors and self.product.is_idle():
                return
        waiting = list(Change.objects.filter(state__in=Change.OPEN).values("system", "action", "state", "error"))
        raise AssertionError(f"no rest after {SYNCS} syncs: {counts} {errors} {waiting}")

    def _pairs(self, shown: Refs) -> list[Pair]:
        asked: dict[object, dict[str, str]] = {}
        for question in FieldConflict.objects.filter(is_open=True):
            asked.setdefault(question.link_id, {})[question.field] = question.reason
        survivors = {record.merged_into for record in shown.values()}
        found = []
        for link in Link.objects.filter(state=Link.State.LIVE).select_related("xero", "karbon"):
            sides = {system: shown.get((system, link.side(system).remote_id)) for system in System}
            gone = [system for system, side in sides.items() if side is None or side.presence != Presence.PRESENT]
            assert not gone, f"{link} is in sync with somebody who is not there in {gone}"
            as_made = link.origin == Link.Origin.CREATED and sides[XERO].remote_id not in survivors
            found.append(Pair(link, sides, asked.get(link.pk, {}), as_made))
        return found

    def _sides_are_settled(self, pair: Pair, name: str) -> None:
        if pair.waits(name):
            count("field waits for a person")
            return
        for system, side in pair.sides.items():
            base = pair.link.base(system).get(name)
            assert base == side.values[name], f"{name} in {system}: base {base}, shown {side.values[name]}"
        by_choice = _was_undone(pair.link, name) or self._stays_cleared(pair, name)
        assert by_choice or FIELDS[name].same(*pair.values(name)), f"{name} differs: {pair.values(name)}"

    def _stays_cleared(self, pair: Pair, name: str) -> bool:
        """A person cleared one side, and the firm chose that this leaves the other side's value."""
        blank = [system for system, side in pair.sides.items() if not side.values[name]]
        return self.terms.clears == NEVER and len(blank) == 1 and (pair.ref(blank[0]), name) in self.people.cleared

    def _edits_stand(self, pair: Pair, name: str) -> None:
        ledger, refs = self.people.ledger, {system: pair.ref(system) for system in System}
        edits = {system: edit for system, ref in refs.items() if (edit := ledger.last.get((ref, name)))}
        if ledger.loose & set(refs.values()) or not (
            pair.is_as_made or all(edit.link == pair.link.pk for edit in edits.values())
        ):
            return
        is_doubtful = (pair.link.pk, name) in ledger.doubtful
        if len(edits) == 1:
            ((system, edit),) = edits.items()
            self._one_edit_stands(pair, name, system, edit, is_doubtful)
        elif edits:
            self._one_of_both_stands(pair, name, edits, is_doubtful)

    def _one_edit_stands(self, pair: Pair, name: str, system: System, edit: Edit, is_doubtful: bool) -> None:
        fine = is_doubtful or pair.asked.get(name) == FieldConflict.Reason.FLAPPING
        assert name not in pair.asked or fine, f"a question about {name}, which one side alone edited"
        if pair.waits(name):
            return
        stands = all(FIELDS[name].same(edit.value, value) for value in pair.values(name))
        was_answered = (pair.link.pk, name) in self.people.ledger.answered
        if not edit.value and name != NAME and not was_answered and self.terms.clears != TRAVEL:
            was_filled = bool(edit.against)
            assert self.terms.clears == NEVER or not was_filled, f"{name} was cleared without a question"
            travelled = stands and was_filled and not is_doubtful
            assert not travelled, f"{name} was cleared on the other side, too, though that is never to be"
            stands |= self.terms.clears == NEVER and not pair.sides[system].values[name]
        assert stands, f"{name} {edit.value} was lost: {pair.values(name)}"

    def _one_of_both_stands(self, pair: Pair, name: str, edits: dict[System, Edit], is_doubtful: bool) -> None:
        """Both sides edited it. Where the firm chose whose edit wins, nobody is asked and that one's stands."""
        field, winner = FIELDS[name], self.terms.winner(name)
        is_decided = winner and not is_doubtful and not field.same(*(edit.value for edit in edits.values()))
        is_decided = is_decided and all(edit.link == pair.link.pk for edit in edits.values())  # none before they met
        is_decided = is_decided and not any(_built_on(edit, edits[s.other], name) for s, edit in edits.items())
        if is_decided and (edits[winner].value or self.terms.clears == TRAVEL):
            reason = pair.asked.get(name)
            assert reason in (None, FieldConflict.Reason.FLAPPING), f"asked about {name} ({reason}) despite the policy"
            edits = {winner: edits[winner]}
            count("policy decides")
        if not pair.waits(name):
            now = pair.values(name)
            stands = any(field.same(edit.value, value) for edit in edits.values() for value in now[:1])
            stands |= self._stays_cleared(pair, name)
            assert stands, f"{name}: none of {edits} stands, but {now}"

    def _nothing_else_moved(self, shown: Refs) -> None:
        """A value that nobody touched, on either side of its pair, is as it was."""
        ledger = self.people.ledger
        partner: dict[Ref, set[Ref]] = {}
        for xero, karbon in Link.objects.values_list("xero__remote_id", "karbon__remote_id"):
            partner.setdefault((XERO, xero), set()).add((System.KARBON, karbon))
            partner.setdefault((System.KARBON, karbon), set()).add((XERO, xero))
        for (ref, name), value in ledger.rested.items():
            refs = {ref, *partner.get(ref, ())}
            touched = refs & ledger.loose or any((r, name) in ledger.last for r in refs)
            if ref in shown and not touched:
                now = shown[ref].values.get(name)
                assert now == value, f"{name} of {ref} was {value} and is {now}, though nobody edited it"

    def _what_was_overwritten_is_kept(self, shown: Refs) -> None:
        ledger = self.people.ledger
        for (ref, name), edit in ledger.last.items():
            if ref in shown and shown[ref].values.get(name) != edit.value:
                kept = _is_in_history(_heirs(ref, shown), name, edit.value, {"state": Change.State.DONE})
                assert kept, f"{name} {edit.value} of {ref} was overwritten and is not in history"
        for gone in ledger.overwritten:
            if gone.ref in shown and shown[gone.ref].values.get(gone.name) != gone.value:
                how = {"sent_at__isnull": False} if gone.replaced else {"state": Change.State.DONE}
                assert _is_in_history(_heirs(gone.ref, shown), gone.name, gone.value, how), f"{gone} is not in history"

    def _nobody_is_there_twice(self, shown: Refs) -> None:
        creations = Change.objects.filter(action=Change.Action.CREATE).select_related("link__xero", "link__karbon")
        made = [change for change in creations if change.state == Change.State.DONE]
        unsure = [c for c in creations if c.error.startswith(ASKED_WHICH)]
        replaced = OldRecord.objects.values_list("karbon__remote_id", flat=True)  # a person is asked to delete them
        self.surplus |= {(System.KARBON, key) for key in replaced}
        for ref in set(shown) - self.people.made:
            heirs = _heirs(ref, shown)  # a merge moves the link of the one we made to the survivor
            holders = [change for change in made if _created(change) in heirs]
            renamed = (ref, NAME) in self.people.ledger.last
            if any(_is_surplus(change, shown[ref], renamed=renamed) for change in unsure):
                self.surplus.add(ref)
            elif renamed and self._is_past_recognition(ref, shown[ref]):
                self.surplus.add(ref)
                count("new contact changed past recognition")
            told = f"{ref} {shown[ref].values} was made by {len(holders)} creations"
            assert len(holders) == 1 or (holders and len(heirs) > 1) or ref in self.surplus, told

    def _is_past_recognition(self, ref: Ref, record: Snapshot) -> bool:
        """A person gave it another name, email and phone before we knew of it: nothing tells that we made it."""
        edited = self.people.ledger.last
        return all((ref, name) in edited or not record.values[name] for name in (BILLING_EMAIL, PRIMARY_PHONE))

    def _everybody_is_decided(self, shown: Refs) -> None:
        """Who is inside the filter was matched, made, asked about or left out; who never was is left alone."""
        if safety.open_stops().exists():
            return
        done = Q(pk__in=MatchIssue.objects.filter(state="open").values("xero")) | Q(left_out=True) | links.ever_linked()
        decided = set(RemoteContact.objects.filter(done, system=XERO).values_list("remote_id", flat=True))
        for (system, key), record in shown.items():
            if system is XERO and record.presence == Presence.PRESENT and self.terms.lets_in(record):
                assert key in decided, f"{record.values} in Xero is neither linked nor asked about"
        survivors = {record.merged_into for record in shown.values()}
        alone = Link.objects.filter(linked_by=None, xero__isnull=False).exclude(xero__remote_id__in=survivors)
        for key in alone.values_list("xero__remote_id", flat=True):
            assert (XERO, key) in self.people.entered, f"{key} was matched though no import filter lets it in"

    def _one_more_run_does_nothing(self) -> None:
        before, writes = self.stage.state(), len(self.stage.outside.writes)
        self.stage.pass_by(130)
        counts, errors = self.product.check(full=True, rests=ROUNDS)
        assert (counts.created, sum(counts.written.values()), errors) == (0, 0, []), f"not at rest: {counts} {errors}"
        assert self.stage.outside.writes[writes:] == []
        assert self.stage.state() == before

    def _start_afresh(self, shown: Refs, pairs: list[Pair]) -> None:
        """What came to rest is no longer expected; what waits, or is not in sync, still is."""
        old, resting = self.people.ledger, Ledger()
        waiting = {(p.ref(s), n) for p in pairs for s in System for n in FIELDS if p.waits(n)}
        paired = {pair.ref(system) for pair in pairs for system in System}
        for place, edit in old.last.items():
            if place in waiting or (place[0] not in paired and place[0] in shown):
                resting.last[place] = edit
        resting.answered = {(p.link.pk, n) for p in pairs for n in FIELDS if p.waits(n)} & old.answered
        # A decision about a pair that is not in sync yet, as a side left meanwhile, is carried out once it is.
        resting.loose = {ref for ref in old.loose if ref in shown and ref not in paired}
        resting.doubtful = {(p.link.pk, n) for p in pairs for n in FIELDS if p.waits(n)}
        for ref, record in shown.items():
            for name, value in record.values.items():
                if (ref, name) not in waiting:
                    resting.rested[ref, name] = value
        self.people.ledger = resting


def _built_on(edit: Edit, other: Edit, name: str) -> bool:
    """Both sides had come to the same value when this edit was made: whether it contradicts is a matter of who saw that."""
    same = FIELDS[name].same
    seen = edit.was is not None and edit.against is not None
    return seen and same(edit.was, edit.against) and same(edit.against, other.value)


def _was_undone(link: Link, name: str) -> bool:
    """What was last done to this field is an undo, after which the two sides may differ."""
    done = Change.objects.filter(link=link, state=Change.State.DONE, after__has_key=name).order_by("ended_at").last()
    return done is not None and done.purpose == Change.Purpose.UNDO


def _asked_for(link: Link, system: System) -> bool:
    """A person wants it: something put back in a parted pair, or a contact archived whose counterpart is gone."""
    return Change.objects.filter(link=link, system=system, state=Change.State.SENDING, by__isnull=False).exists()


def _is_in_history(refs: set[Ref], name: str, value: Value, how: dict[str, object]) -> bool:
    """Tell whether history keeps a value of a record: with the pair it goes to the survivor of a merge."""
    (system,) = {system for system, _ in refs}
    ids = [remote_id for _, remote_id in refs]
    changes = Change.objects.filter(system=system, **{f"link__{system}__remote_id__in": ids}, **how)
    return any(name in before and before[name] == value for before in changes.values_list("before", flat=True))


def _created(change: Change) -> Ref | None:
    side = change.link.side(System(change.system))
    return (System(change.system), side.remote_id) if side else None


def _heirs(ref: Ref, shown: Refs) -> set[Ref]:
    """The record itself, and whom it was merged into, chains too."""
    heirs, (system, _) = {ref}, ref
    while (record := shown.get(ref)) and record.merged_into and (system, record.merged_into) not in heirs:
        ref = (system, record.merged_into)
        heirs.add(ref)
    return heirs


def _is_surplus(change: Change, record: Snapshot, *, renamed: bool) -> bool:
    """A person was asked which of several namesakes is the one we made, and may have renamed one or the source since."""
    source = change.link.side(System(change.system).other)
    name = str(change.after.get(NAME) or change.typed.get(NAME) or (source.name if source else ""))
    return change.system == record.system and (renamed or FIELDS[NAME].same(name, record.values[NAME]))
