"""ack, nack, reject, recover and what comes back in which order (checklist 242-253)."""

import pytest

from tests.conformance.helpers import (
    Inbox,
    connection_refused,
    declare,
    get,
    publish,
    ready,
    refused,
    take,
    until_ready,
)
from tests.support.eventually import eventually


@pytest.fixture
def queue(channel):
    """A queue with the messages a b c d e."""
    queue = declare(channel)
    publish(channel, "", queue, *"abcde")
    until_ready(channel, queue, 5)
    return queue


def unknown(tag):
    return f"PRECONDITION_FAILED - unknown delivery tag {tag}"


SETTLING = {"basic.ack": (60, 80), "basic.reject": (60, 90), "basic.nack": (60, 120)}


@pytest.mark.checklist(242)
@pytest.mark.parametrize("method", SETTLING)
@pytest.mark.parametrize("tag", [0, 99])
def test_unknown_tag(client, method, tag):
    client.send_method(1, method, delivery_tag=tag)
    client.expect_close(406, unknown(tag), channel=1, at=SETTLING[method])


@pytest.mark.checklist(242)
@pytest.mark.parametrize("method", ["basic.ack", "basic.nack"])
def test_unknown_tag_with_multiple(client, method):
    client.send_method(1, method, delivery_tag=99, multiple=True)
    client.expect_close(406, unknown(99), channel=1, at=SETTLING[method])


@pytest.mark.checklist(242)
@pytest.mark.parametrize("multiple", [True, False])
def test_settled_twice(channel, queue, multiple):
    tag = get(channel, queue)[0].delivery_tag
    channel.basic_ack(tag)
    with refused(406, unknown(tag)):
        channel.basic_ack(tag, multiple=multiple)
        ready(channel, queue)


@pytest.mark.checklist(242)
def test_settled_on_another_channel(connection, channel, queue):
    get(channel, queue)
    other = connection.channel()
    with refused(406, unknown(1)):
        other.basic_ack(1)
        ready(other, queue)


@pytest.mark.checklist(242)
def test_delivery_with_automatic_ack_cannot_be_settled(channel, queue):
    get(channel, queue, auto_ack=True)
    with refused(406, unknown(1)):
        channel.basic_ack(1)
        ready(channel, queue)


@pytest.mark.checklist(243)
@pytest.mark.parametrize("method", ["basic.ack", "basic.nack"])
def test_all_of_nothing(client, method):
    client.send_method(1, method, delivery_tag=0, multiple=True)
    client.expect_nothing_more()


@pytest.mark.checklist(244)
def test_multiple_ack(connection, queue):
    getting = connection.channel()
    for _ in range(4):
        get(getting, queue)
    getting.basic_ack(3, multiple=True)
    getting.close()
    assert take(connection.channel(), queue) == [b"d", b"e"]


@pytest.mark.checklist(244)
def test_ack_of_everything(connection, queue):
    getting = connection.channel()
    for _ in range(4):
        get(getting, queue)
    getting.basic_ack(0, multiple=True)
    getting.close()
    assert take(connection.channel(), queue) == [b"e"]


@pytest.mark.checklist(245)
def test_multiple_nack_skips_what_is_settled(channel, queue):
    for _ in range(4):
        get(channel, queue)
    channel.basic_ack(2)
    channel.basic_nack(3, multiple=True)
    until_ready(channel, queue, 3)
    assert take(channel, queue) == [b"a", b"c", b"e"]
    channel.basic_ack(4)


@pytest.mark.checklist(245)
def test_nack_without_requeue_drops(channel, queue):
    for _ in range(2):
        get(channel, queue)
    channel.basic_nack(2, multiple=True, requeue=False)
    assert take(channel, queue) == [b"c", b"d", b"e"]


@pytest.mark.checklist(246)
def test_reject_goes_back_to_the_head(channel, queue):
    method, _, _ = get(channel, queue)
    assert not method.redelivered
    channel.basic_reject(method.delivery_tag)
    until_ready(channel, queue, 5)
    method, _, body = get(channel, queue)
    assert (method.redelivered, body) == (True, b"a")
    assert not get(channel, queue)[0].redelivered


@pytest.mark.checklist(246)
def test_reject_without_requeue_drops(channel, queue):
    channel.basic_reject(get(channel, queue)[0].delivery_tag, requeue=False)
    assert take(channel, queue) == [b"b", b"c", b"d", b"e"]


@pytest.mark.checklist(246)
def test_requeued_message_may_come_back_to_the_same_consumer(channel):
    queue = declare(channel)
    box = Inbox(channel, queue)
    publish(channel, "", queue, "m")
    for count in (1, 2, 3):
        box.wait(count)
        channel.basic_reject(count)
    box.wait(4)
    assert [method.redelivered for method, _, _ in box.deliveries[:4]] == [False, True, True, True]


