"""The ready messages of a queue, in the order in which they are delivered.

Here: first in first out with returns to the original place, the same per
priority level, and taking out those whose deadline is over, wherever they stand.
Not here: who gets them, when that is looked at, where they are stored.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import chain, count, islice
from typing import TYPE_CHECKING, Any, TypeAlias

from broker.message import QueuedMessage
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.paged import Paged


class Fifo:
    """Messages by position.

    `fresh` holds what was never delivered, in order of arrival; `returned` is
    a heap of what came back.  Whatever came back was once taken from the front
    of `fresh`, so all of it stands before `fresh`: at its original place, or
    with `returned_last` behind what came back before it (quorum, spec 8.1).

    The deadlines in `fresh` never fall and none stands behind a message without
    one; those in `returned` have none.  `for_deadline` and `for_return` see to it.
    """

    __slots__ = ("_places", "append", "fresh", "returned")

    # Whether some of it is on the disk only.
    paged = False

    def __init__(self, *, returned_last: bool = False) -> None:
        self.fresh: deque[QueuedMessage] = deque()
        self.returned: list[tuple[int, QueuedMessage]] = []
        self.append = self.fresh.append
        self._places: count[int] | None = count() if returned_last else None

    def __len__(self) -> int:
        return len(self.fresh) + len(self.returned)

    # How many can be taken now: all of them, unless some are on the disk (paged.py).
    at_hand = __len__

    def successor(self) -> "Fifo":
        """An empty one for what comes behind all in this."""
        following = Fifo()
        following._places = self._places
        return following

    def split(self, keep: int) -> "Fifo":
        """Parts with what was never delivered, but for the first `keep` of it."""
        fresh = self.fresh
        following = self.successor()
        following.fresh.extend(islice(fresh, keep, None))
        while len(fresh) > keep:
            fresh.pop()
        return following

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

    def sample(self, limit: int) -> list[QueuedMessage]:
        """Up to `limit` messages, whichever are at hand; all where there are no more."""
        return list(islice(self._in_any_order(), limit))

    def _in_any_order(self) -> Iterator[QueuedMessage]:
        return chain((entry for _, entry in self.returned), self.fresh)

    def requeue(self, entry: QueuedMessage) -> None:
        """Puts a message back."""
        heappush(self.returned, (self._place(entry), entry))

    def _place(self, entry: QueuedMessage) -> int:
        return entry.position if self._places is None else next(self._places)

    def clear(self) -> None:
        """Forgets all."""
        self.fresh.clear()
        self.returned.clear()

    # -- what only a Paged has -----------------------------------------------------------

    def shares(self) -> Iterable[Share]:
        """What is on the disk only."""
        return ()

    def on_disk(self) -> tuple[int, int]:
        """How many messages that is, and the octets of their bodies."""
        return 0, 0

    def advance(self, *, demand: bool) -> "Fifo":
        """All is in memory: there is nothing to do."""
        return self

    # -- deadlines -----------------------------------------------------------------------

    def for_deadline(self, entry: QueuedMessage) -> "Fifo":
        """What must take the place of this before `entry`, with a deadline, is appended."""
        return self if self._in_order(entry.deadline) else Sparse(self)

    def _in_order(self, deadline: int | None) -> bool:
        if deadline is None or not self.fresh:
            return True
        last = self.fresh[-1].deadline
        return last is not None and last <= deadline

    def for_return(self, entry: QueuedMessage) -> "Fifo":
        """What must take the place of this before `entry`, with a deadline, is requeued."""
        return Sparse(self)

    def take_expired(self, now: int, limit: int) -> list[QueuedMessage]:
        """Takes out those whose deadline is not after `now`, at most `limit` of them."""
        fresh = self.fresh
        expired: list[QueuedMessage] = []
        while fresh and len(expired) < limit:
            deadline = fresh[0].deadline
            if deadline is None or deadline > now:
                break
            expired.append(fresh.popleft())
        return expired

    def nearest(self) -> int | None:
        """The earliest deadline there is; None where there is none."""
        return self.fresh[0].deadline if self.fresh else None

    def frontiers(self, next_position: int) -> list[int]:
        """The position from which on nothing was ever delivered, as a list of one level."""
        return [self.fresh[0].position if self.fresh else next_position]


class Sparse(Fifo):
    """A Fifo out of whose middle messages can be taken, since their deadlines are in no order.

    It goes on where another Fifo ends: `late`, by position, is what came behind
    the first message that was out of order.  `due` is a heap of all in `late` and
    `returned` that have a deadline, and of some that are there no more.
    """

    __slots__ = ("_back", "_due", "_gone", "_late", "_numbers")

    def __init__(self, ready: Fifo) -> None:
        self.fresh, self.returned, self._places = ready.fresh, ready.returned, ready._places
        self.append = self._append
        self._late: OrderedDict[int, QueuedMessage] = OrderedDict()
        self._due: list[tuple[int, int, QueuedMessage]] = []
        self._numbers = count()
        # Of those in `returned` with a deadline the places there, by position; and the places
        # of those that have expired, which are skipped when they come to the front.
        self._back: dict[int, int] = {}
        self._gone: set[int] = set()

    def __len__(self) -> int:
        returned = len(self.returned) - len(self._gone)
        return returned + len(self.fresh) + len(self._late)

    at_hand = __len__

    def split(self, keep: int) -> Fifo:
        following = super().split(keep)
        if self._late:
            following = Sparse(following)
            for entry in self._late.values():
                following._append(entry)
            self._late.clear()
        return following

    def __iter__(self) -> Iterator[QueuedMessage]:
        for place, entry in sorted(self.returned, key=lambda item: item[0]):
            if place not in self._gone:
                yield entry
        yield from self.fresh
        yield from self._late.values()

    def _in_any_order(self) -> Iterator[QueuedMessage]:
        returned = (entry for place, entry in self.returned if place not in self._gone)
        return chain(self.fresh, self._late.values(), returned)

    def _append(self, entry: QueuedMessage) -> None:
        if not self._late and self._in_order(entry.deadline):
            self.fresh.append(entry)
            return
        self._late[entry.position] = entry
        if entry.deadline is not None:
            self._note(entry.deadline, entry)

    def _skip_gone(self) -> None:
        while self.returned and self.returned[0][0] in self._gone:
            self._gone.discard(heappop(self.returned)[0])

    def pop(self) -> QueuedMessage:
        self._skip_gone()
        if self.returned:
            entry = heappop(self.returned)[1]
            self._back.pop(entry.position, None)
            return entry
        if self._late and not self.fresh:
            return self._late.popitem(last=False)[1]
        return self.fresh.popleft()

    def peek(self) -> QueuedMessage | None:
        self._skip_gone()
        if self._late and not self.returned and not self.fresh:
            return next(iter(self._late.values()))
        return super().peek()

    def requeue(self, entry: QueuedMessage) -> None:
        place = self._place(entry)
        heappush(self.returned, (place, entry))
        if entry.deadline is not None:
            self._back[entry.position] = place
            self._note(entry.deadline, entry)

    def clear(self) -> None:
        super().clear()
        for each in (self._late, self._due, self._back, self._gone):
            each.clear()

    def frontiers(self, next_position: int) -> list[int]:
        return super().frontiers(next(iter(self._late), next_position))

    # -- deadlines -----------------------------------------------------------------------

    def for_deadline(self, entry: QueuedMessage) -> Fifo:
        return self

    def for_return(self, entry: QueuedMessage) -> Fifo:
        return self

    def take_expired(self, now: int, limit: int) -> list[QueuedMessage]:
        expired = super().take_expired(now, limit)
        due = self._due
        while due and due[0][0] <= now and len(expired) < limit:
            entry = heappop(due)[2]
            if self._late.get(entry.position) is entry:
                del self._late[entry.position]
            elif entry.position in self._back:
                self._gone.add(self._back.pop(entry.position))
            else:
                continue
            expired.append(entry)
        expired.sort(key=lambda entry: entry.position)
        return expired

    def nearest(self) -> int | None:
        due = self._due
        while due and not self._is_due(due[0][2]):
            heappop(due)
        if not due:
            return super().nearest()
        first = super().nearest()
        return due[0][0] if first is None else min(first, due[0][0])

    def _is_due(self, entry: QueuedMessage) -> bool:
        return entry.position in self._back or self._late.get(entry.position) is entry

    def _note(self, deadline: int, entry: QueuedMessage) -> None:
        heappush(self._due, (deadline, next(self._numbers), entry))
        if len(self._due) > 2 * (len(self._late) + len(self._back)) + 1000:
            self._due = [item for item in self._due if self._is_due(item[2])]
            heapify(self._due)


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


Ready: TypeAlias = "Fifo | Priorities | Paged"
