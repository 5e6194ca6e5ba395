"""Time to live of queues and messages (checklist 289-293)."""

import pytest

from tests.conformance.helpers import (
    Inbox,
    dead_lettering,
    declare,
    get,
    publish,
    ready,
    take,
    until_ready,
)
from tests.support.eventually import eventually, stays


@pytest.fixture
def channel(confirming):
    return confirming


@pytest.mark.checklist(289)
def test_messages_of_the_queue_expire(channel):
    dead = declare(channel)
    queue = dead_lettering(channel, "", dead, **{"x-message-ttl": 100})
    publish(channel, "", queue, "1", "2", "3")
    until_ready(channel, dead, 3)
    assert ready(channel, queue) == 0


@pytest.mark.checklist(289)
def test_ttl_of_zero_delivers_to_a_ready_consumer_only(connection, channel):
    queue = declare(channel, arguments={"x-message-ttl": 0})
    publish(channel, "", queue, "gone")
    assert take(channel, queue) == []
    box = Inbox(connection.channel(), queue, auto_ack=True)
    publish(channel, "", queue, "1", "2")
    assert box.wait(2) == [b"1", b"2"]


@pytest.mark.checklist(289)
def test_expiration_of_zero_delivers_to_a_ready_consumer_only(connection, channel):
    queue = declare(channel)
    publish(channel, "", queue, "gone", expiration="0")
    assert take(channel, queue) == []
    box = Inbox(connection.channel(), queue, auto_ack=True)
    publish(channel, "", queue, "1", expiration="0")
    assert box.wait(1) == [b"1"]


@pytest.mark.checklist(290)
@pytest.mark.parametrize(("queue_ttl", "message_ttl"), [(100, 60000), (60000, 100)])
def test_the_smaller_ttl_wins(channel, queue_ttl, message_ttl):
    dead = declare(channel)
    queue = dead_lettering(channel, "", dead, **{"x-message-ttl": queue_ttl})
    publish(channel, "", queue, "m", expiration=str(message_ttl))
    until_ready(channel, dead, 1)
    assert ready(channel, queue) == 0


@pytest.mark.checklist(290)
def test_expiration_without_a_queue_ttl(channel):
    queue = declare(channel)
    publish(channel, "", queue, "1", "2", expiration="100")
    publish(channel, "", queue, "stays")
    until_ready(channel, queue, 1)
    assert take(channel, queue) == [b"stays"]


@pytest.mark.checklist(291)
def test_expired_behind_the_head_is_never_delivered(channel):
    queue = declare(channel)
    publish(channel, "", queue, "long", expiration="60000")
    publish(channel, "", queue, "short", expiration="50")
    witness = declare(channel, arguments={"x-message-ttl": 100})
    publish(channel, "", witness, "m")
    until_ready(channel, witness, 0)
    assert get(channel, queue)[2] == b"long"
    until_ready(channel, queue, 0)
    assert take(channel, queue) == []


@pytest.mark.differs("counts what has expired until it is the first of its queue")
@pytest.mark.checklist(291)
@pytest.mark.parametrize("first", [None, "60000"])
def test_expired_behind_the_head_goes_within_a_second(channel, first):
    dead = declare(channel)
    options = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    queue = declare(channel, arguments=options)
    publish(channel, "", queue, "long", expiration=first)
    publish(channel, "", queue, *"123", expiration="50")
    publish(channel, "", queue, "last")
    until_ready(channel, queue, 2)
    assert take(channel, dead) == [b"1", b"2", b"3"]
    assert take(channel, queue) == [b"long", b"last"]


@pytest.mark.differs("counts what has expired until it is the first of its queue")
@pytest.mark.checklist(291, 292)
def test_expired_behind_a_returned_one_goes_within_a_second(channel):
    queue = declare(channel)
    publish(channel, "", queue, "long")
    publish(channel, "", queue, "short", expiration="150")
    tags = [get(channel, queue)[0].delivery_tag for _ in range(2)]
    channel.basic_nack(tags[-1], multiple=True)
    until_ready(channel, queue, 1)
    assert take(channel, queue) == [b"long"]


@pytest.mark.checklist(292)
def test_expired_while_unacked_goes_after_requeue(channel):
    queue = declare(channel, arguments={"x-message-ttl": 100})
    witness = declare(channel, arguments={"x-message-ttl": 200})
    publish(channel, "", queue, "m")
    tag = get(channel, queue)[0].delivery_tag
    publish(channel, "", witness, "m")
    until_ready(channel, witness, 0)
    channel.basic_nack(tag)
    assert take(channel, queue) == []


@pytest.mark.checklist(292)
def test_requeue_does_not_renew_the_deadline(channel):
    queue = declare(channel, arguments={"x-message-ttl": 300})
    publish(channel, "", queue, "m")

    def requeue():
        method, _, _ = channel.basic_get(queue)
        if method:
            channel.basic_nack(method.delivery_tag)
        return method is None and ready(channel, queue) == 0

    eventually(requeue)


@pytest.mark.checklist(293)
def test_late_consumer_gets_nothing_expired(connection, channel):
    queue = declare(channel)
    publish(channel, "", queue, *"123", expiration="50")
    publish(channel, "", queue, "live")
    until_ready(channel, queue, 1)
    box = Inbox(connection.channel(), queue, auto_ack=True)
    assert box.wait(1) == [b"live"]


@pytest.mark.checklist(293)
def test_unacked_messages_never_expire(channel):
    queue = declare(channel, arguments={"x-message-ttl": 50})
    box = Inbox(channel, queue)
    publish(channel, "", queue, "m")
    box.wait(1)
    stays(lambda: ready(channel, queue) == 0, 0.2)
    channel.basic_ack(1)
    assert ready(channel, queue) == 0
