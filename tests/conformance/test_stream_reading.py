"""Readers of streams: from where, what, how much at a time, filters (checklist 335-350)."""

import datetime
from typing import Any

import pytest

from tests.conformance.helpers import (
    Inbox,
    bodies,
    offsets,
    publish,
    queue_text,
    refused,
    until_ready,
)
from tests.support.encoding import Typed
from tests.support.eventually import eventually
from tests.support.wire import publish_frames

# Where reading starts


@pytest.mark.checklist(343)
def test_two_readers_read_everything(channel, stream, read):
    queue = stream(*bodies(10))
    one, other = read(queue, "first"), read(queue, "first")
    for box in (one, other):
        assert box.wait(10) == bodies(10)
        assert offsets(box) == list(range(10))
    one.ack_all()
    until_ready(channel, queue, 10)


@pytest.mark.checklist(343)
def test_reading_again_starts_afresh(stream, read):
    queue = stream(*bodies(3))
    box = read(queue, "first")
    box.wait(3)
    box.ack_all()
    box.channel.basic_cancel(box.tag)
    assert read(queue, "first").wait(3) == bodies(3)


@pytest.mark.checklist(339, 344)
@pytest.mark.parametrize("offset", [None, "next"])
def test_reading_what_comes(channel, stream, read, offset):
    queue = stream(*bodies(3))
    box = read(queue, offset)
    publish(channel, "", queue, *bodies(2, 3))
    assert box.wait(2) == bodies(2, 3)
    assert offsets(box) == [3, 4]


@pytest.mark.checklist(339)
def test_reading_from_the_last_batch(stream, read):
    queue = stream(*bodies(5))
    box = read(queue, "last")
    eventually(lambda: box.pump() and b"4" in box.bodies)
    first = offsets(box)[0]
    assert box.bodies == bodies(5 - first, first)


@pytest.mark.checklist(339)
@pytest.mark.parametrize("kind", ["b", "s", "I", "l"])
def test_reading_from_an_offset(wire, stream, kind):
    queue = stream(*bodies(5))
    client = wire()
    client.call(1, "basic.qos", prefetch_count=10)
    client.call(1, "basic.consume", queue=queue, arguments={"x-stream-offset": Typed(kind, 3)})
    got = client.expect_content("basic.deliver")
    assert (got.body, got.properties["headers"]["x-stream-offset"]) == (b"3", Typed("l", 3))


@pytest.mark.checklist(339)
def test_reading_from_an_offset_to_come(channel, stream, read):
    queue = stream(*bodies(2))
    box = read(queue, 4)
    publish(channel, "", queue, *bodies(2, 2))
    assert box.settle() == []
    publish(channel, "", queue, *bodies(2, 4))
    assert box.wait(2) == bodies(2, 4)
    assert offsets(box) == [4, 5]


@pytest.mark.checklist(350)
def test_a_negative_offset_is_the_first(stream, read):
    queue = stream(*bodies(3))
    assert read(queue, -2).wait(3) == bodies(3)


@pytest.mark.checklist(339)
@pytest.mark.parametrize("interval", ["1h", "30m", "7D", "1Y"])
def test_reading_since_an_interval(stream, read, interval):
    queue = stream(*bodies(3))
    assert read(queue, interval).wait(3) == bodies(3)


@pytest.mark.checklist(339)
def test_reading_since_before_the_beginning(stream, read):
    queue = stream(*bodies(3))
    long_ago = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    assert read(queue, long_ago).wait(3) == bodies(3)


@pytest.mark.checklist(339)
def test_reading_since_a_time_to_come(channel, stream, read):
    queue = stream(*bodies(3))
    some_day = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
    box = read(queue, some_day)
    publish(channel, "", queue, "new")
    assert box.wait(1) == [b"new"]


@pytest.mark.checklist(340)
@pytest.mark.differs("fails with 541")
@pytest.mark.parametrize(
    ("offset", "shown"), [("foo", '"foo"'), ("", ""), ("1x", '"1x"'), ("0s", '"0s"')]
)
def test_an_invalid_offset(stream, read, offset, shown):
    queue = stream("m")
    with refused(
        406,
        f"PRECONDITION_FAILED - invalid arg 'x-stream-offset' for {queue_text(queue)}: "
        f"{{invalid_stream_offset_arg,{{longstr,<<{shown}>>}}}}",
    ):
        read(queue, offset)


# What is delivered


