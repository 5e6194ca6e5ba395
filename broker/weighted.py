"""The ready messages of a quorum queue with priorities (spec 7.7, RabbitMQ 4.0 to 4.2).

Here: which level is served.  Not here: the order within one (ready.py,
paged.py), when a queue has two of them (quorum_queue.py).
"""

from collections.abc import Collection
from typing import Any

from broker.message import QueuedMessage
from broker.priorities import Priorities
from broker.ready import Fifo

# The highest priority that is normal; all above are high, and one is like the other.
NORMAL = 4
# How many of high priority go before one of normal priority that waits.
WEIGHT = 2


def level_of(priority: int) -> int:
    """0 for a message of normal priority, 1 for one of high priority."""
    return int(priority > NORMAL)


class Weighted(Priorities):
    """Two levels, so that neither keeps the other waiting for ever.

    What came back stands in the lower one, whatever its priority, and goes before all.
    """

    __slots__ = ("_run",)

    def __init__(self, normal: Any) -> None:
        """`normal`, a Fifo or a Paged, is the lower level from now on, with all that is in it."""
        high: Fifo = normal.successor()
        self.levels = [normal, high]
        self.paged = normal.paged
        self._highest = 0
        self._count = len(normal)
        # How many of high priority went since the last of normal priority.
        self._run = 0

    def _level(self, entry: QueuedMessage) -> int:
        return level_of(entry.message.header.priority)

    def _first(self) -> Any:
        normal, high = self.levels
        if not len(high):
            return normal
        if not len(normal):
            return high
        return normal if self._run == WEIGHT or normal.has_returned() else high

    def at_hand(self) -> int:
        """How many can be taken now, at least; 0 only where the next one cannot."""
        if not self.paged:
            return self._count
        normal, high = self.levels
        here: int = normal.at_hand()
        above: int = high.at_hand()
        if not len(normal) or not len(high):
            return here + above
        # So many of either are enough for any mixture.
        return min(here, above) or int(self._first().at_hand() > 0)

    def pop(self) -> QueuedMessage:
        """Takes the first message; IndexError where there is none."""
        level = self._first()
        entry: QueuedMessage = level.pop()
        self._count -= 1
        self._run = self._run + 1 if level is self.levels[1] else 0
        return entry

    def requeue(self, entry: QueuedMessage) -> None:
        """Puts a message back, behind what came back before it."""
        self.levels[0].requeue(entry)
        self._count += 1

    def clear(self) -> None:
        super().clear()
        self._run = 0

    def take_out(self, entries: Collection[QueuedMessage]) -> set[QueuedMessage]:
        taken: set[QueuedMessage] = set()
        for level in self.levels:
            taken |= level.take_out(set(entries) - taken)
        self._count -= len(taken)
        return taken

    def advance(self, *, demand: bool) -> "Weighted":
        for number, level in enumerate(self.levels):
            if level.paged:
                self.replace(number, level.advance(demand=demand))
        return self

    def for_return(self, entry: QueuedMessage) -> "Weighted":
        self.levels[0] = self.levels[0].for_return(entry)
        return self
