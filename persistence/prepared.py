"""The few statements of every commit, compiled once and run on the driver's own cursor.

Here: that shortcut, for drivers with positional parameters.  Not here: any
statement; they are SQLAlchemy's, and where the shortcut does not fit they are
executed the usual way.

Worth it because a commit of one message spent 80 us of 250 in the layers
between, all of it while holding the interpreter (measured, fsync included).
"""

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
        if connection.dialect is not self._dialect:
            self._compile(connection.dialect)
        names = self._names
        if names is None:
            connection.execute(self.statement, parameters)
            return
        rows = parameters if isinstance(parameters, list) else [parameters]
        values = [tuple([row[name] for name in names]) for row in rows]
        cursor = connection.connection.cursor()
        if len(values) == 1:
            cursor.execute(self._sql, values[0])
        else:
            cursor.executemany(self._sql, values)
        cursor.close()

    def _compile(self, dialect: Dialect) -> None:
        compiled = self.statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self._dialect = dialect
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup) if compiled.positional else None
