"""The write-ahead log is moved beside the writer, and begins anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import pytest
from sqlalchemy import Connection

from persistence import checkpoints, schema
from persistence import engine as engines
from persistence.checkpoints import LONG, Checkpoints

PATIENCE = 10


class Site:
    """A database with a writer's connection, and the jobs that it is to do."""

    def __init__(self, path, connection: Connection) -> None:
        self.log = path.with_name("test.db-wal")
        self.connection = connection
        self.jobs: SimpleQueue[checkpoints.Job] = SimpleQueue()
        self.checkpoints = Checkpoints(connection.engine, self.jobs.put)

    def write(self, number: int, size: int = 1000) -> None:
        row = {"id": number, "vhost_id": 1, "data": bytes(size)}
        self.connection.execute(schema.batch.insert(), row)
        self.connection.commit()

    def do(self) -> None:
        """The next job; waits for it."""
        self.jobs.get(timeout=PATIENCE)(self.connection)


@contextmanager
def opened_site(path) -> Iterator[Site]:
    engine = engines.open_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        site = Site(path, connection)
        yield site
        site.checkpoints.close(PATIENCE)
    engine.dispose()


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    with opened_site(tmp_path / "test.db") as site:
        yield site


def test_a_long_log_is_moved_and_begins_anew(site):
    site.write(1, 400_000)
    size = site.log.stat().st_size
    site.checkpoints.wrote(LONG)
    site.write(2)  # while it is moved
    site.do()

    site.write(3, 300_000)

    assert site.log.stat().st_size < size + 100_000


def test_a_short_log_is_left_alone(site):
    site.checkpoints.wrote(LONG - 1)
    assert site.jobs.empty()

    site.checkpoints.committed(checkpoints._PAGE)

    site.do()


def test_it_is_moved_once_at_a_time(site):
    site.checkpoints.wrote(LONG)
    site.checkpoints.wrote(LONG)
    site.do()
    site.checkpoints.close(PATIENCE)

    assert site.jobs.empty()


def test_an_error_is_met_by_the_writer_and_the_next_log_is_moved(site, monkeypatch):
    def refuse(_: Connection) -> int:
        raise OSError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(engines, "move_log", refuse)
        site.checkpoints.wrote(LONG)
        with pytest.raises(OSError, match="no space"):
            site.do()
    site.checkpoints.wrote(LONG)

    site.do()


def test_what_comes_meanwhile_is_moved_until_it_is_little(site, monkeypatch):
    moved = iter([2000, 2500, 2600, 2603, 2604])
    monkeypatch.setattr(engines, "move_log", lambda _: next(moved))
    site.checkpoints.wrote(LONG)
    site.do()

    assert list(moved) == []


def test_a_writer_that_is_too_fast_is_not_chased_for_ever(site, monkeypatch):
    moved = iter(range(0, 1_000_000, 1000))
    monkeypatch.setattr(engines, "move_log", lambda _: next(moved))
    site.checkpoints.wrote(LONG)
    site.do()

    assert next(moved) == 1000 * (checkpoints.CHASES + 2)


def test_commits_have_their_log_moved(database, monkeypatch):
    monkeypatch.setattr(checkpoints, "LONG", 100)
    log = database.path.with_name("test.db-wal")
    database.publish(1, body=bytes(600_000))
    database.written()
    database.step()  # the writer's part of it
    size = log.stat().st_size
    database.publish(2, body=bytes(300_000))
    database.written()

    assert log.stat().st_size == size


def test_a_move_beside_another_leaves_it_alone(site):
    site.write(1)
    with site.connection.engine.connect() as other:
        other.exec_driver_sql("PRAGMA busy_timeout=0")
        site.connection.exec_driver_sql("BEGIN IMMEDIATE")
        assert engines.move_log(other) >= 0
        site.connection.rollback()
