"""PostgreSQL in SQLite's place: which driver, how a session is set, one broker to a database.

Here: all that only PostgreSQL needs.  Not here: what is stored, which is the
same everywhere.  Imported only for a URL that names PostgreSQL.

The writer is one thread that waits for each commit, so its driver is psycopg
whatever the URL names; asyncpg is for reading beside it.
"""

import logging
from typing import Any

from sqlalchemy import URL, Connection, Engine, event, func, select
from sqlalchemy.exc import DBAPIError

from persistence.refusals import DatabaseInUse

logger = logging.getLogger("leveret.database")

# What of libpq's the URL may set otherwise.  A server that is gone without a word is given up
# after half a minute; a commit that takes long is not, as long as its machine answers.
_CONNECTING = {
    "application_name": "leveret",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "target_session_attrs": "read-write",
}
# Parameters that SQLAlchemy's asyncpg knows, and libpq does not.
_ASYNCPG_ONLY = ("prepared_statement_cache_size", "prepared_statement_name_func")
# A confirm means the disk; and the server is to notice when the broker's machine is gone.
_SESSION = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'",
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)
# The advisory lock of the one broker that writes; its name in ASCII.
_LOCK = 0x6C657665726574
# Seconds that a new broker waits for the session of one that was killed to end.
_PATIENCE = 5
_LOCK_NOT_AVAILABLE = "55P03"


def writer_url(url: URL) -> URL:
    """The URL for the synchronous engine."""
    query: dict[str, Any] = {k: v for k, v in url.query.items() if k not in _ASYNCPG_ONLY}
    if "ssl" in query:
        query["sslmode"] = query.pop("ssl")
    return url.set(drivername="postgresql+psycopg", query=_CONNECTING | query)


def reader_url(url: URL) -> URL:
    """The URL for the asynchronous engine."""
    query: dict[str, Any] = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


def set_sessions(engine: Engine) -> None:
    """Makes every connection of the engine as safe as the writer's must be."""
    event.listen(engine, "connect", _set_session)


def _set_session(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for statement in _SESSION:
        cursor.execute(statement)
    cursor.close()
    connection.commit()


def allow_reading_only(connection: Any, _record: object) -> None:
    """A listener for new connections of the asynchronous engine."""
    cursor = connection.cursor()
    cursor.execute("SET default_transaction_read_only = on")
    cursor.close()
    connection.commit()


def claim(connection: Connection) -> None:
    """Takes the database for this session, until it ends; raises DatabaseInUse."""
    try:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}s'")
        connection.execute(select(func.pg_advisory_lock(_LOCK)))
        connection.commit()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise DatabaseInUse("cannot use the database: another broker uses it") from None


def warn_of_no_sync(connection: Connection) -> None:
    """Says so where the server does not sync: no setting of a session can make up for it."""
    if connection.exec_driver_sql("SHOW fsync").scalar() == "off":
        logger.warning("the database server runs with fsync=off: no confirm survives a power cut")
    connection.rollback()
