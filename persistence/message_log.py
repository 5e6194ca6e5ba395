"""The message log of one virtual host: which batch keeps which message, and what is left of it.

Here: gathering, settling, recovery.  Not here: when it is written (commit.py)
and how it looks (record.py).  DESIGN section 4 says how it all hangs together.
"""

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select

from persistence import record, schema

if TYPE_CHECKING:
    from persistence.commit import GroupCommit

logger = logging.getLogger("leveret.log")

# A batch is sealed at this size, so that no row is too large to be read at once.
BATCH_BYTES = 1 << 20
BATCH_ENTRIES = 4096
_OVERHEAD = 64
_READ_AHEAD = 16


class Batch:
    """Messages that are written together, in one row.

    `entries` holds them while it gathers; a settled one becomes None and is
    never written.  Once sealed, `settled` collects the ordinals done with.
    """

    __slots__ = ("alive", "dirty", "entries", "id", "sealed", "settled", "size")

    def __init__(self, batch_id: int) -> None:
        self.id = batch_id
        self.entries: list[Any] = []
        self.alive = 0
        self.size = 0
        self.sealed = False
        self.settled: list[int] = []
        self.dirty = False


class MessageLog:
    """Where the durable messages of one vhost are kept.

    An entry is a message in a queue; it must have the attributes `message`
    (with `route.raw`, `header.payload`, `header.body_size`, `header.died`,
    `body`), `queue.id`, `position`, `deadline`, and takes `batch` and `ref`.
    """

    __slots__ = ("_commit", "dead", "dirty", "gathering", "sealed", "urgent", "vhost_id")

    def __init__(self, vhost_id: int, commit: "GroupCommit") -> None:
        self.vhost_id = vhost_id
        self._commit = commit
        self.gathering = Batch(commit.next_batch_id())
        # Full batches that wait for the next commit.
        self.sealed: list[Batch] = []
        # Written batches with nothing alive, and with new settlements.
        self.dead: list[Batch] = []
        self.dirty: list[Batch] = []
        # Settlements that must be in the same commit as what is gathering.
        self.urgent = False
        commit.logs.append(self)

    def append(self, entry: Any) -> None:
        """Keeps a message; it is safe once the commit that now gathers is done."""
        batch = self.gathering
        entries = batch.entries
        entry.batch = batch
        entry.ref = len(entries)
        entries.append(entry)
        batch.alive += 1
        batch.size += entry.message.header.body_size + _OVERHEAD
        self._commit.kick_needed = True
        if batch.size > BATCH_BYTES or entry.ref >= BATCH_ENTRIES:
            self.seal()

    def settle(self, entry: Any) -> None:
        """The message is done with in its queue."""
        batch = entry.batch
        entry.batch = None
        batch.alive -= 1
        if not batch.sealed:
            batch.entries[entry.ref] = None
            return
        batch.settled.append(entry.ref)
        if not batch.alive:
            self.dead.append(batch)
            self._commit.note_settlements()
        elif not batch.dirty:
            batch.dirty = True
            self.dirty.append(batch)
            self._commit.note_settlements()

    def settle_with_commit(self, entry: Any) -> None:
        """As settle, but in one commit with all that gathers now."""
        self.urgent = True
        self._commit.kick_needed = True
        self.settle(entry)

    def seal(self) -> None:
        """Ends the gathering batch and begins a new one."""
        batch = self.gathering
        if batch.entries:
            batch.sealed = True
            self.sealed.append(batch)
            self.gathering = Batch(self._commit.next_batch_id())

    # -- for the group commit ------------------------------------------------------------

    def take_rows(self) -> tuple[list[dict[str, Any]], int]:
        """The rows of all gathered batches that have anything alive, and the bytes in them."""
        self.seal()
        batches, self.sealed = self.sealed, []
        rows, size = [], 0
        for batch in batches:
            entries, batch.entries = batch.entries, []
            if batch.alive:
                # Refs of a batch sealed early may have been settled since.
                for ordinal in batch.settled:
                    entries[ordinal] = None
                data = record.encode(entries)
                batch.settled.clear()
                rows.append({"id": batch.id, "vhost_id": self.vhost_id, "data": data})
                size += len(data)
        return rows, size

    def take_dead(self) -> list[int]:
        """Ids of written batches that can go."""
        dead, self.dead = self.dead, []
        return [batch.id for batch in dead]

    def take_dirty(self) -> list[dict[str, Any]]:
        """Rows of settled references, whole, for the batches that changed."""
        dirty, self.dirty = self.dirty, []
        self.urgent = False
        rows = []
        for batch in dirty:
            batch.dirty = False
            if batch.alive and batch.settled:
                data = record.encode_settled(batch.settled)
                rows.append({"batch_id": batch.id, "data": data})
        return rows

    # -- recovery ------------------------------------------------------------------------

    def recover(
        self,
        connection: Connection,
        restore: Callable[[record.Record, record.Reference, Batch], bool],
    ) -> int:
        """Reads back all messages in the order of their batches; returns how many.

        `restore` is called for each that is alive; it returns False where the
        queue is no more.  A batch that cannot be read is reported and set aside.
        """
        recovered = 0
        for batch_id, data, settled_row in self._stored(connection):
            try:
                records = record.decode(data)
            except record.Damaged as damage:
                self._set_aside(connection, batch_id, data, str(damage))
                continue
            batch = Batch(batch_id)
            batch.sealed = True
            done = record.decode_settled(settled_row) if settled_row else set()
            batch.settled = sorted(done)
            gone = 0
            for stored in records:
                for reference in stored.references:
                    if reference.ordinal in done:
                        continue
                    if restore(stored, reference, batch):
                        batch.alive += 1
                    else:
                        batch.settled.append(reference.ordinal)
                        gone += 1
            recovered += batch.alive
            if not batch.alive:
                self.dead.append(batch)
            elif gone:
                batch.dirty = True
                self.dirty.append(batch)
        if self.dead or self.dirty:
            self._commit.note_settlements()
        return recovered

    def _stored(self, connection: Connection) -> Iterator[tuple[int, bytes, bytes | None]]:
        batch, settled = schema.batch.c, schema.settled.c
        joined = schema.batch.outerjoin(schema.settled, batch.id == settled.batch_id)
        last = 0
        while True:
            rows = connection.execute(
                select(batch.id, batch.data, settled.data)
                .select_from(joined)
                .where(batch.vhost_id == self.vhost_id, batch.id > last)
                .order_by(batch.id)
                .limit(_READ_AHEAD)
            ).all()
            if not rows:
                return
            last = rows[-1][0]
            yield from (tuple(row) for row in rows)

    def _set_aside(self, connection: Connection, batch_id: int, data: bytes, why: str) -> None:
        logger.error(
            "vhost %d: batch %d cannot be read: %s; it is set aside in table quarantine",
            self.vhost_id,
            batch_id,
            why,
        )
        values = {
            "batch_id": batch_id,
            "vhost_id": self.vhost_id,
            "data": data,
            "reason": why,
        }
        connection.execute(insert(schema.quarantine).values(values))
        connection.execute(delete(schema.batch).where(schema.batch.c.id == batch_id))
