"""Long queues: what leaves memory, what comes back, and what cannot be read any more."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from broker import paged_expiry, paging
from broker.paged import Paged
from broker.queue import Queue
from tests.support.encoding import Typed, plain
from tests.support.engine import Client, Engine

BODY = bytes(100)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue of more than about 20 messages is long."""
    sizes = {"LONG": 10_000, "HEAD": 2_500, "AHEAD": 5_000, "FLOOR": 1_000, "PORTION": 1_000}
    for name, value in sizes.items():
        monkeypatch.setattr(paging, name, value)


def publish(client: Client, queue: str, count: int, first: int = 0, **properties: Any) -> None:
    """Numbered messages in batches of ten; persistent unless told otherwise."""
    given: dict[str, Any] = {"delivery_mode": 2, **properties}
    for number in range(first, first + count):
        client.publish("", queue, b"%d" % number, **given)
        if number % 10 == 9:
            client.engine.run()
    client.engine.run()


def numbers(*spans: tuple[int, int]) -> list[bytes]:
    return [b"%d" % number for span in spans for number in range(*span)]


def on_disk(queue: Queue) -> int:
    return queue.ready.on_disk()[0]


def drained(client: Client, queue: str) -> list[bytes]:
    client.consume(queue, no_ack=True)
    bodies = client.bodies()
    client.call(1, "basic.cancel", consumer_tag="c")
    return bodies


# -- out of memory and back --------------------------------------------------------------


def test_only_the_head_of_a_long_queue_stays_in_memory(client: Client):
    queue = client.declare("q")
    publish(client, "q", 200)
    assert isinstance(queue.ready, Paged)
    assert on_disk(queue) > 150
    assert queue.message_count == 200
    assert queue.ready_bytes == sum(len(body) for body in numbers((0, 200)))
    assert sum(1 for _ in queue.ready) == 200 - on_disk(queue)


def test_a_short_queue_stays_in_memory(client: Client):
    queue = client.declare("q")
    publish(client, "q", 20)
    assert not queue.ready.paged


def test_all_comes_back_in_order_and_the_queue_is_as_before(client: Client):
    queue = client.declare("q")
    publish(client, "q", 300)
    assert drained(client, "q") == numbers((0, 300))
    assert (queue.message_count, queue.ready_bytes) == (0, 0)
    assert not queue.ready.paged


def test_what_is_read_back_is_counted(client: Client):
    queue = client.declare("q")
    publish(client, "q", 300)
    left = on_disk(queue)
    assert (queue.disk_reads, queue.vhost.statistics.disk_reads) == (0, 0)
    drained(client, "q")
    assert (queue.disk_reads, queue.vhost.statistics.disk_reads) == (left, left)


def test_nothing_is_read_before_somebody_wants_it(engine: Engine, client: Client):
    client.declare("q")
    publish(client, "q", 300)
    assert not engine.disk.reader.busy
    client.consume("q", prefetch=1)
    assert len(client.bodies()) == 1


def test_not_more_is_read_than_will_be_wanted_soon(client: Client):
    queue = client.declare("q")
    publish(client, "q", 600)
    before = on_disk(queue)
    client.consume("q", prefetch=1)
    client.bodies()
    assert before - on_disk(queue) < 30


def test_what_came_back_goes_first(client: Client):
    client.declare("q")
    publish(client, "q", 300)
    client.consume("q", prefetch=50)
    assert client.bodies() == numbers((0, 50))
    client.call(1, "basic.cancel", consumer_tag="c")
    client.nack(50, multiple=True)
    assert drained(client, "q") == numbers((0, 300))


def test_transient_messages_keep_their_place(client: Client):
    client.declare("q")
    for first in range(0, 300, 30):
        publish(client, "q", 25, first)
        publish(client, "q", 5, first + 25, delivery_mode=1)
    assert drained(client, "q") == numbers((0, 300))


