"""Karbon's lists, single records, creates and updates, as the facts state them."""

import re

import pytest
import requests


def error(response):
    problem = response.json()["error"]
    return response.status_code, problem["code"], problem["message"]


def person(karbon, first="Mere", last="Tane", **fields):
    response = karbon("POST", "/Contacts", {"FirstName": first, "LastName": last, **fields})
    assert response.status_code == 201, response.text
    return response.json()


def firm(karbon, name="Harbour Joinery", **fields):
    response = karbon("POST", "/Organizations", {"FullName": name, **fields})
    assert response.status_code == 201, response.text
    return response.json()


def full(karbon, wire):
    key = wire.get("ContactKey") or wire["OrganizationKey"]
    plural = "Contacts" if "ContactKey" in wire else "Organizations"
    return karbon("GET", f"/{plural}/{key}?$expand=BusinessCards").json()


def card_of(karbon, wire):
    return full(karbon, wire)["BusinessCards"][0]


def listed(karbon, query="", plural="Contacts"):
    response = karbon("GET", f"/{plural}{query}")
    assert response.status_code == 200, response.text
    return response.json()


def fill(control, count):
    spec = {"xero": 1, "karbon": count, "overlap": 0, "conflicts": 0, "seed": 3}
    assert control("POST", "/reset", {"world": spec}).status_code == 200


# Signing in


@pytest.mark.parametrize("missing", ["Authorization", "AccessKey"])
def test_both_keys_are_needed(box, missing):
    headers = {name: value for name, value in box.karbon_headers().items() if name != missing}
    response = requests.get(f"{box.url}/karbon/v3/Contacts", headers=headers, timeout=10)
    assert response.status_code == 401
    assert response.json() == {"error": {"statusCode": "401", "message": "JWT not present."}}


def test_tenant_settings_name_the_contact_types(karbon):
    types = [t["Name"] for t in karbon("GET", "/TenantSettings").json()["ContactTypes"]]
    assert types == ["Client", "Prospect", "Inactive", "Other", "Supplier"]


# Lists


def test_next_links_lead_through_every_row_once(karbon, control):
    fill(control, 350)
    page = listed(karbon)
    total, keys = page["@odata.count"], [row["ContactKey"] for row in page["value"]]
    while link := page.get("@odata.nextLink"):
        page = karbon.session.get(link, timeout=10).json()
        keys += [row["ContactKey"] for row in page["value"]]
    assert len(keys) == len(set(keys)) == total
    assert keys == sorted(keys)


@pytest.mark.parametrize(("on", "linked"), [(True, True), (False, False)])
def test_a_next_link_after_an_explicit_top_depends_on_the_switch(karbon, control, on, linked):
    fill(control, 350)
    control("POST", "/switches", {"nextLinkWithTop": on})
    assert ("@odata.nextLink" in listed(karbon, "?$top=100")) is linked
    assert "@odata.nextLink" not in listed(karbon, "?$top=5")


def test_top_above_100_is_capped_or_refused(karbon, control):
    fill(control, 350)
    assert len(listed(karbon, "?$top=130")["value"]) == 100
    control("POST", "/switches", {"topOver100": "400"})
    assert error(karbon("GET", "/Contacts?$top=130")) == (
        400,
        "4002",
        "The limit of '100' for Top query has been exceeded. The value from the incoming request is '130'.",
    )


def test_list_rows_have_names_in_comma_form_and_whole_seconds(karbon, control):
    person(karbon, MiddleName="Ana", Suffix="Jr.")
    (row,) = listed(karbon)["value"]
    assert row["FullName"] == "Tane Jr., Mere Ana"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["LastModifiedDateTime"])
    assert not {"FirstName", "BusinessCards"} & set(row)
    control("POST", "/switches", {"listFullName": "plain"})
    assert listed(karbon)["value"][0]["FullName"] == "Mere Ana Tane Jr."


