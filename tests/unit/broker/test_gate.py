"""What alarms mean to connections (spec 9.1)."""

import pytest

from tests.support.wire import (
    CAPABLE,
    body_frame,
    content_frames,
    header_frame,
    method_frame,
    publish_frames,
)


@pytest.fixture
def alarms(engine):
    return engine.context.alarms


@pytest.fixture
def queue(client):
    return client.declare("q")


def test_nothing_is_said_when_an_alarm_goes_on(client, alarms, queue):
    alarms.set("memory", True)
    assert client.silent
    assert client.connection.state == "blocking"
    assert client.wire.reading
    client.declare("another")
    alarms.set("memory", False)
    assert client.silent
    assert client.connection.state == "running"


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        (["memory"], "low on memory"),
        (["disk"], "low on disk"),
        (["disk", "memory"], "low on memory & disk"),
    ],
)
def test_the_first_message_blocks(client, alarms, queue, resources, reason):
    for resource in resources:
        alarms.set(resource, True)
    client.call(1, "confirm.select")
    client.publish("", "q", b"m")
    client.expect("connection.blocked", 0, reason=reason)
    assert client.silent
    assert client.connection.state == "blocked"
    assert not client.wire.reading
    for resource in resources:
        alarms.set(resource, False)
    assert client.names() == ["connection.unblocked", "basic.ack"]
    assert client.connection.state == "running"
    assert client.wire.reading
    assert queue.message_count == 1


def test_what_comes_before_is_done_and_what_comes_behind_waits(client, alarms, queue):
    client.publish("", "q", b"0")
    client.consume("q", prefetch=1)
    assert client.bodies() == [b"0"]
    alarms.set("disk", True)
    client.send(
        method_frame(1, "queue.declare", queue="before"),
        publish_frames(1, "", "q", b"1"),
        publish_frames(1, "", "q", b"2"),
        method_frame(1, "basic.ack", delivery_tag=1),
        method_frame(1, "queue.declare", queue="behind"),
    )
    assert client.names() == ["queue.declare-ok", "connection.blocked"]
    client.send_method(1, "basic.qos")
    assert queue.unacked == 1
    alarms.set("disk", False)
    assert client.names() == [
        "connection.unblocked",
        "queue.declare-ok",
        "basic.deliver",
        "basic.qos-ok",
    ]


def test_a_durable_declare_before_it_is_answered_first(engine, client, alarms, queue):
    alarms.set("disk", True)
    with engine.disk_held():
        client.send(
            method_frame(1, "queue.declare", queue="before", durable=True),
            publish_frames(1, "", "q", b"1"),
        )
        assert client.silent
    assert client.names() == ["queue.declare-ok", "connection.blocked"]
    alarms.set("disk", False)
    engine.run()
    assert queue.message_count == 1


@pytest.mark.parametrize("body", [b"", b"part"])
def test_half_a_message_blocks(client, alarms, queue, body):
    alarms.set("memory", True)
    start = method_frame(1, "basic.publish", exchange="", routing_key="q") + header_frame(1, 10)
    client.send(start + (body_frame(1, body) if body else b""))
    assert client.names() == ["connection.blocked"]
    client.send(body_frame(1, bytes(10 - len(body))))
    assert queue.message_count == 0
    alarms.set("memory", False)
    assert client.names() == ["connection.unblocked"]
    assert queue.message_count == 1


def test_half_a_message_from_before_does_not_block_until_more_of_it_comes(client, alarms, queue):
    client.send(method_frame(1, "basic.publish", exchange="", routing_key="q"))
    client.send(header_frame(1, 4), body_frame(1, b"a"))
    alarms.set("memory", True)
    client.call(0, "connection.update-secret", new_secret="s", reason="")
    assert client.silent
    client.send(body_frame(1, b"b"))
    assert client.names() == ["connection.blocked"]
    client.send(body_frame(1, b"cd"))
    alarms.set("memory", False)
    assert client.names() == ["connection.unblocked"]
    assert queue.message_count == 1


def test_a_method_alone_does_not_block(client, alarms, queue):
    alarms.set("memory", True)
    client.send(method_frame(1, "basic.publish", exchange="", routing_key="q"))
    assert client.silent
    client.send(content_frames(1, b"m"))
    assert client.names() == ["connection.blocked"]


def test_an_alarm_that_was_there_first(engine, alarms):
    alarms.set("memory", True)
    client = engine.connect()
    assert client.connection.state == "blocking"
    client.publish("", "q", b"m")
    assert client.names() == ["connection.blocked"]


def test_a_second_alarm_says_nothing(client, alarms, queue):
    alarms.set("memory", True)
    client.publish("", "q", b"m")
    client.expect("connection.blocked", 0, reason="low on memory")
    alarms.set("disk", True)
    assert client.silent
    alarms.set("memory", False)
    assert client.silent
    alarms.set("disk", False)
    assert client.names() == ["connection.unblocked"]


