"""The matching rule itself (design §6): full match, conflict or no match, from comparison keys. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from contacts import normalise


class Category(StrEnum):
    FULL = "full"
    CONFLICT = "conflict"
    SIMILAR = "similar"  # a no-match that is held because it looks like somebody: decided by the suggestions
    NONE = "none"


@dataclass(frozen=True)
class Keys:
    """What is compared. ``names`` holds every spelling of a name, ``email`` is blank where none is known."""

    names: frozenset[str]
    email: str

    def shares_name(self, other: "Keys") -> bool:
        return bool(self.names & other.names - {""})

    def shares_email(self, other: "Keys") -> bool:
        return bool(self.email) and self.email == other.email

    def shares_both(self, other: "Keys") -> bool:
        return self.shares_name(other) and self.shares_email(other)


@dataclass(frozen=True)
class Counterpart:
    """A Karbon contact that shares a key with the Xero contact in question."""

    id: int | str
    keys: Keys
    is_taken: bool = False


@dataclass(frozen=True)
class Decision:
    category: Category
    counterparts: tuple[Counterpart, ...] = ()
    reason: str = ""


def xero_keys(name: str, email: str) -> Keys:
    """Keys of a Xero contact. No flag tells a person there, so "Smith, John" is tried as written and as "John Smith"."""
    spellings = {normalise.text_key(name), normalise.text_key(normalise.uncomma(name))}
    return Keys(frozenset(spellings), normalise.text_key(email))


def karbon_keys(name: str, email: str, *, is_person: bool) -> Keys:
    return Keys(frozenset({normalise.name_key(name, is_person=is_person)}), normalise.text_key(email))


def decide(mine: Keys, others: Sequence[Counterpart], *, has_rival: bool) -> Decision:
    """Categorise one Xero contact. ``has_rival``: another Xero contact shares both keys, so no match is one-to-one."""
    related = [other for other in others if mine.shares_name(other.keys) or mine.shares_email(other.keys)]
    both = [other for other in related if mine.shares_both(other.keys)]
    if len(both) == 1 and not both[0].is_taken and not has_rival:
        return Decision(Category.FULL, (both[0],), "Same name and same email")
    if not related:
        return Decision(Category.NONE)
    ordered = sorted(related, key=lambda other: (other not in both, not mine.shares_name(other.keys), other.is_taken))
    return Decision(Category.CONFLICT, tuple(ordered), _reason(mine, ordered, both, has_rival))


def _reason(mine: Keys, related: Sequence[Counterpart], both: Sequence[Counterpart], has_rival: bool) -> str:
    if len(both) > 1:
        return "Several Karbon contacts have this name and email."
    if has_rival and both:
        return "Several Xero contacts have this name and email."
    if all(other.is_taken for other in related):
        if len(related) > 1:
            return "All possible matches are already linked to other Xero contacts."
        return "The only possible match is already linked to another Xero contact."
    if both:
        return "The Karbon contact with this name and email is or was linked to another Xero contact."
    names = [other for other in related if mine.shares_name(other.keys)]
    if names and len(names) < len(related):
        return "The name points at one Karbon contact and the email at another."
    if len(related) > 1:
        return f"Several Karbon contacts share the {'name' if names else 'email'}."
    return "Same name, different email." if names else "Same email, different name."
