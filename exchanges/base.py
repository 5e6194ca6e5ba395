"""Exchange and Binding: the bookkeeping that all types of exchange share (spec 4.3).

What a type does with its bindings is in that type's module. Permissions, the existence of
destinations, auto-delete and durability are the virtual host's.
"""

import base64
import zlib
from collections.abc import Collection, Hashable, Iterable
from typing import Any, ClassVar, Protocol
from urllib.parse import quote_plus

from exchanges.tables import Field, Table, canonical

__all__ = [
    "Binding",
    "Counts",
    "Exchange",
    "Field",
    "InvalidArgument",
    "Routable",
    "Table",
    "WaitingRoom",
]

Counts = dict[Any, int]
"""Destinations, each with how many bindings lead to it. Iterates as the destinations."""

Identity = tuple[Any, str, Hashable]


class InvalidArgument(Exception):
    """An argument or binding that the type cannot take; the explanation of a 406."""


class Routable(Protocol):
    """A message as exchanges see it."""

    @property
    def routing_keys(self) -> tuple[str, ...]:
        """The main routing key first, then those of CC and BCC."""

    @property
    def headers(self) -> Table:
        """Decoded when asked for; empty where there are none."""

    @property
    def message(self) -> object | None:
        """The message itself; None where somebody only asks for the way it would go."""

    def property(self, name: str) -> str | int | None:
        """The correlation_id, message_id or timestamp; None where absent."""


class WaitingRoom(Protocol):
    """Where messages wait to be routed; a destination that takes what queues take.

    `id` and `name` are what it is stored by, among those of queues.
    """

    id: int
    name: str

    def __len__(self) -> int: ...
    def sample(self, limit: int) -> list[Any]:
        """About `limit` of those that wait, or all; evenly from the whole."""

    def close(self) -> None:
        """The exchange is deleted: what waits is dropped."""

    def begin(self) -> None:
        """All that waited is back: time counts from now on."""

    def suspend(self) -> None:
        """The virtual host is unloaded: what waits stays on the disk."""


def escaped(routing_key: str) -> str:
    """A routing key as it stands in a `properties_key`."""
    # quote_plus leaves the tilde alone, which there separates.
    return quote_plus(routing_key, errors="surrogateescape").replace("~", "%7E")


class Binding:
    """One binding from an exchange to a queue or another exchange.

    `destination` is the object, `destination_type` 'queue' or 'exchange'.
    """

    __slots__ = (
        "arguments",
        "destination",
        "destination_type",
        "identity",
        "routing_key",
        "source",
    )

    def __init__(
        self,
        source: "Exchange",
        destination: Any,
        destination_type: str,
        routing_key: str,
        arguments: Table,
    ) -> None:
        self.source = source
        self.destination = destination
        self.destination_type = destination_type
        self.routing_key = routing_key
        self.arguments = arguments
        self.identity: Identity = (destination, routing_key, canonical(arguments))

    @property
    def properties_key(self) -> str:
        """What names the binding, among those of its two ends, in URLs (management.md 1.9)."""
        key = escaped(self.routing_key)
        if not self.arguments:
            return key or "~"
        digest = zlib.crc32(repr(self.identity[2]).encode()).to_bytes(4, "big")
        return f"{key}~{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


