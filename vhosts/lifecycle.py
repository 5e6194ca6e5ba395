"""The ends of a virtual host, deleted or unloaded to come back, and how it wakes up again.

Here: what becomes of queues, exchanges and the messages in them.  Not here: who is connected, and
the registry's own books (registry.py).
"""

from typing import NoReturn

from exchanges.base import Exchange
from persistence.steps import SOME, TURN, Steps
from vhosts import errors
from vhosts.interfaces import Q
from vhosts.vhost import VirtualHost

# Queues with something to do that begin in one turn of the loop.
WOKEN = 16


def dismiss(vhost: VirtualHost[Q]) -> Steps[None]:
    """All consumers are cancelled, as those of deleted queues."""
    for number, queue in enumerate(list(vhost.queues.values())):
        if queue.consumer_count:
            queue.dismiss()
        if queue.consumer_count or not number % SOME:
            yield None


def take_out(vhost: VirtualHost[Q]) -> tuple[list[Q], list[Exchange]]:
    """All queues and exchanges, which nobody finds by name any more; for `suspend`."""
    queues, exchanges = list(vhost.queues.values()), list(vhost.exchanges.values())
    vhost.queues.clear()
    vhost.exchanges.clear()
    vhost.enforcement.end()
    vhost.topology += 1
    return queues, exchanges


def suspend(
    vhost: VirtualHost[Q], queues: list[Q], exchanges: list[Exchange], *, to_come_back: bool
) -> Steps[None]:
    """Nothing happens in these any more, and nothing keeps them in memory: the lists are emptied.

    What is durable stays on the disk as it is, and with `to_come_back` also how much was delivered.
    """
    while queues:
        # The last reference to it, mostly: freeing all together would take long, too.
        queue = queues.pop()
        if to_come_back:
            queue.save_frontiers()
        queue.suspend()
        yield None
    while exchanges:
        exchange = exchanges.pop()
        if exchange.room is not None:
            exchange.room.suspend()
        for number, binding in enumerate(list(exchange.bindings.values())):
            vhost.bindings.forget(binding)
            if not number % SOME:
                yield None
        exchange.let_go()
        yield None


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


class Closed:
    """The store of a virtual host that is down: refuses every change with ResourceError."""

    def __init__(self, vhost: str) -> None:
        self._vhost = vhost

    def __getattr__(self, name: str) -> NoReturn:
        raise errors.vhost_down(self._vhost)
