"""The composition root: makes the parts of a broker, starts, drains and stops them in order.

Here: which part is handed to which, and when each begins and ends.  Not here: what any of them
does; the command line and the signals (`__main__`).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from broker import collector
from broker.clock import Clock, pause
from broker.http_door import Front, HttpDoor
from broker.listeners import BACKLOG, Listener, bind, listen
from broker.option_values import OFF
from broker.options import DEFAULT_BIND, Options
from broker.reload import Running, audit_log, reload, watch
from broker.startup import StartError
from broker.storage import Storage
from broker.transport import AmqpTransport

if TYPE_CHECKING:
    from broker.access import Gatekeeper
    from broker.connection import Connection
    from broker.context import Context
    from broker.queue import Queue
    from broker.tls_listener import TlsListeners
    from vhosts.registry import VirtualHosts

logger = logging.getLogger("leveret.server")

SHUTDOWN = "broker forced connection closure with reason 'shutdown'"  # spec 2.8
# Of the 3 s that a stop may take: for clients to answer connection.close.
CLOSE_GRACE = 1.0
POLL = 0.01
# How long (seconds) an administrator's change waits for a disk that takes no writes.
STORE_PATIENCE = 10.0
# Where TLS is listened for unless options say otherwise.
AMQPS_PORT, HTTPS_PORT = 5671, 15671


class Server:
    """One broker.

    `start` returns when it is ready and raises StartError if it cannot be; `stop` may be called
    after either, and ends what there is.  `make_front` gives what looks in: this package
    must not know who looks in, so it is handed in.
    """

    def __init__(
        self,
        options: Options,
        clock: Clock,
        make_front: Callable[[Server], Front] | None = None,
        make_metrics: Callable[[Server], Front] | None = None,
    ) -> None:
        self.options = options
        self.clock = clock
        self.node_name = f"rabbit@{socket.gethostname().partition('.')[0]}"
        self.listeners: list[Listener] = []
        self._door = None if make_front is None else HttpDoor(make_front(self))
        self._metrics = None if make_metrics is None else HttpDoor(make_metrics(self))
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._tls: TlsListeners | None = None
        self._storage: Storage | None = None
        self._context: Context | None = None

    # -- what others see -----------------------------------------------------------------

    @property
    def vhosts(self) -> VirtualHosts[Queue]:
        """All virtual hosts; only once started."""
        assert self._storage is not None
        return self._storage.vhosts

    @property
    def connections(self) -> set[Connection]:
        """All that have a socket, whatever their state."""
        return self._context.connections if self._context is not None else set()

    @property
    def alarms(self) -> Sequence[str]:
        """The resources that are low: memory, disk."""
        return self._context.alarms.active if self._context is not None else ()

    @property
    def context(self) -> Context:
        """What all connections share; only once started."""
        assert self._context is not None
        return self._context

    async def start_vhost(self, name: str) -> bool:
        """Recovers a virtual host that is down; whether it is up now."""
        assert self._storage is not None  # nobody asks before the start
        return await self._storage.start_vhost(name)

    async def stop_vhost(self, name: str) -> None:
        """Takes a virtual host down, which stays as it is on the disk."""
        assert self._storage is not None
        await self._storage.stop_vhost(name)

    async def delete_vhost(self, name: str) -> bool:
        """Deletes a virtual host with all that is in it; False if the disk refuses.

        `stored` tells when the disk has it.
        """
        assert self._storage is not None
        return await self._storage.delete_vhost(name)

    async def stored(self) -> bool:
        """Returns once all changes made so far are on the disk; False if it refuses too long."""
        assert self._storage is not None  # nobody changes anything before the start
        return await self._storage.stored(STORE_PATIENCE)

    def address(self, protocol: str) -> tuple[str, int] | None:
        """Where `protocol` is listened for first; None if it is not."""
        for listener in self.listeners:
            if listener.protocol == protocol:
                return listener.address, listener.port
        return None

    # -- start ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Opens the storage, recovers all queues, then listens."""
        options = self.options
        # Bound first, so that a port in use is found before a long recovery; nobody can connect
        # until all queues are whole.
        amqp = self._bind("amqp", options.amqp_port)
        http = self._bind("http", options.http_port) if self._door is not None else []
        metrics = self._bind("prometheus", options.prometheus_port) if self._metrics else []
        amqps, https = self._prepare_tls()
        if not amqp and not amqps:
            raise StartError("nothing to listen on: --amqp-port is off, and so is AMQP over TLS")
        audit_log(options)
        self._storage = await Storage.open(options, self.clock, self.node_name)
        self._context = self._storage.context
        self._context.keeper = self._open_backends(self._context)
        if options.load_definitions is not None:
            await self._storage.import_definitions(options.load_definitions)
        watch(self._running, options)
        await self._serve_amqp(amqp, self._context)
        self._serve_http(http)
        self._serve_metrics(metrics)
        await self._serve_tls(amqps, https, self._context)
        collector.tune()

    def _open_backends(self, context: Context) -> Gatekeeper | None:
        if self.options.auth_backends == ("internal",):
            return None
        from broker import access  # not for those who need no other

        return access.open_backends(self.options, context.vhosts.users, self.clock)

    def _bind(self, protocol: str, port: int) -> list[socket.socket]:
        if port == OFF:
            return []
        # Only the default may be more than the machine has: what was asked for is meant.
        may_lack = ("::1",) if self.options.bind == DEFAULT_BIND else ()
        sockets = bind(protocol, self.options.bind, port, may_lack=may_lack)
        self._sockets += sockets
        return sockets

    async def _serve_amqp(self, sockets: list[socket.socket], context: Context) -> None:
        loop = asyncio.get_running_loop()
        for sock in sockets:
            self.listeners.append(listen("amqp", sock))
            server = await loop.create_server(
                lambda: AmqpTransport(context), sock=sock, backlog=BACKLOG
            )
            self._servers.append(server)

    def _serve_http(self, sockets: list[socket.socket]) -> None:
        if self._door is not None:
            self.listeners += [listen("http", sock) for sock in sockets]
            self._door.watch(sockets)

    def _serve_metrics(self, sockets: list[socket.socket]) -> None:
        if self._metrics is not None and sockets:
            self.listeners += [listen("http/prometheus", sock) for sock in sockets]
            self._metrics.watch(sockets)

    def _prepare_tls(self) -> tuple[list[socket.socket], list[socket.socket]]:
        # The sockets for AMQP and for HTTP over TLS.
        options = self.options
        amqps, https = options.amqps_port, options.https_port
        if options.tls_cert is None:
            for flag, port in ("--amqps-port", amqps), ("--https-port", https):
                if port not in {None, OFF}:
                    raise StartError(f"{flag} needs --tls-cert")
            return [], []
        from broker.tls_listener import TlsListeners  # not for those who have no certificate

        self._tls = TlsListeners(options, self.clock)
        return (
            self._bind("amqps", AMQPS_PORT if amqps is None else amqps),
            self._bind("https", HTTPS_PORT if https is None else https)
            if self._door is not None
            else [],
        )

    async def _serve_tls(
        self, amqps: list[socket.socket], https: list[socket.socket], context: Context
    ) -> None:
        for sock in amqps:
            self.listeners.append(listen("amqp/ssl", sock))
            assert self._tls is not None
            self._tls.serve(sock, lambda: AmqpTransport(context))
        for sock in https:
            assert self._tls is not None
            assert self._door is not None  # else there were no such sockets
            self.listeners.append(listen("https", sock))
            self._tls.serve(sock, await self._door.opened())

    # -- reload --------------------------------------------------------------------------

    def reload(self, options: Options) -> tuple[tuple[str, ...], dict[str, str]]:
        """Takes up what differs from the options in force; reads certificates again.

        Returns the names of the options that were changed, and of those that could not be, each
        with the reason.
        """
        outcome = reload(self._running, self.options, options)
        self.options = outcome.options
        return outcome.applied, outcome.refused

    @property
    def _running(self) -> Running:
        assert self._storage is not None
        return Running(self._storage.context, self._tls, self._storage.refusing)

    # -- stop ----------------------------------------------------------------------------

    async def stop(self) -> bool:
        """Accepts nothing more, closes connections with 320, puts everything on disk.

        False if the disk did not take everything in time.
        """
        for server in self._servers:
            server.close()
        if self._tls is not None:
            await self._tls.close()
        if self._context is not None and self._context.keeper is not None:
            await self._context.keeper.close()
        if self._context is not None:
            self._context.alarms.stop()
        await self._close_connections()
        for door in self._door, self._metrics:
            if door is not None:
                await door.close()
        complete = self._storage is None or await self._storage.close()
        for sock in self._sockets:
            sock.close()
        self.listeners.clear()
        return complete

    async def _close_connections(self) -> None:
        for connection in list(self.connections):
            connection.force_close(SHUTDOWN)
        give_up = self.clock.monotonic() + CLOSE_GRACE
        while self.connections and self.clock.monotonic() < give_up:
            await pause(self.clock, POLL)
        for connection in list(self.connections):
            connection.force_close(SHUTDOWN)  # did not answer: now without asking
