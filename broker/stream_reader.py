"""One reader of a stream: where it starts, what it wants, the frames of its deliveries.

Here: `x-stream-offset`, `x-stream-filter`, and encoding basic.deliver with the
offset in its headers (spec 8.3).  Not here: when it is its turn (stream.py),
its credit (consumer.py).
"""

from struct import Struct
from typing import TYPE_CHECKING

from broker.amqp import hot
from broker.amqp.splice import around_long
from broker.message import Message, QueuedMessage, Route, encode_name, headers_of
from vhosts.argument_checks import Table, interval_ms

if TYPE_CHECKING:
    from broker.amqp.content import ContentHeader
    from broker.consumer import Consumer
    from broker.stream import Stream

OFFSET_KEY = b"x-stream-offset"
FILTER_KEY = b"x-stream-filter-value"

_PACK_TAG = hot.pack_tag
_PACK_OFFSET = Struct(">q").pack
_END = hot.FRAME_END


class Outstanding(QueuedMessage):
    """A delivery from a stream in the ledger of its channel.

    The message stays where it is, so there is nothing to it but whose credit it takes.
    """

    __slots__ = ()

    batch = None
    deadline = None
    position = -1
    returns = 0

    def __init__(self, message: Message, consumer: "Consumer", tag: int) -> None:
        self.message = message
        self.queue = consumer.queue
        self.consumer = consumer
        self.tag = tag


class Filter:
    """`x-stream-filter`: which messages a reader wants, each one looked at (spec 8.3)."""

    __slots__ = ("_needles", "_unfiltered", "_values")

    def __init__(self, values: list[str], unfiltered: bool) -> None:
        self._values = frozenset(values)
        self._unfiltered = unfiltered
        # As they stand in a headers table: most messages need no decoding.
        self._needles = [
            FILTER_KEY + b"S" + len(raw).to_bytes(4, "big") + raw
            for raw in map(encode_name, self._values)
        ]

    @classmethod
    def of(cls, arguments: Table) -> "Filter | None":
        """The filter that the arguments of a basic.consume ask for, if any."""
        tag, value = arguments.get("x-stream-filter", ("A", []))
        values = [value] if tag == "S" else [item for _, item in value]
        unfiltered = arguments.get("x-stream-match-unfiltered", ("t", False))[1]
        return cls(values, bool(unfiltered)) if values else None

    def matches(self, header: "ContentHeader") -> bool:
        """Whether the message with this header is wanted."""
        payload = header.payload
        if not header.headers_at or FILTER_KEY not in payload:
            return self._unfiltered
        if not self._unfiltered and not any(needle in payload for needle in self._needles):
            return False
        tag, value = headers_of(header).get(FILTER_KEY.decode(), ("V", None))
        return value in self._values if tag == "S" else self._unfiltered


def start_of(stream: "Stream", arguments: Table) -> tuple[int, int | None]:
    """The place at which `x-stream-offset` has a reader start; validated before.

    With the time (clock ms) of the first message that it wants, where that is still to be read.
    """
    tag, value = arguments.get("x-stream-offset", ("S", "next"))
    if tag == "T":
        return stream.place_at(value * 1000)
    if tag != "S":
        return value, None
    if value == "next":
        return stream.next_position, None
    if value == "first":
        return stream.base, None
    if value == "last":
        return stream.last_batch(), None
    return stream.place_at(stream.turn.now() - (interval_ms(value) or 0))


class Reader:
    """The place of one consumer in a stream: `at` is the offset of what it reads next.

    `waiting` says that this has to be read from the disk first.
    """

    __slots__ = (
        "_after",
        "_before",
        "_filter",
        "_header",
        "_prefix",
        "_route",
        "_since",
        "_single_frame",
        "at",
        "consumer",
        "stream",
        "waiting",
    )

    def __init__(self, stream: "Stream", consumer: "Consumer") -> None:
        self.stream = stream
        self.consumer = consumer
        self.at, self._since = start_of(stream, consumer.arguments)
        self.waiting = False
        self._filter = Filter.of(consumer.arguments)
        self._route: Route | None = None
        self._header: ContentHeader | None = None
        self._prefix = self._before = self._after = b""
        self._single_frame = True

    def take(self, room: int, count: int, budget: int) -> int:
        """Looks at up to `count` messages and delivers at most `room` of them.

        Stops once `budget` body octets are exceeded; returns how many were delivered.
        """
        consumer, stream = self.consumer, self.stream
        channel = consumer.channel
        out, unacked, wanted = channel.out, channel.unacked, self._filter
        tag = first = channel.next_tag
        last, size = tag + room, 0
        at = self.at
        while count > 0 and tag != last and size < budget:
            entries = self._next(count)
            if not entries:
                break
            count -= len(entries)
            for entry in entries:
                at = entry.position
                if tag == last or size >= budget:
                    break
                message = entry.message
                header = message.header
                if wanted is not None and not wanted.matches(header):
                    continue
                if header is not self._header or message.route is not self._route:
                    self._prepare(message)
                out += (self._prefix, _PACK_TAG(tag, 0), self._before, _PACK_OFFSET(at))
                body = message.body
                if self._single_frame and body.__class__ is bytes:
                    out += (self._after, body, _END)
                else:
                    self._long_body(message)
                unacked[tag] = Outstanding(message, consumer, tag)
                size += header.body_size
                tag += 1
            else:
                at += 1
            self.at = at
        taken = tag - first
        if taken:
            channel.next_tag = tag
            if stream.vhost.tracing:
                from broker import firehose  # only for who traces

                for number in range(first, tag):
                    firehose.delivered(channel, stream, unacked[number].message, False)
            consumer.credit -= taken
            if channel.prefetch_limit:
                channel.limited += taken
            channel.connection.wrote(size)
        return taken

    def _next(self, count: int) -> list[QueuedMessage]:
        # Up to `count` messages from `at` on; none where there is no more to read, or not yet.
        stream = self.stream
        chunks = stream.ready
        self.waiting = False
        while True:
            self.at = max(self.at, stream.base)
            index = chunks.find(self.at)
            if self.at >= stream.safe or index == len(chunks.all):
                return []
            chunk = chunks.all[index]
            entries = chunks.entries_of(chunk)
            if entries is None:
                self.waiting = True
                return []
            start = chunk.index(self.at)
            if self._since is not None:
                start, self._since = max(start, chunk.since(self._since)), None
            if found := entries[start : start + count]:
                return found
            self.at = max(self.at, chunk.end)

    def _prepare(self, message: Message) -> None:
        channel, header, route = self.consumer.channel, message.header, message.route
        number, size = channel.number, header.body_size
        if route is not self._route:
            self._prefix = hot.deliver_prefix(number, encode_name(self.consumer.tag), route.raw)
        before, after = around_long(header, OFFSET_KEY)
        start = hot.header_frame_start(number, len(before) + 8 + len(after))
        self._before = route.raw + _END + start + before
        frame_max = channel.connection.frame_max
        self._single_frame = 0 < size <= frame_max - 8 or (not frame_max and size > 0)
        if self._single_frame:
            self._after = after + _END + hot.body_frame_start(number, size)
        else:
            self._after = after + _END
        self._route, self._header = route, header

    def _long_body(self, message: Message) -> None:
        channel = self.consumer.channel
        out = channel.out
        out.append(self._after)
        if self._single_frame:
            out += message.body  # type: ignore[arg-type]  # chunks, as they came
            out.append(_END)
        else:
            out += hot.body_frames(channel.number, message.body, channel.connection.frame_max)
