import logging

import pytest

from broker import link
from broker import queue as queue_module
from broker.queue import Queue
from persistence import commit as commit_module
from tests.support.encoding import METHODS
from tests.support.wire import (
    PROTOCOL_HEADER,
    body_frame,
    frame,
    header_frame,
    method_frame,
    publish_frames,
)

# -- before it is open


def test_a_client_that_says_nothing(engine):
    client = engine.client()
    engine.advance(9.9)
    assert not client.wire.closed
    engine.advance(0.2)
    assert client.wire.aborted
    assert client.silent
    assert engine.context.connections == set()


@pytest.mark.parametrize("steps", ["start", "login"])
def test_a_client_that_stops_half_way(engine, steps):
    client = engine.client()
    getattr(client, steps)()
    engine.advance(10.1)
    assert client.wire.aborted


def test_the_timeout_is_for_the_handshake_alone(engine, client):
    engine.advance(100_000)
    assert not client.wire.closed
    assert client.connection.state == "running"
    assert engine.clock.pending == 0


def test_another_protocol(engine):
    client = engine.client()
    client.send(b"GET / HTTP/1.1\r\n\r\n")
    assert client.read_bytes(8) == PROTOCOL_HEADER
    assert client.wire.closed


def test_a_refused_login_takes_its_time(engine):
    client = engine.client()
    client.start()
    client.send_start_ok(password="wrong")
    client.expect_close(403)
    engine.advance(2.9)
    assert not client.wire.closed
    engine.advance(0.2)
    assert client.wire.closed


def test_unless_the_client_confirms_it(engine):
    client = engine.client()
    client.start()
    client.send_start_ok(password="wrong")
    client.expect_close(403)
    client.send_method(0, "connection.close-ok")
    engine.run()
    assert client.wire.closed


def test_guest_from_elsewhere(engine):
    client = engine.client(peer="192.0.2.1")
    client.start()
    client.send_start_ok(client_properties={})
    assert client.silent
    engine.advance(3.1)
    assert client.wire.closed


def test_the_whole_handshake_and_more_in_one_read(engine):
    client = engine.client()
    plain = {"mechanism": "PLAIN", "response": b"\0guest\0guest", "locale": "en_US"}
    client.send(
        PROTOCOL_HEADER,
        method_frame(0, "connection.start-ok", **plain),
        method_frame(0, "connection.tune-ok", channel_max=10, frame_max=8192),
        method_frame(0, "connection.open", virtual_host="/"),
        method_frame(1, "channel.open"),
        method_frame(1, "queue.declare", queue="q"),
        publish_frames(1, "", "q", b"m"),
    )
    assert client.names() == [
        "connection.start",
        "connection.tune",
        "connection.open-ok",
        "channel.open-ok",
        "queue.declare-ok",
    ]
    assert engine.queue("q").message_count == 1


def test_what_is_known_of_a_client(engine):
    client = engine.connect(channel_max=7, frame_max=4096, heartbeat=9)
    connection = client.connection
    assert (connection.channel_max, connection.frame_max, connection.heartbeat) == (7, 4096, 9)
    assert (connection.user.name, connection.vhost.name, connection.mechanism) == (
        "guest",
        "/",
        "PLAIN",
    )
    assert connection.wants_cancel_notify
    assert connection.wants_blocked_notify
    assert connection.sent_bytes == sum(map(len, client.wire.writes))
    assert connection.name.endswith("-> 127.0.0.1:5672")
    client.abort()


# -- input that is held while the disk is awaited


def test_a_durable_declare_holds_what_comes_behind_it(engine, client):
    with engine.disk_held() as disk:
        client.send(
            method_frame(1, "queue.declare", queue="q", durable=True),
            publish_frames(1, "", "q", b"m"),
            method_frame(1, "queue.purge", queue="q"),
        )
        assert client.silent
        assert engine.queue("q").message_count == 0
        assert not client.wire.reading, "nor is more read"
        client.send_method(1, "basic.qos")
        assert client.silent
        disk.write()
        assert client.names() == ["queue.declare-ok", "queue.purge-ok", "basic.qos-ok"]
    assert client.wire.reading


def test_nothing_piles_up_while_it_is_held(engine, client):
    with engine.disk_held() as disk:
        client.send_method(1, "queue.declare", queue="q", durable=True)
        client.send(publish_frames(1, "", "q", b"x" * 100_000))
        engine.run()
        assert client.connection.protocol.buffered == 0
        disk.write()
        client.expect("queue.declare-ok")
    engine.run()
    assert engine.queue("q").message_count == 1


def test_others_are_not_held(engine, client):
    other = engine.connect()
    with engine.disk_held():
        client.send_method(1, "queue.declare", queue="q", durable=True)
        assert client.silent
        other.publish("", "q", b"m")
        assert other.call(1, "queue.purge", queue="q").arguments["message_count"] == 1


def test_what_is_not_durable_does_not_wait(engine, client):
    with engine.disk_held():
        client.call(1, "queue.declare", queue="q")
        client.call(1, "queue.declare", queue="x", exclusive=True, durable=True)


