"""What every test stands on: settings of the sandbox world, short waits, and no sockets but loopback."""

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
    settings.XERO_CLIENT_ID, settings.XERO_CLIENT_SECRET = server.XERO_CLIENT_ID, server.XERO_CLIENT_SECRET
    settings.KARBON_BEARER_TOKEN, settings.KARBON_ACCESS_KEY = server.KARBON_BEARER_TOKEN, server.KARBON_ACCESS_KEY
    settings.FIELD_ENCRYPTION_KEYS = [settings.SANDBOX_ENCRYPTION_KEY]
    settings.SITE_URL = "http://localhost:8000"
    settings.XERO_CALLS_PER_MINUTE = settings.XERO_CALLS_PER_DAY = settings.KARBON_CALLS_PER_MINUTE = 0
    settings.API_TIMEOUT_SECONDS = 5
    settings.SETTLE_AFTER_SECONDS = 0.3
    yield started
    started.stop()
