"""Small batches of a queue that follow each other become one, in the background.

Here: which batches, and what in memory belongs to them: messages that wait in
memory, pieces of a long queue's middle.  Not here: how one batch is made of
several (persistence/joining.py).

Who waits for each confirm leaves a batch for each message.  A queue is looked
at once such batches have stood in it for a while, so that what is consumed
soon costs nothing.  The reader's thread makes the one batch; memory changes
over to it in one go, together with the statements for the next commit, so
that whatever becomes of a message is in order with both.  Until that commit
is done the batch stays in memory for who wants to read it.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from broker import paging, stretches
from broker.paged import Paged
from broker.priorities import Priorities
from broker.ready import Fifo
from broker.segment import Segment
from broker.stream_chunks import Chunks
from persistence import joining
from persistence.joining import Part
from persistence.message_log import Batch
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.clock import Clock
    from broker.queue import Queue
    from persistence.commit import GroupCommit
    from persistence.joining import Joined

# A batch of more bytes is not small (messages: paging.FEW).
SMALL = 16 << 10
# So many batches are worth it at the end of a queue, and where something else stands behind them.
WORTH, LEAST = 64, 8
# One batch is made of so many messages and bytes at most.
MESSAGES, OCTETS = 512, 256 << 10
# Seconds between two looks, and between the steps while there is something to do.
ROUND, STEP = 2.0, 0.025
# Messages or segments that are looked at in one step.
LOOKED_AT = 2000
# A queue is forgotten after so many looks at which it had nothing new.
FORGOTTEN = 30


class _Piece(NamedTuple):
    """What stands together in a level: `batch` is None where it cannot be joined with others."""

    batch: Batch | None
    first: int
    last: int


class _Standing:
    """How far a queue was looked at: by level a position; and what had stood in it then."""

    __slots__ = ("idle", "looked_at", "settled_down")

    def __init__(self) -> None:
        self.looked_at: dict[int, int] = {}
        # Messages below this position were there at the last look.
        self.settled_down = 0
        self.idle = 0


class Joiner:
    """Looks after all queues of a broker that got small batches."""

    def __init__(self, commit: "GroupCommit", clock: "Clock") -> None:
        self._commit = commit
        self._clock = clock
        self._queues: dict[Queue, _Standing] = {}
        # Those that this look still has to get to.
        self._todo: list[Queue] = []
        # Of runs that could not be joined as a whole.
        self._halves: list[tuple[Queue, _Run]] = []
        # Whether there is a timer, or somebody reads.
        self._busy = False
        # Batches that a commit is to bring to the disk: its number, and the segments.
        self._unsafe: list[tuple[int, list[Segment]]] = []
        commit.on_done.append(self._committed)

    def note(self, queue: "Queue") -> None:
        """A queue has small batches."""
        standing = self._queues.get(queue)
        if standing is None:
            standing = self._queues[queue] = _Standing()
        standing.idle = 0
        if not self._busy:
            self._wait(ROUND, self._round)

    def forget(self, queue: "Queue") -> None:
        """The queue is gone."""
        if self._queues.pop(queue, None) is not None:
            self._todo = [each for each in self._todo if each is not queue]

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._busy = True
        self._clock.call_later(seconds, then)

    def _round(self) -> None:
        self._queues = {
            queue: standing
            for queue, standing in self._queues.items()
            if not queue.deleted and standing.idle < FORGOTTEN
        }
        self._todo = list(self._queues)
        self._step()

    def _step(self) -> None:
        if self._unsafe or self._commit.failing is not None:
            self._wait(STEP if self._commit.failing is None else ROUND, self._step)
            return
        if self._halves:
            self._read(*self._halves.pop())
            return
        while self._todo:
            queue = self._todo[-1]
            run = self._next_run(queue)
            if run is None:
                self._todo.pop()
                standing = self._queues[queue]
                standing.settled_down = queue.next_position
                standing.idle += 1
            elif run.batches:
                self._read(queue, run)
                return
            else:
                self._wait(STEP, self._step)
                return
        self._busy = False
        if self._queues:
            self._wait(ROUND, self._round)

    # -- which batches -------------------------------------------------------------------

    def _next_run(self, queue: "Queue") -> "_Run | None":
        # None where there is none; an empty one where more must be looked at to know.
        standing = self._queues[queue]
        if queue.deleted:
            return None
        for level, part in _levels(queue).items():
            pieces, whole = _pieces(part, standing.looked_at.get(level, 0))
            run, goes_on_at = _first_run(pieces, standing.settled_down, to_the_end=whole)
            if goes_on_at is not None:
                standing.looked_at[level] = goes_on_at
            if run is not None:
                run.level = level
                return run
        return None

    def _read(self, queue: "Queue", run: "_Run") -> None:
        run.batches = [batch for batch in run.batches if batch.alive]
        chosen = [Part(batch, frozenset(batch.settled)) for batch in run.batches]
        job = partial(joining.read, chosen=chosen, level=(queue.id, run.level))
        self._commit.reader.run(job, partial(self._read_it, queue, run))

    def _read_it(self, queue: "Queue", run: "_Run", joined: "Joined | None") -> None:
        self._wait(STEP, self._step)
        if queue.deleted or (joined is not None and self._join(queue, run.batches, joined)):
            return
        # One that somebody uses or that is damaged need not keep all others from being joined.
        self._halves += ((queue, half) for half in run.halves())

    # -- memory changes over -------------------------------------------------------------

    def _join(self, queue: "Queue", batches: list[Batch], joined: "Joined") -> bool:
        # Whether they are joined; nothing has changed if not.
        log = queue.vhost.log
        if not log.can_join(batches, joined):
            return False
        queues = _by_id(queue, joined)
        found: list[tuple[Share, Paged | None, Any]] = []
        for (queue_id, level), parts in joined.parts.items():
            part = None if queue_id not in queues else _levels(queues[queue_id]).get(level)
            place = _find(part, parts)
            if place is None:
                return False
            found.append((joined.whole[queue_id, level], *place))
        segments = []
        for whole, paged, members in found:
            if paged is None:
                for entry, ref in zip(members, whole.ordinals, strict=True):
                    entry.batch, entry.ref = joined.batch, ref
            else:
                segment = Segment(whole, [])
                segment.asked, segment.blob = True, joined.data
                paged.put_together(members, segment)
                segments.append(segment)
        log.join(batches, joined)
        self._unsafe.append((self._commit.mark(), segments))
        queue.turn.schedule()
        return True

    def _committed(self, done: int) -> None:
        if self._unsafe and self._unsafe[0][0] <= done:
            for segment in self._unsafe.pop(0)[1]:
                # Unless it was made into messages meanwhile.
                segment.blob, segment.asked = None, False


def _levels(queue: "Queue") -> dict[int, Fifo | Paged]:
    ready = queue.ready
    if isinstance(ready, Priorities):
        return dict(enumerate(ready.levels))
    return {} if isinstance(ready, Chunks) else {0: ready}


def _by_id(queue: "Queue", joined: "Joined") -> "dict[int, Queue]":
    if all(queue_id == queue.id for queue_id, _ in joined.parts):
        return {queue.id: queue}
    return {each.id: each for each in queue.vhost.queues.values()}


# -- pieces ------------------------------------------------------------------------------


def _pieces(part: Fifo | Paged, position: int) -> tuple[list[_Piece], bool]:
    """What stands in a level from a position on, as far as it is looked at in one step.

    Also whether there is nothing behind it.
    """
    if not isinstance(part, Paged):
        return _of_entries(part, position)
    if len(part.head.fresh) and part.head.fresh[-1].position >= position:
        return _of_entries(part.head, position)[0], False
    if segments := part.middle_from(position, LOOKED_AT):
        return [_of_segment(segment) for segment in segments], False
    return _of_entries(part.tail, position)


def _of_segment(segment: Segment) -> _Piece:
    share = segment.share
    batch = share.batch if share is not None and segment.rests else None
    return _Piece(batch, segment.first, segment.last)


def _of_entries(fifo: Fifo, position: int) -> tuple[list[_Piece], bool]:
    fresh = fifo.fresh
    window = stretches.window(fresh, stretches.index(fresh, position), LOOKED_AT)
    pieces = []
    for batch, group in groupby(window, attrgetter("batch")):
        entries = list(group)
        pieces.append(_Piece(batch, entries[0].position, entries[-1].position))
    whole = len(window) < LOOKED_AT
    if not whole and len(pieces) > 1:
        pieces.pop()  # it may go on
    return pieces, whole


class _Run:
    """Small batches that follow each other in a level, the first of them at position `start`."""

    def __init__(self, batches: list[Batch] | None = None, level: int = 0) -> None:
        self.batches = batches or []
        self.level = level
        self.start = self._messages = self._octets = 0

    def halves(self) -> "list[_Run]":
        """Both, unless they would not be worth it."""
        middle = len(self.batches) // 2
        if len(self.batches) < LEAST:
            return []
        parts = self.batches[middle:], self.batches[:middle]
        return [_Run(part, self.level) for part in parts]

    def add(self, batch: Batch, position: int) -> None:
        if not self.batches:
            self.start = position
        self.batches.append(batch)
        self._messages += batch.alive
        self._octets += batch.size

    def has_room(self, batch: Batch) -> bool:
        return self._messages + batch.alive <= MESSAGES and self._octets + batch.size <= OCTETS


def _first_run(
    pieces: Iterable[_Piece], settled_down: int, *, to_the_end: bool
) -> tuple[_Run | None, int | None]:
    """As `_next_run`, and the position from which on to look the next time.

    That is None for the same as this time.
    """
    run = _Run()
    goes_on_at = None
    for piece in pieces:
        batch = piece.batch
        if piece.last >= settled_down:
            to_the_end = True
            break
        if batch is None or not _is_small(batch):
            if len(run.batches) >= LEAST:
                return run, piece.last + 1
            run = _Run()
        elif not run.has_room(batch):
            return run, piece.first
        else:
            run.add(batch, piece.first)
        goes_on_at = piece.last + 1
    if len(run.batches) >= (WORTH if to_the_end else LEAST):
        return run, goes_on_at
    if to_the_end:
        return None, run.start if run.batches else goes_on_at
    return _Run(), goes_on_at


def _is_small(batch: Batch) -> bool:
    # One of transient messages (spill.py) has an id that says nothing to the database.
    if batch.spilled or not batch.written:
        return False
    return batch.alive < paging.FEW and batch.size <= SMALL


# -- what in memory belongs to batches ---------------------------------------------------


def _find(
    part: Fifo | Paged | None, parts: Sequence[Share]
) -> tuple[Paged | None, Sequence[Any]] | None:
    """The segments of a Paged, or the messages, that these shares are; None if not all are."""
    if part is None:
        return None
    fifos: list[Fifo] = []
    if isinstance(part, Paged):
        segments = part.middle_from(parts[0].first, len(parts))
        if len(segments) == len(parts) and all(map(_is_all_of, segments, parts)):
            return part, segments
        fifos += part.head, part.tail
    else:
        fifos.append(part)
    wanted = [(share.batch, ordinal) for share in parts for ordinal in share.ordinals]
    for fifo in fifos:
        at = stretches.index(fifo.fresh, parts[0].first)
        entries = stretches.window(fifo.fresh, at, len(wanted))
        if [(entry.batch, entry.ref) for entry in entries] == wanted:
            return None, entries
    return None


def _is_all_of(segment: Segment, share: Share) -> bool:
    # Nothing was taken out of it, and nothing of it is in memory.
    mine = segment.share
    return (
        segment.rests
        and mine is not None
        and mine.batch is share.batch
        and len(mine.ordinals) == len(share.ordinals)
    )