class Exchange:
    """What every type has in common; a type gives `add`, `remove` and `route`.

    `bindings` has those with this exchange as their source. `alternate` is the name of the
    alternate exchange, `policy` what the exchange comes under, None where that is nothing.
    `creator` is the user who declared it; empty where that was not noted.
    """

    __slots__ = (
        "alternate",
        "arguments",
        "auto_delete",
        "bindings",
        "confirmed",
        "creator",
        "drop_unroutable",
        "durable",
        "exchange_destinations",
        "had_bindings",
        "internal",
        "name",
        "policy",
        "publish_in",
        "publish_out",
        "return_unroutable",
    )

    type: ClassVar[str]
    per_message: ClassVar[bool] = False
    """Whether a route depends on more than routing keys, so that it must not be remembered."""
    room: WaitingRoom | None = None
    """Where messages wait, in the types that delay them."""

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        self.name = name
        self.durable = durable
        self.auto_delete = auto_delete
        self.internal = internal
        self.arguments = arguments
        self.alternate: str | None = self._string_argument("alternate-exchange")
        self.policy: Any = None
        self.creator = ""
        self.bindings: dict[Identity, Binding] = {}
        self.exchange_destinations = 0
        self.had_bindings = False
        # What came, where it went, and what became of it (management reference 1.7).
        self.publish_in = self.publish_out = self.confirmed = 0
        self.return_unroutable = self.drop_unroutable = 0

    def validate(self) -> None:
        """Check the arguments the type reads, when the exchange is made.

        Raises InvalidArgument.
        """

    def come_under(self, policy: Any, alternate: str | None) -> None:
        """A policy is for this exchange now, and names this alternate: the argument wins."""
        self.policy = policy
        own = self._string_argument("alternate-exchange")
        self.alternate = alternate if own is None else own

    @property
    def messages_delayed(self) -> int | None:
        """How many messages wait here to be routed; None where none ever do."""
        return None if self.room is None else len(self.room)

    # -- bindings ------------------------------------------------------------------------------

    def bind(
        self, destination: Any, destination_type: str, routing_key: str, arguments: Table
    ) -> Binding | None:
        """The new binding, None when there is such a one. Raises InvalidArgument."""
        binding = Binding(self, destination, destination_type, routing_key, arguments)
        if binding.identity in self.bindings:
            return None
        self.add(binding)
        self.bindings[binding.identity] = binding
        self.exchange_destinations += destination_type == "exchange"
        self.had_bindings = True
        return binding

    def find(
        self, destination: Any, destination_type: str, routing_key: str, arguments: Table
    ) -> Binding | None:
        """The binding with these properties, arguments in any order; None when there is none."""
        binding = self.bindings.get((destination, routing_key, canonical(arguments)))
        if binding is None or binding.destination_type != destination_type:
            return None
        return binding

    def unbind(
        self, destination: Any, destination_type: str, routing_key: str, arguments: Table
    ) -> Binding | None:
        """The binding that was removed, None when there was none."""
        binding = self.find(destination, destination_type, routing_key, arguments)
        if binding is not None:
            self.discard(binding)
        return binding

    def discard(self, binding: Binding) -> None:
        """Remove a binding of this exchange."""
        del self.bindings[binding.identity]
        self.exchange_destinations -= binding.destination_type == "exchange"
        self.remove(binding)

    def on_bound(self, binding: Binding) -> Iterable[Routable]:
        """Messages from before that a new binding is due, oldest first; the caller delivers."""
        return ()

    def let_go(self) -> None:
        """It is gone, and so are its bindings: nothing that it has refers to it."""

    # -- what a type does ----------------------------------------------------------------------

    def add(self, binding: Binding) -> None:
        """Take a new binding into account, or raise InvalidArgument and change nothing."""
        raise NotImplementedError

    def remove(self, binding: Binding) -> None:
        """Forget a binding that was added."""
        raise NotImplementedError

    def route(self, message: Routable) -> Collection[Any]:
        """Destinations, in any order, perhaps repeated. Valid until the next change here."""
        raise NotImplementedError

    # -- for the types -------------------------------------------------------------------------

    def _string_argument(self, name: str) -> str | None:
        tag, value = self.arguments.get(name, ("V", None))
        return value if tag == "S" else None


def count_up(counts: Counts, destination: Any) -> None:
    """One more binding leads to `destination`."""
    counts[destination] = counts.get(destination, 0) + 1


def count_down(counts: Counts, destination: Any) -> None:
    """One binding less; the last one takes the destination with it."""
    if counts[destination] == 1:
        del counts[destination]
    else:
        counts[destination] -= 1
