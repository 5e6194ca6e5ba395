"""kombu's management client: `Connection.get_manager`, which is pyrabbit's."""

from collections.abc import Iterator
from typing import Any

import pytest
from kombu.connection import Connection

from tests.support.broker import Broker
from tests.support.eventually import eventually


@pytest.fixture
def manager(broker: Broker) -> Iterator[Any]:
    with Connection(broker.url) as connection:
        transport: Any = connection.transport
        manager = transport.get_manager(hostname=broker.http.host, port=broker.http.port)
    # Looks for tags that are one text, as they were before 3.9; RabbitMQ 3.10 is no better.
    manager.is_admin = True
    yield manager
    manager.http.client.close()


def test_who_is_there(manager: Any):
    assert manager.is_alive()
    assert manager.get_whoami()["name"] == "guest"
    assert manager.get_overview()["node"] == manager.get_nodes()[0]["name"]


def test_virtual_hosts_users_and_permissions(manager: Any):
    manager.create_vhost("manager")
    assert "manager" in manager.get_vhost_names()
    assert "manager" in [each["name"] for each in manager.get_all_vhosts()]
    assert manager.get_vhost("manager")["name"] == "manager"
    manager.create_user("mia", "secret", "management")
    assert "mia" in [each["name"] for each in manager.get_users()]
    manager.set_vhost_permissions("manager", "mia", "a.*", ".*", ".*")
    assert manager.get_permission("manager", "mia")["configure"] == "a.*"
    assert [each["user"] for each in manager.get_vhost_permissions("manager")] == ["guest", "mia"]
    assert [each["vhost"] for each in manager.get_user_permissions("mia")] == ["manager"]
    assert len(manager.get_permissions()) == 3
    manager.delete_permission("manager", "mia")
    manager.delete_user("mia")
    manager.delete_vhost("manager")
    assert manager.get_vhost_names() == ["/"]


def test_queues_exchanges_and_bindings(manager: Any):
    manager.create_queue("/", "tasks", durable=True)
    manager.create_exchange("/", "events", "topic", durable=True)
    manager.create_binding("/", "events", "tasks", "a.#")
    assert manager.get_queue("/", "tasks")["durable"]
    assert manager.get_exchange("/", "events")["type"] == "topic"
    assert [each["name"] for each in manager.get_queues("/")] == ["tasks"]
    assert "events" in [each["name"] for each in manager.get_exchanges("/")]
    bindings = manager.get_queue_bindings("/", "tasks")
    assert [each["routing_key"] for each in bindings] == ["tasks", "a.#"]
    assert len(manager.get_bindings()) == 2


def test_messages(manager: Any):
    manager.create_queue("/", "letters")
    assert manager.publish("/", "amq.default", "letters", "hello")
    assert manager.get_queue_depth("/", "letters") == 1
    # Its get_messages has no ackmode, without which RabbitMQ 3.10 refuses it, too.
    manager.purge_queues([("letters", "/")])
    assert manager.get_queue_depth("/", "letters") == 0
    manager.delete_queue("/", "letters")
    assert "letters" not in [each["name"] for each in manager.get_queues()]


def test_connections_and_channels(manager: Any, broker: Broker):
    with Connection(broker.url) as connection:
        connection.channel()
        (row,) = manager.get_connections()
        assert manager.get_connection(row["name"])["user"] == "guest"
        (channel,) = manager.get_channels()
        assert manager.get_channel(channel["name"])["number"] == channel["number"]
        manager.delete_connection(row["name"])
        eventually(lambda: not manager.get_connections(), why="it is closed")
