"""Heartbeats of one connection, both ways (spec 2.9).

Here: when to send one, and when a silent peer is given up.  Not here: the frame.
"""

from typing import TYPE_CHECKING

from broker.clock import Clock

if TYPE_CHECKING:
    from broker.connection import Connection

SILENT_CHECKS = 2


class Heartbeat:
    """Sends every half interval in which nothing was sent, checks every whole one."""

    __slots__ = ("_checking", "_clock", "_connection", "_first", "_interval", "_sending", "_silent")

    def __init__(self, connection: "Connection", clock: Clock, interval: int) -> None:
        self._connection = connection
        self._clock = clock
        self._interval = interval
        self._silent = 0
        self._first = True
        self._sending = clock.call_later(interval / 2, self._send)
        self._checking = clock.call_later(interval, self._check)

    def _send(self) -> None:
        self._sending = self._clock.call_later(self._interval / 2, self._send)
        spoke, self._connection.spoke = self._connection.spoke, False
        first, self._first = self._first, False
        if first or not spoke:
            self._connection.beat()
            self._connection.spoke = False

    def _check(self) -> None:
        connection = self._connection
        heard, connection.heard = connection.heard or connection.deaf, False
        self._silent = 0 if heard else self._silent + 1
        if self._silent >= SILENT_CHECKS:
            self._connection.silent()
            return
        self._checking = self._clock.call_later(self._interval, self._check)

    def stop(self) -> None:
        """No more beats."""
        self._sending.cancel()
        self._checking.cancel()
