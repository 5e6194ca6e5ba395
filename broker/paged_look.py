"""Looking into a long queue, and taking messages out of it, wherever they are.

Here: that for the head, the middle on the disk and the tail of a Paged.  Not
here: the order of a long queue and what is read for consumers (paged.py).

What is read for somebody who looks does not come back into the queue: the
messages that they see are copies, made of what the disk has.  Where one is
taken out, the copy takes its place, and what is left stays on the disk.
"""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING

from broker.message import QueuedMessage
from broker.ready import Fifo
from persistence.reader import Blob
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.paging import Pager
    from broker.queue import Queue
    from broker.segment import Segment


# Octets of batches that are read at once for somebody who looks.
GLIMPSED = 1 << 20


class Look:
    """What browse.py needs of a Paged, which this is mixed into."""

    __slots__ = ("_count", "_messages", "_middle", "_octets")

    queue: "Queue"
    level: int
    head: Fifo
    tail: Fifo
    _pager: "Pager"
    _middle: "deque[Segment]"
    _count: int
    _messages: int
    _octets: int

    def by_level(self) -> "list[Look]":
        """The parts that are delivered one after the other: this."""
        return [self]

    def came_back(self) -> list[tuple[int, QueuedMessage]]:
        """What was delivered before, each with its place, in no order."""
        return self.head.came_back()

    def seek(self, number: int) -> tuple[int | None, int]:
        """As Fifo.seek."""
        position, left = self.head.seek(number)
        if position is not None:
            return position, 0
        for segment in self._middle:
            if left < len(segment):
                return segment.first, left
            left -= len(segment)
        return self.tail.seek(left)

    async def look(self, position: int, count: int, sight: "Sight") -> list[QueuedMessage]:
        """As Fifo.after; fewer do not mean that there are no more, but none does."""
        while True:
            if found := self.head.after(position, count):
                return found
            at = self._index(position)
            if at == len(self._middle):
                return self.tail.after(position, count)
            segment = self._middle[at]
            sight.rest_on(segment)
            if segment.share is not None and segment.copies is None:
                await self._copy(at, segment, segment.share, sight)
                continue  # the queue may have gone on meanwhile
            entries = segment.seen()
            if found := [entry for entry in entries if entry.position >= position][:count]:
                return found
            position = segment.last + 1

    def _index(self, position: int) -> int:
        # Of the first segment that has something from this position on.
        return bisect_left(self._middle, position, key=_last)

    async def _copy(self, at: int, segment: "Segment", share: Share, sight: "Sight") -> None:
        if segment.glimpse is None and segment.blob is None:
            await self._read(at, sight)
        glimpse, segment.glimpse = segment.glimpse or segment.blob, None
        if glimpse is not None:
            copies = await self._pager.copies(self.queue, share, glimpse)
            if segment.share is share and segment.copies is None:
                self._mark(copies)
                segment.copies = copies

    async def _read(self, at: int, sight: "Sight") -> None:
        # And some of what is behind it: a batch may be small, and each way to the disk is long.
        wanted: list[Segment] = []
        size = 0
        for each in islice(self._middle, at, None):
            if each.share is not None and each.copies is None and each.blob is None:
                wanted.append(each)
                size += each.share.batch.size
            if size >= GLIMPSED:
                break
        done: asyncio.Future[list[Blob]] = asyncio.get_running_loop().create_future()

        def arrived(blobs: list[Blob]) -> None:
            if not done.done():
                done.set_result(blobs)

        batches = [each.share.batch for each in wanted if each.share is not None]
        self._pager.fetch(batches, arrived)
        for each, blob in zip(wanted, await done, strict=True):
            each.glimpse = blob
        sight.glimpsed = wanted

    def _mark(self, entries: list[QueuedMessage]) -> None:
        raise NotImplementedError

    # -- taking out ----------------------------------------------------------------------

    def take_out(self, entries: Collection[QueuedMessage]) -> set[QueuedMessage]:
        """As Fifo.take_out; copies that `look` has given count as what they are copies of."""
        wanted = set(entries)
        taken = self.head.take_out(wanted)
        for entry in sorted(wanted - taken, key=_position):
            if entry in taken:
                continue  # with another of its segment
            at = self._index(entry.position)
            if at < len(self._middle) and (found := self._take_from(at, wanted - taken)):
                taken |= found
        if len(taken) < len(wanted):
            taken |= self.tail.take_out(wanted - taken)
        return taken

    def _take_from(self, at: int, wanted: set[QueuedMessage]) -> set[QueuedMessage]:
        segment = self._middle[at]
        taken = wanted.intersection(segment.others)
        if taken:
            segment.others = [entry for entry in segment.others if entry not in taken]
        share, copies = segment.share, segment.copies
        gone = wanted.intersection(copies) if share is not None and copies else set()
        if share is not None and copies and gone:
            left = [entry for entry in copies if entry not in gone]
            segment.reduce(Share.of(share.batch, left, self.level) if left else None)
            segment.copies = left
            segment.schedule = None
            self._messages -= len(gone)
            self._octets -= share.octets - (segment.share.octets if segment.share else 0)
        taken |= gone
        self._count -= len(taken)
        if not len(segment):
            del self._middle[at]
        if taken and segment.earliest is not None:
            segment.find_earliest()
            self.note_deadline(segment)
        return taken

    def note_deadline(self, segment: "Segment") -> None:
        raise NotImplementedError


class Sight:
    """What one who looks at a queue has before his eyes; `close` when he looks no more."""

    __slots__ = ("_segment", "glimpsed")

    def __init__(self) -> None:
        self._segment: Segment | None = None
        # What was read for him, and perhaps not yet looked at.
        self.glimpsed: list[Segment] = []

    def rest_on(self, segment: "Segment | None") -> None:
        """He looks at this segment, and at no other any more."""
        before = self._segment
        if before is segment:
            return
        if before is not None:
            before.watched -= 1
            if not before.watched:
                before.copies = None
        if segment is not None:
            segment.watched += 1
        self._segment = segment

    def close(self) -> None:
        """The copies can go, unless others look at them."""
        self.rest_on(None)
        for segment in self.glimpsed:
            segment.glimpse = None


def _position(entry: QueuedMessage) -> int:
    return entry.position


def _last(segment: "Segment") -> int:
    return segment.last
