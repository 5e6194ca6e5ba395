"""Metrics on a port of their own, for anybody who may reach it (spec 5.1)."""

from typing import TYPE_CHECKING

from aiohttp import web

from mgmt_ui.errors import ApiError
from mgmt_ui.metrics.exposition import Scrapes
from mgmt_ui.streaming import stream

if TYPE_CHECKING:
    from mgmt_ui.server import Server

ENDPOINTS = {
    "/metrics": "aggregated",
    "/metrics/per-object": "per-object",
    "/metrics/detailed": "detailed",
    "/metrics/memory-breakdown": "memory-breakdown",
}


def make_app(server: "Server", started_ms: int) -> web.Application:
    """The application: nothing but scrapes; 404 for anything else."""
    app = web.Application()
    scrapes = Scrapes(server, started_ms)

    async def answer(request: web.Request) -> web.StreamResponse:
        endpoint = ENDPOINTS[request.path.rstrip("/")]
        accept = request.headers.get("accept", "")
        pieces, kind = scrapes.answer(endpoint, accept, list(request.query.items()))
        try:
            found = await stream(pieces, server.clock, {"content-type": kind})
        except ApiError as error:
            return web.json_response(error.body, status=error.status)
        return await found.serve(request, {})

    for path in ENDPOINTS:
        app.router.add_get(path, answer)
        app.router.add_get(path + "/", answer)
    return app
