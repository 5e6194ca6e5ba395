"""Deliveries that nobody settles in time (spec 7.8)."""

import pytest

from tests.support.encoding import plain
from tests.support.wire import CAPABLE

QUORUM = {"x-queue-type": "quorum"}
SECOND = {"x-consumer-timeout": 1000}
TOLERANCE = 0.2
TEXT = (
    "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: "
    "1000 ms. This timeout value can be configured, see consumers doc guide to learn more"
)


def publish(client, *bodies):
    for body in bodies:
        client.publish("", "q", body)


def closed(client):
    client.expect_close(406, TEXT, at=(0, 0), channel=1)


def test_off_by_default(engine, client):
    client.declare("q")
    publish(client, b"m")
    client.consume("q")
    assert client.bodies() == [b"m"]
    pending = engine.clock.pending
    engine.advance(7 * 86400)
    assert client.silent
    assert engine.clock.pending == pending


def test_classic_queues_close_the_channel(engine, client):
    queue = client.declare("q", SECOND)
    publish(client, b"1", b"2")
    client.consume("q")
    assert client.bodies() == [b"1", b"2"]
    client.ack(1)
    engine.advance(0.99)
    assert client.silent
    engine.advance(TOLERANCE)
    closed(client)
    assert (queue.message_count, queue.unacked, queue.consumer_count) == (1, 0, 0)
    client.send_method(1, "channel.close-ok")
    engine.advance(10)
    assert client.silent


def test_whoever_settles_in_time_goes_on(engine, client):
    client.declare("q", SECOND)
    client.consume("q")
    for number in range(20):
        publish(client, b"m")
        assert client.bodies() == [b"m"]
        engine.advance(0.7)
        client.ack(number + 1)
    engine.advance(5)
    assert client.silent


def test_the_oldest_counts(engine, client):
    client.declare("q", SECOND)
    client.consume("q")
    for _ in range(3):
        publish(client, b"m")
        engine.advance(0.3)
    assert len(client.bodies()) == 3
    engine.advance(0.1 + TOLERANCE)
    closed(client)


def test_gets_count_too(engine, client):
    queue = client.declare("q", SECOND)
    publish(client, b"m")
    client.get("q")
    engine.advance(1 + TOLERANCE)
    closed(client)
    assert queue.message_count == 1


def test_a_consumer_may_ask_for_it(engine, client):
    client.declare("q")
    publish(client, b"m")
    client.consume("q", arguments=SECOND)
    assert client.bodies() == [b"m"]
    engine.advance(1 + TOLERANCE)
    closed(client)


@pytest.mark.parametrize("timeout", [0, 5000])
def test_a_consumer_overrides_its_queue(engine, client, timeout):
    client.declare("q", SECOND)
    publish(client, b"m")
    client.consume("q", arguments={"x-consumer-timeout": timeout})
    assert client.bodies() == [b"m"]
    engine.advance(4.9)
    assert client.silent


def test_others_on_the_channel_have_their_own(engine, client):
    client.declare("q", SECOND)
    client.declare("slow")
    client.consume("slow", "slow")
    client.consume("q")
    client.publish("", "slow", b"slow")
    assert client.bodies() == [b"slow"]
    engine.advance(30)
    assert client.silent
    publish(client, b"m")
    assert client.bodies() == [b"m"]
    engine.advance(1 + TOLERANCE)
    closed(client)


def test_without_acknowledgements_nothing_is_late(engine, client):
    client.declare("q", SECOND)
    pending = engine.clock.pending
    client.consume("q", no_ack=True)
    assert engine.clock.pending == pending


def test_quorum_queues_cancel_the_consumer(engine, client):
    queue = client.declare("q", QUORUM | SECOND)
    client.consume("q", prefetch=2)
    client.consume("q", "other", prefetch=9, arguments={"x-consumer-timeout": 60_000})
    publish(client, b"1", b"2", b"3")
    assert len(client.deliveries()) == 3
    engine.advance(1 + TOLERANCE)
    cancel, *again = client.read_all()
    assert (cancel.name, cancel.arguments["consumer_tag"]) == ("basic.cancel", "c")
    assert [each.method.arguments["redelivered"] for each in again] == [True, True]
    counts = [plain(each.properties["headers"]) for each in again]
    assert counts == [{"x-delivery-count": 0, "x-acquired-count": 1}] * 2
    assert queue.consumer_count == 1
    engine.advance(30)
    assert client.silent


def test_quorum_queues_close_the_channel_of_who_knows_no_cancel(engine):
    capabilities = {**CAPABLE["capabilities"], "consumer_cancel_notify": False}
    client = engine.connect(client_properties={"capabilities": capabilities})
    queue = client.declare("q", QUORUM | SECOND)
    publish(client, b"m")
    client.consume("q")
    assert client.bodies() == [b"m"]
    engine.advance(1 + TOLERANCE)
    closed(client)
    assert queue.message_count == 1
    content = engine.connect().get("q")
    assert plain(content.properties["headers"])["x-delivery-count"] == 0


def test_quorum_queues_take_back_what_a_cancelled_consumer_kept(engine, client):
    queue = client.declare("q", QUORUM | SECOND)
    publish(client, b"m")
    client.consume("q")
    assert client.bodies() == [b"m"]
    client.call(1, "basic.cancel", consumer_tag="c")
    client.declare("another")
    client.consume("another")  # of the same tag
    engine.advance(1 + TOLERANCE)
    assert client.silent
    assert (queue.message_count, queue.unacked) == (1, 0)


def test_a_single_active_consumer_that_is_too_slow_is_replaced(engine, client):
    client.declare("q", QUORUM | SECOND | {"x-single-active-consumer": True})
    publish(client, b"m")
    next_one = engine.connect()
    client.consume("q")
    next_one.consume("q")
    assert client.bodies() == [b"m"]
    engine.advance(1 + TOLERANCE)
    assert client.names() == ["basic.cancel"]
    assert next_one.bodies() == [b"m"]


def test_one_timer_however_many_deliveries(engine, client):
    client.declare("q", SECOND)
    pending = engine.clock.pending
    client.consume("q")
    publish(client, *[b"m"] * 100)
    engine.run()
    assert engine.clock.pending == pending + 1
    assert len(client.bodies()) == 100
    client.ack(0, multiple=True)
    engine.advance(5)
    assert client.silent


def test_no_timer_outlives_its_channel(engine, client):
    client.declare("q", SECOND)
    pending = engine.clock.pending
    client.consume("q")
    client.call(1, "channel.close", reply_code=200)
    assert engine.clock.pending == pending
