import pytest

from broker.expiry import message_deadline
from tests.support.encoding import Typed
from tests.support.wire import method_frame, publish_frames

TTL = {"x-message-ttl": 1000}


@pytest.mark.parametrize(
    ("queue_ttl", "expiration", "deadline"),
    [
        (100, None, 1100),
        (None, b"70", 1070),
        (100, b"70", 1070),
        (50, b"+70", 1050),
        (9, b"0", 1000),
    ],
)
def test_the_smaller_ttl_counts(queue_ttl, expiration, deadline):
    assert message_deadline(1000, queue_ttl, expiration) == deadline


def test_messages_go_when_their_time_is_over(engine, client):
    queue = client.declare("q", TTL)
    client.publish("", "q", b"1")
    engine.advance(0.5)
    client.publish("", "q", b"2")
    engine.advance(0.499)
    assert queue.message_count == 2
    engine.advance(0.002)
    assert queue.message_count == 1
    engine.advance(0.5)
    assert (queue.message_count, queue.ready_bytes) == (0, 0)


@pytest.mark.parametrize("ttls", ["300 100 200", "100 300 200", "200 100 300", "100 100 100"])
def test_each_goes_in_its_own_time(engine, client, ttls):
    queue = client.declare("q")
    for ttl in ttls.split():
        client.publish("", "q", ttl.encode(), expiration=ttl)
    engine.run()
    for now in (100, 200, 300):
        engine.advance(0.1)
        left = sorted(each.message.body for each in queue.ready)
        assert left == sorted(ttl.encode() for ttl in ttls.split() if int(ttl) > now)


def test_a_queue_has_one_timer(engine, client):
    queue = client.declare("q", TTL)
    engine.run()
    before = engine.clock.pending
    for _ in range(100):
        client.publish("", "q", b"m")
    engine.run()
    assert engine.clock.pending == before + 1
    client.call(1, "queue.delete", queue="q")
    assert engine.clock.pending == before
    assert queue.message_count == 0


def test_ttl_0_goes_to_who_waits(client):
    queue = client.declare("q")
    client.consume("q", prefetch=1)
    for body in (b"1", b"2"):
        client.publish("", "q", body, expiration="0")
    assert client.bodies() == [b"1"]
    assert queue.message_count == 0
    client.ack(1)
    assert client.silent


def test_ttl_0_without_anybody_waiting(client):
    queue = client.declare("q", {"x-message-ttl": 0})
    client.publish("", "q", b"m")
    client.engine.run()
    assert queue.message_count == 0
    client.publish("", "q", b"m")
    assert client.get("q") is None


def test_expired_meanwhile_is_not_delivered(engine, client):
    client.declare("q")
    client.consume("q", prefetch=1)
    for body, ttl in ((b"1", None), (b"2", "50"), (b"3", "500"), (b"4", None)):
        client.publish("", "q", body, expiration=ttl)
    assert client.bodies() == [b"1"]
    engine.advance(0.1)
    client.ack(1)
    assert client.bodies() == [b"3"]


def test_nor_where_the_timer_is_late(engine, client):
    queue = client.declare("q")
    for body, ttl in ((b"1", "50"), (b"2", "50"), (b"3", None)):
        client.publish("", "q", body, expiration=ttl)
    engine.run()
    engine.stall(1)
    client.consume("q")
    assert client.bodies() == [b"3"]
    assert (queue.message_count, queue.ready_bytes, queue.unacked) == (0, 0, 1)


def test_nor_to_a_get(engine, client):
    client.declare("q")
    client.publish("", "q", b"1", expiration="50")
    engine.run()
    engine.stall(1)
    assert client.get("q") is None


def test_unacked_messages_never_expire_but_when_they_come_back(engine, client):
    queue = client.declare("q", TTL)
    client.publish("", "q", b"m")
    client.consume("q", prefetch=1)
    assert client.bodies() == [b"m"]
    engine.advance(5)
    assert queue.unacked == 1
    client.nack(1)
    assert client.silent
    assert (queue.unacked, queue.message_count) == (0, 0)


