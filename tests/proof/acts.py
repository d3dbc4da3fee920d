"""What staff decide in KarbonSync itself. Each act may come too late, as for people, and then does nothing."""

from collections.abc import Callable
from typing import Any

from django.contrib.messages.storage.cookie import CookieStorage
from django.db.models import Q
from django.test import RequestFactory

from contacts import finding, links, pausing, stopped, undoing
from contacts.fields import BILLING_ADDRESS, BILLING_EMAIL, FIELDS, NAME, PRIMARY_PHONE
from contacts.models import Change, FieldConflict, Link, RemoteContact, SyncSettings
from contacts.remote import RemoteError
from contacts.values import Kind, Presence, System, Value
from karbonsync import connection_desk, safety
from matching import creating_xero, issues, kind_checks
from tests.proof import people as folk
from tests.proof.outside import Death
from tests.proof.people import KARBON, XERO, Edit, Overwritten, People, Ref
from tests.proof.product import Product
from tests.proof.tally import count

TYPE = "type a third"
Decision = Callable[[], object]


class Acts:
    """Finds what an act could be about, and does it. ``pick`` chooses among several."""

    def __init__(self, people: People, product: Product) -> None:
        self.people, self.product, self.by = people, product, people.stage.by

    def possible(self) -> list[str]:
        """The acts that are about something now."""
        states = set(Link.objects.values_list("state", flat=True))
        found = 3 * list(ANSWERS) if FieldConflict.objects.filter(is_open=True).exists() else []
        found += ABOUT_ISSUES if issues.open_issues().exists() else []
        found += [act for act, wanted in ABOUT_PAIRS.items() if states & wanted]
        found += ABOUT_STOPPED if Link.objects.filter(state=Link.State.STOPPED).exists() else []
        found += 3 * ["another name"] if Link.objects.filter(finding.REFUSED, karbon__isnull=False).exists() else []
        found += ABOUT_STOPS if safety.open_stops().exists() else []
        found += ABOUT_PAUSES if not self._is_paused() else 4 * ["end the pauses"]
        found += ["disconnect xero"] if self.product.is_connected() else 4 * ["connect xero"]
        found += ABOUT_HISTORY if Change.objects.filter(state=Change.State.DONE).exists() else []
        return [*found, *ABOUT_CONTACTS]

    def do(self, act: str, pick: int, death: Death | None = None) -> None:
        made = self._answer(act, pick) if act in ANSWERS else getattr(self, f"_{act.replace(' ', '_')}")(pick)
        if made is None:
            return
        decision, refs = made
        if refs or death:
            self.people.decided(*refs, *(self._asked(pick) if act in ANSWERS else ()))
        with self.people.stage.mortal(death):
            try:
                decision()
                count("act", act)
            except (links.Overtaken, links.NotPossible, RemoteError):
                count("act told it cannot be done")

    # --- questions about a field ---

    def _asked(self, pick: int) -> list[Ref]:
        return _refs(_choose(FieldConflict.objects.filter(is_open=True).order_by("pk"), pick).link)

    def _answer(self, act: str, pick: int) -> tuple[Decision, list[Ref]] | None:
        question = _choose(FieldConflict.objects.filter(is_open=True).order_by("pk"), pick)
        if question is None:
            return None
        winner = ANSWERS[act]
        typed = None if winner else self._typed(question)

        def decide() -> None:
            links.answer(question, by=self.by, winner=winner, typed=typed)
            self._expect(question, winner)

        return decide, []

    def _typed(self, question: FieldConflict) -> Value:
        number = self.people.fresh()
        seen = str(question.xero_value)
        return {
            NAME: folk.name_for(number, "limited" not in seen.casefold()),
            BILLING_EMAIL: folk.email_for(number),
            PRIMARY_PHONE: {"country": "64", "area": "9", "number": f"555 {1000 + number}"},
            BILLING_ADDRESS: {"lines": f"{number} Hill Street", "city": "Otaki", "country": "New Zealand"},
        }[question.field]

    def _expect(self, question: FieldConflict, winner: System | None) -> None:
        """What was decided against must be found in history; what was decided for must stand on both sides."""
        ledger, link, name = self.people.ledger, question.link, question.field
        ledger.doubtful.add((link.pk, name))
        ledger.answered.add((link.pk, name))
        for ref in _refs(link):
            ledger.rested.pop((ref, name), None)
            latest = ledger.last.get((ref, name))
            if latest is not None and latest.value != question.values[ref[0]]:
                continue  # edited again, which nobody here has seen yet: that edit is not what was decided about
            if gone := ledger.last.pop((ref, name), None):
                ledger.overwritten.append(Overwritten(ref, name, gone.value))
            if ref[0] is winner:
                ledger.last[ref, name] = Edit(question.values[winner], link.pk)

    # --- who is who ---

    def _confirm(self, pick: int, winners: dict[str, System] | None = None) -> tuple[Decision, list[Ref]] | None:
        issue = _choose(issues.open_issues().order_by("pk"), pick)
        candidate = issue and _choose(issue.candidates.order_by("pk"), pick)
        if not candidate:
            return None
        karbon = candidate.karbon

        def decide() -> None:
            if fresh := self.product.read(KARBON, karbon.ref):
                self.product.keep(fresh)
            now = RemoteContact.objects.get(pk=karbon.pk)
            issues.confirm(issue, now, by=self.by, winners=winners)

        return decide, [_ref(issue.xero), _ref(karbon)]

    def _confirm_with_karbons_values(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._confirm(pick, dict.fromkeys(FIELDS, KARBON))

    def _confirm_field_by_field(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._confirm(pick, self._picks(pick))

    def _picks(self, pick: int) -> dict[str, System]:
        """Whose value a person takes for each field: sometimes of one side, sometimes of the other."""
        dice = pick + 5 * self.people.numbers
        return {name: list(System)[dice >> place & 1] for place, name in enumerate(FIELDS)}

    def _create_new(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_issue(
            pick, lambda i: issues.create_new(i, kind=Kind.ORGANISATION, contact_type="Client", by=self.by)
        )

    def _leave_out(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_issue(pick, lambda i: issues.leave_out(i, by=self.by))

    def _duplicate(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_issue(pick, lambda i: issues.mark_duplicate(i, by=self.by))

    def _not_the_same(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        def decide(issue: Any) -> None:
            if candidate := _choose(issue.candidates.order_by("pk"), pick):
                issues.not_the_same(issue, candidate.karbon, by=self.by)

        return self._about_issue(pick, decide)

    def _about_issue(self, pick: int, act: Callable[[Any], object]) -> tuple[Decision, list[Ref]] | None:
        issue = _choose(issues.open_issues().order_by("pk"), pick)
        return (lambda: act(issue), [_ref(issue.xero)]) if issue else None

    def _leave_out_directly(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        free = RemoteContact.objects.filter(~links.ever_linked(), system=XERO, left_out=False)
        return self._about_contact(free, pick, lambda c: links.leave_out(c, by=self.by))

    def _bring_back(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        left_out = RemoteContact.objects.filter(left_out=True)
        return self._about_contact(left_out, pick, lambda c: links.bring_back(c, by=self.by))

    def _create_in_xero(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        def decide(contact: RemoteContact) -> None:
            if fresh := self.product.read(KARBON, contact.ref):
                self.product.keep(fresh)
            now = RemoteContact.objects.get(pk=contact.pk)
            if now.is_present and now.complete:
                links.create_counterparts([links.Wanted(now, Kind(now.kind), cause="Create Xero Contact", by=self.by)])

        taken = Link.objects.exclude(state=Link.State.ENDED).filter(karbon__isnull=False).values("karbon")
        free = RemoteContact.objects.filter(system=KARBON).exclude(pk__in=taken)
        return self._about_contact(free, pick, decide)

    def _about_contact(
        self, contacts: Any, pick: int, act: Callable[[RemoteContact], object]
    ) -> tuple[Decision, list[Ref]] | None:
        contact = _choose(contacts.order_by("pk"), pick)
        return (lambda: act(contact), [_ref(contact)]) if contact else None

    # --- pairs ---

    def _unsync(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        held = Q(state__in=[Link.State.LIVE, Link.State.STOPPED])
        return self._about_pair(held, pick, lambda pair: links.unsync(pair, by=self.by))

    def _rematch(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_pair(Q(state=Link.State.UNSYNCED), pick, lambda pair: links.rematch(pair, by=self.by))

    def _rematch_with_karbons_values(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        winners = dict.fromkeys(FIELDS, KARBON)
        return self._about_pair(
            Q(state=Link.State.UNSYNCED), pick, lambda pair: links.rematch(pair, by=self.by, winners=winners)
        )

    def _rematch_field_by_field(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        winners = self._picks(pick)
        return self._about_pair(
            Q(state=Link.State.UNSYNCED), pick, lambda pair: links.rematch(pair, by=self.by, winners=winners)
        )

    def _new_from_xero(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        def decide(pair: Link) -> None:
            links.renew(pair, links.Wanted(pair.xero, Kind.ORGANISATION, "Client", by=self.by))

        return self._about_pair(Q(state=Link.State.UNSYNCED), pick, decide)

    def _new_from_karbon(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        def decide(pair: Link) -> None:
            if pair.karbon.complete:
                typed = {NAME: folk.name_for(self.people.fresh(), pair.karbon.kind == Kind.PERSON)} if pick % 3 else {}
                links.renew(pair, links.Wanted(pair.karbon, Kind(pair.karbon.kind), by=self.by, typed=typed))

        return self._about_pair(Q(state=Link.State.UNSYNCED), pick, decide)

    def _try_again(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_pair(Q(state=Link.State.CREATING), pick, lambda pair: links.try_again(pair, by=self.by))

    def _give_up(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_pair(
            Q(state=Link.State.CREATING), pick, lambda pair: links.give_up_creation(pair, by=self.by)
        )

    def _resume(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_pair(Q(state=Link.State.UNSYNCED), pick, lambda pair: links.resume(pair, by=self.by))

    def _undo_link(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_pair(Q(state=Link.State.LIVE), pick, lambda pair: undoing.undo_link(pair, by=self.by))

    def _correct_the_kind(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        def decide(pair: Link) -> None:
            kind_checks.correct(pair, kind_checks.other_kind(kind_checks.kind_of(pair)), by=self.by)

        held = Q(state__in=[Link.State.LIVE, Link.State.CREATING], xero__isnull=False)
        return self._about_pair(held, pick, decide)

    def _link_to_namesake(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        """Xero refused a name, as somebody there has it: link to that one instead."""

        def decide(pair: Link) -> None:
            is_refused = (pair.state == Link.State.CREATING and pair.problem) or finding.is_name_held(pair)
            taken = Link.objects.exclude(state=Link.State.ENDED).filter(xero__isnull=False).values("xero")
            free = RemoteContact.objects.filter(system=XERO, presence=Presence.PRESENT).exclude(pk__in=taken)
            other = _choose(free.filter(name_key=pair.karbon.name_key), pick)
            if is_refused and other:
                for contact in (other, pair.karbon):
                    if fresh := self.product.read(System(contact.system), contact.ref):
                        self.product.keep(fresh)
                    contact.refresh_from_db()
                self.people.decided(_ref(other))
                issues.link_to_namesake(pair, other, pair.karbon, by=self.by, winners=self._picks(pick))
                count("linked to a namesake")

        held = Q(state__in=[Link.State.LIVE, Link.State.CREATING], karbon__isnull=False)
        return self._about_pair(held, pick, decide)

    def _another_name(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        """Xero refused a name, as somebody there has it: type another one on the pair's page, for both sides."""
        refused = Link.objects.filter(finding.REFUSED, karbon__isnull=False).select_related("karbon").order_by("pk")
        pair = _choose(
            [pair for pair in refused if pair.state == Link.State.CREATING or finding.is_name_held(pair)], pick
        )
        if pair is None:
            return None
        name = folk.name_for(self.people.fresh(), pair.karbon.kind == Kind.PERSON)
        return (lambda: self._post(creating_xero.another_name, {"name": name}, pair.pk)), _refs(pair)

    def _post(self, view: Callable[..., object], posted: dict[str, str], *args: object) -> None:
        """Press a button of a page whose act lives there alone."""
        request = RequestFactory().post("/", posted)
        request.user, told = self.by, CookieStorage(request)
        request._messages = told  # type: ignore[attr-defined]
        view(request, *args)
        if any(message.level_tag == "error" for message in told):
            raise links.NotPossible("The page said so.")

    # --- the connection ---

    def _disconnect_xero(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return lambda: connection_desk.disconnect_xero(by=self.by), []

    def _connect_xero(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self.product.reconnect, []

    # --- pauses of a person's own ---

    def _pause_everything(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return lambda: pausing.pause_all(by=self.by, reason="Wait"), []

    def _only_read(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return lambda: pausing.only_read(list(System)[pick % 2], by=self.by, reason="Wait"), []

    def _pause_a_pair(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        pair = _choose(Link.objects.filter(state__in=ABOUT_PAIRS["pause a pair"]).order_by("linked_at"), pick)
        return (lambda: pausing.pause_pair(pair, by=self.by), []) if pair else None

    def _end_the_pauses(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self.end_pauses, []

    def _is_paused(self) -> bool:
        chosen = SyncSettings.load()
        return bool(chosen.paused_at or chosen.read_only) or Link.objects.exclude(paused_at=None).exists()

    def accept_lists(self) -> bool:
        """A person says that a list which stays doubted is right: everybody in it was deleted, and others came."""
        doubted = list(safety.open_stops().filter(kind=safety.Kind.LIST))
        for pause in doubted:
            safety.go_on(pause, by=self.by)
            count("list accepted")
        return bool(doubted)

    def end_safety_pauses(self) -> bool:
        """Say of every mass change that it was meant, and return whether there was any."""
        braked = list(safety.open_stops().filter(kind__in=safety._MASS))
        for pause in braked:
            safety.go_on(pause, by=self.by)
            count("safety pause", pause.kind)
        return bool(braked)

    def end_pauses(self) -> None:
        """Let everything that a person holds back go on."""
        chosen = SyncSettings.load()
        if chosen.paused_at:
            pausing.resume_all(by=self.by)
        if chosen.read_only:
            pausing.write_again(by=self.by)
        for pair in Link.objects.exclude(paused_at=None):
            pausing.resume_pair(pair, by=self.by)

    # --- pairs that stopped ---

    def _link_to_another(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        def decide(pair: Link) -> None:
            gone = stopped.gone_side(pair)
            held = Link.objects.exclude(state=Link.State.ENDED).filter(**{f"{gone}__isnull": False}).values(gone.value)
            free = RemoteContact.objects.filter(system=gone, presence=Presence.PRESENT).exclude(pk__in=held)
            if other := _choose(free.order_by("pk"), pick):
                if fresh := self.product.read(gone, other.ref):
                    self.product.keep(fresh)
                self.people.decided(_ref(other))
                now = RemoteContact.objects.get(pk=other.pk)
                stopped.relink(pair, now, by=self.by, winners=self._picks(pick))

        return self._about_stopped(pick, decide)

    def _make_again(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_stopped(
            pick, lambda pair: stopped.make_again(pair, kind=Kind.ORGANISATION, contact_type="Client", by=self.by)
        )

    def _archive_in_xero(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_stopped(pick, lambda pair: stopped.archive_in_xero(pair, by=self.by))

    def _leave_alone(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        return self._about_stopped(pick, lambda pair: stopped.leave_alone(pair, by=self.by))

    def _about_stopped(self, pick: int, act: Callable[[Any], object]) -> tuple[Decision, list[Ref]] | None:
        return self._about_pair(Q(state=Link.State.STOPPED), pick, act)

    # --- history and pauses ---

    def _undo(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        change = _choose(Change.objects.filter(state=Change.State.DONE).order_by("-pk"), pick)
        return (lambda: undoing.undo_change(change, by=self.by), _refs(change.link)) if change else None

    def _undo_check(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        change = _choose(Change.objects.filter(state=Change.State.DONE).order_by("-pk"), pick)
        if change is None or change.check_number is None:
            return None
        return lambda: undoing.undo_check(change.check_number, by=self.by), self._everybody()

    def _go_on(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        pause = _choose(safety.open_stops(), pick)
        return (lambda: safety.go_on(pause, by=self.by), []) if pause else None

    def _put_back(self, pick: int) -> tuple[Decision, list[Ref]] | None:
        pause = _choose(safety.open_stops(), pick)
        return (lambda: safety.put_back(pause, by=self.by), self._everybody()) if pause else None

    def _everybody(self) -> list[Ref]:
        return [_ref(contact) for contact in RemoteContact.objects.all()]

    def _about_pair(self, which: Q, pick: int, act: Callable[[Any], object]) -> tuple[Decision, list[Ref]] | None:
        pair = _choose(Link.objects.filter(which).select_related("xero", "karbon").order_by("linked_at"), pick)
        return (lambda: act(pair), _refs(pair)) if pair else None


ANSWERS: dict[str, System | None] = {"keep xero": XERO, "keep karbon": KARBON, TYPE: None}
ABOUT_ISSUES = [
    "confirm",
    "confirm with karbons values",
    "confirm field by field",
    "create new",
    "leave out",
    "duplicate",
    "not the same",
]
ABOUT_CONTACTS = ["leave out directly", "bring back", "create in xero"]
ABOUT_STOPPED = ["link to another", "make again", "archive in xero", "leave alone"]
ABOUT_HISTORY = ["undo", "undo check"]
ABOUT_STOPS = ["go on", "put back"]
ABOUT_PAUSES = ["pause everything", "only read"]
ABOUT_UNSYNCED = [
    "rematch",
    "rematch with karbons values",
    "rematch field by field",
    "new from xero",
    "new from karbon",
    "resume",
]
ABOUT_PAIRS = {
    "unsync": {Link.State.LIVE, Link.State.STOPPED},
    **{act: {Link.State.UNSYNCED} for act in ABOUT_UNSYNCED},
    "undo link": {Link.State.LIVE},
    **{act: {Link.State.CREATING} for act in ("try again", "give up")},
    "pause a pair": {Link.State.LIVE, Link.State.CREATING},
    "correct the kind": {Link.State.LIVE, Link.State.CREATING},
    "link to namesake": {Link.State.LIVE, Link.State.CREATING},
}


def _choose(found: Any, pick: int) -> Any:
    rows = list(found)
    return rows[pick % len(rows)] if rows else None


def _ref(contact: RemoteContact) -> Ref:
    return System(contact.system), contact.remote_id


def _refs(link: Link) -> list[Ref]:
    return [_ref(contact) for contact in (link.xero, link.karbon) if contact]
