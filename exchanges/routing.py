"""From an exchange to queues: exchange to exchange, alternate exchanges, no queue twice.

Which bindings of one exchange a message takes is the business of that exchange's type.
"""

from collections.abc import Callable, Collection
from typing import Any

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


def _walk(
    first: Exchange, found: Collection[Any], message: Routable, lookup: Lookup
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
        if not found and exchange.alternate is not None:
            alternate = lookup(exchange.alternate)
            found = () if alternate is None else (alternate,)
        for destination in found:
            if not isinstance(destination, Exchange):
                queues[destination] = None
            elif destination not in exchanges:
                exchanges[destination] = None
                waiting.append(destination)
    return list(queues), cacheable
