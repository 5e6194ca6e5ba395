"""Channels: numbers, closing, errors, no-wait, the most recently declared queue (67-84)."""

import pytest

from tests.support.eventually import eventually
from tests.support.wire import method_frame, publish_frames

NO_QUEUE_YET = "NOT_FOUND - no previously declared queue"


def error(client, channel=1):
    """Provoke a channel error; channel.close is on its way."""
    client.send_method(channel, "queue.declare", queue="missing", passive=True)


@pytest.mark.checklist(67)
@pytest.mark.parametrize("number", [3000, 65535])
def test_channel_number_over_channel_max(client, number):
    client.call(number, "channel.open")


@pytest.mark.checklist(68)
def test_count_of_channels_is_limited(wire):
    client = wire(channel_max=2, channels=(1, 9))
    client.send_method(2, "channel.open")
    client.expect_close(
        530,
        "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)",
        at=(0, 0),
    )


@pytest.mark.checklist(68)
def test_closed_channels_do_not_count(wire):
    client = wire(channel_max=2, channels=(1, 2))
    client.call(1, "channel.close", reply_code=200)
    client.call(3, "channel.open")


@pytest.mark.checklist(69)
@pytest.mark.parametrize(
    ("method", "at"),
    [
        ("queue.declare", (50, 10)),
        ("basic.qos", (60, 10)),
        ("channel.close", (20, 40)),
        ("channel.close-ok", (20, 41)),
        ("confirm.select", (85, 10)),
    ],
)
def test_method_on_a_channel_that_is_not_open(client, method, at):
    client.send_method(2, method)
    client.expect_close(504, "CHANNEL_ERROR - expected 'channel.open'", at=at)


@pytest.mark.checklist(70)
def test_channel_opened_twice(client):
    client.send_method(1, "channel.open")
    client.expect_close(504, "CHANNEL_ERROR - second 'channel.open' seen", at=(20, 10))


@pytest.mark.checklist(71)
def test_frames_on_a_closing_channel_are_ignored(client, name):
    queue = name("q")
    error(client)
    client.expect_close(404, channel=1, at=(50, 10))
    client.send(
        publish_frames(1, "", "nowhere", b"ignored", mandatory=True),
        method_frame(1, "queue.declare", queue=queue),
        method_frame(1, "basic.ack", delivery_tag=99),
        method_frame(1, "channel.close-ok"),
        method_frame(1, "channel.open"),
    )
    client.expect("channel.open-ok", 1)
    error(client)
    client.expect_close(404, channel=1)
    client.send_method(1, "channel.close-ok")
    client.call(1, "channel.open")
    client.send_method(1, "queue.declare", queue=queue, passive=True)
    client.expect_close(404, f"NOT_FOUND - no queue '{queue}' in vhost '/'", channel=1)


@pytest.mark.checklist(72)
def test_channel_number_is_free_after_close_ok(client):
    for _ in range(3):
        error(client)
        client.expect_close(404, channel=1)
        client.send(method_frame(1, "channel.close-ok"), method_frame(1, "channel.open"))
        client.expect("channel.open-ok", 1)


@pytest.mark.checklist(73)
def test_crossing_closes(client):
    error(client)
    client.send_method(1, "channel.close", reply_code=200)
    client.expect_close(404, channel=1)
    client.expect("channel.close-ok", 1)
    client.send(method_frame(1, "channel.close-ok"), method_frame(1, "channel.open"))
    client.expect("channel.open-ok", 1)


@pytest.mark.checklist(74)
def test_open_before_close_ok(client):
    error(client)
    client.expect_close(404, channel=1)
    client.send_method(1, "channel.open")
    client.expect_close(504, "CHANNEL_ERROR - second 'channel.open' seen", at=(20, 10))


