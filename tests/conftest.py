"""Options and fixtures that every kind of test shares."""

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.support import alone
from tests.support.broker import Broker, broker, start_broker
from tests.support.target import StartedTarget, Target

__all__ = ["broker", "start_broker"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("broker under test")
    group.addoption("--against", help="leveret (default), rabbitmq, or HOST:PORT of a running one")
    group.addoption("--amqp", metavar="URL", help="AMQP address of a running broker")
    group.addoption("--http", metavar="URL", help="management API of that broker")
    group.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="what the brokers that are started keep everything in",
    )


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "checklist(*numbers): items of the conformance checklist that the test covers",
        "differs(reason): a named place where RabbitMQ 3.10 behaves otherwise; skipped there",
        "sqlite: looks into SQLite's file, or needs its layer; skipped with --database postgresql",
        "real_time: waits for real seconds, beside the other such tests of its module",
        "alone: measures time; no other test runs meanwhile",
    ):
        config.addinivalue_line("markers", line)


# First: waiting for the others is not to count as the test's own time.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    if not hasattr(item.config, "workerinput"):  # the only process
        return (yield)
    with alone.turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    # What is told of a test on octets that are no text must get to the process that prints it.
    return _printable((yield))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_printable(key): _printable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_printable, value))
    return value


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The broker under test, started once for the whole run unless an address was given."""
    option = request.config.getoption
    with StartedTarget(option("--against"), option("--amqp"), option("--http")) as started:
        yield started


@pytest.fixture(scope="session", autouse=True)
def _database(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.config.getoption("--database") == "sqlite":
        yield
        return
    from tests.support.postgres import PostgreSQL  # the others need no driver of it

    with PostgreSQL() as server:
        Broker.new_database = server.new_database
        yield
        Broker.new_database = None


@pytest.fixture(autouse=True)
def _skip_without_sqlite(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("sqlite"):
        if request.config.getoption("--database") != "sqlite":
            pytest.skip("it is about SQLite")


@pytest.fixture(autouse=True)
def _skip_where_rabbitmq_differs(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("differs")
    if marker and "target" in request.fixturenames:
        if request.getfixturevalue("target").is_rabbitmq:
            pytest.skip(f"RabbitMQ 3.10 differs: {marker.args[0]}")
