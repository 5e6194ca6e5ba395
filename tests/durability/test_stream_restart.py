"""Streams over restarts, clean or by kill -9: what was confirmed stays, under its offset."""

import sqlite3
from contextlib import suppress
from typing import Any

import pytest

from tests.durability.test_restart import publish
from tests.support.broker import Broker
from tests.support.encoding import Typed
from tests.support.eventually import eventually
from tests.support.wire import Content, Disconnected, WireClient, publish_frames, wire

STREAM = {"x-queue-type": "stream"}


def declare(client: WireClient, queue: str, **arguments: Any) -> int:
    """Declares a stream; returns how many messages it has."""
    ok = client.call(1, "queue.declare", queue=queue, durable=True, arguments=STREAM | arguments)
    count: int = ok.arguments["message_count"]
    return count


def read(client: WireClient, queue: str, count: int, start: object = "first") -> list[Content]:
    """So many messages from a place on, on a channel of its own."""
    client.call(3, "channel.open")
    client.call(3, "basic.qos", prefetch_count=max(count, 1))
    arguments = {"x-stream-offset": start}
    client.call(3, "basic.consume", queue=queue, arguments=arguments)
    contents = [client.expect_content("basic.deliver", redelivered=False) for _ in range(count)]
    client.call(3, "channel.close", reply_code=200)
    return contents


def offset(content: Content) -> int:
    number: int = content.properties["headers"]["x-stream-offset"].value
    return number


@pytest.fixture(params=["clean", "kill"])
def again(request, broker):
    """Restarts the broker; returns a new connection with channel 1 open."""
    clients = []

    def restart() -> WireClient:
        broker.restart(kill=request.param == "kill")
        clients.append(WireClient(broker.amqp).connect())
        return clients[-1]

    yield restart
    for client in clients:
        client.abort()


def bodies(count: int, first: int = 0) -> list[bytes]:
    return [str(number).encode() for number in range(first, first + count)]


@pytest.mark.checklist(351)
def test_messages_and_offsets_are_the_same(broker, again):
    with wire(broker.amqp) as client:
        declare(client, "s")
        publish(client, "s", *bodies(50), delivery_mode=1, headers={"k": Typed("S", "v")})
        before = read(client, "s", 50)
    client = again()
    assert declare(client, "s") == 50
    after = read(client, "s", 50)
    assert [each.body for each in after] == bodies(50)
    assert [each.header for each in after] == [each.header for each in before]
    publish(client, "s", b"50")
    assert [offset(each) for each in read(client, "s", 3, start=48)] == [48, 49, 50]


@pytest.mark.checklist(351)
def test_offsets_go_on_after_retention(broker, again):
    limits = {"x-max-length-bytes": 2000, "x-stream-max-segment-size-bytes": 500}
    with wire(broker.amqp) as client:
        declare(client, "s", **limits)
        publish(client, "s", *bodies(300))
        retained = declare(client, "s", **limits)
        assert retained < 300
    client = again()
    # What was removed last may have come back with a kill, but nothing is missing.
    left = declare(client, "s", **limits)
    assert left >= retained
    publish(client, "s", b"300")
    got = read(client, "s", declare(client, "s", **limits))
    assert [offset(each) for each in got] == list(range(301 - len(got), 301))
    assert [int(each.body) for each in got] == [offset(each) for each in got]


@pytest.mark.checklist(351)
def test_a_reader_resumes_where_it_was(broker, again):
    with wire(broker.amqp) as client:
        declare(client, "s")
        publish(client, "s", *bodies(20))
        seen = read(client, "s", 7)
    client = again()
    publish(client, "s", *bodies(5, 20))
    rest = read(client, "s", 18, start=offset(seen[-1]) + 1)
    assert [each.body for each in rest] == bodies(18, 7)


@pytest.mark.checklist(351)
def test_a_deleted_stream_stays_deleted(broker, again):
    with wire(broker.amqp) as client:
        declare(client, "s")
        publish(client, "s", *bodies(20))
        client.call(1, "queue.delete", queue="s")
        declare(client, "s")
        publish(client, "s", b"new")
    client = again()
    assert declare(client, "s") == 1
    assert [(each.body, offset(each)) for each in read(client, "s", 1)] == [(b"new", 0)]


class Publisher:
    """Publishes numbers in confirm mode; `confirmed` says how many are safe."""

    def __init__(self, broker: Broker) -> None:
        self.client = WireClient(broker.amqp).connect()
        self.client.call(1, "confirm.select")
        self.published = self.confirmed = 0

    def publish(self, count: int) -> None:
        numbers = range(self.published, self.published + count)
        self.client.send(*(publish_frames(1, "", "s", str(each).encode()) for each in numbers))
        self.published += count

    def wait(self) -> None:
        """For one more answer."""
        ack = self.client.expect("basic.ack").arguments
        self.confirmed = ack["delivery_tag"]

    def drain(self) -> None:
        """What was on its way when the broker was killed."""
        with self.client, suppress(Disconnected):
            while self.confirmed < self.published:
                self.wait()


def test_what_a_reader_saw_keeps_its_offset(broker):
    """Killed under load: confirmed messages stay, and nothing that was read changes."""
    for life in range(4):
        with wire(broker.amqp) as setup:
            if life:
                setup.call(1, "queue.delete", queue="s")
            declare(setup, "s")
        publisher = Publisher(broker)
        reader = WireClient(broker.amqp).connect()
        reader.call(1, "basic.qos", prefetch_count=60000)
        reader.call(1, "basic.consume", queue="s", arguments={"x-stream-offset": "first"})
        for _ in range(5 + life):
            publisher.publish(500)
            publisher.wait()
        broker.kill()
        publisher.drain()
        seen = []
        with reader, suppress(Disconnected):
            while True:
                content = reader.expect_content("basic.deliver")
                seen.append((offset(content), content.body))
        broker.start()
        with wire(broker.amqp) as client:
            count = declare(client, "s")
            assert publisher.confirmed <= count <= publisher.published
            after = [(offset(each), each.body) for each in read(client, "s", count)]
        assert [number for number, _ in after] == list(range(count))
        assert [body for _, body in after] == bodies(count)
        assert after[: len(seen)] == seen


@pytest.mark.sqlite
def test_the_disk_shrinks_with_retention(broker):
    limits = {"x-max-length-bytes": 1_000_000, "x-stream-max-segment-size-bytes": 100_000}
    with wire(broker.amqp) as client:
        declare(client, "s", **limits)
        for _ in range(10):
            publish(client, "s", *[bytes(10_000)] * 100)
        assert declare(client, "s", **limits) < 150
        eventually(lambda: batches(broker) < 4_000_000)


def batches(broker: Broker) -> int:
    """Octets of messages in the database."""
    database = sqlite3.connect(f"file:{broker.data_dir / 'leveret.db'}?mode=ro", uri=True)
    try:
        row = database.execute("select coalesce(sum(length(data)), 0) from batch").fetchone()
    finally:
        database.close()
    return int(row[0])
