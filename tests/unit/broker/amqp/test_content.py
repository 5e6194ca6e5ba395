from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.amqp import content
from broker.amqp.content import MAX_NESTING, ContentHeader
from tests.support.encoding import encode_properties, encode_table

ALL: dict[str, Any] = {
    "content_type": "text/plain",
    "content_encoding": "utf-8",
    "headers": {"a": 1, "list": [1, {"b": None}], "text": "t"},
    "delivery_mode": 2,
    "priority": 7,
    "correlation_id": "c",
    "reply_to": "r",
    "expiration": "100",
    "message_id": "m",
    "timestamp": 1 << 40,
    "type": "t",
    "user_id": "u",
    "app_id": "app",
    "cluster_id": "cluster",
}


def header(raw: bytes = b"", size: int = 3, **properties: Any) -> ContentHeader:
    return content.parse(pack(">HHQ", 60, 0, size) + (raw or encode_properties(**properties)))


def test_nothing_in_it():
    empty = header()
    assert (empty.body_size, empty.flags, empty.plain, empty.malformed) == (3, 0, True, False)
    assert (empty.priority, empty.persistent, empty.headers_at) == (0, False, 0)
    assert empty.expiration is empty.reply_to is empty.user_id is None
    assert empty.repeats


@given(st.sets(st.sampled_from(sorted(ALL))))
def test_what_is_peeked_is_what_stands_there(names):
    properties = {name: ALL[name] for name in names}
    peeked = header(**properties)
    assert not peeked.malformed
    assert peeked.persistent is ("delivery_mode" in names)
    assert peeked.priority == properties.get("priority", 0)
    for name in ("reply_to", "expiration", "user_id"):
        expected = properties[name].encode() if name in names else None
        assert getattr(peeked, name) == expected
    assert bool(peeked.headers_at) is ("headers" in names)
    if "headers" in names:
        table = encode_table(ALL["headers"])
        assert peeked.payload[peeked.headers_at :].startswith(table)
    assert peeked.plain is names.isdisjoint({"headers", "reply_to", "expiration", "user_id"})


@pytest.mark.parametrize(("mode", "persistent"), [(0, False), (1, False), (2, True), (3, False)])
def test_only_two_is_persistent(mode, persistent):
    assert header(delivery_mode=mode).persistent is persistent


@pytest.mark.parametrize(
    ("properties", "repeats"),
    [
        ({"delivery_mode": 2, "content_type": "a", "priority": 1, "expiration": "5"}, True),
        ({"message_id": "m"}, False),
        ({"correlation_id": "c"}, False),
        ({"reply_to": "c"}, False),
        ({"timestamp": 1}, False),
        ({"headers": {}}, False),
        ({"app_id": "x" * 200}, False),
    ],
)
def test_which_headers_are_worth_remembering(properties, repeats):
    assert header(**properties).repeats is repeats


@pytest.mark.parametrize("name", sorted(ALL))
def test_cut_short(name):
    raw = encode_properties(**{name: ALL[name]})
    for end in range(2, len(raw)):
        cut = header(raw[:end])
        assert cut.malformed, raw[:end]
        assert not cut.plain
    longer = header(raw + b"\0")
    assert longer.malformed


@pytest.mark.parametrize("raw", [b"\0\0\0", b"\x08\0", b"\xff\xff"])
def test_values_that_do_not_fit_the_flags(raw):
    assert header(raw).malformed


@pytest.mark.parametrize(
    "table",
    [
        b"\0\0\0\5\1aI\0\0",  # value beyond the table
        b"\0\0\0\3\1aQ",  # unknown type
        b"\0\0\0\1\5",  # key beyond the table
        b"\0\0\0\x0b\1aF\0\0\0\x09\1bV\0\0",  # inner table beyond the outer
        b"\0\0\0\7\1aA\0\0\0\1",  # array beyond the table
        b"\xff\xff\xff\xff",  # table beyond the header
        b"\0\0\0\7\1aS\0\0\0\5",  # string beyond the table
    ],
)
def test_tables_that_are_not_well_formed(table):
    assert header(b"\x20\0" + table).malformed


def nested(depth: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for _ in range(depth):
        table = {"k": table}
    return table


def test_nesting_is_bounded():
    assert not header(headers=nested(MAX_NESTING)).malformed
    assert header(headers=nested(MAX_NESTING + 1)).malformed


@given(st.binary(max_size=60))
def test_garbage_never_raises(raw):
    header(b"\xff\xff" + raw)
