"""Quorum queues: the delivery limit, what counts for it, how they differ from classic ones."""

import pytest

from tests.conformance.helpers import (
    PERSISTENT,
    TRANSIENT,
    Inbox,
    declare,
    get,
    publish,
    ready,
    refused,
    take,
    until_ready,
)
from tests.support.wire import wire

COUNTED = "x-delivery-count"


@pytest.fixture
def channel(confirming):
    return confirming


@pytest.fixture
def quorum(channel, name):
    """Declares a quorum queue with these arguments (underscores for dashes) and publishes."""

    def make(*bodies, **arguments):
        queue = name("quorum")
        options = {key.replace("_", "-"): value for key, value in arguments.items()}
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"} | options)
        publish(channel, "", queue, *bodies)
        return queue

    return make


@pytest.fixture
def dead(channel):
    """A queue in which the dead end, and the arguments that send them there."""
    queue = declare(channel)
    return queue, {"x_dead_letter_exchange": "", "x_dead_letter_routing_key": queue}


def headers_of(got):
    return got[1].headers or {}


def reject(channel, queue):
    """Get a message, give it back by basic.reject and return its delivery count."""
    got = get(channel, queue)
    channel.basic_reject(got[0].delivery_tag)
    return headers_of(got).get(COUNTED, 0)


@pytest.mark.checklist(322)
def test_delivery_limit(channel, quorum, dead):
    queue, options = dead
    source = quorum("m", x_delivery_limit=2, **options)
    assert [reject(channel, source) for _ in range(3)] == [0, 1, 2]
    _, properties, body = get(channel, queue)
    assert body == b"m"
    (death,) = properties.headers["x-death"]
    assert (death["reason"], death["queue"], death["count"]) == ("delivery_limit", source, 1)
    assert properties.headers["x-first-death-reason"] == "delivery_limit"
    assert COUNTED not in properties.headers
    assert ready(channel, source) == 0


@pytest.mark.checklist(322)
def test_delivery_limit_without_dead_letter_exchange(channel, quorum):
    queue = quorum("poison", "next", x_delivery_limit=0)
    assert reject(channel, queue) == 0
    assert get(channel, queue)[2] == b"next"


@pytest.mark.checklist(322)
def test_delivery_limit_of_a_consumer(channel, connection, quorum, dead):
    queue, options = dead
    source = quorum(x_delivery_limit=1, **options)
    box = Inbox(channel, source)
    publish(connection.channel(), "", source, "m")
    box.wait(1)
    channel.basic_reject(box.tags[0])
    box.wait(2)
    assert [method.redelivered for method, _, _ in box.deliveries] == [False, True]
    assert box.deliveries[1][1].headers[COUNTED] == 1
    channel.basic_reject(box.tags[1])
    until_ready(channel, queue, 1)
    assert len(box.settle()) == 2


@pytest.mark.checklist(322)
def test_a_lost_channel_counts(channel, connection, quorum, dead):
    queue, options = dead
    source = quorum("m", x_delivery_limit=1, **options)
    for _ in range(2):
        other = connection.channel()
        get(other, source)
        other.close()
    assert get(channel, queue)[1].headers["x-death"][0]["reason"] == "delivery_limit"


@pytest.mark.checklist(322)
def test_a_lost_connection_counts(channel, connect, quorum):
    source = quorum("m")
    other = connect()
    get(other.channel(), source)
    other.close()
    assert headers_of(get(channel, source))[COUNTED] == 1


@pytest.mark.differs("counts every return")
@pytest.mark.checklist(322)
def test_what_does_not_count(channel, quorum):
    source = quorum("m", x_delivery_limit=0)
    channel.basic_nack(get(channel, source)[0].delivery_tag)
    channel.basic_nack(get(channel, source)[0].delivery_tag, multiple=True)
    get(channel, source)
    channel.basic_recover(requeue=True)
    got = get(channel, source)
    assert got[0].redelivered
    assert (got[1].headers[COUNTED], got[1].headers["x-acquired-count"]) == (0, 3)


@pytest.mark.differs("counts from the first delivery on, and acquisitions not at all")
@pytest.mark.checklist(322)
def test_counts_are_told_from_the_first_return_on(channel, quorum):
    source = quorum()
    publish(channel, "", source, "m", headers={"a": 1, COUNTED: "mine"})
    got = get(channel, source)
    assert got[1].headers == {"a": 1, COUNTED: "mine"}
    channel.basic_reject(got[0].delivery_tag)
    got = get(channel, source)
    assert got[1].headers == {"a": 1, COUNTED: 1, "x-acquired-count": 1}


