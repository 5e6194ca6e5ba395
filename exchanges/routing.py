"""From an exchange to queues: exchange to exchange, alternate exchanges, no queue twice.

Which bindings of one exchange a message takes is the business of that exchange's type.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from exchanges.base import Exchange, Routable

Lookup = Callable[[str], Exchange | None]


def find(exchange: Exchange, message: Routable, lookup: Lookup) -> tuple[list[Any], bool]:
    """The queues for a message published to `exchange`, each once (spec 6.9, 6.10).

    `lookup` finds an alternate exchange by name. The second result says whether another message
    with the same routing keys is sure to go the same way until a binding or exchange changes.
    """
    found = exchange.route(message)
    # Nearly all exchanges lead to queues only: then this is all.
    if not exchange.exchange_destinations and (found or exchange.alternate is None):
        return list(dict.fromkeys(found)), not exchange.per_message
    return _walk(exchange, found, message, lookup)


class Step(NamedTuple):
    """An exchange that a message comes by: where it goes from there, each destination once.

    `alternate` says that no binding took it, and that it goes on to the alternate exchange.
    """

    exchange: Exchange
    destinations: list[Any]
    alternate: bool


def trace(exchange: Exchange, message: Routable, lookup: Lookup) -> tuple[list[Any], list[Step]]:
    """The queues as `find` gives them, and every step of the way there."""
    steps: list[Step] = []
    queues, _ = _walk(exchange, exchange.route(message), message, lookup, steps)
    return queues, steps


def _walk(
    first: Exchange,
    found: Collection[Any],
    message: Routable,
    lookup: Lookup,
    steps: list[Step] | None = None,
) -> tuple[list[Any], bool]:
    queues: dict[Any, None] = {}
    # Grows while it is walked; an exchange that is in it once is never visited again.
    exchanges: dict[Exchange, None] = {first: None}
    waiting = [first]
    cacheable = True
    for exchange in waiting:
        if exchange is not first:
            found = exchange.route(message)
        if exchange.per_message:
            cacheable = False
        unroutable = not found
        if unroutable and exchange.alternate is not None:
            alternate = lookup(exchange.alternate)
            found = () if alternate is None else (alternate,)
        if steps is not None:
            steps.append(Step(exchange, list(dict.fromkeys(found)), unroutable and bool(found)))
        for destination in found:
            if not isinstance(destination, Exchange):
                queues[destination] = None
            elif destination not in exchanges:
                exchanges[destination] = None
                waiting.append(destination)
    return list(queues), cacheable
