"""Stand-ins for what exchanges are given: queues and messages; exchanges made in a word."""

from dataclasses import dataclass, field
from typing import Any

from exchanges.base import Exchange, Table
from exchanges.registry import EXCHANGE_TYPES

NEEDED_ARGUMENTS: dict[str, Table] = {
    "x-delayed-message": {"x-delayed-type": ("S", "topic")},
    "x-message-deduplication": {"x-cache-size": ("l", 10)},
}


class Queue:
    """A destination; queues are told apart by identity."""

    def __init__(self, name: str = "q", queue_type: str = "classic") -> None:
        self.name = name
        self.arguments: Table = {"x-queue-type": ("S", queue_type)}

    def __repr__(self) -> str:
        return f"<queue {self.name}>"


@dataclass
class Message:
    """A Routable that is its own message."""

    routing_keys: tuple[str, ...] = ("",)
    headers: Table = field(default_factory=dict)
    properties: dict[str, str | int] = field(default_factory=dict)
    message: object | None = "content"

    def property(self, name: str) -> str | int | None:
        return self.properties.get(name)


def message(*keys: str, **more) -> Message:
    return Message(keys or ("",), **more)


def make(exchange_type: str, arguments: Table | None = None, name: str = "x") -> Any:
    """A valid exchange; Any, because tests look into their type's own memory too."""
    arguments = arguments or NEEDED_ARGUMENTS.get(exchange_type, {})
    exchange = EXCHANGE_TYPES[exchange_type](name, True, False, False, arguments)
    exchange.validate()
    return exchange


def bind(exchange: Exchange, destination, key: str = "", arguments: Table | None = None):
    """Bind a queue or exchange, which must not be bound so already."""
    kind = "exchange" if isinstance(destination, Exchange) else "queue"
    binding = exchange.bind(destination, kind, key, arguments or {})
    assert binding is not None
    return binding


def routed(exchange: Exchange, *keys: str, **more) -> set[Any]:
    return set(exchange.route(message(*keys, **more)))