def test_coming_back_does_not_renew_the_deadline(engine, client):
    queue = client.declare("q", TTL)
    client.publish("", "q", b"m")
    assert client.get("q").body == b"m"
    engine.advance(0.6)
    client.nack(1)
    engine.run()
    assert queue.message_count == 1
    engine.advance(0.5)
    assert queue.message_count == 0


def test_deadlines_survive_a_restart(engine, client):
    client.declare("q", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    client.declare("dead")
    client.publish("", "q", b"1", expiration="2000", delivery_mode=2)
    client.publish("", "q", b"2", expiration="500", delivery_mode=2)
    engine.run()
    engine.restart()
    assert engine.queue("q").message_count == 2
    engine.advance(1)
    assert engine.queue("q").message_count == 1
    engine.advance(1)
    assert engine.queue("q").message_count == 0
    assert engine.queue("dead").message_count == 2


def test_expired_while_the_broker_was_down(engine, client):
    client.declare("q")
    client.publish("", "q", b"1", expiration="500", delivery_mode=2)
    engine.run()
    engine.stall(1)
    engine.restart()
    assert engine.queue("q").message_count == 0


def test_a_purge_in_between(engine, client):
    queue = client.declare("q", TTL)
    client.publish("", "q", b"1")
    engine.advance(0.9)
    client.call(1, "queue.purge", queue="q")
    client.publish("", "q", b"2")
    engine.advance(0.9)
    assert queue.message_count == 1
    engine.advance(0.2)
    assert queue.message_count == 0


def test_many_at_once_do_not_hold_the_loop(engine, client):
    queue = client.declare("q", TTL)
    client.send(publish_frames(1, "", "q", b"m") * 900)
    engine.run()
    engine.stall(2)
    left: list[int] = []
    engine.clock.advance(0, lambda: left.append(queue.message_count))
    assert left[0] > 0
    engine.run()
    assert queue.message_count == 0


# -- x-expires

LEASE = {"x-expires": 1000}


def test_an_unused_queue_goes(engine, client):
    client.declare("q", LEASE)
    engine.advance(0.9)
    client.publish("", "q", b"m")  # no use
    engine.advance(0.2)
    assert "q" not in engine.vhost.queues


@pytest.mark.parametrize(
    "use",
    [
        lambda client: client.declare("q", LEASE),
        lambda client: client.call(1, "queue.declare", queue="q", passive=True),
        lambda client: client.get("q"),
    ],
    ids=["declare", "passive declare", "get"],
)
def test_what_counts_as_use(engine, client, use):
    client.declare("q", LEASE)
    engine.advance(0.9)
    use(client)
    engine.advance(0.9)
    assert "q" in engine.vhost.queues
    engine.advance(0.2)
    assert "q" not in engine.vhost.queues


def test_a_consumer_holds_the_lease(engine, client):
    client.declare("q", LEASE)
    client.consume("q")
    engine.advance(10)
    client.get("q")
    engine.advance(10)
    client.call(1, "basic.cancel", consumer_tag="c")
    engine.advance(0.9)
    assert "q" in engine.vhost.queues
    engine.advance(0.2)
    assert "q" not in engine.vhost.queues


def test_the_lease_starts_anew_with_the_broker(engine, client):
    client.declare("q", LEASE)
    engine.advance(0.9)
    engine.restart()
    engine.advance(0.9)
    assert "q" in engine.vhost.queues
    engine.advance(0.2)
    assert "q" not in engine.vhost.queues
    engine.restart()
    assert "q" not in engine.vhost.queues


def test_a_queue_that_goes_takes_no_message_anywhere(engine, client):
    dead = client.declare("dead")
    client.declare(
        "q", {**LEASE, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    )
    client.publish("", "q", b"m")
    engine.advance(2)
    assert "q" not in engine.vhost.queues
    assert dead.message_count == 0


def test_large_ttls(engine, client):
    queue = client.declare("q", {"x-message-ttl": Typed("l", 315_360_000_000)})
    client.publish("", "q", b"m")
    client.send(method_frame(1, "basic.qos"))
    client.expect("basic.qos-ok")
    assert queue.message_count == 1
