"""Who publishes where and who takes from what: the pairwise breakdowns of single objects, which
RabbitMQ has in its `rates_mode` detailed (spec 1.7, 3.4, 3.6, 3.7).

Here: the rows of `publishes`, `incoming`, `outgoing` and `deliveries`. The pairs themselves are
counted by the engine, whoever looks (broker/served.py, broker/queue_counters.py).
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from broker.yielding import Breather
from mgmt_ui import counters
from mgmt_ui.call import NOT_OPEN, Call
from mgmt_ui.paging import Row
from mgmt_ui.references import channel_details

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.queue import Queue
    from broker.queue_counters import Inflow
    from broker.served import Flow, Served
    from exchanges.base import Exchange
    from vhosts.vhost import VirtualHost


def publishes(call: Call, channel: "Channel") -> list[Row]:
    """Of a channel: what it published, for each exchange."""
    vhost = channel.vhost.name
    return [
        {"exchange": {"name": exchange.name, "vhost": vhost}, "stats": published(call, flow)}
        for exchange, flow in channel.pairs.flows.items()
        if flow.publish
    ]


def takings(call: Call, channel: "Channel") -> list[Row]:
    """Of a channel: what it took, from each queue. They are called `deliveries`."""
    vhost = channel.vhost.name
    return [
        {
            "queue": {"name": queue.name, "vhost": vhost},
            "stats": taken(call, served, channel.pairs.pair(queue)),
        }
        for queue, served in channel.pairs.by_queue().items()
        if served.deliver_get or served.get_empty
    ]


async def of_queue(call: Call, queue: "Queue") -> Row:
    """`incoming` by exchange, `deliveries` by channel."""
    vhost = queue.vhost.name
    incoming = [
        {"exchange": {"name": name, "vhost": vhost}, "stats": arrived(call, inflow)}
        for name, inflow in (queue.incoming or {}).items()
    ]
    deliveries = []
    async for channel in _channels(call, queue.vhost):
        pair, served = channel.pairs.pair(queue), channel.pairs.taken_from(queue)
        if served.deliver_get or served.get_empty:
            details = channel_details(call, channel)
            row = {"channel_details": details, "stats": taken(call, served, pair)}
            deliveries.append(row)
    return {"incoming": incoming, "deliveries": deliveries}


async def of_exchange(call: Call, vhost: "VirtualHost[Queue]", exchange: "Exchange") -> Row:
    """`incoming` by channel, `outgoing` by queue."""
    incoming, outgoing = [], []
    async for channel in _channels(call, vhost):
        flow = channel.pairs.flows.get(exchange)
        if flow is not None and flow.publish:
            details = channel_details(call, channel)
            incoming.append({"channel_details": details, "stats": published(call, flow)})
    breather = Breather(call.server.clock)
    for queue in list(vhost.queues.values()):
        inflow = (queue.incoming or {}).get(exchange.name)
        if inflow is not None:
            name = {"name": queue.name, "vhost": vhost.name}
            outgoing.append({"queue": name, "stats": arrived(call, inflow)})
        await breather.breathe()
    return {"incoming": incoming, "outgoing": outgoing}


async def _channels(call: Call, vhost: "VirtualHost[Queue]") -> "AsyncIterator[Channel]":
    breather = Breather(call.server.clock)
    for connection in list(call.server.connections):
        if connection.state not in NOT_OPEN and connection.vhost is vhost:
            for channel in list(connection.channels.values()):
                yield channel
        await breather.breathe()


# -- the `stats` of a pair ---------------------------------------------------------------------


def published(call: Call, flow: "Flow") -> Row:
    """Of what a channel published to an exchange."""
    return _with_rates(call, counters.named(counters.FLOW, flow), flow)


def taken(call: Call, served: "Served", pair: "Served | None") -> Row:
    """Of what a channel took from a queue; `pair` stands for the two in samples."""
    return _with_rates(call, counters.named(counters.SERVED, served), pair)


def arrived(call: Call, inflow: "Inflow") -> Row:
    """Of what an exchange put into a queue."""
    return _with_rates(call, counters.named(counters.INFLOW, inflow), inflow)


def _with_rates(call: Call, row: Row, pair: object) -> Row:
    call.details.add(row, [pair], tuple(row))
    return row
