"""A long queue: head and tail in memory, the middle on the disk (DESIGN section 4).

Here: what is where, and in which order it comes back.  Not here: when a queue
is long and what is read (paging.py), how a blob becomes messages (recall.py).

Only what was never delivered goes to the disk, so that all of it stands behind
whatever came back.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from broker.message import QueuedMessage
from broker.paged_look import Look
from broker.ready import Fifo
from broker.segment import Segment
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.paging import Pager
    from broker.queue import Queue


class Paged(Look):
    """As a Fifo, which it takes the place of.

    `head` is delivered from; it has all that came back.  `at_hand` is how much
    of the whole can be taken without waiting for the disk.  Nothing below the
    position `delivered_below` was new at the start of the broker.
    """

    __slots__ = (
        "_nearest",
        "_pager",
        "append",
        "delivered_below",
        "head",
        "level",
        "pop",
        "queue",
        "tail",
    )

    paged = True

    def __init__(self, queue: "Queue", pager: "Pager", head: Fifo, keep: int, level: int) -> None:
        self.queue = queue
        self._pager = pager
        self._middle: deque[Segment] = deque()
        # Messages in the middle; how many and how large those are that are on the disk only.
        self._count = self._messages = self._octets = 0
        # The first deadline in the middle that is not being read, None for none.
        self._nearest: int | None = None
        self.level = level
        self.delivered_below = 0
        self._lead(head)
        self._follow(head.split(keep))

    def _lead(self, head: Fifo) -> None:
        # `pop` takes the first message; IndexError where none is at hand.
        self.head = head
        self.pop = head.pop

    def _follow(self, tail: Fifo) -> None:
        # `append` adds a message at the end.
        self.tail = tail
        self.append = tail.append

    def __len__(self) -> int:
        return len(self.head) + self._count + len(self.tail)

    def __iter__(self) -> Iterator[QueuedMessage]:
        """Those in memory."""
        yield from self.head
        for segment in self._middle:
            yield from segment.others
        yield from self.tail

    # -- as a Fifo -----------------------------------------------------------------------

    def at_hand(self) -> int:
        """How many messages can be taken now; makes what was read into messages first."""
        here = len(self.head)
        while not here:
            if not self._middle:
                if not len(self.tail):
                    return 0
                self._lead(self.tail)
                self._follow(self.tail.successor())
            elif self._middle[0].readable:
                segment = self._middle.popleft()
                plain = segment.earliest is None and segment.first >= self.delivered_below
                entries = self._make_resident(segment)
                self._count -= len(entries)
                self._take_in(entries, plain)
                if segment.earliest is not None:
                    self._look_for_nearest()
            else:
                return 0
            here = len(self.head)
        return here

    def _take_in(self, entries: list[QueuedMessage], plain: bool) -> None:
        # `plain`: none has a deadline, and none may have been delivered before.
        head = self.head
        if plain and type(head) is Fifo:
            head.fresh.extend(entries)
            return
        for entry in entries:
            if entry.returns:
                if entry.deadline is not None:
                    head = head.for_return(entry)
                head.requeue(entry)
            else:
                if entry.deadline is not None:
                    head = head.for_deadline(entry)
                head.append(entry)
        self._lead(head)

    def successor(self) -> Fifo:
        """As Fifo.successor."""
        return self.tail.successor()

    def has_returned(self) -> bool:
        """Whether anything at hand came back."""
        return self.head.has_returned()

    def peek(self) -> QueuedMessage | None:
        """The first message if it is at hand, left where it is."""
        return self.head.peek()

    def sample(self, limit: int) -> list[QueuedMessage]:
        """Up to `limit` messages that are in memory."""
        return list(islice(self, limit))

    def requeue(self, entry: QueuedMessage) -> None:
        """Puts a message back."""
        self.head.requeue(entry)

    def clear(self) -> None:
        """Forgets all."""
        self.head.clear()
        self.tail.clear()
        self._middle.clear()
        self._count = self._messages = self._octets = 0
        self._nearest = None

    def frontiers(self, next_position: int) -> list[int]:
        """The position from which on nothing was ever delivered, as a list of one level."""
        (behind,) = self.tail.frontiers(next_position)
        if self._middle:
            behind = self._middle[0].first
        return [max(self.head.frontiers(behind)[0], self.delivered_below)]

    # -- to the disk ---------------------------------------------------------------------

    def on_disk(self) -> tuple[int, int]:
        """How many messages are on the disk only, and the octets of their bodies."""
        return self._messages, self._octets

    def shares(self) -> Iterator[Share]:
        """What is on the disk only."""
        for segment in self._middle:
            if segment.share is not None:
                yield segment.share

    def add(self, share: Share | None, others: Iterable[QueuedMessage] = ()) -> None:
        """The next piece of the middle."""
        segment = Segment(share, list(others))
        self._middle.append(segment)
        self._count += len(segment)
        if share is not None:
            self._messages += len(share.ordinals)
            self._octets += share.octets
        if segment.earliest is not None:
            nearest = self._nearest
            self._nearest = segment.earliest if nearest is None else min(nearest, segment.earliest)

    def start_at(self, delivered_below: int) -> None:
        """All pieces are there, at a start of the broker: brings them in order of position."""
        self._middle = deque(sorted(self._middle, key=lambda segment: segment.first))
        self.delivered_below = delivered_below

    def page_out(self, written: Share | None = None) -> None:
        """Moves what the disk has of the tail to the middle; `written` is likely to be all of it.

        Messages that are in memory only go along, where others stand behind them.
        """
        fresh = self.tail.fresh
        if written is not None and _is_next(fresh, written):
            for _ in range(len(written.ordinals)):
                fresh.popleft()
            self.add(written)
        others: list[QueuedMessage] = []
        while fresh and (fresh[0].batch is None or fresh[0].batch.written):
            entry = fresh[0]
            if entry.batch is None:
                others.append(fresh.popleft())
                continue
            batch, run = entry.batch, []
            while fresh and fresh[0].batch is batch:
                run.append(fresh.popleft())
            self.add(Share.of(batch, run, self.level), others)
            others = []
        fresh.extendleft(reversed(others))

    # -- in fewer pieces -----------------------------------------------------------------

    def middle_from(self, position: int, count: int) -> list[Segment]:
        """Up to `count` pieces of the middle, from the first that has this position or higher."""
        at = self._index(position)
        return [self._middle[i] for i in range(at, min(at + count, len(self._middle)))]

    def put_together(self, neighbours: Sequence[Segment], segment: Segment) -> None:
        """One piece takes the place of several that have the same messages."""
        at, middle = self._index(neighbours[0].first), self._middle
        middle.rotate(-at)
        for _ in neighbours:
            middle.popleft()
        middle.appendleft(segment)
        middle.rotate(at)

    # -- and back ------------------------------------------------------------------------

    def advance(self, *, demand: bool) -> "Paged | Fifo":
        """Has read what is wanted soon; returns what is to take the place of this from now on."""
        if not self._middle and not len(self.tail):
            return self.head
        if demand:
            self._pager.read_ahead(self)
        return self

    def asked_for(self) -> tuple[int, int]:
        """How many messages stand before the first that is not even asked for, and their octets.

        Of those in `head` the number alone.
        """
        messages, octets = len(self.head), 0
        for segment in self._middle:
            if not (segment.asked or segment.readable):
                break
            messages += len(segment)
            if segment.share is not None:
                octets += segment.share.octets
        return messages, octets

    def unread(self, enough: Callable[[tuple[int, int]], bool]) -> list[Segment]:
        """The next segments to read; `enough` is asked before each, of what stands before it."""
        wanted: list[Segment] = []
        messages, octets = len(self.head), 0
        for segment in self._middle:
            if enough((messages, octets)):
                break
            messages += len(segment)
            if segment.share is not None:
                octets += segment.share.octets
                if not segment.asked:
                    wanted.append(segment)
        return wanted

    def _make_resident(self, segment: Segment) -> list[QueuedMessage]:
        # All messages of a segment that was read, in order; it has no share any more.
        share, others = segment.share, segment.others
        if share is None:
            self._mark(others)
            return others
        self._messages -= len(share.ordinals)
        self._octets -= share.octets
        entries = self._pager.recall(self.queue, share, segment.blob)
        self._count += len(entries) - len(share.ordinals)
        if others:
            entries = sorted([*entries, *others], key=_position)
        self._mark(entries)
        segment.share = segment.blob = None
        segment.others = entries
        return entries

    def _mark(self, entries: list[QueuedMessage]) -> None:
        if entries and entries[0].position < self.delivered_below:
            for entry in entries:
                entry.returns = entry.returns or int(entry.position < self.delivered_below)

    # -- deadlines -----------------------------------------------------------------------

    def for_deadline(self, entry: QueuedMessage) -> "Paged":
        """Called before `entry`, with a deadline, is appended."""
        self._follow(self.tail.for_deadline(entry))
        return self

    def for_return(self, entry: QueuedMessage) -> "Paged":
        """Called before `entry`, with a deadline, is requeued."""
        self._lead(self.head.for_return(entry))
        return self

    def nearest(self) -> int | None:
        """The earliest deadline there is, but for what is being read; None where there is none."""
        found = (self.head.nearest(), self._nearest, self.tail.nearest())
        return min((deadline for deadline in found if deadline is not None), default=None)

    def _look_for_nearest(self) -> None:
        deadlines = (s.earliest for s in self._middle if s.readable or not s.asked)
        self._nearest = min((each for each in deadlines if each is not None), default=None)

    def arrived(self) -> None:
        """What was asked for was read."""
        self._look_for_nearest()
        if self._nearest is not None:
            self.queue.expiry.watch(self._nearest)

    def take_expired(self, now: int, limit: int) -> list[QueuedMessage]:
        """Takes out those whose deadline is not after `now`, at most `limit` of them.

        What has to be read for that comes later.
        """
        expired = self.head.take_expired(now, limit)
        if self._nearest is not None and self._nearest <= now:
            self._expire_middle(now, limit, expired)
            self._look_for_nearest()
        expired += self.tail.take_expired(now, limit - len(expired))
        return expired

    def _expire_middle(self, now: int, limit: int, expired: list[QueuedMessage]) -> None:
        unread: list[Segment] = []
        for segment in self._middle:
            if segment.earliest is None or segment.earliest > now:
                continue
            if len(expired) >= limit:
                break
            if segment.readable:
                self._make_resident(segment)
                before = len(expired)
                _take_due(segment, now, limit, expired)
                self._count -= len(expired) - before
            elif segment.share is not None and self._is_worthless(segment, segment.share, now):
                self._forget(segment)
            elif not segment.asked:
                unread.append(segment)
        if unread:
            self._pager.read(self, unread)
        self._middle = deque(segment for segment in self._middle if len(segment))

    def _is_worthless(self, segment: Segment, share: Share, now: int) -> bool:
        # All of it has expired, and nobody wants to see it.
        return (
            share.latest is not None
            and share.latest <= now
            and not segment.others
            and self.queue.settings.dead_letter_exchange is None
        )

    def _forget(self, segment: Segment) -> None:
        share, segment.share = segment.share, None
        assert share is not None  # else it would be in memory
        self._count -= len(share.ordinals)
        self._messages -= len(share.ordinals)
        self._octets -= share.octets
        self.queue.forget(share)


def _is_next(fresh: deque[QueuedMessage], share: Share) -> bool:
    # Whether `fresh` begins with exactly these messages.
    count = len(share.ordinals)
    if count > len(fresh):
        return False
    first, last = fresh[0], fresh[count - 1]
    return (
        first.batch is last.batch is share.batch
        and first.ref == share.ordinals[0]
        and last.ref == share.ordinals[-1]
    )


def _take_due(segment: Segment, now: int, limit: int, expired: list[QueuedMessage]) -> None:
    left: list[QueuedMessage] = []
    for entry in segment.others:
        if entry.deadline is not None and entry.deadline <= now and len(expired) < limit:
            expired.append(entry)
        else:
            left.append(entry)
    segment.others = left
    deadlines = (entry.deadline for entry in left if entry.deadline is not None)
    segment.earliest = min(deadlines, default=None)


def _position(entry: QueuedMessage) -> int:
    return entry.position
