"""The content header of a message as it came, with what the broker itself needs peeked out of it.

Here: one walk over a content header's payload that checks its structure and
notes delivery-mode, priority, expiration and the like without decoding the
rest.  Not here: building or changing properties (properties.py), and any
judgement of the values (channel.py).
"""

from struct import Struct

CLASS_BASIC = 60

CONTENT_TYPE = 1 << 15
CONTENT_ENCODING = 1 << 14
HEADERS = 1 << 13
DELIVERY_MODE = 1 << 12
PRIORITY = 1 << 11
CORRELATION_ID = 1 << 10
REPLY_TO = 1 << 9
EXPIRATION = 1 << 8
MESSAGE_ID = 1 << 7
TIMESTAMP = 1 << 6
TYPE = 1 << 5
USER_ID = 1 << 4
APP_ID = 1 << 3
CLUSTER_ID = 1 << 2

# A header with any of these seldom comes twice, so it is not worth remembering.
SELDOM_REPEATED = HEADERS | CORRELATION_ID | MESSAGE_ID | TIMESTAMP | REPLY_TO
REMEMBERED_BYTES = 128

_FIXED = Struct(">HHQH")
_U32 = Struct(">I")
_FIXED_SIZES = {
    tag: size
    for tags, size in ((b"tbB", 1), (b"su", 2), (b"Iif", 4), (b"D", 5), (b"lLdT", 8), (b"V", 0))
    for tag in tags
}
_SIZED = frozenset(b"SxF")
_TABLE, _ARRAY = ord("F"), ord("A")
MAX_NESTING = 64


class MalformedProperties(Exception):
    """The property list does not consume the content header exactly (spec 1.4: 541)."""


class ContentHeader:
    """One content header: `payload` is its bytes on the wire, without the frame around them.

    `delivery_mode` is 0 where absent, `priority` 0 where absent; `expiration`,
    `reply_to` and `user_id` are raw bytes or None; `headers_at` is the offset
    of the headers table's length word in `payload`, or 0; `repeats` says that
    the next publish may well carry the same header.
    """

    __slots__ = (
        "body_size",
        "died",
        "expiration",
        "flags",
        "headers_at",
        "key",
        "malformed",
        "payload",
        "persistent",
        "plain",
        "priority",
        "repeats",
        "reply_to",
        "user_id",
    )

    def __init__(self, payload: bytes, body_size: int, flags: int) -> None:
        self.payload = payload
        self.body_size = body_size
        self.flags = flags
        self.priority = 0
        self.expiration: bytes | None = None
        self.reply_to: bytes | None = None
        self.user_id: bytes | None = None
        self.headers_at = 0
        self.persistent = False
        self.malformed = False
        # Whether its x-death was written by the broker.
        self.died = False
        self.repeats = not flags & SELDOM_REPEATED and len(payload) <= REMEMBERED_BYTES
        # Plain: nothing in it that publishing has to look at.
        self.plain = not flags & (HEADERS | REPLY_TO | EXPIRATION | USER_ID)
        if flags:
            try:
                self._walk(payload, flags)
            except (IndexError, MalformedProperties):
                self.malformed = True
                self.plain = False
        elif len(payload) != 14:
            self.malformed = True
            self.plain = False
        # What counting needs of it: the size, in the negative where it is persistent.
        self.key = ~body_size if self.persistent else body_size

    def _walk(self, payload: bytes, flags: int) -> None:
        at = 14
        if flags & CONTENT_TYPE:
            at += 1 + payload[at]
        if flags & CONTENT_ENCODING:
            at += 1 + payload[at]
        if flags & HEADERS:
            self.headers_at = at
            at = check_table(payload, at, len(payload), 0)
        if flags & DELIVERY_MODE:
            self.persistent = payload[at] == 2
            at += 1
        if flags & PRIORITY:
            self.priority = payload[at]
            at += 1
        if flags & CORRELATION_ID:
            at += 1 + payload[at]
        if flags & REPLY_TO:
            start, at = at + 1, at + 1 + payload[at]
            self.reply_to = payload[start:at]
        if flags & EXPIRATION:
            start, at = at + 1, at + 1 + payload[at]
            self.expiration = payload[start:at]
        if flags & MESSAGE_ID:
            at += 1 + payload[at]
        if flags & TIMESTAMP:
            at += 8
        if flags & TYPE:
            at += 1 + payload[at]
        if flags & USER_ID:
            start, at = at + 1, at + 1 + payload[at]
            self.user_id = payload[start:at]
        if flags & APP_ID:
            at += 1 + payload[at]
        if flags & CLUSTER_ID:
            at += 1 + payload[at]
        if at != len(payload):
            raise MalformedProperties


def parse(payload: bytes) -> ContentHeader:
    """The header in `payload` (at least 14 bytes)."""
    _, _, body_size, flags = _FIXED.unpack_from(payload, 0)
    return ContentHeader(payload, body_size, flags)


def check_table(data: bytes, at: int, limit: int, depth: int) -> int:
    """Walks the table at `at` without building it; the offset behind it.

    Raises MalformedProperties or IndexError where it is not well formed.
    """
    if depth > MAX_NESTING or at + 4 > limit:
        raise MalformedProperties
    end: int = at + 4 + _U32.unpack_from(data, at)[0]
    if end > limit:
        raise MalformedProperties
    at += 4
    while at < end:
        at += 1 + data[at]
        at = _check_value(data, at, end, depth)
    if at != end:
        raise MalformedProperties
    return end


def _check_value(data: bytes, at: int, end: int, depth: int) -> int:
    tag = data[at]
    size = _FIXED_SIZES.get(tag)
    if size is not None:
        at += 1 + size
    elif tag == _TABLE:
        at = check_table(data, at + 1, end, depth + 1)
    elif tag == _ARRAY:
        at = _check_array(data, at + 1, end, depth + 1)
    elif tag in _SIZED and at + 5 <= end:
        at += 5 + _U32.unpack_from(data, at + 1)[0]
    else:
        raise MalformedProperties
    if at > end:
        raise MalformedProperties
    return at


def _check_array(data: bytes, at: int, limit: int, depth: int) -> int:
    if depth > MAX_NESTING or at + 4 > limit:
        raise MalformedProperties
    end: int = at + 4 + _U32.unpack_from(data, at)[0]
    if end > limit:
        raise MalformedProperties
    at += 4
    while at < end:
        at = _check_value(data, at, end, depth)
    return end
