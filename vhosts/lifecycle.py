"""The ends of a virtual host, deleted or unloaded to come back, and how it wakes up again.

Here: what becomes of queues, exchanges and the messages in them.  Not here: who is connected, and
the registry's own books (registry.py).
"""

from typing import Any, NoReturn

from persistence.steps import SOME, TURN, Steps
from vhosts import errors
from vhosts.interfaces import Q
from vhosts.vhost import VirtualHost

# Queues with something to do that begin in one turn of the loop.
WOKEN = 16


def dismantle(vhost: VirtualHost[Q]) -> None:
    """The end of everything in `vhost`: consumers are cancelled, messages dropped.

    Nothing is written: whoever deletes a virtual host deletes its rows at once.
    """
    queues, exchanges = _empty(vhost)
    for queue in queues:
        queue.close()
    for exchange in exchanges:
        if exchange.room is not None:
            exchange.room.close()
        for binding in list(exchange.bindings.values()):
            vhost.bindings.forget(binding)
        exchange.let_go()


def suspend(vhost: VirtualHost[Q]) -> None:
    """Nothing happens in `vhost` any more; what is durable stays as it is, on the disk."""
    queues, exchanges = _empty(vhost)
    for queue in queues:
        queue.suspend()
    for exchange in exchanges:
        if exchange.room is not None:
            exchange.room.suspend()
        for binding in list(exchange.bindings.values()):
            vhost.bindings.forget(binding)
        exchange.let_go()


def wake(vhost: VirtualHost[Q]) -> Steps[None]:
    """All that was stored is back in `vhost`: from now on time passes in it."""
    for exchange in list(vhost.exchanges.values()):
        if exchange.room is not None:
            exchange.room.begin()
            yield None
    woken = 0
    for number, queue in enumerate(list(vhost.queues.values())):
        if queue.begin():
            # What it does then it does in the next turn of the loop.
            woken += 1
            if not woken % WOKEN:
                yield TURN
        if not number % SOME:
            yield None


def _empty(vhost: VirtualHost[Q]) -> tuple[list[Q], list[Any]]:
    # Gone by name before anything closes: what follows from the end of a consumer finds nothing.
    queues, exchanges = list(vhost.queues.values()), list(vhost.exchanges.values())
    vhost.queues.clear()
    vhost.exchanges.clear()
    vhost.enforcement.end()
    vhost.topology += 1
    return queues, exchanges


class Closed:
    """The store of a virtual host that is down: refuses every change with ResourceError."""

    def __init__(self, vhost: str) -> None:
        self._vhost = vhost

    def __getattr__(self, name: str) -> NoReturn:
        raise errors.vhost_down(self._vhost)
