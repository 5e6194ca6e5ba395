"""A stream: a log that many readers read, each from its own place, as often as they want.

Here: appending, what is safe to read, the turns of the readers, removing old
segments.  Not here: how one reader reads (stream_reader.py), which segments
may go (stream_retention.py), bytes on disk (persistence).

Messages are known by two numbers.  The offset is what clients see: it is the
position in the message log's records, and survives restarts.  The index counts
what was in memory since the start of the broker, without the holes that
offsets have where the disk lost something.
"""

from bisect import bisect_left, insort
from collections import deque
from itertools import islice
from typing import Any

from broker.amqp.splice import without
from broker.consumer import Consumer
from broker.message import Message, QueuedMessage
from broker.queue import TURN_BYTES, TURN_MESSAGES, Queue
from broker.returns import RETURNED
from broker.stream_reader import OFFSET_KEY, Reader
from broker.stream_retention import Segments
from vhosts import errors
from vhosts.settings import QueueSettings

# Removed messages are settled so many at a time, as a segment may hold millions.
SETTLED_PER_TURN = 10_000


class Stream(Queue):
    """A queue of type stream (spec 8.2, 8.3).

    `entries` are the retained messages in order of offset; `base` is the index
    of the first of them, and all below index `safe` are on the disk: only these
    are read, as an offset that a reader has seen must not come to mean another
    message.  The `deadline` of an entry is the time at which it was published.
    """

    pages = False

    __slots__ = (
        "_commits",
        "_newest",
        "_readers",
        "_reading",
        "_removed",
        "_segments",
        "base",
        "entries",
        "safe",
    )

    def __init__(self, *positional: Any, **properties: Any) -> None:
        super().__init__(*positional, **properties)
        self.stores_all = True
        self.limits = self.marks = None
        self.entries: list[QueuedMessage] = []
        self.base = self.safe = 0
        # Number and first index of each commit that is not done.
        self._commits: deque[tuple[int, int]] = deque()
        self._newest = 0
        self._segments = Segments(self.settings.max_segment_size_bytes)
        self._removed: deque[QueuedMessage] = deque()
        self._readers: dict[Consumer, Reader] = {}
        # Those that may have room.
        self._reading: dict[Consumer, Reader] = {}

    @property
    def message_count(self) -> int:
        """Retained messages."""
        return len(self.entries)

    @property
    def end(self) -> int:
        """The index of the next message."""
        return self.base + len(self.entries)

    @property
    def lag(self) -> int:
        """How many messages the slowest reader has not read yet."""
        return max((self.end - reader.at for reader in self._readers.values()), default=0)

    # -- in ------------------------------------------------------------------------------

    def publish(self, message: Message) -> None:
        """Appends a routed message; readers get it once it is on the disk."""
        header = message.header
        if header.headers_at and OFFSET_KEY in header.payload:
            # It was read from a stream once; here it gets an offset of its own.
            header = without(header, OFFSET_KEY)
            message = Message(message.route, header, message.body)
        position = self.next_position
        self.next_position = position + 1
        entry = QueuedMessage(message, self, position)
        self._newest = entry.deadline = max(self.turn.now(), self._newest)
        commits, number = self._commits, self.vhost.commit.mark()
        if not commits or commits[-1][0] != number:
            if not commits:
                self.turn.await_disk(self)
            commits.append((number, self.end))
        self.log.append(entry)
        self.entries.append(entry)
        self.ready_bytes += header.body_size
        if self._segments.add(_octets(message)):
            self._retain()

    def committed(self, done: int) -> bool:
        """A commit ended; True while others are waited for."""
        commits = self._commits
        while commits and commits[0][0] <= done:
            commits.popleft()
        self.safe = max(commits[0][1] if commits else self.end, self.base)
        self.touch()
        return bool(commits)

    def restore(self, entry: QueuedMessage) -> None:
        """Takes back a message from the log at start."""
        entries = self.entries
        entry.deadline = entry.deadline or 0
        if entries and entry.position < entries[-1].position:
            insort(entries, entry, key=_offset)
        else:
            entries.append(entry)
        self.safe += 1
        self.next_position = max(self.next_position, entry.position + 1)
        self._newest = max(self._newest, entry.deadline)
        self.ready_bytes += entry.message.header.body_size
        self._segments.add(_octets(entry.message))

    # -- places --------------------------------------------------------------------------

    def index_of(self, offset: int) -> int:
        """The index of an offset, or of the first retained one above it (spec 8.3)."""
        if offset >= self.next_position:
            return self.end + offset - self.next_position
        return self.base + bisect_left(self.entries, offset, key=_offset)

    def index_at(self, time: int) -> int:
        """The index of the first message published at or after `time` (clock ms)."""
        return self.base + bisect_left(self.entries, time, key=_published)

    def last_batch(self) -> int:
        """The index of the first message in the last batch that was written."""
        entries = self.entries
        first = len(entries)
        while first and entries[first - 1].batch is entries[-1].batch:
            first -= 1
        return self.base + first

    # -- out -----------------------------------------------------------------------------

    def deliver(self) -> None:
        """Gives every reader with room its share of one turn's budget."""
        self.touched = False
        more = self._settle_removed()
        safe, reading = self.safe, self._reading
        behind = [] if self.paused else [each for each in reading.values() if each.at < safe]
        for reader in behind:
            consumer = reader.consumer
            room = consumer.room()
            if room > 0:
                share = max(TURN_MESSAGES // len(behind), 1)
                self.count_delivered(reader.take(room, share, TURN_BYTES // len(behind)), 0)
            if consumer.room() <= 0:
                del reading[consumer]
                consumer.parked = True
            elif reader.at < safe:
                more = True
        if more:
            self.touched = True
            self.turn.later(self)

    def get(self, *, no_ack: bool = False) -> QueuedMessage | None:
        """Raises NotImplementedByBroker: a stream has no head to take."""
        raise errors.not_for_streams("basic.get", self._text())

    def settle(self, entry: QueuedMessage) -> None:
        """The channel gives the reader its credit back; that is all there is to do."""

    def reject(self, entry: QueuedMessage) -> None:
        """As `settle`: the message stays where it is."""

    def requeue(self, entry: QueuedMessage, count: int = RETURNED) -> None:
        """As `settle`: who wants to read it again starts anew."""

    # -- readers -------------------------------------------------------------------------

    def add_consumer(self, consumer: Consumer) -> None:
        """Registers a reader.

        Raises PreconditionFailed without a prefetch, NotImplementedByBroker for
        no-ack and under a global prefetch.
        """
        channel = consumer.channel
        if not channel.prefetch:
            raise errors.no_prefetch_for_stream(self._text())
        if consumer.no_ack:
            raise errors.no_ack_from_stream(self._text())
        if channel.prefetch_limit:
            raise errors.no_global_qos(self._text())
        self.consumers.append(consumer)
        self._readers[consumer] = Reader(self, consumer)

    def consumer_available(self, consumer: Consumer) -> None:
        """`consumer` has room again."""
        self._reading[consumer] = self._readers[consumer]
        self.touch()

    def remove_consumer(self, consumer: Consumer) -> None:
        """A reader leaves."""
        super().remove_consumer(consumer)
        self._readers.pop(consumer, None)
        self._reading.pop(consumer, None)

    # -- the stream as a whole -----------------------------------------------------------

    def purge(self) -> int:
        """Raises NotImplementedByBroker, unless the stream is being deleted."""
        if not self.deleted:
            raise errors.not_for_streams("queue.purge", self._text())
        count = len(self.entries)
        self._remove(count)
        return count

    def close(self) -> None:
        """The stream is being deleted: its messages go, its readers are told."""
        super().close()
        self._readers.clear()
        self._reading.clear()

    def resize(self, settings: QueueSettings) -> None:
        """These settings say from now on what is retained."""
        self._segments.resize(settings.max_segment_size_bytes)
        self._retain()

    def _retain(self) -> None:
        settings, entries = self.settings, self.entries
        oldest = 0 if settings.max_age is None else self.turn.now() - settings.max_age
        removed = self._segments.remove(
            settings.max_length_bytes, lambda index: _published(entries[index]) < oldest
        )
        if removed:
            # What is left may be lost to a damaged disk, the number of the next one must not.
            self.vhost.store.save_delivered(self.id, [self.next_position])
            self._remove(removed)

    def _remove(self, count: int) -> None:
        for entry in islice(self.entries, count):
            self._removed.append(entry)
            self.ready_bytes -= entry.message.header.body_size
        del self.entries[:count]
        self.base += count
        self.safe = max(self.safe, self.base)
        self.touch()
        self.turn.schedule()

    def _settle_removed(self, limit: int = SETTLED_PER_TURN) -> bool:
        # True while there is more to settle.
        removed, settle = self._removed, self.log.settle
        for _ in range(min(limit, len(removed))):
            settle(removed.popleft())
        return bool(removed)

    def save_frontiers(self) -> None:
        """Notes the next offset and settles what was removed, for a clean stop."""
        self._settle_removed(len(self._removed))
        self.vhost.store.save_delivered(self.id, [self.next_position])

    def restore_marks(self, marks: list[int] | None) -> None:
        """The next offset as it was last noted; what the log holds may be further on."""
        self.next_position = max(marks or [0])

    def _text(self) -> str:
        return errors.queue_text(self.name, self.vhost.name)


def _octets(message: Message) -> int:
    header = message.header
    return len(message.route.raw) + len(header.payload) + header.body_size


def _offset(entry: QueuedMessage) -> int:
    return entry.position


def _published(entry: QueuedMessage) -> int:
    return entry.deadline or 0
