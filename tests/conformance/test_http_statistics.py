"""Counters, rates, nodes, health checks over HTTP (management reference 1.7, 2.5, 2.10, 3)."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conformance.helpers import declare
from tests.support.eventually import eventually
from tests.support.target import Target, path_segment

# RabbitMQ shows connections and counts up to five seconds late.
LATE = 15.0
WINDOW = urlencode(
    {
        f"{family}_{part}": value
        for family in ("lengths", "msg_rates", "data_rates", "node_stats")
        for part, value in (("age", 60), ("incr", 5))
    }
)


def fetch(target: Target, path: str) -> Any:
    """The body of a 200."""
    status, body = target.api("GET", path)
    assert status == 200, body
    return body


def soon(target: Target, path: str, **stats: int) -> dict[str, Any]:
    """The object once its message_stats have these values."""

    def counted() -> Any:
        row = fetch(target, path)
        found = row.get("message_stats", {})
        return row if {name: found.get(name) for name in stats} == stats else None

    return dict(eventually(counted, LATE))


@pytest.fixture
def known(target: Target, connect, name) -> tuple[Any, str]:
    """A connection with a name of its own, and its path below `connections/`."""
    own = name("known")
    connection = connect(client_properties={"connection_name": own})

    def found() -> Any:
        rows = fetch(target, "connections")
        return [row["name"] for row in rows if row.get("user_provided_name") == own]

    return connection, path_segment(eventually(found, LATE)[0])


# -- counters ----------------------------------------------------------------------------------


def test_a_queue_counts(target: Target, channel, name):
    queue = name()
    declare(channel, queue, exclusive=False)
    for _ in range(3):
        channel.basic_publish("", queue, b"x")
    channel.basic_get(queue)
    channel.basic_get(queue, auto_ack=True)
    channel.basic_get(queue)
    channel.basic_get(queue)
    channel.basic_ack(1)
    path = f"queues/%2F/{path_segment(queue)}"
    row = soon(
        target, path, publish=3, get=2, get_no_ack=1, get_empty=1, deliver_get=3, ack=1, deliver=0
    )
    assert row["message_stats"]["publish_details"].keys() == {"rate"}
    channel.queue_delete(queue)


def test_statistics_are_absent_before_there_is_traffic(target: Target, channel, name):
    queue = name()
    declare(channel, queue, exclusive=False)
    row = fetch(target, f"queues/%2F/{path_segment(queue)}")
    assert "message_stats" not in row
    channel.queue_delete(queue)


def test_samples(target: Target, channel, name):
    queue = name()
    declare(channel, queue, exclusive=False)
    for _ in range(3):
        channel.basic_publish("", queue, b"x")
    path = f"queues/%2F/{path_segment(queue)}?{WINDOW}"

    def sampled() -> Any:
        row = fetch(target, path)
        stats = row.get("message_stats", {})
        return row if (row.get("messages"), stats.get("publish")) == (3, 3) else None

    row = eventually(sampled, LATE)
    for details in (row["messages_details"], row["message_stats"]["publish_details"]):
        assert details.keys() == {"rate", "samples", "avg", "avg_rate"}
        samples = details["samples"]
        assert len(samples) in {12, 13}
        times = [each["timestamp"] for each in samples]
        assert times == [times[0] - 5000 * number for number in range(len(times))]
        assert times[0] % 5000 == 0
        assert [samples[0]["sample"], samples[-1]["sample"]] == [3, 0]
    channel.queue_delete(queue)


def test_windows_that_ask_for_too_much(target: Target):
    for path in ("overview", "nodes", "exchanges", "vhosts"):
        status, body = target.api("GET", path + "?msg_rates_age=60000&msg_rates_incr=5")
        assert (status, body["reason"]) == (400, "Invalid range parameters: age 60000, incr 5")
    assert body["error"] == "invalid_range_parameters"


def test_an_exchange_counts(target: Target, channel, name):
    exchange, queue = name(), name()
    channel.exchange_declare(exchange, "fanout")
    declare(channel, queue)
    channel.queue_bind(queue, exchange)
    for _ in range(2):
        channel.basic_publish(exchange, "", b"x")
    soon(target, f"exchanges/%2F/{path_segment(exchange)}", publish_in=2, publish_out=2)
    channel.exchange_delete(exchange)


def test_a_channel_counts(target: Target, known, name):
    connection, path = known
    channel, queue = connection.channel(), name()
    declare(channel, queue)
    channel.confirm_delivery()
    for _ in range(2):
        channel.basic_publish("", queue, b"x")
    channel.basic_publish("", name(), b"nowhere")
    path = f"channels/{path}{path_segment(' (1)')}"
    row = soon(target, path, publish=3, confirm=3, drop_unroutable=1, return_unroutable=0)
    assert (row["number"], row["confirm"], row["transactional"]) == (1, True, False)
    assert row["connection_details"].keys() >= {"name", "peer_host", "peer_port"}
    (published,) = row["publishes"]
    assert published["exchange"] == {"name": "", "vhost": "/"}
    assert published["stats"]["publish"] == 3
    assert (row["deliveries"], row["consumer_details"]) == ([], [])


def test_the_overview_counts(target: Target, channel, name):
    before = fetch(target, "overview")
    queue = name()
    declare(channel, queue)
    channel.basic_publish("", queue, b"x")

    def counted() -> bool:
        now = fetch(target, "overview")
        churn, then = now["churn_rates"], before["churn_rates"]
        return bool(
            now["message_stats"].get("publish", 0) > before["message_stats"].get("publish", 0)
            and churn["queue_created"] > then["queue_created"]
            and churn["queue_declared"] > then["queue_declared"]
        )

    eventually(counted, LATE)
    assert before["sample_retention_policies"] == {
        "global": [600, 3600, 28800, 86400],
        "basic": [600, 3600],
        "detailed": [600],
    }


# -- connections and channels ------------------------------------------------------------------


def test_a_connection_is_closed_by_name(target: Target, known):
    connection, path = known
    connection.channel()
    path = f"connections/{path}"
    row = fetch(target, path)
    assert row["protocol"] == "AMQP 0-9-1"
    rows = eventually(lambda: fetch(target, f"{path}/channels"), LATE)
    assert [row["number"] for row in rows] == [1]
    assert target.api("DELETE", path)[0] == 204
    with pytest.raises(Exception, match="CONNECTION_FORCED - Closed via management plugin"):
        connection.process_data_events(5)
    eventually(lambda: target.api("GET", path)[0] == 404, LATE)


def test_unknown_connections_and_channels(target: Target):
    for path in ("connections/nosuch", "channels/nosuch"):
        assert target.api("GET", path)[0] == 404
    assert target.api("DELETE", "connections/nosuch")[0] == 404
    assert target.api("DELETE", "connections/username/nosuch")[0] == 204
    assert target.api("GET", "connections/username/nosuch") == (200, [])


# -- nodes and the cluster ---------------------------------------------------------------------


def test_nodes(target: Target):
    (row,) = eventually(lambda: _complete(fetch(target, "nodes")), LATE)
    assert (row["type"], row["running"], row["partitions"]) == ("disc", True, [])
    assert row["os_pid"].isdigit()
    for gauge in ("mem_used", "fd_used", "disk_free", "gc_num", "io_read_count"):
        assert row[f"{gauge}_details"].keys() >= {"rate"}, gauge
    for limit in ("mem_limit", "fd_total", "sockets_total", "proc_total", "uptime", "processors"):
        assert isinstance(row[limit], int), limit
    name = path_segment(row["name"])
    memory = fetch(target, f"nodes/{name}/memory")["memory"]
    relative = fetch(target, f"nodes/{name}/memory/relative")["memory"]
    assert memory["total"].keys() == {"erlang", "rss", "allocated"}
    assert relative.keys() <= memory.keys()


def _complete(rows: Any) -> Any:
    return rows if "mem_used" in rows[0] and "fd_used_details" in rows[0] else None


def test_the_cluster_is_renamed_and_back(target: Target):
    name = fetch(target, "cluster-name")["name"]
    try:
        assert target.api("PUT", "cluster-name", {"name": "farm"})[0] == 204
        assert fetch(target, "cluster-name/") == {"name": "farm"}
        assert fetch(target, "overview")["cluster_name"] == "farm"
    finally:
        target.api("PUT", "cluster-name", {"name": name})
    status, body = target.api("PUT", "cluster-name", {})
    assert (status, body["reason"]) == (400, "[{key_missing,name}]")


def test_small_things(target: Target):
    assert {"javascript": "dispatcher.js"} in fetch(target, "extensions")
    flags = fetch(target, "feature-flags")
    assert {"name", "desc", "state", "stability", "provided_by"} <= flags[0].keys()
    assert target.api("POST", "rebalance/queues", {})[0] == 204


# -- health checks -----------------------------------------------------------------------------


def test_checks_that_pass(target: Target):
    for path in ("alarms", "local-alarms", "virtual-hosts", "certificate-expiration/1/months"):
        assert fetch(target, f"health/checks/{path}") == {"status": "ok"}
    for path in ("node-is-quorum-critical", "node-is-mirror-sync-critical"):
        assert fetch(target, f"health/checks/{path}")["reason"] == "single node cluster"
    assert fetch(target, "healthchecks/node")["status"] == "ok"
    assert fetch(target, "aliveness-test/%2F") == {"status": "ok"}
    port = target.amqp.port
    assert fetch(target, f"health/checks/port-listener/{port}") == {"status": "ok", "port": port}
    assert fetch(target, "health/checks/protocol-listener/amqp")["status"] == "ok"


def test_checks_that_fail(target: Target):
    status, body = target.api("GET", "health/checks/port-listener/9")
    assert (status, body["status"], body["missing"]) == (503, "failed", 9)
    assert body["reason"] == "No active listener"
    status, body = target.api("GET", "health/checks/protocol-listener/mqtt")
    assert (status, body["missing"]) == (503, "mqtt")
    for path in ("port-listener/x", "certificate-expiration/1/hours"):
        assert target.api("GET", f"health/checks/{path}")[0] == 400
