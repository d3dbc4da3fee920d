"""People at the screen, and a Karbon that is not asked unless a test says so."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin import factories


@pytest.fixture(autouse=True)
def quick_clients(settings) -> None:
    """Every test client starts the middleware anew, which else walks all static files; strong hashes only cost time."""
    settings.WHITENOISE_AUTOREFRESH = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def staff(db) -> User:
    return factories.person()


@pytest.fixture
def desk(staff) -> Client:
    """A browser of somebody who may do what staff do."""
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def boss(db) -> User:
    """Somebody who may choose the settings."""
    user = factories.person("Bo", (*factories.STAFF, "contacts.change_syncsettings"))
    user.email = "bo@firm.example"
    user.save()
    return user


@pytest.fixture
def admin(boss) -> Client:
    """A browser of a settings administrator."""
    client = Client()
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def onlooker(db) -> Client:
    """A browser of somebody who may come in and do nothing."""
    client = Client()
    user = factories.person("Olive", permissions=())
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture(autouse=True)
def rings(monkeypatch) -> list[str]:
    """Rings of the bell, instead of tasks."""
    heard: list[str] = []
    monkeypatch.setattr("contacts.bell.ring", lambda: heard.append("ring"))
    return heard
