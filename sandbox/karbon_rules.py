"""What Karbon accepts in a body, and what a POST, PATCH or PUT makes of it."""

import re
from typing import Any

from .karbon_book import (
    CARD_LISTS,
    CARD_TEXTS,
    CONTACT,
    CONTACT_FIELDS,
    FIELDS,
    ORGANIZATION,
    SHARED_FIELDS,
    KarbonBook,
    Record,
    clean_card,
    new_key,
    one_primary,
)
from .switches import Switches
from .wire import Refused, Wire, as_json

CONTACT_TYPES = ("Client", "Prospect", "Inactive", "Other", "Supplier")
RESTRICTIONS = ("Public", "Private", "Hidden")
REQUIRED = {CONTACT: ("FirstName", "LastName"), ORGANIZATION: ("FullName",)}
PATCHABLE = {CONTACT: (*CONTACT_FIELDS, "RestrictionLevel"), ORGANIZATION: ("FullName", "RestrictionLevel")}
STRUCTURED = ("BusinessCards", "EntityDescription", "AccountingDetail", "ClientTeam")
#: Properties of the entity itself that a client may echo; they are ignored.
READ_ONLY = {"ContactKey", "OrganizationKey", "LastModifiedDateTime", "AvatarUrl", "ClientAccess", "Contacts"}
CARD_PROPERTIES = {"BusinessCardKey", "EntityType", "EntityKey", "IsPrimaryCard", *CARD_LISTS, *CARD_TEXTS}
PHONE_LENGTHS = {"Number": 20}
ADDRESS_LENGTHS = {"AddressLines": 200, "City": 100, "StateProvinceCounty": 100, "ZipCode": 20}
ROW_PROPERTIES = {
    "PhoneNumbers": {"PhoneNumberKey", "Number", "CountryCode", "Label"},
    "Addresses": {"AddressKey", *ADDRESS_LENGTHS, "CountryCode", "Label"},
}
LABELS = {
    "PhoneNumbers": ("Work", "Mobile", "Office", "Fax", "Home", "Other"),
    "Addresses": ("Physical", "Mailing", "Legal", "Home"),
}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def error(status: int, code: str, message: str) -> Refused:
    return Refused(as_json({"error": {"code": code, "message": message}}, status))


def invalid(target: str, message: str) -> Refused:
    details = {"code": "InvalidProperty", "target": target, "message": message}
    return Refused(as_json({"error": {"code": "4003", "message": "Invalid Model.", "details": details}}, 400))


def gateway_missing() -> Refused:
    """Facts A9: PUT and PATCH on an unknown key answer in the gateway's shape."""
    return Refused(as_json({"statusCode": "404", "message": "Resource not found"}, 404))


def missing(kind: str, key: str) -> Refused:
    if kind == ORGANIZATION:
        return error(404, "4004", f"No organization exists with a key of {key}.")
    return error(404, "4004", "No Contact found for provided key")


