"""The open questions of both services, each a switch: name, default, meaning.

Where the facts leave a behaviour unknown, the default is their suggestion and the other values are the alternatives,
so that the product can be tried against either.
"""

import re
from dataclasses import dataclass
from typing import Any

from .wire import sentence

ON, OFF = True, False


@dataclass(frozen=True, slots=True)
class Switch:
    default: bool | int | str
    meaning: str
    choices: tuple[str, ...] = ()
    pattern: str = ""

    def accept(self, name: str, value: Any) -> bool | int | str:
        """Return the value in its canonical form or refuse it with a sentence."""
        if isinstance(self.default, bool):
            return self._accept_bool(name, value)
        if isinstance(self.default, int):
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                return value
            raise sentence(400, f"Switch {name} takes a whole number, zero or more.")
        text = str(value)
        if text in self.choices or (self.pattern and re.fullmatch(self.pattern, text)):
            return text
        raise sentence(400, f"Switch {name} takes one of: {', '.join(self.choices) or self.pattern}.")

    def _accept_bool(self, name: str, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if value in ("on", "off"):
            return bool(value == "on")
        raise sentence(400, f"Switch {name} takes true or false (or on, off).")


def _choice(meaning: str, *choices: str) -> Switch:
    return Switch(choices[0], meaning, choices)


SWITCHES: dict[str, Switch] = {
    # Both services
    "rateLimits": Switch(OFF, "Enforce the services' real call limits."),
    # Xero (facts: unknowns 1-18, in that order)
    "slotUpdate": _choice(
        "Within one phone or address slot: merge the fields, or replace the slot.", "merge", "replace"
    ),
    "noopBumps": Switch(ON, "A write that changes nothing still moves UpdatedDateUTC and fires a webhook."),
    "xeroHookEchoOwnWrites": Switch(ON, "Writes through Xero's API fire Xero webhooks."),
    "xeroHookJitter": Switch(0, "Largest delay in seconds before a Xero webhook leaves."),
    "xeroHookDuplicates": Switch(OFF, "Each Xero event is delivered twice."),
    "xeroHookReorder": Switch(OFF, "Xero events of one delivery arrive newest first."),
    "saveValidSiblings": Switch(OFF, "A batch answered with 400 saves its valid elements all the same."),
    "nameCheckIgnoresCase": Switch(ON, "Xero's unique-name check ignores case."),
    "gdprListed": Switch(OFF, "Contacts with status GDPRREQUEST are listed without includeArchived."),
    "refreshGrace": _choice(
        "A retried refresh token gets another new pair, or its first answer.", "newPair", "samePair"
    ),
    "contactNumberMessage": _choice("Wording of the taken-ContactNumber refusal.", "name", "short"),
    "nullMeans": _choice("A JSON null in a Xero write is as if omitted, or clears the field.", "omitted", "clear"),
    "pagePastEnd": _choice("A page past the end carries the pagination block, or none.", "empty", "bare"),
    "concurrent429": _choice("The concurrent 429 names its problem in a header, or does not.", "header", "bare"),
    "mergeBumpsWinner": Switch(OFF, "A Xero merge moves the survivor's UpdatedDateUTC, too."),
    "historyBumps": Switch(OFF, "A history note moves the contact's UpdatedDateUTC."),
    "overLength": _choice("A value too long for Xero is refused, or cut.", "reject", "truncate"),
    "invoiceBumps": Switch(OFF, "A change of IsCustomer or IsSupplier moves UpdatedDateUTC and fires a webhook."),
    "idempotencyInFlight": _choice(
        "A second call with a key in flight waits and replays, or is refused.", "wait", "reject"
    ),
    "nameSpaces": _choice("Stray spaces in a Xero name are refused, or tidied.", "reject", "trim"),
    # Xero, further
    "nameMatchesArchived": Switch(OFF, "A POST by name that meets only an archived contact is refused."),
    "websiteBlocksUpdates": _choice("Which stored websites make every API update fail.", "invalid", "always", "never"),
    "xeroIntentToReceive": Switch(OFF, "Setting Xero's webhook address starts the intent-to-receive series."),
    "xeroMinuteLimit": Switch(60, "Xero calls per minute, with rateLimits on."),
    "xeroDayLimit": Switch(5000, "Xero calls per day, with rateLimits on."),
    # Karbon
    "cardEditBumpsParent": Switch(ON, "A business card edit moves its owner's LastModifiedDateTime."),
    "cardEditFiresHook": Switch(ON, "A business card edit fires a Contact webhook for its owner."),
    "listFullName": _choice("FullName in contact lists: Last, First or First Middle Last.", "comma", "plain"),
    "nextLinkWithTop": Switch(ON, "A list asked for with $top=100 carries a nextLink."),
    "topOver100": _choice("$top above 100 is capped, or refused.", "cap", "400"),
    "labelValidation": _choice("Labels, country codes and e-mail form of cards are free, or checked.", "lax", "strict"),
    "contactTypeValidation": _choice("An unknown ContactType is dropped, refused or kept.", "drop", "reject", "accept"),
    "hookTimestampKey": _choice("Spelling of the webhook's time property.", "Timestamp", "TimeStamp"),
    "hookResourceType": _choice("Webhook ResourceType: the real kind, or always Contact.", "specific", "Contact"),
    "hookBatch": Switch(OFF, "Karbon webhooks come as one envelope with an Events array."),
    "hookEchoOwnWrites": Switch(ON, "Writes through Karbon's API fire Karbon webhooks."),
    "secondSubscribe": _choice(
        "A second webhook subscription replaces the first, or is refused.", "replace", "conflict"
    ),
    "patchWithoutPrefer": _choice("Answer to a PATCH without a Prefer header.", "200", "204"),
    "emptyPhysicalAddress": Switch(ON, "An empty Physical address accompanies a filled Mailing or Legal one."),
    "privateRecords": _choice("Private and Hidden records answer 404, or are visible.", "404", "visible"),
    "restrictUnknownProps": _choice("Unknown properties in a Karbon body are refused, or ignored.", "400", "ignore"),
    "rateWindow": Switch("20 per 10 s", "Karbon's limit, with rateLimits on.", pattern=r"[1-9]\d* per [1-9]\d* s"),
    "staleWrite409": Switch(0, "How many of the next Karbon writes are refused as stale."),
    "externalKeyFilter": _choice(
        "The ExternalKey filter works, is ignored (all is listed), or is refused as unknown.",
        "works",
        "ignored",
        "refused",
    ),
    "tenantSettings401": Switch(OFF, "TenantSettings answers 401 while everything else works."),
}


class Switches:
    """The current positions."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.reset()

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def reset(self) -> None:
        self.values = {name: switch.default for name, switch in SWITCHES.items()}

    def change(self, wanted: Any) -> None:
        """Set several at once; nothing is set when one of them is unknown or has a bad value."""
        if not isinstance(wanted, dict):
            raise sentence(400, "Send an object of switch names and values.")
        unknown = sorted(set(wanted) - set(SWITCHES))
        if unknown:
            raise sentence(400, f"There is no switch called {unknown[0]}.")
        self.values.update({name: SWITCHES[name].accept(name, value) for name, value in wanted.items()})

    def load(self, stored: dict[str, Any]) -> None:
        """Take stored positions, leaving out switches that no longer exist."""
        self.values.update({name: value for name, value in stored.items() if name in SWITCHES})
