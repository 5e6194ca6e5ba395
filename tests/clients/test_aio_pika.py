"""aio-pika: confirms, iterators, RPC, and the robust connection over a restart."""

import asyncio

import aio_pika
import pytest
from aio_pika.patterns import RPC, Master
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic


async def test_publish_and_iterate(target, name):
    async with await aio_pika.connect(target.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        exchange = await channel.declare_exchange(name("x"), aio_pika.ExchangeType.TOPIC)
        queue = await channel.declare_queue(name("q"), durable=True)
        await queue.bind(exchange, "a.#")
        message = aio_pika.Message(
            b"m", headers={"n": 1, "s": "x"}, delivery_mode=aio_pika.DeliveryMode.PERSISTENT
        )
        publishing = (exchange.publish(message, f"a.{index}") for index in range(50))
        await asyncio.gather(*publishing)
        count = 0
        async with queue.iterator(timeout=20) as messages:
            async for incoming in messages:
                async with incoming.process():
                    assert incoming.headers == {"n": 1, "s": "x"}
                count += 1
                if count == 50:
                    break


async def test_mandatory_and_missing(target):
    async with await aio_pika.connect(target.url) as connection:
        channel = await connection.channel()
        returned = await channel.default_exchange.publish(aio_pika.Message(b"m"), "nowhere")
        assert isinstance(returned, DeliveredMessage)
        assert isinstance(returned.delivery, Basic.Return)
        assert returned.delivery.reply_code == 312
        with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
            await channel.declare_queue("missing", passive=True)


async def test_transaction(target):
    async with await aio_pika.connect(target.url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        queue = await channel.declare_queue(exclusive=True)
        async with channel.transaction():
            await channel.default_exchange.publish(aio_pika.Message(b"m"), queue.name)
        assert (await queue.get()).body == b"m"


async def test_rpc_pattern(target):
    async with await aio_pika.connect(target.url) as connection:
        channel = await connection.channel()
        rpc = await RPC.create(channel)

        async def multiply(*, x, y):
            return x * y

        await rpc.register("multiply", multiply, auto_delete=True)
        assert await asyncio.wait_for(rpc.proxy.multiply(x=6, y=7), 5) == 42
        await rpc.close()


async def test_master_pattern(target, name):
    async with await aio_pika.connect(target.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1)
        master, queue = Master(channel), name("tasks")
        done: asyncio.Queue[int] = asyncio.Queue()

        async def worker(*, task_id):
            done.put_nowait(task_id)

        await master.create_worker(queue, worker, auto_delete=True)
        for index in range(5):
            await master.create_task(queue, {"task_id": index})
        assert [await asyncio.wait_for(done.get(), 5) for _ in range(5)] == list(range(5))


async def test_robust_connection_survives_a_restart(restartable):
    received: asyncio.Queue[bytes] = asyncio.Queue()
    connection = await aio_pika.connect_robust(restartable.url, reconnect_interval=0.1)
    async with connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange("survivor", durable=True)
        queue = await channel.declare_queue("survivor", durable=True)
        await queue.bind(exchange, "k")

        async def on_message(message):
            async with message.process():
                received.put_nowait(message.body)

        await queue.consume(on_message)
        persistent = aio_pika.DeliveryMode.PERSISTENT
        await exchange.publish(aio_pika.Message(b"before", delivery_mode=persistent), "k")
        assert await asyncio.wait_for(received.get(), 5) == b"before"
        reconnected = asyncio.Event()
        connection.reconnect_callbacks.add(lambda *_: reconnected.set())
        await asyncio.get_running_loop().run_in_executor(None, restartable.restart)
        await asyncio.wait_for(reconnected.wait(), 30)
        await exchange.publish(aio_pika.Message(b"after", delivery_mode=persistent), "k")
        assert await asyncio.wait_for(received.get(), 10) == b"after"