class KarbonRules:
    def __init__(self, book: KarbonBook, switches: Switches) -> None:
        self.book, self.switches = book, switches

    def created(self, kind: str, body: Any) -> Record:
        """Facts A10: names are required, duplicates by name are not prevented, the identifier is unique."""
        wire = self._model(kind, body, payload=kind)
        fields = self._simple_fields(kind, wire)
        fields["RestrictionLevel"] = wire.get("RestrictionLevel") or "Public"
        fields |= {name: wire[name] for name in STRUCTURED[1:] if wire.get(name) is not None}
        self._check_identifier(fields.get("UserDefinedIdentifier"), "")
        record = Record(new_key(), kind, fields, [], 0)
        given = wire.get("BusinessCards") or [{}]
        record.cards = one_primary([clean_card(self._card_for(record, card), new_key()) for card in given])
        return record

    def patched(self, old: Record, body: Any) -> Record:
        """Facts A11: only names and RestrictionLevel can be patched; what is omitted stays."""
        wire = self._object(body, "update")
        allowed = PATCHABLE[old.kind]
        if any(name not in allowed and not name.startswith("@odata.") for name in wire):
            raise error(400, "4002", f"Invalid property to update. Only {','.join(allowed)} can be patched.")
        changes = {name: wire[name] for name in allowed if name in wire}
        self._check_texts(old.kind, changes)
        for name in REQUIRED[old.kind]:
            if name in changes and not changes[name]:
                raise invalid(f"{old.kind.lower()}.{name}", f"The {name} field is required.")
        self._check_restriction(changes)
        return old.changed(fields={**old.fields, **changes})

    def replaced(self, old: Record, body: Any) -> Record:
        """Facts A11: a full update. Omitted simple fields are cleared; cards and RestrictionLevel stay."""
        wire = self._model(old.kind, body, payload="update")
        fields = self._simple_fields(old.kind, wire)
        fields["RestrictionLevel"] = wire.get("RestrictionLevel") or old.fields.get("RestrictionLevel", "Public")
        for name in ("AvatarUrl", "ClientTeam", "ClientAccess", "AccountingDetail"):
            if name in old.fields:
                fields[name] = old.fields[name]
        fields |= {name: wire[name] for name in ("EntityDescription", "ClientTeam") if wire.get(name) is not None}
        if wire.get("AccountingDetail") is not None:
            fields["AccountingDetail"] = _accounting(old.fields.get("AccountingDetail") or {}, wire["AccountingDetail"])
        self._check_identifier(fields.get("UserDefinedIdentifier"), old.key)
        if wire.get("BusinessCards") is None:
            return old.changed(fields=fields)
        return old.changed(fields=fields, cards=self._replaced_cards(old, wire["BusinessCards"]))

    def _replaced_cards(self, old: Record, given: list[Wire]) -> list[Wire]:
        """Facts A11, the card trap: a card without its key and owner is a new card, and the old one is removed."""
        kept = {card["BusinessCardKey"]: card for card in old.cards}
        cards = []
        for wire in given:
            key = wire.get("BusinessCardKey")
            if key and key not in kept:
                raise error(404, "4004", f"Invalid businessCardPermaKey {key}")
            named = key and wire.get("EntityType") and wire.get("EntityKey")
            self._card_for(old, wire)
            card = clean_card(wire, key if named else new_key())
            if named and "IsPrimaryCard" not in wire:
                card["IsPrimaryCard"] = kept[key]["IsPrimaryCard"]
            cards.append(card)
        return one_primary(cards)

    def replaced_card(self, owner: Record, old: Wire, body: Any) -> Record:
        """Facts A11: omitted fields are cleared, IsPrimaryCard has no effect, EntityType must match the owner."""
        wire = self._object(body, "update")
        if wire.get("EntityType") != owner.kind:
            raise invalid("businessCard.EntityType", f"EntityType must be {owner.kind} for this business card")
        if wire.get("BusinessCardKey") not in (None, old["BusinessCardKey"]):
            raise invalid("businessCard.BusinessCardKey", "BusinessCardKey does not match the card")
        self._card_for(owner, wire)
        card = {**clean_card(wire, old["BusinessCardKey"]), "IsPrimaryCard": old["IsPrimaryCard"]}
        return owner.changed(cards=[card if c["BusinessCardKey"] == old["BusinessCardKey"] else c for c in owner.cards])

    def _object(self, body: Any, payload: str) -> Wire:
        if not isinstance(body, dict) or not body:
            raise error(400, "4005", f"Required payload data is missing: {payload}")
        return body

    def _model(self, kind: str, body: Any, payload: str) -> Wire:
        """Facts A9: an unknown or misplaced property nulls the whole model."""
        wire = self._object(body, payload)
        model = kind.lower()
        known = {*FIELDS[kind], *STRUCTURED, *READ_ONLY}
        unknown = [name for name in wire if name not in known and not name.startswith("@odata.")]
        if unknown and self.switches["restrictUnknownProps"] == "400":
            raise invalid(model, f"The {model} field is required.")
        for name in REQUIRED[kind]:
            if not wire.get(name):
                raise invalid(f"{model}.{name}", f"The {name} field is required.")
        self._check_texts(kind, wire)
        self._check_restriction(wire)
        wanted = {"BusinessCards": list, "ClientTeam": list, "EntityDescription": dict, "AccountingDetail": dict}
        if any(wire.get(name) is not None and not isinstance(wire[name], shape) for name, shape in wanted.items()):
            raise invalid(model, f"The {model} field is required.")
        return wire

    def _check_texts(self, kind: str, wire: Wire) -> None:
        for name in FIELDS[kind]:
            if not isinstance(wire.get(name, ""), str | None):
                raise invalid(kind.lower(), f"The {kind.lower()} field is required.")

    def _check_restriction(self, wire: Wire) -> None:
        """Facts A8: Private and Hidden need a permission this application does not have."""
        level = wire.get("RestrictionLevel")
        if level is None or level == "Public":
            return
        if level not in RESTRICTIONS:
            raise error(400, "4002", f"Invalid RestrictionLevel '{level}'.")
        raise error(403, "4021", f"This API application does not have permission to set RestrictionLevel to {level}.")

    def _simple_fields(self, kind: str, wire: Wire) -> Wire:
        names = [*(CONTACT_FIELDS if kind == CONTACT else ("FullName",)), *SHARED_FIELDS]
        fields = {name: wire[name] for name in names if wire.get(name)}
        contact_type = fields.get("ContactType")
        if contact_type and contact_type not in CONTACT_TYPES and self.switches["contactTypeValidation"] != "accept":
            if self.switches["contactTypeValidation"] == "reject":
                raise invalid(f"{kind.lower()}.ContactType", "Contact Type is not valid")
            del fields["ContactType"]
        return fields

    def _check_identifier(self, identifier: Any, own_key: str) -> None:
        """Facts A9: a duplicate identifier is a 500 with code 5001."""
        other = self.book.identified(identifier)
        if other and other.key != own_key:
            raise error(500, "5001", "User defined identifier already in use")

    def _card_for(self, owner: Record, card: Any) -> Wire:
        """Check a card against its owner and its lengths; return it."""
        if not isinstance(card, dict):
            raise invalid("businessCard", "The businessCard field is required.")
        unknown = [name for name in card if name not in CARD_PROPERTIES and not name.startswith("@odata.")]
        if unknown and self.switches["restrictUnknownProps"] == "400":
            raise invalid("businessCard", "The businessCard field is required.")
        if card.get("EntityType") not in (None, owner.kind):
            raise invalid("businessCard.EntityType", f"EntityType must be {owner.kind} for this business card")
        if card.get("EntityKey") not in (None, owner.key):
            raise invalid("businessCard.EntityKey", "EntityKey does not match the owner of the card")
        employer = card.get("OrganizationKey")
        if employer and (not isinstance(employer, str) or employer not in self.book.records):
            raise invalid("businessCard.OrganizationKey", "OrganizationKey is not a valid Organization Key")
        self._check_card_shapes(card)
        if self.switches["labelValidation"] == "strict":
            _check_strictly(card)
        return {**card, "OrganizationKey": None} if owner.kind == ORGANIZATION else card

    def _check_card_shapes(self, card: Wire) -> None:
        for name in CARD_TEXTS:
            if not isinstance(card.get(name), str | None):
                raise invalid(f"businessCard.{name}", f"The {name} field is not valid.")
        for name in CARD_LISTS:
            rows = card.get(name)
            wanted = dict if name in ROW_PROPERTIES else str
            if rows is not None and not (isinstance(rows, list) and all(isinstance(row, wanted) for row in rows)):
                raise invalid(f"businessCard.{name}", f"The {name} field is not valid.")
        for name, lengths in (("PhoneNumbers", PHONE_LENGTHS), ("Addresses", ADDRESS_LENGTHS)):
            for row in card.get(name) or []:
                self._check_row(name, row, lengths)

    def _check_row(self, name: str, row: Wire, lengths: dict[str, int]) -> None:
        if set(row) - ROW_PROPERTIES[name] and self.switches["restrictUnknownProps"] == "400":
            raise invalid("businessCard", "The businessCard field is required.")
        for part, value in row.items():
            if not isinstance(value, str | None):
                raise invalid(f"businessCard.{name}.{part}", f"The {part} field is not valid.")
            longest = lengths.get(part)
            if longest and value and len(value) > longest:
                message = f"The field {part} must be a string or array type with a maximum length of '{longest}'."
                raise invalid(f"businessCard.{name}.{part}", message)


