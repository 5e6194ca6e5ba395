"""Reading batches back beside the writer."""

import pytest

from persistence import reader, record
from persistence.reader import Blob
from persistence.record import Damaged
from tests.unit.persistence.kit import Database


def fetched(database: Database, *numbers: int) -> list[Blob]:
    """What the reader gives for these batches."""
    found: list[list[Blob]] = []
    database.commit.reader.fetch(numbers, found.append)
    while not found:
        database.step()
    return found[0]


def test_batches_come_in_the_order_asked_for(database: Database):
    for body in (b"one", b"two"):
        database.publish(1, body=body)
        database.written()
    second, first = fetched(database, 2, 1)
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    places = [record.place(number, 1) for number in (1, 2)]
    found = zip((first, second), places, strict=True)
    assert [record.decode(blob, (), place)[0].body for blob, place in found] == [b"one", b"two"]


def test_no_thread_before_the_first_read(database: Database):
    assert database.commit.reader._thread is None


def test_a_missing_batch_and_a_damaged_one(database: Database):
    database.publish(1)
    database.written()
    database.change("UPDATE batch SET data = x'0011' WHERE id = 1")
    damaged, missing = fetched(database, 1, 99)
    assert isinstance(damaged, Damaged)
    assert isinstance(missing, Damaged)
    assert str(missing) == "it is missing"


def test_it_does_not_wait_for_a_commit(database: Database):
    database.publish(1)
    database.written()
    with database.engine.connect() as writing:
        writing.exec_driver_sql("BEGIN IMMEDIATE")
        assert isinstance(fetched(database, 1)[0], bytes)


def test_it_tries_again(database: Database, caplog: pytest.LogCaptureFixture):
    database.publish(1)
    database.written()
    database.change("ALTER TABLE batch RENAME TO elsewhere")
    found: list[list[Blob]] = []
    database.commit.reader.fetch([1], found.append)
    database.step()
    assert "refuses to be read, trying again" in caplog.text
    database.change("ALTER TABLE elsewhere RENAME TO batch")
    database.clock.advance(reader.RETRY)
    database.step()
    assert isinstance(found[0][0], bytes)
