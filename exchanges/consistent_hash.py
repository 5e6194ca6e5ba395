"""The consistent-hash exchange: messages with one key go to one destination (spec 6.6).

The key picks one of a fixed number of slots. Who owns a slot is decided by weighted rendezvous:
every destination draws a number for the slot, and the best in proportion to its weight wins.
RabbitMQ's buckets depend on the order of binding; here the map depends on nothing but names and
weights, so it is the same after a restart or when a queue is deleted and bound again, and no key
moves but those of the destination that comes or goes.
"""

import hashlib
import math
import re
import zlib
from collections.abc import Collection
from typing import Any

from exchanges.base import Binding, Exchange, InvalidArgument, Routable, Table
from exchanges.tables import comparable, term

MAX_WEIGHT = 10_000
PROPERTIES = ("correlation_id", "message_id", "timestamp")
SLOTS = 1 << 14

_INTEGER = re.compile(r"[+-]?[0-9]+")
_MASK = (1 << 64) - 1


class ConsistentHashExchange(Exchange):
    """Binding keys are weights; `hash-header` or `hash-property` replace the routing key."""

    __slots__ = ("_header", "_owners", "_property", "_shares")

    type = "x-consistent-hash"
    per_message = True

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self._header = arguments.get("hash-header")
        self._property = self._string_argument("hash-property")
        # Destination -> seed and weight.
        self._shares: dict[Any, tuple[int, int]] = {}
        # Found at the first message of a slot, forgotten with every change.
        self._owners: dict[int, Any] = {}

    def validate(self) -> None:
        field = self.arguments.get("hash-property")
        if field is None:
            return
        if self._header is not None:
            raise InvalidArgument("hash-header and hash-property are mutually exclusive")
        if self._property not in PROPERTIES:
            shown = field[1] if field[0] == "S" else term(field)
            raise InvalidArgument(f"Unsupported property: {shown}")

    def add(self, binding: Binding) -> None:
        weight = _weight(binding.routing_key)
        if binding.destination not in self._shares:
            self._shares[binding.destination] = _seed(binding), weight
            self._owners.clear()

    def remove(self, binding: Binding) -> None:
        # Another binding of the same destination never had a share, and does not inherit.
        if self._shares.pop(binding.destination, None) is not None:
            self._owners.clear()

    def route(self, message: Routable) -> Collection[Any]:
        if not self._shares:
            return ()
        slot = zlib.crc32(self._key(message)) % SLOTS
        if slot not in self._owners:
            self._owners[slot] = self._owner(slot)
        return (self._owners[slot],)

    def _key(self, message: Routable) -> bytes:
        if self._header is not None:
            field = message.headers.get(self._header[1]) if self._header[0] == "S" else None
            return b"" if field is None else repr(comparable(field)).encode()
        if self._property is not None:
            value = message.property(self._property)
            return b"" if value is None else repr(value).encode()
        return message.routing_keys[0].encode("utf-8", "surrogateescape")

    def _owner(self, slot: int) -> Any:
        shares = self._shares
        return min(shares, key=lambda destination: _draw(slot, *shares[destination]))


def _weight(key: str) -> int:
    if _INTEGER.fullmatch(key) is None:
        raise InvalidArgument(f"The binding key must be an integer: {term(('S', key))}")
    weight = int(key)
    if weight < 1:
        raise InvalidArgument("The binding key must be greater than 0")
    if weight > MAX_WEIGHT:
        raise InvalidArgument(f"The binding key must not exceed {MAX_WEIGHT}")
    return weight


def _seed(binding: Binding) -> int:
    name = f"{binding.destination_type}:{binding.destination.name}"
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _draw(slot: int, seed: int, weight: int) -> tuple[float, int]:
    # Exponentially distributed with the rate `weight`: the smallest of several is each one's with
    # a probability in proportion to its weight. The multiplications only scatter the bits.
    mixed = (seed ^ (slot * 0x9E3779B97F4A7C15)) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    mixed ^= mixed >> 31
    return -math.log((mixed + 1) / (_MASK + 2)) / weight, seed
