"""What people do on the services' own screens, and what they may expect of the sync afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Q

from contacts.fields import BILLING_ADDRESS, BILLING_EMAIL, FIELDS, NAME, PRIMARY_PHONE
from contacts.models import Change, FieldConflict, Link
from contacts.values import Kind, Presence, Snapshot, System, Value
from tests.proof.outside import Call
from tests.proof.stage import Refs, Stage
from tests.proof.terms import ASK, Terms
from tests.scenarios.conftest import karbon_address, karbon_phone, xero_address, xero_phone

Ref = tuple[System, str]
XERO, KARBON = System.XERO, System.KARBON
BLANK_ADDRESS = {"lines": "", "city": "", "postcode": ""}
POOL = 2  # the first values are shared: two people may come to the same one
NORMAL, LOUD, BLANK = "normal", "loud", "blank"


@dataclass(frozen=True)
class Edit:
    """The last value a person gave a field of one record, the link that held it, what its partner showed, and it itself."""

    value: Value
    link: object = None
    against: Value | None = None
    was: Value | None = None


@dataclass(frozen=True)
class Overwritten:
    """A person's value that gave way to ours: history keeps it. Where a person then replaced ours, a trace is enough."""

    ref: Ref
    name: str
    value: Value
    replaced: bool = False


@dataclass
class Ledger:
    """What people did since the two sides were last seen at rest."""

    last: dict[tuple[Ref, str], Edit] = field(default_factory=dict)
    overwritten: list[Overwritten] = field(default_factory=list)
    doubtful: set[tuple[object, str]] = field(default_factory=set)  # link and field where a question may be asked
    loose: set[Ref] = field(default_factory=set)  # somebody decided about these: what follows is the decision's
    answered: set[tuple[object, str]] = field(default_factory=set)  # link and field about which somebody decided
    rested: dict[tuple[Ref, str], Value] = field(default_factory=dict)