def test_a_row_shows_the_first_entries_of_the_primary_card(karbon):
    card = {"EmailAddresses": ["a@x.example", "b@x.example"], "PhoneNumbers": [{"Number": "1"}, {"Number": "2"}]}
    firm(karbon, BusinessCards=[card])
    (row,) = listed(karbon, plural="Organizations")["value"]
    assert (row["EmailAddress"], row["PhoneNumber"]) == ("a@x.example", "1")


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("FullName eq 'TANE, MERE'", 1),
        ("FullName eq 'Mere Tane'", 0),
        ("contains(FullName,'o''b')", 1),
        ("EmailAddress eq 'MERE@x.example' and ContactType eq 'Client'", 1),
        ("contains(EmailAddress,'x.example')", 1),
        ("PhoneNumber eq '555'", 1),
        ("FullName eq 'Nobody'", 0),
    ],
)
def test_filters_find(karbon, expression, count):
    card = {"EmailAddresses": ["mere@x.example"], "PhoneNumbers": [{"Number": "555"}]}
    person(karbon, ContactType="Client", BusinessCards=[card])
    person(karbon, "Sean", "O'Brien")
    assert karbon("GET", "/Contacts", params={"$filter": expression}).json()["@odata.count"] == count


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "$filter=Name eq 'x'",
            "Could not find a property named 'Name' on type 'KarbonService.OrganizationSummaryDTO'.",
        ),
        ("$filter=startswith(FullName,'x')", "Function 'startswith' is not allowed."),
        ("$filter=FullName ne 'x'", "Logical operator 'NotEqual' is not allowed."),
        ("$filter=FullName eq 'x' or FullName eq 'y'", "Logical operator 'Or' is not allowed."),
        ("$filter=LastModifiedDateTime gt 2026-01-01", "The property 'LastModifiedDateTime' cannot be used"),
        ("$filter=PhoneNumber eq '1'", "The property 'PhoneNumber' cannot be used in the $filter query option."),
        ("$filter=FullName eq", "Syntax error"),
        ("$orderby=EmailAddress", "The property 'EmailAddress' cannot be used in the $orderby query option."),
        ("$select=FullName", "Query option 'Select' is not allowed."),
        ("$expand=BusinessCards", "Query option 'Expand' is not allowed."),
        ("$skip=x", "Invalid value 'x' for $skip"),
    ],
)
def test_a_query_outside_the_subset_is_refused_in_odata_words(karbon, query, message):
    status, code, text = error(karbon("GET", f"/Organizations?{query}"))
    assert (status, code) == (400, "4002")
    assert text.startswith(message)


def test_an_external_key_filters_but_is_never_shown(karbon, control):
    body = {"FullName": "Linked Ltd", "ExternalKey": "xero-1"}
    control("POST", "/karbon/organizations", body)
    firm(karbon)
    answer = listed(karbon, "?$filter=ExternalKey eq 'xero-1'", "Organizations")
    assert [row["FullName"] for row in answer["value"]] == ["Linked Ltd"]
    assert "ExternalKey" not in full(karbon, answer["value"][0])


def test_rows_can_be_ordered_by_their_last_change(karbon):
    first = person(karbon, "Ana", "Aro")
    person(karbon, "Ben", "Bay")
    karbon("PATCH", f"/Contacts/{first['ContactKey']}", {"PreferredName": "An"})
    names = [r["FullName"] for r in listed(karbon, "?$orderby=LastModifiedDateTime desc")["value"]]
    assert names == ["Aro, Ana", "Bay, Ben"]


# Single records


def test_cards_are_absent_without_expand(karbon):
    key = person(karbon)["ContactKey"]
    plain = karbon("GET", f"/Contacts/{key}").json()
    assert "BusinessCards" not in plain
    assert "FullName" not in plain
    assert re.search(r"\.\d{7}Z$", plain["LastModifiedDateTime"])
    assert "BusinessCards" in karbon("GET", f"/Contacts('{key}')?$expand=BusinessCards,ClientTeam").json()


