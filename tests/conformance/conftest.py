"""Fixtures of the conformance tests: connections to the broker under test, names, clean-up.

Tests marked `real_time` take only `target`; those of a module run side by side in threads, so that
all of them wait no longer than one does.
"""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from tests.conformance.helpers import STREAM, Inbox, declare, publish
from tests.support.broker import Broker
from tests.support.target import Target
from tests.support.wire import WireClient

HERE = Path(__file__).parent
BACKGROUND = pytest.StashKey[Future[None]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The hook sees the items of the whole run, not only those of this directory.
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(90, method="signal"))


@pytest.fixture(scope="module", autouse=True)
def _background(request: pytest.FixtureRequest) -> Iterator[None]:
    """Starts every `real_time` test of the module at once, each in a thread."""
    items = [
        item
        for item in request.session.items
        if item.path == request.path and item.get_closest_marker("real_time")
    ]
    if not items:
        yield
        return
    target = request.getfixturevalue("target")
    with ThreadPoolExecutor(len(items)) as pool:
        for item in items:
            if not (target.is_rabbitmq and item.get_closest_marker("differs")):
                assert isinstance(item, pytest.Function)
                item.stash[BACKGROUND] = pool.submit(item.obj, **_arguments(item, target))
        yield


def _arguments(item: pytest.Function, target: Target) -> dict[str, Any]:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return {"target": target, **parameters}


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    started = pyfuncitem.stash.get(BACKGROUND, None)
    if started is None:
        return None
    started.result(timeout=60)
    return True


class Cleaner:
    """Deletes queues and exchanges over a connection of its own."""

    def __init__(self, target: Target) -> None:
        self.client = WireClient(target.amqp).connect()

    def delete(self, name: str) -> None:
        for kind in ("queue", "exchange"):
            self.client.send_method(1, f"{kind}.delete", **{kind: name})
            if self.client.read_method().name == "channel.close":
                self.client.send_method(1, "channel.close-ok")
                self.client.call(1, "channel.open")


@pytest.fixture(scope="session")
def _cleaner(target: Target) -> Iterator[Cleaner]:
    cleaner = Cleaner(target)
    yield cleaner
    cleaner.client.close()


@pytest.fixture
def name(_cleaner: Cleaner) -> Iterator[Callable[..., str]]:
    """Makes unique names; queues and exchanges of these names are deleted after the test."""
    made: list[str] = []

    def make(label: str = "t") -> str:
        made.append(f"{label}-{uuid.uuid4().hex[:12]}")
        return made[-1]

    yield make
    for each in made:
        _cleaner.delete(each)


@pytest.fixture
def connect(
    target: Target, name: Callable[..., str]
) -> Iterator[Callable[..., pika.BlockingConnection]]:
    """Opens pika connections; keyword arguments are those of `pika.ConnectionParameters`."""
    opened: list[pika.BlockingConnection] = []

    def open_connection(**parameters: Any) -> pika.BlockingConnection:
        host, port = target.amqp
        connection = pika.BlockingConnection(
            pika.ConnectionParameters(host, port, heartbeat=0, **parameters)
        )
        opened.append(connection)
        return connection

    yield open_connection
    for connection in opened:
        _close(connection)


def _close(connection: pika.BlockingConnection) -> None:
    """Close without waiting for ever: a test may have left the connection stuck."""

    def close() -> None:
        with suppress(Exception):
            connection.close()

    closing = Thread(target=close, daemon=True)
    closing.start()
    closing.join(5)


@pytest.fixture
def connection(connect: Callable[..., pika.BlockingConnection]) -> pika.BlockingConnection:
    """A pika connection."""
    return connect()


@pytest.fixture
def channel(connection: pika.BlockingConnection) -> BlockingChannel:
    """A channel on the pika connection."""
    return connection.channel()


@pytest.fixture
def confirming(connection: pika.BlockingConnection) -> BlockingChannel:
    """A channel that waits for the confirm of each publish: what is published is in its queue."""
    channel = connection.channel()
    channel.confirm_delivery()
    return channel


@pytest.fixture
def dead(channel: BlockingChannel) -> str:
    """The queue in which the dead end."""
    return declare(channel)


