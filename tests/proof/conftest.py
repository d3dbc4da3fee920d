"""The stage, once per process. It brings its own database."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.proof.stage import Stage


@pytest.fixture(scope="package")
def stage(django_db_blocker: Any) -> Iterator[Stage]:
    logging.disable(logging.WARNING)
    with django_db_blocker.unblock(), Stage() as stage:
        yield stage
    logging.disable(logging.NOTSET)
