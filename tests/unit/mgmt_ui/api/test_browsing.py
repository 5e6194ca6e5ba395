"""Peek and search, on a whole broker in memory: nothing is touched by them."""

from typing import Any

import pytest

from broker import browse
from mgmt_ui import message_rows
from mgmt_ui.api import browsing
from tests.unit.mgmt_ui.live import Http, LiveServer

PEEK, SEARCH = "queues/%2F/q/peek", "queues/%2F/q/search"


@pytest.fixture
def client(live: LiveServer) -> Any:
    """A client, with a queue `q`."""
    client = live.connect()
    client.declare("q")
    return client


def fill(client: Any, *bodies: bytes, queue: str = "q", **options: Any) -> None:
    for body in bodies:
        client.publish("", queue, body, **options)
    client.engine.run()


def payloads(rows: list[dict[str, Any]]) -> list[str]:
    return [row["payload"] for row in rows]


async def find(http: Http, expect: int = 200, **body: Any) -> Any:
    return await http("POST", SEARCH, body, expect)


async def matches(http: Http, **wanted: Any) -> list[str]:
    return payloads((await find(http, filter=wanted))["items"])


# -- peek ----------------------------------------------------------------------------------


async def test_a_message_where_it_stands(http: Http, live: LiveServer, client: Any):
    fill(client, "hé".encode(), message_id="m1", headers={"a": 1}, expiration="60000")
    live.engine.advance(5)
    (row,) = await http("GET", PEEK)
    assert row == {
        "place": "2-0",
        "position": 0,
        "state": "ready",
        "age": 5.0,
        "expires_in": 55000,
        "redelivered": False,
        "exchange": "",
        "routing_key": "q",
        "properties": {"message_id": "m1", "expiration": "60000", "headers": {"a": 1}},
        "payload_bytes": 3,
        "payload": "hé",
        "payload_encoding": "string",
        "truncated": False,
    }


async def test_nothing_is_touched(http: Http, live: LiveServer, client: Any):
    queue = live.vhost.queues["q"]
    fill(client, b"1", b"2", b"3")
    before = (queue.got, queue.delivered, queue.get_empty, queue.redelivered, queue.unacked)
    for _ in range(3):
        assert payloads(await http("GET", PEEK)) == ["1", "2", "3"]
        await find(http)
    after = (queue.got, queue.delivered, queue.get_empty, queue.redelivered, queue.unacked)
    assert before == after
    client.consume("q")
    deliveries = client.deliveries()
    assert [each.body for each in deliveries] == [b"1", b"2", b"3"]
    assert not any(each.method.arguments["redelivered"] for each in deliveries)


async def test_unacked_ones_first(http: Http, client: Any):
    fill(client, b"1", b"2", b"3")
    client.consume("q", prefetch=2)
    client.deliveries()
    rows = await http("GET", PEEK)
    assert [(row["payload"], row["state"]) for row in rows] == [
        ("1", "unacked"),
        ("2", "unacked"),
        ("3", "ready"),
    ]
    assert rows[1]["consumer_tag"] == "c"
    assert rows[1]["delivery_tag"] == 2
    assert rows[1]["channel_details"]["number"] == 1
    assert payloads(await http("GET", f"{PEEK}?state=ready")) == ["3"]
    assert payloads(await http("GET", f"{PEEK}?state=unacked")) == ["1", "2"]


@pytest.mark.parametrize("kind", ["classic", "quorum", "priority", "expiring"])
async def test_every_part_of_the_queue(http: Http, live: LiveServer, kind: str):
    client = live.connect()
    kinds: dict[str, dict[str, Any]] = {
        "quorum": {"x-queue-type": "quorum"},
        "priority": {"x-max-priority": 3},
    }
    client.declare("q", kinds.get(kind, {}))
    for number in range(12):
        given: dict[str, Any] = {"priority": number % 4} if kind == "priority" else {}
        if kind == "expiring":
            given = {"expiration": str(60000 - number)}
        fill(client, b"%d" % number, **given)
    client.consume("q", prefetch=5)
    client.deliveries()
    client.call(1, "basic.cancel", consumer_tag="c")
    for tag in (2, 1):
        client.nack(tag)
    live.engine.run()
    everything = payloads(await http("GET", f"{PEEK}?count=100"))
    assert len(everything) == 12
    ready = payloads(await http("GET", f"{PEEK}?count=100&state=ready"))
    for offset in range(14):
        found = await http("GET", f"{PEEK}?offset={offset}&count=3")
        assert payloads(found) == everything[offset : offset + 3]
        found = await http("GET", f"{PEEK}?offset={offset}&count=3&state=ready")
        assert payloads(found) == ready[offset : offset + 3]
    taken = []
    while (content := client.get("q", no_ack=True)) is not None:
        taken.append(content.body.decode())
    assert taken == ready


