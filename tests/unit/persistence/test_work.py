"""The statements of one commit."""

import pytest
from sqlalchemy import insert, select

from persistence import schema, work

META = insert(schema.meta)


def row(key):
    return {"key": key, "value": ""}


def tables(commit):
    bare = [getattr(s, "statement", s) for s, _ in commit.statements]
    return [(type(s).__name__, s.table.name) for s in bare]


def test_definitions_then_messages_then_settlements_then_deletions():
    commit = work.Work(1, [((META, row("a")),)], [])
    commit.add(
        [{"id": 5, "vhost_id": 1, "summary": None, "data": b""}],
        [{"batch_id": 3, "data": b""}],
        [1, 2],
    )

    assert tables(commit) == [
        ("Insert", "meta"),
        ("Insert", "batch"),
        ("Delete", "settled"),
        ("Insert", "settled"),
        ("Delete", "settled"),
        ("Delete", "batch"),
    ]


def test_nothing_makes_no_statements():
    commit = work.Work(1, [], [])
    commit.add([], [], [])

    assert commit.statements == []


def test_repeating_what_was_done_changes_nothing(database):
    commit = work.Work(1, [], [])
    commit.add(
        [{"id": n, "vhost_id": 1, "summary": None, "data": b"%d" % n} for n in (7, 8, 10)], [], []
    )
    commit.make_repeatable()
    with database.engine.connect() as connection:
        for _ in range(2):
            commit.perform(connection)
        assert connection.execute(select(schema.batch.c.id)).scalars().all() == [7, 8, 10]


def test_only_the_hopeless_change_is_left_out(database, caplog):
    changes: list[work.Change] = [((META, row("a")),), ((META, row("a")),), ((META, row("b")),)]
    commit = work.Work(1, changes, [])
    with database.engine.connect() as connection:
        with pytest.raises(Exception, match="UNIQUE") as caught:
            commit.perform(connection)
        assert commit.leave_out(caught.value)
        commit.perform(connection)
        keys = connection.execute(select(schema.meta.c.key).order_by(schema.meta.c.key)).scalars()
        assert keys.all() == ["a", "b", "schema_version"]
    assert "lost" in caplog.text


def test_trouble_with_the_disk_is_nobodys_fault():
    commit = work.Work(1, [((META, row("a")),)], [])

    assert not commit.leave_out(OSError("disk full"))
    assert len(commit.statements) == 1


def test_messages_are_never_left_out(database):
    commit = work.Work(1, [((META, row("a")),)], [])
    commit.add([{"id": 1, "vhost_id": 1, "summary": None, "data": b""}] * 2, [], [])
    with database.engine.connect() as connection:
        with pytest.raises(Exception, match="UNIQUE") as caught:
            commit.perform(connection)
    assert not commit.leave_out(caught.value)
    assert len(commit.statements) == 2


@pytest.mark.parametrize("ids", [[], [3], [5, 3, 4, 9], [1, 3, 5]])
def test_ranges_hold_just_the_ids(ids):
    ranges = work._ranges(list(ids))

    held = [n for r in ranges for n in range(r["first"], r["last"] + 1)]
    assert held == sorted(ids)
