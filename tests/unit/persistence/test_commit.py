"""Group commit: order, waiting, failing, quiet."""

import logging

import pytest
from sqlalchemy import delete, insert

from persistence import commit, schema


def fail(error):
    raise error


def meta(key):
    return insert(schema.meta), {"key": key, "value": ""}


def test_waiters_and_listeners_hear_of_it_in_order(database):
    heard: list[object] = []
    database.commit.on_done.append(heard.append)
    database.publish(1)
    mark = database.commit.mark()
    database.commit.after(lambda: heard.append("first"))
    database.commit.after(lambda: heard.append("second"))

    database.commit.kick()
    assert heard == []
    database.step()

    assert heard == ["first", "second", mark]
    assert database.commit.done == mark


def test_one_gathers_while_one_is_on_the_disk(database):
    database.publish(1)
    database.commit.kick()
    database.publish(2)
    second = database.commit.mark()
    database.commit.kick()
    assert second == 2

    database.step()
    assert database.commit.done == 1
    database.step()
    assert database.commit.done == 2
    assert database.scalar("SELECT count(*) FROM batch") == 2


def test_nothing_to_write_completes_later_but_without_the_disk(database):
    entry = database.publish(1)[0]
    database.log.settle(entry)
    done = []
    database.commit.after(lambda: done.append(True))

    database.commit.kick()

    assert not done
    database.step()
    assert done
    assert database.scalar("SELECT count(*) FROM batch") == 0


def test_definitions_raise_the_sequence_and_are_written(database):
    before = database.commit.sequence
    database.commit.execute(*meta("one"))
    database.commit.execute(*meta("two"))

    assert database.commit.sequence == before + 2
    database.written()
    assert database.scalar("SELECT count(*) FROM meta") == 3


def test_a_failing_waiter_keeps_nobody_waiting(database, caplog):
    heard: list[object] = []
    database.commit.on_done.append(heard.append)
    database.commit.after(lambda: 1 / 0)
    database.commit.after(lambda: heard.append("next"))
    database.commit.kick()

    database.step()

    assert heard == ["next", 1]
    assert "what waited for a commit failed" in caplog.text


def test_a_refusing_disk_is_tried_again_and_confirms_nothing(database, caplog, monkeypatch):
    real, refusals = database.engine.dialect.do_commit, [OSError("disk full"), OSError("still")]

    def refuse(connection):
        if refusals:
            raise refusals.pop(0)
        real(connection)

    monkeypatch.setattr(database.engine.dialect, "do_commit", refuse)
    database.publish(1)
    database.commit.kick()
    database.step()

    assert database.commit.failing == "disk full"
    assert database.commit.done == 0
    database.clock.advance(commit.FIRST_RETRY)
    database.step()
    assert database.commit.failing == "still"
    database.clock.advance(commit.FIRST_RETRY)
    assert database.calls.empty()
    database.clock.advance(commit.FIRST_RETRY)
    database.step()

    assert database.commit.failing is None
    assert database.commit.done == 1
    assert [r.levelno for r in caplog.records].count(logging.ERROR) == 1
    assert database.positions() == [1]


def test_who_does_not_wait_for_a_disk_that_refuses(database, monkeypatch):
    real, refusals = database.engine.dialect.do_commit, [OSError("disk full")]
    monkeypatch.setattr(
        database.engine.dialect,
        "do_commit",
        lambda connection: fail(refusals.pop()) if refusals else real(connection),
    )
    heard: list[str] = []
    database.publish(1)
    database.commit.after(lambda: heard.append("patient"))
    database.commit.after(lambda: heard.append("impatient"), or_refusal=True)
    database.commit.kick()
    database.step()
    assert heard == ["impatient"]

    database.clock.advance(commit.FIRST_RETRY)
    database.step()
    assert heard == ["impatient", "patient"]

    database.commit.after(lambda: heard.append("again"), or_refusal=True)
    database.written()
    assert heard == ["impatient", "patient", "again"]
    assert not database.commit._impatient


def test_a_remark_raises_no_sequence(database):
    before = database.commit.sequence
    database.commit.remark(meta("one"))
    assert database.commit.sequence == before
    database.written()
    assert database.scalar("SELECT count(*) FROM meta") == 2


def test_a_commit_that_was_done_but_reported_as_failed_is_not_stuck(database, monkeypatch):
    real, lost = database.engine.dialect.do_commit, [True]

    def answer_lost(connection):
        real(connection)
        if lost.pop() if lost else False:
            raise OSError("connection lost")

    monkeypatch.setattr(database.engine.dialect, "do_commit", answer_lost)
    database.publish(1, 2)
    database.commit.kick()
    database.step()
    database.clock.advance(commit.FIRST_RETRY)
    database.step()

    assert database.commit.failing is None
    assert database.positions() == [1, 2]


def test_settlements_alone_wait_for_quiet(database):
    entries = database.publish(1, 2)
    database.written()
    database.log.settle(entries[0])
    database.commit.kick()
    database.clock.advance(commit.QUIET * 0.9)
    assert database.calls.empty()

    database.clock.advance(commit.QUIET * 0.1)
    database.step()

    assert database.scalar("SELECT count(*) FROM settled") == 1