@pytest.mark.checklist(75)
@pytest.mark.differs("may answer 504 when both come in one segment")
def test_close_and_open_in_one_go(client):
    for _ in range(3):
        client.send(
            method_frame(1, "channel.close", reply_code=200), method_frame(1, "channel.open")
        )
        client.expect("channel.close-ok", 1)
        client.expect("channel.open-ok", 1)


@pytest.mark.checklist(76)
@pytest.mark.differs("ends the connection with 504")
@pytest.mark.parametrize("method", ["basic.ack", "basic.nack", "basic.reject"])
def test_stray_settlement_on_a_just_closed_channel(client, method):
    client.call(1, "channel.close", reply_code=200)
    client.send_method(1, method, delivery_tag=1)
    client.call(2, "channel.open")


@pytest.mark.checklist(77)
def test_flow_true(client):
    client.send_method(1, "channel.flow", active=True)
    client.expect("channel.flow-ok", 1, active=True)


@pytest.mark.checklist(78)
def test_flow_false_is_not_implemented(client):
    client.send_method(1, "channel.flow", active=False)
    client.expect_close(540, "NOT_IMPLEMENTED - active=false", at=(20, 20))


@pytest.mark.checklist(79)
def test_access_request(client):
    client.send_method(1, "access.request", realm="/data", active=True)
    client.expect("access.request-ok", 1, ticket=1)


@pytest.mark.checklist(80)
@pytest.mark.parametrize(
    ("method", "at"),
    [
        ("basic.get", (60, 70)),
        ("basic.consume", (60, 20)),
        ("queue.bind", (50, 20)),
        ("queue.unbind", (50, 50)),
        ("queue.purge", (50, 30)),
        ("queue.delete", (50, 40)),
    ],
)
def test_empty_queue_name_with_nothing_declared(client, method, at):
    client.send_method(1, method)
    client.expect_close(404, NO_QUEUE_YET, channel=1, at=at)


@pytest.mark.checklist(80)
def test_passive_declare_of_the_empty_name(client):
    client.call(1, "queue.declare", exclusive=True)
    client.send_method(1, "queue.declare", passive=True)
    client.expect_close(404, "NOT_FOUND - no queue '' in vhost '/'", channel=1, at=(50, 10))


@pytest.mark.checklist(81)
def test_empty_key_follows_the_empty_queue_name(client):
    queue = client.call(1, "queue.declare", exclusive=True).arguments["queue"]
    client.call(1, "queue.bind", exchange="amq.direct")
    client.publish("amq.direct", queue, b"m")
    assert eventually(lambda: client.get("")).body == b"m"
    client.call(1, "queue.unbind", exchange="amq.direct")
    client.publish("amq.direct", queue, b"gone", mandatory=True)
    client.expect_content("basic.return", routing_key=queue)


@pytest.mark.checklist(81)
def test_empty_key_stays_empty_with_a_queue_name(client, name):
    exchange = name("x")
    client.call(1, "exchange.declare", exchange=exchange, type="direct")
    queue = client.call(1, "queue.declare", exclusive=True).arguments["queue"]
    client.call(1, "queue.bind", queue=queue, exchange=exchange)
    client.publish(exchange, "", b"m")
    assert eventually(lambda: client.get(queue)).body == b"m"


@pytest.mark.checklist(81)
def test_all_methods_take_the_declared_queue(client):
    queue = client.call(1, "queue.declare", exclusive=True).arguments["queue"]
    tag = client.call(1, "basic.consume").arguments["consumer_tag"]
    client.publish("", queue, b"m")
    client.expect_content("basic.deliver", consumer_tag=tag)
    client.call(1, "queue.purge")
    client.call(1, "queue.delete")
    client.expect("basic.cancel", 1, consumer_tag=tag)
    client.send_method(1, "basic.get")
    client.expect_close(404, f"NOT_FOUND - no queue '{queue}' in vhost '/'", channel=1)


