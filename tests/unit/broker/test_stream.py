"""Streams in an engine in memory: order, credit, retention, restart, and what is safe to read."""

from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.stream import SETTLED_PER_TURN, Stream
from persistence import record
from tests.support.encoding import Typed
from tests.support.engine import Client, Engine

STREAM = {"x-queue-type": "stream"}


def declare(client, name="s", **arguments):
    options = {key.replace("_", "-"): value for key, value in arguments.items()}
    queue = client.declare(name, STREAM | options)
    assert isinstance(queue, Stream)
    return queue


def publish(client, *bodies, queue="s", **properties):
    for body in bodies:
        client.publish("", queue, body, **properties)
    client.engine.run()


def bodies(count, first=0):
    return [str(number).encode() for number in range(first, first + count)]


def read(client, offset="first", queue="s", prefetch=1000, **options):
    arguments = {"x-stream-offset": offset} if offset is not None else {}
    client.consume(queue, options.pop("tag", "r"), prefetch=prefetch, arguments=arguments | options)


def offsets(contents):
    return [content.properties["headers"]["x-stream-offset"].value for content in contents]


def positions(stream):
    """Of the messages in memory, which are all of a short stream."""
    return [entry.position for entry in stream.ready]


@pytest.fixture
def other(engine):
    """A second client."""
    return engine.connect()


# Reading


def test_each_reader_has_a_place_of_its_own(client, other):
    declare(client)
    publish(client, *bodies(10))
    read(client)
    read(other, 7)
    assert client.bodies() == bodies(10)
    got = other.deliveries()
    assert offsets(got) == [7, 8, 9]
    assert [each.body for each in got] == bodies(3, 7)


def test_nothing_is_read_before_the_disk_has_it(engine, client, other):
    stream = declare(client)
    read(other)
    with engine.disk_held() as disk:
        publish(client, b"1", b"2")
        assert other.bodies() == []
        assert disk.write()
        publish(client, b"3")
        assert other.bodies() == [b"1", b"2"]
        assert (stream.safe, stream.next_position) == (2, 3)
    disk.write()
    assert other.bodies() == [b"3"]


def test_confirms_wait_for_the_disk(engine, client):
    declare(client)
    client.call(1, "confirm.select")
    with engine.disk_held():
        publish(client, b"transient", delivery_mode=1)
        assert client.silent
    assert client.names() == ["basic.ack"]


def test_a_turn_is_shared(engine, client):
    stream = declare(client)
    publish(client, *bodies(9000))
    readers = [engine.connect() for _ in range(3)]
    for reader in readers:
        read(reader, prefetch=5000)
    for reader in readers:
        assert len(reader.deliveries()) == 5000
        reader.ack(0, multiple=True)
        assert len(reader.deliveries()) == 4000
    assert not stream.touched
    assert stream.delivered == 27_000
    assert stream.acked == 15_000


def test_a_full_socket_gets_nothing(engine, client, other):
    declare(client)
    read(other)
    other.connection.pause_writing()
    publish(client, *bodies(3))
    assert other.bodies() == []
    other.connection.resume_writing()
    assert other.bodies() == bodies(3)


def test_a_shared_prefetch_that_comes_later_holds(client, other):
    declare(client)
    read(other, prefetch=10)
    other.call(1, "basic.qos", prefetch_count=2, global_=True)
    publish(client, *bodies(5))
    assert other.bodies() == bodies(2)
    other.ack(1)
    assert other.bodies() == bodies(1, 2)


def test_long_scans_take_turns(engine, client, other):
    declare(client)
    for number, value in enumerate(["a"] * 9000 + ["b"]):
        headers = {"x-stream-filter-value": Typed("S", value)}
        client.publish("", "s", str(number).encode(), headers=headers)
    engine.run()
    turns = engine.turn.number
    read(other, **{"x-stream-filter": Typed("S", "b")})
    assert other.bodies() == [b"9000"]
    assert engine.turn.number > turns + 2


def test_a_long_body_in_pieces(engine, client):
    declare(client)
    body = bytes(range(256)) * 100
    for _ in range(2):
        client.publish("", "s", body, frame_max=4096)
    small = engine.client().connect(frame_max=4096)
    for reader in (small, client):
        read(reader)
        assert reader.bodies() == [body, body]


def test_cancelling_ends_reading_and_settling_goes_on(client, other):
    stream = declare(client)
    publish(client, *bodies(4))
    read(other, prefetch=2)
    assert other.bodies() == bodies(2)
    other.call(1, "basic.cancel", consumer_tag="r")
    other.ack(2, multiple=True)
    assert other.silent
    assert stream.acked == 2
    assert stream.consumer_count == 0
    assert stream.message_count == 4


