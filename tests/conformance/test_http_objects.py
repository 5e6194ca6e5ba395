"""Queues, exchanges and bindings through the management API (management reference 2.6, 2.7)."""

import base64
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.conformance.helpers import declare
from tests.support.eventually import eventually
from tests.support.target import Target, path_segment
from tests.support.wire import WireClient

VHOST = "%2F"
ALL = ("configure", "write", "read")


def call(target: Target, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
    """The body of an answer that must have this status."""
    status, answer = target.api(method, path, body)
    assert status == expect, (status, answer)
    return answer


@pytest.fixture
def thing(name: Callable[..., str]) -> str:
    """One name for a test's queue, exchange or both."""
    return name()


@pytest.fixture
def queue(target: Target, thing: str) -> Iterator[str]:
    """A durable queue made over HTTP; its name as a path below /api."""
    path = f"queues/{VHOST}/{path_segment(thing)}"
    call(target, "PUT", path, {"durable": True}, 201)
    yield path
    target.api("DELETE", path)


@pytest.fixture
def exchange(target: Target, thing: str) -> Iterator[str]:
    """A topic exchange made over HTTP."""
    path = f"exchanges/{VHOST}/{path_segment(thing)}"
    call(target, "PUT", path, {"type": "topic", "durable": True}, 201)
    yield path
    target.api("DELETE", path)


# -- queues ------------------------------------------------------------------------------------


def test_a_queue_is_made_once(target: Target, queue: str):
    call(target, "PUT", queue, {"durable": True}, 204)
    shown = call(target, "GET", queue)
    assert shown["durable"] is True
    assert shown["auto_delete"] is shown["exclusive"] is False
    assert shown["type"] == "classic"


def test_another_queue_of_that_name(target: Target, queue: str, thing: str):
    refused = call(target, "PUT", queue, {"durable": "false"}, 400)
    assert refused["error"] == "bad_request"
    text = f"inequivalent arg 'durable' for queue '{thing}' in vhost '/'"
    assert text in refused["reason"]
    assert "received 'false' but current is 'true'" in refused["reason"]


def test_a_queue_is_deleted_once(target: Target, queue: str):
    call(target, "DELETE", queue, None, 204)
    assert call(target, "DELETE", queue, None, 404) == {
        "error": "Object Not Found",
        "reason": "Not Found",
    }


def test_deletion_with_conditions(target: Target, queue: str, thing: str, channel: Any):
    channel.confirm_delivery()
    channel.basic_publish("", thing, b"x")
    refused = call(target, "DELETE", f"{queue}?if-empty=true", None, 400)
    assert refused["reason"].endswith(f"queue '{thing}' in vhost '/' not empty")
    call(target, "DELETE", f"{queue}/contents", None, 204)
    channel.basic_consume(thing, lambda *_: None)
    refused = call(target, "DELETE", f"{queue}?if-unused=true", None, 400)
    assert refused["reason"].endswith(f"queue '{thing}' in vhost '/' in use")


def test_arguments_of_a_queue(target: Target, thing: str):
    path = f"queues/{VHOST}/{path_segment(thing)}"
    call(target, "PUT", path, {"arguments": {"x-message-ttl": 60000, "x-max-priority": 3}}, 201)
    shown = call(target, "GET", path)["arguments"]
    # RabbitMQ 4 and Leveret name the type as well.
    assert shown | {"x-queue-type": "classic"} == {
        "x-message-ttl": 60000,
        "x-max-priority": 3,
        "x-queue-type": "classic",
    }
    call(target, "DELETE", path, None, 204)
    refused = call(target, "PUT", path, {"arguments": {"x-message-ttl": "soon"}}, 400)
    assert f"invalid arg 'x-message-ttl' for queue '{thing}' in vhost '/'" in refused["reason"]


def test_reserved_names(target: Target):
    for path in (f"queues/{VHOST}/amq.mine", f"exchanges/{VHOST}/amq.mine"):
        refused = call(target, "PUT", path, {}, 401)
        assert refused["error"] == "not_authorised"
    call(target, "DELETE", f"exchanges/{VHOST}/amq.topic", None, 401)


def test_objects_in_a_vhost_that_is_not_there(target: Target):
    refused = call(target, "PUT", "queues/nosuch/q", {}, 404)
    assert refused == {"error": "not_found", "reason": "vhost_not_found"}


def test_a_body_that_is_no_object(target: Target, thing: str):
    path = f"queues/{VHOST}/{path_segment(thing)}"
    refused = call(target, "PUT", path, [1], 400)
    assert refused["error"] == "bad_request"


def test_unknown_actions(target: Target, queue: str):
    call(target, "POST", f"{queue}/actions", {"action": "sync"}, 204)
    refused = call(target, "POST", f"{queue}/actions", {"action": "bogus"}, 400)
    assert "bogus" in str(refused["reason"])


# -- exchanges ---------------------------------------------------------------------------------


def test_an_exchange_is_made_once(target: Target, exchange: str):
    call(target, "PUT", exchange, {"type": "topic", "durable": True}, 204)
    shown = call(target, "GET", exchange)
    assert shown["type"] == "topic"
    assert shown["incoming"] == shown["outgoing"] == []


def test_an_exchange_of_another_type(target: Target, exchange: str):
    refused = call(target, "PUT", exchange, {"type": "direct", "durable": True}, 400)
    assert "received 'direct' but current is 'topic'" in refused["reason"]


def test_an_unknown_type(target: Target, thing: str):
    path = f"exchanges/{VHOST}/{path_segment(thing)}"
    refused = call(target, "PUT", path, {"type": "bogus"}, 400)
    assert refused["reason"].endswith("exchange type 'bogus'")


def test_an_exchange_in_use(target: Target, exchange: str, queue: str, thing: str):
    call(
        target, "POST", f"bindings/{VHOST}/e/{path_segment(thing)}/q/{path_segment(thing)}", {}, 201
    )
    refused = call(target, "DELETE", f"{exchange}?if-unused=true", None, 400)
    assert refused["reason"].endswith(f"exchange '{thing}' in vhost '/' in use")


# -- bindings ----------------------------------------------------------------------------------


def test_a_binding_by_its_key(target: Target, exchange: str, queue: str, thing: str):
    ends = f"bindings/{VHOST}/e/{path_segment(thing)}/q/{path_segment(thing)}"
    call(target, "POST", ends, {"routing_key": "a.#"}, 201)
    call(target, "POST", ends, {"routing_key": "a.#"}, 201)
    (row,) = call(target, "GET", ends)
    assert row == {
        "source": thing,
        "vhost": "/",
        "destination": thing,
        "destination_type": "queue",
        "routing_key": "a.#",
        "arguments": {},
        "properties_key": "a.%23",
    }
    for key in ("a.%23", "a.%2523"):
        assert call(target, "GET", f"{ends}/{key}") == row
    call(target, "DELETE", f"{ends}/{quote('a.%23', safe='')}", None, 204)
    call(target, "DELETE", f"{ends}/{quote('a.%23', safe='')}", None, 404)
    assert call(target, "GET", ends) == []


def test_bindings_with_arguments(target: Target, exchange: str, queue: str, thing: str):
    ends = f"bindings/{VHOST}/e/{path_segment(thing)}/q/{path_segment(thing)}"
    call(target, "POST", ends, {"routing_key": "k", "arguments": {"a": 1}}, 201)
    (row,) = call(target, "GET", ends)
    assert row["arguments"] == {"a": 1}
    assert row["properties_key"].startswith("k~")
    key = quote(row["properties_key"], safe="")
    assert call(target, "GET", f"{ends}/{key}") == row
    call(target, "DELETE", f"{ends}/{key}", None, 204)


def test_bindings_of_a_queue_begin_with_the_implicit_one(target: Target, queue: str, thing: str):
    (row,) = call(target, "GET", f"{queue}/bindings")
    assert (row["source"], row["routing_key"], row["properties_key"]) == ("", thing, thing)


def test_bindings_seen_from_the_exchange(target: Target, exchange: str, queue: str, thing: str):
    call(
        target, "POST", f"bindings/{VHOST}/e/{path_segment(thing)}/q/{path_segment(thing)}", {}, 201
    )
    (row,) = call(target, "GET", f"{exchange}/bindings/source")
    assert (row["destination"], row["properties_key"]) == (thing, "~")
    assert call(target, "GET", f"{exchange}/bindings/destination") == []


def test_a_binding_with_a_missing_end(target: Target, exchange: str, thing: str):
    ends = f"bindings/{VHOST}/e/{path_segment(thing)}/q/nosuch"
    refused = call(target, "POST", ends, {}, 404)
    assert refused["error"] == "not_found"
    assert "no queue 'nosuch' in vhost '/'" in refused["reason"]


def test_the_default_exchange_takes_no_bindings(target: Target, queue: str, thing: str):
    ends = f"bindings/{VHOST}/e/amq.default/q/{path_segment(thing)}"
    assert call(target, "POST", ends, {"routing_key": "k"}, 401)["error"] == "not_authorised"


# -- publish and get ---------------------------------------------------------------------------

PROPERTIES = {
    "delivery_mode": 2,
    "headers": {"h": 1, "nested": {"b": True}},
    "content_type": "text/plain",
    "message_id": "m1",
    "timestamp": 1700000000,
    "priority": 1,
    "expiration": "60000",
    "app_id": "a",
}


def publish(target: Target, key: str, **members: Any) -> Any:
    """POST to the default exchange."""
    body = {"routing_key": key, "properties": {}, "payload": "hello", "payload_encoding": "string"}
    return target.api("POST", f"exchanges/{VHOST}/amq.default/publish", body | members)


def get(target: Target, queue: str, **members: Any) -> Any:
    """POST get."""
    body = {"count": 10, "ackmode": "ack_requeue_false", "encoding": "auto"}
    return call(target, "POST", f"{queue}/get", body | members)


def test_publish_and_get(target: Target, queue: str, thing: str):
    assert publish(target, thing, properties=PROPERTIES) == (200, {"routed": True})
    (message,) = get(target, queue, truncate=3)
    assert message == {
        "payload_bytes": 5,
        "redelivered": False,
        "exchange": "",
        "routing_key": thing,
        "message_count": 0,
        "properties": PROPERTIES,
        "payload": "hel",
        "payload_encoding": "string",
    }
    assert get(target, queue) == []


def test_binary_payloads(target: Target, queue: str, thing: str):
    payload = base64.b64encode(b"\xff\x00>").decode()
    publish(target, thing, payload=payload, payload_encoding="base64")
    (message,) = get(target, queue)
    assert (message["payload"], message["payload_encoding"]) == (payload, "base64")
    assert message["properties"] == []


def test_an_unroutable_message(target: Target):
    assert publish(target, "nosuch-queue") == (200, {"routed": False})


def test_messages_put_back_keep_their_order(target: Target, queue: str, thing: str):
    for number in range(3):
        publish(target, thing, payload=str(number))
    first = get(target, queue, ackmode="ack_requeue_true", count="2")
    assert [(m["payload"], m["redelivered"]) for m in first] == [("0", False), ("1", False)]
    again = get(target, queue, ackmode="reject_requeue_true", count=3)
    assert [(m["payload"], m["redelivered"]) for m in again] == [
        ("0", True),
        ("1", True),
        ("2", False),
    ]
    assert [m["message_count"] for m in again] == [2, 1, 0]
    assert len(get(target, queue)) == 3


def test_rejected_messages_are_dead_lettered(target: Target, queue: str, thing: str):
    path = f"queues/{VHOST}/{path_segment(thing + '.source')}"
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": thing}
    call(target, "PUT", path, {"arguments": arguments}, 201)
    publish(target, thing + ".source")
    assert len(get(target, path, ackmode="reject_requeue_false")) == 1
    (message,) = get(target, queue)
    assert message["properties"]["headers"]["x-first-death-reason"] == "rejected"
    call(target, "DELETE", path, None, 204)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"payload": 5}, "payload_not_string"),
        ({"payload_encoding": "hex"}, "unsupported_encoding"),
        ({"payload": "!!!", "payload_encoding": "base64"}, "not_base64"),
        ({"properties": {"delivery_mode": "x"}}, "not_int"),
        ({"properties": {"message_id": 5}}, "not_string"),
    ],
)
def test_what_cannot_be_published(
    target: Target, queue: str, thing: str, members: Any, reason: str
):
    status, refused = publish(target, thing, **members)
    assert status == 400
    assert reason in str(refused["reason"])


