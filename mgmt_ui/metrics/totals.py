"""Metrics of the broker as a whole, which every scrape holds (spec 5.1, 5.2).

Here: who it is, alarms, totals, churn, the process, the global counters. What single objects have
is in families.py.
"""

import platform
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from broker.yielding import Breather
from mgmt_ui import cluster, node
from mgmt_ui.metrics.metric import COUNTER, GAUGE, UNTYPED, Labels, Metric, Series, single
from vhosts.statistics import DEATHS, Statistics

if TYPE_CHECKING:
    from mgmt_ui.server import Server

PROTOCOL = "amqp091"
RESOURCES = {
    "file_descriptor_limit": "file_descriptor_limit",
    "free_disk_space_watermark": "disk",
    "memory_used_watermark": "memory",
}
CHURN = {
    "connections_opened_total": ("connection_created", "connections opened"),
    "connections_closed_total": ("connection_closed", "connections closed or lost"),
    "channels_opened_total": ("channel_created", "channels opened"),
    "channels_closed_total": ("channel_closed", "channels closed"),
    "queues_declared_total": ("queue_declared", "queues declared, new or not"),
    "queues_created_total": ("queue_created", "queues created"),
    "queues_deleted_total": ("queue_deleted", "queues deleted"),
}
RECEIVED = {
    "messages_received_total": ("publish", "messages received from publishers"),
    "messages_received_confirm_total": ("confirmable", "messages received that want a confirm"),
    "messages_routed_total": ("routed", "messages routed to queues, once for each"),
    "messages_confirmed_total": ("confirm", "messages confirmed to publishers"),
    "messages_unroutable_dropped_total": ("drop_unroutable", "messages dropped without a queue"),
    "messages_unroutable_returned_total": ("return_unroutable", "messages returned unroutable"),
}
DELIVERED = {
    "messages_delivered_total": ("deliver_get", "messages delivered, by whatever method"),
    "messages_delivered_consume_manual_ack_total": ("deliver", "messages pushed to be acked"),
    "messages_delivered_consume_auto_ack_total": ("deliver_no_ack", "messages pushed for good"),
    "messages_delivered_get_manual_ack_total": ("get", "messages fetched to be acked"),
    "messages_delivered_get_auto_ack_total": ("get_no_ack", "messages fetched for good"),
    "messages_get_empty_total": ("get_empty", "fetches that found nothing"),
    "messages_redelivered_total": ("redeliver", "messages delivered again"),
    "messages_acknowledged_total": ("ack", "messages acknowledged"),
}
STRATEGIES = ("disabled", "at_most_once", "at_least_once")
STREAM_ERRORS = (
    *("access_refused", "authentication_failure", "frame_too_large", "internal_error"),
    *("precondition_failed", "publisher_does_not_exist", "sasl_authentication_failure_loopback"),
    *("sasl_challenge", "sasl_error", "sasl_mechanism_not_supported", "stream_already_exists"),
    *("stream_does_not_exist", "stream_not_available", "subscription_id_already_exists"),
    *("subscription_id_does_not_exist", "unknown_frame", "vhost_access_failure"),
)


def identity(server: "Server", endpoint: str) -> Iterator[Series]:
    """Who answers, and where it was asked: one series each, which dashboards join with."""
    told = server.options.compat_version
    build = {
        "rabbitmq_version": told,
        "prometheus_plugin_version": told,
        "prometheus_client_version": version("prometheus_client"),
        "erlang_version": cluster.RUNTIME,
        "product_name": cluster.PRODUCT,
        "product_version": cluster.PRODUCT_VERSION,
        "python_version": platform.python_version(),
    }
    who = {
        "rabbitmq_node": server.node_name,
        "rabbitmq_cluster": cluster.name(server),
        "rabbitmq_cluster_permanent_id": cluster.permanent_id(server),
        "rabbitmq_endpoint": endpoint,
    }
    yield _info("build_info", "Versions", build)
    yield _info("identity_info", "The node and its cluster", who)


def _info(name: str, text: str, labels: dict[str, str]) -> Series:
    return Series(Metric(name, UNTYPED, text), tuple(labels), [(tuple(labels.values()), 1)])


def alarms(server: "Server") -> Iterator[Series]:
    """1 while an alarm is in effect."""
    active = server.alarms
    for name, resource in RESOURCES.items():
        value = float(resource in active)
        yield single(f"alarms_{name}", UNTYPED, "1 while the alarm is in effect", value)


