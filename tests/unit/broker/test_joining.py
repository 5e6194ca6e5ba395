"""Small batches of a queue become one in the background, and nobody sees any difference."""

from typing import Any

import pytest

from broker import joining, paging
from broker.paged import Paged
from broker.queue import Queue
from persistence.message_log import Batch
from tests.support.encoding import Typed
from tests.support.engine import Client, Engine
from tests.unit.broker.test_paged_look import look
from tests.unit.broker.test_paging import drained, numbers, on_disk

# Long enough for all there is to be joined.
A_WHILE = 20 * joining.ROUND


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every queue is looked at; one of more than about 20 messages is long."""
    sizes = {"LONG": 10_000, "HEAD": 2_500, "AHEAD": 5_000, "FLOOR": 0, "PORTION": 1_000}
    for name, value in sizes.items():
        monkeypatch.setattr(paging, name, value)


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """No queue is long."""
    monkeypatch.setattr(paging, "LONG", 1 << 24)


def slowly(client: Client, count: int, first: int = 0, to: str = "q", **given: Any) -> None:
    """Numbered messages, each in a commit and so in a batch of its own."""
    for number in range(first, first + count):
        client.publish("" if to == "q" else to, "q", b"%d" % number, **{"delivery_mode": 2} | given)
        client.engine.run()


def stored(engine: Engine) -> int:
    """How many batches the database has."""
    with engine._database.connect() as database:
        return int(database.exec_driver_sql("SELECT count(*) FROM batch").scalar() or 0)


def pieces(queue: Queue) -> int:
    assert isinstance(queue.ready, Paged)
    return len(queue.ready._middle)


def test_a_long_queue_has_few_batches_after_a_while(engine: Engine, client: Client):
    queue = client.declare("q")
    slowly(client, 300)
    assert (stored(engine), on_disk(queue) > 200, pieces(queue) > 200) == (300, True, True)
    engine.advance(A_WHILE)
    assert stored(engine) < 20
    assert pieces(queue) < 5
    assert queue.message_count == 300
    assert drained(client, "q") == numbers((0, 300))
    engine.advance(1)
    assert stored(engine) == 0


def test_they_come_back_in_order_after_a_crash(engine: Engine, client: Client):
    client.declare("q")
    slowly(client, 300)
    engine.advance(A_WHILE)
    engine.crash()
    assert drained(engine.connect(), "q") == numbers((0, 300))


@pytest.mark.usefixtures("in_memory")
def test_a_queue_in_memory_has_few_batches_too(engine: Engine, client: Client):
    queue = client.declare("q")
    slowly(client, 300)
    engine.advance(A_WHILE)
    assert stored(engine) < 5
    client.consume("q", prefetch=100)
    assert client.bodies() == numbers((0, 100))
    client.ack(100, multiple=True)
    engine.advance(1)
    engine.crash()
    assert drained(engine.connect(), "q") == numbers((100, 300))
    assert not queue.ready.paged


@pytest.mark.usefixtures("in_memory")
def test_what_is_consumed_soon_is_left_alone(engine: Engine, client: Client):
    client.declare("q")
    client.consume("q", tag="all", no_ack=True)
    client.declare("slow")
    for first in range(0, 3000, 100):
        slowly(client, 100, first)
        engine.advance(joining.ROUND / 2)
        client.bodies()
    assert engine.disk.reader._requests.empty()
    assert not engine.disk.logs[0].dead


@pytest.mark.usefixtures("in_memory")
def test_what_was_joined_once_is_not_read_again(
    engine: Engine, client: Client, monkeypatch: pytest.MonkeyPatch
):
    client.declare("q")
    slowly(client, 300)
    engine.advance(A_WHILE)
    monkeypatch.setattr(engine.disk.reader, "run", None)
    slowly(client, 10, 300)
    engine.advance(A_WHILE)


@pytest.mark.parametrize("long", [True, False])
def test_messages_of_several_queues_are_joined_for_all(
    engine: Engine, client: Client, long: bool, monkeypatch: pytest.MonkeyPatch
):
    if not long:
        monkeypatch.setattr(paging, "LONG", 1 << 24)
    client.call(1, "exchange.declare", exchange="all", type="fanout", durable=True)
    names = ["a", "b", "c"]
    for name in names:
        client.declare(name)
        client.call(1, "queue.bind", queue=name, exchange="all", routing_key="")
    slowly(client, 300, to="all")
    engine.advance(A_WHILE)
    assert stored(engine) < 60  # those at the border of a head are left
    assert drained(client, "a") == numbers((0, 300))
    engine.advance(1)
    engine.crash()
    client = engine.connect()
    assert drained(client, "a") == []
    assert drained(client, "b") == drained(client, "c") == numbers((0, 300))
    engine.advance(1)
    assert stored(engine) == 0


@pytest.mark.parametrize("long", [True, False])
def test_what_came_in_one_commit_with_others_is_joined_without_them(
    engine: Engine, client: Client, long: bool, monkeypatch: pytest.MonkeyPatch
):
    if not long:
        monkeypatch.setattr(paging, "LONG", 1 << 24)
    for name in ("q", "busy"):
        client.declare(name)
    client.consume("busy", prefetch=1000)
    for number in range(300):
        client.publish("", "q", b"%d" % number, delivery_mode=2)
        for _ in range(3):
            client.publish("", "busy", b"soon gone", delivery_mode=2)
        engine.run()
    client.bodies()
    for tag in range(1, 901):
        if tag != 150:
            client.ack(tag)
    engine.advance(A_WHILE)
    # The batch of the forgotten one and at most a few beside it stay.
    assert stored(engine) < 60
    engine.crash()
    client = engine.connect()
    assert drained(client, "q") == numbers((0, 300))
    assert drained(client, "busy") == [b"soon gone"]
    engine.advance(1)
    assert stored(engine) == 0


def test_priorities_stay_what_they_are(engine: Engine, client: Client):
    client.declare("q", {"x-max-priority": Typed("l", 2)})
    for number in range(0, 300, 3):
        for priority in (0, 1, 2):
            slowly(client, 1, number + priority, priority=priority)
    engine.advance(A_WHILE)
    assert stored(engine) < 100
    engine.crash()
    expected = [n for priority in (2, 1, 0) for n in numbers((0, 300))[priority::3]]
    assert drained(engine.connect(), "q") == expected


def test_times_stay_what_they_are(engine: Engine, client: Client):
    queue = client.declare("q")
    slowly(client, 150, expiration="100000")
    slowly(client, 150, 150, expiration="200000")
    engine.advance(60)
    assert stored(engine) < 20
    engine.crash()
    engine.advance(50)
    queue = engine.queue("q")
    assert queue.message_count == 150
    assert drained(engine.connect(), "q") == numbers((150, 300))


def test_counts_of_returns_survive(engine: Engine, client: Client):
    client.declare("q", {"x-queue-type": "quorum", "x-delivery-limit": Typed("l", -1)})
    slowly(client, 300)
    client.consume("q", prefetch=300)
    assert client.bodies() == numbers((0, 300))
    client.send_method(1, "basic.nack", delivery_tag=100, multiple=True, requeue=True)
    client.wire.close()
    engine.restart()
    before = stored(engine)
    engine.advance(A_WHILE)
    assert stored(engine) < before / 2
    engine.restart()
    client = engine.connect()
    client.consume("q", no_ack=True)
    counts = {
        each.body: each.properties["headers"]["x-delivery-count"].value
        for each in client.deliveries()
    }
    # Who gives back without a failure is not counted; who is lost is.
    assert counts == dict.fromkeys(numbers((0, 100)), 0) | dict.fromkeys(numbers((100, 300)), 1)


def test_the_joined_batch_is_there_before_the_disk_has_it(engine: Engine, client: Client):
    queue = client.declare("q")
    slowly(client, 300)
    engine.advance(joining.ROUND * 1.5)
    with engine.disk_held():
        engine.advance(A_WHILE)
        assert pieces(queue) < 300
        assert look(engine, queue) == numbers((0, 300))
        assert stored(engine) == 300
        client.consume("q", no_ack=True, prefetch=1000)
        assert len(client.bodies()) >= 300 - joining.MESSAGES
    engine.run()
    client.bodies()
    engine.advance(1)
    assert stored(engine) == 0


def test_a_crash_before_the_commit_changes_nothing(engine: Engine, client: Client):
    client.declare("q")
    slowly(client, 300)
    engine.advance(joining.ROUND * 1.5)
    engine.disk.held = True
    engine.advance(A_WHILE)
    engine.crash()
    assert drained(engine.connect(), "q") == numbers((0, 300))


def test_a_queue_that_is_deleted_meanwhile_stays_deleted(engine: Engine, client: Client):
    client.declare("q")
    slowly(client, 300)
    engine.advance(joining.ROUND * 1.5)
    engine.clock.advance(joining.ROUND, lambda: None)
    assert engine.disk.reader.busy
    client.call(1, "queue.delete", queue="q")
    engine.advance(A_WHILE)
    assert stored(engine) == 0


def test_what_a_consumer_asked_for_meanwhile_is_left_alone(engine: Engine, client: Client):
    client.declare("q")
    slowly(client, 300)
    engine.advance(joining.ROUND * 1.5)
    engine.clock.advance(joining.ROUND, lambda: None)
    assert engine.disk.reader.busy
    assert drained(client, "q") == numbers((0, 300))


def test_damage_is_left_to_who_meets_it(
    engine: Engine, client: Client, caplog: pytest.LogCaptureFixture
):
    queue = client.declare("q")
    slowly(client, 300)
    with engine._database.begin() as database:
        database.exec_driver_sql("UPDATE batch SET data = x'01' WHERE id = 100")
    engine.advance(A_WHILE)
    assert queue.message_count == 300
    assert "cannot be read" not in caplog.text
    found = drained(client, "q")
    assert len(found) == 299
    assert "batch 100 cannot be read" in caplog.text
    caplog.clear()


def test_deadlines_of_joined_batches_are_known(engine: Engine, client: Client):
    """Each message is over in its time, which nothing has to be read for."""
    queue = client.declare("q")
    times = [200 + 37 * number % 90 for number in range(300)]
    for number, seconds in enumerate(times):
        slowly(client, 1, number, expiration=str(1000 * seconds))
    engine.advance(A_WHILE)
    assert pieces(queue) < 10
    engine.advance(240.5 - A_WHILE)
    assert queue.message_count == sum(seconds > 240 for seconds in times)
    assert queue.disk_reads == 0
    left = [b"%d" % number for number, seconds in enumerate(times) if seconds > 240]
    assert drained(client, "q") == left


def test_batches_of_transient_messages_are_none_of_the_database():
    class Spilled(Batch):
        spilled = True

    pieces = []
    for number in range(2 * joining.WORTH):
        batch = (Batch if number % 2 else Spilled)(number)
        batch.written, batch.alive = True, 1
        pieces.append(joining._Piece(batch, number, number))
    run, _ = joining._first_run(pieces[1::2], 1000, to_the_end=True)
    assert run is not None
    assert len(run.batches) == joining.WORTH
    assert joining._first_run(pieces[::2], 1000, to_the_end=True)[0] is None
    assert joining._first_run(pieces, 1000, to_the_end=True)[0] is None
