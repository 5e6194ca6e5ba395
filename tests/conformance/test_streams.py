"""Streams: declaring, what they refuse, retention, dead letters (checklist 335-350)."""

import pika
import pytest

from tests.conformance.helpers import (
    STREAM,
    bodies,
    connection_refused,
    declare,
    exists,
    get,
    offsets,
    publish,
    queue_text,
    ready,
    refused,
    until_ready,
)
from tests.support.eventually import eventually, stays

# Declaring, deleting


@pytest.mark.checklist(335)
def test_declaring_twice(channel, stream):
    queue = stream("m")
    until_ready(channel, queue, 1)
    again = channel.queue_declare(queue, durable=True, arguments=STREAM)
    assert (again.method.message_count, again.method.consumer_count) == (1, 0)


@pytest.mark.checklist(335)
def test_declaring_as_another_type(channel, stream):
    queue = stream()
    with refused(
        406,
        f"PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for {queue_text(queue)}: "
        "received 'quorum' but current is 'stream'",
    ):
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})


@pytest.mark.checklist(336)
@pytest.mark.parametrize("age", ["1Y", "2M", "3D", "4h", "5m", "5s"])
def test_max_age(channel, stream, age):
    queue = stream(x_max_age=age)
    until_ready(channel, queue, 0)


# What does not begin with a digit.
BAD, FAILS = ["s", "-1s", ""], pytest.mark.differs("fails with 541")


@pytest.mark.checklist(336)
@pytest.mark.parametrize("age", ["1x", "1", "1h30m", *(pytest.param(a, marks=FAILS) for a in BAD)])
def test_bad_max_age(channel, name, age):
    queue = name("stream")
    with refused(
        406,
        f"PRECONDITION_FAILED - invalid arg 'x-max-age' for {queue_text(queue)}: invalid_max_age",
    ):
        channel.queue_declare(queue, durable=True, arguments=STREAM | {"x-max-age": age})


@pytest.mark.checklist(337)
def test_segment_too_large(channel, name):
    options = {"x-stream-max-segment-size-bytes": 3_000_000_001}
    with refused(
        406, "PRECONDITION_FAILED - Exceeded max value for x-stream-max-segment-size-bytes"
    ):
        channel.queue_declare(name("stream"), durable=True, arguments=STREAM | options)


@pytest.mark.checklist(337)
@pytest.mark.differs("has no filters")
@pytest.mark.parametrize("size", [15, 256])
def test_bad_filter_size(channel, name, size):
    options = {"x-stream-filter-size-bytes": size}
    with refused(406, "PRECONDITION_FAILED - Invalid value for x-stream-filter-size-bytes"):
        channel.queue_declare(name("stream"), durable=True, arguments=STREAM | options)


@pytest.mark.checklist(335)
@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({}, "non-durable"),
        ({"durable": True, "exclusive": True}, "exclusive-owner"),
        ({"durable": True, "auto_delete": True}, "auto-delete"),
    ],
)
def test_properties_that_a_stream_cannot_have(channel, name, options, wrong):
    queue = name("stream")
    with refused(406, f"PRECONDITION_FAILED - invalid property '{wrong}' for {queue_text(queue)}"):
        channel.queue_declare(queue, arguments=STREAM, **options)


@pytest.mark.checklist(345)
def test_deleting_tells_its_readers(channel, stream, read):
    queue = stream("m")
    box = read(queue, "first")
    box.wait(1)
    assert channel.queue_delete(queue).method.message_count == 0
    eventually(lambda: box.pump() and box.cancelled)


@pytest.mark.checklist(345)
@pytest.mark.parametrize("flag", ["if_empty", "if_unused"])
def test_deleting_heeds_no_flags(connection, channel, stream, read, flag):
    queue = stream("m")
    read(queue, "first").wait(1)
    assert channel.queue_delete(queue, **{flag: True}).method.message_count == 0
    assert not exists(connection, queue)


# What a stream refuses


@pytest.mark.checklist(338)
def test_get_is_refused(client, stream):
    queue = stream("m")
    client.send_method(1, "basic.get", queue=queue)
    client.expect_close(
        540,
        f"NOT_IMPLEMENTED - basic.get not supported by stream queues {queue_text(queue)}",
        at=(60, 70),
    )


@pytest.mark.checklist(338)
def test_purge_is_refused(client, channel, stream):
    queue = stream("m")
    client.send_method(1, "queue.purge", queue=queue)
    client.expect_close(
        540,
        f"NOT_IMPLEMENTED - queue.purge not supported by stream queues {queue_text(queue)}",
        at=(50, 30),
    )
    until_ready(channel, queue, 1)


@pytest.mark.checklist(338)
def test_consuming_without_acks_is_refused(client, target, stream):
    queue = stream("m")
    what = f"queues {queue_text(queue)}" if target.is_rabbitmq else queue_text(queue)
    client.call(1, "basic.qos", prefetch_count=5)
    client.send_method(1, "basic.consume", queue=queue, no_ack=True)
    client.expect_close(
        540,
        f"NOT_IMPLEMENTED - automatic acknowledgement not supported by stream {what}",
        at=(60, 20),
    )


