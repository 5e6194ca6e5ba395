"""The database: engine, pragmas, creation, versions.

The synchronous engine serves the one writer's thread and the reading at
start.  The async engine is made only on demand: importing it costs 6.4 MiB
resident and 80 ms, a tenth of the idle memory and of the time to start.
"""

import logging
from contextlib import suppress
from pathlib import Path
from sqlite3 import SQLITE_IOERR
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from persistence import schema
from persistence.refusals import DriverMissing, NewerSchema

logger = logging.getLogger("leveret.database")

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from persistence.postgresql import Claim

_BUSY_TIMEOUT = 5000

# For a file that is made; later they would cost every connection a write.
SQLITE_NEW_FILE = ("page_size=4096", "auto_vacuum=INCREMENTAL")
# Measured with commits of one message and of thousands: see docs/performance.md.  The commit
# that fills wal_autocheckpoint pages copies them, which takes tens of milliseconds: it is only for
# where checkpoints.py does not get to it in time.  fullfsync is for macOS, where fsync alone
# leaves data in the drive's cache.  Debian's SQLite writes zeros over all that is freed: that would
# put every message into the log twice.
SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "fullfsync=ON",
    "checkpoint_fullfsync=ON",
    "wal_autocheckpoint=8000",
    "secure_delete=FAST",
    "journal_size_limit=16777216",
    f"busy_timeout={_BUSY_TIMEOUT}",
    "cache_size=-8192",
)


