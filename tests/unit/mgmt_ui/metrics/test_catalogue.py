"""The catalogue of metrics (spec 5.2): each is there, of its type and with its labels."""

import re
from typing import Any, NamedTuple

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from mgmt_ui.metrics.app import make_app
from tests.unit.mgmt_ui.live import LiveServer

C, G, U = "counter", "gauge", "unknown"
QUEUE, CHANNEL = "vhost queue", "channel"
TAKEN = """get_ack_total get_total messages_delivered_ack_total messages_delivered_total
    messages_redelivered_total messages_acked_total get_empty_total"""
PUBLISHED = """messages_published_total messages_confirmed_total
    messages_unroutable_returned_total messages_unroutable_dropped_total"""


class Row(NamedTuple):
    """Metrics of one family, type and set of labels; the aggregated form has no labels.

    Those of family "" are in every answer.
    """

    family: str
    kind: str
    labels: str
    names: str
    prefix: str = ""


CATALOGUE = (
    Row("", G, "", "connections channels consumers queues"),
    Row("connection_churn_metrics", C, "", """connections_opened_total connections_closed_total
        channels_opened_total channels_closed_total queues_declared_total queues_created_total
        queues_deleted_total"""),
    Row("node_coarse_metrics", G, "", """process_open_fds process_open_tcp_sockets
        process_resident_memory_bytes disk_space_available_bytes erlang_processes_used"""),
    Row("node_coarse_metrics", C, "", """erlang_gc_runs_total erlang_gc_reclaimed_bytes_total
        erlang_scheduler_context_switches_total"""),
    Row("node_metrics", G, "", """process_max_fds process_max_tcp_sockets
        resident_memory_limit_bytes disk_space_available_limit_bytes erlang_processes_limit
        erlang_scheduler_run_queue erlang_net_ticktime_seconds erlang_uptime_seconds"""),
    Row("node_persister_metrics", C, "", """io_read_ops_total io_read_bytes_total
        io_write_ops_total io_write_bytes_total io_sync_ops_total io_seek_ops_total
        io_reopen_ops_total schema_db_ram_tx_total schema_db_disk_tx_total msg_store_read_total
        msg_store_write_total queue_index_read_ops_total queue_index_write_ops_total
        io_read_time_seconds_total io_write_time_seconds_total io_sync_time_seconds_total
        io_seek_time_seconds_total"""),
    Row("auth_attempt_metrics", C, "protocol", """auth_attempts_total
        auth_attempts_succeeded_total auth_attempts_failed_total"""),
    Row("auth_attempt_detailed_metrics", C, "protocol remote_address username",
        """auth_attempts_detailed_total auth_attempts_detailed_succeeded_total
        auth_attempts_detailed_failed_total"""),
    Row("queue_coarse_metrics", G, QUEUE,
        "queue_messages_ready queue_messages_unacked queue_messages"),
    Row("queue_coarse_metrics", C, QUEUE, "queue_process_reductions_total"),
    Row("queue_consumer_count", G, QUEUE, "queue_consumers"),
    Row("queue_metrics", G, QUEUE, """queue_consumers queue_consumer_capacity
        queue_consumer_utilisation queue_process_memory_bytes queue_messages_ram
        queue_messages_ram_bytes queue_messages_ready_ram queue_messages_unacked_ram
        queue_messages_persistent queue_messages_persistent_bytes queue_messages_bytes
        queue_messages_ready_bytes queue_messages_unacked_bytes queue_messages_paged_out
        queue_messages_paged_out_bytes queue_head_message_timestamp"""),
    Row("queue_metrics", C, QUEUE, "queue_disk_reads_total queue_disk_writes_total"),
    # A counter by RabbitMQ, which OpenMetrics would want to end in _total; and it falls.
    Row("queue_metrics", G, QUEUE, "stream_segments"),
    Row("queue_delivery_metrics", C, QUEUE, TAKEN, "queue_"),
    Row("queue_exchange_metrics", C, "queue_vhost queue exchange_vhost exchange",
        "queue_exchange_messages_published_total"),
    Row("exchange_metrics", C, "vhost exchange", PUBLISHED, "exchange_"),
    Row("channel_metrics", G, CHANNEL, """channel_consumers channel_messages_unacked
        channel_messages_unconfirmed channel_messages_uncommitted channel_acks_uncommitted
        consumer_prefetch channel_prefetch"""),
    Row("channel_exchange_metrics", C, "channel vhost exchange", PUBLISHED, "channel_"),
    Row("channel_process_metrics", C, CHANNEL, "channel_process_reductions_total"),
    Row("channel_queue_metrics", C, "channel vhost queue", TAKEN, "channel_"),
    Row("channel_queue_exchange_metrics", C,
        "channel queue_vhost queue exchange_vhost exchange", "queue_messages_published_total"),
    Row("connection_coarse_metrics", C, CHANNEL, """connection_incoming_bytes_total
        connection_outgoing_bytes_total connection_process_reductions_total"""),
    Row("connection_metrics", C, CHANNEL,
        "connection_incoming_packets_total connection_outgoing_packets_total"),
    Row("connection_metrics", G, CHANNEL, "connection_pending_packets connection_channels"),
    Row("stream_consumer_metrics", G, QUEUE, "stream_consumer_max_offset_lag"),
    Row("", U, "", """alarms_file_descriptor_limit alarms_free_disk_space_watermark
        alarms_memory_used_watermark"""),
    Row("", C, "protocol", """messages_received_total messages_received_confirm_total
        messages_routed_total messages_confirmed_total messages_unroutable_dropped_total
        messages_unroutable_returned_total""", "global_"),
    Row("", C, "protocol queue_type", """messages_delivered_total
        messages_delivered_consume_manual_ack_total messages_delivered_consume_auto_ack_total
        messages_delivered_get_manual_ack_total messages_delivered_get_auto_ack_total
        messages_get_empty_total messages_redelivered_total messages_acknowledged_total""",
        "global_"),
    Row("", G, "protocol", "publishers consumers", "global_"),
    Row("", C, "queue_type dead_letter_strategy", """messages_dead_lettered_maxlen_total
        messages_dead_lettered_expired_total messages_dead_lettered_rejected_total
        messages_dead_lettered_delivery_limit_total messages_dead_lettered_confirmed_total""",
        "global_"),
)  # fmt: skip
MEMORY = """code_module client_connection_reader client_connection_writer
    client_connection_channel client_connection_other classic_queue_erlang_process
    quorum_queue_erlang_process quorum_queue_dlx_erlang_process stream_erlang_process
    stream_replica_reader_erlang_process stream_coordinator_erlang_process plugin
    modern_metadata_store other_erlang_process metrics management_stats_db
    classic_metadata_store quorum_queue_ets_table modern_metadata_store_ets_table other_ets_table
    binary_heap message_index atom_table other_system runtime_allocated_unused
    runtime_reserved_unallocated"""

