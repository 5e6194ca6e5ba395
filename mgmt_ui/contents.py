"""What is in a queue, counted when somebody asks (spec 3.7): octets, persistent messages, memory.

The engine keeps counts of messages and the octets that are ready. Nothing more is counted while
messages pass; what else the queue object tells is found here, from the messages that are there.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from broker.amqp import properties
from broker.amqp.content import TIMESTAMP
from broker.queue import MESSAGE_OVERHEAD
from mgmt_ui.machine import PROCESS
from mgmt_ui.turns import next_turn

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.message import QueuedMessage
    from broker.queue import Queue

Row = dict[str, Any]

QUEUE_OVERHEAD = 4096
"""About what an empty queue takes in memory, with its name, arguments and timers."""

# So many ready messages are looked at; of longer queues the rest is taken to be like them.
SAMPLE = 100
# The members that unacked messages have a part in.
COLUMNS = frozenset(
    (
        *("memory", "message_bytes", "message_bytes_persistent", "message_bytes_ram"),
        *("message_bytes_unacknowledged", "messages_persistent"),
    )
)
# Unacked messages that are looked at before others have their turn on the loop.
SLICE = 2000


MEMBERS = (
    *("memory", "messages_ram", "messages_ready_ram", "messages_unacknowledged_ram"),
    *("messages_persistent", "messages_paged_out", "message_bytes", "message_bytes_ready"),
    *("message_bytes_unacknowledged", "message_bytes_ram", "message_bytes_persistent"),
    *("message_bytes_paged_out", "messages_dlx", "message_bytes_dlx"),
)
"""Numbers that `describe` gives, of one type of queue or all."""


class Part(NamedTuple):
    """Messages, and how much of them is persistent."""

    octets: int = 0
    persistent: int = 0
    persistent_octets: int = 0


NOTHING = Part()
Unacked = Mapping["Queue", Part]


async def unacked(connections: "Iterable[Connection]", wanted: "Iterable[Queue]") -> Unacked:
    """What is out for acknowledgement from these queues; those without are left out."""
    sums = {queue: [0, 0, 0] for queue in wanted if queue.unacked}
    if not sums:
        return {}
    seen = 0
    for connection in list(connections):
        for channel in list(getattr(connection, "channels", {}).values()):
            entries = list(channel.unacked.values())
            for start in range(0, len(entries), SLICE):
                part = entries[start : start + SLICE]
                _add(sums, part)
                seen += len(part)
                if seen >= SLICE:
                    seen = 0
                    await next_turn()
    return {queue: Part(*each) for queue, each in sums.items()}


def _add(sums: "dict[Queue, list[int]]", entries: "Iterable[QueuedMessage]") -> None:
    for entry in entries:
        each = sums.get(entry.queue)
        if each is not None:
            size = entry.message.header.body_size
            each[0] += size
            if entry.queue.stores(entry.message):
                each[1] += 1
                each[2] += size


def _ready(queue: "Queue") -> Part:
    octets = queue.ready_bytes
    if not queue.durable or not queue.message_count:
        return Part(octets)
    if queue.stores_all:
        return Part(octets, queue.message_count, octets)
    sample = queue.ready.sample(SAMPLE)
    sizes = [entry.message.header.body_size for entry in sample]
    kept = [entry.message.header.persistent for entry in sample]
    if all(kept):
        return Part(octets, queue.message_count, octets)
    kept_octets = sum(size for size, keep in zip(sizes, kept, strict=True) if keep)
    return Part(
        octets,
        queue.message_count * sum(kept) // len(sample),
        octets * kept_octets // (sum(sizes) or 1),
    )


def describe(node: str, queue: "Queue", out: Part) -> Row:
    """The members of a queue object that tell what is in it; `out` is what is unacked."""
    return _BY_TYPE.get(queue.settings.queue_type, _classic)(node, queue, out)


def _sizes(queue: "Queue", ready: Part, out: Part) -> Row:
    persistent = ready.persistent + out.persistent
    paged, paged_octets = queue.ready.on_disk()
    return {
        "messages_ram": queue.message_count - paged + queue.unacked,
        "messages_persistent": persistent,
        "message_bytes": ready.octets + out.octets,
        "message_bytes_ready": ready.octets,
        "message_bytes_unacknowledged": out.octets,
        "message_bytes_ram": ready.octets - paged_octets + out.octets,
        "message_bytes_persistent": ready.persistent_octets + out.persistent_octets,
        "memory": _memory(queue, out.octets),
    }


def _memory(queue: "Queue", octets_out: int) -> int:
    paged, paged_octets = queue.ready.on_disk()
    messages = queue.message_count - paged + queue.unacked
    octets = queue.ready_bytes - paged_octets + octets_out
    return QUEUE_OVERHEAD + messages * MESSAGE_OVERHEAD + octets


def _classic(node: str, queue: "Queue", out: Part) -> Row:
    paged, paged_octets = queue.ready.on_disk()
    return {
        **_sizes(queue, _ready(queue), out),
        "messages_ready_ram": queue.message_count - paged,
        "messages_unacknowledged_ram": queue.unacked,
        # What is on the disk only: what is persistent is there in any case.
        "messages_paged_out": paged,
        "message_bytes_paged_out": paged_octets,
        "backing_queue_status": {"len": queue.message_count, "mode": "default"},
        "recoverable_slaves": None,
        **PROCESS,
    }


def _quorum(node: str, queue: "Queue", out: Part) -> Row:
    limit = queue.settings.delivery_limit
    return {
        **_sizes(queue, _ready(queue), out),
        "messages_dlx": 0,
        "message_bytes_dlx": 0,
        "open_files": {node: 0},
        **({} if limit is None else {"delivery_limit": limit}),
        **members(node),
        **PROCESS,
    }


def _stream(node: str, queue: "Queue", out: Part) -> Row:
    return {
        "memory": _memory(queue, 0),
        "readers": {node: queue.consumer_count},
        **members(node),
        **PROCESS,
    }


def head_timestamp(queue: "Queue") -> int | None:
    """The `timestamp` property (s) of the first ready message; None where it has none."""
    head = queue.ready.peek()
    if head is None or not head.message.header.flags & TIMESTAMP:
        return None
    timestamp: int | None = properties.decode(head.message.header.payload).timestamp
    return timestamp


def members(node: str) -> Row:
    """The nodes that a replicated queue is on: this one."""
    return {"leader": node, "members": [node], "online": [node]}


_BY_TYPE: "dict[str, Callable[[str, Queue, Part], Row]]" = {"quorum": _quorum, "stream": _stream}
