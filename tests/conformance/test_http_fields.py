"""The members of queues, exchanges, bindings and consumers, with their types (management 3.5-3.8).

Both brokers must have all of them after the same traffic. RabbitMQ counts up to five seconds late.
"""

from collections.abc import Callable, Iterator
from types import NoneType
from typing import Any

import pika
import pytest

from tests.support.eventually import eventually
from tests.support.target import Target

LATE = 15.0
TEXT = (str, NoneType)
NUMBER = (int, float)

CONFIGURATION = {
    "name": str,
    "vhost": str,
    "type": str,
    "durable": bool,
    "auto_delete": bool,
    "exclusive": bool,
    "arguments": dict,
    "node": str,
    "state": str,
}
ANY_QUEUE = CONFIGURATION | {
    "policy": TEXT,
    "operator_policy": TEXT,
    "effective_policy_definition": dict,
    "consumers": int,
    "messages": int,
    "messages_details": dict,
    "messages_ready": int,
    "messages_ready_details": dict,
    "messages_unacknowledged": int,
    "messages_unacknowledged_details": dict,
    "memory": int,
    "reductions": int,
    "reductions_details": dict,
    "message_stats": dict,
}
CLASSIC = ANY_QUEUE | {
    "garbage_collection": dict,
    "consumer_capacity": NUMBER,
    "consumer_utilisation": NUMBER,
    "messages_ram": int,
    "messages_persistent": int,
    "messages_ready_ram": int,
    "messages_unacknowledged_ram": int,
    "messages_paged_out": int,
    "message_bytes": int,
    "message_bytes_ready": int,
    "message_bytes_unacknowledged": int,
    "message_bytes_ram": int,
    "message_bytes_persistent": int,
    "message_bytes_paged_out": int,
    "head_message_timestamp": (int, NoneType),
    "exclusive_consumer_tag": TEXT,
    "single_active_consumer_tag": TEXT,
    "recoverable_slaves": (list, NoneType),
    "backing_queue_status": dict,
}
QUORUM = ANY_QUEUE | {
    "garbage_collection": dict,
    "consumer_capacity": NUMBER,
    "consumer_utilisation": NUMBER,
    "messages_ram": int,
    "messages_persistent": int,
    "messages_dlx": int,
    "message_bytes": int,
    "message_bytes_ready": int,
    "message_bytes_unacknowledged": int,
    "message_bytes_ram": int,
    "message_bytes_persistent": int,
    "message_bytes_dlx": int,
    "leader": str,
    "members": list,
    "online": list,
    "open_files": dict,
    "single_active_consumer_ctag": TEXT,
}
STREAM = ANY_QUEUE | {"members": list, "online": list, "readers": dict}
SINGLE = {
    "consumer_details": list,
    "incoming": list,
    "deliveries": list,
    "garbage_collection": dict,
}
ONLY_SINGLE = ("consumer_details", "incoming", "deliveries")
COLLECTED = ("fullsweep_after", "max_heap_size", "min_bin_vheap_size", "min_heap_size", "minor_gcs")

EXCHANGE = {
    "name": str,
    "vhost": str,
    "type": str,
    "durable": bool,
    "auto_delete": bool,
    "internal": bool,
    "arguments": dict,
    "user_who_performed_action": str,
    "message_stats": dict,
}
BINDING = {
    "source": str,
    "vhost": str,
    "destination": str,
    "destination_type": str,
    "routing_key": str,
    "arguments": dict,
    "properties_key": str,
}
CONSUMER = {
    "arguments": dict,
    "ack_required": bool,
    "active": bool,
    "activity_status": str,
    "channel_details": dict,
    "consumer_tag": str,
    "exclusive": bool,
    "prefetch_count": int,
    "queue": dict,
}
CHANNEL_DETAILS = {
    "connection_name": str,
    "name": str,
    "node": str,
    "number": int,
    "peer_host": str,
    "peer_port": int,
    "user": str,
}
TYPES = {"fields-classic": CLASSIC, "fields-quorum": QUORUM, "fields-stream": STREAM}


def wrong(row: dict[str, Any], members: dict[str, Any]) -> dict[str, Any]:
    """Members that are missing or of another type."""
    return {
        name: row.get(name, "missing")
        for name, kind in members.items()
        if name not in row or not isinstance(row[name], kind) or _bool_for_int(row[name], kind)
    }


def complete(get: Callable[[], dict[str, Any]], members: dict[str, Any]) -> dict[str, Any]:
    """The row, once all members are there: RabbitMQ gathers them from several places."""

    def row() -> dict[str, Any]:
        found = get()
        assert wrong(found, members) == {}
        return found

    return eventually(row, LATE)


