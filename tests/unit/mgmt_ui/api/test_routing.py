"""Where a message would go, and by which way."""

from typing import Any

import pytest

from broker.pausing import pause
from tests.unit.mgmt_ui.live import Http, LiveServer


@pytest.fixture
def client(live: LiveServer) -> Any:
    """A client, with queues `a`, `b` and `c`."""
    client = live.connect()
    for queue in "abc":
        client.declare(queue)
    return client


def exchange(client: Any, name: str, kind: str, **arguments: Any) -> None:
    client.call(1, "exchange.declare", exchange=name, type=kind, arguments=arguments or None)


def bind(client: Any, source: str, queue: str, key: str = "", **arguments: Any) -> None:
    client.call(
        *(1, "queue.bind"), exchange=source, queue=queue, routing_key=key, arguments=arguments
    )


async def ask(http: Http, name: str, expect: int = 200, **body: Any) -> Any:
    return await http("POST", f"exchanges/%2F/{name}/route", body, expect)


def names(answer: Any) -> list[str]:
    return [queue["name"] for queue in answer["queues"]]


async def test_the_way_through_a_topic_exchange(http: Http, live: LiveServer, client: Any):
    exchange(client, "t", "topic")
    bind(client, "t", "a", "x.*")
    bind(client, "t", "a", "#")
    bind(client, "t", "a", "y.*")
    bind(client, "t", "b", "y.#")
    answer = await ask(http, "t", routing_key="x.1")
    assert answer == {
        "routed": True,
        "delay": 0,
        "queues": [
            {"name": "a", "type": "classic", "durable": True, "paused": False, "full": False}
        ],
        "path": [
            {
                "exchange": "t",
                "type": "topic",
                "alternate": False,
                "destinations": [
                    {
                        "destination": "a",
                        "destination_type": "queue",
                        "bindings": [
                            {"routing_key": "x.*", "arguments": {}},
                            {"routing_key": "#", "arguments": {}},
                        ],
                    }
                ],
            }
        ],
    }
    assert live.vhost.queues["a"].message_count == 0
    assert live.vhost.exchanges["t"].publish_in == 0


async def test_through_exchanges_and_alternates(http: Http, client: Any):
    exchange(client, "last", "fanout")
    bind(client, "last", "c")
    exchange(client, "x", "direct", **{"alternate-exchange": "last"})
    exchange(client, "y", "headers")
    client.call(1, "exchange.bind", destination="y", source="x", routing_key="k")
    bind(client, "y", "b", n=1)
    answer = await ask(http, "x", routing_key="k", headers={"n": 1})
    assert names(answer) == ["b"]
    assert [(step["exchange"], step["alternate"]) for step in answer["path"]] == [
        ("x", False),
        ("y", False),
    ]
    answer = await ask(http, "x", routing_key="other")
    assert names(answer) == ["c"]
    assert [(step["exchange"], step["alternate"]) for step in answer["path"]] == [
        ("x", True),
        ("last", False),
    ]
    assert answer["path"][0]["destinations"] == [
        {"destination": "last", "destination_type": "exchange", "bindings": None}
    ]
    answer = await ask(http, "x", routing_key="k")
    assert (answer["routed"], names(answer)) == (False, [])


async def test_the_default_exchange_and_copies(http: Http, client: Any):
    assert names(await ask(http, "amq.default", routing_key="a")) == ["a"]
    copies = {"CC": ["b"], "BCC": ["c"]}
    assert names(await ask(http, "amq.default", routing_key="a", headers=copies)) == list("abc")
    assert not (await ask(http, "amq.default", routing_key="none"))["routed"]


async def test_a_delay_is_told(http: Http, live: LiveServer, client: Any):
    exchange(client, "d", "x-delayed-message", **{"x-delayed-type": "direct"})
    bind(client, "d", "a", "k")
    answer = await ask(http, "d", routing_key="k", headers={"x-delay": 500})
    assert (answer["delay"], names(answer)) == (500, ["a"])
    assert answer["path"][0]["destinations"][0]["bindings"] == [
        {"routing_key": "k", "arguments": {}}
    ]
    assert live.vhost.exchanges["d"].messages_delayed == 0


async def test_nothing_is_remembered(http: Http, live: LiveServer, client: Any):
    exchange(client, "dedup", "x-message-deduplication", **{"x-cache-size": 10})
    exchange(client, "recent", "x-recent-history")
    for source in ("dedup", "recent"):
        bind(client, source, "a")
        headers = {"x-deduplication-header": "same"}
        for _ in range(2):
            assert (await ask(http, source, headers=headers))["routed"]
    bind(client, "recent", "b")
    live.engine.run()
    assert live.vhost.queues["b"].message_count == 0


async def test_what_is_known_of_the_queues(http: Http, live: LiveServer, client: Any):
    client.declare("full", {"x-max-length": 1, "x-overflow": "reject-publish"})
    client.publish("", "full", b"m")
    pause(live.vhost.queues["full"])
    live.engine.run()
    (queue,) = (await ask(http, "amq.default", routing_key="full"))["queues"]
    assert (queue["full"], queue["paused"]) == (True, True)


@pytest.mark.parametrize(
    "body",
    [
        {"routing_key": 1},
        {"routing_key": "x" * 256},
        {"headers": 1},
        {"headers": {"CC": 1}},
        {"properties": {"priority": "1"}},
    ],
)
async def test_bad_questions(http: Http, client: Any, body: dict[str, Any]):
    await ask(http, "amq.direct", 400, **body)
    await ask(http, "none", 404)