def test_nor_does_a_declare_of_what_is_there(engine, client):
    client.declare("q")
    with engine.disk_held():
        client.call(1, "queue.declare", queue="q", durable=True)


def test_nowait_does_not_wait(engine, client):
    with engine.disk_held():
        client.send_method(1, "queue.declare", queue="q", durable=True, nowait=True)
        client.call(1, "basic.qos")


def test_the_client_goes_while_it_is_held(engine, client):
    with engine.disk_held() as disk:
        client.send(
            method_frame(1, "queue.declare", queue="q", durable=True),
            publish_frames(1, "", "q", b"never"),
        )
        engine.run()
        client.connection.lost()
        disk.write()
        engine.run()
    assert engine.queue("q").message_count == 0
    assert client.wire.writes[-1].count(b"declare") == 0
    assert engine.context.connections == set()


# -- fairness


def test_one_client_does_not_hold_the_loop(engine):
    greedy, modest = engine.connect(), engine.connect()
    greedy.declare("q")
    budget = link.BUDGET
    greedy.send(publish_frames(1, "", "q", b"m") * (3 * budget))
    assert engine.queue("q").message_count <= budget + 1
    assert not greedy.wire.reading
    modest.send_method(1, "basic.qos")
    engine.step()
    assert modest.wire.writes[-1] == method_frame(1, "basic.qos-ok")
    assert engine.queue("q").message_count < 3 * budget
    engine.run()
    assert engine.queue("q").message_count == 3 * budget
    assert greedy.wire.reading


def test_order_is_kept_over_the_budget(engine, client):
    queue = client.declare("q")
    client.send(*(publish_frames(1, "", "q", b"%d" % number) for number in range(2500)))
    client.send_method(1, "queue.declare", queue="q", passive=True)
    assert client.read_method().arguments["message_count"] == 2500
    assert [each.message.body for each in queue.ready] == [b"%d" % number for number in range(2500)]


# -- faults


def fail(*arguments, **options):
    raise RuntimeError("a fault of ours")


def test_a_fault_in_one_connection_does_no_harm_to_others(engine, client, monkeypatch, caplog):
    other = engine.connect()
    other.declare("q")
    other.consume("q")
    with monkeypatch.context() as patched:
        patched.setattr(Queue, "purge", fail)
        client.send_method(1, "queue.purge", queue="q")
        client.expect_close(541, "INTERNAL_ERROR", (0, 0))
    assert "a fault of ours" in caplog.text
    caplog.clear()
    other.publish("", "q", b"m")
    assert other.bodies() == [b"m"]
    client.send_method(0, "connection.close-ok")
    engine.run()
    assert client.wire.closed


def test_a_fault_gives_back_what_the_client_held(engine, client, monkeypatch, caplog):
    queue = client.declare("q")
    client.publish("", "q", b"m")
    client.consume("q")
    client.deliveries()
    with monkeypatch.context() as patched:
        patched.setattr(Queue, "get", fail)
        client.send_method(1, "basic.get", queue="q")
        engine.run()
    caplog.clear()
    assert (queue.message_count, queue.unacked, queue.consumer_count) == (1, 0, 0)


# -- refusals that cost the connection

ON_CHANNEL_0 = "CHANNEL_ERROR - unexpected method in connection state running"
UNIMPLEMENTED = "COMMAND_INVALID - unimplemented method"
NOT_OPEN = "CHANNEL_ERROR - expected 'channel.open'"
PUBLISH = method_frame(1, "basic.publish", routing_key="q")


@pytest.mark.parametrize(
    ("data", "code", "text", "at"),
    [
        (method_frame(0, "queue.declare"), 504, ON_CHANNEL_0, (50, 10)),
        (method_frame(0, "basic.ack", delivery_tag=1), 504, ON_CHANNEL_0, (60, 80)),
        (method_frame(0, "connection.close-ok"), 504, ON_CHANNEL_0, (10, 51)),
        (method_frame(0, "connection.open", virtual_host="/"), 504, ON_CHANNEL_0, (10, 40)),
        (frame(1, 0, b"\x01\x02\x03\x04"), 503, UNIMPLEMENTED, (0x0102, 0x0304)),
        (frame(1, 1, b"\x01\x02\x03\x04"), 503, UNIMPLEMENTED, (0x0102, 0x0304)),
        (method_frame(1, "connection.close"), 503, UNIMPLEMENTED, (10, 50)),
        (method_frame(1, "basic.deliver"), 503, UNIMPLEMENTED, (60, 60)),
        (method_frame(1, "queue.declare-ok", queue="q"), 503, UNIMPLEMENTED, (50, 11)),
        (method_frame(1, "channel.flow-ok"), 503, UNIMPLEMENTED, (20, 21)),
        (method_frame(2, "queue.declare"), 504, NOT_OPEN, (50, 10)),
        (method_frame(2, "channel.close"), 504, NOT_OPEN, (20, 40)),
        (method_frame(2, "channel.close-ok"), 504, NOT_OPEN, (20, 41)),
        (publish_frames(2, "", "q", b"m"), 504, NOT_OPEN, (60, 40)),
        (
            method_frame(1, "channel.open"),
            504,
            "CHANNEL_ERROR - second 'channel.open' seen",
            (20, 10),
        ),
        (frame(1, 1, b"\0\x32\0\x0a\0"), 501, "FRAME_ERROR - cannot decode*", (50, 10)),
        (frame(8, 1, b""), 505, "UNEXPECTED_FRAME - type 8, all octets = <<>>", (0, 0)),
        (
            frame(9, 0, b"ab"),
            501,
            'FRAME_ERROR - type 9, all octets = <<"ab">>: unknown_frame',
            (0, 0),
        ),
        (
            PUBLISH + body_frame(1, b"m"),
            505,
            "UNEXPECTED_FRAME - expected content header*",
            (60, 40),
        ),
        (
            PUBLISH + header_frame(1, 1) + PUBLISH,
            505,
            "UNEXPECTED_FRAME - expected content body*",
            (60, 40),
        ),
        (body_frame(2, b"m"), 505, "UNEXPECTED_FRAME - expected method frame*", (0, 0)),
    ],
)
def test_violations(client, data, code, text, at):
    client.send(data)
    client.expect_close(code, text, at)
    assert client.silent


