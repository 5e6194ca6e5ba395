"""The socket side of a connection: an asyncio.Protocol around `Connection`.

Here: bytes between the event loop and the connection.  Not here: anything that
looks into them.
"""

import asyncio
import os
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

from broker.connection import Connection
from broker.context import Context
from broker.link import Socket

if TYPE_CHECKING:
    from broker.tls import Session

WRITE_HIGH, WRITE_LOW = 1 << 20, 1 << 18


# One buffer for all sockets: what is read is handled before the next read.  Not larger, so
# that it stays in the processor's cache and a read is about what one turn can handle.
READ_BYTES = 1 << 15
_BUFFER = memoryview(bytearray(READ_BYTES))


class AmqpTransport(asyncio.BufferedProtocol):
    """One accepted socket; made anew for each by the listener."""

    __slots__ = ("_connection", "_context")

    _connection: Connection

    def __init__(self, context: Context) -> None:
        self._context = context

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=WRITE_HIGH, low=WRITE_LOW)
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer, local = _address(transport, "peername"), _address(transport, "sockname")
        self._connection = Connection(
            self._context,
            _outlet(transport, sock),
            peer=peer,
            local=local,
            loopback=_is_loopback(peer[0]),
            tls=_tls_session(transport),
        )

    def get_buffer(self, sizehint: int) -> memoryview:
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        self._connection.receive(bytes(_BUFFER[:nbytes]))

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._connection.lost()


class _Outlet:
    """A transport whose short writes go straight to the socket, without the interpreter's lock.

    The transport holds the lock while the kernel carries octets to a client on the same machine
    (34 us measured), and the thread that writes to the disk waits for it.  Without it `reliable`
    takes 8 % less CPU a message.
    """

    __slots__ = (
        "_fd",
        "_write",
        "abort",
        "close",
        "get_write_buffer_size",
        "is_closing",
        "pause_reading",
        "resume_reading",
        "writelines",
    )

    def __init__(self, transport: asyncio.Transport, sock: socket.socket) -> None:
        self._fd = sock.fileno()
        self._write = transport.write
        self.writelines = transport.writelines
        self.close = transport.close
        self.abort = transport.abort
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.get_write_buffer_size = transport.get_write_buffer_size

    def write(self, data: bytes) -> None:
        """Only while the transport is open; what the socket does not take is left to it."""
        if not self.get_write_buffer_size():
            try:
                sent = os.write(self._fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                sent = 0  # the transport will find out, and end
            if sent == len(data):
                return
            data = data[sent:]
        self._write(data)


def _outlet(transport: asyncio.Transport, sock: socket.socket | None) -> Socket:
    # Not where what is written is encrypted first, and not where sockets are no files.
    if sock is None or os.name != "posix" or transport.get_extra_info("sslcontext"):
        return transport
    return _Outlet(transport, sock)


def _address(transport: asyncio.Transport, which: str) -> tuple[str, int]:
    address = transport.get_extra_info(which)
    return (address[0], address[1]) if address else ("unknown", 0)


def _tls_session(transport: asyncio.Transport) -> "Session | None":
    if transport.get_extra_info("ssl_object") is None:
        return None
    from broker import tls  # loaded already where there is TLS, and else not wanted

    return tls.session(transport.get_extra_info)


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
