"""Five hundred deliveries of all kinds, good and bad: each gets its answer, and nothing piles up."""

from django.test import TestCase
from django.utils import timezone
from django_q.models import OrmQ

from bench import webhooks
from contacts.models import Bell, Refresh, RemoteContact, Webhook
from contacts.values import System
from sandbox.xero_identity import TENANT_ID
from xero.models import XeroConnection

XERO_IDS = [f"11111111-2222-4333-8444-{number:012d}" for number in range(40)]
KARBON_KEYS = [f"Key{number:04d}" for number in range(40)]


def test_each_delivery_gets_its_answer_and_nothing_piles_up(client, db):
    XeroConnection.objects.create(tenant_id=TENANT_ID, tenant_name="Acme Partners")
    for system, ids in ((System.XERO, XERO_IDS), (System.KARBON, KARBON_KEYS)):
        RemoteContact.objects.bulk_create(
            [RemoteContact(system=system, remote_id=remote_id, read_began_at=timezone.now()) for remote_id in ids]
        )
    planned = webhooks.plan(500, XERO_IDS, KARBON_KEYS)
    assert {delivery.kind for delivery in planned} == set(webhooks.KINDS) - {"repeated"}
    assert len(set(map(id, planned))) < len(planned), "none was repeated"
    with TestCase.captureOnCommitCallbacks(execute=True):
        for delivery in planned:
            reply = client.post(
                f"/webhooks/{delivery.service}",
                delivery.body,
                content_type="application/json",
                headers=delivery.headers,
            )
            assert (reply.status_code, reply.content, reply.cookies.output()) == (delivery.status, b"", "")
    named = {delivery.contact for delivery in planned if delivery.contact}
    assert set(Refresh.objects.values_list("contact__remote_id", flat=True)) == named
    assert RemoteContact.objects.count() == len(XERO_IDS) + len(KARBON_KEYS)
    assert (OrmQ.objects.count(), Bell.objects.count(), Webhook.objects.count()) == (2, 2, 2)