@pytest.mark.checklist(247)
def test_requeued_messages_go_back_to_their_places(channel, queue):
    for _ in range(3):
        get(channel, queue)
    channel.basic_reject(3)
    channel.basic_reject(1)
    until_ready(channel, queue, 4)
    assert take(channel, queue) == [b"a", b"c", b"d", b"e"]


@pytest.mark.checklist(248)
def test_channel_close_restores_the_order(connection, queue):
    getting = connection.channel()
    box = Inbox(getting, queue)
    box.wait(5)
    getting.basic_ack(2)
    getting.close()
    channel = connection.channel()
    methods = [get(channel, queue) for _ in range(4)]
    assert [body for _, _, body in methods] == [b"a", b"c", b"d", b"e"]
    assert all(method.redelivered for method, _, _ in methods)


@pytest.mark.checklist(248)
def test_channel_error_requeues_deliveries_before_close_ok(client, channel, name):
    queue = name("q")
    channel.queue_declare(queue)
    publish(channel, "", queue, "m")
    client.call(1, "basic.consume", queue=queue)
    client.expect_content("basic.deliver")
    client.send_method(1, "basic.ack", delivery_tag=77)
    client.expect_close(406, channel=1)
    until_ready(channel, queue, 1)


@pytest.mark.checklist(248)
@pytest.mark.differs("requeues what was taken by basic.get only after close-ok")
def test_channel_error_requeues_gets_before_close_ok(client, channel, name):
    queue = name("q")
    channel.queue_declare(queue)
    publish(channel, "", queue, "m")
    eventually(lambda: client.get(queue))
    client.send_method(1, "basic.ack", delivery_tag=77)
    client.expect_close(406, channel=1)
    until_ready(channel, queue, 1)


@pytest.mark.checklist(249)
@pytest.mark.parametrize("how", ["close", "abort"])
def test_lost_connection_restores_the_order(wire, channel, name, how):
    queue, client = name("q"), wire()
    channel.queue_declare(queue)
    publish(channel, "", queue, *"abc")
    until_ready(channel, queue, 3)
    client.call(1, "basic.consume", queue=queue)
    for _ in range(3):
        client.expect_content("basic.deliver")
    getattr(client, how)()
    until_ready(channel, queue, 3)
    method, _, body = get(channel, queue)
    assert (method.redelivered, body) == (True, b"a")
    assert take(channel, queue) == [b"b", b"c"]


@pytest.mark.checklist(250)
def test_deliveries_in_flight_at_close_come_back(wire, channel, name):
    queue, client = name("q"), wire()
    channel.queue_declare(queue)
    bodies = [str(index).encode() for index in range(300)]
    publish(channel, "", queue, *bodies)
    until_ready(channel, queue, 300)
    client.call(1, "basic.consume", queue=queue)
    client.abort()
    eventually(lambda: ready(channel, queue) == 300)
    assert take(channel, queue) == bodies


@pytest.mark.checklist(251)
def test_recover(channel, queue):
    for _ in range(2):
        get(channel, queue)
    box = Inbox(channel, queue)
    box.wait(3)
    channel.basic_recover(requeue=True)
    box.wait(8)
    assert sorted(box.bodies[3:]) == [b"a", b"b", b"c", b"d", b"e"]
    assert all(method.redelivered for method, _, _ in box.deliveries[3:])


@pytest.mark.checklist(251)
def test_recover_async(client):
    queue = client.call(1, "queue.declare", exclusive=True).arguments["queue"]
    client.publish("", queue, b"m")
    eventually(lambda: client.get(queue))
    client.send_method(1, "basic.recover-async", requeue=True)
    assert eventually(lambda: client.get(queue)).method.arguments["redelivered"]


@pytest.mark.checklist(252)
@pytest.mark.parametrize(
    ("method", "at"), [("basic.recover", (60, 110)), ("basic.recover-async", (60, 100))]
)
def test_recover_without_requeue_is_not_implemented(client, method, at):
    client.send_method(1, method, requeue=False)
    client.expect_close(540, "NOT_IMPLEMENTED - requeue=false", at=at)


@pytest.mark.checklist(253)
def test_recover_does_not_bring_back_what_was_acked_automatically(channel, queue):
    box = Inbox(channel, queue, auto_ack=True)
    box.wait(5)
    channel.basic_recover(requeue=True)
    assert len(box.settle()) == 5


@pytest.mark.checklist(252)
def test_recover_without_requeue_closes_the_connection(channel):
    with connection_refused(540, "NOT_IMPLEMENTED - requeue=false"):
        channel.basic_recover(requeue=False)
