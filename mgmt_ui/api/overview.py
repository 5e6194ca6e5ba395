"""The overview: who this is and how much of everything there is (spec 3.1)."""

from typing import Any

from broker import ages
from broker.yielding import Breather
from mgmt_ui import cluster, counters
from mgmt_ui.call import Call
from mgmt_ui.history import POLICIES
from mgmt_ui.paging import Row
from mgmt_ui.rates import TOTALS

# States of connections that may not publish for now, or would not be heard if they did.
HELD_UP = frozenset({"blocked", "blocking"})


async def show(call: Call) -> Row:
    """GET /overview: totals of what the user may see, and the node to monitoring users."""
    if call.query.get("disable_stats") == "true":
        return _bare(call)
    row = _identity(call)
    things: list[Any] = [TOTALS] if call.monitoring else list(call.visible_vhosts())
    breather = Breather(call.server.clock)  # samples of many counters take their time
    row["message_stats"] = _message_stats(call, things)
    await breather.breathe()
    row["churn_rates"] = _churn(call)
    await breather.breathe()
    row["queue_totals"] = _queue_totals(call, things)
    await breather.breathe()
    row["object_totals"] = _object_totals(call)
    row["statistics_db_event_queue"] = 0
    row["oldest_message_age"] = await _oldest_age(call, breather)
    row["blocked_connections"] = sum(each.state in HELD_UP for each in call.visible_connections())
    await breather.breathe()
    if call.monitoring:
        row["node"] = call.server.node_name
        row["listeners"] = cluster.listeners(call.server)
        row["contexts"] = cluster.contexts(call.server, with_node=True)
    return row


def _identity(call: Call) -> Row:
    version = call.server.options.compat_version
    return {
        "management_version": version,
        "rabbitmq_version": version,
        "product_name": cluster.PRODUCT,
        "product_version": cluster.PRODUCT_VERSION,
        "erlang_version": cluster.RUNTIME,
        "erlang_full_version": cluster.FULL_RUNTIME,
        "cluster_name": cluster.name(call.server),
        "cluster_tags": {},
        "node_tags": {},
        "rates_mode": "detailed",
        "sample_retention_policies": POLICIES,
        "exchange_types": cluster.exchange_types(),
        "release_series_support_status": "supported",
        "disable_stats": False,
        "enable_queue_totals": False,
        "default_queue_type": "classic",
        "is_op_policy_updating_enabled": True,
        "require_definition_json_extension": False,
    }


async def _oldest_age(call: Call, breather: Breather) -> float | None:
    # In seconds, of the ready message that has been in its queue for longest; of all queues.
    now = call.server.clock.now_ms()
    times: list[int] = []
    for vhost in call.counted_vhosts():
        for queue in list(vhost.queues.values()):
            if queue.message_count and (since := ages.oldest(queue, now)) is not None:
                times.append(since)
            await breather.breathe()
    return max(0, now - min(times)) / 1000 if times else None


def _bare(call: Call) -> Row:
    # Spec 2.9: nothing that changes with every message.
    kept = {"queues", "exchanges", "connections"}
    totals = {name: count for name, count in _object_totals(call).items() if name in kept}
    row = _identity(call) | {"disable_stats": True, "object_totals": totals}
    return row | {"node": call.server.node_name} if call.monitoring else row


def _message_stats(call: Call, things: list[Any]) -> Row:
    details = call.details  # first: it has counters brought up to date
    if call.monitoring:
        parts = [counters.of_statistics(call.server.vhosts.totals())]
    else:
        parts = [counters.MESSAGES.read(vhost) for vhost in things]
    sums = [sum(column) for column in zip(*parts, strict=True)]
    values = dict(zip(counters.MESSAGES.names, sums, strict=True)) if sums else {}
    return details.message_stats(values, things)


def _churn(call: Call) -> Row:
    # Of the whole broker to everybody, as in RabbitMQ.
    values = counters.churn(call.server.vhosts.totals())
    row: Row = dict(zip(counters.CHURN, values, strict=True))
    call.details.add(row, [TOTALS], counters.CHURN)
    return row


def _queue_totals(call: Call, things: list[Any]) -> Row:
    sums = call.rates.lengths(call.counted_vhosts())
    row: Row = dict(zip(counters.LENGTHS, sums, strict=True))
    call.details.add(row, things, counters.LENGTHS)
    return row


def _object_totals(call: Call) -> dict[str, int]:
    vhosts = call.counted_vhosts()
    connections = list(call.visible_connections())
    channels = [channel for c in connections for channel in c.channels.values()]
    return {
        "channels": len(channels),
        "connections": len(connections),
        "consumers": sum(len(channel.consumers) for channel in channels),
        "exchanges": sum(len(vhost.exchanges) for vhost in vhosts),
        "queues": sum(len(vhost.queues) for vhost in vhosts),
    }
