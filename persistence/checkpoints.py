"""Moving SQLite's write-ahead log into the database, beside the writer.

Here: when, on which thread, and what becomes of an error.  Not here: commits
(commit.py), the pragmas (engine.py).

Left to itself, SQLite does it within the commit that makes the log too long:
that commit and all who wait for it wait for thousands of pages and a sync of
the database.  Here a thread with a connection of its own moves nearly all of
it while commits go on.  The writer moves the few pages that came meanwhile,
since only a log that was moved to its end begins anew.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from sqlalchemy import Connection, Engine

from persistence import engine as engines

# The log is moved when it has about so many pages.
LONG = 2000
# So few may be left to the writer; a fast writer is not chased for ever.
FEW, CHASES = 64, 4
_PAGE = 4096
# About how many pages a commit writes beside its messages, and maintenance in one step.
OF_COMMIT, OF_TASK = 6, 256

Job = Callable[[Connection], object]


class Checkpoints:
    """Keeps the log of one database short; for others than SQLite it does nothing.

    `maintain` has a job done on the writer's thread between two commits.
    """

    def __init__(self, engine: Engine, maintain: Callable[[Job], None]) -> None:
        self._engine = engine
        self._maintain = maintain
        self._needed = engines.sqlite_file(engine.url) is not None
        # About how many pages are in the log, and whether they are being moved: for the writer's
        # thread alone.
        self._pages = 0
        self._moving = False
        self._orders: SimpleQueue[bool] = SimpleQueue()
        self._thread: threading.Thread | None = None

    # -- the writer's thread -------------------------------------------------------------

    def wrote(self, pages: int) -> None:
        """About so many pages were added to the log."""
        self._pages += pages
        if self._pages >= LONG and self._needed and not self._moving:
            self._moving = True
            if self._thread is None:
                thread = threading.Thread(
                    target=self._serve, name="leveret-checkpoints", daemon=True
                )
                thread.start()
                self._thread = thread  # not before: `close` joins it
            self._orders.put(True)

    def committed(self, size: int) -> None:
        """A commit with about `size` bytes of messages and settlements was added to the log."""
        self.wrote(OF_COMMIT + size // _PAGE)

    def _finish(self, connection: Connection) -> None:
        self._ended()
        engines.move_log(connection)

    def _ended(self) -> None:
        self._pages = 0
        self._moving = False

    # -- its own thread ------------------------------------------------------------------

    def _serve(self) -> None:
        connection: Connection | None = None
        while self._orders.get():
            try:
                connection = connection or self._engine.connect()
                _chase(connection)
            except Exception as error:
                engines.discard(connection)
                connection = None
                self._maintain(self._failure(error))
            else:
                self._maintain(self._finish)
        if connection is not None:
            connection.close()

    def _failure(self, error: Exception) -> Job:
        # The writer meets the error as its own: it looks after the log before the next commit.
        def fail(_: Connection) -> None:
            self._ended()
            raise error

        return fail

    # -- the end -------------------------------------------------------------------------

    def close(self, patience: float | None = 0) -> None:
        """Ends the thread; after `patience` seconds it is left to end by itself."""
        self._orders.put(False)
        if self._thread is not None:
            self._thread.join(patience)


def _chase(connection: Connection) -> None:
    # What came meanwhile is less each time, unless the writer is quicker.
    moved = engines.move_log(connection)
    for _ in range(CHASES):
        before, moved = moved, engines.move_log(connection)
        if abs(moved - before) <= FEW:
            break
