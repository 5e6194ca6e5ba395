"""A database opened and closed as the daemon does it, with its writer's thread and a real file."""

import sqlite3

import pytest

from broker.options import Options
from broker.startup import StartError
from broker.storage import Storage
from tests.support.clock import VirtualClock
from tests.support.engine import Engine


@pytest.fixture
def options(tmp_path):
    return Options(data_dir=tmp_path)


async def opened(options):
    return await Storage.open(options, VirtualClock(), "rabbit@test")


async def test_a_new_database_begins_with_the_defaults(options, tmp_path):
    storage = await opened(options)
    assert [vhost.name for vhost in storage.vhosts] == ["/"]
    assert storage.vhosts.users.authenticate("guest", "guest") is not None
    await storage.close()
    assert (tmp_path / "leveret.db").exists()


async def test_definitions_survive(options):
    storage = await opened(options)
    vhost = storage.vhosts.create("another")
    vhost.declare_queue("q", durable=True, owner=None, auto_delete=False, arguments={})
    await storage.close()
    storage = await opened(options)
    again = storage.vhosts.get("another")
    assert again is not None
    assert again.queues["q"].durable
    await storage.close()


async def test_the_limits_are_those_of_the_options(tmp_path):
    options = Options(
        data_dir=tmp_path, frame_max=8192, heartbeat=7, max_message_size=1000, handshake_timeout=3
    )
    storage = await opened(options)
    context = storage.context
    assert (context.limits.frame_max, context.limits.heartbeat) == (8192, 7)
    assert (context.max_message_size, context.handshake_timeout) == (1000, 3)
    await storage.close()


async def test_a_file_that_is_no_database(options, tmp_path):
    (tmp_path / "leveret.db").write_bytes(b"not a database " * 100)
    with pytest.raises(StartError, match="cannot use the database"):
        await opened(options)


async def test_a_database_of_a_later_version(options, tmp_path):
    await (await opened(options)).close()
    with sqlite3.connect(tmp_path / "leveret.db") as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    database.close()
    with pytest.raises(StartError, match="schema version 99"):
        await opened(options)


async def test_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(StartError, match="cannot use the database"):
        await opened(Options(data_dir=tmp_path / "missing"))


# -- what is recovered, seen by a client


@pytest.fixture
def on_file(tmp_path):
    with Engine(path=tmp_path / "leveret.db") as engine:
        yield engine


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_messages_come_back_as_they_were(on_file, how):
    client = on_file.connect()
    client.declare("q", {"x-max-priority": 5})
    client.call(1, "queue.bind", queue="q", exchange="amq.topic", routing_key="#")
    properties = {"delivery_mode": 2, "priority": 3, "headers": {"k": [1, None]}, "message_id": "m"}
    client.publish("amq.topic", b"k\xff", b"x" * 70_000, **properties)
    client.publish("amq.topic", "k", b"", delivery_mode=2)
    on_file.run()
    getattr(on_file, how)()
    client = on_file.connect()
    first, second = client.get("q"), client.get("q")
    assert (first.body, second.body) == (b"x" * 70_000, b"")
    assert first.method.arguments["exchange"] == "amq.topic"
    assert first.method.arguments["routing_key"] == "k\udcff"
    assert first.properties["message_id"] == "m"
    assert not first.method.arguments["redelivered"]


def test_one_message_in_many_queues_is_one_message_again(on_file):
    client = on_file.connect()
    for queue in ("a", "b", "c"):
        client.declare(queue)
        client.call(1, "queue.bind", queue=queue, exchange="amq.fanout")
    client.publish("amq.fanout", "", b"m", delivery_mode=2)
    client.get("b")
    client.ack(1)
    on_file.run()
    on_file.restart()
    queues = on_file.vhost.queues
    assert [queues[name].message_count for name in "abc"] == [1, 0, 1]
    (first,), (third,) = list(queues["a"].ready), list(queues["c"].ready)
    assert first.message is third.message


def test_messages_of_a_queue_that_is_gone_are_gone(on_file):
    client = on_file.connect()
    client.declare("q")
    client.publish("", "q", b"m", delivery_mode=2)
    client.call(1, "queue.delete", queue="q")
    client.declare("q")
    on_file.restart()
    assert on_file.queue("q").message_count == 0


def test_the_disk_is_empty_again_once_all_is_settled(on_file, tmp_path):
    client = on_file.connect()
    client.declare("q")
    for _ in range(5):
        client.publish("", "q", b"m", delivery_mode=2)
        on_file.run()
    client.consume("q")
    client.deliveries()
    client.ack(0, multiple=True)
    on_file.advance(5)
    with sqlite3.connect(tmp_path / "leveret.db") as database:
        left = [
            database.execute(f"SELECT count(*) FROM {table}").fetchone()
            for table in ("batch", "settled")
        ]
    database.close()
    assert left == [(0,), (0,)]


def test_what_was_not_committed_is_lost_and_was_not_confirmed(on_file):
    client = on_file.connect()
    client.declare("q")
    client.call(1, "confirm.select")
    on_file.run()
    client.publish("", "q", b"1", delivery_mode=2)
    client.expect("basic.ack", delivery_tag=1)
    with on_file.disk_held():
        client.publish("", "q", b"2", delivery_mode=2)
        assert client.silent
        on_file.crash()
    client = on_file.connect()
    assert client.get("q").body == b"1"
    assert client.get("q") is None
