"""The default exchange: every queue is bound to it by its name, and nothing can change that."""

from collections.abc import Collection, Mapping
from typing import Any

from exchanges.base import Binding, Exchange, InvalidArgument, Routable


class DefaultExchange(Exchange):
    """Routes over the live mapping `queues`, name to queue (spec 6.2)."""

    __slots__ = ("_queues",)

    type = "direct"

    def __init__(self, queues: Mapping[str, Any]) -> None:
        super().__init__("", True, False, False, {})
        self._queues = queues

    def add(self, binding: Binding) -> None:
        raise InvalidArgument("operation not permitted on the default exchange")

    def come_under(self, policy: Any, alternate: str | None) -> None:
        """Whatever the policy says, it has no alternate (spec 6.9)."""
        self.policy = policy

    def route(self, message: Routable) -> Collection[Any]:
        queues = self._queues
        return [queues[key] for key in message.routing_keys if key in queues]
