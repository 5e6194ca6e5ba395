"""How messages and settlements look in a row."""

import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence import record, settlements
from tests.unit.persistence.kit import Entry, Message, Route

names = st.binary(max_size=255)
bodies = st.one_of(st.binary(max_size=200), st.lists(st.binary(max_size=50), max_size=5))
messages = st.builds(Message, bodies, st.builds(Route, names, names))
numbers = st.integers(0, 2**64 - 1)
references = st.tuples(st.integers(0, 2**32 - 1), numbers, st.none() | st.integers(0, 2**63))
published = st.lists(st.tuples(messages, st.lists(references, min_size=1, max_size=4)), max_size=8)


def encode(entries):
    return record.encode(entries)[0]


def entries_of(work):
    entries = [Entry(message, *reference) for message, refs in work for reference in refs]
    for ordinal, entry in enumerate(entries):
        entry.ref = ordinal
    return entries


@given(published)
def test_decoding_is_the_inverse_of_encoding(work):
    records = record.decode(bytes(encode(entries_of(work))))

    assert [(r.route, r.header, r.body) for r in records] == [
        (
            message.route.raw,
            message.header.payload,
            message.body if isinstance(message.body, bytes) else b"".join(message.body),
        )
        for message, _ in work
    ]
    assert [tuple(x[1:]) for r in records for x in r.references] == [
        reference for _, refs in work for reference in refs
    ]
    ordinals = [reference.ordinal for r in records for reference in r.references]
    assert ordinals == list(range(len(ordinals)))


def test_settled_entries_are_left_out_and_ordinals_stay():
    entries = entries_of([(Message(b"%d" % n), [(1, n, None)]) for n in range(3)])

    records = record.decode(bytes(encode([None, entries[1], None])))

    assert [(r.body, r.references[0].ordinal) for r in records] == [(b"1", 1)]


def test_fan_out_keeps_the_message_once():
    message = Message(b"x" * 1000)
    once = encode(entries_of([(message, [(1, 0, None)])]))
    to_ten = encode(entries_of([(message, [(q, 0, None) for q in range(10)])]))

    assert len(to_ten) - len(once) < 9 * 30


def test_died_flag_survives():
    entry = Entry(Message(b""))
    entry.message.header.died = True

    (stored,) = record.decode(bytes(encode([entry])))

    assert stored.flags & record.DIED


@given(st.lists(st.binary(max_size=255), max_size=5), st.booleans())
def test_hidden_keys_survive(keys, died):
    hidden = b"".join(bytes([len(key)]) + key for key in keys)
    entry = Entry(Message(b"body"))
    entry.message.route.hidden = hidden
    entry.message.header.died = died

    blob = bytes(encode([entry]))
    (stored,) = record.decode(blob)
    (extract,) = record.extract(blob, range(1))

    assert record.flags_of(extract[0]) == stored.flags
    assert bool(stored.flags & record.DIED) == died
    assert bool(stored.flags & record.HIDDEN) == bool(hidden)
    header = entry.message.header.payload
    if hidden:
        assert record.split_hidden(stored.header) == (header, hidden)
        assert record.split_hidden(extract[4])[1] == hidden
    else:
        assert stored.header == header


@given(published)
def test_truncation_at_every_byte_is_detected(work):
    blob = bytes(encode(entries_of(work)))

    for size in range(len(blob)):
        with pytest.raises(record.Damaged):
            record.decode(blob[:size])


@given(published, st.data())
def test_a_changed_byte_is_detected(work, data):
    # With a place: else a batch would not differ from one of the format that has none.
    place = record.place(7, 1)
    blob = record.encode(entries_of(work), place)[0]
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(record.Damaged):
        record.decode(bytes(blob), place=place)


@pytest.mark.parametrize("count", [0, 2])
def test_records_that_do_not_fit_their_size_are_damage(count):
    rest = bytearray(encode([Entry(Message(b"body"))])[9:])
    struct.pack_into(">I", rest, 0, count)
    blob = struct.pack(">BII", record.FORMAT, crc32(rest), len(rest)) + rest

    with pytest.raises(record.Damaged, match="do not fit"):
        record.decode(blob)


@given(published, st.data())
def test_leaving_out_is_as_if_it_was_never_written(work, data):
    entries = entries_of(work)
    settled = data.draw(st.sets(st.integers(0, len(entries)))) if entries else {0}
    left = [entry for entry in entries if entry.ref not in settled]

    blob = record.without(bytes(encode(entries)), settled)

    if blob is None:
        assert not left
    else:
        assert record.decode(bytes(blob)) == record.decode(bytes(encode(left)))


def test_leaving_out_of_a_damaged_blob():
    blob = bytes(encode([Entry(Message(b"body"))]))

    with pytest.raises(record.Damaged):
        record.without(blob[:-1], {0})


@given(st.sets(st.integers(0, 2**16 - 1)))
def test_settled_ordinals_come_back(ordinals):
    row = settlements.encode_settled(ordinals, 5)

    assert settlements.decode_settled(row, 5) == ordinals
    for size in range(len(row)):
        with pytest.raises(record.Damaged):
            settlements.decode_settled(row[:size], 5)


@given(published.filter(bool), numbers, st.integers(0, 2**32 - 1), st.integers(0, 95))
def test_a_batch_belongs_to_one_place(work, batch_id, vhost_id, bit):
    place = record.place(batch_id, vhost_id)
    blob = bytes(record.encode(entries_of(work), place)[0])
    record.check(blob, place)
    other = (int.from_bytes(place, "big") ^ (1 << bit)).to_bytes(12, "big")
    with pytest.raises(record.Damaged):
        record.check(blob, other)


def test_batches_of_before_have_no_place():
    data = struct.pack(">I", 0)
    blob = struct.pack(">BII", 1, crc32(data), len(data)) + data
    record.check(blob, record.place(1, 1))
    row = struct.pack(">I", crc32(b"\1\0")) + b"\1\0"
    assert settlements.decode_settled(row, 7) == {1}


def test_settlements_belong_to_one_batch():
    row = settlements.encode_settled([1, 2], 5)
    with pytest.raises(record.Damaged):
        settlements.decode_settled(row, 4)
