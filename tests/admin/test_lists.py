"""Lists and pages: a fixed number of queries, and hostile names that stay text."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from karbonsync.models import Run
from matching.models import Verdict
from tests.admin import factories

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def make_pair(number: int) -> None:
    factories.pair(factories.xero(f"Client {number}"), factories.karbon(f"Client {number}"))


def make_verdict(number: int) -> None:
    left, right = factories.xero(f"Client {number}"), factories.karbon(f"Client {number}")
    Verdict.objects.create(xero=left, karbon=right, is_same=True)


LISTS: dict[str, Callable[[int], object]] = {
    "admin:contacts_xerocontact_changelist": make_pair,
    "admin:contacts_karboncontact_changelist": make_pair,
    "admin:contacts_link_changelist": make_pair,
    "admin:contacts_change_changelist": lambda number: factories.change(),
    "admin:contacts_fieldconflict_changelist": lambda number: factories.conflict(),
    "admin:karbonsync_run_changelist": lambda number: Run.objects.create(ended_at=timezone.now()),
    "admin:matching_verdict_changelist": make_verdict,
    "admin:match_issues": lambda number: factories.issue(None, factories.karbon(), factories.karbon()),
    "admin:match_issues?sort=strongest&why=name": lambda number: factories.issue(score=0.5),
    "admin:kinds": lambda number: factories.kind_check(),
    "admin:duplicates?system=karbon": lambda number: factories.duplicates(factories.pair().karbon),
    "admin:match_issues?tab=unsynced": lambda number: factories.unsynced(),
    "admin:match_issues?tab=left-out": lambda number: factories.xero(left_out=True),
    "admin:index": make_pair,
}


def queries(desk, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as counted:
        assert desk.get(url).status_code == 200
    return len(counted)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_the_same_number_of_queries_for_3_and_30_rows(name, desk):
    view, _, query = name.partition("?")
    url = reverse(view) + (f"?{query}" if query else "")
    for number in range(3):
        LISTS[name](number)
    desk.get(url)  # caches of content types and permissions are warm
    few = queries(desk, url)
    for number in range(3, 30):
        LISTS[name](number)
    assert queries(desk, url) == few <= 24


def test_a_review_page_takes_the_same_number_of_queries_for_any_number_of_matches(desk):
    few = factories.issue(factories.xero(), factories.karbon())
    many = factories.issue(factories.xero(), *[factories.karbon() for _ in range(10)])
    desk.get(reverse("admin:match_issue", args=[few.pk]))
    assert queries(desk, reverse("admin:match_issue", args=[few.pk])) == queries(desk, reverse("admin:match_issue", args=[many.pk]))  # fmt: skip


def test_hostile_names_stay_text_everywhere(desk, settings):
    left, right = factories.xero(HOSTILE, HOSTILE), factories.karbon(HOSTILE, HOSTILE, problem=HOSTILE)
    pair = factories.pair(left, right, problem=HOSTILE, held={"xero": {"name": {"source": HOSTILE, "reason": HOSTILE}}})
    factories.change(pair, before={"name": HOSTILE}, after={"name": HOSTILE}, cause=HOSTILE, error=HOSTILE)
    conflict = factories.conflict(pair)
    unsynced = factories.unsynced(factories.xero(HOSTILE, "a"), factories.karbon(HOSTILE, "b"))
    issue = factories.issue(factories.xero(HOSTILE, left_out=True), factories.karbon(HOSTILE), right, reason=HOSTILE)
    free = factories.karbon(HOSTILE)
    refused = factories.refused(factories.karbon(HOSTILE), problem=HOSTILE)
    pages = [
        *(name for name in LISTS if "?" not in name),
        ("admin:match_issue", issue.pk),
        ("admin:unsynced_pair", unsynced.pk),
        ("admin:create_xero", free.pk),
        ("admin:contacts_xerocontact_change", left.pk),
        ("admin:contacts_karboncontact_change", right.pk),
        ("admin:contacts_karboncontact_change", refused.karbon_id),
        ("admin:contacts_link_change", pair.pk),
        ("admin:contacts_fieldconflict_change", conflict.pk),
        ("admin:contacts_change_change", pair.changes.get().pk),
        ("admin:link_unsync", pair.pk),
    ]
    urls = [reverse(page) if isinstance(page, str) else reverse(page[0], args=[page[1]]) for page in pages]
    urls += [reverse("admin:match_issues") + f"?tab={tab}" for tab in ("unsynced", "left-out")]
    urls += [reverse("admin:match_issues") + "?q=<script>alert(1)</script>"]
    for url in urls:
        shown = desk.get(url)
        assert shown.status_code == 200, url
        assert "<script>alert" not in shown.content.decode(), url
        assert "<img src=x" not in shown.content.decode(), url


def test_messages_with_hostile_names_stay_text(desk):
    contact = factories.xero(HOSTILE)
    response = desk.post(reverse("admin:leave_out", args=[contact.pk]), follow=True)
    assert "is left out." in response.content.decode() and "<script>alert" not in response.content.decode()


@pytest.mark.parametrize("query", ["?linked=yes", "?linked=no", "?q=CLIENT 1", "?presence__exact=present"])
def test_contact_lists_filter_and_search(query, desk):
    make_pair(1)
    factories.xero("Lonely")
    shown = desk.get(reverse("admin:contacts_xerocontact_changelist") + query)
    assert shown.status_code == 200
    assert ("Lonely" in shown.content.decode()) == (query in ("?linked=no", "?presence__exact=present"))


def test_links_filter_by_what_needs_attention(desk):
    make_pair(1)
    factories.pair(held={"xero": {"name": {"source": "x", "reason": "Too long."}}})
    shown = desk.get(reverse("admin:contacts_link_changelist") + "?attention=refused").content.decode()
    assert "Harbour Joinery" in shown and "Client 1" not in shown
