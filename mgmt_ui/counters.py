"""What the engine counts, by the names of spec 1.7: one table for each kind of object.

Adding a row puts a counter into the JSON objects and its rate beside it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.queue import Queue
    from exchanges.base import Exchange
    from mgmt_ui.server import Server

Values = dict[str, int]

QUEUE_STATS: "Mapping[str, Callable[[Queue], int]]" = {
    "ack": lambda queue: queue.acked,
    "deliver_get": lambda queue: queue.delivered + queue.got,
}
"""Members of a queue's `message_stats`; what the engine does not count is not shown."""

QUEUE_LENGTHS: "Mapping[str, Callable[[Queue], int]]" = {
    "messages": lambda queue: queue.message_count + queue.unacked,
    "messages_ready": lambda queue: queue.message_count,
    "messages_unacknowledged": lambda queue: queue.unacked,
}
"""Gauges of a queue; their rates say how fast it grows."""

EXCHANGE_STATS: "Mapping[str, Callable[[Exchange], int]]" = {
    "publish_in": lambda exchange: exchange.publish_in,
}
"""Members of an exchange's `message_stats`."""

CONNECTION_OCTETS: "Mapping[str, Callable[[Connection], int]]" = {
    "recv_oct": lambda connection: connection.received_bytes,
    "send_oct": lambda connection: connection.sent_bytes,
}
"""What went through a connection's socket."""


def queue_lengths(queue: "Queue") -> Values:
    """The gauges of one queue."""
    return {name: read(queue) for name, read in QUEUE_LENGTHS.items()}


def queue_stats(queue: "Queue") -> Values:
    """The counters of one queue."""
    return {name: read(queue) for name, read in QUEUE_STATS.items()}


def exchange_stats(exchange: "Exchange") -> Values:
    """The counters of one exchange."""
    return {name: read(exchange) for name, read in EXCHANGE_STATS.items()}


def connection_octets(connection: "Connection") -> Values:
    """The counters of one connection."""
    return {name: read(connection) for name, read in CONNECTION_OCTETS.items()}


def everything(server: "Server") -> Iterator[tuple[object, Values]]:
    """Every object that counts, with its values.

    What is there is noted at the first step, so that it may change between the steps.
    """
    vhosts = list(server.vhosts)
    queues = [queue for vhost in vhosts for queue in vhost.queues.values()]
    exchanges = [exchange for vhost in vhosts for exchange in vhost.exchanges.values()]
    connections = list(server.connections)
    for queue in queues:
        yield queue, queue_lengths(queue) | queue_stats(queue)
    for exchange in exchanges:
        yield exchange, exchange_stats(exchange)
    for connection in connections:
        yield connection, connection_octets(connection)
