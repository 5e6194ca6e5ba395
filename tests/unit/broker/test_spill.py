"""Transient messages of long queues: out of memory, back in order, gone with the broker."""

import errno
import gc
from pathlib import Path
from typing import Any

import pytest

from broker import ages, paging, spill
from tests.support.encoding import Typed
from tests.support.engine import Client, Engine, Shelf
from tests.unit.broker.test_paged_look import look
from tests.unit.broker.test_paging import drained, numbers, on_disk, publish


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue of more than about 20 messages is long, and looked at in each turn."""
    sizes = {"LONG": 10_000, "HEAD": 2_500, "AHEAD": 5_000, "FLOOR": 1_000, "PORTION": 1_000}
    for name, value in sizes.items():
        monkeypatch.setattr(paging, name, value)
    monkeypatch.setattr(paging, "TRANSIENT", 10_000)
    monkeypatch.setattr(spill, "WORTH", 5)
    monkeypatch.setattr(ages, "INTERVAL", 0)
    monkeypatch.setattr(ages, "KEPT", 1 << 30)


def transient(client: Client, count: int, first: int = 0, **properties: Any) -> None:
    publish(client, "q", count, first, **{"delivery_mode": 1, **properties})


@pytest.mark.parametrize("durable", [True, False])
def test_they_leave_memory_and_come_back_in_order(client: Client, durable: bool):
    queue = client.declare("q", durable=durable)
    transient(client, 300)
    assert on_disk(queue) > 200
    assert (queue.message_count, queue.ready_bytes) == (300, sum(map(len, numbers((0, 300)))))
    assert drained(client, "q") == numbers((0, 300))
    assert (queue.message_count, queue.ready_bytes) == (0, 0)
    assert not queue.ready.paged


def test_they_stay_while_consumers_will_soon_have_taken_all(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, client: Client
):
    monkeypatch.setattr(ages, "INTERVAL", 200)
    queue = client.declare("q")
    transient(client, 20)
    for first in range(20, 320, 20):
        engine.advance(0.2)
        transient(client, 20, first)
        for _ in range(10):
            client.get("q", no_ack=True)
    assert (queue.message_count, on_disk(queue)) == (170, 0)
    engine.advance(4)
    transient(client, 20, 320)
    assert on_disk(queue) > 100


def test_they_go_where_consumers_are_slow(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, client: Client
):
    monkeypatch.setattr(ages, "INTERVAL", 200)
    queue = client.declare("q")
    for first in range(0, 320, 20):
        engine.advance(4)
        transient(client, 20, first)
        client.get("q", no_ack=True)
    assert on_disk(queue) > 200


def test_their_confirms_do_not_wait_for_it(engine: Engine, client: Client):
    client.declare("q")
    client.call(1, "confirm.select")
    engine.disk.held = True
    for _ in range(300):
        client.publish("", "q", b"m", delivery_mode=1)
        assert client.names() == ["basic.ack"]
    assert on_disk(engine.queue("q")) > 200
    engine.disk.held = False


def test_among_persistent_ones(client: Client):
    queue = client.declare("q")
    for first in range(0, 400, 40):
        transient(client, 20, first)
        publish(client, "q", 20, first + 20)
    assert on_disk(queue) > 250
    assert drained(client, "q") == numbers((0, 400))


def test_levels_of_priority(client: Client):
    queue = client.declare("q", {"x-max-priority": Typed("b", 1)})
    for first in range(0, 400, 20):
        transient(client, 10, first)
        transient(client, 10, first + 10, priority=1)
    assert on_disk(queue) > 250
    high = [(first + 10, first + 20) for first in range(0, 400, 20)]
    assert drained(client, "q") == numbers(*high, *[(n, n + 10) for n in range(0, 400, 20)])


def test_what_came_back_goes_first(client: Client):
    client.declare("q")
    transient(client, 300)
    client.consume("q", prefetch=150)
    assert client.bodies() == numbers((0, 150))
    client.call(1, "basic.cancel", consumer_tag="c")
    client.nack(150, multiple=True)
    assert drained(client, "q") == numbers((0, 300))


def test_they_expire_and_are_dead_lettered(engine: Engine, client: Client):
    dead = client.declare("dead")
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    queue = client.declare("q", arguments)
    for first in range(0, 300, 10):
        transient(client, 10, first, expiration=str(1000 * (30 if first % 20 else 10)))
    assert on_disk(queue) > 200
    engine.advance(11)
    assert (queue.message_count, dead.message_count) == (150, 150)
    engine.advance(20)
    assert (queue.message_count, queue.ready_bytes, dead.message_count) == (0, 0, 300)


def test_they_can_be_seen(engine: Engine, client: Client):
    queue = client.declare("q")
    transient(client, 100)
    assert look(engine, queue) == numbers((0, 100))
    assert queue.message_count == 100


def files() -> int:
    """How many are there; none of another test's."""
    return sum(isinstance(each, spill._File) for each in gc.get_objects())


@pytest.mark.parametrize("how", ["purge", "delete"])
def test_nothing_is_left_of_them(
    engine: Engine, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
):
    engine.turn.pager.directory = tmp_path
    monkeypatch.setattr(spill, "FILE", 1_000)
    gc.collect()
    client.declare("q")
    transient(client, 300)
    assert files() > 5
    assert list(tmp_path.iterdir()) == []
    client.call(1, f"queue.{how}", queue="q")
    assert files() == 0


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_they_end_with_the_broker(engine: Engine, client: Client, how: str):
    client.declare("q")
    transient(client, 300)
    publish(client, "q", 5, 300)
    getattr(engine, how)()
    assert drained(engine.connect(), "q") == numbers((300, 305))


def test_a_full_disk_loses_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    queue = client.declare("q")
    with monkeypatch.context() as patch:
        patch.setattr(spill._File, "write", full)
        transient(client, 200)
        assert (on_disk(queue), queue.message_count) == (0, 200)
        patch.setattr("tempfile.TemporaryFile", full)
        transient(client, 50, 200)
        assert on_disk(queue) == 0
    assert [r.getMessage() for r in caplog.records if r.name == "leveret.spill"] == [
        "transient messages stay in memory: [Errno 28] No space left on device"
    ]
    transient(client, 50, 250)
    assert on_disk(queue) > 200
    assert drained(client, "q") == numbers((0, 300))


def test_what_cannot_be_read_any_more_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    with Engine() as engine:
        client = engine.connect()
        queue = client.declare("q")
        transient(client, 300)
        left = 300 - on_disk(queue)
        monkeypatch.setattr(spill._File, "read", lambda *_: b"nonsense")
        assert len(drained(client, "q")) == left
        assert (queue.message_count, queue.ready_bytes) == (0, 0)
    assert "queue 'q' lacks 10 messages" in caplog.text
    caplog.clear()


def test_what_goes_while_it_is_written_does_not_come_back(
    engine: Engine, client: Client, monkeypatch: pytest.MonkeyPatch
):
    queue = client.declare("q")
    transient(client, 100)
    with monkeypatch.context() as patch:
        patch.setattr(engine.disk.reader, "serve", lambda: None)
        patch.setattr(Shelf, "busy", False)
        transient(client, 50, 100)
        client.call(1, "queue.purge", queue="q")
        transient(client, 20, 150)
    assert engine.disk.reader.busy
    engine.run()
    assert queue.message_count == 20
    assert drained(client, "q") == numbers((150, 170))