def test_unknown_keys_answer_404_in_their_own_words(karbon):
    assert error(karbon("GET", "/Contacts/nope")) == (404, "4004", "No Contact found for provided key")
    assert error(karbon("GET", "/Organizations/nope")) == (404, "4004", "No organization exists with a key of nope.")
    assert error(karbon("GET", "/BusinessCards/nope")) == (404, "4004", "Invalid businessCardPermaKey nope")
    assert karbon("PATCH", "/Contacts/nope", {"FirstName": "A"}).json()["statusCode"] == "404"
    assert error(karbon("GET", "/Nonsense"))[:2] == (404, "4002")


def test_a_key_of_the_other_kind_is_a_404(karbon):
    assert karbon("GET", f"/Organizations/{person(karbon)['ContactKey']}").status_code == 404


def test_a_record_made_private_looks_deleted(karbon, control):
    key = person(karbon)["ContactKey"]
    control("PATCH", f"/karbon/contacts/{key}", {"RestrictionLevel": "Private"})
    assert karbon("GET", f"/Contacts/{key}").status_code == 404
    assert listed(karbon)["@odata.count"] == 0
    assert listed(karbon, "?$filter=FullName eq 'Tane, Mere'")["@odata.count"] == 0


def test_an_identifier_finds_its_record_whatever_its_case(karbon):
    person(karbon, UserDefinedIdentifier="C-1")
    path = "/Contacts/GetContactByUserDefinedIdentifier(UserDefinedIdentifier='c-1')"
    assert karbon("GET", path).json()["LastName"] == "Tane"
    assert karbon("GET", path.replace("c-1", "none")).status_code == 404
    assert error(karbon("GET", path.replace("c-1", "")))[1] == "4002"


# Creating


def test_a_record_created_without_cards_gets_a_primary_one(karbon):
    (card,) = person(karbon)["BusinessCards"]
    assert (card["IsPrimaryCard"], card["EntityType"], card["EmailAddresses"]) == (True, "Contact", [])


def test_the_organisation_echo_lacks_its_cards(karbon):
    assert "BusinessCards" not in firm(karbon)


def test_location_leads_to_the_new_record(karbon):
    response = karbon("POST", "/Contacts", {"FirstName": "A", "LastName": "B"})
    assert response.headers["Location"].endswith(f"('{response.json()['ContactKey']}')/KarbonService.ContactDTO")
    assert karbon.session.get(response.headers["Location"], timeout=10).status_code == 200


def test_both_names_are_required_of_a_person(karbon):
    response = karbon("POST", "/Contacts", {"FirstName": "Cher"})
    assert response.json()["error"]["details"]["message"] == "The LastName field is required."
    assert error(response)[:2] == (400, "4003")


def test_an_unknown_property_nulls_the_whole_model(karbon):
    response = karbon("POST", "/Contacts", {"FirstName": "A", "LastName": "B", "EmailAddress": "a@b.example"})
    assert error(response)[:2] == (400, "4003")
    assert response.json()["error"]["details"]["message"] == "The contact field is required."
    assert listed(karbon)["@odata.count"] == 0


def test_duplicates_by_name_are_allowed(karbon):
    firm(karbon)
    firm(karbon)
    assert listed(karbon, plural="Organizations")["@odata.count"] == 2


def test_a_duplicate_identifier_is_a_500(karbon):
    person(karbon, UserDefinedIdentifier="C-1")
    response = karbon("POST", "/Organizations", {"FullName": "A", "UserDefinedIdentifier": "c-1"})
    assert error(response) == (500, "5001", "User defined identifier already in use")


@pytest.mark.parametrize(
    "card",
    [
        {"PhoneNumbers": [{"Number": "1" * 21}]},
        {"Addresses": [{"AddressLines": "x" * 201}]},
        {"Addresses": [{"City": "x" * 101}]},
        {"EmailAddresses": "a@b.example"},
        {"EmailAddresses": [{"Address": "a@b.example"}]},
        {"Emails": ["a@b.example"]},
        {"EntityType": "Organization"},
        {"OrganizationKey": "nope"},
    ],
)
def test_a_card_outside_the_rules_is_refused(karbon, card):
    response = karbon("POST", "/Contacts", {"FirstName": "A", "LastName": "B", "BusinessCards": [card]})
    assert error(response)[:2] == (400, "4003")


