import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands

from broker.amqp import content, properties
from broker.amqp.content import MalformedProperties
from broker.amqp.properties import BasicProperties
from broker.amqp.tables import TableError, encode_table
from tests.support import encoding
from tests.unit.broker.amqp import strategies

EVERYTHING = BasicProperties(
    content_type="text/plain",
    content_encoding="gzip",
    headers={"k": ("S", "v"), "n": ("l", 5)},
    delivery_mode=2,
    priority=9,
    correlation_id="correlation",
    reply_to="reply",
    expiration="1000",
    message_id="message",
    timestamp=1_700_000_000,
    type="type",
    user_id="guest",
    app_id="app",
    cluster_id="cluster",
)

_short = st.none() | strategies.text(255)
_octet = st.none() | st.integers(0, 255)
any_properties = st.builds(
    BasicProperties,
    content_type=_short,
    content_encoding=_short,
    headers=st.none() | strategies.tables,
    delivery_mode=_octet,
    priority=_octet,
    correlation_id=_short,
    reply_to=_short,
    expiration=_short,
    message_id=_short,
    timestamp=st.none() | st.integers(0, (1 << 64) - 1),
    type=_short,
    user_id=_short,
    app_id=_short,
    cluster_id=_short,
)
any_size = st.integers(0, (1 << 64) - 1)


def changed(values: BasicProperties, **changes: Any) -> BasicProperties:
    given = {name: getattr(values, name) for name in BasicProperties.__slots__}
    return BasicProperties(**given | changes)


def test_everything_there_and_back():
    payload = properties.encode(EVERYTHING, 42)
    assert properties.decode(payload) == EVERYTHING
    assert payload[:12] == struct.pack(">HHQ", 60, 0, 42)
    assert properties.peek_flags(payload) == 0xFFFC


def test_nothing_there_and_back():
    payload = properties.encode(BasicProperties(), 0)
    assert payload == b"\x00\x3c" + bytes(12)
    assert properties.decode(payload) == BasicProperties()


@given(any_properties, any_size)
def test_decoding_undoes_encoding(values, size):
    payload = properties.encode(values, size)
    assert properties.decode(payload) == values
    assert properties.encode(properties.decode(payload), size) == payload


@given(any_properties, any_size)
def test_peeking_agrees_with_decoding(values, size):
    header = content.parse(properties.encode(values, size))
    assert not header.malformed
    assert header.body_size == size
    assert header.priority == (values.priority or 0)
    assert header.persistent == (values.delivery_mode == 2)
    for name in ("reply_to", "expiration", "user_id"):
        value = getattr(values, name)
        raw = None if value is None else value.encode("utf-8", "surrogateescape")
        assert getattr(header, name) == raw


@given(st.binary(max_size=60), st.integers(0, 0xFFFF))
def test_any_bytes_are_properties_or_an_error_and_peeking_agrees(rest, flags):
    payload = struct.pack(">HHQH", 60, 0, 0, flags & 0xFFFC) + rest
    try:
        properties.decode(payload)
        malformed = False
    except MalformedProperties:
        malformed = True
    header = content.ContentHeader(payload, 0, flags & 0xFFFC)
    assert header.malformed == malformed


@given(any_properties, st.binary(min_size=1, max_size=5), st.data())
def test_the_list_must_fill_the_header(values, more, data):
    payload = properties.encode(values, 1)
    with pytest.raises(MalformedProperties):
        properties.decode(payload + more)
    if len(payload) > 14:
        cut = data.draw(st.integers(0, len(payload) - 1))
        with pytest.raises(MalformedProperties):
            properties.decode(payload[:cut])


def test_agrees_with_the_independent_codec():
    payload = properties.encode(EVERYTHING, 1)
    known = {name: getattr(EVERYTHING, name) for name in BasicProperties.__slots__}
    typed = {key: encoding.Typed(*field) for key, field in known.pop("headers").items()}
    assert payload[12:] == encoding.encode_properties(headers=typed, **known)


def test_agrees_with_pamqp():
    theirs = commands.Basic.Properties()
    payload = properties.encode(changed(EVERYTHING, timestamp=None), 1)
    theirs.unmarshal(properties.peek_flags(payload), payload[14:])
    assert (theirs.content_type, theirs.message_type) == ("text/plain", "type")
    assert theirs.headers == {"k": "v", "n": 5}
    # pamqp writes text and headers with other tags, so only what has no types is compared.
    plain = changed(EVERYTHING, headers=None, timestamp=None, cluster_id=None)
    payload = properties.encode(plain, 1)
    theirs = commands.Basic.Properties()
    theirs.unmarshal(properties.peek_flags(payload), payload[14:])
    assert theirs.marshal() == payload[12:]


