"""Basic properties: decoded on demand, encoded, and content headers changed in one place only.

Here: the property list of a content header to `BasicProperties` and back, and
replacing single properties while every other byte stays (spec 1.4).  Not
here: what the broker peeks at for every message (content.py), the insides of
tables (tables.py).
"""

from collections.abc import Callable
from struct import Struct, error
from typing import Any

from broker.amqp import content
from broker.amqp.content import ContentHeader, MalformedProperties
from broker.amqp.tables import (
    Table,
    TableError,
    decode_table,
    encode_table,
    with_portable_integers,
)

_FIXED = Struct(">HHQH")
_FLAGS = Struct(">H")
_FLAGS_AT, _LIST_AT = 12, 14
_U32 = Struct(">I")
_U64 = Struct(">Q")


class BasicProperties:
    """The properties of one message; None where absent.  Timestamps are seconds since the epoch.

    Text is str with surrogate escapes where it is not UTF-8; headers are a typed table.
    """

    __slots__ = (
        "app_id",
        "cluster_id",
        "content_encoding",
        "content_type",
        "correlation_id",
        "delivery_mode",
        "expiration",
        "headers",
        "message_id",
        "priority",
        "reply_to",
        "timestamp",
        "type",
        "user_id",
    )

    def __init__(
        self,
        *,
        content_type: str | None = None,
        content_encoding: str | None = None,
        headers: Table | None = None,
        delivery_mode: int | None = None,
        priority: int | None = None,
        correlation_id: str | None = None,
        reply_to: str | None = None,
        expiration: str | None = None,
        message_id: str | None = None,
        timestamp: int | None = None,
        type: str | None = None,  # noqa: A002 -- the property's name
        user_id: str | None = None,
        app_id: str | None = None,
        cluster_id: str | None = None,
    ) -> None:
        self.content_type = content_type
        self.content_encoding = content_encoding
        self.headers = headers
        self.delivery_mode = delivery_mode
        self.priority = priority
        self.correlation_id = correlation_id
        self.reply_to = reply_to
        self.expiration = expiration
        self.message_id = message_id
        self.timestamp = timestamp
        self.type = type
        self.user_id = user_id
        self.app_id = app_id
        self.cluster_id = cluster_id

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BasicProperties):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        present = ((name, getattr(self, name)) for name in self.__slots__)
        shown = ", ".join(f"{name}={value!r}" for name, value in present if value is not None)
        return f"BasicProperties({shown})"


# -- one property ----------------------------------------------------------------------------


def _read_text(payload: bytes, at: int) -> tuple[str, int]:
    start = at + 1
    end = start + payload[at]
    return payload[start:end].decode("utf-8", "surrogateescape"), end


def _read_octet(payload: bytes, at: int) -> tuple[int, int]:
    return payload[at], at + 1


def _read_seconds(payload: bytes, at: int) -> tuple[int, int]:
    return _U64.unpack_from(payload, at)[0], at + 8


def _write_text(text: str) -> bytes:
    return _short_string(text.encode("utf-8", "surrogateescape"))


def _short_string(raw: bytes) -> bytes:
    if len(raw) > 255:
        raise ValueError("a property of more than 255 bytes")
    return bytes((len(raw),)) + raw


def _write_octet(value: int) -> bytes:
    return bytes((value,))


def _skip_text(payload: bytes, at: int) -> int:
    return at + 1 + payload[at]


def _skip_table(payload: bytes, at: int) -> int:
    end: int = at + 4 + _U32.unpack_from(payload, at)[0]
    return end


_Codec = tuple[
    Callable[[bytes, int], tuple[Any, int]], Callable[[Any], bytes], Callable[[bytes, int], int]
]
_TEXT: _Codec = (_read_text, _write_text, _skip_text)
_OCTET: _Codec = (_read_octet, _write_octet, lambda payload, at: at + 1)
_SECONDS: _Codec = (_read_seconds, _U64.pack, lambda payload, at: at + 8)
_TABLE: _Codec = (decode_table, encode_table, _skip_table)

# In the order of the wire.
_PROPERTIES: tuple[tuple[str, int, _Codec], ...] = (
    ("content_type", content.CONTENT_TYPE, _TEXT),
    ("content_encoding", content.CONTENT_ENCODING, _TEXT),
    ("headers", content.HEADERS, _TABLE),
    ("delivery_mode", content.DELIVERY_MODE, _OCTET),
    ("priority", content.PRIORITY, _OCTET),
    ("correlation_id", content.CORRELATION_ID, _TEXT),
    ("reply_to", content.REPLY_TO, _TEXT),
    ("expiration", content.EXPIRATION, _TEXT),
    ("message_id", content.MESSAGE_ID, _TEXT),
    ("timestamp", content.TIMESTAMP, _SECONDS),
    ("type", content.TYPE, _TEXT),
    ("user_id", content.USER_ID, _TEXT),
    ("app_id", content.APP_ID, _TEXT),
    ("cluster_id", content.CLUSTER_ID, _TEXT),
)


