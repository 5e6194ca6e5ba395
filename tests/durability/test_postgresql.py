"""PostgreSQL as the database: the same promises, a server that goes away, one broker to a database.

The suite itself runs on it with `pytest tests/durability --database postgresql`; a part of that is
a test here. What is about SQLite's file elsewhere has its counterpart here.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import MetaData, create_engine, make_url, select
from sqlalchemy.exc import DBAPIError

from persistence import engine as engines
from persistence import migrations, postgresql, schema
from tests.durability.flood import publish_many
from tests.durability.test_damage import coins, held
from tests.durability.test_disk_trouble import (
    PORTS,
    alarms,
    confirmed,
    drained,
    publish,
    queue_of,
)
from tests.durability.test_restart import publish as publish_bodies
from tests.durability.test_upgrade import KEPT, assert_upgraded
from tests.support.broker import ROOT, Broker
from tests.support.debian import or_skip
from tests.support.eventually import eventually
from tests.support.postgres import PostgreSQL, install
from tests.support.wire import wire
from tests.unit.broker.test_main import assert_refused, leveret

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SUITE = [f"tests/durability/test_{name}.py" for name in ("restart", "stream_restart", "crash")]
AWAY = r"the database refuses to (write|be read)|stopped before the disk had everything"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    or_skip(install)
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def url(server: PostgreSQL) -> str:
    return server.new_database()


Start = Callable[..., Broker]


@pytest.fixture
def start(server: PostgreSQL, url: str, tmp_path: Path) -> Iterator[Start]:
    """Makes brokers on one database, each with a data directory of its own."""
    made: list[Broker] = []

    def start() -> Broker:
        made.append(Broker(tmp_path / f"broker-{len(made)}"))
        made[-1].environment["LEVERET_DATABASE"] = url
        return made[-1].start()

    yield start
    if server.process is None:
        server.start()
    for broker in made:
        if broker.process is not None:
            broker.stop()
        assert "Traceback" not in broker.log()


def refused(tmp_path: Path, url: str, *reasons: str) -> None:
    result = leveret(*PORTS, "--data-dir", "data", cwd=tmp_path, LEVERET_DATABASE=url)
    assert_refused(result, *reasons)
    assert url.split("@", maxsplit=1)[0].rpartition(":")[2] not in result.stderr  # the password


# -- the suite -------------------------------------------------------------------------------------


@pytest.mark.timeout(1200)
def test_the_suite_with_kills():
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *SUITE]
    options = ["-k", "kill", "--database", "postgresql"]
    result = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-10_000:]


# -- the server goes away --------------------------------------------------------------------------


@pytest.mark.parametrize("end", [PostgreSQL.stop, PostgreSQL.crash])
def test_a_server_that_goes_away_is_like_a_disk_that_refuses(
    server: PostgreSQL, start: Start, end: Callable[[PostgreSQL], None]
):
    broker = start()
    client = queue_of(broker.amqp, 10)
    end(server)
    publish(client, range(10, 20))
    eventually(lambda: alarms(broker, "disk"))
    publish(client, range(20, 21))
    client.expect("connection.blocked", reason="low on disk")
    with pytest.raises(TimeoutError):
        client.read_method(timeout=0.5)
    with wire(broker.amqp) as consumer:
        content = consumer.get("q", no_ack=True)
        assert content is not None
        assert content.body == b"0"

    server.start()

    assert confirmed(client, 21) == 21
    eventually(lambda: alarms(broker))
    client.abort()
    broker.restart(kill=True)
    # What was acked while it was away may come again.
    assert drained(broker.amqp) in (list(range(21)), list(range(1, 21)))
    broker.assert_clean_log(AWAY)


def test_a_backlog_that_left_memory_waits_for_the_server(server: PostgreSQL, start: Start):
    broker = start()
    count, size = 4_000, 10_000  # more than a queue keeps in memory
    with wire(broker.amqp) as consumer:
        consumer.call(1, "queue.declare", queue="q", durable=True)
        publish_many(broker.amqp, "q", count, size)
        server.crash()
        consumer.call(1, "basic.consume", queue="q", no_ack=True)
        eventually(lambda: "refuses to be read" in broker.log())
        server.start()
        for _ in range(count):
            assert len(consumer.expect_content("basic.deliver").body) == size
    broker.assert_clean_log(AWAY)


def test_a_commit_whose_answer_was_lost_is_not_there_twice(
    server: PostgreSQL, start: Start, url: str
):
    broker = start()
    client = queue_of(broker.amqp, 10)
    for first in range(10, 100, 10):
        publish(client, range(first, first + 10))
        server.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE application_name = 'leveret' AND datname = '{make_url(url).database}'"
        )
    assert confirmed(client, 100) == 100
    client.abort()
    broker.restart(kill=True)
    assert drained(broker.amqp) == list(range(100))
    broker.assert_clean_log(AWAY)


def test_a_stop_does_not_wait_for_a_server_that_is_away(server: PostgreSQL, start: Start):
    broker = start()
    client = queue_of(broker.amqp, 10)
    server.stop()
    publish(client, range(10, 15))
    eventually(lambda: "refuses to write" in broker.log())
    assert broker.stop() == 1
    client.abort()
    server.start()
    broker.start()
    assert drained(broker.amqp)[:10] == list(range(10))


# -- a start that is refused -----------------------------------------------------------------------


def test_a_second_broker_is_refused_until_the_first_is_gone(start: Start, url: str, tmp_path: Path):
    first = start()
    client = queue_of(first.amqp, 10)
    refused(tmp_path, url, "cannot use the database: another broker uses it")
    publish(client, range(10, 20))
    assert confirmed(client, 20) == 20
    client.abort()
    first.kill()
    assert drained(start().amqp) == list(range(20))


def test_a_broker_that_lost_the_database_to_another_writes_no_more(
    server: PostgreSQL, start: Start, url: str
):
    first = start()
    with queue_of(first.amqp, 10) as client:
        server.crash()
        publish(client, range(10, 15))
        eventually(lambda: "refuses to write" in first.log())
        os.kill(first.pid, signal.SIGSTOP)
        server.start()
        second = start()
        os.kill(first.pid, signal.SIGCONT)
        queue_of(second.amqp, 5, "other").abort()
        second.stop()
        eventually(lambda: "another broker has used the database meanwhile" in first.log())
        with pytest.raises(TimeoutError):
            client.expect("basic.ack", timeout=1)
        client.abort()
    assert first.log().count("restart this one") == 1
    assert first.stop() == 1
    second.start()
    assert drained(second.amqp) == list(range(10))
    assert drained(second.amqp, "other") == list(range(5))


def test_a_server_that_cannot_be_used(server: PostgreSQL, url: str, tmp_path: Path):
    name = str(make_url(url).database)
    refused(tmp_path, url.replace(name, "nowhere"), 'database "nowhere" does not exist')
    refused(tmp_path, url.replace(server.password, "wrong"), "password authentication failed")
    refused(tmp_path, url.replace(str(server.port), "port"), "its URL is not valid")
    refused(tmp_path, url + "?colour=red", 'invalid connection option "colour"')
    server.stop()
    refused(tmp_path, url, "Connection refused")
    server.start()


def test_a_newer_version_is_refused(server: PostgreSQL, start: Start, url: str, tmp_path: Path):
    start().stop()
    server.query("UPDATE meta SET value = '99' WHERE key = 'schema_version'", url)
    refused(tmp_path, url, "the database has schema version 99, this")


# -- what is stored --------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.stem)
def test_an_upgrade(url: str, tmp_path: Path, kept: Path):
    old = sqlite3.connect(":memory:")
    old.executescript(kept.read_text())
    old.row_factory = sqlite3.Row
    engine = create_engine(postgresql.writer_url(make_url(url)))
    with engine.begin() as connection:
        version = migrations.revision(int(kept.stem[1:]))
        command.upgrade(migrations.configuration(connection), version)
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if table.name != "alembic_version":
                rows = [dict(row) for row in old.execute(f'SELECT * FROM "{table.name}"')]
                if rows:
                    connection.execute(table.insert(), rows)
    engine.dispose()
    old.close()
    broker = Broker(tmp_path / "broker")
    broker.environment["LEVERET_DATABASE"] = url
    assert_upgraded(broker, kept)


def test_a_session_is_safe_whatever_the_server_says(server: PostgreSQL, url: str):
    name = make_url(url).database
    server.query(f"ALTER DATABASE {name} SET synchronous_commit = off")
    engine = engines.open_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    engine.dispose()


async def test_the_reader_reads_and_nothing_else(url: str):
    engine = engines.open_engine(url)
    with engine.begin() as connection:
        connection.execute(schema.settled.insert(), {"batch_id": 2**40, "data": b"\x00\xff"})
    reader = engines.open_reader(url)
    async with reader.connect() as reading:
        rows = (await reading.execute(select(schema.settled))).all()
        assert rows == [(2**40, b"\x00\xff", None)]
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await reading.execute(schema.settled.delete())
    await reader.dispose()
    engine.dispose()


def test_damage_is_set_aside(server: PostgreSQL, start: Start, url: str, tmp_path: Path):
    broker = start()
    with wire(broker.amqp) as client:
        for queue in ("copper", "silver"):
            client.call(1, "queue.declare", queue=queue, durable=True)
        for number in range(3):
            publish_bodies(client, "copper", b"copper coin %d" % number)
            publish_bodies(client, "silver", b"silver coin %d" % number)
    broker.stop()
    last = "length(data) - 1"
    server.query(
        f"UPDATE batch SET data = set_byte(data, {last}, get_byte(data, {last}) # 4)"
        " WHERE position('copper coin 1'::bytea in data) > 0",
        url,
    )
    server.query("UPDATE queue SET arguments = '{} ' WHERE name = 'silver'::bytea", url)
    strict = leveret(
        *(*PORTS, "--data-dir", "data", "--strict-recovery"), cwd=tmp_path, LEVERET_DATABASE=url
    )
    assert_refused(strict, "the database is damaged", "start without --strict-recovery")
    assert server.query("SELECT count(*) FROM damaged_row", url) == [(0,)]

    broker.start()

    assert held(broker) == {"copper": coins("copper", 0, 2)}
    assert "messages of queue 'copper'" in broker.log()
    assert "a row of table 'queue' is damaged" in broker.log()
    broker.stop()
    assert server.query("SELECT table_name FROM damaged_row", url) == [("queue",)]
    assert server.query("SELECT reason FROM quarantine", url) == [("its checksum does not fit",)]


def test_forgotten_messages_do_not_pin_the_disk(server: PostgreSQL, start: Start, url: str):
    broker = start()
    with wire(broker.amqp) as client:
        client.call(1, "queue.declare", queue="q", durable=True)
        publish_bodies(client, "q", *[bytes(1000)] * 500)
        client.call(1, "basic.qos", prefetch_count=0)
        for _ in range(500):
            client.get("q")
        for tag in range(2, 501):
            client.send_method(1, "basic.ack", delivery_tag=tag)
        size = "SELECT coalesce(sum(length(data)), 0) FROM batch"
        eventually(lambda: int(server.query(size, url)[0][0]) < 10_000, 20, "rewriting")
        broker.kill()
    broker.start()
    with wire(broker.amqp) as client:
        assert client.get("q", no_ack=True) is not None
        assert client.get("q", no_ack=True) is None