@pytest.fixture
def stream(channel: BlockingChannel, name: Callable[..., str]) -> Callable[..., str]:
    """Declares a stream with these arguments and publishes, each confirmed on its own."""
    channel.confirm_delivery()

    def make(*bodies: bytes, **arguments: Any) -> str:
        queue = name("stream")
        options = STREAM | {key.replace("_", "-"): value for key, value in arguments.items()}
        channel.queue_declare(queue, durable=True, arguments=options)
        publish(channel, "", queue, *bodies)
        return queue

    return make


@pytest.fixture
def read(connection: pika.BlockingConnection) -> Callable[..., Inbox]:
    """Attaches a reader of a stream, on a channel of its own."""

    def attach(queue: str, offset: Any = None, prefetch: int = 100, **arguments: Any) -> Inbox:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=prefetch)
        options = {key.replace("_", "-"): value for key, value in arguments.items()}
        if offset is not None:
            options["x-stream-offset"] = offset
        return Inbox(channel, queue, arguments=options)

    return attach


@pytest.fixture
def exchange(channel: BlockingChannel, name: Callable[..., str]) -> Callable[..., str]:
    """Declares a transient exchange of the given type and returns its name."""

    def declared(kind: str, **options: Any) -> str:
        made = name(kind)
        channel.exchange_declare(made, kind, **options)
        return made

    return declared


@pytest.fixture
def put(target: Target) -> Iterator[Callable[..., tuple[int, Any]]]:
    """PUT over HTTP by the path of what is to be; deleted after the test if it was made."""
    made: set[str] = set()

    def put(path: str, body: Any) -> tuple[int, Any]:
        status, answer = target.api("PUT", path, body)
        if status == 201:
            made.add(path)
        return status, answer

    yield put
    for path in made:
        target.api("DELETE", path)


@pytest.fixture
def tcp(target: Target) -> Iterator[Callable[[], WireClient]]:
    """Opens raw TCP connections on which nothing has been said yet."""
    opened: list[WireClient] = []

    def open_socket() -> WireClient:
        opened.append(WireClient(target.amqp))
        return opened[-1]

    yield open_socket
    for client in opened:
        client.abort()


@pytest.fixture
def wire(name: Callable[..., str], tcp: Callable[[], WireClient]) -> Callable[..., WireClient]:
    """Opens raw connections with the handshake done; options as in `WireClient.connect`."""
    return lambda **options: tcp().connect(**options)


@pytest.fixture
def client(wire: Callable[..., WireClient]) -> WireClient:
    """A raw connection with channel 1 open."""
    return wire()


@pytest.fixture
def leveret(target: Target, request: pytest.FixtureRequest) -> Callable[..., Broker]:
    """Starts a Leveret with options of its own; skipped when another broker is judged."""
    if target.started != "leveret":
        pytest.skip("needs a Leveret with options of its own")
    start: Callable[..., Broker] = request.getfixturevalue("start_broker")
    return start


class Admin:
    """Administration over the management API; everything made is removed after the test."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.made: list[str] = []

    def put(self, path: str, body: Any = None) -> None:
        status, answer = self.target.api("PUT", path, body or {})
        if status == 405:
            pytest.skip(f"this broker's management API has no {path.partition('/')[0]} yet")
        assert status in {201, 204}, (path, status, answer)
        self.made.append(path)

    def delete(self, path: str) -> None:
        status, answer = self.target.api("DELETE", path)
        assert status == 204, (path, status, answer)

    def vhost(self, user: str | None = None, password: str | None = None) -> str:
        """A new virtual host, open to guest and to `user` (created with `password`)."""
        vhost = f"vhost-{uuid.uuid4().hex[:12]}"
        self.put(f"vhosts/{vhost}")
        self.permit("guest", vhost)
        return vhost

    def user(self, tags: str = "") -> str:
        """A new user whose password is its name."""
        user = f"user-{uuid.uuid4().hex[:12]}"
        self.put(f"users/{user}", {"password": user, "tags": tags})
        return user

    def permit(self, user: str, vhost: str = "%2F") -> None:
        self.put(f"permissions/{vhost}/{user}", {"configure": ".*", "write": ".*", "read": ".*"})


@pytest.fixture
def admin(target: Target) -> Iterator[Admin]:
    """The management API, where the broker has it."""
    if target.http is None:
        pytest.skip("no management API address given")
    made = Admin(target)
    yield made
    for path in reversed(made.made):
        target.api("DELETE", path)
