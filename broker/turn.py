"""What is done once a turn of the loop: deliver, confirm, write, commit.

Here: the lists of what was touched, and the order in which they are worked
off (DESIGN decision 4).  Not here: how any of it is done.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from broker.clock import Clock
from persistence.commit import GroupCommit

if TYPE_CHECKING:
    from broker.confirms import Confirms
    from broker.connection import Connection
    from broker.queue import Queue


class Turn:
    """Collects touched queues, channels with confirms due and connections with output."""

    __slots__ = (
        "_awaiting_commit",
        "_commit",
        "_later",
        "_now",
        "_scheduled",
        "call_soon",
        "clock",
        "confirming",
        "dirty",
        "number",
        "touched",
    )

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        clock: Clock,
        commit: GroupCommit,
    ) -> None:
        self.call_soon = call_soon
        self.clock = clock
        self._now: int | None = None
        self._commit = commit
        self._scheduled = False
        self.number = 0
        self._later: list[Queue] = []
        self._awaiting_commit: list[Confirms] = []
        self.touched: list[Queue] = []
        self.confirming: list[Confirms] = []
        self.dirty: list[Connection] = []
        commit.on_done.append(self._committed)

    def now(self) -> int:
        """Clock milliseconds, the same for all that one turn does.

        What is published with a TTL of 0 can so still be delivered in its turn.
        """
        if self._now is None:
            self._now = self.clock.now_ms()
        return self._now

    def run(self) -> None:
        """Delivers from the touched queues, sends confirms, writes once per connection."""
        self._scheduled = False
        self.number += 1
        while self.touched:
            queues, self.touched = self.touched, []
            for queue in queues:
                queue.deliver()
        if self.confirming:
            for confirms in self.confirming:
                confirms.flush()
            self.confirming.clear()
        if self.dirty:
            dirty, self.dirty = self.dirty, []
            for connection in dirty:
                connection.flush()
        self._now = None
        if self._later:
            self.touched, self._later = self._later, []
            self.schedule()
        if self._commit.kick_needed:
            self._commit.kick()

    def schedule(self) -> None:
        """Runs once all sockets that are readable now have been read.

        So what many publishers send at the same time makes one write to a
        consumer and one commit.
        """
        if not self._scheduled:
            self._scheduled = True
            self.call_soon(self.run)

    def later(self, queue: "Queue") -> None:
        """Delivers from `queue` again after others had their turn."""
        self._later.append(queue)

    def await_commit(self, confirms: "Confirms") -> None:
        """Tells `confirms` of every commit that ends until it waits for none."""
        self._awaiting_commit.append(confirms)

    def _committed(self, done: int) -> None:
        self._awaiting_commit = [c for c in self._awaiting_commit if c.committed(done)]
        self.schedule()
