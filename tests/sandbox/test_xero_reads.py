"""Xero's listings: paging, lossy lists, If-Modified-Since, where, order."""

import re
import time

import pytest


def fill(control, count):
    control("POST", "/reset", {"world": {"xero": count, "karbon": 1, "overlap": 0, "conflicts": 0, "seed": 3}})


def add(control, **fields):
    response = control("POST", "/xero/contacts", fields)
    assert response.status_code == 201, response.text
    return response.json()


def names(response):
    assert response.status_code == 200, response.text
    return [c["Name"] for c in response.json()["Contacts"]]


def ms(contact):
    return int(re.search(r"\d+", contact["UpdatedDateUTC"]).group())


def test_pages_cover_every_active_contact_once(xero, control):
    fill(control, 230)
    whole = xero("GET", "/Contacts").json()["Contacts"]
    pages = [xero("GET", f"/Contacts?page={n}").json() for n in (1, 2, 3, 4)]
    block = pages[0]["pagination"]
    assert (block["page"], block["pageSize"], block["itemCount"]) == (1, 100, len(whole))
    ids = [c["ContactID"] for page in pages for c in page["Contacts"]]
    assert sorted(ids) == sorted(c["ContactID"] for c in whole)
    assert len(set(ids)) == len(ids)


def test_page_size_is_clamped_not_refused(xero, control):
    add(control, Name="A")
    assert xero("GET", "/Contacts?page=1&pageSize=5000").json()["pagination"]["pageSize"] == 1000
    assert xero("GET", "/Contacts?page=1&pageSize=0").json()["pagination"]["pageSize"] == 1


def test_an_unpaged_list_hides_what_it_does_not_load(xero, control):
    add(control, Name="A", EmailAddress="a@b.example", ContactPersons=[{"FirstName": "Ana"}])
    lossy = xero("GET", "/Contacts").json()
    assert "pagination" not in lossy
    assert lossy["Contacts"][0]["ContactPersons"] == []
    assert xero("GET", "/Contacts?page=1").json()["Contacts"][0]["ContactPersons"] == [{"FirstName": "Ana"}]


def test_archived_contacts_are_listed_only_when_asked_for(xero, control):
    gone = add(control, Name="Gone")
    add(control, Name="Here")
    control("POST", f"/xero/contacts/{gone['ContactID']}/archive")
    assert names(xero("GET", "/Contacts?page=1")) == ["Here"]
    assert names(xero("GET", "/Contacts?page=1&includeArchived=true")) == ["Here", "Gone"]
    assert names(xero("GET", f"/Contacts?page=1&IDs={gone['ContactID']}")) == []
    assert names(xero("GET", f"/Contacts?page=1&IDs={gone['ContactID']}&includeArchived=true")) == ["Gone"]


def test_a_single_read_by_id_or_number_returns_archived_contacts_too(xero, control):
    gone = add(control, Name="Gone", ContactNumber="K-9")
    control("POST", f"/xero/contacts/{gone['ContactID']}/archive")
    assert names(xero("GET", f"/Contacts/{gone['ContactID']}")) == ["Gone"]
    assert names(xero("GET", "/Contacts/K-9")) == ["Gone"]


def test_an_unknown_contact_is_an_html_404(xero):
    response = xero("GET", "/Contacts/11111111-2222-4333-8444-555555555555")
    assert (response.status_code, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_changes_since_a_second_include_that_whole_second(xero, control):
    add(control, Name="Early")
    control("POST", "/clock", {"advance": 10})
    late = add(control, Name="Late")
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms(late) / 1000))
    assert names(xero("GET", "/Contacts?page=1", headers={"If-Modified-Since": since})) == ["Late"]


@pytest.mark.parametrize("header", ["2999-01-01T00:00:00.000", "2999-01-01T00:00:00+00:00", "soon", ""])
def test_a_malformed_if_modified_since_is_ignored(xero, control, header):
    add(control, Name="A")
    assert names(xero("GET", "/Contacts?page=1", headers={"If-Modified-Since": header})) == ["A"]


def test_equal_timestamps_are_ordered_by_the_last_guid_group(box, xero):
    from sandbox import xero_book

    ids = ["0999c2a9-0000-4000-8000-93cbda343fe3", "de621a4e-0000-4000-8000-115494f98c9d"]
    box.xero.book.load(xero_book.from_wire({"ContactID": i, "Name": i}, 1_700_000_000_000) for i in ids)
    listed = xero("GET", "/Contacts?page=1").json()["Contacts"]
    assert [c["ContactID"] for c in listed] == list(reversed(ids))


