"""Priorities of quorum queues: two levels, of which neither keeps the other waiting for ever."""

import pytest

from broker import paging
from broker.paged import Paged
from broker.ready import Fifo, Sparse
from broker.weighted import Weighted

QUORUM = {"x-queue-type": "quorum"}


def publish(client, *names, **properties):
    """Messages by name; those that begin with h are of high priority."""
    for name in names:
        priority = 5 if name[0] == "h" else 4
        client.publish("", "q", name.encode(), priority=priority, **properties)
    client.engine.run()


def drain(client):
    client.consume("q", no_ack=True)
    names = [body.decode() for body in client.bodies()]
    client.call(1, "basic.cancel", consumer_tag="c")
    return names


@pytest.fixture
def queue(client):
    return client.declare("q", QUORUM)


def test_without_high_priorities_there_is_one_level(client, queue):
    for priority in (None, 0, 3, 4):
        given = {} if priority is None else {"priority": priority}
        client.publish("", "q", str(priority).encode(), **given)
    assert type(queue.ready) is Fifo
    assert queue.levels == 1
    assert drain(client) == ["None", "0", "3", "4"]


def test_two_of_high_priority_go_before_one_of_normal(client, queue):
    publish(client, "n1", "n2", "n3", "h1", "h2", "h3", "h4", "h5", "n4")
    assert isinstance(queue.ready, Weighted)
    assert queue.message_count == 9
    assert drain(client) == ["h1", "h2", "n1", "h3", "h4", "n2", "h5", "n3", "n4"]
    assert queue.message_count == 0


def test_all_above_normal_are_alike(client, queue):
    for priority in (5, 255, 9):
        client.publish("", "q", b"%d" % priority, priority=priority)
    assert drain(client) == ["5", "255", "9"]


def test_what_came_back_goes_first_in_the_order_of_its_return(client, queue):
    publish(client, "n1", "n2", "h1", "h2", "h3")
    client.consume("q", prefetch=4)
    assert client.bodies() == [b"h1", b"h2", b"n1", b"h3"]
    client.call(1, "basic.cancel", consumer_tag="c")
    for tag in (3, 4, 1):
        client.nack(tag)
    publish(client, "h4")
    assert drain(client) == ["n1", "h3", "h1", "h4", "n2"]


def test_messages_of_both_levels_expire(engine, client, queue):
    publish(client, "n1", "h1", expiration="5000")
    publish(client, "n2", "h2")
    publish(client, "n3", "h3", expiration="2000")
    engine.advance(3)
    assert queue.message_count == 4
    engine.advance(3)
    assert queue.message_count == 2
    assert drain(client) == ["h2", "n2"]


def test_a_purge_takes_both(client, queue):
    publish(client, "n1", "h1")
    assert client.call(1, "queue.purge", queue="q").arguments["message_count"] == 2
    assert (queue.message_count, queue.ready_bytes) == (0, 0)


def test_the_next_one_is_dropped_where_there_are_too_many(client):
    client.declare("q", QUORUM | {"x-max-length": 2})
    publish(client, "n1", "h1", "h2", "h3")
    assert drain(client) == ["n1", "h3"]


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_levels_survive(engine, client, queue, how):
    publish(client, "n1", "h1", "n2", "h2", "h3", "n3")
    assert client.get("q", no_ack=True).body == b"h1"
    engine.advance(1)
    getattr(engine, how)()
    client = engine.connect()
    content = client.get("q")
    assert content.method.arguments["redelivered"] == (how == "crash")
    client.nack(1)
    assert len(drain(client)) == 5
    assert len(engine.queue("q").marks.on_disk) == 2


def test_levels_survive_where_nothing_was_ever_delivered(engine, client, queue):
    publish(client, "n1", "h1", "n2", "h2", "h3")
    engine.crash()
    client = engine.connect()
    assert drain(client) == ["h1", "h2", "n1", "h3", "n2"]


def test_marks_of_one_level_become_those_of_two(engine, client, queue):
    publish(client, "n1", "n2")
    with engine.disk_held():
        # The mark for one level is on its way when there are two.
        client.send_method(1, "basic.get", queue="q")
        publish(client, "h1")
    assert client.expect_content("basic.get-ok").body == b"n1"
    assert len(queue.marks.on_disk) == 2
    assert drain(client) == ["h1", "n2"]
    engine.restart()
    client = engine.connect()
    publish(client, "h2", "n3")
    assert drain(client) == ["n1", "h2", "n3"]


# -- long queues -------------------------------------------------------------------------


@pytest.fixture
def tiny(monkeypatch):
    for name, value in (("LONG", 500), ("HEAD", 1), ("AHEAD", 800), ("FLOOR", 0), ("PORTION", 1)):
        monkeypatch.setattr(paging, name, value)


def mixed(count):
    """The expected order of as many of each kind, published in turn."""
    high = [f"h{number}" for number in range(count)]
    normal = [f"n{number}" for number in range(count)]
    names = []
    while high:
        names += [*high[:2], *normal[:1]]
        high, normal = high[2:], normal[1:]
    return names + normal


@pytest.mark.parametrize("kept", [0, 30])
@pytest.mark.parametrize("how", ["run", "restart", "crash"])
def test_long_levels(engine, client, queue, tiny, kept, how):
    """The first of high priority comes early, or when much is on the disk."""
    given = [name for number in range(60) for name in (f"n{number}", f"h{number}")]
    normal = [f"n{number}" for number in range(kept)]
    for name in [*normal, *(name for name in given if name not in normal)]:
        publish(client, name)
    assert isinstance(queue.ready, Weighted)
    assert all(isinstance(level, Paged) for level in queue.ready.levels)
    if how != "run":
        getattr(engine, how)()
        queue, client = engine.queue("q"), engine.connect()
        assert all(isinstance(level, Paged) for level in queue.ready.levels)
    assert queue.message_count == 120
    assert drain(client) == mixed(60)
    assert not queue.ready.paged


def test_deadlines_in_both_levels_and_back(engine, client, queue):
    publish(client, "h1", expiration="9000")
    publish(client, "h2", expiration="2000")
    client.consume("q", prefetch=1)
    client.deliveries()
    client.call(1, "basic.cancel", consumer_tag="c")
    client.nack(1)
    assert isinstance(queue.ready.levels[0], Sparse)
    engine.advance(3)
    assert drain(client) == ["h1"]
