from types import SimpleNamespace
from typing import Any

from tests.support.encoding import encode_properties
from tests.support.wire import header_frame
from tests.unit.mgmt_ui.fakes import NODE, FakeServer


async def test_a_queue(get: Any, server: FakeServer):
    server.add_queue(
        "orders",
        arguments={"x-max-priority": ("I", 5)},
        message_count=3,
        unacked=2,
        ready_bytes=30,
    )
    (row,) = await get("/api/queues")
    assert row == {
        "name": "orders",
        "vhost": "/",
        "node": NODE,
        "type": "classic",
        "durable": True,
        "auto_delete": False,
        "exclusive": False,
        "arguments": {"x-max-priority": 5},
        "state": "running",
        "policy": None,
        "operator_policy": None,
        "effective_policy_definition": {},
        "consumers": 0,
        "consumer_capacity": 0.0,
        "consumer_utilisation": 0.0,
        "messages": 5,
        "messages_details": {"rate": 0.0},
        "messages_ready": 3,
        "messages_ready_details": {"rate": 0.0},
        "messages_unacknowledged": 2,
        "messages_unacknowledged_details": {"rate": 0.0},
        "message_bytes_ready": 30,
        "exclusive_consumer_tag": None,
        "single_active_consumer_tag": None,
        "head_message_timestamp": None,
        "recoverable_slaves": None,
    }


async def test_statistics_appear_with_activity(get: Any, server: FakeServer):
    server.add_queue("q", delivered=7, got=2, acked=5)
    (row,) = await get("/api/queues")
    assert row["message_stats"] == {
        "ack": 5,
        "ack_details": {"rate": 0.0},
        "deliver_get": 9,
        "deliver_get_details": {"rate": 0.0},
    }


async def test_a_consumer_with_room(get: Any, server: FakeServer):
    consumer = SimpleNamespace(tag="c", exclusive=True, room=lambda: 10)
    server.add_queue("q", consumers=[consumer], consumer_count=1)
    (row,) = await get("/api/queues")
    assert (row["consumers"], row["consumer_utilisation"]) == (1, 1.0)
    assert row["exclusive_consumer_tag"] == "c"


async def test_a_single_active_consumer(get: Any, server: FakeServer):
    server.add_queue("q", active_consumer=SimpleNamespace(tag="first"))
    (row,) = await get("/api/queues")
    assert row["single_active_consumer_tag"] == "first"


async def test_an_exclusive_queue_names_its_owner(get: Any, server: FakeServer):
    server.add_queue("q", owner=server.add_connection(port=40001))
    (row,) = await get("/api/queues")
    assert row["exclusive"] is True
    assert row["owner_pid_details"] == {
        "name": "127.0.0.1:40001 -> 127.0.0.1:5672",
        "peer_host": "127.0.0.1",
        "peer_port": 40001,
    }


async def test_a_quorum_queue(get: Any, server: FakeServer):
    server.add_queue("q", settings=SimpleNamespace(queue_type="quorum"))
    (row,) = await get("/api/queues")
    assert (row["type"], row["leader"], row["members"], row["online"]) == (
        *("quorum", NODE),
        *([NODE], [NODE]),
    )


async def test_the_timestamp_of_the_head(get: Any, server: FakeServer):
    from broker.amqp.content import parse

    payload = header_frame(1, 5, encode_properties(timestamp=1_600_000_000))[7:-1]
    head = SimpleNamespace(message=SimpleNamespace(header=parse(payload)))
    server.add_queue("q", ready=SimpleNamespace(peek=lambda: head))
    (row,) = await get("/api/queues")
    assert row["head_message_timestamp"] == 1_600_000_000


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


async def test_monitoring_alone_shows_no_queues(get: Any, server: FakeServer):
    server.add_user("eve", "monitoring")
    server.add_queue("q")
    assert await get("/api/queues", user="eve") == []