def test_publishing_to_an_exchange_that_is_not_there(target: Target):
    body = {"routing_key": "", "properties": {}, "payload": "", "payload_encoding": "string"}
    refused = call(target, "POST", f"exchanges/{VHOST}/nosuch/publish", body, 400)
    assert "404 NOT_FOUND - no exchange 'nosuch' in vhost '/'" in refused["reason"]


def test_members_that_are_missing(target: Target, queue: str):
    refused = call(
        target, "POST", f"exchanges/{VHOST}/amq.default/publish", {"routing_key": ""}, 400
    )
    for member in ("properties", "payload", "payload_encoding"):
        assert f"key_missing,{member}" in refused["reason"]
    refused = call(target, "POST", f"{queue}/get", {"count": 1}, 400)
    assert "key_missing,ackmode" in refused["reason"]


def test_an_encoding_that_is_none(target: Target, queue: str):
    body = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "hex"}
    refused = call(target, "POST", f"{queue}/get", body, 400)
    assert refused["reason"] == "Unsupported encoding. Please use auto or base64."


def test_get_from_a_queue_that_is_not_there(target: Target):
    body = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    refused = call(target, "POST", f"queues/{VHOST}/nosuch/get", body, 404)
    assert refused["error"]


# -- lists -------------------------------------------------------------------------------------


