"""One commit: its statements in order, and how it is written.

Here: which statements a commit needs, making it safe to repeat, leaving out
what can never be written.  Not here: when it is written and who waits
(commit.py).
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, delete, insert
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.sql.base import Executable

from persistence import schema
from persistence.prepared import Parameters, Prepared, run_together

if TYPE_CHECKING:
    from persistence.message_log import Gathered, MessageLog

logger = logging.getLogger("leveret.commit")

_INSERT_BATCH = Prepared(insert(schema.batch))
_INSERT_SETTLED = Prepared(insert(schema.settled))
_DELETE_SETTLED = Prepared(
    delete(schema.settled).where(
        schema.settled.c.batch_id.between(bindparam("first"), bindparam("last"))
    )
)
_DELETE_BATCH = Prepared(
    delete(schema.batch).where(schema.batch.c.id.between(bindparam("first"), bindparam("last")))
)

Statement = tuple[Executable | Prepared, Parameters]
# What is written together or not at all.
Change = tuple[Statement, ...]


class Work:
    """One commit: `number`, who waits for it, about how many bytes of messages it holds.

    `batches` are those it writes, by log; `settled` is the size of its rows of settlements.
    """

    __slots__ = (
        "_changes",
        "_reached",
        "batches",
        "number",
        "settled",
        "size",
        "statements",
        "waiters",
    )

    def __init__(
        self, number: int, changes: list[Change], waiters: list[Callable[[], None]]
    ) -> None:
        self.number = number
        self.waiters = waiters
        self.batches: list[tuple[MessageLog, list[Gathered]]] = []
        self.size = self.settled = 0
        self.statements: list[Statement] = [each for change in changes for each in change]
        self._changes = changes
        self._reached = 0

    def add(
        self,
        batches: list[dict[str, Any]],
        settled: list[dict[str, Any]],
        dead: list[int],
    ) -> None:
        """Rows of new batches, rows that replace those of `settled`, ids of batches to delete."""
        statements = self.statements
        if batches:
            statements.append((_INSERT_BATCH, batches))
        if settled:
            changed = _ranges([row["batch_id"] for row in settled])
            statements.append((_DELETE_SETTLED, changed))
            statements.append((_INSERT_SETTLED, settled))
            self.settled = sum([len(row["data"]) for row in settled])
        if dead:
            statements += deletions(dead)

    def perform(self, connection: Connection) -> None:
        """Writes it all in one transaction; raises what the database raises."""
        self._reached = 0
        if all(isinstance(statement, Prepared) for statement, _ in self.statements):
            run_together(connection, self.statements)
            return
        with connection.begin():
            for statement, parameters in self.statements:
                if isinstance(statement, Prepared):
                    statement.execute(connection, parameters)
                else:
                    connection.execute(statement, parameters)
                self._reached += 1

    def leave_out(self, error: Exception) -> bool:
        """Drops the change of definitions that can never be written, if `error` is due to one."""
        if not _is_hopeless(error):
            return False
        end = 0
        for number, change in enumerate(self._changes):
            first, end = end, end + len(change)
            if self._reached < end:
                logger.error("a change of definitions cannot be stored and is lost: %s", error)
                del self._changes[number]
                del self.statements[first:end]
                return True
        return False

    def make_repeatable(self) -> None:
        """Lets it succeed where it was written before and only the answer got lost."""
        for at, (statement, rows) in enumerate(self.statements):
            if statement is _INSERT_BATCH and isinstance(rows, list):
                ranges = _ranges([row["id"] for row in rows])
                self.statements.insert(at, (_DELETE_BATCH, ranges))
                return


def deletions(ids: list[int]) -> list[Statement]:
    """What deletes these batches, with what is known of their settlements."""
    ranges = _ranges(ids)
    return [(_DELETE_SETTLED, ranges), (_DELETE_BATCH, ranges)]


def _is_hopeless(error: Exception) -> bool:
    # It is due to the values, not to the disk: no other time is better.
    if isinstance(error, DBAPIError):
        return isinstance(error, IntegrityError | DataError)
    return isinstance(error, StatementError | UnicodeError | OverflowError | TypeError)


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
