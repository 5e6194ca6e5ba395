"""Messages of a long queue whose time is over while they are on the disk.

Here: which piece of the middle is the next, forgetting what is over in it, and
reading it only where somebody wants to have the message: the dead-letter
exchange.  Not here: the order of the deadlines in a piece (schedule.py), when
it is looked at (expiry.py).

What is read of a piece does not come back into memory, but for a few that are
over next: so no piece is read for each message of it.
"""

from collections import deque
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from broker.message import QueuedMessage
from broker.paged_look import Look
from broker.schedule import Schedule
from persistence.reader import Blob
from persistence.record import Damaged
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.segment import Segment
    from persistence.message_log import Batch

# What one sweep does before others have their turn: messages that it looks at or forgets.
WORK = 8000
# How many that are over next come into memory with those that are to be dead-lettered.
NEXT = 128
# Octets of batches that are read at once for that.
FETCHED = 2 << 20


class Timed(Look):
    """What expiry.py needs of a Paged, which this is mixed into."""

    __slots__ = ("_due", "_numbers", "_reading", "_unread")

    def __init__(self) -> None:
        # A heap of segments by their first deadline, and of some that are there no more or have
        # another now.  Those of which something is being read for are not in it.
        self._due: list[tuple[int, int, int, Segment]] = []
        self._numbers = count()
        # Those that are to be read for their dead letters, and whether some are being read.
        self._unread: deque[Segment] = deque()
        self._reading = False

    def note_deadline(self, segment: "Segment") -> None:
        """The first deadline of a segment may be another now."""
        if segment.earliest is None:
            return
        # Of those with the same deadline the one in front goes first.
        item = segment.earliest, segment.first, next(self._numbers), segment
        heappush(self._due, item)
        if len(self._due) > 2 * len(self._middle) + 100:
            found = {id(item[-1]): item for item in self._due if item[-1].earliest == item[0]}
            self._due = list(found.values())
            heapify(self._due)

    def forget_deadlines(self) -> None:
        """Nothing is on the disk any more."""
        self._due.clear()
        self._unread.clear()

    def nearest_on_disk(self) -> int | None:
        """The first deadline in the middle, but for what is being read; None where none is."""
        due = self._due
        while due and due[0][-1].earliest != due[0][0]:
            heappop(due)
        return due[0][0] if due else None

    def expire_middle(self, now: int, limit: int, expired: list[QueuedMessage]) -> None:
        """Adds to `expired`, up to `limit`, what is over by `now`, or forgets it."""
        work, emptied = WORK, False
        while work > 0 and len(expired) < limit:
            nearest = self.nearest_on_disk()
            if nearest is None or nearest > now:
                break
            segment = heappop(self._due)[-1]
            before, put_in_order = len(segment), segment.schedule is None
            if not self._expire(segment, now, limit, expired):
                continue  # it is noted again when something was read
            work -= 100 + (before if put_in_order else before - len(segment))
            self._renew(segment)
            emptied = emptied or not len(segment)
        if self._unread and not self._reading:
            self._read_next()
        if emptied:
            self._drop_empty()

    def _renew(self, segment: "Segment") -> None:
        segment.find_earliest()
        self.note_deadline(segment)

    def _drop_empty(self) -> None:
        self._middle = deque(segment for segment in self._middle if len(segment))

    def _expire(
        self, segment: "Segment", now: int, limit: int, expired: list[QueuedMessage]
    ) -> bool:
        # False where it must be read for that.
        if segment.others:
            before = len(expired)
            _take_due(segment, now, limit, expired)
            self._count -= len(expired) - before
        share, due = segment.share, segment.due_on_disk()
        if share is None or due is None or due > now:
            return True
        wanted = self.queue.settings.dead_letter_exchange is not None
        if not wanted and share.latest is not None and share.latest <= now:
            self._forget(segment, share, share, None)
        elif segment.schedule is None and not Schedule.knows(share):
            return self._bring_all(segment)
        else:
            if segment.schedule is None:
                segment.schedule = Schedule(share)
            if wanted:
                return self._bring_due(segment, share, now)
            ordinals, octets = segment.schedule.take(now)
            gone = share.pick(ordinals, octets)
            self._forget(segment, share, gone, share.without(ordinals, octets))
        return True

    def _forget(self, segment: "Segment", share: Share, gone: Share, left: Share | None) -> None:
        # Nobody wants to see what is over.
        self._reduce(segment, gone, left)
        self._count -= len(gone.ordinals)
        self.queue.forget(gone)

    def _reduce(self, segment: "Segment", gone: Share, left: Share | None) -> None:
        self._messages -= len(gone.ordinals)
        self._octets -= gone.octets
        segment.reduce(left)

    # -- what must be read ---------------------------------------------------------------

    def _bring_all(self, segment: "Segment") -> bool:
        # Its deadlines are not known; False where it is not there yet.
        if segment.readable:
            self._make_resident(segment)
            return True
        if not segment.asked:
            self._pager.read(self, [segment])  # type: ignore[arg-type]
        return False

    def _bring_due(self, segment: "Segment", share: Share, now: int) -> bool:
        # Into memory, where they expire; False where it is not there yet.
        if segment.blob is not None:
            self._bring(segment, share, segment.blob, now)
            return True
        if not segment.asked:
            self._unread.append(segment)
        return False

    def _bring(self, segment: "Segment", share: Share, blob: Blob, now: int) -> None:
        schedule = segment.schedule
        if isinstance(blob, Damaged) or schedule is None:
            segment.blob = blob
            self._make_resident(segment)
            return
        ordinals, octets = schedule.take(now, ahead=NEXT)
        picked = share.pick(ordinals, octets)
        entries = self._pager.recall(self.queue, picked, blob)
        if entries:
            # Where all have the same deadline, sizes were not known.
            octets = picked.octets = sum(entry.message.header.body_size for entry in entries)
        self._reduce(segment, picked, share.without(ordinals, octets))
        self._count += len(entries) - len(ordinals)
        self._mark(entries)
        segment.others = sorted([*segment.others, *entries], key=_position)

    def _read_next(self) -> None:
        segments: list[Segment] = []
        batches: list[Batch] = []
        size = 0
        while self._unread and size < FETCHED:
            segment = self._unread.popleft()
            if segment.share is not None and not segment.asked:
                segments.append(segment)
                batches.append(segment.share.batch)
                size += segment.share.batch.size
            elif segment.earliest is not None:
                self._renew(segment)  # somebody has taken that out
        if not segments:
            return
        self._reading = True

        def arrived(blobs: list[Blob]) -> None:
            self._reading = False
            if not self.queue.deleted:
                for segment, blob in zip(segments, blobs, strict=True):
                    # It may have been wanted by somebody else, too.
                    if segment.share is not None and not segment.asked:
                        self._bring(segment, segment.share, blob, self.queue.turn.now())
                self.arrived(segments)
                self._read_next()
            self._pager.goes_on(self.queue)

        self._pager.fetch(batches, arrived)

    def arrived(self, segments: "list[Segment]") -> None:
        """What was asked for was read."""
        for segment in segments:
            if segment.earliest is not None:
                self._renew(segment)
        if not all(map(len, segments)):
            self._drop_empty()
        nearest = self.nearest_on_disk()
        if nearest is not None:
            self.queue.expiry.watch(nearest)

    def _make_resident(self, segment: "Segment") -> list[QueuedMessage]:
        raise NotImplementedError


def _take_due(segment: "Segment", now: int, limit: int, expired: list[QueuedMessage]) -> None:
    left: list[QueuedMessage] = []
    for entry in segment.others:
        if entry.deadline is not None and entry.deadline <= now and len(expired) < limit:
            expired.append(entry)
        else:
            left.append(entry)
    segment.others = left


def _position(entry: QueuedMessage) -> int:
    return entry.position
