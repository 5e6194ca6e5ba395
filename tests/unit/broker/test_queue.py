import pytest

from broker import queue as queue_module
from tests.support.encoding import Typed
from tests.support.wire import method_frame, publish_frames

MAX_PRIORITY = {"x-max-priority": 9}


def publish(client, *bodies, queue="q", **options):
    client.send(*(publish_frames(1, "", queue, body, **options) for body in bodies))


def test_first_in_first_out(client):
    queue = client.declare("q")
    publish(client, b"1", b"2", b"3")
    client.engine.run()
    assert (queue.message_count, queue.ready_bytes, queue.unacked) == (3, 3, 0)
    client.consume("q")
    assert client.bodies() == [b"1", b"2", b"3"]
    assert (queue.message_count, queue.ready_bytes, queue.unacked) == (0, 0, 3)
    client.ack(3, multiple=True)
    client.engine.run()
    assert (queue.unacked, queue.acked, queue.delivered) == (0, 3, 3)


def test_what_is_requeued_takes_its_old_place(client):
    client.declare("q")
    publish(client, b"1", b"2", b"3", b"4")
    client.consume("q", prefetch=3)
    assert client.bodies() == [b"1", b"2", b"3"]
    client.nack(2)
    (again,) = client.deliveries()
    assert (again.body, again.method.arguments["redelivered"]) == (b"2", True)
    client.nack(0, multiple=True)
    assert client.bodies() == [b"1", b"2", b"3"]


def test_requeued_to_a_queue_that_is_gone(engine, client):
    queue = client.declare("q")
    publish(client, b"1", delivery_mode=2)
    client.consume("q")
    assert client.bodies() == [b"1"]
    client.call(1, "queue.delete", queue="q")
    client.nack(1)
    engine.run()
    assert (queue.message_count, queue.unacked) == (0, 0)


def test_consumers_take_turns(client):
    client.declare("q")
    for tag in ("a", "b", "c"):
        client.consume("q", tag)
    publish(client, *(b"%d" % number for number in range(6)))
    taken = [(each.method.arguments["consumer_tag"], each.body) for each in client.deliveries()]
    assert taken == [("a", b"0"), ("b", b"1"), ("c", b"2"), ("a", b"3"), ("b", b"4"), ("c", b"5")]


def test_prefetch_is_what_a_consumer_holds_at_most(client):
    client.declare("q")
    client.consume("q", prefetch=2)
    publish(client, b"1", b"2", b"3", b"4")
    assert client.bodies() == [b"1", b"2"]
    client.ack(1)
    assert client.bodies() == [b"3"]
    client.ack(3, multiple=True)
    assert client.bodies() == [b"4"]


def test_higher_priorities_go_first(client):
    client.declare("q", MAX_PRIORITY)
    for priority in (0, 5, 9, 5, 200, 1):
        publish(client, b"%d" % priority, priority=priority)
    client.consume("q")
    assert client.bodies() == [b"9", b"200", b"5", b"5", b"1", b"0"]


def test_a_slow_client_gets_nothing_more_and_others_go_on(engine):
    slow, quick, publisher = engine.connect(), engine.connect(), engine.connect()
    publisher.declare("q")
    for client in (slow, quick):
        client.consume("q", prefetch=10)
    slow.connection.pause_writing()
    publish(publisher, *[b"m"] * 4)
    assert slow.silent
    assert len(quick.bodies()) == 4
    slow.connection.resume_writing()
    publish(publisher, *[b"m"] * 4)
    assert len(slow.bodies()) == len(quick.bodies()) == 2


def test_what_waits_for_a_slow_client_comes_when_it_has_room(engine, client):
    client.declare("q")
    client.consume("q")
    client.connection.pause_writing()
    publish(client, b"1", b"2")
    assert client.silent
    client.connection.resume_writing()
    assert client.bodies() == [b"1", b"2"]


def test_one_queue_does_not_hold_the_loop(engine, monkeypatch):
    monkeypatch.setattr(queue_module, "TURN_MESSAGES", 10)
    client, other = engine.connect(), engine.connect()
    long, short = client.declare("long"), other.declare("short")
    publish(client, *[b"m"] * 35, queue="long")
    engine.run()
    consume = method_frame(1, "basic.consume", queue="long", consumer_tag="c", nowait=True)
    client.send(consume, publish_frames(1, "", "short", b"n"))
    other.send_method(1, "basic.consume", queue="short", consumer_tag="c", nowait=True)
    steps = []
    for _ in range(15):
        engine.step()
        steps.append((long.delivered, short.delivered))
    assert list(dict.fromkeys(steps))[-4:] == [(10, 1), (20, 1), (30, 1), (35, 1)]
    assert len(client.bodies()) == 35


def test_a_turn_of_large_messages_is_short(engine, client, monkeypatch):
    monkeypatch.setattr(queue_module, "TURN_BYTES", 1000)
    client.declare("q")
    publish(client, *[b"x" * 400] * 7)
    engine.run()
    client.consume("q")
    assert len(client.bodies()) == 7
    assert len(client.wire.writes) >= 4


