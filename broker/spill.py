"""Where transient messages of long queues go: files that nobody can find again.

Here: making a batch of those in front of a queue's tail, writing and reading it.
Not here: when a queue is long (paging.py), the order of its messages (paged.py).

A file is without a name from its first moment, so whatever ends the broker, nothing is left of it;
it goes when the last batch in it goes.  Nothing waits for it and nothing is synced: a message
leaves memory once it is written, and stays where it is while the disk refuses.
"""

import logging
import os
import tempfile
import weakref
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from broker.message import QueuedMessage
from persistence import reader, record
from persistence.message_log import BATCH_BYTES, BATCH_ENTRIES, OVERHEAD, Batch
from persistence.reader import Blob, Reader
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.paged import Paged

logger = logging.getLogger("leveret.spill")

# A file takes no more batches at this size (bytes), so that its room is given back in portions.
FILE = 64 << 20
# Fewer messages with fewer octets in a row stay in memory.
WORTH, WORTH_OCTETS = 64, 64 << 10


class _File:
    """One of them; `size` says where the next batch begins."""

    __slots__ = ("__weakref__", "descriptor", "size")

    descriptor: int

    def __init__(self, directory: Path | None) -> None:
        # On POSIX it has no name; on Windows it goes when it is closed.
        with tempfile.TemporaryFile(dir=directory, prefix="leveret-", buffering=0) as file:
            self.descriptor = os.dup(file.fileno())
        self.size = 0

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)

    def write(self, at: int, data: bytes | bytearray) -> None:
        """On the reader's thread, as all that follows; raises OSError."""
        os.lseek(self.descriptor, at, os.SEEK_SET)
        with memoryview(data) as view:
            done = 0
            while done < len(view):
                done += os.write(self.descriptor, view[done:])

    def read(self, at: int, size: int) -> bytes:
        parts: list[bytes] = []
        os.lseek(self.descriptor, at, os.SEEK_SET)
        while size > 0 and (part := os.read(self.descriptor, size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class Spilled(Batch):
    """A batch of transient messages, of one queue and level; its room is free when it goes."""

    __slots__ = ("_at", "_file", "_length")

    spilled = True

    def __init__(self, number: int, file: _File, length: int) -> None:
        super().__init__(number)
        self.entries = ()
        self.sealed = self.written = True
        self.size = self._length = length
        self._file, self._at = file, file.size
        file.size += length

    def write(self, data: bytes | bytearray) -> OSError | None:
        """On the reader's thread; returns why it was refused."""
        try:
            self._file.write(self._at, data)
        except OSError as error:
            return error
        return None

    def read(self) -> Blob:
        """On the reader's thread: the blob, or why it is not to be had."""
        try:
            blob = self._file.read(self._at, self._length)
            record.check(blob, record.place(self.id, 0))
        except OSError as error:
            return record.Damaged(str(error))
        except record.Damaged as damage:
            return damage
        return blob


class Spill:
    """Takes transient messages out of memory."""

    __slots__ = ("_busy", "_directory", "_file", "_number", "_reader", "_refused")

    def __init__(self, reader: Reader, directory: Path | None) -> None:
        self._reader = reader
        self._directory = directory
        self._file: Callable[[], _File | None] = lambda: None
        self._number = 0
        # Those of which a batch is being written.
        self._busy: set[Paged] = set()
        self._refused = False

    def begin(self, paged: "Paged", then: Callable[["Paged"], None]) -> None:
        """Writes what is in front of the tail, if it is worth it.

        Calls `then` when a full batch has left memory, so there may be more.
        """
        if paged in self._busy:
            return
        entries = _in_front(paged)
        if not entries:
            return
        for ordinal, entry in enumerate(entries):
            entry.ref = ordinal
        self._number += 1
        data, _ = record.encode(entries, record.place(self._number, 0))
        try:
            batch = Spilled(self._number, self._next_file(), len(data))
        except OSError as error:
            self._refuse(error)
            return
        self._busy.add(paged)
        written = partial(self._written, paged, batch, entries, then)
        self._reader.run(lambda _: batch.write(data), written)

    def fetch(self, batches: Sequence[Batch], then: Callable[[list[Blob]], None]) -> None:
        """Reads batches, of which some may be the log's; calls `then` on the loop with them."""
        self._reader.run(lambda connection: [_read(connection, each) for each in batches], then)

    def _next_file(self) -> _File:
        file = self._file()
        if file is None or file.size >= FILE:
            file = _File(self._directory)
            self._file = weakref.ref(file)
        return file

    def _refuse(self, error: OSError) -> None:
        if not self._refused:
            self._refused = True
            logger.warning("transient messages stay in memory: %s", error)

    def _written(
        self,
        paged: "Paged",
        batch: Spilled,
        entries: list[QueuedMessage],
        then: Callable[["Paged"], None],
        error: OSError | None,
    ) -> None:
        self._busy.discard(paged)
        if error is not None:
            self._refuse(error)
            return
        self._refused = False
        tail = paged.tail
        # Some may be gone meanwhile, or be where they are taken from next.
        there = len(tail) >= len(entries) and not paged.queue.deleted
        if not there or any(a is not b for a, b in zip(tail.unseen(), entries, strict=False)):
            return
        tail.shed(len(entries))
        batch.alive = len(entries)
        paged.add(Share.of(batch, entries, paged.level))
        then(paged)


def _read(connection: Connection, batch: Batch) -> Blob:
    return batch.read() if isinstance(batch, Spilled) else reader.read(connection, batch.id)


def _in_front(paged: "Paged") -> list[QueuedMessage]:
    # The transient messages in front of the tail, no more than a batch; none if it is not worth it.
    found = list(islice(paged.tail.unseen(), BATCH_ENTRIES))
    logged = next((n for n, entry in enumerate(found) if entry.batch is not None), len(found))
    del found[logged:]
    ends = list(accumulate([entry.message.header.body_size + OVERHEAD for entry in found]))
    if ends and ends[-1] > BATCH_BYTES:
        del found[bisect_left(ends, BATCH_BYTES) + 1 :]
    enough = len(found) >= WORTH or (found and ends[len(found) - 1] >= WORTH_OCTETS)
    return found if enough else []