@pytest.mark.checklist(338)
def test_consuming_without_a_prefetch_is_refused(client, target, stream):
    queue = stream("m")
    client.send_method(1, "basic.consume", queue=queue)
    what = f"'{queue_text(queue)}'" if target.is_rabbitmq else f"stream {queue_text(queue)}"
    client.expect_close(
        406,
        f"PRECONDITION_FAILED - consumer prefetch count is not set for {what}",
        channel=1,
        at=(60, 20),
    )


@pytest.mark.checklist(338)
def test_a_global_prefetch_is_no_prefetch(client, stream):
    queue = stream("m")
    client.call(1, "basic.qos", prefetch_count=5, global_=True)
    client.send_method(1, "basic.consume", queue=queue)
    client.expect_close(406, "PRECONDITION_FAILED - consumer prefetch count*", channel=1)


@pytest.mark.checklist(232, 338)
def test_a_global_prefetch_is_refused(client, stream):
    queue = stream("m")
    client.call(1, "basic.qos", prefetch_count=5)
    client.call(1, "basic.qos", prefetch_count=5, global_=True)
    client.send_method(1, "basic.consume", queue=queue)
    client.expect_close(
        540, f"NOT_IMPLEMENTED - {queue_text(queue)} does not support global qos", at=(60, 20)
    )


@pytest.mark.checklist(214)
@pytest.mark.differs("takes the argument")
def test_priorities_are_refused(connection, stream):
    queue = stream("m")
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)
    with refused(
        406,
        f"PRECONDITION_FAILED - invalid arg 'x-priority' for {queue_text(queue)} "
        "of queue type rabbit_stream_queue",
    ):
        channel.basic_consume(queue, print, arguments={"x-priority": 1})


# Retention


def until_last(box, ending):
    eventually(lambda: box.pump() and box.bodies and box.bodies[-1].endswith(ending))


@pytest.mark.checklist(346)
def test_old_segments_go_by_size(channel, stream, read):
    limits = {"x_max_length_bytes": 2000, "x_stream_max_segment_size_bytes": 500}
    queue = stream(*bodies(40), **limits)
    for body in bodies(60, 40):
        publish(channel, "", queue, body.rjust(50))
    eventually(lambda: ready(channel, queue) < 70)
    # Reading now begins in the middle, wherever it is asked to begin before that.
    for start in ("first", 0):
        box = read(queue, start)
        until_last(box, b"99")
        numbers = [int(body) for body in box.bodies]
        assert 0 < numbers[0] < 99
        assert numbers == list(range(numbers[0], 100))
        # RabbitMQ uses up an offset of its own with each segment.
        assert offsets(box) == sorted(set(offsets(box)))
        assert offsets(box)[0] >= numbers[0]


@pytest.mark.checklist(346)
def test_the_current_segment_stays(channel, stream):
    queue = stream(*bodies(20), x_max_length_bytes=1)
    publish(channel, "", queue, "more")
    until_ready(channel, queue, 21)


@pytest.mark.checklist(346)
def test_old_segments_go_by_age(channel, stream):
    queue = stream(*bodies(30), x_max_age="1s", x_stream_max_segment_size_bytes=200)
    stays(lambda: ready(channel, queue) <= 30, 1.1)  # until they are old enough

    def fewer():
        publish(channel, "", queue, "new".rjust(100))
        return ready(channel, queue) < 30

    eventually(fewer)


# Dead letters


@pytest.mark.checklist(349)
@pytest.mark.differs("drops them, 3.10.8 at least")
def test_a_stream_takes_dead_letters(channel, stream, read):
    queue = stream()
    options = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}
    source = declare(channel, arguments=options)
    publish(channel, "", source, "dead")
    channel.basic_reject(get(channel, source)[0].delivery_tag, requeue=False)
    until_ready(channel, queue, 1)
    box = read(queue, "first")
    assert box.wait(1) == [b"dead"]
    headers = box.deliveries[0][1].headers
    assert (headers["x-death"][0]["reason"], headers["x-stream-offset"]) == ("rejected", 0)


@pytest.mark.checklist(342)
def test_closing_the_channel_returns_nothing(connection, channel, stream, read):
    queue = stream(*bodies(3))
    box = read(queue, "first")
    box.wait(3)
    box.channel.close()
    until_ready(channel, queue, 3)
    assert read(queue, "first").wait(3) == bodies(3)


@pytest.mark.checklist(338)
def test_the_connection_survives_a_refused_prefetch(connection, stream):
    queue = stream("m")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        connection.channel().basic_consume(queue, print)
    with connection_refused(
        540, f"NOT_IMPLEMENTED - basic.get not supported by stream queues {queue_text(queue)}"
    ):
        connection.channel().basic_get(queue)
