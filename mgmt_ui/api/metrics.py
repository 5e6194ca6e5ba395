"""Metrics for Prometheus on the port of the API, for monitoring users (spec 5.1)."""

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from mgmt_ui.answer import Stream
from mgmt_ui.call import Call

if TYPE_CHECKING:
    from mgmt_ui.metrics.exposition import Scrapes
    from mgmt_ui.rates import Rates

_scrapes: "WeakKeyDictionary[Rates, Scrapes]" = WeakKeyDictionary()


async def aggregated(call: Call) -> Stream:
    """GET /metrics: one series for each metric."""
    return await _scrape(call, "aggregated")


async def per_object(call: Call) -> Stream:
    """GET /metrics/per-object: series for each queue, channel, connection and exchange."""
    return await _scrape(call, "per-object")


async def detailed(call: Call) -> Stream:
    """GET /metrics/detailed?family=...&vhost=...&queue=...: chosen families only."""
    return await _scrape(call, "detailed")


async def memory(call: Call) -> Stream:
    """GET /metrics/memory-breakdown"""
    return await _scrape(call, "memory-breakdown")


async def _scrape(call: Call, endpoint: str) -> Stream:
    # Not for those whom nobody scrapes.
    from mgmt_ui.metrics.exposition import Scrapes
    from mgmt_ui.streaming import stream

    scrapes = _scrapes.get(call.rates)
    if scrapes is None:
        scrapes = _scrapes[call.rates] = Scrapes(call.server, call.rates.started_ms)
    accept = call.headers.get("accept", "")
    # All pairs: a name may be there several times.
    pieces, content_type = scrapes.answer(endpoint, accept, list(call.query.items()))
    return await stream(pieces, call.server.clock, {"content-type": content_type})
