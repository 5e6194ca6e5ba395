"""Bindings as JSON, made and removed (spec 2.6, 3.8, 1.9)."""

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from mgmt_ui.answer import DONE, Answer
from mgmt_ui.call import DEFAULT_EXCHANGE, Call
from mgmt_ui.errors import not_found
from mgmt_ui.fields import plain, typed
from mgmt_ui.paging import Listing, Row

if TYPE_CHECKING:
    from broker.queue import Queue
    from exchanges.base import Binding, Exchange
    from vhosts.vhost import VirtualHost

KINDS = {"q": "queue", "e": "exchange"}


def index(call: Call) -> Listing[Row]:
    """GET /bindings: those of every virtual host the user may enter."""
    return _listing([row for vhost in call.visible_vhosts() for row in rows_of(vhost)])


def index_of_vhost(call: Call) -> Listing[Row]:
    """GET /bindings/:vhost"""
    return _listing(rows_of(call.vhost))


def of_queue(call: Call) -> Listing[Row]:
    """GET /queues/:vhost/:name/bindings: the implicit one first."""
    queue = call.queue
    explicit = [describe(call.vhost.name, each) for each in call.vhost.bindings.to(queue)]
    return _listing([_implicit(call.vhost.name, queue.name), *explicit])


def from_exchange(call: Call) -> Listing[Row]:
    """GET /exchanges/:vhost/:name/bindings/source"""
    vhost, exchange = call.vhost, call.exchange
    if not exchange.name:
        return _listing([_implicit(vhost.name, name) for name in vhost.queues])
    return _listing([describe(vhost.name, each) for each in exchange.bindings.values()])


def to_exchange(call: Call) -> Listing[Row]:
    """GET /exchanges/:vhost/:name/bindings/destination"""
    found = call.vhost.bindings.to(call.exchange)
    return _listing([describe(call.vhost.name, each) for each in found])


def between(call: Call) -> Listing[Row]:
    """GET /bindings/:vhost/e/:source/:kind/:destination: nothing is fine, too."""
    source, destination, kind = _ends(call)
    vhost = call.vhost
    if not source and kind == "queue":
        found = [destination] if destination in vhost.queues else []
        return _listing([_implicit(vhost.name, name) for name in found])
    return _listing([describe(vhost.name, each) for each in _between(call)])


async def create(call: Call) -> Answer:
    """POST the same: 201 whether it is new or not, and where it is."""
    source, destination, kind = _ends(call)
    body = await call.body()
    key, arguments = body.string("routing_key", ""), typed(body.object("arguments"))
    vhost = call.vhost
    vhost.bind(source, destination, kind, key, arguments, None, call.authorise)
    await call.stored()
    target = (vhost.queues if kind == "queue" else vhost.exchanges).get(destination)
    exchange = vhost.exchanges.get(source)
    binding = exchange and exchange.find(target, kind, key, arguments)
    if not binding:
        return Answer(None, 201)  # somebody removed it while it was being stored
    location = f"{quote(destination, safe='')}/{quote(binding.properties_key, safe='')}"
    return Answer(None, 201, {"location": location})


def show(call: Call) -> Row:
    """GET /bindings/:vhost/e/:source/:kind/:destination/:props"""
    source, destination, kind = _ends(call)
    if not source and kind == "queue" and destination in call.vhost.queues:
        row = _implicit(call.vhost.name, destination)
        if _fits(call.path["props"], row["properties_key"]):
            return row
    return describe(call.vhost.name, _one(call))


async def delete(call: Call) -> Answer:
    """DELETE the same."""
    source, destination, kind = _ends(call)
    if not source:
        # Refused before anything else, as AMQP does it.
        call.vhost.unbind(source, destination, kind, "", {}, None, call.authorise)
    binding = _one(call)
    vhost = call.vhost
    key, arguments = binding.routing_key, binding.arguments
    vhost.unbind(source, destination, kind, key, arguments, None, call.authorise)
    await call.stored()
    return DONE


def describe(vhost: str, binding: "Binding") -> Row:
    """The binding object."""
    return {
        "source": binding.source.name,
        "vhost": vhost,
        "destination": binding.destination.name,
        "destination_type": binding.destination_type,
        "routing_key": binding.routing_key,
        "arguments": plain(binding.arguments),
        "properties_key": binding.properties_key,
    }


def rows_of(vhost: "VirtualHost[Queue]") -> list[Row]:
    """All of a virtual host, the implicit ones first."""
    rows = [_implicit(vhost.name, name) for name in sorted(vhost.queues)]
    for name in sorted(vhost.exchanges):
        found = vhost.exchanges[name].bindings.values()
        rows += [describe(vhost.name, each) for each in found]
    return rows


def _implicit(vhost: str, queue: str) -> Row:
    # Every queue is bound to the default exchange by its name.
    return {
        "source": "",
        "vhost": vhost,
        "destination": queue,
        "destination_type": "queue",
        "routing_key": queue,
        "arguments": {},
        "properties_key": queue,
    }


def _listing(rows: list[Row]) -> Listing[Row]:
    return Listing(rows, lambda row: str(row["source"]), partial(_itself))


def _itself(row: Row) -> Row:
    return row


def _ends(call: Call) -> tuple[str, str, str]:
    kind = KINDS.get(call.path["kind"])
    if kind is None:
        raise not_found()
    source = "" if call.path["source"] == DEFAULT_EXCHANGE else call.path["source"]
    return source, call.path["destination"], kind


def _between(call: Call) -> "list[Binding]":
    source, name, kind = _ends(call)
    vhost = call.vhost
    exchange = vhost.exchanges.get(source)
    destination: Queue | Exchange | None
    destination = vhost.queues.get(name) if kind == "queue" else vhost.exchanges.get(name)
    if exchange is None or destination is None:
        return []
    return [each for each in vhost.bindings.to(destination) if each.source is exchange]


def _one(call: Call) -> "Binding":
    for binding in _between(call):
        if _fits(call.path["props"], binding.properties_key):
            return binding
    raise not_found()


def _fits(asked: str, key: str) -> bool:
    # Clients encode it once or twice (spec 1.9), and some decode it before.
    return key in (asked, quote(asked, safe="~+")) or asked == _decoded(key)


def _decoded(key: str) -> Any:
    raw = unquote_to_bytes(key.replace("+", " "))
    return raw.decode("utf-8", "surrogateescape")
