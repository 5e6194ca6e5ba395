"""Definitions move from RabbitMQ to Leveret and back, and nothing is lost on the way."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import Broker
from tests.support.debian import or_skip
from tests.support.rabbitmq import RabbitMQ, install
from tests.support.target import Target

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KINDS = (
    "users",
    "vhosts",
    "permissions",
    "topic_permissions",
    "parameters",
    "policies",
    "queues",
    "exchanges",
    "bindings",
)
# What Leveret, and RabbitMQ 4, say beyond RabbitMQ 3.10.
BEYOND = {"vhosts": {"description", "tags", "default_queue_type", "metadata"}}

EVERYTHING: dict[str, Any] = {
    "vhosts": [{"name": "shop"}],
    "users": [
        {
            "name": "ann",
            "password_hash": "LxTiS+loTgPARKyd8ZSeQIQQmzmU2Xcth3s8GZ2x7DRFQznF",
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": ["monitoring", "policymaker"],
            "limits": {"max-connections": 7},
        },
        {
            "name": "nobody",
            "password_hash": "",
            "hashing_algorithm": "rabbit_password_hashing_sha512",
            "tags": [],
            "limits": {},
        },
    ],
    "permissions": [
        {"user": "ann", "vhost": "shop", "configure": "^ann\\.", "write": ".*", "read": ""}
    ],
    "topic_permissions": [
        {"user": "ann", "vhost": "shop", "exchange": "events", "write": "^{username}", "read": ".*"}
    ],
    "parameters": [
        {
            "component": "vhost-limits",
            "vhost": "shop",
            "name": "limits",
            "value": {"max-queues": 9},
        },
        {
            "component": "operator_policy",
            "vhost": "shop",
            "name": "op",
            "value": {
                "pattern": ".*",
                "apply-to": "queues",
                "definition": {"max-length": 5000},
                "priority": 3,
            },
        },
    ],
    "policies": [
        {
            "vhost": "shop",
            "name": "short",
            "pattern": "^o",
            "apply-to": "queues",
            "definition": {"message-ttl": 60000, "dead-letter-exchange": "events"},
            "priority": 1,
        }
    ],
    "queues": [
        {
            "vhost": "shop",
            "name": "orders",
            "durable": True,
            "auto_delete": False,
            "arguments": {"x-queue-type": "classic", "x-max-priority": 5, "x-message-ttl": 1000},
        },
        {
            "vhost": "shop",
            "name": "log",
            "durable": True,
            "auto_delete": False,
            "arguments": {"x-queue-type": "stream", "x-max-age": "1D"},
        },
    ],
    "exchanges": [
        {
            "vhost": "shop",
            "name": "events",
            "type": "topic",
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": {"alternate-exchange": "amq.fanout"},
        }
    ],
    "bindings": [
        {
            "vhost": "shop",
            "source": "events",
            "destination": "orders",
            "destination_type": "queue",
            "routing_key": "orders.#",
            "arguments": {},
        },
        {
            "vhost": "shop",
            "source": "amq.headers",
            "destination": "events",
            "destination_type": "exchange",
            "routing_key": "",
            "arguments": {"x-match": "all", "n": 1, "ok": True},
        },
    ],
}


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[Target]:
    """A real RabbitMQ with all of EVERYTHING."""
    or_skip(install)
    server = RabbitMQ()
    try:
        server.start()
        target = Target(server.amqp, server.http, "rabbitmq")
        load(target, EVERYTHING)
        yield target
    finally:
        server.close()


@pytest.fixture
def leveret(tmp_path: Path) -> Iterator[Target]:
    """A fresh Leveret."""
    with Broker(tmp_path) as broker:
        yield Target(broker.amqp, broker.http, "leveret")


def load(target: Target, document: Any) -> None:
    status, answer = target.api("POST", "definitions", document)
    assert status == 204, answer


def saved(target: Target) -> dict[str, list[Any]]:
    """What a broker exports, by kind, in an order of its own."""
    status, document = target.api("GET", "definitions")
    assert status == 200
    kinds = {}
    for kind in KINDS:
        beyond = BEYOND.get(kind, set())
        rows = [{k: v for k, v in row.items() if k not in beyond} for row in document[kind]]
        kinds[kind] = sorted(rows, key=repr_of)
    return kinds


def repr_of(row: dict[str, Any]) -> str:
    return repr(sorted(row.items(), key=lambda item: item[0]))


def test_from_rabbitmq_to_leveret(rabbitmq: Target, leveret: Target):
    document = rabbitmq.api("GET", "definitions")[1]
    load(leveret, document)
    expected, found = saved(rabbitmq), saved(leveret)
    for kind in KINDS:
        assert found[kind] == expected[kind], kind


def test_from_leveret_to_rabbitmq(rabbitmq: Target, leveret: Target):
    load(leveret, EVERYTHING)
    before = saved(rabbitmq)
    load(rabbitmq, leveret.api("GET", "definitions")[1])
    after = saved(rabbitmq)
    for kind in KINDS:
        if kind != "users":  # guest's hash is salted anew
            assert after[kind] == before[kind], kind


def test_at_start(leveret: Target, tmp_path: Path):
    file = tmp_path / "definitions.json"
    load(leveret, EVERYTHING)
    status, document = leveret.api("GET", "definitions")
    assert status == 200
    file.write_text(json.dumps(document))
    with Broker(tmp_path / "other", "--load-definitions", str(file)) as second:
        assert saved(Target(second.amqp, second.http, "leveret")) == saved(leveret)