@pytest.mark.checklist(343)
def test_properties_are_as_published(channel, client, stream, name):
    queue, exchange = stream(), name("x")
    channel.exchange_declare(exchange, "fanout")
    channel.queue_bind(queue, exchange)
    properties: dict[str, Any] = {
        "content_type": "text/plain",
        "content_encoding": "utf-8",
        "headers": {"a": Typed("I", 1), "z": Typed("S", "two")},
        "delivery_mode": 1,
        "priority": 3,
        "correlation_id": "c",
        "message_id": "m",
        "timestamp": 1_700_000_000,
        "type": "t",
        "app_id": "app",
    }
    client.call(1, "confirm.select")
    sets: list[dict[str, Any]] = [
        properties,
        properties | {"headers": None},
        {"content_type": "a"},
        {},
    ]
    for each in sets:
        given = {key: value for key, value in each.items() if value is not None}
        client.send(publish_frames(1, exchange, "the key", b"body", **given))
        client.expect("basic.ack")
    client.call(1, "basic.qos", prefetch_count=10)
    start = {"x-stream-offset": "first"}
    client.call(1, "basic.consume", queue=queue, consumer_tag="c", arguments=start)
    for offset, each in enumerate(sets):
        got = client.expect_content("basic.deliver", consumer_tag="c", redelivered=False)
        assert got.method.arguments["delivery_tag"] == offset + 1
        assert got.method.arguments["exchange"] == exchange
        assert got.method.arguments["routing_key"] == "the key"
        assert got.body == b"body"
        headers = got.properties.pop("headers")
        assert headers == (each.get("headers") or {}) | {"x-stream-offset": Typed("l", offset)}
        given = {k: v for k, v in each.items() if v is not None and k != "headers"}
        assert got.properties == given


@pytest.mark.checklist(343)
@pytest.mark.parametrize("size", [0, 1, 4088, 4089, 20_000])
def test_bodies_of_any_size(wire, stream, size):
    queue, client = stream(), wire(frame_max=4096)
    body = bytes(size)
    for _ in range(2):
        client.send(publish_frames(1, "", queue, body, frame_max=4096))
    client.call(1, "basic.qos", prefetch_count=10)
    start = {"x-stream-offset": "first"}
    client.call(1, "basic.consume", queue=queue, arguments=start)
    for offset in range(2):
        got = client.expect_content("basic.deliver")
        assert got.body == body
        assert max(got.bodies, default=0) <= 4088
        assert got.properties["headers"]["x-stream-offset"] == Typed("l", offset)


@pytest.mark.checklist(343)
def test_a_message_that_was_read_gets_a_new_offset(channel, stream, read):
    queue = stream()
    headers = {"x-stream-offset": 7, "mine": "kept"}
    for _ in range(2):
        publish(channel, "", queue, "m", headers=headers)
    box = read(queue, "first")
    box.wait(2)
    assert [properties.headers for _, properties, _ in box.deliveries] == [
        {"x-stream-offset": offset, "mine": "kept"} for offset in range(2)
    ]


@pytest.mark.checklist(343)
def test_expiration_and_priority_mean_nothing(channel, stream, read):
    queue = stream()
    publish(channel, "", queue, "1", expiration="1")
    publish(channel, "", queue, "2", priority=9)
    assert read(queue, "first").wait(2) == [b"1", b"2"]
    until_ready(channel, queue, 2)


@pytest.mark.checklist(215)
def test_the_exclusive_flag_means_nothing(connection, stream):
    queue = stream("m")
    boxes = []
    for _ in range(2):
        channel = connection.channel()
        channel.basic_qos(prefetch_count=5)
        start = {"x-stream-offset": "first"}
        boxes.append(Inbox(channel, queue, exclusive=True, arguments=start))
    for box in boxes:
        assert box.wait(1) == [b"m"]


# Credit


@pytest.mark.checklist(341)
def test_each_ack_is_worth_one_message(stream, read):
    queue = stream(*bodies(10))
    box = read(queue, "first", prefetch=2)
    box.wait(2)
    assert box.settle() == bodies(2)
    box.channel.basic_ack(1)
    box.wait(3)
    assert box.settle() == bodies(3)
    box.channel.basic_ack(3, multiple=True)
    box.wait(5)
    assert box.settle() == bodies(5)


@pytest.mark.checklist(341)
def test_acks_out_of_order(stream, read):
    queue = stream(*bodies(10))
    box = read(queue, "first", prefetch=3)
    box.wait(3)
    for done, tag in enumerate([3, 1, 2, 4], start=4):
        box.channel.basic_ack(tag)
        box.wait(done)
        assert box.settle() == bodies(done)


