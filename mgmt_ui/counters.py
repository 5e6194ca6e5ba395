"""What the engine counts, by the names of spec 1.7: one Kind for each kind of object.

Here: names, and how to read the values of one object as a tuple in their order. What the names were
a moment ago is rates.py; how they look in JSON is details.py.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.connection import Connection
    from broker.queue import Queue
    from broker.queue_counters import Inflow
    from broker.served import Flow, Served
    from exchanges.base import Exchange
    from vhosts.statistics import Statistics
    from vhosts.vhost import VirtualHost

Values = tuple[int, ...]
Row = dict[str, Any]

LENGTHS = ("messages", "messages_ready", "messages_unacknowledged")
"""Gauges of queues; their rates say how fast they grow."""

PUBLISHING = ("publish", "confirm", "return_unroutable", "drop_unroutable")
DELIVERING = (
    *("ack", "deliver", "deliver_no_ack", "deliver_get"),
    *("get", "get_no_ack", "get_empty", "redeliver"),
)
STORING = ("disk_reads", "disk_writes")
ROUTING = ("publish_in", "publish_out")
OCTETS = ("recv_oct", "send_oct")
CHURN = (
    *("connection_created", "connection_closed", "channel_created", "channel_closed"),
    *("queue_declared", "queue_created", "queue_deleted"),
)


class Kind(NamedTuple):
    """A kind of object that is sampled: the names of what it counts, and how one is read."""

    names: tuple[str, ...]
    read: Callable[[Any], Values]
    places: dict[str, int]


def kind(names: tuple[str, ...], read: Callable[[Any], Values]) -> Kind:
    """A Kind; `read` gives the values in the order of `names`."""
    return Kind(names, read, {name: place for place, name in enumerate(names)})


def _queue(queue: "Queue") -> Values:
    ready, unacked = queue.message_count, queue.unacked
    delivered, no_ack = queue.delivered, queue.delivered_no_ack
    got, got_no_ack = queue.got, queue.got_no_ack
    return (
        *(ready + unacked, ready, unacked, queue.published),
        *(queue.acked, delivered - no_ack, no_ack, delivered + got),
        *(got - got_no_ack, got_no_ack, queue.get_empty, queue.redelivered),
        *(queue.disk_reads, queue.disk_writes),
    )


def _exchange(exchange: "Exchange") -> Values:
    return exchange.publish_in, exchange.publish_out


def _connection(connection: "Connection") -> Values:
    return connection.received_bytes, connection.sent_bytes


def _flow(flow: "Flow") -> Values:
    return flow.publish, flow.confirm, flow.return_unroutable, flow.drop_unroutable


def _served(taken: "Served") -> Values:
    return (
        *(taken.ack, taken.deliver, taken.deliver_no_ack, taken.deliver_get),
        *(taken.get, taken.get_no_ack, taken.get_empty, taken.redeliver),
    )


def _inflow(inflow: "Inflow") -> Values:
    return (inflow.publish,)


def _channel(channel: "Channel") -> Values:
    return *_flow(channel.pairs.published()), *_served(channel.pairs.taken())


def of_statistics(statistics: "Statistics") -> Values:
    """PUBLISHING, DELIVERING and STORING of a virtual host, or of several."""
    left = statistics.left()
    return (
        *(statistics.publish, statistics.confirm),
        *(statistics.return_unroutable, statistics.drop_unroutable),
        *(left.ack, left.deliver, left.deliver_no_ack, left.deliver_get),
        *(left.get, left.get_no_ack, left.get_empty, left.redeliver),
        *(statistics.disk_reads, statistics.disk_writes),
    )


def _vhost(vhost: "VirtualHost[Queue]") -> Values:
    return of_statistics(vhost.statistics)


QUEUE = kind((*LENGTHS, "publish", *DELIVERING, *STORING), _queue)
EXCHANGE = kind(ROUTING, _exchange)
CONNECTION = kind(OCTETS, _connection)
CHANNEL = kind((*PUBLISHING, *DELIVERING), _channel)
FLOW = kind(PUBLISHING, _flow)
SERVED = kind(DELIVERING, _served)
INFLOW = kind(("publish",), _inflow)
PAIRS = (FLOW, SERVED, INFLOW)
"""What channels, exchanges and queues have to do with each other: rates_mode detailed."""

MESSAGES = kind((*PUBLISHING, *DELIVERING, *STORING), _vhost)
"""Of a virtual host, without what has to be added up from its queues and connections."""

VHOST = kind((*LENGTHS, *OCTETS, *MESSAGES.names), _vhost)
TOTAL = kind((*VHOST.names, *CHURN), _vhost)
"""Read by adding up (rates.py), so their `read` is not for use."""


def named(of: Kind, thing: object) -> Row:
    """The values of one object by their names."""
    return dict(zip(of.names, of.read(thing), strict=True))


def lengths(queue: "Queue") -> Row:
    """The gauges of one queue."""
    ready, unacked = queue.message_count, queue.unacked
    return {
        "messages": ready + unacked,
        "messages_ready": ready,
        "messages_unacknowledged": unacked,
    }


def sum_lengths(vhost: "VirtualHost[Queue]") -> Values:
    """LENGTHS of all queues of a virtual host together."""
    ready = unacked = 0
    for queue in vhost.queues.values():
        ready += queue.message_count
        unacked += queue.unacked
    return ready + unacked, ready, unacked


def churn(statistics: "Statistics") -> Values:
    """CHURN of one virtual host or of several."""
    return tuple(getattr(statistics, name) for name in CHURN)


def octets(connections: "Iterable[Connection]", vhost: "VirtualHost[Queue]") -> Values:
    """OCTETS of all connections to a virtual host, of those that have ended too."""
    received, sent = vhost.statistics.recv_oct, vhost.statistics.send_oct
    for connection in connections:
        if hasattr(connection, "vhost") and connection.vhost is vhost:
            received += connection.received_bytes
            sent += connection.sent_bytes
    return received, sent
