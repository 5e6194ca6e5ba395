"""Queues with a limit, by number and by size (checklist 295-300)."""

import pika
import pytest

from tests.conformance.helpers import (
    Inbox,
    declare,
    get,
    publish,
    ready,
    take,
    until_ready,
)


@pytest.fixture
def channel(confirming):
    return confirming


def limited(channel, length=None, *, octets=None, dead=None, **options):
    """Declare a queue with limits that dead-letters to the queue `dead`, if there is one."""
    arguments = {"x-max-length": length, "x-max-length-bytes": octets}
    arguments = {key: value for key, value in arguments.items() if value is not None}
    if dead is not None:
        arguments |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    arguments |= {f"x-{key}": value for key, value in options.items()}
    return declare(channel, arguments=arguments)


def nacked(channel, queue, *bodies):
    """Publish; each of the bodies must be refused."""
    for body in bodies:
        with pytest.raises(pika.exceptions.NackError):
            publish(channel, "", queue, body)


# -- by number -----------------------------------------------------------------------------------


@pytest.mark.checklist(295)
@pytest.mark.parametrize("options", [{}, {"overflow": "drop-head"}], ids=str)
def test_the_last_are_kept(channel, options):
    queue = limited(channel, 2, **options)
    publish(channel, "", queue, *"12345")
    assert ready(channel, queue) == 2
    assert take(channel, queue) == [b"4", b"5"]


@pytest.mark.checklist(295)
def test_there_is_room_again_after_a_get(channel):
    queue = limited(channel, 2)
    publish(channel, "", queue, *"123")
    assert get(channel, queue, auto_ack=True)[2] == b"2"
    publish(channel, "", queue, "4")
    assert take(channel, queue) == [b"3", b"4"]


@pytest.mark.checklist(295)
def test_one_message_to_several_limited_queues(channel, name):
    exchange = name("x")
    channel.exchange_declare(exchange, "fanout")
    queues = [limited(channel, length) for length in (1, 2, None)]
    for queue in queues:
        channel.queue_bind(queue, exchange)
    publish(channel, exchange, "", *"123")
    expected = [[b"3"], [b"2", b"3"], [b"1", b"2", b"3"]]
    assert [take(channel, queue) for queue in queues] == expected


# -- by size -------------------------------------------------------------------------------------


@pytest.mark.checklist(296)
def test_payload_octets_are_counted(channel):
    queue = limited(channel, octets=10)
    publish(channel, "", queue, "a" * 5, "b" * 5, headers={"long": "x" * 1000})
    assert ready(channel, queue) == 2
    publish(channel, "", queue, "c")
    assert take(channel, queue) == [b"b" * 5, b"c"]


@pytest.mark.checklist(296)
def test_as_many_go_as_make_room(channel, dead):
    queue = limited(channel, octets=10, dead=dead)
    publish(channel, "", queue, "a", "bb", "ccc", "dddd", "e" * 8)
    assert take(channel, queue) == [b"e" * 8]
    until_ready(channel, dead, 4)
    assert take(channel, dead) == [b"a", b"bb", b"ccc", b"dddd"]


@pytest.mark.checklist(296)
def test_empty_bodies_weigh_nothing(channel):
    queue = limited(channel, octets=0)
    publish(channel, "", queue, "", "", "")
    assert ready(channel, queue) == 3


@pytest.mark.checklist(296)
def test_what_is_larger_than_the_limit_takes_all_with_it(channel):
    queue = limited(channel, octets=10)
    publish(channel, "", queue, "a", "b" * 11)
    assert take(channel, queue) == []


@pytest.mark.checklist(296)
@pytest.mark.parametrize(
    ("length", "octets", "expected"), [(2, 100, [b"33", b"44"]), (100, 3, [b"44"])]
)
def test_the_narrower_of_two_limits(channel, length, octets, expected):
    queue = limited(channel, length, octets=octets)
    publish(channel, "", queue, "11", "22", "33", "44")
    assert take(channel, queue) == expected


@pytest.mark.checklist(296)
def test_unacked_octets_are_not_counted(channel):
    queue = limited(channel, octets=10)
    publish(channel, "", queue, "a" * 10)
    get(channel, queue)
    publish(channel, "", queue, "b" * 10)
    assert take(channel, queue) == [b"b" * 10]


# -- what is unacknowledged ----------------------------------------------------------------------


@pytest.mark.checklist(297)
def test_unacked_are_not_counted(channel):
    queue = limited(channel, 2)
    publish(channel, "", queue, *"12")
    for _ in range(2):
        get(channel, queue)
    publish(channel, "", queue, *"34")
    assert take(channel, queue) == [b"3", b"4"]


@pytest.mark.checklist(297)
def test_a_requeued_message_over_the_limit_goes(channel, dead):
    queue = limited(channel, 2, dead=dead)
    publish(channel, "", queue, *"12")
    oldest = get(channel, queue)[0].delivery_tag
    publish(channel, "", queue, "3")
    channel.basic_nack(oldest)
    until_ready(channel, dead, 1)
    _, properties, body = get(channel, dead)
    assert (body, properties.headers["x-death"][0]["reason"]) == (b"1", "maxlen")
    assert take(channel, queue) == [b"2", b"3"]


@pytest.mark.checklist(297)
def test_requeue_drops_the_head_not_the_requeued(channel):
    queue = limited(channel, 2)
    publish(channel, "", queue, *"12")
    tags = [get(channel, queue)[0].delivery_tag for _ in range(2)]
    publish(channel, "", queue, "3")
    channel.basic_nack(tags[0])
    until_ready(channel, queue, 2)
    channel.basic_nack(tags[1])
    assert take(channel, queue) == [b"2", b"3"]