def test_each_level_of_priority_is_paged(client: Client):
    queue = client.declare("q", {"x-max-priority": Typed("b", 1)})
    for first in range(0, 400, 20):
        publish(client, "q", 10, first)
        publish(client, "q", 10, first + 10, priority=1)
    assert on_disk(queue) > 250
    high = [(first + 10, first + 20) for first in range(0, 400, 20)]
    low = [(first, first + 10) for first in range(0, 400, 20)]
    assert drained(client, "q") == numbers(*high, *low)


def test_queues_that_share_batches(client: Client):
    queues = [client.declare(name) for name in ("q", "r")]
    for name in ("q", "r"):
        client.call(1, "queue.bind", queue=name, exchange="amq.fanout")
    for number in range(300):
        client.publish("amq.fanout", "", b"%d" % number, delivery_mode=2)
        if number % 10 == 9:
            client.engine.run()
    assert all(on_disk(queue) > 200 for queue in queues)
    assert client.call(1, "queue.purge", queue="q").arguments["message_count"] == 300
    client.engine.advance(1)
    assert drained(client, "r") == numbers((0, 300))


# -- get, purge, limits, time ------------------------------------------------------------


def test_get_waits_for_the_disk(client: Client):
    client.declare("q")
    publish(client, "q", 300)
    for number in range(300):
        content = client.get("q", no_ack=True)
        assert content is not None
        assert content.body == b"%d" % number
        assert content.method.arguments["message_count"] == 299 - number
    assert client.get("q") is None


def test_what_comes_behind_a_get_that_waits_waits_too(engine: Engine, client: Client):
    queue = client.declare("q")
    publish(client, "q", 300)
    while queue.ready.at_hand():
        queue.log.settle(queue.ready.pop())
    first = 300 - queue.message_count
    client.send_method(1, "basic.get", queue="q", no_ack=True)
    client.publish("", "q", b"last", delivery_mode=2)
    client.send_method(1, "basic.get", queue="q", no_ack=True)
    bodies = [client.expect_content("basic.get-ok").body for _ in range(2)]
    assert bodies == numbers((first, first + 2))


def test_purging_reads_nothing(engine: Engine, client: Client):
    queue = client.declare("q")
    publish(client, "q", 300)
    assert client.call(1, "queue.purge", queue="q").arguments["message_count"] == 300
    engine.advance(1)
    assert (queue.message_count, queue.ready_bytes) == (0, 0)
    assert engine.disk.reader._thread is None
    publish(client, "q", 3)
    assert drained(client, "q") == numbers((0, 3))
    with engine._database.connect() as database:
        assert database.exec_driver_sql("SELECT count(*) FROM batch").scalar_one() <= 1


def test_a_deleted_queue_is_not_read_any_more(engine: Engine, client: Client):
    client.declare("q")
    publish(client, "q", 300)
    client.consume("q", no_ack=True)
    client.send_method(1, "queue.delete", queue="q")
    client.read_all()
    engine.run()
    assert not engine.disk.reader.busy


def test_the_oldest_are_dropped_from_a_long_queue(client: Client):
    queue = client.declare("q", {"x-max-length": Typed("l", 100)})
    publish(client, "q", 400)
    client.engine.run()
    assert queue.message_count == 100
    assert drained(client, "q") == numbers((300, 400))


def test_all_of_a_long_queue_expires(engine: Engine, client: Client):
    queue = client.declare("q", {"x-message-ttl": Typed("l", 60_000)})
    publish(client, "q", 300)
    assert on_disk(queue) > 200
    engine.advance(59)
    assert queue.message_count == 300
    engine.advance(2)
    assert (queue.message_count, queue.ready_bytes) == (0, 0)
    assert engine.disk.reader._thread is None


def test_what_expires_on_the_disk_is_dead_lettered(engine: Engine, client: Client):
    client.declare("dead")
    arguments = {
        "x-message-ttl": Typed("l", 60_000),
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "dead",
    }
    queue = client.declare("q", arguments)
    publish(client, "q", 300)
    assert on_disk(queue) > 200
    engine.advance(62)
    assert queue.message_count == 0
    assert drained(client, "dead") == numbers((0, 300))


