import asyncio
import socket
from typing import Any, cast

import pytest

from broker.transport import (
    READ_BYTES,
    WRITE_HIGH,
    WRITE_LOW,
    AmqpTransport,
    _is_loopback,
    _outlet,
)
from tests.support.engine import Socket
from tests.support.wire import PROTOCOL_HEADER


class FakeTransport(Socket, asyncio.Transport):  # type: ignore[misc]
    """A transport of asyncio without a loop behind it."""

    def __init__(self, engine, peer: Any = ("127.0.0.1", 4711)) -> None:
        Socket.__init__(self, engine)
        self.extra = {"peername": peer, "sockname": ("127.0.0.1", 5672)}
        self.limits: tuple[int | None, int | None] | None = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.extra.get(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = (high, low)


def connect(engine, **options):
    transport = FakeTransport(engine, **options)
    protocol = AmqpTransport(engine.context)
    protocol.connection_made(transport)
    (connection,) = engine.context.connections
    transport.connection = connection
    return transport, protocol


def read(protocol, data):
    buffer = protocol.get_buffer(-1)
    buffer[: len(data)] = data
    protocol.buffer_updated(len(data))


def test_bytes_go_in_and_out(engine):
    transport, protocol = connect(engine)
    for octet in PROTOCOL_HEADER:
        read(protocol, bytes([octet]))
    engine.run()
    assert transport.writes[0][:1] == b"\x01"
    assert transport.limits == (WRITE_HIGH, WRITE_LOW)
    assert transport.connection.received_bytes == 8


def test_the_buffer_is_shared_and_what_was_read_is_kept(engine):
    _, protocol = connect(engine)
    read(protocol, PROTOCOL_HEADER[:4])
    other = AmqpTransport(engine.context)
    assert other.get_buffer(-1) is protocol.get_buffer(-1)
    other.get_buffer(-1)[:4] = b"XXXX"
    read(protocol, PROTOCOL_HEADER[4:])
    engine.run()
    assert not protocol._connection._socket.is_closing()
    assert len(protocol.get_buffer(-1)) == READ_BYTES


def test_pauses_of_writing_reach_the_connection(engine):
    transport, protocol = connect(engine)
    protocol.pause_writing()
    assert not transport.connection.writable
    protocol.resume_writing()
    assert transport.connection.writable


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
def test_the_end(engine, error):
    _, protocol = connect(engine)
    protocol.connection_lost(error)
    assert engine.context.connections == set()
    assert engine.clock.pending == 0


def test_names(engine):
    transport, _ = connect(engine, peer=("2001:db8::1", 4711, 0, 0))
    assert transport.connection.name == "2001:db8::1:4711 -> 127.0.0.1:5672"


def test_a_peer_that_is_gone_already(engine):
    transport, _ = connect(engine, peer=None)
    assert transport.connection.peer_host == "unknown"


def test_nagle_is_off(engine):
    with socket.socket() as sock:
        transport = FakeTransport(engine)
        transport.extra["socket"] = sock
        AmqpTransport(engine.context).connection_made(transport)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_loopback(host):
    assert _is_loopback(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "::ffff:192.0.2.1", "fe80::1%eth0", "unknown", ""])
def test_not_loopback(host):
    assert not _is_loopback(host)


# -- writing past the transport ----------------------------------------------------------------


class Kept:
    """A transport that keeps what it is given."""

    def __init__(self, waiting: int = 0) -> None:
        self.written: list[bytes] = []
        self.waiting = waiting
        self.extra: object = None

    def get_extra_info(self, name: str) -> object:
        return self.extra

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def outlet(kept: Kept, sock: socket.socket) -> Any:
    """What a connection over this transport and socket writes to."""
    return _outlet(cast(Any, kept), sock)


@pytest.fixture
def ends():
    """Two joined sockets, of which the first takes little."""
    near, far = socket.socketpair()
    near.setblocking(False)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with near, far:
        yield near, far


def test_short_writes_go_straight_to_the_socket(ends):
    near, far = ends
    kept = Kept()
    outlet(kept, near).write(b"hello")
    assert far.recv(100) == b"hello"
    assert kept.written == []


def test_what_the_socket_does_not_take_is_left_to_the_transport(ends):
    near, far = ends
    kept = Kept()
    data = bytes(range(256)) * 4096
    outlet(kept, near).write(data)
    (rest,) = kept.written
    sent = b""
    while len(sent) + len(rest) < len(data):
        sent += far.recv(1 << 16)
    assert sent + rest == data
    outlet(kept, near).write(b"x" * (1 << 20))  # fills it
    outlet(kept, near).write(b"more")
    assert kept.written[-1] == b"more"


def test_nothing_overtakes_what_waits_in_the_transport(ends):
    near, _ = ends
    kept = Kept(waiting=1)
    outlet(kept, near).write(b"hello")
    assert kept.written == [b"hello"]


def test_a_broken_socket_is_the_transports_affair(ends):
    near, far = ends
    far.close()
    kept = Kept()
    outlet(kept, near).write(b"hello")
    assert kept.written == [b"hello"]


def test_what_is_encrypted_goes_through_the_transport(ends):
    kept = Kept()
    kept.extra = object()
    assert outlet(kept, ends[0]) is kept
