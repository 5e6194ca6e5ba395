"""Reading batches back while the broker runs, beside the writer.

Here: the reader's thread and its connection, and that each blob is whole.  Not
here: which batches are wanted, and when (broker/paging.py).

A thread of its own, since who waits for a message should not wait for a slow
fsync as well.  It begins with the first read: most brokers never need one.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, bindparam, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from persistence import record, schema
from persistence.engine import discard, only_for_reading

if TYPE_CHECKING:
    from persistence.commit import Timers

logger = logging.getLogger("leveret.reader")

# Seconds until a read is tried again that the database refused.
RETRY = 0.2

_READ = select(schema.batch.c.data, schema.batch.c.vhost_id).where(
    schema.batch.c.id == bindparam("key")
)

# A blob that is whole, or why it is not to be had.
Blob = bytes | record.Damaged
T = TypeVar("T")


class _Request(NamedTuple):
    """What is to be read, and who is told of it on the loop."""

    job: Callable[[Connection], Any]
    then: Callable[[Any], None]


class Reader:
    """Reads for all queues of a database, one request after the other."""

    def __init__(
        self, engine: Engine, clock: "Timers", call_soon_threadsafe: Callable[..., object]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._call_soon = call_soon_threadsafe
        self._requests: SimpleQueue[_Request | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._failing = False

    def fetch(self, batch_ids: Sequence[int], then: Callable[[list[Blob]], None]) -> None:
        """Calls `then` on the loop with the blobs of these batches, in this order.

        While the database refuses, that is later.
        """
        self.run(lambda connection: [read(connection, number) for number in batch_ids], then)

    def run(self, job: Callable[[Connection], T], then: Callable[[T], None]) -> None:
        """Calls `then` on the loop with what `job`, which only reads, has found.

        As with `fetch`; where it raises, it is tried again.
        """
        self._requests.put(_Request(job, then))
        self._begin()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="leveret-reader", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the thread, without waiting for what is still wanted."""
        self._requests.put(None)

    def _failed(self, request: _Request, reason: str) -> None:
        if not self._failing:
            self._failing = True
            logger.error("the database refuses to be read, trying again: %s", reason)
        self._clock.call_later(RETRY, self._requests.put, request)

    def _answer(self, then: Callable[[Any], None], found: Any) -> None:
        self._failing = False
        then(found)

    # -- the reader's thread -------------------------------------------------------------

    def _serve(self) -> None:
        connection: Connection | None = None
        while (request := self._requests.get()) is not None:
            try:
                if connection is None:
                    connection = self._engine.connect()
                    only_for_reading(connection)
                found = request.job(connection)
                connection.rollback()  # a snapshot that is kept would keep the log from shrinking
            except Exception as error:
                discard(connection)
                connection = None
                self._report(self._failed, request, str(error).partition("\n")[0])
            else:
                self._report(self._answer, request.then, found)
                # Else it stays in memory until the next request.
                del found
            del request
        if connection is not None:
            connection.close()

    def _report(self, callback: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._call_soon(callback, *arguments)


def read(connection: Connection, number: int) -> Blob:
    """The blob of this batch; raises what a database raises that is to be asked again."""
    try:
        row = connection.execute(_READ, {"key": number}).first()
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
            raise
        # The file itself is damaged there, and will be the next time.
        connection.rollback()  # PostgreSQL refuses all else until then
        return record.Unreadable(str(error.orig))
    if row is None:
        return record.Damaged("it is missing")
    blob = bytes(row[0])
    try:
        record.check(blob, record.place(number, row[1]))
    except record.Damaged as damage:
        return damage
    return blob
