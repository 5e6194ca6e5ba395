"""How connections end: who closes, what is given back, how long the other side is waited for."""

import pytest

from tests.support.wire import Disconnected, frame, method_frame, publish_frames

BYE = {"reply_code": 200, "reply_text": "bye"}


def test_the_client_closes(engine, client):
    other = engine.connect()
    queue = other.declare("q")
    client.call(1, "queue.declare", queue="mine", exclusive=True)
    other.publish("", "q", b"m")
    client.consume("q")
    client.deliveries()
    client.send(method_frame(0, "connection.close", **BYE), publish_frames(1, "", "q", b"too late"))
    client.expect("connection.close-ok", 0)
    assert "mine" not in engine.vhost.queues
    assert (queue.message_count, queue.unacked, queue.consumer_count) == (1, 0, 0)
    client.send(publish_frames(1, "", "q", b"too late"), method_frame(0, "connection.close", **BYE))
    assert client.names() == ["connection.close-ok"]
    assert queue.message_count == 1
    assert not client.wire.closed, "that is for the client to do"
    client.abort()
    assert engine.context.connections == {other.connection}
    assert engine.clock.pending == 0


@pytest.mark.parametrize(("heartbeat", "grace"), [(0, 30), (5, 5), (60, 30)])
@pytest.mark.parametrize("who", ["client", "broker"])
def test_how_long_the_end_is_waited_for(engine, heartbeat, grace, who):
    client = engine.connect(heartbeat=heartbeat)
    if who == "client":
        client.call(0, "connection.close", **BYE)
    else:
        client.send_method(1, "basic.deliver")
        client.expect_close(503)
    engine.advance(grace - 0.1)
    assert not client.wire.closed
    engine.advance(0.2)
    assert client.wire.aborted
    assert engine.context.connections == set()


def test_where_frames_cannot_be_read_any_more_it_is_short(engine, client):
    client.send(frame(1, 1, b"\0\x3c\0\x0a", end=7))
    client.expect_close(501)
    client.send_method(0, "connection.close-ok")
    engine.advance(2.9)
    assert not client.wire.closed
    engine.advance(0.2)
    assert client.wire.aborted


def test_the_broker_closes(engine, client):
    queue = client.declare("q")
    client.send(method_frame(1, "basic.deliver"), publish_frames(1, "", "q", b"ignored"))
    client.expect_close(503)
    client.publish("", "q", b"ignored")
    client.send_method(1, "queue.declare", queue="ignored")
    assert client.silent
    client.send_method(0, "connection.close", **BYE)
    client.expect("connection.close-ok", 0)
    client.send_method(0, "connection.close-ok")
    engine.run()
    assert client.wire.closed
    assert not client.wire.aborted
    assert list(engine.vhost.queues) == ["q"]
    assert queue.message_count == 0


def test_forced(engine, client):
    client.connection.force_close("user 'guest' is deleted")
    client.expect_close(320, "CONNECTION_FORCED - user 'guest' is deleted", (0, 0))
    client.send_method(0, "connection.close-ok")
    with pytest.raises(Disconnected):
        client.read_method()


def test_forced_before_it_is_open(engine):
    client = engine.client()
    client.start()
    client.connection.force_close("no matter")
    assert client.silent
    assert client.wire.closed


def test_forced_twice(engine, client):
    client.connection.force_close("one")
    client.connection.force_close("two")
    client.expect_close(320, "CONNECTION_FORCED - one")
    assert client.silent
    assert client.wire.closed


def test_the_socket_breaks(engine, client):
    other = engine.connect()
    queue = other.declare("q")
    for body in (b"1", b"2"):
        other.publish("", "q", body)
    client.call(1, "queue.declare", queue="mine", exclusive=True)
    client.call(1, "queue.declare", queue="passing", auto_delete=True)
    client.consume("passing", "p")
    client.consume("q", prefetch=1)
    assert client.bodies() == [b"1"]
    client.abort()
    assert list(engine.vhost.queues) == ["q"]
    assert queue.unacked == 0
    other.consume("q")
    assert [(each.body, each.method.arguments["redelivered"]) for each in other.deliveries()] == [
        (b"1", True),
        (b"2", False),
    ]


def test_exclusive_queues_belong_to_their_connection(engine, client):
    other = engine.connect()
    client.call(1, "queue.declare", queue="mine", exclusive=True)
    other.send_method(1, "queue.declare", queue="mine", passive=True)
    other.expect_close(405, channel=1)
    client.call(0, "connection.close", **BYE)
    client.abort()
    other.send_method(1, "channel.close-ok")
    other.call(1, "channel.open")
    other.call(1, "queue.declare", queue="mine")
