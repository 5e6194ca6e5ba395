"""Bindings made, found and removed over HTTP, on a whole broker in memory."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.unit.mgmt_ui.live import Http, LiveServer

ENDS = "bindings/%2F/e/amq.topic/q/q"


@pytest.fixture(autouse=True)
async def queue(http: Http) -> None:
    """A queue `q`."""
    await http("PUT", "queues/%2F/q", {"durable": True}, 201)


def keys(rows: list[dict[str, Any]]) -> list[str]:
    return [row["properties_key"] for row in rows]


KEYS = ["", "a.#", "*.n", "x~y", "a b", "a+b", "a/b", "é", "%", "amq.gen-x", "k" * 255]


@pytest.mark.parametrize("arguments", [{}, {"a": 1, "b": {"c": [True, None]}}])
@pytest.mark.parametrize("routing_key", KEYS)
async def test_round_trip(http: Http, routing_key: str, arguments: Any):
    body = {"routing_key": routing_key, "arguments": arguments}
    made = await http("POST", ENDS, body, 201, whole=True)
    (row,) = await http("GET", ENDS)
    key = row["properties_key"]
    assert row == {
        "source": "amq.topic",
        "vhost": "/",
        "destination": "q",
        "destination_type": "queue",
        "routing_key": routing_key,
        "arguments": arguments,
        "properties_key": key,
    }
    # The last segment of the location leads there, once decoded it is the key.
    assert made.headers["location"] == f"q/{quote(key, safe='')}"
    once, twice = f"{ENDS}/{key}", f"{ENDS}/{quote(key, safe='')}"
    assert await http("GET", once) == await http("GET", twice) == row
    await http("DELETE", once, None, 204)
    await http("DELETE", once, None, 404)
    await http("POST", ENDS, body, 201)
    await http("DELETE", twice, None, 204)
    assert await http("GET", ENDS) == []


async def test_keys_that_are_each_others_escapes(http: Http):
    for key in ("a b", "a+b"):
        await http("POST", ENDS, {"routing_key": key}, 201)
    assert keys(await http("GET", ENDS)) == ["a+b", "a%2Bb"]
    assert (await http("GET", f"{ENDS}/a+b"))["routing_key"] == "a b"
    assert (await http("GET", f"{ENDS}/a%252Bb"))["routing_key"] == "a+b"


async def test_the_order_of_arguments_makes_no_other_binding(http: Http):
    await http("POST", ENDS, {"arguments": {"a": 1, "b": 2}}, 201)
    await http("POST", ENDS, {"arguments": {"b": 2, "a": 1}}, 201)
    assert len(await http("GET", ENDS)) == 1


async def test_a_change_is_answered_when_it_is_stored(http: Http, live: LiveServer):
    waited = live.waited
    await http("POST", ENDS, {}, 201)
    await http("DELETE", f"{ENDS}/~", None, 204)
    assert live.waited == waited + 2
    live.disk = False
    refused = await http("POST", ENDS, {}, 503)
    assert refused["error"] == "service_unavailable"


async def test_all_bindings(http: Http):
    await http("POST", ENDS, {"routing_key": "k"}, 201)
    await http("PUT", "queues/%2F/a%20b", {}, 201)
    await http("POST", "bindings/%2F/e/amq.fanout/e/amq.topic", {}, 201)
    rows = await http("GET", "bindings")
    assert [(row["source"], row["destination"]) for row in rows] == [
        ("", "a b"),
        ("", "q"),
        ("amq.fanout", "amq.topic"),
        ("amq.topic", "q"),
    ]
    assert keys(rows) == ["a+b", "q", "~", "k"]
    assert await http("GET", "bindings/%2F/") == rows
    page = await http("GET", "bindings?page=2&page_size=3")
    assert page["items"] == rows[3:]
    assert await http("GET", "bindings", headers={"x-vhost": "nosuch"}) == []


async def test_the_implicit_binding(http: Http):
    (row,) = await http("GET", "queues/%2F/q/bindings")
    assert (row["source"], row["routing_key"], row["properties_key"]) == ("", "q", "q")
    for source in ("amq.default", ""):
        ends = f"bindings/%2F/e/{source}/q/q"
        assert await http("GET", ends) == [row]
        assert await http("GET", f"{ends}/q") == row
        await http("GET", f"{ends}/other", None, 404)
        assert (await http("DELETE", f"{ends}/q", None, 401))["reason"] == "Access refused."
        await http("POST", ends, {"routing_key": "other"}, 401)
    assert await http("GET", "exchanges/%2F/amq.default/bindings/source") == [row]


async def test_bindings_between_exchanges(http: Http):
    ends = "bindings/%2F/e/amq.fanout/e/amq.topic"
    await http("POST", ends, {}, 201)
    (row,) = await http("GET", ends)
    assert row["destination_type"] == "exchange"
    assert await http("GET", "exchanges/%2F/amq.fanout/bindings/source") == [row]
    assert await http("GET", "exchanges/%2F/amq.topic/bindings/destination") == [row]
    await http("POST", "bindings/%2F/e/amq.topic/e/amq.default", {}, 401)
    await http("DELETE", f"{ends}/~", None, 204)


async def test_what_is_not_there(http: Http):
    assert await http("GET", "bindings/%2F/e/nosuch/q/q") == []
    assert await http("GET", "bindings/%2F/e/amq.topic/q/nosuch") == []
    await http("GET", "queues/%2F/nosuch/bindings", None, 404)
    await http("GET", "exchanges/%2F/nosuch/bindings/source", None, 404)
    for path in ("e/nosuch/q/q/~", "e/amq.topic/q/q/~", "e/amq.topic/z/q/~"):
        await http("GET", f"bindings/%2F/{path}", None, 404)
        await http("DELETE", f"bindings/%2F/{path}", None, 404)


@pytest.mark.parametrize(
    ("permissions", "status"),
    [(("", "q", "amq.topic"), 201), (("q", "", ".*"), 401), ((".*", ".*", ""), 401)],
)
async def test_permissions(
    http: Http, live: LiveServer, permissions: tuple[str, str, str], status: int
):
    live.add_user("ann", "management", permissions=permissions)
    refused = await http("POST", ENDS, {}, status, user="ann")
    if status == 401:
        assert refused == {"error": "not_authorised", "reason": "Access refused."}
        assert not live.vhost.exchanges["amq.topic"].bindings


async def test_who_has_no_permission_in_the_vhost(http: Http, live: LiveServer):
    live.add_user("eve", "administrator", permissions=None)
    for method, path in (("GET", "bindings/%2F"), ("GET", ENDS), ("POST", ENDS)):
        refused = await http(method, path, {} if method == "POST" else None, 401, user="eve")
        assert refused["reason"] == "User not authorised to access virtual host"
    assert await http("GET", "bindings", user="eve") == []
