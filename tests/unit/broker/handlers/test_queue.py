import pytest

from tests.support.wire import publish_frames

PSEUDO = "amq.rabbitmq.reply-to"


def test_declare_counts_what_is_ready(client):
    client.declare("q")
    client.send(*(publish_frames(1, "", "q", b"m") for _ in range(3)))
    client.get("q")
    ok = client.call(1, "queue.declare", queue="q", durable=True)
    assert ok.arguments == {"queue": "q", "message_count": 2, "consumer_count": 0}
    client.consume("q", prefetch=1)
    assert len(client.deliveries()) == 1
    ok = client.call(1, "queue.declare", queue="q", passive=True)
    assert ok.arguments == {"queue": "q", "message_count": 1, "consumer_count": 1}


def test_names_of_the_brokers_making(client):
    names = [client.call(1, "queue.declare").arguments["queue"] for _ in range(2)]
    assert len(set(names)) == 2
    assert all(name.startswith("amq.gen-") and len(name) == 30 for name in names)


def test_declare_without_waiting(client):
    client.send_method(1, "queue.declare", queue="q", nowait=True)
    assert client.silent
    client.publish("", "q", b"m")
    assert client.get("").body == b"m"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"queue": "missing", "passive": True}, 404),
        ({"queue": "", "passive": True}, 404),
        ({"queue": "amq.mine"}, 403),
        ({"queue": "q"}, 406),
        ({"queue": "q", "durable": True, "auto_delete": True}, 406),
        ({"queue": "q", "durable": True, "arguments": {"x-message-ttl": 5}}, 406),
        ({"queue": "q", "exclusive": True}, 405),
        ({"queue": "new", "arguments": {"x-message-ttl": -1}}, 406),
    ],
)
def test_declares_that_are_refused(client, arguments, code):
    client.declare("q")
    client.send_method(1, "queue.declare", **arguments)
    client.expect_close(code, at=(50, 10), channel=1)
    assert "new" not in client.engine.vhost.queues


def test_an_exclusive_queue_is_never_durable(engine, client):
    client.call(1, "queue.declare", queue="mine", exclusive=True, durable=True)
    queue = engine.queue("mine")
    assert not queue.durable
    assert queue.owner is client.connection


def test_without_permission_to_configure(engine, client):
    engine.vhosts.permissions.set("guest", "/", "^mine$", ".*", ".*")
    client.call(1, "queue.declare", queue="mine")
    client.send_method(1, "queue.declare", queue="yours")
    client.expect_close(403, at=(50, 10), channel=1)


def test_bind_and_unbind(engine, client):
    queue = client.declare("q")
    client.call(1, "queue.bind", queue="q", exchange="amq.topic", routing_key="a.*")
    for key in ("a.b", "b.a"):
        client.publish("amq.topic", key, b"m")
    engine.run()
    assert queue.message_count == 1
    for _ in range(2):
        client.call(1, "queue.unbind", queue="q", exchange="amq.topic", routing_key="a.*")
    client.publish("amq.topic", "a.b", b"m")
    engine.run()
    assert queue.message_count == 1


def test_an_empty_key_with_an_empty_name_is_the_name(client):
    client.declare("q")
    client.call(1, "queue.bind", exchange="amq.direct")
    client.publish("amq.direct", "q", b"1")
    assert client.get("q").body == b"1"
    client.call(1, "queue.bind", queue="q", exchange="amq.direct")
    client.publish("amq.direct", "", b"2")
    assert client.get("q").body == b"2"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"queue": "missing", "exchange": "amq.direct"}, 404),
        ({"queue": "q", "exchange": "missing"}, 404),
        ({"queue": "q", "exchange": ""}, 403),
        ({"queue": "q", "exchange": "amq.headers", "arguments": {"x-match": "some"}}, 406),
    ],
)
def test_bindings_that_are_refused(client, arguments, code):
    client.declare("q")
    client.send_method(1, "queue.bind", **arguments)
    client.expect_close(code, at=(50, 20), channel=1)


def test_a_durable_binding_waits_for_the_disk(engine, client):
    client.declare("q")
    engine.run()
    with engine.disk_held() as disk:
        client.send_method(1, "queue.bind", queue="q", exchange="amq.fanout")
        assert client.silent
        disk.write()
        client.expect("queue.bind-ok")
    engine.crash()
    client = engine.connect()
    client.publish("amq.fanout", "", b"m")
    assert client.get("q").body == b"m"


def test_purge(client):
    client.declare("q")
    client.send(*(publish_frames(1, "", "q", b"m") for _ in range(3)))
    client.get("q")
    assert client.call(1, "queue.purge", queue="q").arguments["message_count"] == 2
    client.send_method(1, "queue.purge", queue="q", nowait=True)
    assert client.silent
    client.nack(1)
    assert client.get("q").body == b"m"


def test_delete(client):
    client.declare("q")
    client.send(*(publish_frames(1, "", "q", b"m") for _ in range(3)))
    assert client.call(1, "queue.delete", queue="q").arguments["message_count"] == 3
    assert client.call(1, "queue.delete", queue="q").arguments["message_count"] == 0
    client.send_method(1, "queue.delete", queue="q", nowait=True)
    assert client.silent


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({"if_unused": True}, "PRECONDITION_FAILED - queue 'q' in vhost '/' in use"),
        ({"if_empty": True}, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty"),
        ({"if_unused": True, "if_empty": True}, "PRECONDITION_FAILED - * not empty"),
    ],
)
def test_deletes_under_conditions(client, flags, text):
    client.declare("q")
    client.consume("q", prefetch=1)
    client.send(*(publish_frames(1, "", "q", b"m") for _ in range(2)))
    client.deliveries()
    client.send_method(1, "queue.delete", queue="q", **flags)
    close = client.expect_close(406, at=(50, 40), channel=1)
    assert close.arguments["reply_text"].endswith(text.rpartition("* ")[2])
    assert "q" in client.engine.vhost.queues


def test_a_consumer_on_the_deleting_channel_is_told_behind_delete_ok(client):
    client.declare("q")
    client.consume("q")
    client.send_method(1, "queue.delete", queue="q")
    assert client.names() == ["queue.delete-ok", "basic.cancel"]


def test_cr_and_lf_are_taken_out_of_names(engine, client):
    client.declare("a\r\nb")
    assert list(engine.vhost.queues) == ["ab"]
    client.call(1, "queue.delete", queue="a\nb")
    assert list(engine.vhost.queues) == []


# -- the pseudo queue of direct reply-to


def test_the_pseudo_queue_is_always_there(client):
    ok = client.call(1, "queue.declare", queue=PSEUDO)
    assert ok.arguments == {"queue": PSEUDO, "message_count": 0, "consumer_count": 1}
    assert client.engine.vhost.queues == {}


def test_a_generated_name_while_somebody_waits(engine, client):
    requester = engine.connect()
    requester.consume(PSEUDO, no_ack=True)
    (name,) = engine.context.reply_channels
    ok = client.call(1, "queue.declare", queue=name, passive=True)
    assert ok.arguments == {"queue": name, "message_count": 0, "consumer_count": 1}
    requester.abort()
    client.send_method(1, "queue.declare", queue=name, passive=True)
    client.expect_close(404, channel=1)


def test_nobody_binds_to_it(client):
    client.send_method(1, "queue.bind", queue=PSEUDO + ".x", exchange="amq.fanout")
    client.expect_close(403, channel=1)