@pytest.mark.checklist(322)
def test_a_rolled_back_return_does_not_count(channel, connection, quorum):
    source = quorum("m", x_delivery_limit=1)
    other = connection.channel()
    other.tx_select()
    tag = get(other, source)[0].delivery_tag
    for _ in range(3):
        other.basic_reject(tag)
        other.tx_rollback()
    other.basic_reject(tag)
    other.tx_commit()
    assert headers_of(get(channel, source))[COUNTED] == 1


@pytest.mark.differs("has no limit by default")
@pytest.mark.checklist(322)
def test_twenty_is_the_default_limit(channel, quorum, dead):
    queue, options = dead
    source = quorum("m", **options)
    assert [reject(channel, source) for _ in range(21)] == list(range(21))
    assert get(channel, queue)[1].headers["x-death"][0]["reason"] == "delivery_limit"


@pytest.mark.checklist(323)
@pytest.mark.differs("takes no negative limit")
def test_a_negative_limit_is_none(channel, quorum):
    source = quorum("m", x_delivery_limit=-1)
    assert [reject(channel, source) for _ in range(30)] == list(range(30))
    assert ready(channel, source) == 1


@pytest.mark.checklist(180, 322)
def test_classic_queues_know_no_delivery_limit(channel, name):
    queue = name("classic")
    text = f"invalid arg 'x-delivery-limit' for queue '{queue}' in vhost '/' of queue type "
    with refused(406, f"PRECONDITION_FAILED - {text}rabbit_classic_queue"):
        declare(channel, queue, arguments={"x-delivery-limit": 5})


@pytest.mark.checklist(180, 325)
def test_quorum_queues_know_no_priorities(channel, name):
    queue = name("quorum")
    arguments = {"x-queue-type": "quorum", "x-max-priority": 5}
    text = f"invalid arg 'x-max-priority' for queue '{queue}' in vhost '/' of queue type "
    with refused(406, f"PRECONDITION_FAILED - {text}rabbit_quorum_queue"):
        channel.queue_declare(queue, durable=True, arguments=arguments)


@pytest.mark.checklist(322)
def test_messages_are_never_shown_a_count_in_classic_queues(channel):
    queue = declare(channel)
    publish(channel, "", queue, "m")
    channel.basic_reject(get(channel, queue)[0].delivery_tag)
    assert headers_of(get(channel, queue)) == {}


@pytest.mark.checklist(246)
def test_what_comes_back_is_first_come_first_served(channel, quorum):
    source = quorum("a", "b", "c")
    tags = [get(channel, source)[0].delivery_tag for _ in range(3)]
    for number in (2, 0, 1):
        channel.basic_nack(tags[number])
    until_ready(channel, source, 3)
    publish(channel, "", source, "d")
    assert take(channel, source) == [b"c", b"a", b"b", b"d"]


@pytest.mark.checklist(324)
def test_at_least_once_without_reject_publish(channel, quorum, dead):
    queue, options = dead
    source = quorum(x_dead_letter_strategy="at-least-once", x_max_length=1, **options)
    publish(channel, "", source, "1", "2", "3")
    until_ready(channel, queue, 2)
    assert take(channel, queue) == [b"1", b"2"]
    assert take(channel, source) == [b"3"]


@pytest.mark.checklist(328)
def test_expired_messages_keep_their_order(channel, quorum, dead):
    queue, options = dead
    quorum(*"123456789", x_message_ttl=50, **options)
    until_ready(channel, queue, 9)
    assert take(channel, queue) == [b"%d" % number for number in range(1, 10)]


@pytest.mark.checklist(232)
@pytest.mark.differs("refuses the consumer with 540")
def test_a_prefetch_for_the_whole_channel(connection, quorum):
    source = quorum("1", "2", "3")
    channel = connection.channel()
    channel.basic_qos(prefetch_count=2, global_qos=True)
    box = Inbox(channel, source)
    assert box.wait(2) == [b"1", b"2"]
    assert box.settle() == [b"1", b"2"]
    channel.basic_ack(1)
    assert box.wait(3) == [b"1", b"2", b"3"]


@pytest.mark.checklist(215)
def test_the_exclusive_flag_means_nothing(connection, channel, quorum):
    source = quorum()
    boxes = [Inbox(connection.channel(), source, exclusive=True) for _ in range(2)]
    publish(channel, "", source, "1", "2")
    for box in boxes:
        assert len(box.wait(1)) == 1


@pytest.mark.checklist(236)
def test_the_exclusive_flag_means_nothing_to_a_single_active_consumer(connection, channel, quorum):
    source = quorum(x_single_active_consumer=True)
    box = Inbox(connection.channel(), source, exclusive=True)
    publish(channel, "", source, "m")
    assert box.wait(1) == [b"m"]


