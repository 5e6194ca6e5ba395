"""Group commit: gather, write in one piece, wake those who wait.

Here: what goes into one commit and in which order, the writer's thread, what
happens when the disk refuses.  Not here: how rows look (record.py) and what
they mean.

While one commit is on the disk the next one gathers.  Rows are made on the
loop's thread at the moment of the kick, so no settlement can come between;
the thread runs a handful of statements and nothing else (DESIGN decision 7).
"""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select
from sqlalchemy.sql.base import Executable

from persistence import schema

if TYPE_CHECKING:
    from persistence.message_log import MessageLog

logger = logging.getLogger("leveret.commit")

# Settlements alone are not worth a commit until this much later (seconds).
QUIET = 0.1
FIRST_RETRY, LAST_RETRY = 0.2, 5.0

_INSERT_BATCH = insert(schema.batch)
_INSERT_SETTLED = insert(schema.settled)
_DELETE_SETTLED = delete(schema.settled).where(
    schema.settled.c.batch_id.between(bindparam("first"), bindparam("last"))
)
_DELETE_BATCH = delete(schema.batch).where(
    schema.batch.c.id.between(bindparam("first"), bindparam("last"))
)

Parameters = dict[str, Any] | list[dict[str, Any]]


class Timers(Protocol):
    """What the commit needs of the clock."""

    def monotonic(self) -> float: ...
    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Any: ...


class _Work:
    """One commit: statements in order, and who waits for it."""

    __slots__ = ("number", "size", "statements", "waiters")

    def __init__(self, number: int, waiters: list[Callable[[], None]]) -> None:
        self.number = number
        self.waiters = waiters
        self.statements: list[tuple[Executable, Parameters]] = []
        self.size = 0


