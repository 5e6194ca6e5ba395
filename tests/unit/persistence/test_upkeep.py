"""Space is given back while the broker runs, and nothing else changes."""

import pytest

from persistence import engine, upkeep
from persistence.upkeep import ROUND, STEP, Upkeep

PAGE = 4096


@pytest.fixture
def looked_after(opened):
    """A database with upkeep; `opened` opens it again."""
    database = opened()
    database.upkeep = Upkeep(database.commit, database.clock)
    return database


def pass_time(database, seconds):
    """Time passes in steps, and what falls due is done."""
    for _ in range(round(seconds / STEP)):
        database.clock.advance(STEP)
        database.settled_down()


def blob_size(database):
    return database.scalar("SELECT sum(length(data)) FROM batch") or 0


def settle(database, entries):
    """Settles all of `entries`; returns once that is on the disk."""
    for entry in entries:
        database.log.settle(entry)
    database.written()


def written(database, count, size=100, first=0):
    """One batch of `count` messages of `size` octets, the first at position `first`."""
    entries = database.publish(*range(first, first + count), body=bytes(size))
    database.written()
    return entries


def sparse(database, batches):
    """Batches of 100 messages, each with one left on the disk; returns those that are left."""
    kept = []
    for number in range(batches):
        entries = written(database, 100, first=number * 100)
        kept.append(entries.pop(50))
        for entry in entries:
            database.log.settle(entry)
    database.written()
    return kept


def up_to_a_rewrite(database):
    """Sparse batches were looked for; the next step is to rewrite them."""
    database.clock.advance(ROUND)
    database.settled_down()
    database.clock.advance(ROUND - STEP)


def test_a_forgotten_message_does_not_pin_its_batch(looked_after, opened):
    database = looked_after
    entries = written(database, 500)
    settle(database, entries[:123] + entries[124:])
    full = blob_size(database)

    pass_time(database, 3 * ROUND)

    assert blob_size(database) < full / 100
    assert database.scalar("SELECT count(*) FROM settled") == 0
    assert not entries[123].batch.settled
    assert entries[123].batch.size == blob_size(database)
    assert opened().positions() == [123]


def test_survivors_can_be_settled_afterwards(looked_after, opened):
    database = looked_after
    entries = written(database, 500)
    settle(database, entries[2:])
    pass_time(database, 3 * ROUND)
    settle(database, entries[:1])
    again = opened()
    assert again.positions() == [1]


def test_the_last_survivor_takes_the_batch_along(looked_after):
    database = looked_after
    entries = written(database, 500)
    settle(database, entries[1:])
    pass_time(database, 3 * ROUND)
    settle(database, entries[:1])

    assert database.scalar("SELECT count(*) FROM batch") == 0
    assert database.scalar("SELECT count(*) FROM settled") == 0


def test_what_is_not_on_the_disk_as_settled_is_not_left_out(looked_after, opened):
    database = looked_after
    entries = written(database, 100)
    settle(database, entries[2:])
    up_to_a_rewrite(database)
    # Its settlement belongs to a commit that never comes.
    database.log.settle_with_commit(entries[0])
    database.clock.advance(STEP)
    database.step()

    assert blob_size(database) < 1000
    assert opened().positions() == [0, 1]


def test_settlements_on_their_way_meanwhile_do_not_get_lost(looked_after, opened):
    database = looked_after
    entries = written(database, 100)
    settle(database, entries[3:])
    up_to_a_rewrite(database)
    database.log.settle(entries[0])
    database.clock.advance(STEP)
    database.commit.flush()
    database.log.settle(entries[1])
    database.settled_down()
    database.written()

    assert opened().positions() == [2]


def test_a_batch_that_is_being_consumed_is_left_alone(looked_after, monkeypatch):
    database = looked_after
    rewritten = []
    monkeypatch.setattr(upkeep, "_rewrite", lambda _, number: rewritten.append(number))
    entries = written(database, 100)
    settle(database, entries[:90])
    pass_time(database, ROUND)
    for entry in entries[90:]:
        database.log.settle(entry)
    pass_time(database, 3 * ROUND)

    assert rewritten == []


def test_sparse_batches_found_at_a_start_are_rewritten(opened):
    database = opened()
    entries = written(database, 500)
    settle(database, entries[1:])
    database = opened()
    Upkeep(database.commit, database.clock)
    assert database.positions() == [0]
    database.written()

    pass_time(database, 3 * ROUND)

    assert blob_size(database) < 1000
    assert opened().positions() == [0]


