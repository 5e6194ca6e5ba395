"""Time in a queue: message TTL and `x-expires`, one timer for each queue.

Here: deadlines, the sweep of expired heads, the lease of an unused queue.
Not here: what becomes of an expired message (queue.py, dead_letter.py).
"""

from typing import TYPE_CHECKING

from broker.clock import Clock, TimerHandle

if TYPE_CHECKING:
    from broker.queue import Queue


def message_deadline(now: int, queue_ttl: int | None, expiration: bytes | None) -> int:
    """The absolute deadline in clock ms: the smaller of both TTLs (spec 7.3), one of them given."""
    ttl = queue_ttl
    if expiration is not None:
        own = int(expiration)
        ttl = own if ttl is None else min(ttl, own)
    assert ttl is not None  # called only where a TTL is known
    return now + ttl


class Expiry:
    """The clockwork of one queue."""

    __slots__ = ("_armed_for", "_clock", "_lease", "_lease_ms", "_queue", "_timer", "watching")

    def __init__(self, queue: "Queue", clock: Clock, lease_ms: int | None) -> None:
        self._queue = queue
        self._clock = clock
        self._timer: TimerHandle | None = None
        self._armed_for = 0
        # Whether any message with a deadline may be in the queue.
        self.watching = False
        self._lease: TimerHandle | None = None
        self._lease_ms = lease_ms
        self.renew()

    def expect(self, deadline: int) -> None:
        """A message with a deadline is in the queue: it is looked at, at the end of the turn."""
        self.watching = True

    def sweep(self) -> None:
        """Removes the heads that have expired and arms the timer for the next one."""
        queue = self._queue
        ready, now = queue.ready, queue.turn.now()
        while (head := ready.peek()) is not None:
            if head.deadline is None or head.deadline > now:
                break
            ready.pop()
            queue.ready_bytes -= head.message.header.body_size
            queue.dead_letter(head, "expired")
        if head is None:
            self.watching = False
        elif head.deadline is not None:
            self._arm(head.deadline, now)

    def _arm(self, deadline: int, now: int) -> None:
        if self._timer is not None:
            if self._armed_for <= deadline:
                return  # it fires early, finds nothing and arms itself anew
            self._timer.cancel()
        self._armed_for = deadline
        self._timer = self._clock.call_later((deadline - now) / 1000, self._due)

    def _due(self) -> None:
        self._timer = None
        if self.watching:
            self.sweep()
        self._queue.turn.schedule()

    # -- x-expires (spec 7.3) ------------------------------------------------------------

    def renew(self) -> None:
        """The queue was used: its lease starts anew, unless a consumer holds it."""
        if self._lease_ms is None:
            return
        self.hold()
        if not self._queue.consumers:
            self._lease = self._clock.call_later(self._lease_ms / 1000, self._expired)

    def hold(self) -> None:
        """A consumer uses the queue: no lease runs."""
        if self._lease is not None:
            self._lease.cancel()
            self._lease = None

    def _expired(self) -> None:
        self._lease = None
        if not self._queue.deleted:
            self._queue.vhost.delete_queue(self._queue)
            self._queue.turn.schedule()

    def cancel(self) -> None:
        """The queue is gone."""
        self.hold()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
