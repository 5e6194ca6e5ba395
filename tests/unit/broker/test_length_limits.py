import pytest

from broker.length_limits import Limits
from tests.support.wire import publish_frames
from vhosts.settings import QueueSettings

REJECT = {"x-overflow": "reject-publish"}


def publish(client, *bodies, queue="q", **options):
    client.send(*(publish_frames(1, "", queue, body, **options) for body in bodies))
    client.engine.run()


def contents(queue):
    return [each.message.body for each in queue.ready]


def test_no_limits_no_object():
    assert Limits.of(QueueSettings()) is None


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ({"x-max-length": 2}, [b"333", b"4"]),
        ({"x-max-length-bytes": 4}, [b"333", b"4"]),
        ({"x-max-length-bytes": 3}, [b"4"]),
        ({"x-max-length": 3, "x-max-length-bytes": 6}, [b"22", b"333", b"4"]),
        ({"x-max-length": 3, "x-max-length-bytes": 5}, [b"333", b"4"]),
        ({"x-max-length": 0}, []),
    ],
)
def test_the_oldest_are_dropped(client, arguments, left):
    queue = client.declare("q", arguments)
    publish(client, b"1", b"22", b"333", b"4")
    assert contents(queue) == left
    assert queue.ready_bytes == sum(map(len, left))


def test_with_priorities_the_highest_are_dropped_first(client):
    queue = client.declare("q", {"x-max-length": 2, "x-max-priority": 5})
    publish(client, b"low")
    publish(client, b"high", priority=5)
    publish(client, b"low")
    assert contents(queue) == [b"low", b"low"]


def test_who_waits_gets_it_all(client):
    client.declare("q", {"x-max-length": 0})
    client.consume("q")
    publish(client, b"1", b"2", b"3")
    assert client.bodies() == [b"1", b"2", b"3"]


def test_unacked_messages_do_not_count_until_they_come_back(client):
    queue = client.declare("q", {"x-max-length": 2})
    client.consume("q", prefetch=2)
    publish(client, b"1", b"2", b"3", b"4")
    client.deliveries()
    assert contents(queue) == [b"3", b"4"]
    client.call(1, "basic.cancel", consumer_tag="c")
    client.nack(0, multiple=True)
    client.engine.run()
    assert contents(queue) == [b"3", b"4"]


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_unacked_messages_count_again_after_a_crash(client, kind):
    engine = client.engine
    client.declare("q", {"x-queue-type": kind, "x-max-length": 2})
    publish(client, b"1", delivery_mode=2)
    client.get("q")
    publish(client, b"2", b"3", delivery_mode=2)
    engine.crash()
    engine.run()
    assert contents(engine.queue("q")) == [b"2", b"3"]


def test_dropped_messages_are_dead_lettered(client):
    dead = client.declare("dead")
    client.declare(
        "q",
        {"x-max-length": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"},
    )
    publish(client, b"1", b"2", b"3")
    assert contents(dead) == [b"1", b"2"]
    assert client.get("dead").properties["headers"]["x-first-death-reason"].value == "maxlen"


def test_reject_publish_nacks(client):
    queue = client.declare("q", {**REJECT, "x-max-length": 2})
    client.call(1, "confirm.select")
    publish(client, b"1", b"2", b"3", b"4")
    client.expect("basic.ack", delivery_tag=2, multiple=True)
    client.expect("basic.nack", delivery_tag=3)
    client.expect("basic.nack", delivery_tag=4)
    assert contents(queue) == [b"1", b"2"]


def test_reject_publish_by_bytes(client):
    queue = client.declare("q", {**REJECT, "x-max-length-bytes": 5})
    publish(client, b"1234", b"56", b"7", b"8")
    assert contents(queue) == [b"1234", b"7"]


def test_reject_publish_of_nothing_refuses_everything(client):
    client.declare("q", {**REJECT, "x-max-length": 0})
    client.consume("q")
    client.call(1, "confirm.select")
    publish(client, b"m")
    client.expect("basic.nack", delivery_tag=1)
    assert client.silent


def test_what_can_be_delivered_makes_room(client):
    client.declare("q", {**REJECT, "x-max-length": 1})
    client.consume("q", prefetch=3)
    client.call(1, "confirm.select")
    publish(client, b"1", b"2", b"3", b"4", b"5")
    seen = client.names()
    assert seen.count("basic.deliver") == 3
    assert seen.count("basic.nack") == 1


def test_one_full_queue_of_many_is_enough_for_a_nack(client):
    client.call(1, "exchange.declare", exchange="x", type="fanout")
    client.declare("full", {**REJECT, "x-max-length": 0})
    other = client.declare("other")
    for queue in ("full", "other"):
        client.call(1, "queue.bind", queue=queue, exchange="x")
    client.call(1, "confirm.select")
    client.publish("x", "", b"m", delivery_mode=2)
    client.expect("basic.nack", delivery_tag=1)
    assert contents(other) == [b"m"]


@pytest.mark.parametrize(
    ("overflow", "dead"), [("reject-publish", []), ("reject-publish-dlx", [b"2"])]
)
def test_what_is_refused_is_dead_lettered_only_where_asked_for(client, overflow, dead):
    graveyard = client.declare("dead")
    client.declare(
        "q",
        {
            "x-max-length": 1,
            "x-overflow": overflow,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": "dead",
        },
    )
    client.call(1, "confirm.select")
    publish(client, b"1", b"2")
    assert client.names() == ["basic.ack", "basic.nack"]
    assert contents(graveyard) == dead
