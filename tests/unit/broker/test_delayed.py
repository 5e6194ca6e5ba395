import pytest

from broker import delayed
from tests.support.encoding import plain
from tests.support.wire import Content

SEVEN_DAYS = 7 * 86400
DURABLE = {"durable": True, "arguments": {"x-delayed-type": "topic"}}


@pytest.fixture
def client(engine):
    """A client, with a delayed exchange `d` bound to a queue `q`."""
    client = engine.connect()
    client.call(1, "exchange.declare", exchange="d", type="x-delayed-message", **DURABLE)
    client.declare("q")
    client.call(1, "queue.bind", exchange="d", queue="q", routing_key="#")
    return client


def later(client, body, seconds, key="k", **options):
    headers = {"x-delay": int(seconds * 1000), **options.pop("headers", {})}
    client.publish("d", key, body, headers=headers, delivery_mode=2, **options)
    client.engine.run()


def room(engine):
    return engine.vhost.exchanges["d"].room


def take(client):
    bodies = []
    while (content := client.get("q", no_ack=True)) is not None:
        bodies.append(content.body)
    return bodies


def test_messages_come_when_they_are_due(engine, client):
    later(client, b"m", SEVEN_DAYS)
    assert len(room(engine)) == 1
    engine.advance(SEVEN_DAYS - 0.01)
    assert take(client) == []
    engine.advance(0.01)
    assert len(room(engine)) == 0
    content = client.get("q")
    assert content.body == b"m"
    assert plain(content.properties["headers"]) == {"x-delay": -SEVEN_DAYS * 1000}
    assert content.method.arguments["exchange"] == "d"


def test_in_order_of_time_and_then_of_arrival(engine, client):
    for body, seconds in ((b"c", 3), (b"a", 1), (b"d", 3), (b"b", 2), (b"now", 0)):
        later(client, body, seconds)
    assert take(client) == [b"now"]
    engine.advance(3)
    assert take(client) == [b"a", b"b", b"c", b"d"]


def test_one_timer_however_many_wait(engine, client):
    before = engine.clock.pending
    for seconds in (5, 9, 3, 7, 4):
        later(client, b"m", seconds)
    assert engine.clock.pending == before + 1


def test_many_at_once_leave_in_turns(engine, client, monkeypatch):
    monkeypatch.setattr(delayed, "RELEASED_AT_ONCE", 10)
    for number in range(35):
        later(client, b"%d" % number, 1)
    engine.advance(1)
    assert take(client) == [b"%d" % number for number in range(35)]


def test_mandatory_messages_that_wait_are_returned_and_confirmed(engine, client):
    client.call(1, "confirm.select")
    with engine.disk_held():
        client.publish("d", "k", b"m", mandatory=True, headers={"x-delay": 1000})
        assert [type(each) for each in client.read_all()] == [Content]
    assert client.names() == ["basic.ack"]
    engine.advance(1)
    assert take(client) == [b"m"]


@pytest.mark.parametrize("mode", [1, 2])
def test_confirmed_ones_survive_a_crash(engine, client, mode):
    client.call(1, "confirm.select")
    client.publish("d", "k", b"m", headers={"x-delay": 5000}, delivery_mode=mode)
    assert client.names() == ["basic.ack"]
    engine.crash()
    assert len(room(engine)) == 1
    client = engine.connect()
    engine.advance(4.9)
    assert take(client) == []
    engine.advance(0.1)
    assert take(client) == [b"m"]


def test_overdue_ones_go_at_the_start(engine, client):
    later(client, b"m", 5)
    engine.crash()
    engine.clock.advance(9)
    engine.crash()
    engine.advance(0)
    assert take(engine.connect()) == [b"m"]


def test_a_crash_finds_a_message_in_one_place(engine, client):
    later(client, b"m", 5)
    with engine.disk_held():
        engine.advance(5)
        assert len(room(engine)) == 0
        engine.crash()
        assert (len(room(engine)), engine.queue("q").message_count) == (1, 0)
    engine.advance(5)
    engine.crash()
    assert (len(room(engine)), engine.queue("q").message_count) == (0, 1)


