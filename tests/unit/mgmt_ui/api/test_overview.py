from types import SimpleNamespace
from typing import Any

from broker import __version__
from tests.unit.mgmt_ui.fakes import NODE, FakeServer


async def test_who_this_is(get: Any):
    row = await get("/api/overview")
    assert row["rabbitmq_version"] == row["management_version"] == "4.1.0"
    assert (row["product_name"], row["product_version"]) == ("Leveret", __version__)
    assert (row["node"], row["cluster_name"]) == (NODE, NODE)
    assert {"direct", "fanout", "headers", "topic"} <= {t["name"] for t in row["exchange_types"]}


async def test_listeners(get: Any):
    row = await get("/api/overview")
    assert [(each["protocol"], each["port"]) for each in row["listeners"]] == [
        ("amqp", 5672),
        ("http", 15672),
    ]
    (context,) = row["contexts"]
    assert (context["ip"], context["port"]) == ("::1", "15672")


async def test_totals(get: Any, server: FakeServer):
    server.add_queue("a", message_count=2, unacked=1)
    server.add_queue("b", message_count=3)
    server.add_exchange("x")
    server.add_connection(channels={1: SimpleNamespace(consumers={"c": 1, "d": 2})})
    row = await get("/api/overview")
    assert row["queue_totals"] == {
        "messages": 6,
        "messages_details": {"rate": 0.0},
        "messages_ready": 5,
        "messages_ready_details": {"rate": 0.0},
        "messages_unacknowledged": 1,
        "messages_unacknowledged_details": {"rate": 0.0},
    }
    assert row["object_totals"] == {
        "channels": 1,
        "connections": 1,
        "consumers": 2,
        "exchanges": 1,
        "queues": 2,
    }


async def test_zeros_where_there_is_nothing(get: Any):
    row = await get("/api/overview")
    assert row["queue_totals"]["messages"] == 0
    assert row["object_totals"]["queues"] == 0


async def test_a_management_user_sees_only_its_own(get: Any, server: FakeServer):
    server.add_user("ann", "management")
    server.add_vhost("a", "ann")
    server.add_queue("hers", "a", message_count=1)
    server.add_queue("other", message_count=5)
    server.add_connection("guest")
    row = await get("/api/overview", user="ann")
    assert row["queue_totals"]["messages"] == 1
    assert row["message_stats"] == {}
    assert row["object_totals"]["queues"] == 1
    assert row["object_totals"]["connections"] == 0
    assert not row.keys() & {"node", "listeners", "contexts"}


async def test_monitoring_counts_everything(get: Any, server: FakeServer):
    server.add_user("eve", "monitoring")
    server.add_queue("q", message_count=5)
    row = await get("/api/overview", user="eve")
    assert row["queue_totals"]["messages"] == 5
    assert row["object_totals"]["queues"] == 1


async def test_columns(get: Any):
    assert await get("/api/overview?columns=node,object_totals.queues") == {
        "node": NODE,
        "object_totals": {"queues": 0},
    }
