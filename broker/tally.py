"""Publishes, counted once for a run of them and shared out later.

Here: from the counts that targets keep to the counters of exchanges, queues, channels and virtual
hosts.  Not here: the counters themselves (vhosts/statistics.py, served.py).

A publish touches four objects that count.  On the way of a message only its target
(publishing.py) does, by a key that says how large it is and whether it is persistent
(`ContentHeader.key`); whoever wants to see the counters has them shared out first.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.publishing import Target
    from broker.queue import Queue

# Shared out at this many entries, whether somebody looks or not: 2 ms of work at most.
MOST = 2048


class Tally:
    """The targets of one broker that have counted something since they were last asked."""

    __slots__ = ("_entries", "_targets")

    def __init__(self) -> None:
        self._targets: list[Target] = []
        self._entries = 0

    def note(self, target: "Target", key: int, count: int) -> None:
        """`count` publishes to a target, perhaps with a key that it did not have yet."""
        if not target.counts:
            self._targets.append(target)
        target.counts[key] = target.counts.get(key, 0) + count
        self._entries += 1
        if self._entries >= MOST:
            self.share_out()

    def share_out(self) -> None:
        """From here on all counters of publishes are exact, until the next one."""
        targets, self._targets = self._targets, []
        self._entries = 0
        for target in targets:
            _share_out(target)


def _share_out(target: "Target") -> None:
    flow = target.flow
    statistics = flow.statistics
    counts, total, persistent = target.counts, 0, 0
    for key, count in counts.items():
        total += count
        if key < 0:
            persistent += count
        statistics.count_sizes(~key if key < 0 else key, count)
    counts.clear()
    flow.publish += total
    flow.exchange.publish_in += total
    statistics.publish += total
    if flow.confirms is not None:
        statistics.confirmable += total
    if target.fixed:
        count_routed(target, target.queues, total, persistent)


def count_routed(target: "Target", queues: Sequence["Queue"], count: int, persistent: int) -> None:
    """`count` publishes went to these queues, `persistent` of them to stay."""
    flow = target.flow
    statistics, exchange = flow.statistics, flow.exchange
    reached = [queue for queue in queues if not queue.waits]
    for queue in reached:
        queue.count_in(exchange.name, count)
        if queue.durable:
            stored = count if queue.stores_all else persistent
            queue.disk_writes += stored
            statistics.disk_writes += stored
    exchange.publish_out += count * len(reached)
    statistics.routed += count * len(reached)
    if reached or (queues and not target.mandatory):
        return
    if target.mandatory:
        flow.return_unroutable += count
        exchange.return_unroutable += count
        statistics.return_unroutable += count
    else:
        flow.drop_unroutable += count
        exchange.drop_unroutable += count
        statistics.drop_unroutable += count