class People:
    def __init__(self, stage: Stage, terms: Terms | None = None) -> None:
        self.stage, self.ledger, self.terms = stage, Ledger(), terms or Terms()
        self.made: set[Ref] = set()
        self.entered: set[Ref] = set()  # Xero contacts that the import filter let in at some time
        self.cleared: set[tuple[Ref, str]] = set()  # given a blank by a person, and not filled by one since
        self.replaced: dict[tuple[Ref, str], Value] = {}  # by our own writes, and not given again by a person since
        self.numbers = 0

    # --- what there is ---

    def records(self, system: System) -> list[Snapshot]:
        return [record for (where, _), record in self.stage.shown().items() if where is system]

    def pick(self, system: System, who: int) -> Snapshot | None:
        found = self.records(system)
        return found[who % len(found)] if found else None

    def fresh(self) -> int:
        self.numbers += 1
        return self.numbers + POOL

    # --- screens ---

    def screen(self, method: str, path: str, body: Any = None) -> Any:
        """Do one thing on a screen, and note which values a person gave which record by it."""
        # A write on its way there and our read before it count as one step (design 7.1): nobody edits between the two.
        self.stage.outside.deliver_late(path.split("/")[1])
        with self.stage.outside.aside():
            before = self.stage.shown()
            reply = self.stage.control(method, path, body)
            if reply is not None:
                self._note(before, self.stage.shown())
        return reply

    def arrive(
        self, system: System, name: str, email: str, *, person: bool, number: int, customer: bool = True
    ) -> None:
        """A new contact. Its key is given, so that the same story has the same keys."""
        phone, address = _phone(number), _address(number)
        if system is XERO:
            key = f"00000000-0000-4000-8000-{len(self.made):012d}"
            body = {"ContactID": key, "Name": name, "EmailAddress": email, "Phones": [xero_phone(phone)]}
            body |= {"Addresses": [xero_address(address)], "IsCustomer": customer}
            made = self.screen("POST", "/xero/contacts", body)
        else:
            key = f"made{len(self.made):08d}"
            card = {"IsPrimaryCard": True, "EmailAddresses": [email] if email else []}
            card |= {"PhoneNumbers": [karbon_phone(phone)], "Addresses": [karbon_address(address)]}
            first, _, last = name.rpartition(" ")
            named = {"ContactKey": key, "FirstName": first, "LastName": last}
            named = named if person else {"OrganizationKey": key, "FullName": name}
            made = self.screen("POST", f"/karbon/{_kind(person)}", {**named, "BusinessCards": [card]})
        if made is not None:
            self.made.add((system, key))

    def edit(self, system: System, who: int, name: str, number: int, how: str = NORMAL) -> None:
        """Give one field of one record another value."""
        record = self.pick(system, who)
        if record is None:
            return
        wire = _in_xero(record, name, number, how) if system is XERO else _in_karbon(record, name, number, how)
        if wire is None:
            return
        card = "/card" if system is KARBON and name != NAME else ""
        self.screen("PATCH", f"{_path(record)}{card}", wire)

    def take_name(self, who: int, of: int) -> None:
        """Rename one Karbon record to what a Xero contact is called, which Xero allows once."""
        record, holder = self.pick(KARBON, who), self.pick(XERO, of)
        wire = record and holder and _karbon_name(record, str(holder.values[NAME]))
        if record is not None and wire:
            self.screen("PATCH", _path(record), wire)

    def invoice(self, who: int, flag: str, is_set: bool) -> None:
        """A first invoice or bill makes a customer or supplier of a Xero contact, a deleted one takes that back."""
        if record := self.pick(XERO, who):
            self.screen("PATCH", _path(record), {flag: is_set})

    def move(self, what: str, who: int, into: int) -> None:
        """Archive, restore and merge in Xero, delete and merge in Karbon."""
        system = XERO if what in ("archive", "restore", "merge in Xero") else KARBON
        record, other = self.pick(system, who), self.pick(system, into)
        if record is None or other is None:
            return
        if (
            what == "restore" and record.presence == Presence.MERGED
        ):  # its creation belongs to the survivor from then on
            self.made.add((XERO, record.remote_id))
        if what == "delete":
            self.screen("DELETE", _path(record))
        elif what.startswith("merge"):
            self.screen("POST", f"{_path(record)}/merge", {"into": other.remote_id})
        else:
            self.screen("POST", f"{_path(record)}/{what}")

    # --- what they may expect ---

    def _note(self, before: Refs, after: Refs) -> None:
        for ref, record in after.items():
            old = before.get(ref)
            if ref[0] is XERO and self.terms.lets_in(record):
                self.entered.add(ref)
            if old is not None and old.modified_at != record.modified_at:
                self._doubt(ref)
            for name, value in record.values.items():
                if old is None or old.values.get(name) != value:
                    self._given(ref, name, old, value, before)

    def _doubt(self, ref: Ref) -> None:
        """It moved while a change of ours was being sent to its pair: what became of that may be asked (invariant 4)."""
        if (link := link_of(ref)) is not None:
            for change in Change.objects.filter(link=link, state=Change.State.SENDING):
                self.ledger.doubtful |= {(link.pk, name) for name in change.after}

    def _given(self, ref: Ref, name: str, old: Snapshot | None, value: Value, before: Refs) -> None:
        ledger, link = self.ledger, link_of(ref)
        self.replaced.pop((ref, name), None)
        self._cleared(ref, name, value, link)
        if old is not None:  # a person saw that value and replaced it: nobody has to keep it
            seen = (ref, name, old.values.get(name))
            ledger.overwritten = [o for o in ledger.overwritten if (o.ref, o.name, o.value) != seen]
        last = ledger.last.get((ref, name))
        if last and old is not None and old.values.get(name) != last.value:
            ledger.overwritten.append(Overwritten(ref, name, last.value, replaced=True))
        if link is not None and old is not None:
            self._over_ours(ref, name, link)
            self._build_on(link, ref, name, old, before)
        partner = link and _partner(link, ref)
        other = before.get(partner) if partner else None
        ledger.last[ref, name] = Edit(
            value, link and link.pk, other and other.values.get(name), old and old.values.get(name)
        )

    def _over_ours(self, ref: Ref, name: str, link: Link) -> None:
        """A person replaced what we were just writing: whether ours arrived cannot be told, and a trace is enough."""
        sending = Change.objects.filter(link=link, system=ref[0], state=Change.State.SENDING, after__has_key=name)
        if sending.exists():
            self.ledger.overwritten = [
                replace(gone, replaced=True) if (gone.ref, gone.name) == (ref, name) else gone
                for gone in self.ledger.overwritten
            ]

    def _cleared(self, ref: Ref, name: str, value: Value, link: Link | None) -> None:
        if value:
            self.cleared.discard((ref, name))
            return
        self.cleared.add((ref, name))
        if link is not None and self.terms.clears == ASK:
            self.ledger.doubtful.add((link.pk, name))

    def _build_on(self, link: Link, ref: Ref, name: str, old: Snapshot, before: Refs) -> None:
        """Where we had brought both sides together, a new edit starts from there: it contradicts nobody."""
        sending = Change.objects.filter(link=link, state=Change.State.SENDING)
        fields = {field for change in sending for field in change.after}
        self.ledger.doubtful |= {(link.pk, field) for field in fields}
        partner = _partner(link, ref)
        other = before.get(partner) if partner else None
        if partner is None or other is None or fields or name not in other.values or name not in old.values:
            return
        both = ((ref, old), (partner, other))
        theirs = [ref for ref, now in both if _is_last(self.ledger.last.get((ref, name)), now.values[name])]
        asked = FieldConflict.objects.filter(link=link, field=name, is_open=True).exists()
        if FIELDS[name].same(old.values[name], other.values[name]) and len(theirs) < 2 and not asked:
            theirs_edit = self.ledger.last.get((partner, name))
            if theirs_edit is None or not _is_seen(theirs_edit, old.values[name], link.base(partner[0]).get(name)):
                return
            del self.ledger.last[partner, name]
            if theirs_edit.value != other.values[name]:
                self.ledger.overwritten.append(Overwritten(partner, name, theirs_edit.value))

    def decided(self, *refs: Ref) -> None:
        """A person decided about these contacts: from now on only history and agreement are asked for."""
        self.ledger.loose |= set(refs)


