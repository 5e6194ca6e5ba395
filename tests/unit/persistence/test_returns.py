"""How often a message came back is known after a start, as far as a commit has told the disk."""

import pytest

from persistence import record, settlements
from persistence.upkeep import ROUND, STEP, Upkeep


def give_back(database, entry, returns):
    entry.returns = returns
    database.log.returned(entry)


def counts(database):
    """Returns by position, of those messages that came back."""
    return {
        reference.position: batch.returned[reference.ordinal]
        for _, reference, batch in database.recover()
        if batch.returned and reference.ordinal in batch.returned
    }


def test_counts_come_back(opened):
    database = opened()
    early, _, late = database.publish(1, 2, 3)
    give_back(database, early, 1)  # before the message itself is on the disk
    database.written()
    give_back(database, late, 5 << 32 | 7)
    give_back(database, early, 2)
    database.written(force=True)

    assert counts(opened()) == {1: 2, 3: 5 << 32 | 7}


def test_no_commit_is_made_for_them_at_once(opened):
    database = opened()
    (entry,) = database.publish(1)
    database.written()
    give_back(database, entry, 1)
    assert not database.commit.kick_needed

    database.clock.advance(1)
    database.settled_down()

    assert counts(opened()) == {1: 1}


def test_a_batch_that_was_sealed_early(opened):
    database = opened()
    first, second = database.publish(1, 2)
    database.log.seal()
    give_back(database, second, 3)
    database.log.settle(first)
    database.written()

    assert counts(opened()) == {2: 3}


def test_nothing_is_kept_of_settled_messages(opened):
    database = opened()
    first, second, _ = database.publish(1, 2, 3)
    database.written()
    for entry in (first, second):
        give_back(database, entry, 1)
    database.written(force=True)
    database.log.settle(first)
    database.written(force=True)

    assert list(first.batch.returned if first.batch else second.batch.returned) == [1]
    assert counts(opened()) == {2: 1}


def test_they_go_with_their_batch(opened):
    database = opened()
    (entry,) = database.publish(1)
    database.written()
    give_back(database, entry, 1)
    database.written(force=True)
    database.log.settle(entry)
    database.written(force=True)

    assert database.scalar("SELECT count(*) FROM settled") == 0


def test_counts_outlive_the_rewriting_of_their_batch(opened):
    database = opened()
    Upkeep(database.commit, database.clock)
    entries = database.publish(*range(500), body=bytes(100))
    database.written()
    for entry in entries[:10]:
        give_back(database, entry, entry.position + 1)
    for entry in entries[1:]:
        database.log.settle(entry)
    database.written()
    for _ in range(round(3 * ROUND / STEP)):
        database.clock.advance(STEP)
        database.settled_down()

    assert not entries[0].batch.settled
    assert database.scalar("SELECT sum(length(data)) FROM batch") < 1000
    again = opened()
    assert counts(again) == {0: 1}

    # What is settled from here on stands beside them.
    _, reference, batch = again.recover()[0]
    assert batch.returned == {reference.ordinal: 1}


def test_damaged_counts_are_reported_and_forgotten(opened, caplog):
    database = opened()
    (entry,) = database.publish(1)
    database.written()
    give_back(database, entry, 1)
    database.written(force=True)
    database.change("UPDATE settled SET returned = x'0102030405'")

    again = opened()
    assert counts(again) == {}
    assert again.positions() == [1]
    assert "how often its messages came back is forgotten" in caplog.text
    caplog.clear()


@pytest.mark.parametrize("counts", [{}, {0: 1, 65535: 2**64 - 1}])
def test_a_row_of_counts(counts):
    row = settlements.encode_returned(counts, 5)
    assert settlements.decode_returned(row, 5) == counts
    for size in range(len(row)):
        with pytest.raises(record.Damaged):
            settlements.decode_returned(row[:size], 5)
