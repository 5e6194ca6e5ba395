"""Messages that wait to be routed: listed, counted, cancelled."""

from typing import Any

import pytest

from tests.unit.mgmt_ui.live import Http, LiveServer

DELAYED = "exchanges/%2F/d/delayed"


@pytest.fixture
def client(live: LiveServer) -> Any:
    """A client, with a delayed exchange `d` and a queue `q`."""
    client = live.connect()
    client.call(
        *(1, "exchange.declare"),
        exchange="d",
        type="x-delayed-message",
        durable=True,
        arguments={"x-delayed-type": "fanout"},
    )
    client.declare("q")
    client.call(1, "queue.bind", exchange="d", queue="q")
    return client


def later(client: Any, body: str, seconds: float, **options: Any) -> None:
    headers = {"x-delay": int(seconds * 1000), **options.pop("headers", {})}
    client.publish("d", "k", body.encode(), headers=headers, delivery_mode=2, **options)
    client.engine.run()


def arrived(live: LiveServer) -> list[str]:
    return [entry.message.body.decode() for entry in live.vhost.queues["q"].ready]


async def test_in_the_order_in_which_they_are_due(http: Http, live: LiveServer, client: Any):
    for number in (5, 3, 9, 1, 7):
        later(client, str(number), number)
    rows = await http("GET", DELAYED)
    assert [row["payload"] for row in rows] == list("13579")
    assert rows[0]["due_in"] == 1
    assert rows[0]["due_at"] == live.clock.now_ms() + 1000
    assert (rows[0]["exchange"], rows[0]["routing_key"], rows[0]["id"]) == ("d", "k", "3")
    rows = await http("GET", f"{DELAYED}?offset=1&count=2&truncate=0")
    assert [(row["payload_bytes"], row["payload"], row["due_in"]) for row in rows] == [
        (1, "", 3),
        (1, "", 5),
    ]
    live.engine.advance(4)
    assert [row["payload"] for row in await http("GET", DELAYED)] == list("579")
    assert (await http("GET", "exchanges/%2F/d"))["messages_delayed"] == 3


async def test_one_is_cancelled(http: Http, live: LiveServer, client: Any):
    for number in (1, 2, 3):
        later(client, str(number), number)
    second = (await http("GET", DELAYED))[1]
    await http("DELETE", f"{DELAYED}/{second['id']}", None, 204)
    await http("DELETE", f"{DELAYED}/{second['id']}", None, 404)
    assert [row["payload"] for row in await http("GET", DELAYED)] == ["1", "3"]
    assert (await http("GET", "exchanges/%2F/d"))["messages_delayed"] == 2
    live.engine.advance(10)
    assert arrived(live) == ["1", "3"]
    assert (await http("GET", "exchanges/%2F/d"))["messages_delayed"] == 0
    await http("DELETE", f"{DELAYED}/0", None, 404)


async def test_those_that_fit_are_cancelled_and_stay_so(http: Http, live: LiveServer, client: Any):
    for number in range(6):
        later(client, f"{number}", 10 + number, headers={"parity": number % 2})
    wanted = {"filter": {"headers": {"parity": 1}}}
    answer = await http("POST", f"{DELAYED}/cancel", {**wanted, "dry_run": True})
    assert answer == {"scanned": 6, "matched": 3, "cancelled": 0}
    answer = await http("POST", f"{DELAYED}/cancel", wanted)
    assert answer == {"scanned": 6, "matched": 3, "cancelled": 3}
    live.engine.crash()
    assert len(await http("GET", DELAYED)) == 3
    live.engine.advance(20)
    assert arrived(live) == ["0", "2", "4"]


async def test_all_are_cancelled(http: Http, live: LiveServer, client: Any):
    for number in range(3):
        later(client, str(number), 1 + number)
    answer = await http("POST", f"{DELAYED}/cancel", {"filter": {}})
    assert answer["cancelled"] == 3
    later(client, "new", 2)
    assert [row["payload"] for row in await http("GET", DELAYED)] == ["new"]
    live.engine.advance(5)
    assert arrived(live) == ["new"]


async def test_a_copy_in_a_queue_stays(http: Http, live: LiveServer, client: Any):
    client.call(1, "exchange.declare", exchange="f", type="fanout")
    client.call(1, "exchange.bind", destination="d", source="f")
    client.call(1, "queue.bind", exchange="f", queue="q")
    client.publish("f", "k", b"both", headers={"x-delay": 1000})
    live.engine.run()
    await http("POST", f"{DELAYED}/cancel", {"filter": {}})
    assert arrived(live) == ["both"]


@pytest.mark.parametrize("query", ["count=1001", "offset=10001", "offset=-1"])
async def test_bad_questions(http: Http, client: Any, query: str):
    await http("GET", f"{DELAYED}?{query}", None, 400)


async def test_other_exchanges_have_none(http: Http, client: Any):
    await http("GET", "exchanges/%2F/amq.direct/delayed", None, 400)
    await http("GET", "exchanges/%2F/none/delayed", None, 404)
    await http("POST", f"{DELAYED}/cancel", {}, 400)
    await http("POST", f"{DELAYED}/cancel", {"filter": {"older_than": 1}}, 400)


async def test_who_may(http: Http, live: LiveServer, client: Any):
    later(client, "1", 1)
    live.add_user("reader", "management", permissions=("^$", ".*", ".*"))
    live.add_user("maker", "management", permissions=(".*", ".*", "^$"))
    await http("GET", DELAYED, user="reader")
    await http("POST", f"{DELAYED}/cancel", {"filter": {}}, 401, user="reader")
    await http("DELETE", f"{DELAYED}/0", None, 401, user="reader")
    await http("GET", DELAYED, None, 401, user="maker")
    await http("DELETE", f"{DELAYED}/0", None, 204, user="maker")
