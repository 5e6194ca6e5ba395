"""Bindings as JSON, made and removed (spec 2.6, 3.8, 1.9)."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_plus

from exchanges.base import escaped
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.call import Call, exchange_name
from mgmt_ui.errors import not_found
from mgmt_ui.fields import plain, typed
from mgmt_ui.paging import Listing, Row
from mgmt_ui.sorting import Key, Path

if TYPE_CHECKING:
    from broker.queue import Queue
    from exchanges.base import Binding, Exchange
    from vhosts.vhost import VirtualHost

KINDS = {"q": "queue", "e": "exchange"}


Found = Sequence["Binding | str"]
"""Bindings, and queues by name for the implicit ones: each is bound to the default exchange."""


def index(call: Call) -> Listing[Any]:
    """GET /bindings: those of every virtual host the user may enter."""
    return _listing((vhost.name, _all(vhost)) for vhost in call.visible_vhosts())


def index_of_vhost(call: Call) -> Listing[Any]:
    """GET /bindings/:vhost"""
    return _listing([(call.vhost.name, _all(call.vhost))])


def of_queue(call: Call) -> Listing[Any]:
    """GET /queues/:vhost/:name/bindings: the implicit one first."""
    queue = call.queue
    return _listing([(call.vhost.name, [queue.name, *call.vhost.bindings.to(queue)])])


def from_exchange(call: Call) -> Listing[Any]:
    """GET /exchanges/:vhost/:name/bindings/source"""
    vhost, exchange = call.vhost, call.exchange
    found = list(exchange.bindings.values()) if exchange.name else sorted(vhost.queues)
    return _listing([(vhost.name, found)])


def to_exchange(call: Call) -> Listing[Any]:
    """GET /exchanges/:vhost/:name/bindings/destination"""
    return _listing([(call.vhost.name, list(call.vhost.bindings.to(call.exchange)))])


def between(call: Call) -> Listing[Any]:
    """GET /bindings/:vhost/e/:source/:kind/:destination: nothing is fine, too."""
    source, destination, kind = _ends(call)
    vhost = call.vhost
    if not source and kind == "queue":
        return _listing([(vhost.name, [destination] if destination in vhost.queues else [])])
    return _listing([(vhost.name, _between(call))])


async def create(call: Call) -> Answer:
    """POST the same: 201 whether it is new or not, and where it is."""
    source, destination, kind = _ends(call)
    body = await call.body()
    key, arguments = body.short("routing_key", ""), typed(body.object("arguments"))
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
        if call.path["props"] in (row["properties_key"], destination):
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


def _all(vhost: "VirtualHost[Queue]") -> Found:
    # The implicit ones first, then by exchange.
    exchanges = [vhost.exchanges[name] for name in sorted(vhost.exchanges)]
    explicit = chain.from_iterable(exchange.bindings.values() for exchange in exchanges)
    return [*sorted(vhost.queues), *explicit]


def _implicit(vhost: str, queue: str) -> Row:
    return {
        "source": "",
        "vhost": vhost,
        "destination": queue,
        "destination_type": "queue",
        "routing_key": queue,
        "arguments": {},
        "properties_key": escaped(queue),
    }


def _listing(found: Iterable[tuple[str, Found]]) -> Listing[Any]:
    items = [(vhost, each) for vhost, bindings in found for each in bindings]
    return Listing(items, _source, _row, key=_sort_key)


def _sort_key(path: Path) -> Key | None:
    # Bound to the default exchange, a queue is its name and nothing else.
    for members, implicit in (
        (("destination", "routing_key"), lambda item: item[1]),
        (("source",), lambda _: ""),
        (("destination_type",), lambda _: "queue"),
    ):
        if len(path) == 1 and path[0] in members:
            return lambda item: implicit(item) if isinstance(item[1], str) else _row(item)[path[0]]
    return (lambda item: item[0]) if path == ("vhost",) else None


def _source(item: "tuple[str, Binding | str]") -> str:
    return "" if isinstance(item[1], str) else item[1].source.name


def _row(item: "tuple[str, Binding | str]") -> Row:
    vhost, binding = item
    return _implicit(vhost, binding) if isinstance(binding, str) else describe(vhost, binding)


def _ends(call: Call) -> tuple[str, str, str]:
    kind = KINDS.get(call.path["kind"])
    if kind is None:
        raise not_found()
    source, destination = call.path["source"], call.path["destination"]
    if kind == "exchange":
        destination = exchange_name(destination)
    return exchange_name(source), destination, kind


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
    found, asked = _between(call), call.path["props"]
    for fits in (_is, _is_decoded):
        for binding in found:
            if fits(asked, binding.properties_key):
                return binding
    raise not_found()


def _is(asked: str, key: str) -> bool:
    return asked == key


def _is_decoded(asked: str, key: str) -> bool:
    # Who puts the key into a URL as it is, without encoding it again (spec 1.9).
    return asked == unquote_plus(key, errors="surrogateescape")
