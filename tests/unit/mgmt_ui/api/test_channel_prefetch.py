"""The prefetch of a channel that is open, changed over HTTP."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.unit.mgmt_ui.live import Http, LiveServer


@pytest.fixture
def client(live: LiveServer) -> Any:
    """A client with ten messages in queue `q`."""
    client = live.connect()
    client.declare("q")
    for number in range(10):
        client.publish("", "q", str(number).encode())
    live.engine.run()
    return client


async def put(http: Http, body: Any, expect: int = 204, **options: Any) -> Any:
    """To the only channel there is."""
    (channel,) = await http("GET", "channels")
    return await http("PUT", f"channels/{quote(channel['name'], safe='')}", body, expect, **options)


def arrived(client: Any) -> list[str]:
    client.engine.run()
    return [delivery.body.decode() for delivery in client.deliveries()]


async def test_more_is_delivered_at_once(http: Http, client: Any):
    client.consume("q", prefetch=2)
    assert arrived(client) == ["0", "1"]
    await put(http, {"prefetch": 5})
    assert arrived(client) == ["2", "3", "4"]
    (consumer,) = await http("GET", "consumers")
    assert consumer["prefetch_count"] == 5


async def test_less_counts_what_is_out(http: Http, client: Any):
    client.consume("q", prefetch=4)
    assert len(arrived(client)) == 4
    await put(http, {"prefetch": 2})
    for tag in (1, 2):
        client.ack(tag)
        assert arrived(client) == []
    client.ack(3)
    assert arrived(client) == ["4"]
    client.ack(4)
    assert arrived(client) == ["5"]


async def test_none(http: Http, client: Any):
    client.consume("q", prefetch=1)
    assert arrived(client) == ["0"]
    await put(http, {"prefetch": 0})
    assert len(arrived(client)) == 9
    await put(http, {"prefetch": 3})
    (consumer,) = await http("GET", "consumers")
    assert consumer["messages_unacknowledged"] == 10


async def test_later_consumers_have_it(http: Http, client: Any):
    await put(http, {"prefetch": "3"})
    client.consume("q")
    assert len(arrived(client)) == 3


@pytest.mark.parametrize("body", [{}, {"prefetch": -1}, {"prefetch": 65536}, {"prefetch": "many"}])
async def test_bad_values(http: Http, client: Any, body: Any):
    assert "prefetch" in (await put(http, body, 400))["reason"]


async def test_streams_need_one(http: Http, client: Any):
    client.declare("s", arguments={"x-queue-type": "stream"})
    client.consume("s", prefetch=10)
    await put(http, {"prefetch": 0}, 400)
    await put(http, {"prefetch": 20})


async def test_of_somebody_else(http: Http, live: LiveServer, client: Any):
    live.add_user("mon", "monitoring", permissions=(".*", ".*", ".*"))
    await put(http, {"prefetch": 1}, 401, user="mon")
    await http("PUT", "channels/nosuch", {"prefetch": 1}, 404)