@pytest.mark.parametrize(("mode", "stored"), [("drop", None), ("accept", "VIP")])
def test_an_unknown_contact_type_is_dropped_or_kept_by_switch(karbon, control, mode, stored):
    control("POST", "/switches", {"contactTypeValidation": mode})
    assert person(karbon, ContactType="VIP")["ContactType"] == stored


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b"\xff"])
def test_an_empty_or_unreadable_body_is_missing_data(karbon, body):
    assert error(karbon("POST", "/Contacts", data=body))[:2] == (400, "4005")


# Updating


def test_a_patch_changes_names_only(karbon):
    key = person(karbon)["ContactKey"]
    response = karbon("PATCH", f"/Contacts/{key}", {"LastName": "Rangi"})
    assert (response.status_code, response.json()["LastName"], response.json()["FirstName"]) == (200, "Rangi", "Mere")
    assert response.json()["AccountingDetail"] is None
    refused = karbon("PATCH", f"/Contacts/{key}", {"ContactType": "Client"})
    assert error(refused)[2].startswith("Invalid property to update. Only FirstName,MiddleName,LastName")


def test_a_patch_without_prefer_can_answer_204(karbon, control):
    key = person(karbon)["ContactKey"]
    control("POST", "/switches", {"patchWithoutPrefer": 204})
    assert karbon("PATCH", f"/Contacts/{key}", {"LastName": "B"}).status_code == 204
    prefer = {"Prefer": "return=representation"}
    assert karbon("PATCH", f"/Contacts/{key}", {"LastName": "C"}, headers=prefer).status_code == 200


def test_setting_a_record_private_needs_a_permission_nobody_gave(karbon):
    key = person(karbon)["ContactKey"]
    assert error(karbon("PATCH", f"/Contacts/{key}", {"RestrictionLevel": "Hidden"}))[:2] == (403, "4021")
    assert error(karbon("PATCH", f"/Contacts/{key}", {"RestrictionLevel": "Secret"}))[0] == 400


def test_a_put_of_the_entity_clears_what_it_omits_but_leaves_cards(karbon):
    card = {"EmailAddresses": ["a@b.example"]}
    made = person(karbon, MiddleName="Ana", ContactType="Client", BusinessCards=[card])
    body = {"FirstName": "Mere", "LastName": "Tane"}
    assert karbon("PUT", f"/Contacts/{made['ContactKey']}", body).status_code == 204
    after = full(karbon, made)
    assert (after["MiddleName"], after["ContactType"]) == (None, None)
    assert after["BusinessCards"][0]["EmailAddresses"] == ["a@b.example"]


def test_a_put_with_cards_that_lack_their_keys_replaces_the_cards(karbon):
    made = person(karbon, BusinessCards=[{"EmailAddresses": ["a@b.example"]}])
    old = card_of(karbon, made)
    body = {"FirstName": "Mere", "LastName": "Tane", "BusinessCards": [{"EmailAddresses": ["c@d.example"]}]}
    karbon("PUT", f"/Contacts/{made['ContactKey']}", body)
    assert card_of(karbon, made)["BusinessCardKey"] != old["BusinessCardKey"]
    assert karbon("GET", f"/BusinessCards/{old['BusinessCardKey']}").status_code == 404


def test_a_put_with_fully_named_cards_keeps_them(karbon):
    made = person(karbon, BusinessCards=[{"EmailAddresses": ["a@b.example"]}])
    body = {"FirstName": "Mere", "LastName": "Tane", "BusinessCards": [card_of(karbon, made), {"RoleOrTitle": "COO"}]}
    assert karbon("PUT", f"/Contacts/{made['ContactKey']}", body).status_code == 204
    cards = full(karbon, made)["BusinessCards"]
    assert cards[0]["BusinessCardKey"] == body["BusinessCards"][0]["BusinessCardKey"]
    assert [c["IsPrimaryCard"] for c in cards] == [True, False]