def publish_with(client: Client, deadlines: list[int | None], padding: bool = False) -> None:
    """Numbered messages with these times to live (seconds), in batches of ten."""
    for number, seconds in enumerate(deadlines):
        body = b"%d" % number + bytes(number % 7 if padding else 0)
        given: dict[str, Any] = {}
        if seconds is not None:
            given = {"expiration": str(1000 * seconds)}
        client.publish("", "q", body, delivery_mode=2, **given)
        if number % 10 == 9:
            client.engine.run()
    client.engine.run()


# Later ones before earlier ones, and some without an end.
MIXED = [None if n % 7 == 3 else 5 + 37 * n % 90 for n in range(300)]


def left(seconds: int) -> list[int]:
    return [n for n, each in enumerate(MIXED) if each is None or each > seconds]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("padding", [False, True])
def test_messages_with_any_times_to_live_leave_memory(
    engine: Engine, client: Client, padding: bool, restart: bool
):
    """And are over in their time, wherever they stand, without being read."""
    queue = client.declare("q")
    publish_with(client, MIXED, padding)
    assert on_disk(queue) > 200
    if restart:
        engine.restart()
        queue, client = engine.queue("q"), engine.connect()
    passed = 0.0
    for seconds in (4, 5, 20, 50, 51, 89):
        engine.advance(seconds + 0.5 - passed)
        passed = seconds + 0.5
        there = left(seconds)
        sizes = [len(b"%d" % n) + (n % 7 if padding else 0) for n in there]
        assert (queue.message_count, queue.ready_bytes) == (len(there), sum(sizes))
    assert not engine.disk.reader.busy
    assert queue.disk_reads == 0
    assert [int(body.rstrip(b"\0")) for body in drained(client, "q")] == left(89)


def test_they_stay_settled_after_a_crash(engine: Engine, client: Client):
    client.declare("q")
    publish_with(client, MIXED)
    engine.advance(30.5)
    engine.crash()
    assert engine.queue("q").message_count == len(left(30))
    assert drained(engine.connect(), "q") == [b"%d" % n for n in left(30)]


@pytest.mark.parametrize("ahead", [0, 3])
def test_what_expires_among_others_is_dead_lettered(
    engine: Engine, client: Client, monkeypatch: pytest.MonkeyPatch, ahead: int
):
    """What is read for it does not come back into memory, but for what is over next."""
    monkeypatch.setattr(paged_expiry, "NEXT", ahead)
    dead = client.declare("dead")
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    queue = client.declare("q", arguments)
    publish_with(client, MIXED)
    before = on_disk(queue)
    passed = 0.0
    for seconds in (5, 20, 50, 89):
        engine.advance(seconds + 0.5 - passed)
        passed = seconds + 0.5
        assert queue.message_count == len(left(seconds))
        assert dead.message_count == 300 - len(left(seconds))
        assert on_disk(queue) >= len(left(seconds)) - (300 - before) - 30 * ahead
    assert drained(client, "q") == [b"%d" % n for n in left(89)]
    assert sorted(map(int, drained(client, "dead"))) == sorted(set(range(300)) - set(left(89)))


# -- over a restart ----------------------------------------------------------------------


def test_a_long_queue_stays_on_the_disk_at_a_start(engine: Engine, client: Client):
    client.declare("q")
    publish(client, "q", 300)
    engine.crash()
    queue = engine.queue("q")
    assert on_disk(queue) == queue.message_count == 300
    assert queue.ready_bytes == sum(len(body) for body in numbers((0, 300)))
    client = engine.connect()
    publish(client, "q", 10, 300)
    assert drained(client, "q") == numbers((0, 310))


