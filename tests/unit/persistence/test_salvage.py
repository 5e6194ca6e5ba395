"""A broken file is left for a fresh one with all that can be read."""

import logging
import sqlite3
from contextlib import closing

import pytest

from persistence import engine as engines
from persistence import malformed, salvage
from persistence.backup import Unusable
from persistence.files import beside
from persistence.message_log import Batch
from persistence.shares import Share, encode

PAGE = 4096
BATCHES = 200


@pytest.fixture
def path(tmp_path):
    """A database with batches of five pages each, and a queue."""
    path = tmp_path / "leveret.db"
    engines.open_engine(f"sqlite:///{path}").dispose()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO vhost (id, name, metadata) VALUES (1, ?, '{}')", (b"/",))
        queue = (7, b"/", b"copper", "[]", "[]")
        database.execute(
            "INSERT INTO queue (id, vhost, name, auto_delete, arguments, delivered)"
            " VALUES (?, ?, ?, 0, ?, ?)",
            queue,
        )
        for number in range(1, BATCHES + 1):
            summary = encode([Share(Batch(number), 7, 0, range(3), 0, 2, 9)])
            batch = (number, 1, summary, bytes([number]) * 5 * PAGE)
            database.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", batch)
            database.execute(
                "INSERT INTO settled (batch_id, data) VALUES (?, ?)", (number, b"settled" * 9)
            )
    return path


def query(path, sql):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def overwrite(path, page):
    data = bytearray(path.read_bytes())
    data[(page - 1) * PAGE : page * PAGE] = b"\xa5" * PAGE
    path.write_bytes(data)


def batches(path):
    found = query(path, "SELECT id, data FROM batch ORDER BY id")
    assert all(data == bytes([number]) * 5 * PAGE for number, data in found)
    return {number for number, _ in found}


ALL = set(range(1, BATCHES + 1))


def test_a_whole_file_stays_what_it_is(path):
    before = query(path, "SELECT * FROM batch"), query(path, "SELECT * FROM queue")
    aside = salvage.salvage(path)
    assert aside.name == "leveret.db-broken-1"
    assert (query(path, "SELECT * FROM batch"), query(path, "SELECT * FROM queue")) == before
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA auto_vacuum") == [(2,)]


def test_a_batch_whose_content_is_broken(path, caplog):
    # Where the content of batch 100 goes on: its pages name each other.
    data = path.read_bytes()
    overwrite(path, data.index(bytes([100]) * 4000) // PAGE + 1)
    with caplog.at_level(logging.ERROR):
        salvage.salvage(path)
    assert batches(path) == ALL - {100}
    assert caplog.messages == [
        "vhost '/': batch 100 cannot be read and is lost: 3 messages of queue 'copper'"
    ]
    assert len(query(path, "SELECT * FROM settled")) == BATCHES
    assert salvage.salvage(path).name == "leveret.db-broken-2"


def test_a_page_with_many_rows(path, caplog):
    leaf = leaves(path, "settled")[1]
    overwrite(path, leaf)
    with caplog.at_level(logging.ERROR):
        salvage.salvage(path)
    assert batches(path) == ALL
    left = {number for (number,) in query(path, "SELECT batch_id FROM settled")}
    assert left < ALL
    ((first, last),) = [m.split(" number ")[1:] for m in caplog.messages]
    assert left == set(range(1, int(first.split()[0]) + 1)) | set(
        range(int(last.split(",")[0]), BATCHES + 1)
    )


def test_the_rest_of_a_file_that_is_cut_short(path, caplog):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with caplog.at_level(logging.ERROR):
        salvage.salvage(path)
    assert len(batches(path)) > BATCHES // 4
    assert query(path, "SELECT id, name FROM queue") == [(7, b"copper")]
    assert caplog.messages


def test_a_lost_definition_is_remembered(path, caplog):
    ((root,),) = query(path, "SELECT rootpage FROM sqlite_master WHERE name = 'queue'")
    overwrite(path, root)
    salvage.salvage(path)
    assert query(path, "SELECT table_name FROM damaged_row") == [("queue",)]
    assert batches(path) == ALL
    assert "rows of table 'queue' between the beginning and the end" in caplog.text


@pytest.mark.parametrize("size", [0, 3000, PAGE])
def test_nothing_can_be_read(path, size):
    path.write_bytes(b"\xa5" * size)
    with pytest.raises(Unusable, match="cannot salvage"):
        salvage.salvage(path)
    assert path.read_bytes() == b"\xa5" * size
    assert not list(path.parent.glob("*broken*"))


def test_what_was_not_yet_in_the_file_itself(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        with database:
            database.execute("UPDATE batch SET vhost_id = 3 WHERE id = 5")
        # As a crash leaves it.
        kept = {each: each.read_bytes() for each in path.parent.glob("leveret.db*")}
    for each, data in kept.items():
        if not each.name.endswith("-shm"):
            each.write_bytes(data)
    salvage.salvage(path)
    assert query(path, "SELECT id FROM batch WHERE vhost_id = 3") == [(5,)]


def test_a_crash_before_the_last_step(path):
    malformed.note(path)
    whole = beside(path, malformed.WHOLE)
    whole.write_bytes(path.read_bytes())
    overwrite(path, 3)
    path.with_name("leveret.db-wal").write_bytes(b"of the broken one")
    assert malformed.is_half_done(path)
    salvage.finish(path)
    assert batches(path) == ALL
    assert not malformed.is_noted(path)
    assert {each.name for each in path.parent.iterdir()} == {"leveret.db"}
    salvage.finish(path)  # nothing is left to do


def leaves(path, table):
    """Numbers of the pages that hold rows of a table with small rows, in order of the rows."""
    data = path.read_bytes()
    ((root,),) = query(path, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")
    at = (root - 1) * PAGE
    assert data[at] == 5, "it has more than one page"
    count = int.from_bytes(data[at + 3 : at + 5], "big")
    cells = [int.from_bytes(data[at + 12 + 2 * n : at + 14 + 2 * n], "big") for n in range(count)]
    return [int.from_bytes(data[at + cell : at + cell + 4], "big") for cell in cells]


def test_only_a_broken_file_is_malformed(path):
    assert not malformed.is_malformed(None)
    assert not malformed.is_malformed(sqlite3.OperationalError("disk I/O error"))
    overwrite(path, 1)
    with pytest.raises(sqlite3.DatabaseError) as error:
        query(path, "SELECT * FROM batch")
    assert malformed.is_malformed(error.value)