class GroupCommit:
    """The one writer of a database.

    `sequence` rises with every definition change; `done` is the number of the
    last finished commit; `kick_needed` says that something waits to be written;
    `failing` is why the disk refuses at the moment, else None.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Timers,
        call_soon_threadsafe: Callable[..., object],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._call_soon = call_soon_threadsafe
        self._work: SimpleQueue[_Work | Callable[[Connection], None] | None] = SimpleQueue()
        self._definitions: list[tuple[Executable, Parameters]] = []
        self._waiters: list[Callable[[], None]] = []
        self._number = 1
        self._running: _Work | None = None
        self._retry = FIRST_RETRY
        self._settling = False
        self._settlements_due = 0.0
        self.logs: list[MessageLog] = []
        self.on_done: list[Callable[[int], None]] = []
        self.sequence = 0
        self.done = 0
        self.kick_needed = False
        self.failing: str | None = None
        self._last_batch_id = self._highest_batch()
        self._thread = threading.Thread(target=self._write, name="leveret-writer", daemon=True)
        self._thread.start()

    def _highest_batch(self) -> int:
        with self._engine.connect() as connection:
            highest = connection.execute(select(func.max(schema.batch.c.id))).scalar()
        return int(highest or 0)

    def next_batch_id(self) -> int:
        """Ids only grow, across restarts too."""
        self._last_batch_id += 1
        return self._last_batch_id

    # -- what goes in --------------------------------------------------------------------

    def execute(self, statement: Executable, parameters: Parameters) -> None:
        """A change of definitions for the next commit."""
        self._definitions.append((statement, parameters))
        self.sequence += 1
        self.kick_needed = True

    def mark(self) -> int:
        """The number of the commit that will hold all that was gathered until now."""
        return self._number

    def after(self, callback: Callable[[], None]) -> None:
        """Calls `callback` on the loop once all that was gathered until now is on the disk."""
        self._waiters.append(callback)
        self.kick_needed = True

    def note_settlements(self) -> None:
        """There are settlements: they ride with the next commit, or go after a while."""
        if not self._settling:
            self._settling = True
            self._settlements_due = self._clock.monotonic() + QUIET
            self._clock.call_later(QUIET, self._settle_anyway)

    def _settle_anyway(self) -> None:
        if self._settling:
            self.kick_needed = True
            self.kick()

    @property
    def bytes_waiting(self) -> int:
        """Roughly what the messages that are not on the disk yet take."""
        waiting = self._running.size if self._running is not None else 0
        for log in self.logs:
            waiting += log.gathering.size + sum(batch.size for batch in log.sealed)
        return waiting

    # -- one commit after the other ------------------------------------------------------

    def kick(self) -> None:
        """Starts a commit of what was gathered, unless one is under way."""
        if self._running is not None or not self.kick_needed:
            return
        work = self._gather()
        self._running = work
        if work.statements:
            self._work.put(work)
        else:
            self._call_soon(self._finished, work)

    def _gather(self) -> _Work:
        self.kick_needed = False
        work = _Work(self._number, self._waiters)
        self._number += 1
        self._waiters = []
        statements, self._definitions = self._definitions, []
        partly = self._clock.monotonic() >= self._settlements_due
        rows: list[dict[str, Any]] = []
        dead: list[int] = []
        dirty: list[dict[str, Any]] = []
        for log in self.logs:
            made, size = log.take_rows()
            rows += made
            work.size += size
            dead += log.take_dead()
            # Rows that will soon be written again, or not at all, are not worth it each time.
            if partly or log.urgent:
                dirty += log.take_dirty()
        if rows:
            statements.append((_INSERT_BATCH, rows))
        if dirty:
            changed = _ranges([row["batch_id"] for row in dirty])
            statements.append((_DELETE_SETTLED, changed))
            statements.append((_INSERT_SETTLED, dirty))
        if dead:
            ranges = _ranges(dead)
            statements.append((_DELETE_SETTLED, ranges))
            statements.append((_DELETE_BATCH, ranges))
        if partly:
            self._settling = False
        work.statements = statements
        return work

    def _finished(self, work: _Work) -> None:
        self._running = None
        self._retry = FIRST_RETRY
        if self.failing is not None:
            logger.warning("the database takes writes again")
            self.failing = None
        self.done = work.number
        for callback in work.waiters:
            callback()
        for listener in self.on_done:
            listener(work.number)
        if self.kick_needed:
            self.kick()
        elif any(log.dirty or log.dead for log in self.logs):
            self.note_settlements()

    def _failed(self, work: _Work, error: Exception) -> None:
        reason = str(error).partition("\n")[0]
        if self.failing is None:
            logger.error("the database refuses to write, trying again: %s", reason)
        self.failing = reason
        self._clock.call_later(self._retry, self._work.put, work)
        self._retry = min(self._retry * 2, LAST_RETRY)

    # -- the writer's thread -------------------------------------------------------------

    def _write(self) -> None:
        connection: Connection | None = None
        while (work := self._work.get()) is not None:
            try:
                if connection is None:
                    connection = self._engine.connect()
                if not isinstance(work, _Work):
                    work(connection)
                    continue
                with connection.begin():
                    for statement, parameters in work.statements:
                        connection.execute(statement, parameters)
            except Exception as error:
                if not isinstance(work, _Work):
                    logger.exception("maintenance of the database failed")
                    continue
                if connection is not None:
                    connection.invalidate()
                    connection.close()
                    connection = None
                self._report(self._failed, work, error)
            else:
                self._report(self._finished, work)
        if connection is not None:
            connection.close()

    def _report(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            self._call_soon(callback, *arguments)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more

    # -- the end -------------------------------------------------------------------------

    def flush(self) -> None:
        """Has all settlements written with the next commit, and kicks it."""
        self._settlements_due = 0.0
        self.kick_needed = True
        self.kick()

    def close(self) -> None:
        """Ends the writer's thread once it has done what it was given."""
        self._work.put(_shrink)
        self._work.put(None)
        self._thread.join()


def _shrink(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA incremental_vacuum")
        connection.commit()
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.commit()


def _ranges(ids: list[int]) -> list[dict[str, Any]]:
    # Batches die roughly in the order in which they were born: few statements do.
    ids.sort()
    ranges: list[dict[str, Any]] = []
    for number in ids:
        if ranges and number <= ranges[-1]["last"] + 1:
            ranges[-1]["last"] = number
        else:
            ranges.append({"first": number, "last": number})
    return ranges
