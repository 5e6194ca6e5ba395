"""The same traffic for any broker: something of every kind that its HTTP API can show."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import UnroutableError

from tests.support.eventually import eventually
from tests.support.target import Target

SHOP = "shop"
LATE = 30.0  # RabbitMQ counts up to five seconds late, and more where cores are few
DEFINITIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("vhosts/shop", {"description": "all goods", "tags": "retail,eu"}),
    ("users/ann", {"password": "secret", "tags": "monitoring"}),
    ("users/nobody", {"password_hash": "", "tags": ""}),
    ("permissions/shop/ann", {"configure": ".*", "write": ".*", "read": ".*"}),
    ("topic-permissions/shop/ann", {"exchange": "events", "write": "^a", "read": ".*"}),
    ("vhost-limits/shop/max-queues", {"value": 90}),
    ("user-limits/ann/max-connections", {"value": 9}),
    (
        "policies/shop/short",
        {
            "pattern": "^orders",
            "definition": {"max-length": 500, "dead-letter-exchange": "events"},
            "apply-to": "queues",
            "priority": 2,
        },
    ),
    (
        "policies/shop/astray",
        {
            "pattern": "^events$",
            "definition": {"alternate-exchange": "amq.fanout"},
            "apply-to": "exchanges",
        },
    ),
    (
        "operator-policies/shop/op",
        {"pattern": "^orders", "definition": {"message-ttl": 3600000}, "apply-to": "queues"},
    ),
    ("global-parameters/motto", {"value": {"words": ["run", 1, None, True]}}),
)
QUEUES: dict[str, dict[str, Any]] = {
    "orders": {},
    "orders.quorum": {"x-queue-type": "quorum", "x-delivery-limit": 5},
    "log": {"x-queue-type": "stream", "x-max-age": "1D"},
    "ranked": {"x-max-priority": 3, "x-single-active-consumer": True},
    "untouched": {},
}
CONSUMERS: dict[str, dict[str, Any]] = {
    "orders": {"x-priority": 2},
    "log": {"x-stream-offset": "first"},
}
EXCHANGES = {"events": "topic", "all": "fanout", "by-header": "headers", "plain": "direct"}

# What it comes to.
COUNTS = {
    "publish": 33,
    "confirm": 33,
    "return_unroutable": 1,
    "drop_unroutable": 1,
    "deliver": 12,
    "deliver_no_ack": 6,
    "get": 3,
    "get_no_ack": 1,
    "get_empty": 1,
    "deliver_get": 22,
    "redeliver": 2,
    "ack": 5,
}
LENGTHS = {"messages": 21, "messages_ready": 15, "messages_unacknowledged": 6}
SAMPLED = "?lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=5"


@contextmanager
def traffic(target: Target) -> Iterator[None]:
    """Define, connect, publish, deliver, ack, return; all stays as it is until the block ends."""
    for path, body in DEFINITIONS:
        status, answer = target.api("PUT", path, body)
        assert status in {201, 204}, (path, answer)
    with _connect(target, "consumer") as consuming, _connect(target, "publisher") as publishing:
        channel = consuming.channel()
        _declare(channel)
        publisher = publishing.channel()
        _publish(publisher)
        _consume(channel)
        tagged = consuming.channel()
        tagged.basic_qos(prefetch_count=7, global_qos=True)
        transactions = publishing.channel()
        transactions.tx_select()
        _wait_until_counted(target, consuming, publishing)
        yield


def _connect(target: Target, name: str) -> pika.BlockingConnection:
    parameters = pika.ConnectionParameters(
        *target.amqp,
        virtual_host=SHOP,
        credentials=pika.PlainCredentials("ann", "secret"),
        client_properties={"connection_name": name},
        heartbeat=600,
    )
    return pika.BlockingConnection(parameters)


def _declare(channel: BlockingChannel) -> None:
    for name, kind in EXCHANGES.items():
        channel.exchange_declare(name, kind, durable=True)
    for name, arguments in QUEUES.items():
        channel.queue_declare(name, durable=True, arguments=arguments)
    channel.queue_declare("mine", exclusive=True)
    channel.queue_declare("brief", auto_delete=True)
    channel.queue_bind("orders", "events", "a.#", {"n": 3, "x": "y"})
    channel.queue_bind("log", "all")
    channel.queue_bind("orders", "by-header", "", {"x-match": "all", "colour": "red"})
    channel.exchange_bind("all", "events", "#")


def _publish(channel: BlockingChannel) -> None:
    lasting = pika.BasicProperties(delivery_mode=2, timestamp=1700000000, headers={"n": 1})
    channel.confirm_delivery()
    for name in (*QUEUES, "mine"):
        for _ in range(6 if name != "untouched" else 0):
            channel.basic_publish("", name, b"hello", lasting)
    channel.basic_publish("events", "a.b", b"hello", mandatory=True)
    channel.basic_publish("plain", "nowhere", b"hello")
    try:
        channel.basic_publish("plain", "nowhere", b"hello", mandatory=True)
    except UnroutableError:
        pass
    else:
        raise AssertionError("nobody has got it, and still it was not returned")


def _consume(channel: BlockingChannel) -> None:
    """Acks, a redelivery, gets of all kinds, and consumers of all kinds that hold some back."""
    channel.basic_get("orders", auto_ack=True)
    channel.basic_get("untouched")
    for multiple in (False, True):
        method, _, _ = channel.basic_get("orders")
        assert method is not None
        assert method.delivery_tag
        channel.basic_nack(method.delivery_tag, multiple, requeue=True)
    method, _, _ = channel.basic_get("orders")
    assert method is not None
    assert method.delivery_tag
    channel.basic_ack(method.delivery_tag)
    channel.basic_qos(prefetch_count=2)
    for name in ("orders", "orders.quorum", "log", "ranked"):
        seen: list[int] = []
        channel.basic_consume(
            name,
            lambda _, method, *__, seen=seen: seen.append(method.delivery_tag),
            consumer_tag=f"of-{name}",
            arguments=CONSUMERS.get(name),
        )
        eventually(partial(_delivered, channel, seen), LATE, f"deliveries of {name}")
        channel.basic_ack(seen[0])
    channel.basic_consume("mine", lambda *_: None, auto_ack=True, consumer_tag="of-mine")


def _delivered(channel: BlockingChannel, seen: list[int]) -> bool:
    channel.connection.process_data_events(0)
    return bool(seen)


def _wait_until_counted(target: Target, *connections: pika.BlockingConnection) -> None:
    def counted() -> bool:
        for connection in connections:
            connection.process_data_events(0)
        shown = [target.api("GET", f"overview{query}")[1] for query in ("", SAMPLED)]
        queues = target.api("GET", f"queues/{SHOP}")[1]
        channels = target.api("GET", f"vhosts/{SHOP}/channels")[1]
        return (
            all(COUNTS.items() <= row.get("message_stats", {}).items() for row in shown)
            and all(LENGTHS.items() <= row["queue_totals"].items() for row in shown)
            and all("messages" in row and "state" in row for row in queues)
            and len([row for row in channels if "message_stats" in row]) == 2
            and len(target.api("GET", f"consumers/{SHOP}")[1]) == 5
            and len(channels) == 4
        )

    eventually(counted, LATE, "all is counted")
