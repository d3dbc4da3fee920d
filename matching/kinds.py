"""What people say about kinds: kept for the next training of the classifier (`manage.py train_classifier`)."""

from django.contrib.auth.models import User

from contacts.values import Kind
from matching import classifier
from matching.classifier import Guess, Name, Taught
from matching.models import KindDecision

_NO_GUESS = Kind.UNKNOWN
_LENGTHS = {"name": 500, "first_name": 255, "last_name": 255, "email": 255}


def record(name: Name, kind: Kind, *, by: User | None, guess: Guess | None = None) -> KindDecision | None:
    """Keep what a person said a name is, confirmed or corrected; a later word on the same name replaces it.

    `guess` is what the classifier said when the person was asked; without it, it is asked now. A blank name teaches
    nothing and gives None. Raises `ValueError` for a kind that is neither person nor organisation.
    """
    if kind not in (Kind.PERSON, Kind.ORGANISATION):
        raise ValueError(f"{kind} is not a decided kind")
    if not name.name.strip():
        return None
    guess = guess or _guess(name)
    decision, _ = KindDecision.objects.update_or_create(
        **{field: getattr(name, field)[:length] for field, length in _LENGTHS.items()},
        defaults={
            "guessed": Kind(guess.kind.lower()) if guess.kind else _NO_GUESS,
            "confidence": guess.confidence,
            "decided": kind,
            "by": by,
        },
    )
    return decision


def _guess(name: Name) -> Guess:
    """Ask the classifier; a model that cannot be read keeps nobody from deciding."""
    try:
        return classifier.classify([name])[0]
    except classifier.ModelError:
        return Guess("", 0.0)


def taught() -> list[Taught]:
    """Return what people said, in a fixed order, for training and for measuring."""
    rows = KindDecision.objects.order_by("name", "first_name", "last_name", "email")
    return [
        Taught(Name(row.name, row.first_name, row.last_name, row.email), row.decided == Kind.PERSON) for row in rows
    ]
