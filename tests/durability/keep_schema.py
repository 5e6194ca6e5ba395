"""Keeps a data directory of the schema of today, for the tests of the versions to come.

`python -m tests.durability.keep_schema` writes schemas/vN.sql, once for each schema version that
is released; what is in it is what `fill` did.
"""

import sqlite3
import tempfile
from pathlib import Path

from tests.support.broker import Broker
from tests.support.encoding import Typed
from tests.support.wire import wire

SCHEMAS = Path(__file__).parent / "schemas"
PERSISTENT = 2


def fill(broker: Broker) -> None:
    """Some of everything that is stored."""
    with wire(broker.amqp) as client:
        client.call(1, "exchange.declare", exchange="x", type="topic", durable=True)
        client.call(1, "exchange.declare", exchange="ümläut", type="headers", durable=True)
        client.call(1, "queue.declare", queue="q", durable=True, arguments={"x-max-priority": 3})
        client.call(1, "queue.declare", queue="dead", durable=True)
        quorum = {"x-queue-type": "quorum", "x-dead-letter-exchange": "x"}
        client.call(1, "queue.declare", queue="counted", durable=True, arguments=quorum)
        client.call(1, "queue.bind", queue="q", exchange="x", routing_key="a.#")
        client.call(1, "exchange.bind", destination="x", source="ümläut", arguments={"k": "v"})
        client.call(1, "confirm.select")
        for number in range(20):
            client.publish(
                "x",
                "a.b",
                b"message %d" % number,
                delivery_mode=PERSISTENT,
                priority=number % 2,
                headers={"n": Typed("I", number)},
            )
            client.expect("basic.ack")
        client.publish("", "counted", b"came back", headers={"BCC": ["a.hidden"]})
        client.expect("basic.ack")
        client.call(2, "channel.open")
        for tag in (1, 2):
            client.get("counted", channel=2)
            client.send_method(2, "basic.reject", delivery_tag=tag, requeue=True)
        client.call(2, "channel.close", reply_code=200)
        for _ in range(4):
            client.get("q")
        for tag in (2, 4):
            client.send_method(1, "basic.ack", delivery_tag=tag)
        client.call(1, "basic.qos")


def main() -> None:
    """Makes the data directory and writes it down."""
    with tempfile.TemporaryDirectory() as directory:
        broker = Broker(Path(directory)).start()
        fill(broker)
        broker.stop()
        database = sqlite3.connect(broker.data_dir / "leveret.db")
        (version,) = database.execute(
            "SELECT value FROM meta WHERE key = 'schema_version'"
        ).fetchone()
        SCHEMAS.mkdir(exist_ok=True)
        path = SCHEMAS / f"v{version}.sql"
        path.write_text("\n".join(database.iterdump()) + "\n")
        database.close()
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
