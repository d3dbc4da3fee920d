"""The order in which open match issues wait: narrowed by why, searched, by age or by strength; and who comes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, Max, OuterRef, Prefetch, Q, QuerySet

from contacts import normalise
from matching import issues
from matching.models import Candidate, MatchIssue

SORTS = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "strongest": "Strongest match first",
    "weakest": "Weakest match first",
}
WHYS = {
    "name": "Same name",
    "email": "Same email",
    "ambiguous": "Several to choose from",
    "similar": "Looks similar",
    "none": "No possible match left",
}
# Best first everywhere: candidates that nobody scored keep the order in which the rule found them.
BEST_FIRST = (F("score").desc(nulls_last=True), "pk")


def _of_issue(**wanted: Any) -> Exists:
    return Exists(Candidate.objects.filter(issue=OuterRef("pk"), **wanted))


def _exact() -> Exists:
    return Exists(Candidate.objects.filter(issue=OuterRef("pk")).exclude(why=Candidate.Why.SIMILAR))


def _because(why: str) -> Q:
    """Issues that wait for this reason. Similar are those that nothing exact speaks for."""
    if why == "none":
        return ~Q(_of_issue())
    if why == Candidate.Why.SIMILAR:
        return Q(_of_issue()) & ~Q(_exact())
    return Q(_of_issue(why=why))


@dataclass(frozen=True)
class Order:
    """How a person has arranged the list. It travels in the address, so that the next issue is the next of that list."""

    why: str = ""
    sort: str = "newest"
    query: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Order":
        """Read it from an address or a form; what makes no sense is left out."""
        why, sort = str(given.get("why", "")), str(given.get("sort", ""))
        return cls(
            why if why in WHYS else "", sort if sort in SORTS else "newest", str(given.get("q", "")).strip()[:200]
        )

    @property
    def in_address(self) -> str:
        """The part of an address that says it again, with its question mark; blank for the plain list."""
        return f"?{urlencode(self.fields)}" if self.fields else ""

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The parts of an address, or hidden fields of a form, that say it again."""
        parts = {"why": self.why, "sort": "" if self.sort == "newest" else self.sort, "q": self.query}
        return [(name, value) for name, value in parts.items() if value]

    def issues(self) -> QuerySet[MatchIssue]:
        """Open issues in this order."""
        found = issues.open_issues()
        if self.query:
            key = normalise.text_key(self.query)
            found = found.filter(Q(xero__name_key__contains=key) | Q(xero__email_key__contains=key))
        if self.why:
            found = found.filter(_because(self.why))
        if self.sort in ("strongest", "weakest"):
            found = found.annotate(best=Max("candidates__score"))
            best = F("best").desc(nulls_last=True) if self.sort == "strongest" else F("best").asc(nulls_last=True)
            return found.order_by(best, "pk")
        return found.order_by("opened_at", "pk") if self.sort == "oldest" else found.order_by("-opened_at", "-pk")

    def around(self, issue_id: int) -> "Place":
        """Say where an issue stands in this order."""
        pks = list(self.issues().values_list("pk", flat=True))
        if issue_id not in pks:
            return Place(0, len(pks), None, pks[0] if pks else None)
        at = pks.index(issue_id)
        return Place(at + 1, len(pks), pks[at - 1] if at else None, pks[at + 1] if at + 1 < len(pks) else None)

    def after(self, issue_id: int) -> int | None:
        """Return the issue that follows, the first one after the last; None when no other waits in this order."""
        place = self.around(issue_id)
        if place.after is not None:
            return place.after
        first = self.issues().exclude(pk=issue_id).values_list("pk", flat=True).first()
        return first


@dataclass(frozen=True)
class Place:
    """An issue's number in the list (0: not in it), how many there are, and its neighbours."""

    number: int
    of: int
    before: int | None
    after: int | None


def with_matches(found: QuerySet[MatchIssue]) -> QuerySet[MatchIssue]:
    """Load what the list shows: the Xero contact and the possible matches, best first."""
    matches = Candidate.objects.select_related("karbon").defer("karbon__payload").order_by(*BEST_FIRST)
    return found.select_related("xero").defer("xero__payload").prefetch_related(Prefetch("candidates", matches))


def counts() -> dict[str, int]:
    """Return how many issues wait for each reason, and altogether (``all``), in one query."""
    found = issues.open_issues().annotate(any=_of_issue(), exact=_exact())
    whys = (Candidate.Why.NAME, Candidate.Why.EMAIL, Candidate.Why.AMBIGUOUS)
    found = found.annotate(**{f"has_{why}": _of_issue(why=why) for why in whys})
    told: dict[str, int] = found.aggregate(
        all=Count("pk"),
        none=Count("pk", filter=Q(any=False)),
        similar=Count("pk", filter=Q(any=True, exact=False)),
        **{why.value: Count("pk", filter=Q(**{f"has_{why}": True})) for why in whys},
    )
    return told


def likenesses() -> list[float]:
    """Return the best score of every open issue that only a likeness speaks for."""
    found = issues.open_issues().filter(_because(Candidate.Why.SIMILAR)).annotate(best=Max("candidates__score"))
    return [issue.best for issue in found if issue.best is not None]
