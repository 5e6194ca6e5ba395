"""Queues made, emptied and removed over HTTP, on a whole broker in memory."""

from typing import Any
from urllib.parse import quote

import pytest

from mgmt_ui.api import queues
from tests.unit.mgmt_ui.api.test_queues import QUEUE, declared, publish
from tests.unit.mgmt_ui.fakes import NODE
from tests.unit.mgmt_ui.live import Http, LiveServer

STREAM = {"durable": True, "arguments": {"x-queue-type": "stream"}}


async def test_made_once(http: Http, live: LiveServer):
    waited = live.waited
    await http("PUT", QUEUE, {"durable": "true", "type": "quorum", "exclusive": True}, 201)
    assert live.waited == waited + 1
    queue = live.vhost.queues["q"]
    assert (queue.durable, queue.owner, queue.settings.queue_type) == (True, None, "classic")
    await http("PUT", QUEUE, {"durable": True, "node": NODE, "arguments": []}, 204)
    refused = await http("PUT", QUEUE, {}, 400)
    assert refused["reason"] == (
        "inequivalent arg 'durable' for queue 'q' in vhost '/': "
        "received 'false' but current is 'true'"
    )
    live.engine.crash()
    assert "q" in live.vhost.queues


async def test_durable_is_not_the_default(http: Http, live: LiveServer):
    await http("PUT", QUEUE, None, 201)
    await http("PUT", QUEUE, {}, 204)
    assert live.vhost.queues["q"].durable is False


async def test_an_answer_waits_for_the_disk(http: Http, live: LiveServer):
    live.disk = False
    refused = await http("PUT", QUEUE, {}, 503)
    assert refused["error"] == "service_unavailable"


async def test_deleted_once(http: Http, live: LiveServer):
    await declared(http)
    publish(live, b"x")
    refused = await http("DELETE", f"{QUEUE}?if-empty=true", None, 400)
    assert refused["reason"] == "queue 'q' in vhost '/' not empty"
    live.connect().consume("q")
    live.engine.run()
    refused = await http("DELETE", f"{QUEUE}?if-unused=true", None, 400)
    assert refused["reason"] == "queue 'q' in vhost '/' in use"
    await http("DELETE", QUEUE, None, 204)
    await http("DELETE", QUEUE, None, 404)


async def test_purge(http: Http, live: LiveServer):
    await declared(http)
    publish(live, *[b"x"] * 5)
    await http("DELETE", f"{QUEUE}/contents", None, 204)
    assert live.vhost.queues["q"].message_count == 0
    allowed = (await http("GET", f"{QUEUE}/contents", None, 405, whole=True)).headers["allow"]
    assert allowed == "DELETE, OPTIONS"
    await http("DELETE", "queues/%2F/nosuch/contents", None, 404)


async def test_a_part_of_the_contents(http: Http, live: LiveServer, monkeypatch: Any):
    monkeypatch.setattr(queues, "SLICE", 2)
    await declared(http)
    publish(live, b"1", b"2", b"3", b"4", b"5", b"6", delivery_mode=2)
    await http("DELETE", f"{QUEUE}/contents?count=5", None, 204)
    queue = live.vhost.queues["q"]
    assert (queue.message_count, queue.ready_bytes) == (1, 1)
    await http("DELETE", f"{QUEUE}/contents?count=0", None, 204)
    live.engine.crash()
    assert live.vhost.queues["q"].message_count == 1
    await http("DELETE", f"{QUEUE}/contents?count=9", None, 204)
    assert live.vhost.queues["q"].message_count == 0
    await http("DELETE", f"{QUEUE}/contents?count=some", None, 400)
    await http("PUT", "queues/%2F/s", STREAM, 201)
    await http("DELETE", "queues/%2F/s/contents?count=1", None, 400)


async def test_what_is_out_for_acknowledgement(http: Http, live: LiveServer):
    await declared(http)
    publish(live, b"1", b"22")
    client = live.connect()
    client.consume("q", "mine", prefetch=1)
    live.engine.run()
    (row,) = await http("GET", f"{QUEUE}/unacked")
    assert row.pop("channel_details")["name"] == f"{client.connection.name} (1)"
    assert row == {
        "delivery_tag": 1,
        "consumer_tag": "mine",
        "exchange": "",
        "routing_key": "q",
        "payload_bytes": 1,
        "redelivered": False,
    }
    assert (await http("GET", f"{QUEUE}/unacked?page=1"))["item_count"] == 1


