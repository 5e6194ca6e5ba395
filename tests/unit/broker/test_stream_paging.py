"""Long streams: what is in memory, what is read back for whom, and what goes unread."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker import browse, paging, scrub
from broker.stream import Stream
from tests.support.encoding import Typed
from tests.support.engine import Client, Engine

STREAM = {"x-queue-type": "stream"}
SIZES = {"LONG": 5_000, "STREAM": 12_000, "FLOOR": 1_000, "PORTION": 1_000}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of more than about 25 messages is long."""
    for name, value in SIZES.items():
        monkeypatch.setattr(paging, name, value)


def declare(client: Client, **limits: Any) -> Stream:
    arguments = {key.replace("_", "-"): value for key, value in limits.items()}
    return cast(Stream, client.declare("s", STREAM | arguments))


def publish(client: Client, count: int, first: int = 0, **properties: Any) -> None:
    """Numbered messages in batches of ten."""
    for number in range(first, first + count):
        client.publish("", "s", b"%d" % number, **properties)
        if number % 10 == 9:
            client.engine.run()
    client.engine.run()


def read(client: Client, start: Any = "first", tag: str = "r", **options: Any) -> None:
    arguments = {"x-stream-offset": start} | options.pop("arguments", {})
    client.consume("s", tag, prefetch=options.pop("prefetch", 1000), arguments=arguments)


def numbers(*span: int) -> list[bytes]:
    return [b"%d" % number for number in range(*span)]


def on_disk(stream: Stream) -> int:
    return stream.ready.on_disk()[0]


def in_memory(stream: Stream) -> int:
    return sum(1 for _ in stream.ready)


def again(engine: Engine, how: str) -> tuple[Client, Stream]:
    getattr(engine, how)()
    return engine.connect(), cast(Stream, engine.queue("s"))


# -- out of memory and back --------------------------------------------------------------


def test_only_the_newest_stay_in_memory(client: Client):
    stream = declare(client)
    publish(client, 300)
    assert stream.message_count == 300
    assert 20 <= in_memory(stream) <= 40
    assert on_disk(stream) == 300 - in_memory(stream)
    assert stream.ready_bytes == sum(map(len, numbers(300)))


def test_all_is_read_as_often_as_wanted(client: Client, engine: Engine):
    stream = declare(client)
    publish(client, 300)
    for _ in range(2):
        reader = engine.connect()
        read(reader)
        assert reader.bodies() == numbers(300)
        assert in_memory(stream) <= 60
        reader.abort()
        assert in_memory(stream) <= 40
    assert on_disk(stream) == 300 - in_memory(stream)


def test_readers_at_one_place_share_what_is_read(client: Client, engine: Engine, monkeypatch):
    declare(client)
    publish(client, 300)
    asked: list[int] = []
    fetch = engine.disk.reader.fetch

    def note(ids: Any, then: Any) -> None:
        asked.extend(ids)
        fetch(ids, then)

    monkeypatch.setattr(engine.disk.reader, "fetch", note)
    readers = [engine.connect() for _ in range(3)]
    for reader in readers:
        read(reader, prefetch=10)
    for first in range(0, 300, 10):
        for reader in readers:
            assert reader.bodies() == numbers(first, first + 10)
            reader.ack(0, multiple=True)
    assert len(asked) == len(set(asked))


def test_readers_at_many_places(client: Client, engine: Engine):
    stream = declare(client)
    publish(client, 500)
    readers = {place: engine.connect() for place in range(0, 500, 45)}
    for place, reader in readers.items():
        read(reader, place)
    for place, reader in readers.items():
        assert reader.bodies() == numbers(place, 500)
    assert in_memory(stream) <= 60


def test_a_reader_without_credit_has_nothing_read(client: Client, engine: Engine):
    stream = declare(client)
    publish(client, 300)
    reader = engine.connect()
    read(reader, prefetch=1)
    assert reader.bodies() == [b"0"]
    assert on_disk(stream) > 220


