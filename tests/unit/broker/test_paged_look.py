"""Looking at, and taking out of, queues of which nearly all is on the disk."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import browse, paging
from broker.browse import READY, Found, batches
from broker.bulk import Bulk, Nowhere, ToQueue
from broker.message_filter import Filter
from tests.support.engine import Engine


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch):
    """Every queue with more than about one message is long."""
    for name, value in (("LONG", 500), ("HEAD", 1), ("AHEAD", 800), ("FLOOR", 0), ("PORTION", 1)):
        monkeypatch.setattr(paging, name, value)
    monkeypatch.setattr(browse, "BATCH", 3)


def drive(engine: Engine, work: Coroutine[Any, Any, Any]) -> Any:
    """Runs work that waits for the disk, and the disk beside it."""

    async def both() -> Any:
        task = asyncio.create_task(work)
        while not task.done():
            engine.run()
            await asyncio.sleep(0)
        return task.result()

    return asyncio.run(both())


def fill(engine: Engine, count: int, each: int = 4, **arguments: Any):
    """A queue `q` with so many messages, in batches of `each`; the odd ones are transient."""
    client = engine.connect()
    queue = client.declare("q", arguments or None)
    for number in range(count):
        mode = 1 if number % 5 == 4 else 2
        client.publish("", "q", b"%d" % number, delivery_mode=mode, priority=number % 3)
        if not number % each:
            engine.run()
    engine.run()
    return client, queue


async def _everything(queue, **options) -> list[Found]:
    return [each async for batch in batches(queue, **options) for each in batch]


def look(engine: Engine, queue, **options) -> list[bytes]:
    found = drive(engine, _everything(queue, **options))
    return [each.entry.message.body for each in found]


def drained(client) -> list[bytes]:
    bodies = []
    while (content := client.get("q", no_ack=True)) is not None:
        bodies.append(content.body)
    return bodies


@pytest.mark.parametrize("arguments", [{}, {"x-max-priority": 2}], ids=["plain", "priorities"])
def test_all_is_seen_and_nothing_changes(engine, arguments):
    client, queue = fill(engine, 30, **arguments)
    assert sum(queue.ready.on_disk()[:1]) > 10
    before = (queue.ready.on_disk(), queue.message_count, queue.ready_bytes)
    seen = look(engine, queue)
    assert (queue.ready.on_disk(), queue.message_count, queue.ready_bytes) == before
    assert look(engine, queue) == seen
    assert all(segment.copies is None for segment in _segments(queue))
    for offset in range(32):
        assert look(engine, queue, offset=offset) == seen[offset:]
    assert drained(client) == seen


def _segments(queue):
    return [
        segment for level in queue.ready.by_level() for segment in getattr(level, "_middle", ())
    ]


def test_from_any_place_on(engine):
    _, queue = fill(engine, 20)
    found = drive(engine, _everything(queue))
    for number, each in enumerate(found):
        assert look(engine, queue, start=each.place) == [
            f.entry.message.body for f in found[number:]
        ]


def test_what_goes_while_one_looks(engine):
    client, queue = fill(engine, 20)

    async def interrupted() -> tuple[int, list[Any]]:
        seen: list[Any] = []
        before = 0
        async for batch in batches(queue):
            seen += [each.entry.message.body for each in batch]
            if not before and len(seen) > 2:
                before = len(seen)
                for _ in range(10):
                    client.get("q", no_ack=True)
        return before, seen

    before, seen = drive(engine, interrupted())
    assert seen[before:] == [b"%d" % number for number in range(10, 20)]


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 29)), st.booleans(), st.booleans(), st.integers(0, 6))
def test_taking_out_leaves_the_rest(wanted, priorities, restart, taken):
    with Engine() as engine:
        client, queue = fill(engine, 30, **({"x-max-priority": 2} if priorities else {}))
        gone = {client.get("q", no_ack=True).body for _ in range(taken)}
        bodies = {b"%d" % number for number in wanted} - gone
        left = [body for body in look(engine, queue) if body not in bodies]

        class Chosen(Filter):
            async def fits(self, entry, now, breather):
                return entry.message.body in bodies

        bulk = Bulk(queue, Chosen(), Nowhere(), engine.clock)
        drive(engine, bulk.run())
        assert bulk.progress.done == len(bodies)
        assert queue.message_count == len(left)
        assert queue.ready_bytes == sum(map(len, left))
        assert look(engine, queue) == left
        engine.run()
        if restart:
            engine.advance(1)
            engine.crash()
            client = engine.connect()
            left = [body for body in left if int(body) % 5 != 4]
        assert drained(client) == left
        assert engine.queue("q").message_count == 0


def test_moved_in_order_and_safe(engine):
    client, queue = fill(engine, 20)
    target = client.declare("to")
    bulk = Bulk(queue, Filter(), ToQueue(target), engine.clock)
    drive(engine, bulk.run())
    assert bulk.progress.done == 20
    assert (queue.message_count, queue.ready_bytes) == (0, 0)
    assert look(engine, target) == [b"%d" % number for number in range(20)]
    engine.crash()
    assert engine.queue("q").message_count == 0
    kept = [b"%d" % number for number in range(20) if number % 5 != 4]
    assert look(engine, engine.queue("to")) == kept


def test_what_is_delivered_meanwhile_is_left_to_its_consumer(engine):
    client, queue = fill(engine, 12)

    class Slow(Nowhere):
        async def prepare(self, entries):
            # They were found on the disk; now they are on their way to somebody.
            for _ in range(12):
                client.get("q")
            engine.run()

    bulk = Bulk(queue, Filter(), Slow(), engine.clock)
    drive(engine, bulk.run())
    assert bulk.progress.done + queue.unacked == 12
    assert queue.message_count == 0


def test_messages_that_expire_among_them(engine):
    client = engine.connect()
    queue = client.declare("q")
    for number in range(20):
        expiration = 1000 + 10 * number if number < 10 else 100_000 + number
        client.publish("", "q", b"%d" % number, delivery_mode=2, expiration=str(expiration))
        if not number % 4:
            engine.run()
    engine.run()
    assert queue.ready.on_disk()[0]
    drive(engine, Bulk(queue, Filter(body=b"1"), Nowhere(), engine.clock).run())
    assert queue.message_count == 9
    engine.advance(5)
    assert queue.message_count == 0
    assert queue.ready_bytes == 0


def test_ready_only(engine):
    client, queue = fill(engine, 10)
    client.consume("q", prefetch=2)
    client.deliveries()
    assert len(look(engine, queue, states=(READY,))) == 8