def test_an_alarm_again(client, alarms, queue):
    for count in (1, 2):
        alarms.set("memory", True)
        client.publish("", "q", b"m")
        assert client.names() == ["connection.blocked"]
        alarms.set("memory", False)
        assert client.names() == ["connection.unblocked"]
        assert queue.message_count == count


def test_an_alarm_again_before_what_was_held_up_went_on(client, alarms, queue):
    alarms.set("memory", True)
    client.publish("", "q", b"m")
    assert client.names() == ["connection.blocked"]
    alarms.set("memory", False)
    alarms.set("memory", True)
    assert client.names() == ["connection.unblocked", "connection.blocked"]
    alarms.set("memory", False)
    assert client.names() == ["connection.unblocked"]
    assert queue.message_count == 1


def test_who_cannot_be_told_is_not(engine, alarms):
    told = {**CAPABLE["capabilities"], "connection.blocked": False}
    client = engine.connect(client_properties={"capabilities": told})
    queue = client.declare("q")
    alarms.set("memory", True)
    client.publish("", "q", b"m")
    assert client.silent
    assert not client.wire.reading
    alarms.set("memory", False)
    assert client.silent
    assert queue.message_count == 1


def test_consumers_go_on(engine, client, alarms, queue):
    for number in range(3):
        client.publish("", "q", b"%d" % number)
    reader = engine.connect()
    alarms.set("memory", True)
    reader.consume("q", prefetch=1)
    for number in range(3):
        assert reader.bodies() == [b"%d" % number]
        reader.ack(number + 1)
    engine.run()
    assert queue.acked == 3


def test_deliveries_to_a_blocked_connection_go_on(engine, client, alarms, queue):
    client.publish("", "q", b"1")
    alarms.set("memory", True)
    client.consume("q", prefetch=1)
    client.publish("", "q", b"2")
    assert client.names() == ["basic.deliver", "connection.blocked"]


def test_a_blocked_client_need_not_be_heard(engine, alarms):
    client = engine.connect(heartbeat=2)
    alarms.set("memory", True)
    client.publish("", "q", b"m")
    engine.advance(60)
    assert not client.wire.closed
    alarms.set("memory", False)
    engine.advance(10)
    assert client.wire.closed


def test_a_blocked_connection_is_closed_in_order(engine, client, alarms, queue):
    alarms.set("memory", True)
    client.publish("", "q", b"m")
    assert client.names() == ["connection.blocked"]
    client.connection.force_close("bye")
    assert client.names() == ["connection.close"]
    client.send_method(0, "connection.close-ok")
    engine.run()
    assert client.wire.closed
    assert queue.message_count == 0


def test_a_blocked_connection_may_be_lost(engine, client, alarms, queue):
    alarms.set("memory", True)
    client.publish("", "q", b"m")
    client.abort()
    alarms.set("memory", False)
    engine.run()
    assert not engine.context.connections


# -- refusing --------------------------------------------------------------------------------


@pytest.fixture
def refusing(alarms):
    alarms.refuses = True
    return alarms


def test_who_asks_for_confirms_is_refused(client, refusing, queue):
    client.call(1, "confirm.select")
    client.publish("", "q", b"0")
    refusing.set("memory", True)
    client.send(*[publish_frames(1, "", "q", b"m")] * 2)
    refusing.set("memory", False)
    client.publish("", "q", b"3")
    methods = [(each.name, each.arguments["delivery_tag"]) for each in client.read_all()]
    assert methods == [
        ("basic.ack", 1),
        ("basic.nack", 2),
        ("basic.nack", 3),
        ("basic.ack", 4),
    ]
    assert queue.message_count == 2


def test_confirms_asked_for_in_the_same_breath(client, refusing, queue):
    refusing.set("memory", True)
    client.send(method_frame(1, "confirm.select"), publish_frames(1, "", "q", b"m"))
    assert client.names() == ["confirm.select-ok", "basic.nack"]
    assert client.connection.state == "blocking"


def test_what_is_refused_is_not_returned(client, refusing):
    client.call(1, "confirm.select")
    refusing.set("memory", True)
    client.publish("", "nowhere", b"m", mandatory=True)
    assert client.names() == ["basic.nack"]


def test_a_transaction_waits(client, refusing, queue):
    client.call(1, "tx.select")
    refusing.set("memory", True)
    client.send(publish_frames(1, "", "q", b"m"), method_frame(1, "tx.commit"))
    assert client.names() == ["connection.blocked"]
    assert queue.message_count == 0
    refusing.set("memory", False)
    assert client.names() == ["connection.unblocked", "tx.commit-ok"]
    assert queue.message_count == 1


def test_who_cannot_be_refused_is_blocked(client, refusing, queue):
    refusing.set("memory", True)
    client.publish("", "q", b"m")
    assert client.names() == ["connection.blocked"]
    refusing.set("memory", False)
    assert client.names() == ["connection.unblocked"]
    assert queue.message_count == 1
