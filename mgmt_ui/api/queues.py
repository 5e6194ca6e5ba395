"""Queues as JSON (spec 3.7)."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from broker.amqp import properties
from broker.amqp.content import TIMESTAMP
from mgmt_ui import counters
from mgmt_ui.call import Call
from mgmt_ui.fields import plain
from mgmt_ui.paging import Listing, Row

if TYPE_CHECKING:
    from broker.queue import Queue

LENGTHS = tuple(counters.QUEUE_LENGTHS)
STATS = tuple(counters.QUEUE_STATS)
REPLICATED = frozenset({"quorum", "stream"})


def index(call: Call) -> "Listing[Queue]":
    """GET /queues: those of every virtual host the user may enter."""
    return _listing(call, (q for vhost in call.visible_vhosts() for q in _sorted(vhost.queues)))


def index_of_vhost(call: Call) -> "Listing[Queue]":
    """GET /queues/:vhost"""
    return _listing(call, _sorted(call.vhost.queues))


def _sorted(queues: "dict[str, Queue]") -> "list[Queue]":
    return [queues[name] for name in sorted(queues)]


def _listing(call: Call, queues: "Iterable[Queue]") -> "Listing[Queue]":
    return Listing(list(queues), lambda queue: queue.name, partial(describe, call))


def describe(call: Call, queue: "Queue") -> Row:
    """The queue object; what the engine does not know is left out, never made up."""
    node = call.server.node_name
    row: Row = {
        "name": queue.name,
        "vhost": queue.vhost.name,
        "node": node,
        "type": queue.settings.queue_type,
        "durable": queue.durable,
        "auto_delete": queue.auto_delete,
        "exclusive": queue.owner is not None,
        "arguments": plain(queue.arguments),
        "state": "running",
        "policy": None,
        "operator_policy": None,
        "effective_policy_definition": {},
        "consumers": queue.consumer_count,
        **_capacity(queue),
        **counters.queue_lengths(queue),
        "message_bytes_ready": queue.ready_bytes,
        "exclusive_consumer_tag": _exclusive_tag(queue),
        "single_active_consumer_tag": queue.active_consumer and queue.active_consumer.tag,
    }
    call.rates.add_details(row, queue, LENGTHS)
    stats = counters.queue_stats(queue)
    if any(stats.values()):
        row["message_stats"] = stats_row = dict[str, Any](stats)
        call.rates.add_details(stats_row, queue, STATS)
    if queue.settings.queue_type in REPLICATED:
        row |= {"leader": node, "members": [node], "online": [node]}
    else:
        row["head_message_timestamp"] = _head_timestamp(queue)
        row["recoverable_slaves"] = None
    if queue.owner is not None:
        row["owner_pid_details"] = owner(queue.owner)
    return row


def _capacity(queue: "Queue") -> dict[str, float]:
    # Of the moment, not of the past: 1.0 if a message that came now would go out at once.
    ready = any(consumer.room() for consumer in queue.consumers)
    return dict.fromkeys(("consumer_capacity", "consumer_utilisation"), 1.0 if ready else 0.0)


def _exclusive_tag(queue: "Queue") -> str | None:
    return next((consumer.tag for consumer in queue.consumers if consumer.exclusive), None)


def _head_timestamp(queue: "Queue") -> int | None:
    head = queue.ready.peek()
    if head is None or not head.message.header.flags & TIMESTAMP:
        return None
    timestamp: int | None = properties.decode(head.message.header.payload).timestamp
    return timestamp


def owner(connection: Any) -> Row:
    """The connection that an exclusive queue belongs to."""
    return {
        "name": connection.name,
        "peer_host": connection.peer_host,
        "peer_port": connection.peer_port,
    }
