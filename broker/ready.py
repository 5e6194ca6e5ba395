"""The ready messages of a queue, in the order in which they are delivered.

Here: first in first out with returns to the original place, and taking out
those whose deadline is over, wherever they stand.  Not here: priority levels
(priorities.py), long queues (paged.py), who gets them, when that is looked at.
"""

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import chain, count, islice
from typing import TYPE_CHECKING, Any, TypeAlias

from broker import stretches
from broker.message import QueuedMessage
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.paged import Paged
    from broker.priorities import Priorities


# Of what came back so many that stay may stand before those that are taken out, without a look at
# all of it.
BESIDE = 500


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

    def has_returned(self) -> bool:
        """Whether anything in it came back."""
        return bool(self.returned)

    def split(self, keep: int) -> "Fifo":
        """Parts with what was never delivered, but for the first `keep` of it."""
        fresh = self.fresh
        following = self.successor()
        following.fresh.extend(islice(fresh, keep, None))
        while len(fresh) > keep:
            fresh.pop()
        return following

    def extend(self, entries: Sequence[QueuedMessage]) -> None:
        """Adds messages at the end, which only in a Sparse may have deadlines."""
        self.fresh.extend(entries)

    def unseen(self) -> Iterable[QueuedMessage]:
        """What was never delivered, in order."""
        return self.fresh

    def shed(self, count: int) -> list[QueuedMessage]:
        """Takes out the first so many of `unseen`, which must be there."""
        fresh = self.fresh
        return [fresh.popleft() for _ in range(count)]

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

    # -- anywhere in it (browse.py) ------------------------------------------------------

    def by_level(self) -> list[Any]:
        """The parts that are delivered one after the other: this."""
        return [self]

    def came_back(self) -> list[tuple[int, QueuedMessage]]:
        """What was delivered before, each with its place, in no order."""
        return list(self.returned)

    def after(self, position: int, count: int) -> list[QueuedMessage]:
        """Up to `count` that were never delivered, from this position on, in order."""
        return stretches.window(self.fresh, stretches.index(self.fresh, position), count)

    def seek(self, number: int) -> tuple[int | None, int]:
        """Where the message with this number is, of those that were never delivered.

        That is a position, and how many to skip from there on; None beyond the last, and how
        many are left.
        """
        if number < len(self.fresh):
            return self.fresh[number].position, 0
        return None, number - len(self.fresh)

    def take_out(self, entries: Collection[QueuedMessage]) -> set[QueuedMessage]:
        """Removes those of `entries` that are here, and returns them."""
        taken = stretches.cut(self.fresh, set(entries))
        if len(taken) < len(entries) and self.returned:
            taken |= self._take_returned(set(entries) - taken)
        return taken

    def _take_returned(self, wanted: set[QueuedMessage]) -> set[QueuedMessage]:
        found = self._take_first_returned(wanted)
        if len(found) == len(wanted):
            return found
        others = {entry for _, entry in self.returned if entry in wanted}
        if others:
            self.returned = [item for item in self.returned if item[1] not in others]
            heapify(self.returned)
        return found | others

    def _take_first_returned(self, wanted: set[QueuedMessage]) -> set[QueuedMessage]:
        # Who takes all takes them in order: then there is no need to look at the others.
        returned, found, left = self.returned, set(), []
        for _ in range(min(len(wanted) + BESIDE, len(returned))):
            item = heappop(returned)
            if item[1] not in wanted:
                left.append(item)
                continue
            found.add(item[1])
            if len(found) == len(wanted):
                break
        for item in left:
            heappush(returned, item)
        return found

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

    def unseen(self) -> Iterable[QueuedMessage]:
        return chain(self.fresh, self._late.values())

    def shed(self, count: int) -> list[QueuedMessage]:
        found = super().shed(min(count, len(self.fresh)))
        late = self._late
        found += [late.popitem(last=False)[1] for _ in range(count - len(found))]
        self._forget_gone()
        return found

    def split(self, keep: int) -> Fifo:
        following = super().split(keep)
        late = self._late
        moved = list(islice(late.values(), max(0, keep - len(self.fresh)), None))
        if moved:
            following = Sparse(following)
            for entry in moved:
                following.append(entry)
                del late[entry.position]
            self._forget_gone()
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

    # No attribute as in a Fifo: a method of its own would keep it until a garbage collection.
    def append(self, entry: QueuedMessage) -> None:
        if not self._late and self._in_order(entry.deadline):
            self.fresh.append(entry)
            return
        self._late[entry.position] = entry
        if entry.deadline is not None:
            self._note(entry.deadline, entry)

    def extend(self, entries: Sequence[QueuedMessage]) -> None:
        self._forget_gone()
        self._late.update([(entry.position, entry) for entry in entries])
        due, numbers = self._due, self._numbers
        due += [(e.deadline, next(numbers), e) for e in entries if e.deadline is not None]
        heapify(due)

    def _skip_gone(self) -> None:
        while self.returned and self.returned[0][0] in self._gone:
            self._gone.discard(heappop(self.returned)[0])

    def has_returned(self) -> bool:
        self._skip_gone()
        return bool(self.returned)

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

    # -- anywhere in it ------------------------------------------------------------------

    def came_back(self) -> list[tuple[int, QueuedMessage]]:
        return [item for item in self.returned if item[0] not in self._gone]

    def after(self, position: int, count: int) -> list[QueuedMessage]:
        found = super().after(position, count)
        if len(found) < count and self._late:
            late = (entry for number, entry in self._late.items() if number >= position)
            found += islice(late, count - len(found))
        return found

    def seek(self, number: int) -> tuple[int | None, int]:
        position, left = super().seek(number)
        if position is not None or left >= len(self._late):
            return position, max(0, left - len(self._late))
        return next(islice(self._late, left, None)), 0

    def take_out(self, entries: Collection[QueuedMessage]) -> set[QueuedMessage]:
        late = {entry for entry in entries if self._late.get(entry.position) is entry}
        for entry in late:
            del self._late[entry.position]
        return late | super().take_out(set(entries) - late)

    def _take_returned(self, wanted: set[QueuedMessage]) -> set[QueuedMessage]:
        present = {entry for _, entry in self.came_back()}
        found = super()._take_returned(wanted & present)
        for entry in found:
            self._back.pop(entry.position, None)
        return found

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
        self._forget_gone()

    def _forget_gone(self) -> None:
        # What is noted of messages that are elsewhere keeps them in memory.
        there = len(self._late) + len(self._back)
        if not there:
            self._due.clear()
        elif len(self._due) > 2 * there + 1000:
            self._due = [item for item in self._due if self._is_due(item[2])]
            heapify(self._due)


Ready: TypeAlias = "Fifo | Priorities | Paged"
