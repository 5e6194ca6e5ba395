"""Messages come back to their queues at start (spec 9.3).

Here: which queue gets what, and which are so long that their messages stay on
the disk.  Not here: reading (persistence/recovery.py), making messages of what
was read (recall.py).
"""

from typing import TYPE_CHECKING

from broker import delayed, paging
from broker.chunk import OVERHEAD
from broker.message import Message, QueuedMessage
from broker.queue import Queue
from broker.recall import Recall
from broker.stream import Stream
from persistence.message_log import Batch
from persistence.record import Record, Reference
from persistence.shares import Share
from persistence.steps import SOME, Steps

if TYPE_CHECKING:
    from vhosts.vhost import VirtualHost

# Of so many messages some may be in small batches.
MANY = 200


class Restorer:
    """Gives the queues and waiting rooms of a virtual host back what they had.

    With `keep_others` the messages of unknown queues stay in the log.
    """

    def __init__(self, vhost: "VirtualHost[Queue]", *, keep_others: bool) -> None:
        self._vhost = vhost
        self._keep_others = keep_others
        self._queues: dict[int, Queue | delayed.Room] = {**delayed.durable_rooms(vhost)}
        self._queues |= {queue.id: queue for queue in vhost.queues.values() if queue.durable}
        self._recall = Recall()
        self._last: tuple[Record | None, Message | None] = (None, None)
        self._long: set[Queue] = set()
        # What a batch without a summary holds of a long queue.
        self._strays: dict[tuple[Queue, int, int], list[QueuedMessage]] = {}

    def pages(self, queue_id: int, messages: int, octets: int) -> bool:
        """Whether a queue with so much leaves it on the disk."""
        queue = self._queues.get(queue_id)
        if not isinstance(queue, Queue) or not queue.pages:
            return False
        if octets + messages * OVERHEAD <= paging.LONG:
            return False
        if not isinstance(queue, Stream):
            self._long.add(queue)
        return True

    def place(self, share: Share) -> None:
        """Messages of a long queue, which stay where they are."""
        queue = self._queues[share.queue_id]
        assert isinstance(queue, Queue)  # `pages` said so
        if isinstance(queue, Stream):
            queue.place(share)
            return
        queue.need_level(share.level)
        queue.turn.pager.paged(queue, share.level).add(share)
        queue.ready_bytes += share.octets
        queue.next_position = max(queue.next_position, share.last + 1)
        if share.earliest is not None:
            queue.expiry.watch(share.earliest)

    def restore(self, stored: Record, reference: Reference, batch: Batch) -> bool:
        """A message that was read; False where its queue is no more."""
        queue = self._queues.get(reference.queue_id)
        if queue is None:
            if self._keep_others:
                self._vhost.store.skip_queue_ids(reference.queue_id)
            return self._keep_others
        last, message = self._last
        if message is None or last is not stored:
            message = self._recall.message(stored)
            self._last = stored, message
        entry = QueuedMessage(message, queue, reference.position)  # type: ignore[arg-type]
        entry.deadline = reference.deadline
        entry.batch, entry.ref = batch, reference.ordinal
        if batch.returned:
            entry.returns = batch.returned.get(entry.ref, 0)
        if queue in self._long:
            self._stray(queue, entry)
        else:
            queue.restore(entry)
        return True

    def _stray(self, queue: Queue, entry: QueuedMessage) -> None:
        level = queue.level_of(entry.message.header.priority)
        queue.need_level(level)
        self._strays.setdefault((queue, level, entry.batch.id), []).append(entry)

    def finish(self) -> Steps[None]:
        """All was read."""
        for (queue, level, _), entries in self._strays.items():
            queue.turn.pager.paged(queue, level).add(None, entries)
            queue.ready_bytes += sum(entry.message.header.body_size for entry in entries)
            queue.next_position = max(queue.next_position, entries[-1].position + 1)
            for entry in entries:
                if entry.deadline is not None:
                    queue.expiry.watch(entry.deadline)
            yield None
        for number, queue in enumerate(self._vhost.queues.values()):
            if queue.marks is not None:
                queue.marks.end_doubt()
            if isinstance(queue, Stream):
                yield from queue.restored()
            elif queue.pages and len(queue.ready) > MANY:
                queue.turn.pager.note_small(queue)
            if not number % SOME:
                yield None
        for queue in self._long:
            marks = queue.marks.on_disk if queue.marks is not None else []
            for level in range(queue.levels):
                paged = queue.turn.pager.paged(queue, level)
                paged.start_at(marks[level] if marks else 0)
            yield None
        for number, queue in enumerate(self._vhost.queues.values()):
            queue.ages.seen = queue.next_position
            if not number % SOME:
                yield None
