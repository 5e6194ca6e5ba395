"""Nodes as JSON: the one there is, and its memory (spec 2.1, 3.2)."""

import os
import platform
import ssl
from typing import Any

from mgmt_ui import cluster, node
from mgmt_ui.call import Call
from mgmt_ui.details import NODE_FAMILY
from mgmt_ui.errors import not_found
from mgmt_ui.paging import Row
from mgmt_ui.rates import NODE

MOST_PROCESSES = 1_048_576
MEMORY_PARTS = (
    *("connection_readers", "connection_writers", "connection_channels", "connection_other"),
    *("queue_procs", "queue_slave_procs", "quorum_queue_procs", "quorum_queue_dlx_procs"),
    *("stream_queue_procs", "stream_queue_replica_reader_procs"),
    *("stream_queue_coordinator_procs", "plugins", "other_proc", "metrics", "mgmt_db", "mnesia"),
    *("metadata_store", "metadata_store_ets", "quorum_ets", "other_ets", "binary", "msg_index"),
    *("code", "atom", "other_system", "allocated_unused", "reserved_unallocated"),
)
BINARY_PARTS = (
    *("connection_readers", "connection_writers", "connection_channels", "connection_other"),
    *("queue_procs", "queue_slave_procs", "quorum_queue_procs", "quorum_queue_dlx_procs"),
    *("stream_queue_procs", "stream_queue_replica_reader_procs"),
    *("stream_queue_coordinator_procs", "plugins", "mgmt_db", "msg_index", "other"),
)
COLLECTED = (
    *("connection_closed", "channel_closed", "consumer_deleted", "exchange_deleted"),
    *("queue_deleted", "vhost_deleted", "node_node_deleted", "channel_consumer_deleted"),
)
MECHANISMS = {
    "PLAIN": "SASL PLAIN authentication mechanism",
    "AMQPLAIN": "QPid AMQPLAIN mechanism",
    "EXTERNAL": "TLS peer verification authentication mechanism",
    "ANONYMOUS": "SASL ANONYMOUS authentication mechanism",
}


def index(call: Call) -> list[Row]:
    """GET /nodes"""
    return [describe(call)]


def show(call: Call) -> Row:
    """GET /nodes/:node?memory=true&binary=true"""
    _check_node(call)
    row = describe(call)
    if call.query.get("memory") == "true":
        row["memory"] = memory_of(call)
    if call.query.get("binary") == "true":
        bodies = _bodies(call)
        row["binary"] = dict.fromkeys(BINARY_PARTS, 0) | {"queue_procs": bodies}
    return row


def memory(call: Call) -> Row:
    """GET /nodes/:node/memory: in bytes."""
    _check_node(call)
    return {"memory": memory_of(call)}


def relative_memory(call: Call) -> Row:
    """GET /nodes/:node/memory/relative: in percent, at least 1 of what there is."""
    _check_node(call)
    found = memory_of(call)
    if isinstance(found, str):
        return {"memory": found}
    total = found["total"]["rss"]
    parts = {name: -(-100 * found[name] // total) if total else 0 for name in MEMORY_PARTS}
    return {"memory": {"total": 100, **parts}}


def tables(call: Call) -> Row:
    """GET /nodes/:node/memory/ets, and all below it: there are no such tables."""
    _check_node(call)
    return {"ets_tables_memory": {"total": 0}}


def _check_node(call: Call) -> None:
    if call.path["node"] != call.server.node_name:
        raise not_found()


def memory_of(call: Call) -> Any:
    """The parts of the memory in bytes, or "not_available" where the system does not tell.

    What is known are message bodies in queues and the mapped code; the rest is `other_proc`.
    """
    found = node.memory_map()
    resident = found.get("VmRSS")
    if not resident:
        return "not_available"
    code = min(found.get("RssFile", 0) + found.get("RssShmem", 0), resident)
    own = resident - code
    bodies = min(_bodies(call), own)
    parts = dict.fromkeys(MEMORY_PARTS, 0)
    parts |= {"code": code, "binary": bodies, "other_proc": own - bodies}
    totals = {"erlang": own, "rss": resident, "allocated": resident}
    return {**parts, "strategy": "rss", "total": totals}


def _bodies(call: Call) -> int:
    vhosts = call.server.vhosts
    return sum(queue.ready_bytes for vhost in vhosts for queue in vhost.queues.values())


def describe(call: Call) -> Row:
    """The node object."""
    server = call.server
    details = call.details  # first: it has counters brought up to date
    values = dict(zip(node.NAMES, node.read(server), strict=True))
    gauges: Row = {
        name: float(value) if name in node.AVERAGES else value for name, value in values.items()
    }
    details.add(gauges, [NODE], node.NAMES, NODE_FAMILY)
    return _who(call) | _bounds(call) | _surroundings(call) | gauges


def _who(call: Call) -> Row:
    server, version = call.server, call.server.options.compat_version
    return {
        "name": server.node_name,
        "type": "disc",
        "running": True,
        "being_drained": False,
        "rabbitmq_version": version,
        "erlang_version": cluster.RUNTIME,
        "erlang_full_version": cluster.FULL_RUNTIME,
        "crypto_lib_version": ssl.OPENSSL_VERSION,
        "os_pid": str(os.getpid()),
        "uptime": server.clock.now_ms() - call.rates.started_ms,
        "applications": [
            {"name": "rabbit", "description": "RabbitMQ", "version": version},
            {
                "name": "rabbitmq_management",
                "description": "RabbitMQ Management Console",
                "version": version,
            },
            {
                "name": "leveret",
                "description": f"{cluster.PRODUCT} on {platform.python_implementation()}",
                "version": cluster.PRODUCT_VERSION,
            },
        ],
        "enabled_plugins": ["rabbitmq_management", "rabbitmq_prometheus"],
        "rates_mode": "detailed",
    }


def _bounds(call: Call) -> Row:
    server = call.server
    return {
        "processors": os.cpu_count() or 1,
        "run_queue": 0,
        "mem_limit": node.memory_limit(server),
        "mem_alarm": "memory" in server.alarms,
        "mem_calculation_strategy": "rss",
        "disk_free_limit": server.options.disk_free_limit,
        "disk_free_alarm": "disk" in server.alarms,
        "fd_total": node.most_files(),
        "sockets_total": node.most_sockets(),
        "proc_total": MOST_PROCESSES,
        "net_ticktime": 60,
    }


def _surroundings(call: Call) -> Row:
    server = call.server
    options = server.options
    offered = server.context.limits.mechanisms
    return {
        "partitions": [],
        "cluster_links": [],
        "log_files": ["<stderr>"],
        "db_dir": str(options.data_dir.absolute()),
        "config_files": [str(options.config.absolute())] if options.config else [],
        "auth_mechanisms": [
            {"name": name, "description": text, "enabled": name in offered}
            for name, text in MECHANISMS.items()
        ],
        "exchange_types": cluster.exchange_types(),
        "contexts": cluster.contexts(server, with_node=False),
        "metrics_gc_queue_length": dict.fromkeys(COLLECTED, 0),
        "ra_open_file_metrics": {"ra_log_wal": 0, "ra_log_segment_writer": 0},
    }
