"""What a virtual host may bring: octets that are stored, messages a second (docs/security.md)."""

import time
from contextlib import contextmanager

import pytest

from tests.support.eventually import eventually
from tests.support.wire import CAPABLE, wire

pytestmark = pytest.mark.differs("RabbitMQ has no limits of stored bytes and of the publish rate")

BODY = bytes(1000)
# A message that does not wait is confirmed sooner (seconds).
SOON = 0.5


@contextmanager
def in_vhost(target, vhost):
    """A client in confirm mode with a durable queue `q`, which is told when it is blocked."""
    with wire(target.amqp, vhost=vhost, client_properties=CAPABLE) as client:
        client.call(1, "queue.declare", queue="q", durable=True)
        client.call(1, "confirm.select")
        yield client


def confirm(client, count, sent=0):
    """Publishes behind what was sent before, and returns once all is confirmed."""
    for _ in range(count):
        client.publish("", "q", BODY, delivery_mode=2)
    confirmed = 0
    while confirmed < sent + count:
        confirmed = client.expect("basic.ack").arguments["delivery_tag"]


def limit(admin, vhost, name, value):
    admin.put(f"vhost-limits/{vhost}/{name}", {"value": value})


@pytest.fixture
def vhost(admin):
    return admin.vhost()


@pytest.fixture
def publisher(target, vhost):
    with in_vhost(target, vhost) as client:
        yield client


def fill(client, most=100):
    """Publishes until it is held up, some messages late; the reason, and how many are confirmed."""
    confirmed = 0
    for number in range(1, most + 1):
        client.publish("", "q", BODY, delivery_mode=2)
        method = client.read_method()
        if method.name == "connection.blocked":
            return method.arguments["reason"], confirmed
        assert (method.name, method.arguments["delivery_tag"]) == ("basic.ack", number)
        confirmed = number
    raise AssertionError(f"{most} messages were taken")


def test_who_stores_too_much_is_held_up_until_there_is_less(admin, target, vhost, publisher):
    limit(admin, vhost, "max-stored-bytes", 10_000)
    reason, stored = fill(publisher)
    assert reason == f"vhost '{vhost}' has reached its limit of stored bytes (10000)"
    assert stored >= 10
    with in_vhost(target, vhost) as consumer:
        assert consumer.call(1, "queue.purge", queue="q").arguments["message_count"] == stored
    publisher.expect("connection.unblocked", 0)
    publisher.expect("basic.ack", delivery_tag=stored + 1)


def test_unacked_messages_are_stored_too(admin, target, vhost, publisher):
    limit(admin, vhost, "max-stored-bytes", 10_000)
    with in_vhost(target, vhost) as consumer:
        consumer.call(1, "basic.consume", queue="q", consumer_tag="c")
        stored = fill(publisher)[1]
        for _ in range(stored):
            consumer.expect_content("basic.deliver")
        consumer.send_method(1, "basic.ack", delivery_tag=stored, multiple=True)
        publisher.expect("connection.unblocked", 0)


@pytest.mark.parametrize("change", ["more", "none"])
def test_another_limit_counts_at_once(admin, target, vhost, publisher, change):
    limit(admin, vhost, "max-stored-bytes", 1000)
    confirm(publisher, 1)
    publisher.publish("", "q", BODY, delivery_mode=2)
    publisher.expect("connection.blocked", 0)
    if change == "more":
        limit(admin, vhost, "max-stored-bytes", 100_000)
    else:
        admin.delete(f"vhost-limits/{vhost}/max-stored-bytes")
    publisher.expect("connection.unblocked", 0)
    publisher.expect("basic.ack", delivery_tag=2)


def test_others_are_not_held_up(admin, target, vhost, publisher):
    limit(admin, vhost, "max-stored-bytes", 1000)
    confirm(publisher, 1)
    publisher.publish("", "q", BODY, delivery_mode=2)
    publisher.expect("connection.blocked", 0)
    other = admin.vhost()
    limit(admin, other, "max-stored-bytes", 1_000_000)
    with in_vhost(target, other) as client:
        confirm(client, 20)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("max-stored-bytes", 0, "has reached its limit of stored bytes (0)"),
        ("max-publish-rate", 0, "may take no messages"),
    ],
)
def test_publishing_over_http_is_refused(admin, target, vhost, publisher, name, value, text):
    limit(admin, vhost, name, value)
    body = {"properties": {}, "routing_key": "q", "payload": "m", "payload_encoding": "string"}
    path = f"exchanges/{vhost}/amq.default/publish"

    def refused():
        status, answer = target.api("POST", path, body)
        return status == 400 and text in answer["reason"]

    eventually(refused, why="a full virtual host refuses")
    admin.delete(f"vhost-limits/{vhost}/{name}")
    assert target.api("POST", path, body) == (200, {"routed": True})


def test_publishing_faster_than_the_rate_takes_its_time(admin, target, vhost, publisher):
    limit(admin, vhost, "max-publish-rate", 20)
    confirm(publisher, 20)  # a second's worth may come at once
    began = time.monotonic()
    confirm(publisher, 20, sent=20)  # a connection waits once it has brought too much
    confirm(publisher, 1, sent=40)
    assert time.monotonic() - began > SOON
    admin.delete(f"vhost-limits/{vhost}/max-publish-rate")
    confirm(publisher, 500, sent=41)  # which would have taken 25 seconds


def test_the_rate_is_that_of_all_connections(admin, target, vhost, publisher):
    limit(admin, vhost, "max-publish-rate", 20)
    with in_vhost(target, vhost) as other:
        began = time.monotonic()
        confirm(publisher, 15)
        confirm(other, 15)
        confirm(publisher, 10, sent=15)
        confirm(publisher, 1, sent=25)
        assert time.monotonic() - began > SOON


def test_a_rate_of_none(admin, target, vhost, publisher):
    limit(admin, vhost, "max-publish-rate", 0)
    publisher.publish("", "q", BODY, delivery_mode=2)
    text = f"vhost '{vhost}' may take no messages"
    publisher.expect("connection.blocked", 0, reason=text)
    limit(admin, vhost, "max-publish-rate", 1000)
    publisher.expect("connection.unblocked", 0)
    publisher.expect("basic.ack", delivery_tag=1)


def test_consuming_goes_on(admin, target, vhost, publisher):
    confirm(publisher, 5)
    limit(admin, vhost, "max-publish-rate", 0)
    with in_vhost(target, vhost) as consumer:
        consumer.call(1, "basic.consume", queue="q", consumer_tag="c", no_ack=True)
        for _ in range(5):
            consumer.expect_content("basic.deliver")