def test_configuration_alone(target: Target, queue: str, thing: str):
    rows = call(target, "GET", f"queues/{VHOST}?disable_stats=true")
    (row,) = [row for row in rows if row["name"] == thing]
    assert "messages" not in row
    publish(target, thing)
    rows = call(target, "GET", f"queues/{VHOST}?disable_stats=true&enable_queue_totals=true")
    (row,) = [row for row in rows if row["name"] == thing]
    assert {"messages", "messages_ready", "messages_unacknowledged"} <= set(row)


def test_consumers(target: Target, thing: str, channel: Any):
    declare(channel, thing)
    channel.basic_qos(prefetch_count=7)
    channel.basic_consume(thing, lambda *_: None, consumer_tag="mine")

    def found() -> list[dict[str, Any]]:
        rows = call(target, "GET", f"consumers/{VHOST}")
        return [row for row in rows if row["queue"]["name"] == thing]

    # RabbitMQ shows consumers up to five seconds late.
    eventually(lambda: found() and found()[0]["channel_details"], why="the consumer is listed")
    (row,) = found()
    assert row["consumer_tag"] == "mine"
    assert row["ack_required"] is row["active"] is True
    assert row["exclusive"] is False
    assert row["prefetch_count"] == 7
    assert row["queue"] == {"name": thing, "vhost": "/"}
    assert row["channel_details"]["number"] == channel.channel_number
    assert row["activity_status"] == "up"