def test_settlements_ride_with_the_next_commit(database):
    entries = database.publish(1, 2, 3)
    database.written()
    database.log.settle(entries[0])
    database.publish(4)
    database.written()
    assert database.scalar("SELECT count(*) FROM settled") == 1
    assert database.clock.pending == 1

    # Those that come later wait their own time.
    database.clock.advance(commit.QUIET * 0.9)
    database.log.settle(entries[1])
    database.clock.advance(commit.QUIET * 0.9)
    assert database.calls.empty()
    database.clock.advance(commit.QUIET * 0.1)
    database.step()
    assert database.clock.pending == 0


def test_settlements_that_come_during_a_commit_do_not_get_lost(opened):
    database = opened()
    entries = database.publish(1, 2)
    database.commit.kick()
    database.log.settle(entries[0])
    database.step()

    database.clock.advance(commit.QUIET)
    database.step()

    assert opened().positions() == [2]


def test_settlements_with_the_commit_do_not_wait(database):
    entries = database.publish(1, 2)
    database.written()
    database.log.settle_with_commit(entries[0])
    database.publish(3)

    database.written()

    assert database.scalar("SELECT count(*) FROM settled") == 1


def test_dead_batches_go_and_take_their_settlements_along(database):
    entries = database.publish(1, 2)
    database.written()
    database.log.settle(entries[0])
    database.written(force=True)
    database.log.settle(entries[1])
    database.written(force=True)

    assert database.scalar("SELECT count(*) FROM batch") == 0
    assert database.scalar("SELECT count(*) FROM settled") == 0


def test_too_much_waiting_is_behind(database, monkeypatch):
    monkeypatch.setattr(commit, "BEHIND", 3 << 20)
    body = bytes(1 << 20)
    database.publish(1, 2, body=body)
    database.commit.kick()
    assert not database.commit.behind

    database.publish(3, body=body)
    assert database.commit.behind
    database.step()
    assert not database.commit.behind


def test_it_stays_behind_while_the_disk_refuses(database, monkeypatch):
    monkeypatch.setattr(commit, "BEHIND", 1 << 20)
    real, refusals = database.engine.dialect.do_commit, [OSError("disk full")]
    monkeypatch.setattr(
        database.engine.dialect,
        "do_commit",
        lambda connection: fail(refusals.pop()) if refusals else real(connection),
    )
    database.publish(1, body=bytes(2 << 20))
    database.commit.kick()
    database.step()
    assert database.commit.behind

    database.clock.advance(commit.FIRST_RETRY)
    database.step()
    assert not database.commit.behind


POISON = [
    pytest.param({"key": "twice", "value": ""}, id="integrity"),
    pytest.param({"key": "\ud800", "value": ""}, id="text"),
    pytest.param({"key": "huge", "value": 2**70}, id="number"),
]


@pytest.mark.parametrize("poison", POISON)
def test_what_can_never_be_written_holds_up_nothing_else(database, caplog, poison):
    database.commit.execute(*meta("twice"))
    database.commit.change(
        (delete(schema.meta).where(schema.meta.c.key == "twice"), {}),
        (insert(schema.meta), {"key": "twice", "value": "again"}),
        (insert(schema.meta), poison),
    )
    database.commit.execute(*meta("other"))
    database.publish(1)

    database.written()

    assert "cannot be stored and is lost" in caplog.text
    assert database.commit.failing is None
    assert database.scalar("SELECT value FROM meta WHERE key = 'twice'") == ""
    assert database.scalar("SELECT count(*) FROM meta") == 3
    assert database.positions() == [1]


def test_maintenance_comes_between_commits_and_may_fail(database, caplog):
    results: list[object] = []
    database.commit.maintain(lambda _: 1 / 0, results.append)
    database.commit.maintain(
        lambda connection: connection.exec_driver_sql("SELECT 5").scalar(), results.append
    )
    database.publish(1)
    database.written()

    assert results == [None, 5]
    assert "maintenance of the database failed: division by zero" in caplog.text
    assert database.positions() == [1]


def test_a_database_that_cannot_be_opened_is_tried_again(opened, monkeypatch):
    database = opened()
    real = database.engine.connect
    results: list[object] = []
    broken = True

    def connect():
        if broken:
            raise OSError("gone")
        return real()

    monkeypatch.setattr(database.engine, "connect", connect)
    database.commit.maintain(lambda _: 1, results.append)
    database.publish(1)
    database.commit.kick()
    database.step()
    database.step()
    assert results == [None]
    assert database.commit.failing == "gone"

    broken = False
    database.clock.advance(commit.FIRST_RETRY)
    database.step()
    assert opened().positions() == [1]


def test_closing_ends_what_is_under_way(opened):
    database = opened()
    database.publish(1)
    database.commit.kick()
    database.commit.close()

    assert not database.commit._thread.is_alive()
    assert opened().positions() == [1]


def test_the_end_of_the_loop_does_not_hurt_the_writer(opened, monkeypatch):
    database = opened()

    def closed(*_):
        raise RuntimeError("Event loop is closed")

    monkeypatch.setattr(database.commit, "_call_soon", closed)
    database.publish(1)
    database.commit.kick()
    assert opened().positions() == [1]
