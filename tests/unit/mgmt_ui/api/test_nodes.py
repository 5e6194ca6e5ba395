from typing import Any

from mgmt_ui import node
from tests.unit.mgmt_ui.fakes import NODE, FakeServer

MEMORY = {"connection_readers", "binary", "code", "other_proc", "metadata_store_ets", "strategy"}


async def test_a_node(get: Any, server: FakeServer):
    (row,) = await get("/api/nodes")
    assert (row["name"], row["type"], row["running"]) == (NODE, "disc", True)
    assert row["os_pid"].isdigit()
    assert row["fd_used"] > 0
    assert row["fd_used_details"] == {"rate": 0.0}
    assert row["mem_used"] > 10_000_000
    assert row["mem_limit"] > row["mem_used"]
    assert row["disk_free"] >= 0
    assert (row["partitions"], row["mem_alarm"], row["disk_free_alarm"]) == ([], False, False)
    assert {"rabbit"} <= {each["name"] for each in row["applications"]}
    assert all(f"{name}_details" in row for name in node.NAMES)


async def test_uptime_and_alarms(get: Any, server: FakeServer):
    server.clock.advance(60)
    server.alarms.append("memory")
    row = await get(f"/api/nodes/{NODE}")
    assert (row["uptime"], row["mem_alarm"], row["disk_free_alarm"]) == (60_000, True, False)


async def test_samples_of_a_node(get: Any, server: FakeServer):
    row = await get(f"/api/nodes/{NODE}?node_stats_age=60&node_stats_incr=5")
    assert len(row["mem_used_details"]["samples"]) == 13


async def test_memory(get: Any):
    found = (await get(f"/api/nodes/{NODE}/memory"))["memory"]
    assert found.keys() >= MEMORY
    parts = sum(value for name, value in found.items() if name not in ("strategy", "total"))
    assert parts == found["total"]["rss"] > 0
    row = await get(f"/api/nodes/{NODE}?memory=true&binary=true")
    assert row["memory"].keys() == found.keys()
    assert row["binary"]["queue_procs"] == 0


async def test_memory_in_percent(get: Any):
    found = (await get(f"/api/nodes/{NODE}/memory/relative"))["memory"]
    assert found["total"] == 100
    assert 0 < found["other_proc"] <= 100


async def test_message_bodies_are_binaries(get: Any, server: FakeServer):
    server.add_queue("q", ready_bytes=1000)
    found = (await get(f"/api/nodes/{NODE}/memory"))["memory"]
    assert found["binary"] == 1000


async def test_there_are_no_tables(get: Any):
    for path in ("ets", "ets/relative", "ets/x", "ets/x/relative"):
        found = await get(f"/api/nodes/{NODE}/memory/{path}")
        assert found == {"ets_tables_memory": {"total": 0}}


async def test_other_nodes_are_unknown(ask: Any):
    assert (await ask("/api/nodes/rabbit@elsewhere")).status == 404
    assert (await ask("/api/nodes/rabbit@elsewhere/memory")).status == 404


async def test_a_node_is_for_monitoring_users(ask: Any, server: FakeServer):
    server.add_user("ann", "management")
    response = await ask("/api/nodes", user="ann")
    assert (response.status, (await response.json())["reason"]) == (401, "Not monitor user")