async def test_the_one_member_of_a_quorum_queue(http: Http, live: LiveServer):
    await declared(http, "quorum")
    publish(live, b"1", b"2")
    (member,) = await http("GET", "queues/quorum/%2F/q/status")
    assert (member["Node Name"], member["Raft State"]) == (NODE, "leader")
    assert (member["Last Log Index"], member["Snapshot Index"]) == (2, 0)
    for method, path in (
        ("POST", "%2F/q/replicas/add"),
        ("DELETE", "%2F/q/replicas/delete"),
        ("POST", "replicas/on/n/grow"),
        ("DELETE", "replicas/on/n/shrink"),
    ):
        refused = await http(method, f"queues/quorum/{path}", None, 400)
        assert "single node" in refused["reason"]
    await http("PUT", "queues/%2F/classic", {}, 201)
    await http("GET", "queues/quorum/%2F/classic/status", None, 404)


async def test_a_consumer_is_cancelled(http: Http, live: LiveServer):
    await declared(http)
    client = live.connect()
    client.consume("q", "a/b")
    live.engine.run()
    name = quote(client.connection.name, safe="")
    live.add_user("ann", "management", permissions=(".*", ".*", ".*"))
    await http("DELETE", f"consumers/%2F/{name}/1/a%2Fb", None, 401, user="ann")
    await http("DELETE", f"consumers/%2F/{name}/2/a%2Fb", None, 404)
    await http("DELETE", f"consumers/%2F/{name}/1/a%2Fb", None, 204)
    assert client.names()[-1] == "basic.cancel"
    assert live.vhost.queues["q"].consumer_count == 0
    await http("DELETE", f"consumers/%2F/{name}/1/a%2Fb", None, 404)


async def test_actions(http: Http, live: LiveServer):
    await declared(http)
    for action in ("sync", "cancel_sync"):
        await http("POST", f"{QUEUE}/actions", {"action": action}, 204)
    refused = await http("POST", f"{QUEUE}/actions", {"action": "bogus"}, 400)
    assert refused["reason"] == '["unknown","bogus"]: action'
    live.add_user("ann", "monitoring", permissions=(".*", ".*", ".*"))
    await http("POST", f"{QUEUE}/actions", {"action": "sync"}, 401, user="ann")


async def test_a_plus_may_be_a_space(http: Http):
    await http("PUT", "queues/%2F/a%20b", {}, 201)
    for name in ("a%20b", "a+b"):
        assert (await http("GET", f"queues/%2F/{name}"))["name"] == "a b"
    await http("PUT", "queues/%2F/a+b", {}, 201)
    assert (await http("GET", "queues/%2F/a+b"))["name"] == "a+b"


@pytest.mark.parametrize("name", ["amq.mine", "amq.", "amq.gen-x"])
async def test_reserved_names(http: Http, name: str):
    refused = await http("PUT", f"queues/%2F/{name}", {}, 401)
    assert refused == {"error": "not_authorised", "reason": "Access refused."}


async def test_permissions(http: Http, live: LiveServer):
    live.add_user("ann", "management", permissions=("^mine$", "", ""))
    await http("PUT", "queues/%2F/mine", {}, 201, user="ann")
    await http("PUT", QUEUE, {}, 401, user="ann")
    arguments = {"x-dead-letter-exchange": "amq.fanout"}
    await http("DELETE", "queues/%2F/mine", None, 204, user="ann")
    await http("PUT", "queues/%2F/mine", {"arguments": arguments}, 401, user="ann")
    live.add_user("eve", "administrator", permissions=None)
    refused = await http("PUT", QUEUE, {}, 401, user="eve")
    assert refused["reason"] == "User not authorised to access virtual host"


async def test_a_vhost_that_is_not_there(http: Http):
    assert (await http("PUT", "queues/nosuch/q", {}, 404))["reason"] == "vhost_not_found"
    assert (await http("DELETE", "queues/nosuch/q", None, 404))["reason"] == "Not Found"