# -- who made it -------------------------------------------------------------------------------


def creators(target: Target, vhost: str, user: str) -> dict[str, str]:
    """By name of an exchange."""
    rows = target.api("GET", f"exchanges/{vhost}", user=user)[1]
    return {row["name"]: row["user_who_performed_action"] for row in rows}


def test_exchanges_tell_who_made_them(target: Target, thing: str):
    ann, vhost = f"ann-{thing}", f"v-{thing}"
    call(target, "PUT", f"users/{ann}", {"password": "x", "tags": "administrator"}, 201)
    login = f"{ann}:x"
    try:
        assert target.api("PUT", f"vhosts/{vhost}", {}, login)[0] == 201
        call(target, "PUT", f"permissions/{vhost}/guest", dict.fromkeys(ALL, ".*"), 201)
        call(target, "PUT", f"exchanges/{vhost}/by-guest", {"durable": False}, 201)
        assert target.api("PUT", f"exchanges/{vhost}/by-ann", {}, login)[0] == 201
        assert target.api("PUT", f"exchanges/{vhost}/by-guest", {"durable": False}, login)[0] == 204
        imported = {"name": "imported", "vhost": vhost, "type": "fanout", "durable": True}
        imported |= {"auto_delete": False, "internal": False, "arguments": {}}
        assert target.api("POST", "definitions", {"exchanges": [imported]}, login)[0] == 204
        with WireClient(target.amqp) as client:
            client.connect(vhost=vhost)
            client.call(1, "exchange.declare", exchange="by-amqp", type="topic")
        made = creators(target, vhost, login)
        assert made.pop("by-guest") == made.pop("by-amqp") == "guest"
        assert set(made.values()) == {ann}
        assert creators(target, VHOST, "guest:guest")["amq.topic"] == "rmq-internal"
    finally:
        target.api("DELETE", f"vhosts/{vhost}")
        target.api("DELETE", f"users/{ann}")


