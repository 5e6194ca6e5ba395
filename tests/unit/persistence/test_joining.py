"""Several batches made one: what it looks like, and when it is left alone."""

from collections.abc import Collection

import pytest
from sqlalchemy import create_engine, insert

from persistence import joining, record, schema, shares
from persistence.joining import Part
from persistence.message_log import Batch
from persistence.record import Record, Reference
from persistence.shares import Share
from tests.unit.persistence.kit import Entry, Message

VHOST = 7


def written(number: int, *entries: Entry) -> dict[str, object]:
    """The row of a batch of these, and what the log does with them before."""
    batch = Batch(number)
    for ordinal, entry in enumerate(entries):
        entry.batch, entry.ref = batch, ordinal
        batch.alive += 1
    place = record.place(number, VHOST)
    data, uniform = record.encode(entries, place)
    octets = sum(entry.message.header.body_size for entry in entries)
    parts = shares.of_batch(batch, entries, octets, uniform=uniform)
    summary = shares.encode([share for _, share in parts], place)
    return {"id": number, "vhost_id": VHOST, "summary": summary, "data": bytes(data)}


def joined_of(*rows: dict[str, object], settled: Collection[int] = ()) -> joining.Joined | None:
    """What is made of the batches 1, 2, ... of a database with these rows.

    `settled` are ordinals of the first.
    """
    chosen = [Part(Batch(number + 1), () if number else settled) for number in range(len(rows))]
    engine = create_engine("sqlite://")
    schema.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(insert(schema.batch), list(rows))
        joined = joining.read(connection, chosen, (1, 0))
    engine.dispose()
    return joined


def entry(text: bytes, position: int, queue: int = 1, deadline: int | None = None) -> Entry:
    return Entry(Message(text), queue, position, deadline)


def test_records_keep_their_order_and_get_new_ordinals():
    joined = joined_of(
        written(1, entry(b"a", 10), entry(b"b", 11)),
        written(2, entry(b"c", 12, deadline=900)),
        written(3, entry(b"d", 13, deadline=500)),
    )
    assert joined is not None
    place = record.place(1, VHOST)
    found = record.decode(joined.data, (), place)
    assert [(each.body, each.references) for each in found] == [
        (b"a", [Reference(0, 1, 10, None)]),
        (b"b", [Reference(1, 1, 11, None)]),
        (b"c", [Reference(2, 1, 12, 900)]),
        (b"d", [Reference(3, 1, 13, 500)]),
    ]
    assert joined.refs == [{0: 0, 1: 1}, {0: 2}, {0: 3}]
    (share,) = shares.decode(joined.summary, joined.batch, place)
    assert (share.ordinals, share.first, share.last) == (range(4), 10, 13)
    assert (share.octets, share.earliest, share.latest) == (4, 500, None)


@pytest.mark.parametrize("known", [True, False], ids=["with summary", "without"])
def test_what_is_settled_is_left_out(known: bool):
    row = written(1, *(entry(bytes([65 + at]), at) for at in range(5)))
    if not known:
        row["summary"] = None
    joined = joined_of(row, written(2, entry(b"x", 9)), settled={0, 2, 3})
    assert joined is not None
    found = record.decode(joined.data, (), record.place(1, VHOST))
    assert [each.body for each in found] == [b"B", b"E", b"x"]
    assert joined.refs == [{1: 0, 4: 1}, {0: 2}]
    share = joined.whole[1, 0]
    assert (share.ordinals, share.first, share.last, share.octets) == (range(3), 1, 9, 3)


def test_without_a_summary_messages_of_others_are_left_alone():
    row = written(1, entry(b"a", 1), entry(b"b", 1, queue=2)) | {"summary": None}
    assert joined_of(row, written(2, entry(b"c", 2))) is None
    assert joined_of(row, written(2, entry(b"c", 2)), settled={1}) is not None


def test_a_message_in_two_queues_stays_one():
    message = Message(b"both")
    pair = [Entry(message, 1, 4), Entry(message, 2, 40)]
    rows = written(1, entry(b"a", 3)), written(2, *pair)
    joined = joined_of(*rows)
    assert joined is not None
    _, both = record.decode(joined.data, (), record.place(1, VHOST))
    assert both.references == [Reference(1, 1, 4, None), Reference(2, 2, 40, None)]
    assert {level: list(share.ordinals) for level, share in joined.whole.items()} == {
        (1, 0): [0, 1],
        (2, 0): [2],
    }


@pytest.mark.parametrize(
    "spoilt", [{"data": b"\1"}, {"summary": b"1234"}, {"vhost_id": 1}, {"id": 4}]
)
def test_nothing_is_made_of_what_is_not_whole(spoilt: dict[str, object]):
    rows = written(1, entry(b"a", 1)), written(2, entry(b"b", 2)) | spoilt
    assert joined_of(*rows) is None


def test_flags_stay():
    died = Message(b"x")
    died.header.died = True
    rows = written(1, entry(b"a", 1)), written(2, Entry(died, 1, 2))
    joined = joined_of(*rows)
    assert joined is not None
    found: list[Record] = record.decode(joined.data, (), record.place(1, VHOST))
    assert [each.flags for each in found] == [0, record.DIED]
    assert isinstance(joined.whole[1, 0], Share)
