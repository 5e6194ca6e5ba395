import pytest


def test_declare_and_delete(engine, client):
    client.call(1, "exchange.declare", exchange="x", type="topic", durable=True)
    client.call(1, "exchange.declare", exchange="x", type="topic", durable=True)
    client.call(1, "exchange.declare", exchange="x", passive=True)
    engine.restart()
    client = engine.connect()
    client.call(1, "exchange.declare", exchange="x", passive=True)
    for _ in range(2):
        client.call(1, "exchange.delete", exchange="x")
    engine.restart()
    assert "x" not in engine.vhost.exchanges


def test_without_waiting(engine, client):
    client.send_method(1, "exchange.declare", exchange="x", type="fanout", nowait=True)
    client.send_method(
        1, "exchange.bind", destination="x", source="amq.direct", nowait=True, routing_key="k"
    )
    client.send_method(
        1, "exchange.unbind", destination="x", source="amq.direct", nowait=True, routing_key="k"
    )
    client.send_method(1, "exchange.delete", exchange="x", nowait=True)
    assert client.silent
    assert "x" not in engine.vhost.exchanges


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"exchange": "x", "type": "nonsense"}, 406),
        ({"exchange": "", "type": "direct"}, 403),
        ({"exchange": "amq.mine", "type": "direct"}, 403),
        ({"exchange": "amq.direct", "type": "direct"}, 406),
        ({"exchange": "missing", "passive": True}, 404),
        ({"exchange": "x", "type": "direct", "arguments": {"alternate-exchange": 5}}, 406),
    ],
)
def test_declares_that_are_refused(client, arguments, code):
    client.send_method(1, "exchange.declare", **arguments)
    client.expect_close(code, at=(40, 10), channel=1)


def test_exchanges_bound_to_exchanges(engine, client):
    client.call(1, "exchange.declare", exchange="inner", type="fanout", internal=True)
    client.declare("q")
    client.call(1, "queue.bind", queue="q", exchange="inner")
    client.call(1, "exchange.bind", destination="inner", source="amq.direct", routing_key="k")
    client.publish("amq.direct", "k", b"m")
    assert client.get("q").body == b"m"
    client.call(1, "exchange.unbind", destination="inner", source="amq.direct", routing_key="k")
    client.publish("amq.direct", "k", b"m")
    assert client.get("q") is None


def test_the_alternate_exchange(client):
    arguments = {"alternate-exchange": "amq.fanout"}
    client.call(1, "exchange.declare", exchange="x", type="direct", arguments=arguments)
    client.declare("q")
    client.call(1, "queue.bind", queue="q", exchange="amq.fanout")
    client.publish("x", "nobody", b"m", mandatory=True)
    assert client.get("q").body == b"m"


@pytest.mark.parametrize("method", ["bind", "unbind"])
@pytest.mark.parametrize(("source", "destination"), [("", "amq.fanout"), ("amq.fanout", "")])
def test_nobody_binds_the_default_exchange(client, method, source, destination):
    client.send_method(1, f"exchange.{method}", source=source, destination=destination)
    client.expect_close(
        403, "ACCESS_REFUSED - operation not permitted on the default exchange", channel=1
    )


def test_an_exchange_in_use(client):
    client.call(1, "exchange.declare", exchange="x", type="fanout")
    client.declare("q")
    client.call(1, "queue.bind", queue="q", exchange="x")
    client.send_method(1, "exchange.delete", exchange="x", if_unused=True)
    client.expect_close(406, "PRECONDITION_FAILED - exchange 'x' in vhost '/' in use", channel=1)


def test_the_last_binding_takes_an_auto_delete_exchange_with_it(engine, client):
    client.call(1, "exchange.declare", exchange="x", type="fanout", auto_delete=True)
    client.call(1, "queue.declare", queue="q", auto_delete=True)
    client.call(1, "queue.bind", queue="q", exchange="x")
    client.consume("q")
    client.call(1, "basic.cancel", consumer_tag="c")
    assert "x" not in engine.vhost.exchanges
