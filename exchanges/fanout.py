"""The fanout exchange: every binding, whatever the routing key."""

from collections.abc import Collection
from typing import Any

from exchanges.base import Binding, Counts, Exchange, Routable, Table, count_down, count_up


class FanoutExchange(Exchange):
    """Keys and arguments tell bindings apart, but do not matter for a message (spec 6.2)."""

    __slots__ = ("_destinations",)

    type = "fanout"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self._destinations: Counts = {}

    def add(self, binding: Binding) -> None:
        count_up(self._destinations, binding.destination)

    def remove(self, binding: Binding) -> None:
        count_down(self._destinations, binding.destination)

    def route(self, message: Routable) -> Collection[Any]:
        return self._destinations
