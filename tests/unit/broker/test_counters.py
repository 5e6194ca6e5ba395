"""What the engine counts, by the names of management reference 1.7, however it comes about."""

import pytest

from broker import tally
from broker.served import MANY
from tests.support.engine import Engine
from vhosts.statistics import SIZE_BOUNDS, Statistics


@pytest.fixture
def engine():
    with Engine() as engine:
        yield engine


def counted(engine: Engine) -> Statistics:
    engine.run()
    engine.context.tally.share_out()
    return engine.vhost.statistics


def publish(client, key: str, *bodies: bytes, exchange: str = "", mandatory=False, **properties):
    for body in bodies:
        client.publish(exchange, key, body, mandatory=mandatory, **properties)


def test_publishes_count_at_all_they_pass(engine: Engine):
    client = engine.connect()
    queue = client.declare("q")
    publish(client, "q", b"a", b"bb", b"ccc")
    publish(client, "q", b"d", delivery_mode=2)
    totals = counted(engine)
    exchange = engine.vhost.exchanges[""]
    assert (totals.publish, totals.routed, totals.disk_writes) == (4, 4, 1)
    assert (exchange.publish_in, exchange.publish_out) == (4, 4)
    assert (queue.published, queue.disk_writes) == (4, 1)
    assert queue.incoming is not None
    assert queue.incoming[""].publish == 4
    flow = client.connection.channels[1].pairs.flows[exchange]
    assert flow.publish == 4


def test_sizes_are_counted_by_class(engine: Engine):
    client = engine.connect()
    client.declare("q")
    publish(client, "q", b"", b"x" * 100, b"x" * 101, b"x" * 5000)
    totals = counted(engine)
    assert totals.sizes == [2, 1, 1] + [0] * (len(SIZE_BOUNDS) - 2)
    assert totals.published_octets == 5201


def test_every_queue_of_a_fanout_counts(engine: Engine):
    client = engine.connect()
    queues = [client.declare(name) for name in "ab"]
    for queue in queues:
        client.call(1, "queue.bind", queue=queue.name, exchange="amq.fanout")
    publish(client, "", b"1", b"2", exchange="amq.fanout")
    totals = counted(engine)
    assert [queue.published for queue in queues] == [2, 2]
    assert (totals.publish, totals.routed) == (2, 4)
    assert engine.vhost.exchanges["amq.fanout"].publish_out == 4


@pytest.mark.parametrize("arguments", [{}, {"x-match": "all"}], ids=["direct", "headers"])
def test_the_unroutable(engine: Engine, arguments):
    exchange = "amq.headers" if arguments else "amq.direct"
    client = engine.connect()
    publish(client, "nowhere", b"1", b"2", exchange=exchange)
    publish(client, "nowhere", b"3", exchange=exchange, mandatory=True)
    totals = counted(engine)
    assert (totals.publish, totals.drop_unroutable, totals.return_unroutable) == (3, 2, 1)
    found = engine.vhost.exchanges[exchange]
    assert (found.drop_unroutable, found.return_unroutable, found.publish_out) == (2, 1, 0)


def test_keys_in_the_headers_count_where_they_lead(engine: Engine):
    client = engine.connect()
    first, second = client.declare("a"), client.declare("b")
    publish(client, "a", b"1", headers={"CC": ["b"]})
    publish(client, "a", b"2")
    totals = counted(engine)
    assert (first.published, second.published) == (2, 1)
    assert (totals.publish, totals.routed) == (2, 3)


def test_a_transaction_counts_when_it_is_committed(engine: Engine):
    client = engine.connect()
    queue = client.declare("q")
    client.call(1, "tx.select")
    publish(client, "q", b"1", b"2")
    assert counted(engine).publish == queue.published == 0
    client.call(1, "tx.commit")
    assert counted(engine).publish == queue.published == 2
    publish(client, "q", b"3")
    client.call(1, "tx.rollback")
    assert counted(engine).publish == 2


def test_confirms_count_at_the_exchanges_they_belong_to(engine: Engine):
    client = engine.connect()
    client.declare("q")
    client.call(1, "queue.bind", queue="q", exchange="amq.direct", routing_key="q")
    publish(client, "q", b"before")
    client.call(1, "confirm.select")
    for exchange in ("", "amq.direct", "", ""):
        publish(client, "q", b"x", exchange=exchange, delivery_mode=2)
    totals = counted(engine)
    assert (totals.publish, totals.confirmable, totals.confirm) == (5, 4, 4)
    exchanges = engine.vhost.exchanges
    assert (exchanges[""].confirmed, exchanges["amq.direct"].confirmed) == (3, 1)


def test_refused_publishes_are_not_confirmed(engine: Engine):
    client = engine.connect()
    client.declare("q", {"x-max-length": 1, "x-overflow": "reject-publish"})
    client.call(1, "confirm.select")
    publish(client, "q", b"1", b"2", b"3")
    totals = counted(engine)
    assert (totals.publish, totals.confirm) == (3, 1)
    assert engine.vhost.exchanges[""].confirmed == 1


