"""PostgreSQL in SQLite's place: which driver, how a session is set, one broker to a database.

Here: all that only PostgreSQL needs.  Not here: what is stored, which is the
same everywhere.  Imported only for a URL that names PostgreSQL.

The writer is one thread that waits for each commit, so its driver is psycopg
whatever the URL names; asyncpg is for reading beside it.
"""

import logging
from secrets import token_hex
from typing import Any

from sqlalchemy import URL, Connection, Engine, delete, event, func, insert, select
from sqlalchemy.exc import DBAPIError

from persistence import schema
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
# The row of table meta that names the broker which had that lock last.
_WRITER = "writer"
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


def lock(connection: Connection) -> None:
    """Keeps other brokers away until this session ends; raises DatabaseInUse."""
    try:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}s'")
        connection.execute(select(func.pg_advisory_lock(_LOCK)))
        connection.commit()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise DatabaseInUse("cannot use the database: another broker uses it") from None


class Claim:
    """One broker's right to write, over all sessions of its writer."""

    def __init__(self) -> None:
        self._token = token_hex(16)
        self._taken = self._lost = False

    def take(self, connection: Connection) -> None:
        """Locks the database for this session; raises DatabaseInUse.

        Also when another broker had it since the last session ended: what this one has in memory
        is not what is stored any more, and it would write over that.
        """
        lock(connection)
        same = schema.meta.c.key == _WRITER
        if not self._taken:
            connection.execute(delete(schema.meta).where(same))
            connection.execute(insert(schema.meta).values(key=_WRITER, value=self._token))
        elif connection.execute(select(schema.meta.c.value).where(same)).scalar() != self._token:
            reason = "another broker has used the database meanwhile: restart this one"
            if not self._lost:
                logger.error(reason)
            self._lost = True
            raise DatabaseInUse(reason)
        connection.commit()
        self._taken = True


def warn_of_no_sync(connection: Connection) -> None:
    """Says so where the server does not sync: no setting of a session can make up for it."""
    if connection.exec_driver_sql("SHOW fsync").scalar() == "off":
        logger.warning("the database server runs with fsync=off: no confirm survives a power cut")
    connection.rollback()
