"""Virtual hosts and users that go, and the connections they take with them (spec 2.8, 10.1)."""

import asyncio

import pytest

from broker.amqp import content
from broker.message import Message, Route
from broker.options import Options
from broker.storage import Storage
from tests.support.clock import VirtualClock
from tests.support.engine import Engine
from tests.support.vouch import vouch


@pytest.fixture
def engine():
    with Engine() as engine:
        engine.vhosts.create("v")
        engine.vhosts.permissions.set("guest", "v", ".*", ".*", ".*")
        yield engine


def closing(client):
    [close] = client.read_all()
    assert close.name == "connection.close"
    return close.arguments["reply_code"], close.arguments["reply_text"]


def test_counting(engine):
    roster = engine.context.roster
    first, second = engine.connect(), engine.connect(vhost="v")
    engine.client()  # has said nothing yet
    assert (roster.count(vhost="/"), roster.count(vhost="v")) == (1, 1)
    assert (roster.count(user="guest"), roster.count(user="nobody")) == (2, 0)
    assert roster.count() == 2
    assert (roster.channels("guest"), roster.channels("nobody")) == (2, 0)
    first.close()
    second.abort()
    assert (roster.count(vhost="v"), roster.count(user="guest")) == (0, 0)


def test_a_deleted_vhost_closes_its_connections(engine):
    inside, outside = engine.connect(vhost="v"), engine.connect()
    vhost = engine.vhosts.get("v")
    inside.call(1, "queue.declare", queue="q", durable=True)
    inside.call(1, "queue.declare", queue="mine", exclusive=True)
    inside.consume("q")
    inside.publish("", "q", b"1")
    assert inside.bodies() == [b"1"]
    engine.vhosts.delete("v")
    cancel, close = inside.read_all()
    assert (cancel.name, cancel.arguments["consumer_tag"]) == ("basic.cancel", "c")
    assert close.name == "connection.close"
    assert close.arguments["reply_code"] == 320
    assert close.arguments["reply_text"] == "CONNECTION_FORCED - vhost 'v' is deleted"
    inside.send_method(0, "connection.close-ok")
    engine.run()
    assert outside.silent
    assert vhost.queues == {}
    assert engine.context.roster.count(vhost="v") == 0


def test_nothing_of_a_deleted_vhost_comes_back(engine):
    client = engine.connect(vhost="v")
    arguments = {"x-delayed-type": "fanout"}
    client.call(
        1,
        "exchange.declare",
        exchange="later",
        type="x-delayed-message",
        durable=True,
        arguments=arguments,
    )
    client.call(1, "queue.declare", queue="q", durable=True)
    client.call(1, "queue.bind", exchange="later", queue="q")
    for exchange in ("", "later"):
        client.publish(exchange, "q", b"x", delivery_mode=2, headers={"x-delay": 1000})
    client.call(1, "queue.declare", queue="q", passive=True)
    engine.run()
    engine.vhosts.delete("v")
    engine.restart()
    assert [vhost.name for vhost in engine.vhosts] == ["/"]
    engine.advance(2)
    with engine._database.connect() as database:
        for table in ("batch", "settled", "queue", "exchange", "binding"):
            assert database.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_a_deleted_user_is_turned_out(engine):
    engine.vhosts.users.add("ann", "ann")
    engine.vhosts.permissions.set("ann", "/", "", "", "")
    ann = engine.connect(user="ann", password="ann")
    guest = engine.connect()
    engine.vhosts.delete_user("ann")
    assert closing(ann) == (320, "CONNECTION_FORCED - user 'ann' is deleted")
    assert guest.silent


def test_a_stopped_vhost_closes_its_connections(engine):
    client = engine.connect(vhost="v")
    engine.vhosts.unload("v")
    assert closing(client) == (320, "CONNECTION_FORCED - vhost 'v' is down")
    late = engine.client()
    late.login()
    late.tune_ok()
    late.send_method(0, "connection.open", virtual_host="v")
    text = "access to vhost 'v' refused for user 'guest': vhost 'v' is down"
    late.expect_close(541, f"INTERNAL_ERROR - {text}", (10, 40))


# -- unloaded and loaded, with the real disk ---------------------------------------------------


@pytest.fixture
async def storage(tmp_path):
    storage = await Storage.open(Options(data_dir=tmp_path), VirtualClock(), "rabbit@test")
    storage.vhosts.create("v")
    yield storage
    await storage.close()


def declare(storage, name, **arguments):
    return storage.vhosts.get("v").declare_queue(
        name, durable=True, owner=None, auto_delete=False, arguments=arguments
    )


def publish(queue, *bodies):
    header = content.parse(b"\0\x3c\0\0" + bytes(8) + b"\x10\0\2")  # delivery-mode 2
    for body in bodies:
        header.body_size = len(body)
        queue.publish(Message(Route("", queue.name), header, body))


async def test_a_vhost_comes_back_as_it_was(storage):
    for name, kind in (("q", "classic"), ("s", "stream")):
        publish(declare(storage, name, **{"x-queue-type": ("S", kind)}), b"1", b"2")
    first = storage.vhosts.get("v").queues["q"].get()
    await storage.stop_vhost("v")
    assert not storage.vhosts.get("v").running
    # What a client still does with what it has changes nothing.
    first.queue.settle(first)
    assert await storage.start_vhost("v")
    vhost = storage.vhosts.get("v")
    assert (vhost.running, vhost.queues["s"].message_count) == (True, 2)
    again = vhost.queues["q"].get()
    assert (again.message.body, again.returns) == (b"1", 1)
    assert vhost.queues["q"].get().message.body == b"2"


