"""Reading what long queues have on the disk before anybody wants it: damage is told early.

Here: which batch is next, and when.  Not here: reading and checking
(persistence/reader.py), what becomes of a damaged batch once it is wanted
(paging.py).

One batch at a time, of a MiB at most, with a pause after each: consumers who
wait for the reader do so for a few milliseconds, and the loop does nothing but
ask.  It begins with the first queue that is long.
"""

import logging
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from broker.chunk import Chunk
from broker.clock import Clock
from broker.paged import Paged
from broker.segment import Segment
from broker.stream_chunks import Chunks
from persistence.reader import Blob
from persistence.record import Damaged, Unreadable
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.paging import Pager
    from broker.queue import Queue

logger = logging.getLogger("leveret.scrub")

# Seconds between two batches, and between the end of one pass and the next.
PAUSE, REST = 1.0, 6 * 3600.0


class Scrub:
    """Passes over all long queues of a broker again and again, while there are any."""

    __slots__ = ("_clock", "_pager", "_queues", "_segments", "_todo", "_waiting")

    def __init__(self, pager: "Pager", clock: Clock) -> None:
        self._pager = pager
        self._clock = clock
        # Those that are or were long; those that this pass still has to get to; what it has to
        # look at of the one that it has got to.
        self._queues: dict[Queue, None] = {}
        self._todo: deque[Queue] = deque()
        self._segments: deque[tuple[Queue, Segment | Chunk]] = deque()
        self._waiting = False

    def watch(self, queue: "Queue") -> None:
        """A queue has become long."""
        if queue not in self._queues:
            self._queues[queue] = None
            self._todo.append(queue)
        self._wait(PAUSE)

    def forget(self, queue: "Queue") -> None:
        """The queue is gone."""
        if self._queues.pop(queue, self) is not self:
            self._todo = deque(each for each in self._todo if each is not queue)
            self._segments = deque(each for each in self._segments if each[0] is not queue)

    def _wait(self, seconds: float) -> None:
        if not self._waiting:
            self._waiting = True
            self._clock.call_later(seconds, self._look)

    def _look(self) -> None:
        self._waiting = False
        found = self._next()
        if found is not None:
            self._check(*found)
            return
        # All were looked at.
        self._queues = {queue: None for queue in self._queues if _is_long(queue)}
        self._todo.extend(self._queues)
        if self._queues:
            self._wait(REST)

    def _next(self) -> "tuple[Queue, Share] | None":
        while self._segments or self._todo:
            if not self._segments:
                queue = self._todo.popleft()
                if _is_here(queue):
                    self._segments.extend((queue, each) for each in _unread(queue))
                continue
            queue, segment = self._segments.popleft()
            # Unless somebody was quicker, who reports what he finds.
            if segment.share is not None and not segment.asked and _is_here(queue):
                return queue, segment.share
        return None

    def _check(self, queue: "Queue", share: Share) -> None:
        def read(blobs: list[Blob]) -> None:
            # What was consumed meanwhile may be gone.
            if isinstance(blobs[0], Damaged) and _is_here(queue) and share.batch.alive:
                _report(queue, share, blobs[0])
            self._wait(PAUSE)

        self._pager.fetch([share.batch.id], read)


def _is_here(queue: "Queue") -> bool:
    return queue.vhost.queues.get(queue.name) is queue


def _is_long(queue: "Queue") -> bool:
    return _is_here(queue) and queue.ready.on_disk()[0] > 0


def _unread(queue: "Queue") -> Iterable[Segment | Chunk]:
    if isinstance(queue.ready, Chunks):
        yield from queue.ready.unread()
        return
    for level in queue.ready.by_level():
        if isinstance(level, Paged):
            yield from level.unread(lambda _: False)


def _report(queue: "Queue", share: Share, damage: Damaged) -> None:
    logger.error(
        "vhost '%s': batch %d is damaged on the disk: %s; queue '%s' will lack %d messages",
        queue.vhost.name,
        share.batch.id,
        damage,
        queue.name,
        len(share.ordinals),
    )
    if isinstance(damage, Unreadable):
        queue.vhost.log.set_aside(share, damage)  # which has the next start mend the file
