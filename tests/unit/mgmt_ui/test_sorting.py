"""Sorting without descriptions gives the order that descriptions have."""

from collections.abc import Iterator
from typing import Any

import pytest

from mgmt_ui.api import bindings, channels, connections, consumers, queues
from mgmt_ui.call import Call
from mgmt_ui.paging import ListQuery, place_of
from mgmt_ui.rates import Rates
from tests.support.engine import Client
from tests.unit.mgmt_ui.live import LiveServer

# What the console's lists, and tools, sort by: these must not take a description each.
CHEAP = {
    queues: (
        *("name", "vhost", "type", "state", "policy", "consumers", "memory", "idle_since"),
        *("messages", "messages_ready", "messages_unacknowledged", "message_bytes"),
        *("messages_details.rate", "message_stats.publish", "message_stats.publish_details.rate"),
        *("message_stats.deliver_get_details.rate", "message_stats.ack_details.rate"),
        *("message_stats.redeliver_details.rate", "oldest_message_age"),
    ),
    connections: (
        *("name", "user", "state", "ssl", "protocol", "channels", "channel_max", "frame_max"),
        *("recv_oct", "send_oct", "recv_oct_details.rate", "send_oct_details.rate"),
        *("connected_at", "peer_host", "auth_mechanism", "timeout"),
    ),
    channels: (
        *("name", "user", "state", "consumer_count", "prefetch_count", "messages_unacknowledged"),
        *("messages_unconfirmed", "message_stats.publish_details.rate", "confirm"),
        *("message_stats.deliver_get_details.rate", "message_stats.ack_details.rate"),
    ),
    consumers: ("queue.name", "consumer_tag", "channel_details.name", "prefetch_count"),
    bindings: ("source", "vhost", "destination", "routing_key", "destination_type"),
}


@pytest.fixture
def busy(live: LiveServer) -> Client:
    """Two connections, queues of all types, one with traffic, some of it unacked."""
    client = live.connect()
    client.declare("empty")
    client.declare("quorum", durable=True, arguments={"x-queue-type": "quorum"})
    client.declare("log", durable=True, arguments={"x-queue-type": "stream"})
    client.declare("full", durable=True)
    client.call(1, "confirm.select")
    for size in (1, 100, 4000):
        for name in ("full", "quorum", "log"):
            client.publish("", name, b"x" * size, delivery_mode=2)
    live.engine.run()
    client.read_all()
    client.call(1, "queue.bind", queue="full", exchange="amq.topic", routing_key="a.#")
    client.call(1, "exchange.bind", destination="amq.fanout", source="amq.direct", routing_key="e")
    client.consume("full", "tag", prefetch=2)
    live.engine.run()
    client.read_all()
    live.connect().call(1, "tx.select")
    return client


def paths(row: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Of all members that are no objects, at whatever depth."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from ((name, *rest) for rest in paths(value))
        else:
            yield (name,)


async def listed(module: Any, live: LiveServer, query: dict[str, str]) -> Any:
    rates = Rates(live.as_server)
    rates.start()
    live.engine.clock.advance(11)
    call = Call(live.as_server, rates, live.vhosts.users.get("guest"), {}, query)
    found = module.index(call)
    rates.stop()
    return await found if module in {queues, channels} else found


@pytest.mark.parametrize("module", CHEAP)
async def test_every_key_is_what_the_description_says(live: LiveServer, busy: Client, module: Any):
    listing = await listed(module, live, {})
    rows = [listing.describe(item) for item in listing.items]
    found = set()
    for path in {path for row in rows for path in paths(row)}:
        read = listing.key(path)
        if read is not None:
            found.add(".".join(path))
            query = ListQuery.parse({"sort": ".".join(path)})
            for item, row in zip(listing.items, rows, strict=True):
                assert place_of(read(item)) == query.sort_key(row), path
    assert found >= {name for name in CHEAP[module] if "message_stats" not in name}
    for name in CHEAP[module]:
        assert listing.key(tuple(name.split("."))) is not None, name


@pytest.mark.parametrize(
    "path", ["bogus", "message_stats", "message_stats.messages", "recv_oct.rate", "name.x", "x.y.z"]
)
async def test_what_is_no_member_has_no_key(live: LiveServer, busy: Client, path: str):
    for module in CHEAP:
        assert (await listed(module, live, {})).key(tuple(path.split("."))) is None


async def test_with_samples_a_counter_is_the_newest(live: LiveServer, busy: Client):
    query = {"lengths_age": "60", "lengths_incr": "5"}
    assert (await listed(queues, live, query)).key(("messages",)) is None
