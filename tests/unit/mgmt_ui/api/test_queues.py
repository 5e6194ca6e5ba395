"""Queues over HTTP: their objects on a whole broker in memory, their lists on a fake one."""

from typing import Any

import pytest

from mgmt_ui import contents
from tests.unit.mgmt_ui.fakes import NODE, FakeServer
from tests.unit.mgmt_ui.live import Http, LiveServer

QUEUE = "queues/%2F/q"
NO_GARBAGE = {
    "fullsweep_after": 0,
    "max_heap_size": 0,
    "min_bin_vheap_size": 0,
    "min_heap_size": 0,
    "minor_gcs": 0,
}
STILL = {"rate": 0.0}


async def declared(http: Http, queue_type: str = "classic", *, single: bool = False) -> None:
    """A durable queue `q`, with a single active consumer if need be."""
    arguments: dict[str, Any] = {"x-queue-type": queue_type}
    if single:
        arguments["x-single-active-consumer"] = True
    await http("PUT", QUEUE, {"durable": True, "arguments": arguments}, 201)


def publish(live: LiveServer, *bodies: bytes, queue: str = "q", **properties: Any) -> None:
    client = live.connect()
    for body in bodies:
        client.publish("", queue, body, **properties)
    live.engine.run()


async def test_an_empty_queue(http: Http):
    await declared(http)
    row = await http("GET", QUEUE)
    assert row == {
        "name": "q",
        "vhost": "/",
        "node": NODE,
        "type": "classic",
        "durable": True,
        "auto_delete": False,
        "exclusive": False,
        "arguments": {"x-queue-type": "classic"},
        "state": "running",
        "policy": None,
        "operator_policy": None,
        "effective_policy_definition": {},
        "consumers": 0,
        "consumer_capacity": 0.0,
        "consumer_utilisation": 0.0,
        "messages": 0,
        "messages_details": STILL,
        "messages_ready": 0,
        "messages_ready_details": STILL,
        "messages_unacknowledged": 0,
        "messages_unacknowledged_details": STILL,
        "messages_ram": 0,
        "messages_ready_ram": 0,
        "messages_unacknowledged_ram": 0,
        "messages_persistent": 0,
        "messages_paged_out": 0,
        "message_bytes": 0,
        "message_bytes_ready": 0,
        "message_bytes_unacknowledged": 0,
        "message_bytes_ram": 0,
        "message_bytes_persistent": 0,
        "message_bytes_paged_out": 0,
        "memory": contents.QUEUE_OVERHEAD,
        "backing_queue_status": {"len": 0, "mode": "default"},
        "reductions": 0,
        "reductions_details": STILL,
        "garbage_collection": NO_GARBAGE,
        "exclusive_consumer_tag": None,
        "single_active_consumer_tag": None,
        "head_message_timestamp": None,
        "recoverable_slaves": None,
        "consumer_details": [],
        "incoming": [],
        "deliveries": [],
        "oldest_message_age": None,
    }
    single = {"consumer_details", "incoming", "deliveries"}
    without = {key: value for key, value in row.items() if key not in single}
    assert await http("GET", "queues") == await http("GET", "queues/detailed") == [without]


async def test_what_is_in_a_queue(http: Http, live: LiveServer):
    await declared(http)
    publish(live, b"1", b"22", delivery_mode=2)
    publish(live, b"333", b"4444")
    client = live.connect()
    client.consume("q", prefetch=3)
    assert len(client.deliveries()) == 3
    row = await http("GET", QUEUE)
    memory = row.pop("memory")
    assert (
        row.items()
        >= {
            "messages": 4,
            "messages_ready": 1,
            "messages_unacknowledged": 3,
            "messages_ram": 4,
            "messages_ready_ram": 1,
            "messages_unacknowledged_ram": 3,
            "messages_persistent": 2,
            "message_bytes": 10,
            "message_bytes_ready": 4,
            "message_bytes_unacknowledged": 6,
            "message_bytes_ram": 10,
            "message_bytes_persistent": 3,
        }.items()
    )
    assert memory > contents.QUEUE_OVERHEAD
    (listed,) = await http("GET", "queues?columns=message_bytes_persistent,messages_persistent")
    assert listed == {"message_bytes_persistent": 3, "messages_persistent": 2}


