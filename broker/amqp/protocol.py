"""Bytes in, commands out: framing, assembly of contents, limits (spec sections 1 and 2.7).

Here: cutting the input into frames in one flat loop and making one command of
a method with its content.  Not here: sockets, time, the meaning of a method
and the state of channels, which belong to the connection.

A command is a tuple that begins with the channel number and a kind, the kind
being a method id (class << 16 | method) or one of the two negative kinds:

    (channel, BASIC_PUBLISH, arguments, ContentHeader, bodies)   bodies: list of Body or None
    (channel, BASIC_ACK, first, last)    acks of single tags in a row
    (channel, BASIC_ACK_MULTIPLE, tag)
    (channel, method id, arguments)      any other method, arguments undecoded
    (channel, VIOLATION, ProtocolViolation)
    (0, PROTOCOL_HEADER, eight bytes)

Publishes in a row with the same arguments and content header on one channel
come as one command, since a publisher repeats itself.  A body is bytes, a list
of chunks where it arrived in pieces, or None where it was larger than
`max_message_size` and has been thrown away while it was read.
"""

from struct import Struct
from typing import Any

from broker.amqp import errors
from broker.amqp.content import CLASS_BASIC, ContentHeader
from broker.amqp.errors import ProtocolViolation
from broker.amqp.hot import BASIC_ACK, BASIC_ACK_MULTIPLE, BASIC_PUBLISH

Command = tuple[Any, ...]
Body = bytes | list[bytes]

VIOLATION = -1
PROTOCOL_HEADER = -2

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
FRAME_END = 0xCE
# Any other method than publish and ack takes about as long as so many messages: a flood of
# declares must not hold up others for longer than one of messages.
METHOD_COST = 20
HARD_BODY_LIMIT = 512 * 1024 * 1024

_FRAME = Struct(">BHI")
_METHOD_ID = Struct(">I")
_HEADER_FRAME = Struct(">BHIHHQH")
_HEADER_FIXED = Struct(">HHQH")
_HEADER_START = Struct(">HHQ")
_ACK = Struct(">BHIIQBB")
_ACK_FRAME_SIZE = 21
_ACK_PAYLOAD_SIZE = 13
_HEADER_FIXED_SIZE = 14
# What a frame of these types has at least; behind that, a header may lack its flag word, which is
# a mistake in the properties.
_SHORTEST = {METHOD: 4, HEADER: 12, BODY: 0}

# A body frame at least this long is taken out of the buffer as it comes.
_STREAMED = 8192
_REMEMBERED_HEADERS = 256


class _Content:
    """A publish whose header or body has not come whole yet."""

    __slots__ = ("arguments", "chunks", "header", "received")

    def __init__(self, arguments: bytes) -> None:
        self.arguments = arguments
        self.header: ContentHeader | None = None
        self.chunks: list[bytes] | None = []
        self.received = 0


