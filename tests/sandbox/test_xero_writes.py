"""Xero's write rules, as the facts state them."""

import pytest

ARCHIVED = "matched an archived contact. Archived contacts cannot currently be edited via the API."


def put(xero, **fields):
    return xero("PUT", "/Contacts", {"Contacts": [fields]})


def made(xero, **fields):
    response = put(xero, **fields)
    assert response.status_code == 200, response.text
    return response.json()["Contacts"][0]


def post(xero, *elements, query="", **options):
    return xero("POST", f"/Contacts{query}", {"Contacts": list(elements)}, **options)


def read(xero, contact_id):
    return xero("GET", f"/Contacts/{contact_id}").json()["Contacts"][0]


def messages(response):
    assert response.status_code == 400, response.text
    body = response.json()
    assert (body["ErrorNumber"], body["Type"]) == (10, "ValidationException")
    return [m["Message"] for element in body["Elements"] for m in element["ValidationErrors"]]


def slot(contact, kind):
    return next(p for p in contact["Phones"] if p["PhoneType"] == kind)


def test_a_put_creates_with_200_and_answers_slots_in_the_order_of_writes(xero):
    contact = made(xero, Name="Harbour Joinery", EmailAddress="office@harbour.example")
    assert [p["PhoneType"] for p in contact["Phones"]] == ["DEFAULT", "DDI", "FAX", "MOBILE"]
    assert [a["AddressType"] for a in contact["Addresses"]] == ["STREET", "POBOX"]
    assert contact["SalesTrackingCategories"] == []
    assert "HasAttachments" not in contact


def test_a_read_answers_slots_in_the_order_of_reads(xero):
    contact = read(xero, made(xero, Name="Harbour Joinery")["ContactID"])
    assert [p["PhoneType"] for p in contact["Phones"]] == ["DDI", "DEFAULT", "FAX", "MOBILE"]
    assert contact["Attachments"] == []


def test_a_put_with_a_name_of_an_active_contact_is_refused_whatever_its_case(xero):
    made(xero, Name="Harbour Joinery")
    response = put(xero, Name="HARBOUR joinery")
    (message,) = messages(response)
    assert message == (
        "The contact name HARBOUR joinery is already assigned to another contact. "
        "The contact name must be unique across all active contacts."
    )
    assert response.json()["Elements"][0]["ContactID"] == "00000000-0000-0000-0000-000000000000"


def test_archiving_frees_the_name_but_not_the_number(xero):
    old = made(xero, Name="Harbour Joinery", ContactNumber="K-1")
    assert post(xero, {"ContactID": old["ContactID"], "ContactStatus": "ARCHIVED"}).status_code == 200
    assert "contact number K-1 is already assigned" in messages(put(xero, Name="Other", ContactNumber="K-1"))[0]
    assert put(xero, Name="Harbour Joinery").status_code == 200


def test_a_post_by_name_overwrites_the_contact_with_that_name(xero):
    old = made(xero, Name="Harbour Joinery", EmailAddress="old@harbour.example", ContactNumber="K-1")
    new = post(xero, {"Name": "harbour joinery", "EmailAddress": "new@stranger.example"}).json()["Contacts"][0]
    assert new["ContactID"] == old["ContactID"]
    assert (new["EmailAddress"], new["ContactNumber"]) == ("new@stranger.example", "K-1")


def test_a_post_by_number_finds_its_contact(xero):
    old = made(xero, Name="Harbour Joinery", ContactNumber="K-1")
    new = post(xero, {"ContactNumber": "K-1", "Name": "Harbour Joiners"}).json()["Contacts"][0]
    assert (new["ContactID"], new["Name"]) == (old["ContactID"], "Harbour Joiners")


