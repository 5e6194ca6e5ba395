"""The random exchanges: one binding, whichever (spec 6.2)."""

import random
from collections.abc import Collection
from typing import Any

from exchanges.base import Binding, Exchange, InvalidArgument, Routable, Table


class RandomExchange(Exchange):
    """Every binding is as likely as any other, so two of one queue count twice."""

    __slots__ = ("_bindings", "_places")

    type = "x-random"
    per_message = True

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self._bindings: list[Binding] = []
        self._places: dict[Binding, int] = {}

    def add(self, binding: Binding) -> None:
        self._places[binding] = len(self._bindings)
        self._bindings.append(binding)

    def remove(self, binding: Binding) -> None:
        # The last one moves into the gap: the order means nothing.
        place, last = self._places.pop(binding), self._bindings.pop()
        if last is not binding:
            self._bindings[place] = last
            self._places[last] = place

    def route(self, message: Routable) -> Collection[Any]:
        if not self._bindings:
            return ()
        return (random.choice(self._bindings).destination,)  # noqa: S311 - nothing to guess


class LocalRandomExchange(RandomExchange):
    """A random exchange that takes nothing but classic queues, bound with the empty key.

    All queues are local, so there is nothing else to it. A queue tells its type by `arguments`.
    """

    __slots__ = ()

    type = "x-local-random"

    def add(self, binding: Binding) -> None:
        if binding.routing_key:
            raise InvalidArgument(f"Non empty binding '{binding.routing_key}' key not permitted")
        if binding.destination_type != "queue":
            raise InvalidArgument("Destination not found")
        queue_type = binding.destination.arguments.get("x-queue-type", ("S", "classic"))[1]
        if queue_type != "classic":
            raise InvalidArgument(
                f"Queue type rabbit_{queue_type}_queue not valid for this exchange type"
            )
        super().add(binding)
