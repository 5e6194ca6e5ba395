"""Fixtures of the client tests: names, and a broker that may be restarted."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.rabbitmq import RabbitMQ
from tests.support.target import Target
from tests.support.wire import WireClient

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # By signal: the other method ends the whole run and leaves the brokers behind.
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(180, method="signal"))


@pytest.fixture
def name(target: Target) -> Iterator[Callable[[str], str]]:
    """Makes unique names; queues and exchanges of these names are deleted after the test."""
    made: list[str] = []

    def make(label: str) -> str:
        made.append(f"{label}-{uuid.uuid4().hex[:12]}")
        return made[-1]

    yield make
    with WireClient(target.amqp) as client:
        client.connect()
        for each in made:
            client.call(1, "queue.delete", queue=each)
            client.call(1, "exchange.delete", exchange=each)
        client.close()


@pytest.fixture
def restartable(target: Target, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A broker of the test's own with `url` and `restart()`, of the kind that is being judged."""
    if target.started == "leveret":
        yield request.getfixturevalue("broker")
    elif target.started == "rabbitmq":
        server = RabbitMQ().start()
        yield server
        server.close()
    else:
        pytest.skip("cannot restart a broker that was not started here")
