"""How old messages are found to be, to the second."""

import pytest

from broker import ages


def age(engine, name="q"):
    queue = engine.queue(name)
    since = ages.oldest(queue, engine.clock.now_ms())
    return None if since is None else (engine.clock.now_ms() - since) / 1000


def test_the_oldest_that_is_ready(engine, client):
    client.declare("q")
    assert age(engine) is None
    for body in (b"1", b"2", b"3"):
        client.publish("", "q", body)
        engine.advance(10)
    assert age(engine) == 30
    client.get("q", no_ack=True)
    assert age(engine) == 20
    client.get("q", no_ack=True)
    client.get("q", no_ack=True)
    assert age(engine) is None


def test_a_quiet_queue_is_exact(engine, client):
    client.declare("q")
    client.publish("", "q", b"1")
    engine.run()
    engine.advance(3600)
    client.publish("", "q", b"2")
    engine.run()
    engine.advance(1)
    client.get("q", no_ack=True)
    assert age(engine) == 1


@pytest.mark.parametrize("between", [0.1, 0.3, 2.5])
def test_within_a_second(engine, client, between):
    client.declare("q")
    for _ in range(100):
        client.publish("", "q", b"m")
        engine.run()
        engine.advance(between)
    for number in range(100):
        true = (100 - number) * between
        # Exact to a second, or to a small part of the whole where notes were thinned out.
        assert true - max(1.01, true / 8) <= age(engine) <= true + 0.01
        client.get("q", no_ack=True)


def test_memory_is_bounded(engine, client):
    queue = client.declare("q")
    for _ in range(3 * ages.KEPT):
        client.publish("", "q", b"m")
        engine.advance(1)
    assert len(queue.ages._times) <= ages.KEPT
    assert age(engine) == pytest.approx(3 * ages.KEPT, rel=0.15)


def test_what_comes_back_is_as_old_as_it_was(engine, client):
    client.declare("q")
    client.publish("", "q", b"1")
    client.consume("q")
    client.read_all()
    engine.advance(60)
    client.nack(1)
    client.call(1, "basic.cancel", consumer_tag="c")
    engine.run()
    client.nack(2)
    engine.run()
    assert age(engine) == 60


def test_after_a_restart_it_counts_from_there(engine, client):
    client.declare("q")
    client.publish("", "q", b"1", delivery_mode=2)
    engine.advance(100)
    engine.restart()
    engine.advance(7)
    assert age(engine) == 7
    engine.connect().publish("", "q", b"2", delivery_mode=2)
    engine.run()
    engine.advance(5)
    assert age(engine) == 12
    engine.connect().get("q", no_ack=True)
    assert age(engine) == 5


def test_a_stream_knows(engine, client):
    client.declare("q", {"x-queue-type": "stream"})
    client.publish("", "q", b"1")
    engine.advance(100)
    assert age(engine) == 100
    engine.restart()
    assert age(engine) == 100
