"""A long queue: head and tail in memory, the middle on the disk (docs/design.md).

Here: what is where, and in which order it comes back.  Not here: when a queue
is long and what is read (paging.py), how a blob becomes messages (recall.py).

Only what was never delivered goes to the disk, so that all of it stands behind
whatever came back.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING

from broker.message import QueuedMessage
from broker.paged_expiry import Timed
from broker.ready import Fifo, Sparse
from broker.segment import Segment
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.paging import Pager
    from broker.queue import Queue
    from persistence.message_log import Batch


# Fewer messages in a row that are in memory only go along with what is on the disk.
IN_MEMORY = 64


class Paged(Timed):
    """As a Fifo, which it takes the place of.

    `head` is delivered from; it has all that came back.  `at_hand` is how much
    of the whole can be taken without waiting for the disk.  Nothing below the
    position `delivered_below` was new at the start of the broker.
    """

    __slots__ = (
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
        super().__init__()
        self.queue = queue
        self._pager = pager
        self._middle: deque[Segment] = deque()
        # Messages in the middle; how many and how large those are that are on the disk only.
        self._count = self._messages = self._octets = 0
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
                segment.earliest = None
            else:
                return 0
            here = len(self.head)
        return here

    def _take_in(self, entries: list[QueuedMessage], plain: bool) -> None:
        # `plain`: none has a deadline, and none may have been delivered before.
        head = self.head
        new = entries
        if not plain and any(entry.returns for entry in entries):
            new = [entry for entry in entries if not entry.returns]
            for entry in entries:
                if entry.returns:
                    head = head if entry.deadline is None else head.for_return(entry)
                    head.requeue(entry)
        if not plain and any(entry.deadline is not None for entry in new):
            head = head if isinstance(head, Sparse) else Sparse(head)
        head.extend(new)
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
        self.forget_deadlines()

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
        self.note_deadline(segment)

    def start_at(self, delivered_below: int) -> None:
        """All pieces are there, at a start of the broker: brings them in order of position."""
        self._middle = deque(sorted(self._middle, key=lambda segment: segment.first))
        self.delivered_below = delivered_below

    def page_out(self, written: Share | None = None) -> None:
        """Moves what the disk has of the tail to the middle; `written` is likely to be all of it.

        Messages that are in memory only go along, where others stand behind them.
        """
        tail = self.tail
        if written is not None and type(tail) is Fifo and _is_next(tail.fresh, written):
            tail.shed(len(written.ordinals))
            self.add(written)
        others: list[QueuedMessage] = []
        for batch, messages in groupby(tail.shed(self._movable()), _batch):
            run = list(messages)
            if batch is None:
                others = run
                continue
            self.add(written if _are(run, written) else Share.of(batch, run, self.level), others)
            others = []

    def _movable(self) -> int:
        # How many of the first in the tail there are up to the last that the disk has.
        # Many that are in memory only go elsewhere (spill.py).
        end = 0
        for count, entry in enumerate(self.tail.unseen(), 1):
            if entry.batch is None:
                if count - end >= IN_MEMORY:
                    break
            elif not entry.batch.written:
                break
            else:
                end = count
        return end

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
            middle.popleft().leave()
        middle.appendleft(segment)
        middle.rotate(at)
        self.note_deadline(segment)

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
        segment.reduce(None)
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
        found = (self.head.nearest(), self.nearest_on_disk(), self.tail.nearest())
        return min((deadline for deadline in found if deadline is not None), default=None)

    def take_expired(self, now: int, limit: int) -> list[QueuedMessage]:
        """Takes out those whose deadline is not after `now`, at most `limit` of them.

        What has to be read for that comes later.
        """
        expired = self.head.take_expired(now, limit)
        self.expire_middle(now, limit, expired)
        expired += self.tail.take_expired(now, limit - len(expired))
        return expired


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


def _are(run: list[QueuedMessage], share: Share | None) -> bool:
    # Whether these, which are of one batch, are all of the share, and there is one.
    return (
        share is not None
        and run[0].batch is share.batch
        and len(run) == len(share.ordinals)
        and run[0].ref == share.ordinals[0]
        and run[-1].ref == share.ordinals[-1]
    )


def _batch(entry: QueuedMessage) -> "Batch | None":
    batch: Batch | None = entry.batch
    return batch


def _position(entry: QueuedMessage) -> int:
    return entry.position
