"""Channels and connections over HTTP, those of a real engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer

from broker.options import Options
from mgmt_ui.app import make_app
from mgmt_ui.server import Listener
from tests.support.engine import Client, Engine
from tests.unit.mgmt_ui.fakes import NODE, basic

Ask = Callable[..., Awaitable[Any]]


class Broker(SimpleNamespace):
    """The engine as the management plane sees it."""

    __hash__ = object.__hash__  # type: ignore[assignment]


@pytest.fixture
def engine():
    with Engine() as engine:
        engine.vhosts.users.add("ann", "ann", ("management",))
        engine.vhosts.permissions.set("ann", "/", ".*", ".*", ".*")
        yield engine


@pytest.fixture
async def ask(engine: Engine) -> AsyncIterator[Ask]:
    """`await ask(path)`: status and JSON."""
    server: Any = Broker(
        clock=engine.clock,
        options=Options(),
        node_name=NODE,
        vhosts=engine.vhosts,
        connections=engine.context.connections,
        listeners=[Listener("amqp", "127.0.0.1", 5672)],
        context=engine.context,
        alarms=[],
    )
    async with TestClient(TestServer(make_app(server))) as client:

        async def ask(path: str, method: str = "GET", user: str = "guest", **headers: str) -> Any:
            engine.run()
            async with (
                asyncio.timeout(10),
                client.session.request(
                    method,
                    str(client.make_url("/")) + path,
                    headers=basic(user) | headers,
                ) as response,
            ):
                text = await response.text()
                return response.status, (await response.json() if text else None)

        yield ask


def path_of(client: Client, rest: str = "") -> str:
    return "api/connections/" + quote(client.connection.name, safe="") + rest


def channel_path(client: Client, number: int = 1) -> str:
    return "api/channels/" + quote(f"{client.connection.name} ({number})", safe="")


async def test_a_publishing_channel(engine: Engine, ask: Ask):
    client = engine.connect()
    client.declare("q")
    client.call(1, "confirm.select")
    client.publish("", "q", b"1")
    client.publish("", "nowhere", b"2")
    status, row = await ask(channel_path(client))
    assert status == 200
    assert row["name"] == f"{client.connection.name} (1)"
    assert (row["number"], row["confirm"], row["transactional"]) == (1, True, False)
    assert row["connection_details"]["name"] == client.connection.name
    stats = row["message_stats"]
    assert (stats["publish"], stats["confirm"], stats["drop_unroutable"]) == (2, 2, 1)
    assert "deliver" not in stats
    (pair,) = row["publishes"]
    assert pair["exchange"] == {"name": "", "vhost": "/"}
    assert pair["stats"]["publish"] == 2
    assert row["deliveries"] == []


async def test_a_consuming_channel(engine: Engine, ask: Ask):
    client = engine.connect()
    client.declare("q")
    client.publish("", "q", b"1")
    client.publish("", "q", b"2")
    client.consume("q", "tag", prefetch=5)
    engine.run()
    client.ack(1)
    _, row = await ask(channel_path(client))
    assert (row["consumer_count"], row["prefetch_count"]) == (1, 5)
    assert (row["messages_unacknowledged"], row["global_prefetch_count"]) == (1, 0)
    stats = row["message_stats"]
    assert (stats["deliver"], stats["deliver_get"], stats["ack"]) == (2, 2, 1)
    (pair,) = row["deliveries"]
    assert (pair["queue"], pair["stats"]["deliver"]) == ({"name": "q", "vhost": "/"}, 2)
    assert [each["consumer_tag"] for each in row["consumer_details"]] == ["tag"]


async def test_a_transaction_shows_what_it_holds(engine: Engine, ask: Ask):
    client = engine.connect()
    client.declare("q")
    client.call(1, "tx.select")
    client.publish("", "q", b"1")
    _, row = await ask(channel_path(client))
    assert (row["transactional"], row["messages_uncommitted"], row["acks_uncommitted"]) == (
        *(True, 1),
        0,
    )


async def test_lists_of_channels(engine: Engine, ask: Ask):
    client = engine.connect()
    client.call(2, "channel.open")
    hers = engine.connect(user="ann", password="ann")
    assert len((await ask("api/channels"))[1]) == 3
    assert len((await ask("api/vhosts/%2F/channels"))[1]) == 3
    assert [row["number"] for row in (await ask(path_of(client, "/channels")))[1]] == [1, 2]
    _, rows = await ask("api/channels", user="ann")
    assert [row["user"] for row in rows] == ["ann"]
    assert (await ask(path_of(hers, "/sessions"))) == (200, [])
    _, page = await ask("api/channels?page=1&page_size=2")
    assert (page["total_count"], page["item_count"]) == (3, 2)


async def test_unknown_channels(engine: Engine, ask: Ask):
    client = engine.connect()
    assert (await ask(channel_path(client, 7)))[0] == 404
    for name in ("nonsense", "a (1)", quote(client.connection.name + " (x)", safe="")):
        assert (await ask(f"api/channels/{name}"))[0] == 404


async def test_others_are_none_of_a_users_business(engine: Engine, ask: Ask):
    client = engine.connect()
    for path in (path_of(client), channel_path(client), path_of(client, "/channels")):
        status, body = await ask(path, user="ann")
        assert (status, body["error"]) == (401, "not_authorised")
    assert (await ask("api/connections/username/guest", user="ann")) == (200, [])
    for path in (path_of(client), "api/connections/username/guest"):
        assert (await ask(path, method="DELETE", user="ann"))[0] == 401
    assert client.connection.state == "running"


async def test_a_connection_is_closed_for_a_reason(engine: Engine, ask: Ask):
    client = engine.connect()
    path = path_of(client)
    assert (await ask(path))[1]["name"] == client.connection.name
    assert await ask(path, method="DELETE", **{"X-Reason": "maintenance"}) == (204, None)
    client.expect_close(320, "CONNECTION_FORCED - maintenance")
    assert (await ask(path))[0] == 404
    assert (await ask(path, method="DELETE"))[0] == 404
    assert (await ask("api/connections")) == (200, [])


async def test_all_connections_of_a_user_are_closed(engine: Engine, ask: Ask):
    first, second = engine.connect(), engine.connect(user="ann", password="ann")
    _, rows = await ask("api/connections/username/ann")
    assert rows == [
        {"name": second.connection.name, "vhost": "/", "user": "ann", "node": NODE},
    ]
    assert await ask("api/connections/username/ann", method="DELETE", user="ann") == (204, None)
    second.expect_close(320, "CONNECTION_FORCED - Closed via management plugin")
    assert (await ask("api/connections/username/ann", method="DELETE"))[0] == 204
    assert first.connection.state == "running"


async def test_a_virtual_host_counts(engine: Engine, ask: Ask):
    client = engine.connect()
    client.declare("q")
    client.publish("", "q", b"1")
    _, row = await ask("api/vhosts/%2F")
    assert (row["messages"], row["messages_ready"]) == (1, 1)
    assert row["recv_oct"] == client.connection.received_bytes
    assert row["message_stats"]["publish"] == 1
    assert row["message_stats"]["publish_details"] == {"rate": 0.0}


async def test_the_overview_counts(engine: Engine, ask: Ask):
    client = engine.connect()
    client.declare("q")
    client.publish("", "q", b"1", delivery_mode=2)
    client.get("q", no_ack=True)
    client.call(1, "queue.delete", queue="q")
    for user in ("guest", "ann"):
        _, row = await ask("api/overview", user=user)
        stats = row["message_stats"]
        assert (stats["publish"], stats["get_no_ack"], stats["disk_writes"]) == (1, 1, 1)
        assert row["churn_rates"]["queue_deleted"] == 1
    _, row = await ask("api/overview?disable_stats=true")
    assert "message_stats" not in row
    assert row["object_totals"] == {"connections": 1, "exchanges": 7, "queues": 0}


async def test_alive(engine: Engine, ask: Ask):
    assert await ask("api/aliveness-test/%2F") == (200, {"status": "ok"})
    assert engine.vhost.queues == {}
    engine.vhosts.permissions.set("ann", "/", "other", ".*", ".*")
    status, body = await ask("api/aliveness-test/%2F", user="ann")
    assert (status, body["error"]) == (401, "not_authorised")
    assert (await ask("api/aliveness-test/nosuch"))[0] == 404
