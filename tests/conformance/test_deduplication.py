"""Messages that came before: dropped by an exchange or a queue that is asked to."""

import pika
import pytest

from tests.conformance.helpers import bound, declare, publish, refused, take
from tests.support.eventually import eventually

pytestmark = pytest.mark.differs("it needs a plug-in for this that is not among its own")

HEADER = "x-deduplication-header"
ENABLED = {"x-message-deduplication": True}


@pytest.fixture
def channel(connection):
    """A channel that waits for the confirm of each publish: duplicates are confirmed, too."""
    channel = connection.channel()
    channel.confirm_delivery()
    return channel


@pytest.fixture
def exchange(channel, name):
    """Declares an exchange that drops duplicates, and a queue bound to it."""

    def make(exchange_type="fanout", **arguments):
        exchange = name("dedup")
        table = {key.replace("_", "-"): value for key, value in arguments.items()}
        if exchange_type != "x-message-deduplication":
            table |= ENABLED
        channel.exchange_declare(exchange, exchange_type, auto_delete=True, arguments=table)
        return exchange, bound(channel, exchange, "key")

    return make


def send(channel, exchange, body, key=None, header=HEADER, routing_key="key", **headers):
    if key is not None:
        headers[header] = key
    publish(channel, exchange, routing_key, body, headers=headers)


@pytest.mark.checklist(162)
@pytest.mark.parametrize("exchange_type", ["direct", "topic", "x-message-deduplication"])
def test_an_exchange_lets_it_through_once(channel, exchange, exchange_type):
    source, queue = exchange(exchange_type, x_cache_size=10)
    for body, key in (("1", "a"), ("2", "a"), ("3", "b")):
        send(channel, source, body, key)
    assert take(channel, queue) == [b"1", b"3"]


@pytest.mark.checklist(162)
def test_and_again_after_a_while(channel, exchange):
    source, queue = exchange(x_cache_ttl=200)
    send(channel, source, "1", "a")

    def again():
        send(channel, source, "2", "a")
        return b"2" in take(channel, queue)

    assert take(channel, queue) == [b"1"]
    send(channel, source, "2", "a")
    assert take(channel, queue) == []
    eventually(again, why="the first one forgotten")


@pytest.mark.checklist(163)
def test_without_the_header_nothing_is_a_duplicate(channel, exchange):
    source, queue = exchange()
    for body in "12":
        send(channel, source, body)
    assert take(channel, queue) == [b"1", b"2"]


@pytest.mark.checklist(163)
def test_the_header_can_have_another_name(channel, exchange):
    source, queue = exchange(x_deduplication_header="order")
    for body, key in (("1", 5), ("2", 5), ("3", 6)):
        send(channel, source, body, key, header="order")
    for body in ("4", "5"):
        send(channel, source, body, "a")
    assert take(channel, queue) == [b"1", b"3", b"4", b"5"]


@pytest.mark.checklist(164)
def test_a_full_memory_forgets_the_oldest(channel, exchange):
    source, queue = exchange(x_cache_size=2)
    for body, key in (("1", "a"), ("2", "b"), ("3", "c"), ("4", "c"), ("5", "a")):
        send(channel, source, body, key)
    assert take(channel, queue) == [b"1", b"2", b"3", b"5"]


def test_a_queue_takes_it_once(channel):
    queue = declare(channel, arguments=ENABLED | {"x-cache-size": 2})
    for body, key in (("1", "a"), ("2", "a"), ("3", None), ("4", None)):
        send(channel, "", body, key, routing_key=queue)
    assert take(channel, queue) == [b"1", b"3", b"4"]
    send(channel, "", "5", "a", routing_key=queue)
    assert take(channel, queue) == []


def test_a_mandatory_duplicate_comes_back(connection, exchange):
    source, _ = exchange()
    channel = connection.channel()
    returned: list[bytes] = []
    channel.add_on_return_callback(lambda *content: returned.append(content[3]))
    properties = pika.BasicProperties(headers={HEADER: "a"})
    for body in (b"1", b"2"):
        channel.basic_publish(source, "key", body, properties, mandatory=True)
    eventually(lambda: connection.process_data_events(0) or returned == [b"2"])


@pytest.mark.parametrize("size", [0, -1, "many"])
def test_the_plug_ins_type_needs_a_size(channel, name, size):
    text = "PRECONDITION_FAILED - Missing or invalid argument, 'x-cache-size' must be an integer "
    with refused(406, text + "greater than 0"):
        channel.exchange_declare(
            name("dedup"), "x-message-deduplication", arguments={"x-cache-size": size}
        )