@pytest.mark.checklist(242, 341)
def test_an_ack_counts_once(stream, read):
    queue = stream(*bodies(3))
    box = read(queue, "first", prefetch=1)
    box.wait(1)
    box.channel.basic_ack(1)
    box.wait(2)
    with refused(406, "PRECONDITION_FAILED - unknown delivery tag 1"):
        box.channel.basic_ack(1)
        box.settle()


@pytest.mark.checklist(342)
@pytest.mark.differs("refuses them with 540")
@pytest.mark.parametrize("how", ["nack", "nack requeue", "reject", "reject requeue"])
def test_returns_are_worth_one_message_too(channel, stream, read, how):
    queue = stream(*bodies(5))
    box = read(queue, "first", prefetch=1)
    settle = box.channel.basic_nack if how.startswith("nack") else box.channel.basic_reject
    for tag in range(1, 5):
        box.wait(tag)
        settle(tag, requeue=how.endswith("requeue"))
    assert box.wait(5) == bodies(5)
    assert offsets(box) == list(range(5))
    assert not any(method.redelivered for method, _, _ in box.deliveries)
    until_ready(channel, queue, 5)


@pytest.mark.checklist(341)
def test_many_messages_pass_a_small_prefetch(channel, client, stream, read):
    queue, count = stream(), 3000
    client.call(1, "confirm.select")
    client.send(*(publish_frames(1, "", queue, body) for body in bodies(count)))
    until_ready(channel, queue, count)
    while client.read_method().arguments["delivery_tag"] < count:
        pass
    client.call(2, "channel.open")
    client.call(2, "basic.qos", prefetch_count=50)
    start = {"x-stream-offset": "first"}
    client.call(2, "basic.consume", queue=queue, arguments=start)
    for expected in range(count):
        got = client.expect_content("basic.deliver")
        assert got.properties["headers"]["x-stream-offset"] == Typed("l", expected)
        assert got.body == str(expected).encode()
        if expected % 25 == 24:
            client.send_method(2, "basic.ack", delivery_tag=expected + 1, multiple=True)


@pytest.mark.checklist(344)
def test_a_reader_at_the_tail_gets_messages_at_once(channel, stream, read):
    queue = stream()
    boxes = [read(queue, "next") for _ in range(3)]
    for number in range(10):
        publish(channel, "", queue, str(number))
        for box in boxes:
            assert box.wait(number + 1) == bodies(number + 1)


# Filters

FRUIT = ["apple", "banana", None, "banana", "pear", None]


@pytest.fixture
def fruit(channel, stream):
    """A stream of messages with filter values, whose bodies are their offsets."""
    queue = stream()
    for number, value in enumerate(FRUIT):
        headers = {"n": number} if value is None else {"x-stream-filter-value": value}
        publish(channel, "", queue, str(number), headers=headers)
    return queue


@pytest.mark.checklist(347, 348)
@pytest.mark.differs("has no filters")
@pytest.mark.parametrize(
    ("wanted", "unfiltered", "expected"),
    [
        ("banana", None, [1, 3]),
        ("banana", False, [1, 3]),
        (["banana", "apple"], None, [0, 1, 3]),
        ("banana", True, [1, 2, 3, 5]),
        ("kiwi", True, [2, 5]),
        ("pear", None, [4]),
    ],
)
def test_filters(channel, fruit, read, wanted, unfiltered, expected):
    arguments = {"x_stream_filter": wanted}
    if unfiltered is not None:
        arguments["x_stream_match_unfiltered"] = unfiltered
    box = read(fruit, "first", **arguments)
    assert offsets_after(box, len(expected)) == expected


@pytest.mark.checklist(347)
@pytest.mark.differs("has no filters")
def test_filtered_messages_take_no_credit(fruit, read):
    box = read(fruit, "first", prefetch=1, x_stream_filter="banana")
    assert offsets_after(box, 1) == [1]
    box.channel.basic_ack(1)
    assert offsets_after(box, 2) == [1, 3]


@pytest.mark.checklist(347)
@pytest.mark.differs("has no filters")
def test_a_filter_must_be_text(fruit, read):
    with refused(
        406,
        f"PRECONDITION_FAILED - invalid arg 'x-stream-filter' for {queue_text(fruit)}: "
        "{unacceptable_type,signedint}",
    ):
        read(fruit, x_stream_filter=1)


def offsets_after(box, count):
    box.wait(count)
    box.settle()
    return offsets(box)
