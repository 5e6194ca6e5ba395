"""Who publishes where and who takes from what: rows of `incoming`, `outgoing` and others."""

from typing import Any

import pytest

from mgmt_ui.counters import DELIVERING, PUBLISHING
from tests.support.engine import Client
from tests.unit.mgmt_ui.live import Http, LiveServer

WINDOW = "?msg_rates_age=20&msg_rates_incr=5"


def by(rows: list[dict[str, Any]], part: str, name: str = "name") -> dict[Any, dict[str, Any]]:
    """The `stats` of breakdown rows by what one of their parts says."""
    return {row[part][name]: row["stats"] for row in rows}


@pytest.fixture
def publisher(live: LiveServer) -> Client:
    """Has published twice to a queue by the default exchange, once to two by a fanout."""
    client = live.connect()
    client.declare("a")
    client.declare("b")
    for queue in ("a", "b"):
        client.call(1, "queue.bind", queue=queue, exchange="amq.fanout", routing_key="")
    for _ in range(2):
        client.publish("", "a", b"x")
    client.publish("amq.fanout", "", b"x")
    return client


@pytest.fixture
def consumer(live: LiveServer, publisher: Client) -> Client:
    """Has got all that is in `a`, acknowledged one of it, and looked into `b` in vain."""
    client = live.connect()
    client.consume("a", "tag")
    assert len(client.deliveries()) == 3
    client.ack(1)
    client.call(1, "queue.purge", queue="b")
    assert client.get("b", no_ack=True) is None
    return client


async def test_a_queue_tells_from_where_and_to_whom(http: Http, consumer: Client):
    row = await http("GET", "queues/%2F/a")
    incoming = by(row["incoming"], "exchange")
    assert {name: stats["publish"] for name, stats in incoming.items()} == {"": 2, "amq.fanout": 1}
    (delivery,) = row["deliveries"]
    connection = consumer.connection
    assert delivery["channel_details"]["name"] == f"{connection.name} (1)"
    assert delivery["channel_details"]["user"] == "guest"
    stats = delivery["stats"]
    assert (stats["deliver"], stats["deliver_get"], stats["ack"]) == (3, 3, 1)
    assert stats.keys() == {*DELIVERING, *(f"{name}_details" for name in DELIVERING)}


async def test_a_queue_that_was_asked_in_vain(http: Http, consumer: Client):
    row = await http("GET", "queues/%2F/b")
    (delivery,) = row["deliveries"]
    assert (delivery["stats"]["get_empty"], delivery["stats"]["deliver_get"]) == (1, 0)


async def test_an_exchange_tells_from_whom_and_to_where(http: Http, publisher: Client):
    row = await http("GET", "exchanges/%2F/amq.fanout")
    (incoming,) = row["incoming"]
    assert incoming["channel_details"]["connection_name"] == publisher.connection.name
    assert incoming["stats"]["publish"] == 1
    assert incoming["stats"].keys() == {*PUBLISHING, *(f"{name}_details" for name in PUBLISHING)}
    outgoing = by(row["outgoing"], "queue")
    assert {name: stats["publish"] for name, stats in outgoing.items()} == {"a": 1, "b": 1}
    assert by((await http("GET", "exchanges/%2F/amq.default"))["outgoing"], "queue").keys() == {"a"}


async def test_nothing_has_happened(http: Http, live: LiveServer):
    live.connect().declare("q")
    queue = await http("GET", "queues/%2F/q")
    exchange = await http("GET", "exchanges/%2F/amq.topic")
    assert queue["incoming"] == queue["deliveries"] == []
    assert exchange["incoming"] == exchange["outgoing"] == []


async def test_pairs_have_rates_and_samples(http: Http, live: LiveServer, consumer: Client):
    await http("GET", "overview")  # whoever looks first starts the samples
    live.engine.clock.advance(5)
    publisher = live.connect()
    for _ in range(10):
        publisher.publish("", "a", b"x")
    live.engine.run()
    live.engine.clock.advance(5)
    row = await http("GET", f"queues/%2F/a{WINDOW}")
    incoming, delivery = by(row["incoming"], "exchange")[""], row["deliveries"][0]["stats"]
    assert incoming["publish_details"]["rate"] == delivery["deliver_details"]["rate"] == 2.0
    assert [each["sample"] for each in incoming["publish_details"]["samples"]][:2] == [12, 2]
    exchange = await http("GET", f"exchanges/%2F/amq.default{WINDOW}")
    published = by(exchange["incoming"], "channel_details", "connection_name")
    stats = published[publisher.connection.name]
    # Younger than a sample when it was asked last.
    assert (stats["publish"], len(stats["publish_details"]["samples"])) == (10, 5)


async def test_long_breakdowns_are_whole(http: Http, live: LiveServer):
    client = live.connect()
    for number in range(1100):
        live.vhost.declare_queue(
            f"q{number}", durable=False, owner=None, auto_delete=False, arguments={}
        )
        client.publish("", f"q{number}", b"x")
    live.engine.run()
    row = await http("GET", "exchanges/%2F/amq.default")
    assert len(by(row["outgoing"], "queue")) == 1100
