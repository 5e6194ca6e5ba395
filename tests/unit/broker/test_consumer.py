import pytest

from broker.consumer import Available
from tests.support.encoding import plain
from tests.support.wire import body_frame, header_frame, method_frame, publish_frames


def consumer_of(client, tag="c", channel=1):
    return client.connection.channels[channel].consumers[tag]


# -- the frames of a delivery


@pytest.mark.parametrize("size", [0, 1, 4088, 4089, 10_000])
@pytest.mark.parametrize("frame_max", [4096, 131072])
def test_a_delivery_is_the_message_as_it_came(engine, size, frame_max):
    client, publisher = engine.connect(frame_max=frame_max), engine.connect()
    client.declare("q")
    client.consume("q")
    properties = {"content_type": "a/b", "headers": {"k": [1, None]}, "message_id": "m"}
    publisher.publish("", "q", b"x" * size, **properties)
    (delivery,) = client.deliveries()
    assert delivery.body == b"x" * size
    assert all(length <= frame_max - 8 for length in delivery.bodies)
    assert plain(delivery.properties) == properties
    assert delivery.method.arguments == {
        "consumer_tag": "c",
        "delivery_tag": 1,
        "redelivered": False,
        "exchange": "",
        "routing_key": "q",
    }


def test_a_body_that_came_in_pieces(client):
    client.declare("q")
    client.consume("q")
    method = method_frame(1, "basic.publish", routing_key="q")
    client.send(method, header_frame(1, 5), body_frame(1, b"ab"), body_frame(1, b"cde"))
    (delivery,) = client.deliveries()
    assert (delivery.body, delivery.bodies) == (b"abcde", [5])


def test_no_frame_limit(engine):
    with type(engine)(frame_max=0) as unlimited:
        client = unlimited.connect(frame_max=0)
        client.declare("q")
        client.consume("q")
        client.publish("", "q", b"x" * 300_000)
        assert client.deliveries()[0].bodies == [300_000]


def test_the_frames_of_different_messages_do_not_mix(client):
    client.declare("q")
    client.call(1, "exchange.declare", exchange="x", type="fanout")
    client.call(1, "queue.bind", queue="q", exchange="x")
    client.consume("q")
    client.send(
        publish_frames(1, "", "q", b"a"),
        publish_frames(1, "x", "key", b"bb", priority=1),
        publish_frames(1, "x", "other", b"", delivery_mode=2),
        publish_frames(1, "", "q", b"a"),
    )
    seen = [
        (
            each.method.arguments["exchange"],
            each.method.arguments["routing_key"],
            each.body,
            each.properties,
        )
        for each in client.deliveries()
    ]
    assert seen == [
        ("", "q", b"a", {}),
        ("x", "key", b"bb", {"priority": 1}),
        ("x", "other", b"", {"delivery_mode": 2}),
        ("", "q", b"a", {}),
    ]


def test_routing_keys_are_bytes(client):
    client.declare("q")
    client.call(1, "queue.bind", queue="q", exchange="amq.fanout")
    client.consume("q", "tägchen")
    client.publish("amq.fanout", b"\xff\xfe", b"m")
    (delivery,) = client.deliveries()
    assert delivery.method.arguments["routing_key"] == "\udcff\udcfe"
    assert delivery.method.arguments["consumer_tag"] == "tägchen"


def test_tags_count_on_across_consumers_and_gets(client):
    for queue in ("a", "b"):
        client.declare(queue)
        client.consume(queue, queue)
    client.declare("c")
    for queue in ("a", "b", "c", "a"):
        client.publish("", queue, b"m")
        if queue == "c":
            assert client.get("c").method.arguments["delivery_tag"] == 3
        else:
            client.deliveries()
    assert sorted(client.connection.channels[1].unacked) == [1, 2, 3, 4]


