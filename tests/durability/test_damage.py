"""Damage on the disk: found, reported by what it belongs to, set aside; the rest comes up."""

import sqlite3
from pathlib import Path

import pytest

from tests.durability.test_disk_trouble import PORTS
from tests.durability.test_restart import bodies, drain, exists, publish
from tests.support.broker import Broker
from tests.support.wire import wire
from tests.unit.broker.test_main import assert_refused, leveret

pytestmark = pytest.mark.sqlite


@pytest.fixture
def broker(tmp_path: Path):
    """A stopped broker with two queues of three batches each."""
    broker = Broker(tmp_path)
    with broker.start(), wire(broker.amqp) as client:
        client.call(1, "exchange.declare", exchange="amber", type="topic", durable=True)
        for queue in ("copper", "silver"):
            client.call(1, "queue.declare", queue=queue, durable=True, arguments={"x-note": queue})
            client.call(1, "queue.bind", queue=queue, exchange="amber", routing_key=f"{queue}.#")
        for number in range(3):
            publish(client, "copper", b"copper coin %d" % number)
            publish(client, "silver", b"silver coin %d" % number)
        client.close()
    yield broker
    if broker.process is not None:
        broker.stop()


def flip_bit(broker: Broker, where: bytes) -> None:
    """Changes one bit in the last octet of the only (or last) place where these bytes stand."""
    path = broker.data_dir / "leveret.db"
    data = bytearray(path.read_bytes())
    at = data.rfind(where)
    assert at > 0, where
    data[at + len(where) - 1] ^= 4
    path.write_bytes(data)


def rows(broker: Broker, sql: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(broker.data_dir / "leveret.db")
    found = database.execute(sql).fetchall()
    database.close()
    return found


def held(broker: Broker) -> dict[str, list[bytes]]:
    """What is in the queues that are there."""
    with wire(broker.amqp) as client:
        there = [queue for queue in ("copper", "silver") if exists(client, "queue", queue)]
        return {queue: bodies(drain(client, queue)) for queue in there}


def coins(metal: str, *numbers: int) -> list[bytes]:
    return [f"{metal} coin {number}".encode() for number in numbers]


def damaged_start(broker: Broker, *report: str) -> None:
    """It refuses to start when told so, else it starts and says what it found."""
    before = (broker.data_dir / "leveret.db").read_bytes()
    options = ("--data-dir", str(broker.data_dir), "--strict-recovery", *PORTS)
    refused = leveret(*options, cwd=broker.data_dir.parent)
    assert_refused(refused, "the database is damaged", "start without --strict-recovery", *report)
    assert (broker.data_dir / "leveret.db").read_bytes() == before
    broker.start()
    for part in report:
        assert part in broker.log()


def test_a_bit_in_a_message(broker: Broker):
    flip_bit(broker, b"copper coin 1")
    damaged_start(broker, "vhost '/': batch", "checksum", "messages of queue 'copper'")
    assert held(broker) == {"copper": coins("copper", 0, 2), "silver": coins("silver", 0, 1, 2)}
    broker.restart()
    ((data, reason),) = rows(broker, "SELECT data, reason FROM quarantine")
    assert isinstance(data, bytes)
    assert data.endswith(b"copper coin 5")
    assert reason == "its checksum does not fit"
    assert broker.log().count("cannot be read") == 1


def test_a_batch_that_is_cut_short(broker: Broker):
    database = sqlite3.connect(broker.data_dir / "leveret.db")
    with database:
        database.execute("UPDATE batch SET data = substr(data, 1, length(data) - 5) WHERE id = 2")
    database.close()
    damaged_start(broker, "batch 2 cannot be read: it has", "of queue 'silver'")
    assert held(broker) == {"copper": coins("copper", 0, 1, 2), "silver": coins("silver", 1, 2)}


DEFINITIONS = [
    pytest.param(b"/ambertopic", "exchange", id="exchange"),
    pytest.param(b'copper"]', "queue", id="arguments"),
    pytest.param(b"silver.#", "binding", id="binding"),
    pytest.param(b'["administrator', "user", id="user"),
    pytest.param(b".*.*.*", "permission", id="permission"),
]


@pytest.mark.parametrize(("where", "table"), DEFINITIONS)
def test_a_bit_in_a_definition(broker: Broker, where: bytes, table: str):
    flip_bit(broker, where)
    damaged_start(broker, f"a row of table '{table}' is damaged")
    if table not in ("user", "permission"):  # without these nobody can look
        assert held(broker)["silver"] == coins("silver", 0, 1, 2)
    broker.stop()
    assert rows(broker, "SELECT table_name FROM damaged_row") == [(table,)]
    assert rows(broker, "PRAGMA integrity_check") == [("ok",)]


def test_messages_of_a_damaged_queue_are_kept(broker: Broker):
    flip_bit(broker, b'copper"]')
    damaged_start(broker, "a row of table 'queue' is damaged", '{"vhost": "/", "name": "copper"}')
    for _ in range(2):
        # Only counted: what is taken is gone a moment later, kill or not.
        with wire(broker.amqp) as client:
            declared = client.call(1, "queue.declare", queue="silver", passive=True)
        assert declared.arguments["message_count"] == 3
        broker.restart(kill=True)
    assert held(broker) == {"silver": coins("silver", 0, 1, 2)}
    with wire(broker.amqp) as client:
        # A new queue must not get what the old one had.
        client.call(1, "queue.declare", queue="tin", durable=True)
    broker.restart()
    with wire(broker.amqp) as client:
        assert drain(client, "tin") == []
    broker.stop()
    batches = rows(broker, "SELECT data FROM batch")
    assert sum(b"copper coin" in data for (data,) in batches if isinstance(data, bytes)) == 3
    assert rows(broker, "SELECT table_name FROM damaged_row") == [("queue",)]


# -- the file itself -----------------------------------------------------------------------


def fill(broker: Broker) -> int:
    """Messages enough for many pages; returns how many."""
    with broker.start(), wire(broker.amqp) as client:
        for _ in range(40):
            publish(client, "silver", b"s" * 20_000)
    return 40


def silver(broker: Broker) -> int:
    """How many messages are left of `fill`."""
    with wire(broker.amqp) as client:
        return sum(len(body) == 20_000 for body in bodies(drain(client, "silver")))


def test_a_broken_page(broker: Broker):
    count = fill(broker)
    path = broker.data_dir / "leveret.db"
    data = bytearray(path.read_bytes())
    # Amid the content of a message, with what names the next page.
    page = data.index(b"s" * 4000) // 4096
    data[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    damaged_start(broker, "is malformed")
    assert "messages of queue 'silver'" in broker.log()
    assert 0 < silver(broker) < count
    broker.restart()
    assert broker.log().count("is malformed: it is kept") == 1
    assert (broker.data_dir / "leveret.db-broken-1").read_bytes() == bytes(data)
    assert rows(broker, "PRAGMA integrity_check") == [("ok",)]


def test_a_file_that_is_cut_short(broker: Broker):
    count = fill(broker)
    path = broker.data_dir / "leveret.db"
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 2 // 3)
    damaged_start(broker, "is malformed")
    assert 0 < silver(broker) < count


def test_a_file_of_which_nothing_is_left(broker: Broker):
    path = broker.data_dir / "leveret.db"
    path.write_bytes(b"\xa5" * path.stat().st_size)
    refused = leveret("--data-dir", str(broker.data_dir), *PORTS, cwd=broker.data_dir.parent)
    assert_refused(refused, "cannot salvage", "restore a backup")