class Count(NamedTuple):
    """How many there are of what belongs to clients."""

    connections: int
    channels: int
    consumers: int
    publishers: int


async def count(server: "Server") -> Count:
    """Of the whole broker."""
    breather = Breather(server.clock)
    connections = channels = consumers = publishers = 0
    for connection in list(server.connections):
        if hasattr(connection, "user"):
            connections += 1
            for channel in connection.channels.values():
                channels += 1
                consumers += len(channel.consumers)
                publishers += any(flow.publish for flow in channel.pairs.flows.values())
        await breather.breathe()
    return Count(connections, channels, consumers, publishers)


def objects(server: "Server", found: Count) -> Iterator[Series]:
    """How many there are of what."""
    queues = sum(len(vhost.queues) for vhost in server.vhosts)
    yield single("connections", GAUGE, "Open connections", found.connections)
    yield single("channels", GAUGE, "Open channels", found.channels)
    yield single("consumers", GAUGE, "Consumers", found.consumers)
    yield single("queues", GAUGE, "Queues", queues)
    labels: Labels = ("protocol",)
    for name, text, value in (
        ("publishers", "Channels that have published", found.publishers),
        ("consumers", "Consumers", found.consumers),
    ):
        yield Series(Metric(f"global_{name}", GAUGE, text), labels, [((PROTOCOL,), value)])


def churn(totals: Statistics) -> Iterator[Series]:
    """What came and went."""
    for name, (counter, text) in CHURN.items():
        yield single(name, COUNTER, f"Total number of {text}", getattr(totals, counter))


def everything_global(totals: Statistics) -> Iterator[Series]:
    """The counters that no closing channel takes away."""
    labels: Labels = ("protocol",)
    for name, (counter, text) in RECEIVED.items():
        value = float(getattr(totals, counter))
        yield Series(_global(name, text), labels, [((PROTOCOL,), value)])
    for name, (counter, text) in DELIVERED.items():
        rows = [
            ((PROTOCOL, f"rabbit_{queue_type}_queue"), float(getattr(left, counter)))
            for queue_type, left in totals.deliveries.items()
        ]
        yield Series(_global(name, text), ("protocol", "queue_type"), rows)
    yield from _deaths(totals)
    for error in STREAM_ERRORS:
        name = f"stream_error_{error}_total"
        yield Series(_global(name, "errors of streams"), labels, [(("stream",), 0.0)])


def _global(name: str, text: str) -> Metric:
    return Metric(f"global_{name}", COUNTER, f"Total number of {text}")


def _deaths(totals: Statistics) -> Iterator[Series]:
    for reason in (*DEATHS, "confirmed"):
        rows = []
        for queue_type, left in totals.deliveries.items():
            counts = (left.died.get(reason, 0), left.dead_lettered.get(reason, 0), 0)
            for strategy, count in zip(STRATEGIES, counts, strict=True):
                rows.append(((f"rabbit_{queue_type}_queue", strategy), float(count)))
        name = f"messages_dead_lettered_{reason}_total"
        labels: Labels = ("queue_type", "dead_letter_strategy")
        yield Series(_global(name, f"messages dead-lettered: {reason}"), labels, rows)


def node_coarse(server: "Server") -> Iterator[Series]:
    """What the process uses."""
    found = dict(zip(node.NAMES, node.read(server), strict=True))
    for name, counter, kind, text in (
        ("process_open_fds", "fd_used", GAUGE, "Open file descriptors"),
        ("process_open_tcp_sockets", "sockets_used", GAUGE, "Sockets of AMQP clients"),
        ("process_resident_memory_bytes", "mem_used", GAUGE, "Resident memory"),
        ("disk_space_available_bytes", "disk_free", GAUGE, "Free disk space"),
        ("erlang_processes_used", "proc_used", GAUGE, "Threads"),
        ("erlang_gc_runs_total", "gc_num", COUNTER, "Runs of the garbage collector"),
        ("erlang_gc_reclaimed_bytes_total", "gc_bytes_reclaimed", COUNTER, "Not measured"),
        ("erlang_scheduler_context_switches_total", "context_switches", COUNTER, "By the system"),
    ):
        yield single(name, kind, text, found[counter])


