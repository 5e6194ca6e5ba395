"""Exchanges as JSON, made and removed (spec 2.6, 3.6)."""

from functools import partial
from typing import TYPE_CHECKING

from mgmt_ui import counters
from mgmt_ui.answer import DONE, Answer, created
from mgmt_ui.api import breakdowns
from mgmt_ui.call import Call
from mgmt_ui.errors import not_found
from mgmt_ui.fields import plain, typed
from mgmt_ui.paging import Listing, Row

if TYPE_CHECKING:
    from broker.queue import Queue
    from exchanges.base import Exchange
    from vhosts.vhost import VirtualHost

UNKNOWN = "unknown"
"""Who made those that were there before that was noted."""

Placed = tuple[str, "Exchange"]
"""An exchange with the name of its virtual host, which it does not know itself."""


def index(call: Call) -> Listing[Placed]:
    """GET /exchanges: those of every virtual host the user may enter."""
    return _listing(call, [e for vhost in call.visible_vhosts() for e in _placed(vhost)])


def index_of_vhost(call: Call) -> Listing[Placed]:
    """GET /exchanges/:vhost"""
    return _listing(call, _placed(call.vhost))


async def show(call: Call) -> Row:
    """GET /exchanges/:vhost/:name"""
    vhost, exchange = call.vhost, call.exchange
    row = describe(call, (vhost.name, exchange))
    return row | await breakdowns.of_exchange(call, vhost, exchange)


async def put(call: Call) -> Answer:
    """PUT /exchanges/:vhost/:name: 201 for a new one, 204 for one that was so before."""
    body = await call.body()
    vhost, name = call.vhost, call.new_name("exchange")
    new = name not in vhost.exchanges
    vhost.declare_exchange(
        name,
        body.string("type", "direct"),
        durable=body.boolean("durable"),
        auto_delete=body.boolean("auto_delete"),
        internal=body.boolean("internal"),
        arguments=typed(body.object("arguments")),
        authorise=call.authorise,
    )
    await call.stored()
    return created(new)


async def delete(call: Call) -> Answer:
    """DELETE /exchanges/:vhost/:name?if-unused=true"""
    vhost, name = call.vhost, call.exchange_name
    if name not in vhost.exchanges:
        raise not_found()
    vhost.delete_exchange(name, call.query.get("if-unused") == "true", call.authorise)
    await call.stored()
    return DONE


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
        "user_who_performed_action": exchange.creator or UNKNOWN,
    }
    if exchange.policy is not None:
        row["policy"] = exchange.policy.name
    if exchange.messages_delayed is not None:
        row["messages_delayed"] = exchange.messages_delayed
    stats = call.details.message_stats(counters.named(counters.EXCHANGE, exchange), [exchange])
    if stats:
        row["message_stats"] = stats
    return row
