"""Exchanges and queues that take no message twice (spec 6.8)."""

import pytest

from tests.support.wire import publish_frames

ENABLED = {"x-message-deduplication": True}
HEADER = "x-deduplication-header"


def publish(client, body, key=None, exchange="", routing_key="q", **options):
    if key is not None:
        options["headers"] = {HEADER: key}
    client.send(publish_frames(1, exchange, routing_key, body, **options))
    client.engine.run()


def contents(queue):
    return [each.message.body for each in queue.ready]


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_a_queue(engine, client, queue_type):
    queue = client.declare("q", ENABLED | {"x-cache-ttl": 1000, "x-queue-type": queue_type})
    for body, key in ((b"1", "a"), (b"2", "a"), (b"3", "b"), (b"4", None), (b"5", None)):
        publish(client, body, key)
    assert contents(queue) == [b"1", b"3", b"4", b"5"]
    queue.purge()
    publish(client, b"6", "a")  # gone from the queue, not from its memory
    assert contents(queue) == []
    engine.advance(1.1)
    publish(client, b"7", "a")
    assert contents(queue) == [b"7"]


def test_a_stream(client):
    stream = client.declare("q", ENABLED | {"x-queue-type": "stream"})
    publish(client, b"1", "a")
    publish(client, b"2", "a")
    assert stream.message_count == 1


def test_a_duplicate_is_confirmed(client):
    client.declare("q", ENABLED)
    client.call(1, "confirm.select")
    for _ in range(2):
        publish(client, b"m", "a", delivery_mode=2)
        assert client.names() == ["basic.ack"]


def test_a_queue_after_a_restart(engine, client):
    client.declare("q", ENABLED)
    publish(client, b"1", "a", delivery_mode=2)
    engine.restart()
    client = engine.connect()
    publish(client, b"2", "b", delivery_mode=2)
    publish(client, b"3", "b", delivery_mode=2)
    assert contents(engine.queue("q")) == [b"1", b"2"]


def test_an_exchange_forgets_in_time(engine, client):
    queue = client.declare("q")
    arguments = ENABLED | {"x-cache-ttl": 1000}
    client.call(1, "exchange.declare", exchange="x", type="direct", arguments=arguments)
    client.call(1, "queue.bind", queue="q", exchange="x", routing_key="q")
    for body in (b"1", b"2"):
        publish(client, body, "a", exchange="x")
    engine.advance(1.1)
    publish(client, b"3", "a", exchange="x")
    assert contents(queue) == [b"1", b"3"]


def test_mandatory_duplicates_come_back(client):
    client.declare("q")
    client.call(1, "exchange.declare", exchange="x", type="fanout", arguments=ENABLED)
    client.call(1, "queue.bind", queue="q", exchange="x")
    publish(client, b"1", "a", exchange="x", mandatory=True)
    assert client.silent
    publish(client, b"1", "a", exchange="x", mandatory=True)
    assert client.names() == ["basic.return"]
