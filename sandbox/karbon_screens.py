"""What people do in Karbon's own screens: create, edit, delete, merge, and edit business cards."""

from collections.abc import Callable
from typing import Any

from .karbon import KarbonService
from .karbon_book import (
    CARD_LISTS,
    CARD_TEXTS,
    FIELDS,
    KEY_NAMES,
    STRUCTURES,
    TICKS_PER_MS,
    Record,
    check_card,
    check_wire,
    clean_card,
    from_wire,
    name_of,
    single,
)
from .wire import Wire, sentence


class KarbonScreens:
    def __init__(self, service: KarbonService, changed: Callable[[Record, str], None]) -> None:
        self.service, self.book, self._changed = service, service.book, changed

    def find(self, key: str) -> Record:
        record = self.book.records.get(key)
        if not record:
            raise sentence(404, f"Karbon has no record with the key {key}.")
        return record

    def shown(self, record: Record) -> Wire:
        return single(self.book, record, ["BusinessCards"])

    def create(self, kind: str, body: Any) -> Wire:
        wire = check_wire(kind, body)
        record = from_wire(kind, wire, self.book.clock.stamp_ms() * TICKS_PER_MS)
        if not name_of(record):
            raise sentence(400, "A new Karbon record needs a name.")
        if record.key in self.book.records:
            raise sentence(409, "Karbon already has a record with that key.")
        self._check_identifier(record)
        return self._save(record, "Inserted")

    def edit(self, key: str, body: Any) -> Wire:
        """Change top-level fields; a person may also make a record Private or Hidden."""
        old = self.find(key)
        wire = check_wire(old.kind, body)
        changes = {n: wire[n] for n in (*FIELDS[old.kind], *STRUCTURES) if n in wire}
        unknown = [n for n in wire if n not in changes and n not in ("ExternalKey", KEY_NAMES[old.kind])]
        if unknown:
            raise sentence(400, f"{unknown[0]} is no top-level field of a Karbon {old.kind}.")
        record = old.changed(fields={**old.fields, **changes})
        if "ExternalKey" in wire:
            given = wire["ExternalKey"]
            record.external = [given] if isinstance(given, str) else list(given or [])
        if not name_of(record):
            raise sentence(400, "A Karbon record needs a name.")
        self._check_identifier(record)
        return self._save(record, "Updated")

    def edit_card(self, key: str, body: Any) -> Wire:
        """Change the primary card, or the one `BusinessCardKey` names; fields not mentioned stay."""
        record, wire = self.find(key), check_card(body)
        card_key = wire.get("BusinessCardKey") or record.primary.get("BusinessCardKey")
        card = next((c for c in record.cards if c["BusinessCardKey"] == card_key), None)
        if card is None and wire.get("BusinessCardKey"):
            raise sentence(404, f"The record has no card with the key {card_key}.")
        unknown = set(wire) - {*CARD_LISTS, *CARD_TEXTS, "BusinessCardKey", "EntityType", "EntityKey", "IsPrimaryCard"}
        if unknown:
            raise sentence(400, f"{min(unknown)} is no field of a business card.")
        if card is None:
            cards = [clean_card({**wire, "IsPrimaryCard": True})]
        else:
            edited = clean_card({**card, **wire}, card["BusinessCardKey"])
            edited["IsPrimaryCard"] = card["IsPrimaryCard"]
            cards = [edited if c is card else c for c in record.cards]
        changed = record.changed(cards=cards)
        self.service.save_card_edit(changed, own=False)
        return self.shown(changed)

    def delete(self, key: str) -> Wire:
        """Delete for good: Karbon keeps no tombstone, later reads are a 404 (facts A12)."""
        record = self.find(key)
        self.book.remove(key)
        self._repoint(key, None)
        self._changed(record, "Deleted")
        return {"deleted": key}

    def merge(self, key: str, body: Any) -> Wire:
        """Facts A12: same kind, public only; the merged record is deleted, the survivor's values win."""
        loser = self.find(key)
        into = body.get("into") if isinstance(body, dict) else None
        if not isinstance(into, str):
            raise sentence(400, 'A merge needs {"into": key}.')
        winner = self.find(into)
        if winner.key == loser.key:
            raise sentence(400, "A record cannot be merged into itself.")
        if winner.kind != loser.kind or not (_public(winner) and _public(loser)):
            raise sentence(409, "Only public records of the same kind can be merged.")
        self.delete(key)
        return self._save(_merged(self.find(into), loser), "Updated")

    def _save(self, record: Record, action: str) -> Wire:
        self.book.put(record)
        self._changed(record, action)
        return self.shown(record)

    def _check_identifier(self, record: Record) -> None:
        other = self.book.identified(record.fields.get("UserDefinedIdentifier"))
        if other and other.key != record.key:
            raise sentence(409, "That UserDefinedIdentifier is already in use.")

    def _repoint(self, organization: str, new: str | None) -> None:
        """Take a deleted employer off the cards of its people."""
        for record in list(self.book.records.values()):
            if any(card.get("OrganizationKey") == organization for card in record.cards):
                cards = [
                    {**c, "OrganizationKey": new} if c.get("OrganizationKey") == organization else c
                    for c in record.cards
                ]
                self.book.put(record.changed(cards=cards), bump=False)


def _public(record: Record) -> bool:
    return bool(record.fields.get("RestrictionLevel", "Public") == "Public")


def _merged(winner: Record, loser: Record) -> Record:
    """Fill the survivor's blanks from the other record."""
    fields = {**loser.fields, **{name: value for name, value in winner.fields.items() if value}}
    primary, other = winner.primary, loser.primary
    if not primary or not other:
        return winner.changed(fields=fields)
    filled = {name: primary.get(name) or other.get(name) for name in (*CARD_LISTS, *CARD_TEXTS)}
    return winner.changed(fields=fields, cards=[{**c, **filled} if c is primary else c for c in winner.cards])
