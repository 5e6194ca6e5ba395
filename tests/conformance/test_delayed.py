"""The delayed-message exchange (checklist 158-161); Debian's RabbitMQ comes without the plug-in."""

import time

import pika
import pytest

from tests.conformance.helpers import Inbox, bound, get, publish, ready, refused, take
from tests.support.eventually import eventually, stays
from tests.support.wire import wire

pytestmark = pytest.mark.differs("comes without the plug-in rabbitmq_delayed_message_exchange")

TYPE = "x-delayed-message"


@pytest.fixture
def delayed(channel, name):
    """Declares a delayed exchange of another type."""

    def make(inner="direct", **options):
        exchange = name("delayed")
        arguments = {"x-delayed-type": inner}
        channel.exchange_declare(exchange, TYPE, arguments=arguments, **options)
        return exchange

    return make


def waiting(target, exchange):
    """How many messages wait, as the management API tells it."""
    status, rows = target.api("GET", "exchanges/%2F")
    assert status == 200
    (row,) = (row for row in rows if row["name"] == exchange)
    return row["messages_delayed"]


@pytest.mark.checklist(158)
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "Invalid argument, 'x-delayed-type' must be an existing exchange type"),
        (
            {"x-delayed-type": 5},
            "Invalid argument, 'x-delayed-type' must be an existing exchange type",
        ),
        (
            {"x-delayed-type": TYPE},
            "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'",
        ),
        ({"x-delayed-type": "foo"}, "unknown exchange type 'foo'"),
    ],
    ids=["none", "no string", "itself", "unknown"],
)
def test_the_inner_type_must_exist(channel, name, arguments, text):
    with refused(406, f"PRECONDITION_FAILED - {text}"):
        channel.exchange_declare(name("delayed"), TYPE, arguments=arguments)


@pytest.mark.checklist(159)
def test_order_of_time_and_negated_header(channel, delayed):
    exchange = delayed()
    queue = bound(channel, exchange, "k")
    for delay in (300, 60, 180):
        publish(channel, exchange, "k", f"{delay}", headers={"x-delay": delay, "a": "b"})
    box = Inbox(channel, queue, auto_ack=True)
    assert box.wait(3) == [b"60", b"180", b"300"]
    headers = [properties.headers for _, properties, _ in box.deliveries]
    assert headers == [{"x-delay": -delay, "a": "b"} for delay in (60, 180, 300)]


@pytest.mark.checklist(159)
def test_late_by_at_most_50_ms(connection, channel, delayed):
    exchange = delayed("fanout")
    queue = bound(channel, exchange)
    box = Inbox(connection.channel(), queue, auto_ack=True)
    for delay in (100, 200):
        begin = time.monotonic()
        count = len(box.bodies)
        publish(channel, exchange, "", "m", headers={"x-delay": delay})
        box.wait(count + 1)
        # The rest is the time that a slow machine takes to publish and to deliver.
        assert delay / 1000 <= time.monotonic() - begin < delay / 1000 + 0.25


@pytest.mark.checklist(160)
@pytest.mark.parametrize("headers", [None, {}, {"x-delay": 0}, {"x-delay": -100}, {"x-delay": "s"}])
def test_without_a_delay_it_goes_at_once(channel, delayed, headers):
    exchange = delayed("topic")
    queue = bound(channel, exchange, "#")
    publish(channel, exchange, "k", "m", headers=headers)
    assert get(channel, queue)[1].headers == headers


@pytest.mark.checklist(160)
def test_text_is_a_number_too(channel, delayed):
    exchange = delayed()
    queue = bound(channel, exchange, "k")
    publish(channel, exchange, "k", "m", headers={"x-delay": "100"})
    assert take(channel, queue) == []
    assert get(channel, queue)[1].headers == {"x-delay": -100}


@pytest.mark.checklist(159)
def test_a_mandatory_message_that_waits_is_returned(channel, delayed):
    channel.confirm_delivery()
    exchange = delayed("fanout")
    queue = bound(channel, exchange)
    with pytest.raises(pika.exceptions.UnroutableError):
        channel.basic_publish(
            exchange, "", b"m", pika.BasicProperties(headers={"x-delay": 100}), mandatory=True
        )
    assert get(channel, queue)[2] == b"m"


@pytest.mark.checklist(159)
def test_waiting_messages_are_counted(channel, delayed, target):
    exchange = delayed("fanout")
    bound(channel, exchange)
    channel.confirm_delivery()
    publish(channel, exchange, "", "1", "2", headers={"x-delay": 60000})
    assert waiting(target, exchange) == 2


@pytest.mark.checklist(161)
def test_deletion_drops_what_waits(channel, delayed, target):
    exchange = delayed("fanout")
    queue = bound(channel, exchange)
    publish(channel, exchange, "", "m", headers={"x-delay": 100})
    channel.exchange_delete(exchange)
    channel.exchange_declare(exchange, TYPE, arguments={"x-delayed-type": "fanout"})
    channel.queue_bind(queue, exchange)
    stays(lambda: ready(channel, queue) == 0, 0.3)


@pytest.mark.checklist(159)
@pytest.mark.parametrize("inner", ["topic", "headers", "x-consistent-hash", "x-random"])
def test_it_routes_as_its_inner_type(channel, delayed, inner):
    exchange = delayed(inner)
    queue = bound(channel, exchange, "1")
    publish(channel, exchange, "1", "m", headers={"x-delay": 20})
    assert get(channel, queue)[2] == b"m"


@pytest.mark.checklist(161)
@pytest.mark.parametrize("kill", [False, True])
def test_what_waits_survives_a_restart(leveret, kill):
    broker = leveret()
    arguments = {"x-delayed-type": "fanout"}
    with wire(broker.amqp) as client:
        client.call(
            1, "exchange.declare", exchange="d", type=TYPE, durable=True, arguments=arguments
        )
        client.call(1, "queue.declare", queue="q", durable=True)
        client.call(1, "queue.bind", queue="q", exchange="d")
        client.call(1, "confirm.select")
        for body, delay, mode in ((b"overdue", 50, 2), (b"later", 1500, 1), (b"last", 60_000, 2)):
            client.publish("d", "", body, headers={"x-delay": delay}, delivery_mode=mode)
            client.expect("basic.ack", 1)
    broker.restart(kill=kill)
    with wire(broker.amqp) as client:
        for body in (b"overdue", b"later"):
            got = eventually(lambda: client.get("q", no_ack=True))
            assert got is not None
            assert got.body == body
        assert client.get("q") is None