def test_a_transaction_holds_credit_back(client, other):
    declare(client)
    publish(client, *bodies(6))
    other.call(1, "tx.select")
    read(other, prefetch=2)
    assert other.bodies() == bodies(2)
    other.ack(1)
    assert other.silent
    other.call(1, "tx.rollback")
    other.ack(2, multiple=True)
    other.call(1, "tx.commit")
    assert other.bodies() == bodies(2, 2)
    other.nack(3)
    other.call(1, "tx.commit")
    assert other.bodies() == bodies(1, 4)


def test_recover_returns_credit_only(client, other):
    declare(client)
    publish(client, *bodies(4))
    read(other, prefetch=2)
    assert other.bodies() == bodies(2)
    other.send_method(1, "basic.recover", requeue=True)
    other.expect("basic.recover-ok")
    assert other.bodies() == bodies(2, 2)


# Where to start


def test_times_are_when_messages_came(engine, client, other):
    declare(client)
    for body in bodies(4):
        publish(client, body)
        engine.advance(10)
    second = engine.clock.now_ms() // 1000
    for number, (start, expected) in enumerate(
        [
            (Typed("T", second - 1000), bodies(4)),
            (Typed("T", second - 40), bodies(4)),
            (Typed("T", second - 29), bodies(2, 2)),
            (Typed("T", second - 9), []),
            (Typed("T", second + 1000), []),
            (Typed("S", "1h"), bodies(4)),
            (Typed("S", "30s"), bodies(3, 1)),
            (Typed("S", "5s"), []),
        ]
    ):
        read(other, start, tag=f"r{number}")
        assert other.bodies() == expected, start


def test_the_last_batch(engine, client, other):
    declare(client)
    read(client, "last", tag="of nothing")
    publish(client, *bodies(2))
    with engine.disk_held():
        publish(client, *bodies(3, 2))
    assert client.bodies() == bodies(5)
    read(other, "last")
    assert other.bodies() == bodies(3, 2)


# The log


def test_retention_by_size(engine, client, other):
    stream = declare(client, x_max_length_bytes=500, x_stream_max_segment_size_bytes=100)
    engine.run()
    read(other)
    for number in range(100):
        publish(client, b"%03d" % number)
    first = stream.base
    assert 70 < first < 90
    assert positions(stream) == list(range(first, 100))
    assert stream.message_count == 100 - first
    assert stream.ready_bytes == 3 * stream.message_count
    assert offsets(other.deliveries()) == list(range(100))
    read(client, 3)
    assert offsets(client.deliveries()) == list(range(first, 100))


def test_a_reader_left_behind_goes_on_with_the_oldest(client, other):
    stream = declare(client, x_max_length_bytes=500, x_stream_max_segment_size_bytes=100)
    read(other, prefetch=1)
    publish(client, b"0")
    publish(client, *bodies(99, 1))
    assert offsets(other.deliveries()) == [0]
    other.ack(1)
    assert offsets(other.deliveries()) == [stream.base]


def test_what_goes_before_it_is_on_the_disk_is_never_read(engine, client, other):
    stream = declare(client, x_max_length_bytes=0, x_stream_max_segment_size_bytes=0)
    read(other)
    with engine.disk_held():
        publish(client, *bodies(10))
        assert stream.safe == stream.base == 9
        assert other.bodies() == []
    assert other.bodies() == [b"9"]


def test_retention_by_age(engine, client):
    stream = declare(client, x_max_age="10s", x_stream_max_segment_size_bytes=0)
    publish(client, b"1")
    engine.advance(6)
    publish(client, b"2")
    engine.advance(6)
    assert stream.message_count == 2
    publish(client, b"3")
    assert [entry.message.body for entry in stream.ready] == [b"2", b"3"]


def test_removed_messages_leave_the_disk(engine, client):
    limits = {"x_max_length_bytes": 0, "x_stream_max_segment_size_bytes": 100_000}
    stream = declare(client, **limits)
    for _ in range(5):
        publish(client, *bodies(8000))
    assert stream.message_count < 8000
    engine.advance(1)
    with engine._database.begin() as database:
        rows = database.exec_driver_sql("select count(*) from batch").scalar_one()
    assert rows <= 4
    engine.restart()
    assert engine.queue("s").message_count == stream.message_count


def test_deleting_settles_in_turns(engine, client):
    declare(client)
    count = SETTLED_PER_TURN + 1
    publish(client, *bodies(count))
    read(client, "next")
    client.send_method(1, "queue.delete", queue="s")
    assert client.names() == ["queue.delete-ok", "basic.cancel"]
    engine.advance(1)
    with engine._database.begin() as database:
        assert database.exec_driver_sql("select count(*) from batch").scalar_one() == 0


# Restart