MISSING = {
    "channel_queue_exchange_metrics": "nothing is counted by channel, exchange and queue at once; "
    "queue_exchange_metrics has it for all channels, and /metrics the sum",
    "ra_metrics": "there is no Raft",
    "federation_links": "there is no federation",
    "stream_error_*_total": "of RabbitMQ's own protocol for streams",
}
"""What the catalogue has besides, and why it is not there."""
SINGLE = [row for row in CATALOGUE if row.family not in MISSING]


@pytest.fixture
async def scrape(live: LiveServer):
    """`await scrape(path)`: by name without `rabbitmq_`, the type and all label names."""
    client = live.connect()
    client.declare("q")
    client.declare("s", {"x-queue-type": "stream"})
    client.call(1, "confirm.select")
    client.publish("", "q", b"x")
    live.engine.run()
    client.read_all()
    client.get("q", no_ack=True)
    async with TestClient(TestServer(make_app(live.as_server, live.clock.now_ms()))) as http:

        async def scrape(path: str) -> dict[str, tuple[str, set[str]]]:
            async with http.get(path) as response:
                text = await response.text()
            return {
                sample.name.removeprefix("rabbitmq_"): (family.type, set(sample.labels))
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }

        yield scrape


def expected(row: Row, *, whole: bool = False) -> dict[str, tuple[str, set[str]]]:
    """The same as it should be; `whole` for the aggregated form."""
    labels = set() if whole and not row.labels.startswith("protocol") else set(row.labels.split())
    if whole and row.family == "":
        labels = set(row.labels.split())
    names = [row.prefix + name for name in row.names.split()]
    return dict.fromkeys(names, (row.kind, labels))


@pytest.mark.parametrize("row", [row for row in SINGLE if row.family], ids=str)
async def test_a_family(scrape: Any, row: Row):
    found = await scrape(f"/metrics/detailed?family={row.family}")
    wanted = {f"detailed_{name}": each for name, each in expected(row).items()}
    if row.family == "auth_attempt_detailed_metrics":
        assert set(found) <= {*wanted, "build_info", "identity_info"}  # none has logged in here
    else:
        assert {name: found.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("row", SINGLE, ids=str)
async def test_objects(scrape: Any, row: Row):
    found = await scrape("/metrics/per-object")
    wanted = expected(row)
    if row.family != "auth_attempt_detailed_metrics":
        assert {name: found.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("row", CATALOGUE, ids=str)
async def test_sums(scrape: Any, row: Row):
    found = await scrape("/metrics")
    wanted = expected(row, whole=True)
    if row.family != "auth_attempt_detailed_metrics":
        assert {name: found.get(name) for name in wanted} == wanted


async def test_memory(scrape: Any):
    found = await scrape("/metrics/memory-breakdown")
    wanted = {f"memory_{name}_bytes": (G, set[str]()) for name in MEMORY.split()}
    assert {name: found.get(name) for name in wanted} == wanted


async def test_of_the_cluster(scrape: Any):
    found = await scrape("/metrics/detailed?family=vhost_status&family=exchange_bindings")
    assert found["cluster_vhost_status"] == (G, {"vhost"})


async def test_what_is_missing_is_not_there(scrape: Any):
    found = await scrape("/metrics/per-object")
    missing = [re.compile(name.replace("*", ".*")) for name in MISSING]
    assert [name for name in found for each in missing if each.fullmatch(name)] == []
