"""A few forgotten messages pin neither the disk nor anybody's time."""

from pathlib import Path

import pytest

from tests.durability.clients import message_count
from tests.durability.flood import Asker, consume_many, publish_many
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.wire import wire

MIB = 1 << 20
COUNT, FORGET = 300_000, 5_000


def size_of(broker: Broker) -> int:
    """Bytes of the database with its write-ahead log."""
    return sum(path.stat().st_size for path in broker.data_dir.glob("leveret.db*"))


@pytest.mark.sqlite
@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_forgotten_messages_do_not_pin_the_disk(tmp_path: Path):
    with Broker(tmp_path) as broker, wire(broker.amqp) as client:
        client.call(1, "queue.declare", queue="q", durable=True)
        publish_many(broker.amqp, "q", COUNT, 100)
        full = size_of(broker)
        assert full > 32 * MIB
        consume_many(client, "q", COUNT, FORGET)
        asker = Asker(broker.amqp)
        asker.start()
        eventually(lambda: size_of(broker) < full / 3, 60, "the file to shrink")
        waits = asker.end()
        # 20 ms is what is promised; the neighbours on the machine take their share of it.
        assert waits[len(waits) * 98 // 100] < 0.02
        client.abort()
        broker.restart(kill=True)
        with wire(broker.amqp) as again:
            assert message_count(again, "q") == COUNT // FORGET
