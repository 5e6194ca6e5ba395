"""How old the messages of a queue are, found out without a time in any of them.

Here: when which positions were given out, noted five times a second at most.  Not
here: who wants to know (mgmt_ui), which message is the oldest (queue.py).

A queue that was touched is looked at once a turn, before it delivers.  What is
known of a position is so the turn in which it was given out, or the fifth of a second.
Old notes are thinned out: what matters of an age is how large it is.  What came
back from the disk counts from the start of the broker.
"""

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.message import QueuedMessage
    from broker.queue import Queue

# Milliseconds between two notes.
INTERVAL = 200
# Notes that are kept, of 16 bytes each.
KEPT = 48


class Ages:
    """Of one queue: all positions below `positions[n]` were given out by `times[n]` (clock ms).

    `due` is when the next note is, `seen` the next position at the last look.
    """

    __slots__ = ("_positions", "_times", "due", "seen")

    def __init__(self, now: int) -> None:
        self.due = now
        self.seen = 0
        self._positions = array("q")
        self._times = array("q")

    def note(self, queue: "Queue", now: int) -> None:
        """To be called at the first look at `queue` from `due` on, `now` being clock ms."""
        positions, seen, following = self._positions, self.seen, queue.next_position
        held = queue.unacked + queue.message_count
        if held <= following - seen:
            # All that is here came in this turn.
            self._positions, self._times = array("q"), array("q")
        elif seen > (positions[-1] if positions else 0):
            # Given out after the last note, and before this turn.
            self._add(seen, min(now, self.due))
        if following > seen:
            self._add(following, now)
        self.due = now + INTERVAL

    def _add(self, position: int, time: int) -> None:
        positions, times = self._positions, self._times
        positions.append(position)
        times.append(time)
        if len(times) > KEPT:
            at = min(range(1, KEPT), key=lambda n: _gap(times, n))
            del positions[at], times[at]

    def since(self, position: int, now: int) -> int:
        """When a message got its position (clock ms); `now` where it came in this very turn."""
        at = bisect_right(self._positions, position)
        return self._times[at] if at < len(self._times) else min(now, self.due)


def _gap(times: "array[int]", at: int) -> float:
    # What would be lost without a note, in proportion to how old it is.
    return (times[at + 1] - times[at - 1]) / (times[-1] - times[at - 1] + INTERVAL)


def since(entry: "QueuedMessage", now: int) -> int:
    """When a message got into its queue (clock ms)."""
    queue = entry.queue
    if queue.settings.queue_type == "stream":
        assert entry.deadline is not None  # the time of its publishing
        return entry.deadline
    return queue.ages.since(entry.position, now)


def oldest(queue: "Queue", now: int) -> int | None:
    """When the oldest ready message of a queue got there (clock ms); None without any."""
    if queue.settings.queue_type == "stream":
        chunks = queue.ready.all  # type: ignore[union-attr]  # a Stream
        return chunks[0].oldest if chunks else None
    head = queue.ready.peek()
    positions = [] if head is None else [head.position]
    positions += [each for each in queue.frontiers() if each < queue.next_position]
    return queue.ages.since(min(positions), now) if positions and queue.message_count else None
