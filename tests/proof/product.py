"""The product as its task runner runs it: checks under the lease, webhooks, and pages that read while a check runs."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from django.conf import settings
from django.test import RequestFactory

from contacts import bell, mirror
from contacts.models import Bell, Change, Refresh, SyncSettings
from contacts.values import Ref, Snapshot, System
from karbon import webhook as karbon_webhook
from karbonsync import outages, pipeline, tasks
from karbonsync.lease import Held
from karbonsync.pipeline import Counts
from sandbox.xero_identity import TENANT_ID
from tests.proof.outside import Death
from tests.proof.stage import REDIRECT, Stage
from tests.proof.tally import count
from xero import oauth
from xero import webhook as xero_webhook
from xero.models import XeroConnection

ROUNDS = 40


class Product:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def check(self, *, full: bool = False, rests: int = 0, death: Death | None = None) -> tuple[Counts, list[str]]:
        """One check, and what becomes due after it, ``rests`` times. A holder that died is waited for."""
        total, errors = Counts(), list[str]()
        with self.stage.mortal(death):
            bell.answered(bell.CHECK, bell.LOOK)
            lease = Held(tasks.LEASE)
            while not lease.take():
                self.stage.pass_by(settings.LEASE_SECONDS + 1)
            try:
                if SyncSettings.load().paused_at:
                    tasks._check_or_watch(lease)
                    rests = 0
                else:
                    _add(total, errors, tasks.run_check(lease, full=full))
                for _ in range(rests):
                    if (due := pipeline.next_due()) is None:
                        break
                    self.stage.pass_by(max(0.0, due.timestamp() - self.stage.time.at) + 0.01)
                    _add(total, errors, tasks.run_rest(lease))
            finally:
                lease.drop()
        count("check", "full" if full else "")
        return total, errors

    def is_idle(self) -> bool:
        """Nothing is on its way, and no further check was asked for."""
        is_rung = Bell.objects.filter(task=bell.CHECK).exclude(rung_at=None).exists()
        return not (is_rung or Change.objects.filter(state__in=Change.OPEN).exists() or Refresh.objects.exists())

    def is_connected(self) -> bool:
        return XeroConnection.objects.exclude(refresh_token="").exists()

    def reconnect(self) -> None:
        """A person connects Xero again where its access was lost, or was given up."""
        is_refused = System.XERO in outages.open_outages()
        if is_refused or not self.is_connected() or XeroConnection.objects.exclude(problem="").exists():
            oauth.connect_without_browser(REDIRECT)
            count("act reconnect")

    def hear(self, system: System, keys: Sequence[str]) -> None:
        """A webhook delivery that names these records."""
        make = RequestFactory().post
        if system is System.XERO:
            events = [{"resourceId": key, "eventCategory": "CONTACT", "tenantId": TENANT_ID} for key in keys]
            body = json.dumps({"events": events}).encode()
            key = settings.XERO_WEBHOOK_KEYS[0].encode()
            signature = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
            headers = {"x-xero-signature": signature}
            reply = xero_webhook.receive(make("/", body, content_type="application/json", headers=headers))
            assert reply.status_code == 200
            count("webhook Xero")
        for key in keys if system is System.KARBON else ():
            body = json.dumps({"ResourcePermaKey": key, "ResourceType": "Contact", "ActionType": "Updated"}).encode()
            signature = hmac.new(settings.KARBON_WEBHOOK_KEY.encode(), body, hashlib.sha256).hexdigest()
            headers = {"Signature": signature}
            reply = karbon_webhook.receive(make("/", body, content_type="application/json", headers=headers))
            assert reply.status_code == 200
            count("webhook Karbon")

    def read(self, system: System, ref: Ref) -> Snapshot | None:
        """Read one record in full, as a page does that a person opens."""
        return pipeline.connect(for_person=True)[system].read([ref]).get(ref.remote_id)

    def keep(self, snapshot: Snapshot) -> None:
        """Store what a page read, perhaps long ago."""
        mirror.keep(snapshot.system, [snapshot])


def _add(total: Counts, errors: list[str], made: tuple[Counts, list[str]]) -> None:
    counts, problems = made
    total.created += counts.created
    for system, number in counts.written.items():
        total.written[system] += number
    errors += problems