class Protocol:
    """Cuts one connection's input into commands; never raises for what a peer sends."""

    __slots__ = (
        "_at",
        "_buffer",
        "_contents",
        "_dead",
        "_headers",
        "_more",
        "_prefix",
        "_prefix_of",
        "_started",
        "_streaming",
        "_streaming_left",
        "frame_limit",
        "max_message_size",
        "spent",
    )

    def __init__(self, frame_limit: int, max_message_size: int) -> None:
        self.frame_limit = frame_limit
        self.max_message_size = max_message_size
        self._buffer = b""
        self._at = 0
        self._more = False
        self._started = False
        self._dead = False
        self._contents: dict[int, _Content] = {}
        self._headers: dict[bytes, ContentHeader] = {}
        # The bytes up to the body of the last whole publish, and what they mean.
        self._prefix = b""
        self._prefix_of: tuple[int, bytes, ContentHeader] | None = None
        # The channel whose long body frame is being taken in, and its bytes to come.
        self._streaming = -1
        self._streaming_left = 0
        # Of the last budget, how much was used.
        self.spent = 0

    @property
    def more(self) -> bool:
        """Whether `commands` stopped for its budget with input left."""
        return self._more

    @property
    def dead(self) -> bool:
        """Whether a violation left no frame boundary to go on from."""
        return self._dead

    @property
    def buffered(self) -> int:
        """Bytes held that are not yet part of a command."""
        held = len(self._buffer) - self._at
        return held + sum(content.received for content in self._contents.values())

    @property
    def assembling(self) -> int:
        """How much there is of contents that have not come whole: their headers, and octets."""
        started = (each for each in self._contents.values() if each.header is not None)
        return sum(1 + content.received for content in started)

    def receive(self, data: bytes) -> None:
        """Takes in what the socket gave."""
        if self._dead:
            return
        if self._at >= len(self._buffer):
            self._buffer = data
        else:
            self._buffer = self._buffer[self._at :] + data
        self._at = 0

    def forget_contents(self, channel: int) -> None:
        """Drops a half-sent content of `channel` (it was closed)."""
        self._contents.pop(channel, None)

    def discard(self) -> None:
        """Ignores all further input (after a violation that leaves no frame boundary)."""
        self._dead = True
        self._buffer, self._at, self._more = b"", 0, False
        self._contents.clear()

    def commands(self, budget: int = 1000) -> list[Command]:
        """The commands in what was received, at most about `budget` messages' worth."""
        out: list[Command] = []
        self._more = False
        if not self._started and not self._take_protocol_header(out):
            return out
        if self._streaming >= 0 and not self._dead and not self._stream(out):
            return out
        if not self._dead:
            self._cut(out, budget)
        return out

    def _take_protocol_header(self, out: list[Command]) -> bool:
        if len(self._buffer) - self._at < 8:
            return False
        out.append((0, PROTOCOL_HEADER, self._buffer[self._at : self._at + 8]))
        self._at += 8
        self._started = True
        return True

    def _cut(self, out: list[Command], budget: int) -> None:  # noqa: PLR0915
        # One flat loop on purpose: a call or a tuple per frame costs as much as the
        # frame itself.  Anything but the two hot shapes leaves it by a method.
        buffer, at = self._buffer, self._at
        size = len(buffer)
        contents = self._contents
        unpack_frame = _FRAME.unpack_from
        limit = self.frame_limit
        given = budget
        prefix, known = self._prefix, self._prefix_of
        while size - at >= 7:
            if budget <= 0:
                self._more = True
                break
            if known is not None and not contents and buffer.startswith(prefix, at):
                channel, arguments, header = known
                body_size, skip = header.body_size, len(prefix)
                bodies: list[Body | None] = []
                while buffer.startswith(prefix, at):
                    begin = at + skip
                    end = begin + body_size
                    if end >= size or buffer[end] != FRAME_END:
                        break
                    bodies.append(buffer[begin:end])
                    at = end + 1
                    budget -= 1
                    if budget <= 0:
                        break
                if bodies:
                    out.append((channel, BASIC_PUBLISH, arguments, header, bodies))
                    continue
            kind, channel, length = unpack_frame(buffer, at)
            if length > limit:
                at = size
                self._fatal(out, errors.frame_too_large(kind, length, limit - 8))
                break
            end = at + 7 + length
            if end >= size:
                if kind == BODY and length >= _STREAMED and channel in contents:
                    at = self._begin_stream(channel, at + 7, length, size)
                break
            if buffer[end] != FRAME_END:
                self._fatal(out, errors.frame_end(kind, buffer[at + 7 : end], buffer[end]))
                at = size
                break
            budget -= 1
            if kind == METHOD and length >= 4 and not (contents and channel in contents):
                method = _METHOD_ID.unpack_from(buffer, at + 7)[0]
                if method == BASIC_PUBLISH and channel:
                    begin, at = at, end + 1
                    arguments = buffer[begin + 11 : end]
                    after = self._whole_publish(buffer, at, channel, arguments, out)
                    if after:
                        header = out[-1][3]
                        if header.repeats and header.body_size:
                            prefix = buffer[begin : after - 1 - header.body_size]
                            known = (channel, arguments, header)
                            self._prefix, self._prefix_of = prefix, known
                        at = after
                    elif _fits_publish(arguments):
                        contents[channel] = _Content(arguments)
                    else:
                        violation = errors.cannot_decode(arguments, BASIC_PUBLISH)
                        self._violation(out, channel, violation)
                    continue
                if method == BASIC_ACK and channel:
                    if length != _ACK_PAYLOAD_SIZE:
                        arguments = buffer[at + 11 : end]
                        self._violation(out, channel, errors.cannot_decode(arguments, BASIC_ACK))
                        at = end + 1
                        continue
                    tag = _ACK.unpack_from(buffer, at)
                    at = end + 1
                    if tag[5] & 1:
                        out.append((channel, BASIC_ACK_MULTIPLE, tag[4]))
                        continue
                    first = last = tag[4]
                    while size - at >= _ACK_FRAME_SIZE:
                        last += 1
                        if _ACK.unpack_from(buffer, at) != (
                            METHOD,
                            channel,
                            _ACK_PAYLOAD_SIZE,
                            BASIC_ACK,
                            last,
                            0,
                            FRAME_END,
                        ):
                            last -= 1
                            break
                        at += _ACK_FRAME_SIZE
                        budget -= 1
                    out.append((channel, BASIC_ACK, first, last))
                    continue
                out.append((channel, method, buffer[at + 11 : end]))
                budget -= METHOD_COST
            else:
                self._other_frame(kind, channel, buffer[at + 7 : end], out)
                if self._dead:
                    at = size
                    break
            at = end + 1
        self._at = at if not self._dead else len(self._buffer)
        self.spent = given - budget

    def _whole_publish(
        self, buffer: bytes, at: int, channel: int, arguments: bytes, out: list[Command]
    ) -> int:
        # The header and body frames right behind a publish; 0 where they are not (yet)
        # all there and well formed, so that the frame loop takes them one by one.
        size = len(buffer)
        if size - at < 22:
            return 0
        kind, number, length, class_id, weight, body_size, _ = _HEADER_FRAME.unpack_from(buffer, at)
        end: int = at + 7 + length
        if (
            kind != HEADER
            or number != channel
            or class_id != CLASS_BASIC
            or weight
            or length < _HEADER_FIXED_SIZE
            or end >= size
            or length > self.frame_limit
            or buffer[end] != FRAME_END
            or body_size > self.max_message_size
        ):
            return 0
        payload = buffer[at + 7 : end]
        header = self._headers.get(payload) or self._peek(payload, body_size)
        if not body_size:
            out.append((channel, BASIC_PUBLISH, arguments, header, [b""]))
            return end + 1
        at = end + 8
        end = at + body_size
        if end >= size or buffer[end] != FRAME_END:
            return 0
        if _FRAME.unpack_from(buffer, at - 7) != (BODY, channel, body_size):
            return 0
        if body_size > self.frame_limit:
            return 0
        out.append((channel, BASIC_PUBLISH, arguments, header, [buffer[at:end]]))
        return end + 1

    def _peek(self, payload: bytes, body_size: int) -> ContentHeader:
        flags = _HEADER_FIXED.unpack_from(payload, 0)[3]
        header = ContentHeader(payload, body_size, flags)
        if header.repeats:
            if len(self._headers) >= _REMEMBERED_HEADERS:
                self._headers.clear()
            self._headers[payload] = header
        return header

    def _other_frame(self, kind: int, channel: int, payload: bytes, out: list[Command]) -> None:
        content = self._contents.get(channel)
        if kind == HEARTBEAT and not payload:
            if channel:
                self._violation(out, 0, errors.heartbeat_on_channel())
        elif kind not in _SHORTEST or len(payload) < _SHORTEST[kind]:
            self._violation(out, 0, errors.unknown_frame(kind, payload))
        elif channel == 0 and kind != METHOD:
            self._violation(out, 0, errors.content_on_channel_zero(kind, payload))
        elif content is None:
            self._violation(out, channel, errors.expected_method())
        elif content.header is None:
            self._content_header(content, kind, channel, payload, out)
        elif kind != BODY:
            self._broken_content(out, channel, errors.expected_body())
        else:
            self._content_body(content, channel, payload, out)

    def _content_header(
        self, content: _Content, kind: int, channel: int, payload: bytes, out: list[Command]
    ) -> None:
        if kind != HEADER:
            self._broken_content(out, channel, errors.expected_header())
            return
        class_id, weight, body_size = _HEADER_START.unpack_from(payload, 0)
        if weight:
            self._broken_content(out, channel, errors.expected_header())
        elif class_id != CLASS_BASIC:
            self._broken_content(out, channel, errors.wrong_header_class(class_id))
        elif body_size > HARD_BODY_LIMIT:
            self._broken_content(out, channel, errors.body_too_large(body_size, HARD_BODY_LIMIT))
        else:
            if len(payload) < _HEADER_FIXED_SIZE:
                content.header = ContentHeader(payload, body_size, 0)  # malformed
            else:
                content.header = self._headers.get(payload) or self._peek(payload, body_size)
            if body_size > self.max_message_size:
                content.chunks = None
            if not body_size:
                self._finish(content, channel, out)

    def _content_body(
        self, content: _Content, channel: int, chunk: bytes, out: list[Command]
    ) -> None:
        assert content.header is not None  # only _content_header leads here
        content.received += len(chunk)
        if content.received > content.header.body_size:
            self._broken_content(out, channel, errors.body_exceeds_announced())
            return
        if chunk and content.chunks is not None:
            content.chunks.append(chunk)
        if content.received == content.header.body_size:
            self._finish(content, channel, out)

    def _finish(self, content: _Content, channel: int, out: list[Command]) -> None:
        del self._contents[channel]
        chunks = content.chunks
        body: Body | None = chunks
        if chunks is not None and len(chunks) < 2:
            body = chunks[0] if chunks else b""
        out.append((channel, BASIC_PUBLISH, content.arguments, content.header, [body]))

    def _begin_stream(self, channel: int, at: int, length: int, size: int) -> int:
        # A long body frame is not waited for: what is there is taken, so that
        # the buffer does not grow and its bytes are not copied at every read.
        chunk = self._buffer[at:size]
        content = self._contents[channel]
        if content.header is None or content.received + length > content.header.body_size:
            return at - 7  # a violation: let the frame come whole and be judged
        if content.chunks is not None and chunk:
            content.chunks.append(chunk)
        content.received += len(chunk)
        self._streaming = channel
        self._streaming_left = length - len(chunk)
        return size

    def _stream(self, out: list[Command]) -> bool:
        at, size = self._at, len(self._buffer)
        content = self._contents.get(self._streaming)
        take = min(self._streaming_left, size - at)
        if take:
            if content is not None:
                content.received += take
                if content.chunks is not None:
                    content.chunks.append(self._buffer[at : at + take])
            self._streaming_left -= take
            self._at = at = at + take
        if self._streaming_left or at >= size:
            return False
        if self._buffer[at] != FRAME_END:
            self._fatal(out, errors.frame_end(BODY, b"", self._buffer[at]))
            return False
        self._at = at + 1
        channel, self._streaming = self._streaming, -1
        if content is not None and content.header is not None:
            if content.received == content.header.body_size:
                self._finish(content, channel, out)
        return True

    def _broken_content(
        self, out: list[Command], channel: int, violation: ProtocolViolation
    ) -> None:
        self._contents.pop(channel, None)
        self._violation(out, channel, violation)

    def _violation(self, out: list[Command], channel: int, violation: ProtocolViolation) -> None:
        out.append((channel, VIOLATION, violation))

    def _fatal(self, out: list[Command], violation: ProtocolViolation) -> None:
        out.append((0, VIOLATION, violation))
        self.discard()


def _fits_publish(arguments: bytes) -> bool:
    # Ticket, two short strings, bits, and nothing else.
    try:
        end = 3 + arguments[2]
        return end + arguments[end] + 2 == len(arguments)
    except IndexError:
        return False