def open_engine(url: str) -> Engine:
    """The engine for a SQLAlchemy URL, its tables made if they are missing.

    Raises DatabaseRefused, and SQLAlchemy's errors where the database cannot be used.
    """
    engine = _make(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    if engine.dialect.name != "postgresql":
        _prepare(engine)
        return engine
    from persistence import postgresql

    with engine.connect() as connection:
        postgresql.lock(connection)  # nobody else makes or upgrades the tables meanwhile
        _prepare(engine)
        postgresql.warn_of_no_sync(connection)
    return engine


def sqlite_file(url: str | URL) -> Path | None:
    """The file that a SQLAlchemy URL names, None where that is no file of SQLite's."""
    try:
        location = make_url(url)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        return None
    if location.get_backend_name() != "sqlite" or location.database in (None, "", ":memory:"):
        return None
    return Path(str(location.database))


def _make(url: str) -> Engine:
    try:
        location = make_url(url)
        if location.drivername == "sqlite+aiosqlite":
            location = location.set(drivername="sqlite")
        if location.get_backend_name() != "postgresql":
            return create_engine(location, poolclass=NullPool)
        from persistence import postgresql  # only for those who have it

        engine = create_engine(postgresql.writer_url(location), poolclass=NullPool)
        postgresql.set_sessions(engine)
        return engine
    except ImportError as error:
        hint = ": pip install 'leveret[postgresql]'" if error.name == "psycopg" else ""
        raise DriverMissing(f"cannot use the database: {error}{hint}") from None
    except ValueError:
        # Not with the text of the error, which may hold a part of the URL.
        raise DriverMissing("cannot use the database: its URL is not valid") from None


def new_claim(engine: Engine) -> "Claim | None":
    """What keeps other brokers from writing; None for SQLite, whose data directory is locked."""
    if engine.dialect.name != "postgresql":
        return None
    from persistence import postgresql

    return postgresql.Claim()


def connect_writer(engine: Engine, claim: "Claim | None") -> Connection:
    """A connection that may write until it is closed; raises DatabaseInUse."""
    connection = engine.connect()
    if claim is not None:
        try:
            claim.take(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(url: str) -> "AsyncEngine":
    """An async engine on the same database, for reading beside the writer."""
    from sqlalchemy.ext.asyncio import create_async_engine

    location = make_url(url)
    if location.get_backend_name() == "postgresql":
        from persistence import postgresql

        engine = create_async_engine(postgresql.reader_url(location))
        event.listen(engine.sync_engine, "connect", postgresql.allow_reading_only)
        return engine
    if location.drivername == "sqlite":
        location = location.set(drivername="sqlite+aiosqlite")
    engine = create_async_engine(location)
    if location.drivername.startswith("sqlite"):
        event.listen(engine.sync_engine, "connect", _allow_reading_only)
    return engine


def _allow_reading_only(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT}")
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()


def only_for_reading(connection: Connection) -> None:
    """Makes a connection of the writer's engine one that reads large rows, each of them once."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only=ON")
        connection.exec_driver_sql("PRAGMA cache_size=-1024")
        connection.rollback()


def _set_pragmas(connection: Any, _record: object) -> None:
    new = connection.execute("PRAGMA page_count").fetchone() == (0,)
    for pragma in (*SQLITE_NEW_FILE, *SQLITE_PRAGMAS) if new else SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _prepare(engine: Engine) -> None:
    with engine.begin() as connection:
        found = _version(connection)
        if found is None:
            # Also what a crash within the first start left: the version is written last.
            schema.metadata.create_all(connection)
            values = {"key": "schema_version", "value": str(schema.VERSION)}
            connection.execute(insert(schema.meta).values(values))
            return
    if found < schema.VERSION:
        _upgrade(engine, found)
    if found > schema.VERSION:
        raise NewerSchema(
            f"the database has schema version {found}, this Leveret knows {schema.VERSION}: "
            "start it with the version that wrote it, or a later one"
        )


def _upgrade(engine: Engine, found: int) -> None:
    from persistence import migrations  # Alembic: only for those who need it

    logger.info("upgrading the database from schema version %d to %d", found, schema.VERSION)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # The driver would begin with the first change of a row, too late for those of tables.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        migrations.upgrade(connection, found)


def _version(connection: Connection) -> int | None:
    if not inspect(connection).has_table("meta"):
        return None
    wanted = select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")
    found = connection.execute(wanted).scalar()
    return None if found is None else int(found)


def shrink(connection: Connection, pages: int) -> bool:
    """Gives up to `pages` free pages of a SQLite file back; True if more are left."""
    free = free_pages(connection)
    if free:
        # Not execute: the driver would step it once, and so free a single page.
        driver: Any = connection.connection.driver_connection
        driver.executescript(f"PRAGMA incremental_vacuum({pages})")
    return free > pages


def checkpoint(connection: Connection) -> None:
    """Empties the write-ahead log of SQLite, unless a reader is in the way."""
    if connection.dialect.name == "sqlite":
        # Waiting for a reader would hold up the commits behind.
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        # The file stays as long as it is: writing over blocks that are there already is a third
        # quicker to sync than writing new ones.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)")
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_TIMEOUT}")
        connection.commit()


def move_log(connection: Connection) -> int:
    """Moves what it can of SQLite's write-ahead log into the database, and lets others write.

    Returns how many of its pages are in the database now, -1 where somebody else is about it.
    """
    _, _, moved = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
    connection.rollback()
    return int(moved)


def discard(connection: Connection | None) -> None:
    """Lets go of a connection on which something failed; never raises."""
    if connection is not None:
        with suppress(Exception):
            connection.invalidate()
            connection.close()


def mend(connection: Connection, error: Exception) -> None:
    """Makes the database fit for writing again after `error`; raises while it is not.

    When a sync has failed, the system may have dropped what was to be written and remember it as
    written: the next sync succeeds without it.  Nothing may be added to a write-ahead log of which
    a part may be missing, so all of it moves to the database, which is written afresh and synced.
    """
    if connection.dialect.name != "sqlite":
        return
    cause = getattr(error, "orig", None) or error
    doubtful = getattr(cause, "sqlite_errorcode", 0) & 0xFF == SQLITE_IOERR
    try:
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
    except DBAPIError:
        # On a full disk there may be no room for that, but there may be for a small commit.
        if doubtful:
            raise
        busy = False
    connection.rollback()
    if busy and doubtful:
        raise OSError("a reader keeps the write-ahead log from being emptied")


def free_pages(connection: Connection) -> int:
    """Pages of a SQLite file that hold nothing; 0 for other databases."""
    if connection.dialect.name != "sqlite":
        return 0
    free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    connection.commit()
    return int(free)
