"""Tracing: copies of what is published and delivered in a virtual host."""

import pytest

from tests.support.encoding import plain
from tests.support.eventually import eventually

TRACES = "amq.rabbitmq.trace"


@pytest.fixture
def vhost(admin):
    """A new virtual host with tracing."""
    vhost = admin.vhost()
    admin.put(f"vhosts/{vhost}", {"tracing": True})
    return vhost


@pytest.fixture
def client(wire, vhost):
    """A client there, with a queue `traces` of all traces and a queue `q`."""
    client = wire(vhost=vhost)
    for queue in ("traces", "q"):
        client.call(1, "queue.declare", queue=queue)
    client.call(1, "queue.bind", queue="traces", exchange=TRACES, routing_key="#")
    return client


def next_trace(client):
    """The next trace: its routing key, its body, its headers."""
    got = eventually(lambda: client.get("traces", no_ack=True), why="a trace")
    assert got.method.arguments["exchange"] == TRACES
    return got.method.arguments["routing_key"], got.body, plain(got.properties["headers"])


def traced(vhost, user="guest", **more):
    return {"vhost": vhost, "user": user, "channel": 1, "exchange_name": "", **more}


@pytest.mark.checklist(373)
def test_a_publish_and_a_get(client, vhost):
    properties = {"content_type": "text/x", "delivery_mode": 2, "priority": 3, "timestamp": 5}
    client.publish("", "q", b"body", headers={"a": 1}, **properties)
    key, body, headers = next_trace(client)
    assert (key, body) == ("publish.", b"body")
    assert headers.pop("node")
    assert " -> " in headers.pop("connection")
    shown = {"routing_keys": ["q"], "properties": {"headers": {"a": 1}, **properties}}
    assert headers == traced(vhost, routed_queues=["q"], **shown)
    assert client.get("q", no_ack=True).body == b"body"
    key, body, headers = next_trace(client)
    assert (key, body) == ("deliver.q", b"body")
    assert headers.pop("node")
    assert " -> " in headers.pop("connection")
    assert headers == traced(vhost, redelivered=0, **shown)


@pytest.mark.checklist(373)
def test_deliveries_to_a_consumer(client):
    client.publish("", "q", b"m")
    client.call(1, "basic.consume", queue="q", consumer_tag="c")
    tag = client.expect_content("basic.deliver").method.arguments["delivery_tag"]
    client.send_method(1, "basic.reject", delivery_tag=tag, requeue=True)
    client.expect_content("basic.deliver")
    client.call(1, "basic.cancel", consumer_tag="c")
    traces = [next_trace(client) for _ in range(3)]
    assert [key for key, _, _ in traces] == ["publish.", "deliver.q", "deliver.q"]
    assert [headers.get("redelivered") for _, _, headers in traces] == [None, 0, 1]


@pytest.mark.checklist(373)
def test_a_message_without_a_queue(client):
    client.publish("amq.fanout", "nowhere", b"lost")
    key, body, headers = next_trace(client)
    assert (key, body) == ("publish.amq.fanout", b"lost")
    assert (headers["routed_queues"], headers["properties"]) == ([], {})


@pytest.mark.checklist(373)
def test_on_and_off(admin, client, vhost):
    client.publish("", "q", b"1")
    assert next_trace(client)[1] == b"1"
    admin.put(f"vhosts/{vhost}", {"tracing": False})
    client.publish("", "q", b"2")
    for body in (b"1", b"2"):
        assert client.get("q", no_ack=True).body == body
    assert client.get("traces", no_ack=True) is None
    admin.put(f"vhosts/{vhost}", {"tracing": True})
    client.publish("", "q", b"3")
    assert next_trace(client)[1] == b"3"
