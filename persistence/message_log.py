"""The message log of one virtual host: which batch keeps which message, and what is left of it.

Here: gathering and settling.  Not here: when it is written (commit.py), how it
looks (record.py), reading it at start (recovery.py).  docs/design.md says how
it all hangs together.
"""

from array import array
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sqlalchemy import Text, bindparam, delete, insert, select

from persistence import record, schema, settlements, shares
from persistence.shares import Share

if TYPE_CHECKING:
    from persistence.commit import GroupCommit
    from persistence.joining import Joined

# A batch is sealed at this size, so that no row is too large to be read at once.
BATCH_BYTES = 1 << 20
BATCH_ENTRIES = 4096
# What a message takes in a batch besides its body, about (bytes).
OVERHEAD = 64
# A written batch with so much less alive than settled is worth rewriting, unless it is small.
SPARSE = 3
SMALL = 2048

_SET_ASIDE = (
    insert(schema.quarantine).from_select(
        ["batch_id", "vhost_id", "data", "reason"],
        select(
            schema.batch.c.id,
            schema.batch.c.vhost_id,
            schema.batch.c.data,
            bindparam("why", type_=Text),
        ).where(schema.batch.c.id == bindparam("key")),
    ),
    delete(schema.settled).where(schema.settled.c.batch_id == bindparam("key")),
    delete(schema.batch).where(schema.batch.c.id == bindparam("key")),
)


class Batch:
    """Messages that are written together, in one row.

    `entries` holds them while it gathers; a settled one becomes None and is
    never written.  Once sealed, `settled` collects the ordinals done with; once
    `written`, the disk has it.  `size` is about what it takes there, in bytes;
    `returned` what is to be remembered of returns, by ordinal, None for nothing.
    """

    __slots__ = (
        "alive",
        "dirty",
        "entries",
        "id",
        "returned",
        "sealed",
        "settled",
        "size",
        "written",
    )

    # Whether it is none of the log's: its messages are transient (broker/spill.py).
    spilled = False

    def __init__(self, batch_id: int) -> None:
        self.id = batch_id
        self.entries: Any = []
        self.alive = 0
        self.size = 0
        self.sealed = False
        self.written = False
        # As few bytes as may be: of a batch that expires one by one there may be thousands.
        self.settled = array("H")
        self.returned: dict[int, int] | None = None
        self.dirty = False

    def rewritten(self, left_out: set[int], size: int) -> None:
        """Its row has `size` bytes now, and these ordinals are not in it any more."""
        self._forget_returns(left_out)
        left = [ordinal for ordinal in self.settled if ordinal not in left_out]
        self.settled = array("H", left)
        self.size = size

    def _forget_returns(self, ordinals: Collection[int]) -> None:
        if self.returned:
            self.returned = {
                ordinal: count
                for ordinal, count in self.returned.items()
                if ordinal not in ordinals
            }

    def settlements(self) -> dict[str, Any]:
        """The row of what is done with in it, and of what came back."""
        if self.returned:
            self._forget_returns(frozenset(self.settled))
        return {
            "batch_id": self.id,
            "data": settlements.encode_settled(self.settled, self.id),
            "returned": settlements.encode_returned(self.returned, self.id)
            if self.returned
            else None,
        }


class Gathered(NamedTuple):
    """A batch that is to be written, the shares of its queues, and its blob."""

    batch: Batch
    shares: list[tuple[Any, Share]]
    data: bytearray


