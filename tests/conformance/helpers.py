"""Short words for what the conformance tests do again and again with pika."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

from tests.support.eventually import PATIENCE, eventually

TRANSIENT, PERSISTENT = 1, 2


def declare(channel: BlockingChannel, queue: str = "", **options: Any) -> str:
    """Declare an exclusive queue (unless told otherwise) and return its name."""
    options.setdefault("exclusive", True)
    return str(channel.queue_declare(queue, **options).method.queue)


def dead_lettering(
    channel: BlockingChannel,
    exchange: str,
    key: Any = None,  # None or str, as queue is str: wider for mypy, which lets ** fill them too
    queue: Any = "",
    **arguments: Any,
) -> str:
    """Declare a queue that dead-letters to the exchange."""
    options = {"x-dead-letter-exchange": exchange}
    if key is not None:
        options["x-dead-letter-routing-key"] = key
    return declare(channel, queue, arguments=options | arguments)


def bound(channel: BlockingChannel, exchange: str, *keys: str, **options: Any) -> str:
    """A new exclusive queue bound to the exchange with each of the keys."""
    queue = declare(channel)
    for key in keys or ("",):
        channel.queue_bind(queue, exchange, key, **options)
    return queue


def publish(
    channel: BlockingChannel, exchange: str, key: str, *bodies: str | bytes, **properties: Any
) -> None:
    """Publish the bodies one after another with the same properties."""
    for body in bodies:
        channel.basic_publish(exchange, key, body, pika.BasicProperties(**properties))


def ready(channel: BlockingChannel, queue: str) -> int:
    """How many messages are ready in the queue."""
    return int(channel.queue_declare(queue, passive=True).method.message_count)


def consumers(channel: BlockingChannel, queue: str) -> int:
    """How many consumers the queue has."""
    return int(channel.queue_declare(queue, passive=True).method.consumer_count)


def until_ready(channel: BlockingChannel, queue: str, count: int) -> None:
    """Wait until exactly so many messages are ready."""
    eventually(lambda: ready(channel, queue) == count, why=f"{count} ready in {queue}")


def take(channel: BlockingChannel, queue: str) -> list[bytes]:
    """Get and remove everything that is ready, in order."""
    bodies = []
    while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
        bodies.append(got[2])
    return bodies


def get(channel: BlockingChannel, queue: str, *, auto_ack: bool = False) -> Any:
    """basic.get of a message that must be there: (method, properties, body)."""

    def one() -> Any:
        got = channel.basic_get(queue, auto_ack=auto_ack)
        return got if got[0] is not None else None

    return eventually(one, why=f"a message in {queue}")


def exists(connection: pika.BlockingConnection, queue: str) -> bool:
    """Whether the queue exists, by a passive declare on a channel of its own."""
    return _declares(connection, lambda channel: channel.queue_declare(queue, passive=True))


def exchange_exists(connection: pika.BlockingConnection, exchange: str) -> bool:
    """Whether the exchange exists."""
    return _declares(connection, lambda channel: channel.exchange_declare(exchange, passive=True))


def _declares(connection: pika.BlockingConnection, passive: Any) -> bool:
    channel = connection.channel()
    try:
        passive(channel)
    except ChannelClosedByBroker as closed:
        if closed.reply_code != 404:
            raise
        return False
    channel.close()
    return True


@contextmanager
def refused(code: int, text: str) -> Iterator[None]:
    """The block must end in a channel.close with this code and exactly this text."""
    with pytest.raises(ChannelClosedByBroker) as caught:
        yield
    assert (caught.value.reply_code, caught.value.reply_text) == (code, text)


@contextmanager
def connection_refused(code: int, text: str) -> Iterator[None]:
    """The block must end in a connection.close with this code and exactly this text."""
    with pytest.raises(ConnectionClosedByBroker) as caught:
        yield
    assert (caught.value.reply_code, caught.value.reply_text) == (code, text)


class Inbox:
    """A consumer that keeps what it gets: `deliveries` of (method, properties, body)."""

    def __init__(self, channel: BlockingChannel, queue: str, **options: Any) -> None:
        self.channel = channel
        self.queue = queue
        self.deliveries: list[Any] = []
        self.cancelled = False
        channel.add_on_cancel_callback(self._on_cancel)
        self.tag = channel.basic_consume(queue, self._on_message, **options)

    def _on_message(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self.deliveries.append((method, properties, body))

    def _on_cancel(self, frame: Any) -> None:
        self.cancelled = self.cancelled or frame.method.consumer_tag == self.tag

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, _, body in self.deliveries]

    @property
    def tags(self) -> list[int]:
        return [method.delivery_tag for method, _, _ in self.deliveries]

    def pump(self) -> bool:
        """Handle what has arrived."""
        self.channel.connection.process_data_events(0)
        return True

    def wait(self, count: int, timeout: float = PATIENCE) -> list[bytes]:
        """Wait for at least `count` deliveries in all and return the bodies."""
        eventually(
            lambda: self.pump() and len(self.deliveries) >= count,
            timeout,
            f"{count} deliveries, got {self.bodies}",
        )
        return self.bodies

    def settle(self) -> list[bytes]:
        """Let everything arrive that is on its way: two round trips through the queue."""
        for _ in range(2):
            ready(self.channel, self.queue)
        self.pump()
        return self.bodies

    def ack_all(self) -> None:
        """Acknowledge everything that was delivered to this channel so far."""
        self.channel.basic_ack(0, multiple=True)


def queue_text(queue: str) -> str:
    """How error texts name a queue."""
    return f"queue '{queue}' in vhost '/'"


def locked(queue: str) -> str:
    """What is said to others than the owner of an exclusive queue."""
    return (
        f"RESOURCE_LOCKED - cannot obtain exclusive access to locked {queue_text(queue)}. "
        "It could be originally declared on another connection or the exclusive property value "
        "does not match that of the original declaration."
    )


def inequivalent(argument: str, queue: str, difference: str) -> str:
    """What is said where a queue is declared again with something else."""
    return (
        f"PRECONDITION_FAILED - inequivalent arg '{argument}' for {queue_text(queue)}: {difference}"
    )


STREAM = {"x-queue-type": "stream"}


def offsets(box: Inbox) -> list[int]:
    """The offsets of what a reader of a stream has got."""
    return [properties.headers["x-stream-offset"] for _, properties, _ in box.deliveries]


def bodies(count: int, first: int = 0) -> list[bytes]:
    """Numbers from `first` on, as bodies."""
    return [str(number).encode() for number in range(first, first + count)]


def until_fence(channel: BlockingChannel, queue: str) -> list[bytes]:
    """Everything in the queue once all that was published on the channel has been routed."""
    publish(channel, "", queue, "fence")
    seen: list[bytes] = []

    def fenced() -> bool:
        seen.extend(take(channel, queue))
        return b"fence" in seen

    eventually(fenced)
    return seen[: seen.index(b"fence")]


def arrives(
    channel: BlockingChannel, exchange: str, key: str, queue: str, **properties: Any
) -> bool:
    """Whether a message published now reaches the queue."""
    body = uuid.uuid4().bytes
    publish(channel, exchange, key, body, **properties)
    return body in until_fence(channel, queue)
