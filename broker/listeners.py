"""Listening sockets: every bind address, one port on all of them, and clear refusals.

What is spoken on an accepted socket is not known here.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from broker.startup import StartError

logger = logging.getLogger("leveret.listeners")

BACKLOG = 1024
# With port 0 the first address picks a port that may be taken on the next one.
ATTEMPTS = 20
NO_SUCH_ADDRESS = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT}


class Listener(NamedTuple):
    """An address that is listened on; `protocol` is what is spoken: amqp, amqp/ssl, http, https."""

    protocol: str
    address: str
    port: int


class _Taken(Exception):
    """The port that another address has picked is not free on this one."""


def bind(
    protocol: str, addresses: Sequence[str], port: int, *, may_lack: Sequence[str] = ()
) -> list[socket.socket]:
    """Sockets bound to `port` on all `addresses`, not listening yet; port 0 picks a free one.

    Addresses in `may_lack` that the machine does not have are left out with a warning.  Raises
    StartError if a port is in use or forbidden, an address is wrong, or none is left.
    """
    for _ in range(ATTEMPTS):
        try:
            return _bind_all(protocol, addresses, port, may_lack)
        except _Taken:
            continue
    raise StartError(f"found no port for {protocol} that is free on {', '.join(addresses)}")


def listen(protocol: str, sock: socket.socket) -> Listener:
    """Let `sock` accept connections; raises StartError if another process was quicker."""
    address, port = sock.getsockname()[:2]
    try:
        sock.listen(BACKLOG)
    except OSError as error:
        raise _refusal(protocol, address, port, error) from None
    return Listener(protocol, address, port)


def _bind_all(
    protocol: str, addresses: Sequence[str], port: int, may_lack: Sequence[str]
) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for address, family, host in _resolve(protocol, addresses):
            chosen = bound[0].getsockname()[1] if bound else port
            try:
                bound.append(_bind(family, host, chosen))
            except OSError as error:
                if error.errno in NO_SUCH_ADDRESS and address in may_lack:
                    logger.warning("%s: this machine has no %s; going on without", protocol, host)
                elif error.errno == errno.EADDRINUSE and chosen != port:
                    raise _Taken from None
                else:
                    raise _refusal(protocol, host, chosen, error) from None
        if not bound:
            raise StartError(f"no address is left to listen on for {protocol}")
    except BaseException:
        for sock in bound:
            sock.close()
        raise
    return bound


def _resolve(
    protocol: str, addresses: Sequence[str]
) -> Iterator[tuple[str, socket.AddressFamily, str]]:
    seen = set()
    for address in addresses:
        try:
            found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
        except OSError as error:
            reason = error.strerror or error
            raise StartError(f"cannot listen for {protocol} on {address}: {reason}") from None
        for family, _, _, _, place in found:
            if place not in seen:
                seen.add(place)
                yield address, family, str(place[0])


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if sys.platform != "win32":  # where it means that two may listen on one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # `--bind 0.0.0.0,::` must work, and mean the same on every system.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _refusal(protocol: str, host: str, port: int, error: OSError) -> StartError:
    place = f"port {port} on {host}"
    if error.errno == errno.EADDRINUSE:
        return StartError(f"{place} is in use; stop what uses it or give --{protocol}-port")
    return StartError(f"cannot listen for {protocol} on {place}: {error.strerror}")
