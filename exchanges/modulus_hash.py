"""The modulus-hash exchange: the hash of the routing keys, modulo the number of bindings (6.2)."""

import zlib
from bisect import bisect_left, insort
from collections.abc import Collection
from operator import itemgetter
from typing import Any

from exchanges.base import Binding, Exchange, Routable, Table

_name = itemgetter(0)


class ModulusHashExchange(Exchange):
    """Destinations in the order of their names, one entry for each binding.

    The order is by name, not by binding, so that a restart leaves every key where it was.
    """

    __slots__ = ("_entries",)

    type = "x-modulus-hash"
    per_message = True

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self._entries: list[tuple[tuple[str, str], Any]] = []

    def add(self, binding: Binding) -> None:
        insort(self._entries, (_order(binding), binding.destination), key=_name)

    def remove(self, binding: Binding) -> None:
        del self._entries[bisect_left(self._entries, _order(binding), key=_name)]

    def route(self, message: Routable) -> Collection[Any]:
        if not self._entries:
            return ()
        keys = "\0".join(message.routing_keys).encode("utf-8", "surrogateescape")
        return (self._entries[zlib.crc32(keys) % len(self._entries)][1],)


def _order(binding: Binding) -> tuple[str, str]:
    return binding.destination_type, binding.destination.name