def _check_strictly(card: Wire) -> None:
    """The `strict` reading of facts A6.7: documented labels, alpha-2 countries, plausible addresses."""
    for name, labels in LABELS.items():
        for row in card.get(name) or []:
            if row.get("Label") not in (None, "", *labels):
                raise invalid(f"businessCard.{name}.Label", f"Label must be one of {', '.join(labels)}")
            if row.get("CountryCode") and not re.fullmatch(r"[A-Z]{2}", row["CountryCode"]):
                raise invalid(f"businessCard.{name}.CountryCode", "CountryCode must be an ISO 3166-1 alpha-2 code")
    if not all(EMAIL.fullmatch(email) for email in card.get("EmailAddresses") or []):
        raise invalid("businessCard.EmailAddresses", "Email Address is not a valid Email Address")


def _accounting(old: Wire, new: Wire) -> Wire:
    """Facts A11: registration numbers are upserted by type; a blank number deletes its type."""
    numbers = {str(row.get("Type")): row for row in _rows(old) + _rows(new)}
    kept = [row for row in numbers.values() if row.get("RegistrationNumber")]
    own = {name: value for name, value in new.items() if name not in ("ContactPermaKey", "OrganizationPermaKey")}
    return {**own, "RegistrationNumbers": kept}


def _rows(detail: Wire) -> list[Wire]:
    rows = detail.get("RegistrationNumbers")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