def test_deliveries_and_acks(engine: Engine):
    client = engine.connect()
    queue = client.declare("q")
    publish(client, "q", b"1", b"2", b"3")
    client.consume("q", prefetch=10)
    engine.run()
    client.ack(1)
    client.nack(2, requeue=True)
    totals = counted(engine).deliveries["classic"]
    assert (totals.deliver, totals.deliver_no_ack, totals.redeliver, totals.ack) == (4, 0, 1, 1)
    assert (queue.delivered, queue.redelivered, queue.acked) == (4, 1, 1)
    assert totals.deliver_get == 4
    taken = client.connection.channels[1].pairs.taken()
    assert (taken.deliver, taken.ack, taken.redeliver, taken.deliver_get) == (4, 1, 1, 4)


def test_deliveries_without_ack(engine: Engine):
    client = engine.connect()
    queue = client.declare("q")
    client.consume("q", no_ack=True)
    publish(client, "q", b"1", b"2")
    totals = counted(engine).deliveries["classic"]
    assert (totals.deliver, totals.deliver_no_ack, totals.ack) == (0, 2, 0)
    assert (queue.delivered, queue.delivered_no_ack) == (2, 2)
    assert client.connection.channels[1].pairs.taken().deliver_no_ack == 2


def test_what_a_consumer_got_counts_behind_its_end(engine: Engine):
    client = engine.connect()
    queue = client.declare("q")
    client.consume("q", "a", prefetch=10)
    publish(client, "q", b"1", b"2")
    assert len(client.deliveries()) == 2
    client.call(1, "basic.cancel", consumer_tag="a")
    client.ack(1)
    engine.run()
    pairs = client.connection.channels[1].pairs
    assert (pairs.taken().deliver, pairs.taken().ack) == (2, 1)
    assert pairs.by_queue()[queue].deliver == 2
    client.consume("q", "b")
    publish(client, "q", b"3")
    engine.run()
    assert pairs.taken().deliver == 3


def test_gets(engine: Engine):
    client = engine.connect()
    queue = client.declare("q")
    publish(client, "q", b"1", b"2")
    client.get("q")
    client.get("q", no_ack=True)
    client.get("q")
    client.ack(1)
    totals = counted(engine).deliveries["classic"]
    assert (totals.get, totals.get_no_ack, totals.get_empty, totals.ack) == (1, 1, 1, 1)
    assert (queue.got, queue.got_no_ack, queue.get_empty, queue.acked) == (2, 1, 1, 1)
    assert queue.unacked == 0
    taken = client.connection.channels[1].pairs.taken()
    assert (taken.get, taken.get_no_ack, taken.get_empty, taken.ack) == (1, 1, 1, 1)
    assert client.connection.channels[1].outstanding_gets == 0


def test_deaths_by_cause(engine: Engine):
    client = engine.connect()
    client.declare("short", {"x-max-length": 1})
    client.declare("dead", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "short"})
    publish(client, "short", b"1", b"2")
    publish(client, "dead", b"3")
    client.get("dead")
    client.nack(1, requeue=False)
    totals = counted(engine).deliveries["classic"]
    assert totals.died["maxlen"] == 2
    assert totals.dead_lettered["rejected"] == 1
    assert engine.queue("short").published == 2  # a dead letter is nobody's publish


def test_pairs_of_a_channel_are_bounded(engine: Engine):
    client = engine.connect()
    for number in range(MANY + 10):
        client.declare(f"q{number}")
        publish(client, f"q{number}", b"1")
        client.get(f"q{number}", no_ack=True)
        client.call(1, "queue.delete", queue=f"q{number}")
    pairs = client.connection.channels[1].pairs
    assert len(pairs.by_queue()) <= MANY
    assert pairs.taken().get_no_ack == MANY + 10


def test_exchanges_of_a_channel_are_bounded(engine: Engine):
    client = engine.connect()
    for number in range(MANY + 10):
        name = f"x{number}"
        client.call(1, "exchange.declare", exchange=name, type="fanout")
        publish(client, "", b"1", exchange=name)
        client.call(1, "exchange.delete", exchange=name)
    counted(engine)
    pairs = client.connection.channels[1].pairs
    assert len(pairs.flows) <= MANY
    assert pairs.published().drop_unroutable == MANY + 10


def test_counts_are_shared_out_before_they_grow_too_many(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tally, "MOST", 5)
    client = engine.connect()
    queue = client.declare("q")
    publish(client, "q", *(b"x" * size for size in range(12)))
    engine.run()
    assert queue.published == 10


def test_churn(engine: Engine):
    client = engine.connect()
    client.declare("q")
    client.declare("q")
    client.call(1, "queue.delete", queue="q")
    client.close()
    totals = counted(engine)
    assert (totals.queue_declared, totals.queue_created, totals.queue_deleted) == (2, 1, 1)
    assert (totals.connection_created, totals.connection_closed) == (1, 1)
    assert (totals.channel_created, totals.channel_closed) == (1, 1)
    assert totals.recv_oct == client.connection.received_bytes > 0
    assert totals.send_oct == client.connection.sent_bytes > 0


def test_totals_outlive_a_virtual_host(engine: Engine):
    client = engine.connect()
    client.declare("q")
    publish(client, "q", b"1")
    counted(engine)
    before = engine.vhosts.totals()
    engine.vhosts.delete("/")
    engine.run()
    after = engine.vhosts.totals()
    assert before.publish == after.publish == 1
    assert after.connection_closed == 1
