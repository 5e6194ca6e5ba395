"""What is deleted or closed goes at once, without waiting for the garbage collector."""

import pytest

from broker import paging, pausing
from persistence.damage import Damage
from persistence.steps import at_once
from tests.support.leftovers import counted
from tests.support.wire import publish_frames

DEAD = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
LATER = {"x-delayed-type": "fanout"}
QUEUES = {
    "plain": {},
    "priorities": {"x-max-priority": 3},
    "ttl": {"x-message-ttl": 60_000, "x-expires": 600_000},
    "short": {"x-max-length": 2, **DEAD},
    "alone": {"x-single-active-consumer": True},
    "quorum": {"x-queue-type": "quorum", "x-delivery-limit": 2},
    "retried": {
        "x-queue-type": "quorum",
        "x-delayed-retry-type": "all",
        "x-delayed-retry-min": 1000,
    },
    "stream": {"x-queue-type": "stream"},
    "deduplicating": {"x-message-deduplication": True},
    "patient": {"x-consumer-timeout": 60_000},
}
EXCHANGES = {
    "direct": {},
    "fanout": {"alternate-exchange": "amq.fanout"},
    "topic": {},
    "headers": {},
    "x-consistent-hash": {},
    "x-modulus-hash": {},
    "x-random": {},
    "x-recent-history": {},
    "x-delayed-message": LATER,
    "x-message-deduplication": {"x-cache-size": 10},
}


def fill(client, queue, count=4, **properties):
    for _ in range(count):
        client.publish("", queue, b"m", delivery_mode=2, priority=1, **properties)
    client.engine.run()


def consume(client, queue, channel=1):
    client.call(channel, "basic.qos", prefetch_count=2)
    arguments = {"x-stream-offset": "first"} if queue == "stream" else {}
    client.call(channel, "basic.consume", queue=queue, consumer_tag=queue, arguments=arguments)
    client.read_all()


def left_over(engine, scenario):
    """What a scenario leaves behind by itself, that was not left by the first of its kind."""
    scenario()
    engine.run()
    with counted() as found:
        scenario()
        engine.run()
    return dict(found)


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue(engine, client, queue):
    def scenario():
        client.declare("dead")
        user = engine.connect()
        user.declare(queue, QUEUES[queue])
        fill(user, queue)
        consume(user, queue)
        user.nack(1)
        fill(user, queue, expiration="5000")
        client.send_method(1, "queue.delete", queue=queue)
        client.send_method(1, "queue.delete", queue="dead")
        client.read_all()
        user.abort()

    assert not left_over(engine, scenario)


@pytest.mark.parametrize("kind", EXCHANGES)
def test_an_exchange(engine, client, kind):
    def scenario():
        user = engine.connect()
        user.declare("q")
        user.call(1, "exchange.declare", exchange="x", type=kind, arguments=EXCHANGES[kind])
        user.call(1, "queue.bind", queue="q", exchange="x", routing_key="1")
        user.call(1, "exchange.bind", destination="x", source="x", routing_key="1")
        for _ in range(3):
            user.publish("x", "1", b"m", headers={"x-delay": 1000, "x-deduplication-header": "1"})
        engine.run()
        client.send_method(1, "exchange.delete", exchange="x")
        client.send_method(1, "queue.delete", queue="q")
        client.read_all()
        user.close()

    assert not left_over(engine, scenario)


def everything(user, vhost):
    """Queues and exchanges of all kinds: filled, bound to one another, under policies, consumed."""
    vhost.policies.set("p", pattern=".*", definition={"max-length": 1000})
    vhost.operator_policies.set("o", pattern="^a", definition={"message-ttl": 100_000})
    for name, arguments in {"dead": {}, **QUEUES}.items():
        user.call(1, "queue.declare", queue=name, durable=True, arguments=arguments)
        fill(user, name, expiration="50000")
    user.call(1, "queue.declare", queue="own", exclusive=True)
    fill(user, "own")
    for kind, arguments in EXCHANGES.items():
        user.call(
            1, "exchange.declare", exchange=kind, type=kind, durable=True, arguments=arguments
        )
        for name in QUEUES:
            user.call(1, "queue.bind", queue=name, exchange=kind, routing_key="1")
        user.call(1, "exchange.bind", destination="amq.topic", source=kind, routing_key="1")
        user.publish(kind, "1", b"m", headers={"x-delay": 1000, "x-deduplication-header": "1"})
    for name in QUEUES:
        consume(user, name, channel=2)
        fill(user, name)
    user.get("plain")
    pausing.pause(vhost.queues["plain"])


