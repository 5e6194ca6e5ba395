"""Classic priority queues (checklist 325-327)."""

import pytest

from tests.conformance.helpers import Inbox, declare, get, publish, take, until_ready


@pytest.fixture
def channel(confirming):
    return confirming


@pytest.fixture
def queue(channel):
    """A queue with priorities 0 to 5."""
    return declare(channel, arguments={"x-max-priority": 5})


@pytest.mark.checklist(325)
def test_highest_first_and_first_in_first_out_inside(channel, queue):
    for body, priority in (
        ("none", None),
        ("1a", 1),
        ("5a", 5),
        ("0", 0),
        ("5b", 5),
        ("1b", 1),
        ("9", 9),
        ("255", 255),
    ):
        publish(channel, "", queue, body, priority=priority)
    until_ready(channel, queue, 8)
    assert take(channel, queue) == [b"5a", b"5b", b"9", b"255", b"1a", b"1b", b"none", b"0"]


@pytest.mark.checklist(325)
def test_requeue_keeps_the_place(channel, queue):
    for priority in (1, 5, 5):
        publish(channel, "", queue, f"{priority}", priority=priority)
    until_ready(channel, queue, 3)
    taken = [get(channel, queue)[0].delivery_tag for _ in range(3)]
    for tag in (taken[2], taken[0], taken[1]):
        channel.basic_nack(tag)
    until_ready(channel, queue, 3)
    publish(channel, "", queue, "5 late", priority=5)
    until_ready(channel, queue, 4)
    assert take(channel, queue) == [b"5", b"5", b"5 late", b"1"]


@pytest.mark.checklist(326)
def test_priority_property_is_untouched(channel, queue):
    publish(channel, "", queue, "m", priority=9)
    assert get(channel, queue)[1].priority == 9


@pytest.mark.checklist(325)
def test_consumer_gets_the_highest_first(channel, queue, connection):
    publish(channel, "", queue, "low", priority=0)
    publish(channel, "", queue, "high", priority=3)
    until_ready(channel, queue, 2)
    assert Inbox(connection.channel(), queue).wait(2) == [b"high", b"low"]


@pytest.mark.checklist(325)
def test_without_priorities_the_property_means_nothing(channel):
    queue = declare(channel)
    publish(channel, "", queue, "first", priority=1)
    publish(channel, "", queue, "second", priority=9)
    until_ready(channel, queue, 2)
    assert take(channel, queue) == [b"first", b"second"]


@pytest.mark.differs("counts what has expired until it is the first of its queue")
@pytest.mark.checklist(291, 325)
def test_every_priority_expires(channel, queue):
    publish(channel, "", queue, "low", priority=0, expiration="50")
    publish(channel, "", queue, "high", priority=5)
    until_ready(channel, queue, 1)
    assert take(channel, queue) == [b"high"]


@pytest.mark.checklist(325)
def test_purge_and_counts_cover_all_priorities(channel, queue):
    for priority in range(6):
        publish(channel, "", queue, "m", priority=priority)
    until_ready(channel, queue, 6)
    assert get(channel, queue)[0].message_count == 5
    assert channel.queue_purge(queue).method.message_count == 5


@pytest.mark.checklist(327)
def test_a_length_limit_drops_the_highest_priority_first(channel):
    queue = declare(channel, arguments={"x-max-priority": 5, "x-max-length": 3})
    for body, priority in (("0", 0), ("5a", 5), ("3", 3), ("5b", 5), ("1", 1)):
        publish(channel, "", queue, body, priority=priority)
    until_ready(channel, queue, 3)
    assert take(channel, queue) == [b"3", b"1", b"0"]


@pytest.mark.checklist(327)
def test_dropped_by_priority_and_dead_lettered_in_that_order(channel):
    dead = declare(channel)
    arguments = {
        "x-max-priority": 5,
        "x-max-length": 1,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead,
    }
    queue = declare(channel, arguments=arguments)
    for body, priority in (("low", 0), ("high", 5), ("middle", 3)):
        publish(channel, "", queue, body, priority=priority)
    until_ready(channel, dead, 2)
    assert take(channel, dead) == [b"high", b"middle"]
    assert take(channel, queue) == [b"low"]