def test_the_two_low_flag_bits_are_ignored():
    payload = bytearray(properties.encode(EVERYTHING, 1))
    payload[13] |= 3
    assert properties.decode(bytes(payload)) == EVERYTHING


def test_an_unknown_tag_in_the_headers_is_malformed():
    payload = properties.encode(BasicProperties(headers={"k": ("t", True)}), 1)
    with pytest.raises(MalformedProperties):
        properties.decode(payload.replace(b"kt", b"kZ"))


@pytest.mark.parametrize("short", [b"", b"\x00\x3c" + bytes(11)])
def test_less_than_a_header(short):
    with pytest.raises(MalformedProperties):
        properties.decode(short)


def test_values_that_do_not_fit():
    with pytest.raises(ValueError):
        properties.encode(BasicProperties(type="é" * 128), 0)
    with pytest.raises(ValueError):
        properties.encode(BasicProperties(priority=256), 0)
    with pytest.raises(TableError):
        properties.encode(BasicProperties(headers={"k": ("B", 256)}), 0)


@given(any_properties, st.none() | strategies.tables)
def test_replacing_headers_keeps_the_rest(values, headers):
    payload = properties.replace_headers(properties.encode(values, 7), headers)
    assert payload == properties.encode(changed(values, headers=headers), 7)


@given(any_properties, st.none() | st.binary(max_size=255))
def test_replacing_reply_to_keeps_the_rest(values, reply_to):
    payload = properties.replace_reply_to(properties.encode(values, 7), reply_to)
    text = None if reply_to is None else reply_to.decode("utf-8", "surrogateescape")
    assert payload == properties.encode(changed(values, reply_to=text), 7)


@given(any_properties)
def test_dropping_the_expiration_keeps_the_rest(values):
    payload = properties.drop_expiration(properties.encode(values, 7))
    assert payload == properties.encode(changed(values, expiration=None), 7)


def test_replacing_keeps_low_flag_bits_and_odd_bytes():
    payload = struct.pack(">HHQH", 60, 0, 5, content.HEADERS | content.TYPE | 3)
    table = b"\x00\x00\x00\x08" + b"\x01kt\x07" + b"\x01kt\x08"
    whole = payload + table + b"\x01\xff"
    replaced = properties.replace_reply_to(whole, b"me")
    flags = struct.pack(">H", content.HEADERS | content.REPLY_TO | content.TYPE | 3)
    assert replaced == payload[:12] + flags + table + b"\x02me\x01\xff"


def test_raw_headers():
    payload = properties.encode(EVERYTHING, 1)
    assert properties.headers_raw_slice(payload) == encode_table({"k": ("S", "v"), "n": ("l", 5)})
    assert properties.headers_raw_slice(properties.encode(BasicProperties(), 1)) is None
    empty = properties.encode(BasicProperties(headers={}), 1)
    assert properties.headers_raw_slice(empty) == bytes(4)


def test_headers_of_a_content_header():
    header = content.parse(properties.encode(EVERYTHING, 1))
    after = properties.with_headers(header, {"other": ("t", True)})
    assert properties.decode(after.payload).headers == {"other": ("t", True)}
    assert (after.body_size, after.priority, after.persistent) == (1, 9, True)
    assert not properties.with_headers(header, None).headers_at


def test_reply_to_and_expiration_of_a_content_header():
    header = content.parse(properties.encode(EVERYTHING, 1))
    assert properties.with_reply_to(header, b"there").reply_to == b"there"
    assert properties.with_reply_to(header, None).reply_to is None
    after = properties.without_expiration(header)
    assert after.expiration is None
    assert properties.without_expiration(after) is after


def test_long_tags_become_portable():
    header = content.parse(properties.encode(EVERYTHING, 1))
    old = content.parse(header.payload.replace(b"\x01nl", b"\x01nL"))
    assert properties.with_portable_headers(old).payload == header.payload


@pytest.mark.parametrize("headers", [None, {}, {"k": ("S", "LL")}, {"L": ("I", 1)}])
def test_headers_without_long_tags_are_left_alone(headers):
    values = BasicProperties(headers=headers, type="L")
    header = content.parse(properties.encode(values, 1))
    assert properties.with_portable_headers(header) is header


def test_properties_show_what_is_present():
    assert repr(BasicProperties(priority=1, type="t")) == "BasicProperties(priority=1, type='t')"
    assert BasicProperties() != 1
