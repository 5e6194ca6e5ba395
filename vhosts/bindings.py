"""Bindings: all of one virtual host, found by where they lead (spec 4.3, 4.4).

An exchange knows the bindings that leave it; here is the other direction, so that what ends with
a queue is found without a search, and the one place where bindings reach the store.
"""

from collections.abc import Iterable

from exchanges.base import Binding, Exchange, InvalidArgument
from persistence.definition_store import BindingRow, DefinitionStore
from vhosts import errors
from vhosts.argument_checks import Table
from vhosts.interfaces import QueueLike

Destination = QueueLike | Exchange


class Bindings:
    """The bindings of the virtual host named `vhost`; those that are durable go to the store."""

    def __init__(self, vhost: str, store: DefinitionStore) -> None:
        self._vhost = vhost
        self._store = store
        self._inbound: dict[Destination, dict[Binding, None]] = {}

    def to(self, destination: Destination) -> Iterable[Binding]:
        """Those that lead to a queue or an exchange, oldest first."""
        return self._inbound.get(destination, {})

    def add(
        self,
        exchange: Exchange,
        destination: Destination,
        destination_type: str,
        routing_key: str,
        arguments: Table,
    ) -> Binding | None:
        """None when it is there already. PreconditionFailed for what the exchange cannot take."""
        binding = self.restore(exchange, destination, destination_type, routing_key, arguments)
        if binding is not None and _durable(binding):
            self._store.save_binding(self._vhost, _row(binding))
        return binding

    def restore(
        self,
        exchange: Exchange,
        destination: Destination,
        destination_type: str,
        routing_key: str,
        arguments: Table,
    ) -> Binding | None:
        """`add` for what comes from the store."""
        try:
            binding = exchange.bind(destination, destination_type, routing_key, arguments)
        except InvalidArgument as error:
            raise errors.PreconditionFailed(str(error)) from None
        if binding is not None:
            self._inbound.setdefault(destination, {})[binding] = None
        return binding

    def remove(self, binding: Binding) -> None:
        self.forget(binding)
        if _durable(binding):
            self._store.delete_binding(self._vhost, _row(binding))

    def forget(self, binding: Binding) -> None:
        """`remove`, but for the store."""
        binding.source.discard(binding)
        inbound = self._inbound[binding.destination]
        del inbound[binding]
        if not inbound:
            del self._inbound[binding.destination]

    def remove_all(self, destination: Destination) -> list[Exchange]:
        """Remove all that lead to `destination`; the exchanges that lost a binding by it."""
        inbound = list(self.to(destination))
        for binding in inbound:
            self.remove(binding)
        return [binding.source for binding in inbound]


def _row(binding: Binding) -> BindingRow:
    return BindingRow(
        binding.source.name,
        binding.destination.name,
        binding.destination_type,
        binding.routing_key,
        binding.arguments,
    )


def _durable(binding: Binding) -> bool:
    # Durable ends never come together in another way than both being in the store (spec 9.3).
    return bool(binding.source.durable and binding.destination.durable)
