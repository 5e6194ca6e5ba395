"""What clients may send instead of what they should: never a 500, never a change."""

import json
from typing import Any

import pytest

from tests.unit.mgmt_ui.live import Http, LiveServer

LONG = "n" * 256
DEEP = json.loads("[" * 100 + "]" * 100)
PUBLISH = "exchanges/%2F/amq.default/publish"
MESSAGE = {"routing_key": "q", "properties": {}, "payload": "x", "payload_encoding": "string"}


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (f"queues/%2F/{LONG}", {}, "queue should be less than 255 bytes, actually was 256"),
        (f"exchanges/%2F/{LONG}", {}, "exchange should be less than 255 bytes, actually was 256"),
        ("queues/%2F/new", {"arguments": {LONG: 1}}, "longer than 255"),
        ("queues/%2F/new", {"arguments": {"a": DEEP}}, "nested"),
        ("queues/%2F/new", {"arguments": 5}, "not_object"),
        ("queues/%2F/new", {"arguments": [1]}, "not_object"),
        ("queues/%2F/new", {"arguments": {"x-message-ttl": "soon"}}, "x-message-ttl"),
        ("queues/%2F/new", {"durable": "maybe"}, '["not_boolean","maybe"]'),
        ("queues/%2F/new", {"auto_delete": 1}, '["not_boolean",1]'),
        ("queues/%2F/new", {"node": "bogus@x"}, "Node bogus@x could not be contacted"),
        ("queues/%2F/new", {"node": 5}, "could not be contacted"),
        ("exchanges/%2F/new", {"type": 5}, "not_string"),
        ("exchanges/%2F/new", {"type": "bogus"}, "unknown exchange type 'bogus'"),
        ("exchanges/%2F/new", {"internal": None}, "not_boolean"),
    ],
)
async def test_declarations(http: Http, live: LiveServer, path: str, body: Any, reason: str):
    refused = await http("PUT", path, body, 400)
    assert refused["error"] == "bad_request"
    assert reason in refused["reason"]
    assert not live.vhost.queues
    assert "new" not in live.vhost.exchanges


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"routing_key": LONG}, "routing_key"),
        ({"routing_key": 5}, "not_string"),
        ({"arguments": 5}, "not_object"),
        ({"arguments": {"a": DEEP}}, "nested"),
        ({"arguments": {LONG: 1}}, "longer than 255"),
        ({"routing_key": "#.#.#"}, "#"),
    ],
)
async def test_bindings(http: Http, live: LiveServer, body: Any, reason: str):
    await http("PUT", "queues/%2F/q", {}, 201)
    refused = await http("POST", "bindings/%2F/e/amq.topic/q/q", body, 400)
    assert reason in refused["reason"]
    assert not live.vhost.exchanges["amq.topic"].bindings


@pytest.mark.parametrize("path", ["e/nosuch/q/q", "e/amq.topic/q/nosuch", "e/amq.topic/x/q"])
async def test_ends_that_are_not_there(http: Http, path: str):
    await http("PUT", "queues/%2F/q", {}, 201)
    assert (await http("POST", f"bindings/%2F/{path}", {}, 404))["reason"]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"routing_key": LONG}, "routing_key"),
        ({"routing_key": 5}, "not_string"),
        ({"payload": None}, "payload_not_string"),
        ({"payload": ["x"]}, "payload_not_string"),
        ({"payload": "!!!", "payload_encoding": "base64"}, '["not_base64","!!!"]'),
        ({"payload_encoding": "hex"}, '["unsupported_encoding","hex"]'),
        ({"payload_encoding": {}}, "unsupported_encoding"),
        ({"properties": 5}, "not_object"),
        ({"properties": {"headers": 5}}, "not_object"),
        ({"properties": {"headers": {"a": DEEP}}}, "nested"),
        ({"properties": {"headers": {LONG: 1}}}, "longer than 255"),
        ({"properties": {"headers": {"CC": 5}}}, "CC"),
        ({"properties": {"priority": 256}}, "priority"),
        ({"properties": {"priority": "1"}}, '["not_int","priority"]'),
        ({"properties": {"delivery_mode": True}}, '["not_int","delivery_mode"]'),
        ({"properties": {"timestamp": -1}}, "timestamp"),
        ({"properties": {"timestamp": 1 << 64}}, "timestamp"),
        ({"properties": {"message_id": LONG}}, "message_id"),
        ({"properties": {"expiration": 5}}, '["not_string","expiration"]'),
        ({"properties": {"expiration": "soon"}}, "406 PRECONDITION_FAILED - invalid expiration"),
        ({"properties": {"user_id": "bob"}}, "406 PRECONDITION_FAILED - user_id property"),
    ],
)
async def test_messages(http: Http, live: LiveServer, members: Any, reason: str):
    await http("PUT", "queues/%2F/q", {}, 201)
    refused = await http("POST", PUBLISH, MESSAGE | members, 400)
    assert reason in refused["reason"]
    assert not live.vhost.queues["q"].message_count


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"count": "many"}, "not_int"),
        ({"count": 1.5}, "not_int"),
        ({"ackmode": "bogus"}, "bogus"),
        ({"ackmode": ["x"]}, "ackmode"),
        ({"encoding": "hex"}, "Unsupported encoding. Please use auto or base64."),
        ({"encoding": []}, "Unsupported encoding"),
        ({"truncate": "x"}, "not_int"),
        ({"truncate": None}, "not_int"),
    ],
)
async def test_gets(http: Http, live: LiveServer, members: Any, reason: str):
    await http("PUT", "queues/%2F/q", {}, 201)
    await http("POST", PUBLISH, MESSAGE)
    body = {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}
    refused = await http("POST", "queues/%2F/q/get", body | members, 400)
    assert reason in refused["reason"]
    assert live.vhost.queues["q"].message_count == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"5",
        b"{",
        b'{"a":NaN}',
        b"\xff",
        b'{"arguments":{"a":"\\ud800"}}',
        b'{"\\udfff":1}',
        b'{"a":' * 5000,
        b"[" * 100_000,
    ],
)
async def test_bodies_that_are_no_objects(http: Http, live: LiveServer, raw: bytes):
    refused = await http("PUT", "queues/%2F/new", None, 400, data=raw)
    assert refused == {"error": "bad_request", "reason": "not_json"}
    assert not live.vhost.queues


async def test_pairs_of_surrogates_are_one_character(http: Http, live: LiveServer):
    body = b'{"arguments":{"a":"\\ud83d\\ude00"}}'
    await http("PUT", "queues/%2F/new", None, 201, data=body)
    assert live.vhost.queues["new"].arguments["a"] == ("S", "\U0001f600")


@pytest.mark.parametrize("name", ["%ff", "%00", "a%2Fb", "%F0%9F%98%80", "%E2%80%A8"])
async def test_strange_names(http: Http, name: str):
    await http("PUT", f"queues/%2F/x{name}", {}, 201)
    await http("PUT", f"queues/%2F/x{name}", {}, 204)
    rows = await http("GET", "queues?columns=name")
    assert len(rows) == 1
    await http("DELETE", f"queues/%2F/x{name}", None, 204)


async def test_line_feeds_are_left_out_of_names(http: Http):
    await http("PUT", "queues/%2F/a%0D%0Ab", {}, 201)
    await http("PUT", "queues/%2F/a%0D%0Ab", {}, 204)
    assert await http("GET", "queues?columns=name") == [{"name": "ab"}]
