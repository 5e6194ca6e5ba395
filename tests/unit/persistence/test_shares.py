"""Shares of a batch and how they look in its summary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.schedule import Schedule
from persistence import record, shares
from persistence.message_log import OVERHEAD, Batch
from persistence.shares import Share
from tests.unit.persistence.kit import Entry, Message

DEADLINES = st.none() | st.integers(0, 2**50)
# A queue and a deadline for each message, or None for one that is settled.
PUBLISHED = st.lists(st.none() | st.tuples(st.integers(1, 3), DEADLINES), max_size=30)


def filled(published) -> tuple[Batch, list[Entry | None]]:
    """A batch as it is when it is written."""
    batch = Batch(7)
    entries: list[Entry | None] = []
    for number, given_ in enumerate(published):
        batch.size += number + OVERHEAD
        if given_ is None:
            entries.append(None)
            continue
        queue, deadline = given_
        entry = Entry(Message(bytes(number)), queue, 100 + number, deadline)
        # Queues are told apart by identity.
        entry.queue = next((e.queue for e in entries if e and e.queue.id == queue), entry.queue)
        entry.batch, entry.ref = batch, number
        entries.append(entry)
        batch.alive += 1
    return batch, entries


def parts(batch: Batch, entries: list[Entry | None]) -> list[Share]:
    _, uniform = record.encode(entries)
    octets = batch.size - OVERHEAD * len(entries)
    return [share for _, share in shares.of_batch(batch, entries, octets, uniform=uniform)]


def facts(share: Share) -> tuple[object, ...]:
    place = (share.queue_id, share.level, list(share.ordinals), share.first, share.last)
    return (*place, share.octets, share.earliest, share.latest, times(share))


def times(share: Share) -> object:
    found = share.deadlines
    if found is None:
        return None
    sizes = None if found.sizes is None else list(found.sizes)
    return (found.base, found.flags, list(found.offsets), sizes)


@given(PUBLISHED.filter(any))
def test_every_message_is_counted_for_its_queue(published):
    batch, entries = filled(published)
    expected = []
    for queue in dict.fromkeys(entry.queue.id for entry in entries if entry):
        own = [entry for entry in entries if entry and entry.queue.id == queue]
        deadlines = [entry.deadline for entry in own if entry.deadline is not None]
        expected.append(
            (
                queue,
                0,
                [entry.ref for entry in own],
                own[0].position,
                own[-1].position,
                sum(len(entry.message.body) for entry in own),
                min(deadlines, default=None),
                max(deadlines) if len(deadlines) == len(own) else None,
            )
        )
    assert [facts(share)[:-1] for share in parts(batch, entries)] == expected


@given(PUBLISHED.filter(any))
def test_a_summary_says_the_same(published):
    batch, entries = filled(published)
    found = parts(batch, entries)
    assert [facts(s) for s in shares.decode(shares.encode(found), batch)] == [
        facts(share) for share in found
    ]


@given(PUBLISHED.filter(any), st.data())
def test_a_changed_byte_is_detected(published, data):
    batch, entries = filled(published)
    summary = bytearray(shares.encode(parts(batch, entries)))
    summary[data.draw(st.integers(0, len(summary) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(record.Damaged):
        shares.decode(bytes(summary), batch)


@given(PUBLISHED.filter(any), st.sets(st.integers(0, 30)))
def test_what_is_settled_is_as_if_it_was_never_written(published, settled):
    batch, entries = filled(published)
    blob = bytes(record.encode(entries)[0])
    left = [entry if entry and entry.ref not in settled else None for entry in entries]
    batch.alive = sum(entry is not None for entry in left)
    expected = [facts(share) for share in parts(batch, left)] if any(left) else []
    batch.alive = sum(entry is not None for entry in entries)
    found = shares.without_settled(parts(batch, entries), record.decode(blob, settled), settled)
    assert sorted(facts(share) for share in found) == sorted(expected)


@given(PUBLISHED.filter(any))
def test_each_share_is_taken_out_of_the_blob(published):
    batch, entries = filled(published)
    blob = bytes(record.encode(entries)[0])
    for share in parts(batch, entries):
        found = record.extract(blob, share.ordinals)
        own = [entry for entry in entries if entry and entry.queue.id == share.queue_id]
        assert [(each[1], each[2], each[5]) for each in found] == [
            (entry.ref, entry.position, entry.message.body) for entry in own
        ]


@pytest.mark.parametrize("sizes", [[5] * 4, [5, 6, 4, 5]])
def test_messages_of_one_shape_or_many(sizes):
    entries = [Entry(Message(bytes(size)), 1, n, n or None) for n, size in enumerate(sizes)]
    for ordinal, entry in enumerate(entries):
        entry.ref = ordinal
    blob = bytes(record.encode(entries)[0])
    for wanted in (range(4), range(1, 3), [0, 1, 3]):
        found = record.extract(blob, wanted)
        assert [each[1] for each in found] == list(wanted)
        assert [len(each[5]) for each in found] == [sizes[ordinal] for ordinal in wanted]
        assert [each[3] for each in found] == [n + 1 if n else 0 for n in wanted]
    with pytest.raises(record.Damaged, match="messages where 5 were expected"):
        record.extract(blob, range(5))


def test_a_message_for_many_queues_is_found_for_each():
    message = Message(b"for all")
    entries = [Entry(message, queue, 10 * queue) for queue in (1, 2, 3)]
    for ordinal, entry in enumerate(entries):
        entry.ref = ordinal
    blob = bytes(record.encode(entries)[0])
    for ordinal, queue in enumerate((1, 2, 3)):
        ((_, found, position, _, _, body),) = record.extract(blob, range(ordinal, ordinal + 1))
        assert (found, position, body) == (ordinal, 10 * queue, b"for all")


@given(PUBLISHED.filter(any), st.data())
def test_deadlines_are_known_without_the_blob(published, data):
    """Each is due in its time, and is told with the size of its body."""
    batch, entries = filled(published)
    for share in shares.decode(shares.encode(parts(batch, entries)), batch):
        own = [entry for entry in entries if entry and entry.queue.id == share.queue_id]
        if share.earliest is None:
            continue
        same = share.deadlines is None
        schedule = Schedule(share)
        times = {entry.ref: entry.deadline for entry in own if entry.deadline is not None}
        for now in [*sorted(data.draw(st.lists(DEADLINES.filter(bool), max_size=3))), 2**50]:
            assert schedule.first == min(times.values(), default=None)
            due = sorted(ordinal for ordinal, time in times.items() if time <= now)
            ordinals, octets = schedule.take(now)
            assert ordinals == due
            sizes = {entry.ref: len(entry.message.body) for entry in own}
            assert same or octets == sum(sizes[n] for n in due)
            for ordinal in due:
                del times[ordinal]
        assert len(schedule) == 0


@given(PUBLISHED.filter(any), st.sets(st.integers(0, 30)))
def test_what_is_over_is_left_out(published, gone):
    batch, entries = filled(published)
    for share in parts(batch, entries):
        over = [ordinal for ordinal in share.ordinals if ordinal in gone]
        left = share.without(over, 5)
        kept = [ordinal for ordinal in share.ordinals if ordinal not in gone]
        assert (list(left.ordinals) if left else []) == kept
        assert left is None or left.octets == share.octets - 5


def test_few_bytes_for_many_messages():
    assert shares.progression([3, 5, 7, 9]) == range(3, 10, 2)
    assert list(shares.progression([3, 5, 8])) == [3, 5, 8]
    batch, entries = filled([(1, None)] * 4000)
    assert len(shares.encode(parts(batch, entries))) < 64
