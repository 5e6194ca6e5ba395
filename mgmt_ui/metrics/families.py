"""Metrics of single objects, by family (spec 5.2): the table, and how a row is read.

A family has rows of label values and numbers, one number for each of its metrics. The aggregated
form, their sums, is made in sums.py.
"""

import math
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from mgmt_ui import contents
from mgmt_ui.metrics.metric import COUNTER, GAUGE, Labels, Metric
from mgmt_ui.turns import next_turn
from vhosts.statistics import Statistics

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.connection import Connection
    from broker.queue import Queue
    from broker.served import Served
    from mgmt_ui.server import Server

SLICE = 100
"""How many objects are read before others have their turn on the loop."""

Values = tuple[float, ...]
Row = tuple[Labels, Values]
Wanted = Callable[["Queue"], bool]
Rows = Callable[["Server", Wanted], AsyncIterator[Row]]


class Family(NamedTuple):
    """Metrics that share labels."""

    labels: Labels
    metrics: tuple[Metric, ...]
    rows: Rows


def _metrics(kind: str, **texts: str) -> tuple[Metric, ...]:
    return tuple(Metric(name, kind, text) for name, text in texts.items())


# -- queues ------------------------------------------------------------------------------------


async def _queues(server: "Server", wanted: Wanted) -> "AsyncIterator[Queue]":
    for vhost in list(server.vhosts):
        for number, queue in enumerate(list(vhost.queues.values()), 1):
            if wanted(queue):
                yield queue
            if not number % SLICE:
                await next_turn()


def _of_queues(read: "Callable[[Queue], Values]") -> Rows:
    async def rows(server: "Server", wanted: Wanted) -> AsyncIterator[Row]:
        async for queue in _queues(server, wanted):
            yield (queue.vhost.name, queue.name), read(queue)

    return rows


def _coarse(queue: "Queue") -> Values:
    ready, unacked = queue.message_count, queue.unacked
    return ready, unacked, ready + unacked, 0


# Members of the queue object that are metrics, in their order.
_MEMBERS = {
    "memory": "queue_process_memory_bytes",
    "messages_ram": "queue_messages_ram",
    "message_bytes_ram": "queue_messages_ram_bytes",
    "messages_ready_ram": "queue_messages_ready_ram",
    "messages_unacknowledged_ram": "queue_messages_unacked_ram",
    "messages_persistent": "queue_messages_persistent",
    "message_bytes_persistent": "queue_messages_persistent_bytes",
    "message_bytes": "queue_messages_bytes",
    "message_bytes_ready": "queue_messages_ready_bytes",
    "message_bytes_unacknowledged": "queue_messages_unacked_bytes",
    "messages_paged_out": "queue_messages_paged_out",
    "message_bytes_paged_out": "queue_messages_paged_out_bytes",
}


NO_CONTENTS: Values = (0,) * (len(_MEMBERS) + 1)
"""The sum of `contents_of` of no queues."""


def contents_of(queue: "Queue", out: contents.Part) -> Values:
    """Of queue_metrics, what is in a queue: its memory first; `out` is what is unacked."""
    found = contents.describe("", queue, out)
    head = contents.head_timestamp(queue)
    return (*(found.get(member, 0) for member in _MEMBERS), math.nan if head is None else head)


def willing(queue: "Queue") -> bool:
    """Whether a consumer has room."""
    return any(consumer.room() > 0 for consumer in queue.consumers)


async def _queue_metrics(server: "Server", wanted: Wanted) -> AsyncIterator[Row]:
    everything = [queue async for queue in _queues(server, wanted)]
    unacked = await contents.unacked(server.connections, everything)
    for number, queue in enumerate(everything, 1):
        share = float(willing(queue))
        yield (
            (queue.vhost.name, queue.name),
            (
                *(queue.consumer_count, share, share),
                *contents_of(queue, unacked.get(queue, contents.NOTHING)),
                *(queue.disk_reads, queue.disk_writes, 0),
            ),
        )
        if not number % SLICE:
            await next_turn()


def _deliveries(queue: "Queue") -> Values:
    return (
        *(queue.got - queue.got_no_ack, queue.got_no_ack),
        *(queue.delivered - queue.delivered_no_ack, queue.delivered_no_ack),
        *(queue.redelivered, queue.acked, queue.get_empty),
    )


async def _incoming(server: "Server", wanted: Wanted) -> AsyncIterator[Row]:
    async for queue in _queues(server, wanted):
        vhost = queue.vhost.name
        for exchange, inflow in (queue.incoming or {}).items():
            yield (vhost, queue.name, vhost, exchange), (inflow.publish,)


async def _info(server: "Server", wanted: Wanted) -> AsyncIterator[Row]:
    async for queue in _queues(server, wanted):
        kind = f"rabbit_{queue.settings.queue_type}_queue"
        yield (queue.vhost.name, queue.name, kind, "leader"), (1,)


