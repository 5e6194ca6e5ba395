"""Exchanges as JSON (spec 3.6)."""

from functools import partial
from typing import TYPE_CHECKING, Any

from mgmt_ui import counters
from mgmt_ui.call import Call
from mgmt_ui.fields import plain
from mgmt_ui.paging import Listing, Row

if TYPE_CHECKING:
    from broker.queue import Queue
    from exchanges.base import Exchange
    from vhosts.vhost import VirtualHost

STATS = tuple(counters.EXCHANGE_STATS)

Placed = tuple[str, "Exchange"]
"""An exchange with the name of its virtual host, which it does not know itself."""


def index(call: Call) -> Listing[Placed]:
    """GET /exchanges: those of every virtual host the user may enter."""
    return _listing(call, [e for vhost in call.visible_vhosts() for e in _placed(vhost)])


def index_of_vhost(call: Call) -> Listing[Placed]:
    """GET /exchanges/:vhost"""
    return _listing(call, _placed(call.vhost))


def _placed(vhost: "VirtualHost[Queue]") -> list[Placed]:
    return [(vhost.name, vhost.exchanges[name]) for name in sorted(vhost.exchanges)]


def _listing(call: Call, placed: list[Placed]) -> Listing[Placed]:
    return Listing(placed, lambda place: place[1].name, partial(describe, call))


def describe(call: Call, placed: Placed) -> Row:
    """The exchange object of a list."""
    vhost, exchange = placed
    row: Row = {
        "name": exchange.name,
        "vhost": vhost,
        "type": exchange.type,
        "durable": exchange.durable,
        "auto_delete": exchange.auto_delete,
        "internal": exchange.internal,
        "arguments": plain(exchange.arguments),
    }
    if exchange.messages_delayed is not None:
        row["messages_delayed"] = exchange.messages_delayed
    stats = counters.exchange_stats(exchange)
    if any(stats.values()):
        row["message_stats"] = stats_row = dict[str, Any](stats)
        call.rates.add_details(stats_row, exchange, STATS)
    return row
