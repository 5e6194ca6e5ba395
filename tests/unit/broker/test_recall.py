"""Messages made of what the disk has of them are what they were."""

from collections.abc import Sequence

import pytest

from broker.amqp import content
from broker.message import Message, QueuedMessage, Route
from broker.recall import Recall
from persistence import record
from persistence.message_log import Batch
from persistence.shares import Share

ROUTE = Route("x", "key")
PERSISTENT = b"\x10\x00\x02"


class Owner:
    id, levels = 1, 1


OWNER = Owner()


def message(body: bytes, route: Route = ROUTE, properties: bytes = PERSISTENT) -> Message:
    payload = b"\x00\x3c\x00\x00" + len(body).to_bytes(8, "big") + properties
    return Message(route, content.parse(payload), body)


def stored(messages: Sequence[Message], deadline: int | None = None) -> list[QueuedMessage]:
    entries = []
    for ordinal, each in enumerate(messages):
        entry = QueuedMessage(each, OWNER, 70 + ordinal)  # type: ignore[arg-type]
        entry.ref, entry.deadline, entry.batch = ordinal, deadline, BATCH
        entries.append(entry)
    return entries


BATCH = Batch(1)


def facts(entry: QueuedMessage) -> list[object]:
    each = entry.message
    own = [getattr(entry, name) for name in ("batch", "deadline", "position", "queue", "ref")]
    return [*own, entry.returns, each.route.raw, each.header.payload, each.body]


LAST_OF_ANOTHER_ROUTE = [message(b"one")] * 2 + [message(b"two", Route("x", "yek"))]
LAST_OF_ANOTHER_HEADER = [message(b"one")] * 2 + [message(b"two", properties=b"\x10\x00\x01")]


@pytest.mark.parametrize("deadline", [None, 5000])
@pytest.mark.parametrize(
    "messages",
    [
        [message(b"one")],
        [message(b"%d" % number) for number in range(5)],
        LAST_OF_ANOTHER_ROUTE,
        LAST_OF_ANOTHER_HEADER,
        [message(b"long"), message(b"short")],
        [message(b"")] * 3,
    ],
)
def test_all_comes_back(messages: list[Message], deadline: int | None):
    # The same message twice in a row would be one record with two references.
    messages = [Message(each.route, each.header, each.body) for each in messages]
    entries = stored(messages, deadline)
    blob = bytes(record.encode(entries)[0])
    for wanted in (range(len(entries)), range(len(entries) - 1, len(entries)), [0]):
        found = Recall().entries(OWNER, Share.of(BATCH, [entries[n] for n in wanted]), blob)
        assert [facts(each) for each in found] == [facts(entries[n]) for n in wanted]


def test_equal_messages_take_the_quick_way():
    entries = stored([message(b"%d" % number) for number in range(5)])
    blob = bytes(record.encode(entries)[0])
    assert record.alike(blob, range(5)) is not None
    assert record.alike(blob, range(4)) is None
    assert record.alike(blob, [0, 1, 2, 3]) is None
    differing = bytes(record.encode(stored(LAST_OF_ANOTHER_HEADER))[0])
    assert record.alike(differing, range(3)) is None


def test_damage_is_told():
    blob = bytes(record.encode(stored([message(b"one"), message(b"two")]))[0])
    with pytest.raises(record.Damaged, match="messages where 3 were expected"):
        Recall().entries(OWNER, Share(BATCH, 1, 0, range(3), 0, 2, 9), blob)
