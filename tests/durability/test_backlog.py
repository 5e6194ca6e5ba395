"""A backlog that is larger than what a queue keeps in memory, and kill -9."""

import sys
import time
from pathlib import Path

import pytest

from tests.bench.reader import Reader
from tests.durability.clients import message_count
from tests.durability.flood import Asker, publish_many
from tests.support.broker import Broker
from tests.support.encoding import Typed
from tests.support.eventually import eventually
from tests.support.wire import WireClient, publish_frames, wire

MIB = 1 << 20
PERSISTENT = 2
STREAM = {"x-queue-type": "stream"}
CHUNK, PADDING = 500, bytes(500)


def resident(broker: Broker) -> int:
    """Bytes of memory that the broker has."""
    for line in Path(f"/proc/{broker.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the system does not tell")


def publish_numbers(client: WireClient, count: int) -> None:
    """Numbered persistent messages, all of them confirmed."""
    client.call(1, "confirm.select")
    for first in range(0, count, CHUNK):
        for number in range(first, first + CHUNK):
            body = b"%d;" % number + PADDING
            client.send(publish_frames(1, "", "q", body, delivery_mode=PERSISTENT))
    confirmed = 0
    while confirmed < count:
        confirmed = client.expect("basic.ack").arguments["delivery_tag"]


def take(client: WireClient, count: int) -> list[int]:
    """The numbers of the next deliveries, the tag of the last one is acked for all."""
    found = []
    for _ in range(count):
        content = client.expect_content("basic.deliver")
        found.append(int(content.body.partition(b";")[0]))
    client.send_method(
        1, "basic.ack", delivery_tag=content.method.arguments["delivery_tag"], multiple=True
    )
    return found


@pytest.mark.timeout(300)
def test_nothing_of_a_backlog_is_lost_or_comes_twice(tmp_path: Path):
    """Killed while the backlog grew and while it shrank; order holds throughout."""
    count = 30_000
    with Broker(tmp_path) as broker:
        with wire(broker.amqp) as client:
            client.timeout = 30
            client.call(1, "queue.declare", queue="q", durable=True)
            publish_numbers(client, count)
            client.abort()
        broker.restart(kill=True)
        with wire(broker.amqp) as client:
            client.timeout = 30
            assert message_count(client, "q") == count
            client.call(1, "basic.qos", prefetch_count=CHUNK)
            client.call(1, "basic.consume", queue="q")
            seen = [number for _ in range(20) for number in take(client, CHUNK)]
            assert seen == list(range(20 * CHUNK))
            client.abort()
        broker.restart(kill=True)
        with wire(broker.amqp) as client:
            client.timeout = 30
            left = message_count(client, "q")
            # What was acked last may not have got to the disk.
            assert count - 20 * CHUNK <= left <= count
            client.call(1, "basic.consume", queue="q")
            assert take(client, left) == list(range(count - left, count))


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by /proc")
@pytest.mark.timeout(900)
def test_memory_pauses_and_the_next_start(tmp_path: Path):
    count = 500_000
    with Broker(tmp_path) as broker:
        with wire(broker.amqp) as client:
            client.call(1, "queue.declare", queue="q", durable=True)
        idle = resident(broker)
        asker = Asker(broker.amqp)
        asker.start()
        publish_many(broker.amqp, "q", count, 100)
        waits = asker.end()
        # In memory they took 150 MiB.
        assert resident(broker) - idle < 64 * MIB
        # 20 ms is what is promised; the neighbours on the machine take their share of it.
        assert waits[len(waits) * 98 // 100] < 0.02
        broker.kill()
        began = time.monotonic()
        broker.start()
        with wire(broker.amqp) as client:
            assert message_count(client, "q") == count
            assert client.get("q") is not None
        assert time.monotonic() - began < 4
        assert resident(broker) - idle < 64 * MIB
        with wire(broker.amqp) as client:
            client.call(1, "queue.purge", queue="q")
        eventually(lambda: (broker.data_dir / "leveret.db").stat().st_size < 16 * MIB, 60)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by /proc")
@pytest.mark.timeout(900)
def test_memory_of_a_stream(tmp_path: Path):
    """While it grows, while it is read from the beginning by several, and after kill -9."""
    count = 500_000
    with Broker(tmp_path) as broker:
        with wire(broker.amqp) as client:
            client.call(1, "queue.declare", queue="q", durable=True, arguments=STREAM)
        idle = resident(broker)
        publish_many(broker.amqp, "q", count, 100)
        # In memory they took 200 MiB.
        assert resident(broker) - idle < 80 * MIB
        replay(broker, count)
        assert resident(broker) - idle < 110 * MIB
        broker.kill()
        broker.start()
        assert resident(broker) - idle < 16 * MIB
        with wire(broker.amqp) as client:
            assert message_count(client, "q") == count
        replay(broker, count)
        assert resident(broker) - idle < 64 * MIB


def replay(broker: Broker, count: int) -> None:
    """Two readers, one of them behind the other."""
    readers = [
        Reader(broker.amqp, "q", acks=True, **{"x-stream-offset": Typed("l", start)})
        for start in (0, count // 2)
    ]
    for reader in readers:
        reader.start()
    for reader, start in zip(readers, (0, count // 2), strict=True):
        reader.reaches(count - start)
        reader.close()
