"""What long queues have on the disk is looked at in the background, slowly."""

from typing import Any

import pytest

from broker import paging, scrub
from broker.queue import Queue
from tests.support.engine import Client, Engine
from tests.unit.broker.test_paging import drained, numbers, on_disk, publish

BATCHES = 60


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue of more than about 20 messages is long, and none has batches that are joined."""
    sizes = {"LONG": 10_000, "HEAD": 2_500, "AHEAD": 5_000, "FLOOR": 1_000, "PORTION": 1_000}
    sizes["FEW"] = 0
    for name, value in sizes.items():
        monkeypatch.setattr(paging, name, value)


@pytest.fixture
def read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The batches that are read, as they are."""
    seen: list[int] = []
    fetch = engine.disk.reader.fetch

    def watched(batch_ids: Any, then: Any) -> None:
        seen.extend(batch_ids)
        fetch(batch_ids, then)

    monkeypatch.setattr(engine.disk.reader, "fetch", watched)
    return seen


def pass_time(engine: Engine, seconds: float) -> None:
    for _ in range(round(seconds / scrub.PAUSE)):
        engine.advance(scrub.PAUSE)


def damage(engine: Engine, batch_id: int) -> None:
    with engine._database.begin() as database:
        database.exec_driver_sql(f"UPDATE batch SET data = x'01' WHERE id = {batch_id}")


def long_queue(client: Client, name: str = "q") -> Queue:
    queue = client.declare(name)
    publish(client, name, 300)
    assert on_disk(queue) > 150
    return queue


def test_each_batch_is_read_once_with_a_pause_between(
    engine: Engine, client: Client, read: list[int]
):
    long_queue(client)
    pass_time(engine, 3)
    assert 2 <= len(read) <= 4
    pass_time(engine, BATCHES)
    assert len(read) == len(set(read)) > 15
    assert drained(client, "q") == numbers((0, 300))


def test_damage_is_told_before_anybody_reads_it(
    engine: Engine, client: Client, caplog: pytest.LogCaptureFixture
):
    queue = long_queue(client)
    damage(engine, 12)
    pass_time(engine, BATCHES)
    assert "vhost '/': batch 12 is damaged on the disk: it is cut short" in caplog.text
    assert "queue 'q' will lack 10 messages" in caplog.text
    assert queue.message_count == 300
    assert drained(client, "q") == numbers((0, 110), (120, 300))
    caplog.clear()


def test_all_is_looked_at_again_after_a_rest(
    engine: Engine, client: Client, caplog: pytest.LogCaptureFixture
):
    long_queue(client)
    pass_time(engine, BATCHES)
    damage(engine, 20)
    engine.advance(scrub.REST)
    pass_time(engine, BATCHES)
    assert caplog.text.count("batch 20 is damaged") == 1
    caplog.clear()


def test_what_was_consumed_or_deleted_is_not_missed(
    engine: Engine, client: Client, caplog: pytest.LogCaptureFixture
):
    long_queue(client)
    long_queue(client, "other")
    pass_time(engine, 2)
    client.call(1, "queue.delete", queue="q")
    drained(client, "other")
    pass_time(engine, BATCHES)
    assert not caplog.records


def test_it_ends_with_the_last_long_queue(engine: Engine, client: Client, read: list[int]):
    long_queue(client)
    drained(client, "q")
    pass_time(engine, BATCHES)
    read.clear()
    engine.advance(2 * scrub.REST)
    assert read == []
    long_queue(client)
    pass_time(engine, BATCHES)
    assert len(read) > 15


def test_little_is_kept_of_a_queue_that_is_looked_at(
    engine: Engine, client: Client, read: list[int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scrub, "SOME", 3)
    queue = long_queue(client)
    pass_time(engine, 5)
    found = engine.turn.pager._scrub
    assert found is not None
    assert len(found._segments) <= 3
    pass_time(engine, BATCHES)
    assert len(read) == len(set(read)) > 15
    assert queue.message_count == 300
