"""Group commit: gather, write in one piece, wake those who wait.

Here: what goes into one commit, the writer's thread, what happens when the disk
refuses or falls behind.  Not here: the statements (work.py), how rows look
(record.py) and what they mean, giving space back (upkeep.py).

While one commit is on the disk the next one gathers.  Rows are made on the
loop's thread at the moment of the kick, so no settlement can come between;
the thread runs a handful of statements and nothing else (docs/design.md, decision 7).
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.sql.base import Executable

from persistence import engine as engines
from persistence import malformed, schema
from persistence.checkpoints import OF_TASK, Checkpoints
from persistence.prepared import Parameters
from persistence.reader import Reader
from persistence.shares import Share
from persistence.work import Change, Statement, Work

if TYPE_CHECKING:
    from persistence.message_log import MessageLog

logger = logging.getLogger("leveret.commit")

# Settlements alone are not worth a commit until this much later (seconds).
QUIET = 0.1
FIRST_RETRY, LAST_RETRY = 0.2, 1.0
# More than this (bytes) waits for the disk: publishers had better wait as well.
BEHIND = 64 << 20

T = TypeVar("T")


class Timers(Protocol):
    """What the commit needs of the clock."""

    def monotonic(self) -> float: ...
    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Any: ...


class _Task(Generic[T]):
    """Maintenance between two commits, and who hears of it on the loop."""

    __slots__ = ("_job", "_report", "then")

    def __init__(
        self,
        job: Callable[[Connection], T],
        then: Callable[[T | None], None],
        report: Callable[..., None],
    ) -> None:
        self._job = job
        self.then = then
        self._report = report

    def __call__(self, connection: Connection) -> None:
        result = self._job(connection)
        connection.rollback()  # what it left open, if only by reading
        self._report(self.then, result)


class _Once:
    """A callback that is called by whoever comes first."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback: Callable[[], None] | None = callback

    @property
    def waiting(self) -> bool:
        return self._callback is not None

    def __call__(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class GroupCommit:
    """The one writer of a database.

    `sequence` rises with every definition change; `done` is the number of the
    last finished commit; `kick_needed` says that something waits to be written;
    `failing` is why the disk refuses at the moment, else None; `behind` is True
    while so much waits for it that nothing more should be published.  `reader`
    reads back what was written.
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
        self._work: SimpleQueue[Work | _Task[Any] | None] = SimpleQueue()
        self._changes: list[Change] = []
        self._waiters: list[Callable[[], None]] = []
        # Those of the waiters that do not wait for a disk that refuses.
        self._impatient: list[_Once] = []
        self._number = 1
        self._running: Work | None = None
        self._retry = FIRST_RETRY
        # Whether there are settlements, since when, and the timer that looks after them.
        self._settling = False
        self._settling_since = 0.0
        self._settle_timer: Any = None
        # Bytes in full batches that wait for the next commit.
        self._sealed = 0
        self.reader = Reader(engine, clock, call_soon_threadsafe)
        self.logs: list[MessageLog] = []
        self.on_done: list[Callable[[int], None]] = []
        # Told each queue and its share of a batch once the disk has it.
        self.on_written: Callable[[Any, Share], None] | None = None
        self.sequence = 0
        self.done = 0
        self.kick_needed = False
        # Whether somebody else decides when the next commit begins.
        self.driven = False
        self.failing: str | None = None
        self.behind = False
        # Before anything is read that another broker might still write.
        self._claim = engines.new_claim(engine)
        self._claimed: Connection | None = None
        if self._claim is not None:
            self._claimed = engines.connect_writer(engine, self._claim)
        self._checkpoints = Checkpoints(engine, lambda job: self.maintain(job, lambda _: None))
        self._last_batch_id = self._highest_batch()
        self._thread = threading.Thread(target=self._write, name="leveret-writer", daemon=True)
        self._thread.start()

    def _highest_batch(self) -> int:
        # An id that is used again must not meet settlements of the batch that had it before.
        columns = (schema.batch.c.id, schema.settled.c.batch_id, schema.quarantine.c.batch_id)
        with self._engine.connect() as connection:
            highest = [connection.execute(select(func.max(c))).scalar() for c in columns]
        return max(int(number or 0) for number in highest)

    def next_batch_id(self) -> int:
        """Ids only grow, across restarts too."""
        self._last_batch_id += 1
        return self._last_batch_id

    # -- what goes in --------------------------------------------------------------------

    def execute(self, statement: Executable, parameters: Parameters) -> None:
        """A change of definitions for the next commit."""
        self.change((statement, parameters))

    def change(self, *statements: Statement) -> None:
        """As execute, with statements of which none makes sense without the others."""
        self._changes.append(statements)
        self.sequence += 1
        self.kick_needed = True

    def mark(self) -> int:
        """The number of the commit that will hold all that was gathered until now."""
        return self._number

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for more than confirms."""
        return bool(self._waiters)

    def remark(self, *statements: Statement) -> None:
        """As change, for what no reply waits for: `sequence` stays as it is."""
        self._changes.append(statements)
        self.kick_needed = True

    def after(self, callback: Callable[[], None], *, or_refusal: bool = False) -> None:
        """Calls `callback` on the loop once all that was gathered until now is on the disk.

        With `or_refusal` already when the disk refuses it, or another commit before it.
        """
        if or_refusal:
            callback = _Once(callback)
            self._impatient.append(callback)
        self._waiters.append(callback)
        self.kick_needed = True

    def note_settlements(self) -> None:
        """There are settlements: they ride with the next commit, or go after a while."""
        if not self._settling:
            self._settling = True
            self._settling_since = self._clock.monotonic()
            if self._settle_timer is None:
                self._settle_timer = self._clock.call_later(QUIET, self._settle_anyway)

    def _settle_anyway(self) -> None:
        self._settle_timer = None
        if not self._settling:
            return
        left = self._settling_since + QUIET - self._clock.monotonic()
        if left > QUIET / 100:
            # Those that it was set for went with a commit meanwhile.
            self._settle_timer = self._clock.call_later(left, self._settle_anyway)
        else:
            self.kick_needed = True
            self.kick()

    def note_sealed(self, size: int) -> None:
        """A batch of about `size` bytes is full and waits for the next commit."""
        self._sealed += size
        self._weigh()

    def _weigh(self) -> None:
        running = self._running.size if self._running is not None else 0
        self.behind = running + self._sealed > BEHIND

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

    def _gather(self) -> Work:
        self.kick_needed = self._settling = False
        work = Work(self._number, self._changes, self._waiters)
        self._number += 1
        self._changes, self._waiters = [], []
        rows: list[dict[str, Any]] = []
        dead: list[int] = []
        dirty: list[dict[str, Any]] = []
        for log in self.logs:
            if gathered := log.take_gathered():
                work.batches.append((log, gathered))
                rows += log.rows(gathered)
            dead += log.take_dead()
            dirty += log.take_dirty()
        work.add(rows, dirty, dead)
        work.size, self._sealed = self._sealed, 0
        return work

    def _finished(self, work: Work) -> None:
        self._running = None
        self._weigh()
        self._retry = FIRST_RETRY
        if self.failing is not None:
            logger.warning("the database takes writes again")
            self.failing = None
        self.done = work.number
        for callback in work.waiters:
            _call(callback)
        if self._impatient:
            self._impatient = [callback for callback in self._impatient if callback.waiting]
        for listener in self.on_done:
            _call(listener, work.number)
        for log, batches in work.batches:
            _call(log.written, batches)
        if self.kick_needed:
            if not self.driven:
                self.kick()
        elif any(log.dirty or log.dead for log in self.logs):
            self.note_settlements()

    def note_malformed(self) -> None:
        """The file of the database is broken: has the next start make a fresh one of it."""
        path = engines.sqlite_file(self._engine.url)
        if path is not None and not malformed.is_noted(path):
            logger.error("%s is malformed; stop and start, and what can be read is saved", path)
            with suppress(OSError):
                malformed.note(path)

    def _failed(self, work: Work, error: Exception) -> None:
        reason = _reason(error)
        if self.failing is None:
            logger.error("the database refuses to write, trying again: %s", reason)
            work.make_repeatable()
            if malformed.is_malformed(error):
                self.note_malformed()
        self.failing = reason
        impatient, self._impatient = self._impatient, []
        for callback in impatient:
            _call(callback)
        self._clock.call_later(self._retry, self._work.put, work)
        self._retry = min(self._retry * 2, LAST_RETRY)

    # -- the writer's thread -------------------------------------------------------------

    def maintain(self, job: Callable[[Connection], T], then: Callable[[T | None], None]) -> None:
        """Runs `job` on the writer's thread between two commits.

        `then` gets its result on the loop, None where it failed.  `job` commits
        what it changes, and holds up all commits meanwhile.
        """
        self._work.put(_Task(job, then, self._report))

    def _write(self) -> None:
        connection, self._claimed = self._claimed, None
        failed: Exception | None = None
        while (work := self._work.get()) is not None:
            try:
                connection = connection or engines.connect_writer(self._engine, self._claim)
                if failed is not None:
                    engines.mend(connection, failed)
                    failed = None
                if isinstance(work, Work):
                    _perform(work, connection)
                    self._checkpoints.committed(work.size + work.settled)
                else:
                    work(connection)
                    self._checkpoints.wrote(OF_TASK)
            except Exception as error:
                failed = failed or error
                engines.discard(connection)
                connection = None
                if isinstance(work, Work):
                    self._report(self._failed, work, error)
                else:
                    logger.warning("maintenance of the database failed: %s", _reason(error))
                    self._report(work.then, None)
            else:
                if isinstance(work, Work):
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
        self.kick_needed = True
        self.kick()

    def close(self, patience: float | None = None) -> None:
        """Ends the writer's thread once it has done what it was given.

        After `patience` seconds it is left alone: it ends with the process then.
        """
        self.reader.close()
        self._checkpoints.close(patience)
        self._work.put(None)
        self._thread.join(patience)

    def abandon(self) -> None:
        """As close, without waiting: the thread may hang in the disk, and ends with the process."""
        self.reader.close()
        self._checkpoints.close()
        self._work.put(None)


def _perform(work: Work, connection: Connection) -> None:
    while True:
        try:
            work.perform(connection)
            return
        except Exception as error:
            # What can never be written must not keep all the rest waiting for ever.
            if not work.leave_out(error):
                raise


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _call(callback: Callable[..., None], *arguments: Any) -> None:
    # One that fails must not keep the others waiting for ever.
    try:
        callback(*arguments)
    except Exception:
        logger.exception("what waited for a commit failed")
