"""The ready messages of a queue, in the order in which they are delivered.

Here: first in first out with returns to the original place, and the same per
priority level.  Not here: who gets them, when they expire, where they are stored.
"""

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush

from broker.message import QueuedMessage


class Fifo:
    """Messages by position.

    `fresh` holds what was never delivered, in order of arrival; `returned` is
    a heap of what came back.  Whatever came back was once taken from the front
    of `fresh`, so all of it stands before `fresh`.
    """

    __slots__ = ("append", "fresh", "returned")

    def __init__(self) -> None:
        self.fresh: deque[QueuedMessage] = deque()
        self.returned: list[tuple[int, QueuedMessage]] = []
        self.append = self.fresh.append

    def __len__(self) -> int:
        return len(self.fresh) + len(self.returned)

    def __iter__(self) -> Iterator[QueuedMessage]:
        yield from (entry for _, entry in sorted(self.returned, key=lambda item: item[0]))
        yield from self.fresh

    def pop(self) -> QueuedMessage:
        """Takes the first message; IndexError where there is none."""
        if self.returned:
            return heappop(self.returned)[1]
        return self.fresh.popleft()

    def peek(self) -> QueuedMessage | None:
        """The first message, left where it is."""
        if self.returned:
            return self.returned[0][1]
        return self.fresh[0] if self.fresh else None

    def requeue(self, entry: QueuedMessage) -> None:
        """Puts a message back to its original place."""
        heappush(self.returned, (entry.position, entry))

    def clear(self) -> None:
        """Forgets all."""
        self.fresh.clear()
        self.returned.clear()

    def frontiers(self, next_position: int) -> list[int]:
        """The position from which on nothing was ever delivered, as a list of one level."""
        return [self.fresh[0].position if self.fresh else next_position]


class Priorities:
    """`x-max-priority`: a Fifo for each level, the highest served first (spec 7.7)."""

    __slots__ = ("_count", "_highest", "_levels")

    def __init__(self, max_priority: int) -> None:
        self._levels = [Fifo() for _ in range(max_priority + 1)]
        self._highest = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[QueuedMessage]:
        for level in reversed(self._levels):
            yield from level

    def _level(self, entry: QueuedMessage) -> int:
        level = min(entry.message.header.priority, len(self._levels) - 1)
        self._highest = max(self._highest, level)
        return level

    def append(self, entry: QueuedMessage) -> None:
        """Adds a new message behind those of its level."""
        self._levels[self._level(entry)].fresh.append(entry)
        self._count += 1

    def _first(self) -> Fifo:
        while self._highest and not self._levels[self._highest]:
            self._highest -= 1
        return self._levels[self._highest]

    def pop(self) -> QueuedMessage:
        """Takes the first message of the highest level; IndexError where there is none."""
        entry = self._first().pop()
        self._count -= 1
        return entry

    def peek(self) -> QueuedMessage | None:
        """The first message of the highest level, left where it is."""
        return self._first().peek()

    def requeue(self, entry: QueuedMessage) -> None:
        """Puts a message back to its original place within its level."""
        self._levels[self._level(entry)].requeue(entry)
        self._count += 1

    def clear(self) -> None:
        """Forgets all."""
        for level in self._levels:
            level.clear()
        self._count = 0

    def frontiers(self, next_position: int) -> list[int]:
        """For each level the position from which on nothing was ever delivered."""
        return [level.frontiers(next_position)[0] for level in self._levels]


Ready = Fifo | Priorities