@pytest.mark.parametrize("how", ["crash", "restart"])
def test_coming_back(engine, client, how):
    declare(client, x_stream_max_segment_size_bytes=1000)
    publish(client, *bodies(5))
    engine.advance(60)
    publish(client, *bodies(5, 5))
    getattr(engine, how)()
    client = engine.connect()
    stream = engine.queue("s")
    assert positions(stream) == list(range(10))
    publish(client, b"10")
    read(client)
    got = client.deliveries()
    assert offsets(got) == list(range(11))
    assert [each.body for each in got] == bodies(11)
    assert not any(each.method.arguments["redelivered"] for each in got)
    read(client, Typed("S", "30s"), tag="by time")
    assert client.bodies() == bodies(6, 5)
    read(client, "last", tag="last")
    assert client.bodies() == bodies(1, 10)


@pytest.mark.parametrize("how", ["crash", "restart"])
def test_offsets_go_on_behind_what_was_removed(engine, client, how):
    declare(client, x_max_length_bytes=0, x_stream_max_segment_size_bytes=0)
    publish(client, *bodies(10))
    engine.advance(1)
    getattr(engine, how)()
    client = engine.connect()
    stream = engine.queue("s")
    assert positions(stream) == [9]
    publish(client, b"10")
    read(client)
    assert offsets(client.deliveries()) == [10]


@pytest.mark.parametrize("how", ["crash", "restart"])
def test_a_damaged_batch_leaves_a_hole(engine, client, how, caplog):
    declare(client)
    for body in bodies(4):
        publish(client, body)
    with engine._database.begin() as database:
        database.exec_driver_sql(
            "update batch set data = x'00' where id in (select id from batch order by id limit 2"
            " offset 2)"
        )
    getattr(engine, how)()
    assert "cannot be read" in caplog.text
    caplog.clear()
    client = engine.connect()
    stream = engine.queue("s")
    publish(client, b"new")
    # Only a clean stop has noted the offset of what was lost.
    expected = [0, 1, 4 if how == "restart" else 2]
    assert positions(stream) == expected
    read(client, 2)
    assert client.bodies() == [b"new"]


def test_a_hole_in_the_middle(engine, client, caplog):
    declare(client)
    for body in bodies(6):
        publish(client, body)
    with engine._database.begin() as database:
        database.exec_driver_sql(
            "update batch set data = x'00' where id in (select id from batch order by id limit 2"
            " offset 2)"
        )
    engine.crash()
    caplog.clear()
    client = engine.connect()
    for start, expected in [(0, [0, 1, 4, 5]), (2, [4, 5]), (4, [4, 5]), (5, [5]), (6, [])]:
        read(client, start, tag=f"r{start}")
        assert offsets(client.deliveries()) == expected


def test_rewritten_batches_come_in_any_order(engine, client):
    declare(client)
    for body in bodies(4):
        publish(client, body)
    with engine._database.begin() as database:
        rows = database.exec_driver_sql("select id, vhost_id, data from batch order by id limit 1")
        number, vhost, data = rows.one()
        records = data[record._HEAD.size :]
        checksum = crc32(records, crc32(record.place(number + 100, vhost)))
        head = record._HEAD.pack(record.FORMAT, checksum, len(records))
        database.exec_driver_sql(
            "update batch set id = ?, data = ?, summary = null where id = ?",
            (number + 100, head + records, number),
        )
    engine.crash()
    client = engine.connect()
    publish(client, b"4")
    read(client)
    assert client.bodies() == bodies(5)


# A model

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 30)),
        st.tuples(st.just("read"), st.integers(-3, 120)),
        st.tuples(st.just("ack"), st.integers(1, 20)),
        st.tuples(st.just("crash"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=25,
)


@given(STEPS, st.sampled_from([None, 150]), st.integers(1, 15))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_readers_see_all_in_order(steps, limit, prefetch):
    with Engine() as engine:
        limits = {"x_max_length_bytes": limit, "x_stream_max_segment_size_bytes": 60}
        declare(engine.connect(), **({} if limit is None else limits))
        published = 0
        readers: list[tuple[Client, list[int]]] = []
        publisher = engine.connect()
        for step, number in steps:
            if step == "publish":
                publish(publisher, *bodies(number, published))
                published += number
            elif step == "read":
                client = engine.connect()
                read(client, number, prefetch=prefetch)
                retained = positions_of(engine)
                begin = next((p for p in retained if p >= number), max(number, published))
                readers.append((client, [begin]))
            elif step == "ack":
                for client, _ in readers:
                    client.ack(0, multiple=True)
            else:
                getattr(engine, step)()
                readers.clear()
                publisher = engine.connect()
            check(engine, readers, published, prefetch)


def positions_of(engine):
    return positions(engine.queue("s"))


def check(engine, readers, published, prefetch):
    positions = positions_of(engine)
    assert positions == list(range(published - len(positions), published))
    for client, (expected, *_) in list(readers):
        got = client.deliveries()
        assert len(got) <= prefetch
        for content, offset in zip(got, offsets(got), strict=True):
            assert content.body == str(offset).encode()
            # Retention may have taken what it did not read in time.
            assert offset == expected or expected < positions[0] <= offset
            expected = offset + 1
        place = next(i for i, each in enumerate(readers) if each[0] is client)
        readers[place] = (client, [expected])
