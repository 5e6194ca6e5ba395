"""The overview: who this is and how much of everything there is (spec 3.1)."""

import platform
from typing import TYPE_CHECKING

from broker import __version__
from exchanges.registry import EXCHANGE_TYPES
from mgmt_ui import counters
from mgmt_ui.call import Call
from mgmt_ui.paging import Row
from mgmt_ui.rates import TOTALS

if TYPE_CHECKING:
    from mgmt_ui.server import Listener

LENGTHS = tuple(counters.QUEUE_LENGTHS)
WEB = {"http", "https"}
DESCRIPTIONS = {
    name: f"AMQP {name} exchange, as per the AMQP specification"
    for name in ("direct", "fanout", "headers", "topic")
}


def show(call: Call) -> Row:
    """GET /overview: totals of what the user may see, and the node to monitoring users."""
    version = call.server.options.compat_version
    row: Row = {
        "management_version": version,
        "rabbitmq_version": version,
        "product_name": "Leveret",
        "product_version": __version__,
        # Some clients insist on them; what runs here is no Erlang.
        "erlang_version": "n/a",
        "erlang_full_version": f"{platform.python_implementation()} {platform.python_version()}",
        "cluster_name": call.server.node_name,
        "rates_mode": "basic",
        # No history is kept yet.
        "sample_retention_policies": {"global": [], "basic": [], "detailed": []},
        "exchange_types": [
            {"name": name, "description": DESCRIPTIONS.get(name, ""), "enabled": True}
            for name in sorted(EXCHANGE_TYPES)
        ],
        "release_series_support_status": "supported",
        "disable_stats": False,
        "enable_queue_totals": False,
        "default_queue_type": "classic",
        "message_stats": {},
        "queue_totals": _queue_totals(call),
        "object_totals": _object_totals(call),
        "statistics_db_event_queue": 0,
    }
    if call.monitoring:
        row |= _node(call)
    return row


def _queue_totals(call: Call) -> Row:
    totals: Row = dict.fromkeys(LENGTHS, 0)
    for vhost in call.counted_vhosts():
        for queue in vhost.queues.values():
            for name, value in counters.queue_lengths(queue).items():
                totals[name] += value
    if call.monitoring:
        # Rates of all queues: wrong for a user who sees but some of them.
        call.rates.add_details(totals, TOTALS, LENGTHS)
    return totals


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


def _node(call: Call) -> Row:
    node, listeners = call.server.node_name, call.server.listeners
    return {
        "node": node,
        "listeners": [_listener(node, listener) for listener in listeners],
        "contexts": [_context(node, each) for each in listeners if each.protocol in WEB],
    }


def _listener(node: str, listener: "Listener") -> Row:
    return {
        "node": node,
        "protocol": listener.protocol,
        "ip_address": listener.address,
        "port": listener.port,
        "socket_opts": [],
    }


def _context(node: str, listener: "Listener") -> Row:
    return {
        "node": node,
        "description": "Leveret management",
        "path": "/",
        "ip": listener.address,
        "port": str(listener.port),
        "ssl_opts": [],
    }