def test_order_by_name_and_descending(xero, control):
    for name in ("beta", "Alpha", "gamma"):
        add(control, Name=name)
    assert names(xero("GET", "/Contacts?page=1&order=Name")) == ["Alpha", "beta", "gamma"]
    assert names(xero("GET", "/Contacts?page=1&pageSize=2&order=Name DESC")) == ["gamma", "beta"]
    assert names(xero("GET", "/Contacts?page=2&pageSize=2&order=Name DESC")) == ["Alpha"]
    assert xero("GET", "/Contacts?page=1&order=Nonsense").json()["Type"] == "QueryParseException"


def test_a_walk_by_id_is_not_disturbed_by_edits(xero, control):
    fill(control, 40)
    first = xero("GET", "/Contacts?page=1&pageSize=20&order=ContactID").json()["Contacts"]
    control("PATCH", f"/xero/contacts/{first[0]['ContactID']}", {"TaxNumber": "1"})
    second = xero("GET", "/Contacts?page=2&pageSize=20&order=ContactID").json()["Contacts"]
    assert not {c["ContactID"] for c in first} & {c["ContactID"] for c in second}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ('Name="ALPHA & SONS"', ["Alpha & Sons"]),
        ('Name=="cafe ""noir"""', ['Café "Noir"']),
        ('EmailAddress=="A@ALPHA.EXAMPLE"', ["Alpha & Sons"]),
        ('EmailAddress!=null AND EmailAddress.Contains("alpha")', ["Alpha & Sons"]),
        ('Name.StartsWith("beta") OR Name=="alpha & sons"', ["Alpha & Sons", "Beta"]),
        ('ContactNumber=="K-1"', ["Beta"]),
        ("IsCustomer==true", []),
        ("UpdatedDateUTC>=DateTime(2020,01,31)", ["Alpha & Sons", 'Café "Noir"', "Beta"]),
        ('(Name=="beta") AND ContactStatus=="ACTIVE"', ["Beta"]),
    ],
)
def test_where_finds(xero, control, where, found):
    add(control, Name="Alpha & Sons", EmailAddress="a@alpha.example")
    add(control, Name='Café "Noir"')
    add(control, Name="Beta", ContactNumber="K-1")
    assert names(xero("GET", "/Contacts", params={"page": 1, "where": where})) == found


@pytest.mark.parametrize(
    "where",
    ['Name=="a"b"', 'Name=="a\\"b"', "Name==", 'EmailAddress.Contains("x")', 'Foo=="x"', "(((", "((" * 600, "Name>3"],
)
def test_a_bad_where_is_a_query_parse_exception(xero, control, where):
    add(control, Name="A")
    response = xero("GET", "/Contacts", params={"where": where})
    assert (response.status_code, response.json()["Type"]) == (400, "QueryParseException")


def test_search_looks_into_names_numbers_and_email(xero, control):
    add(control, Name="Alpha", EmailAddress="office@quay.example")
    add(control, Name="Beta", ContactNumber="Q-7")
    assert names(xero("GET", "/Contacts?page=1&searchTerm=QUAY")) == ["Alpha"]
    assert names(xero("GET", "/Contacts?page=1&SearchTerm=q-7")) == ["Beta"]


def test_a_summary_drops_addresses_and_persons_and_pages(xero, control):
    add(control, Name="A", EmailAddress="a@b.example")
    answer = xero("GET", "/Contacts?summaryOnly=true").json()
    assert answer["pagination"]["itemCount"] == 1
    assert not {"Addresses", "ContactPersons", "IsCustomer"} & set(answer["Contacts"][0])
    assert answer["Contacts"][0]["EmailAddress"] == "a@b.example"


def test_a_page_past_the_end_is_empty_with_the_same_count(xero, control):
    add(control, Name="A")
    answer = xero("GET", "/Contacts?page=9").json()
    assert (answer["Contacts"], answer["pagination"]["itemCount"]) == ([], 1)


def test_without_accepting_json_nothing_is_answered_in_json(xero):
    response = xero("GET", "/Contacts", headers={"Accept": "*/*"})
    assert (response.status_code, response.headers["Content-Type"]) == (406, "text/xml; charset=utf-8")


def test_dates_leave_with_escaped_slashes_and_headers_are_complete(xero, control):
    add(control, Name="A")
    response = xero("GET", "/Contacts?page=1")
    assert re.search(r'"UpdatedDateUTC":"\\/Date\(\d+\+0000\)\\/"', response.text)
    assert {"X-MinLimit-Remaining", "X-DayLimit-Remaining", "X-AppMinLimit-Remaining"} <= set(response.headers)
    assert "xero-correlation-id" in response.headers