def _is_last(edit: Edit | None, value: Value) -> bool:
    return edit is not None and edit.value == value


def _is_seen(edit: Edit, here: Value, base: Value | None) -> bool:
    """Tell whether the sync has been at an edit of the other side: it moved this side, or agreed without moving it.

    An edit of capitals alone makes both sides look the same at once, and is an edit all the same (design 4).
    """
    return edit.against != here or edit.value == base


def link_of(ref: Ref) -> Link | None:
    """The link that holds a record now."""
    system, remote_id = ref
    held = Q(**{f"{system}__system": system, f"{system}__remote_id": remote_id})
    return Link.objects.select_related("xero", "karbon").exclude(state=Link.State.ENDED).filter(held).first()


def _partner(link: Link, ref: Ref) -> Ref | None:
    other = link.side(ref[0].other)
    return (ref[0].other, other.remote_id) if other else None


def _kind(person: bool) -> str:
    return "contacts" if person else "organizations"


def _path(record: Snapshot) -> str:
    if record.system is XERO:
        return f"/xero/contacts/{record.remote_id}"
    return f"/karbon/{_kind(record.kind is Kind.PERSON)}/{record.remote_id}"


# --- values -----------------------------------------------------------------------------------------------------------


def letters(number: int) -> str:
    """A number in letters: digits in a name would not look like a person's."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def name_for(number: int, person: bool) -> str:
    return f"Mere Tane{letters(number)}" if person else f"Quay {letters(number).title()} Limited"


def email_for(number: int) -> str:
    return f"mail{number}@quay.example"


def _phone(number: int) -> tuple[str, str, str]:
    return ("64", "9", f"555 {1000 + number}")


def _address(number: int) -> dict[str, str]:
    return {"lines": f"{number} Wharf Road", "city": "Otaki", "postcode": "5512"}


def _new_text(record: Snapshot, name: str, number: int, how: str) -> str | None:
    if how == LOUD:
        return str(record.values.get(name, "")).upper()
    if name == NAME:
        looks_like_firm = "limited" in str(record.values.get(NAME, "")).casefold()
        return None if how == BLANK else name_for(number, not looks_like_firm)
    return "" if how == BLANK else email_for(number)


def _in_xero(record: Snapshot, name: str, number: int, how: str) -> dict[str, Any] | None:
    if name == PRIMARY_PHONE:
        return {"Phones": [xero_phone(("", "", "") if how == BLANK else _phone(number))]}
    if name == BILLING_ADDRESS:
        blank = {**xero_address(BLANK_ADDRESS), "Country": ""}
        return {"Addresses": [blank if how == BLANK else xero_address(_address(number))]}
    text = _new_text(record, name, number, how)
    key = {NAME: "Name", BILLING_EMAIL: "EmailAddress"}[name]
    return None if text is None else {key: text}


def _in_karbon(record: Snapshot, name: str, number: int, how: str) -> dict[str, Any] | None:
    if name == PRIMARY_PHONE:
        return {"PhoneNumbers": [] if how == BLANK else [karbon_phone(_phone(number))]}
    if name == BILLING_ADDRESS:
        return {"Addresses": [] if how == BLANK else [karbon_address(_address(number))]}
    text = _new_text(record, name, number, how)
    if text is None or name == BILLING_EMAIL:
        return None if text is None else {"EmailAddresses": [text] if text else []}
    return _karbon_name(record, text)


def _karbon_name(record: Snapshot, text: str) -> dict[str, Any] | None:
    if record.kind is Kind.ORGANISATION:
        return {"FullName": text}
    first, _, last = text.rpartition(" ")
    return {"FirstName": first, "MiddleName": "", "LastName": last} if first and last else None


def may_come_between(call: Call, systems: Sequence[System]) -> bool:
    return all(call.lets_in(system) for system in systems)