def test_many_forgotten_messages_are_many_small_steps(looked_after, opened, monkeypatch):
    database = looked_after
    monkeypatch.setattr(upkeep, "STEP_BYTES", 30_000)
    kept = sparse(database, 20)
    pass_time(database, 2 * ROUND)
    assert blob_size(database) > 100_000

    pass_time(database, 20 * STEP)

    assert blob_size(database) < 5000
    assert opened().positions() == [entry.position for entry in kept]


def test_a_slow_machine_does_one_thing_a_step(looked_after, opened, monkeypatch):
    database = looked_after
    monkeypatch.setattr(upkeep, "SLICE", 0)
    kept = sparse(database, 8)
    pass_time(database, 2 * ROUND)
    pass_time(database, 3 * STEP)
    assert sum(not entry.batch.settled for entry in kept) == 4

    pass_time(database, 4 * STEP)

    assert blob_size(database) < 2000
    assert opened().positions() == [entry.position for entry in kept]


def test_a_slow_machine_gives_back_little_by_little(looked_after, monkeypatch):
    database = looked_after
    monkeypatch.setattr(upkeep, "SLICE", 0)
    entries = written(database, 16_000, size=1000)
    settle(database, entries)
    free = database.scalar("PRAGMA freelist_count")
    pass_time(database, 2 * ROUND)

    pass_time(database, 5 * STEP)

    given_back = free - database.scalar("PRAGMA freelist_count")
    assert 5 * upkeep.PORTION_PAGES <= given_back <= 7 * upkeep.PORTION_PAGES


def test_damage_is_reported_and_left_for_the_next_start(looked_after, opened, caplog):
    database = looked_after
    entries = written(database, 100)
    settle(database, entries[1:])
    database.change("UPDATE batch SET data = x'00'")

    pass_time(database, 3 * ROUND)

    assert "batch 1 cannot be read any more: it is cut short" in caplog.text
    assert blob_size(database) == 1


def test_the_file_shrinks_in_steps_and_keeps_a_little(looked_after):
    database = looked_after
    entries = written(database, 16_000, size=1000)
    settle(database, entries)
    free = database.scalar("PRAGMA freelist_count")
    assert free > 1800

    pass_time(database, 2 * ROUND)
    assert free > database.scalar("PRAGMA freelist_count") > upkeep.SPARE_PAGES
    pass_time(database, 3 * ROUND)

    assert database.scalar("PRAGMA freelist_count") == upkeep.SPARE_PAGES
    assert database.path.stat().st_size < (upkeep.SPARE_PAGES + 50) * PAGE
    # Kept to be written over, which syncs quicker, but bounded.
    assert database.path.with_name("test.db-wal").stat().st_size <= 16 << 20


def test_it_shrinks_under_load_too_and_leaves_what_is_in_use(looked_after):
    database = looked_after
    entries = written(database, 16_000, size=1000)
    for entry in entries:
        database.log.settle(entry)
    for position in range(10):
        database.publish(position)
        database.written()
        pass_time(database, ROUND)

    assert database.scalar("PRAGMA freelist_count") == upkeep.SPARE_PAGES


def test_nothing_to_do_sets_no_timers(looked_after):
    database = looked_after
    database.publish(1)
    database.written()
    pass_time(database, 3 * ROUND)

    assert database.clock.pending == 0


def test_while_the_disk_refuses_nothing_is_asked_of_it(looked_after):
    database = looked_after
    database.publish(1)
    database.written()
    database.commit.failing = "disk full"
    database.clock.advance(5 * ROUND)
    assert database.calls.empty()

    database.commit.failing = None
    pass_time(database, 3 * ROUND)
    assert database.clock.pending == 0


def test_failed_maintenance_is_tried_again(looked_after, monkeypatch, caplog):
    database = looked_after
    monkeypatch.setattr(engine, "free_pages", lambda _: 1 / 0)
    database.publish(1)
    database.written()
    pass_time(database, 2 * ROUND)
    assert caplog.text.count("maintenance of the database failed") >= 2

    monkeypatch.undo()
    pass_time(database, 3 * ROUND)
    assert database.clock.pending == 0


def test_a_clean_end_leaves_a_small_file(looked_after):
    database = looked_after
    entries = written(database, 8000, size=1000)
    settle(database, entries)

    database.upkeep.close()
    database.commit.close()

    assert database.path.stat().st_size < 100 * PAGE