def test_what_comes_meanwhile_is_read_in_order(client: Client, engine: Engine):
    declare(client)
    publish(client, 200)
    reader = engine.connect()
    read(reader, prefetch=20)
    seen = reader.bodies()
    for first in range(200, 300, 10):
        publish(client, 10, first)
        reader.ack(0, multiple=True)
        seen += reader.bodies()
    while len(seen) < 300:
        reader.ack(0, multiple=True)
        seen += reader.bodies()
    assert seen == numbers(300)


def test_filters(client: Client, engine: Engine):
    declare(client)
    for number in range(300):
        value = Typed("S", "odd" if number % 2 else "even")
        client.publish("", "s", b"%d" % number, headers={"x-stream-filter-value": value})
        if number % 10 == 9:
            engine.run()
    reader = engine.connect()
    read(reader, arguments={"x-stream-filter": Typed("S", "odd")})
    assert reader.bodies() == numbers(1, 300, 2)


# -- places ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["", "crash", "restart"])
def test_every_place_to_start(engine: Engine, client: Client, how: str):
    declare(client)
    began = engine.clock.now_ms() // 1000
    for first in range(0, 300, 10):
        publish(client, 5, first)
        with engine.disk_held():
            publish(client, 5, first + 5)
        engine.advance(1)
    if how:
        client, _ = again(engine, how)
    now = engine.clock.now_ms() // 1000
    for number, (start, expected) in enumerate(
        [
            ("first", 0),
            (17, 17),
            (299, 299),
            (300, 300),
            ("next", 300),
            ("last", 295),
            (Typed("T", began), 0),
            (Typed("T", began + 5), 50),
            (Typed("S", f"{now - began - 7}s"), 70),
            (Typed("T", now + 100), 300),
        ]
    ):
        reader = engine.connect()
        read(reader, start, tag=f"r{number}")
        assert reader.bodies() == numbers(expected, 300), start
        reader.abort()


def test_a_time_within_a_batch_on_the_disk(engine: Engine, client: Client):
    declare(client)
    with engine.disk_held():
        for number in range(20):
            client.publish("", "s", b"%d" % number)
            engine.advance(1)
    publish(client, 100, 20)
    at = engine.clock.now_ms() // 1000 - 9
    reader = engine.connect()
    read(reader, Typed("T", at))
    assert reader.bodies()[0] in (b"10", b"11")


# -- retention ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["", "crash", "restart"])
def test_what_retention_takes_is_not_read(engine: Engine, client: Client, how: str):
    stream = declare(client, x_max_length_bytes=2500, x_stream_max_segment_size_bytes=300)
    publish(client, 150)
    held = stream.message_count
    assert held < 150
    assert on_disk(stream) > 50
    if how:
        client, stream = again(engine, how)
    publish(client, 150, 150)
    # Segments end with batches now.
    assert abs(stream.message_count - held) <= 20
    # Of a batch that was cut its size is known only as a whole.
    assert abs(stream.ready_bytes - 3 * stream.message_count) <= 10
    assert not engine.disk.reader.busy
    read(client)
    assert client.bodies() == numbers(stream.base, 300)


def test_retention_by_age(engine: Engine, client: Client):
    stream = declare(client, x_max_age="10s", x_stream_max_segment_size_bytes=300)
    publish(client, 200)
    engine.advance(11)
    publish(client, 20, 200)
    assert 180 <= stream.base <= 200
    assert stream.message_count == 220 - stream.base


def test_a_chunk_is_cut_before_and_while_it_is_read(engine: Engine, client: Client):
    stream = declare(client)
    publish(client, 300)
    stream._remove(13)
    assert (stream.message_count, on_disk(stream)) == (287, 287 - in_memory(stream))
    read(client, prefetch=1)
    assert client.bodies() == [b"13"]
    stream._remove(57)
    client.ack(1)
    assert client.bodies() == [b"57"]
    engine.advance(1)
    client, stream = again(engine, "crash")
    assert stream.base == 57
    read(client)
    assert client.bodies() == numbers(57, 300)


def test_removed_messages_leave_the_disk(engine: Engine, client: Client):
    declare(client)
    publish(client, 300)
    client.call(1, "queue.delete", queue="s")
    engine.advance(1)
    with engine._database.begin() as database:
        assert database.exec_driver_sql("select count(*) from batch").scalar_one() == 0