@pytest.mark.differs("has no such list before version 4")
def test_queues_by_who_declared_them(target: Target, thing: str):
    ann, vhost = f"ann-{thing}", f"v-{thing}"
    call(target, "PUT", f"users/{ann}", {"password": "x", "tags": "management"}, 201)
    login = f"{ann}:x"
    try:
        call(target, "PUT", f"vhosts/{vhost}", {}, 201)
        call(target, "PUT", f"permissions/{vhost}/{ann}", dict.fromkeys(ALL, ".*"), 201)
        assert target.api("PUT", f"queues/{vhost}/by-http", {}, login)[0] == 201
        assert target.api("PUT", f"queues/{vhost}/by-http", {})[0] == 204
        imported = {"name": "imported", "vhost": vhost, "durable": True, "auto_delete": False}
        call(target, "POST", "definitions", {"queues": [imported | {"arguments": {}}]}, 204)
        with WireClient(target.amqp) as client:
            client.connect(user=ann, password="x", vhost=vhost)
            client.call(1, "queue.declare", queue="by-amqp", durable=True)
            client.call(1, "queue.declare", queue="hers-alone", exclusive=True)
            rows = target.api("GET", f"users/{ann}/queues", user=login)[1]
            assert [row["name"] for row in rows] == ["by-amqp", "by-http", "hers-alone"]
        guests = call(target, "GET", "users/guest/queues?page=1&page_size=500&sort=name")["items"]
        assert "imported" in [row["name"] for row in guests if row["vhost"] == vhost]
        # What is in other virtual hosts she does not see.
        mine = target.api("GET", "users/guest/queues", user=login)[1]
        assert [row["name"] for row in mine] == ["imported"]
        call(target, "DELETE", f"users/{ann}", None, 204)
        rows = call(target, "GET", f"users/{ann}/queues")
        assert [row["name"] for row in rows] == ["by-amqp", "by-http"]
    finally:
        target.api("DELETE", f"vhosts/{vhost}")
        target.api("DELETE", f"users/{ann}")
