"""What the broker is handed of the management plane: samples from the start, the rest on demand.

Nothing here may import aiohttp, directly or not: it is loaded with the first request.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from mgmt_ui.rates import Rates

if TYPE_CHECKING:
    from aiohttp import web

    from mgmt_ui.server import Server


class Front:
    """Implements `broker.http_door.Front` for one server."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._rates = Rates(server)

    def start(self) -> None:
        """The past that charts show begins with the broker, not with the first look."""
        self._rates.start()

    def stop(self) -> None:
        """No more samples."""
        self._rates.stop()

    def load(self) -> None:
        """Imports the application and aiohttp."""
        import_module("mgmt_ui.app")

    def make_app(self) -> "web.Application":
        """The application, with the samples that were taken so far."""
        from mgmt_ui.app import make_app

        return make_app(self._server, self._rates)


class MetricsFront:
    """Implements `broker.http_door.Front` for a port that tells nothing but metrics."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._started_ms = 0

    def start(self) -> None:
        """Metrics are read when they are asked for, but for how long the broker runs."""
        self._started_ms = self._server.clock.now_ms()

    def stop(self) -> None:
        """There is nothing to stop."""

    def load(self) -> None:
        """Imports the application, aiohttp and prometheus_client."""
        import_module("mgmt_ui.metrics.app")

    def make_app(self) -> "web.Application":
        """The application."""
        from mgmt_ui.metrics.app import make_app

        return make_app(self._server, self._started_ms)