# -- the whole list ----------------------------------------------------------------------------


def peek_flags(payload: bytes) -> int:
    """The flag word of a content header's payload."""
    flags: int = _FLAGS.unpack_from(payload, _FLAGS_AT)[0]
    return flags


def decode(payload: bytes) -> BasicProperties:
    """The properties in a content header's payload; MalformedProperties if they do not fill it.

    Bits 1 and 0 of the flag word are ignored, as RabbitMQ does.
    """
    properties = BasicProperties()
    at = _LIST_AT
    try:
        flags = peek_flags(payload)
        for name, flag, (read, _, _) in _PROPERTIES:
            if flags & flag:
                value, at = read(payload, at)
                setattr(properties, name, value)
    except (IndexError, error, TableError):
        raise MalformedProperties from None
    if at != len(payload):
        raise MalformedProperties
    return properties


def encode(properties: BasicProperties, body_size: int) -> bytes:
    """A content header's payload.

    Raises ValueError or TableError for values that do not fit their property.
    """
    flags = 0
    pieces = [b""]
    for name, flag, (_, write, _) in _PROPERTIES:
        value = getattr(properties, name)
        if value is not None:
            flags |= flag
            pieces.append(write(value))
    pieces[0] = _FIXED.pack(content.CLASS_BASIC, 0, body_size, flags)
    return b"".join(pieces)


# -- one place changed, payload to payload; the payload must be well formed --------------------


def headers_raw_slice(payload: bytes) -> bytes | None:
    """The headers table as it stands in the payload, length word included; None where absent."""
    start, end = _span(payload, content.HEADERS)
    return payload[start:end] or None


def replace_headers(payload: bytes, headers: Table | None) -> bytes:
    """The payload with these headers, or none; TableError if they cannot be encoded."""
    return _replace(payload, content.HEADERS, None if headers is None else encode_table(headers))


def replace_reply_to(payload: bytes, reply_to: bytes | None) -> bytes:
    """The payload with this reply-to (at most 255 bytes), or none."""
    raw = None if reply_to is None else _short_string(reply_to)
    return _replace(payload, content.REPLY_TO, raw)


def drop_expiration(payload: bytes) -> bytes:
    """The payload without its expiration."""
    return _replace(payload, content.EXPIRATION, None)


def _span(payload: bytes, wanted: int) -> tuple[int, int]:
    # Where a property stands, or where it would (start == end).
    flags = peek_flags(payload)
    at = _LIST_AT
    for _, flag, (_, _, skip) in _PROPERTIES:
        if flag == wanted:
            return at, skip(payload, at) if flags & flag else at
        if flags & flag:
            at = skip(payload, at)
    raise AssertionError(wanted)


def _replace(payload: bytes, flag: int, raw: bytes | None) -> bytes:
    start, end = _span(payload, flag)
    flags = peek_flags(payload)
    flags = flags & ~flag if raw is None else flags | flag
    return b"".join(
        (
            payload[:_FLAGS_AT],
            _FLAGS.pack(flags),
            payload[_LIST_AT:start],
            raw or b"",
            payload[end:],
        )
    )


# -- the same, header to header ------------------------------------------------------------------


def with_headers(header: ContentHeader, headers: Table | None) -> ContentHeader:
    """The content header with these headers, or none; TableError if they cannot be encoded."""
    return content.parse(replace_headers(header.payload, headers))


def with_reply_to(header: ContentHeader, reply_to: bytes | None) -> ContentHeader:
    """The content header with this reply-to (at most 255 bytes), or none."""
    return content.parse(replace_reply_to(header.payload, reply_to))


def without_expiration(header: ContentHeader) -> ContentHeader:
    """The content header without its expiration; itself where it has none."""
    if header.expiration is None:
        return header
    return content.parse(drop_expiration(header.payload))


def with_portable_headers(header: ContentHeader) -> ContentHeader:
    """The content header with integers tagged `L` in its headers tagged `l` (spec 1.3).

    Itself where there are none; call it for well-formed headers only.
    """
    payload = header.payload
    if not header.headers_at or b"L" not in payload:
        return header
    changed = with_portable_integers(payload, header.headers_at)
    return header if changed is payload else content.parse(changed)
