import pytest

from broker.returns import FAILED, RETURNED, failures
from tests.support.encoding import plain

QUORUM = {"x-queue-type": "quorum"}


def counts(content):
    headers = plain(content.properties.get("headers", {}))
    return headers.get("x-delivery-count"), headers.get("x-acquired-count")


def test_only_failures_count_towards_the_limit(client):
    queue = client.declare("q", QUORUM)
    client.publish("", "q", b"m")
    entry = queue.get()
    for kind in (RETURNED, FAILED, RETURNED, FAILED, FAILED):
        queue.requeue(entry, kind)
        assert queue.get() is entry
    assert failures(entry) == 3
    assert entry.returns & 0xFFFF == 5


def test_counts_are_told_to_consumers_from_the_first_return_on(client):
    client.declare("q", QUORUM)
    client.publish("", "q", b"m", headers={"x-delivery-count": 77, "a": "b"})
    client.consume("q")
    seen = [*client.deliveries()]
    client.send_method(1, "basic.reject", delivery_tag=1, requeue=True)
    seen += client.deliveries()
    client.nack(2)
    seen += client.deliveries()
    assert [counts(content) for content in seen] == [(77, None), (1, 1), (1, 2)]
    assert plain(seen[2].properties["headers"])["a"] == "b"


def test_counts_are_not_kept_with_the_message(client):
    client.declare("dead")
    options = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    client.declare("q", QUORUM | options)
    client.publish("", "q", b"m")
    client.get("q")
    client.send_method(1, "basic.reject", delivery_tag=1, requeue=True)
    client.get("q")
    client.nack(2, requeue=False)
    content = client.get("dead")
    assert content is not None
    assert counts(content) == (None, None)


def test_a_channel_that_is_lost_counts(engine, client):
    client.declare("q", QUORUM)
    client.publish("", "q", b"m")
    other = engine.connect()
    other.get("q")
    other.abort()
    content = client.get("q")
    assert content is not None
    assert counts(content) == (1, 1)


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_counts_survive(engine, client, how):
    client.declare("q", QUORUM | {"x-delivery-limit": 2})
    client.publish("", "q", b"m")
    client.get("q")
    client.send_method(1, "basic.reject", delivery_tag=1, requeue=True)
    client.get("q")
    client.nack(2)
    engine.advance(1)
    getattr(engine, how)()
    client = engine.connect()
    assert counts(client.get("q")) == (1, 2)
    for tag in (1, 2):
        client.send_method(1, "basic.reject", delivery_tag=tag, requeue=True)
        engine.advance(1)
        getattr(engine, how)()
        client = engine.connect()
        content = client.get("q")
        assert (content is None) == (tag == 2)
        client.send_method(1, "basic.qos", prefetch_count=0)


def test_no_one_is_served_while_a_higher_priority_waits(engine, client):
    client.declare("q", QUORUM | {"x-single-active-consumer": True})
    low, high = engine.connect(), engine.connect()
    low.consume("q", "low", prefetch=3)
    client.publish("", "q", b"1")
    assert low.bodies() == [b"1"]
    high.consume("q", "high", arguments={"x-priority": 3})
    client.publish("", "q", b"2")
    assert low.silent
    assert high.silent
    low.ack(1)
    assert high.bodies() == [b"2"]
    assert low.silent


def test_it_takes_over_at_once_where_nothing_is_unacked(engine, client):
    client.declare("q", QUORUM | {"x-single-active-consumer": True})
    low, high = engine.connect(), engine.connect()
    low.consume("q", "low", no_ack=True)
    client.publish("", "q", b"1")
    assert low.bodies() == [b"1"]
    high.consume("q", "high", arguments={"x-priority": 3})
    client.publish("", "q", b"2")
    assert high.bodies() == [b"2"]


def test_it_takes_over_from_one_that_leaves(engine, client):
    client.declare("q", QUORUM | {"x-single-active-consumer": True})
    low, high = engine.connect(), engine.connect()
    low.consume("q", "low", prefetch=1)
    client.publish("", "q", b"1")
    assert low.bodies() == [b"1"]
    high.consume("q", "high", arguments={"x-priority": 3})
    low.call(1, "channel.close", reply_code=200)
    assert high.bodies() == [b"1"]
