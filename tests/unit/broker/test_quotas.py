"""The limits of a virtual host that hold its publishers up: stored bytes, and publish rate."""

import pytest

from broker.amqp.properties import BasicProperties
from broker.local_client import LocalClient
from tests.support.wire import method_frame, publish_frames
from vhosts.errors import ResourceError
from vhosts.permissions import ANYONE

FULL = "vhost '/' has reached its limit of stored bytes (1000)"


@pytest.fixture
def limit(engine):
    def limit(**values):
        engine.vhosts.set_limits(
            "/", {f"max-{name.replace('_', '-')}": value for name, value in values.items()}
        )
        engine.run()

    return limit


def send(client, *bodies):
    client.send(b"".join(publish_frames(1, "", "q", body) for body in bodies))


# -- stored bytes ------------------------------------------------------------------------------


def test_below_the_limit_nothing_is_held_up(engine, client, limit):
    queue = client.declare("q")
    limit(stored_bytes=1000)
    send(client, bytes(400))
    engine.advance(5)
    assert client.silent
    assert (client.connection.state, queue.message_count) == ("running", 1)


def test_who_publishes_beyond_it_waits_until_there_is_room(engine, client, limit):
    queue = client.declare("q")
    client.call(1, "confirm.select")
    limit(stored_bytes=1000)
    send(client, bytes(600), bytes(600))
    assert client.names() == ["basic.ack"]
    engine.advance(1)
    assert client.connection.state == "blocking"
    send(client, b"waits")
    client.expect("connection.blocked", 0, reason=FULL)
    engine.advance(60)
    assert client.silent
    assert queue.message_count == 2
    queue.get(no_ack=True)
    queue.settle(queue.get(no_ack=True))
    engine.advance(1)
    assert client.names() == ["connection.unblocked", "basic.ack"]
    assert [entry.message.body for entry in queue.ready] == [b"waits"]


def test_what_comes_in_one_go_is_noticed_between_two_looks(engine, client, limit):
    client.declare("q")
    limit(stored_bytes=1000)
    engine.advance(0.1)
    for _ in range(3):
        send(client, bytes(600))
        engine.advance(0.06)
    client.expect("connection.blocked", 0, reason=FULL)
    assert engine.queue("q").message_count == 2


def test_unacked_messages_are_stored_as_well(engine, client, limit):
    client.declare("q")
    consumer = engine.connect()
    consumer.consume("q")
    limit(stored_bytes=1000)
    send(client, *[bytes(100)] * 12)
    assert len(consumer.deliveries()) == 12
    engine.advance(1)
    send(client, b"waits")
    client.expect("connection.blocked", 0, reason=FULL)
    consumer.ack(12, multiple=True)
    engine.advance(1)
    client.expect("connection.unblocked", 0)
    assert consumer.bodies() == [b"waits"]


def test_delayed_messages_are_stored_as_well(engine, client, limit):
    arguments = {"x-delayed-type": "fanout"}
    client.call(
        1, "exchange.declare", exchange="late", type="x-delayed-message", arguments=arguments
    )
    limit(stored_bytes=1000)
    for _ in range(3):
        client.publish("late", "", bytes(400), headers={"x-delay": 60_000})
    engine.advance(1)
    assert client.connection.state == "blocking"


def test_what_was_full_before_it_had_a_limit(engine, client, limit):
    client.declare("q")
    send(client, bytes(2000))
    limit(stored_bytes=1000)
    send(client, b"waits")
    client.expect("connection.blocked", 0, reason=FULL)
    limit()
    client.expect("connection.unblocked", 0)
    assert engine.queue("q").message_count == 2


def test_who_comes_later_waits_as_well(engine, client, limit):
    client.declare("q")
    send(client, bytes(2000))
    limit(stored_bytes=1000)
    late = engine.connect()
    send(late, b"waits")
    late.expect("connection.blocked", 0, reason=FULL)


def test_after_a_restart_it_is_as_full_as_before(engine, client, limit):
    client.declare("q")
    client.publish("", "q", bytes(2000), delivery_mode=2)
    limit(stored_bytes=1000)
    engine.restart()
    late = engine.connect()
    send(late, b"waits")
    late.expect("connection.blocked", 0, reason=FULL)


def test_an_alarm_beside_it_is_said_once(engine, client, limit):
    client.declare("q")
    alarms = engine.context.alarms
    send(client, bytes(2000))
    limit(stored_bytes=1000)
    send(client, b"waits")
    assert client.names() == ["connection.blocked"]
    alarms.set("memory", True)
    engine.queue("q").purge()
    engine.advance(1)
    assert client.silent
    alarms.set("memory", False)
    assert client.names() == ["connection.unblocked"]


def test_other_virtual_hosts_do_not_notice(engine, limit, client):
    engine.vhosts.create("other")
    engine.vhosts.permissions.set("guest", "other", ".*", ".*", ".*")
    other = engine.connect(vhost="other")
    client.declare("q")
    send(client, bytes(2000))
    limit(stored_bytes=1000)
    assert client.connection.state == "blocking"
    assert other.connection.state == "running"
    assert other.connection.toll is None