def lag(queue: "Queue") -> int:
    """How far the slowest reader of a stream is behind; 0 of other queues."""
    return getattr(queue, "lag", 0)


async def _lags(server: "Server", wanted: Wanted) -> AsyncIterator[Row]:
    async for queue in _queues(server, wanted):
        if queue.settings.queue_type == "stream":
            yield (queue.vhost.name, queue.name), (lag(queue),)


# -- exchanges, channels, connections ----------------------------------------------------------


async def _exchanges(server: "Server", _wanted: Wanted) -> AsyncIterator[Row]:
    for vhost in list(server.vhosts):
        for number, each in enumerate(list(vhost.exchanges.values()), 1):
            counts = (each.publish_in, each.confirmed)
            yield (
                (vhost.name, each.name),
                (*counts, each.return_unroutable, each.drop_unroutable),
            )
            if not number % SLICE:
                await next_turn()


async def _connections(server: "Server") -> "AsyncIterator[Connection]":
    for number, connection in enumerate(list(server.connections), 1):
        if hasattr(connection, "user"):
            yield connection
        if not number % SLICE:
            await next_turn()


async def _channels(server: "Server") -> "AsyncIterator[tuple[str, Channel]]":
    async for connection in _connections(server):
        for number, channel in list(connection.channels.items()):
            yield f"{connection.name} ({number})", channel


def channel(each: "Channel") -> Values:
    """Of channel_metrics."""
    confirms, held = each.confirms, each.transaction
    return (
        *(len(each.consumers), len(each.unacked)),
        0 if confirms is None else confirms.unconfirmed,
        *((0, 0) if held is None else (held.publishes, held.held)),
        *(each.prefetch, each.prefetch_limit),
    )


async def _channel_metrics(server: "Server", _wanted: Wanted) -> AsyncIterator[Row]:
    async for name, each in _channels(server):
        yield (name,), channel(each)


async def _channel_reductions(server: "Server", _wanted: Wanted) -> AsyncIterator[Row]:
    async for name, _ in _channels(server):
        yield (name,), (0,)


async def _channel_exchanges(server: "Server", _wanted: Wanted) -> AsyncIterator[Row]:
    async for name, channel in _channels(server):
        for exchange, flow in list(channel.pairs.flows.items()):
            counts = (flow.publish, flow.confirm, flow.return_unroutable, flow.drop_unroutable)
            yield (name, channel.vhost.name, exchange.name), counts


async def _channel_queues(server: "Server", _wanted: Wanted) -> AsyncIterator[Row]:
    async for name, channel in _channels(server):
        for queue, served in channel.pairs.by_queue().items():
            yield (name, channel.vhost.name, queue.name), _served(served)


def _served(each: "Served") -> Values:
    return (
        *(each.get, each.get_no_ack, each.deliver, each.deliver_no_ack),
        *(each.redeliver, each.ack, each.get_empty),
    )


def octets(each: "Connection") -> Values:
    """Of connection_coarse_metrics."""
    return each.received_bytes, each.sent_bytes, 0


def packets(each: "Connection") -> Values:
    """Of connection_metrics."""
    return each.reads, each.writes, each.unsent_bytes, len(each.channels)


async def _connection_octets(server: "Server", _wanted: Wanted) -> AsyncIterator[Row]:
    async for each in _connections(server):
        yield (each.name,), octets(each)


async def _connection_packets(server: "Server", _wanted: Wanted) -> AsyncIterator[Row]:
    async for each in _connections(server):
        yield (each.name,), packets(each)


# -- the table ---------------------------------------------------------------------------------

_QUEUE = ("vhost", "queue")
_TAKEN = (
    *("get_ack_total", "get_total", "messages_delivered_ack_total"),
    *("messages_delivered_total", "messages_redelivered_total", "messages_acked_total"),
    "get_empty_total",
)
_PUBLISHED = (
    *("messages_published_total", "messages_confirmed_total"),
    *("messages_unroutable_returned_total", "messages_unroutable_dropped_total"),
)
_TAKEN_TEXT, _PUBLISHED_TEXT = "Messages that went out, by how", "Messages published, by outcome"


def _counters(prefix: str, names: tuple[str, ...], text: str) -> tuple[Metric, ...]:
    return tuple(Metric(prefix + name, COUNTER, text) for name in names)


