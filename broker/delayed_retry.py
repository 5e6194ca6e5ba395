"""Messages of a quorum queue that wait before something is tried again (spec 7.5.3, 8.1).

Here: which returned messages wait, how long, and the end of the waiting.  Not
here: returning a message (queue.py), and dead letters that nobody takes yet
(dead_letter.py).  While they wait they count as unacked, and on the disk they
are like all others: after a restart they are ready at once.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from broker.clock import DueTimer
from broker.message import QueuedMessage
from broker.returns import FAILED, failures

if TYPE_CHECKING:
    from broker.queue import Queue
    from vhosts.settings import QueueSettings

Again = Callable[[QueuedMessage], object]

# What comes back before others have their turn (docs/design.md, decision 4).
RELEASED_AT_ONCE = 200


def delay_of(settings: "QueueSettings", entry: QueuedMessage, returned: int) -> int:
    """Milliseconds that a message waits that has just been returned; 0 for none.

    `returned` is what the return counted for: returns.FAILED or RETURNED.
    """
    least, kind = settings.delayed_retry_min, settings.delayed_retry_type
    failed = returned == FAILED
    if least is None or kind == "disabled" or kind == ("returned" if failed else "failed"):
        return 0
    delay = least * max(failures(entry), 1)
    most = settings.delayed_retry_max
    return delay if most is None else min(delay, most)


class Retries:
    """The waiting messages of one queue, in order of their due time; one timer."""

    __slots__ = ("_numbers", "_queue", "_timer", "_waiting")

    def __init__(self, queue: "Queue") -> None:
        self._queue = queue
        self._numbers = count()
        self._waiting: list[tuple[int, int, QueuedMessage, Again]] = []
        self._timer = DueTimer(queue.turn.clock, self._release_due)

    def __len__(self) -> int:
        return len(self._waiting)

    def sample(self, limit: int) -> list[QueuedMessage]:
        """About `limit` of those that wait, or all; evenly from the whole."""
        return [each[2] for each in self._waiting[:: max(1, len(self._waiting) // limit)]]

    def hold(self, entry: QueuedMessage, delay: int, again: Again) -> None:
        """Keeps a message for `delay` milliseconds, then calls `again` with it."""
        due = self._queue.turn.now() + delay
        heappush(self._waiting, (due, next(self._numbers), entry, again))
        self._timer.arm(self._waiting[0][0])

    def _release_due(self) -> None:
        queue, waiting = self._queue, self._waiting
        now = queue.turn.clock.now_ms()
        for _ in range(RELEASED_AT_ONCE):
            if not waiting or waiting[0][0] > now:
                break
            _, _, entry, again = heappop(waiting)
            queue.unacked -= 1
            again(entry)
        if waiting:
            self._timer.arm(waiting[0][0])
        queue.turn.schedule()

    def cancel(self) -> list[QueuedMessage]:
        """The queue is gone; what waited for it is the caller's."""
        self._timer.end()
        waiting, self._waiting = self._waiting, []
        return [entry for _, _, entry, _ in waiting]
