"""Time in a queue: message TTL and `x-expires`, one timer for each queue.

Here: deadlines, the sweep of what has expired, the lease of an unused queue.
Not here: finding expired messages (ready.py) and what becomes of them
(queue.py, dead_letter.py).

Expired messages go wherever they stand; RabbitMQ keeps them until they are
the first of their queue (spec 7.3).
"""

from typing import TYPE_CHECKING, cast

from broker.clock import Clock, DueTimer, TimerHandle

if TYPE_CHECKING:
    from broker.message import QueuedMessage
    from broker.queue import Queue

# What one sweep removes before others have their turn (docs/design.md, decision 4).
SWEEP_MESSAGES = 100


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

    __slots__ = (
        "_clock",
        "_lease",
        "_lease_ms",
        "_nearest",
        "_queue",
        "_timer",
        "watching",
    )

    def __init__(self, queue: "Queue", clock: Clock, lease_ms: int | None) -> None:
        self._queue = queue
        self._clock = clock
        self._timer: DueTimer | None = None  # most queues never need one
        self._nearest = 0
        # Whether any message with a deadline may be in the queue.
        self.watching = False
        self._lease: TimerHandle | None = None
        self._lease_ms = lease_ms
        self.renew()

    def expect(self, entry: "QueuedMessage") -> None:
        """A message with a deadline is about to enter the queue, at its end."""
        queue = self._queue
        queue.ready = queue.ready.for_deadline(entry)
        assert entry.deadline is not None  # asked only of messages that have one
        self.watch(entry.deadline)

    def expect_back(self, entry: "QueuedMessage") -> None:
        """A message with a deadline is about to come back to the queue."""
        queue = self._queue
        queue.ready = queue.ready.for_return(entry)
        assert entry.deadline is not None  # as in `expect`
        self.watch(entry.deadline)

    def watch(self, deadline: int) -> None:
        """There is a message with this deadline; it is looked at, at the end of the turn."""
        if not self.watching or deadline < self._nearest:
            self._nearest = deadline
            self.watching = True

    def sweep(self, *, spared_ms: int = 0) -> None:
        """Removes what expired `spared_ms` ago or before; arms the timer for what will."""
        queue = self._queue
        now = queue.turn.now() - spared_ms
        if self._nearest <= now:
            expired = queue.ready.take_expired(now, SWEEP_MESSAGES)
            for entry in expired:
                queue.ready_bytes -= entry.message.header.body_size
                queue.dead_letter(entry, "expired")
            if len(expired) == SWEEP_MESSAGES and not queue.touched:
                queue.touched = True
                queue.turn.later(queue)
            nearest = queue.ready.nearest()
            if nearest is None:
                self.watching = False
                return
            self._nearest = nearest
        if self._timer is None:
            self._timer = DueTimer(self._clock, self._due)
        self._timer.arm(self._nearest)

    def _due(self) -> None:
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

    def lease(self, milliseconds: int | None) -> None:
        """From now on the queue may be unused for so long, None for ever."""
        self.hold()
        self._lease_ms = milliseconds
        self.renew()

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
            self._timer.end()


class _Stopped:
    """Stands in for the clockwork of a queue that is gone: nothing expires any more."""

    __slots__ = ()

    watching = False

    def _nothing(self, *_: object, **__: object) -> None:
        pass

    expect = expect_back = watch = sweep = renew = lease = hold = cancel = _nothing


STOPPED: Expiry = cast(Expiry, _Stopped())
