"""A small AMQP 0-9-1 client: one connection with one channel, for `bench` and `tail`.

Here: the handshake, calls that wait for their answer, cutting frames, what ends a connection. Not
here: what is sent and what comes (bench/, tail.py), where the broker is (settings.py).
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from struct import Struct
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from pamqp import commands
from pamqp.base import Frame as Method

from broker import __version__
from broker.amqp import cold, errors, hot
from broker.amqp.tables import Table, TableError
from mgmt_ui.cli.client import tls_context, tls_hint
from mgmt_ui.cli.exits import DATA, REFUSED, TEMPORARY, UNAVAILABLE, Failure
from mgmt_ui.cli.settings import Settings, without_credentials

HEADER = b"AMQP\x00\x00\x09\x01"
METHOD = 1
CHANNEL = 1
FRAME_END = 0xCE
# What is sent goes to the socket in pieces of this size; more than that waits in memory.
WRITE_AHEAD = 1 << 20
# Of a frame that is no larger than what was agreed: longer ones are no AMQP.
LARGEST_FRAME = 64 << 20
CAPABILITIES: Table = dict.fromkeys(
    (
        *("authentication_failure_close", "basic.nack", "connection.blocked"),
        *("consumer_cancel_notify", "publisher_confirms"),
    ),
    ("t", True),
)
_START = Struct(">BHI")
_ID = Struct(">I")
ACCESS_REFUSED = 403
# Seconds for which the answer to a goodbye is waited for.
PATIENCE = 3.0

Handler = Callable[[int, bytes], None]


class Target(NamedTuple):
    """Where to connect, as whom, and to which virtual host."""

    shown: str
    host: str
    port: int
    user: str
    password: str
    vhost: str
    tls: ssl.SSLContext | None
    timeout: float

    @classmethod
    def of(cls, settings: Settings) -> "Target":
        """From --amqp-url, whose path names the virtual host unless --vhost does."""
        url = settings.amqp_url
        parts = urlsplit(url)
        secure = parts.scheme == "amqps"
        user, password = settings.credentials(url if parts.username else settings.url)
        path = unquote(parts.path.removeprefix("/"))
        return cls(
            without_credentials(url),
            parts.hostname or "127.0.0.1",
            parts.port or (5671 if secure else 5672),
            user,
            password,
            str(settings.value("vhost") or path or "/"),
            tls_context(settings) if secure else None,
            settings.timeout,
        )


class Connection(asyncio.Protocol):
    """One connection with channel 1 open, made by `connect`.

    Whoever sets `raw` gets all octets from then on, and gives frames that are not theirs to
    `frame`; `content` gets the frames of contents and the methods that nobody waits for, as
    (type of frame, payload). What ends the connection unasked is set as `failure`, and `ended`
    is called once.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.frame_max = 0
        self.server = ""  # product and version
        self.raw: Callable[[bytes], None] | None = None
        self.content: Handler = lambda kind, payload: None
        self.ended: Callable[[], None] = lambda: None
        self.resumed: Callable[[], None] = lambda: None
        self.failure: Failure | None = None
        self.paused = False
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._waiting: tuple[type[Method], asyncio.Future[Any]] | None = None

    @classmethod
    async def connect(cls, target: Target) -> "Connection":
        """Connects and opens the channel; raises Failure."""
        made = cls(target)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(target.timeout):
                await loop.create_connection(lambda: made, target.host, target.port, ssl=target.tls)
                await made._shake_hands()
        except TimeoutError:
            made.abort()
            raise Failure(f"no answer from {target.shown} in time", TEMPORARY) from None
        except ssl.SSLError as error:
            text = f"no TLS with {target.shown}: {tls_hint(error)}"
            raise Failure(text, UNAVAILABLE) from None
        except OSError as error:
            text = f"cannot reach {target.shown}: {error.strerror or error}; "
            hint = "--amqp-url or BROKERCTL_AMQP_URL says where the AMQP listener is"
            raise Failure(text + hint, UNAVAILABLE) from None
        return made

    # -- calls ---------------------------------------------------------------------------

    async def call(self, command: Method, answer: type[Method], channel: int = CHANNEL) -> Any:
        """Sends a method and waits for its answer; raises Failure when there comes another."""
        self.check()
        future = asyncio.get_running_loop().create_future()
        self._waiting = answer, future
        try:
            self.write(cold.method_frame(channel, command))
            async with asyncio.timeout(self.target.timeout):
                return await future
        except TimeoutError:
            raise Failure(f"no answer from {self.target.shown} in time", TEMPORARY) from None
        except (ValueError, TableError) as error:
            raise Failure(f"cannot be said in AMQP: {error}") from None
        finally:
            self._waiting = None

    async def declare(self, queue: str, **given: Any) -> str:
        """queue.declare with the flags and the arguments given; its name."""
        flags = ("passive", "durable", "exclusive", "auto_delete")
        command = dict.fromkeys(flags, False) | {"arguments": {}} | given
        built = cold.build(commands.Queue.Declare, ticket=0, queue=queue, nowait=False, **command)
        answer = await self.call(built, commands.Queue.DeclareOk)
        return str(answer.queue)

    async def bind(self, queue: str, exchange: str, key: str, arguments: Table) -> None:
        """queue.bind."""
        names = {"queue": queue, "exchange": exchange, "routing_key": key}
        built = cold.build(
            commands.Queue.Bind, ticket=0, **names, nowait=False, arguments=arguments
        )
        await self.call(built, commands.Queue.BindOk)

    async def consume(self, queue: str, tag: str, *, no_ack: bool, arguments: Table) -> None:
        """basic.consume; deliveries come by `content` or `raw`."""
        built = cold.build(
            commands.Basic.Consume,
            ticket=0,
            queue=queue,
            consumer_tag=tag,
            no_local=False,
            no_ack=no_ack,
            exclusive=False,
            nowait=False,
            arguments=arguments,
        )
        await self.call(built, commands.Basic.ConsumeOk)

    async def qos(self, prefetch: int) -> None:
        """basic.qos for the consumers to come."""
        built = cold.build(
            commands.Basic.Qos, prefetch_size=0, prefetch_count=prefetch, global_=False
        )
        await self.call(built, commands.Basic.QosOk)

    async def delete(self, queue: str) -> None:
        """queue.delete."""
        built = cold.build(
            commands.Queue.Delete,
            ticket=0,
            queue=queue,
            if_unused=False,
            if_empty=False,
            nowait=False,
        )
        await self.call(built, commands.Queue.DeleteOk)

    async def close(self) -> None:
        """An orderly end; never fails."""
        self.raw, self.content, self.ended = None, lambda kind, payload: None, lambda: None
        bye = cold.connection_close(200, "bye", 0)
        with suppress(Failure, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.call(bye, commands.Connection.CloseOk, channel=0)
        self.abort()

    def abort(self) -> None:
        """The end of the socket."""
        if self._transport is not None:
            self._transport.abort()

    def check(self) -> None:
        """Raises the Failure that has ended the connection."""
        if self.failure is not None:
            raise self.failure

    def write(self, data: bytes) -> None:
        """Octets as they are."""
        assert self._transport is not None  # nobody has a connection before it is made
        self._transport.write(data)

    # -- handshake -----------------------------------------------------------------------

    async def _shake_hands(self) -> None:
        started = asyncio.get_running_loop().create_future()
        self._waiting = commands.Connection.Start, started
        self.write(HEADER)
        self.server = _told(await started)
        tune = await self.call(self._start_ok(), commands.Connection.Tune, channel=0)
        self.frame_max = tune.frame_max or 131072
        tuned = commands.Connection.TuneOk(tune.channel_max, self.frame_max, 0)
        self.write(cold.method_frame(0, tuned))
        opening = cold.build(
            commands.Connection.Open,
            virtual_host=self.target.vhost,
            capabilities="",
            insist=False,
        )
        await self.call(opening, commands.Connection.OpenOk, channel=0)
        await self.call(cold.build(commands.Channel.Open, out_of_band=""), commands.Channel.OpenOk)

    def _start_ok(self) -> Method:
        login = f"\0{self.target.user}\0{self.target.password}"
        properties: Table = {
            "product": ("S", "brokerctl"),
            "version": ("S", __version__),
            "connection_name": ("S", "brokerctl"),
            "capabilities": ("F", CAPABILITIES),
        }
        return cold.build(
            commands.Connection.StartOk,
            client_properties=properties,
            mechanism="PLAIN",
            response=login.encode(),
            locale="en_US",
        )

    # -- what comes ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio.Protocol."""
        # uvloop's are none by their class.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(WRITE_AHEAD)

    def connection_lost(self, error: Exception | None) -> None:
        """As asyncio.Protocol."""
        self._fail(Failure(f"{self.target.shown} has ended the connection", UNAVAILABLE))

    def pause_writing(self) -> None:
        """As asyncio.Protocol."""
        self.paused = True

    def resume_writing(self) -> None:
        """As asyncio.Protocol."""
        self.paused = False
        self.resumed()

    def data_received(self, data: bytes) -> None:
        """As asyncio.Protocol."""
        try:
            if self.raw is not None:
                self.raw(data)
            else:
                self._cut(data)
        except Failure as failure:
            self._fail(failure)
            self.abort()

    def _cut(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while self.raw is None and (end := frame_end(buffer, at)):
            kind, channel, _ = _START.unpack_from(buffer, at)
            if buffer[end - 1] != FRAME_END:
                raise Failure(f"{self.target.shown} speaks no AMQP 0-9-1", UNAVAILABLE)
            self.frame(kind, channel, bytes(buffer[at + 7 : end - 1]))
            at = end
        del buffer[:at]
        if self.raw is not None and buffer:
            left = bytes(buffer)
            buffer.clear()
            self.raw(left)

    def frame(self, kind: int, channel: int, payload: bytes) -> None:
        """One frame: an answer that is waited for, an end, or for `content`."""
        if kind != METHOD:
            self.content(kind, payload)
            return
        method = _ID.unpack_from(payload)[0]
        wanted, future = self._waiting or (None, None)
        if wanted is not None and future is not None and method == wanted.index:
            if not future.done():
                future.set_result(_decode(method, payload))
        elif method in ENDS:
            closed: Any = _decode(method, payload)
            code = REFUSED if closed.reply_code == ACCESS_REFUSED else DATA
            self._fail(Failure(str(closed.reply_text), code, "closed"))
        else:
            self.content(kind, payload)

    def _fail(self, failure: Failure) -> None:
        if self.failure is not None:
            return
        self.failure = failure
        if self._waiting is not None and not self._waiting[1].done():
            self._waiting[1].set_exception(failure)
        self.ended()


def _told(start: Any) -> str:
    # Values are (type, value).
    names = ("product", "version", "platform")
    facts = [start.server_properties.get(name) for name in names]
    product, version, platform = (str(fact[1]) if fact else "" for fact in facts)
    return f"{product} {version} ({platform})" if product else "a broker"


ENDS = {commands.Connection.Close.index, commands.Channel.Close.index}


def _decode(method: int, payload: bytes) -> Method:
    try:
        return cold.decode(method, payload[4:])
    except errors.ProtocolViolation as error:
        raise Failure(f"an answer that is no AMQP: {error}", UNAVAILABLE) from None


def frame_end(buffer: bytes | bytearray, at: int) -> int:
    """Where the frame ends that begins at `at`; 0 while a part of it is missing."""
    if len(buffer) - at < _START.size:
        return 0
    size = _START.unpack_from(buffer, at)[2]
    if size > LARGEST_FRAME:
        raise Failure("a frame that is too large for AMQP 0-9-1", UNAVAILABLE)
    end = at + int(size) + 8
    return end if end <= len(buffer) else 0


def publish_frames(
    exchange: str, key: str, properties: bytes, body: bytes, frame_max: int
) -> bytes:
    """A whole publish on the channel; `properties` are a content header's payload."""
    route = b"".join(hot.short_string(text.encode()) for text in (exchange, key))
    arguments = _ID.pack(hot.BASIC_PUBLISH) + b"\0\0" + route + b"\0"
    method = _START.pack(METHOD, CHANNEL, len(arguments)) + arguments + hot.FRAME_END
    header = hot.header_frame(CHANNEL, properties)
    return b"".join((method, header, *hot.body_frames(CHANNEL, body, frame_max)))
