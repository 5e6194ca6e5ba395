"""The sockets for HTTP: open from the start, but nobody behind them until the first knock.

Here: when the web server is loaded, and its life.  Not here: what it answers, which is handed in
(mgmt_ui), and TLS (tls_listener.py).

Loading it takes 13 MiB and time, which a broker that nobody looks at can do without
(measured: 47.5 MiB idle instead of 60).  It happens in a thread, so that messages go on meanwhile,
and whoever knocked waits in the kernel's queue.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from broker.listeners import BACKLOG

if TYPE_CHECKING:
    from aiohttp import web

logger = logging.getLogger("leveret.http")

# Of the 3 s that a stop may take: for requests that are under way.
GRACE = 0.5


class Front(Protocol):
    """What looks into the broker."""

    def start(self) -> None:
        """The broker runs: what has to be watched all the time begins now."""

    def stop(self) -> None:
        """Nothing more is watched."""

    def load(self) -> None:
        """Imports what `make_app` needs; called in a thread."""

    def make_app(self) -> "web.Application":
        """The application, once; after `load`."""


class HttpDoor:
    """Serves the application of `front` on sockets that listen already."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._sockets: Sequence[socket.socket] = ()
        self._opening: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None

    def watch(self, sockets: Sequence[socket.socket]) -> None:
        """Opens when the first client connects to one of these."""
        self._front.start()
        self._sockets = sockets
        loop = asyncio.get_running_loop()
        try:
            for sock in sockets:
                loop.add_reader(sock, self._knock)
        except NotImplementedError:  # Windows
            self._knock()

    def _knock(self) -> None:
        self._look_away()
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    def _look_away(self) -> None:
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            try:
                loop.remove_reader(sock)
            except NotImplementedError:
                return

    async def opened(self) -> "web.Server":
        """What handles a connection; loads it first where nobody has knocked yet."""
        self._knock()
        assert self._opening is not None  # the knock began it
        await self._opening
        assert self._runner is not None
        assert self._runner.server is not None
        return self._runner.server

    async def _open(self) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._front.load)
            from aiohttp import web

            self._runner = web.AppRunner(
                self._front.make_app(), access_log=None, shutdown_timeout=GRACE
            )
            await self._runner.setup()
            for sock in self._sockets:
                await web.SockSite(self._runner, sock, backlog=BACKLOG).start()
        except Exception:
            logger.exception("the management API cannot be loaded")
            raise

    async def close(self) -> None:
        """Takes no more requests; those under way get a moment."""
        self._look_away()
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        self._front.stop()
