"""Publish, deliver, ack and confirm on the wire, encoded by hand for their speed.

Here: method ids of the hot methods and the bytes of what is sent per message.
Not here: any other method (cold.py), and deciding what is sent.
"""

from collections.abc import Iterable
from struct import Struct

BASIC_PUBLISH = 0x003C0028
BASIC_RETURN = 0x003C0032
BASIC_DELIVER = 0x003C003C
BASIC_GET_OK = 0x003C0047
BASIC_ACK = 0x003C0050
BASIC_REJECT = 0x003C005A
BASIC_NACK = 0x003C0078
# Not on the wire: an ack with the multiple bit, as the parser tells it apart.
BASIC_ACK_MULTIPLE = BASIC_ACK | 1 << 32

FRAME_END = b"\xce"
HEARTBEAT_FRAME = b"\x08\x00\x00\x00\x00\x00\x00\xce"

_METHOD_FRAME = Struct(">BHII")
_FRAME = Struct(">BHI")
_ACK = Struct(">BHIIQBB")
_TAG = Struct(">QB")
_COUNT = Struct(">I")

pack_tag = _TAG.pack


def short_string(text: bytes) -> bytes:
    """`text` with its length octet; at most 255 bytes of it."""
    text = text[:255]
    return bytes((len(text),)) + text


def deliver_prefix(channel: int, consumer_tag: bytes, route: bytes) -> bytes:
    """A basic.deliver frame up to its delivery tag; `route` as in `Route.raw`."""
    tag = short_string(consumer_tag)
    size = 4 + len(tag) + 9 + len(route)
    return _METHOD_FRAME.pack(1, channel, size, BASIC_DELIVER) + tag


def header_frame(channel: int, payload: bytes) -> bytes:
    """A content header frame."""
    return _FRAME.pack(2, channel, len(payload)) + payload + FRAME_END


def header_frame_start(channel: int, size: int) -> bytes:
    """The seven octets before a content header frame's payload."""
    return _FRAME.pack(2, channel, size)


def body_frame_start(channel: int, size: int) -> bytes:
    """The seven octets before a body frame's payload."""
    return _FRAME.pack(3, channel, size)


def body_frames(channel: int, body: bytes | list[bytes], frame_max: int) -> Iterable[bytes]:
    """A body as frames of at most `frame_max` octets in all; none for an empty body (spec 1.1)."""
    whole = body if isinstance(body, bytes) else b"".join(body)
    step = frame_max - 8 if frame_max else max(len(whole), 1)
    for start in range(0, len(whole), step):
        chunk = whole[start : start + step]
        yield _FRAME.pack(3, channel, len(chunk))
        yield chunk
        yield FRAME_END


def confirm(channel: int, tag: int, multiple: bool) -> bytes:
    """A basic.ack frame of the broker."""
    return _ACK.pack(1, channel, 13, BASIC_ACK, tag, 1 if multiple else 0, 0xCE)


def refuse(channel: int, tag: int) -> bytes:
    """A basic.nack frame of the broker; its requeue bit is set as RabbitMQ sets it (spec 1.5)."""
    return _ACK.pack(1, channel, 13, BASIC_NACK, tag, 2, 0xCE)


def return_method(channel: int, code: int, text: bytes, route: bytes) -> bytes:
    """A basic.return method frame."""
    reason = short_string(text)
    size = 6 + len(reason) + len(route)
    start = _METHOD_FRAME.pack(1, channel, size, BASIC_RETURN)
    return start + code.to_bytes(2, "big") + reason + route + FRAME_END


def get_ok_method(channel: int, tag: int, redelivered: bool, route: bytes, left: int) -> bytes:
    """A basic.get-ok method frame; `left` ready messages stay in the queue."""
    size = 4 + 9 + len(route) + 4
    start = _METHOD_FRAME.pack(1, channel, size, BASIC_GET_OK)
    return start + _TAG.pack(tag, redelivered) + route + _COUNT.pack(left) + FRAME_END
