"""Faults strike the calls they match, as often as told, in the way their kind says; limits refuse in each service's shape."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests


@pytest.fixture
def fault(control):
    def order(**fault):
        response = control("POST", "/faults", fault)
        assert response.status_code == 200, response.text

    return order


def add(control, count=6):
    for n in range(count):
        control("POST", "/xero/contacts", {"Name": f"Contact {n}"})
        control("POST", "/karbon/organizations", {"FullName": f"Firm {n}"})


def test_an_error_strikes_after_its_skips_and_as_often_as_told(xero, fault):
    fault(system="xero", kind="error", status=503, body="offline", path="/Contacts$", times=2, skip=1)
    assert [xero("GET", "/Contacts").status_code for _ in range(4)] == [200, 503, 503, 200]


def test_a_fault_leaves_other_systems_methods_and_paths_alone(xero, karbon, fault):
    fault(system="xero", kind="error", method="PUT", path="^/api.xro/2.0/Contacts")
    assert xero("GET", "/Contacts").status_code == 200
    assert karbon("GET", "/Contacts").status_code == 200
    assert xero("PUT", "/Contacts", {"Name": "A"}).status_code == 500


def test_a_dropped_request_changes_nothing(xero, control, fault):
    fault(system="xero", kind="drop_request", method="PUT")
    with pytest.raises(requests.ConnectionError):
        xero("PUT", "/Contacts", {"Name": "A"})
    assert control("GET", "/state").json()["xero"]["contacts"] == []
    assert [c["status"] for c in control("GET", "/calls").json()] == [0]


def test_a_dropped_reply_comes_after_the_change(karbon, control, fault):
    fault(system="karbon", kind="drop_reply", method="POST")
    with pytest.raises(requests.ConnectionError):
        karbon("POST", "/Organizations", {"FullName": "A"})
    assert [o["FullName"] for o in control("GET", "/state").json()["karbon"]["organizations"]] == ["A"]


def test_a_lost_reply_is_replayed_under_its_idempotency_key(xero, fault):
    fault(system="xero", kind="drop_reply", method="PUT")
    key = {"Idempotency-Key": "k"}
    with pytest.raises(requests.ConnectionError):
        xero("PUT", "/Contacts", {"Name": "A"}, headers=key)
    assert xero("PUT", "/Contacts", {"Name": "A"}, headers=key).status_code == 200


def test_a_delay_answers_late_and_blocks_nobody_else(xero, karbon, fault):
    fault(system="xero", kind="delay", seconds=0.5)
    with ThreadPoolExecutor() as pool:
        began = time.monotonic()
        slow = pool.submit(xero, "GET", "/Contacts")
        time.sleep(0.05)
        assert karbon("GET", "/Contacts").status_code == 200
        assert time.monotonic() - began < 0.4
        assert slow.result().status_code == 200
        assert time.monotonic() - began >= 0.5


def test_garbage_is_html_with_status_200(karbon, fault):
    fault(system="karbon", kind="garbage")
    response = karbon("GET", "/Contacts")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_a_truncated_karbon_list_keeps_its_count(karbon, control, fault):
    add(control)
    fault(system="karbon", kind="truncate")
    answer = karbon("GET", "/Organizations").json()
    assert (answer["@odata.count"], len(answer["value"]), "@odata.nextLink" in answer) == (6, 3, False)


def test_a_truncated_xero_page_keeps_its_count(xero, control, fault):
    add(control)
    fault(system="xero", kind="truncate")
    answer = xero("GET", "/Contacts?page=1").json()
    assert (answer["pagination"]["itemCount"], len(answer["Contacts"])) == (6, 3)


def test_an_empty_listing_says_there_is_nothing(xero, karbon, control, fault):
    add(control)
    fault(system="*", kind="empty", times=2)
    assert xero("GET", "/Contacts?page=1").json()["pagination"]["itemCount"] == 0
    assert karbon("GET", "/Organizations").json()["@odata.count"] == 0


def test_listing_faults_wait_for_a_listing(karbon, control, fault):
    add(control, 1)
    key = control("GET", "/state").json()["karbon"]["organizations"][0]["OrganizationKey"]
    fault(system="karbon", kind="empty")
    assert karbon("GET", f"/Organizations/{key}").status_code == 200
    assert karbon("GET", "/Organizations").json()["value"] == []


def test_an_expired_token_stays_expired_until_it_is_refreshed(box, xero, fault):
    fault(system="xero", kind="expire_token")
    assert [xero("GET", "/Contacts").status_code for _ in range(2)] == [401, 401]
    xero.session.headers.update(box.xero_headers())
    assert xero("GET", "/Contacts").status_code == 200


def test_an_ordered_rate_limit_has_each_services_shape(xero, karbon, fault):
    fault(kind="rate_limit", retry_after=7, times=2)
    response = xero("GET", "/Contacts")
    assert (response.status_code, response.content, response.headers["Retry-After"]) == (429, b"", "7")
    assert response.headers["X-Rate-Limit-Problem"] == "minute"
    assert "Content-Type" not in response.headers
    limited = karbon("GET", "/Contacts")
    assert limited.json() == {"statusCode": "429", "message": "Rate limit is exceeded. Try again in 7 seconds."}


def test_clearing_faults_leaves_none(xero, control, fault):
    fault(kind="error", times=99)
    control("DELETE", "/faults")
    assert control("GET", "/faults").json() == []
    assert xero("GET", "/Contacts").status_code == 200


@pytest.mark.parametrize(
    "bad",
    [
        None,
        3,
        {},
        {"kind": "nonsense"},
        {"kind": "error", "path": "("},
        {"kind": "error", "times": 0},
        {"kind": "error", "status": "500"},
        {"kind": "error", "system": "quickbooks"},
        {"kind": "error", "colour": "red"},
        {"kind": "delay", "seconds": -1},
    ],
)
def test_a_bad_fault_is_refused_with_a_sentence(control, bad):
    response = control("POST", "/faults", bad)
    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


def test_xeros_minute_limit_refuses_without_consuming_and_heals_with_the_clock(xero, control):
    control("POST", "/switches", {"rateLimits": True, "xeroMinuteLimit": 3})
    assert [xero("GET", "/Contacts").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    response = xero("GET", "/Contacts")
    assert response.headers["X-Rate-Limit-Problem"] == "minute"
    assert 0 < int(response.headers["Retry-After"]) <= 60
    control("POST", "/clock", {"advance": 60})
    assert xero("GET", "/Contacts").headers["X-MinLimit-Remaining"] == "2"


def test_xeros_day_limit_names_itself_and_waits_long(xero, control):
    control("POST", "/switches", {"rateLimits": True, "xeroDayLimit": 1})
    xero("GET", "/Contacts")
    response = xero("GET", "/Contacts")
    assert response.headers["X-Rate-Limit-Problem"] == "day"
    assert int(response.headers["Retry-After"]) > 80_000


def test_a_sixth_concurrent_call_is_refused_without_a_wait(xero, control, fault):
    control("POST", "/switches", {"rateLimits": True})
    fault(system="xero", kind="delay", seconds=0.6, times=5)
    with ThreadPoolExecutor(5) as pool:
        slow = [pool.submit(requests.get, f"{xero.base}/Contacts", headers=xero.session.headers) for _ in range(5)]
        time.sleep(0.3)
        response = xero("GET", "/Contacts")
        assert (response.status_code, response.headers["X-Rate-Limit-Problem"]) == (429, "concurrent")
        assert "Retry-After" not in response.headers
        assert {call.result().status_code for call in slow} == {200}


def test_karbons_window_is_short(karbon, control):
    control("POST", "/switches", {"rateLimits": True})
    statuses = [karbon("GET", "/Contacts").status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    control("POST", "/clock", {"advance": 10})
    assert karbon("GET", "/Contacts").status_code == 200
