"""The direct exchange: a binding's key equals a routing key of the message."""

from collections.abc import Collection
from typing import Any

from exchanges.base import Binding, Counts, Exchange, Routable, Table, count_down, count_up


class DirectExchange(Exchange):
    """Keys lead to their destinations; no binding costs more for the number of others."""

    __slots__ = ("_by_key",)

    type = "direct"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self._by_key: dict[str, Counts] = {}

    def add(self, binding: Binding) -> None:
        count_up(self._by_key.setdefault(binding.routing_key, {}), binding.destination)

    def remove(self, binding: Binding) -> None:
        counts = self._by_key[binding.routing_key]
        count_down(counts, binding.destination)
        if not counts:
            del self._by_key[binding.routing_key]

    def route(self, message: Routable) -> Collection[Any]:
        by_key, keys = self._by_key, message.routing_keys
        if len(keys) == 1:
            return by_key.get(keys[0], ())
        return [destination for key in keys for destination in by_key.get(key, ())]