def test_those_of_a_transient_exchange_are_lost(engine, client):
    client.call(
        1,
        "exchange.declare",
        exchange="t",
        type="x-delayed-message",
        arguments={"x-delayed-type": "direct"},
    )
    client.publish("t", "q", b"m", headers={"x-delay": 5000}, delivery_mode=2)
    engine.run()
    assert len(engine.vhost.exchanges["t"].room) == 1
    engine.crash()
    assert "t" not in engine.vhost.exchanges
    assert all(not log.gathering.alive for log in engine.disk.logs)


def test_deleting_the_exchange_drops_them(engine, client):
    later(client, b"m", 5)
    client.call(1, "exchange.delete", exchange="d")
    engine.crash()
    client = engine.connect()
    client.call(1, "exchange.declare", exchange="d", type="x-delayed-message", **DURABLE)
    assert len(room(engine)) == 0
    client.declare("new")
    assert engine.queue("new").id != room(engine).id


def test_bindings_count_when_it_is_due(engine, client):
    later(client, b"m", 5)
    client.call(1, "queue.unbind", exchange="d", queue="q", routing_key="#")
    client.declare("other")
    client.call(1, "queue.bind", exchange="d", queue="other", routing_key="k")
    engine.advance(5)
    assert take(client) == []
    assert client.get("other").body == b"m"


def test_nobody_is_told_of_what_goes_nowhere(engine, client):
    client.call(1, "queue.unbind", exchange="d", queue="q", routing_key="#")
    later(client, b"m", 5)
    engine.advance(5)
    assert client.silent
    engine.crash()
    assert len(room(engine)) == 0


@pytest.mark.parametrize("crash", [False, True])
def test_copies_go_by_all_their_keys(engine, client, crash):
    client.call(1, "queue.unbind", exchange="d", queue="q", routing_key="#")
    client.call(1, "queue.bind", exchange="d", queue="q", routing_key="copy")
    later(client, b"m", 5, headers={"CC": ["copy"]})
    if crash:
        engine.crash()
        client = engine.connect()
    engine.advance(5)
    assert take(client) == [b"m"]


def test_hidden_copies_go_too(engine, client):
    client.call(1, "queue.unbind", exchange="d", queue="q", routing_key="#")
    client.call(1, "queue.bind", exchange="d", queue="q", routing_key="copy")
    later(client, b"m", 5, headers={"BCC": ["copy"]})
    engine.advance(5)
    content = client.get("q")
    assert "BCC" not in content.properties["headers"]


def test_a_transaction_that_is_rolled_back_leaves_nothing(engine, client):
    client.call(1, "tx.select")
    later(client, b"m", 5)
    assert len(room(engine)) == 0
    client.call(1, "tx.rollback")
    later(client, b"n", 5)
    client.call(1, "tx.commit")
    assert len(room(engine)) == 1
    engine.crash()
    engine.advance(5)
    assert take(engine.connect()) == [b"n"]


def test_the_dead_wait_too(engine, client):
    client.declare("source", {"x-dead-letter-exchange": "d", "x-message-ttl": 1000})
    client.publish("", "source", b"m", headers={"x-delay": 2000})
    engine.advance(1)
    assert len(room(engine)) == 1
    engine.advance(2)
    content = client.get("q")
    assert plain(content.properties["headers"])["x-death"][0]["reason"] == "expired"


def test_the_way_to_it_does_not_matter(engine, client):
    client.call(1, "exchange.bind", source="amq.fanout", destination="d")
    client.publish("amq.fanout", "", b"m", headers={"x-delay": 2000})
    engine.advance(1)
    assert take(client) == []
    engine.advance(1)
    assert take(client) == [b"m"]


def test_recent_history_is_handed_to_new_bindings(engine, client):
    client.call(1, "exchange.declare", exchange="r", type="x-recent-history")
    client.publish("r", "", b"1")
    client.publish("r", "", b"2")
    client.call(1, "queue.bind", exchange="r", queue="q")
    assert take(client) == [b"1", b"2"]
    client.declare("behind")
    client.call(1, "queue.bind", exchange="amq.fanout", queue="behind")
    client.call(1, "exchange.bind", source="r", destination="amq.fanout")
    assert engine.queue("behind").message_count == 2
