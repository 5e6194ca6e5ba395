"""A quorum queue: what waits before it is tried again, two levels of priority (spec 8.1, 7.7).

Here: the way in and back, and what becomes of the queue with the first message
of high priority.  Not here: how the levels are served (weighted.py), how returns
are counted and told (returns.py), all that is as in any queue (queue.py).
"""

from broker.delayed_retry import delay_of
from broker.expiry import message_deadline
from broker.message import Message, QueuedMessage
from broker.queue import Queue
from broker.returns import within_limit
from broker.weighted import NORMAL, Weighted, level_of


class QuorumQueue(Queue):
    """As a classic queue, and every message is stored; it has one level until it needs two."""

    __slots__ = ()

    def publish(self, message: Message) -> None:
        """As `Queue.publish`, for what is always durable; here again, since a call would cost."""
        header = message.header
        if header.priority > NORMAL:
            self.need_level(1)
        position = self.next_position
        self.next_position = position + 1
        entry = QueuedMessage(message, self, position)
        if self.message_ttl is not None or header.expiration is not None:
            entry.deadline = message_deadline(self.turn.now(), self.message_ttl, header.expiration)
            self.expiry.expect(entry)
        self.log.append(entry)
        self.ready.append(entry)
        self.ready_bytes += header.body_size
        if not self.touched:
            self.touched = True
            self.turn.touched.append(self)

    def came_back(self, entry: QueuedMessage, count: int) -> None:
        if not within_limit(self, entry):
            return
        delay = delay_of(self.settings, entry, count)
        if delay:
            self.wait(entry, delay, self.take_back)
        else:
            self.take_back(entry)

    def level_of(self, priority: int) -> int:
        return level_of(priority)

    def need_level(self, level: int) -> None:
        if level < self.levels:
            return
        assert not isinstance(self.ready, Weighted)  # which has both
        self.ready = Weighted(self.ready)
        self.levels = len(self.ready.levels)
        if self.marks is not None:
            self.marks.spread()

    def restore(self, entry: QueuedMessage) -> None:
        self.need_level(level_of(entry.message.header.priority))
        super().restore(entry)

    def restore_marks(self, marks: list[int] | None) -> None:
        self.need_level(len(marks or ()) - 1)
        super().restore_marks(marks)
