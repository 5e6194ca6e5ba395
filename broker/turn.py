"""What is done once a turn of the loop: deliver, confirm, write, commit.

Here: the lists of what was touched, and the order in which they are worked
off (docs/design.md, decision 4).  Not here: how any of it is done.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from broker.clock import Clock, TimerHandle
from broker.paging import Pager
from persistence.commit import GroupCommit

if TYPE_CHECKING:
    from broker.confirms import Confirms
    from broker.dead_letter import Mould
    from broker.link import Link
    from broker.queue import Queue
    from broker.stream import Stream

logger = logging.getLogger("leveret.turn")

# Seconds for which a commit is held back at most for publishers that are expected back.
PATIENCE = 0.001


class Turn:
    """Collects touched queues, channels with confirms due and connections with output."""

    __slots__ = (
        "_awaiting_commit",
        "_awaiting_disk",
        "_commit",
        "_expected",
        "_later",
        "_now",
        "_patience",
        "_scheduled",
        "call_soon",
        "clock",
        "confirming",
        "dirty",
        "mould",
        "number",
        "pager",
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
        self._awaiting_disk: list[Stream] = []
        self.touched: list[Queue] = []
        self.confirming: list[Confirms] = []
        self.dirty: list[Link] = []
        # How the last message died (dead_letter.py).
        self.mould: Mould | None = None
        # How many channels are likely to publish before the next commit should begin.
        self._expected = 0
        self._patience: TimerHandle | None = None
        self.pager = Pager(commit)
        commit.driven = True
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
            now = self.now()
            for queue in queues:
                ages = queue.ages
                if ages.due <= now:
                    ages.note(queue, now)
                    self.pager.look(queue)
                ages.seen = queue.next_position
                try:
                    queue.deliver()
                except Exception:  # a fault of ours must not end the turn of all others
                    logger.exception("queue '%s' in vhost '%s'", queue.name, queue.vhost.name)
        self._answer()
        self._now = None
        if self._later:
            self.touched += self._later
            self._later = []
            self.schedule()

    def _answer(self) -> None:
        if self.confirming:
            for confirms in self.confirming:
                confirms.flush()
            self.confirming.clear()
        if self._commit.kick_needed:
            self._begin_commit()  # before the sockets: the disk works meanwhile
        if self.dirty:
            dirty, self.dirty = self.dirty, []
            for connection in dirty:
                try:
                    connection.flush()
                except Exception:
                    logger.exception("%s: cannot write", connection.name)

    def schedule(self) -> None:
        """Runs once all sockets that are readable now have been read.

        So what many publishers send at the same time makes one write to a
        consumer and one commit.
        """
        if not self._scheduled:
            self._scheduled = True
            self.call_soon(self.run)

    @property
    def behind(self) -> bool:
        """Whether the disk is so far behind that publishers should wait for it."""
        return self._commit.behind

    def forget(self, queue: "Queue") -> None:
        """The queue is gone."""
        self.mould = None
        self.pager.forget(queue)

    def later(self, queue: "Queue") -> None:
        """Delivers from `queue` again after others had their turn."""
        self._later.append(queue)

    def await_commit(self, confirms: "Confirms") -> None:
        """Tells `confirms` of every commit that ends until it waits for none."""
        self._awaiting_commit.append(confirms)

    def await_disk(self, stream: "Stream") -> None:
        """As `await_commit`, for what readers may have once it is safe."""
        self._awaiting_disk.append(stream)

    def _begin_commit(self) -> None:
        # Publishers that wait for each confirm all come back a moment after a commit.  With
        # those that came while it was on the disk they make one commit instead of two.
        commit = self._commit
        if len(self._awaiting_commit) >= self._expected or commit.urgent:
            self._expected = 0
            commit.kick()
        elif self._patience is None:
            self._patience = self.clock.call_later(PATIENCE, self._wait_no_longer)

    def _wait_no_longer(self) -> None:
        self._patience = None
        self._expected = 0
        if self._commit.kick_needed:
            self._commit.kick()

    def _committed(self, done: int) -> None:
        waited = self._awaiting_commit
        self._awaiting_commit = [c for c in waited if c.committed(done)]
        self._expected = len(waited) if self._awaiting_commit else 0
        if self._awaiting_disk:
            self._awaiting_disk = [s for s in self._awaiting_disk if s.committed(done)]
        if self.touched:
            self.schedule()
        self._answer()  # at once: whoever waits for these confirms waits for nothing else