def test_a_dead_letter_on_the_way_of_a_delivery_has_a_tag_of_its_own(engine, client):
    # The timer is late: the expired message is met by the delivery, and its dead letter pushes
    # out what waits in the full queue that it goes to, on the same channel.
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    client.declare("full", full)
    client.declare("q", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "full"})
    for queue in ("q", "full"):
        client.consume(queue, queue, prefetch=1)
        client.publish("", queue, b"first of " + queue.encode())
        client.deliveries()
    client.publish("", "q", b"expired", expiration="10")
    client.publish("", "q", b"second of q")
    client.publish("", "full", b"second of full")
    assert client.silent
    engine.stall(1)
    client.send(
        method_frame(1, "basic.ack", delivery_tag=1), method_frame(1, "basic.ack", delivery_tag=2)
    )
    seen = {each.method.arguments["delivery_tag"]: each.body for each in client.deliveries()}
    assert sorted(seen) == [3, 4]
    assert sorted(seen.values()) == [b"second of full", b"second of q"]
    assert sorted(client.connection.channels[1].unacked) == [3, 4]


# -- room


def test_no_ack_has_no_limit_and_no_ledger(client):
    queue = client.declare("q")
    client.consume("q", prefetch=1, no_ack=True)
    for _ in range(3):
        client.publish("", "q", b"m")
    assert len(client.deliveries()) == 3
    assert (queue.unacked, len(client.connection.channels[1].unacked)) == (0, 0)


def test_room_for_as_many_as_were_acked_by_either_consumer(client):
    client.declare("q")
    client.consume("q", "a", prefetch=1)
    client.consume("q", "b", prefetch=2)
    for _ in range(6):
        client.publish("", "q", b"m")
    taken = [each.method.arguments["consumer_tag"] for each in client.deliveries()]
    assert taken == ["a", "b", "b"]
    client.ack(2)
    assert [each.method.arguments["consumer_tag"] for each in client.deliveries()] == ["b"]
    client.ack(0, multiple=True)
    assert sorted(each.method.arguments["consumer_tag"] for each in client.deliveries()) == [
        "a",
        "b",
    ]


def test_a_cancelled_consumer_gets_nothing_and_keeps_what_it_has(client):
    queue = client.declare("q")
    client.consume("q", prefetch=1)
    for body in (b"1", b"2"):
        client.publish("", "q", body)
    client.deliveries()
    consumer = consumer_of(client)
    client.call(1, "basic.cancel", consumer_tag="c")
    client.ack(1)
    assert client.silent
    assert (consumer.active, queue.message_count, queue.consumer_count) == (False, 1, 0)


def test_nothing_before_consume_ok(client):
    client.declare("q")
    client.publish("", "q", b"m")
    client.send_method(1, "basic.consume", queue="q", consumer_tag="c")
    assert client.names() == ["basic.consume-ok", "basic.deliver"]


# -- whose turn it is


class Waiting:
    def __init__(self, name: str, priority: int = 0) -> None:
        self.name = name
        self.priority = priority


def turns(available: Available, count: int) -> str:
    names = []
    for _ in range(count):
        consumer = available.first()
        names.append(consumer.name)  # type: ignore[attr-defined]
        available.rotate(consumer)
    return "".join(names)


def test_available_takes_turns_among_equals():
    available = Available()
    assert not available
    a, b, c = (Waiting(name) for name in "abc")
    for each in (a, b, c):
        available.add(each)  # type: ignore[arg-type]
    assert turns(available, 5) == "abcab"
    available.discard(a)  # type: ignore[arg-type]
    available.discard(a)  # type: ignore[arg-type]
    assert turns(available, 3) == "cbc"


def test_available_prefers_priority():
    available = Available()
    low, high, equal = Waiting("l", -1), Waiting("h", 7), Waiting("e", 7)
    for each in (low, high, equal):
        available.add(each)  # type: ignore[arg-type]
    assert turns(available, 3) == "heh"
    assert available.alone(low)  # type: ignore[arg-type]
    assert not available.alone(high)  # type: ignore[arg-type]
    available.discard(high)  # type: ignore[arg-type]
    available.discard(equal)  # type: ignore[arg-type]
    assert turns(available, 2) == "ll"
    available.discard(low)  # type: ignore[arg-type]
    assert not available
