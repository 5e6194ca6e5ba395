"""Queues as JSON, made, emptied and removed (spec 2.6, 2.9, 3.7)."""

from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from broker import ages
from broker.local_client import LocalClient
from mgmt_ui import contents, counters, sorting
from mgmt_ui.answer import DONE, Answer, created
from mgmt_ui.api import breakdowns, consumers
from mgmt_ui.call import Call
from mgmt_ui.errors import bad_request, not_found
from mgmt_ui.fields import plain, typed
from mgmt_ui.paging import Listing, Row, columns_of
from mgmt_ui.payload import Payload, wrong_value
from mgmt_ui.references import channel_details, connection_details
from mgmt_ui.sorting import Key, Path
from mgmt_ui.turns import next_turn

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.queue import Queue

# Messages that are dropped before others have their turn, and shown of one channel.
SLICE, MOST_UNACKED = 2000, 1000
REPLICATED = frozenset({"quorum", "stream"})


async def index(call: Call) -> "Listing[Queue]":
    """GET /queues and /queues/detailed: those of every virtual host the user may enter."""
    vhosts = call.visible_vhosts()
    return await _listing(call, [q for vhost in vhosts for q in _sorted(vhost.queues)])


async def index_of_vhost(call: Call) -> "Listing[Queue]":
    """GET /queues/:vhost"""
    return await _listing(call, _sorted(call.vhost.queues))


async def index_of_user(call: Call) -> "Listing[Queue]":
    """GET /users/:user/queues: what this user declared, in virtual hosts open to who asks.

    A user of that name need not be there any more, or may be known elsewhere only.
    """
    user, vhosts = call.path["user"], call.visible_vhosts()
    return await _listing(
        call,
        [q for vhost in vhosts for q in _sorted(vhost.queues) if q.creator == user],
    )


async def show(call: Call) -> Row:
    """GET /queues/:vhost/:name"""
    queue = call.queue
    row = describe(call, await _unacked(call, [queue]), queue)
    if _configuration_only(call):
        return row
    details = [consumers.describe(call, each) for each in queue.consumers]
    return row | {"consumer_details": details, **await breakdowns.of_queue(call, queue)}


async def put(call: Call) -> Answer:
    """PUT /queues/:vhost/:name: 201 for a new one, 204 for one that was so before."""
    body = await call.body()
    vhost, name = call.vhost, call.new_name("queue")
    node = body.get("node")
    if node is not None and node != call.server.node_name:
        raise bad_request(f"Node {node} could not be contacted")
    new = name not in vhost.queues
    vhost.declare_queue(
        name,
        durable=body.boolean("durable"),
        owner=None,
        auto_delete=body.boolean("auto_delete"),
        arguments=typed(body.object("arguments")),
        authorise=call.authorise,
    )
    await call.stored()
    return created(new)


async def delete(call: Call) -> Answer:
    """DELETE /queues/:vhost/:name?if-unused=true&if-empty=true"""
    queue, query = call.queue, call.query
    queue.catch_up()
    if_unused, if_empty = query.get("if-unused") == "true", query.get("if-empty") == "true"
    call.vhost.delete_queue_checked(queue.name, None, if_unused, if_empty, call.authorise)
    await call.stored()
    return DONE


async def purge(call: Call) -> Answer:
    """DELETE /queues/:vhost/:name/contents?count=n: drops what is ready, without dead-lettering.

    All of it, or so many from the head.
    """
    queue = call.queue
    call.authorise("read", "queue", queue.name)
    call.vhost.queue(queue.name)  # not that of another connection
    if "count" in call.query:
        await _drop(call, queue, Payload(dict(call.query)).integer("count"))
    else:
        queue.catch_up()
        queue.purge()
    await call.stored()
    return DONE


async def _drop(call: Call, queue: "Queue", count: int) -> None:
    client = LocalClient(call.server.context, call.vhost, call.user, call.authorise)
    while count > 0:
        dropped = client.drop(queue, min(count, SLICE))
        if dropped < SLICE:
            break
        count -= dropped
        await next_turn()


