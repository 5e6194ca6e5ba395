"""The few statements of every commit, compiled once and run on the driver's own cursor.

Here: that shortcut, for drivers with positional parameters.  Not here: any
statement; they are SQLAlchemy's, and where the shortcut does not fit they are
executed the usual way.

Worth it because a commit of one message spent 80 us of 250 in the layers
between, all of it while holding the interpreter (measured, fsync included).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.base import Executable

Parameters = dict[str, Any] | list[dict[str, Any]]


class Prepared:
    """One statement; `execute` raises the driver's own errors, not SQLAlchemy's."""

    __slots__ = ("_dialect", "_names", "_sql", "statement")

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._dialect: Dialect | None = None
        self._sql = ""
        self._names: tuple[str, ...] | None = None

    def execute(self, connection: Connection, parameters: Parameters) -> None:
        """Runs it once, or once for each of several sets of parameters."""
        if self.fits(connection.dialect):
            cursor = connection.connection.cursor()
            self.run(cursor, parameters)
            cursor.close()
        else:
            connection.execute(self.statement, parameters)

    def fits(self, dialect: Dialect) -> bool:
        """Whether the driver takes positional parameters."""
        if dialect is not self._dialect:
            self._compile(dialect)
        return self._names is not None

    def run(self, cursor: Any, parameters: Parameters) -> None:
        """As `execute`, on a cursor of a driver for which it `fits`."""
        names = self._names
        assert names is not None  # it was asked whether it fits
        rows = parameters if isinstance(parameters, list) else [parameters]
        values = [tuple([row[name] for name in names]) for row in rows]
        if len(values) == 1:
            cursor.execute(self._sql, values[0])
        else:
            cursor.executemany(self._sql, values)

    def _compile(self, dialect: Dialect) -> None:
        compiled = self.statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self._dialect = dialect
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup) if compiled.positional else None


def run_together(connection: Connection, statements: Sequence[tuple[Any, Parameters]]) -> None:
    """Prepared statements in one transaction of their own, all or nothing."""
    dialect = connection.dialect
    if not all(statement.fits(dialect) for statement, _ in statements):
        with connection.begin():
            for statement, parameters in statements:
                statement.execute(connection, parameters)
        return
    raw = connection.connection
    try:
        cursor = raw.cursor()
        for statement, parameters in statements:
            statement.run(cursor, parameters)
        cursor.close()
        dialect.do_commit(raw)
    except BaseException:
        dialect.do_rollback(raw)
        raise
