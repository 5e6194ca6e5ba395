"""kombu over py-amqp: the layer below Celery."""

import pytest
from kombu import pools
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import ChannelError
from kombu.messaging import Consumer, Producer

from tests.support.eventually import eventually


@pytest.fixture
def connection(target):
    with Connection(target.url, heartbeat=4, transport_options={"confirm_publish": True}) as made:
        yield made


def received(connection, queues, count, **options):
    """Consume `count` messages from the queues; their payloads."""
    seen = []

    def on_message(body, message):
        seen.append(body)
        message.ack()

    with Consumer(connection, queues, callbacks=[on_message], **options):
        while len(seen) < count:
            connection.drain_events(timeout=20)
    return seen


def test_round_trip_of_json(connection, name):
    exchange = Exchange(name("x"), "topic", durable=True)
    queue = Queue(name("q"), exchange, "a.*")
    payload = {"text": "strüng", "list": [1, 2.5, None], "big": 2**40}
    producer = Producer(connection)
    for _ in range(3):
        producer.publish(
            payload, exchange=exchange, routing_key="a.b", declare=[queue], compression="zlib"
        )
    assert received(connection, [queue], 3, prefetch_count=1) == [payload] * 3


def test_header_integers_over_32_bits(connection, name):
    queue = Queue(name("q"), Exchange(""), durable=False)
    queue = queue.bind(connection)
    queue.declare()
    Producer(connection).publish("x", routing_key=queue.name, headers={"eta": 2**40, "n": 5})
    message = eventually(queue.get)
    assert message.headers == {"eta": 2**40, "n": 5}
    message.ack()


def test_simple_queue(connection, name):
    simple = connection.SimpleQueue(name("simple"))
    for index in range(5):
        simple.put({"n": index})
    assert [simple.get(timeout=20).payload["n"] for _ in range(5)] == list(range(5))
    simple.clear()
    simple.close()


def test_priorities(connection, name):
    queue = Queue(name("q"), Exchange(""), max_priority=10)
    queue(connection).declare()
    producer = Producer(connection)
    for priority in (1, 9, 5):
        producer.publish(priority, routing_key=queue.name, priority=priority)
    assert received(connection, [queue], 3) == [9, 5, 1]


def test_reject_and_requeue(connection, name):
    queue = Queue(name("q"), Exchange(""))(connection)
    queue.declare()
    Producer(connection).publish("x", routing_key=queue.name)
    message = eventually(queue.get)
    message.requeue()
    message = eventually(queue.get)
    assert message.delivery_info["redelivered"]
    message.reject()
    assert queue.get() is None


def test_producer_pool_and_return(connection):
    returned = []
    with pools.producers[connection].acquire(block=True) as producer:
        producer.on_return = lambda *arguments: returned.append(arguments[0].reply_code)
        channel = producer.channel
        channel.events["basic_return"].add(lambda *arguments: returned.append(arguments[0]))
        producer.publish("x", exchange="", routing_key="nowhere", mandatory=True)
    assert returned
    pools.reset()


def test_channel_error(connection):
    channel = connection.channel()
    with pytest.raises(ChannelError, match="NOT_FOUND - no queue 'missing' in vhost '/'"):
        channel.queue_declare("missing", passive=True)
    connection.channel().close()


def test_heartbeat_check(connection):
    connection.ensure_connection(max_retries=1)
    for _ in range(3):
        connection.heartbeat_check()
    assert connection.connected
