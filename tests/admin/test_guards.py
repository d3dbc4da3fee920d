"""Every act and page: who may, by which method, and what a stranger gets."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin import factories

ACTS = {
    "check_now": (),
    "issue_confirm": (1,),
    "issue_create_new": (1,),
    "issue_not_the_same": (1,),
    "issue_leave_out": (1,),
    "issue_duplicate": (1,),
    "leave_out": (1,),
    "bring_back": (1,),
    "unsynced_rematch": (uuid.UUID(int=1),),
    "unsynced_new_karbon": (uuid.UUID(int=1),),
    "unsynced_new_xero": (uuid.UUID(int=1),),
    "link_by_hand": (1,),
    "link_try_again": (uuid.UUID(int=1),),
    "link_give_up": (uuid.UUID(int=1),),
    "answer_conflict": (1,),
    "issues_together_decide": (),
    "kind_confirm": (1,),
    "possible_not_the_same": (1, 2),
    "old_record_look_again": (1,),
    "duplicates_search": (),
    "duplicates_not_the_same": (),
    "decision_take_back": (1,),
    "check_contact": (1,),
    "pause_all": (),
    "resume_all": (),
    "only_read": ("xero",),
    "write_again": (),
    "link_go_on": (uuid.UUID(int=1),),
}
# These ask first: GET shows the page, POST acts.
ASK_FIRST = {
    "link_unsync": (uuid.UUID(int=1),),
    "create_xero": (1,),
    "kind_correct": (uuid.UUID(int=1),),
    "possible_match": (1, 2),
    "link_pause": (uuid.UUID(int=1),),
    "xero_disconnect": (),
}
PAGES = {
    "index": (),
    "pausing": (),
    "match_issues": (),
    "match_issue": (1,),
    "issues_together": (),
    "kinds": (),
    "duplicates": (),
    "unsynced_pair": (uuid.UUID(int=1),),
    "contacts_xerocontact_changelist": (),
    "contacts_karboncontact_changelist": (),
    "contacts_link_changelist": (),
    "contacts_change_changelist": (),
    "contacts_fieldconflict_changelist": (),
    "contacts_syncsettings_changelist": (),
    "karbonsync_run_changelist": (),
    "matching_verdict_changelist": (),
    "xero_xeroconnection_changelist": (),
}


def url(name: str, args: tuple[object, ...]) -> str:
    return reverse(f"admin:{name}", args=args)


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "args"), [*ACTS.items(), *ASK_FIRST.items()])
def test_an_act_without_a_session_leads_to_the_login_page(name, args, client: Client):
    response = client.post(url(name, args))
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "args"), PAGES.items())
def test_a_page_without_a_session_leads_to_the_login_page(name, args, client: Client):
    response = client.get(url(name, args))
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(("name", "args"), [*ACTS.items(), *ASK_FIRST.items()])
def test_an_act_without_permission_is_forbidden(name, args, onlooker: Client):
    assert onlooker.post(url(name, args)).status_code == 403


@pytest.mark.parametrize(("name", "args"), [item for item in PAGES.items() if item[0] != "index"])
def test_a_page_without_permission_is_forbidden(name, args, onlooker: Client):
    assert onlooker.get(url(name, args)).status_code == 403


@pytest.mark.parametrize(("name", "args"), ACTS.items())
def test_an_act_is_no_get(name, args, desk: Client):
    assert desk.get(url(name, args)).status_code == 405


@pytest.mark.parametrize(("name", "args"), ACTS.items())
def test_an_act_needs_a_csrf_token(name, args, staff):
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(url(name, args)).status_code == 403


def test_asking_first_changes_nothing(desk: Client):
    pair = factories.pair()
    assert desk.get(url("link_unsync", (pair.pk,))).status_code == 200
    pair.refresh_from_db()
    assert pair.state == "live"


def test_nothing_can_be_added_edited_or_deleted_by_hand(desk: Client):
    pair = factories.pair()
    for model, pk in (("xerocontact", pair.xero_id), ("karboncontact", pair.karbon_id), ("link", pair.pk)):
        assert desk.get(reverse(f"admin:contacts_{model}_add")).status_code == 403
        assert desk.post(reverse(f"admin:contacts_{model}_delete", args=[pk])).status_code == 403
        assert desk.post(reverse(f"admin:contacts_{model}_change", args=[pk])).status_code == 405


def test_settings_are_changed_by_those_who_may_only(desk: Client, db):
    page = reverse("admin:contacts_syncsettings_change", args=[1])
    assert desk.get(reverse("admin:contacts_syncsettings_changelist"), follow=True).status_code == 200
    assert desk.post(page, {"syncing": "on"}).status_code == 403


def test_the_task_runners_tables_are_out_of_sight(client, admin_user):
    client.force_login(admin_user, backend="django.contrib.auth.backends.ModelBackend")
    assert b"django_q" not in client.get(reverse("admin:index")).content
    assert client.get("/admin/django_q/").status_code == 404


def test_an_administrator_cannot_become_a_superuser(client, admin_user):
    user = factories.person("Ada", ("auth.view_user", "auth.change_user"))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    own = reverse("admin:auth_user_change", args=[user.pk])
    client.post(own, {"username": "Ada", "is_active": "on", "is_staff": "on", "is_superuser": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00"})  # fmt: skip
    user.refresh_from_db()
    assert not user.is_superuser
    assert client.post(reverse("admin:auth_user_change", args=[admin_user.pk]), {"username": "x"}).status_code == 403
    assert client.get(reverse("admin:auth_user_password_change", args=[admin_user.pk])).status_code == 403