async def test_of_long_queues_a_sample_is_looked_at(
    http: Http, live: LiveServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(contents, "SAMPLE", 4)
    await declared(http)
    for _ in range(10):
        publish(live, b"11", delivery_mode=2)
        publish(live, b"2")
    row = await http("GET", QUEUE)
    assert (row["messages_persistent"], row["message_bytes_persistent"]) == (10, 20)


async def test_messages_persist_in_durable_queues_only(http: Http, live: LiveServer):
    await http("PUT", QUEUE, {}, 201)
    publish(live, b"1", delivery_mode=2)
    row = await http("GET", QUEUE)
    assert (row["messages"], row["messages_persistent"]) == (1, 0)


@pytest.mark.parametrize("query", ["columns=name,messages", "disable_stats=true"])
async def test_only_who_asks_has_unacked_messages_counted(
    http: Http, monkeypatch: pytest.MonkeyPatch, query: str
):
    await declared(http)
    monkeypatch.delattr(contents, "unacked")
    await http("GET", f"queues?{query}")


async def test_a_quorum_queue(http: Http, live: LiveServer):
    await declared(http, "quorum")
    publish(live, b"1", b"22")
    row = await http("GET", QUEUE)
    assert (
        row.items()
        >= {
            "type": "quorum",
            "leader": NODE,
            "members": [NODE],
            "online": [NODE],
            "open_files": {NODE: 0},
            "messages_dlx": 0,
            "message_bytes_dlx": 0,
            "messages_persistent": 2,
            "message_bytes_persistent": 3,
            "delivery_limit": 20,
            "single_active_consumer_ctag": None,
            "single_active_consumer_tag": None,
        }.items()
    )
    assert "messages_paged_out" not in row


async def test_a_stream(http: Http, live: LiveServer):
    await declared(http, "stream")
    publish(live, b"1", b"22")
    client = live.connect()
    client.consume("q", prefetch=10, arguments={"x-stream-offset": "first"})
    row = await http("GET", QUEUE)
    assert (
        row.items()
        >= {
            "type": "stream",
            "members": [NODE],
            "online": [NODE],
            "readers": {NODE: 1},
            "messages": 2,
            "garbage_collection": NO_GARBAGE,
        }.items()
    )
    assert row["memory"] > contents.QUEUE_OVERHEAD
    assert not {"message_bytes", "consumer_capacity", "exclusive_consumer_tag"} & row.keys()


async def test_consumers(http: Http, live: LiveServer):
    await declared(http)
    client = live.connect()
    client.consume("q", "mine", prefetch=7, exclusive=True, arguments={"x-priority": 3})
    live.engine.run()
    row = await http("GET", QUEUE)
    assert (row["consumers"], row["consumer_capacity"], row["exclusive_consumer_tag"]) == (
        *(1, 1.0),
        "mine",
    )
    (consumer,) = row["consumer_details"]
    assert await http("GET", "consumers") == await http("GET", "consumers/%2F") == [consumer]
    assert consumer == {
        "consumer_tag": "mine",
        "queue": {"name": "q", "vhost": "/"},
        "channel_details": {
            "connection_name": client.connection.name,
            "name": f"{client.connection.name} (1)",
            "node": NODE,
            "number": 1,
            "peer_host": "127.0.0.1",
            "peer_port": client.connection.peer_port,
            "user": "guest",
        },
        "ack_required": True,
        "exclusive": True,
        "active": True,
        "activity_status": "up",
        "prefetch_count": 7,
        "messages_unacknowledged": 0,
        "arguments": {"x-priority": 3},
        "consumer_timeout": 0,
    }


async def test_statistics_appear_with_activity(http: Http, live: LiveServer):
    await declared(http)
    assert "message_stats" not in await http("GET", QUEUE)
    publish(live, b"1", delivery_mode=2)
    stats = (await http("GET", QUEUE))["message_stats"]
    assert (stats["publish"], stats["disk_writes"]) == (1, 1)
    assert stats["publish_details"] == {"rate": 0.0}
    assert "deliver" not in stats
    live.connect().get("q", no_ack=True)
    stats = (await http("GET", QUEUE))["message_stats"]
    assert (stats["get_no_ack"], stats["deliver_get"], stats["ack"]) == (1, 1, 0)


async def test_a_single_active_consumer(http: Http, live: LiveServer):
    await declared(http, single=True)
    client = live.connect()
    for tag in ("first", "second"):
        client.consume("q", tag)
    live.engine.run()
    row = await http("GET", QUEUE)
    assert row["single_active_consumer_tag"] == "first"
    assert [(each["active"], each["activity_status"]) for each in row["consumer_details"]] == [
        (True, "single_active"),
        (False, "waiting"),
    ]


async def test_who_sees_which_consumers(http: Http, live: LiveServer):
    await declared(http)
    live.connect().consume("q")
    live.engine.run()
    live.add_user("ann", "management", permissions=(".*", ".*", ".*"))
    live.add_user("mon", "monitoring", permissions=None)
    assert await http("GET", "consumers", user="ann") == []
    assert await http("GET", "consumers/%2F", user="ann") == []
    assert len(await http("GET", "consumers", user="mon")) == 1
    assert len(await http("GET", "consumers/%2F", user="mon")) == 1
    for user in ("guest", "mon"):
        asked = {"x-vhost": "other"}
        assert await http("GET", "consumers", user=user, headers=asked) == []


async def test_an_exclusive_queue_names_its_owner(http: Http, live: LiveServer):
    client = live.connect()
    client.declare("q", exclusive=True)
    row = await http("GET", QUEUE)
    assert row["exclusive"] is True
    assert row["owner_pid_details"] == {
        "name": client.connection.name,
        "peer_host": "127.0.0.1",
        "peer_port": client.connection.peer_port,
    }


async def test_the_timestamp_of_the_head(http: Http, live: LiveServer):
    await declared(http)
    publish(live, b"x", timestamp=1_600_000_000)
    assert (await http("GET", QUEUE))["head_message_timestamp"] == 1_600_000_000


async def test_configuration_alone(http: Http, live: LiveServer):
    await declared(http, "quorum")
    publish(live, b"x")
    bare = {
        "name": "q",
        "vhost": "/",
        "type": "quorum",
        "durable": True,
        "auto_delete": False,
        "exclusive": False,
        "arguments": {"x-queue-type": "quorum"},
        "node": NODE,
        "leader": NODE,
        "members": [NODE],
        "online": [NODE],
    }
    assert await http("GET", "queues?disable_stats=true") == [bare | {"state": "live"}]
    assert await http("GET", f"{QUEUE}?disable_stats=true") == bare | {"state": "live"}
    counts = {"messages": 1, "messages_ready": 1, "messages_unacknowledged": 0}
    asked = "disable_stats=true&enable_queue_totals=true"
    assert await http("GET", f"queues/%2F?{asked}") == [bare | counts | {"state": "running"}]


# -- lists -------------------------------------------------------------------------------------


async def test_lists_by_vhost_then_name(get: Any, server: FakeServer):
    server.add_vhost("a", "guest")
    for vhost, name in (("a", "z"), ("/", "y"), ("/", "x")):
        server.add_queue(name, vhost)
    rows = await get("/api/queues")
    assert [(row["vhost"], row["name"]) for row in rows] == [("/", "x"), ("/", "y"), ("a", "z")]


async def test_lists_one_vhost(get: Any, server: FakeServer):
    server.add_vhost("a", "guest")
    server.add_queue("q", "a")
    server.add_queue("q", "/")
    assert [row["vhost"] for row in await get("/api/queues/a")] == ["a"]
    assert [row["vhost"] for row in await get("/api/queues/%2F")] == ["/"]
    assert [row["vhost"] for row in await get("/api/queues//")] == ["/"]
    assert [row["vhost"] for row in await get("/api/queues", headers={"x-vhost": "a"})] == ["a"]
    assert await get("/api/queues", headers={"x-vhost": "nosuch"}) == []


async def test_lists_what_a_user_declared(get: Any, server: FakeServer):
    server.add_vhost("a", "guest")
    server.add_vhost("closed")
    for name, vhost, creator in (
        ("q", "/", "ann"),
        ("q", "a", "ann"),
        ("q", "closed", "ann"),
        ("of-bob", "/", "bob"),
        ("older", "/", ""),
    ):
        server.add_queue(name, vhost, creator=creator)
    hers = await get("/api/users/ann/queues")
    assert [(row["vhost"], row["name"]) for row in hers] == [("/", "q"), ("a", "q")]
    assert [row["name"] for row in await get("/api/users/bob/queues")] == ["of-bob"]
    page = await get("/api/users/ann/queues?page=1&columns=name")
    assert (page["total_count"], page["items"]) == (2, [{"name": "q"}, {"name": "q"}])
    # Nothing tells whether there is such a user.
    assert await get("/api/users/nobody/queues") == []


async def test_what_a_user_declared_is_for_who_may_enter(get: Any, server: FakeServer):
    server.add_user("eve", "monitoring")
    server.add_user("plain", "management")
    server.vhosts.permissions.set("plain", "/", "", "", "")
    server.add_queue("q", creator="ann")
    assert await get("/api/users/ann/queues", user="eve") == []
    assert len(await get("/api/users/ann/queues", user="plain")) == 1


async def test_monitoring_alone_shows_no_queues(get: Any, server: FakeServer):
    server.add_user("eve", "monitoring")
    server.add_queue("q")
    assert await get("/api/queues", user="eve") == []
