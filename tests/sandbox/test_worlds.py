"""The sandbox's starting address books: sizes, shapes, repeatability, and an answer key that is true."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.answer_key import answer_key, comparison_key, karbon_email, karbon_key, karbon_name
from sandbox.worlds import World, build

SPECS: list[Any] = [
    30,
    300,
    {"xero": 700, "karbon": 600, "overlap": 0.6, "conflicts": 0.1, "seed": 20261123},
    {"xero": 500, "karbon": 400, "seed": 7},  # full matches and conflicts fill Karbon exactly
    {"xero": 500, "karbon": 360},  # less room than conflicts
    {"xero": 40, "karbon": 3, "overlap": 0, "conflicts": 1},
    {"xero": 0, "karbon": 50},
    {"xero": 50, "karbon": 0, "overlap": 0, "conflicts": 0},
    {"xero": 3, "karbon": 9, "overlap": 0.5, "conflicts": 0.5},
    {"xero": 200, "karbon": 900, "overlap": 0.0, "conflicts": 0.9, "seed": -3},
]


def in_karbon(world: World) -> list[dict[str, Any]]:
    return [*world.karbon_contacts, *world.karbon_organizations]


def kinds(world: World) -> dict[str, str]:
    return {str(row["xero"]): str(row["kind"]) for row in world.truth}


def named(world: World, name: str) -> dict[str, Any]:
    """Return the active contact of this name; an archived one may have it too."""
    return next(c for c in world.xero if c["Name"] == name and c["ContactStatus"] == "ACTIVE")


def categories(world: World) -> Counter[str | None]:
    return Counter(row["category"] for row in world.truth)


@pytest.fixture(scope="module")
def demo() -> World:
    return build("demo")


class TestSpecs:
    def test_an_empty_world_is_empty(self) -> None:
        assert build("empty") == World([], [], [], [])

    @pytest.mark.parametrize("spec", [50, "demo", {"xero": 60, "karbon": 70, "seed": 3}])
    def test_the_same_spec_builds_the_same_world(self, spec: Any) -> None:
        assert build(spec) == build(spec)

    def test_another_seed_builds_another_world(self) -> None:
        one, other = (build({"xero": 20, "karbon": 20, "seed": seed}) for seed in (1, 2))
        assert {contact["Name"] for contact in one.xero} != {contact["Name"] for contact in other.xero}

    def test_a_number_means_that_many_on_each_side(self) -> None:
        assert (
            build(40) == build("40") == build({"xero": 40, "karbon": 40, "overlap": 0.7, "conflicts": 0.1, "seed": 1})
        )

    @pytest.mark.parametrize(
        "spec",
        [
            "big",
            None,
            True,
            -1,
            3.5,
            [],
            {"xero": "many"},
            {"xero": 10, "karbon": -1},
            {"xero": 10, "karbon": 10, "overlap": 1.5},
            {"xero": 10, "karbon": 10, "overlap": float("nan")},
            {"xero": 10, "karbon": 10, "overlap": 0.7, "conflicts": 0.4},
            {"xero": 10, "karbon": 6, "overlap": 0.7},
            {"xero": 10, "karbon": 0, "overlap": 0, "conflicts": 0.5},
            {"xero": 10, "karbon": 10, "matches": 3},
            {"xero": 10, "karbon": 10, "seed": "x"},
        ],
    )
    def test_a_senseless_spec_is_refused_with_a_sentence(self, spec: Any) -> None:
        with pytest.raises(ValueError, match=r"^[A-Z].* .*\.$"):
            build(spec)


@pytest.mark.parametrize("spec", SPECS, ids=str)
class TestGeneratedWorlds:
    def test_the_sizes_and_shares_are_exactly_those_asked_for(self, spec: Any) -> None:
        world = build(spec)
        wanted = {"overlap": 0.7, "conflicts": 0.1} | (
            spec if isinstance(spec, dict) else {"xero": spec, "karbon": spec}
        )
        full = round(wanted["xero"] * wanted["overlap"])
        conflicts = min(round(wanted["xero"] * wanted["conflicts"]), wanted["xero"] - full)
        assert (len(world.xero), len(in_karbon(world))) == (wanted["xero"], wanted["karbon"])
        assert categories(world) == Counter(full=full, conflict=conflicts, none=wanted["xero"] - full - conflicts)

    def test_the_answer_key_follows_from_the_two_lists(self, spec: Any) -> None:
        world = build(spec)
        assert world.truth == answer_key(world.xero, in_karbon(world), kinds(world))

    def test_names_and_keys_are_unique_on_each_side(self, spec: Any) -> None:
        world = build(spec)
        for values in (
            [comparison_key(contact["Name"]) for contact in world.xero],
            [comparison_key(karbon_name(record)) for record in in_karbon(world)],
            [contact["ContactID"] for contact in world.xero],
            [karbon_key(record) for record in in_karbon(world)],
            list(filter(None, (comparison_key(karbon_email(record)) for record in in_karbon(world)))),
        ):
            assert len(values) == len(set(values))

    def test_every_name_is_one_that_xero_accepts_and_every_contact_is_active(self, spec: Any) -> None:
        for contact in build(spec).xero:
            assert contact["Name"] == " ".join(contact["Name"].split())
            assert not re.search("[<>]", contact["Name"])
            assert contact["ContactStatus"] == "ACTIVE"

    def test_people_have_a_first_and_a_last_name(self, spec: Any) -> None:
        world = build(spec)
        assert all(record["FirstName"].strip() and record["LastName"].strip() for record in world.karbon_contacts)
        for contact in world.xero:
            if kinds(world)[contact["ContactID"]] == "PERSON":
                assert len(contact["Name"].split()) > 1
                if "FirstName" in contact:
                    assert contact["Name"] == f"{contact['FirstName']} {contact['LastName']}"


@pytest.fixture(scope="module")
def world() -> World:
    return build({"xero": 1500, "karbon": 1500, "overlap": 0.5, "conflicts": 0.3})


class TestVarietyOfGeneratedWorlds:
    def test_emails_are_unique_in_xero_when_karbon_has_room(self, world: World) -> None:
        emails = [contact["EmailAddress"].casefold() for contact in world.xero if "EmailAddress" in contact]
        assert len(emails) == len(set(emails))

    def test_conflicts_are_of_every_kind(self, world: World) -> None:
        xero = {contact["ContactID"]: contact for contact in world.xero}
        seen = set()
        for row in world.truth:
            if row["category"] != "conflict":
                continue
            contact = xero[str(row["xero"])]
            name, email = comparison_key(contact["Name"]), comparison_key(contact.get("EmailAddress"))
            by_name = any(comparison_key(karbon_name(record)) == name for record in in_karbon(world))
            by_email = bool(email) and any(comparison_key(karbon_email(record)) == email for record in in_karbon(world))
            seen.add((by_name, by_email))
        assert seen == {(True, False), (False, True), (True, True)}

    def test_some_full_matches_are_spelled_differently(self, world: World) -> None:
        xero = {contact["ContactID"]: contact for contact in world.xero}
        karbon = {karbon_key(record): record for record in in_karbon(world)}
        pairs = [
            (xero[str(row["xero"])], karbon[str(row["karbon"])]) for row in world.truth if row["category"] == "full"
        ]
        renamed = sum(contact["Name"] != karbon_name(record) for contact, record in pairs)
        recased = sum(contact["EmailAddress"] != karbon_email(record) for contact, record in pairs)
        assert 0 < renamed < len(pairs) * 0.2
        assert 0 < recased < len(pairs) * 0.1

    def test_blanks_occur_on_both_sides(self, world: World) -> None:
        assert any("EmailAddress" not in contact for contact in world.xero)
        assert any(not karbon_email(record) for record in in_karbon(world))
        assert any(not card["PhoneNumbers"] for record in in_karbon(world) for card in record["BusinessCards"])


@pytest.fixture(scope="module", params=["demo", 200], ids=str)
def any_world(request: pytest.FixtureRequest) -> World:
    return build(request.param)


class TestWireForm:
    def test_a_xero_contact_has_four_phone_slots_and_two_addresses(self, any_world: World) -> None:
        for contact in any_world.xero:
            assert sorted(phone["PhoneType"] for phone in contact["Phones"]) == ["DDI", "DEFAULT", "FAX", "MOBILE"]
            assert sorted(address["AddressType"] for address in contact["Addresses"]) == ["POBOX", "STREET"]
            assert all(len(phone.get("PhoneNumber", "")) <= 50 for phone in contact["Phones"])

    def test_a_karbon_card_belongs_to_its_owner(self, any_world: World) -> None:
        for record in in_karbon(any_world):
            for card in record["BusinessCards"]:
                assert card["EntityKey"] == karbon_key(record)
                assert card["EntityType"] == ("Contact" if "ContactKey" in record else "Organization")
            assert sum(card["IsPrimaryCard"] for card in record["BusinessCards"]) == len(record["BusinessCards"][:1])

    def test_karbon_keys_and_labels_look_like_karbons(self, any_world: World) -> None:
        for record in in_karbon(any_world):
            assert re.fullmatch(r"[A-Za-z0-9]{10,12}", karbon_key(record))
            for card in record["BusinessCards"]:
                assert {phone["Label"] for phone in card["PhoneNumbers"]} <= {"Work", "Mobile", "Office", "Fax", "Home"}
                assert {a["Label"] for a in card["Addresses"]} <= {"Physical", "Mailing", "Legal", "Home"}
                assert all(len(phone["Number"]) <= 20 for phone in card["PhoneNumbers"])

    def test_every_email_is_at_a_domain_nobody_can_own(self, any_world: World) -> None:
        text = json.dumps([any_world.xero, in_karbon(any_world)], ensure_ascii=False)
        assert set(re.findall(r"@[\w.-]+\.(\w+)", text)) == {"example"}

    def test_no_two_records_share_a_part(self, any_world: World) -> None:
        def parts(value: Any) -> Iterator[int]:
            if isinstance(value, dict | list):
                yield id(value)
                for part in value.values() if isinstance(value, dict) else value:
                    yield from parts(part)

        seen = list(parts([any_world.xero, in_karbon(any_world)]))
        assert len(seen) == len(set(seen))


class TestDemoWorld:
    def test_it_is_a_firm_of_about_four_hundred_clients(self, demo: World) -> None:
        assert 380 <= len(demo.xero) <= 430
        assert 370 <= len(in_karbon(demo)) <= 430
        found = categories(demo)
        assert 220 <= found["full"] <= 245
        assert 40 <= found["conflict"] <= 50
        assert 100 <= found["none"] <= 120

    def test_archived_contacts_are_not_in_the_answer_key(self, demo: World) -> None:
        archived = {contact["ContactID"] for contact in demo.xero if contact["ContactStatus"] == "ARCHIVED"}
        assert len(archived) == 12
        assert not archived & kinds(demo).keys()
        assert len(demo.truth) == len(demo.xero) - 12

    def test_a_merged_contact_names_its_survivor(self, demo: World) -> None:
        (merged,) = [contact for contact in demo.xero if "MergedToContactID" in contact]
        assert merged["MergedToContactID"] in kinds(demo)

    def test_xero_records_keep_unknown_names_out(self, demo: World) -> None:
        for contact in demo.xero:
            assert contact["Name"] == " ".join(contact["Name"].split())
            assert not re.search("[<>]", contact["Name"])

    def test_a_person_filed_last_name_first_is_a_full_match(self, demo: World) -> None:
        contact = named(demo, "Cadwallader, Gwyneth")
        (row,) = [row for row in demo.truth if row["xero"] == contact["ContactID"]]
        assert (row["category"], row["kind"]) == ("full", "PERSON")

    def test_a_second_contact_with_a_matched_clients_email_is_a_conflict(self, demo: World) -> None:
        rows = {row["xero"]: row for row in demo.truth}
        first = rows[named(demo, "Harbour Joinery Limited")["ContactID"]]
        second = rows[named(demo, "Harbour Joinery Limited (old)")["ContactID"]]
        assert (first["category"], second["category"]) == ("full", "conflict")
        assert first["karbon"] == second["karbon"]

    def test_karbon_duplicates_with_the_same_name_and_email_are_a_conflict(self, demo: World) -> None:
        contact = named(demo, "Jarrah Hill Joinery Pty Ltd")
        twins = [record for record in in_karbon(demo) if karbon_name(record) == contact["Name"]]
        assert len(twins) == 3
        assert {karbon_email(record) for record in twins} == {contact["EmailAddress"]}
        assert {row["category"] for row in demo.truth if row["xero"] == contact["ContactID"]} == {"conflict"}

    def test_clients_of_one_bookkeeper_match_each_their_own(self, demo: World) -> None:
        shared = [c["ContactID"] for c in demo.xero if c.get("EmailAddress") == "accounts@ledgerlane.example"]
        found = Counter(row["category"] for row in demo.truth if row["xero"] in shared)
        assert found == Counter(full=4, conflict=2)

    def test_it_holds_what_a_sync_must_leave_alone(self, demo: World) -> None:
        records = in_karbon(demo)
        assert any(len(record["BusinessCards"]) > 1 for record in records)
        assert any(record["BusinessCards"] and not record["BusinessCards"][0]["IsPrimaryCard"] for record in records)
        assert any(not record["BusinessCards"] for record in records)
        cards = [card for record in records for card in record["BusinessCards"]]
        assert any(len(card["EmailAddresses"]) > 1 for card in cards)
        empty_first = [c for c in cards if len(c["Addresses"]) > 1 and not c["Addresses"][0]["AddressLines"]]
        assert any(card["Addresses"][1]["AddressLines"] for card in empty_first)
        assert {record["ContactType"] for record in records} == {"Client", "Prospect", "Inactive"}
        assert any(contact["ContactPersons"] for contact in demo.xero)


class TestAnswerKey:
    @staticmethod
    def contact(id_: str, name: str, email: str = "", status: str = "ACTIVE") -> dict[str, Any]:
        return {"ContactID": id_, "Name": name, "EmailAddress": email, "ContactStatus": status}

    @staticmethod
    def organisation(key: str, name: str, *emails: str) -> dict[str, Any]:
        card = {"IsPrimaryCard": True, "EmailAddresses": list(emails)}
        return {"OrganizationKey": key, "FullName": name, "BusinessCards": [card]}

    def rows(self, xero: list[dict[str, Any]], karbon: list[dict[str, Any]], kind: str = "ORGANISATION") -> list[Any]:
        kinds = {contact["ContactID"]: kind for contact in xero}
        return [(row["karbon"], row["category"]) for row in answer_key(xero, karbon, kinds)]

    def test_case_spaces_and_unicode_form_make_no_difference(self) -> None:
        xero = [self.contact("x", "Tūī Café Ltd", "A@b.example")]
        assert self.rows(xero, [self.organisation("k", "TU\u0304I\u0304  cafe\u0301\u00a0LTD ", "a@B.example")]) == [
            ("k", "full")
        ]

    def test_blank_emails_match_nothing(self) -> None:
        assert self.rows([self.contact("x", "One")], [self.organisation("k", "Two")]) == [(None, "none")]
        assert self.rows([self.contact("x", "One")], [self.organisation("k", "One")]) == [("k", "conflict")]

    def test_two_karbon_contacts_that_share_both_are_ambiguous(self) -> None:
        karbon = [self.organisation(key, "One", "a@b.example") for key in ("k1", "k2")]
        assert self.rows([self.contact("x", "One", "a@b.example")], karbon) == [("k1", "conflict")]

    def test_two_xero_contacts_that_share_both_are_ambiguous(self) -> None:
        xero = [self.contact(id_, "One", "a@b.example") for id_ in ("x1", "x2")]
        karbon = [self.organisation("k", "One", "a@b.example")]
        assert self.rows(xero, karbon) == [("k", "conflict"), ("k", "conflict")]

    def test_an_archived_contact_is_no_rival(self) -> None:
        xero = [self.contact("x1", "One", "a@b.example", "ARCHIVED"), self.contact("x2", "One", "a@b.example")]
        assert self.rows(xero, [self.organisation("k", "One", "a@b.example")]) == [("k", "full")]

    def test_only_the_first_email_of_the_primary_card_counts(self) -> None:
        karbon = [self.organisation("k", "Two", "other@b.example", "a@b.example")]
        assert self.rows([self.contact("x", "One", "a@b.example")], karbon) == [(None, "none")]

    def test_last_name_first_is_understood_for_people_only(self) -> None:
        person = {"ContactKey": "k", "FirstName": "Ana", "MiddleName": None, "LastName": "Latu", "BusinessCards": []}
        assert self.rows([self.contact("x", "Latu, Ana")], [person], kind="PERSON") == [("k", "conflict")]
        assert self.rows([self.contact("x", "Latu, Ana")], [person]) == [(None, "none")]
