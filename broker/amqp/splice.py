"""A header put into content headers as they go out, by joining bytes around it.

Here: where one integer header goes, without decoding anything.  Not here: any
change that is kept (properties.py).
"""

from struct import Struct

from broker.amqp import content, properties
from broker.amqp.content import ContentHeader
from broker.amqp.tables import decode_table

_FLAGS = Struct(">H")
_U32 = Struct(">I")
_FLAGS_AT, _LIST_AT = 12, 14
_VALUE_SIZE = 8


def around_long(header: ContentHeader, key: bytes) -> tuple[bytes, bytes]:
    """What stands before and behind the 8 octets of a header `key` of type `l`.

    It becomes the first of the headers; the well-formed `header` must have
    none of that name (see `without`).
    """
    payload = header.payload
    entry = bytes((len(key),)) + key + b"l"
    at = header.headers_at
    if at:
        (size,) = _U32.unpack_from(payload, at)
        start = payload[:at]
        rest = payload[at + 4 :]
    else:
        size = 0
        at = _headers_belong_at(payload, header.flags)
        start = b"".join(
            (
                payload[:_FLAGS_AT],
                _FLAGS.pack(header.flags | content.HEADERS),
                payload[_LIST_AT:at],
            )
        )
        rest = payload[at:]
    return start + _U32.pack(len(entry) + _VALUE_SIZE + size) + entry, rest


def _headers_belong_at(payload: bytes, flags: int) -> int:
    at = _LIST_AT
    if flags & content.CONTENT_TYPE:
        at += 1 + payload[at]
    if flags & content.CONTENT_ENCODING:
        at += 1 + payload[at]
    return at


def without(header: ContentHeader, key: bytes) -> ContentHeader:
    """The content header without a header of that name; itself where it has none."""
    if not header.headers_at or key not in header.payload:
        return header
    headers, _ = decode_table(header.payload, header.headers_at)
    if headers.pop(key.decode(), None) is None:
        return header
    return properties.with_headers(header, headers)