def unacked(call: Call) -> Listing[Row]:
    """GET /queues/:vhost/:name/unacked: what is out for acknowledgement, channel by channel."""
    queue = call.queue
    found = [
        {
            "delivery_tag": tag,
            "consumer_tag": entry.consumer.tag if entry.consumer is not None else "",
            "channel_details": channel_details(call, channel),
            "exchange": entry.message.route.exchange,
            "routing_key": entry.message.route.routing_key,
            "payload_bytes": entry.message.header.body_size,
            "redelivered": entry.returns > 0,
        }
        for connection in call.server.connections
        for channel in getattr(connection, "channels", {}).values()
        for tag, entry in islice(channel.unacked.items(), MOST_UNACKED)
        if entry.queue is queue
    ]
    return Listing(found, lambda row: str(row["consumer_tag"]), lambda row: row)


def quorum_status(call: Call) -> list[Row]:
    """GET /queues/quorum/:vhost/:name/status: the one member there is; ApiError 404 for others."""
    queue = call.queue
    if not queue.quorum:
        raise not_found()
    newest = queue.next_position
    indexes = ("Last Log Index", "Last Written", "Last Applied", "Commit Index")
    return [
        {
            "Node Name": call.server.node_name,
            "Raft State": "leader",
            "Membership": "voter",
            **dict.fromkeys(indexes, newest),
            "Snapshot Index": newest - queue.message_count - queue.unacked,
            "Term": 1,
            "Machine Version": 1,
        }
    ]


def no_replicas(call: Call) -> Answer:
    """Adding and removing members of quorum queues: ApiError 400, this is a single node."""
    raise bad_request("a single node has no place for replicas")


async def act(call: Call) -> Answer:
    """POST /queues/:vhost/:name/actions: for mirrored queues, of which there are none."""
    body = await call.body()
    body.require("action")
    action = body.string("action")
    if action not in {"sync", "cancel_sync"}:
        raise wrong_value("unknown", action, "action")
    if call.path["name"] not in call.vhost.queues:
        raise not_found()
    return DONE


def _sorted(queues: "dict[str, Queue]") -> "list[Queue]":
    return [queues[name] for name in sorted(queues)]


async def _listing(call: Call, queues: "list[Queue]") -> "Listing[Queue]":
    out = await _unacked(call, queues)
    return Listing(
        queues,
        lambda queue: queue.name,
        partial(describe, call, out),
        key=partial(_sort_key, call, out),
    )


def _sort_key(call: Call, unacked: contents.Unacked, path: Path) -> Key | None:
    if _configuration_only(call):
        return None
    now, node, name = call.server.clock.now_ms(), call.server.node_name, path[0]

    def content(queue: "Queue") -> Any:
        if not (queue.message_count or queue.unacked):
            return contents.QUEUE_OVERHEAD if name == "memory" else 0
        out = unacked.get(queue, contents.NOTHING)
        return contents.describe(node, queue, out).get(name)

    members: dict[str, Key] = _MEMBERS | {
        "oldest_message_age": partial(_oldest_age, now),
        "idle_since": call.rates.idle_since,
    }
    members |= dict.fromkeys(contents.MEMBERS, content)
    return sorting.find(call, path, counters.QUEUE, members)


async def _unacked(call: Call, queues: "Iterable[Queue]") -> contents.Unacked:
    # Only who wants to know pays for it.
    asked = {path[0] for path in columns_of(call.query)}
    everything = not asked and not _configuration_only(call)
    asked.add(call.query.get("sort", ""))
    if not everything and asked.isdisjoint(contents.COLUMNS):
        return {}
    return await contents.unacked(call.server.connections, queues)


def _configuration_only(call: Call) -> bool:
    return call.query.get("disable_stats") == "true"


def describe(call: Call, unacked: contents.Unacked, queue: "Queue") -> Row:
    """The queue object; what the engine does not know is left out, never made up."""
    node = call.server.node_name
    if _configuration_only(call):
        return _bare(call, queue)
    row: Row = {
        "name": queue.name,
        "vhost": queue.vhost.name,
        "node": node,
        "type": queue.settings.queue_type,
        "durable": queue.durable,
        "auto_delete": queue.auto_delete,
        "exclusive": queue.owner is not None,
        "arguments": plain(queue.arguments),
        "state": _state(queue),
        **_policies(queue),
        "consumers": queue.consumer_count,
        **counters.lengths(queue),
        **contents.describe(node, queue, unacked.get(queue, contents.NOTHING)),
        **_BY_TYPE.get(queue.settings.queue_type, _classic)(queue),
        "oldest_message_age": _oldest_age(call.server.clock.now_ms(), queue),
    }
    call.details.add(row, [queue], counters.LENGTHS)
    if (idle := call.rates.idle_since(queue)) is not None:
        row["idle_since"] = idle
    stats = call.details.message_stats(counters.named(counters.QUEUE, queue), [queue])
    if stats:
        row["message_stats"] = stats
    if queue.owner is not None:
        row["owner_pid_details"] = connection_details(cast("Connection", queue.owner))
    return row


