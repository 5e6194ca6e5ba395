"""Publish and get over HTTP, on a whole broker in memory."""

import base64
from typing import Any

import pytest

from mgmt_ui.api import messages
from tests.unit.mgmt_ui.live import Http, LiveServer

PUBLISH = "exchanges/%2F/amq.default/publish"
QUEUE = "queues/%2F/q"


@pytest.fixture(autouse=True)
async def queue(http: Http) -> None:
    """A durable queue `q`."""
    await http("PUT", QUEUE, {"durable": True}, 201)


async def publish(http: Http, payload: str = "x", expect: int = 200, **members: Any) -> Any:
    body = {"routing_key": "q", "properties": {}, "payload": payload, "payload_encoding": "string"}
    return await http("POST", PUBLISH, body | members, expect)


async def get(http: Http, expect: int = 200, **members: Any) -> Any:
    body = {"count": 100, "ackmode": "ack_requeue_false", "encoding": "auto"}
    return await http("POST", f"{QUEUE}/get", body | members, expect)


def shown(rows: list[dict[str, Any]]) -> list[tuple[str, bool, int]]:
    return [(row["payload"], row["redelivered"], row["message_count"]) for row in rows]


async def test_a_message_as_consumers_see_it(http: Http, live: LiveServer):
    headers = {"n": 1, "f": 0.5, "b": True, "v": None, "t": {"a": [1, "x"]}}
    properties = {"delivery_mode": 2, "headers": headers, "timestamp": 1_700_000_000, "type": "t"}
    assert await publish(http, "hé", properties=properties) == {"routed": True}
    client = live.connect()
    client.consume("q")
    (delivery,) = client.deliveries()
    assert delivery.body == "hé".encode()
    assert delivery.properties["timestamp"] == 1_700_000_000
    assert delivery.properties["headers"] == {
        "n": ("l", 1),
        "f": ("d", 0.5),
        "b": ("t", True),
        "v": ("V", None),
        "t": ("F", {"a": ("A", [("l", 1), ("S", "x")])}),
    }


async def test_it_is_answered_when_it_is_safe(http: Http, live: LiveServer):
    waited = live.waited
    await publish(http, properties={"delivery_mode": 2})
    assert live.waited > waited
    live.engine.crash()
    assert live.vhost.queues["q"].message_count == 1


@pytest.mark.parametrize(
    ("truncate", "payload", "encoding"),
    [(3, "hé", "string"), (2, "aMM=", "base64"), (0, "", "string"), (-1, "", "string")],
)
async def test_truncation_counts_octets(http: Http, truncate: int, payload: str, encoding: str):
    await publish(http, "héllo")
    (row,) = await get(http, truncate=truncate)
    assert (row["payload"], row["payload_encoding"]) == (payload, encoding)
    assert row["payload_bytes"] == 6


async def test_base64_for_whoever_wants_it(http: Http):
    await publish(http, base64.b64encode(b"\xff").decode(), payload_encoding="base64")
    await publish(http)
    rows = await get(http, encoding="base64", ackmode="ack_requeue_true")
    assert [row["payload"] for row in rows] == ["/w==", "eA=="]
    rows = await get(http)
    assert [row["payload_encoding"] for row in rows] == ["base64", "string"]


@pytest.mark.parametrize("mode", ["ack_requeue_true", "reject_requeue_true"])
async def test_what_goes_back_keeps_its_place(http: Http, mode: str):
    for payload in "abc":
        await publish(http, payload)
    assert shown(await get(http, count=2, ackmode=mode)) == [("a", False, 2), ("b", False, 1)]
    assert shown(await get(http, count="10")) == [("a", True, 2), ("b", True, 1), ("c", False, 0)]
    assert await get(http) == []


async def test_a_negative_count_takes_all(http: Http, live: LiveServer, monkeypatch: Any):
    monkeypatch.setattr(messages, "SLICE", 2)
    for payload in "abcde":
        await publish(http, payload)
    assert len(await get(http, count=-1, ackmode="ack_requeue_true")) == 5
    assert live.vhost.queues["q"].unacked == 0
    assert len(await get(http, count=-1)) == 5
    monkeypatch.setattr(messages, "MOST", 3)
    for payload in "abcde":
        await publish(http, payload)
    assert len(await get(http, count=-1)) == 3