class MessageLog:
    """Where the durable messages of one vhost are kept.

    An entry is a message in a queue; it must have the attributes `message`
    (with `route.raw`, `route.hidden`, `header.payload`, `header.body_size`,
    `header.died`, `body`), `queue` (with `id`, the number of its priority `levels`
    and `level_of` where it is not 1), `position`, `deadline`, and takes `batch` and `ref`.
    """

    __slots__ = (
        "_commit",
        "_sparse",
        "dead",
        "dirty",
        "gathering",
        "sealed",
        "vhost_id",
    )

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
        batch.size += entry.message.header.body_size + OVERHEAD
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

    def returned(self, entry: Any) -> None:
        """How often the message came back, `entry.returns`, is to survive; nothing waits for it."""
        batch = entry.batch
        if batch.returned is None:
            batch.returned = {}
        batch.returned[entry.ref] = entry.returns
        if batch.sealed and not batch.dirty:
            batch.dirty = True
            self.dirty.append(batch)
            self._commit.note_settlements()

    def settle_share(self, share: Share) -> None:
        """All messages of a share of a written batch are done with."""
        batch = share.batch
        if batch.spilled:
            return
        batch.alive -= len(share.ordinals)
        if not batch.alive:
            self.dead.append(batch)
        else:
            batch.settled.extend(share.ordinals)
            if not batch.dirty:
                batch.dirty = True
                self.dirty.append(batch)
        self._commit.note_settlements()

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
        or unloaded and all of it on the disk, or it is being loaded."""
        if self in self._commit.logs:
            self._commit.logs.remove(self)

    def resume(self) -> None:
        """What `discard` has ended goes on: all of the vhost was read back."""
        self._commit.logs.append(self)
        if self.dead or self.dirty:
            self._commit.note_settlements()

    # -- for the group commit ------------------------------------------------------------

    def take_gathered(self) -> "list[Gathered]":
        """All gathered batches that have anything alive, sealed now."""
        self.seal()
        batches, self.sealed = self.sealed, []
        gathered = []
        for batch in batches:
            entries, batch.entries = batch.entries, ()
            if batch.alive:
                # Refs of a batch sealed early may have been settled since.
                for ordinal in batch.settled:
                    entries[ordinal] = None
                del batch.settled[:]
                if batch.returned and not batch.dirty:
                    batch.dirty = True
                    self.dirty.append(batch)
                data, uniform = record.encode(entries, record.place(batch.id, self.vhost_id))
                octets = batch.size - OVERHEAD * len(entries)
                parts = shares.of_batch(batch, entries, octets, uniform=uniform)
                gathered.append(Gathered(batch, parts, data))
        return gathered

    def rows(self, gathered: "list[Gathered]") -> list[dict[str, Any]]:
        """The rows of these batches."""
        return [
            {
                "id": batch.id,
                "vhost_id": self.vhost_id,
                "summary": shares.encode(
                    [share for _, share in parts], record.place(batch.id, self.vhost_id)
                ),
                "data": data,
            }
            for batch, parts, data in gathered
        ]

    def written(self, gathered: "list[Gathered]") -> None:
        """The disk has these batches."""
        for batch, parts, _ in gathered:
            batch.written = True
            if self._commit.on_written is not None:
                for queue, share in parts:
                    self._commit.on_written(queue, share)

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
            if batch.alive and (batch.settled or batch.returned):
                rows.append(batch.settlements())
                if _is_sparse(batch):
                    self._sparse[batch.id] = batch
        return rows

    def take_sparse(self) -> list[Batch]:
        """Written batches of which so little is left that they are worth rewriting."""
        sparse, self._sparse = self._sparse, {}
        return list(sparse.values())

    # -- several made one (joining.py) ---------------------------------------------------

    def can_join(self, batches: Sequence[Batch], joined: "Joined") -> bool:
        """Whether nothing was settled in these since they were read."""
        return self in self._commit.logs and all(
            batch.alive == len(refs) for batch, refs in zip(batches, joined.refs, strict=True)
        )

    def join(self, batches: Sequence[Batch], joined: "Joined") -> None:
        """All is in one batch from now on, and on the disk with the next commit.

        It takes the id of the first of them, but it is another one: whoever is just about to
        rewrite that one has its ordinals.
        """
        batch = joined.batch
        for each, refs in zip(batches, joined.refs, strict=True):
            batch.alive += each.alive
            for ordinal, count in (each.returned or {}).items():
                if ordinal in refs:
                    batch.returned = batch.returned or {}
                    batch.returned[refs[ordinal]] = count
            each.alive, each.returned = 0, None
        batch.size = len(joined.data)
        batch.entries, batch.sealed, batch.written = (), True, True
        if batch.returned:
            batch.dirty = True
            self.dirty.append(batch)
        self._commit.remark(*joined.statements([each.id for each in batches[1:]]))

    # -- recovery ------------------------------------------------------------------------

    def recovered(self, batch: Batch, *, dirty: bool) -> None:
        """A batch was read at start; `dirty` if there are settlements that the disk lacks."""
        if not batch.alive:
            self.dead.append(batch)
        elif dirty:
            batch.dirty = True
            self.dirty.append(batch)
        elif _is_sparse(batch):
            self._sparse[batch.id] = batch
        if self.dead or self.dirty:
            self._commit.note_settlements()

    def set_aside(self, share: Share, why: record.Damaged) -> None:
        """The batch of this share was read back and found damaged: nothing of the share is left."""
        if share.batch.spilled:
            return
        if isinstance(why, record.Unreadable):
            # Nor can it be moved or deleted: a commit that tried would never be done.  It counts
            # as alive until a start salvages the file.
            self._commit.note_malformed()
            return
        batch = share.batch
        batch.alive -= len(share.ordinals)
        parameters = {"key": batch.id, "why": str(why)}
        self._commit.change(*((statement, parameters) for statement in _SET_ASIDE))


class Log(Protocol):
    """What a queue needs of its log."""

    def append(self, entry: Any) -> None: ...
    def settle(self, entry: Any) -> None: ...
    def settle_with_commit(self, entry: Any) -> None: ...
    def returned(self, entry: Any) -> None: ...
    def settle_share(self, share: Share) -> None: ...


class _Unplugged:
    """Stands in for the log once a vhost is unloaded: the disk keeps what it had then."""

    __slots__ = ()

    def append(self, entry: Any) -> None:
        """Nothing is kept."""

    def settle(self, entry: Any) -> None:
        """It is not settled on the disk."""
        entry.batch = None

    settle_with_commit = settle

    def returned(self, entry: Any) -> None:
        """It is not counted on the disk."""

    def settle_share(self, share: Share) -> None:
        """It is not settled on the disk."""


UNPLUGGED = _Unplugged()


def _is_sparse(batch: Batch) -> bool:
    return batch.size > SMALL and len(batch.settled) > SPARSE * batch.alive