def node_limits(server: "Server", started_ms: int) -> Iterator[Series]:
    """What the process may use."""
    uptime = (server.clock.now_ms() - started_ms) / 1000
    for name, text, value in (
        ("process_max_fds", "File descriptors there may be", node.most_files()),
        ("process_max_tcp_sockets", "Client sockets there may be", node.most_sockets()),
        ("resident_memory_limit_bytes", "Memory high watermark", node.memory_limit(server)),
        (
            "disk_space_available_limit_bytes",
            "Free disk space low watermark",
            server.options.disk_free_limit,
        ),
        ("erlang_processes_limit", "No limit that is ever met", 1_048_576),
        ("erlang_scheduler_run_queue", "Not measured", 0),
        ("erlang_net_ticktime_seconds", "There are no other nodes", 60),
        ("erlang_uptime_seconds", "Seconds since the start", uptime),
    ):
        yield single(name, GAUGE, text, value)


def persister(server: "Server", totals: Statistics) -> Iterator[Series]:
    """What went to the disk and came from it; what is not measured is 0."""
    found = dict(zip(node.NAMES, node.read(server), strict=True))
    for name, value in (
        ("io_read_ops_total", totals.disk_reads),
        ("io_read_bytes_total", found["io_read_bytes"]),
        ("io_write_ops_total", found["io_write_count"]),
        ("io_write_bytes_total", found["io_write_bytes"]),
        ("io_sync_ops_total", found["io_sync_count"]),
        *(("io_seek_ops_total", 0), ("io_reopen_ops_total", 0), ("schema_db_ram_tx_total", 0)),
        ("schema_db_disk_tx_total", found["mnesia_disk_tx_count"]),
        ("msg_store_read_total", totals.disk_reads),
        ("msg_store_write_total", totals.disk_writes),
        *(("queue_index_read_ops_total", 0), ("queue_index_write_ops_total", 0)),
        *(("io_read_time_seconds_total", 0), ("io_write_time_seconds_total", 0)),
        *(("io_sync_time_seconds_total", 0), ("io_seek_time_seconds_total", 0)),
    ):
        yield single(name, COUNTER, "Operations of the store", value)


def logins(server: "Server") -> Iterator[Series]:
    """Attempts to log in, by protocol."""
    attempts = server.context.logins.attempts
    protocols = sorted({"http", PROTOCOL} | attempts.keys())
    counts = {
        name: (attempts[name].succeeded, attempts[name].failed) if name in attempts else (0, 0)
        for name in protocols
    }
    for name, text, value in (
        ("auth_attempts_total", "attempts to log in", sum),
        ("auth_attempts_succeeded_total", "attempts to log in that succeeded", _first),
        ("auth_attempts_failed_total", "attempts to log in that failed", _second),
    ):
        rows = [((protocol,), float(value(counts[protocol]))) for protocol in protocols]
        yield Series(Metric(name, COUNTER, f"Total number of {text}"), ("protocol",), rows)


def _first(pair: tuple[int, int]) -> int:
    return pair[0]


def _second(pair: tuple[int, int]) -> int:
    return pair[1]


def memory_parts(server: "Server") -> Iterator[Series]:
    """/metrics/memory-breakdown: the parts that are known, else 0."""
    found = node.memory_map()
    code = found.get("RssFile", 0) + found.get("RssShmem", 0)
    bodies = sum(q.ready_bytes for vhost in server.vhosts for q in vhost.queues.values())
    other = max(0, found.get("VmRSS", 0) - code - bodies)
    known = {"code_module": code, "binary_heap": bodies, "other_erlang_process": other}
    for part in MEMORY:
        yield single(f"memory_{part}_bytes", GAUGE, "Memory in use", known.get(part, 0))


MEMORY = (
    *("code_module", "client_connection_reader", "client_connection_writer"),
    *("client_connection_channel", "client_connection_other", "classic_queue_erlang_process"),
    *("quorum_queue_erlang_process", "quorum_queue_dlx_erlang_process", "stream_erlang_process"),
    *("stream_replica_reader_erlang_process", "stream_coordinator_erlang_process", "plugin"),
    *("modern_metadata_store", "other_erlang_process", "metrics", "management_stats_db"),
    *("classic_metadata_store", "quorum_queue_ets_table", "modern_metadata_store_ets_table"),
    *("other_ets_table", "binary_heap", "message_index", "atom_table", "other_system"),
    *("runtime_allocated_unused", "runtime_reserved_unallocated"),
)