def test_what_was_delivered_comes_back_as_redelivered(engine: Engine, client: Client):
    client.declare("q")
    publish(client, "q", 300)
    client.consume("q", prefetch=200)
    client.bodies()
    engine.restart()
    assert on_disk(engine.queue("q")) > 200
    client = engine.connect()
    client.consume("q", no_ack=True)
    seen = [
        (content.body, content.method.arguments["redelivered"]) for content in client.deliveries()
    ]
    assert seen == [(b"%d" % number, number < 200) for number in range(300)]


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_what_came_back_to_a_long_queue_is_counted(engine: Engine, client: Client, how: str):
    client.declare("q", {"x-queue-type": "quorum"})
    publish(client, "q", 200)
    client.consume("q", prefetch=30)
    assert len(client.deliveries()) == 30
    for tag in (3, 17):
        client.send_method(1, "basic.reject", delivery_tag=tag, requeue=True)
    client.call(1, "basic.cancel", consumer_tag="c")
    engine.advance(1)
    if how == "restart":
        client.ack(30, multiple=True)
        client.call(1, "channel.close", reply_code=200)
    getattr(engine, how)()
    assert isinstance(engine.queue("q").ready, Paged)
    client = engine.connect()
    client.consume("q", no_ack=True)
    failed = {
        content.body
        for content in client.deliveries()
        if "headers" in content.properties
        and plain(content.properties["headers"])["x-delivery-count"] == 1
    }
    assert failed == {b"2", b"16"}


def test_hidden_keys_of_a_long_queue(client: Client):
    client.declare("dead")
    client.call(1, "exchange.declare", exchange="x", type="fanout")
    client.call(1, "exchange.declare", exchange="graves", type="direct")
    client.call(1, "queue.bind", queue="dead", exchange="graves", routing_key="secret")
    client.declare("q", {"x-dead-letter-exchange": "graves"})
    publish(client, "q", 200, headers={"BCC": ["secret"]})
    client.consume("q", prefetch=1000)
    assert len(client.deliveries()) == 200
    client.nack(200, multiple=True, requeue=False)
    client.call(1, "basic.cancel", consumer_tag="c")
    assert drained(client, "dead") == numbers((0, 200))


def test_settled_messages_of_a_long_queue_stay_settled(engine: Engine, client: Client):
    client.declare("q")
    publish(client, "q", 300)
    client.consume("q", prefetch=100)
    client.bodies()
    for tag in range(1, 101, 2):
        client.ack(tag)
    engine.restart()
    client = engine.connect()
    left = [b"%d" % number for number in range(300) if number >= 100 or number % 2]
    assert drained(client, "q") == left


def test_a_batch_without_a_summary_is_read(engine: Engine, client: Client):
    client.declare("q")
    publish(client, "q", 300)
    with engine._database.begin() as database:
        database.exec_driver_sql("UPDATE batch SET summary = NULL WHERE id % 3 = 0")
    engine.crash()
    assert drained(engine.connect(), "q") == numbers((0, 300))


# -- damage ------------------------------------------------------------------------------


def test_a_batch_with_a_damaged_summary_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with Engine(path=tmp_path / "test.db") as engine:
        client = engine.connect()
        client.declare("q")
        publish(client, "q", 300)
        with engine._database.begin() as database:
            database.exec_driver_sql("UPDATE batch SET summary = x'00' WHERE id % 3 = 1")
        engine.crash()
        assert drained(engine.connect(), "q") == numbers((0, 300))
        assert "vhost '/': batch 4: the checksum of its summary does not fit" in caplog.text


def test_a_batch_that_was_damaged_meanwhile(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "test.db"
    with Engine(path=path) as engine:
        client = engine.connect()
        queue = client.declare("q")
        publish(client, "q", 300)
        with engine._database.begin() as database:
            database.exec_driver_sql("UPDATE batch SET data = x'01' WHERE id = 12")
        bodies = drained(client, "q")
        assert bodies == numbers((0, 110), (120, 300))
        assert (queue.message_count, queue.ready_bytes) == (0, 0)
        assert "vhost '/': batch 12 cannot be read: it is cut short" in caplog.text
        assert "queue 'q' lacks 10 messages" in caplog.text
        engine.advance(1)
    with closing(sqlite3.connect(path)) as file:
        found = file.execute("SELECT batch_id, data, reason FROM quarantine").fetchall()
        left = file.execute("SELECT count(*) FROM batch").fetchone()
    assert found == [(12, b"\x01", "it is cut short")]
    assert left == (0,)
