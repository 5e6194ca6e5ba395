"""Looking into a long queue, and taking messages out of it, wherever they are.

Here: that for the head, the middle on the disk and the tail of a Paged.  Not
here: the order of a long queue and what is read for consumers (paged.py).

What is read for somebody who looks does not come back into the queue: the
messages that they see are copies, made of what the disk has.  Where one is
taken out, the copy takes its place, and what is left stays on the disk.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from typing import TYPE_CHECKING

from broker.message import QueuedMessage
from broker.ready import Fifo
from persistence.reader import Blob
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.paging import Pager
    from broker.queue import Queue
    from broker.segment import Segment


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

    async def look(self, position: int, count: int) -> list[QueuedMessage]:
        """As Fifo.after; fewer do not mean that there are no more, but none does."""
        while True:
            if found := self.head.after(position, count):
                return found
            segment = self._segment(position)
            if segment is None:
                return self.tail.after(position, count)
            if segment.share is not None and segment.copies is None:
                blob = await self._read(segment.share)
                self._copy(segment, blob)
                continue  # the queue may have gone on meanwhile
            entries = segment.others if segment.copies is None else segment.seen()
            if found := [entry for entry in entries if entry.position >= position][:count]:
                return found
            position = segment.last + 1

    def _segment(self, position: int) -> "Segment | None":
        # The first that has something from this position on; those before need no copies now.
        for segment in self._middle:
            if segment.last >= position:
                return segment
            segment.copies = None
        return None

    async def _read(self, share: Share) -> Blob:
        done: asyncio.Future[Blob] = asyncio.get_running_loop().create_future()

        def arrived(blobs: list[Blob]) -> None:
            if not done.done():
                done.set_result(blobs[0])

        self._pager.fetch([share.batch.id], arrived)
        return await done

    def _copy(self, segment: "Segment", blob: Blob) -> None:
        if segment.share is not None:
            segment.copies = self._pager.copies(self.queue, segment.share, blob)
            self._mark(segment.copies)

    def _mark(self, entries: list[QueuedMessage]) -> None:
        raise NotImplementedError

    def look_away(self) -> None:
        """Nobody looks any more: the copies can go."""
        for segment in self._middle:
            segment.copies = None

    # -- taking out ----------------------------------------------------------------------

    def take_out(self, entries: Collection[QueuedMessage]) -> set[QueuedMessage]:
        """As Fifo.take_out; copies that `look` has given count as what they are copies of."""
        wanted = set(entries)
        taken = self.head.take_out(wanted)
        for segment in self._middle:
            if len(taken) == len(wanted):
                break
            if segment.copies is not None or segment.others:
                taken |= self._take_from(segment, wanted)
        if len(taken) < len(wanted):
            taken |= self.tail.take_out(wanted - taken)
        if not all(map(len, self._middle)):
            self._middle = deque(segment for segment in self._middle if len(segment))
        self._look_for_nearest()
        return taken

    def _take_from(self, segment: "Segment", wanted: set[QueuedMessage]) -> set[QueuedMessage]:
        taken = wanted.intersection(segment.others)
        if taken:
            segment.others = [entry for entry in segment.others if entry not in taken]
        share, copies = segment.share, segment.copies
        gone = wanted.intersection(copies) if share is not None and copies else set()
        if share is not None and copies and gone:
            left = [entry for entry in copies if entry not in gone]
            segment.copies = left
            segment.share = Share.of(share.batch, left, self.level) if left else None
            self._messages -= len(gone)
            self._octets -= share.octets - (segment.share.octets if segment.share else 0)
        taken |= gone
        self._count -= len(taken)
        if taken:
            segment.find_earliest()
        return taken

    def _look_for_nearest(self) -> None:
        raise NotImplementedError