async def test_starting_what_runs_changes_nothing(storage):
    vhost = storage.vhosts.get("v")
    assert await storage.start_vhost("v")
    assert storage.vhosts.get("v") is vhost
    assert not await storage.start_vhost("nosuch")


async def test_two_starts_at_once(storage):
    declare(storage, "q")
    await storage.stop_vhost("v")
    assert await asyncio.gather(*(storage.start_vhost("v") for _ in range(3))) == [True] * 3
    assert list(storage.vhosts.get("v").queues) == ["q"]


async def test_a_vhost_that_ended_meanwhile(storage):
    await storage.stop_vhost("v")
    starting = asyncio.ensure_future(storage.start_vhost("v"))
    storage.vhosts.delete("v")
    assert not await starting


async def test_a_broken_vhost_is_started_once_it_is_mended(storage, caplog):
    declare(storage, "q")
    await storage.flushed()
    with storage._engine.begin() as database:
        database.exec_driver_sql("UPDATE queue SET arguments = 'broken' WHERE name = x'71'")
        vouch(database)
    await storage.stop_vhost("v")
    assert not await storage.start_vhost("v")
    assert "vhost 'v' cannot be recovered and stays down" in caplog.text
    with storage._engine.begin() as database:
        database.exec_driver_sql("UPDATE queue SET arguments = '{}' WHERE name = x'71'")
        vouch(database)
    assert await storage.start_vhost("v")
    assert "q" in storage.vhosts.get("v").queues


# -- limits (spec 2.6, 2.12) -------------------------------------------------------------------


def refused_open(engine, vhost="v"):
    client = engine.client()
    client.login()
    client.tune_ok()
    client.send_method(0, "connection.open", virtual_host=vhost)
    return client


def test_connections_of_a_vhost(engine):
    engine.vhosts.set_limits("v", {"max-connections": 1})
    first = engine.connect(vhost="v")
    text = "access to vhost 'v' refused for user 'guest': connection limit (1) is reached"
    refused_open(engine).expect_close(530, f"NOT_ALLOWED - {text}", (10, 40))
    first.close()
    engine.connect(vhost="v")


def test_connections_of_the_broker(engine):
    engine.vhosts.limits.max_connections = 1
    first = engine.connect()
    text = "connection refused: node connection limit (1) is reached"
    refused_open(engine, "nosuch").expect_close(530, f"NOT_ALLOWED - {text}", (10, 40))
    first.close()
    engine.connect()


def test_connections_of_a_user(engine):
    engine.vhosts.limits.set_user("guest", {"max-connections": 0})
    text = "connection refused for user 'guest': user connection limit (0) is reached"
    refused_open(engine).expect_close(530, f"NOT_ALLOWED - {text}", (10, 40))


def test_channels_of_a_user(engine):
    engine.vhosts.limits.set_user("guest", {"max-channels": 2})
    first, second = engine.connect(), engine.connect()
    first.send_method(2, "channel.open")
    text = (
        "number of channels opened for user 'guest' has reached the maximum allowed "
        "user limit of (2)"
    )
    first.expect_close(530, f"NOT_ALLOWED - {text}", (0, 0))
    second.call(2, "channel.open")


def test_queues_of_a_vhost_survive_a_restart(engine):
    engine.vhosts.set_limits("v", {"max-queues": 0})
    engine.restart()
    client = engine.connect(vhost="v")
    client.send_method(1, "queue.declare", queue="q")
    text = "cannot declare queue 'q': queue limit in vhost 'v' (0) is reached"
    client.expect_close(406, f"PRECONDITION_FAILED - {text}", (50, 10), channel=1)


# -- topic permissions (spec 10.3) -------------------------------------------------------------


@pytest.fixture
def restricted(engine):
    engine.vhosts.topic_permissions.set("guest", "/", "amq.topic", "^a", "^b")
    engine.restart()
    return engine.connect()


def topic_refused(client, permission, key, at):
    text = f"{permission} access to topic '{key}' in exchange 'amq.topic' in vhost '/'"
    client.expect_close(403, f"ACCESS_REFUSED - {text} refused for user 'guest'", at, channel=1)


def test_topics_at_publish(restricted):
    restricted.publish("amq.topic", "a.1")
    restricted.publish("amq.direct", "z")
    restricted.publish("amq.topic", "z")
    topic_refused(restricted, "write", "z", (60, 40))


@pytest.mark.parametrize("header", ["CC", "BCC"])
def test_topics_of_copies(restricted, header):
    restricted.publish("amq.topic", "a", headers={header: ["a.2", "z"]})
    topic_refused(restricted, "write", "z", (60, 40))


def test_topics_at_bind(restricted):
    restricted.declare("q")
    restricted.call(1, "queue.bind", exchange="amq.topic", queue="q", routing_key="b.#")
    restricted.send_method(1, "queue.bind", exchange="amq.topic", queue="q", routing_key="a")
    topic_refused(restricted, "read", "a", (50, 20))


def test_topics_that_change_are_looked_at_again(engine, restricted):
    restricted.publish("amq.topic", "a")
    assert restricted.silent
    engine.vhosts.topic_permissions.set("guest", "/", "amq.topic", "^b", "")
    restricted.publish("amq.topic", "a")
    topic_refused(restricted, "write", "a", (60, 40))
    restricted.send_method(1, "channel.close-ok")
    engine.vhosts.topic_permissions.delete("guest", "/")
    restricted.call(1, "channel.open")
    restricted.publish("amq.topic", "a")
    assert restricted.silent
