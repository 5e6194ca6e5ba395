"""Deliveries that nobody settles in time (spec 7.8): `x-consumer-timeout`, off by default.

Here: how old an unacked delivery is, and what happens to one that is too old.
Not here: the timeout itself, which is a setting of the queue or an argument of
the consumer.

A delivery carries no time.  A channel that has to be looked after notes every
so often which tag comes next: all below were delivered by then.  So one that
is too old is found late, by at most a fifth of its timeout, and nothing is done
when it is delivered or settled.
"""

from collections import deque
from typing import TYPE_CHECKING

from broker.clock import TimerHandle
from broker.consumer import Consumer
from broker.message import QueuedMessage
from broker.transaction import Transaction
from vhosts import errors

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.queue import Queue

ARGUMENT = "x-consumer-timeout"
# Looks per timeout; and how far apart these are at least and at most, in milliseconds.
LOOKS = 10
SHORTEST_PERIOD, LONGEST_PERIOD = 50, 60_000


def timeout_of(queue: "Queue", consumer: Consumer | None) -> int | None:
    """Milliseconds that a delivery of `queue` may stay unacked, None for ever.

    The argument of the consumer overrides the queue's setting; 0 means for ever.
    """
    own = consumer.arguments.get(ARGUMENT) if consumer is not None else None
    return queue.settings.consumer_timeout if own is None else int(own[1]) or None


def look_after(channel: "Channel", queue: "Queue", consumer: Consumer | None) -> None:
    """Deliveries of `queue` begin on this channel, to `consumer` or by basic.get.

    To be called again for each consumer of a queue whose setting has changed.
    """
    timeout = timeout_of(queue, consumer)
    if timeout is not None:
        if channel.ack_watch is None:
            channel.ack_watch = AckWatch(channel)
        channel.ack_watch.expect(timeout)


class AckWatch:
    """Looks for deliveries of one channel that are unacked for too long; one timer."""

    __slots__ = ("_channel", "_notes", "_shortest", "_timer")

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel
        self._timer: TimerHandle | None = None
        self._shortest = LONGEST_PERIOD * LOOKS
        # (clock ms, tag): what has a smaller tag was delivered by then.
        self._notes: deque[tuple[int, int]] = deque()

    def expect(self, timeout: int) -> None:
        """There may be deliveries with this timeout (milliseconds)."""
        if timeout < self._shortest or self._timer is None:
            self._shortest = min(timeout, self._shortest)
            self.stop()
            self._again()

    def stop(self) -> None:
        """The channel is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self) -> None:
        period = min(max(self._shortest // LOOKS, SHORTEST_PERIOD), LONGEST_PERIOD)
        self._timer = self._channel.turn.clock.call_later(period / 1000, self._look)

    def _look(self) -> None:
        channel = self._channel
        self._timer = None
        now = channel.turn.clock.now_ms()
        if channel.unacked:
            self._note(now)
            for entry, timeout in self._late(now):
                # What came before may have dealt with this one too.
                if entry.tag in channel.unacked and not channel.closing:
                    self._give_up(entry, timeout)
        if not channel.closing and (channel.unacked or channel.consumers):
            self._again()
        channel.turn.schedule()

    def _note(self, now: int) -> None:
        notes, following = self._notes, self._channel.next_tag
        if not notes or notes[-1][1] < following:
            notes.append((now, following))
        oldest = next(iter(self._channel.unacked))
        while notes[0][1] <= oldest:
            notes.popleft()

    def _late(self, now: int) -> list[tuple[QueuedMessage, int]]:
        late = []
        notes = iter(self._notes)
        noted, following = next(notes)
        for tag, entry in self._channel.unacked.items():
            while tag >= following:
                noted, following = next(notes)
            if now - noted < self._shortest:
                break
            timeout = timeout_of(entry.queue, entry.consumer)
            if timeout is not None and now - noted >= timeout:
                late.append((entry, timeout))
        return late

    def _give_up(self, entry: QueuedMessage, timeout: int) -> None:
        channel, consumer = self._channel, entry.consumer
        if entry.queue.quorum and consumer is not None:
            subscribed = consumer.active
            self._give_back(consumer)
            if not subscribed:
                return
            if channel.connection.wants_cancel_notify:
                channel.consumer_lost(consumer)
                return
        channel.connection.fail_channel(channel, errors.ack_timeout(channel.number, timeout))

    def _give_back(self, consumer: Consumer) -> None:
        # As a consumer that is no more: what it had is for others, and counts for no limit.
        channel = self._channel
        held = [entry for entry in channel.unacked.values() if entry.consumer is consumer]
        for entry in held:
            del channel.unacked[entry.tag]
        if channel.consumers.get(consumer.tag) is consumer:
            del channel.consumers[consumer.tag]
        consumer.queue.remove_consumer(consumer)
        channel.give_back(held, Transaction.REQUEUE)
