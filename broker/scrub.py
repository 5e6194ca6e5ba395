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
# So many pieces of each level of a queue are noted at once.
SOME = 50


class Scrub:
    """Passes over all long queues of a broker again and again, while there are any."""

    __slots__ = ("_clock", "_pager", "_places", "_queues", "_segments", "_todo", "_waiting")

    def __init__(self, pager: "Pager", clock: Clock) -> None:
        self._pager = pager
        self._clock = clock
        # Those that are or were long; those that this pass still has to get to or is at.
        self._queues: dict[Queue, None] = {}
        self._todo: deque[Queue] = deque()
        # Of the first of them: what is looked at next, and by level the position behind it.
        self._segments: deque[Segment | Chunk] = deque()
        self._places: dict[int, int] = {}
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
            if self._todo and self._todo[0] is queue:
                self._begin_next()
            else:
                self._todo = deque(each for each in self._todo if each is not queue)

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
        while self._todo:
            queue = self._todo[0]
            if not _is_here(queue) or not (self._segments or self._look_further(queue)):
                self._begin_next()
                continue
            segment = self._segments.popleft()
            # Unless somebody was quicker, who reports what he finds.
            if segment.share is not None and not segment.asked:
                return queue, segment.share
        return None

    def _begin_next(self) -> None:
        self._todo.popleft()
        self._segments.clear()
        self._places.clear()

    def _look_further(self, queue: "Queue") -> bool:
        # A few at a time: what is kept here stays in memory, and others may take its place.
        places = self._places
        if isinstance(queue.ready, Chunks):
            if not places:
                places[0] = 0
                self._segments.extend(queue.ready.unread())
            return bool(self._segments)
        for number, level in enumerate(queue.ready.by_level()):
            if isinstance(level, Paged):
                found = level.middle_from(places.get(number, 0), SOME)
                if found:
                    places[number] = found[-1].last + 1
                    self._segments.extend(found)
        return bool(self._segments)

    def _check(self, queue: "Queue", share: Share) -> None:
        def read(blobs: list[Blob]) -> None:
            # What was consumed meanwhile may be gone.
            if isinstance(blobs[0], Damaged) and _is_here(queue) and share.batch.alive:
                _report(queue, share, blobs[0])
            self._wait(PAUSE)

        self._pager.fetch([share.batch], read)


def _is_here(queue: "Queue") -> bool:
    return queue.vhost.queues.get(queue.name) is queue


def _is_long(queue: "Queue") -> bool:
    return _is_here(queue) and queue.ready.on_disk()[0] > 0


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