def test_a_post_with_an_unknown_id_is_an_html_404_and_saves_nothing(xero):
    unknown = "11111111-2222-4333-8444-555555555555"
    response = post(xero, {"Name": "First"}, {"ContactID": unknown, "Name": "X"})
    assert (response.status_code, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert xero("GET", "/Contacts").json()["Contacts"] == []


def test_what_an_update_omits_stays(xero):
    old = made(xero, Name="Harbour Joinery", Phones=[{"PhoneType": "DEFAULT", "PhoneNumber": "09 555 0100"}])
    new = post(xero, {"ContactID": old["ContactID"], "EmailAddress": "a@b.example"}).json()["Contacts"][0]
    assert new["Name"] == "Harbour Joinery"
    assert slot(new, "DEFAULT")["PhoneNumber"] == "09 555 0100"


def test_one_phone_sent_leaves_the_other_slots_alone(xero):
    phones = [{"PhoneType": "DEFAULT", "PhoneNumber": "1"}, {"PhoneType": "MOBILE", "PhoneNumber": "2"}]
    old = made(xero, Name="A", Phones=phones)
    change = {"ContactID": old["ContactID"], "Phones": [{"PhoneType": "MOBILE", "PhoneNumber": ""}]}
    new = post(xero, change).json()["Contacts"][0]
    assert slot(new, "DEFAULT")["PhoneNumber"] == "1"
    assert slot(new, "MOBILE")["PhoneNumber"] == ""


@pytest.mark.parametrize(("mode", "kept"), [("merge", "12 Quay"), ("replace", None)])
def test_a_partial_slot_is_merged_or_replaced_by_switch(xero, control, mode, kept):
    control("POST", "/switches", {"slotUpdate": mode})
    old = made(xero, Name="A", Addresses=[{"AddressType": "POBOX", "AddressLine1": "12 Quay", "City": "Napier"}])
    change = {"ContactID": old["ContactID"], "Addresses": [{"AddressType": "POBOX", "City": "Nelson"}]}
    new = post(xero, change).json()["Contacts"][0]
    box = next(a for a in new["Addresses"] if a["AddressType"] == "POBOX")
    assert (box.get("AddressLine1"), box["City"]) == (kept, "Nelson")


def test_blank_address_lines_are_absent_after_a_write_while_blank_cities_show(xero):
    contact = made(xero, Name="A")
    street = next(a for a in contact["Addresses"] if a["AddressType"] == "STREET")
    assert street == {"AddressType": "STREET", "City": "", "Region": "", "PostalCode": "", "Country": ""}


def test_a_phone_without_its_type_vanishes(xero):
    contact = made(xero, Name="A", Phones=[{"PhoneNumber": "09 555 0100"}])
    assert all(p["PhoneNumber"] == "" for p in contact["Phones"])


def test_persons_are_replaced_whole_and_an_empty_list_changes_nothing(xero):
    persons = [{"FirstName": "Ana"}, {"FirstName": "Ben"}]
    contact = made(xero, Name="A", EmailAddress="a@b.example", ContactPersons=persons)
    unchanged = post(xero, {"ContactID": contact["ContactID"], "ContactPersons": []}).json()["Contacts"][0]
    assert [p["FirstName"] for p in unchanged["ContactPersons"]] == ["Ana", "Ben"]
    emptied = post(xero, {"ContactID": contact["ContactID"], "ContactPersons": [{}]}).json()["Contacts"][0]
    assert emptied["ContactPersons"] == []


def test_the_email_cannot_be_cleared_while_persons_exist(xero):
    contact = made(xero, Name="A", EmailAddress="a@b.example", ContactPersons=[{"FirstName": "Ana"}])
    refused = post(xero, {"ContactID": contact["ContactID"], "EmailAddress": ""})
    assert messages(refused) == ["Additional people cannot be added when the primary person has no email address set."]


def test_any_edit_of_an_archived_contact_is_refused_with_its_real_id(xero):
    contact = made(xero, Name="A")
    post(xero, {"ContactID": contact["ContactID"], "ContactStatus": "ARCHIVED"})
    for change in ({"EmailAddress": "a@b.example"}, {"ContactStatus": "ACTIVE"}, {"ContactStatus": "ARCHIVED"}):
        response = post(xero, {"ContactID": contact["ContactID"], **change})
        assert ARCHIVED in messages(response)[0]
        assert response.json()["Elements"][0]["ContactID"] == contact["ContactID"]


@pytest.mark.parametrize("email", ["nobody", "a@b", "jürgen@firm.example", "a b@c.example"])
def test_an_email_address_must_be_valid(xero, email):
    assert messages(put(xero, Name="A", EmailAddress=email)) == ["Email address must be valid."]


@pytest.mark.parametrize("name", [" A", "A ", "A  B", "A <B>", "x" * 256])
def test_a_name_outside_the_rules_is_refused(xero, name):
    assert len(messages(put(xero, Name=name))) == 1


def test_a_create_needs_a_name(xero):
    assert messages(put(xero, EmailAddress="a@b.example")) == ["Contact Name cannot be empty."]


def test_an_over_long_value_is_refused_or_cut_by_switch(xero, control):
    assert (
        "PhoneNumber exceeds"
        in messages(put(xero, Name="A", Phones=[{"PhoneType": "DEFAULT", "PhoneNumber": "1" * 51}]))[0]
    )
    control("POST", "/switches", {"overLength": "truncate"})
    assert made(xero, Name="y" * 300)["Name"] == "y" * 255


def test_one_bad_element_refuses_the_whole_batch_by_default(xero):
    assert len(messages(post(xero, {"Name": "Good"}, {"Name": "Bad", "EmailAddress": "x"}))) == 1
    assert xero("GET", "/Contacts").json()["Contacts"] == []


def test_without_summarising_good_elements_are_saved_and_a_200_hides_the_bad_one(xero):
    response = post(xero, {"Name": "Good"}, {"Name": "B", "EmailAddress": "x"}, query="?summarizeErrors=false")
    assert response.status_code == 200
    assert [c["StatusAttributeString"] for c in response.json()["Contacts"]] == ["OK", "ERROR"]
    assert [c["Name"] for c in xero("GET", "/Contacts").json()["Contacts"]] == ["Good"]


def test_a_replayed_idempotency_key_creates_once(xero):
    key = {"Idempotency-Key": "tenant-1"}
    first = xero("PUT", "/Contacts", {"Contacts": [{"Name": "A"}]}, headers=key)
    second = xero("PUT", "/Contacts", {"Contacts": [{"Name": "A"}]}, headers=key)
    assert first.content == second.content
    assert len(xero("GET", "/Contacts").json()["Contacts"]) == 1


def test_an_idempotency_key_replays_errors_too_for_six_minutes(xero, control):
    old = made(xero, Name="A")
    key = {"Idempotency-Key": "k"}
    assert xero("PUT", "/Contacts", {"Name": "A"}, headers=key).status_code == 400
    post(xero, {"ContactID": old["ContactID"], "Name": "B"})
    assert xero("PUT", "/Contacts", {"Name": "A"}, headers=key).status_code == 400
    control("POST", "/clock", {"advance": 361})
    assert xero("PUT", "/Contacts", {"Name": "A"}, headers=key).status_code == 200


def test_an_idempotency_key_with_another_request_is_refused(xero):
    key = {"Idempotency-Key": "k"}
    xero("PUT", "/Contacts", {"Name": "A"}, headers=key)
    response = xero("PUT", "/Contacts", {"Name": "B"}, headers=key)
    assert response.status_code == 400
    assert "Idempotency Key: k is used with a different request." in response.json()["Message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"Contacts": 3}', b'{"Contacts": []}', b"null", b"\xff\xfe"])
def test_an_empty_or_unreadable_body_is_no_data(xero, body):
    response = xero("PUT", "/Contacts", data=body)
    assert (response.status_code, response.json()["ErrorNumber"]) == (400, 17)


def test_customer_flags_are_ignored_on_writes(xero):
    assert made(xero, Name="A", IsCustomer=True)["IsCustomer"] is False


def test_a_noop_post_moves_the_timestamp_unless_switched_off(xero, control):
    contact = made(xero, Name="A")
    change = {"ContactID": contact["ContactID"], "Name": "A"}
    moved = post(xero, change).json()["Contacts"][0]["UpdatedDateUTC"]
    assert moved > contact["UpdatedDateUTC"]
    control("POST", "/switches", {"noopBumps": False})
    assert post(xero, change).json()["Contacts"][0]["UpdatedDateUTC"] == moved


def test_a_website_typed_in_the_screens_blocks_every_update(xero, control):
    contact = made(xero, Name="A")
    control("PATCH", f"/xero/contacts/{contact['ContactID']}", {"Website": "not a website"})
    refused = post(xero, {"ContactID": contact["ContactID"], "Name": "B"})
    assert messages(refused) == ["Website must be valid."]


def test_a_write_answer_carries_the_timestamp_that_a_read_returns(xero):
    contact = made(xero, Name="A")
    assert read(xero, contact["ContactID"])["UpdatedDateUTC"] == contact["UpdatedDateUTC"]


def test_a_history_note_is_added_and_does_not_move_the_contact(xero):
    contact = made(xero, Name="A")
    path = f"/Contacts/{contact['ContactID']}/History"
    assert xero("PUT", path, {"HistoryRecords": [{"Details": "Linked"}]}).status_code == 200
    assert xero("GET", path).json()["HistoryRecords"][0]["Details"] == "Linked"
    assert read(xero, contact["ContactID"])["UpdatedDateUTC"] == contact["UpdatedDateUTC"]