# -- restart and damage ------------------------------------------------------------------


@pytest.mark.parametrize("how", ["crash", "restart"])
def test_no_bodies_are_read_at_the_start(engine: Engine, client: Client, how: str):
    declare(client)
    publish(client, 300)
    client, stream = again(engine, how)
    assert (stream.message_count, in_memory(stream)) == (300, 0)
    publish(client, 20, 300)
    read(client)
    assert client.bodies() == numbers(320)


def test_a_damaged_batch_leaves_a_hole(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with Engine(path=tmp_path / "db") as engine:
        client = engine.connect()
        stream = declare(client)
        publish(client, 300)
        with closing(sqlite3.connect(tmp_path / "db")) as database, database:
            database.execute(
                "update batch set data = x'00'"
                " where id = (select id from batch order by id limit 1 offset 3)"
            )
        read(client)
        assert client.bodies() == numbers(30) + numbers(40, 300)
        assert "cannot be read" in caplog.text
        caplog.clear()
        assert stream.message_count == 290
        read(client, 33, tag="in the hole")
        assert client.bodies() == numbers(40, 300)


def test_damage_is_told_before_somebody_reads(
    engine: Engine, client: Client, caplog: pytest.LogCaptureFixture
):
    stream = declare(client)
    publish(client, 300)
    batch = next(stream.ready.unread()).batch.id
    with engine._database.begin() as database:
        database.exec_driver_sql(f"update batch set data = x'00' where id = {batch}")
    for _ in range(40):
        engine.advance(scrub.PAUSE)
    assert f"batch {batch} is damaged on the disk" in caplog.text
    assert "queue 's' will lack 10 messages" in caplog.text
    caplog.clear()


def test_looking_leaves_it_as_it_is(engine: Engine, client: Client):
    stream = declare(client)
    publish(client, 300)
    before = on_disk(stream)

    async def look(**options: Any) -> list[Any]:
        return [
            each.entry.message.body
            async for found in browse.batches(stream, **options)
            for each in found
        ]

    async def served(**options: Any) -> list[Any]:
        task = asyncio.ensure_future(look(**options))
        while not task.done():
            engine.run()
            await asyncio.sleep(0)
        return task.result()

    assert asyncio.run(served()) == numbers(300)
    assert asyncio.run(served(offset=33)) == numbers(33, 300)
    assert asyncio.run(served(end=7)) == numbers(7)
    assert on_disk(stream) == before


# -- a model -----------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 60)),
        st.tuples(st.just("read"), st.integers(0, 300)),
        st.tuples(st.just("ack"), st.just(0)),
        st.tuples(st.just("crash"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    min_size=4,
    max_size=25,
)


@given(STEPS, st.sampled_from([None, 4000]), st.integers(5, 80))
@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
def test_readers_see_all_in_order(steps, limit, prefetch):
    with Engine() as engine:
        limits = {"x_max_length_bytes": limit, "x_stream_max_segment_size_bytes": 300}
        publisher = engine.connect()
        stream = declare(publisher, **({} if limit is None else limits))
        published = 0
        readers: dict[Client, int] = {}
        for step, number in steps:
            if step == "publish":
                publish(publisher, number, published)
                published += number
            elif step == "read":
                client = engine.connect()
                read(client, min(number, published), prefetch=prefetch)
                readers[client] = max(min(number, published), stream.base)
            elif step == "ack":
                for client in readers:
                    client.ack(0, multiple=True)
            else:
                publisher, stream = again(engine, step)
                readers.clear()
            assert stream.message_count == published - stream.base
            assert on_disk(stream) + in_memory(stream) == stream.message_count
            assert stream.ready_bytes >= stream.message_count
            for client, expected in readers.items():
                seen = [int(body) for body in client.bodies()]
                assert len(seen) <= prefetch
                for found in seen:
                    # Retention may have taken what it did not read in time.
                    assert found == expected or expected < stream.base <= found
                    expected = found + 1
                readers[client] = expected