def _bool_for_int(value: Any, kind: Any) -> bool:
    return isinstance(value, bool) and kind is not bool


@pytest.fixture(scope="module")
def traffic(target: Target) -> Iterator[None]:
    """A queue of each type with ready and unacked messages and a consumer, until both show it."""
    parameters = pika.ConnectionParameters(*target.amqp, heartbeat=0)
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        for name in TYPES:
            arguments: Any = {"x-queue-type": name.partition("-")[2]}
            channel.queue_declare(name, durable=True, arguments=arguments)
        channel.exchange_declare("fields-exchange", "topic", durable=True)
        channel.queue_bind("fields-classic", "fields-exchange", "a.#", {"n": 3})
        channel.confirm_delivery()
        channel.basic_qos(prefetch_count=2)
        for name in TYPES:
            for _ in range(4):
                channel.basic_publish("", name, b"hello", pika.BasicProperties(delivery_mode=2))
            channel.basic_consume(name, lambda *_: None, consumer_tag=f"ctag-{name}")
        channel.basic_publish("fields-exchange", "a.b", b"hello")
        _wait_until_shown(target, connection)
        yield
    for name in TYPES:
        target.api("DELETE", f"queues/%2F/{name}")
    target.api("DELETE", "exchanges/%2F/fields-exchange")


def _wait_until_shown(target: Target, connection: pika.BlockingConnection) -> None:
    def shown() -> bool:
        connection.process_data_events(0)
        rows = target.api("GET", "queues/%2F")[1]
        found = [row for row in rows if row["name"] in TYPES]
        exchange = target.api("GET", "exchanges/%2F/fields-exchange")[1]
        consumers = target.api("GET", "consumers/%2F")[1]
        return (
            all(row.get("messages", 0) >= 4 and "message_stats" in row for row in found)
            and "message_stats" in exchange
            and len([each for each in consumers if each["queue"]["name"] in TYPES]) >= 2
        )

    eventually(shown, LATE, "all of it is shown")


@pytest.mark.parametrize("name", TYPES)
def test_a_queue(target: Target, traffic: None, name: str):
    path = f"queues/%2F/{name}"
    row = complete(lambda: target.api("GET", path)[1], TYPES[name] | SINGLE)
    assert wrong(row["garbage_collection"], dict.fromkeys(COLLECTED, int)) == {}


@pytest.mark.parametrize("name", TYPES)
def test_a_queue_in_a_list(target: Target, traffic: None, name: str):
    def listed() -> dict[str, Any]:
        rows: list[dict[str, Any]] = target.api("GET", "queues/%2F")[1]
        (row,) = [row for row in rows if row["name"] == name]
        return row

    row = complete(listed, TYPES[name])
    assert not row.keys() & set(ONLY_SINGLE)


def test_a_queue_without_statistics(target: Target, traffic: None):
    rows = target.api("GET", "queues/%2F?disable_stats=true")[1]
    (row,) = [row for row in rows if row["name"] == "fields-classic"]
    assert row.keys() == CONFIGURATION.keys()
    assert wrong(row, CONFIGURATION) == {}


def test_what_is_in_a_queue(target: Target, traffic: None):
    row = target.api("GET", "queues/%2F/fields-classic")[1]
    assert row["message_bytes"] == row["message_bytes_ram"] == 5 * row["messages"] == 25
    assert row["message_bytes_unacknowledged"] == 5 * row["messages_unacknowledged"] == 10
    assert (row["messages_persistent"], row["message_bytes_persistent"]) == (4, 20)


def test_an_exchange(target: Target, traffic: None):
    path = "exchanges/%2F/fields-exchange"
    lists = {"incoming": list, "outgoing": list}
    complete(lambda: target.api("GET", path)[1], EXCHANGE | lists)
    rows = target.api("GET", "exchanges/%2F")[1]
    (row,) = [row for row in rows if row["name"] == "fields-exchange"]
    assert row.keys() == EXCHANGE.keys()


def test_a_binding(target: Target, traffic: None):
    rows = target.api("GET", "queues/%2F/fields-classic/bindings")[1]
    assert len(rows) == 2
    for row in rows:
        assert row.keys() == BINDING.keys()
        assert wrong(row, BINDING) == {}


def test_a_consumer(target: Target, traffic: None):
    def shown() -> dict[str, Any]:
        found: dict[str, Any]
        (found,) = target.api("GET", "queues/%2F/fields-classic")[1]["consumer_details"]
        return found

    row = complete(shown, CONSUMER)
    assert wrong(row["channel_details"], CHANNEL_DETAILS) == {}
    rows = target.api("GET", "consumers/%2F")[1]
    assert row in rows
