"""Accepting over TLS: each connection shakes hands by itself, under the context of that moment.

Here: accepting, the handshake's time and number, why one failed.  Not here: contexts (`tls`), and
what is spoken afterwards.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from broker import audit, tls
from broker.clock import Clock, pause

if TYPE_CHECKING:
    from broker.options import Options

logger = logging.getLogger("leveret.tls")

# A client needs milliseconds.  Whoever holds up more than this many is at it on purpose, and it
# is the eldest that have gone silent.
MAX_HANDSHAKES = 1000
# The peer has this long to answer close_notify.
CLOSE_SECONDS = 3.0
# After accept failed for want of descriptors or memory.
PAUSE_SECONDS = 0.2


class TlsListener:
    """Accepts on a listening socket until `close`.

    `context` may be changed at any time: connections that are open keep theirs.  Not by a server
    of asyncio, because that keeps one context and does not say which handshakes fail.
    """

    def __init__(
        self,
        sock: socket.socket,
        make_protocol: Callable[[], asyncio.BaseProtocol],
        context: ssl.SSLContext,
        clock: Clock,
        *,
        handshake_timeout: float,
    ) -> None:
        self.context = context
        self.handshake_timeout = handshake_timeout
        self._sock = sock
        self._make_protocol = make_protocol
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._handshakes: dict[asyncio.Task[None], None] = {}
        self._accepting = self._loop.create_task(self._accept())

    async def close(self) -> None:
        """Accepts nothing more, and drops whoever has not finished its handshake."""
        ending = [self._accepting, *self._handshakes]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _accept(self) -> None:
        while True:
            try:
                accepted, _ = await self._loop.sock_accept(self._sock)
            except OSError as error:
                logger.warning("cannot accept: %s", error.strerror or error)
                await pause(self._clock, PAUSE_SECONDS)
                continue
            if len(self._handshakes) >= MAX_HANDSHAKES:
                next(iter(self._handshakes)).cancel()
            task = self._loop.create_task(self._shake_hands(accepted))
            self._handshakes[task] = None
            task.add_done_callback(self._handshakes.pop)

    async def _shake_hands(self, sock: socket.socket) -> None:
        try:
            peer = _shown(sock)
            await self._loop.connect_accepted_socket(
                self._make_protocol,
                sock,
                ssl=self.context,
                ssl_handshake_timeout=self.handshake_timeout,
                ssl_shutdown_timeout=CLOSE_SECONDS,
            )
        except ssl.SSLError as error:
            # A certificate that is not accepted is an attempt to log in.
            logger.warning("%s: TLS handshake failed: %s", peer, _why(error))
            audit.note("connection.refused", via="tls", address=peer, reason=_why(error))
        except ConnectionAbortedError:
            logger.info("%s: no TLS handshake within the time allowed", peer)
        except OSError as error:  # left before it was through: probes of load balancers do
            logger.debug("TLS handshake ended: %s", error)
        except BaseException:
            sock.close()
            raise


class TlsListeners:
    """All listeners of one broker that speak TLS, under the one context of its options.

    Raises StartError where no context can be made of them.
    """

    def __init__(self, options: Options, clock: Clock) -> None:
        self._context = self._make_context(options)
        self._handshake_timeout = options.tls_handshake_timeout
        self._clock = clock
        self._listeners: list[TlsListener] = []

    def serve(self, sock: socket.socket, make_protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        """Accepts on `sock`, which listens already."""
        self._listeners.append(
            TlsListener(
                sock,
                make_protocol,
                self._context,
                self._clock,
                handshake_timeout=self._handshake_timeout,
            )
        )

    def reload(self, options: Options) -> None:
        """Reads certificate, key and CA again, for connections to come.

        Raises StartError, and changes nothing, where they cannot be used.
        """
        self._context = self._make_context(options)
        self._handshake_timeout = options.tls_handshake_timeout
        for listener in self._listeners:
            listener.context = self._context
            listener.handshake_timeout = self._handshake_timeout

    @staticmethod
    def _make_context(options: Options) -> ssl.SSLContext:
        context = tls.make_context(options)
        if (key := tls.key_is_public(options)) is not None:
            logger.warning("every user of this machine can read the private key %s", key)
        return context

    async def close(self) -> None:
        """Accepts nothing more; what is open stays so."""
        for listener in self._listeners:
            await listener.close()


def _shown(sock: socket.socket) -> str:
    # Raises OSError for a peer that has gone again.
    host, port = sock.getpeername()[:2]
    return f"{host}:{port}"


def _why(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    return (error.reason or str(error)).lower().replace("_", " ")
