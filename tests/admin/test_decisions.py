"""Decisions: listed, counted for training, and taken back."""

from django.urls import reverse

from matching.models import Verdict
from tests.admin import factories


def decision(*, is_same: bool = False, linked: bool = False) -> Verdict:
    left, right = factories.xero(), factories.karbon()
    if linked:
        factories.pair(left, right)
    return Verdict.objects.create(xero=left, karbon=right, is_same=is_same)


def take_back(desk, made: Verdict):
    return desk.post(reverse("admin:decision_take_back", args=[made.pk]), follow=True)


def test_the_list_says_how_many_can_be_learned_from_and_how(desk):
    decision()
    decision(is_same=True)
    text = desk.get(reverse("admin:matching_verdict_changelist")).content.decode()
    assert (
        "1 called the same and 1 called not the same" in text
        and "manage.py train_matcher --data-dir FOLDER --from-decisions" in text
    )


def test_a_decision_is_taken_back_and_the_pair_looked_at_again(desk, rings):
    made = decision()
    page = desk.get(reverse("admin:matching_verdict_change", args=[made.pk])).content.decode()
    assert "Take it back" in page
    take_back(desk, made)
    made.xero.refresh_from_db()
    assert not Verdict.objects.exists() and made.xero.match_due and rings


def test_what_keeps_two_linked_is_not_taken_back(desk):
    made = decision(is_same=True, linked=True)
    assert "Unsync them first" in take_back(desk, made).content.decode()
    assert Verdict.objects.exists()


def test_a_decision_that_somebody_turned_meanwhile_is_not_taken_back(db, staff):
    import pytest

    from contacts.links import Overtaken
    from matching import issues

    made = decision()
    Verdict.objects.update(is_same=True)
    with pytest.raises(Overtaken):
        issues.take_back(made, by=staff)
    assert Verdict.objects.exists()
