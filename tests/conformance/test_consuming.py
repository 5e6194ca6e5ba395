"""Consume, cancel, round robin, priorities, exclusive consumers, get (207-219 and 233-241)."""

import re

import aio_pika
import pytest

from tests.conformance.helpers import (
    Inbox,
    consumers,
    declare,
    get,
    publish,
    queue_text,
    ready,
    refused,
    take,
    until_ready,
)
from tests.support.eventually import eventually
from tests.support.wire import WireClient, method_frame

GENERATED_TAG = r"amq\.ctag-[A-Za-z0-9_-]{22}"


def in_use(queue):
    return f"ACCESS_REFUSED - {queue_text(queue)} in exclusive use"


def declared(client, **options):
    return client.call(1, "queue.declare", exclusive=True, **options).arguments["queue"]


@pytest.mark.checklist(207)
def test_consume_ok_precedes_deliveries(client):
    queue = declared(client)
    client.publish("", queue, b"m")
    client.send_method(1, "basic.consume", queue=queue)
    tag = client.expect("basic.consume-ok", 1).arguments["consumer_tag"]
    assert re.fullmatch(GENERATED_TAG, tag)
    delivery = client.expect_content("basic.deliver", consumer_tag=tag)
    assert delivery.body == b"m"
    assert delivery.method.arguments == {
        "consumer_tag": tag,
        "delivery_tag": 1,
        "redelivered": False,
        "exchange": "",
        "routing_key": queue,
    }


@pytest.mark.checklist(208)
def test_consume_without_waiting_and_without_a_tag(client):
    queue = declared(client)
    client.publish("", queue, b"m")
    client.send_method(1, "basic.consume", queue=queue, nowait=True)
    delivery = client.expect_content("basic.deliver")
    assert re.fullmatch(GENERATED_TAG, delivery.method.arguments["consumer_tag"])


@pytest.mark.checklist(209)
def test_consumer_tag_is_unique_on_its_channel(wire):
    client = wire(channels=(1, 2))
    queue = declared(client)
    for channel in (1, 2):
        client.call(channel, "basic.consume", queue=queue, consumer_tag="same")
    client.send_method(1, "basic.consume", queue=queue, consumer_tag="same")
    client.expect_close(530, "NOT_ALLOWED - attempt to reuse consumer tag 'same'", at=(60, 20))


@pytest.mark.checklist(209)
def test_consumer_tag_is_free_after_cancel(client):
    queue = declared(client)
    for _ in range(2):
        client.call(1, "basic.consume", queue=queue, consumer_tag="same")
        client.call(1, "basic.cancel", consumer_tag="same")


@pytest.mark.checklist(210)
def test_cancel_of_an_unknown_tag(client):
    client.send_method(1, "basic.cancel", consumer_tag="unknown")
    client.expect("basic.cancel-ok", 1, consumer_tag="unknown")


@pytest.mark.checklist(211)
def test_consume_from_a_missing_queue(channel):
    with refused(404, "NOT_FOUND - no queue 'missing' in vhost '/'"):
        channel.basic_consume("missing", print)


@pytest.mark.checklist(212)
def test_round_robin(connection, channel):
    queue = declare(channel)
    boxes = [Inbox(connection.channel(), queue) for _ in range(2)]
    publish(channel, "", queue, *"123456")
    for box in boxes:
        box.wait(3)
    assert [b"".join(box.bodies) for box in boxes] == [b"135", b"246"]


@pytest.mark.checklist(213)
def test_higher_priority_first_until_its_prefetch_is_full(connection, channel):
    queue = declare(channel)
    low = Inbox(connection.channel(), queue, arguments={"x-priority": -5})
    middle_channel, high_channel = connection.channel(), connection.channel()
    middle_channel.basic_qos(prefetch_count=1)
    middle = Inbox(middle_channel, queue)
    high_channel.basic_qos(prefetch_count=2)
    high = Inbox(high_channel, queue, arguments={"x-priority": 10})
    publish(channel, "", queue, *"12345")
    low.wait(2)
    assert (high.bodies, middle.bodies, low.bodies) == ([b"1", b"2"], [b"3"], [b"4", b"5"])
    high_channel.basic_ack(1)
    ready(channel, queue)
    publish(channel, "", queue, "6", "7")
    high.wait(3)
    low.wait(3)
    assert (high.bodies[2:], low.bodies[2:]) == ([b"6"], [b"7"])


@pytest.mark.checklist(214)
@pytest.mark.parametrize(
    ("value", "reason"),
    [("5", '"expected integer, got longstr"'), (True, '"expected integer, got bool"')],
)
def test_bad_consumer_priority(client, value, reason):
    queue = declared(client)
    client.send_method(1, "basic.consume", queue=queue, arguments={"x-priority": value})
    reply = f"PRECONDITION_FAILED - invalid arg 'x-priority' for {queue_text(queue)}: {reason}"
    client.expect_close(406, reply, channel=1, at=(60, 20))


