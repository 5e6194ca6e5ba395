"""An engine in memory and a client of it, for the tests of whatever speaks to clients."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.engine import Client, Engine

# How long an example takes says more about the neighbours on the machine than about the broker.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


@pytest.fixture
def engine(caplog: pytest.LogCaptureFixture) -> Iterator[Engine]:
    """A broker; the test fails if it logged an error and the test did not clear it."""
    with Engine() as broker:
        yield broker
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    errors = [each for each in records if each.levelno >= logging.ERROR]
    assert not errors, [each.getMessage() for each in errors]


@pytest.fixture
def client(engine: Engine) -> Client:
    """A client with channel 1 open."""
    return engine.connect()
