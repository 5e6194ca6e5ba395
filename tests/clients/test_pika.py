"""pika as its users use it: the blocking adapter with a thread, and the asyncio adapter."""

import asyncio
from threading import Thread

import pika
from pika.adapters.asyncio_connection import AsyncioConnection


def parameters(target):
    return pika.URLParameters(target.url + "?heartbeat=5")


def test_worker_and_producer(target, name):
    """The work queue tutorial: durable queue, fair dispatch, acks, confirms."""
    queue, total = name("work"), 100
    done = []

    def work():
        with pika.BlockingConnection(parameters(target)) as connection:
            channel = connection.channel()
            channel.queue_declare(queue, durable=True)
            channel.basic_qos(prefetch_count=5)
            for method, _, body in channel.consume(queue, inactivity_timeout=10):
                assert method is not None, "no delivery for ten seconds"
                assert body is not None
                assert method.delivery_tag is not None
                done.append(int(body))
                channel.basic_ack(method.delivery_tag)
                if len(done) == total:
                    break
            channel.cancel()

    worker = Thread(target=work)
    worker.start()
    with pika.BlockingConnection(parameters(target)) as connection:
        channel = connection.channel()
        channel.queue_declare(queue, durable=True)
        channel.confirm_delivery()
        persistent = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        for index in range(total):
            channel.basic_publish("", queue, str(index), persistent, mandatory=True)
    worker.join(20)
    assert done == list(range(total))


def test_rpc_over_an_exclusive_queue(target):
    """The RPC tutorial: callback queue, correlation id, two connections."""
    with pika.BlockingConnection(parameters(target)) as server:
        serving = server.channel()
        requests = serving.queue_declare("", exclusive=True).method.queue

        def answer(channel, method, properties, body):
            reply = pika.BasicProperties(correlation_id=properties.correlation_id)
            channel.basic_publish("", properties.reply_to, body.upper(), reply)
            channel.basic_ack(method.delivery_tag)

        serving.basic_consume(requests, answer)
        with pika.BlockingConnection(parameters(target)) as client:
            asking = client.channel()
            replies = asking.queue_declare("", exclusive=True).method.queue
            ask = pika.BasicProperties(reply_to=replies, correlation_id="7")
            asking.basic_publish("", requests, "question", ask)
            server.process_data_events(5)
            _, properties, body = next(asking.consume(replies, True, inactivity_timeout=20))
            assert properties is not None
            assert (properties.correlation_id, body) == ("7", b"QUESTION")


def test_publish_and_subscribe(target, name):
    """Topic exchange, two subscribers, graceful cancel."""
    exchange = name("logs")
    with pika.BlockingConnection(parameters(target)) as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange, "topic", auto_delete=True)
        queues = []
        for pattern in ("*.error", "#"):
            queues.append(channel.queue_declare("", exclusive=True).method.queue)
            channel.queue_bind(queues[-1], exchange, pattern)
        for key in ("app.error", "app.info"):
            channel.basic_publish(exchange, key, key)
        seen = [channel.basic_get(queue, auto_ack=True)[2] for queue in queues]
        assert seen == [b"app.error", b"app.error"]


async def test_asyncio_adapter(target, name):
    """The callback style of pika's asynchronous example, within asyncio."""
    queue, loop = name("async"), asyncio.get_running_loop()
    received, closed = loop.create_future(), loop.create_future()
    bodies = []

    def on_message(channel, method, _properties, body):
        bodies.append(body)
        channel.basic_ack(method.delivery_tag)
        if len(bodies) == 10 and not received.done():
            received.set_result(None)

    def on_declared(channel):
        channel.basic_qos(prefetch_count=3)
        channel.basic_consume(queue, on_message)
        for index in range(10):
            channel.basic_publish("", queue, str(index))

    def on_channel(channel):
        channel.confirm_delivery(lambda _: None)
        channel.queue_declare(queue, callback=lambda _: on_declared(channel))

    connection = AsyncioConnection(
        parameters(target),
        on_open_callback=lambda opened: opened.channel(on_open_callback=on_channel),
        on_open_error_callback=lambda _, error: received.set_exception(error),
        on_close_callback=lambda _, reason: closed.set_result(reason),
    )
    await asyncio.wait_for(received, 10)
    assert bodies == [str(index).encode() for index in range(10)]
    connection.close()
    await asyncio.wait_for(closed, 5)
