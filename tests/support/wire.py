"""A raw AMQP 0-9-1 client for tests: any bytes out, parsed frames in.

Written from the protocol definition alone and independent of the broker's code, so that one
mistake cannot hide in both. It never reacts by itself: no heartbeats, no close-ok, no retries.
Encoding and decoding of values lives in `encoding.py`.
"""

import socket
import ssl
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

from tests.support.encoding import (
    METHODS,
    NAMES,
    Method,
    Table,
    Typed,
    decode_method,
    decode_properties,
    encode_method,
    encode_properties,
    encode_table_entries,
)
from tests.support.eventually import PATIENCE

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
FRAME_END = 0xCE
CAPABLE: Table = {
    "capabilities": {
        "authentication_failure_close": True,
        "basic.nack": True,
        "connection.blocked": True,
        "consumer_cancel_notify": True,
        "publisher_confirms": True,
    }
}


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Frame(NamedTuple):
    """One frame as it came: `kind` is the frame type octet."""

    kind: int
    channel: int
    payload: bytes


class Content(NamedTuple):
    """A method that carries a content, its properties (typed values) and its whole body.

    `bodies` are the lengths of the body frames, `header` is the raw header payload.
    """

    method: Method
    properties: dict[str, Any]
    body: bytes
    bodies: list[int]
    header: bytes


class Disconnected(Exception):
    """The peer closed the socket (or reset it) while a frame was expected."""


def frame(kind: int, channel: int, payload: bytes, end: int = FRAME_END) -> bytes:
    """The bytes of one frame."""
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + bytes([end])


def method_frame(channel: int, name: str, **arguments: Any) -> bytes:
    """The bytes of a method frame, e.g. `method_frame(1, "queue.declare", queue="q")`."""
    return frame(METHOD, channel, encode_method(name, **arguments))


def header_frame(
    channel: int, size: int, properties: bytes = b"\x00\x00", class_id: int = 60, weight: int = 0
) -> bytes:
    """The bytes of a content header frame; `properties` begins with the flag word."""
    return frame(HEADER, channel, struct.pack(">HHQ", class_id, weight, size) + properties)


def body_frame(channel: int, payload: bytes) -> bytes:
    """The bytes of one content body frame."""
    return frame(BODY, channel, payload)


def content_frames(channel: int, body: bytes, frame_max: int = 131072, **properties: Any) -> bytes:
    """Header frame and as many body frames as `frame_max` asks for."""
    room = frame_max - 8
    pieces = [body[start : start + room] for start in range(0, len(body), room)]
    header = header_frame(channel, len(body), encode_properties(**properties))
    return header + b"".join(body_frame(channel, piece) for piece in pieces)


def publish_frames(
    channel: int,
    exchange: str | bytes,
    routing_key: str | bytes,
    body: bytes = b"",
    *,
    mandatory: bool = False,
    immediate: bool = False,
    **properties: Any,
) -> bytes:
    """A whole publish: method, header and body frames."""
    method = method_frame(
        channel,
        "basic.publish",
        exchange=exchange,
        routing_key=routing_key,
        mandatory=mandatory,
        immediate=immediate,
    )
    return method + content_frames(channel, body, **properties)


