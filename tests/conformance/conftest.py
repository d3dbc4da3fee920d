"""The recorded drive, once per session: our clients against the sandbox, and the official descriptions beside it."""

from collections.abc import Iterator

import pytest
from django.db import transaction

from karbon.client import KarbonClient
from tests.conformance.description import SPECS, Description
from tests.conformance.drive import Drive, world
from tests.conformance.recorder import Recorder
from xero import leaving, oauth
from xero.client import XeroClient


@pytest.fixture(scope="session")
def specs() -> None:
    if not SPECS.is_dir():
        pytest.skip("the official descriptions (../shared/specs) are not here")


@pytest.fixture(scope="session")
def descriptions(specs: None) -> dict[str, Description]:
    return {
        "xero": Description("xero_accounting.yaml", "/xero/api/api.xro/2.0"),
        "identity": Description("xero-identity.yaml", "/xero/api"),
        "webhooks": Description("xero-webhooks.yaml", "/"),
        "karbon": Description("karbon.json", "/karbon"),
    }


@pytest.fixture(scope="session")
def recorded(specs: None, django_db_setup: None, django_db_blocker: object) -> Iterator[Recorder]:
    """All that was said. What it left in the database is rolled back."""
    recorder = Recorder()
    with django_db_blocker.unblock(), transaction.atomic(), world() as box:  # type: ignore[attr-defined]
        with recorder.listening(XeroClient, KarbonClient, modules=(oauth, leaving)):
            drive = Drive(box)
            drive.all()
            drive.deliveries(recorder.delivered)
            drive.signing_off()
        transaction.set_rollback(True)
    yield recorder
