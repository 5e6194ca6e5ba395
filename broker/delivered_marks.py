"""What the disk knows of deliveries: positions below which messages may have been delivered.

Here: keeping those marks ahead of the deliveries, so that after a crash every
message that may have been delivered comes back as redelivered (spec 7.6), and
few others.  Not here: the deliveries.

A disk that refuses does not keep consumers waiting: what is delivered meanwhile
comes back as new if the broker crashes before the disk is well again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from broker.message import QueuedMessage

if TYPE_CHECKING:
    from broker.queue import Queue

# So far ahead that a delivery hardly ever waits for the disk.
RESERVE = 20_000
_NEAR = RESERVE // 2
# More than any position.
_ALL = 1 << 63


class DeliveredMarks:
    """The marks of one durable queue, one a priority level.

    `on_disk` are those that a restart will find; none means that nothing was
    ever delivered.
    """

    __slots__ = ("_asked", "_queue", "on_disk")

    def __init__(self, queue: "Queue") -> None:
        self._queue = queue
        self._asked: list[int] = []
        self.on_disk: list[int] = []

    def reserve(self) -> None:
        """Moves the marks on with the next commit where deliveries come near to them."""
        frontiers, asked = self._queue.frontiers(), self._asked
        vhost = self._queue.vhost
        if vhost.commit.failing is not None:
            return
        if asked and all(f < mark - _NEAR for f, mark in zip(frontiers, asked, strict=True)):
            return
        self._asked = marks = [frontier + RESERVE for frontier in frontiers]
        vhost.store.save_delivered(self._queue.id, marks)
        vhost.commit.after(lambda: self._safe(marks))
        vhost.commit.after(self._go_on, or_refusal=True)
        self._queue.turn.schedule()

    def _safe(self, marks: list[int]) -> None:
        self.on_disk = marks
        self.spread()

    def spread(self) -> None:
        """Marks of one level are for all levels where there are more now."""
        levels = self._queue.levels
        if len(self.on_disk) == 1:
            self.on_disk *= levels
        if len(self._asked) == 1:
            self._asked *= levels

    def _go_on(self) -> None:
        if not self._queue.deleted:
            self._queue.touch()
            self._queue.turn.schedule()

    def headroom(self) -> int:
        """How many messages may be delivered without waiting for the disk."""
        if self._queue.vhost.commit.failing is not None:
            return RESERVE
        left = 0
        if self.on_disk:
            frontiers = self._queue.frontiers()
            left = min(mark - f for f, mark in zip(frontiers, self.on_disk, strict=True))
        if left <= 0:
            self.reserve()  # unless that is under way
        return left

    def covers(self, entry: QueuedMessage) -> bool:
        """Whether a restart will know that `entry` may have been delivered."""
        if not self.on_disk:
            return False
        level = self._queue.level_of(entry.message.header.priority)
        return entry.position < self.on_disk[level]

    def must_wait(self, entry: QueuedMessage) -> bool:
        """Whether the disk must be waited for before `entry` is delivered."""
        return self._queue.vhost.commit.failing is None and not self.covers(entry)

    def restore(self, marks: Sequence[int]) -> None:
        """At start: the marks found on the disk."""
        if len(marks) == len(self._queue.frontiers()):
            self.on_disk = self._asked = [int(mark) for mark in marks]

    def doubt(self) -> None:
        """At start: what the disk says cannot be trusted, so all may have been delivered."""
        self.on_disk = [_ALL] * len(self._queue.frontiers())
        self._asked = list(self.on_disk)

    def end_doubt(self) -> None:
        """All messages are there: none beyond was delivered."""
        if _ALL in self.on_disk:
            self.on_disk = [self._queue.next_position] * len(self.on_disk)
            self._asked = list(self.on_disk)
            self._queue.vhost.store.save_delivered(self._queue.id, self.on_disk)

    def save_exactly(self) -> None:
        """For a clean stop: how far deliveries really went."""
        if self.on_disk:
            self._queue.vhost.store.save_delivered(self._queue.id, self._queue.frontiers())
