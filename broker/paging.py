"""Which queues are long, what leaves memory then, and what is read back ahead of need.

Here: the limits, asking for batches, what becomes of those that cannot be
read.  Not here: the order of a long queue (paged.py), the reader's thread
(persistence/reader.py).

The way of a message does not come by here: a queue is looked at when the disk
has a batch of its messages, and when it was delivered from.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from broker.chunk import OVERHEAD, Chunk
from broker.message import QueuedMessage
from broker.paged import Paged
from broker.priorities import Priorities
from broker.ready import Fifo
from broker.recall import Recall
from broker.segment import Segment
from broker.stream_chunks import Chunks
from broker.waiting import Waiting
from broker.yielding import next_turn
from persistence import record
from persistence.reader import Blob
from persistence.record import Damaged
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.joining import Joiner
    from broker.queue import Queue
    from broker.scrub import Scrub
    from broker.spill import Spill
    from persistence.commit import GroupCommit
    from persistence.message_log import Batch

logger = logging.getLogger("leveret.paging")

# Above this (bytes in memory) a queue is long; so much of its head stays then.
LONG = 16 << 20
HEAD = 4 << 20
# Above this its transient messages go: the log has not written them anyway, as it has others.
TRANSIENT = 64 << 20
# Up to this they stay while consumers take them so fast that all would be gone in SOON (ms).
TAKEN = 512 << 20
SOON = 5000
# So much is read ahead of a consumer (bytes in memory), once half of it is used up: a thread that
# reads much at once waits seldom for the interpreter.
AHEAD = 8 << 20
# What a stream keeps in memory (bytes): its newest messages, and in a quarter what was read back.
STREAM = 54 << 20
READ_BACK = 4
# All long queues together; where they are many, each may have less, but not less than FLOOR.
BUDGET = 192 << 20
FLOOR = 256 << 10
# Batches are asked for in portions of this, so that the first comes soon.
PORTION = 2 << 20
# A batch of fewer messages of a queue is better joined with others.
FEW = 64
# Messages that are made for somebody who only looks before others have their turn.
COPIED = 500


class Unread(Waiting):
    """The next message of a queue is on its way from the disk."""

    def __init__(self, queue: "Queue") -> None:
        Exception.__init__(self)
        self._queue = queue

    def begin(self, then: Callable[[], None]) -> None:
        """Calls `then` once it may be there."""
        self._queue.turn.pager.when_read(self._queue, then)


class Pager:
    """Looks after the memory of all queues of a broker."""

    __slots__ = (
        "_commit",
        "_joiner",
        "_looks",
        "_most",
        "_paces",
        "_recall",
        "_scrub",
        "_spill",
        "_waiting",
        "_weights",
        "directory",
    )

    def __init__(self, commit: "GroupCommit") -> None:
        self._commit = commit
        self._recall = Recall()
        self._scrub: Scrub | None = None
        self._spill: Spill | None = None
        # Where files may be made that are there for a while only; None for any place.
        self.directory: Path | None = None
        self._joiner: Joiner | None = None
        # Of queues that were not short when they were last looked at: bytes in memory.
        self._weights: dict[Queue, int] = {}
        # What each may have of BUDGET at most, and looks since that was found out.
        self._most = BUDGET
        self._looks = 0
        # When they were last looked at for transient messages, and how many had left them by then.
        self._paces: dict[Queue, tuple[int, int]] = {}
        # Who waits for a read, by the queue that it is for.
        self._waiting: dict[Queue, list[Callable[[], object]]] = {}
        commit.on_written = self.written

    # -- out of memory -------------------------------------------------------------------

    def written(self, queue: "Queue", share: Share) -> None:
        """The disk has this much of a queue: if it is long, that need not stay in memory."""
        if not queue.pages or queue.deleted:
            return
        ready = queue.ready
        if isinstance(ready, Chunks):
            ready.written(share)
        weight = _weight(queue)
        if weight <= FLOOR:
            return
        self._weights[queue] = weight
        self._looks += 1
        if self._looks > 4 * len(self._weights):
            self._divide()
        if isinstance(ready, Chunks):
            most, was_short = self._stream_share, not ready.on_disk()[0]
            ready.page_out(weight, most - most // READ_BACK)
            if was_short and ready.on_disk()[0]:
                self.watch(queue)
            return
        if len(share.ordinals) < FEW:
            self.note_small(queue)
        if weight > (self._share // 2 if ready.paged else self._share):
            self._page_level(queue, share.level, share)

    def look(self, queue: "Queue") -> None:
        """A queue is in use: if it is long, its transient messages need not stay in memory.

        Called as often as ages.py takes notes at most.
        """
        ready = queue.ready
        if not queue.pages or queue.deleted or isinstance(ready, Chunks):
            return
        weight = _weight(queue)
        if weight <= FLOOR:
            return
        self._weights[queue] = weight
        soon_gone = self._is_soon_gone(queue)
        limit = min(TRANSIENT, self._most)
        if weight <= (limit // 2 if ready.paged else limit):
            return
        if soon_gone and weight <= TAKEN // len(self._weights):
            return
        for level in range(len(ready.by_level())):
            spilled = self._page_level(queue, level, None)
            if isinstance(spilled, Paged):
                self._spill_from(spilled)

    def _is_soon_gone(self, queue: "Queue") -> bool:
        # At the pace of the time since the last look, which nobody knows at the first one.
        now, left = queue.turn.now(), len(queue.ready)
        taken = queue.next_position - left
        before, taken_before = self._paces.get(queue, (now, taken))
        self._paces[queue] = now, taken
        return now > before and left * (now - before) <= (taken - taken_before) * SOON

    def _spill_from(self, paged: Paged) -> None:
        if _weight(paged.queue) <= min(TRANSIENT, self._most) // 2:
            return
        paged.page_out()
        first = next(iter(paged.tail.unseen()), None)
        if first is None or first.batch is not None:
            return
        if self._spill is None:
            from broker.spill import Spill  # most brokers never have so many

            self._spill = Spill(self._commit.reader, self.directory)
        self._spill.begin(paged, self._spill_from)

    def _page_level(self, queue: "Queue", level: int, share: Share | None) -> "Fifo | Paged":
        ready = queue.ready
        if isinstance(ready, Priorities):
            part = self._page_out(queue, ready.levels[level], level, share)
            ready.replace(level, part)
        else:
            assert not isinstance(ready, Chunks)  # the caller has seen to that
            part = queue.ready = self._page_out(queue, ready, level, share)
        return part

    def forget(self, queue: "Queue") -> None:
        """The queue is gone; who waits for what is being read of it is told as ever."""
        self._weights.pop(queue, None)
        self._paces.pop(queue, None)
        if self._scrub is not None:
            self._scrub.forget(queue)
        if self._joiner is not None:
            self._joiner.forget(queue)

    def _divide(self) -> None:
        self._looks = 0
        weights = {each: _weight(each) for each in self._weights if not each.deleted}
        self._weights = {queue: weight for queue, weight in weights.items() if weight > FLOOR}
        self._paces = {queue: pace for queue, pace in self._paces.items() if queue in self._weights}
        self._most = max(FLOOR, BUDGET // max(1, len(self._weights)))

    @property
    def _share(self) -> int:
        return min(LONG, self._most)

    @property
    def _stream_share(self) -> int:
        return min(STREAM, self._most)

    def _page_out(
        self, queue: "Queue", ready: "Fifo | Paged", level: int, share: Share | None
    ) -> "Fifo | Paged":
        if not isinstance(ready, Paged):
            keep = _prefix(ready, min(HEAD, self._share // 4))
            if keep is None:
                return ready
            ready = Paged(queue, self, ready, keep, level)
            self.watch(queue)
        ready.page_out(share)
        return ready

    def watch(self, queue: "Queue") -> None:
        """A queue has become long: what it has on the disk is checked now and then."""
        if self._scrub is None:
            from broker.scrub import Scrub  # most brokers have no long queue

            self._scrub = Scrub(self, queue.turn.clock)
        self._scrub.watch(queue)

    def note_small(self, queue: "Queue") -> None:
        """A queue has batches of few messages."""
        if self._joiner is None:
            from broker.joining import Joiner  # most brokers have no such queue

            self._joiner = Joiner(self._commit, queue.turn.clock)
        self._joiner.note(queue)

    def paged(self, queue: "Queue", level: int = 0) -> Paged:
        """For a queue that is long from the start: empty, to be filled with shares."""
        ready = queue.ready
        found = ready.levels[level] if isinstance(ready, Priorities) else ready
        if isinstance(found, Paged):
            return found
        new = Paged(queue, self, found, 0, level)
        self.watch(queue)
        if isinstance(ready, Priorities):
            ready.replace(level, new)
            ready.paged = True
        else:
            queue.ready = new
        return new

    # -- back into memory ----------------------------------------------------------------

    def read_for(self, chunks: Chunks, places: Iterable[int]) -> None:
        """Asks for what readers at these places of a stream want soon."""
        chunks.read_for(places, self._stream_share // READ_BACK)

    def read_ahead(self, paged: Paged) -> None:
        """Asks for what a consumer will want soon."""
        ahead = min(AHEAD, self._share)
        if _ahead(paged.asked_for()) <= ahead // 2:
            wanted = paged.unread(lambda size: _ahead(size) > ahead)
            if wanted:
                self.read(paged, wanted)

    def read(self, paged: Paged | Chunks, segments: Sequence[Segment | Chunk]) -> None:
        """Asks for these segments; the queue goes on when they are there."""
        portion: list[Segment | Chunk] = []
        size = 0
        for segment in segments:
            assert segment.share is not None  # else it is in memory
            segment.asked = True
            portion.append(segment)
            size += segment.share.batch.size
            if size > PORTION or segment is segments[-1]:
                self._ask(paged, portion)
                portion, size = [], 0

    def _ask(self, paged: Paged | Chunks, segments: list[Any]) -> None:
        queue = paged.queue

        def arrived(blobs: list[Blob]) -> None:
            for segment, blob in zip(segments, blobs, strict=True):
                segment.blob = blob
            paged.arrived(segments)
            self.goes_on(queue)

        batches = [segment.share.batch for segment in segments if segment.share is not None]
        self.fetch(batches, arrived)

    def goes_on(self, queue: "Queue") -> None:
        """Something that a queue had to wait for was read."""
        for callback in self._waiting.pop(queue, ()):
            callback()
        if not queue.deleted:
            queue.touch()
        queue.turn.schedule()

    def when_read(self, queue: "Queue", callback: Callable[[], object]) -> None:
        """Calls `callback` once more of a queue that must wait was read."""
        self._waiting.setdefault(queue, []).append(callback)

    def fetch(self, batches: "Sequence[Batch]", then: Callable[[list[Blob]], None]) -> None:
        """Reads batches; `then` is called on the loop with them."""
        reader = self._commit.reader
        if self._spill is not None and any(batch.spilled for batch in batches):
            self._spill.fetch(batches, then)
        else:
            reader.fetch([batch.id for batch in batches], then)

    async def copies(self, queue: "Queue", share: Share, blob: Blob) -> list[QueuedMessage]:
        """As `recall`, for somebody who only looks: what is damaged stays as it is."""
        copies: list[QueuedMessage] = []
        try:
            if isinstance(blob, Damaged):
                raise blob
            found = record.extract(blob, share.ordinals)
        except Damaged:
            return copies
        _count_reads(queue, len(found))
        for at in range(0, len(found), COPIED):
            copies += self._recall.build(queue, share.batch, found[at : at + COPIED])
            await next_turn()
        return copies

    def recall(self, queue: "Queue", share: Share, blob: Blob) -> list[QueuedMessage]:
        """The messages of a share that was read; none where it is damaged."""
        try:
            if isinstance(blob, Damaged):
                raise blob
            entries = self._recall.entries(queue, share, blob)
            _count_reads(queue, len(entries))
            return entries
        except Damaged as damage:
            logger.error(
                "vhost '%s': batch %d cannot be read: %s; queue '%s' lacks %d messages",
                queue.vhost.name,
                share.batch.id,
                damage,
                queue.name,
                len(share.ordinals),
            )
            queue.ready_bytes -= share.octets
            queue.vhost.log.set_aside(share, damage)
            return []


def _count_reads(queue: "Queue", messages: int) -> None:
    queue.disk_reads += messages
    queue.vhost.statistics.disk_reads += messages


def _ahead(size: tuple[int, int]) -> int:
    messages, octets = size
    return messages * OVERHEAD + octets


def _weight(queue: "Queue") -> int:
    messages, octets = queue.ready.on_disk()
    return queue.ready_bytes - octets + (len(queue.ready) - messages) * OVERHEAD


def _prefix(ready: Fifo, size: int) -> int | None:
    # How many of the first messages take about `size` bytes together; None where all do not.
    for count, entry in enumerate(ready.unseen()):
        if size <= 0:
            return count
        size -= entry.message.header.body_size + OVERHEAD
    return None