async def test_no_more_than_fits_into_an_answer(http: Http, live: LiveServer, monkeypatch: Any):
    monkeypatch.setattr(messages, "MOST_OCTETS", 10)
    for _ in range(5):
        await publish(http, "x" * 4)
    assert len(await get(http, count=5)) == 3
    assert live.vhost.queues["q"].message_count == 2


async def test_a_count_of_zero(http: Http, live: LiveServer):
    await publish(http)
    assert await get(http, count=0) == []
    assert live.vhost.queues["q"].message_count == 1


async def test_a_full_queue_refuses(http: Http):
    await http("DELETE", QUEUE, None, 204)
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    await http("PUT", QUEUE, {"arguments": arguments}, 201)
    await publish(http)
    refused = await publish(http, expect=400)
    assert refused["reason"] == "rejected Unable to publish message. Check queue limits."


async def test_nowhere_to_go(http: Http):
    assert await publish(http, routing_key="nosuch") == {"routed": False}
    body = {"routing_key": "", "properties": [], "payload": "", "payload_encoding": "string"}
    refused = await http("POST", "exchanges/%2F/nosuch/publish", body, 400)
    assert refused["reason"] == "404 NOT_FOUND - no exchange 'nosuch' in vhost '/'"
    refused = await http("POST", "exchanges/%2F/amq.rabbitmq.trace/publish", body, 400)
    assert refused["reason"].startswith("403 ACCESS_REFUSED - cannot publish to internal exchange")
    refused = await http("POST", "queues/%2F/nosuch/get", {"count": 1}, 400)
    assert refused["reason"] == "[{key_missing,ackmode},{key_missing,encoding}]"


async def test_a_body_that_is_too_large(http: Http):
    refused = await publish(http, "x" * ((1 << 20) + 1), 400)
    assert refused["reason"].startswith("406 PRECONDITION_FAILED - message size 1048577 is larger")


async def test_streams_are_not_got_from(http: Http):
    await http("DELETE", QUEUE, None, 204)
    await http("PUT", QUEUE, {"durable": True, "arguments": {"x-queue-type": "stream"}}, 201)
    refused = await get(http, 400)
    assert "540 NOT_IMPLEMENTED - basic.get not supported by stream queues" in refused["reason"]
    refused = await http("DELETE", f"{QUEUE}/contents", None, 400)
    assert "queue.purge not supported by stream queues" in refused["reason"]


async def test_exclusive_queues_belong_to_their_connection(http: Http, live: LiveServer):
    client = live.connect()
    client.declare("mine", exclusive=True)
    body = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    for refused in (
        await http("POST", "queues/%2F/mine/get", body, 400),
        await http("DELETE", "queues/%2F/mine/contents", None, 400),
        await http("DELETE", "queues/%2F/mine", None, 400),
    ):
        assert "cannot obtain exclusive access to locked queue 'mine'" in refused["reason"]


@pytest.mark.parametrize(
    ("permissions", "may_publish", "may_get"),
    [(("", "amq.default", ""), True, False), (("", "", "q"), False, True)],
)
async def test_permissions(
    http: Http,
    live: LiveServer,
    permissions: tuple[str, str, str],
    may_publish: bool,
    may_get: bool,
):
    live.add_user("ann", "management", permissions=permissions)
    body: Any = {"routing_key": "q", "properties": {}, "payload": "", "payload_encoding": "string"}
    # The refusal of a publish is that of a channel, as RabbitMQ gives it.
    await http("POST", PUBLISH, body, 200 if may_publish else 400, user="ann")
    body = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    await http("POST", f"{QUEUE}/get", body, 200 if may_get else 401, user="ann")
    await http("DELETE", f"{QUEUE}/contents", None, 204 if may_get else 401, user="ann")