class WireClient:
    """One TCP connection to a broker, driven by hand.

    Reading calls take a timeout in seconds and raise TimeoutError when it passes,
    Disconnected when the peer ended the connection.
    """

    def __init__(
        self, address: tuple[str, int], timeout: float = PATIENCE, tls: ssl.SSLContext | None = None
    ) -> None:
        self.timeout = timeout
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.received = bytearray()
        self.heartbeats = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()

    def abort(self) -> None:
        """Close the socket without any AMQP close."""
        self.socket.close()

    # Sending

    def send(self, *pieces: bytes) -> None:
        """Write bytes as they are, in one go."""
        self.socket.settimeout(self.timeout)
        self.socket.sendall(b"".join(pieces))

    def send_method(self, channel: int, name: str, **arguments: Any) -> None:
        """Write one method frame."""
        self.send(method_frame(channel, name, **arguments))

    def publish(
        self,
        exchange: str | bytes,
        routing_key: str | bytes,
        body: bytes = b"",
        channel: int = 1,
        **options: Any,
    ) -> None:
        """Write a whole publish; options as in `publish_frames`."""
        self.send(publish_frames(channel, exchange, routing_key, body, **options))

    # Receiving

    def read_bytes(self, count: int, timeout: float | None = None) -> bytes:
        """Exactly `count` raw bytes."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while len(self.received) < count:
            self._receive(deadline)
        taken = bytes(self.received[:count])
        del self.received[:count]
        return taken

    def _receive(self, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("no more bytes in time")
        self.socket.settimeout(remaining)
        try:
            chunk = self.socket.recv(1 << 18)
        except (ConnectionError, ssl.SSLError) as error:
            raise Disconnected(repr(error)) from None
        if not chunk:
            raise Disconnected(f"end of stream, {len(self.received)} bytes left over")
        self.received += chunk

    def read_frame(self, timeout: float | None = None) -> Frame:
        """The next frame of any kind; checks the frame end octet."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while len(self.received) < 7:
            self._receive(deadline)
        kind, channel, size = struct.unpack_from(">BHI", self.received)
        while len(self.received) < size + 8:
            self._receive(deadline)
        payload = bytes(self.received[7 : 7 + size])
        end = self.received[7 + size]
        del self.received[: size + 8]
        assert end == FRAME_END, f"frame end octet is {end:#x}"
        return Frame(kind, channel, payload)

    def read_payload_frame(self, timeout: float | None = None) -> Frame:
        """The next frame that is not a heartbeat; heartbeats are counted."""
        while True:
            incoming = self.read_frame(timeout)
            if incoming.kind != HEARTBEAT:
                return incoming
            self.heartbeats += 1

    def read_method(self, timeout: float | None = None) -> Method:
        """The next frame, which must be a method, decoded."""
        incoming = self.read_payload_frame(timeout)
        assert incoming.kind == METHOD, f"expected a method, got {incoming}"
        return decode_method(incoming.channel, incoming.payload)

    def expect(
        self, name: str, channel: int | None = None, timeout: float | None = None, **arguments: Any
    ) -> Method:
        """The next method, which must be `name` and have these argument values."""
        method = self.read_method(timeout)
        assert method.name == name, f"expected {name}, got {method}"
        if channel is not None:
            assert method.channel == channel, f"expected channel {channel}, got {method}"
        seen = {key: method.arguments[key] for key in arguments}
        assert seen == arguments, f"expected {arguments}, got {method}"
        return method

    def expect_content(self, name: str, timeout: float | None = None, **arguments: Any) -> Content:
        """The next method with its content: basic.deliver, basic.return or basic.get-ok."""
        method = self.expect(name, timeout=timeout, **arguments)
        header = self.read_payload_frame(timeout)
        assert (header.kind, header.channel) == (HEADER, method.channel), header
        size = struct.unpack_from(">Q", header.payload, 4)[0]
        body, lengths = bytearray(), []
        while len(body) < size:
            piece = self.read_payload_frame(timeout)
            assert (piece.kind, piece.channel) == (BODY, method.channel), piece
            body += piece.payload
            lengths.append(len(piece.payload))
        properties = decode_properties(header.payload[12:])
        return Content(method, properties, bytes(body), lengths, header.payload)

    def expect_close(
        self,
        code: int,
        text: str | None = None,
        at: tuple[int, int] | None = None,
        channel: int = 0,
        timeout: float | None = None,
    ) -> Method:
        """The next method must be connection.close (channel 0) or channel.close with this code.

        `text` must match exactly unless it ends in `*`; `at` is (class id, method id).
        """
        name = "channel.close" if channel else "connection.close"
        close = self.expect(name, channel, timeout, reply_code=code)
        seen = close.arguments["reply_text"]
        if text is not None and text.endswith("*"):
            assert seen.startswith(text[:-1]), f"expected {text}, got {seen}"
        elif text is not None:
            assert seen == text, f"expected {text}, got {seen}"
        if at is not None:
            assert (close.arguments["class_id"], close.arguments["method_id"]) == at, close
        return close

    def expect_disconnect(self, timeout: float | None = None) -> None:
        """Nothing more may arrive but heartbeats before the peer ends the connection."""
        try:
            incoming = self.read_payload_frame(timeout)
        except Disconnected:
            return
        raise AssertionError(f"expected the end of the connection, got {incoming}")

    def expect_nothing_more(self, channel: int = 1) -> None:
        """Show by a round trip on the channel that the server has sent nothing unread."""
        self.call(channel, "basic.qos")

    # Handshake, step by step

    def start(self) -> Method:
        """Send the protocol header; returns connection.start."""
        self.send(PROTOCOL_HEADER)
        return self.expect("connection.start", 0)

    def send_start_ok(
        self,
        user: str = "guest",
        password: str = "guest",
        client_properties: Table | None = None,
        **overrides: Any,
    ) -> None:
        """Send connection.start-ok, PLAIN unless `mechanism` and `response` say otherwise."""
        arguments: dict[str, Any] = {
            "client_properties": CAPABLE if client_properties is None else client_properties,
            "mechanism": "PLAIN",
            "response": b"\0" + user.encode() + b"\0" + password.encode(),
            "locale": "en_US",
        }
        self.send_method(0, "connection.start-ok", **(arguments | overrides))

    def login(self, user: str = "guest", password: str = "guest", **options: Any) -> Method:
        """Header to connection.tune, which is returned."""
        self.start()
        self.send_start_ok(user, password, **options)
        return self.expect("connection.tune", 0)

    def tune_ok(self, channel_max: int = 2047, frame_max: int = 131072, heartbeat: int = 0) -> None:
        """Send connection.tune-ok."""
        self.send_method(
            0,
            "connection.tune-ok",
            channel_max=channel_max,
            frame_max=frame_max,
            heartbeat=heartbeat,
        )

    def open_vhost(self, vhost: str = "/") -> None:
        """Send connection.open and take open-ok."""
        self.call(0, "connection.open", virtual_host=vhost)

    def connect(
        self,
        user: str = "guest",
        password: str = "guest",
        vhost: str = "/",
        channels: tuple[int, ...] = (1,),
        client_properties: Table | None = None,
        **tune: int,
    ) -> Self:
        """The whole handshake, then open the given channels."""
        self.login(user, password, client_properties=client_properties)
        self.tune_ok(**tune)
        self.open_vhost(vhost)
        for channel in channels:
            self.call(channel, "channel.open")
        return self

    def call(self, channel: int, name: str, **arguments: Any) -> Method:
        """Send a method and take its `-ok` (get-ok is not for this: it has a content)."""
        self.send_method(channel, name, **arguments)
        return self.expect(name + "-ok", channel)

    def get(self, queue: str, channel: int = 1, no_ack: bool = False) -> Content | None:
        """basic.get: the message, or None when the queue is empty."""
        self.send_method(channel, "basic.get", queue=queue, no_ack=no_ack)
        incoming = self.read_payload_frame()
        if decode_method(incoming.channel, incoming.payload).name == "basic.get-empty":
            return None
        self.received[:0] = frame(*incoming)
        return self.expect_content("basic.get-ok")

    def close(self) -> None:
        """An orderly connection.close, then the socket."""
        self.call(0, "connection.close", reply_code=200, reply_text="bye")
        self.abort()


@contextmanager
def wire(address: tuple[str, int], **options: Any) -> Iterator[WireClient]:
    """A connected client with channel 1 open, aborted at the end; options as in `connect`."""
    with WireClient(address) as client:
        yield client.connect(**options)


__all__ = [
    "BODY",
    "CAPABLE",
    "HEADER",
    "HEARTBEAT",
    "METHOD",
    "METHODS",
    "NAMES",
    "PROTOCOL_HEADER",
    "Address",
    "Content",
    "Disconnected",
    "Frame",
    "Method",
    "Table",
    "Typed",
    "WireClient",
    "body_frame",
    "content_frames",
    "encode_method",
    "encode_properties",
    "encode_table_entries",
    "frame",
    "header_frame",
    "method_frame",
    "publish_frames",
    "wire",
]
