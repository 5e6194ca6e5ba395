"""The ready messages of a queue with `x-max-priority` (spec 7.7).

Here: which level is served.  Not here: the order within one (ready.py, paged.py).
"""

from collections.abc import Collection, Iterator
from typing import Any

from broker.message import QueuedMessage
from broker.ready import Fifo
from persistence.shares import Share


class Priorities:
    """`x-max-priority`: a Fifo for each level, the highest served first (spec 7.7).

    `paged` is True where a level may be a Paged.
    """

    __slots__ = ("_count", "_highest", "levels", "paged")

    def __init__(self, max_priority: int) -> None:
        self.levels: list[Any] = [Fifo() for _ in range(max_priority + 1)]
        self.paged = False
        self._highest = 0
        self._count = 0

    def __len__(self) -> int:
        return sum(map(len, self.levels)) if self.paged else self._count

    def __iter__(self) -> Iterator[QueuedMessage]:
        for level in reversed(self.levels):
            yield from level

    def at_hand(self) -> int:
        """How many can be taken now, in this order."""
        if not self.paged:
            return self._count
        total = 0
        for level in reversed(self.levels):
            here = level.at_hand()
            total += here
            if here < len(level):
                break
        return total

    def _level(self, entry: QueuedMessage) -> int:
        level = min(entry.message.header.priority, len(self.levels) - 1)
        self._highest = max(self._highest, level)
        return level

    def append(self, entry: QueuedMessage) -> None:
        """Adds a new message behind those of its level."""
        self.levels[self._level(entry)].append(entry)
        self._count += 1

    def _first(self) -> Any:
        while self._highest and not len(self.levels[self._highest]):
            self._highest -= 1
        return self.levels[self._highest]

    def pop(self) -> QueuedMessage:
        """Takes the first message of the highest level; IndexError where there is none."""
        entry: QueuedMessage = self._first().pop()
        self._count -= 1
        return entry

    def peek(self) -> QueuedMessage | None:
        """The first message of the highest level, left where it is."""
        entry: QueuedMessage | None = self._first().peek()
        return entry

    def sample(self, limit: int) -> list[QueuedMessage]:
        """As Fifo.sample; those of higher levels are nearer at hand."""
        found: list[QueuedMessage] = []
        for level in reversed(self.levels):
            found += level.sample(limit - len(found))
        return found

    def requeue(self, entry: QueuedMessage) -> None:
        """Puts a message back to its original place within its level."""
        self.levels[self._level(entry)].requeue(entry)
        self._count += 1

    def clear(self) -> None:
        """Forgets all."""
        for level in self.levels:
            level.clear()
        self._count = 0

    def frontiers(self, next_position: int) -> list[int]:
        """For each level the position from which on nothing was ever delivered."""
        return [level.frontiers(next_position)[0] for level in self.levels]

    # -- anywhere in it (browse.py) ------------------------------------------------------

    def by_level(self) -> list[Any]:
        """The levels, the highest first."""
        return self.levels[::-1]

    def take_out(self, entries: Collection[QueuedMessage]) -> set[QueuedMessage]:
        """Removes those of `entries` that are here, and returns them."""
        levels: dict[int, list[QueuedMessage]] = {}
        for entry in entries:
            levels.setdefault(self._level(entry), []).append(entry)
        taken: set[QueuedMessage] = set()
        for level, those in levels.items():
            taken |= self.levels[level].take_out(those)
        self._count -= len(taken)
        return taken

    # -- parts on the disk (paged.py) ----------------------------------------------------

    def replace(self, level: int, ready: Any) -> None:
        """`ready` takes the place of a level, with all that is in it."""
        self.levels[level] = ready
        if len(ready):
            self._highest = max(self._highest, level)
        self.paged = any(each.paged for each in self.levels)
        self._count = sum(map(len, self.levels))

    def shares(self) -> Iterator[Share]:
        """What is on the disk only."""
        for level in self.levels:
            yield from level.shares()

    def on_disk(self) -> tuple[int, int]:
        """How many messages that is, and the octets of their bodies."""
        parts = [level.on_disk() for level in self.levels]
        return sum(messages for messages, _ in parts), sum(octets for _, octets in parts)

    def advance(self, *, demand: bool) -> "Priorities":
        """Has read what is wanted soon, and gives up paging where nothing is left to read."""
        for number, level in reversed(list(enumerate(self.levels))):
            if level.paged:
                self.replace(number, level.advance(demand=demand))
                demand = demand and not len(level)
        return self

    # -- deadlines, as in Fifo -----------------------------------------------------------

    def for_deadline(self, entry: QueuedMessage) -> "Priorities":
        level = self._level(entry)
        self.levels[level] = self.levels[level].for_deadline(entry)
        return self

    def for_return(self, entry: QueuedMessage) -> "Priorities":
        level = self._level(entry)
        self.levels[level] = self.levels[level].for_return(entry)
        return self

    def take_expired(self, now: int, limit: int) -> list[QueuedMessage]:
        expired: list[QueuedMessage] = []
        for level in reversed(self.levels):
            expired += level.take_expired(now, limit - len(expired))
        self._count -= len(expired)
        return expired

    def nearest(self) -> int | None:
        found = (level.nearest() for level in self.levels if len(level))
        return min((deadline for deadline in found if deadline is not None), default=None)