def test_a_card_put_clears_what_it_omits_and_ignores_the_primary_flag(karbon):
    made = person(karbon, BusinessCards=[{"EmailAddresses": ["a@b.example"], "RoleOrTitle": "COO"}])
    card = card_of(karbon, made)
    body = {"EntityType": "Contact", "EmailAddresses": ["c@d.example"], "IsPrimaryCard": False}
    assert karbon("PUT", f"/BusinessCards/{card['BusinessCardKey']}", body).status_code == 204
    after = card_of(karbon, made)
    assert (after["EmailAddresses"], after["RoleOrTitle"], after["IsPrimaryCard"]) == (["c@d.example"], None, True)


def test_a_card_read_and_put_back_unchanged_changes_nothing(karbon):
    address = {"AddressLines": "12 Quay", "City": "Napier", "Label": "Mailing"}
    made = person(karbon, BusinessCards=[{"Addresses": [address], "PhoneNumbers": [{"Number": "1"}]}])
    before = card_of(karbon, made)
    assert karbon("PUT", f"/BusinessCards/{before['BusinessCardKey']}", before).status_code == 204
    assert card_of(karbon, made) == before


def test_a_card_put_with_the_wrong_entity_type_is_refused(karbon):
    card = card_of(karbon, firm(karbon))
    response = karbon("PUT", f"/BusinessCards/{card['BusinessCardKey']}", {"EntityType": "Contact"})
    assert error(response)[:2] == (400, "4003")


def test_an_empty_physical_address_accompanies_a_filled_mailing_one(karbon, control):
    made = person(karbon, BusinessCards=[{"Addresses": [{"City": "Napier", "Label": "Mailing"}]}])
    blank, filled = card_of(karbon, made)["Addresses"]
    assert (blank["Label"], blank["City"], filled["City"]) == ("Physical", None, "Napier")
    control("POST", "/switches", {"emptyPhysicalAddress": False})
    assert [a["Label"] for a in card_of(karbon, made)["Addresses"]] == ["Mailing"]


@pytest.mark.parametrize("on", [True, False])
def test_a_card_edit_moves_its_owner_or_not_by_switch(karbon, control, on):
    made = person(karbon)
    control("POST", "/switches", {"cardEditBumpsParent": on})
    before = full(karbon, made)
    card = before["BusinessCards"][0]
    karbon("PUT", f"/BusinessCards/{card['BusinessCardKey']}", {**card, "EmailAddresses": ["a@b.example"]})
    after = full(karbon, made)
    assert (after["LastModifiedDateTime"] != before["LastModifiedDateTime"]) is on
    assert listed(karbon)["value"][0]["EmailAddress"] == "a@b.example"


def test_stale_writes_are_refused_as_often_as_asked(karbon, control):
    key = person(karbon)["ContactKey"]
    control("POST", "/switches", {"staleWrite409": 1})
    assert error(karbon("PATCH", f"/Contacts/{key}", {"LastName": "B"}))[:2] == (409, "4020")
    assert karbon("PATCH", f"/Contacts/{key}", {"LastName": "B"}).status_code == 200


def test_nothing_can_be_deleted_through_the_api(karbon):
    assert karbon("DELETE", f"/Contacts/{person(karbon)['ContactKey']}").status_code == 404


def test_an_organisation_expands_to_the_people_whose_cards_point_to_it(karbon):
    key = firm(karbon)["OrganizationKey"]
    person(karbon, BusinessCards=[{"OrganizationKey": key}])
    people = karbon("GET", f"/Organizations/{key}?$expand=Contacts").json()["Contacts"]
    assert [p["FullName"] for p in people] == ["Tane, Mere"]