def delete(engine):
    engine.vhosts.delete("v")


def unload(engine):
    engine.vhosts.unload("v")
    engine.run()
    engine.vhosts.delete("v")


def reload(engine):
    engine.vhosts.unload("v")
    engine.run()
    with engine._database.begin() as database:
        assert at_once(engine.vhosts.load("v", Damage()), database)
    engine.run()
    engine.vhosts.delete("v")


@pytest.mark.parametrize("end", [delete, unload, reload])
def test_a_virtual_host(engine, client, end):
    def scenario():
        vhost = engine.vhosts.create("v")
        engine.vhosts.permissions.set("guest", "v", ".*", ".*", ".*")
        user = engine.connect(vhost="v", channels=(1, 2))
        everything(user, vhost)
        end(engine)
        engine.run()
        user.abort()

    assert not left_over(engine, scenario)


def running(user):
    user.connect(heartbeat=10)
    user.declare("q")
    user.call(1, "confirm.select")
    consume(user, "q")
    fill(user, "q")


def answering(user):
    user.connect()
    user.call(1, "basic.consume", queue="amq.rabbitmq.reply-to", consumer_tag="r", no_ack=True)
    user.publish("", "nowhere", b"m", reply_to="amq.rabbitmq.reply-to", mandatory=True)


def in_a_transaction(user):
    user.connect()
    user.declare("q")
    fill(user, "q")
    user.call(1, "tx.select")
    user.get("q")
    user.ack(1)
    user.publish("", "q", b"m")


def unconfirmed(user):
    user.connect()
    user.declare("q")
    user.call(1, "confirm.select")
    user.engine.disk.held = True
    user.publish("", "q", b"m", delivery_mode=2)


def told_to_close(user):
    user.connect()
    user.send_method(1, "basic.ack", delivery_tag=1)  # its channel will not be closed by it
    user.connection.force_close("for a test")


def held_up(user):
    user.engine.context.alarms.set("memory", on=True)
    user.connect()
    user.publish("", "q", b"m")


def watched(user):
    user.connect()
    user.declare("q", QUEUES["patient"])
    fill(user, "q")
    consume(user, "q")


def refused(user):
    user.start()
    user.send_start_ok("guest", "wrong")


def in_its_handshake(user):
    user.start()


def silent(user):
    pass


def in_a_message(user):
    user.connect()
    whole = publish_frames(1, "", "q", b"much", delivery_mode=2)
    user.send(whole[:-6])


STATES = [running, answering, in_a_transaction, unconfirmed, told_to_close, held_up, watched]
STATES += [refused, in_its_handshake, silent, in_a_message]


@pytest.mark.parametrize("state", STATES)
def test_a_connection(engine, client, state):
    def scenario():
        user = engine.client()
        state(user)
        engine.run()
        user.abort()
        engine.disk.held = False
        engine.context.alarms.set("memory", on=False)
        client.send_method(1, "queue.delete", queue="q")
        client.read_all()

    assert not left_over(engine, scenario)


def test_a_long_queue(engine, client, monkeypatch):
    for name, size in {"LONG": 10_000, "HEAD": 2_500, "FLOOR": 1_000}.items():
        monkeypatch.setattr(paging, name, size)

    def scenario():
        user = engine.connect()
        queue = user.declare("q")
        for _ in range(300):
            fill(user, "q", 1)
        assert queue.ready.paged
        assert engine.turn.pager._scrub._queues
        client.call(1, "queue.delete", queue="q")
        user.close()

    assert not left_over(engine, scenario)


def test_a_channel(engine, client):
    def scenario():
        client.call(2, "channel.open")
        client.declare("q")
        consume(client, "q", channel=2)
        client.call(2, "confirm.select")
        client.publish("", "q", b"m", channel=2, delivery_mode=2)
        client.read_all()
        client.call(2, "channel.close", reply_code=200)
        client.call(1, "queue.delete", queue="q")

    assert not left_over(engine, scenario)