def test_get_and_purge_count(client):
    queue = client.declare("q")
    publish(client, b"1", b"22", b"333")
    assert client.get("q").method.arguments["message_count"] == 2
    assert (queue.got, queue.unacked, queue.ready_bytes) == (1, 1, 5)
    assert client.call(1, "queue.purge", queue="q").arguments["message_count"] == 2
    assert (queue.message_count, queue.ready_bytes, queue.unacked) == (0, 0, 1)
    client.nack(1)
    assert client.get("q").method.arguments["redelivered"]


def test_the_last_consumer_takes_an_auto_delete_queue_with_it(engine, client):
    client.declare("q", auto_delete=True)
    client.consume("q", "a")
    client.consume("q", "b")
    client.call(1, "basic.cancel", consumer_tag="a")
    assert "q" in engine.vhost.queues
    client.call(1, "basic.cancel", consumer_tag="b")
    assert "q" not in engine.vhost.queues


def test_consumers_of_a_deleted_queue_are_told(engine, client):
    watcher, mute = engine.connect(), engine.connect(client_properties={})
    client.declare("q")
    for each in (watcher, mute):
        each.consume("q")
    client.call(1, "queue.delete", queue="q")
    watcher.expect("basic.cancel", 1, consumer_tag="c", nowait=True)
    assert mute.silent
    client.declare("q")
    watcher.consume("q")


def test_exclusive_consumers_stand_alone(engine, client):
    other = engine.connect(channels=(1, 2))
    client.declare("q")
    client.consume("q", exclusive=True)
    other.send_method(1, "basic.consume", queue="q")
    other.expect_close(403, channel=1)
    client.call(1, "basic.cancel", consumer_tag="c")
    other.consume("q", channel=2)
    client.send_method(1, "basic.consume", queue="q", exclusive=True)
    client.expect_close(403, channel=1)


def test_single_active_consumer(engine, client):
    second = engine.connect()
    client.declare("q", {"x-single-active-consumer": True})
    client.consume("q", "first")
    second.consume("q", "second")
    publish(client, b"1", b"2")
    assert client.bodies() == [b"1", b"2"]
    assert second.silent
    client.call(1, "basic.cancel", consumer_tag="first")
    publish(client, b"3")
    assert second.bodies() == [b"3"]
    client.send_method(1, "channel.close")
    client.expect("channel.close-ok")
    assert second.bodies() == [b"1", b"2"]


def test_consumers_of_higher_priority_come_first(engine, client):
    client.declare("q")
    client.consume("q", "low", prefetch=1)
    client.consume("q", "high", arguments={"x-priority": Typed("I", 5)})
    publish(client, b"1", b"2", b"3")
    tags = [each.method.arguments["consumer_tag"] for each in client.deliveries()]
    assert tags == ["high", "low"]


# -- what the disk knows


def test_what_survives_a_crash(engine, client):
    client.declare("durable")
    client.declare("transient", durable=False)
    for queue in ("durable", "transient"):
        publish(client, b"stored", queue=queue, delivery_mode=2)
        publish(client, b"not", queue=queue)
    engine.run()
    engine.crash()
    assert list(engine.vhost.queues) == ["durable"]
    client = engine.connect()
    assert client.get("durable").body == b"stored"
    assert client.get("durable") is None


def test_positions_go_on_behind_what_is_there(engine, client):
    client.declare("q")
    publish(client, b"1", b"2", delivery_mode=2)
    engine.run()
    engine.restart()
    client = engine.connect()
    publish(client, b"3", delivery_mode=2)
    assert [client.get("q").body for _ in range(3)] == [b"1", b"2", b"3"]
    client.nack(3, multiple=True)
    client.consume("q")
    assert client.bodies() == [b"1", b"2", b"3"]


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_delivered_before_is_redelivered(engine, client, how):
    client.declare("q")
    publish(client, b"1", b"2", b"3", delivery_mode=2)
    client.consume("q", prefetch=1)
    assert client.bodies() == [b"1"]
    getattr(engine, how)()
    client = engine.connect()
    seen = [client.get("q") for _ in range(3)]
    assert [each.body for each in seen] == [b"1", b"2", b"3"]
    assert seen[0].method.arguments["redelivered"]
    if how == "restart":  # an orderly stop knows exactly
        assert not seen[1].method.arguments["redelivered"]


def test_settled_before_it_was_written_is_never_written(engine, client):
    client.declare("q")
    client.consume("q", no_ack=True)
    engine.run()
    with engine.disk_held() as disk:
        publish(client, b"1", delivery_mode=2)
        assert client.bodies() == [b"1"]
        disk.held = False
        engine.run()
    engine.crash()
    assert engine.queue("q").message_count == 0


def test_acked_messages_stay_away_after_a_restart(engine, client):
    client.declare("q")
    publish(client, *(b"%d" % number for number in range(5)), delivery_mode=2)
    client.consume("q")
    client.deliveries()
    client.ack(2)
    client.ack(4)
    engine.run()
    engine.restart()
    client = engine.connect()
    client.consume("q")
    assert client.bodies() == [b"0", b"2", b"4"]


def test_a_publish_and_a_consume_in_one_read(client):
    client.declare("q")
    client.send(
        publish_frames(1, "", "q", b"1"),
        method_frame(1, "basic.consume", queue="q", consumer_tag="c"),
        publish_frames(1, "", "q", b"2"),
    )
    client.expect("basic.consume-ok")
    assert client.bodies() == [b"1", b"2"]