FAMILIES: dict[str, Family] = {
    "queue_coarse_metrics": Family(
        _QUEUE,
        (
            *_metrics(
                GAUGE,
                queue_messages_ready="Messages ready to be delivered",
                queue_messages_unacked="Messages delivered and not acknowledged yet",
                queue_messages="Ready and unacknowledged messages",
            ),
            *_metrics(COUNTER, queue_process_reductions_total="Not measured"),
        ),
        _of_queues(_coarse),
    ),
    "queue_consumer_count": Family(
        _QUEUE,
        _metrics(GAUGE, queue_consumers="Consumers of the queue"),
        _of_queues(lambda queue: (queue.consumer_count,)),
    ),
    "queue_metrics": Family(
        _QUEUE,
        (
            *_metrics(
                GAUGE,
                queue_consumers="Consumers of the queue",
                queue_consumer_capacity="1 where a consumer has room",
                queue_consumer_utilisation="1 where a consumer has room",
            ),
            *(Metric(name, GAUGE, "Contents of the queue") for name in _MEMBERS.values()),
            *_metrics(GAUGE, queue_head_message_timestamp="Timestamp of the first message"),
            *_metrics(
                COUNTER,
                queue_disk_reads_total="Messages read from the disk",
                queue_disk_writes_total="Messages written to the disk",
            ),
            *_metrics(GAUGE, stream_segments="Not measured"),
        ),
        _queue_metrics,
    ),
    "queue_delivery_metrics": Family(
        _QUEUE, _counters("queue_", _TAKEN, _TAKEN_TEXT), _of_queues(_deliveries)
    ),
    "queue_exchange_metrics": Family(
        ("queue_vhost", "queue", "exchange_vhost", "exchange"),
        _metrics(
            COUNTER,
            queue_exchange_messages_published_total="Messages an exchange published to a queue",
        ),
        _incoming,
    ),
    "exchange_metrics": Family(
        ("vhost", "exchange"), _counters("exchange_", _PUBLISHED, _PUBLISHED_TEXT), _exchanges
    ),
    "channel_metrics": Family(
        ("channel",),
        _metrics(
            GAUGE,
            channel_consumers="Consumers on the channel",
            channel_messages_unacked="Deliveries not acknowledged yet",
            channel_messages_unconfirmed="Publishes not confirmed yet",
            channel_messages_uncommitted="Publishes of an open transaction",
            channel_acks_uncommitted="Acknowledgements of an open transaction",
            consumer_prefetch="Prefetch of each consumer",
            channel_prefetch="Prefetch of the whole channel",
        ),
        _channel_metrics,
    ),
    "channel_exchange_metrics": Family(
        ("channel", "vhost", "exchange"),
        _counters("channel_", _PUBLISHED, _PUBLISHED_TEXT),
        _channel_exchanges,
    ),
    "channel_process_metrics": Family(
        ("channel",),
        _metrics(COUNTER, channel_process_reductions_total="Not measured"),
        _channel_reductions,
    ),
    "channel_queue_metrics": Family(
        ("channel", "vhost", "queue"), _counters("channel_", _TAKEN, _TAKEN_TEXT), _channel_queues
    ),
    "connection_coarse_metrics": Family(
        # The label has this name in RabbitMQ, too.
        ("channel",),
        _metrics(
            COUNTER,
            connection_incoming_bytes_total="Octets received",
            connection_outgoing_bytes_total="Octets sent",
            connection_process_reductions_total="Not measured",
        ),
        _connection_octets,
    ),
    "connection_metrics": Family(
        ("channel",),
        (
            *_metrics(
                COUNTER,
                connection_incoming_packets_total="Reads from the socket",
                connection_outgoing_packets_total="Writes to the socket",
            ),
            *_metrics(
                GAUGE,
                connection_pending_packets="Octets that the socket has not taken yet",
                connection_channels="Channels of the connection",
            ),
        ),
        _connection_packets,
    ),
    "stream_consumer_metrics": Family(
        _QUEUE,
        _metrics(GAUGE, stream_consumer_max_offset_lag="Messages the slowest reader is behind"),
        _lags,
    ),
}
QUEUE_INFO = Family(
    ("vhost", "queue", "queue_type", "membership"),
    _metrics(GAUGE, queue_info="What kind of queue it is"),
    _info,
)
"""Beside any queue family of /metrics/detailed."""


def steady(totals: Statistics) -> Iterator[tuple[str, int]]:
    """Counters of the whole broker by metric: their sums over objects would fall when these go."""
    left = totals.left()
    taken = (
        *(left.get, left.get_no_ack, left.deliver, left.deliver_no_ack),
        *(left.redeliver, left.ack, left.get_empty),
    )
    published = (
        *(totals.publish, totals.confirm),
        *(totals.return_unroutable, totals.drop_unroutable),
    )
    for prefix in ("queue_", "channel_"):
        yield from zip((prefix + name for name in _TAKEN), taken, strict=True)
    for prefix in ("exchange_", "channel_"):
        yield from zip((prefix + name for name in _PUBLISHED), published, strict=True)
    yield "queue_exchange_messages_published_total", totals.routed
    yield "queue_disk_reads_total", totals.disk_reads
    yield "queue_disk_writes_total", totals.disk_writes
