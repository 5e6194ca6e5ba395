"""A data directory of every released schema comes up with all that was in it."""

import sqlite3
from pathlib import Path

import pytest

from persistence import schema
from tests.durability.keep_schema import SCHEMAS, fill
from tests.support.broker import Broker
from tests.support.target import Target
from tests.support.wire import Address, WireClient, wire

KEPT = sorted(SCHEMAS.glob("v*.sql"))
# The first version that knows how often messages came back, and keys from BCC.
COUNTS = 5
# The first that knows who declared a queue.
DECLARER = 6


def assert_counts(client: WireClient) -> None:
    """What `fill` returned twice is known to have been, and dies by the key that nobody sees."""
    client.call(2, "channel.open")
    content = client.get("counted", channel=2)
    assert content is not None
    assert content.properties["headers"]["x-delivery-count"].value == 2
    client.send_method(2, "basic.nack", delivery_tag=1, requeue=False)
    client.call(2, "channel.close", reply_code=200)
    dead = client.get("q")
    assert dead is not None
    assert dead.body == b"came back"


def declared_by_guest(broker: Broker) -> set[str]:
    """The names of the queues that are known to be."""
    target = Target(Address(*broker.amqp), Address(*broker.http), None)
    status, rows = target.api("GET", "users/guest/queues?columns=name")
    assert status == 200
    return {row["name"] for row in rows}


def assert_upgraded(broker: Broker, kept: Path) -> None:
    """It starts, has what `fill` left there in that version, and takes more."""
    version = int(kept.stem[1:])
    with broker.start(), wire(broker.amqp) as client:
        assert declared_by_guest(broker) == (
            {"q", "dead", "counted"} if version >= DECLARER else set()
        )
        contents = []
        while (content := client.get("q")) is not None:
            contents.append(content)
        # By priority: the odd ones first, and 3 and 7 were acked after four deliveries.
        odd = [n for n in range(1, 20, 2) if n not in (3, 7)]
        expected = [b"message %d" % n for n in (*odd, *range(0, 20, 2))]
        assert [content.body for content in contents] == expected
        assert [c.method.arguments["redelivered"] for c in contents] == [
            c.body in (b"message 1", b"message 5") for c in contents
        ]
        assert contents[0].properties["headers"]["n"].value == 1
        client.publish("ümläut", "a.b", b"routed", headers={"k": "v"}, delivery_mode=2)
        client.call(1, "basic.qos")
        routed = client.get("q")
        assert routed is not None
        assert routed.body == b"routed"
        if version >= COUNTS:
            assert_counts(client)
        fill(broker)  # it goes on as any other
        assert ("upgrading the database" in broker.log()) == (kept.stem != f"v{schema.VERSION}")


@pytest.mark.sqlite
@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.stem)
def test_upgrade(tmp_path: Path, kept: Path):
    broker = Broker(tmp_path)
    broker.data_dir.mkdir()
    database = sqlite3.connect(broker.data_dir / "leveret.db")
    database.executescript(kept.read_text())
    database.close()
    assert_upgraded(broker, kept)


@pytest.mark.sqlite
def test_a_newer_version_is_refused(tmp_path: Path):
    broker = Broker(tmp_path).start()
    broker.stop()
    database = sqlite3.connect(broker.data_dir / "leveret.db")
    with database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    database.close()
    with pytest.raises(RuntimeError, match="leveret: the database has schema version 99, this"):
        broker.start()
