"""The database: engine, pragmas, creation, versions.

The synchronous engine serves the one writer's thread and the reading at
start.  The async engine is made only on demand: importing it costs 6.4 MiB
resident and 80 ms, a tenth of the idle memory and of the time to start.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from persistence import schema

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

# Measured with commits of one message and of thousands: see docs/performance.md.
SQLITE_PRAGMAS = (
    "page_size=8192",
    "auto_vacuum=INCREMENTAL",
    "journal_mode=WAL",
    "synchronous=FULL",
    "wal_autocheckpoint=4000",
    "journal_size_limit=67108864",
    "busy_timeout=5000",
    "cache_size=-8192",
)


class NewerSchema(Exception):
    """The database was written by a later version of Leveret; args[0] says so to the user."""


def open_engine(url: str) -> Engine:
    """The engine for a SQLAlchemy URL, its tables made if they are missing.

    Raises NewerSchema, and SQLAlchemy's errors where the database cannot be used.
    """
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    _prepare(engine)
    return engine


def open_reader(url: str) -> "AsyncEngine":
    """An async engine on the same database, for reading beside the writer."""
    from sqlalchemy.ext.asyncio import create_async_engine

    location = make_url(url)
    if location.drivername == "sqlite":
        location = location.set(drivername="sqlite+aiosqlite")
    return create_async_engine(location)


def _set_pragmas(connection: Any, _record: object) -> None:
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _prepare(engine: Engine) -> None:
    with engine.begin() as connection:
        if not inspect(connection).has_table("meta"):
            schema.metadata.create_all(connection)
            values = {"key": "schema_version", "value": str(schema.VERSION)}
            connection.execute(insert(schema.meta).values(values))
            return
        wanted = select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")
        found = int(connection.execute(wanted).scalar_one())
    if found > schema.VERSION:
        raise NewerSchema(
            f"the database has schema version {found}, this Leveret knows {schema.VERSION}: "
            "start it with the version that wrote it, or a later one"
        )
