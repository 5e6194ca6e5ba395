"""Messages as they pass: a temporary queue, what is bound to it, and each message as a row.

Here: subscribing and putting messages together. Not here: where to look (commands/tail.py).
"""

import asyncio
import base64
from collections.abc import Callable, Sequence
from struct import Struct
from typing import NamedTuple

from broker.amqp import content, hot, properties, tables
from broker.amqp.tables import Table
from broker.clock import Clock
from mgmt_ui.cli.amqp import METHOD, Connection, Target
from mgmt_ui.cli.exits import Failure
from mgmt_ui.cli.output import Row
from mgmt_ui.cli.waiting import Interrupts, either
from mgmt_ui.fields import plain

TAG = "tail"
# So much waits in the broker for a terminal that is slow; older messages are dropped then.
MOST_WAITING = 10_000
HEADER = 2
BASIC_CANCEL = 0x003C001E
FOREVER = 365 * 86_400.0
_ID = Struct(">I")
_U64 = Struct(">Q")


class Source(NamedTuple):
    """What to bind the temporary queue to; or, with `queue`, a stream to read."""

    bindings: Sequence[tuple[str, str, Table]] = ()
    queue: str = ""


class Reader:
    """Puts messages together from frames; `show` gets each as a row, at most `most` octets of
    its body."""

    def __init__(self, show: Callable[[Row], None], most: int) -> None:
        self._show = show
        self._most = most
        self._row: Row = {}
        self._left = 0
        self._body = bytearray()
        self.cancelled: Callable[[], None] = lambda: None
        self.is_cancelled = False
        self.last_tag = 0

    def frame(self, kind: int, payload: bytes) -> None:
        """The next frame of the channel."""
        if kind == METHOD:
            method = _ID.unpack_from(payload)[0]
            if method == hot.BASIC_DELIVER:
                self._begin(payload)
            elif method == BASIC_CANCEL:
                self.is_cancelled = True
                self.cancelled()
            return
        if not self._row:
            return
        if kind == HEADER:
            self._head(payload)
        else:
            self._left -= len(payload)
            self._body += payload[: self._most - len(self._body)]
        if self._left <= 0:
            self._end()

    def _begin(self, payload: bytes) -> None:
        _, at = _text(payload, 4)
        self.last_tag = _U64.unpack_from(payload, at)[0]
        redelivered = bool(payload[at + 8])
        exchange, at = _text(payload, at + 9)
        key, _ = _text(payload, at)
        self._row = {"exchange": exchange, "routing_key": key, "redelivered": redelivered}
        self._body.clear()

    def _head(self, payload: bytes) -> None:
        header = content.parse(payload)
        self._left = header.body_size
        self._row["properties"] = shown_properties(header)
        self._row["payload_bytes"] = header.body_size

    def _end(self) -> None:
        row, self._row = self._row, {}
        body = bytes(self._body)
        try:
            row |= {"payload": body.decode(), "payload_encoding": "string"}
        except UnicodeDecodeError:
            row |= {"payload": base64.b64encode(body).decode(), "payload_encoding": "base64"}
        row["truncated"] = row["payload_bytes"] > len(body)
        self._show(row)


def _text(payload: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + payload[at]
    return payload[at + 1 : end].decode("utf-8", "surrogateescape"), end


def shown_properties(header: content.ContentHeader) -> Row:
    """Those that are there, as the management API shows them."""
    try:
        found = properties.decode(header.payload)
    except (content.MalformedProperties, tables.TableError):
        return {}
    values = {name: getattr(found, name) for name in properties.BasicProperties.__slots__}
    present = {name: value for name, value in values.items() if value is not None}
    if found.headers is not None:
        present["headers"] = plain(found.headers)
    return present


def of_trace(row: Row) -> Row:
    """What a message of the firehose tells: the message, where it passed, whose it was."""
    facts = dict(row["properties"].get("headers", {}))
    event, _, place = row["routing_key"].partition(".")
    keys = facts.get("routing_keys") or [""]
    told: Row = {
        "event": event,
        "exchange": facts.get("exchange_name", ""),
        "routing_key": keys[0],
        "redelivered": bool(facts.get("redelivered", 0)),
        "properties": facts.get("properties", {}),
        "user": facts.get("user"),
        "connection": facts.get("connection"),
    }
    if event == "deliver":
        told["queue"] = place
    else:
        told["queues"] = facts.get("routed_queues", [])
    return (
        told
        | {key: value for key, value in row.items() if key.startswith("payload")}
        | {"truncated": row["truncated"]}
    )


class Limits(NamedTuple):
    """When it ends, and how much is shown: messages and seconds, 0 for no end."""

    messages: int = 0
    seconds: float = 0.0
    octets: int = 50_000


class Tail:
    """Follows a source until `stop` is set, its limits are reached, or the broker ends it."""

    def __init__(self, target: Target, clock: Clock, limits: Limits) -> None:
        self._target = target
        self._clock = clock
        self._limits = limits
        self.stop = asyncio.Event()
        self._shown = 0

    async def follow(self, source: Source, show: Callable[[Row], bool]) -> None:
        """`show` gets each message and says whether it counts; raises Failure."""
        connection = await Connection.connect(self._target)
        try:
            connection.ended = self.stop.set
            with Interrupts(self.stop):
                await self._read(connection, source, show)
            connection.check()
        finally:
            await connection.close()

    async def _read(
        self, connection: Connection, source: Source, show: Callable[[Row], bool]
    ) -> None:
        reader = Reader(lambda row: self._note(show(row)), self._limits.octets)
        reader.cancelled = self.stop.set
        connection.content = reader.frame
        if source.queue:
            await self._subscribe_stream(connection, source.queue, reader)
        else:
            await self._subscribe(connection, source)
        await either(self.stop, self._clock, self._limits.seconds or FOREVER)
        if reader.is_cancelled:
            raise Failure(f"what was followed is gone: {source.queue or 'the temporary queue'}")

    async def _subscribe(self, connection: Connection, source: Source) -> None:
        arguments: Table = {"x-max-length": ("I", MOST_WAITING)}
        queue = await connection.declare("", exclusive=True, auto_delete=True, arguments=arguments)
        for exchange, key, more in source.bindings:
            await connection.bind(queue, exchange, key, more)
        await connection.consume(queue, TAG, no_ack=True, arguments={})

    async def _subscribe_stream(self, connection: Connection, queue: str, reader: Reader) -> None:
        def acknowledge(kind: int, payload: bytes) -> None:
            before = reader.last_tag
            reader.frame(kind, payload)
            if reader.last_tag > before:
                connection.write(hot.confirm(1, reader.last_tag, True))  # of one form both ways

        connection.content = acknowledge
        await connection.qos(1000)
        offset: Table = {"x-stream-offset": ("S", "next")}
        await connection.consume(queue, TAG, no_ack=False, arguments=offset)

    def _note(self, counts: bool) -> None:
        self._shown += counts
        if self._limits.messages and self._shown >= self._limits.messages:
            self.stop.set()
