import pytest

from broker.pausing import pause, resume

STREAM = {"x-queue-type": "stream"}


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_paused_queue_takes_and_does_not_give(engine, client, kind):
    queue = client.declare("q", {"x-queue-type": kind})
    client.consume("q")
    client.publish("", "q", b"1")
    assert client.bodies() == [b"1"]
    pause(queue)
    client.publish("", "q", b"2")
    client.ack(1)
    assert client.silent
    assert queue.message_count == 1
    resume(queue)
    assert client.bodies() == [b"2"]


def test_basic_get_finds_nothing(engine, client):
    queue = client.declare("q")
    client.publish("", "q", b"1")
    pause(queue)
    assert client.get("q") is None
    resume(queue)
    assert client.get("q").body == b"1"


def test_consumers_that_come_and_go_meanwhile(engine, client):
    queue = client.declare("q")
    client.publish("", "q", b"1")
    client.consume("q", "old")
    client.read_all()
    pause(queue)
    client.consume("q", "new", prefetch=1)
    client.call(1, "basic.cancel", consumer_tag="old")
    client.publish("", "q", b"2")
    assert client.silent
    resume(queue)
    (delivery,) = client.deliveries()
    assert (delivery.method.arguments["consumer_tag"], delivery.body) == ("new", b"2")


def test_messages_still_expire_and_limits_hold(engine, client):
    queue = client.declare("q", {"x-message-ttl": 1000, "x-max-length": 2})
    pause(queue)
    for _ in range(3):
        client.publish("", "q", b"m")
    engine.run()
    assert queue.message_count == 2
    engine.advance(2)
    assert queue.message_count == 0


def test_a_stream_pauses(engine, client):
    queue = client.declare("q", STREAM)
    client.consume("q", prefetch=10, arguments={"x-stream-offset": "first"})
    pause(queue)
    client.publish("", "q", b"1")
    assert client.silent
    resume(queue)
    assert client.bodies() == [b"1"]


def test_it_survives_a_restart(engine, client):
    pause(client.declare("q"))
    client.declare("other")
    engine.restart()
    assert engine.queue("q").paused
    assert not engine.queue("other").paused
    resume(engine.queue("q"))
    engine.restart()
    assert not engine.queue("q").paused


def test_a_new_queue_of_the_same_name_is_not_paused(engine, client):
    pause(client.declare("q"))
    client.call(1, "queue.delete", queue="q")
    client.declare("q")
    engine.restart()
    assert not engine.queue("q").paused


def test_twice_is_as_once(engine, client):
    queue = client.declare("q")
    for _ in range(2):
        pause(queue)
    for _ in range(2):
        resume(queue)
    client.publish("", "q", b"1")
    client.consume("q")
    assert client.bodies() == [b"1"]
