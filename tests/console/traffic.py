"""Messages that come and go while a browser looks on."""

import json
import threading
from itertools import count
from typing import Any, Self

import pika
from pika.adapters.blocking_connection import BlockingChannel

QUEUES: dict[str, dict[str, Any]] = {
    "orders": {"x-dead-letter-exchange": "dlx", "x-message-ttl": 600_000},
    "invoices": {"x-max-length": 100_000, "x-overflow": "reject-publish"},
    "mails": {"x-max-priority": 5},
    "payments": {"x-queue-type": "quorum"},
    "events.log": {"x-queue-type": "stream"},
    "dead": {},
}
BINDINGS = [
    ("orders", "order.*"),
    ("invoices", "order.paid"),
    ("mails", "#.mail"),
    ("payments", "*.paid"),
    ("events.log", "#"),
]
KEYS = ("order.new", "order.paid", "order.sent.mail")


class Traffic:
    """About 100 messages a second through the exchange `events`, some of which are rejected."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=run) for run in (self._publish, self._consume)]

    def __enter__(self) -> Self:
        connection, channel = self._connect("setup")
        declare(channel)
        connection.close()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _connect(self, name: str) -> tuple[pika.BlockingConnection, BlockingChannel]:
        parameters = pika.URLParameters(self._url)
        parameters.client_properties = {"connection_name": name}
        connection = pika.BlockingConnection(parameters)
        return connection, connection.channel()

    def _publish(self) -> None:
        connection, channel = self._connect("shop")
        channel.confirm_delivery()
        for number in count():
            if self._stop.is_set():
                break
            publish(channel, number)
            connection.sleep(0.01)
        connection.close()

    def _consume(self) -> None:
        connection, channel = self._connect("worker")
        channel.basic_qos(prefetch_count=20)
        for number, (method, _, _) in enumerate(channel.consume("orders", inactivity_timeout=0.1)):
            if self._stop.is_set():
                break
            if method is None or method.delivery_tag is None:
                continue
            if number % 50 == 7:
                channel.basic_nack(method.delivery_tag, requeue=False)
            else:
                channel.basic_ack(method.delivery_tag)
        connection.close()


def declare(channel: BlockingChannel) -> None:
    """The exchanges, queues and bindings."""
    channel.exchange_declare("events", "topic", durable=True)
    channel.exchange_declare("dlx", "fanout", durable=True)
    for name, arguments in QUEUES.items():
        channel.queue_declare(name, durable=True, arguments=arguments)
    for name, key in BINDINGS:
        channel.queue_bind(name, "events", key)
    channel.queue_bind("dead", "dlx", "")


def publish(channel: BlockingChannel, number: int) -> None:
    """The message of this number."""
    properties = pika.BasicProperties(
        content_type="application/json",
        delivery_mode=2,
        message_id=f"m{number}",
        priority=number % 5,
        headers={"tenant": f"t{number % 3}"},
    )
    body = json.dumps({"id": number, "customer": "hare"}).encode()
    channel.basic_publish("events", KEYS[number % 3], body, properties)