@pytest.mark.checklist(82)
def test_declared_queue_belongs_to_its_channel(wire):
    client = wire(channels=(1, 2))
    client.call(1, "queue.declare", exclusive=True)
    client.send_method(2, "basic.consume")
    client.expect_close(404, NO_QUEUE_YET, channel=2, at=(60, 20))


@pytest.mark.checklist(81)
def test_passive_declare_sets_the_declared_queue(wire):
    client = wire(channels=(1, 2))
    queue = client.call(1, "queue.declare", exclusive=True).arguments["queue"]
    client.call(2, "queue.declare", queue=queue, passive=True)
    client.publish("", queue, b"m", channel=2)
    assert eventually(lambda: client.get("", channel=2)).body == b"m"


@pytest.mark.checklist(83)
def test_no_wait(client, name):
    exchange, other, queue = name("x"), name("y"), name("q")
    client.send(
        method_frame(1, "exchange.declare", exchange=exchange, type="fanout", nowait=True),
        method_frame(1, "exchange.declare", exchange=other, type="fanout", nowait=True),
        method_frame(1, "queue.declare", queue=queue, nowait=True),
        method_frame(1, "exchange.bind", destination=other, source=exchange, nowait=True),
        method_frame(1, "queue.bind", queue="", exchange=other, nowait=True),
        method_frame(1, "confirm.select", nowait=True),
        publish_frames(1, exchange, "", b"m"),
    )
    client.expect("basic.ack", 1, delivery_tag=1)
    client.send(
        method_frame(1, "exchange.unbind", destination=other, source=exchange, nowait=True),
        publish_frames(1, exchange, "", b"unroutable", mandatory=True),
    )
    client.expect_content("basic.return")
    client.expect("basic.ack", 1, delivery_tag=2)
    client.send(
        method_frame(1, "queue.purge", queue=queue, nowait=True),
        method_frame(1, "basic.get", queue=queue),
    )
    client.expect("basic.get-empty", 1)
    client.send(
        method_frame(1, "queue.delete", queue=queue, nowait=True),
        method_frame(1, "exchange.delete", exchange=exchange, nowait=True),
        method_frame(1, "exchange.declare", exchange=exchange, passive=True),
    )
    client.expect_close(404, f"NOT_FOUND - no exchange '{exchange}' in vhost '/'", channel=1)
    client.send(method_frame(1, "channel.close-ok"), method_frame(1, "channel.open"))
    client.expect("channel.open-ok", 1)
    client.send_method(1, "queue.declare", queue=queue, passive=True)
    client.expect_close(404, f"NOT_FOUND - no queue '{queue}' in vhost '/'", channel=1)


@pytest.mark.checklist(83)
def test_no_wait_consume_and_cancel(client):
    queue = client.call(1, "queue.declare", exclusive=True).arguments["queue"]
    client.send_method(1, "basic.consume", queue=queue, consumer_tag="c", nowait=True)
    client.publish("", queue, b"m")
    client.expect_content("basic.deliver", consumer_tag="c")
    client.send_method(1, "basic.cancel", consumer_tag="c", nowait=True)
    declared = client.call(1, "queue.declare", queue=queue, passive=True).arguments
    assert declared["consumer_count"] == 0


@pytest.mark.checklist(84)
def test_no_wait_declare_that_is_refused(client, name):
    queue = name("q")
    client.call(1, "queue.declare", queue=queue)
    client.send_method(1, "queue.declare", queue=queue, durable=True, nowait=True)
    client.expect_close(
        406,
        f"PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{queue}' in vhost '/': "
        "received 'true' but current is 'false'",
        channel=1,
        at=(50, 10),
    )


@pytest.mark.checklist(71)
def test_long_reply_text_is_cut(client):
    queue = "q" * 250
    client.send_method(1, "queue.declare", queue=queue, passive=True)
    full = f"NOT_FOUND - no queue '{queue}' in vhost '/'"
    client.expect_close(404, full[:252] + "...", channel=1, at=(50, 10))