def test_a_deleted_virtual_host_leaves_no_timer(engine):
    engine.vhosts.create("v")
    engine.vhosts.permissions.set("guest", "v", ".*", ".*", ".*")
    engine.vhosts.set_limits("v", {"max-stored-bytes": 0})
    engine.connect(vhost="v")
    engine.run()
    engine.vhosts.delete("v")
    engine.advance(60)
    assert not engine.clock.pending


# -- publish rate ------------------------------------------------------------------------------


def published(engine, client, seconds):
    """How many of what `client` has sent arrive within so many seconds."""
    before = engine.queue("q").message_count
    engine.advance(seconds)
    return engine.queue("q").message_count - before


def test_a_rate_is_kept(engine, client, limit):
    client.declare("q")
    limit(publish_rate=10)
    for _ in range(200):
        send(client, b"m")
    engine.run()
    # What a second may bring came at once, the one after it is owed.
    assert engine.queue("q").message_count == 11
    assert published(engine, client, 5) == 50
    assert published(engine, client, 5) == 50
    assert client.silent


def test_a_large_read_is_paid_for_afterwards(engine, client, limit):
    client.declare("q")
    limit(publish_rate=10)
    send(client, *[b"m"] * 100)
    engine.run()
    assert engine.queue("q").message_count == 100
    send(client, b"m")
    assert published(engine, client, 8.9) == 0
    assert published(engine, client, 0.2) == 1  # one second is free


def test_connections_share_the_rate_evenly(engine, client, limit):
    client.declare("q")
    limit(publish_rate=10)
    other = engine.connect()
    for _ in range(100):
        send(client, b"m")
        other.send(publish_frames(1, "", "q", b"other"))
    engine.advance(5)
    bodies = [entry.message.body for entry in engine.queue("q").ready]
    assert 60 <= len(bodies) <= 62
    assert abs(bodies.count(b"m") - bodies.count(b"other")) < 12
    assert {b"m", b"other"} == set(bodies[-2:])


def test_who_publishes_nothing_does_not_wait(engine, client, limit):
    client.declare("q")
    consumer = engine.connect()
    consumer.consume("q")
    limit(publish_rate=1)
    send(client, *[b"m"] * 50)
    assert len(consumer.deliveries()) == 50
    consumer.ack(50, multiple=True)
    consumer.call(1, "basic.qos")
    assert engine.queue("q").unacked == 0


def test_a_commit_between_is_no_way_round(engine, client, limit):
    client.declare("q")
    limit(publish_rate=10)
    durable = method_frame(1, "exchange.declare", exchange="e", type="fanout", durable=True)
    for number in range(100):
        client.send(publish_frames(1, "", "q", b"m"), durable, b"")
        client.send(method_frame(1, "queue.declare", queue=f"d{number}", durable=True))
    engine.advance(4)
    assert engine.queue("q").message_count <= 52


def test_a_client_that_has_to_wait_is_not_taken_for_dead(engine, limit):
    client = engine.connect(heartbeat=1)
    client.declare("q")
    limit(publish_rate=1)
    send(client, *[b"m"] * 60)
    send(client, b"m")
    engine.advance(50)
    assert client.connection.state == "running"


def test_another_rate_counts_at_once(engine, client, limit):
    client.declare("q")
    limit(publish_rate=1)
    send(client, *[b"m"] * 100)
    send(client, b"m")
    engine.run()
    limit(publish_rate=1000)
    engine.advance(1)
    assert engine.queue("q").message_count == 101
    limit(publish_rate=-1)
    assert client.connection.toll is None


def test_a_rate_of_nothing(engine, client, limit):
    client.declare("q")
    limit(publish_rate=0)
    client.declare("another")
    send(client, b"m")
    client.expect("connection.blocked", 0, reason="vhost '/' may take no messages")
    limit()
    client.expect("connection.unblocked", 0)
    assert engine.queue("q").message_count == 1


def test_closing_does_not_wait(engine, client, limit):
    client.declare("q")
    limit(publish_rate=1)
    send(client, *[b"m"] * 100)
    engine.run()
    client.connection.force_close("enough")
    client.expect("connection.close", 0)
    client.send_method(0, "connection.close-ok")
    engine.advance(1.1)
    assert client.wire.closed
    assert not client.wire.aborted


# -- those without a connection ----------------------------------------------------------------


@pytest.mark.parametrize("values", [{"publish_rate": 2}, {"stored_bytes": 2}, {"publish_rate": 0}])
def test_a_publish_over_http_is_refused(engine, limit, values):
    vhost, guest = engine.vhost, engine.vhosts.users.get("guest")
    vhost.declare_queue("q", durable=False, owner=None, auto_delete=False, arguments={})
    local = LocalClient(engine.context, vhost, guest, ANYONE)
    limit(**values)

    def publish_often():
        for _ in range(5):
            local.publish("", "q", BasicProperties(), b"m")
            engine.advance(0.1)

    with pytest.raises(ResourceError):
        publish_often()
    held = engine.queue("q").message_count
    assert held <= 3
    limit()
    local.publish("", "q", BasicProperties(), b"m")
    assert engine.queue("q").message_count == held + 1