@pytest.mark.checklist(214)
def test_unknown_consumer_arguments_are_ignored(client):
    queue = declared(client)
    client.call(1, "basic.consume", queue=queue, arguments={"x-nonsense": 1, "x-priority": -1})


@pytest.mark.checklist(215)
def test_exclusive_consumer_of_a_busy_queue(connection, channel):
    queue = declare(channel)
    tag = channel.basic_consume(queue, print)
    with refused(403, in_use(queue)):
        connection.channel().basic_consume(queue, print, exclusive=True)
    channel.basic_cancel(tag)
    connection.channel().basic_consume(queue, print, exclusive=True)


@pytest.mark.checklist(215)
@pytest.mark.parametrize("exclusive", [True, False])
def test_exclusively_consumed_queue(connection, channel, exclusive):
    queue = declare(channel)
    tag = channel.basic_consume(queue, print, exclusive=True)
    with refused(403, in_use(queue)):
        connection.channel().basic_consume(queue, print, exclusive=exclusive)
    channel.basic_cancel(tag)
    connection.channel().basic_consume(queue, print, exclusive=exclusive)


@pytest.mark.checklist(215)
def test_exclusive_consumer_is_gone_with_its_channel(connection, channel):
    queue = declare(channel)
    holder = connection.channel()
    holder.basic_consume(queue, print, exclusive=True)
    holder.close()
    channel.basic_consume(queue, print)


@pytest.mark.checklist(216)
def test_no_local_is_ignored(client):
    queue = declared(client)
    client.call(1, "basic.consume", queue=queue, no_local=True)
    client.publish("", queue, b"own")
    assert client.expect_content("basic.deliver").body == b"own"


@pytest.mark.checklist(217)
def test_automatic_ack(connection, channel):
    queue = declare(channel)
    publish(channel, "", queue, "1", "2", "3")
    consuming = connection.channel()
    box = Inbox(consuming, queue, auto_ack=True)
    box.wait(3)
    consuming.close()
    assert ready(channel, queue) == 0


@pytest.mark.checklist(218)
def test_cancel_keeps_unacked_messages(channel):
    queue = declare(channel)
    publish(channel, "", queue, "1", "2")
    box = Inbox(channel, queue)
    box.wait(2)
    assert channel.basic_cancel(box.tag) == []
    assert ready(channel, queue) == 0
    channel.basic_ack(box.tags[0])
    channel.basic_nack(box.tags[1])
    until_ready(channel, queue, 1)
    assert take(channel, queue) == [b"2"]


@pytest.mark.checklist(218)
def test_no_delivery_after_cancel_ok(client):
    queue = declared(client)
    client.call(1, "basic.consume", queue=queue, consumer_tag="c")
    client.call(1, "basic.cancel", consumer_tag="c")
    client.publish("", queue, b"m")
    client.call(1, "basic.qos")
    assert eventually(lambda: client.get(queue)).body == b"m"


@pytest.mark.checklist(219)
def test_order_of_publishing(connection, channel):
    queue = declare(channel)
    bodies = [str(index).encode() for index in range(500)]
    box = Inbox(connection.channel(), queue, auto_ack=True)
    publish(channel, "", queue, *bodies)
    assert box.wait(500) == bodies
    assert box.tags == list(range(1, 501))


