"""Options and fixtures that every kind of test shares."""

from collections.abc import Iterator

import pytest

from tests.support.broker import broker, start_broker
from tests.support.target import StartedTarget, Target

__all__ = ["broker", "start_broker"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("broker under test")
    group.addoption("--against", help="leveret (default), rabbitmq, or HOST:PORT of a running one")
    group.addoption("--amqp", metavar="URL", help="AMQP address of a running broker")
    group.addoption("--http", metavar="URL", help="management API of that broker")


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "checklist(*numbers): items of the conformance checklist that the test covers",
        "differs(reason): a named place where RabbitMQ 3.10 behaves otherwise; skipped there",
        "real_time: waits for real seconds; runs in the background beside the other tests",
    ):
        config.addinivalue_line("markers", line)


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The broker under test, started once for the whole run unless an address was given."""
    option = request.config.getoption
    with StartedTarget(option("--against"), option("--amqp"), option("--http")) as started:
        yield started


@pytest.fixture(autouse=True)
def _skip_where_rabbitmq_differs(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("differs")
    if marker and "target" in request.fixturenames:
        if request.getfixturevalue("target").is_rabbitmq:
            pytest.skip(f"RabbitMQ 3.10 differs: {marker.args[0]}")