def test_too_many_channels(engine):
    client = engine.connect(channel_max=2, channels=(1, 2))
    client.send_method(3, "channel.open")
    client.expect_close(
        530,
        "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)",
    )


def test_a_channel_that_was_closed_makes_room(engine):
    client = engine.connect(channel_max=1)
    for number in (1, 2, 3):
        client.call(number, "channel.close")
        client.call(number + 1, "channel.open")


# -- slow sockets


def test_a_publisher_waits_a_little_for_those_who_read_slowly(engine, monkeypatch):
    monkeypatch.setattr(queue_module, "CONGESTED_BYTES", 1000)
    slow, publisher = engine.connect(), engine.connect()
    queue = publisher.declare("q")
    slow.consume("q", no_ack=True)
    slow.connection.pause_writing()
    for _ in range(5):
        publisher.publish("", "q", b"x" * 600)
        engine.run()
    assert not publisher.wire.reading
    assert queue.message_count < 5
    engine.advance(5)  # nobody waits for long for a client that is stuck
    assert publisher.wire.reading
    assert queue.message_count == 5


def test_who_publishes_waits_while_the_disk_is_behind_and_nobody_else(engine, monkeypatch):
    monkeypatch.setattr(commit_module, "BEHIND", 1 << 20)
    publisher, consumer = engine.connect(heartbeat=10), engine.connect()
    queue = publisher.declare("q")
    consumer.consume("q")
    with engine.disk_held() as disk:
        for _ in range(6):
            publisher.publish("", "q", bytes(600_000), delivery_mode=2)
            engine.run()
        assert disk.behind
        assert not publisher.wire.reading
        published = queue.delivered
        assert len(consumer.bodies()) == published < 6
        consumer.ack(published, multiple=True)
        engine.run()
        assert queue.unacked == 0
        # Its heartbeats are not read, and not missed.
        engine.advance(60)
        assert not publisher.wire.closed
    engine.advance(1)
    assert publisher.wire.reading
    assert len(consumer.bodies()) == 6 - published


def test_replies_go_out_however_slow_the_client(engine, client):
    client.connection.pause_writing()
    client.call(1, "basic.qos")
    client.call(2, "channel.open")
    client.declare("q")
    client.consume("q", channel=2)
    client.publish("", "q", b"m")
    assert client.silent
    client.connection.resume_writing()
    assert client.bodies() == [b"m"]


def test_long_bodies_are_not_joined(engine, client, monkeypatch):
    pieces: list[int] = []
    client.declare("q")
    client.consume("q")
    monkeypatch.setattr(
        client.wire, "writelines", lambda data: pieces.append(len(data)), raising=False
    )
    before = client.connection.sent_bytes
    client.publish("", "q", b"x" * 100_000)
    engine.run()
    assert len(pieces) == 1
    assert client.connection.sent_bytes - before >= 100_000


# -- the log


def test_what_is_logged(engine, caplog):
    caplog.set_level(logging.INFO, "leveret")
    client = engine.connect()
    client.send_method(1, "queue.declare", queue="q", passive=True)
    client.expect_close(404, channel=1)
    client.send_method(1, "basic.deliver")
    client.send_method(2, "basic.deliver")
    client.expect_close(504)
    text = caplog.text
    assert "user guest opened vhost /" in text
    assert "channel 1: NOT_FOUND - no queue 'q'" in text
    assert "closing: CHANNEL_ERROR" in text


def test_every_method_of_the_protocol_is_known_or_refused_in_order(engine):
    for name in METHODS:
        if name.startswith("connection."):
            continue
        client = engine.connect(channels=(1, 2))
        client.send(method_frame(1, name))
        client.read_all()
        client.abort()
    other = engine.connect()
    other.call(1, "basic.qos")
