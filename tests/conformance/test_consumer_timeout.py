"""Deliveries that nobody acknowledges in time (checklist 254, 255).

RabbitMQ 3.10 has one timeout of half an hour for the whole broker.
"""

import pytest

from tests.conformance.helpers import Inbox, declare, get, publish, ready
from tests.support.eventually import eventually, stays

pytestmark = pytest.mark.differs("has one timeout for the whole broker, of half an hour")

TIMEOUT = 300
ARGUMENT = {"x-consumer-timeout": TIMEOUT}
TEXT = (
    "PRECONDITION_FAILED - delivery acknowledgement on channel {} timed out. Timeout value used: "
    "300 ms. This timeout value can be configured, see consumers doc guide to learn more"
)


@pytest.fixture
def quorum(channel, name):
    """Declares a quorum queue with these arguments."""

    def make(**arguments):
        queue = name("quorum")
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"} | arguments)
        return queue

    return make


def times_out(connection, channel):
    """Waits until the channel is closed for it."""

    def gone():
        connection.process_data_events(0)
        return not channel.is_open

    eventually(gone)


@pytest.mark.checklist(254)
def test_a_classic_queue_closes_the_channel(connection, channel):
    queue = declare(channel, arguments=ARGUMENT)
    publish(channel, "", queue, "1", "2")
    other = connection.channel()
    reasons = []
    other._impl.add_on_close_callback(lambda _, reason: reasons.append(reason))
    Inbox(other, queue).wait(2)
    other.basic_ack(1)
    times_out(connection, other)
    (reason,) = reasons
    assert (reason.reply_code, reason.reply_text) == (406, TEXT.format(other.channel_number))
    got = get(channel, queue)
    assert (got[0].redelivered, got[2]) == (True, b"2")


@pytest.mark.checklist(254)
def test_a_get_times_out_too(connection, channel):
    queue = declare(channel, arguments=ARGUMENT)
    publish(channel, "", queue, "m")
    other = connection.channel()
    get(other, queue)
    times_out(connection, other)
    assert ready(channel, queue) == 1


@pytest.mark.checklist(255)
def test_a_consumer_asks_for_it(connection, channel):
    queue = declare(channel)
    publish(channel, "", queue, "m")
    other = connection.channel()
    Inbox(other, queue, arguments=ARGUMENT).wait(1)
    times_out(connection, other)
    assert ready(channel, queue) == 1


@pytest.mark.checklist(254, 255)
@pytest.mark.parametrize("whose", ["queue", "consumer"])
def test_a_quorum_queue_cancels_the_consumer(connection, channel, quorum, whose):
    queue = quorum(**ARGUMENT if whose == "queue" else {})
    publish(channel, "", queue, "m")
    other = connection.channel()
    box = Inbox(other, queue, arguments=ARGUMENT if whose == "consumer" else None)
    box.wait(1)
    eventually(lambda: box.pump() and box.cancelled)
    assert other.is_open
    method, properties, _ = get(channel, queue)
    assert method.redelivered
    assert properties.headers["x-delivery-count"] == 0


@pytest.mark.checklist(254)
def test_who_acknowledges_in_time_goes_on(channel, quorum):
    queue = quorum(**ARGUMENT)
    box = Inbox(channel, queue, auto_ack=False)
    for count in range(1, 5):
        publish(channel, "", queue, "m")
        box.wait(count)
        stays(box.pump, 0.15)
        box.ack_all()
    box.settle()
    assert not box.cancelled
    assert ready(channel, queue) == 0
