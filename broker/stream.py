"""A stream: a log that many readers read, each from its own place, as often as they want.

Here: appending, what is safe to read, the turns of the readers, removing old
segments.  Not here: how one reader reads (stream_reader.py), what is in memory
(stream_chunks.py), which segments may go (stream_retention.py), bytes on disk
(persistence).

A message is known by its offset: the position in the message log's records,
which survives restarts.  There are holes where the disk lost something.
"""

from collections import deque
from typing import Any

from broker.amqp.splice import without
from broker.chunk import Chunk
from broker.consumer import Consumer
from broker.message import Message, QueuedMessage
from broker.queue import TURN_BYTES, TURN_MESSAGES, Queue
from broker.returns import RETURNED
from broker.stream_chunks import Chunks
from broker.stream_reader import OFFSET_KEY, Reader
from broker.stream_retention import Segments
from persistence.message_log import OVERHEAD
from persistence.shares import Share
from persistence.steps import SOME, Steps
from vhosts import errors
from vhosts.settings import QueueSettings

# Removed messages are settled so many at a time, as a segment may hold millions.
SETTLED_PER_TURN = 10_000


class Stream(Queue):
    """A queue of type stream (spec 8.2, 8.3).

    All below the offset `base` were removed, and all below `safe` are on the disk: only these
    are read, as an offset that a reader has seen must not come to mean another
    message.  The `deadline` of an entry is the time at which it was published.
    """

    __slots__ = (
        "_commits",
        "_newest",
        "_readers",
        "_reading",
        "_removed",
        "_segments",
        "base",
        "safe",
    )

    ready: Chunks

    def __init__(self, *positional: Any, **properties: Any) -> None:
        super().__init__(*positional, **properties)
        self.stores_all = True
        self.limits = self.marks = None
        self.ready = Chunks(self)
        self.base = self.safe = 0
        # Number and first offset of each commit that is not done.
        self._commits: deque[tuple[int, int]] = deque()
        self._newest = 0
        self._segments = Segments(self.settings.max_segment_size_bytes)
        self._removed: deque[Chunk] = deque()
        self._readers: dict[Consumer, Reader] = {}
        # Those that may have room.
        self._reading: dict[Consumer, Reader] = {}

    @property
    def lag(self) -> int:
        """How many messages the slowest reader has not read yet."""
        places = [max(reader.at, self.base) for reader in self._readers.values()]
        return max(self.next_position - min(places, default=self.next_position), 0)

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
            commits.append((number, position))
        self.log.append(entry)
        chunk = self.ready.open
        if chunk is None or chunk.batch is not entry.batch:
            chunk = self.ready.begin(entry)
        chunk.entries.append(entry)  # type: ignore[union-attr]  # what is open is in memory
        self.ready_bytes += header.body_size
        octets = _octets(message)
        chunk.weight += octets
        if self._segments.add(octets, position + 1):
            self._retain()

    def committed(self, done: int) -> bool:
        """A commit ended; True while others are waited for."""
        commits = self._commits
        while commits and commits[0][0] <= done:
            commits.popleft()
        self.safe = max(commits[0][1] if commits else self.next_position, self.base)
        self.touch()
        return bool(commits)

    def restore(self, entry: QueuedMessage) -> None:
        """Takes back a message from the log at start; `restored` comes behind the last one."""
        entry.deadline = entry.deadline or 0
        self.ready.restore(entry, _octets(entry.message))
        self.ready_bytes += entry.message.header.body_size

    def place(self, share: Share) -> None:
        """As `restore`, for messages that stay on the disk."""
        self.ready.place(share)
        self.ready_bytes += share.octets

    def restored(self) -> Steps[None]:
        """All that the log has was taken back."""
        chunks = self.ready
        chunks.sort()
        for number, chunk in enumerate(chunks.all):
            if number % SOME == SOME - 1:
                yield None
            # What was written by 0.1 does not tell its weight.
            weight = chunk.weight or chunk.octets + OVERHEAD * len(chunk)
            self._segments.add(weight, chunk.end)
            self._newest = max(self._newest, chunk.newest)
            self.next_position = max(self.next_position, chunk.end)
        self.base = chunks.all[0].first if chunks.all else self.next_position
        self.safe = self.next_position
        if chunks.on_disk()[0]:
            self.turn.pager.watch(self)

    # -- places --------------------------------------------------------------------------

    def weight_of(self, first: int) -> int:
        """What the batch with this offset at its beginning counts towards the size limits."""
        return self.ready.weight_of(first)

    def place_at(self, time: int) -> tuple[int, int | None]:
        """The place of the first message published at or after `time` (clock ms).

        With the time again where that is still to be found out, from there on.
        """
        return self.ready.at_time(time, self.next_position)

    def last_batch(self) -> int:
        """The place of the first message in the last batch that was written."""
        chunks = self.ready.all
        return chunks[-1].first if chunks else self.next_position

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
            elif reader.at < safe and not reader.waiting:
                more = True
        if behind:
            places = [each.at for each in behind if each.at < safe and each.consumer in reading]
            self.turn.pager.read_for(self.ready, places)
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
        if not self._readers and not self.deleted:
            self.ready.let_go()

    # -- the stream as a whole -----------------------------------------------------------

    def purge(self) -> int:
        """Raises NotImplementedByBroker, unless the stream is being deleted."""
        if not self.deleted:
            raise errors.not_for_streams("queue.purge", self._text())
        count = self.message_count
        self._remove(self.next_position)
        return count

    def let_go(self) -> None:
        ready = self.ready
        super().let_go()
        self.ready = ready
        ready.end()
        self._readers.clear()
        self._reading.clear()

    def resize(self, settings: QueueSettings) -> None:
        """These settings say from now on what is retained."""
        self._segments.resize(settings.max_segment_size_bytes)
        self._retain()

    def _retain(self) -> None:
        settings, time_of = self.settings, self.ready.time_of
        oldest = 0 if settings.max_age is None else self.turn.now() - settings.max_age
        place = self._segments.remove(
            settings.max_length_bytes, lambda place: time_of(place) < oldest
        )
        if place:
            # What is left may be lost to a damaged disk, the number of the next one must not.
            self.vhost.store.save_delivered(self.id, [self.next_position])
            self._remove(place)

    def _remove(self, place: int) -> None:
        for chunk in self.ready.remove_below(place):
            self._removed.append(chunk)
            self.ready_bytes -= chunk.octets
        self.base = max(self.base, place)
        self.safe = max(self.safe, self.base)
        self.touch()
        self.turn.schedule()

    def _settle_removed(self, limit: int = SETTLED_PER_TURN) -> bool:
        # True while there is more to settle.
        removed, log = self._removed, self.log
        while removed and limit > 0:
            chunk = removed.popleft()
            limit -= len(chunk)
            if chunk.share is not None:
                log.settle_share(chunk.share)
            else:
                for entry in chunk.entries or ():
                    log.settle(entry)
        return bool(removed)

    def save_frontiers(self) -> None:
        """Notes the next offset and settles what was removed, for a clean stop."""
        self._settle_removed(self.next_position)
        self.vhost.store.save_delivered(self.id, [self.next_position])

    def restore_marks(self, marks: list[int] | None) -> None:
        """The next offset as it was last noted; what the log holds may be further on."""
        self.expiry.hold()
        self.next_position = max(marks or [0])

    def _text(self) -> str:
        return errors.queue_text(self.name, self.vhost.name)


def _octets(message: Message) -> int:
    header = message.header
    return len(message.route.raw) + len(header.payload) + header.body_size