@pytest.mark.checklist(219)
async def test_order_with_aio_pika(target):
    async with await aio_pika.connect(target.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        queue = await channel.declare_queue(exclusive=True)
        for index in range(50):
            await channel.default_exchange.publish(
                aio_pika.Message(str(index).encode()), queue.name
            )
        seen = []
        async with queue.iterator() as messages:
            async for message in messages:
                async with message.process():
                    seen.append(int(message.body))
                if len(seen) == 50:
                    break
        assert seen == list(range(50))


# Single active consumer


def single_active(channel, **options):
    return declare(channel, arguments={"x-single-active-consumer": True}, **options)


@pytest.mark.checklist(233)
def test_single_active_consumer_gets_everything(connection, channel):
    queue = single_active(channel)
    first, second = (Inbox(connection.channel(), queue) for _ in range(2))
    publish(channel, "", queue, *"1234")
    assert first.wait(4) == [b"1", b"2", b"3", b"4"]
    assert second.settle() == []
    assert consumers(channel, queue) == 2


@pytest.mark.checklist(234)
def test_next_active_after_cancel(connection, channel):
    queue = single_active(channel)
    first, second = (Inbox(connection.channel(), queue) for _ in range(2))
    publish(channel, "", queue, "1")
    first.wait(1)
    first.channel.basic_cancel(first.tag)
    publish(channel, "", queue, "2")
    assert second.wait(1) == [b"2"]
    first.channel.close()
    assert second.wait(2) == [b"2", b"1"]
    assert second.deliveries[1][0].redelivered


@pytest.mark.checklist(235)
def test_next_active_after_channel_close(connection, channel):
    queue = single_active(channel)
    first, second = (Inbox(connection.channel(), queue) for _ in range(2))
    publish(channel, "", queue, "1", "2")
    first.wait(2)
    first.channel.close()
    assert second.wait(2) == [b"1", b"2"]
    assert all(method.redelivered for method, _, _ in second.deliveries)


@pytest.mark.checklist(236)
def test_single_active_and_exclusive_do_not_mix(channel):
    queue = single_active(channel)
    with refused(403, in_use(queue)):
        channel.basic_consume(queue, print, exclusive=True)


@pytest.mark.checklist(237)
def test_get_from_a_queue_with_a_single_active_consumer(connection, channel):
    queue = single_active(channel)
    publish(channel, "", queue, "1")
    assert get(channel, queue)[2] == b"1"


# Get


@pytest.mark.checklist(239)
def test_get(channel):
    queue = declare(channel)
    assert channel.basic_get(queue) == (None, None, None)
    publish(channel, "", queue, "1", "2", "3")
    until_ready(channel, queue, 3)
    for count in (2, 1, 0):
        method, _, _ = get(channel, queue)
        assert (method.message_count, method.redelivered) == (count, False)
    channel.basic_nack(0, multiple=True)
    until_ready(channel, queue, 3)
    method, _, body = get(channel, queue)
    assert (method.message_count, method.redelivered, body) == (2, True, b"1")


@pytest.mark.checklist(239)
def test_get_empty_has_an_empty_cluster_id(client):
    queue = declared(client)
    client.send_method(1, "basic.get", queue=queue)
    client.expect("basic.get-empty", 1, cluster_id="")


@pytest.mark.checklist(240)
@pytest.mark.parametrize("auto_ack", [True, False])
def test_get_and_channel_close(connection, channel, auto_ack):
    queue = declare(channel)
    publish(channel, "", queue, "1")
    getting = connection.channel()
    get(getting, queue, auto_ack=auto_ack)
    getting.close()
    until_ready(channel, queue, 0 if auto_ack else 1)


@pytest.mark.checklist(240)
def test_delivery_tags_count_gets_and_deliveries(client):
    queue = declared(client)
    for body in (b"1", b"2"):
        client.publish("", queue, body)
        got = eventually(lambda: client.get(queue, no_ack=True))
        assert (got.method.arguments["delivery_tag"], got.body) == (int(body), body)
    client.call(1, "basic.consume", queue=queue, no_ack=True)
    client.publish("", queue, b"3")
    client.expect_content("basic.deliver", delivery_tag=3)


@pytest.mark.checklist(241)
def test_pipelined_gets(client):
    queue = declared(client)
    client.call(1, "confirm.select")
    for body in (b"1", b"2"):
        client.publish("", queue, body)
        client.expect("basic.ack")
    client.send(*(method_frame(1, "basic.get", queue=queue) for _ in range(3)))
    assert client.expect_content("basic.get-ok").body == b"1"
    assert client.expect_content("basic.get-ok").body == b"2"
    client.expect("basic.get-empty")


@pytest.mark.checklist(85)
def test_no_more_consumers_than_allowed(leveret):
    with WireClient(leveret("--consumer-max", "10").amqp) as client:
        client.connect().call(1, "queue.declare", queue="q", exclusive=True)
        for number in range(10):
            client.call(1, "basic.consume", queue="q", consumer_tag=f"c{number}")
        client.call(1, "basic.cancel", consumer_tag="c0")
        client.call(1, "basic.consume", queue="q", consumer_tag="again")
        client.send_method(1, "basic.consume", queue="q", consumer_tag="too many")
        text = "NOT_ALLOWED - reached maximum (10) of consumers per channel"
        client.expect_close(530, text, at=(60, 20))


@pytest.mark.checklist(391)
def test_who_does_not_read_holds_up_no_other_consumer(wire, name):
    deaf, reader, publisher = wire(), wire(), wire()
    queue, body = name("slow"), bytes(32 * 1024)
    publisher.call(1, "queue.declare", queue=queue)
    publisher.call(1, "confirm.select")
    for client in (deaf, reader):
        client.call(1, "basic.consume", queue=queue, no_ack=client is reader)
    for _ in range(60):
        for _ in range(10):
            publisher.publish("", queue, body)
        for _ in range(3):
            reader.expect_content("basic.deliver")
    confirmed = 0
    while confirmed < 600:
        ack = publisher.expect("basic.ack").arguments
        confirmed = ack["delivery_tag"] if ack["multiple"] else confirmed + 1
    # At most 200 go to who does not read, and what its socket holds; all else to the other.
    for _ in range(70):
        reader.expect_content("basic.deliver")
