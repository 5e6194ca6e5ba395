"""What a virtual host's limits of stored bytes and publish rate do to its publishers.

Here: what is stored, who waits how long, counted once for each read.  Not here: what the limits
are (vhosts/limits.py), how a connection is held up (gate.py), and how it rests (link.py).  Nothing
of this is loaded before a virtual host has such a limit.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import TYPE_CHECKING

from broker.amqp.hot import BASIC_PUBLISH
from broker.amqp.protocol import Command
from broker.clock import Clock, TimerHandle
from vhosts import errors

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.message import QueuedMessage
    from broker.queue import Queue
    from vhosts.vhost import VirtualHost

logger = logging.getLogger("leveret.quotas")

# What is stored is looked at so often (seconds): at ease, and while publishers wait.
INTERVAL, WAITING_INTERVAL = 1.0, 0.25
# And whenever so much has come that it may be too much, but so that of this many parts of the
# time looking takes one at most.
LOOKING_SHARE = 20
# So much may come at once that has not come before, in seconds of the rate.
BURST = 1.0
# After so long (seconds) a connection that rests looks again whether it must.
LONGEST_REST = 1.0
# Of messages without a sum of their octets, about so many are looked at.
SAMPLE = 256
# Rounding must not make somebody wait for no time at all.
_INSTANT = 1e-6
_LONG_AGO = float("-inf")


class Quota:
    """The limits of one virtual host at work; `vhost.held_up` says whether publishers wait."""

    __slots__ = ("_clock", "_connections", "_even_at", "_look_from", "_room", "_timer", "vhost")

    def __init__(
        self,
        vhost: "VirtualHost[Queue]",
        clock: Clock,
        connections: "Callable[[], Collection[Connection]]",
    ) -> None:
        self.vhost = vhost
        self._clock = clock
        self._connections = connections
        # When all that has come would have come at the rate that is asked for.
        self._even_at = _LONG_AGO
        self._look_from = _LONG_AGO
        # Octets that may still come before somebody has to look again.
        self._room = 0
        self._timer: TimerHandle | None = None

    def apply(self) -> None:
        """The limits are others than before: who waits for the old ones does so no longer."""
        self._even_at = _LONG_AGO
        for connection in self._connections():
            self.admit(connection)
        self._look()

    def admit(self, connection: "Connection") -> None:
        """What `connection` publishes counts from now on."""
        connection.toll = Toll(self, connection) if self.vhost.rationed else None
        if self._timer is None:
            self._look()

    def take(self, octets: int, messages: int) -> float:
        """So much has come; for how long (seconds) whoever sent it should send nothing more."""
        vhost = self.vhost
        if vhost.max_stored_bytes is not None:
            self._room -= octets
            if self._room <= 0 and not vhost.held_up and self.now() >= self._look_from:
                self._look()
        if not vhost.max_publish_rate or not messages:
            return 0.0
        now = self.now()
        self._even_at = max(self._even_at, now - BURST) + messages / vhost.max_publish_rate
        return self._even_at - now

    def check(self, octets: int) -> None:
        """Lets one message in that nobody can hold up; raises ResourceError if it should wait."""
        if not self.vhost.held_up and self._even_at - self.now() < _INSTANT:
            self.take(octets, 1)
        elif not self.vhost.held_up:
            raise errors.too_fast(self.vhost.name)
        if self.vhost.held_up:
            raise errors.ResourceError(self.vhost.held_up)

    def now(self) -> float:
        """Seconds of the clock."""
        return self._clock.monotonic()

    def _look(self) -> None:
        vhost, began = self.vhost, self.now()
        held_up, limit = "", vhost.max_stored_bytes
        if vhost.max_publish_rate == 0:
            held_up = f"vhost '{vhost.name}' may take no messages"
        if limit is not None:
            self._room = limit - stored_bytes(vhost, self._connections())
            if self._room <= 0:
                held_up = f"vhost '{vhost.name}' has reached its limit of stored bytes ({limit})"
        self._look_from = began + LOOKING_SHARE * (self.now() - began)
        self._look_again()
        if held_up != vhost.held_up:
            before, vhost.held_up = vhost.held_up, held_up
            logger.info("%s: %s", held_up or before, "publishers wait" if held_up else "no more")
            if bool(before) != bool(held_up):
                for connection in list(self._connections()):
                    connection.alarmed()

    def _look_again(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        vhost = self.vhost
        wanted = vhost.running and vhost.max_stored_bytes is not None
        if wanted and (self._connections() or self._room <= 0):
            interval = INTERVAL if self._room > 0 else WAITING_INTERVAL
            self._timer = self._clock.call_later(interval, self._look)


class Toll:
    """What one connection owes for what it brought."""

    __slots__ = ("_connection", "_even_at", "_quota", "_seen")

    def __init__(self, quota: Quota, connection: "Connection") -> None:
        self._quota = quota
        self._connection = connection
        self._seen = connection.received_bytes
        self._even_at = _LONG_AGO

    def rest(self) -> float:
        """How long (seconds) nothing should be taken from the connection, to be asked again."""
        left = self._even_at - self._quota.now()
        return 0.0 if left < _INSTANT else min(left, LONGEST_REST)

    def charge(self, received: list[Command]) -> None:
        """These are about to be handled."""
        octets = self._connection.received_bytes
        messages = sum(len(each[4]) for each in received if each[1] == BASIC_PUBLISH)
        delay = self._quota.take(octets - self._seen, messages)
        self._seen = octets
        if delay > 0:
            self._even_at = self._quota.now() + delay


def stored_bytes(vhost: "VirtualHost[Queue]", connections: "Iterable[Connection]") -> int:
    """About the octets of the bodies in its queues: ready, delayed and unacked ones.

    A message counts once for each queue that it is in.
    """
    total = 0
    for queue in vhost.queues.values():
        total += queue.ready_bytes
        if queue.retries:
            total += _about(len(queue.retries), queue.retries.sample(SAMPLE))
    for exchange in vhost.exchanges.values():
        if exchange.room is not None:
            room = exchange.room
            total += _about(len(room), room.sample(SAMPLE))
    for connection in connections:
        for channel in connection.channels.values():
            out = channel.unacked
            step = max(1, len(out) // SAMPLE)
            total += _about(len(out), islice(out.values(), 0, None, step))
    return total


def _about(count: int, sample: "Iterable[QueuedMessage]") -> int:
    sizes = [entry.message.header.body_size for entry in sample]
    return count * sum(sizes) // len(sizes) if sizes else 0