async def test_many_messages_in_batches(
    http: Http, live: LiveServer, client: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(browse, "BATCH", 4)
    monkeypatch.setattr(browse, "RUN", 3)
    fill(client, *(b"%d" % number for number in range(30)))
    client.consume("q", prefetch=11)
    client.deliveries()
    client.nack(0, multiple=True, requeue=False)
    client.call(1, "basic.cancel", consumer_tag="c")
    client.nack(0, multiple=True)
    live.engine.run()
    left = payloads(await http("GET", f"{PEEK}?count=100"))
    assert left == sorted(left, key=int)
    assert len(left) == live.vhost.queues["q"].message_count


async def test_bodies(http: Http, client: Any, monkeypatch: pytest.MonkeyPatch):
    fill(client, b"\xff\0", "aé".encode())
    assert payloads(await http("GET", f"{PEEK}?encoding=base64")) == ["/wA=", "YcOp"]
    rows = await http("GET", f"{PEEK}?truncate=2")
    assert [(row["payload"], row["payload_encoding"], row["truncated"]) for row in rows] == [
        ("/wA=", "base64", False),
        ("a", "string", True),
    ]
    monkeypatch.setattr(browsing, "MOST_OCTETS", 2)
    assert len(await http("GET", PEEK)) == 1


async def test_a_stream(http: Http, live: LiveServer):
    client = live.connect()
    client.declare("q", {"x-queue-type": "stream"})
    fill(client, *(b"%d" % number for number in range(5)))
    rows = await http("GET", f"{PEEK}?offset=1&count=2")
    assert [(row["payload"], row["offset"], row["state"]) for row in rows] == [
        ("1", 1, "ready"),
        ("2", 2, "ready"),
    ]
    assert await matches(http, body="4") == ["4"]


@pytest.mark.parametrize(
    "query", ["count=-1", "count=1001", "offset=-1", "count=x", "state=dead", "encoding=hex"]
)
async def test_bad_questions(http: Http, client: Any, query: str):
    await http("GET", f"{PEEK}?{query}", None, 400)


async def test_who_may_look(http: Http, live: LiveServer, client: Any):
    live.add_user("blind", "management", permissions=(".*", ".*", "^$"))
    live.add_user("reader", "management", permissions=("^$", "^$", "^q$"))
    await http("GET", PEEK, None, 401, user="blind")
    await http("POST", SEARCH, {}, 401, user="blind")
    await http("GET", PEEK, user="reader")
    client.declare("mine", exclusive=True)
    assert "exclusive" in (await http("GET", "queues/%2F/mine/peek", None, 400))["reason"]
    await http("GET", "queues/%2F/none/peek", None, 404)


# -- search --------------------------------------------------------------------------------


async def test_by_what_is_outside(http: Http, client: Any):
    fill(client, b"1", message_id="m1", correlation_id="c", type="t")
    fill(client, b"2", message_id="m2", correlation_id="c", app_id="m1")
    assert await matches(http, message_id="m1") == ["1"]
    assert await matches(http, correlation_id="c") == ["1", "2"]
    assert await matches(http, correlation_id="c", message_id="m2") == ["2"]
    assert await matches(http, routing_key="q", exchange="") == ["1", "2"]
    assert await matches(http, routing_key="Q") == []
    assert await matches(http) == ["1", "2"]


async def test_by_headers(http: Http, client: Any):
    headers = {"n": 5, "t": True, "s": "x", "f": {"deep": 1}}
    fill(client, b"1", headers=headers)
    fill(client, b"2", headers={"n": 1, "other": "n"})
    fill(client, b"3")
    assert await matches(http, headers={"n": 5}) == ["1"]
    assert await matches(http, headers={"n": "5"}) == ["1"], "as the command line writes it"
    assert await matches(http, headers={"n": None}) == ["1", "2"]
    assert await matches(http, headers={"t": True}) == ["1"]
    assert await matches(http, headers={"t": "true"}) == ["1"]
    assert await matches(http, headers={"n": True}) == [], "1 is not true"
    assert await matches(http, headers={"s": "x", "f": {"deep": 1}}) == ["1"]
    assert await matches(http, headers={"s": "X"}) == []


async def test_by_the_body(http: Http, client: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("broker.message_filter.WINDOW", 3)
    fill(client, b"the quick brown", "fünf".encode(), b"")
    assert await matches(http, body="quick b") == ["the quick brown"]
    assert await matches(http, body="ünf") == ["fünf"]
    assert await matches(http, body="slow") == []


async def test_by_age(http: Http, live: LiveServer, client: Any):
    for body in (b"old", b"young"):
        live.engine.advance(100)
        fill(client, body)
    live.engine.advance(50)
    assert await matches(http, older_than=100) == ["old"]
    assert await matches(http, newer_than=100) == ["young"]
    assert await matches(http, older_than=50, newer_than=60.5) == ["young"]


async def test_unacked_and_redelivered(http: Http, live: LiveServer, client: Any):
    fill(client, b"1", b"2", b"3")
    client.consume("q", prefetch=2)
    client.deliveries()
    client.call(1, "basic.cancel", consumer_tag="c")
    client.nack(2)
    live.engine.run()
    found = (await find(http, filter={}))["items"]
    assert [(row["payload"], row["state"]) for row in found] == [
        ("1", "unacked"),
        ("2", "ready"),
        ("3", "ready"),
    ]
    assert await matches(http, redelivered=True) == ["2"]


async def test_a_bit_at_a_time(http: Http, live: LiveServer, client: Any):
    fill(client, *(b"%d" % number for number in range(10)))
    client.consume("q", prefetch=3)
    client.deliveries()
    seen: list[str] = []
    cursor, questions = None, 0
    while cursor is not None or not questions:
        given: dict[str, Any] = {"cursor": cursor} if cursor else {}
        answer = await find(http, filter={"body": ""}, scan=4, count=3, **given)
        assert answer["matched"] == len(answer["items"]) <= 3
        assert answer["scanned"] <= 4
        seen += payloads(answer["items"])
        cursor = answer["cursor"]
        questions += 1
    assert seen == [str(number) for number in range(10)]
    assert questions == 4


async def test_it_goes_on_where_messages_went(http: Http, live: LiveServer, client: Any):
    fill(client, *(b"%d" % number for number in range(6)))
    cursor = (await find(http, scan=3))["cursor"]
    for _ in range(4):
        client.get("q", no_ack=True)
    assert payloads((await find(http, cursor=cursor))["items"]) == ["4", "5"]


async def test_no_more_than_fits_into_an_answer(
    http: Http, client: Any, monkeypatch: pytest.MonkeyPatch
):
    fill(client, b"aaaa", b"bbbb", b"cccc")
    monkeypatch.setattr(browsing, "MOST_OCTETS", 5)
    answer = await find(http)
    assert payloads(answer["items"]) == ["aaaa", "bbbb"]
    assert payloads((await find(http, cursor=answer["cursor"]))["items"]) == ["cccc"]
    assert len((await find(http, truncate=1))["items"]) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"filter": {"message-id": "x"}},
        {"filter": {"message_id": 1}},
        {"filter": {"older_than": "1"}},
        {"filter": {"older_than": -1}},
        {"filter": {"older_than": True}},
        {"filter": {"headers": 1}},
        {"filter": {"headers": {str(n): 1 for n in range(21)}}},
        {"filter": []} | {"count": 0},
        {"scan": 0},
        {"cursor": "x"},
        {"cursor": "1-"},
        {"cursor": "-1-2"},
        {"cursor": "1-²"},
        {"cursor": "1-" + "9" * 40},
        {"state": "x"},
    ],
)
async def test_bad_searches(http: Http, client: Any, body: dict[str, Any]):
    assert (await find(http, 400, **body))["error"] == "bad_request"


def test_the_defaults_are_bounded():
    assert message_rows.TRUNCATE * browsing.MOST > message_rows.MOST_OCTETS
    assert browsing.SCANNED <= browsing.MOST_SCANNED


@pytest.mark.parametrize("kind", ["classic", "quorum", "stream"])
async def test_by_position(http: Http, live: LiveServer, kind: str):
    client = live.connect()
    client.declare("q", {"x-queue-type": kind})
    fill(client, *(b"%d" % number for number in range(9)))
    found = await find(http, filter={"positions": [4, 6, 99]})
    assert payloads(found["items"]) == ["4", "6"]
    assert found["scanned"] <= 5, "what is before the first of them is not looked at"


async def test_by_position_wherever_it_stands(http: Http, live: LiveServer, client: Any):
    fill(client, b"0", b"1", b"2", b"3")
    client.consume("q", prefetch=2)
    client.deliveries()
    assert await matches(http, positions=[0, 3]) == ["0", "3"]
    assert await matches(http, positions=[]) == []