def _policies(queue: "Queue") -> Row:
    policy, operator = queue.policy, queue.operator_policy
    return {
        "policy": policy and policy.name,
        "operator_policy": operator and operator.name,
        "effective_policy_definition": queue.effective_policy,
    }


def _bare(call: Call, queue: "Queue") -> Row:
    """Configuration only, with the lengths where they are asked for (spec 2.9)."""
    totals = call.query.get("enable_queue_totals") == "true"
    node = call.server.node_name
    row: Row = {
        "name": queue.name,
        "vhost": queue.vhost.name,
        "type": queue.settings.queue_type,
        "durable": queue.durable,
        "auto_delete": queue.auto_delete,
        "exclusive": queue.owner is not None,
        "arguments": plain(queue.arguments),
        "node": node,
        "state": "running" if totals else "live",
    }
    if queue.policy is not None:
        row["policy"] = queue.policy.name
    if totals:
        row |= counters.lengths(queue)
        row |= {key: value for key, value in _policies(queue).items() if value}
    if queue.settings.queue_type in REPLICATED:
        row |= contents.members(node)
    return row


def _classic(queue: "Queue") -> Row:
    return {
        **_capacity(queue),
        "exclusive_consumer_tag": _exclusive_tag(queue),
        "single_active_consumer_tag": queue.active_consumer and queue.active_consumer.tag,
        "head_message_timestamp": contents.head_timestamp(queue),
    }


def _quorum(queue: "Queue") -> Row:
    tag = queue.active_consumer and queue.active_consumer.tag
    # Its name in 3.10, and the one it got later.
    single = dict.fromkeys(("single_active_consumer_ctag", "single_active_consumer_tag"), tag)
    return {**_capacity(queue), **single}


def _stream(_queue: "Queue") -> Row:
    return {}


# What the consumers and the head of a queue are, by its type.
_BY_TYPE = {"quorum": _quorum, "stream": _stream}


def _capacity(queue: "Queue") -> dict[str, float]:
    # Of the moment, not of the past: 1.0 if a message that came now would go out at once.
    ready = not queue.paused and any(consumer.room() > 0 for consumer in queue.consumers)
    return dict.fromkeys(("consumer_capacity", "consumer_utilisation"), 1.0 if ready else 0.0)


def _state(queue: "Queue") -> str:
    return "paused" if queue.paused else "running"


def _oldest_age(now: int, queue: "Queue") -> float | None:
    # In seconds, of the ready message that has been there for longest.
    since = ages.oldest(queue, now)
    return None if since is None else max(0, now - since) / 1000


def _exclusive_tag(queue: "Queue") -> str | None:
    return next((consumer.tag for consumer in queue.consumers if consumer.exclusive), None)


# Members of the queue object that lists are often sorted by.
_MEMBERS: dict[str, Key] = {
    "name": lambda queue: queue.name,
    "vhost": lambda queue: queue.vhost.name,
    "type": lambda queue: queue.settings.queue_type,
    "durable": lambda queue: queue.durable,
    "auto_delete": lambda queue: queue.auto_delete,
    "exclusive": lambda queue: queue.owner is not None,
    "state": _state,
    "policy": lambda queue: queue.policy and queue.policy.name,
    "operator_policy": lambda queue: queue.operator_policy and queue.operator_policy.name,
    "consumers": lambda queue: queue.consumer_count,
    "messages": lambda queue: queue.message_count + queue.unacked,
    "messages_ready": lambda queue: queue.message_count,
    "messages_unacknowledged": lambda queue: queue.unacked,
    "head_message_timestamp": contents.head_timestamp,
}
