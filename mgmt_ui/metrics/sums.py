"""The aggregated metrics of objects: the sums of families.py, without a row for each object.

Most objects rest between two scrapes. Queues that are empty only count; of the others only those
that have changed are looked into again.
"""

from collections.abc import AsyncIterator
from operator import add, sub
from typing import TYPE_CHECKING

from broker.yielding import Breather
from mgmt_ui import contents
from mgmt_ui.metrics import families
from mgmt_ui.metrics.families import FAMILIES, Values

if TYPE_CHECKING:
    from broker.queue import Queue
    from mgmt_ui.server import Server
    from vhosts.statistics import Statistics

# Objects that are passed between two looks at the clock.
SLICE = 50
State = tuple[int, ...]
"""What is another whenever other messages are in a queue."""


class Sums:
    """The sums over all objects of one broker; remembers what was in each queue."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._known: dict[Queue, tuple[State, Values]] = {}
        self._total = families.NO_CONTENTS

    async def read(self, whole: "Statistics") -> dict[str, float]:
        """By name, all metrics of FAMILIES."""
        sums: dict[str, float] = {}
        for family, values in (
            *(await self._queues()).items(),
            *(await self._connections()).items(),
        ):
            metrics = FAMILIES[family].metrics
            sums |= {metric.name: value for metric, value in zip(metrics, values, strict=True)}
        # Sums of these would fall when objects go.
        return sums | dict(families.steady(whole))

    async def _queues(self) -> dict[str, Values]:
        count = ready = unacked = consumers = willing = lags = 0
        busy: list[Queue] = []
        async for queue in self._each_queue():
            count += 1
            if not (queue.message_count or queue.unacked or queue.consumers):
                continue
            busy.append(queue)
            ready += queue.message_count
            unacked += queue.unacked
            consumers += queue.consumer_count
            willing += families.willing(queue)
            lags += families.lag(queue)
        filled = await self._contents(busy)
        memory = filled[0] + (count - len(busy)) * contents.QUEUE_OVERHEAD
        share = willing / count if count else 0.0
        return {
            "queue_coarse_metrics": (ready, unacked, ready + unacked, 0),
            "queue_metrics": (consumers, share, share, memory, *filled[1:], 0, 0, 0),
            "stream_consumer_metrics": (lags,),
        }

    async def _each_queue(self) -> "AsyncIterator[Queue]":
        breather = Breather(self._server.clock)
        for vhost in list(self._server.vhosts):
            for number, queue in enumerate(list(vhost.queues.values())):
                if not number % SLICE:
                    await breather.breathe()
                yield queue

    async def _contents(self, queues: "list[Queue]") -> Values:
        """The sums of families.contents_of."""
        # Scrapes may overlap: each goes by what it began with, the one that ends last is kept.
        breather, before, total = Breather(self._server.clock), self._known, self._total
        known: dict[Queue, tuple[State, Values]] = {}
        changed = []
        for queue in queues:
            state = _state(queue)
            found = before.get(queue)
            if found is not None and found[0] == state:
                known[queue] = found
            else:
                changed.append((queue, state))
            await breather.breathe()
        out = await contents.unacked(self._server.connections, [queue for queue, _ in changed])
        for queue, state in changed:
            values = families.contents_of(queue, out.get(queue, contents.NOTHING))
            # A missing timestamp is no number, and no part of a sum.
            counted = tuple(0 if value != value else value for value in values)
            # The state may be older than the values: then they are read again next time.
            known[queue] = state, counted
            total = tuple(map(add, total, counted))
            await breather.breathe()
        for queue, (_, values) in before.items():
            if known.get(queue) is not before[queue]:
                total = tuple(map(sub, total, values))
        self._known, self._total = known, total
        return total

    async def _connections(self) -> dict[str, Values]:
        breather = Breather(self._server.clock)
        octets: Values = (0,) * 3
        packets: Values = (0,) * 4
        channels: Values = (0,) * 7
        for connection in list(self._server.connections):
            if hasattr(connection, "user"):
                octets = tuple(map(add, octets, families.octets(connection)))
                packets = tuple(map(add, packets, families.packets(connection)))
                for channel in list(connection.channels.values()):
                    channels = tuple(map(add, channels, families.channel(channel)))
            await breather.breathe()
        return {
            "connection_coarse_metrics": octets,
            "connection_metrics": packets,
            "channel_metrics": channels,
            "channel_process_metrics": (0.0,),
        }


def _state(queue: "Queue") -> State:
    return (
        *(queue.message_count, queue.unacked, queue.ready_bytes, queue.published),
        *(queue.delivered, queue.got, queue.acked),
    )
