"""Copies of what passes by (spec 10.6); what they look like is judged in conformance."""

import pytest

from broker.message import headers_of

TRACES = "amq.rabbitmq.trace"


@pytest.fixture
def client(engine):
    engine.vhosts.update("/", tracing=True)
    client = engine.connect()
    client.declare("traces")
    client.call(1, "queue.bind", queue="traces", exchange=TRACES, routing_key="#")
    return client


def traces(engine):
    messages = [entry.message for entry in _ready(engine)]
    return [(each.route.routing_key, each.body) for each in messages]


def _ready(engine):
    return list(engine.queue("traces").ready)


def test_a_stream_is_traced(engine, client):
    client.declare("s", {"x-queue-type": "stream"})
    client.publish("", "s", b"m")
    client.call(1, "basic.qos", prefetch_count=10)
    client.call(1, "basic.consume", queue="s", arguments={"x-stream-offset": "first"})
    assert client.bodies() == [b"m"]
    assert traces(engine) == [("publish.", b"m"), ("deliver.s", b"m")]


def test_traces_are_not_traced(engine, client):
    client.declare("q")
    client.publish("", "q", b"m")
    client.consume("traces", no_ack=True)
    assert client.bodies() == [b"m"]
    assert traces(engine) == []


def test_an_expired_message_was_not_delivered(engine, client):
    client.declare("q")
    client.publish("", "q", b"m", expiration="0")
    engine.advance(0.1)
    client.consume("q")
    assert client.silent
    assert traces(engine) == [("publish.", b"m")]


def test_a_name_that_fills_the_routing_key(engine, client):
    name = "q" * 255
    client.declare(name)
    client.publish("", name, b"m")
    assert client.get(name) is not None
    assert [len(key) for key, _ in traces(engine)] == [len("publish."), 255]


def test_further_routing_keys(engine, client):
    client.declare("q")
    client.publish("", "q", b"m", headers={"CC": ["other"]})
    assert client.get("q") is not None
    for entry in _ready(engine):
        keys = headers_of(entry.message.header)["routing_keys"]
        assert keys == ("A", [("S", "q"), ("S", "other")])


def test_nobody_listens(engine, client):
    client.call(1, "queue.unbind", queue="traces", exchange=TRACES, routing_key="#")
    client.declare("q")
    client.publish("", "q", b"m")
    assert client.get("q") is not None
    assert traces(engine) == []
