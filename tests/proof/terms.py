"""The terms of a story: what the firm chose in the settings, and how the services' open questions stand."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from contacts.fields import FIELDS
from contacts.models import SyncSettings
from contacts.values import Snapshot, System
from tests.proof.stage import Stage
from tests.proof.tally import count

ASK, NEVER, TRAVEL = SyncSettings.Clears.ASK, SyncSettings.Clears.NEVER, SyncSettings.Clears.TRAVEL
ALL = SyncSettings.ImportFilter.ALL


@dataclass(frozen=True)
class Terms:
    policies: dict[str, str] = field(default_factory=dict)
    clears: str = TRAVEL
    settle_seconds: int = 0
    import_filter: str = ALL
    brake_at_least: int = 20
    switches: dict[str, Any] = field(default_factory=dict)

    def take_effect(self, stage: Stage) -> None:
        stage.control("POST", "/switches", self.switches)
        chosen = {f"{name}_policy": policy for name, policy in self.policies.items()}
        SyncSettings.objects.update(
            **chosen,
            clears=self.clears,
            settle_seconds=self.settle_seconds,
            import_filter=self.import_filter,
            brake_at_least=self.brake_at_least,
        )
        for name, position in self.switches.items():
            count("switch", name, str(position))
        for told in (
            f"clears {self.clears}",
            f"filter {self.import_filter}",
            f"settles {self.settle_seconds} s",
            f"pauses from {self.brake_at_least} on",
        ):
            count("setting", told)

    def winner(self, name: str) -> System | None:
        """The side whose edit wins where both edited a field; None where a person is asked."""
        policy = self.policies.get(name)
        return System(policy) if policy in System.values else None

    def lets_in(self, contact: Snapshot) -> bool:
        """Tell whether the import filter lets a Xero contact in."""
        wanted = {
            ALL: True,
            SyncSettings.ImportFilter.CUSTOMERS: bool(contact.is_customer),
            SyncSettings.ImportFilter.CUSTOMERS_AND_SUPPLIERS: bool(contact.is_customer or contact.is_supplier),
        }
        return wanted[SyncSettings.ImportFilter(self.import_filter)]


# Every open question that bears on what is read or written here, in the positions that are not the default, too.
SWITCHES: dict[str, list[Any]] = {
    "cardEditBumpsParent": [True, True, False],
    "listFullName": ["comma", "plain"],
    "slotUpdate": ["merge", "replace"],
    "noopBumps": [True, False],
    "mergeBumpsWinner": [False, True],
    "invoiceBumps": [False, True],
    "nullMeans": ["omitted", "clear"],
    "nameSpaces": ["reject", "trim"],
    "nameCheckIgnoresCase": [True, False],
    "saveValidSiblings": [False, True],
    "pagePastEnd": ["empty", "bare"],
    "nextLinkWithTop": [True, False],
    "patchWithoutPrefer": ["200", "204"],
    "emptyPhysicalAddress": [True, False],
    "labelValidation": ["lax", "strict"],
    "contactTypeValidation": ["drop", "reject", "accept"],
    "restrictUnknownProps": ["400", "ignore"],
    "refreshGrace": ["newPair", "samePair"],
    "idempotencyInFlight": ["wait", "reject"],
    "staleWrite409": [0, 0, 1, 2],
}
_POLICY = st.sampled_from(["ask", "ask", "xero", "karbon"])
TERMS = st.builds(
    Terms,
    policies=st.fixed_dictionaries({name: _POLICY for name in FIELDS}),
    clears=st.sampled_from([TRAVEL, TRAVEL, ASK, NEVER]),
    settle_seconds=st.sampled_from([0, 0, 30]),
    import_filter=st.sampled_from([ALL, ALL, *SyncSettings.ImportFilter.values]),
    brake_at_least=st.sampled_from([20, 20, 20, 1, 2, 3]),
    switches=st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(positions) for name, positions in SWITCHES.items()}
    ),
)
