"""What every test stands on: settings of the sandbox world, short waits, and no sockets but loopback."""

import os

os.environ.setdefault("SANDBOX_URL", "http://127.0.0.1:9500")

from collections.abc import Iterator

import pytest

from sandbox import server


@pytest.fixture
def box(settings, db) -> Iterator[server.Sandbox]:
    """An empty sandbox of both services, and settings that point at it."""
    started = server.start("empty")
    settings.SANDBOX_URL = started.url
    settings.XERO_LOGIN_URL = f"{started.url}/xero/login"
    settings.XERO_IDENTITY_URL = f"{started.url}/xero/identity"
    settings.XERO_API_URL = f"{started.url}/xero/api"
    settings.KARBON_API_URL = f"{started.url}/karbon"
    settings.API_TIMEOUT_SECONDS = 5
    settings.SETTLE_AFTER_SECONDS = 0.3
    yield started
    started.stop()