@pytest.mark.checklist(237)
def test_no_get_beside_a_single_active_consumer(channel, quorum):
    source = quorum("m", x_single_active_consumer=True)
    text = (
        f"RESOURCE_LOCKED - cannot obtain access to locked queue '{source}' in vhost '/'. "
        "basic.get operations are not supported by quorum queues with single active consumer"
    )
    with refused(405, text):
        channel.basic_get(source)


@pytest.mark.checklist(238)
@pytest.mark.differs("lets the active consumer be")
def test_a_higher_priority_takes_over(connection, channel, quorum):
    source = quorum(x_single_active_consumer=True)
    low, high, higher = (connection.channel() for _ in range(3))
    low.basic_qos(prefetch_count=2)
    first = Inbox(low, source)
    publish(channel, "", source, *"1234")
    assert first.wait(2) == [b"1", b"2"]
    second = Inbox(high, source, arguments={"x-priority": 1}, auto_ack=True)
    low.basic_ack(first.tags[0])
    assert (len(first.settle()), second.settle()) == (2, [])
    low.basic_nack(first.tags[1])
    assert second.wait(3) == [b"2", b"3", b"4"]
    third = Inbox(higher, source, arguments={"x-priority": 5}, auto_ack=True)
    publish(channel, "", source, "5")
    assert third.wait(1) == [b"5"]
    higher.basic_cancel(third.tag)
    publish(channel, "", source, "6")
    assert second.wait(4)[-1] == b"6"
    assert len(first.settle()) == 2


@pytest.mark.checklist(238)
def test_an_equal_priority_does_not_take_over(connection, channel, quorum):
    source = quorum(x_single_active_consumer=True)
    first, second = (Inbox(connection.channel(), source) for _ in range(2))
    publish(channel, "", source, "1", "2")
    assert first.wait(2) == [b"1", b"2"]
    assert second.settle() == []


@pytest.mark.checklist(238)
def test_classic_queues_know_no_take_over(connection, channel, name):
    source = name("classic")
    channel.queue_declare(source, arguments={"x-single-active-consumer": True})
    first = Inbox(connection.channel(), source, auto_ack=True)
    second = Inbox(connection.channel(), source, arguments={"x-priority": 1})
    publish(channel, "", source, "m")
    assert first.wait(1) == [b"m"]
    assert second.settle() == []


@pytest.mark.checklist(376)
@pytest.mark.parametrize("mode", [TRANSIENT, PERSISTENT, None])
def test_every_message_is_kept(leveret, mode):
    broker = leveret()
    options = {} if mode is None else {"delivery_mode": mode}
    with wire(broker.amqp) as client:
        client.call(1, "confirm.select")
        client.call(
            1, "queue.declare", queue="q", durable=True, arguments={"x-queue-type": "quorum"}
        )
        client.publish("", "q", b"m", **options)
        client.expect("basic.ack", 1)
    broker.restart(kill=True)
    with wire(broker.amqp) as client:
        got = client.get("q")
    assert got is not None
    assert (got.body, got.properties) == (b"m", options)


@pytest.mark.checklist(325)
@pytest.mark.differs("no priorities in quorum queues")
def test_two_of_high_priority_go_before_one_of_normal(channel, quorum):
    queue = quorum()
    for number in range(3):
        for priority in (None, 5, 4, 255):
            publish(channel, "", queue, f"{priority} {number}", priority=priority)
    until_ready(channel, queue, 12)
    high = [f"{priority} {number}" for number in range(3) for priority in (5, 255)]
    normal = [f"{priority} {number}" for number in range(3) for priority in (None, 4)]
    order = [*high[:2], normal[0], *high[2:4], normal[1], *high[4:], *normal[2:]]
    assert take(channel, queue) == [name.encode() for name in order]


@pytest.mark.checklist(325)
def test_priorities_up_to_four_change_nothing(channel, quorum):
    queue = quorum()
    for priority in (0, 4, None, 1):
        publish(channel, "", queue, f"{priority}", priority=priority)
    until_ready(channel, queue, 4)
    assert take(channel, queue) == [b"0", b"4", b"None", b"1"]


@pytest.mark.checklist(322)
@pytest.mark.differs("puts it behind the others unless there is a limit")
@pytest.mark.parametrize("options", [{}, {"x_delivery_limit": -1}], ids=["default", "no limit"])
def test_what_comes_back_goes_first(channel, quorum, options):
    source = quorum("0", "1", **options)
    taken = get(channel, source)[0]
    channel.basic_nack(taken.delivery_tag, requeue=True)
    assert get(channel, source)[2] == b"0"
