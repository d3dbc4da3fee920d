"""Both sides changed: a person answers."""

import pytest
from django.urls import reverse

from contacts.models import Link
from contacts.values import System
from tests.admin import factories


def wished() -> dict:
    """What is to be written to Xero, per field."""
    return {name: wish["value"] for name, wish in Link.objects.get().wishes["xero"].items()}


def page(conflict) -> str:
    return reverse("admin:contacts_fieldconflict_change", args=[conflict.pk])


def answer(desk, conflict, **posted):
    token = desk.get(page(conflict)).context["seen"]
    url = reverse("admin:answer_conflict", args=[conflict.pk])
    return desk.post(url, {"seen": token, **posted}, follow=True)


@pytest.mark.parametrize("winner", System.values)
def test_keeping_one_side_carries_it_over(desk, winner):
    conflict = factories.conflict()
    answer(desk, conflict, choice=winner)
    link = conflict.link
    link.refresh_from_db()
    conflict.refresh_from_db()
    assert not conflict.is_open and link.plan_due
    assert "billing_email" in link.base(System(winner).other) and "billing_email" not in link.base(System(winner))


def test_a_typed_email_goes_to_xero(desk):
    answer(desk, factories.conflict(), choice="typed", typed=" third@harbour.example ")
    assert wished() == {"billing_email": "third@harbour.example"}


def test_a_typed_phone_is_taken_in_parts(desk):
    pair = factories.pair(factories.xero(phone=factories.PHONE), factories.karbon(phone={"number": "1"}))
    answer(desk, factories.conflict(pair, "primary_phone"), choice="typed", typed_country="64", typed_area="", typed_number="21 555")  # fmt: skip
    assert wished() == {"primary_phone": {"country": "64", "number": "21 555"}}


def test_a_typed_address_keeps_its_lines(desk):
    pair = factories.pair(factories.xero(address=factories.ADDRESS), factories.karbon(address={"city": "Nelson"}))
    answer(desk, factories.conflict(pair, "billing_address"), choice="typed", typed_lines="Level 2\r\n1 Quay", typed_city="Nelson")  # fmt: skip
    assert wished() == {"billing_address": {"lines": "Level 2\n1 Quay", "city": "Nelson"}}


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({}, "Choose one of the values first."),
        ({"choice": "typed", "typed": " "}, "Nothing was typed."),
        ({"choice": "typed", "typed": "not an email"}, "is not an email address"),
        ({"choice": "typed", "typed": "x" * 600}, "That is too long"),
    ],
)
def test_what_cannot_be_taken_is_said(desk, posted, said):
    conflict = factories.conflict()
    assert said in answer(desk, conflict, **posted).content.decode()
    conflict.refresh_from_db()
    assert conflict.is_open


def test_a_value_that_moved_on_is_shown_again(desk):
    conflict = factories.conflict()
    token = desk.get(page(conflict)).context["seen"]
    conflict.xero_value = "newest@harbour.example"
    conflict.save()
    response = desk.post(reverse("admin:answer_conflict", args=[conflict.pk]), {"seen": token, "choice": "xero"}, follow=True)  # fmt: skip
    assert "changed since you looked" in response.content.decode()


def test_the_contact_moved_on_since_the_question_was_asked(desk):
    conflict = factories.conflict()
    conflict.link.xero.values["billing_email"] = "newest@harbour.example"
    conflict.link.xero.save()
    assert "One of the two values has changed since." in answer(desk, conflict, choice="xero").content.decode()


def test_a_second_answer_comes_too_late(desk):
    conflict = factories.conflict()
    token = desk.get(page(conflict)).context["seen"]
    answer(desk, conflict, choice="xero")
    response = desk.post(reverse("admin:answer_conflict", args=[conflict.pk]), {"seen": token, "choice": "xero"}, follow=True)  # fmt: skip
    assert "has changed since" in response.content.decode()