@pytest.mark.checklist(297)
def test_what_a_closed_channel_held_is_limited_too(connection, channel, dead):
    queue = limited(channel, 2, dead=dead)
    publish(channel, "", queue, *"12")
    holder = connection.channel()
    for _ in range(2):
        get(holder, queue)
    publish(channel, "", queue, *"34")
    holder.close()
    until_ready(channel, dead, 2)
    assert take(channel, queue) == [b"3", b"4"]


# -- none at all ---------------------------------------------------------------------------------


@pytest.mark.checklist(298)
def test_a_ready_consumer_gets_what_no_queue_may_hold(connection, channel):
    queue = limited(channel, 0)
    publish(channel, "", queue, "dropped")
    box = Inbox(connection.channel(), queue, auto_ack=True)
    publish(channel, "", queue, "delivered")
    assert box.wait(1) == [b"delivered"]


@pytest.mark.checklist(298)
def test_a_busy_consumer_does_not(connection, channel):
    queue = limited(channel, 0)
    other = connection.channel()
    other.basic_qos(prefetch_count=1)
    box = Inbox(other, queue)
    publish(channel, "", queue, "1")
    box.wait(1)
    publish(channel, "", queue, "2")
    box.ack_all()
    publish(channel, "", queue, "3")
    assert box.wait(2) == [b"1", b"3"]


@pytest.mark.checklist(298)
def test_dropped_at_once_is_dead_lettered(channel, dead):
    queue = limited(channel, 0, dead=dead)
    publish(channel, "", queue, *"12")
    until_ready(channel, dead, 2)
    assert ready(channel, queue) == 0
    assert take(channel, dead) == [b"1", b"2"]


@pytest.mark.checklist(298)
def test_refusing_everything(connection, channel):
    queue = limited(channel, 0, overflow="reject-publish")
    box = Inbox(connection.channel(), queue, auto_ack=True)
    nacked(channel, queue, "m")
    assert box.settle() == []


# -- what becomes of the surplus -----------------------------------------------------------------


@pytest.mark.checklist(299)
def test_dropped_heads_are_dead_lettered_in_order(channel, dead):
    queue = limited(channel, 2, dead=dead)
    publish(channel, "", queue, *"12345")
    until_ready(channel, dead, 3)
    letters = [get(channel, dead) for _ in range(3)]
    assert [body for _, _, body in letters] == [b"1", b"2", b"3"]
    for method, properties, _ in letters:
        (death,) = properties.headers["x-death"]
        assert (death["reason"], death["queue"], death["count"]) == ("maxlen", queue, 1)
        assert not method.redelivered
    assert take(channel, queue) == [b"4", b"5"]


@pytest.mark.checklist(299)
def test_dropped_for_their_size_are_dead_lettered(channel, dead):
    queue = limited(channel, octets=2, dead=dead)
    publish(channel, "", queue, *"123")
    until_ready(channel, dead, 1)
    _, properties, body = get(channel, dead)
    assert (body, properties.headers["x-first-death-reason"]) == (b"1", "maxlen")


@pytest.mark.checklist(299)
@pytest.mark.parametrize(("limit", "time"), [(0, "0"), (1, "0"), (0, "60000")])
def test_what_has_neither_room_nor_time_has_no_room(channel, dead, limit, time):
    queue = limited(channel, limit, dead=dead)
    publish(channel, "", queue, "m", expiration=time)
    reason = get(channel, dead)[1].headers["x-first-death-reason"]
    assert reason == ("expired" if limit else "maxlen")


@pytest.mark.checklist(300)
@pytest.mark.parametrize(("limit", "octets"), [(2, None), (None, 2)], ids=["number", "size"])
def test_refused_are_not_dead_lettered(channel, dead, limit, octets):
    queue = limited(channel, limit, octets=octets, dead=dead, overflow="reject-publish")
    publish(channel, "", queue, *"12")
    nacked(channel, queue, *"34")
    assert ready(channel, dead) == 0
    assert take(channel, queue) == [b"1", b"2"]
    publish(channel, "", queue, "5")
    assert take(channel, queue) == [b"5"]


@pytest.mark.checklist(300)
def test_refused_and_dead_lettered(channel, dead):
    queue = limited(channel, 2, dead=dead, overflow="reject-publish-dlx")
    publish(channel, "", queue, *"12")
    nacked(channel, queue, *"34")
    until_ready(channel, dead, 2)
    letters = [get(channel, dead) for _ in range(2)]
    assert [body for _, _, body in letters] == [b"3", b"4"]
    for _, properties, _ in letters:
        (death,) = properties.headers["x-death"]
        assert (death["reason"], death["queue"], death["exchange"]) == ("maxlen", queue, "")
    assert take(channel, queue) == [b"1", b"2"]


@pytest.mark.checklist(300)
def test_refused_without_confirms_is_silence(connection, channel, dead):
    queue = limited(channel, 1, dead=dead, overflow="reject-publish")
    other = connection.channel()
    publish(other, "", queue, *"123")
    until_ready(other, queue, 1)
    assert take(other, queue) == [b"1"]
    assert ready(other, dead) == 0


@pytest.mark.checklist(300)
def test_a_requeue_is_never_refused(channel):
    queue = limited(channel, 1, overflow="reject-publish")
    publish(channel, "", queue, "1")
    tag = get(channel, queue)[0].delivery_tag
    publish(channel, "", queue, "2")
    channel.basic_nack(tag)
    until_ready(channel, queue, 2)
    assert take(channel, queue) == [b"1", b"2"]
