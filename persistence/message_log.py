"""The message log of one virtual host: which batch keeps which message, and what is left of it.

Here: gathering, settling, recovery.  Not here: when it is written (commit.py)
and how it looks (record.py).  DESIGN section 4 says how it all hangs together.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, select

from persistence import record, schema
from persistence.damage import Damage

if TYPE_CHECKING:
    from persistence.commit import GroupCommit

# A batch is sealed at this size, so that no row is too large to be read at once.
BATCH_BYTES = 1 << 20
BATCH_ENTRIES = 4096
_OVERHEAD = 64
# A written batch with so much less alive than settled is worth rewriting, unless it is small.
SPARSE = 3
SMALL = 2048
# Rows of up to a MiB each that are held at once when reading back.
_READ_AHEAD = 16


class Batch:
    """Messages that are written together, in one row.

    `entries` holds them while it gathers; a settled one becomes None and is
    never written.  Once sealed, `settled` collects the ordinals done with.
    `size` is about what it takes on the disk, in bytes.
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

    def rewritten(self, left_out: set[int], size: int) -> None:
        """Its row has `size` bytes now, and these ordinals are not in it any more."""
        self.settled = [ordinal for ordinal in self.settled if ordinal not in left_out]
        self.size = size


class MessageLog:
    """Where the durable messages of one vhost are kept.

    An entry is a message in a queue; it must have the attributes `message`
    (with `route.raw`, `header.payload`, `header.body_size`, `header.died`,
    `body`), `queue.id`, `position`, `deadline`, and takes `batch` and `ref`.
    """

    __slots__ = ("_commit", "_sparse", "dead", "dirty", "gathering", "sealed", "vhost_id")

    def __init__(self, vhost_id: int, commit: "GroupCommit") -> None:
        self.vhost_id = vhost_id
        self._commit = commit
        self.gathering = Batch(commit.next_batch_id())
        # Full batches that wait for the next commit.
        self.sealed: list[Batch] = []
        # Written batches with nothing alive, and with new settlements.
        self.dead: list[Batch] = []
        self.dirty: list[Batch] = []
        # Written batches of which little is left, in the order in which they came to that.
        self._sparse: dict[int, Batch] = {}
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
        self._commit.kick_needed = True
        self.settle(entry)

    def seal(self) -> None:
        """Ends the gathering batch and begins a new one."""
        batch = self.gathering
        if batch.entries:
            batch.sealed = True
            self.sealed.append(batch)
            self._commit.note_sealed(batch.size)
            self.gathering = Batch(self._commit.next_batch_id())

    def discard(self) -> None:
        """Nothing more of it is written: the vhost is deleted (`DefinitionStore.delete_vhost`),
        or unloaded and all of it on the disk."""
        if self in self._commit.logs:
            self._commit.logs.remove(self)

    # -- for the group commit ------------------------------------------------------------

    def take_rows(self) -> list[dict[str, Any]]:
        """The rows of all gathered batches that have anything alive."""
        self.seal()
        batches, self.sealed = self.sealed, []
        rows = []
        for batch in batches:
            entries, batch.entries = batch.entries, []
            if batch.alive:
                # Refs of a batch sealed early may have been settled since.
                for ordinal in batch.settled:
                    entries[ordinal] = None
                data = record.encode(entries)
                batch.settled.clear()
                rows.append({"id": batch.id, "vhost_id": self.vhost_id, "data": data})
        return rows

    def take_dead(self) -> list[int]:
        """Ids of written batches that can go."""
        dead, self.dead = self.dead, []
        return [batch.id for batch in dead]

    def take_dirty(self) -> list[dict[str, Any]]:
        """Rows of settled references, whole, for the batches that changed."""
        dirty, self.dirty = self.dirty, []
        rows = []
        for batch in dirty:
            batch.dirty = False
            if batch.alive and batch.settled:
                data = record.encode_settled(batch.settled)
                rows.append({"batch_id": batch.id, "data": data})
                if _is_sparse(batch):
                    self._sparse[batch.id] = batch
        return rows

    def take_sparse(self) -> list[Batch]:
        """Written batches of which so little is left that they are worth rewriting."""
        sparse, self._sparse = self._sparse, {}
        return list(sparse.values())

    # -- recovery ------------------------------------------------------------------------

    def recover(
        self,
        connection: Connection,
        restore: Callable[[record.Record, record.Reference, Batch], bool],
        damage: Damage,
    ) -> int:
        """Reads back all messages in the order of their batches; returns how many.

        `restore` is called for each that is alive; it returns False where the
        queue is no more.  A batch that cannot be read is reported and set aside.
        """
        recovered = 0
        damaged: list[tuple[int, bytes, str]] = []
        for batch_id, data, settled_row in self._stored(connection):
            done = self._settlements(damage, batch_id, settled_row)
            try:
                records = record.decode(data, done)
            except record.Damaged as why:
                damaged.append((batch_id, data, str(why)))
                continue
            batch = Batch(batch_id)
            batch.sealed = True
            batch.size = len(data)
            batch.settled = sorted(done)
            gone = 0
            for stored in records:
                for reference in stored.references:
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
            elif _is_sparse(batch):
                self._sparse[batch_id] = batch
        for unreadable in damaged:
            damage.set_batch_aside(self.vhost_id, *unreadable)
        if self.dead or self.dirty:
            self._commit.note_settlements()
        return recovered

    def _settlements(self, damage: Damage, batch_id: int, row: bytes | None) -> set[int]:
        try:
            return record.decode_settled(row) if row else set()
        except record.Damaged as why:
            # Rather deliver a message twice than lose it.
            damage.report(
                f"{damage.vhost(self.vhost_id)}: batch {batch_id}: {why}",
                "what was settled in it comes again",
            )
            return set()

    def _stored(self, connection: Connection) -> Iterator[tuple[int, bytes, bytes | None]]:
        batch, settled = schema.batch.c, schema.settled.c
        joined = schema.batch.outerjoin(schema.settled, batch.id == settled.batch_id)
        wanted = (
            select(batch.id, batch.data, settled.data)
            .select_from(joined)
            .where(batch.vhost_id == self.vhost_id)
            .order_by(batch.id)
            .execution_options(yield_per=_READ_AHEAD)
        )
        yield from (tuple(row) for row in connection.execute(wanted))


class Log(Protocol):
    """What a queue needs of its log."""

    def append(self, entry: Any) -> None: ...
    def settle(self, entry: Any) -> None: ...
    def settle_with_commit(self, entry: Any) -> None: ...


class _Unplugged:
    """Stands in for the log once a vhost is unloaded: the disk keeps what it had then."""

    __slots__ = ()

    def append(self, entry: Any) -> None:
        """Nothing is kept."""

    def settle(self, entry: Any) -> None:
        """It is not settled on the disk."""
        entry.batch = None

    settle_with_commit = settle


UNPLUGGED = _Unplugged()


def _is_sparse(batch: Batch) -> bool:
    return batch.size > SMALL and len(batch.settled) > SPARSE * batch.alive
