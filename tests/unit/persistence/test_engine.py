"""Opening, refusing and shrinking a database."""

import sqlite3
import subprocess
import sys

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from persistence import engine as engines
from persistence import schema
from persistence.refusals import NewerSchema


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'test.db'}"


def test_a_new_database_has_all_tables_and_is_safe(url):
    engine = engines.open_engine(url)
    with engine.connect() as connection:
        ask = lambda pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()  # noqa: E731
        assert ask("journal_mode") == "wal"
        assert ask("synchronous") == 2
        assert ask("fullfsync") == 1
        assert ask("checkpoint_fullfsync") == 1
        assert ask("page_size") == 4096
        assert ask("auto_vacuum") == 2
        for table in schema.metadata.tables.values():
            rows = connection.execute(select(table)).all()
            assert rows == (
                [("schema_version", str(schema.VERSION))] if table is schema.meta else []
            )
    engine.dispose()


def test_a_newer_schema_is_refused(url):
    engine = engines.open_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE meta SET value = '99'")
    engine.dispose()

    with pytest.raises(NewerSchema, match="version 99"):
        engines.open_engine(url)


@pytest.mark.parametrize("lost", ["DELETE FROM meta", "DROP TABLE binding; DELETE FROM meta"])
def test_a_first_start_that_was_cut_short_is_completed(url, tmp_path, lost):
    engines.open_engine(url).dispose()
    broken = sqlite3.connect(tmp_path / "test.db")
    broken.executescript(lost)
    broken.close()

    engine = engines.open_engine(url)

    with engine.connect() as connection:
        assert connection.execute(select(schema.meta.c.value)).scalar_one() == str(schema.VERSION)
        assert connection.execute(select(schema.binding)).all() == []
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["postgresql://host:port/name", "no url", "sqlite://", "sqlite:///:memory:"]
)
def test_what_names_no_file(url):
    assert engines.sqlite_file(url) is None


def test_shrinking_goes_in_steps_to_the_end(url, tmp_path):
    engine = engines.open_engine(url)
    with engine.connect() as connection:
        for number in range(20):
            row = {"id": number, "vhost_id": 1, "data": bytes(100_000)}
            connection.execute(schema.batch.insert(), row)
        connection.execute(schema.batch.delete())
        connection.commit()
        engines.checkpoint(connection)
        full = (tmp_path / "test.db").stat().st_size
        steps = 1
        while engines.shrink(connection, 50):
            steps += 1
        engines.checkpoint(connection)
    engine.dispose()

    assert steps > 2
    assert (tmp_path / "test.db").stat().st_size < full / 5


def refused(code):
    error = sqlite3.OperationalError("refused")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_FULL])
def test_mending_leaves_nothing_in_the_write_ahead_log(url, tmp_path, code):
    engine = engines.open_engine(url)
    with engine.connect() as connection:
        connection.execute(schema.batch.insert(), {"id": 1, "vhost_id": 1, "data": b"x"})
        connection.commit()
        assert (tmp_path / "test.db-wal").stat().st_size > 0
        engines.mend(connection, refused(code))
        assert (tmp_path / "test.db-wal").stat().st_size == 0
        assert connection.execute(select(schema.batch.c.id)).scalar_one() == 1
    engine.dispose()


def test_a_doubtful_log_that_cannot_be_emptied_is_not_written_to(url, monkeypatch):
    monkeypatch.setattr(engines, "SQLITE_PRAGMAS", (*engines.SQLITE_PRAGMAS, "busy_timeout=0"))
    engine = engines.open_engine(url)
    with engine.connect() as reader, engine.connect() as connection:
        reader.exec_driver_sql("BEGIN")
        reader.execute(select(schema.meta)).all()
        connection.execute(schema.batch.insert(), {"id": 1, "vhost_id": 1, "data": b"x"})
        connection.commit()
        with pytest.raises(OSError, match="a reader keeps"):
            engines.mend(connection, refused(sqlite3.SQLITE_IOERR))
        engines.mend(connection, refused(sqlite3.SQLITE_FULL))
        reader.rollback()
        engines.mend(connection, refused(sqlite3.SQLITE_IOERR))
    engine.dispose()


def test_every_connection_is_as_safe_as_the_first(url):
    engines.open_engine(url).dispose()
    engine = engines.open_engine(url)
    for _ in range(2):
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


def test_the_driver_that_a_url_names_may_be_the_asynchronous_one(url):
    engine = engines.open_engine(url.replace("sqlite:", "sqlite+aiosqlite:"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


async def test_the_reader_reads_the_same_beside_the_writer(url):
    engine = engines.open_engine(url)
    reader = engines.open_reader(url)
    row = {"id": 1, "vhost_id": 2, "data": b"\x00\xff"}
    with engine.connect() as writing:
        writing.execute(schema.batch.insert(), row)
        async with reader.connect() as connection:
            assert (await connection.execute(select(schema.batch))).all() == []
        writing.commit()
        async with reader.connect() as connection:
            assert (await connection.execute(select(schema.batch))).all() == [
                (1, 2, None, b"\x00\xff")
            ]
            assert (await connection.execute(select(schema.meta.c.value))).scalar_one() == str(
                schema.VERSION
            )
            with pytest.raises(OperationalError, match="readonly"):
                await connection.execute(schema.batch.delete())
    await reader.dispose()
    engine.dispose()


def test_the_async_engine_is_not_imported_until_asked_for():
    script = "import sys, persistence.commit, persistence.definition_store, persistence.engine;"
    script += "sys.exit('sqlalchemy.ext.asyncio' in sys.modules or 'sqlalchemy.orm' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
