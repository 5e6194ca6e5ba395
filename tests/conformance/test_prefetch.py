"""basic.qos: per consumer, shared by a channel, and both (checklist 220-231)."""

from functools import partial

import pytest

from tests.conformance.helpers import Inbox, connection_refused, declare, get, publish, until_ready
from tests.support.eventually import eventually


@pytest.fixture
def queue(channel):
    """A queue with ten messages."""
    queue = declare(channel)
    publish(channel, "", queue, *"0123456789")
    until_ready(channel, queue, 10)
    return queue


@pytest.fixture
def limited(connection):
    """A channel on which basic.qos was called as given."""

    def with_qos(count, global_qos=False):
        channel = connection.channel()
        channel.basic_qos(prefetch_count=count, global_qos=global_qos)
        return channel

    return with_qos


def settled(*boxes):
    return [len(box.settle()) for box in boxes]


@pytest.mark.checklist(220)
def test_limit_of_a_consumer(limited, queue):
    box = Inbox(limited(2), queue)
    box.wait(2)
    assert settled(box) == [2]
    box.channel.basic_ack(1)
    assert box.wait(3) == [b"0", b"1", b"2"]
    assert settled(box) == [3]


@pytest.mark.checklist(221)
def test_limit_is_each_consumers_own(limited, queue):
    channel = limited(2)
    boxes = [Inbox(channel, queue) for _ in range(2)]
    for box in boxes:
        box.wait(2)
    assert settled(*boxes) == [2, 2]


@pytest.mark.checklist(222)
def test_limit_shared_by_a_channel(limited, queue):
    channel = limited(2, True)
    boxes = [Inbox(channel, queue) for _ in range(2)]
    boxes[0].wait(1)
    assert sum(settled(*boxes)) == 2
    channel.basic_ack(0, multiple=True)
    assert sum(settled(*boxes)) == 4


@pytest.mark.checklist(222)
@pytest.mark.parametrize("queues", [1, 2])
def test_consumers_take_turns_under_a_shared_limit(limited, channel, queue, queues):
    other = queue if queues == 1 else declare(channel)
    publish(channel, "", other, *"abcdefghij")
    until_ready(channel, other, 20 if queues == 1 else 10)
    limit = limited(1, True)
    boxes = [Inbox(limit, queue), Inbox(limit, other)]

    def arrived(count):
        boxes[0].pump()
        return sum(len(box.bodies) for box in boxes) == count

    for tag in range(1, 9):
        eventually(partial(arrived, tag))
        limit.basic_ack(tag)
    assert min(len(box.bodies) for box in boxes) > 1


@pytest.mark.checklist(223)
def test_new_limit_is_for_later_consumers(limited, queue):
    channel = limited(1)
    old = Inbox(channel, queue)
    old.wait(1)
    channel.basic_qos(prefetch_count=3)
    assert settled(old) == [1]
    new = Inbox(channel, queue)
    new.wait(3)
    assert settled(old, new) == [1, 3]


@pytest.mark.checklist(224)
def test_shared_limit_changes_at_once(limited, queue):
    channel = limited(2, True)
    box = Inbox(channel, queue)
    box.wait(2)
    channel.basic_qos(prefetch_count=4, global_qos=True)
    box.wait(4)
    assert settled(box) == [4]
    channel.basic_qos(prefetch_count=1, global_qos=True)
    channel.basic_ack(2, multiple=True)
    assert settled(box) == [4]
    channel.basic_qos(prefetch_count=0, global_qos=True)
    assert len(box.wait(10)) == 10


@pytest.mark.checklist(225)
def test_limit_of_consumers_lifts_the_shared_one(limited, queue):
    channel = limited(1, True)
    channel.basic_qos(prefetch_count=5)
    box = Inbox(channel, queue)
    box.wait(5)
    assert settled(box) == [5]


@pytest.mark.checklist(226)
def test_both_limits_hold(limited, queue):
    channel = limited(5)
    channel.basic_qos(prefetch_count=2, global_qos=True)
    box = Inbox(channel, queue)
    box.wait(2)
    assert settled(box) == [2]


@pytest.mark.checklist(226)
def test_lower_limit_of_a_consumer_under_a_shared_one(limited, queue):
    channel = limited(1)
    channel.basic_qos(prefetch_count=3, global_qos=True)
    boxes = [Inbox(channel, queue) for _ in range(2)]
    for box in boxes:
        box.wait(1)
    assert settled(*boxes) == [1, 1]


@pytest.mark.checklist(227)
def test_zero_is_unlimited(limited, queue):
    assert len(Inbox(limited(0), queue).wait(10)) == 10


@pytest.mark.checklist(228)
def test_automatic_ack_knows_no_limit_of_its_own(limited, queue):
    assert len(Inbox(limited(1), queue, auto_ack=True).wait(10)) == 10


@pytest.mark.checklist(228)
def test_shared_limit_pauses_consumers_with_automatic_ack(limited, channel, queue):
    shared = limited(1, True)
    holder = Inbox(shared, queue)
    holder.wait(1)
    box = Inbox(shared, queue, auto_ack=True)
    assert settled(box) == [0]
    shared.basic_ack(1)
    eventually_all = len(holder.settle()) + len(box.settle())
    assert eventually_all >= 2


@pytest.mark.checklist(222)
def test_gets_ignore_limits_but_count_when_the_shared_one_starts(connection, queue):
    channel = connection.channel()
    for _ in range(3):
        get(channel, queue)
    channel.basic_qos(prefetch_count=4, global_qos=True)
    get(channel, queue)
    box = Inbox(channel, queue)
    box.wait(1)
    assert settled(box) == [1]


@pytest.mark.checklist(229)
@pytest.mark.parametrize("how", ["ack", "nack", "reject", "recover"])
def test_every_settlement_frees_its_slots(limited, channel, queue, how):
    consuming = limited(2)
    box = Inbox(consuming, queue)
    box.wait(2)
    if how == "ack":
        consuming.basic_ack(2, multiple=True)
    elif how == "nack":
        consuming.basic_nack(2, multiple=True, requeue=False)
    elif how == "reject":
        for tag in (1, 2):
            consuming.basic_reject(tag, requeue=False)
    else:
        consuming.basic_recover(requeue=True)
    box.wait(4)
    assert settled(box) == [4]
    assert box.bodies[2:] == ([b"0", b"1"] if how == "recover" else [b"2", b"3"])


@pytest.mark.checklist(230)
def test_limit_holds_for_a_burst_into_an_empty_queue(limited, channel):
    queue = declare(channel)
    box = Inbox(limited(3), queue)
    publish(channel, "", queue, *"0123456789")
    box.wait(3)
    assert settled(box) == [3]


@pytest.mark.checklist(231)
def test_prefetch_size_is_not_implemented(channel):
    with connection_refused(540, "NOT_IMPLEMENTED - prefetch_size!=0 (10)"):
        channel.basic_qos(prefetch_size=10)
