"""A message, and a message as it stands in one queue.

Here: what is kept of a message between its publisher and its consumers, and
how routing looks at it.  Not here: how it is routed, stored or delivered.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from broker.amqp import properties, tables
from broker.amqp.content import ContentHeader
from broker.amqp.hot import short_string
from exchanges.base import Table

if TYPE_CHECKING:
    from broker.consumer import Consumer
    from broker.queue import Queue

Body = bytes | list[bytes]


def encode_name(name: str) -> bytes:
    """A name or routing key as it stands on the wire."""
    return name.encode("utf-8", "surrogateescape")


def decode_name(raw: bytes) -> str:
    """A name or routing key from the wire; any bytes survive the way there and back."""
    return raw.decode("utf-8", "surrogateescape")


class Route:
    """Where a message was published: shared by all messages that went the same way.

    `raw` is exchange and routing key as two short strings, as they stand in
    basic.deliver, basic.return and basic.get-ok.  `hidden_keys` are those of a
    BCC header, which count again when the message is dead-lettered; `hidden`
    the same as short strings in a row.
    """

    __slots__ = ("exchange", "hidden", "hidden_keys", "raw", "routing_key")

    def __init__(self, exchange: str, routing_key: str, hidden_keys: Sequence[str] = ()) -> None:
        self.hidden_keys = hidden_keys
        self.hidden = b"".join([short_string(encode_name(key)) for key in hidden_keys])
        self.exchange = exchange
        self.routing_key = routing_key
        self.raw = short_string(encode_name(exchange)) + short_string(encode_name(routing_key))


def restored_route(raw: bytes, hidden: bytes = b"") -> Route:
    """The route that has this `raw` and these `hidden` keys."""
    split = 1 + raw[0]
    return Route(decode_name(raw[1:split]), decode_name(raw[split + 1 :]), _keys(hidden))


def _keys(data: bytes) -> list[str]:
    keys, at = [], 0
    while at < len(data):
        start, at = at + 1, at + 1 + data[at]
        keys.append(decode_name(data[start:at]))
    return keys


class Message:
    """One published message; header and body are the bytes that came (decision 2 of the design)."""

    __slots__ = ("body", "header", "route")

    def __init__(self, route: Route, header: ContentHeader, body: Body) -> None:
        self.route = route
        self.header = header
        self.body = body

    @property
    def persistent(self) -> bool:
        """Whether delivery-mode is 2."""
        return self.header.persistent


class QueuedMessage:
    """A message in one queue, from its enqueueing to its settlement.

    `position` orders it within the queue (and survives requeueing); `deadline`
    is in clock milliseconds or None; `batch` and `ref` say where the log keeps
    it (None: nowhere); `returns` counts how often it came back (see quorum.py);
    `consumer` (None for basic.get) and the delivery `tag` are set while it is unacked.
    """

    __slots__ = (
        "batch",
        "consumer",
        "deadline",
        "message",
        "position",
        "queue",
        "ref",
        "returns",
        "tag",
    )

    consumer: "Consumer | None"
    ref: int
    tag: int

    def __init__(self, message: Message, queue: "Queue", position: int) -> None:
        self.message = message
        self.queue = queue
        self.position = position
        self.deadline: int | None = None
        self.batch: Any = None
        self.returns = 0


class Routable:
    """A message as the exchanges see it: routing keys (main, CC, BCC) and properties on demand."""

    __slots__ = ("_headers", "header", "message", "routing_keys")

    def __init__(
        self, routing_keys: Sequence[str], header: ContentHeader, message: Message | None = None
    ) -> None:
        self.routing_keys = tuple(routing_keys)
        self.header = header
        self.message = message
        self._headers: Table | None = None

    @property
    def headers(self) -> Table:
        """The headers table, empty where there is none."""
        if self._headers is None:
            self._headers = headers_of(self.header)
        return self._headers

    def property(self, name: str) -> str | int | None:
        """A property by its name with underscores, None where absent."""
        value: str | int | None = getattr(properties.decode(self.header.payload), name)
        return value


def headers_of(header: ContentHeader) -> Table:
    """The decoded headers of a well-formed content header; empty where it has none."""
    if not header.headers_at:
        return {}
    return tables.decode_table(header.payload, header.headers_at)[0]
